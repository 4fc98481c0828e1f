//! The digital network: what was trained, and what its chip is compared with.
//!
//! A [`Model`] is `input → (weight, bias, activation)… → readout`. It comes from safetensors, npz, ONNX or a
//! `network.toml` ([`Model::load`]). A [`Dataset`] holds raw samples `[sample, feature]` and labels.
//! [`Model::forward`] is digital inference in f32 or f64; its pieces ([`Input::encode`], [`Batch`],
//! [`Activation::apply`], [`Readout::read`]) are those of the noisy forward pass too.

mod activation;
mod batch;
mod dataset;
mod input;
mod load;
pub mod metrics;
mod model;
mod network;
mod normalization;
mod samples;
mod score;

pub use activation::{Activation, Domain, Kind, Parameter};
pub use batch::{Batch, Readout};
pub use dataset::{Dataset, Labels, Selection, Split};
pub use input::{Encoding, Input};
pub use load::{Assumed, Hints, Loaded, Order};
pub use model::{Bias, Layer, Model, Weight};
pub use network::{BLOCK, LayerSignal, Network};
pub use normalization::{Normalization, PerFeature, Scale};
pub use samples::{Samples, Values};
pub use score::{Judged, PARTS, Part, Score, Scorer, Worth};
