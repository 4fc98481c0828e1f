//! Detectors and converters.

use std::f64::consts::TAU;

use ndarray::Array2;

use super::sample::{chip, hardware};
use super::{Case, Expected, Section, Tier};
use crate::compile::{Layout, compile};
use crate::mesh::Correction;
use crate::nn::{Activation, Batch, Input, Layer, Model, Readout, Scale, Weight};
use crate::processor::{Adc, Processor, Reading};

/// Quantizer and shot noise.
pub(super) fn section() -> Section {
    let mut cases: Vec<Case> = [10u32, 12, 14].map(sine).into();
    cases.extend(detectors());
    Section {
        title: "Readout",
        about: "Signal to noise behind one detector.",
        cases,
        curves: None,
    }
}

fn sine(bits: u32) -> Case {
    let adc = Adc::new(bits, 1.0, Reading::Real);
    let samples = 200_000;
    let (mut signal, mut noise) = (0.0, 0.0);
    for k in 0..samples {
        // A frequency that shares no period with the samples.
        let x = (TAU * 0.618_033_988_749_895 * f64::from(k)).sin();
        signal += x * x;
        noise += (adc.convert(x) - x).powi(2);
    }
    Case {
        name: format!("SQNR of a full-scale sine behind {bits} bits, dB: 6.02 b + 1.76"),
        tier: Tier::Analytic,
        ours: 10.0 * f64::log10(signal / noise),
        expected: Expected::Near {
            value: 20.0 * 2f64.log10() * f64::from(bits) + 10.0 * 1.5f64.log10(),
            tolerance: 0.1,
        },
        source: "Bennett, Bell Syst. Tech. J. 27, 446 (1948)",
        note: "",
    }
}

/// Many shots of one weight of 1 at full scale: mean and variance of what one detector reads.
fn shots(settings: &[(&str, &str)], intensity: bool) -> (f64, f64) {
    let weight = match intensity {
        true => Weight::Complex(Array2::from_elem((1, 1), 1.0.into())),
        false => Weight::Real(Array2::from_elem((1, 1), 1.0)),
    };
    let layer = Layer {
        name: "one".to_owned(),
        weight,
        bias: None,
        activation: Activation::Identity,
    };
    let input = Input {
        scale: Scale::Factor(1.0.into()),
        ..Input::default()
    };
    let readout = match intensity {
        true => Readout::Intensity,
        false => Readout::Real,
    };
    let model = Model::new(input, vec![layer], readout).expect("one layer is a network");
    let program = compile(&model, Layout::default()).expect("one weight compiles");
    let batch = Batch::Real(Array2::from_elem((1, SHOTS), 1.0));
    let chip = chip(&hardware(settings), 0);
    let mut processor =
        Processor::<f64>::load(&program, chip, Correction::None).expect("the chip reads this");
    processor.calibrate(&batch);
    let readings = processor.forward(batch, 0).expect("light arrives");
    let n = SHOTS as f64;
    let mean = readings.sum() / n;
    let squares = readings.mapv(|reading| (reading - mean).powi(2)).sum();
    (mean, squares / (n - 1.0))
}

const SHOTS: usize = 60_000;

/// Five standard errors of a variance of this many shots, relative.
fn room() -> f64 {
    5.0 * (2.0 / SHOTS as f64).sqrt()
}

fn case(name: &str, ours: f64, law: f64, source: &'static str) -> Case {
    Case {
        name: format!("{name}, {SHOTS} shots"),
        tier: Tier::Analytic,
        ours,
        expected: Expected::Near {
            value: law,
            tolerance: super::two_digits_up(room() * law),
        },
        source,
        note: "",
    }
}

fn detectors() -> Vec<Case> {
    let q = crate::units::ELEMENTARY_CHARGE_C;
    let (mean, variance) = shots(
        &[
            ("readout.detection", "intensity"),
            ("readout.bandwidth_ghz", "1"),
            ("input.laser_power_mw", "0.001"),
        ],
        true,
    );
    let shot_limited = case(
        "shot-limited SNR of 1 µW, 1 A/W, 1 GHz: R P/(2 q B)",
        mean * mean / variance,
        1e-6 / (2.0 * q * 1e9),
        "Schottky, Ann. Phys. 362, 541 (1918)",
    );
    // 0.1 mW, 0.9 A/W, 50 nA, 3 pA/√Hz, −130 dBc/Hz, 1 GHz.
    let (mean, variance) = shots(
        &[
            ("readout.detection", "intensity"),
            ("readout.bandwidth_ghz", "1"),
            ("readout.responsivity_a_w", "0.9"),
            ("readout.dark_current_na", "50"),
            ("readout.thermal_noise_pa_sqrt_hz", "3"),
            ("input.rin_dbc_hz", "-130"),
            ("input.laser_power_mw", "0.1"),
        ],
        true,
    );
    let current = 0.9 * 1e-4;
    let noise = 2.0 * q * (current + 50e-9) * 1e9 + 9e-24 * 1e9 + current * current * 1e-13 * 1e9;
    let intensity = case(
        "SNR of an intensity with shot, dark, thermal and laser noise: i²/(2q (i + I_d) B + i_n² B + i² RIN B)",
        mean * mean / variance,
        current * current / noise,
        "sum of independent noise powers",
    );
    // Homodyne: 2 mW in, 10 µW of local oscillator, 0.9 A/W, 5 GHz.
    let (mean, variance) = shots(
        &[
            ("readout.bandwidth_ghz", "5"),
            ("readout.lo_power_mw", "0.01"),
            ("readout.responsivity_a_w", "0.9"),
            ("readout.thermal_noise_pa_sqrt_hz", "8"),
            ("input.laser_power_mw", "2"),
        ],
        false,
    );
    let (lo, signal) = (1e-5, 2e-3);
    let noise = 2.0 * q * 0.9 * (lo + signal) * 5e9 + 64e-24 * 5e9;
    let homodyne = case(
        "SNR of balanced homodyne detection with shot and thermal noise: (2R)² P_lo P/(2q R (P_lo + P) B + i_n² B)",
        mean * mean / variance,
        4.0 * 0.81 * lo * signal / noise,
        "sum of independent noise powers",
    );
    vec![shot_limited, intensity, homodyne]
}
