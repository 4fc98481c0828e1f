//! Entries that are whole, torn and damaged.

use super::*;
use crate::error::compare::golden;
use crate::experiment::LayerTrial;
use crate::experiment::stats::PairedTable;
use crate::nn::Worth;

fn head() -> Head {
    Head::new("name = \"a\"\n".into(), Vec::new(), None)
}

fn record(point: usize, trial: usize) -> Trial {
    let layer = |matrix_error, weighted_error| LayerTrial {
        matrix_error,
        read_error: Some(1e-300),
        weighted_error,
        loss_db: Some(0.0),
        unreachable_mzis: None,
    };
    Trial {
        point,
        trial,
        seconds: 0.5,
        samples: 10,
        worth: Worth {
            accuracy: Some(0.4),
            agreement: Some(0.5),
            ..Worth::default()
        },
        paired: Some(PairedTable::of_counts([1, 2, 3, 4])),
        layers: vec![layer(Some(0.1), None), layer(None, Some(0.1))],
        confusion: vec![(0, 1, 2)],
    }
}

/// Cuts and spoils a journal of four trials at every byte: what is read back is what was written, but for the line
/// that was hit.
#[test]
fn a_journal_cut_or_spoilt_anywhere_keeps_all_sound_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    {
        let mut writer = Writer::open(folder.path(), &head(), [2, 2]).unwrap();
        for (point, trial) in [(1, 0), (0, 0), (1, 1), (0, 1)] {
            writer.append(Entry::Trial(record(point, trial))).unwrap();
        }
    }
    let good = std::fs::read(&path).unwrap();
    let rows_in_order = [2, 0, 3, 1];
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let writer = Writer::open(folder.path(), &head(), [2, 2]);
        let Ok(writer) = writer else { return None };
        writer.truncate().unwrap();
        let has = rows_in_order.map(|row| writer.journal.has(row));
        for record in writer.journal.records(0..4).unwrap() {
            let read = record.unwrap();
            assert_eq!(read, self::record(read.point, read.trial));
        }
        Some((has, writer.journal.damaged().to_vec()))
    };
    assert_eq!(read(&good), Some(([true; 4], vec![])));
    let ends: Vec<usize> = (0..good.len()).filter(|i| good[*i] == b'\n').collect();
    let first_lines = (0..ends[0]).step_by(16);
    for length in first_lines.chain(ends[0]..good.len()) {
        let whole = ends.iter().filter(|end| **end < length).count();
        let has = [0, 1, 2, 3].map(|line| line + 1 < whole);
        assert_eq!(read(&good[..length]), Some((has, vec![])), "{length}");
    }
    for position in ends[0] + 1..good.len() {
        let mut bad = good.clone();
        bad[position] ^= 1;
        let hit = ends.iter().filter(|end| **end < position).count();
        let has = [0, 1, 2, 3].map(|line| line + 1 != hit);
        // Without its line end the last line is a torn one.
        let damaged = match position + 1 == good.len() {
            true => vec![],
            false => vec![hit + 1],
        };
        assert_eq!(read(&bad), Some((has, damaged)), "{position}");
    }
    // A first line that is whole and wrong is somebody else's file.
    let mut bad = good.clone();
    bad[3] ^= 1;
    assert_eq!(read(&bad), None);
    assert_eq!(std::fs::read(&path).unwrap(), bad);
}

#[test]
fn two_processes_cannot_write_one_journal() {
    let folder = tempfile::tempdir().unwrap();
    let first = Writer::open(folder.path(), &head(), [1, 1]).unwrap();
    let error = Writer::open(folder.path(), &head(), [1, 1]).unwrap_err();
    let place = folder.path().display().to_string();
    golden(
        "a second writer",
        error.to_string().replace(&place, "FOLDER"),
    );
    drop(first);
    assert!(Writer::open(folder.path(), &head(), [1, 1]).is_ok());
}
