//! What self-configuration makes of a chip that shows none of its errors.

use super::sample::{Sample, chip, corrected, haar, hardware, mean_error, near, splitting};
use super::{Case, Expected, Tier};
use crate::hardware::{Driver, Hardware, Laboratory};
use crate::linalg::{fidelity, matrix_error};
use crate::mesh::{CellKind, Correction, Geometry, Mesh};

const SELF: &str =
    "Hamerly, Bandyopadhyay, Englund, Phys. Rev. Applied 18, 024018 and 024019 (2022)";
const STABLE: &str = "power ratios are stable: Hamerly, Bandyopadhyay, Englund, arXiv:2106.04363";

const BOTH: [Geometry; 2] = [Geometry::Clements, Geometry::Reck];

/// E of a chip that configures itself.
fn self_configured(hw: &Hardware, geometry: Geometry, modes: usize, trial: u64) -> f64 {
    let mesh = haar(geometry, modes, trial);
    measured(hw, &mesh, trial, 0.0)
}

/// E of a chip that configures itself by receivers with `noise`.
fn measured(hw: &Hardware, mesh: &Mesh, trial: u64, noise: f64) -> f64 {
    let mut bench = Laboratory::new(chip(hw, trial), mesh).with_receiver_noise(noise);
    Driver::new(mesh, hw.mesh().cell)
        .with_receiver_noise(noise)
        .self_configure(&mut bench, mesh)
        .expect("rectangles and triangles configure themselves");
    matrix_error(&bench.true_transfer(), &mesh.transfer())
}

/// Chips that configure themselves: splitting errors, offsets, noise, heaters, drift.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (modes, sigma, chips) in [(16, 0.05, 12), (64, 0.02, 2)] {
        let hw = splitting(sigma, CellKind::Mzi);
        cases.extend(BOTH.map(|geometry| {
            let known = Sample::of(chips, |trial| {
                let mesh = haar(geometry, modes, trial);
                corrected(&hw, &mesh, trial, Correction::Progressive).0
            });
            let measured = Sample::of(chips, |trial| self_configured(&hw, geometry, modes, trial));
            Case {
                name: format!(
                    "E after self-configuration over E after progressive correction, N = {modes}, σ = {sigma} rad, {geometry}"
                ),
                tier: Tier::Analytic,
                ours: measured.mean / known.mean,
                expected: near(1.0, 0.1),
                source: SELF,
                note: "Found by light and receivers at the outputs alone.",
            }
        }));
    }
    cases.extend(offsets());
    cases.extend(noise());
    cases.extend(heaters());
    cases.extend(drift());
    cases
}

/// Perfect couplers with offsets of any size, up to a spread of 6 rad, which is uniform modulo 2π.
fn offsets() -> Vec<Case> {
    let mut cases = Vec::new();
    for modes in [8, 16, 32, 64] {
        // On 64 modes the largest offsets alone: the others are no harder and take as long.
        let spreads: &[&str] = if modes == 64 {
            &["6"]
        } else {
            &["0", "1", "6"]
        };
        let offsets = spreads.join(", ");
        cases.extend(BOTH.map(|geometry| {
            let errors = Sample::of(spreads.len() as u64, |trial| {
                let hw = hardware(&[("phase_shifter.offset_rad", spreads[trial as usize])]);
                self_configured(&hw, geometry, modes, trial)
            });
            Case {
                name: format!(
                    "E after self-configuration with perfect couplers and offsets of {offsets} rad, N = {modes}, {geometry}"
                ),
                tier: Tier::Analytic,
                ours: errors.root_mean_square,
                expected: Expected::AtMost(1e-12),
                source: STABLE,
                note: "Of 6 rad they are uniform modulo 2π.",
            }
        }));
    }
    cases
}

/// Receivers whose noise in each quadrature is ε of the input's amplitude.
fn noise() -> [Case; 2] {
    let noise = 1e-3;
    let hw = hardware(&[("phase_shifter.offset_rad", "6")]);
    [8usize, 32].map(|modes| {
        let chips = if modes == 8 { 40 } else { 4 };
        let error = Sample::of(chips, |trial| {
            measured(&hw, &haar(Geometry::Clements, modes, trial), trial, noise)
        });
        Case {
            name: format!("E after self-configuration by receivers with noise ε = 0.001 over ε √(2N), N = {modes}"),
            tier: Tier::Analytic,
            ours: error.mean / (noise * (2.0 * modes as f64).sqrt()),
            expected: Expected::AtMost(1.0),
            source: "the error that these receivers read of a perfect matrix",
            note: "About √((0.65 N + 3)/2N), in proportion to ε.",
        }
    })
}

/// Heaters that do not do what is asked of them: the same wrong phase each time, or another one each time.
fn heaters() -> Vec<Case> {
    let modes = 16;
    let of = |hw: &Hardware| {
        Sample::of(4, |trial| {
            self_configured(hw, Geometry::Clements, modes, trial)
        })
        .mean
    };
    let v_pi = hardware(&[
        ("phase_shifter.v_pi_error", "0.02"),
        ("phase_shifter.offset_rad", "6"),
    ]);
    let known_offsets = mean_error(&v_pi, modes, Correction::Progressive, 4);
    let programming = hardware(&[("phase_shifter.phase_error_rad", "0.01")]);
    let nothing = mean_error(&programming, modes, Correction::None, 4);
    vec![
        Case {
            name: format!("E by errors of V_π of 2 %, N = {modes}, offsets known and corrected"),
            tier: Tier::Analytic,
            ours: known_offsets,
            expected: Expected::AtLeast(0.3),
            source: "phases of some π miss by 4 %",
            note: "",
        },
        Case {
            name: "the same after self-configuration, offsets uniform in 2π".to_owned(),
            tier: Tier::Analytic,
            ours: of(&v_pi),
            expected: Expected::AtMost(1e-12),
            source: "what a heater shows is measured before the second pass",
            note: "",
        },
        Case {
            name: format!(
                "E after self-configuration over E without, programming errors of 0.01 rad at every setting, N = {modes}"
            ),
            tier: Tier::Analytic,
            ours: of(&programming) / nothing,
            expected: near(1.0, 0.2),
            source: "the better phases are kept",
            note: "What is found by such heaters is worse: some 1.4 times.",
        },
    ]
}

/// A rectangle that configures itself, drifts by 0.1 rad on every phase, and configures itself again.
fn drift() -> [Case; 2] {
    let hw = hardware(&[
        ("coupler.splitting_error_rad", "0.002"),
        ("phase_shifter.drift_rad_per_sqrt_s", "0.01"),
    ]);
    let modes = 8;
    let errors: Vec<(f64, f64)> = (0..20)
        .map(|trial| {
            let mesh = haar(Geometry::Clements, modes, trial);
            let mut bench = Laboratory::new(chip(&hw, trial), &mesh);
            let mut driver = Driver::new(&mesh, hw.mesh().cell);
            let mut configure = |bench: &mut Laboratory| {
                let done = driver.self_configure(bench, &mesh);
                done.expect("a rectangle of MZIs configures itself");
            };
            configure(&mut bench);
            bench.wait(100.0);
            let aged = 1.0 - fidelity(&bench.true_transfer(), &mesh.transfer());
            configure(&mut bench);
            let again = matrix_error(&bench.true_transfer(), &mesh.transfer());
            (aged, again)
        })
        .collect();
    let n = modes as f64;
    let law = 1.0 - (-n * n * 0.1f64.powi(2) * (n - 1.0) / (n * n)).exp();
    let aged = errors.iter().map(|error| error.0).sum::<f64>() / errors.len() as f64;
    let again = errors.iter().map(|error| error.1).fold(0.0, f64::max);
    [
        Case {
            name: format!(
                "1 − F of a self-configured rectangle after 100 s of drift by 0.01 rad/√s, N = {modes}"
            ),
            tier: Tier::Analytic,
            ours: aged,
            expected: near(law, super::two_digits_up(0.3 * law)),
            source: "1 − exp(−P σ² (N − 1)/N²), P = N² phases, σ = 0.1 rad",
            note: "",
        },
        Case {
            name: "largest E of these after they configured themselves again".to_owned(),
            tier: Tier::Analytic,
            ours: again,
            expected: Expected::AtMost(1e-12),
            source: "drift is a phase offset: configuration measures it away",
            note: "",
        },
    ]
}
