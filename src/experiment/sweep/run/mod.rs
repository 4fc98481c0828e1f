//! Running a sweep: what is read, what is missing, and how long it takes.

mod estimate;
mod input;
mod notes;
mod session;

pub use estimate::Estimate;
pub use session::Session;
