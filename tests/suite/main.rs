//! The integration tests, a module a subject.

mod mnist;
