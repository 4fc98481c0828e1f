//! Errors on a part of a network: which parts bear them least.

use super::banerjee::{self, mean_accuracy, relative};
use super::chips::{OnChips, Spot, Spread, Zone, within, within_mesh};
use super::tasks::{Split, fourier};
use super::{case, mean, near, seed};
use crate::hardware::{Given, Section as Of, Site};
use crate::mesh::Mesh;
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
    let networks = banerjee::networks(&task);
    let first = networks[0].meshes(0);
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
        attenuator_case(&networks[0], "larger", |mode| mode < 8),
        attenuator_case(&networks[0], "smaller", |mode| mode >= 8),
    ];
    cases.extend(loss_cases(&networks, &task));
    Section {
        title: "Errors on a part of a network",
        about: "The networks and errors of the 16-16-16-10 section, on some of the MZIs only. A zone is a range of columns and of upper \
                modes. Matrix errors: first layer of the first network, σ = 0.001, 400 chips. Losses of accuracy: σ = 0.02, five \
                networks of 20 chips. Singular values stand in descending order, the largest at the top.",
        cases,
        curves: None,
    }
}

/// ‖ΔU‖² from errors on the MZIs of a zone, over what the law says of their number.
///
/// A phase δ anywhere in a unitary changes it by ‖ΔU‖² = |e^{iδ} − 1|², a coupler's angle α by 2 |e^{iα} − 1|².
fn zone_case(mesh: &Mesh, name: &str, zone: impl Fn(usize, usize) -> bool) -> Case {
    let spread = relative(SMALL);
    let inside = |node: &&crate::mesh::Node| zone(node.column, node.top);
    let count = mesh.nodes().iter().filter(inside).count();
    let of_one = 2.0 * spread.phase_rad.powi(2) + 4.0 * spread.splitting_rad.powi(2);
    let of_zone = |column: Option<usize>, mode| column.is_some_and(|column| zone(column, mode));
    let place = (Site::default(), Of::Input);
    let given = within_mesh(Given::default(), place, mesh, of_zone);
    let (hardware, ideal) = (spread.hardware(), mesh.transfer());
    let squares = (0..CHIPS).map(|chip| {
        let chip = hardware.fabricate(seed(0), chip);
        let faulty = chip.with_given(given.clone()).transfer(mesh);
        (faulty - &ideal).norm_squared()
    });
    let square = mean(&squares.collect::<Vec<f64>>());
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
fn attenuator_case(network: &OnChips, name: &str, half: impl Fn(usize) -> bool + Sync) -> Case {
    let spread = Spread {
        phase_rad: relative(SMALL).phase_rad,
        splitting_rad: 0.0,
    };
    let tile = network.tile(0);
    let attenuators = &network.meshes(0).attenuators;
    let passed = attenuators.iter().map(|theta| (theta / 2.0).sin());
    let values: Vec<f64> = passed.map(|share| tile.scale * share).collect();
    let squares = values.iter().enumerate().filter(|(mode, _)| half(*mode));
    let law: f64 = squares
        .map(|(_, s)| s * s + 0.25 * values[0] * values[0])
        .sum::<f64>()
        * spread.phase_rad.powi(2);
    let of_half = |spot: Spot| spot.section == Of::Attenuators && half(spot.mode);
    let given = within(&network.program, &of_half);
    let norm_squared = tile.matrix().norm_squared();
    let squares = (0..CHIPS).map(|chip| {
        let processor = network.load(network.chip(chip, spread, &given));
        processor.matrix_errors()[0].powi(2) * norm_squared
    });
    let square = mean(&squares.collect::<Vec<f64>>());
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

fn loss_cases(networks: &[OnChips], task: &Split) -> Vec<Case> {
    let ideal = mean_accuracy(networks, &task.test, 1, 0.0, &|_| true);
    let loss =
        |zone: Zone| ideal - mean_accuracy(networks, &task.test, banerjee::CHIPS, LARGE, zone);
    let [first, second] = [0, 1].map(|layer| loss(&move |spot| spot.layer == layer));
    let next_to_attenuators = |spot: Spot| match spot.section {
        Of::Input => spot.column >= Some(12),
        Of::Output => spot.column < Some(4),
        _ => false,
    };
    let upper = loss(&move |spot| next_to_attenuators(spot) && spot.mode < 8);
    let lower = loss(&move |spot| next_to_attenuators(spot) && spot.mode >= 8);
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
