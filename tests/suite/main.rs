//! Integration tests: one binary, a module a subject.

#[cfg(feature = "cli")]
mod cli;
mod inference;
mod mnist;
mod physics;
mod rooms;
