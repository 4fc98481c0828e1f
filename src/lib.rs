//! lightloom compiles trained neural networks onto meshes of Mach–Zehnder interferometers (MZIs) and
//! simulates the real, imperfect photonic chip.
#![deny(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "cli")]
pub mod cli;
pub mod compile;
pub mod error;
pub mod experiment;
pub mod export;
pub mod field;
pub mod files;
pub mod hardware;
pub mod io;
pub mod linalg;
pub mod mesh;
pub mod nn;
pub mod processor;
pub mod report;
pub mod rng;
mod simd;
pub mod train;
pub mod twin;
pub mod units;
pub mod validation;
mod watch;

pub use compile::{Program, compile};
pub use error::{Error, Result};
pub use experiment::Experiment;
pub use field::Fields;
pub use hardware::{Chip, Hardware};
pub use mesh::{Correction, Mesh, decompose};
pub use nn::{Dataset, Network};
pub use processor::Processor;
pub use rng::Seed;
pub use watch::Watch;

/// The README, whose code runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
