//! Charts, tables and figures, whatever they are of.

pub(crate) mod bars;
pub(crate) mod chart;
pub(crate) mod color;
pub(crate) mod figure;
pub(crate) mod ruler;
pub mod scaling;
pub(crate) mod series;
pub(crate) mod style;
pub(crate) mod svg;
pub(crate) mod table;
pub(crate) mod words;
