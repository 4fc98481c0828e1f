//! Networks that are graphs of ONNX, evaluated by tract.

mod prepare;

pub use prepare::{Choice, Element, GivenShape, Port, Prepared, prepare};
