//! Errors on a part of a network: which parts bear them least.

use super::banerjee::{self, mean_accuracy, relative};
use super::errors::{OnMeshes, Site, Spread, Stage, disturbed};
use super::tasks::{Split, fourier};
use super::{case, mean, near, seed};
use crate::hardware::Section as Part;
use crate::linalg::Matrix;
use crate::mesh::Mesh;
use crate::rng::Effect;
use crate::validation::{Case, Expected, Section, Tier};

/// Chips of each matrix error.
const CHIPS: u64 = 400;
/// Relative error behind the matrix errors: small, as their laws are of first order in its square.
const SMALL: f64 = 0.001;
/// Relative error behind the losses of accuracy.
const LARGE: f64 = 0.02;

/// Errors on a part of a network.
pub fn section() -> Section {
    let task = fourier();
    let meshes = banerjee::networks(&task);
    let first = &meshes[0].stages[0];
    let mut cases = vec![
        zone_case(&first.input, "first 4 columns", |column, _| column < 4),
        zone_case(&first.input, "last 4 columns", |column, _| column >= 12),
        zone_case(
            &first.input,
            "central 8 columns and 8 modes",
            |column, mode| (4..12).contains(&column) && (4..11).contains(&mode),
        ),
        zone_case(&first.input, "outer 4 modes", |_, mode| {
            !(1..14).contains(&mode)
        }),
        attenuator_case(first, "larger", |mode| mode < 8),
        attenuator_case(first, "smaller", |mode| mode >= 8),
    ];
    cases.extend(loss_cases(&meshes, &task));
    Section {
        title: "Errors on a part of a network",
        about: "The networks and errors of the 16-16-16-10 section, on some of the MZIs only. A zone is a range of columns and of upper \
                modes. Matrix errors: first layer of the first network, σ = 0.001, 400 chips. Losses of accuracy: σ = 0.02, five \
                networks of 20 chips. Singular values stand in descending order, the largest at the top.",
        cases,
        curves: None,
    }
}

/// The mean of ‖M′ − M‖² over chips.
fn mean_square(ideal: &Matrix, faulty: impl Fn(u64) -> Matrix) -> f64 {
    let squares = (0..CHIPS).map(|chip| (faulty(chip) - ideal).norm_squared());
    mean(&squares.collect::<Vec<f64>>())
}

/// ‖ΔU‖² from errors on the MZIs of a zone, over what the law says of their number.
///
/// A phase δ anywhere in a unitary changes it by ‖ΔU‖² = |e^{iδ} − 1|², a coupler's angle α by 2 |e^{iα} − 1|².
fn zone_case(mesh: &Mesh, name: &str, zone: impl Fn(usize, usize) -> bool) -> Case {
    let spread = relative(SMALL);
    let inside = |node: &&crate::mesh::Node| zone(node.column, node.top);
    let count = mesh.nodes().iter().filter(inside).count();
    let of_one = 2.0 * spread.phase_rad.powi(2) + 4.0 * spread.splitting_rad.powi(2);
    let of_zone = |column: Option<usize>, mode| match column {
        Some(column) if zone(column, mode) => spread,
        _ => Spread::default(),
    };
    let square = mean_square(&mesh.transfer(), |chip| {
        let mut stream = seed(0).stream(Effect::Splitting, chip, 0, 6);
        disturbed(mesh, of_zone, &mut stream).transfer()
    });
    case(
        (
            format!("{name} of V†, {count} MZIs: ‖ΔU‖² over its law"),
            Tier::Analytic,
        ),
        square / (count as f64 * of_one),
        near(1.0, 0.05),
        "‖ΔU‖² = n (2σ_p² + 4σ_a²) for n MZIs",
        "not where they stand, only how many they are",
    )
}

/// ‖ΔW‖² from phase errors on half of the attenuators, over its law.
///
/// Behind singular value s stands t = s₁ e^{iφ} (e^{iθ} − 1)/2 with |t| = s: φ changes it by s dφ, θ by s₁ dθ/2.
fn attenuator_case(stage: &Stage, name: &str, half: impl Fn(usize) -> bool + Sync) -> Case {
    let spread = Spread {
        phase_rad: relative(SMALL).phase_rad,
        splitting_rad: 0.0,
    };
    let values: Vec<f64> = stage.attenuations().iter().map(|t| t.norm()).collect();
    let squares = values.iter().enumerate().filter(|(mode, _)| half(*mode));
    let law: f64 = squares
        .map(|(_, s)| s * s + 0.25 * values[0] * values[0])
        .sum::<f64>()
        * spread.phase_rad.powi(2);
    let spreads = |site: Site| {
        if site.section == Part::Attenuators && half(site.mode) {
            spread
        } else {
            Spread::default()
        }
    };
    let square = mean_square(&stage.ideal(), |chip| {
        let mut stream = seed(0).stream(Effect::Splitting, chip, 1, 6);
        stage.on_chip(0, &spreads, &mut stream)
    });
    case(
        (
            format!("phases of the attenuators of the {name} singular values: ‖ΔW‖² over its law"),
            Tier::Analytic,
        ),
        square / law,
        near(1.0, 0.1),
        "‖ΔW‖² = σ_p² Σ (s² + s₁²/4)",
        "",
    )
}

fn loss_cases(meshes: &[OnMeshes], task: &Split) -> Vec<Case> {
    let ideal = mean_accuracy(meshes, &task.test, 1, |_| Spread::default());
    let loss = |zone: &(dyn Fn(Site) -> bool + Sync)| {
        let spread = |site| {
            if zone(site) {
                relative(LARGE)
            } else {
                Spread::default()
            }
        };
        ideal - mean_accuracy(meshes, &task.test, banerjee::CHIPS, spread)
    };
    let [first, second] = [0, 1].map(|layer| loss(&move |site| site.layer == layer));
    let next_to_attenuators = |site: Site| match site.section {
        Part::Input => site.column >= Some(12),
        Part::Output => site.column < Some(4),
        _ => false,
    };
    let upper = loss(&move |site| next_to_attenuators(site) && site.mode < 8);
    let lower = loss(&move |site| next_to_attenuators(site) && site.mode >= 8);
    vec![
        case(
            (
                "loss from the first layer minus loss from the second, 256 MZIs each, accuracy",
                Tier::Trend,
            ),
            first - second,
            Expected::AtLeast(0.0),
            "Banerjee et al., arXiv:2207.10835 (2022), abstract",
            "sensitive to the layers next to the input",
        ),
        case(
            (
                "loss from the four columns on either side of the attenuators, upper half minus lower half, accuracy",
                Tier::Analytic,
            ),
            upper - lower,
            Expected::AtLeast(0.0),
            "‖ΔW‖² weighs an error with the squares of the singular values that its light meets",
            "the upper half meets the larger ones",
        ),
    ]
}
