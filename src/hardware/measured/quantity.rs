//! What can be measured of a component: one row each, and nothing about it anywhere else.

use std::f64::consts::FRAC_PI_4;

use super::curve::VOLTAGE_LIMIT_V;
use crate::mesh::ComponentKind;

/// A number that a table of a measured chip has of a component: a column of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MeasuredQuantity {
    /// How far a coupler's angle is from π/4, rad.
    SplittingErrorRad,
    /// Loss of both arms of a cell or an attenuator, dB.
    LossDb,
    /// Phase of a shifter with its heater off, rad.
    OffsetRad,
    /// A heater's own voltage for a phase of π, V.
    VPiV,
    /// 1 of a heater that does nothing or a detector that reads nothing, else 0.
    Dead,
    /// Gain of a row's detectors relative to the calibrated one.
    Gain,
    /// Gain of the detector of a row's imaginary part, where it has its own.
    ImaginaryGain,
    /// Phase of the local oscillator at a row, rad.
    LoPhaseRad,
}

/// What there is to know of a quantity.
pub(super) struct Row {
    /// The name of its column.
    pub(super) name: &'static str,
    /// The components that have it.
    pub(super) of: &'static [ComponentKind],
    /// What those are called.
    pub(super) owners: &'static str,
    /// What it may be.
    pub(super) range: &'static str,
    pub(super) holds: fn(f64) -> bool,
    /// What it is, as `docs/hardware.md` says it.
    pub(super) about: &'static str,
}

const COUPLERS: &[ComponentKind] = &[
    ComponentKind::Alpha,
    ComponentKind::Beta,
    ComponentKind::Gamma,
];
const CELLS: &[ComponentKind] = &[ComponentKind::Theta, ComponentKind::Attenuator];
const SHIFTERS: &[ComponentKind] = &[
    ComponentKind::Theta,
    ComponentKind::Phi,
    ComponentKind::Screen,
    ComponentKind::Free,
    ComponentKind::Attenuator,
];
const PERISHABLE: &[ComponentKind] = &[
    ComponentKind::Theta,
    ComponentKind::Phi,
    ComponentKind::Screen,
    ComponentKind::Free,
    ComponentKind::Attenuator,
    ComponentKind::Detector,
];
const DETECTORS: &[ComponentKind] = &[ComponentKind::Detector];

impl MeasuredQuantity {
    /// Every quantity, in the order of its columns.
    pub const ALL: [Self; 8] = [
        Self::SplittingErrorRad,
        Self::LossDb,
        Self::OffsetRad,
        Self::VPiV,
        Self::Dead,
        Self::Gain,
        Self::ImaginaryGain,
        Self::LoPhaseRad,
    ];

    pub(super) fn row(self) -> Row {
        type Range = (&'static str, fn(f64) -> bool);
        let finite: Range = ("a finite number", f64::is_finite);
        let not_negative: Range = ("a finite number from 0", |x| x.is_finite() && x >= 0.0);
        let (name, of, owners, (range, holds), about): (_, _, _, Range, _) = match self {
            Self::SplittingErrorRad => (
                "splitting_error_rad",
                COUPLERS,
                "couplers",
                ("from -π/4 to π/4", |x| x.abs() <= FRAC_PI_4),
                "How far the coupler's angle is from π/4, a bias of all couplers included.",
            ),
            Self::LossDb => (
                "loss_db",
                CELLS,
                "cells, which their theta stands for, and of attenuators",
                not_negative,
                "Loss of both arms of the cell or attenuator.",
            ),
            Self::OffsetRad => (
                "offset_rad",
                SHIFTERS,
                "phase shifters",
                finite,
                "Phase with the heater off.",
            ),
            Self::VPiV => (
                "v_pi_v",
                SHIFTERS,
                "phase shifters",
                ("a number of V above 0, at most 1e6", |x| {
                    x > 0.0 && x <= VOLTAGE_LIMIT_V
                }),
                "The heater's own voltage for a phase of π, beside the calibrated `phase_shifter.v_pi_v`.",
            ),
            Self::Dead => (
                "dead",
                PERISHABLE,
                "phase shifters and detectors",
                ("true or false", |x| x == 0.0 || x == 1.0),
                "`true` of a heater that does nothing, whose phase is its offset and its neighbours' heat, and of a \
                     detector that reads 0.",
            ),
            Self::Gain => (
                "gain",
                DETECTORS,
                "detectors",
                not_negative,
                "Gain relative to the calibrated one, of both quadratures.",
            ),
            Self::ImaginaryGain => (
                "imaginary_gain",
                DETECTORS,
                "detectors",
                not_negative,
                "That of the detector of the imaginary part, where it is another one.",
            ),
            Self::LoPhaseRad => (
                "lo_phase_rad",
                DETECTORS,
                "detectors",
                finite,
                "Phase of the local oscillator.",
            ),
        };
        Row {
            name,
            of,
            owners,
            range,
            holds,
            about,
        }
    }

    /// The name of its column.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The quantity whose column is called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|quantity| quantity.name() == name)
    }

    /// Whether components of `kind` have it.
    pub fn is_of(self, kind: ComponentKind) -> bool {
        self.row().of.contains(&kind)
    }

    /// What it is, in sentences.
    pub fn words(self) -> &'static str {
        self.row().about
    }

    /// What it may be, in words.
    pub fn range(self) -> &'static str {
        self.row().range
    }

    /// The components that have it, by the names that ids use.
    pub fn kinds(self) -> impl Iterator<Item = &'static str> {
        self.row().of.iter().map(|kind| kind.name())
    }
}
