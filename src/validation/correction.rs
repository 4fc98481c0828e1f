//! What correction makes of splitting errors, and where it ends.

use super::sample::{Sample, chip, corrected, haar, hardware, mean_error, near, splitting};
use super::{Case, Expected, Section, Tier};
use crate::hardware::{Hardware, Heaters};
use crate::linalg::{C64, Matrix, fidelity};
use crate::mesh::{CellKind, Correction, Geometry, Mesh, decompose};
use crate::rng::{Effect, Seed};

const LOCAL: &str = "law; Bandyopadhyay, Hamerly, Englund, Optica 8, 1247 (2021)";
const CELLS: &str = "Hamerly, Bandyopadhyay, Englund, Nat. Commun. 13, 6831 (2022)";
const RUN: &str =
    "mean of a run in NumPy; the comparison of Hamerly et al., Nat. Commun. 13, 6831 (2022)";

/// Local and progressive correction, other cells, self-configuration, and corrections that meet other errors.
pub(super) fn section() -> Section {
    let mut cases = local();
    cases.extend(progressive());
    cases.extend(crossing());
    cases.extend(super::self_configuration::cases());
    cases.extend(with_other_errors());
    Section {
        title: "Hardware error correction",
        about: "Splitting errors are N(0, σ²) on every coupler. A correction knows couplers, losses, phase offsets and the crosstalk matrix; \
                self-configuration knows none of them but the crosstalk. Means over drawn chips with Haar-random targets.",
        cases,
        curves: None,
    }
}

/// E of so many chips that their mean is known to some 3 %: of one chip it spreads by half.
fn sample(hw: &Hardware, modes: usize, correction: Correction) -> Sample {
    Sample::of(400, |trial| {
        let mesh = haar(Geometry::Clements, modes, trial);
        corrected(hw, &mesh, trial, correction).0
    })
}

fn local() -> Vec<Case> {
    let mut cases = Vec::new();
    for (modes, sigma) in [(32, 0.02f64), (64, 0.02)] {
        let hw = splitting(sigma, CellKind::Mzi);
        let law = (2.0f64 / 3.0).sqrt() * modes as f64 * sigma * sigma;
        cases.push(Case {
            name: format!("E after local correction, N = {modes}, σ = {sigma} rad: √(2/3) N σ²"),
            tier: Tier::Analytic,
            ours: sample(&hw, modes, Correction::Local).root_mean_square,
            expected: near(law, super::two_digits_up(0.12 * law)),
            source: LOCAL,
            note: "Root mean square: squares of errors add up.",
        });
    }
    let (modes, sigma) = (64, 0.02f64);
    let hw = splitting(sigma, CellKind::Mzi);
    let share = Sample::of(40, |trial| {
        let mesh = haar(Geometry::Clements, modes, trial);
        corrected(&hw, &mesh, trial, Correction::Local).1
    });
    let law = 2.0 / 3.0 * (modes + 1) as f64 * sigma * sigma;
    cases.push(Case {
        name: format!(
            "share of MZIs that cannot be set exactly, N = {modes}, σ = {sigma} rad: (2/3) (N + 1) σ²"
        ),
        tier: Tier::Analytic,
        ours: share.mean,
        expected: near(law, super::two_digits_up(0.06 * law)),
        source: LOCAL,
        note: "Of a Haar-random matrix; the law is the first order in Nσ².",
    });
    let (modes, sigma) = (8, 0.05f64);
    let hw = splitting(sigma, CellKind::Mzi);
    let coverage = Sample::of(3000, |trial| {
        let mesh = haar(Geometry::Clements, modes, trial);
        let (_, share) = corrected(&hw, &mesh, trial, Correction::Local);
        f64::from(u8::from(share == 0.0))
    });
    let (n, variance) = (modes as f64, sigma * sigma);
    let law = (-(n.powi(3) - n) * variance / 3.0 - 2.0 * (n - 1.0) * variance).exp();
    cases.push(Case {
        name: format!(
            "coverage: probability that all MZIs can be set exactly, N = {modes}, σ = {sigma} rad: e^{{−(N³ − N)σ²/3 − 2(N − 1)σ²}}"
        ),
        tier: Tier::Analytic,
        ours: coverage.mean,
        expected: near(law, 0.03),
        source: "Bandyopadhyay et al. (2021): e^{−N³σ²/3} for large N, 0.653; with the cells near the bar state",
        note: "",
    });
    cases.extend(real_matrices());
    cases
}

/// MZIs of a real orthogonal matrix have the density cos^{k−1}(θ/2) of θ, which does not vanish in the cross state: more
/// of them are out of reach, and the share is of first order in σ.
fn real_matrices() -> Vec<Case> {
    let (modes, sigma) = (64, 0.02f64);
    let hw = splitting(sigma, CellKind::Mzi);
    let mesh_of = |trial| {
        let mut stream = Seed(5).stream(Effect::Haar, trial, 0, 0);
        let normals = Matrix::from_fn(modes, modes, |_, _| C64::from(stream.standard_normal()));
        decompose(&normals.qr().q(), Geometry::Clements).expect("Q is orthogonal")
    };
    let local = |trial| corrected(&hw, &mesh_of(trial), trial, Correction::Local);
    let share = Sample::of(20, |trial| local(trial).1).mean;
    let error = Sample::of(20, |trial| local(trial).0).mean;
    let n = modes as f64;
    let (share_law, error_law) = (
        0.480 * sigma * n.sqrt(),
        0.80 * (n * sigma * sigma).powf(0.75),
    );
    vec![
        Case {
            name: format!(
                "share of MZIs that cannot be set exactly, random real matrix, N = {modes}, σ = {sigma} rad: 0.480 σ √N"
            ),
            tier: Tier::Analytic,
            ours: share,
            expected: near(share_law, super::two_digits_up(0.05 * share_law)),
            source: "(2√2/π)(8/15) σ√N from the density cos^{k−1}(θ/2) of cells of rank k",
            note: "",
        },
        Case {
            name: format!(
                "E after local correction, random real matrix, N = {modes}, σ = {sigma} rad: 0.80 (Nσ²)^¾"
            ),
            tier: Tier::Analytic,
            ours: error,
            expected: near(error_law, super::two_digits_up(0.06 * error_law)),
            source: "the same density",
            note: "",
        },
    ]
}

/// Modes, E of MZIs, E of 3-splitter MZIs, both corrected progressively at σ = 0.05 rad.
const PROGRESSIVE: [(usize, f64, f64); 3] = [
    (16, 0.027, 0.0097),
    (32, 0.050, 0.0067),
    (64, 0.104, 0.0070),
];

fn progressive() -> Vec<Case> {
    let sigma = 0.05;
    let mut cases = Vec::new();
    let mut three = Vec::new();
    for (modes, mzi, three_splitter) in PROGRESSIVE {
        let hw = splitting(sigma, CellKind::Mzi);
        let ours = sample(&hw, modes, Correction::Progressive).mean;
        cases.push(Case {
            name: format!("E after progressive correction, MZIs, N = {modes}, σ = {sigma} rad"),
            tier: Tier::Analytic,
            ours,
            expected: near(mzi, super::two_digits_up(0.12 * mzi)),
            source: RUN,
            note: "",
        });
        cases.push(Case {
            name: format!("E after progressive over E after local correction, MZIs, N = {modes}, σ = {sigma} rad"),
            tier: Tier::Analytic,
            ours: ours / sample(&hw, modes, Correction::Local).mean,
            expected: near(0.75, 0.15),
            source: "0.6 to 0.9; Hamerly, Bandyopadhyay, Englund (2022)",
            note: "",
        });
        let hw = splitting(sigma, CellKind::ThreeSplitter);
        let sample = Sample::of(400, |trial| {
            let mesh = haar(Geometry::Clements, modes, trial);
            corrected(&hw, &mesh, trial, Correction::Progressive).0
        });
        three.push(sample.root_mean_square);
        cases.push(Case {
            name: format!("E after progressive correction, 3-splitter MZIs, N = {modes}, σ = {sigma} rad"),
            tier: Tier::Analytic,
            ours: sample.mean,
            expected: near(three_splitter, 0.005),
            source: RUN,
            note: "Few cells are out of reach, so single chips spread as widely as the mean: the reference is a mean of few, ours of 400.",
        });
    }
    cases.push(Case {
        name: "root mean square E of 3-splitter MZIs, N = 64 over N = 16: independent of N"
            .to_owned(),
        tier: Tier::Analytic,
        ours: three[2] / three[0],
        expected: near(1.0, 0.25),
        source: CELLS,
        note: "Of MZIs the ratio is about 4.",
    });
    cases
}

fn crossing() -> Vec<Case> {
    let error = |kind: CellKind| {
        let hw = hardware(&[
            ("coupler.splitting_bias_rad", "0.1"),
            ("mesh.cell", kind.name()),
        ]);
        mean_error(&hw, 32, Correction::Progressive, 20)
    };
    vec![
        Case {
            name: "E of MZIs whose couplers all err by 0.1 rad alike, N = 32, progressive"
                .to_owned(),
            tier: Tier::Analytic,
            ours: error(CellKind::Mzi),
            expected: Expected::AtLeast(0.1),
            source: CELLS,
            note: "An MZI with equal errors cannot cross.",
        },
        Case {
            name: "the same with MZI + crossing".to_owned(),
            tier: Tier::Analytic,
            ours: error(CellKind::Crossing),
            expected: Expected::AtMost(0.02),
            source: CELLS,
            note: "It crosses exactly; what is left are the rare cells that must not cross at all.",
        },
    ]
}

/// 1 − F of a mesh on a chip.
fn infidelity(hw: &Hardware, mesh: &Mesh, trial: u64, correction: Correction) -> f64 {
    let u: Matrix = chip(hw, trial)
        .program(mesh, correction)
        .coefficients
        .transfer();
    1.0 - fidelity(&u, &mesh.transfer())
}

fn with_other_errors() -> Vec<Case> {
    let modes = 32;
    let mesh_of = |trial| haar(Geometry::Clements, modes, trial);
    let hot = hardware(&[
        ("phase_shifter.crosstalk", "0.01"),
        ("phase_shifter.offset_rad", "1"),
    ]);
    let crosstalk = |correction| {
        Sample::of(10, |trial| {
            corrected(&hot, &mesh_of(trial), trial, correction).0
        })
        .mean
    };
    let mut heaters = Heaters::default();
    let mesh = mesh_of(0);
    heaters.push_mesh(&mesh, CellKind::Mzi);
    let targets = [mesh.theta(), mesh.phi(), mesh.screen()].concat();
    let heated = heaters.heat(&heaters.heated_to(&targets, 0.01), 0.01);
    let turn = std::f64::consts::TAU;
    let residual = heated.iter().zip(&targets).map(|(got, asked)| {
        let off = (got - asked).rem_euclid(turn);
        off.min(turn - off)
    });
    let mut cases = vec![
        Case {
            name: "largest phase left of 1 % crosstalk, rad, N = 32: solving (1 + C) φ = φ_target"
                .to_owned(),
            tier: Tier::Analytic,
            ours: residual.fold(0.0, f64::max),
            expected: Expected::AtMost(1e-10),
            source: "linear heat; 1 % to nearest neighbours: Harris et al., Nat. Photonics 11, 447 (2017)",
            note: "",
        },
        Case {
            name: "E by 1 % crosstalk and offsets of 1 rad on every phase, N = 32, no correction"
                .to_owned(),
            tier: Tier::Analytic,
            ours: crosstalk(Correction::None),
            expected: Expected::AtLeast(1.0),
            source: "two unrelated unitaries have E = √2",
            note: "",
        },
        Case {
            name: "the same, corrected".to_owned(),
            tier: Tier::Analytic,
            ours: crosstalk(Correction::Local),
            expected: Expected::AtMost(1e-11),
            source: "linear heat and known offsets are removed exactly",
            note: "",
        },
    ];
    cases.extend([6u32, 8, 10].map(|bits| supply(bits, modes)));
    for (kind, bits) in [(CellKind::Mzi, "16"), (CellKind::Symmetric, "16")] {
        let heat = |crosstalk: &str| {
            let hw = hardware(&[
                ("phase_shifter.crosstalk", crosstalk),
                ("phase_shifter.dac_bits", bits),
                ("mesh.cell", kind.name()),
            ]);
            mean_error(&hw, modes, Correction::Local, 6)
        };
        cases.push(Case {
            name: format!("E by a supply of {bits} bits with 1 % crosstalk, corrected, over E without crosstalk, {kind}, N = {modes}"),
            tier: Tier::Analytic,
            ours: heat("0.01") / heat("0"),
            expected: near(1.0, 0.3),
            source: "linear heat is removed exactly; the levels of the supply remain",
            note: "",
        });
    }
    for sigma in ["0", "0.02"] {
        let arms = hardware(&[
            ("coupler.splitting_error_rad", sigma),
            ("mesh.arm_imbalance_db", "0.1"),
        ]);
        let lossy_only = hardware(&[("mesh.arm_imbalance_db", "0.1")]);
        let mean = |hw: &Hardware, correction| {
            Sample::of(20, |trial| {
                infidelity(hw, &mesh_of(trial), trial, correction)
            })
            .mean
        };
        let without_splitting = mean(&lossy_only, Correction::None);
        for correction in [Correction::Local, Correction::Progressive] {
            cases.push(Case {
                name: format!(
                    "1 − F by 0.1 dB more loss in the top arms after {correction} correction, σ = {sigma} rad, over that of perfect couplers without correction, N = {modes}"
                ),
                tier: Tier::Analytic,
                ours: mean(&arms, correction) / without_splitting,
                expected: near(1.0, 0.2),
                source: "unequal loss is not unitary: no correction removes it, none may add to it",
                note: "",
            });
        }
    }
    cases
}

/// A supply of b bits in voltage sets a phase φ with a variance of (2π φ/3) / (2^b − 1)², and every phase shifter's
/// variance counts 1/N in 1 − F.
fn supply(bits: u32, modes: usize) -> Case {
    let hw = hardware(&[
        ("coupler.splitting_error_rad", "0.003"),
        ("phase_shifter.dac_bits", &bits.to_string()),
    ]);
    let mesh_of = |trial| haar(Geometry::Clements, modes, trial);
    let ours = Sample::of(20, |trial| {
        infidelity(&hw, &mesh_of(trial), trial, Correction::Progressive)
    });
    let law = Sample::of(20, |trial| {
        let mesh = mesh_of(trial);
        let phases = mesh.theta().iter().chain(mesh.phi()).chain(mesh.screen());
        let levels = f64::from((1u32 << bits) - 1);
        let variance: f64 = phases
            .map(|phase| 2.0 * std::f64::consts::PI * phase / 3.0 / levels.powi(2))
            .sum();
        1.0 - (-variance / modes as f64).exp()
    });
    Case {
        name: format!(
            "1 − F after progressive correction with a supply of {bits} bits, N = {modes}, σ = 0.003 rad"
        ),
        tier: Tier::Analytic,
        ours: ours.mean,
        expected: near(law.mean, super::two_digits_up(0.1 * law.mean)),
        source: "1 − exp(−Σ (2π φ/3)/(2^b − 1)²/N) over all phases φ; heaters: φ = π V²/V_π²",
        note: "Phases that the correction shifts are not in the law.",
    }
}
