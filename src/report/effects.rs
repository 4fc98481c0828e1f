//! TEMP
use super::axis::Described;
use super::figure::Figure;
use super::results::Results;
pub(super) fn figures(_: &Results) -> Vec<Figure> {
    Vec::new()
}
