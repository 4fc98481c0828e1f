//! Which keys say how a quantity is drawn.

use crate::hardware::{Hardware, Law, Quantity};

/// Quantities that share what causes them: one number of the die and one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::hardware) enum Family {
    /// Angles of all couplers, the first, second and third ones.
    Coupler,
    Loss,
    Offset,
    VPi,
    Gain,
    Oscillator,
}

/// How a family is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::hardware) struct Shares {
    /// What the design says.
    pub(in crate::hardware) mean: f64,
    /// The standard deviation of the whole.
    pub(in crate::hardware) sigma: f64,
    /// Share of the variance that a die has.
    pub(in crate::hardware) die: f64,
    /// Share of the variance that varies smoothly over the die.
    pub(in crate::hardware) field: f64,
    /// Shift at the edge of the wafer, in proportion to the radius and to its square.
    pub(in crate::hardware) trend: [f64; 2],
    pub(in crate::hardware) law: Law,
}

impl Family {
    /// Every family, in the order of their streams.
    pub(in crate::hardware) const ALL: [Self; 6] = [
        Self::Coupler,
        Self::Loss,
        Self::Offset,
        Self::VPi,
        Self::Gain,
        Self::Oscillator,
    ];

    pub(in crate::hardware) fn of(quantity: Quantity) -> Self {
        match quantity {
            Quantity::FirstCouplerRad | Quantity::SecondCouplerRad | Quantity::ThirdCouplerRad => {
                Self::Coupler
            }
            Quantity::LossDb => Self::Loss,
            Quantity::OffsetRad => Self::Offset,
            Quantity::VPiError => Self::VPi,
            Quantity::Gain => Self::Gain,
            Quantity::OscillatorPhaseRad => Self::Oscillator,
        }
    }

    /// What the keys of `hardware` say of it.
    pub(in crate::hardware) fn shares(self, hardware: &Hardware) -> Shares {
        let Hardware {
            coupler,
            phase_shifter,
            mesh,
            readout,
            die_share: die,
            field_share: field,
            wafer_linear: linear,
            wafer_bowl: bowl,
            distribution: law,
            ..
        } = hardware;
        let [mean, sigma] = match self {
            Self::Coupler => [coupler.splitting_bias_rad, coupler.splitting_error_rad],
            Self::Loss => [mesh.insertion_loss_db, mesh.insertion_loss_spread_db],
            Self::Offset => [0.0, phase_shifter.offset_rad],
            Self::VPi => [0.0, phase_shifter.v_pi_error],
            Self::Gain => [1.0, readout.gain_spread],
            Self::Oscillator => [0.0, readout.lo_phase_error_rad],
        };
        let (die, field, linear, bowl, law) = match self {
            Self::Coupler => (
                die.coupler,
                field.coupler,
                linear.coupler_rad,
                bowl.coupler_rad,
                law.coupler,
            ),
            Self::Loss => (die.loss, field.loss, linear.loss_db, bowl.loss_db, law.loss),
            Self::Offset => (
                die.offset,
                field.offset,
                linear.offset_rad,
                bowl.offset_rad,
                law.offset,
            ),
            Self::VPi => (die.v_pi, field.v_pi, linear.v_pi, bowl.v_pi, law.v_pi),
            Self::Gain => (die.gain, field.gain, linear.gain, bowl.gain, law.gain),
            Self::Oscillator => (
                die.oscillator,
                field.oscillator,
                linear.oscillator_rad,
                bowl.oscillator_rad,
                law.oscillator,
            ),
        };
        Shares {
            mean,
            sigma,
            die,
            field,
            trend: [linear, bowl],
            law,
        }
    }
}
