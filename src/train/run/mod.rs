//! A training from its description to a folder of results.

mod description;
mod folder;
mod keys;
mod state;
mod trainer;

pub use description::{NewNetwork, Training};
pub use folder::{BEST, STATE, TrainingRun, TrainingWatch, diverged};
pub use keys::{ROWS, Row};
pub use state::{EPOCH_COLUMNS, EPOCHS, Epoch, State, epochs_in};
pub use trainer::{Setting, Trainer};
