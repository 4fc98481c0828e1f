//! Tables as text with separators and as Parquet: samples with their labels, and columns by name.

pub(crate) mod classes;
mod column;
pub mod csv;
pub mod parquet;
pub mod sheet;
pub mod table;
