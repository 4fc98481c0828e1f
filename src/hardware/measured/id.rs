//! Ids of components, taken apart.

use std::fmt;

use crate::error::{Error, Result};
use crate::mesh::{Component, ComponentKind};

/// A component of a section of a chip: what an id says behind the section's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spot {
    pub(crate) column: u32,
    pub(crate) mode: u32,
    kind: u8,
}

impl Spot {
    pub(crate) fn new(kind: ComponentKind, column: u32, mode: u32) -> Self {
        let number = ComponentKind::ALL.iter().position(|other| *other == kind);
        Self {
            column,
            mode,
            kind: number.expect("every kind is one of all") as u8,
        }
    }

    /// What the component is.
    pub(crate) fn kind(self) -> ComponentKind {
        ComponentKind::ALL[usize::from(self.kind)]
    }

    /// The id on the section of this `path`.
    pub(crate) fn id(self, path: &str) -> String {
        let Self { column, mode, .. } = self;
        format!("{path}.{}.{column}.{mode}", self.kind().name())
    }
}

impl From<&Component> for Spot {
    fn from(component: &Component) -> Self {
        let small = |number: usize| u32::try_from(number).expect("meshes have fewer columns");
        Self::new(
            component.kind,
            small(component.column),
            small(component.mode),
        )
    }
}

/// The id of a component: the path of its section and what it is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id {
    pub(crate) path: String,
    pub(crate) spot: Spot,
}

impl Id {
    /// The parts of `text`, such as `mesh.theta.3.1`; `what` names it in errors.
    pub(super) fn parse(what: &str, text: &str) -> Result<Self> {
        let mut parts = text.rsplitn(4, '.');
        let mut number = || {
            let part = parts.next()?;
            // Ids have one spelling.
            let is_plain = part == "0" || !part.starts_with('0') && !part.starts_with('+');
            part.parse::<u32>().ok().filter(|_| is_plain)
        };
        let (mode, column) = (number(), number());
        let (kind, path) = (parts.next(), parts.next());
        let (Some(mode), Some(column), Some(name), Some(path)) = (mode, column, kind, path) else {
            let limit =
                "the id of a component, such as mesh.theta.0.1, as lightloom export writes it";
            return Err(Error::value(what, format!("`{text}`"), limit));
        };
        let names = ComponentKind::ALL.map(ComponentKind::name);
        let Some(kind) = ComponentKind::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
        else {
            let error = Error::unknown(format!("component of {what} `{text}`"), name, &names);
            return Err(error);
        };
        if path.is_empty() {
            let limit =
                "the id of a component, such as mesh.theta.0.1, as lightloom export writes it";
            return Err(Error::value(what, format!("`{text}`"), limit));
        }
        Ok(Self {
            path: path.to_owned(),
            spot: Spot::new(kind, column, mode),
        })
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spot.id(&self.path))
    }
}
