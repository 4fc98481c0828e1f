//! What another process needs for trials, as bytes: experiment, program, data, digital outputs.
//!
//! Two lines of JSON say who packed it and what is inside; the numbers follow as they lie in memory, little-endian.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::tasks::Tasks;
use crate::compile::Program;
use crate::error::{Error, Result};
use crate::experiment::Trial;
use crate::experiment::sweep::Sweep;
use crate::experiment::sweep::files::journal::trials_of;
use crate::field::{InstructionSet, Real};
use crate::hardware::Hardware;
use crate::io::Source;
use crate::io::hash::sha256;
use crate::nn::{Dataset, Judged, Selection};
use crate::rng::DRAWS;

/// All that trials of one program and one data set need, and which of them are to be run.
#[derive(Debug)]
pub struct Parcel {
    bytes: Vec<u8>,
    key: String,
    /// Rows of all trials, in order.
    rows: Vec<usize>,
    trials: usize,
    tasks: Tasks,
}

/// Who packed a parcel: whoever opens it must be the same, or bits of results would differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Packer {
    lightloom: String,
    draws: u32,
    cpu: String,
}

impl Packer {
    fn this() -> Self {
        Self {
            lightloom: env!("CARGO_PKG_VERSION").to_owned(),
            draws: DRAWS,
            cpu: InstructionSet::best().name().to_owned(),
        }
    }

    /// Fails unless this process computes what the packer does, to the bit.
    fn check(&self, this: &Self) -> Result<()> {
        let limit = |which: &str, theirs: &dyn std::fmt::Display| {
            format!("{theirs}, {which} of the process that runs the sweep")
        };
        if self.lightloom != this.lightloom {
            let limit = limit("that", &self.lightloom);
            return Err(Error::value(
                "lightloom of a worker",
                &this.lightloom,
                limit,
            ));
        }
        if self.draws != this.draws {
            let limit = limit("those", &self.draws);
            return Err(Error::value(
                "random numbers of a worker",
                this.draws,
                limit,
            ));
        }
        if self.cpu != this.cpu {
            let limit = format!(
                "{}: the last bits of results differ by the type of CPU; shards and `lightloom merge` allow both",
                limit("that", &self.cpu)
            );
            return Err(Error::value("type of CPU of a worker", &this.cpu, limit));
        }
        Ok(())
    }
}

/// What a parcel holds behind its two lines, in this order.
#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    /// The experiment as resolved.
    experiment: String,
    /// One of the points whose trials it is for.
    point: usize,
    /// Bytes of the files of program and data.
    program: usize,
    data: usize,
    /// Numbers of samples and of outputs.
    samples: usize,
    outputs: usize,
}

/// What stands in a parcel.
pub(super) struct Unpacked {
    pub(super) sweep: Sweep,
    pub(super) point: usize,
    pub(super) program: Program,
    pub(super) data: Dataset,
    /// What the network gives digitally, `[sample, output]`.
    pub(super) digital: Array2<f64>,
}

impl Parcel {
    /// The trials of `rows` of `sweep`, which send `data` through `program` and are compared with `digital`.
    pub(super) fn pack<T: Real>(
        sweep: &Sweep,
        rows: &[usize],
        program: &Program,
        data: &Dataset,
        digital: &Judged<T>,
    ) -> Result<Self> {
        let (mut program_file, mut data_file) = (Vec::new(), Vec::new());
        program.write(&mut program_file)?;
        data.write(&mut data_file)?;
        let contents = Contents {
            experiment: sweep.resolved(),
            point: rows[0] / sweep.trials,
            program: program_file.len(),
            data: data_file.len(),
            samples: data.len(),
            outputs: digital.outputs.ncols(),
        };
        let outputs = flat(&digital.outputs, |y| y.double().to_le_bytes());
        let mut bytes = Vec::new();
        line(&mut bytes, &Packer::this());
        line(&mut bytes, &contents);
        for part in [program_file, data_file, outputs] {
            bytes.extend(part);
        }
        Ok(Self {
            key: sha256(&bytes),
            bytes,
            rows: rows.to_vec(),
            trials: sweep.trials,
            tasks: Tasks::new(sweep, rows)?,
        })
    }

    /// What [`Worker::open`](super::Worker::open) opens.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Their SHA-256.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The rows of the next task, of about a second, for one of `workers`; nothing where all are handed out.
    pub fn next_task(&mut self, workers: usize) -> Option<Vec<usize>> {
        self.tasks.next(workers)
    }

    /// The trials that a worker returned.
    pub(super) fn received(&mut self, lines: &[u8]) -> Result<Vec<Trial>> {
        let wrong = |what: &str| Error::format("what a worker returned", what);
        let trials = trials_of(lines).ok_or_else(|| wrong("is no trials, or is cut short"))?;
        for trial in &trials {
            let row = trial.point * self.trials + trial.trial;
            if trial.trial >= self.trials || self.rows.binary_search(&row).is_err() {
                return Err(wrong("is a trial that it was not asked for"));
            }
            self.tasks.measured(row, trial.seconds);
        }
        Ok(trials)
    }
}

impl Unpacked {
    /// What stands in the `bytes` of a parcel.
    pub(super) fn new(bytes: &[u8]) -> Result<Self> {
        let damaged = || Error::format("parcel", "is damaged, or was packed by another lightloom");
        let mut rest = Rest(bytes);
        let packer: Packer = rest.line().ok_or_else(damaged)?;
        packer.check(&Packer::this())?;
        let contents: Contents = rest.line().ok_or_else(damaged)?;
        let program = rest.take(contents.program).ok_or_else(damaged)?;
        let program = Program::read(&Source::new("program", program))?;
        let data = rest.take(contents.data).ok_or_else(damaged)?;
        let data = Dataset::read(Source::new("data", data), Selection::default())?;
        let shape = (contents.samples, contents.outputs);
        let digital = rest.array(shape, f64::from_le_bytes);
        let digital = digital.filter(|_| rest.0.is_empty() && data.len() == contents.samples);
        let digital = digital.ok_or_else(damaged)?;
        Ok(Self {
            sweep: Sweep::parse(&contents.experiment, "", |_| Ok(Hardware::default()))?,
            point: contents.point,
            program,
            data,
            digital,
        })
    }
}

/// `array` row by row.
fn flat<T: Copy, const N: usize>(array: &Array2<T>, bytes: fn(T) -> [u8; N]) -> Vec<u8> {
    array.iter().flat_map(|x| bytes(*x)).collect()
}

fn line(bytes: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(&mut *bytes, value).expect("it is JSON");
    bytes.push(b'\n');
}

/// What is not read of a parcel.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (part, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(part)
    }

    fn line<T: Deserialize<'a>>(&mut self) -> Option<T> {
        let end = self.0.iter().position(|byte| *byte == b'\n')?;
        serde_json::from_slice(self.take(end + 1)?).ok()
    }

    fn array<T, const N: usize>(
        &mut self,
        shape: (usize, usize),
        number: fn([u8; N]) -> T,
    ) -> Option<Array2<T>> {
        let bytes = self.take(shape.0.checked_mul(shape.1)?.checked_mul(N)?)?;
        let (numbers, _) = bytes.as_chunks::<N>();
        Array2::from_shape_vec(shape, numbers.iter().copied().map(number).collect()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::golden;

    #[test]
    fn a_worker_that_computes_otherwise_is_refused_in_one_sentence() {
        let packer = Packer {
            lightloom: "1.2.3".into(),
            draws: 4,
            cpu: "x86-64-v3".into(),
        };
        assert!(packer.check(&packer).is_ok());
        let other = Packer {
            lightloom: "1.2.4".into(),
            ..packer.clone()
        };
        golden(
            "a worker of another version",
            packer.check(&other).unwrap_err(),
        );
        let other = Packer {
            draws: 3,
            ..packer.clone()
        };
        golden(
            "a worker of other random numbers",
            packer.check(&other).unwrap_err(),
        );
        let other = Packer {
            cpu: "neon".into(),
            ..packer.clone()
        };
        golden("a worker on another CPU", packer.check(&other).unwrap_err());
    }
}
