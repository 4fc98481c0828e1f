//! What a bench sees of its chip.

use std::f64::consts::TAU;

use super::*;
use crate::error::compare::shape;
use crate::hardware::{Hardware, Metered};
use crate::linalg::max_abs_difference;
use crate::mesh::{CellKind, Correction, Geometry};
use crate::rng::{Seed, Stream};

fn hardware(settings: &[(&str, &str)]) -> Hardware {
    let set = |hw: Hardware, (key, value): &(&str, &str)| hw.with(key, value).unwrap();
    settings.iter().fold(Hardware::default(), set)
}

fn stream(trial: u64) -> Stream {
    Seed(41).stream(Effect::Haar, trial, 0, 0)
}

fn haar(modes: usize) -> Mesh {
    Mesh::haar(Geometry::Clements, modes, &mut stream(modes as u64)).unwrap()
}

fn matrix_of(fields: &Fields<f64>) -> Matrix {
    Matrix::from_fn(fields.modes(), fields.samples(), |row, col| {
        C64::new(fields.re[[row, col]], fields.im[[row, col]])
    })
}

/// What the bench makes of light in each port alone.
fn seen(bench: &mut Laboratory, side: Side) -> Matrix {
    let ports = bench.ports(side);
    matrix_of(&bench.send(side, &Fields::basis(ports, ports)).unwrap())
}

/// Everything that errs, but for what differs from setting to setting.
const FAULTY: [(&str, &str); 7] = [
    ("coupler.splitting_error_rad", "0.1"),
    ("phase_shifter.offset_rad", "0.5"),
    ("phase_shifter.v_pi_error", "0.02"),
    ("phase_shifter.crosstalk", "0.02"),
    ("mesh.insertion_loss_db", "0.2"),
    ("mesh.insertion_loss_spread_db", "0.05"),
    ("mesh.arm_imbalance_db", "0.1"),
];

/// Light from the outputs meets the transposed matrix (reciprocity), one sample alone what many do.
#[test]
fn light_of_either_side_meets_the_matrix_of_the_chip() {
    for kind in CellKind::ALL {
        for modes in [1, 2, 5] {
            let hw = hardware(&FAULTY).with("mesh.cell", kind.name()).unwrap();
            let mesh = haar(modes);
            let chip = hw.fabricate(Seed(2), 1);
            let known = chip.program(&mesh, Correction::None);
            let mut bench = Laboratory::new(chip, &mesh);
            bench.set(&known.phases.flat()).unwrap();
            let u = known.coefficients.transfer();
            let close = |ours: &Matrix, expected: &Matrix| {
                let off = max_abs_difference(ours, expected);
                assert!(off < 1e-13, "{kind} {modes}: {off:e}");
            };
            close(&seen(&mut bench, Side::Inputs), &u);
            close(&seen(&mut bench, Side::Outputs), &u.transpose());
            assert_eq!(bench.true_transfer(), u, "{kind} {modes}");
            let one = bench.send(Side::Inputs, &Fields::basis(modes, 1)).unwrap();
            close(&matrix_of(&one), &u.columns(0, 1).into_owned());
            let (out, _) = bench
                .taps(Side::Inputs, &Fields::basis(modes, modes))
                .unwrap();
            close(&matrix_of(&out), &u);
            let (back, _) = bench
                .taps(Side::Outputs, &Fields::basis(modes, modes))
                .unwrap();
            close(&matrix_of(&back), &u.transpose());
        }
    }
}

/// A screen's taps read what leaves the mesh, φ's what enters its cell; in a lossless MZI θ's arm has the share cos² x of a
/// coupler at x = π/4 + α of light at the top.
#[test]
fn taps_read_the_power_behind_their_shifters() {
    let mesh = Mesh::bar(Geometry::Clements, 2).unwrap();
    let hw = hardware(&[("coupler.splitting_bias_rad", "0.2")]);
    let mut bench = Laboratory::new(hw.fabricate(Seed(0), 0), &mesh);
    bench.set(&mesh.phases().flat()).unwrap();
    let top = Fields::basis(2, 1);
    let (out, powers) = bench.taps(Side::Inputs, &top).unwrap();
    let cos2 = (std::f64::consts::FRAC_PI_4 + 0.2f64).cos().powi(2);
    let leaves = |mode: usize| out.re[[mode, 0]].powi(2) + out.im[[mode, 0]].powi(2);
    // θ, φ, and the screen.
    for (ours, expected) in powers.iter().zip([cos2, 1.0, leaves(0), leaves(1)]) {
        assert!((ours - expected).abs() < 1e-15, "{ours} {expected}");
    }
    // From behind, taps of the screen read what is sent, and φ's what leaves at the top.
    let (out, powers) = bench.taps(Side::Outputs, &top).unwrap();
    let leaves = out.re[[0, 0]].powi(2) + out.im[[0, 0]].powi(2);
    for (ours, expected) in powers.iter().zip([cos2, leaves, 1.0, 0.0]) {
        assert!((ours - expected).abs() < 1e-15, "{ours} {expected}");
    }
}

/// A tap that takes the share f of the power: light through two of three shifters of its path keeps 1 − f of it at each. In a
/// mesh without cells that is the screen alone; a tap reads what is in front of it.
#[test]
fn taps_take_their_share_of_the_power_from_either_side() {
    let screen = Mesh::new(1, vec![], vec![], vec![], vec![0.7]).unwrap();
    let chip = Hardware::default().fabricate(Seed(0), 0);
    let mut bench = Laboratory::new(chip, &screen).with_tap_fraction(0.1);
    let light = Fields::basis(1, 1);
    for side in [Side::Inputs, Side::Outputs] {
        let (out, powers) = bench.taps(side, &light).unwrap();
        assert!((out.power() - 0.9).abs() < 1e-15);
        assert!((powers[[0, 0]] - 1.0).abs() < 1e-15);
        assert!((bench.send(side, &light).unwrap().power() - 0.9).abs() < 1e-15);
    }
    // An MZI in the bar state: φ, θ of one arm, then the screen. What is missing is what taps took.
    for kind in CellKind::ALL {
        let mesh = haar(4);
        let hw = hardware(&[("mesh.cell", kind.name())]);
        let mut bench = Laboratory::new(hw.fabricate(Seed(0), 0), &mesh).with_tap_fraction(0.01);
        let phases: Vec<f64> = (0..bench.heaters()).map(|k| k as f64).collect();
        bench.set(&phases).unwrap();
        for side in [Side::Inputs, Side::Outputs] {
            let (out, powers) = bench.taps(side, &Fields::basis(4, 3)).unwrap();
            let taken = 0.01 * powers.sum();
            assert!((out.power() + taken - 3.0).abs() < 1e-13, "{kind}: {taken}");
            let sent = bench.send(side, &Fields::basis(4, 3)).unwrap();
            assert!(max_abs_difference(&matrix_of(&sent), &matrix_of(&out)) < 1e-15);
        }
    }
}

/// Two meshes of other sizes with three attenuators between them.
fn pair(hw: &Hardware) -> Laboratory {
    let (input, output) = (haar(5), haar(4));
    let kind = hw.mesh().cell;
    let count = input.phase_shifters_of(kind) + 3 + output.phase_shifters_of(kind);
    let phases: Vec<f64> = (0..count).map(|k| (1.7 * k as f64) % TAU).collect();
    let chip = hw.fabricate(Seed(2), 1);
    Laboratory::of_pair(chip, Placed::MESH, [&input, &output], 3, &phases)
}

/// With a receiver wherever light leaves, a lossless chip is unitary, whatever attenuators take; and what is seen without
/// these ports is a block of that.
#[test]
fn with_drop_ports_a_pair_of_lossless_meshes_loses_nothing() {
    for kind in CellKind::ALL {
        let hw = hardware(&FAULTY[..4])
            .with("mesh.cell", kind.name())
            .unwrap();
        let bench = pair(&hw);
        let mut open = bench.clone().with_drop_ports();
        assert_eq!(open.ports(Side::Inputs), 9);
        assert_eq!(open.ports(Side::Outputs), 9);
        let whole = seen(&mut open, Side::Inputs);
        let off = max_abs_difference(&(whole.adjoint() * &whole), &Matrix::identity(9, 9));
        assert!(off < 1e-14 * 9.0, "{kind}: {off:e}");
        let back = seen(&mut open, Side::Outputs);
        assert!(
            max_abs_difference(&back, &whole.transpose()) < 1e-14,
            "{kind}"
        );
        let mut bench = bench;
        assert_eq!(
            (bench.ports(Side::Inputs), bench.ports(Side::Outputs)),
            (5, 4)
        );
        for side in [Side::Inputs, Side::Outputs] {
            let plain = seen(&mut bench, side);
            let (inputs, outputs) = (plain.ncols(), plain.nrows());
            let of_open = match side {
                Side::Inputs => &whole,
                Side::Outputs => &back,
            };
            let block = of_open.view((0, 0), (outputs, inputs)).into_owned();
            assert!(
                max_abs_difference(&plain, &block) < 1e-14,
                "{kind} {side:?}"
            );
            let light = Fields::basis(inputs, inputs);
            let (traced, powers) = bench.taps(side, &light).unwrap();
            assert!(max_abs_difference(&matrix_of(&traced), &plain) < 1e-14);
            assert_eq!(powers.nrows(), bench.heaters());
        }
    }
}

/// dL/dη = −Im x_η a_η at every heater of both meshes and of the attenuators between them: powers of three passes on an open,
/// lossless pair against central differences of what the bench itself sends, L = Re Σ a y.
#[test]
fn taps_of_attenuators_stand_on_the_arm_of_their_heater() {
    let hw = hardware(&[("coupler.splitting_error_rad", "0.1")]);
    let mut bench = pair(&hw).with_drop_ports();
    let phases = bench.phases().to_vec();
    let mut stream = stream(7);
    let mut draw = |count: usize| -> Vec<C64> {
        let mut one = || C64::new(stream.standard_normal(), stream.standard_normal());
        (0..count).map(|_| one()).collect()
    };
    let field = |of: &[C64]| {
        let mut fields = Fields::zeros(of.len(), 1);
        for (port, z) in of.iter().enumerate() {
            (fields.re[[port, 0]], fields.im[[port, 0]]) = (z.re, z.im);
        }
        fields
    };
    let (x, a) = (draw(9), draw(9));
    let (_, light) = bench.taps(Side::Inputs, &field(&x)).unwrap();
    let (back, adjoint) = bench.taps(Side::Outputs, &field(&a)).unwrap();
    let both: Vec<C64> = x
        .iter()
        .enumerate()
        .map(|(port, z)| z - C64::I * C64::new(back.re[[port, 0]], -back.im[[port, 0]]))
        .collect();
    let (_, both) = bench.taps(Side::Inputs, &field(&both)).unwrap();
    let slopes = (both - light - adjoint) * 0.5;
    let mut loss = |phases: &[f64]| -> f64 {
        bench.set(phases).unwrap();
        let y = bench.send(Side::Inputs, &field(&x)).unwrap();
        let terms = a.iter().zip(y.re.iter().zip(&y.im));
        terms.map(|(a, (re, im))| a.re * re - a.im * im).sum()
    };
    const STEP: f64 = 1e-5;
    for heater in 0..phases.len() {
        let mut moved = |step: f64| {
            let mut phases = phases.clone();
            phases[heater] += step;
            loss(&phases)
        };
        let expected = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        let ours = slopes[[heater, 0]];
        assert!(
            (ours - expected).abs() < 1e-8,
            "{heater}: {ours} {expected}"
        );
    }
}

/// N(0, ε²) on each quadrature, p (1 + N(0, σ²)) on each tap, and another draw every time. 40 samples of 4 receivers, of 16
/// taps: five standard errors of a variance.
#[test]
fn receivers_and_taps_are_as_noisy_as_they_are_told_to_be() {
    let mesh = haar(4);
    let exact = Laboratory::new(Hardware::default().fabricate(Seed(0), 0), &mesh);
    let mut noisy = exact.clone().with_receiver_noise(0.01).with_tap_noise(0.02);
    let mut exact = exact;
    let mut light = Fields::zeros(4, 40);
    light.re.fill(0.5);
    let (fields, powers) = exact.taps(Side::Inputs, &light).unwrap();
    let (read, tapped) = noisy.taps(Side::Inputs, &light).unwrap();
    let check = |deviations: Vec<f64>, sigma: f64| {
        let count = deviations.len() as f64;
        let variance = deviations.iter().map(|x| x * x).sum::<f64>() / count;
        let limit = 5.0 * (2.0 / count).sqrt();
        assert!(
            (variance / sigma.powi(2) - 1.0).abs() < limit,
            "{variance:e}"
        );
    };
    let parts = (&read.re - &fields.re)
        .into_iter()
        .chain(&read.im - &fields.im);
    check(parts.collect(), 0.01);
    let lit = powers
        .iter()
        .zip(&tapped)
        .filter(|(power, _)| **power > 1e-12);
    check(
        lit.map(|(power, tapped)| tapped / power - 1.0).collect(),
        0.02,
    );
    let again = noisy.taps(Side::Inputs, &light).unwrap();
    assert_ne!(again.0, read);
    assert_ne!(again.1, tapped);
}

/// A heater cannot cool: what is asked below 0 is a whole turn higher, and V_π errors act on that.
#[test]
fn a_heater_that_is_asked_for_less_than_nothing_turns_once_more() {
    let mesh = haar(3);
    let hw = hardware(&[("phase_shifter.v_pi_error", "0.1")]);
    let mut bench = Laboratory::new(hw.fabricate(Seed(0), 0), &mesh);
    bench.set(&vec![-1.0; bench.heaters()]).unwrap();
    let below = bench.true_transfer();
    assert_eq!(bench.phases(), vec![TAU - 1.0; bench.heaters()]);
    bench.set(&vec![TAU - 1.0; bench.heaters()]).unwrap();
    assert_eq!(bench.true_transfer(), below);
    // Above a turn it is as hot as it is told to be.
    bench.set(&vec![TAU + 1.0; bench.heaters()]).unwrap();
    let above = bench.true_transfer();
    bench.set(&vec![1.0; bench.heaters()]).unwrap();
    assert!(max_abs_difference(&bench.true_transfer(), &above) > 0.1);
}

/// The first setting of a pair is the load of a program; every further one has programming errors of its own.
#[test]
fn every_setting_draws_programming_errors_of_its_own() {
    let hw = hardware(&[("phase_shifter.phase_error_rad", "0.01")]);
    for mut bench in [
        pair(&hw),
        Laboratory::new(hw.fabricate(Seed(1), 0), &haar(4)),
    ] {
        let phases = bench.phases().to_vec();
        let before = bench.true_transfer();
        bench.set(&phases).unwrap();
        let again = bench.true_transfer();
        let off = max_abs_difference(&before, &again);
        assert!((1e-4..0.2).contains(&off), "{off}");
    }
}

#[test]
fn what_does_not_fit_the_bench_is_refused() {
    let mut bench = Laboratory::new(Hardware::default().fabricate(Seed(0), 0), &haar(3));
    let light = Fields::basis(2, 1);
    let refused = shape("light for the bench", &[2, 1]);
    let error = bench.send(Side::Inputs, &light).unwrap_err();
    assert_eq!(error.refusal(), refused);
    let error = bench.taps(Side::Outputs, &light).unwrap_err();
    assert_eq!(error.refusal(), refused);
    let error = bench.set(&[0.0]).unwrap_err();
    assert_eq!(error.refusal(), shape("list of phases of the bench", &[1]));
    // A batch of nothing is answered by nothing.
    let none = Metered::new(bench).taps(Side::Inputs, &Fields::zeros(3, 0));
    assert_eq!(none.unwrap().1.dim(), (9, 0));
}
