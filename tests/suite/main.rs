//! Integration tests: one binary, a module a subject.

mod mnist;
mod physics;
mod rooms;
