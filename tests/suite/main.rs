//! Integration tests: one binary, a module a subject.

#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "cli")]
mod correction;
#[cfg(feature = "cli")]
mod geometries;
mod inference;
mod mnist;
mod physics;
#[cfg(feature = "cli")]
mod report;
mod rooms;
#[cfg(feature = "cli")]
mod sweep;
