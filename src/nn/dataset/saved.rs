//! A data set in a file of its own: all that is known of it, whatever files it came from.

use std::io::Write;

use serde::{Deserialize, Serialize};

use super::arrange::{Arranged, Raw, row_by_row};
use super::{Dataset, Labels, Samples};
use crate::error::{Error, Result};
use crate::io::classes::{self, Numbered};
use crate::io::safetensors::{self, Bundle};
use crate::io::table::Columns;
use crate::io::{Dtype, Tensor, Tensors};
use crate::nn::PerFeature;
use crate::nn::port::Intake;
use crate::nn::samples::Values;

/// The metadata key that marks a data set.
const KEY: &str = "lightloom-data";

/// The version that is written.
const VERSION: u32 = 1;

/// Names of the tensors: samples `[sample, feature]` in their own type, and one of the others, `[sample]` and `[sample,
/// output]`, or none.
const SAMPLES: &str = "x";
const CLASSES: &str = "classes";
const TARGETS: &str = "targets";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    name: String,
    full_scale: PerFeature,
    class_names: Option<Vec<String>>,
    assumed: Vec<String>,
    axes: Vec<usize>,
}

impl Dataset {
    /// Writes a safetensors file that [`read`](Self::read) makes the same data of, to the bit; of the columns of a table what
    /// was assumed of them.
    ///
    /// # Errors
    /// [`Error::Io`] if `writer` fails.
    pub fn write(&self, writer: impl Write) -> Result<()> {
        let shape = vec![self.len(), self.x.features()];
        let tensor = |dtype: Dtype, bytes: Vec<u8>| {
            Tensor::from_bytes(SAMPLES, shape.clone(), dtype, false, &bytes)
        };
        let x = match &self.x.values {
            Values::Bytes(x) => tensor(Dtype::U8, x.iter().copied().collect()),
            Values::Single(x) => {
                tensor(Dtype::F32, x.iter().flat_map(|x| x.to_le_bytes()).collect())
            }
            Values::Double(x) => Tensor::real(SAMPLES, shape, x.iter().copied().collect()),
        };
        let mut tensors = Tensors::from([(SAMPLES.to_owned(), x?)]);
        let mut put = |name: &str, shape: Vec<usize>, numbers: Vec<f64>| -> Result<()> {
            let tensor = Tensor::real(name, shape, numbers)?;
            tensors.insert(name.to_owned(), tensor);
            Ok(())
        };
        match &self.labels {
            Labels::None => {}
            Labels::Classes(classes) => {
                let numbers = classes.iter().map(|class| *class as f64);
                put(CLASSES, vec![classes.len()], numbers.collect())?;
            }
            Labels::Targets(targets) => {
                let shape = vec![targets.nrows(), targets.ncols()];
                put(TARGETS, shape, targets.iter().copied().collect())?;
            }
        }
        let header = Header {
            version: VERSION,
            name: self.name.clone(),
            full_scale: self.x.full_scale.clone(),
            class_names: self.class_names.clone(),
            assumed: self.all_assumed(),
            axes: self.axes.clone(),
        };
        let header = serde_json::to_string(&header).expect("a header is plain data");
        safetensors::write(writer, &tensors, (KEY, &header))
    }

    /// What was assumed of its files, in words.
    pub fn all_assumed(&self) -> Vec<String> {
        let label = self.columns.as_ref().and_then(Columns::assumed);
        self.assumed.iter().cloned().chain(label).collect()
    }

    /// Whether `bytes` claim to be a data set that [`write`](Self::write) wrote.
    pub(super) fn is_saved(bytes: &[u8]) -> bool {
        safetensors::has_metadata(bytes, KEY)
    }

    /// The data set that [`write`](Self::write) wrote. Samples of several axes, of which no network was known, are brought
    /// into the order of `intake`; others stay as they are.
    ///
    /// # Errors
    /// [`Error::Format`], [`Error::Value`], [`Error::Shape`] or [`Error::NotFinite`] if `bundle` is no whole data set of this
    /// version, or not for `intake`.
    pub(super) fn from_bundle(bundle: Bundle, intake: Option<&Intake>) -> Result<Self> {
        let Bundle {
            mut tensors,
            metadata,
        } = bundle;
        let header = metadata
            .get(KEY)
            .ok_or_else(|| Error::format("data", "is a safetensors file without its header"))?;
        let malformed = |error| Error::json("header of the data", header, &error);
        let value: serde_json::Value = serde_json::from_str(header).map_err(malformed)?;
        let version = &value["version"];
        if version.as_u64() != Some(VERSION.into()) {
            let limit = VERSION.to_string();
            return Err(Error::value("version of the data", version, limit));
        }
        let header: Header = serde_json::from_str(header).map_err(malformed)?;
        let x = tensors
            .remove(SAMPLES)
            .ok_or_else(|| Error::format(format!("tensor `{SAMPLES}`"), "is missing"))?;
        let mut samples = samples(x)?;
        check_features(&header, &samples)?;
        samples.full_scale = header.full_scale;
        let labels = match (tensors.remove(CLASSES), tensors.remove(TARGETS)) {
            (Some(classes), None) => Labels::Classes(classes_in(classes)?),
            (None, Some(targets)) => Labels::Targets(targets.into_matrix(TARGETS)?),
            (None, None) => Labels::None,
            (Some(_), Some(_)) => {
                let what = "are there: must be one of them";
                return Err(Error::format("tensors `classes` and `targets`", what));
            }
        };
        if let Some(name) = tensors.keys().next() {
            let what = format!("tensor `{name}`");
            return Err(Error::format(what, "is not part of a data set"));
        }
        if let (Some(names), Labels::Classes(classes)) = (&header.class_names, &labels)
            && let Some(class) = classes.iter().find(|class| **class >= names.len())
        {
            let limit = format!("below {}, the number of names of classes", names.len());
            return Err(Error::value(CLASSES, class, limit));
        }
        let data = Self::new(header.name, samples, labels)?;
        let whole = Self {
            class_names: header.class_names,
            assumed: header.assumed,
            axes: header.axes,
            ..data
        };
        match (intake, whole.axes.is_empty()) {
            (Some(intake), false) => whole.arranged_again(intake),
            _ => Ok(whole),
        }
    }

    /// The data set, whose samples of several axes were taken row by row, in the order of `intake`.
    fn arranged_again(self, intake: &Intake) -> Result<Self> {
        let taken = row_by_row(&self.axes);
        let raw = Raw {
            what: "data",
            samples: self.x,
            axes: &self.axes,
        };
        let Arranged {
            samples,
            assumed,
            axes,
        } = raw.arranged(Some(intake))?;
        let mut before = self.assumed;
        before.retain(|one| !taken.contains(one));
        Ok(Self {
            x: samples,
            assumed: [before, assumed].concat(),
            axes,
            ..self
        })
    }
}

/// The samples of the tensor `[sample, feature]`, in the type that it has.
fn samples(x: Tensor) -> Result<Samples> {
    let dtype = x.dtype();
    let x = x.into_matrix(SAMPLES)?;
    match dtype {
        Dtype::U8 => Ok(x.mapv(|x| x as u8).into()),
        Dtype::F32 => Ok(x.mapv(|x| x as f32).into()),
        Dtype::F64 => Ok(x.into()),
        other => {
            let limit = "must be uint8, float32 or float64";
            Err(Error::unsupported("tensor `x`", other.name(), limit))
        }
    }
}

/// Fails unless `header` is of as many features as `samples` have.
fn check_features(header: &Header, samples: &Samples) -> Result<()> {
    let features = samples.features();
    if let PerFeature::Each(each) = &header.full_scale
        && each.len() != features
    {
        let limit = format!("[{features}], one a feature");
        return Err(Error::shape("full_scale", [each.len()], limit));
    }
    let of_axes = header
        .axes
        .iter()
        .try_fold(1_usize, |product, length| product.checked_mul(*length));
    if !header.axes.is_empty() && of_axes != Some(features) {
        let limit = format!("of {features} numbers, as `x` is");
        return Err(Error::shape("axes", &header.axes, limit));
    }
    Ok(())
}

/// The classes `[sample]`.
fn classes_in(classes: Tensor) -> Result<Vec<usize>> {
    let numbers = classes.into_vector(CLASSES)?.to_vec();
    match classes::of_numbers(&numbers) {
        Numbered::Classes(classes) => Ok(classes),
        Numbered::Signs(_) => Err(Error::value(CLASSES, -1, "whole numbers from 0")),
        Numbered::Other(place) => {
            let what = format!("{CLASSES}[{place}]");
            Err(Error::value(what, numbers[place], "a whole number from 0"))
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::arr2;

    use super::*;
    use crate::error::compare::{format, shape, value};
    use crate::io::Source;
    use crate::nn::Selection;

    fn bytes(data: &Dataset) -> Vec<u8> {
        let mut bytes = Vec::new();
        data.write(&mut bytes).unwrap();
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Dataset> {
        Dataset::read(Source::new("saved", bytes), Selection::default())
    }

    #[test]
    fn data_are_read_as_they_were_written() {
        let single = Samples::from(arr2(&[[0.1_f32, -2.0], [f32::MIN_POSITIVE, 3.0]]));
        let double = Samples::from(arr2(&[[0.1_f64, 1e-300], [1.0 / 3.0, -0.0]]));
        let bytes_beside = Samples {
            full_scale: vec![255.0, 1.0].into(),
            ..Samples::from(arr2(&[[7.0_f32, 0.5], [255.0, 0.25]]))
        };
        let x = [
            Samples::from(arr2(&[[0_u8, 255], [1, 2]])),
            single,
            double,
            bytes_beside,
        ];
        let labels = [
            Labels::None,
            Labels::Classes(vec![2, 0]),
            Labels::Targets(arr2(&[[0.1], [-1e300]])),
        ];
        for (x, labels) in x
            .iter()
            .flat_map(|x| labels.iter().map(move |labels| (x, labels)))
        {
            let data = Dataset::new("mine", x.clone(), labels.clone()).unwrap();
            let names = ["a", "b", "c"].map(str::to_owned).to_vec();
            let data = Dataset {
                class_names: labels.classes().map(|_| names),
                assumed: vec!["something".to_owned()],
                axes: vec![2, 1],
                ..data
            };
            assert_eq!(read(&bytes(&data)).unwrap(), data);
        }
    }

    #[test]
    fn what_is_no_data_set_of_this_version_is_refused() {
        let data = Dataset::new("d", Samples::from(arr2(&[[1.0, 2.0]])), vec![1]).unwrap();
        let bundle = || safetensors::parse(&bytes(&data)).unwrap();
        let refused = |bundle| Dataset::from_bundle(bundle, None).unwrap_err();
        let mut newer = bundle();
        let header = newer.metadata.get_mut(KEY).unwrap();
        *header = header.replace("\"version\":1", "\"version\":2");
        assert_eq!(refused(newer).refusal(), value("version of the data", "2"));
        let mut axes = bundle();
        let header = axes.metadata.get_mut(KEY).unwrap();
        *header = header.replace("\"axes\":[]", "\"axes\":[3,1]");
        assert_eq!(refused(axes).refusal(), shape("axes", &[3, 1]));
        let mut fewer = bundle();
        fewer.tensors.remove(SAMPLES);
        assert_eq!(refused(fewer).refusal(), format("tensor `x`"));
        let mut both = bundle();
        let x = both.tensors[SAMPLES].clone();
        both.tensors.insert(TARGETS.to_owned(), x.clone());
        assert_eq!(
            refused(both).refusal(),
            format("tensors `classes` and `targets`")
        );
        let mut more = bundle();
        more.tensors.insert("extra".to_owned(), x);
        assert_eq!(refused(more).refusal(), format("tensor `extra`"));
        let mut below = bundle();
        let half = Tensor::real(CLASSES, vec![1], vec![0.5]).unwrap();
        below.tensors.insert(CLASSES.to_owned(), half);
        assert_eq!(refused(below).refusal(), value("classes[0]", "0.5"));
    }
}
