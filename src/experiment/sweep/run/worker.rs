//! Trials in another process than that which runs the sweep.

use super::parcel::Unpacked;
use super::session::run_trial;
use crate::error::{Error, Result};
use crate::experiment::Workload;
use crate::experiment::sweep::Sweep;
use crate::experiment::sweep::files::journal::trial_lines;
use crate::field::{Precision, Real};
use crate::nn::Judged;
use crate::watch::Watch;

/// A parcel that was opened: it runs any of its trials.
#[derive(Debug)]
pub struct Worker {
    sweep: Sweep,
    load: Load,
}

#[derive(Debug)]
enum Load {
    Single(Ready<f32>),
    Double(Ready<f64>),
}

/// A workload, and what the network gives digitally.
#[derive(Debug)]
struct Ready<T> {
    workload: Workload<'static, T>,
    digital: Judged<T>,
}

impl<T: Real> Ready<T> {
    fn new(unpacked: &Unpacked) -> Result<Self> {
        let Unpacked {
            sweep,
            program,
            data,
            digital,
            ..
        } = unpacked;
        let workload = Workload::new(program, data, sweep.base.score)?.into_owned();
        let digital = workload.scorer().judge(digital.mapv(T::of));
        Ok(Self { workload, digital })
    }
}

impl Worker {
    /// What stands in the bytes of a [`Parcel`](super::Parcel).
    ///
    /// # Errors
    /// [`Error::Value`] if another version of lightloom or another type of CPU packed it, [`Error::Format`] if it is damaged.
    pub fn open(parcel: &[u8]) -> Result<Self> {
        let unpacked = Unpacked::new(parcel)?;
        let load = match unpacked.sweep.point(unpacked.point)?.precision {
            Precision::F32 => Load::Single(Ready::new(&unpacked)?),
            Precision::F64 => Load::Double(Ready::new(&unpacked)?),
        };
        let sweep = unpacked.sweep;
        Ok(Self { sweep, load })
    }

    /// Runs the trials of `rows` one after the other, on as many threads as rayon's current pool has; returns what
    /// [`Session::take`](super::Session::take) takes.
    ///
    /// # Errors
    /// Those of chips that cannot run the program, with the point's settings; [`Error::Stopped`] if `watch` stops it.
    pub fn run(&self, rows: &[usize], watch: &impl Watch) -> Result<Vec<u8>> {
        let trials = rows.iter().map(|&row| {
            if watch.stops() {
                return Err(Error::Stopped);
            }
            if row >= self.sweep.rows() {
                let limit = format!("below {}, the rows of the experiment", self.sweep.rows());
                return Err(Error::value("row", row, limit));
            }
            match &self.load {
                Load::Single(load) => {
                    run_trial(&self.sweep, row, &load.workload, &load.digital, watch)
                }
                Load::Double(load) => {
                    run_trial(&self.sweep, row, &load.workload, &load.digital, watch)
                }
            }
        });
        Ok(trial_lines(trials.collect::<Result<_>>()?))
    }
}
