//! Training of programs on drawn chips by several methods.
//!
//! A [`Trainable`] is a program whose weights or phases change, a [`Method`] says how the slopes of a loss by them are had, a
//! [`Trainer`] takes the steps, a [`TrainingRun`] does so in a folder before an experiment judges what was learnt.
//!
//! The gradient of a real loss `L` by a complex amplitude `z` is kept as `g = ∂L/∂Re z + i ∂L/∂Im z`. Then `y = W x`
//! gives `g_W = g_y x†` and `g_x = W† g_y`.

mod in_situ;
mod loss;
mod method;
mod optimizer;
mod rate;
mod run;
mod tape;
mod trainable;

pub use in_situ::{InSituGradient, Passes, in_situ};
pub use loss::{Criterion, Loss};
pub use method::{Adjoint, DirectFeedback, InSitu, Method, MethodName, Minibatch, Spsa};
pub use optimizer::{Optimizer, Rule};
pub use rate::Schedule;
pub use run::{
    BEST, EPOCH_COLUMNS, EPOCHS, Epoch, NewNetwork, ROWS, Row, STATE, Setting, State, Trainer,
    Training, TrainingRun, TrainingWatch, diverged, epochs_in,
};
pub use tape::{LayerGradient, NetworkGradient, Tape};
pub use trainable::{Parameters, Trainable, TrainedPart};
