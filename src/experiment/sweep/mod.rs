//! Sweeps: an experiment as data, and trials over a grid of points that can be stopped, resumed and shared out.
//!
//! A [`Sweep`] is what `EXPERIMENT.toml` says: axes, base hardware, trials. Its points are the product of its axes, the
//! last one fastest; a trial of a point is one chip, and chip number t of one point is chip number t of every other.
//! A [`Session`] runs what is missing in a folder. Finished trials go to a journal, from which the files of rows are
//! written whole, in the order of points and trials: they do not depend on when or where a trial ran. A [`Parcel`] holds
//! all that a [`Worker`] in another process needs for trials.

mod description;
mod files;
mod reference;
pub mod rows;
mod run;

pub(crate) use description::value;
pub use description::{Axis, Base, Beside, Key, Names, Point, Source, Sweep};
pub(crate) use files::has_ended;
pub use files::{Shard, Status, gathered, merge};
pub use reference::{LayerShape, Reference};
pub(crate) use run::Notes;
pub use run::{Estimate, Parcel, Session, Worker};
