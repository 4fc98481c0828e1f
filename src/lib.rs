//! lightloom compiles trained neural networks onto meshes of Mach–Zehnder interferometers (MZIs) and
//! simulates the real, imperfect photonic chip.
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod error;
pub mod field;
pub mod linalg;
pub mod mesh;
pub mod report;
pub mod rng;
pub mod units;

pub use error::{Error, Result};
pub use field::Fields;
pub use mesh::Mesh;
pub use rng::Seed;
