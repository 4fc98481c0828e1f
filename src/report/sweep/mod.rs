//! What a sweep's files hold, which of it stands for the rest, and the words for it.

pub(crate) mod axis;
pub(crate) mod choice;
pub(crate) mod measure;
pub(crate) mod program;
pub(crate) mod quantity;
pub(crate) mod results;
pub(crate) mod slice;
