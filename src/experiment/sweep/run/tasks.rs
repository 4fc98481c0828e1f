//! Trials in tasks of about a second.

use crate::experiment::sweep::Sweep;
use crate::mesh::Correction;

/// How long a task should last: what an executor costs for each is little beside it, and a killed worker loses no more.
const TASK_SECONDS: f64 = 1.0;

/// Rows that are handed out in tasks, as long as trials are measured to take.
#[derive(Debug)]
pub(super) struct Tasks {
    trials: usize,
    /// Rows that are not handed out, the next one last.
    rows: Vec<usize>,
    /// The correction of every point, which says how long a trial takes.
    corrections: Vec<Correction>,
    paces: Vec<Pace>,
}

/// How long trials of one correction take.
#[derive(Debug)]
struct Pace {
    correction: Correction,
    /// Number of rows that are not handed out.
    left: usize,
    /// Number of trials that were measured, and their time, s.
    measured: usize,
    seconds: f64,
}

impl Pace {
    /// Time of one trial, s; nothing before the first one.
    fn of_one(&self) -> Option<f64> {
        (self.measured > 0).then(|| self.seconds / self.measured as f64)
    }
}

impl Tasks {
    /// All of `rows`, trials of points of `sweep`.
    pub(super) fn new(sweep: &Sweep, rows: &[usize]) -> crate::error::Result<Self> {
        let points = (0..sweep.points()).map(|number| Ok(sweep.point(number)?.correction));
        let mut tasks = Self {
            trials: sweep.trials,
            rows: rows.iter().rev().copied().collect(),
            corrections: points.collect::<crate::error::Result<_>>()?,
            paces: Vec::new(),
        };
        for row in rows {
            tasks.pace(*row).left += 1;
        }
        Ok(tasks)
    }

    /// The pace of trials like that of `row`.
    fn pace(&mut self, row: usize) -> &mut Pace {
        let correction = self.corrections[row / self.trials];
        let known = self
            .paces
            .iter()
            .position(|pace| pace.correction == correction);
        let index = known.unwrap_or_else(|| {
            self.paces.push(Pace {
                correction,
                left: 0,
                measured: 0,
                seconds: 0.0,
            });
            self.paces.len() - 1
        });
        &mut self.paces[index]
    }

    /// The rows of the next task for one of `workers`; nothing where all are handed out.
    ///
    /// A row of unknown pace is a task of its own. Towards the end tasks become shorter, so that all workers end together.
    pub(super) fn next(&mut self, workers: usize) -> Option<Vec<usize>> {
        let left = self.paces.iter();
        let left: f64 = left
            .filter_map(|pace| Some(pace.of_one()? * pace.left as f64))
            .sum();
        let most = TASK_SECONDS.min(left / (2 * workers.max(1)) as f64);
        let mut task = Vec::new();
        let mut seconds = 0.0;
        while let Some(&row) = self.rows.last() {
            let pace = self.pace(row);
            seconds += pace.of_one().unwrap_or(f64::INFINITY);
            if !task.is_empty() && seconds > most {
                break;
            }
            pace.left -= 1;
            self.rows.pop();
            task.push(row);
        }
        (!task.is_empty()).then_some(task)
    }

    /// A trial of `row` took so many seconds.
    pub(super) fn measured(&mut self, row: usize, seconds: f64) {
        let pace = self.pace(row);
        pace.measured += 1;
        pace.seconds += seconds;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::Hardware;

    fn tasks(correct: &str, trials: usize) -> Tasks {
        let text = format!(
            "network = \"n\"\ndata = \"d\"\ntrials = {trials}\n[axes]\ncorrect = {correct}\n"
        );
        let sweep = Sweep::parse(&text, "e", |_| Ok(Hardware::default())).unwrap();
        let rows: Vec<usize> = (0..sweep.rows()).collect();
        Tasks::new(&sweep, &rows).unwrap()
    }

    #[test]
    fn every_row_is_handed_out_once_in_order() {
        let mut tasks = tasks("[\"none\", \"local\"]", 50);
        let mut rows = Vec::new();
        while let Some(task) = tasks.next(2) {
            for row in &task {
                tasks.measured(*row, 0.1);
            }
            rows.extend(task);
        }
        assert_eq!(rows, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_task_lasts_a_second_once_a_trial_was_measured() {
        let mut tasks = tasks("[\"none\"]", 1000);
        assert_eq!(tasks.next(2), Some(vec![0]));
        assert_eq!(tasks.next(2), Some(vec![1]));
        tasks.measured(0, 0.1);
        assert_eq!(tasks.next(2).unwrap().len(), 10);
        tasks.measured(1, 0.3);
        assert_eq!(tasks.next(2).unwrap().len(), 5);
        // A trial that lasts longer is a task.
        tasks.measured(2, 10.0);
        assert_eq!(tasks.next(2).unwrap().len(), 1);
    }

    #[test]
    fn the_last_tasks_are_shorter() {
        let mut tasks = tasks("[\"none\"]", 9);
        tasks.next(2);
        tasks.measured(0, 0.25);
        // 8 trials of 0.25 s are left: half a second for each of two workers, twice.
        let mut lengths = Vec::new();
        while let Some(task) = tasks.next(2) {
            lengths.push(task.len());
        }
        assert_eq!(lengths, [2, 1, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn a_correction_without_a_measure_is_tried_alone() {
        let mut tasks = tasks("[\"none\", \"fit\"]", 40);
        tasks.next(1);
        tasks.measured(0, 0.05);
        // The first forty rows are those of the pace that is known.
        while let Some(task) = tasks.next(1) {
            let is_known = task.iter().all(|row| *row < 40);
            assert!(is_known || task.len() == 1, "{task:?}");
        }
    }
}
