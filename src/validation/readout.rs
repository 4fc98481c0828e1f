//! Detectors and converters.

use std::f64::consts::TAU;

use ndarray::Array2;

use super::sample::{Sample, chip, hardware};
use super::{Case, Expected, Section, Tier};
use crate::compile::{Layout, Program, compile};
use crate::hardware::Hardware;
use crate::linalg::C64;
use crate::mesh::Correction;
use crate::nn::{Batch, LinearId, Network, Readout, Weight};
use crate::processor::{Adc, Processor, Reading};
use crate::rng::{Effect, Seed};

/// Quantizer, shot noise and the phase of the local oscillator.
pub(super) fn section() -> Section {
    let mut cases: Vec<Case> = [10u32, 12, 14].map(sine).into();
    cases.extend(detectors());
    cases.extend(oscillators());
    Section {
        title: "Readout",
        about: "Signal to noise behind one detector; what detectors read of layers of 64 × 64 normal weights where the phases of their local oscillators err.",
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

fn one_layer(weight: Weight, readout: Readout) -> Program {
    let network = Network::of_weight(weight, readout).expect("one layer is a network");
    compile(&network, Layout::default()).expect("one layer compiles")
}

/// Many shots of one weight of 1 at full scale: mean and variance of what one detector reads.
fn shots(settings: &[(&str, &str)], intensity: bool) -> (f64, f64) {
    let weight = match intensity {
        true => Weight::Complex(Array2::from_elem((1, 1), 1.0.into())),
        false => Weight::Real(Array2::from_elem((1, 1), 1.0)),
    };
    let readout = match intensity {
        true => Readout::Intensity,
        false => Readout::Real,
    };
    let program = one_layer(weight, readout);
    let batch = Batch::Real(Array2::from_elem((1, SHOTS), 1.0));
    let chip = chip(&hardware(settings), 0);
    let processor = Processor::<f64>::load(&program, chip, Correction::None, Some(&batch))
        .expect("the chip reads this");
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

/// Rows of a layer, each with a detector of its own.
const ROWS: usize = 64;
/// Chips of a layer: 4096 detectors.
const CHIPS: u64 = 64;

/// What the phase δ of the local oscillator does to the rows of a layer. Mean squares of δ and of δ² over n detectors have
/// standard errors of √(2/n) and 3.3/√n, their roots half of that.
fn oscillators() -> Vec<Case> {
    let (sigma, n) = (0.1f64, (CHIPS as usize * ROWS) as f64);
    let mut stream = Seed(21).stream(Effect::Haar, 0, 0, 0);
    let mut draw = || Array2::from_shape_simple_fn((ROWS, ROWS), || stream.standard_normal());
    let real = draw();
    let complex = Array2::from_shape_fn((ROWS, ROWS), |at| real[at].into())
        + draw().mapv(|y| C64::new(0.0, y));
    let phases = ("readout.lo_phase_error_rad", "0.1");
    let couplers = ("coupler.splitting_error_rad", "0.01");
    let rms = |program: &Program, settings: &[(&str, &str)]| {
        let hardware = hardware(settings);
        Sample::of(CHIPS, |trial| {
            load(program, &hardware, trial).read_errors()[0]
        })
        .root_mean_square
    };
    let case = |name: &str, ours: f64, law: f64, relative: f64, source, note| Case {
        name: format!("{name}, σ = {sigma} rad"),
        tier: Tier::Analytic,
        ours,
        expected: Expected::Near {
            value: law,
            tolerance: super::two_digits_up(relative * law),
        },
        source,
        note,
    };
    // ⟨cos δ⟩, ⟨cos² δ⟩, ⟨sin² δ⟩
    let (cos, cos2) = (
        (-sigma * sigma / 2.0).exp(),
        (1.0 + (-2.0 * sigma * sigma).exp()) / 2.0,
    );
    let sin2 = 1.0 - cos2;
    let program = one_layer(Weight::Complex(complex), Readout::Intensity);
    let both = case(
        "rms error of a complex layer by the oscillators' phases",
        rms(&program, &[phases]),
        (2.0 - 2.0 * cos).sqrt(),
        5.0 * (2.0 / n).sqrt() / 2.0,
        "|e^{iδ} − 1|² = 2 − 2 cos δ, on average 2 − 2e^{−σ²/2}",
        "as large as the phase itself",
    );
    let program = one_layer(Weight::Real(real.clone()), Readout::Real);
    let alone = case(
        "the same of a real layer",
        rms(&program, &[phases]),
        (1.0 - 2.0 * cos + cos2).sqrt(),
        5.0 * 3.3 / n.sqrt() / 2.0,
        "(1 − cos δ)², on average 3/2 − 2e^{−σ²/2} + e^{−2σ²}/2",
        "δ²/2: only the quadrature that is read counts",
    );
    // M = R + iB on chips without phases: ‖Re(e^{iδ} M) − W‖² = ‖cos δ R − W − sin δ B‖².
    let faulty = hardware(&[couplers]);
    let size: f64 = real.iter().map(|w| w * w).sum();
    let law = Sample::of(CHIPS, |trial| {
        let processor = load(&program, &faulty, trial);
        let chip = processor.matrix(LinearId(0));
        let sum = |a: &Array2<f64>, b: &Array2<f64>| (a * b).sum();
        let read = cos2 * sum(&chip.re, &chip.re) - 2.0 * cos * sum(&chip.re, &real) + size;
        ((read + sin2 * sum(&chip.im, &chip.im)) / size).sqrt()
    });
    let quadrature = case(
        "the same behind couplers with errors of 0.01 rad, whose quadrature is not read without phases",
        rms(&program, &[phases, couplers]),
        law.root_mean_square,
        5.0 * 3.3 / n.sqrt() / 2.0,
        "‖cos δ Re M − W‖² + sin² δ ‖Im M‖², on average over δ",
        "",
    );
    vec![both, alone, quadrature]
}

fn load(program: &Program, hardware: &Hardware, trial: u64) -> Processor<f64> {
    Processor::load(program, chip(hardware, trial), Correction::None, None)
        .expect("the chip reads this")
}
