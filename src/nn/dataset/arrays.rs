//! Data sets of NumPy arrays: which array is what, and what their shapes mean.

use ndarray::Array2;

use super::arrange::{Arranged, Raw};
use super::{Dataset, Labels, Samples, Split};
use crate::error::{Error, Result};
use crate::io::classes::{self, Named, Numbered};
use crate::io::npy::{Array, Npz};
use crate::io::{Dtype, Tensor};
use crate::nn::port::Intake;

/// Names of arrays of samples, in any case.
const SAMPLES: [&str; 6] = ["x", "data", "images", "features", "inputs", "samples"];

/// Names of arrays of labels, in any case.
const LABELS: [&str; 5] = ["y", "target", "targets", "labels", "label"];

/// What an array of an archive is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Role {
    is_label: bool,
    is_samples: bool,
    /// The number of the input of the network that has its name.
    input: Option<usize>,
    /// The part of the data that it belongs to, such as test of `x_test` and of `test_images`.
    split: Option<Split>,
}

/// Whether some of `names` are those of arrays of samples.
pub(in crate::nn) fn are_data<'a>(names: impl IntoIterator<Item = &'a str>) -> bool {
    let mut roles = names.into_iter().filter_map(|name| role(name, &[]));
    roles.any(|role| role.is_samples)
}

/// What the array called `name` is for a network of these `inputs`.
fn role(name: &str, inputs: &[&str]) -> Option<Role> {
    let input = |name: &str| inputs.iter().position(|input| *input == name);
    let lower = name.to_lowercase();
    let ((lower, split), (own, _)) = (parted(&lower), parted(name));
    let role = match input(name) {
        // An input may be called as an array of a part is.
        Some(input) if split.is_some() => Role {
            is_label: false,
            is_samples: false,
            input: Some(input),
            split: None,
        },
        _ => Role {
            is_label: LABELS.contains(&lower),
            is_samples: SAMPLES.contains(&lower),
            input: input(own),
            split,
        },
    };
    (role.is_label || role.is_samples || role.input.is_some()).then_some(role)
}

/// The `name` of an array without the part of the data that it names, and that part.
fn parted(name: &str) -> (&str, Option<Split>) {
    let parts = Split::ALL.into_iter().find_map(|split| {
        let part = split.name();
        let base = name
            .strip_suffix(part)
            .and_then(|base| base.strip_suffix('_'));
        let base = base.or_else(|| name.strip_prefix(part)?.strip_prefix('_'));
        Some((base?, Some(split)))
    });
    parts.unwrap_or((name, None))
}

/// The names of the arrays that are a data set.
struct Chosen<'a> {
    samples: Inputs<'a>,
    /// Nothing where the archive holds samples alone.
    labels: Option<&'a str>,
}

/// The names of the arrays of samples.
enum Inputs<'a> {
    /// One array holds the features of all inputs.
    Whole(&'a str),
    /// One for each input, which is called as it is.
    Each(Vec<&'a str>),
}

impl<'a> Chosen<'a> {
    /// The arrays of `split` among `names`, for a network of these `inputs`.
    fn of(names: &'a [String], split: Option<Split>, inputs: &[&str]) -> Result<Self> {
        let held = names.join(", ");
        let refused = |reason: String| Err(Error::format("data set", reason));
        let with = |split: Option<Split>| {
            let known = names
                .iter()
                .filter_map(|name| Some((&**name, role(name, inputs)?)));
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
        let pick = |is: &dyn Fn(&Role) -> bool| {
            let named = of_part.iter().filter(|(_, role)| is(role));
            named.map(|(name, _)| *name).collect::<Vec<_>>()
        };
        let each = (0..inputs.len()).map(|input| pick(&|role| role.input == Some(input)));
        let each: Vec<Vec<&str>> = each.collect();
        if inputs.len() > 1 && each.iter().all(|named| named.len() == 1) {
            let samples = each.concat();
            let labels = pick(&|role| role.is_label && role.input.is_none());
            return match *labels {
                [] if samples.len() < names.len() => refused(format!(
                    "holds {held}, of which {} are inputs of the network, and none of the others is called as labels are: must \
                     hold y, target or labels",
                    samples.join(", ")
                )),
                [first, second, ..] => refused(two(first, second, "labels")),
                [] | [_] => Ok(Self {
                    samples: Inputs::Each(samples),
                    labels: labels.first().copied(),
                }),
            };
        }
        // The only input may be called as its array is.
        let is_only = |role: &Role| inputs.len() == 1 && role.input.is_some();
        let samples = pick(&|role| role.is_samples || is_only(role) && !role.is_label);
        let labels = pick(&|role| role.is_label);
        for (what, several) in [("samples", &samples), ("labels", &labels)] {
            if let [first, second, ..] = several[..] {
                return refused(two(first, second, what));
            }
        }
        let part = split.map_or(String::new(), |split| format!("_{}", split.name()));
        match (&*samples, &*labels) {
            ([samples], [labels]) => Ok(Self {
                samples: Inputs::Whole(samples),
                labels: Some(labels),
            }),
            ([samples], []) if names.len() == 1 => Ok(Self {
                samples: Inputs::Whole(samples),
                labels: None,
            }),
            ([], _) if inputs.len() > 1 => refused(format!(
                "holds {held}: must hold an array for each input of the network, {}, or x with all of them one after another",
                inputs.join(" and ")
            )),
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
        match (&self.samples, self.labels) {
            (Inputs::Whole("x"), Some("y")) => None,
            (Inputs::Whole(samples), Some(labels)) => {
                Some(format!("samples are `{samples}`, labels are `{labels}`"))
            }
            (Inputs::Whole(samples), None) => {
                Some(format!("samples are `{samples}`, without labels"))
            }
            (Inputs::Each(_), Some(labels)) => Some(format!(
                "inputs are the arrays of their names, labels are `{labels}`"
            )),
            (Inputs::Each(_), None) => {
                Some("inputs are the arrays of their names, without labels".to_owned())
            }
        }
    }
}

/// The reason to refuse `first` and `second`, both of which could be `what`.
fn two(first: &str, second: &str, what: &str) -> String {
    format!("holds {first} and {second}, which could both be the {what}: must hold one of them")
}

/// The data set in an `.npz` archive, for a network that takes `intake`: an array of samples, or one for each of its inputs,
/// and one of labels, told by their names; others are ignored.
pub(super) fn from_npz(
    name: &str,
    bytes: &[u8],
    split: Option<Split>,
    intake: Option<&Intake>,
) -> Result<Dataset> {
    let mut archive = Npz::open(bytes)?;
    let names = archive.names().to_vec();
    let unknown = Intake::default();
    let known = intake.unwrap_or(&unknown);
    let inputs = known.ports.iter().map(|port| &*port.name);
    // The input of a chain has no name.
    let inputs: Vec<&str> = inputs.filter(|name| !name.is_empty()).collect();
    let chosen = Chosen::of(&names, split, &inputs)?;
    let arranged = match &chosen.samples {
        Inputs::Whole(samples) => {
            let x = numbers(&mut archive, samples)?;
            arranged(x, intake)?
        }
        Inputs::Each(each) => {
            let arrays = each.iter().map(|name| numbers(&mut archive, name));
            let arrays = arrays.collect::<Result<Vec<_>>>()?;
            beside(each, arrays, known)?
        }
    };
    let labels = chosen.labels.map(|labels| archive.array(labels));
    let mut data = labelled(name, arranged, labels.transpose()?)?;
    data.assumed.splice(0..0, chosen.words());
    Ok(data)
}

/// The array of numbers called `name`.
fn numbers(archive: &mut Npz<'_>, name: &str) -> Result<Tensor> {
    match archive.array(name)? {
        Array::Numbers(numbers) => Ok(numbers),
        Array::Texts(_) => {
            let what = format!("array `{name}`");
            Err(Error::unsupported(what, "text", "samples must be numbers"))
        }
    }
}

/// The data set of samples `x` and their `labels`, for a network that takes `intake`.
pub(super) fn dataset(
    name: &str,
    x: Tensor,
    labels: Option<Array>,
    intake: Option<&Intake>,
) -> Result<Dataset> {
    labelled(name, arranged(x, intake)?, labels)
}

/// The samples `x` as the inputs of `intake` take them.
fn arranged(x: Tensor, intake: Option<&Intake>) -> Result<Arranged> {
    let axes = x.shape().get(1..).unwrap_or_default().to_vec();
    let raw = Raw {
        what: "data",
        samples: samples("x", x)?,
        axes: &axes,
    };
    raw.arranged(intake)
}

/// The samples of `arrays`, called `names`, for each input of `intake`.
fn beside(names: &[&str], arrays: Vec<Tensor>, intake: &Intake) -> Result<Arranged> {
    let (mut parts, mut assumed) = (Vec::new(), Vec::new());
    let count = arrays[0].shape().first().copied();
    for ((name, array), port) in names.iter().zip(arrays).zip(&intake.ports) {
        let what = format!("array `{name}`");
        let shape = array.shape().to_vec();
        let array = match port.features() {
            // One number a sample needs no axis of its own.
            Some(1) if shape.len() == 1 => {
                Tensor::real(&what, vec![shape[0], 1], array.into_real(&what)?)?
            }
            _ => array,
        };
        if shape.first().copied() != count {
            let samples = count.map_or("as many".to_owned(), |count| count.to_string());
            let limit = format!("[{samples}, …], one entry a sample as of `{}`", names[0]);
            return Err(Error::shape(what, shape, limit));
        }
        let samples = samples(&what, array)?;
        let features = port.features();
        if let (Some(axes), false) = (port.axes(), features == Some(samples.features())) {
            let axes: Vec<String> = axes.iter().map(usize::to_string).collect();
            let limit = format!(
                "[sample, {}], which {} takes",
                axes.join(", "),
                port.words()
            );
            return Err(Error::shape(what, shape, limit));
        }
        if let Some(bad) = samples.first_bad(|x| !x.is_finite()) {
            return Err(Error::NotFinite {
                what,
                index: format!("[{}, {}]", bad.sample, bad.feature),
                got: bad.got.to_string(),
            });
        }
        let raw = Raw {
            what: &what,
            samples,
            axes: &shape[1..],
        };
        let part = raw.for_port(port, intake.channels)?;
        let of = part.assumed.into_iter();
        assumed.extend(of.map(|assumed| format!("`{name}`: {assumed}")));
        parts.push(part.samples);
    }
    Ok(Arranged::new(Samples::beside(parts), assumed))
}

impl Dataset {
    /// The data set of samples that are there already, read as those of an `.npy` file are: `x`, the axes of one of which have
    /// these lengths, with their `labels`, for a network that takes `intake`.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`] or [`Error::Value`] where they do not fit together or the network.
    pub fn of_arrays(
        name: &str,
        x: Samples,
        axes: &[usize],
        labels: Option<Array>,
        intake: Option<&Intake>,
    ) -> Result<Self> {
        let raw = Raw {
            what: "data",
            samples: x,
            axes,
        };
        labelled(name, raw.arranged(intake)?, labels)
    }
}

/// The data set of these samples and their `labels`.
fn labelled(name: &str, arranged: Arranged, labels: Option<Array>) -> Result<Dataset> {
    let Arranged {
        samples: x,
        mut assumed,
        axes,
    } = arranged;
    let count = x.len();
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
        axes,
        ..Dataset::new(name, x, labels)?
    })
}

/// The samples of a tensor `[sample, …]`, row by row, in the smallest type that holds its numbers exactly.
fn samples(what: &str, x: Tensor) -> Result<Samples> {
    let dtype = x.dtype();
    let (rows, columns) = match *x.shape() {
        [rows, ref axes @ ..] if !axes.is_empty() => (rows, axes.iter().product()),
        _ => {
            let limit = "[sample, feature], or [sample, …] of several axes";
            return Err(Error::shape(what, x.shape(), limit));
        }
    };
    let x = Array2::from_shape_vec((rows, columns), x.into_real(what)?);
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
fn check_column(what: &str, shape: &[usize], count: usize) -> Result<()> {
    match *shape {
        [_] | [_, 1] => Ok(()),
        _ => {
            let limit = format!("[{count}], one a sample");
            Err(Error::shape(what, shape, limit))
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
