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
pub mod graph;
mod input;
mod linear;
mod load;
pub mod metrics;
mod network;
mod normalization;
mod samples;
mod score;

pub use activation::{Activation, Domain, Kind, Parameter};
pub use batch::{Batch, Readout};
pub use dataset::{Dataset, Labels, Selection, Split};
pub use digital::{BLOCK, Digital, LayerSignal};
pub use input::{Encoding, Input};
pub use linear::{At, Linear, LinearId, Linears, Weight};
pub use load::{Assumed, Hints, Loaded, Order};
pub use network::{Bias, Body, Layer, Network};
pub use normalization::{Normalization, PerFeature, Scale};
pub use samples::{Samples, Values};
pub use score::{Judged, PARTS, Part, Score, Scorer, Worth};
