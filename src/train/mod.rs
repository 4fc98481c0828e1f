//! Training by back-propagation: complex networks of dense weights, or of meshes whose phases are learnt.
//!
//! The gradient of a real loss `L` by a complex amplitude `z` is kept as `g = ∂L/∂Re z + i ∂L/∂Im z`. Then `y = W x`
//! gives `g_W = g_y x†` and `g_x = W† g_y`.

mod adam;
mod in_situ;
mod layer;
mod learner;
mod pair;
mod tape;

pub use adam::Adam;
pub use in_situ::{InSitu, InSituGradient, in_situ};
pub use layer::Layer;
pub use learner::{Learner, Recipe, Samples};
pub use pair::MeshPair;
pub use tape::{LayerGradient, NetworkGradient, Tape};
