//! Figures and tables of a sweep.

pub(crate) mod chip;
pub(crate) mod confusion;
mod contour;
pub(crate) mod curves;
pub(crate) mod effects;
pub(crate) mod hardware;
mod heat;
pub(crate) mod layers;
mod map_of;
pub(crate) mod maps;
pub(crate) mod tables;
pub(crate) mod yields;
