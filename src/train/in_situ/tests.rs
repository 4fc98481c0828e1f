//! Slopes that light measures beside those that the truth of the chip has.

use std::f64::consts::{PI, TAU};

use super::*;
use crate::compile::{Layout, compile};
use crate::error::compare::{shape, unsupported};
use crate::hardware::{Chip, Costs, Hardware, Laboratory};
use crate::mesh::{CellKind, Correction, Geometry, Mesh, Phases};
use crate::nn::{LinearId, Network, Readout, Weight};
use crate::processor::{Processor, TileGradient};
use crate::rng::{Effect, Seed, Stream};

fn hardware(settings: &[(&str, &str)]) -> Hardware {
    let set = |hw: Hardware, (key, value): &(&str, &str)| hw.with(key, value).unwrap();
    settings.iter().fold(Hardware::default(), set)
}

fn stream(trial: u64) -> Stream {
    Seed(71).stream(Effect::Haar, trial, 0, 0)
}

fn gaussian(modes: usize, samples: usize, stream: &mut Stream) -> Fields<f64> {
    let mut part =
        || ndarray::Array2::from_shape_simple_fn((modes, samples), || stream.standard_normal());
    Fields {
        re: part(),
        im: part(),
    }
}

/// A rectangle with θ uniform in [0, π] and other phases in [0, 2π).
fn random_mesh(modes: usize, stream: &mut Stream) -> Mesh {
    let mesh = Mesh::bar(Geometry::Clements, modes).unwrap();
    let mut draw = |count: usize, up_to: f64| -> Vec<f64> {
        (0..count).map(|_| up_to * stream.uniform()).collect()
    };
    let cells = mesh.nodes().len();
    let phases = Phases {
        theta: draw(cells, PI),
        phi: draw(cells, TAU),
        screen: draw(modes, TAU),
        free: Vec::new(),
    };
    mesh.with_phases(phases).unwrap()
}

/// The bench of `chip` with `mesh` set, and its truth.
fn set<'a>(chip: &Chip, mesh: &'a Mesh) -> (Laboratory, crate::mesh::Coefficients<'a>) {
    let known = chip.program(mesh, Correction::None);
    let mut bench = Laboratory::new(chip.clone(), mesh);
    bench.set(&known.phases.flat()).unwrap();
    (bench, known.coefficients)
}

fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(0.0, |most, x| x.abs().max(most))
}

/// Hughes et al., Optica 5, 864 (2018): exact for any couplers and offsets. Complex light and gradients: without any of the
/// three conjugates this fails.
#[test]
fn without_loss_light_measures_the_true_gradient_whatever_couplers_and_offsets_are() {
    for kind in CellKind::ALL {
        for modes in [1, 2, 5, 6] {
            let hw = hardware(&[
                ("coupler.splitting_error_rad", "0.1"),
                ("phase_shifter.offset_rad", "6"),
                ("mesh.cell", kind.name()),
            ]);
            let mut stream = stream(modes as u64);
            let mesh = random_mesh(modes, &mut stream);
            let (mut bench, truth) = set(&hw.fabricate(Seed(3), 0), &mesh);
            let inputs = gaussian(modes, 3, &mut stream);
            // Gradients of any size are read alike.
            let mut by_outputs = gaussian(modes, 3, &mut stream);
            scale_samples(&mut by_outputs, &[1e-6, 1.0, 1e3]);
            let expected = truth.gradient(&inputs, by_outputs.clone());
            let slopes = expected.phases.flat();
            let size = largest(slopes.iter().copied());
            for passes in [Passes::Three, Passes::Four] {
                let ours = in_situ(&mut bench, &inputs, &by_outputs, passes).unwrap();
                let off = ours.phases.iter().zip(&slopes).map(|(x, y)| x - y);
                let off = largest(off);
                assert!(
                    off < 1e-9 * size,
                    "{kind} {modes} {passes:?}: {off:e} of {size}"
                );
                let off = largest(&ours.inputs.re - &expected.inputs.re);
                assert!(off < 1e-9 * 1e3, "{kind} {modes}: {off:e}");
                let off = largest(&ours.inputs.im - &expected.inputs.im);
                assert!(off < 1e-9 * 1e3, "{kind} {modes}: {off:e}");
            }
        }
    }
}

/// Both meshes and the attenuators between them, as a program was loaded, programming errors included: what attenuators take is
/// received at the drop ports. Without these it is lost, which biases the slopes.
#[test]
fn light_measures_the_gradient_of_a_whole_tile_if_what_attenuators_take_is_received() {
    for (shape, kind) in [
        ((3, 5), CellKind::Mzi),
        ((5, 3), CellKind::Symmetric),
        ((4, 4), CellKind::ThreeSplitter),
        ((4, 4), CellKind::Crossing),
    ] {
        let mut stream = stream(20 + shape.0 as u64);
        let weight = gaussian(shape.0, shape.1, &mut stream);
        let weight =
            ndarray::Array2::from_shape_fn(shape, |at| C64::new(weight.re[at], weight.im[at]));
        let network = Network::of_weight(Weight::Complex(weight), Readout::Modulus).unwrap();
        let program = compile(&network, Layout::default()).unwrap();
        let hw = hardware(&[
            ("coupler.splitting_error_rad", "0.1"),
            ("phase_shifter.offset_rad", "6"),
            ("phase_shifter.phase_error_rad", "0.1"),
            ("mesh.cell", kind.name()),
        ]);
        let chip = hw.fabricate(Seed(3), 0);
        let processor = Processor::<f64>::load(&program, chip, Correction::None, None).unwrap();
        let id = LinearId(0);
        let (x, g) = (
            gaussian(shape.1, 2, &mut stream),
            gaussian(shape.0, 2, &mut stream),
        );
        // ∂L/∂M = g x†, over the digital scale that the map's matrix has and the light has not.
        let mut by_weight = g.times(&x.clone().conjugated().transposed());
        let scale = program.tiles(id)[0].scale;
        by_weight.scale_modes(&vec![C64::from(1.0 / scale); shape.0]);
        let TileGradient::Meshes(truth) = &processor.tile_gradients(id, &by_weight)[0] else {
            panic!("the tile has meshes")
        };
        let slopes = [
            truth.input.flat(),
            truth.attenuators.clone(),
            truth.output.flat(),
        ]
        .concat();
        let size = largest(slopes.iter().copied());
        let off = |mut bench: Laboratory| {
            let padded = |fields: &Fields<f64>, side| {
                let mut padded = Fields::zeros(bench.ports(side), fields.samples());
                for (to, from) in [(&mut padded.re, &fields.re), (&mut padded.im, &fields.im)] {
                    to.slice_mut(ndarray::s![..fields.modes(), ..]).assign(from);
                }
                padded
            };
            let (inputs, by_outputs) = (padded(&x, Side::Inputs), padded(&g, Side::Outputs));
            let ours = in_situ(&mut bench, &inputs, &by_outputs, Passes::Three).unwrap();
            assert_eq!(ours.phases.len(), slopes.len());
            largest(ours.phases.iter().zip(&slopes).map(|(x, y)| x - y)) / size
        };
        let bench = processor.bench(id, 0).unwrap();
        let open = off(bench.clone().with_drop_ports());
        assert!(open < 1e-9, "{shape:?} {kind}: {open:e}");
        let closed = off(bench);
        assert!(closed > 0.01, "{shape:?} {kind}: {closed:e}");
    }
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(x, y)| x * y).sum() };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Means of 1500 draws in NumPy, which knows nothing of lightloom: rectangles of random phases, 0.3 dB on both arms of every
/// MZI, half in front of its parts and half behind, one sample x ~ N(0, 1) in both quadratures, L = ½ ‖y − t‖² with t as x. With
/// the adjoint as it is: .851 and .665 with three passes, N = 4 and 8; as strong as the light, .919 and .756; with four passes
/// .9974 and .9876 either way. Standard deviations are beside the means; 100 draws here, five standard errors of both means.
#[test]
fn loss_biases_three_passes_and_hardly_four() {
    let hw = hardware(&[("mesh.insertion_loss_db", "0.3")]);
    for (modes, expected) in [
        (4, [(0.851, 0.161), (0.919, 0.088), (0.9974, 0.0011)]),
        (8, [(0.665, 0.215), (0.756, 0.150), (0.9876, 0.0026)]),
    ] {
        let draws = 100;
        let mut sums = [0.0; 3];
        for trial in 0..draws {
            let mut stream = stream(100 * modes as u64 + trial);
            let mesh = random_mesh(modes, &mut stream);
            let (mut bench, truth) = set(&hw.fabricate(Seed(5), trial), &mesh);
            let inputs = gaussian(modes, 1, &mut stream);
            let target = gaussian(modes, 1, &mut stream);
            let y = bench.send(Side::Inputs, &inputs).unwrap();
            let by_outputs = Fields {
                re: &y.re - &target.re,
                im: &y.im - &target.im,
            };
            let slopes = truth.gradient(&inputs, by_outputs.clone()).phases.flat();
            let [three, four] = [Passes::Three, Passes::Four]
                .map(|passes| in_situ(&mut bench, &inputs, &by_outputs, passes).unwrap());
            let plain = measured(&mut bench, &inputs, &by_outputs, Passes::Three, &[1.0]).unwrap();
            for (sum, ours) in sums.iter_mut().zip([plain, three, four]) {
                *sum += cosine(&ours.phases, &slopes);
            }
        }
        for (sum, (mean, deviation)) in sums.into_iter().zip(expected) {
            let ours = sum / draws as f64;
            let limit = 5.0 * deviation * (1.0 / draws as f64 + 1.0 / 1500.0).sqrt();
            assert!(
                (ours - mean).abs() < limit,
                "{modes}: {ours} {mean} ± {limit}"
            );
        }
    }
}

#[test]
fn three_passes_and_four_cost_what_they_are_called() {
    let mesh = random_mesh(4, &mut stream(9));
    let (bench, _) = set(&Hardware::default().fabricate(Seed(0), 0), &mesh);
    let mut bench = Metered::new(bench);
    let light = Fields::basis(4, 2);
    let mut cost = |passes| {
        let before = bench.costs();
        in_situ(&mut bench, &light, &light, passes).unwrap();
        let after = bench.costs();
        (
            after.passes - before.passes,
            after.readings - before.readings,
        )
    };
    // 16 taps and 4 receivers a sample.
    assert_eq!(cost(Passes::Three), (6, 2 * 3 * 20));
    assert_eq!(cost(Passes::Four), (8, 2 * (3 * 20 + 4)));
    assert_eq!(bench.costs().settings, Costs::default().settings);
}

/// What −Im x a leaves in noise of the taps: of four readings p (1 + σ n) a sample, a slope errs by σ/2 √(p₁² + p₂² + p₃²) over
/// the strength of the adjoint. 400 measurements of one heater, five standard errors of a variance.
#[test]
fn noise_of_the_taps_becomes_noise_of_the_slopes() {
    let sigma = 0.01;
    let mut stream = stream(11);
    let mesh = random_mesh(3, &mut stream);
    let (bench, truth) = set(&Hardware::default().fabricate(Seed(0), 0), &mesh);
    let mut bench = bench.with_tap_noise(sigma);
    let mut exact = bench.clone().with_tap_noise(0.0);
    let inputs = gaussian(3, 1, &mut stream);
    let mut by_outputs = gaussian(3, 1, &mut stream);
    let strength = (inputs.power() / by_outputs.power()).sqrt();
    scale_samples(&mut by_outputs, &[strength]);
    let slope = truth.gradient(&inputs, by_outputs.clone()).phases.theta[1];
    let power = |bench: &mut Laboratory, side, light: &Fields<f64>| {
        bench.taps(side, light).unwrap().1[[1, 0]]
    };
    let light = power(&mut exact, Side::Inputs, &inputs);
    let adjoint = power(&mut exact, Side::Outputs, &by_outputs.clone().conjugated());
    let both = light + adjoint + 2.0 * slope;
    let expected = 0.25 * sigma * sigma * (light.powi(2) + adjoint.powi(2) + both.powi(2));
    let count = 400;
    let errors = (0..count).map(|_| {
        let ours = in_situ(&mut bench, &inputs, &by_outputs, Passes::Three).unwrap();
        (ours.phases[1] - slope).powi(2)
    });
    let variance = errors.sum::<f64>() / f64::from(count);
    let limit = 5.0 * (2.0 / f64::from(count)).sqrt();
    assert!(
        (variance / expected - 1.0).abs() < limit,
        "{variance:e} {expected:e}"
    );
}

#[test]
fn what_cannot_be_measured_is_refused() {
    struct NoTaps(Laboratory);
    impl Instrument for NoTaps {
        fn ports(&self, side: Side) -> usize {
            self.0.ports(side)
        }
        fn heaters(&self) -> usize {
            self.0.heaters()
        }
        fn set(&mut self, phases: &[f64]) -> Result<()> {
            self.0.set(phases)
        }
        fn send(&mut self, side: Side, light: &Fields<f64>) -> Result<Fields<f64>> {
            self.0.send(side, light)
        }
    }
    let mesh = random_mesh(2, &mut stream(1));
    let (bench, _) = set(&Hardware::default().fabricate(Seed(0), 0), &mesh);
    let light = Fields::basis(2, 2);
    let mut no_taps = NoTaps(bench.clone());
    let error = in_situ(&mut no_taps, &light, &light, Passes::Four).unwrap_err();
    assert_eq!(error.refusal(), unsupported("instrument", "taps"));
    let mut bench = bench;
    let error = in_situ(&mut bench, &light, &Fields::basis(2, 1), Passes::Four).unwrap_err();
    assert_eq!(error.refusal(), shape("gradient by the outputs", &[2, 1]));
    let error = in_situ(&mut bench, &light, &Fields::basis(3, 2), Passes::Four).unwrap_err();
    assert_eq!(error.refusal(), shape("light for the instrument", &[3, 2]));
}
