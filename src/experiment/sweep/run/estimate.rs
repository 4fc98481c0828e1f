//! How long a sweep takes and how much room it needs, from one trial of each kind.

use std::path::Path;
use std::time::Instant;

use super::loaded::Loaded;
use super::notes::Notes;
use super::session::{Group, check_points, groups, run_trial};
use crate::compile::compile;
use crate::error::Result;
use crate::experiment::Workload;
use crate::experiment::sweep::files::difference::check_continues;
use crate::experiment::sweep::files::journal::{self, Journal};
use crate::experiment::sweep::files::output;
use crate::experiment::sweep::{Reference, Shard, Sweep};
use crate::field::{Precision, Real};
use crate::mesh::Correction;

/// What a sweep would take.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Number of points.
    pub points: usize,
    /// Number of trials of this shard.
    pub trials: usize,
    /// Those of them that are not finished.
    pub missing: usize,
    /// Programs that are compiled or read.
    pub programs: usize,
    /// Wall-clock time of what is missing, s.
    pub seconds: f64,
    /// Threads that it is for.
    pub threads: usize,
    /// Most memory at a time, bytes; nothing where the system does not tell.
    pub memory_bytes: Option<u64>,
    /// Room in the folder when all is done, bytes.
    pub disk_bytes: u64,
}

impl Estimate {
    /// Runs one trial of every program, precision and correction of what is missing in `out`, if there is such a folder,
    /// where it writes nothing, and counts the rest by it; `note` is told what [`Session::run`](super::Session::run)
    /// would say.
    ///
    /// # Errors
    /// As [`Session::open`](super::Session::open) and [`Session::run`](super::Session::run).
    pub fn new(
        sweep: &Sweep,
        folder: &Path,
        out: Option<&Path>,
        shard: Shard,
        note: impl Fn(&str),
    ) -> Result<Self> {
        let head = journal::Head::new(sweep.resolved(), sweep.inputs(folder)?, shard.in_head());
        let journal = match out {
            Some(out) => Journal::read(out, |old| {
                check_continues(&out.display().to_string(), old, &head)?;
                Ok([sweep.points(), sweep.trials])
            })?,
            None => None,
        };
        check_points(sweep, folder)?;
        let threads = rayon::current_num_threads().max(1);
        let trials = shard.missing(sweep, None).count();
        let mut estimate = Self {
            points: sweep.points(),
            trials,
            missing: shard.missing(sweep, journal.as_ref()).count(),
            programs: 0,
            seconds: 0.0,
            threads,
            memory_bytes: Some(0),
            disk_bytes: 0,
        };
        let notes = Notes::new(&note);
        let mut loaded = Loaded::new(&notes, &compile);
        let mut largest = 0;
        let mut last = None;
        for group in &groups(sweep, shard.missing(sweep, journal.as_ref()))? {
            let clock = Instant::now();
            if last.as_ref() != Some(&group.point.source) {
                estimate.programs += 1;
                last = Some(group.point.source.clone());
            }
            let (program, data) = loaded.get(sweep, folder, &group.point)?;
            let score = sweep.base.score;
            largest = largest.max(match group.point.precision {
                Precision::F32 => {
                    let workload = Workload::<f32>::new(program, data, score)?;
                    estimate.group(sweep, group, &workload, &notes, clock)
                }
                Precision::F64 => {
                    let workload = Workload::<f64>::new(program, data, score)?;
                    estimate.group(sweep, group, &workload, &notes, clock)
                }
            }?);
        }
        estimate.disk_bytes = (largest * trials) as u64;
        Ok(estimate)
    }

    /// Adds one group; returns bytes that one of its trials takes in the folder.
    fn group<T: Real>(
        &mut self,
        sweep: &Sweep,
        group: &Group,
        workload: &Workload<'_, T>,
        notes: &Notes<'_>,
        clock: Instant,
    ) -> Result<usize> {
        let (reference, digital) = Reference::new(&group.point, workload, None, sweep.seed, &())?;
        notes.add_points(&group.points(sweep)?, workload, &digital);
        self.seconds += clock.elapsed().as_secs_f64();
        let single = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let single = single.expect("a thread can be started");
        // Corrections take very different times, so that each of them is tried.
        let mut kinds: Vec<(Correction, Vec<usize>)> = Vec::new();
        for &row in &group.rows {
            let correction = sweep.point(row / sweep.trials)?.correction;
            match kinds.iter_mut().find(|(known, _)| *known == correction) {
                Some((_, rows)) => rows.push(row),
                None => kinds.push((correction, vec![row])),
            }
        }
        let mut bytes = 0;
        for (_, rows) in kinds {
            // The last point is the one with the largest effects of ascending axes.
            let row = *rows.last().expect("a kind has a row");
            let before = memory::resident();
            memory::reset_peak();
            let clock = Instant::now();
            let record = single.install(|| run_trial(sweep, row, workload, &digital, &()))?;
            let seconds = clock.elapsed().as_secs_f64();
            let workers = self.threads.min(rows.len());
            self.seconds += seconds * (rows.len() as f64 / workers as f64).ceil();
            self.memory_bytes = match (self.memory_bytes, before, memory::peak()) {
                (Some(most), Some(before), Some(peak)) => {
                    let chip = peak.saturating_sub(before);
                    Some(most.max(before + chip * self.threads as u64))
                }
                _ => None,
            };
            let here = journal::line_bytes(&record) + output::bytes_of(sweep, &record, &reference);
            bytes = bytes.max(here);
        }
        Ok(bytes)
    }
}

/// Memory of this process, from Linux's `/proc`.
mod memory {
    fn status(key: &str) -> Option<u64> {
        let text = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(1024 * kilobytes)
    }

    /// Resident now, bytes.
    pub(super) fn resident() -> Option<u64> {
        status("VmRSS:")
    }

    /// Most that was resident since [`reset_peak`], bytes.
    pub(super) fn peak() -> Option<u64> {
        status("VmHWM:")
    }

    pub(super) fn reset_peak() {
        // Where this is not allowed, the peak is that of the process so far, which is no less.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
    }
}
