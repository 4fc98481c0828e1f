//! How other packages write a cell.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::field::TwoByTwo;
use crate::linalg::C64;
use crate::mesh::{Mzi, wrap};

/// Whose phases these are: the cell, the order of its two phases and the number of the first mode.
///
/// Names are those of the command line and of files, see [`name`](Self::name). B is the 50:50 coupler,
/// P(a, b) = diag(e^{ia}, e^{ib}), T(θ, φ) the MZI of [`mesh`](crate::mesh):
///
/// | name | cell | its two phases, rad | free phases |
/// |---|---|---|---|
/// | `clements` | `[[e^{iφ} cos ω, −sin ω], [e^{iφ} sin ω, cos ω]]` | ω, φ | output |
/// | `strawberryfields` | the same | ω, φ | output |
/// | `clementsw` | the same, modes count from 1 | ω, φ | output |
/// | `strawberryfields-mzi` | T(θ, φ) | θ, φ | output |
/// | `perceval` | T(θ, φ) | φ, θ (as light meets them) | output |
/// | `neuroptica` | T(θ, φ)ᵀ | θ, φ | input |
/// | `neurophox` | T(θ, φ)ᵀ (T on row vectors) | θ, φ | input |
/// | `bell-walmsley` | B P(θ₁, θ₂) B | θ₁, θ₂ | input, edges, output |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Convention {
    /// Eq. 1 of Clements et al., Optica 3, 1460 (2016); also piquasso and phaseshift.
    Clements,
    /// `T` of Strawberry Fields: `rectangular`, `rectangular_phase_end`, `triangular`.
    #[serde(rename = "strawberryfields")]
    StrawberryFields,
    /// The package `interferometer` of clementsw: modes count from 1.
    Clementsw,
    /// `mach_zehnder(internal, external)` of Strawberry Fields: `rectangular_MZ`, `rectangular_symmetric`.
    #[serde(rename = "strawberryfields-mzi")]
    StrawberryFieldsMzi,
    /// Perceval's "mzi phase first": phases in the order of the circuit, φ before θ.
    Perceval,
    /// neuroptica's `MZI`: φ at the output.
    Neuroptica,
    /// neurophox's `SMMZI`, whose layers act on row vectors; the matrix here acts on columns.
    Neurophox,
    /// The symmetric MZI of Bell and Walmsley, APL Photonics 6, 070804 (2021).
    BellWalmsley,
}

impl Convention {
    /// Every convention.
    pub const ALL: [Self; 8] = [
        Self::Clements,
        Self::StrawberryFields,
        Self::Clementsw,
        Self::StrawberryFieldsMzi,
        Self::Perceval,
        Self::Neuroptica,
        Self::Neurophox,
        Self::BellWalmsley,
    ];

    /// The name that files and the command line use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clements => "clements",
            Self::StrawberryFields => "strawberryfields",
            Self::Clementsw => "clementsw",
            Self::StrawberryFieldsMzi => "strawberryfields-mzi",
            Self::Perceval => "perceval",
            Self::Neuroptica => "neuroptica",
            Self::Neurophox => "neurophox",
            Self::BellWalmsley => "bell-walmsley",
        }
    }

    /// The number of the first mode: 1 for `clementsw`, else 0.
    pub fn first_mode(self) -> usize {
        usize::from(self == Self::Clementsw)
    }

    /// The 2×2 of one cell with its two phases, rad: `[t11, t12, t21, t22]`, row = output, 1 = top.
    pub fn matrix(self, phases_rad: [f64; 2]) -> TwoByTwo {
        let form = self.normal_form(phases_rad);
        let middle = Mzi::ideal(form.theta, 0.0).matrix();
        let factor =
            |row: usize, col: usize| C64::from_polar(1.0, form.output[row] + form.input[col]);
        [
            middle[0] * factor(0, 0),
            middle[1] * factor(0, 1),
            middle[2] * factor(1, 0),
            middle[3] * factor(1, 1),
        ]
    }

    /// The cell as P(output) T(θ, 0) P(input).
    ///
    /// T_C(ω, φ) = e^{iω} T(π − 2ω, φ − π); B P(θ₁, θ₂) B = e^{iθ₂} T(θ₁ − θ₂, 0); T(θ, 0) is symmetric.
    pub(super) fn normal_form(self, [a, b]: [f64; 2]) -> NormalForm {
        let (theta, input, output) = match self {
            Self::Clements | Self::StrawberryFields | Self::Clementsw => {
                (PI - 2.0 * a, [b - PI, 0.0], [a, a])
            }
            Self::StrawberryFieldsMzi => (a, [b, 0.0], [0.0; 2]),
            Self::Perceval => (b, [a, 0.0], [0.0; 2]),
            Self::Neuroptica | Self::Neurophox => (a, [0.0; 2], [b, 0.0]),
            Self::BellWalmsley => (a - b, [0.0; 2], [b, b]),
        };
        NormalForm::folded(theta, input, output)
    }

    /// The phases of the cell of this convention that moves light between its modes as T(θ, 0) does, with
    /// its one external phase at 0 in the normal form. `theta` is in [0, π].
    pub(super) fn bare_phases(self, theta: f64) -> [f64; 2] {
        match self {
            Self::Clements | Self::StrawberryFields | Self::Clementsw => {
                [FRAC_PI_2 - theta / 2.0, PI]
            }
            Self::StrawberryFieldsMzi | Self::Neuroptica | Self::Neurophox => [theta, 0.0],
            Self::Perceval => [0.0, theta],
            Self::BellWalmsley => [theta / 2.0, -theta / 2.0],
        }
    }

    /// Which of the two phases is the external one, and where it stands.
    pub(super) fn external(self) -> External {
        match self {
            Self::Clements
            | Self::StrawberryFields
            | Self::Clementsw
            | Self::StrawberryFieldsMzi => External::Input(1),
            Self::Perceval => External::Input(0),
            Self::Neuroptica | Self::Neurophox => External::Output(1),
            Self::BellWalmsley => External::Common,
        }
    }
}

impl std::fmt::Display for Convention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Convention {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL
            .into_iter()
            .find(|convention| convention.name() == text);
        found.ok_or_else(|| Error::unknown("convention", text, &Self::ALL.map(Self::name)))
    }
}

/// P(output) T(theta, 0) P(input), phases in rad, `[top, bottom]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct NormalForm {
    pub theta: f64,
    pub input: [f64; 2],
    pub output: [f64; 2],
}

impl NormalForm {
    /// The same cell with its θ in [0, π], whatever it was.
    ///
    /// Beyond π, T(θ, φ) = P(θ, θ − π) T(2π − θ, φ + π).
    pub fn folded(theta: f64, mut input: [f64; 2], mut output: [f64; 2]) -> Self {
        let mut theta = wrap(theta);
        if theta > PI {
            input[0] += PI;
            output[0] += theta;
            output[1] += theta - PI;
            theta = TAU - theta;
        }
        Self {
            theta,
            input,
            output,
        }
    }

    /// The adjoint cell: T(θ, 0)† = e^{i(π − θ)} T(θ, 0).
    pub fn inverse(self) -> Self {
        Self {
            theta: self.theta,
            input: self.output.map(|phase| -phase),
            output: self.input.map(|phase| PI - self.theta - phase),
        }
    }
}

/// Where a convention's external phase stands; the index is its place among the cell's phases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum External {
    /// On the top input.
    Input(usize),
    /// On the top output.
    Output(usize),
    /// On both arms alike.
    Common,
}
