//! Networks that are graphs of ONNX, evaluated by tract.

mod prepare;

pub use prepare::{BATCH, Choice, Element, GivenShape, Port, Prepared, prepare};
