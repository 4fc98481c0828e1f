//! Data sets and arrays.

use std::io::Write;

use anyhow::Result;
use ndarray::Array2;
use serde_json::json;

use super::Said;
use crate::io::Tensor;
use crate::io::table::Header;
use crate::linalg::{UNITARY_LIMIT, from_array, single_precision_limit, unitarity_error};
use crate::nn::{Dataset, Labels};
use crate::units::counted;

/// A data set; `first_line` is that of a text.
pub(super) fn describe_data(
    out: &mut Said,
    data: &Dataset,
    first_line: Option<&str>,
) -> Result<()> {
    let (samples, features) = (data.len(), data.x.features());
    write!(out, "data set: {samples} samples of {features} features, ")?;
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
    let Some(columns) = &data.columns else {
        return Ok(());
    };
    writeln!(out, "label: {}", columns.label_in_words())?;
    let name = columns.name(columns.label);
    out.put("label", json!({ "column": columns.label, "name": name }));
    match (&columns.header, first_line) {
        (Some(Header::Names(_)), Some(line)) => {
            writeln!(out, "its first line is a header: {line}")?;
        }
        (Some(Header::Counts(_)), Some(line)) => {
            writeln!(out, "its first line counts samples and features: {line}")?;
        }
        _ => {}
    }
    Ok(())
}

pub(super) fn describe_images(out: &mut Said, images: &Array2<u8>) -> Result<()> {
    let (samples, features) = images.dim();
    out.put("samples", samples);
    out.put("features", features);
    Ok(writeln!(out, "images: {samples} of {features} bytes")?)
}

pub(super) fn describe_labels(out: &mut Said, labels: &[u8]) -> Result<()> {
    out.put("samples", labels.len());
    Ok(writeln!(out, "labels: {} of them", labels.len())?)
}

pub(super) fn describe_array(out: &mut Said, tensor: &Tensor) -> Result<()> {
    let (shape, dtype) = (tensor.shape(), tensor.dtype().name());
    writeln!(out, "array: {shape:?} {dtype}")?;
    out.put("shape", tensor.shape().to_vec());
    out.put("dtype", tensor.dtype().name());
    if let [rows, cols] = *tensor.shape()
        && rows == cols
        && tensor.check_finite("array").is_ok()
    {
        let array = tensor.clone().into_complex_matrix("array")?;
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
