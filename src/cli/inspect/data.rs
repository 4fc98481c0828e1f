//! Data sets and arrays.

use std::io::Write;

use anyhow::Result;

use super::Said;
use crate::io::{self, Source};
use crate::linalg::{UNITARY_LIMIT, from_array, single_precision_limit, unitarity_error};
use crate::nn::{Dataset, Labels, Selection, Split};
use crate::units::counted;

/// The test part of a data set, else the train part.
pub(super) fn of_any_part(
    read: impl Fn(Option<Split>) -> crate::Result<Dataset>,
) -> crate::Result<Dataset> {
    read(None).or_else(|error| read(Some(Split::Train)).map_err(|_| error))
}

/// The data set in `source`, or the part of it.
pub(super) fn read_data(source: &Source, split: Option<Split>) -> crate::Result<Dataset> {
    let selection = Selection {
        split,
        ..Selection::default()
    };
    Dataset::read(source.clone(), selection)
}

pub(super) fn describe_data(out: &mut Said, data: &Dataset) -> Result<()> {
    let (samples, features) = (data.len(), data.x.features());
    write!(out, "data set: {samples} samples of {features} features, ")?;
    out.put("kind", "data set");
    out.put("samples", samples);
    out.put("features", features);
    match &data.labels {
        Labels::None => writeln!(out, "no labels")?,
        Labels::Targets(targets) => {
            writeln!(
                out,
                "{} a sample to give",
                counted(targets.ncols(), "number")
            )?;
            out.put("targets", targets.ncols());
        }
        Labels::Classes(labels) => {
            let classes = labels.iter().max().map_or(0, |label| label + 1);
            writeln!(out, "labels 0 to {}", classes.saturating_sub(1))?;
            let count = |class| labels.iter().filter(|label| **label == class).count();
            let counts: Vec<usize> = (0..classes).map(count).collect();
            for (class, count) in counts.iter().enumerate() {
                match data.class_names.as_ref().and_then(|names| names.get(class)) {
                    Some(name) => writeln!(out, "  class {class} ({name}): {count}")?,
                    None => writeln!(out, "  class {class}: {count}")?,
                }
            }
            out.put("classes", counts);
        }
    }
    Ok(())
}

/// One file of a folder of IDX files.
pub(super) fn describe_idx(out: &mut Said, source: &Source) -> Result<()> {
    match source.parse(io::idx::parse_images) {
        Ok(images) => {
            let (samples, features) = images.dim();
            writeln!(out, "images: {samples} of {features} bytes")?;
            out.put("kind", "images");
            out.put("samples", samples);
            out.put("features", features);
        }
        Err(not_images) => match source.parse(io::idx::parse_labels) {
            Ok(labels) => {
                writeln!(out, "labels: {} of them", labels.len())?;
                out.put("kind", "labels");
                out.put("samples", labels.len());
            }
            Err(_) => return Err(not_images.into()),
        },
    }
    Ok(())
}

pub(super) fn describe_matrix(out: &mut Said, source: &Source) -> Result<()> {
    let tensor = source.parse(|bytes| io::npy::parse("array", bytes))?;
    let (shape, dtype) = (tensor.shape(), tensor.dtype().name());
    writeln!(out, "array: {shape:?} {dtype}")?;
    out.put("kind", "array");
    out.put("shape", tensor.shape().to_vec());
    out.put("dtype", tensor.dtype().name());
    if let [rows, cols] = *tensor.shape()
        && rows == cols
        && tensor.check_finite("array").is_ok()
    {
        let array = tensor.into_complex_matrix("array")?;
        let matrix = from_array(array.view());
        let error = unitarity_error(&matrix);
        let verdict = if error <= UNITARY_LIMIT {
            "unitary: lightloom decompose takes it"
        } else if error <= single_precision_limit(rows) {
            "unitary to single precision: lightloom decompose takes the nearest unitary"
        } else {
            "not unitary"
        };
        out.put("unitarity_error", error);
        writeln!(out, "{verdict}; max |U†U - 1| = {error:.1e}")?;
    }
    Ok(())
}
