//! Other packages' notations: their cells, the order of their phases, their lists, and the meshes that these make.

mod convention;
mod convert;
mod described;
mod strawberry;

pub use convention::Convention;
pub use described::Described;
pub use strawberry::StrawberryRow;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A mesh in the words of another package: its cells and phases in the order in which light meets them.
///
/// As JSON, with `modes` counted from [`Convention::first_mode`]:
///
/// ```
/// use lightloom::{Mesh, mesh::Notation};
///
/// let notation: Notation = serde_json::from_str(
///     r#"{"convention": "clements", "modes": 2, "elements": [
///           {"cell": {"modes": [0, 1], "phases_rad": [1.5707963267948966, 0.0]}},
///           {"phase": {"mode": 0, "phase_rad": 3.141592653589793}}]}"#,
/// )?;
/// let swap = Mesh::from_notation(&notation)?.transfer();
/// assert!((swap[(0, 1)].re - 1.0).abs() < 1e-15 && (swap[(1, 0)].re - 1.0).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notation {
    /// Whose cells they are.
    pub convention: Convention,
    /// Number of waveguides.
    pub modes: usize,
    /// What light meets, in its order.
    pub elements: Vec<Element>,
}

/// One part of a [`Notation`]. Modes are numbered as the package does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Element {
    /// A cell.
    #[serde(rename = "cell")]
    Cell {
        /// The modes of the top and of the bottom arm.
        modes: [usize; 2],
        /// The two phases in the package's order, rad; see [`Convention`].
        phases_rad: [f64; 2],
    },
    /// The inverse (adjoint) of a cell, as the last list of Strawberry Fields' `rectangular` means it.
    #[serde(rename = "inverse_cell")]
    Inverse {
        /// The modes of the top and of the bottom arm.
        modes: [usize; 2],
        /// The two phases of the cell, rad.
        phases_rad: [f64; 2],
    },
    /// A phase shifter on one mode.
    #[serde(rename = "phase")]
    Phase {
        /// The mode.
        mode: usize,
        /// The phase, rad.
        phase_rad: f64,
    },
}

impl Element {
    /// What undoes this element.
    #[must_use]
    pub fn inverse(self) -> Self {
        match self {
            Self::Cell { modes, phases_rad } => Self::Inverse { modes, phases_rad },
            Self::Inverse { modes, phases_rad } => Self::Cell { modes, phases_rad },
            Self::Phase { mode, phase_rad } => Self::Phase {
                mode,
                phase_rad: -phase_rad,
            },
        }
    }
}

impl Notation {
    /// No element yet.
    pub fn new(convention: Convention, modes: usize) -> Self {
        Self {
            convention,
            modes,
            elements: Vec::new(),
        }
    }

    /// Adds a cell behind the others, modes numbered as the package does.
    #[must_use]
    pub fn cell(mut self, modes: [usize; 2], phases_rad: [f64; 2]) -> Self {
        self.elements.push(Element::Cell { modes, phases_rad });
        self
    }

    /// Adds a phase shifter on every mode, first mode first.
    #[must_use]
    pub fn phases(mut self, phases_rad: impl IntoIterator<Item = f64>) -> Self {
        let numbered = (self.convention.first_mode()..).zip(phases_rad);
        let shifters = numbered.map(|(mode, phase_rad)| Element::Phase { mode, phase_rad });
        self.elements.extend(shifters);
        self
    }

    /// The notation in the text of a JSON object, see the type.
    ///
    /// # Errors
    /// [`Error::Format`] with the line and column if the text is not such an object.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| Error::json("cells", text, &error))
    }

    /// The text of a JSON object, one element a line.
    pub fn to_json(&self) -> String {
        let line = |element| serde_json::to_string(element).expect("finite numbers and fixed keys");
        let elements: Vec<String> = self.elements.iter().map(line).collect();
        format!(
            "{{\n  \"convention\": \"{}\",\n  \"modes\": {},\n  \"elements\": [\n    {}\n  ]\n}}\n",
            self.convention,
            self.modes,
            elements.join(",\n    ")
        )
    }
}
