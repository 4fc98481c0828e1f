//! Data sets of NumPy arrays: which array is what, and what their shapes mean.

use ndarray::Array2;

use super::{Dataset, Labels, Samples, Split};
use crate::error::{Error, Result};
use crate::io::classes::{self, Named, Numbered};
use crate::io::npy::{Array, Npz};
use crate::io::{Dtype, Tensor};

/// Names of arrays of samples, in any case.
const SAMPLES: [&str; 6] = ["x", "data", "images", "features", "inputs", "samples"];

/// Names of arrays of labels, in any case.
const LABELS: [&str; 5] = ["y", "target", "targets", "labels", "label"];

/// What an array of an archive is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Role {
    is_label: bool,
    /// The part of the data that it belongs to, such as test of `x_test` and of `test_images`.
    split: Option<Split>,
}

/// Whether some of `names` are those of arrays of samples.
pub(in crate::nn) fn are_data<'a>(names: impl IntoIterator<Item = &'a str>) -> bool {
    let mut roles = names.into_iter().filter_map(role);
    roles.any(|role| !role.is_label)
}

fn role(name: &str) -> Option<Role> {
    let name = name.to_lowercase();
    let parts = Split::ALL.into_iter().find_map(|split| {
        let part = split.name();
        let base = name
            .strip_suffix(part)
            .and_then(|base| base.strip_suffix('_'));
        let base = base.or_else(|| name.strip_prefix(part)?.strip_prefix('_'));
        Some((base?, Some(split)))
    });
    let (base, split) = parts.unwrap_or((&name, None));
    let is_label = LABELS.contains(&base);
    (is_label || SAMPLES.contains(&base)).then_some(Role { is_label, split })
}

/// The names of the arrays that are a data set.
struct Chosen<'a> {
    samples: &'a str,
    /// Nothing where the archive holds samples alone.
    labels: Option<&'a str>,
}

impl<'a> Chosen<'a> {
    fn of(names: &'a [String], split: Option<Split>) -> Result<Self> {
        let held = names.join(", ");
        let refused = |reason: String| Err(Error::format("data set", reason));
        let with = |split: Option<Split>| {
            let known = names.iter().filter_map(|name| Some((&**name, role(name)?)));
            let mut of = known.filter(|(_, role)| role.split == split).peekable();
            of.peek().is_some().then(|| of.collect::<Vec<_>>())
        };
        let parts = [None, Some(Split::Test), Some(Split::Train)];
        let of_part = match (split, parts.map(with)) {
            (Some(split), _) => with(Some(split)),
            (None, [Some(_), Some(_), _] | [Some(_), _, Some(_)]) => {
                return refused(format!(
                    "holds {held}: must be told which part (--split test or train, or split in an experiment), or hold one only"
                ));
            }
            (None, [whole @ Some(_), ..]) => whole,
            (None, [None, test @ Some(_), _]) => test,
            (None, [None, None, Some(_)]) => {
                return refused(format!(
                    "holds the train part only ({held}): --split train (split = \"train\" in an experiment) takes it"
                ));
            }
            (None, [None, None, None]) => None,
        };
        let of_part = of_part.unwrap_or_default();
        let pick = |is_label: bool| {
            let named = of_part.iter().filter(|(_, role)| role.is_label == is_label);
            named.map(|(name, _)| *name).collect::<Vec<_>>()
        };
        let (samples, labels) = (pick(false), pick(true));
        for (what, several) in [("samples", &samples), ("labels", &labels)] {
            if let [first, second, ..] = several[..] {
                return refused(format!(
                    "holds {first} and {second}, which could both be the {what}: must hold one of them"
                ));
            }
        }
        let part = split.map_or(String::new(), |split| format!("_{}", split.name()));
        match (&*samples, &*labels) {
            ([samples], [labels]) => Ok(Self {
                samples,
                labels: Some(labels),
            }),
            ([samples], []) if names.len() == 1 => Ok(Self {
                samples,
                labels: None,
            }),
            ([], []) => refused(format!(
                "holds {held}: must hold x{part} and y{part}, or data and target, or images and labels"
            )),
            ([], _) => refused(format!(
                "holds {held}, none of which is called as samples are: must hold x{part}, data{part} or images{part}"
            )),
            _ => refused(format!(
                "holds {held}, none of which is called as labels are: must hold y{part}, target{part} or labels{part}"
            )),
        }
    }

    /// What was assumed, where the names are not `x` and `y`.
    fn words(&self) -> Option<String> {
        match (self.samples, self.labels) {
            ("x", Some("y")) => None,
            (samples, Some(labels)) => {
                Some(format!("samples are `{samples}`, labels are `{labels}`"))
            }
            (samples, None) => Some(format!("samples are `{samples}`, without labels")),
        }
    }
}

/// The data set in an `.npz` archive: an array of samples and one of labels, told by their names; others are ignored.
pub(super) fn from_npz(name: &str, bytes: &[u8], split: Option<Split>) -> Result<Dataset> {
    let mut archive = Npz::open(bytes)?;
    let names = archive.names().to_vec();
    let chosen = Chosen::of(&names, split)?;
    let x = match archive.array(chosen.samples)? {
        Array::Numbers(x) => x,
        Array::Texts(_) => {
            let what = format!("array `{}`", chosen.samples);
            return Err(Error::unsupported(what, "text", "samples must be numbers"));
        }
    };
    let labels = chosen.labels.map(|labels| archive.array(labels));
    let mut data = dataset(name, x, labels.transpose()?)?;
    data.assumed.splice(0..0, chosen.words());
    Ok(data)
}

/// The data set of samples `x` and their `labels`.
pub(super) fn dataset(name: &str, x: Tensor, labels: Option<Array>) -> Result<Dataset> {
    let mut assumed = Vec::new();
    let count = x.shape().first().copied();
    if let [_, axes @ ..] = x.shape()
        && axes.len() > 1
    {
        let axes: Vec<String> = axes.iter().map(usize::to_string).collect();
        assumed.push(format!(
            "samples of {} are taken row by row",
            axes.join(" × ")
        ));
    }
    let x = samples(x)?;
    let (labels, class_names) = match labels {
        None => (Labels::None, None),
        Some(Array::Texts(texts)) => {
            check_column("labels", &texts.shape, count)?;
            // Numbers that were written as texts are numbers, as in a table.
            let numbers = texts.texts.iter().map(|text| text.trim().parse().ok());
            match numbers.collect::<Option<Vec<f64>>>() {
                Some(numbers) => {
                    let numbers = Tensor::real("labels", texts.shape.clone(), numbers)?;
                    of_numbers(numbers, &mut assumed)?
                }
                None => {
                    let Named { classes, names } = classes::of_texts(&texts.texts);
                    (Labels::Classes(classes), Some(names))
                }
            }
        }
        Some(Array::Numbers(numbers)) => of_numbers(numbers, &mut assumed)?,
    };
    Ok(Dataset {
        class_names,
        assumed,
        ..Dataset::new(name, x, labels)?
    })
}

/// The samples of a tensor `[sample, …]`, row by row, in the smallest type that holds its numbers exactly.
fn samples(x: Tensor) -> Result<Samples> {
    let dtype = x.dtype();
    let (rows, columns) = match *x.shape() {
        [rows, ref axes @ ..] if !axes.is_empty() => (rows, axes.iter().product()),
        _ => {
            let limit = "[sample, feature], or [sample, …] of several axes";
            return Err(Error::shape("x", x.shape(), limit));
        }
    };
    let x = Array2::from_shape_vec((rows, columns), x.into_real("x")?);
    let x = x.expect("a tensor has as many elements as its shape");
    Ok(match dtype {
        Dtype::U8 => Samples::from(x.mapv(|x| x as u8)),
        Dtype::Bool
        | Dtype::I8
        | Dtype::U16
        | Dtype::I16
        | Dtype::F16
        | Dtype::BF16
        | Dtype::F32 => Samples::from(x.mapv(|x| x as f32)),
        _ => Samples::from(x),
    })
}

/// Fails unless `shape` is that of one label for each of `count` samples.
fn check_column(what: &str, shape: &[usize], count: Option<usize>) -> Result<()> {
    match *shape {
        [_] | [_, 1] => Ok(()),
        _ => {
            let count = count.map_or("sample".to_owned(), |count| count.to_string());
            Err(Error::shape(
                what,
                shape,
                format!("[{count}], one a sample"),
            ))
        }
    }
}

/// Labels of numbers: classes `[sample]` or `[sample, 1]`, rows of a single 1 among zeros, or targets; and names of classes
/// whose numbers are others.
fn of_numbers(labels: Tensor, assumed: &mut Vec<String>) -> Result<(Labels, Option<Vec<String>>)> {
    let (rows, columns) = match *labels.shape() {
        [rows] => (rows, 1),
        [rows, columns] => (rows, columns),
        _ => {
            let limit = "[sample], or [sample, output]";
            return Err(Error::shape("labels", labels.shape(), limit));
        }
    };
    labels.check_finite("labels")?;
    let numbers = labels.into_real("labels")?;
    if columns == 1 {
        match classes::of_numbers(&numbers) {
            Numbered::Classes(classes) => return Ok((Labels::Classes(classes), None)),
            Numbered::Signs(classes) => {
                assumed.push("labels -1 and 1 are classes 0 and 1".to_owned());
                return Ok((Labels::Classes(classes), Some(classes::signs())));
            }
            Numbered::Other(_) => {}
        }
    }
    let numbers = Array2::from_shape_vec((rows, columns), numbers);
    let numbers = numbers.expect("a tensor has as many elements as its shape");
    if let Some(classes) = one_hot(&numbers) {
        assumed.push("labels are rows of a single 1, at the class".to_owned());
        return Ok((Labels::Classes(classes), None));
    }
    Ok((Labels::Targets(numbers), None))
}

/// The position of the 1 in every row, where each has exactly one, and zeros.
fn one_hot(rows: &Array2<f64>) -> Option<Vec<usize>> {
    if rows.ncols() < 2 {
        return None;
    }
    let position = |row: ndarray::ArrayView1<'_, f64>| {
        let ones = row.iter().filter(|value| **value == 1.0).count();
        let zeros = row.iter().filter(|value| **value == 0.0).count();
        let is_one_hot = ones == 1 && ones + zeros == row.len();
        is_one_hot
            .then(|| row.iter().position(|value| *value == 1.0))
            .flatten()
    };
    rows.rows().into_iter().map(position).collect()
}
