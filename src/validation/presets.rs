//! Presets against what was measured on the chips that they are named after.

use super::sample::{Sample, chip, haar};
use super::{Case, Expected, Section, Tier};
use crate::hardware::Hardware;
use crate::linalg::Matrix;
use crate::mesh::{Correction, Geometry, Mesh};

const CHIPS: u64 = 2000;

/// The programmable nanophotonic processor of MIT.
pub(super) fn section() -> Section {
    let pnp = Hardware::open("mit-pnp").expect("a preset");
    let resolution = pnp
        .with("phase_shifter.phase_error_rad", "0.005")
        .expect("the key exists");
    let cases = vec![
        Case {
            name: format!("extinction of an MZI of mit-pnp, {CHIPS} chips"),
            tier: Tier::Reading,
            ours: extinction(&pnp),
            expected: Expected::Near {
                value: 0.9996,
                tolerance: 0.0005,
            },
            source: "Harris et al., Nat. Photonics 11, 447 (2017)",
            note: "1 − sin²(α + β), on average 1 − 2σ²; a visibility of 0.9996 were 1 − 4σ², σ = 0.010",
        },
        Case {
            name: format!("fidelity Σ√(pq) of 4×4 unitaries on mit-pnp, {CHIPS} chips"),
            tier: Tier::Reading,
            ours: fidelity(&pnp),
            expected: Expected::Near {
                value: 0.998,
                tolerance: 0.0005,
            },
            source: "Shen et al., Nat. Photonics 11, 441 (2017)",
            note: "shares p of the power at the outputs, and q on the chip, light in each input in turn",
        },
        Case {
            name: "the same with a phase error of 0.005 rad".to_owned(),
            tier: Tier::Analytic,
            ours: fidelity(&resolution),
            expected: Expected::AtLeast(0.9995),
            source: "1 − F grows as the squares of phase and coupler errors",
            note: "0.005 rad is the resolution of a phase, not the error of a unitary",
        },
    ];
    Section {
        title: "Presets",
        about: "What the presets' numbers mean for what was measured. Light has random unitaries to pass, phases are set without correction.",
        cases,
        curves: None,
    }
}

/// Share of the power that an MZI in the cross state passes across.
fn extinction(hardware: &Hardware) -> f64 {
    let nodes = Geometry::Clements.nodes(2);
    let cross = Mesh::new(2, nodes, vec![0.0], vec![0.0], vec![0.0; 2]).expect("one MZI");
    // Of its couplers alone: what phases do not reach.
    let couplers = hardware
        .with("phase_shifter.phase_error_rad", "0")
        .and_then(|hardware| hardware.with("phase_shifter.dac_bits", "none"))
        .expect("the keys exist");
    Sample::of(CHIPS, |trial| {
        shares(&chip(&couplers, trial).transfer(&cross), 0)[1]
    })
    .mean
}

/// Mean over inputs of Σ√(pq).
fn fidelity(hardware: &Hardware) -> f64 {
    let of_chip = |trial| {
        let mesh = haar(Geometry::Clements, 4, trial);
        let programmed = chip(hardware, trial).program(&mesh, Correction::None);
        let (asked, got) = (mesh.transfer(), programmed.coefficients.transfer());
        let of_input = |input| {
            let pairs = shares(&asked, input).into_iter().zip(shares(&got, input));
            pairs.map(|(p, q)| (p * q).sqrt()).sum::<f64>()
        };
        (0..4).map(of_input).sum::<f64>() / 4.0
    };
    Sample::of(CHIPS, of_chip).mean
}

/// Share of the arriving power at each output, with light in one input.
fn shares(u: &Matrix, input: usize) -> Vec<f64> {
    let column = u.column(input);
    let all = column.norm_squared();
    column.iter().map(|z| z.norm_sqr() / all).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::preset;

    /// The file of the preset says for each number what it was taken from.
    #[test]
    fn what_a_preset_was_set_by_is_a_reading_and_no_check_against_a_publication() {
        let text = preset("mit-pnp").expect("a preset");
        let cases = section().cases;
        for case in &cases {
            let is_source = text.contains(case.source);
            assert_eq!(is_source, case.tier == Tier::Reading, "{}", case.name);
            assert_ne!(case.tier, Tier::Published, "{}", case.name);
        }
        assert_eq!(cases.len(), 3);
    }
}
