//! Operators in other forms than those of the file: plain ones for scikit-learn's, ones that tract reads, fewer products.

mod classical;
mod norms;
mod readable;

pub(super) use classical::rewrite;
pub(super) use norms::fold;
pub(super) use readable::settle;
