//! What all commands share: arguments, files in and out, who waits.

pub(crate) mod args;
pub(crate) mod count;
pub(crate) mod output;
pub(crate) mod watch;
