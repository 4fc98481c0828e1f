//! What is said of a network beside its file, as people write it.

use std::path::Path;

use super::Hints;
use crate::error::Result;
use crate::nn::{Normalization, PerFeature};

#[cfg(feature = "onnx")]
use super::GraphHints;
#[cfg(feature = "onnx")]
use crate::nn::graph::{Choice, Chosen};

/// What is said of a network beside its file, as text: options of `lightloom compile`, and keys of an experiment of the
/// same names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remarks {
    /// The activation between the layers of a network that states none.
    pub activation: Option<String>,
    /// The names of all layers of a network that states no order, in their order.
    pub layers: Option<Vec<String>>,
    /// What raw data are multiplied with, as [`PerFeature::open`] reads it.
    pub scale: Option<String>,
    /// What is subtracted then, likewise.
    pub mean: Option<String>,
    /// What is divided by then, likewise.
    pub std: Option<String>,
    /// Where the channels of raw pictures stand.
    pub channels: Option<String>,
    /// Inputs of a graph in the order in which their features come in a sample.
    pub inputs: Vec<String>,
    /// Outputs of a graph.
    pub outputs: Vec<String>,
    /// Shapes of inputs that a graph leaves open, such as `x=N,3,32,32`.
    pub shape: Vec<String>,
    /// Products of a graph that stay digital, by name; `*` stands for any run of characters.
    pub digital: Vec<String>,
    /// Products of a graph that go to light though they would stay digital, likewise.
    pub light: Vec<String>,
}

impl Remarks {
    /// The texts that [`PerFeature::open`] reads, by their names.
    pub fn numbers(&self) -> [(&'static str, &Option<String>); 3] {
        [
            ("scale", &self.scale),
            ("mean", &self.mean),
            ("std", &self.std),
        ]
    }

    /// The lists that are said of a graph, by their names.
    pub fn lists(&self) -> [(&'static str, &Vec<String>); 5] {
        [
            ("inputs", &self.inputs),
            ("outputs", &self.outputs),
            ("shape", &self.shape),
            ("digital", &self.digital),
            ("light", &self.light),
        ]
    }

    /// The names of what is said.
    pub fn said(&self) -> Vec<&'static str> {
        let words = [
            ("activation", self.activation.is_some()),
            ("layers", self.layers.is_some()),
        ];
        let numbers = self.numbers().map(|(name, text)| (name, text.is_some()));
        let channels = [("channels", self.channels.is_some())];
        let lists = self.lists().map(|(name, list)| (name, !list.is_empty()));
        let all = words
            .into_iter()
            .chain(numbers)
            .chain(channels)
            .chain(lists);
        all.filter_map(|(name, is_said)| is_said.then_some(name))
            .collect()
    }

    /// The files that are named, as they are named, behind what names them.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.numbers().into_iter().filter_map(|(name, text)| {
            let file = text.as_ref().filter(|text| PerFeature::is_file(text))?;
            Some((name, file.as_str()))
        })
    }

    /// Names every file otherwise: `other` of what it is named.
    pub(crate) fn rename_files(&mut self, other: impl Fn(&str) -> String) {
        let texts = [&mut self.scale, &mut self.mean, &mut self.std];
        for text in texts.into_iter().flatten() {
            if PerFeature::is_file(text) {
                *text = other(text);
            }
        }
    }

    /// What is said, understood; files are in `folder`.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) for text that means nothing; whatever is wrong with a file, named.
    pub fn hints(&self, folder: &Path) -> Result<Hints> {
        let [scale, mean, std] = self.numbers().map(|(name, text)| {
            let text = text.as_ref();
            text.map(|text| PerFeature::open_in(folder, name, text))
                .transpose()
        });
        let channels = self.channels.as_ref().map(|text| text.parse());
        let activation = self.activation.as_ref().map(|name| name.parse());
        #[cfg(not(feature = "onnx"))]
        if let Some((name, list)) = self.lists().into_iter().find(|(_, list)| !list.is_empty()) {
            let limit = "left out: this lightloom is built without the feature onnx";
            return Err(crate::Error::value(name, list.join(", "), limit));
        }
        Ok(Hints {
            activation: activation.transpose()?,
            layers: self.layers.clone(),
            normalization: Normalization {
                scale: scale?,
                mean: mean?,
                std: std?,
                channels: channels.transpose()?,
            },
            #[cfg(feature = "onnx")]
            graph: GraphHints {
                choice: Choice {
                    inputs: self.inputs.clone(),
                    outputs: self.outputs.clone(),
                    shapes: self
                        .shape
                        .iter()
                        .map(|text| text.parse())
                        .collect::<Result<_>>()?,
                },
                chosen: Chosen {
                    light: self.light.clone(),
                    digital: self.digital.clone(),
                },
            },
        })
    }
}
