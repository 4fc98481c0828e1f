//! Tables of samples: text with separators, and Parquet.

pub(crate) mod classes;
pub mod csv;
pub mod parquet;
pub mod table;
