//! The outputs of all chips, kept.

use std::sync::Mutex;

use ndarray::{Array1, Array2, Array3, Axis, s};

use super::{Whose, Workload};
use crate::error::{Error, Result};
use crate::field::Real;
use crate::io::npy::{Element, NpzWriter};
use crate::nn::Judged;

/// Most bytes of all arrays together.
const BYTES_LIMIT: usize = 4 << 30;

/// The outputs of the digital network, the perfect chip and all chips, and the classes that they say.
#[derive(Debug)]
pub struct Predictions<T> {
    arrays: Mutex<Arrays<T>>,
}

#[derive(Debug)]
struct Arrays<T> {
    /// `[sample, output]`.
    digital: Array2<T>,
    ideal: Array2<T>,
    /// `[trial, sample, output]`.
    chips: Array3<T>,
    classes: Option<Classes>,
}

#[derive(Debug)]
struct Classes {
    /// `[sample]`.
    digital: Array1<i64>,
    ideal: Array1<i64>,
    /// `[trial, sample]`.
    chips: Array2<i64>,
}

/// The number of a class in a file; of an output that is none, -1.
fn number(class: usize) -> i64 {
    i64::try_from(class).unwrap_or(-1)
}

/// Chips, samples and outputs of an archive of [`Predictions::npz`] whose arrays have these shapes; nothing of another one.
pub fn predictions_in<'a>(shape: impl Fn(&str) -> Option<&'a [usize]>) -> Option<[usize; 3]> {
    let [chips, samples, outputs] = *shape("chips")? else {
        return None;
    };
    let is_whole = ["digital", "ideal"]
        .into_iter()
        .all(|name| shape(name) == Some(&[samples, outputs]));
    is_whole.then_some([chips, samples, outputs])
}

impl<T: Real> Predictions<T> {
    /// Room for the outputs of `trials` chips on `workload`.
    ///
    /// # Errors
    /// [`Error::Value`] if they take more than 4 GiB.
    pub fn new(workload: &Workload<'_, T>, trials: usize) -> Result<Self> {
        let (samples, outputs) = (workload.samples(), workload.program().network().classes());
        let has_classes = workload.scorer().labels().is_some();
        let of_sample = outputs * size_of::<T>() + usize::from(has_classes) * size_of::<i64>();
        let bytes = (trials + 2)
            .saturating_mul(samples)
            .saturating_mul(of_sample);
        if bytes > BYTES_LIMIT {
            let limit = format!(
                "at most {BYTES_LIMIT}: fewer trials, or fewer samples (--limit), than {trials} and {samples}"
            );
            return Err(Error::value("bytes of all predictions", bytes, limit));
        }
        Ok(Self {
            arrays: Mutex::new(Arrays {
                digital: Array2::zeros((samples, outputs)),
                ideal: Array2::zeros((samples, outputs)),
                chips: Array3::zeros((trials, samples, outputs)),
                classes: has_classes.then(|| Classes {
                    digital: Array1::zeros(samples),
                    ideal: Array1::zeros(samples),
                    chips: Array2::zeros((trials, samples)),
                }),
            }),
        })
    }

    /// Keeps the outputs of `whose`.
    ///
    /// # Panics
    /// If there is no such chip, or it is not one of this workload.
    pub fn keep(&self, whose: Whose, judged: &Judged<T>) {
        let mut arrays = self.arrays.lock().expect("nothing panics while it is held");
        let Arrays {
            digital,
            ideal,
            chips,
            classes,
        } = &mut *arrays;
        match whose {
            Whose::Digital => digital.assign(&judged.outputs),
            Whose::Ideal => ideal.assign(&judged.outputs),
            Whose::Chip(trial) => chips.index_axis_mut(Axis(0), trial).assign(&judged.outputs),
        }
        if let (Some(classes), Some(found)) = (classes, &judged.classes) {
            let found: Array1<i64> = found.iter().map(|class| number(*class)).collect();
            match whose {
                Whose::Digital => classes.digital = found,
                Whose::Ideal => classes.ideal = found,
                Whose::Chip(trial) => classes.chips.row_mut(trial).assign(&found),
            }
        }
    }
}

impl<T: Real + Element> Predictions<T> {
    /// The arrays of the first `trials` chips as an `.npz` archive: `digital` and `ideal` `[sample, output]`, `chips` `[trial, sample, output]`, and where
    /// there are classes `digital_class` and `ideal_class` `[sample]`, `chip_class` `[trial, sample]`.
    ///
    /// # Errors
    /// [`Error::Io`] if the archive cannot be built.
    pub fn npz(&self, trials: usize) -> Result<Vec<u8>> {
        let arrays = self.arrays.lock().expect("nothing panics while it is held");
        let mut archive = NpzWriter::new();
        archive.put("digital", arrays.digital.view())?;
        archive.put("ideal", arrays.ideal.view())?;
        archive.put("chips", arrays.chips.slice(s![..trials, .., ..]))?;
        if let Some(classes) = &arrays.classes {
            archive.put("digital_class", classes.digital.view())?;
            archive.put("ideal_class", classes.ideal.view())?;
            archive.put("chip_class", classes.chips.slice(s![..trials, ..]))?;
        }
        archive.finish()
    }
}
