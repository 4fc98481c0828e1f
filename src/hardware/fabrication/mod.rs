//! Errors as fabs make them: what of a quantity a wafer, a die, a neighbourhood and an element alone have.
//!
//! A quantity of variance σ² is drawn as `μ + t(r/R) + σ Q(Φ(g))`, where t is the trend over the wafer, Q the quantile function of
//! its [`Law`](super::Law) and
//!
//! ```text
//! g = √d Z + √f F(x, y) + √(1 − d − f) N
//! ```
//!
//! of a number Z of the die, a Gaussian field F over it and a number N of each element, all of variance 1: g is N(0, 1) at
//! every element, whatever the shares d and f are, so that the law about the mean is exact and σ is the standard deviation
//! of the whole. Of a normal law Q(Φ(g)) is g.
//!
//! Bogaerts, Xing, Khan, JSTQE 25(5), 6100413 (2019); Jhoja, UBC thesis (2019).

mod axis;
mod family;
mod law;
mod places;
mod plan;
mod wafer;

pub(super) use family::{Family, Shares};
pub(super) use law::Quantile;
pub(crate) use places::Built;
pub(super) use plan::{SitePlan, Wanted};
pub use wafer::{Die, Wafer};
