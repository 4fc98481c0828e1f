//! The digital network: what was trained, and what its chip is compared with.
//!
//! A [`Network`] is `input → (weight, bias, activation)… → readout`. It comes from safetensors, npz, ONNX or a
//! `network.toml` ([`Network::load`]). A [`Dataset`] holds raw samples `[sample, feature]` and labels.
//! [`Network::run`] computes it; whoever multiplies by its weights is a [`Linears`]: [`Digital`] in f32 or f64, or a chip.

mod activation;
mod batch;
mod dataset;
mod digital;
#[cfg(feature = "onnx")]
mod graph;
mod input;
#[cfg(feature = "onnx")]
mod language;
mod linear;
mod load;
pub mod metrics;
mod network;
mod normalization;
#[cfg(test)]
mod page;
mod port;
mod samples;
mod score;
mod vocabulary;

pub use activation::{Activation, Domain, Kind, Parameter};
pub use batch::{BLOCK, Batch, Readout};
pub use dataset::{Dataset, Labels, Selection, Split};
pub use digital::{Digital, LayerSignal};
#[cfg(feature = "onnx")]
pub use graph::{Choice, Chosen, GivenShape, Graph, Left, Why};
pub use input::{Encoding, Input};
#[cfg(feature = "onnx")]
pub use language::LanguageModel;
pub use linear::{At, Linear, LinearId, Linears, Weight};
#[cfg(feature = "onnx")]
pub use load::GraphHints;
pub use load::{Assumed, Hints, Loaded, Order, Remarks};
pub use network::{Bias, Body, Layer, Network};
pub use normalization::{Normalization, PerFeature, Scale};
pub use port::{Channels, Element, Intake, Port};
pub use samples::{Samples, Values};
pub use score::{Judged, PARTS, Part, Score, Scorer, Worth};
pub use vocabulary::Vocabulary;
