//! Raw data and what is known of them.

mod arrange;
mod arrays;
mod folder;
mod open;
mod saved;
mod split;

use ndarray::{Array2, Axis, s};

use super::network::Network;
use super::port::Port;
use super::samples::Samples;
use crate::error::{Error, Result};
use crate::io::table::Columns;

pub(super) use arrays::are_data;
pub use open::Selection;
pub use split::Split;

/// Names of classes that are listed one by one.
const LISTED: usize = 12;

/// Samples and what is known of each.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// What it is called: the name of its folder or file.
    pub name: String,
    /// Raw samples.
    pub x: Samples,
    /// What is known of each sample beside its features.
    pub labels: Labels,
    /// The names of the classes, by number, where the file states them.
    pub class_names: Option<Vec<String>>,
    /// The columns of the table that it was read from, if it was one.
    pub columns: Option<Columns>,
    /// What was assumed of its files, in words.
    pub assumed: Vec<String>,
    /// Lengths of the axes of a sample in its file, where they are several and nothing was known of the network; else none.
    pub axes: Vec<usize>,
}

/// What is known of each sample beside its features.
#[derive(Debug, Clone, PartialEq)]
pub enum Labels {
    /// Nothing.
    None,
    /// The class of every sample, from 0.
    Classes(Vec<usize>),
    /// The outputs that a network should give, `[sample, output]`.
    Targets(Array2<f64>),
}

impl From<Vec<usize>> for Labels {
    fn from(classes: Vec<usize>) -> Self {
        Self::Classes(classes)
    }
}

impl From<Array2<f64>> for Labels {
    fn from(targets: Array2<f64>) -> Self {
        Self::Targets(targets)
    }
}

impl Labels {
    /// The class of every sample, where there are classes.
    pub fn classes(&self) -> Option<&[usize]> {
        match self {
            Self::Classes(classes) => Some(classes),
            _ => None,
        }
    }

    /// The first `n` of them, or all if there are fewer.
    #[must_use]
    pub fn limit(self, n: usize) -> Self {
        match self {
            Self::None => Self::None,
            Self::Classes(mut classes) => {
                classes.truncate(n);
                Self::Classes(classes)
            }
            Self::Targets(targets) => {
                let part = s![..n.min(targets.nrows()), ..];
                Self::Targets(targets.slice(part).to_owned())
            }
        }
    }

    /// Fails unless there is one entry for each of `samples`, and every target is a finite number.
    fn check(&self, samples: usize) -> Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Classes(classes) if classes.len() != samples => Err(Error::shape(
                "labels",
                [classes.len()],
                format!("[{samples}], one a sample"),
            )),
            Self::Classes(_) => Ok(()),
            Self::Targets(targets) => {
                let (rows, outputs) = targets.dim();
                if rows != samples || outputs == 0 {
                    let limit = format!("[{samples}, output], one row a sample");
                    return Err(Error::shape("labels", [rows, outputs], limit));
                }
                let bad = targets.indexed_iter().find(|(_, value)| !value.is_finite());
                bad.map_or(Ok(()), |((sample, output), got)| {
                    Err(Error::NotFinite {
                        what: "labels".into(),
                        index: format!("[{sample}, {output}]"),
                        got: got.to_string(),
                    })
                })
            }
        }
    }
}

impl Dataset {
    /// What was assumed of the data in front of `network`, in words: which arrays or columns are what, where that was not
    /// given, and how features are scaled.
    ///
    /// # Panics
    /// If a sample has not the features of the network.
    pub fn words(&self, network: &Network) -> String {
        let label = self.columns.as_ref().and_then(Columns::assumed);
        let assumed = self.assumed.iter().cloned();
        assumed
            .chain(label)
            .chain(self.class_words())
            .chain(self.feature_words(network))
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// What `network` makes of the features of each of its inputs, in words.
    fn feature_words(&self, network: &Network) -> Vec<String> {
        let (ports, features) = (network.ports(), network.features());
        let input = &network.input;
        if let [port] = &ports[..] {
            let words = input.words_of(&self.x, port, features);
            return vec![format!("features are {words}")];
        }
        let mut first = 0;
        let of_port = |port: &Port| {
            let columns = first..first + port.features().unwrap_or(0);
            first = columns.end;
            let words = input.words_of(&self.x.columns(columns), port, features);
            format!("`{}` is {words}", port.name)
        };
        ports.iter().map(of_port).collect()
    }

    /// The names of the classes in words, in the order of their numbers.
    fn class_words(&self) -> Option<String> {
        let names = self.class_names.as_ref()?;
        let listed = names.iter().take(LISTED).map(String::as_str);
        let mut listed = listed.collect::<Vec<_>>().join(", ");
        if names.len() > LISTED {
            listed += &format!(", … ({} in all)", names.len());
        }
        Some(format!("classes from 0 are {listed}"))
    }

    /// Samples with their labels: classes, targets, or [`Labels::None`].
    ///
    /// # Errors
    /// [`Error::Shape`] if there is not one label a sample, no sample or no feature, [`Error::NotFinite`]
    /// if a number is NaN or infinite.
    pub fn new(name: impl Into<String>, x: Samples, labels: impl Into<Labels>) -> Result<Self> {
        let shape = [x.len(), x.features()];
        if shape.contains(&0) {
            return Err(Error::shape(
                "data",
                shape,
                "[sample, feature] with none of them 0",
            ));
        }
        let labels = labels.into();
        labels.check(x.len())?;
        if let Some(bad) = x.first_bad(|x| !x.is_finite()) {
            return Err(Error::NotFinite {
                what: "data".into(),
                index: format!("[{}, {}]", bad.sample, bad.feature),
                got: bad.got.to_string(),
            });
        }
        Ok(Self {
            name: name.into(),
            x,
            labels,
            class_names: None,
            columns: None,
            assumed: Vec::new(),
            axes: Vec::new(),
        })
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.x.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    /// The first `n` samples, or all if there are fewer.
    #[must_use]
    pub fn limit(self, n: usize) -> Self {
        Self {
            x: self.x.limit(n),
            labels: self.labels.limit(n),
            ..self
        }
    }

    /// The samples at these places, in this order.
    ///
    /// # Panics
    /// If there is no such sample.
    #[must_use]
    pub fn select(&self, places: &[usize]) -> Self {
        let labels = match &self.labels {
            Labels::None => Labels::None,
            Labels::Classes(classes) => places
                .iter()
                .map(|k| classes[*k])
                .collect::<Vec<_>>()
                .into(),
            Labels::Targets(targets) => targets.select(Axis(0), places).into(),
        };
        Self {
            x: self.x.select(places),
            labels,
            name: self.name.clone(),
            class_names: self.class_names.clone(),
            columns: self.columns.clone(),
            assumed: self.assumed.clone(),
            axes: self.axes.clone(),
        }
    }

    /// Fails if samples were read row by row where `network` takes pictures, or other samples of several axes, that stand
    /// otherwise in the file.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub(super) fn check_axes(&self, network: &Network) -> Result<()> {
        let ports = network.ports();
        match &ports[..] {
            [port] if !arrange::are_of(&self.axes, port, network.input.channels) => {
                let limit = format!(
                    "{:?}, as {} takes it: give the network with the data",
                    port.axes().unwrap_or_default(),
                    port.words()
                );
                Err(Error::shape("a sample in its file", &self.axes, limit))
            }
            _ => Ok(()),
        }
    }

    /// Fails unless every label that is a class is below `classes`.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first sample whose label is not.
    pub fn check_labels(&self, classes: usize) -> Result<()> {
        let labels = self.labels.classes().unwrap_or_default();
        match labels.iter().position(|&label| label >= classes) {
            None => Ok(()),
            Some(sample) => Err(Error::value(
                format!("label of sample {sample}"),
                labels[sample],
                format!("below {classes}, the number of classes of the network"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::error::compare::{golden, io as io_error, not_finite, shape, value};
    use crate::io;
    use crate::io::npy::Array;
    use ndarray::{Array1, arr1, arr2};

    fn save<T: io::npy::Element, D: ndarray::Dimension>(path: &Path, array: &ndarray::Array<T, D>) {
        io::npy::write(std::fs::File::create(path).unwrap(), array.view()).unwrap();
    }

    #[test]
    fn npy_data_keep_their_precision_and_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let (x, y) = (folder.path().join("x.npy"), folder.path().join("y.npy"));
        save(&x, &arr2(&[[0.5f32, 1.5], [2.5, 3.5], [4.5, 5.5]]));
        save(&y, &arr1(&[2.0, 0.0, 1.0]));
        let data = Dataset::load(&x, None, Some(&y)).unwrap();
        assert_eq!(
            data.x,
            Samples::from(arr2(&[[0.5f32, 1.5], [2.5, 3.5], [4.5, 5.5]]))
        );
        assert_eq!(
            (&*data.name, &data.labels),
            ("x", &vec![2_usize, 0, 1].into())
        );
        let two = data.limit(2);
        assert_eq!((two.x.len(), &two.labels), (2, &vec![2_usize, 0].into()));
        assert_eq!(
            two.check_labels(2).unwrap_err().refusal(),
            value("label of sample 0", "2")
        );
        assert!(two.check_labels(3).is_ok());
        assert_eq!(two.clone().limit(9), two);
    }

    #[test]
    fn arrays_are_read_as_those_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let (x, y) = (folder.path().join("x.npy"), folder.path().join("y.npy"));
        let pictures =
            ndarray::Array3::from_shape_fn((3, 2, 2), |(i, j, k)| (4 * i + 2 * j + k) as f32);
        save(&x, &pictures);
        save(&y, &arr2(&[[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]));
        let rows = pictures.into_shape_with_order((3, 4)).unwrap();
        let labels = vec![0.0, 1.0, 1.0, 0.0, 0.0, 1.0];
        let labels = io::Tensor::real("labels", vec![3, 2], labels).unwrap();
        let labels = Some(Array::Numbers(labels));
        let data = Dataset::of_arrays("x", rows.into(), &[2, 2], labels, None).unwrap();
        assert_eq!(data, Dataset::load(&x, None, Some(&y)).unwrap());
        assert_eq!(data.axes, [2, 2]);
    }

    #[test]
    fn wrong_data_are_refused_in_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let (x, y) = (folder.path().join("x.npy"), folder.path().join("y.npy"));
        let error = |labels: Option<&Path>| {
            let data = Dataset::load(&x, None, labels);
            data.unwrap_err().root().refusal()
        };
        let nan = || not_finite("data", "[0, 1]", "NaN");
        save(&x, &arr2(&[[0.5, f64::NAN]]));
        assert_eq!(error(None), nan());
        save(&y, &arr1(&[1.0]));
        assert_eq!(error(Some(&y)), nan());
        save(&x, &arr2(&[[0.5, 0.5]]));
        save(&y, &Array1::<f64>::zeros(3));
        assert_eq!(error(Some(&y)), shape("labels", &[3]));
        save(&x, &Array2::<f64>::zeros((0, 3)));
        assert_eq!(error(Some(&y)), shape("data", &[0, 3]));
        let said = |path: &Path, split: Option<Split>| {
            let error = Dataset::load(path, split, None).unwrap_err().to_string();
            error.replace(&folder.path().display().to_string(), "FOLDER")
        };
        golden("an empty folder", said(folder.path(), None));
        golden("an array's split", said(&x, Some(Split::Train)));
        let missing = Dataset::load(Path::new("no/such.dat"), None, None);
        assert_eq!(missing.unwrap_err().refusal(), io_error("no/such.dat"));
    }

    #[test]
    fn targets_are_one_finite_row_a_sample_and_none_is_no_label() {
        let x = || Samples::from(arr2(&[[0.5], [1.5], [2.5]]));
        let error = |targets: Array2<f64>| {
            let data = Dataset::new("t", x(), targets);
            data.unwrap_err().refusal()
        };
        assert_eq!(error(arr2(&[[1.0, 2.0]])), shape("labels", &[1, 2]));
        assert_eq!(error(Array2::zeros((3, 0))), shape("labels", &[3, 0]));
        let nan = arr2(&[[0.0], [f64::NAN], [0.0]]);
        assert_eq!(error(nan), not_finite("labels", "[1, 0]", "NaN"));
        let data = Dataset::new("t", x(), arr2(&[[0.5], [-1.0], [2.0]])).unwrap();
        assert_eq!(data.labels.classes(), None);
        assert_eq!(data.limit(2).labels, arr2(&[[0.5], [-1.0]]).into());
        let none = Dataset::new("t", x(), Labels::None).unwrap().limit(2);
        assert_eq!((none.len(), none.labels), (2, Labels::None));
    }
}
