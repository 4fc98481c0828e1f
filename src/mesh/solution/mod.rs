//! Phases that solve for a matrix: of a perfect mesh, of one whose errors are known, by gradient, at random.

mod butterfly;
mod correct;
mod decompose;
mod fit;
mod haar;

pub(crate) use correct::attenuator;
pub use correct::{Corrected, Correction};
pub use decompose::decompose;
pub use fit::{Fit, closest, fit};
