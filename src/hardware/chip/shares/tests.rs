use super::*;
use crate::mesh::{Correction, Geometry};
use crate::rng::Seed;

fn hardware(text: &str) -> Hardware {
    Hardware::from_toml(text).unwrap()
}

fn mesh() -> Mesh {
    Mesh::bar(Geometry::Clements, 8).unwrap()
}

/// First and second couplers of a mesh of eight modes on chip number `trial`.
fn couplers(hardware: &Hardware, trial: u64) -> [Vec<f64>; 2] {
    let (chip, mesh) = (hardware.fabricate(Seed(4), trial), mesh());
    let count = mesh.nodes().len();
    let cells = chip.on_places_of(&mesh).cells(Placed::MESH, count);
    [cells.alpha.all(count), cells.beta.all(count)]
}

/// Where the couplers of [`couplers`] stand, µm.
fn places() -> [Vec<[f64; 2]>; 2] {
    let plan = mesh().floorplan(CellKind::Mzi);
    let pitch = crate::mesh::Pitch::new(100.0, 50.0).unwrap();
    [ComponentKind::Alpha, ComponentKind::Beta].map(|kind| {
        let parts = plan.couplers().filter(|part| part.kind == kind);
        parts.map(|part| part.place.um(pitch)).collect()
    })
}

use crate::mesh::{CellKind, ComponentKind};

#[test]
fn without_shares_laws_and_trends_every_draw_is_that_of_its_stream() {
    let [alpha, beta] = couplers(&hardware("coupler.splitting_error_rad = 0.02"), 3);
    for (block, found) in [alpha, beta].into_iter().enumerate() {
        let chip = hardware("").fabricate(Seed(4), 3);
        let mut drawn = vec![0.0; found.len()];
        let mut stream = chip.stream(Effect::Splitting, Placed::MESH, block as u64);
        stream.add_normals(&mut drawn, 0.02);
        assert_eq!(found, drawn);
    }
    // Where no key is shared, keys of the layout change nothing.
    let other =
        hardware("coupler.splitting_error_rad = 0.02\n[fabrication]\nstep_um = 7\nwafer_mm = 300");
    assert_eq!(
        couplers(&other, 3)[0],
        couplers(&hardware("coupler.splitting_error_rad = 0.02"), 3)[0]
    );
}

#[test]
fn a_die_that_has_the_whole_variance_is_one_bias_a_chip() {
    let all = hardware("coupler.splitting_error_rad = 0.02\ndie_share.coupler = 1.0");
    let biases: Vec<f64> = (0..2000)
        .map(|trial| {
            let [alpha, beta] = couplers(&all, trial);
            assert!(alpha.iter().chain(&beta).all(|error| *error == alpha[0]));
            alpha[0] / 0.02
        })
        .collect();
    let variance = biases.iter().map(|bias| bias * bias).sum::<f64>() / 2000.0;
    assert!(
        (variance - 1.0).abs() < 5.0 * (2.0f64 / 2000.0).sqrt(),
        "{variance}"
    );
    // That bias is the one of the key.
    let bias = hardware(&format!(
        "coupler.splitting_bias_rad = {:?}",
        0.02 * biases[7]
    ));
    let [same, own] = [&all, &bias].map(|hw| hw.fabricate(Seed(4), 7).transfer(&mesh()));
    assert!((same - own).norm() < 1e-12);
}

/// Correlations of chips: 4000 of them know each to 1/√4000 at 0; five standard errors.
#[test]
fn couplers_correlate_with_distance_as_the_law_says_and_keep_their_variance() {
    for (law, of) in [
        ("gaussian", (|x: f64| (-x * x).exp()) as fn(f64) -> f64),
        ("exponential", |x: f64| (-x).exp()),
    ] {
        let hardware = hardware(&format!(
            "coupler.splitting_error_rad = 0.1\ndie_share.coupler = 0.2\nfield_share.coupler = 0.7\n\
             [fabrication]\ncorrelation = \"{law}\"\ncorrelation_length_um = 400"
        ));
        let places = places().concat();
        let chips = 4000;
        let pairs = [
            (0, 0),
            (0, 1),
            (0, 4),
            (0, 28),
            (3, 40),
            (10, 11),
            (27, 55),
            (28, 32),
        ];
        let mut sums = [0.0; 8];
        let mut squares = 0.0;
        for trial in 0..chips {
            let drawn = couplers(&hardware, trial).concat();
            for (sum, (a, b)) in sums.iter_mut().zip(pairs) {
                *sum += drawn[a] * drawn[b] / 0.01;
            }
            squares += drawn[50] * drawn[50] / 0.01;
        }
        let chips = chips as f64;
        let tolerance = 5.0 * (2.0 / chips).sqrt();
        assert!((squares / chips - 1.0).abs() < tolerance);
        for (sum, (a, b)) in sums.into_iter().zip(pairs) {
            let [dx, dy] = [0, 1].map(|axis| places[a][axis] - places[b][axis]);
            let expected = match a == b {
                true => 1.0,
                false => 0.2 + 0.7 * of(dx.hypot(dy) / 400.0),
            };
            let found = sum / chips;
            assert!(
                (found - expected).abs() < tolerance,
                "{law} {a} {b}: {found} {expected}"
            );
        }
    }
}

/// Kolmogorov and Smirnov: √n D stays below 1.63 with 99 %; couplers of one chip each, which are independent.
#[test]
fn laws_hold_about_the_mean_whatever_is_shared() {
    for (law, of) in [
        (
            "uniform",
            (|x: f64| (x / 3f64.sqrt() + 1.0) / 2.0) as fn(f64) -> f64,
        ),
        ("logistic", |x: f64| {
            1.0 / (1.0 + (-x * std::f64::consts::PI / 3f64.sqrt()).exp())
        }),
    ] {
        let hardware = hardware(&format!(
            "coupler = {{ splitting_error_rad = 0.1, splitting_bias_rad = 0.05 }}\n\
             die_share.coupler = 0.3\nfield_share.coupler = 0.3\ndistribution.coupler = \"{law}\""
        ));
        let chips = 2000;
        let mut drawn: Vec<f64> = (0..chips)
            .map(|trial| (couplers(&hardware, trial)[0][5] - 0.05) / 0.1)
            .collect();
        drawn.sort_by(f64::total_cmp);
        let n = chips as f64;
        let gaps = drawn.iter().enumerate().map(|(k, x)| {
            let (below, above) = (k as f64 / n, (k as f64 + 1.0) / n);
            (of(*x) - below).abs().max((of(*x) - above).abs())
        });
        let largest = gaps.fold(0.0, f64::max);
        assert!(n.sqrt() * largest < 2.0, "{law}: {largest}");
    }
}

/// Vadlamani, Englund, Hamerly, Sci. Adv. 9 (2023): power drawn uniformly, off by 35 % at most. Of a flat law on ±w the
/// variance is w²/3, and of its estimate over n draws w⁴ (1/5 − 1/9)/n.
#[test]
fn power_of_couplers_is_drawn_uniformly_to_35_percent() {
    let hardware =
        hardware("coupler.splitting_error_rad = 0.21410\ndistribution.coupler = \"uniform-power\"");
    let powers: Vec<f64> = (0..200)
        .flat_map(|trial| couplers(&hardware, trial).concat())
        .map(|error| 0.5 * (2.0 * error).sin() / 0.35)
        .collect();
    let n = powers.len() as f64;
    assert!(powers.iter().all(|u| u.abs() < 1.001));
    let moment = |p: i32| powers.iter().map(|u| u.powi(p)).sum::<f64>() / n;
    assert!(moment(1).abs() < 5.0 * (1.0 / 3.0 / n).sqrt());
    assert!((moment(2) - 1.0 / 3.0).abs() < 5.0 * ((0.2f64 - 1.0 / 9.0) / n).sqrt());
    assert!((moment(4) - 0.2).abs() < 5.0 * ((1.0f64 / 9.0 - 0.04) / n).sqrt());
}

/// Each of them has a field and a number of the die on a chip that is corrected, driven and read.
#[test]
fn every_quantity_can_be_shared_and_has_a_trend() {
    let text = "coupler.splitting_error_rad = 0.02\n\
        phase_shifter = { offset_rad = 0.1, v_pi_error = 0.01 }\nmesh.insertion_loss_spread_db = 0.1\n\
        readout = { gain_spread = 0.05, lo_phase_error_rad = 0.1 }";
    let families = ["coupler", "loss", "offset", "v_pi", "gain", "oscillator"];
    let base = hardware(text);
    let built = mesh();
    let drawn = |hardware: &Hardware, trial: u64| {
        let chip = hardware.fabricate(Seed(1), trial);
        let chip = chip.on_places_of(&built);
        let detectors = Placed::MESH.section(Section::Detectors);
        let seen = chip
            .program(&built, Correction::Local)
            .coefficients
            .transfer();
        let gains = chip.detector_gains(detectors, 16);
        let phases = chip.oscillator_phases(detectors, 8).unwrap();
        (seen, gains, phases)
    };
    for family in families {
        for section in ["die_share", "field_share"] {
            let other = base.with(&format!("{section}.{family}"), "0.5").unwrap();
            assert_ne!(drawn(&other, 0), drawn(&base, 0), "{section}.{family}");
            assert_eq!(drawn(&other, 0), drawn(&other, 0));
        }
    }
    let on_wafer = base.with("fabrication.wafer_mm", "100").unwrap();
    let on_wafer = on_wafer.with("fabrication.die_x_mm", "10").unwrap();
    assert_eq!(drawn(&on_wafer, 3), drawn(&base, 3));
    let trends = Hardware::keys()
        .iter()
        .filter(|key| key.name.starts_with("wafer_"));
    let mut count = 0;
    for key in trends {
        count += 1;
        let other = on_wafer.with(key.name, "0.05").unwrap();
        assert_ne!(drawn(&other, 0), drawn(&base, 0), "{}", key.name);
    }
    assert_eq!(count, 12);
}

/// a + b r/R + c (r/R)²: of a die at radius ρ the mean is b ρ + c ρ² off.
#[test]
fn a_trend_shifts_the_mean_by_the_radius_of_the_die() {
    let hardware = hardware(
        "coupler.splitting_bias_rad = 0.01\nwafer_linear.coupler_rad = 0.02\nwafer_bowl.coupler_rad = -0.05\n\
         fabrication = { wafer_mm = 100, die_x_mm = 10, die_y_mm = 15 }",
    );
    let wafer = Wafer::of(&hardware).unwrap();
    for trial in [0, 7, 20, wafer.dies.len() as u64 + 7] {
        let die = wafer.dies[trial as usize % wafer.dies.len()];
        let radius = die.x_mm.hypot(die.y_mm) / 50.0;
        let expected = 0.01 + 0.02 * radius - 0.05 * radius * radius;
        let found = couplers(&hardware, trial)[1][4];
        assert!(
            (found - expected).abs() < 1e-15,
            "{trial}: {found} {expected}"
        );
    }
}

#[test]
fn shares_and_laws_that_cannot_be_are_refused() {
    for text in [
        "fabrication.correlation_length_um = -300",
        "die_share.coupler = 1.1",
        "die_share.loss = 0.6\nfield_share.loss = 0.5",
        "distribution.degrees_of_freedom = 2.0",
        "distribution.loss = \"uniform-power\"",
        "coupler.splitting_error_rad = 0.4\ndistribution.coupler = \"uniform-power\"",
        "fabrication.wafer_mm = 20",
        "fabrication.wafer_mm = 300\n[fabrication.die_x_mm]",
        "field_share.gain = nan",
    ] {
        assert!(Hardware::from_toml(text).is_err(), "{text}");
    }
}

/// Prints how much longer a chip takes whose quantities all have fields: of use in an optimized build alone.
#[test]
#[ignore = "measures time"]
fn fields_are_timed_beside_independent_draws() {
    let text = "coupler.splitting_error_rad = 0.02\n\
        phase_shifter = { offset_rad = 0.1, v_pi_error = 0.01 }\nmesh.insertion_loss_spread_db = 0.1";
    let mut seconds = Vec::new();
    let mesh = Mesh::bar(Geometry::Clements, 64).unwrap();
    for shared in [
        "",
        "\nfield_share = { coupler = 0.5, offset = 0.5, v_pi = 0.5, loss = 0.5 }",
        "\nfield_share = { coupler = 0.5, offset = 0.5, v_pi = 0.5, loss = 0.5 }\nfabrication.correlation = \"exponential\"",
    ] {
        let hardware = hardware(&format!("{text}{shared}"));
        let once = |trial| {
            let chip = hardware.fabricate(Seed(1), trial);
            let start = std::time::Instant::now();
            let light = chip
                .program(&mesh, Correction::None)
                .coefficients
                .first_columns::<f32>(64);
            assert!(light.power() > 0.0);
            start.elapsed().as_secs_f64()
        };
        once(0);
        let mut times: Vec<f64> = (0..40).map(once).collect();
        times.sort_by(f64::total_cmp);
        seconds.push(times[10]);
    }
    println!(
        "seconds {seconds:?}, ratios {} {}",
        seconds[1] / seconds[0],
        seconds[2] / seconds[0]
    );
    assert!(seconds[0] > 0.0);
}
