//! What a cell of a mesh is made of.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What stands at every node of a mesh. It fits every geometry.
///
/// B is a coupler of angle π/4 plus its error, P(a, b) = diag(e^{ia}, e^{ib}), X swaps the two modes.
///
/// | name | cell | cannot be set where |
/// |---|---|---|
/// | `mzi` | B P(θ, 0) B P(φ, 0) | nearly all light crosses, or nearly none |
/// | `3-splitter` | B P(θ, 0) B P(φ, 0) B | all light must leave a nearly even superposition: rare in any size of mesh |
/// | `mzi-crossing` | X B P(θ, 0) B P(φ, 0) | nearly none crosses; equal errors of both couplers do not hinder the cross state |
/// | `symmetric` | B P(θ₁, θ₂) B | as `mzi`; shorter, for its phases stand side by side |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum CellKind {
    /// Two couplers, an internal and an external phase shifter.
    #[default]
    Mzi,
    /// With a third coupler in front of φ. Hamerly et al., Nat. Commun. 13, 6831 (2022).
    ThreeSplitter,
    /// With a waveguide crossing behind the MZI. Hamerly et al., Nat. Commun. 13, 6831 (2022).
    Crossing,
    /// Phase shifters on both arms and none outside. Bell and Walmsley, APL Photonics 6, 070804 (2021).
    Symmetric,
}

impl CellKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::Mzi,
        Self::ThreeSplitter,
        Self::Crossing,
        Self::Symmetric,
    ];

    /// The name that files and the command line use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mzi => "mzi",
            Self::ThreeSplitter => "3-splitter",
            Self::Crossing => "mzi-crossing",
            Self::Symmetric => "symmetric",
        }
    }

    /// Couplers that light meets in one cell.
    pub fn couplers(self) -> usize {
        match self {
            Self::ThreeSplitter => 3,
            _ => 2,
        }
    }

    /// Lengths of a phase shifter that one column of cells takes.
    pub fn sections(self) -> usize {
        match self {
            Self::Symmetric => 1,
            _ => 2,
        }
    }

    /// The cell whose θ and φ a correction computes: symmetric cells get theirs from those of an MZI.
    pub(in crate::mesh) fn with_external_phase(self) -> Self {
        match self {
            Self::Symmetric => Self::Mzi,
            kind => kind,
        }
    }
}

impl std::fmt::Display for CellKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl From<CellKind> for String {
    fn from(kind: CellKind) -> Self {
        kind.name().to_owned()
    }
}

impl TryFrom<String> for CellKind {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl std::str::FromStr for CellKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| Error::unknown("cell", text, &Self::ALL.map(Self::name)))
    }
}
