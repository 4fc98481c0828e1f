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
    cases.push(shot_noise());
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

/// 1 µW on a photodiode of 1 A/W, 1 GHz: many shots through the whole processor.
fn shot_noise() -> Case {
    let shots = 60_000;
    let layer = Layer {
        name: "one".to_owned(),
        weight: Weight::Complex(Array2::from_elem((1, 1), 1.0.into())),
        bias: None,
        activation: Activation::Identity,
    };
    let input = Input {
        scale: Scale::Factor(1.0),
        ..Input::default()
    };
    let model = Model::new(input, vec![layer], Readout::Intensity).expect("one layer is a network");
    let program = compile(&model, Layout::default()).expect("one weight compiles");
    let hw = hardware(&[
        ("readout.detection", "intensity"),
        ("readout.bandwidth_ghz", "1"),
        ("input.laser_power_mw", "0.001"),
    ]);
    let batch = Batch::Real(Array2::from_elem((1, shots), 1.0));
    let mut processor = Processor::<f64>::load(&program, chip(&hw, 0), Correction::None)
        .expect("an intensity can be detected");
    processor.calibrate(&batch);
    let powers = processor
        .forward(batch, 0)
        .expect("the light is strong enough");
    let n = shots as f64;
    let mean = powers.sum() / n;
    let variance = powers.mapv(|power| (power - mean).powi(2)).sum() / (n - 1.0);
    let law = 1e-6 / (2.0 * crate::units::ELEMENTARY_CHARGE_C * 1e9);
    Case {
        name: "shot-limited SNR of 1 µW, 1 A/W, 1 GHz, 60 000 shots: R P/(2 q B)".to_owned(),
        tier: Tier::Analytic,
        ours: mean * mean / variance,
        expected: Expected::Near {
            value: law,
            // Five standard errors of a variance.
            tolerance: super::two_digits_up(5.0 * (2.0 / n).sqrt() * law),
        },
        source: "Schottky, Ann. Phys. 362, 541 (1918)",
        note: "",
    }
}
