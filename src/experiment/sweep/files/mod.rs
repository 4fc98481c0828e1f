//! The folder of a sweep: its journal, the files of rows, and those of several machines put together.

pub(crate) mod difference;
pub(crate) mod journal;
mod merge;
pub(crate) mod output;
mod shard;
mod status;

pub use merge::merge;
pub use output::gathered;
pub(crate) use output::has_ended;
pub use shard::Shard;
pub use status::Status;
