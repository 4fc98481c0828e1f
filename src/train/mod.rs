//! Training: of programs on drawn chips by several methods, and of small complex networks for published figures.
//!
//! A [`Trainable`] is a program whose weights or phases change, a [`Method`] says how the slopes of a loss by them are had, a
//! [`Trainer`] takes the steps, a [`TrainingRun`] does so in a folder before an experiment judges what was learnt.
//!
//! The gradient of a real loss `L` by a complex amplitude `z` is kept as `g = ∂L/∂Re z + i ∂L/∂Im z`. Then `y = W x`
//! gives `g_W = g_y x†` and `g_x = W† g_y`.

mod asked;
mod description;
mod in_situ;
mod keys;
mod layer;
mod learner;
mod loss;
mod method;
mod optimizer;
mod pair;
mod rate;
mod session;
mod state;
mod tape;
mod trainable;
mod trainer;

pub use asked::as_asked;
pub use description::{NewNetwork, Training};
pub use in_situ::{InSituGradient, Passes, in_situ};
pub use keys::{ROWS, Row};
pub use layer::Layer;
pub use learner::{Learner, Recipe, Samples};
pub use loss::{Criterion, Loss};
pub use method::{Adjoint, DirectFeedback, InSitu, Method, MethodName, Minibatch, Spsa};
pub use optimizer::{Optimizer, Rule};
pub use pair::MeshPair;
pub use rate::Schedule;
pub use session::{BEST, STATE, TrainingRun, TrainingWatch};
pub use state::{EPOCH_COLUMNS, EPOCHS, Epoch, State, epochs_in};
pub use tape::{LayerGradient, NetworkGradient, Tape};
pub use trainable::{Parameters, Trainable, TrainedPart};
pub use trainer::{Setting, Trainer};
