//! The journal of finished trials, from which a sweep goes on after it was stopped at any moment.
//!
//! One line an entry: sixteen hexadecimal digits of the SHA-256 of what follows, a space, and a JSON object. The first
//! line is the [`Head`]: what the trials are of. A later one is the same with more trials. A line is written by one
//! call. The last one may be torn by a kill and is then dropped; any other that is not what its digits say is damaged:
//! it alone is left out, and what it held is computed again.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::{Context, Error, Result};
use crate::experiment::Trial;
use crate::experiment::rows::InputFile;
use crate::experiment::sweep::{Reference, Sweep};
use crate::hardware::Hardware;
use crate::io::hash::sha256;
use crate::rng::DRAWS;

/// Its name in the folder of a sweep.
pub(crate) const NAME: &str = "trials.journal";
/// The version of its format.
const VERSION: u32 = 2;
/// Digits of the hash in front of a line.
const DIGITS: usize = 16;
/// How long lines may wait for being forced to the disk. A killed process loses none; a machine without power may.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// Stands for a trial that is not there.
const NONE: u64 = u64::MAX;

/// What the trials of a journal are of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    /// Version of the journal's format.
    pub version: u32,
    /// Version of lightloom.
    pub lightloom: String,
    /// Version of its random numbers, [`DRAWS`].
    pub draws: u32,
    /// The experiment as resolved.
    pub experiment: String,
    /// The files that it reads.
    pub inputs: Vec<InputFile>,
    /// Which share of the trials, `[1, 4]` for the first of four; null for all.
    pub shard: Option<[usize; 2]>,
}

impl Head {
    pub(crate) fn new(
        experiment: String,
        inputs: Vec<InputFile>,
        shard: Option<[usize; 2]>,
    ) -> Self {
        Self {
            version: VERSION,
            lightloom: env!("CARGO_PKG_VERSION").to_owned(),
            draws: DRAWS,
            experiment,
            inputs,
            shard,
        }
    }

    /// The sweep that its trials are of.
    pub(crate) fn sweep(&self) -> Result<Sweep> {
        // Hardware stands in it in full.
        Sweep::parse(&self.experiment, "", |_| Ok(Hardware::default()))
    }

    /// SHA-256 of what decides the results: versions, experiment, inputs; not the shard.
    pub(crate) fn sha256(&self) -> String {
        let whole = Self {
            shard: None,
            ..self.clone()
        };
        sha256(&serde_json::to_vec(&whole).expect("a head is JSON"))
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Entry {
    Head(Head),
    /// The kind of CPU on which the trials behind it ran.
    Cpu(String),
    Reference(Box<Reference>),
    Trial(Trial),
    /// The user was told of all damaged lines before it.
    Told(()),
}

impl Entry {
    fn line(&self) -> Vec<u8> {
        let json = serde_json::to_string(self).expect("an entry is JSON");
        format!("{} {json}\n", &sha256(json.as_bytes())[..DIGITS]).into_bytes()
    }

    /// The entry of a whole line; nothing if it is not what was written.
    fn parse(line: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
        let (digits, json) = line.split_once(' ')?;
        if digits != &sha256(json.as_bytes())[..DIGITS] {
            return None;
        }
        serde_json::from_str(json).ok()
    }

    /// The entry at the end of a damaged line that has lost its line end, or the beginning of the next, and where it
    /// begins.
    fn at_end(line: &[u8]) -> Option<(usize, Self)> {
        let starts = line.windows(3).enumerate().skip(DIGITS);
        let mut starts = starts.filter(|(_, window)| window == b" {\"");
        starts.find_map(|(space, _)| {
            let start = space - DIGITS;
            Some((start, Self::parse(&line[start..])?))
        })
    }
}

/// What stands in a journal.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    head: Head,
    /// Kinds of CPU that trials ran on.
    cpus: BTreeSet<String>,
    references: Vec<Reference>,
    /// Where the line of every trial begins, by row.
    offsets: Vec<u64>,
    trials: usize,
    /// Numbers of damaged lines, from 1, that the user was not told of.
    damaged: Vec<usize>,
    /// Whether no trial was ever written, not even one whose line is damaged.
    is_empty: bool,
    /// Bytes that are whole lines.
    end: u64,
}

/// A journal that is written.
#[derive(Debug)]
pub(crate) struct Writer {
    pub journal: Journal,
    /// Locked for as long as it is open.
    file: File,
    synced: Instant,
}

impl Journal {
    /// Whether there is one in `folder`.
    pub(crate) fn stands_in(folder: &Path) -> bool {
        folder.join(NAME).exists()
    }

    /// Reads the journal in `folder`, for experiments of `points × trials` rows as its head says; nothing if there is
    /// none.
    pub(crate) fn read(
        folder: &Path,
        shape: impl Fn(&Head) -> Result<[usize; 2]>,
    ) -> Result<Option<Self>> {
        let path = folder.join(NAME);
        match File::open(&path) {
            Ok(file) => Self::scan(&path, &file, shape),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::io(path, source)),
        }
    }

    /// Reads the journal in `folder` whatever its experiment, with that experiment; nothing if there is none.
    pub(crate) fn of_any(folder: &Path) -> Result<Option<(Sweep, Self)>> {
        let shape = |head: &Head| {
            let sweep = head.sweep().within(folder.display())?;
            Ok([sweep.points(), sweep.trials])
        };
        match Self::read(folder, shape)? {
            Some(journal) => Ok(Some((journal.head().sweep()?, journal))),
            None => Ok(None),
        }
    }

    /// Nothing if not even the head is whole.
    fn scan(
        path: &Path,
        file: &File,
        shape: impl Fn(&Head) -> Result<[usize; 2]>,
    ) -> Result<Option<Self>> {
        let io = |source| Error::io(path, source);
        let mut reader = BufReader::new(file);
        reader.seek(SeekFrom::Start(0)).map_err(io)?;
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).map_err(io)?;
        let head = match Entry::parse(&line) {
            Some(Entry::Head(head)) if head.version == VERSION => head,
            // A process was killed while it wrote its first line.
            _ if line.last() != Some(&b'\n') => return Ok(None),
            _ => {
                let what = "is not a journal of this version of lightloom: give another --out";
                return Err(Error::format(path.display().to_string(), what));
            }
        };
        let [points, trials] = shape(&head)?;
        let mut journal = Self {
            path: path.to_owned(),
            head,
            cpus: BTreeSet::new(),
            references: Vec::new(),
            offsets: vec![NONE; points * trials],
            trials,
            damaged: Vec::new(),
            is_empty: true,
            end: line.len() as u64,
        };
        for number in 2.. {
            line.clear();
            reader.read_until(b'\n', &mut line).map_err(io)?;
            // The end, or what a killed process left of its last line.
            if line.last() != Some(&b'\n') {
                break;
            }
            let found = match Entry::parse(&line) {
                Some(entry) => Some((0, entry)),
                None => {
                    journal.damaged.push(number);
                    journal.is_empty = false;
                    Entry::at_end(&line)
                }
            };
            let Some((start, entry)) = found else {
                journal.end += line.len() as u64;
                continue;
            };
            if let Entry::Head(head) = &entry {
                let [_, trials] = shape(head)?;
                journal.grow(points, trials);
            }
            journal.end += start as u64;
            journal.take(entry, line.len() - start);
        }
        Ok(Some(journal))
    }

    /// Notes an entry of `length` bytes behind the last one.
    fn take(&mut self, entry: Entry, length: usize) {
        match entry {
            Entry::Trial(record) => {
                self.is_empty = false;
                let row = self.row(record.point, record.trial);
                if let Some(offset) = row.and_then(|row| self.offsets.get_mut(row)) {
                    *offset = self.end;
                }
            }
            Entry::Reference(reference) => self.references.push(*reference),
            Entry::Cpu(cpu) => {
                self.cpus.insert(cpu);
            }
            Entry::Head(head) => self.head = head,
            Entry::Told(()) => {
                self.is_empty = false;
                self.damaged.clear();
            }
        }
        self.end += length as u64;
    }

    /// Makes room for `trials` of every point.
    fn grow(&mut self, points: usize, trials: usize) {
        let mut offsets = vec![NONE; points * trials];
        let common = trials.min(self.trials);
        let old = self.offsets.chunks(self.trials);
        for (new, old) in offsets.chunks_mut(trials).zip(old) {
            new[..common].copy_from_slice(&old[..common]);
        }
        (self.offsets, self.trials) = (offsets, trials);
    }

    fn row(&self, point: usize, trial: usize) -> Option<usize> {
        (trial < self.trials).then(|| point * self.trials + trial)
    }

    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    pub(crate) fn cpus(&self) -> &BTreeSet<String> {
        &self.cpus
    }

    pub(crate) fn references(&self) -> &[Reference] {
        &self.references
    }

    /// Numbers of damaged lines, from 1, that the user was not told of.
    pub(crate) fn damaged(&self) -> &[usize] {
        &self.damaged
    }

    /// Whether no trial was ever written, not even one whose line is damaged.
    pub(crate) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Whether the trial of `row` is finished.
    pub(crate) fn has(&self, row: usize) -> bool {
        self.offsets[row] != NONE
    }

    /// The finished trials of `rows`, in that order, read one at a time.
    pub(crate) fn records(
        &self,
        rows: impl Iterator<Item = usize>,
    ) -> Result<impl Iterator<Item = Result<Trial>>> {
        let io = |source| Error::io(&self.path, source);
        let mut reader = BufReader::new(File::open(&self.path).map_err(io)?);
        let mut position = 0;
        let mut line = Vec::new();
        Ok(rows.filter(|row| self.has(*row)).map(move |row| {
            let offset = self.offsets[row];
            reader
                .seek_relative(offset as i64 - position as i64)
                .map_err(io)?;
            line.clear();
            let count = reader.read_until(b'\n', &mut line).map_err(io)?;
            position = offset + count as u64;
            match Entry::parse(&line) {
                Some(Entry::Trial(record)) => Ok(record),
                _ => {
                    let what = "was changed while it was read: must be written by one process";
                    Err(Error::format(self.path.display().to_string(), what))
                }
            }
        }))
    }
}

/// Empties `file` and writes `head`.
fn begin(path: &Path, file: &mut File, head: &Head, rows: [usize; 2]) -> Result<Journal> {
    let io = |source| Error::io(path, source);
    file.set_len(0).map_err(io)?;
    file.write_all(&Entry::Head(head.clone()).line())
        .map_err(io)?;
    file.sync_all().map_err(io)?;
    let journal = Journal::scan(path, file, |_| Ok(rows))?;
    Ok(journal.expect("the head was just written"))
}

impl Drop for Writer {
    /// Lets go of the lock, which a child process that inherited the file would hold on to.
    fn drop(&mut self) {
        // Where there was none, there is none to let go.
        let _ = self.file.unlock();
    }
}

impl Writer {
    /// Opens the journal in `folder` for `points × trials` rows, or begins one under `head`. Its own head is kept where
    /// there is one.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] if another process writes it.
    pub(crate) fn open(folder: &Path, head: &Head, [points, trials]: [usize; 2]) -> Result<Self> {
        let path = folder.join(NAME);
        let io = |source| Error::io(&path, source);
        let mut options = File::options();
        let mut file = options
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(io)?;
        // Where the file system knows no locks, the user must see to it.
        if let Err(std::fs::TryLockError::WouldBlock) = file.try_lock() {
            let what = "is being written by another process: wait for it, or give another --out";
            return Err(Error::format(path.display().to_string(), what));
        }
        let journal = match Journal::scan(&path, &file, |_| Ok([points, trials]))? {
            Some(journal) => journal,
            None => {
                let line = Entry::Head(head.clone()).line();
                // Only the beginning of this very line is written over: anything else is not ours.
                let mut begun = Vec::new();
                file.rewind().map_err(io)?;
                Read::by_ref(&mut file)
                    .take(line.len() as u64)
                    .read_to_end(&mut begun)
                    .map_err(io)?;
                if !line.starts_with(&begun) {
                    let what = "is not a journal of this experiment: give another --out";
                    return Err(Error::format(path.display().to_string(), what));
                }
                begin(&path, &mut file, head, [points, trials])?
            }
        };
        Ok(Self {
            journal,
            file,
            synced: Instant::now(),
        })
    }

    /// Empties the journal and begins another one under `head`.
    pub(crate) fn begin(&mut self, head: &Head, rows: [usize; 2]) -> Result<()> {
        let path = self.journal.path.clone();
        self.journal = begin(&path, &mut self.file, head, rows)?;
        Ok(())
    }

    /// Drops what a killed process left of its last line.
    pub(crate) fn truncate(&self) -> Result<()> {
        let io = |source| Error::io(&self.journal.path, source);
        self.file.set_len(self.journal.end).map_err(io)
    }

    pub(crate) fn append(&mut self, entry: Entry) -> Result<()> {
        let io = |source| Error::io(&self.journal.path, source);
        let line = entry.line();
        self.file.write_all(&line).map_err(io)?;
        self.journal.take(entry, line.len());
        if self.synced.elapsed() > SYNC_EVERY {
            self.sync()?;
        }
        Ok(())
    }

    pub(crate) fn sync(&mut self) -> Result<()> {
        self.synced = Instant::now();
        let io = |source| Error::io(&self.journal.path, source);
        self.file.sync_data().map_err(io)
    }
}

/// Writes a whole journal: head, kinds of CPU, references, and `records`.
pub(super) fn write_whole(
    mut writer: impl Write,
    head: &Head,
    cpus: &BTreeSet<String>,
    references: &[Reference],
    records: impl Iterator<Item = Result<Trial>>,
) -> Result<()> {
    let first = std::iter::once(Entry::Head(head.clone()));
    let cpus = cpus.iter().cloned().map(Entry::Cpu);
    let references = references
        .iter()
        .cloned()
        .map(Box::new)
        .map(Entry::Reference);
    let trials = records.map(|record| record.map(Entry::Trial));
    for entry in first.chain(cpus).chain(references).map(Ok).chain(trials) {
        let line = entry?.line();
        writer
            .write_all(&line)
            .map_err(|source| Error::io(NAME, source))?;
    }
    Ok(())
}

/// The journal's lines of `trials`.
pub(crate) fn trial_lines(trials: Vec<Trial>) -> Vec<u8> {
    let lines = trials.into_iter().map(|trial| Entry::Trial(trial).line());
    lines.collect::<Vec<_>>().concat()
}

/// The trials of whole lines that [`trial_lines`] made; nothing if they are none.
pub(crate) fn trials_of(lines: &[u8]) -> Option<Vec<Trial>> {
    let lines = lines.split_inclusive(|byte| *byte == b'\n');
    let trials = lines.map(|line| match Entry::parse(line) {
        Some(Entry::Trial(trial)) => Some(trial),
        _ => None,
    });
    trials.collect()
}

/// Bytes of the journal's line of a trial.
pub(crate) fn line_bytes(record: &Trial) -> usize {
    Entry::Trial(record.clone()).line().len()
}

/// Whether there is a journal in `folder`.
pub(super) fn is_in(folder: &Path) -> bool {
    folder.join(NAME).exists()
}

#[cfg(test)]
mod tests;
