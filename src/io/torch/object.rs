//! What a pickle is made of.
//!
//! Objects lie in one row and name each other by their places, so that neither depth nor sharing costs more than the
//! bytes that write it.

use crate::io::Dtype;

/// The most steps of one pickle. A tensor takes some forty; no state dict comes near.
pub(super) const STEPS: usize = 1 << 22;

/// What a pickle is called in errors.
pub(super) const WHAT: &str = "pickle";

/// The place of an object.
pub(super) type Place = usize;

/// What a pickle is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Object<'a> {
    None,
    Bool(bool),
    Int(i128),
    Float,
    Text(&'a str),
    Bytes,
    Tuple(Vec<Place>),
    List(Vec<Place>),
    Set,
    Dict(Vec<(Place, Place)>),
    Global(Global),
    Storage(Storage<'a>),
    Tensor(View<'a>),
}

/// What a pickle may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Size,
    Storage(Dtype),
}

/// Numbers of one type in a row, which lie outside the pickle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Storage<'a> {
    /// Its name.
    pub(super) key: &'a str,
    pub(super) dtype: Dtype,
    /// Its elements, as the pickle claims.
    pub(super) elements: usize,
}

/// A tensor: which elements of a storage it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View<'a> {
    pub(super) storage: Storage<'a>,
    /// The first element.
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    /// Elements from one index of an axis to the next.
    pub(super) strides: Vec<usize>,
}

pub(super) const ONLY: &str =
    "only tensors, numbers and strings are read, no code is run; save model.state_dict() alone";
