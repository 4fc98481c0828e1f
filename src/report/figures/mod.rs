//! Figures and tables of a sweep.

pub(crate) mod chip;
pub(crate) mod confusion;
pub(crate) mod curves;
pub(crate) mod effects;
pub(crate) mod hardware;
mod heat;
pub(crate) mod layers;
pub(crate) mod maps;
pub(crate) mod tables;
pub(crate) mod yields;
