//! Running a sweep: what is read, what is missing, and how long it takes.

mod estimate;
mod input;
mod loaded;
mod notes;
mod parcel;
mod session;
mod tasks;
mod worker;

pub use estimate::Estimate;
pub(crate) use notes::Notes;
pub use parcel::Parcel;
pub use session::Session;
pub use worker::Worker;
