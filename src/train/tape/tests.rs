//! Gradients of whole networks on chips against central differences.

use ndarray::arr2;

use super::*;
use crate::Chip;
use crate::compile::{Array, Layout, Meshes, Multiplier, Program, compile};
use crate::hardware::Hardware;
use crate::mesh::{Correction, Geometry, Mesh, Phases};
use crate::nn::{Activation, Encoding, Input, Layer, Network, Weight};
use crate::processor::compiled_for;
use crate::rng::{Effect, Seed};

/// Differences of five points with this step miss by 1e-12 of the fifth derivative.
const STEP: f64 = 1e-3;
const BOUND: f64 = 1e-7;
const SAMPLES: usize = 3;

fn random(shape: (usize, usize), unit: u64) -> Array2<f64> {
    let mut stream = Seed(61).stream(Effect::Haar, 0, unit, 0);
    Array2::from_shape_simple_fn(shape, || stream.standard_normal())
}

fn complex(shape: (usize, usize), unit: u64) -> Array2<Complex<f64>> {
    let (re, im) = (random(shape, unit), random(shape, unit + 1));
    Array2::from_shape_fn(shape, |at| Complex::new(re[at], im[at]))
}

/// A network of two layers, a program of it, a chip, and batches to calibrate and to send.
struct Case {
    network: Network,
    layout: Layout,
    chip: Chip,
    calibration: Batch<f64>,
    batch: Batch<f64>,
}

fn chip(settings: &[(&str, &str)]) -> Chip {
    let set = |hw: Hardware, (key, value): &(&str, &str)| hw.with(key, value).unwrap();
    let hardware = settings.iter().fold(Hardware::default(), set);
    hardware.fabricate(Seed(3), 1)
}

/// What a chip does that is smooth, but for loss.
const CHIP: [(&str, &str); 7] = [
    ("coupler.splitting_error_rad", "0.1"),
    ("phase_shifter.offset_rad", "0.3"),
    ("phase_shifter.phase_error_rad", "0.05"),
    ("phase_shifter.v_pi_error", "0.02"),
    ("phase_shifter.crosstalk", "0.02"),
    ("readout.gain_spread", "0.1"),
    ("readout.lo_phase_error_rad", "0.4"),
];

/// Noise of shots, strong enough to matter.
const SHOTS: [(&str, &str); 5] = [
    ("input.laser_power_mw", "1e-4"),
    ("input.rin_dbc_hz", "-115"),
    ("readout.lo_power_mw", "1e-4"),
    ("readout.bandwidth_ghz", "10"),
    ("readout.thermal_noise_pa_sqrt_hz", "2"),
];

impl Case {
    fn real(activation: Activation, settings: &[(&str, &str)]) -> Self {
        let layers = vec![
            Layer::new(
                "0",
                Weight::Real(random((4, 5), 1)),
                Some(Bias::Real(random((4, 1), 2).column(0).to_owned())),
                activation,
            ),
            Layer::new(
                "1",
                Weight::Real(random((2, 4), 3)),
                None,
                Activation::Identity,
            ),
        ];
        Self {
            network: Network::new(Input::default(), layers, Readout::Real).unwrap(),
            layout: Layout {
                tile: Some(3),
                ..Layout::default()
            },
            chip: chip(settings),
            calibration: Batch::Real(3.0 * random((5, 4), 4)),
            batch: Batch::Real(random((5, SAMPLES), 5)),
        }
    }

    fn complex(
        activation: Activation,
        bias: bool,
        readout: Readout,
        settings: &[(&str, &str)],
    ) -> Self {
        let input = Input {
            encoding: Encoding::ComplexHalves,
            ..Input::default()
        };
        let bias = bias.then(|| Bias::Complex(complex((3, 1), 11).column(0).to_owned()));
        let layers = vec![
            Layer::new("0", Weight::Complex(complex((3, 4), 12)), bias, activation),
            Layer::new(
                "1",
                Weight::Complex(complex((2, 3), 14)),
                None,
                Activation::Identity,
            ),
        ];
        let batch = |factor: f64, unit| {
            Batch::Complex(Fields {
                re: factor * random((4, SAMPLES), unit),
                im: factor * random((4, SAMPLES), unit + 1),
            })
        };
        Self {
            network: Network::new(input, layers, readout).unwrap(),
            layout: Layout::default(),
            chip: chip(settings),
            calibration: batch(3.0, 16),
            batch: batch(1.0, 18),
        }
    }

    /// A program whose phases stand away from 0, below which a heater goes to 2π.
    fn program(&self) -> Program {
        let program = compile(&self.network, self.layout).unwrap();
        let mut stream = Seed(62).stream(Effect::Haar, 0, 0, 0);
        changed(&program, &self.network, |_, _, array, _| {
            let Array::Meshes(meshes) = array else { return };
            for theta in &mut meshes.attenuators {
                *theta = 0.5 + 2.0 * stream.uniform();
            }
            for mesh in [&mut meshes.input, &mut meshes.output] {
                let flat = mesh.phases().flat().into_iter();
                let flat = flat.map(|_| 0.3 + 5.0 * stream.uniform()).collect();
                *mesh = mesh.with_phases(Phases::from_flat(flat, mesh)).unwrap();
            }
        })
    }

    fn load(&self, program: &Program) -> Processor<f64> {
        let calibration = Some(&self.calibration);
        Processor::load(program, self.chip.clone(), Correction::None, calibration).unwrap()
    }

    /// The gradient of everything against differences, ranges of converters and modulators held.
    fn check(&self) {
        let program = self.program();
        let processor = self.load(&program);
        let (outputs, tape) = Tape::record(&processor, self.batch.clone(), 2).unwrap();
        let v = random(outputs.dim(), 7);
        let loss = |y: &Array2<f64>| (y * &v).sum() + 0.5 * (y * y).sum();
        let gradient = tape.gradient(&(&v + &outputs));
        let run = |program: &Program, batch: &Batch<f64>| {
            let processor = self.load(program).with_ranges_of(&processor);
            loss(&processor.forward(batch.clone(), 2).unwrap())
        };
        assert_eq!(loss(&outputs), run(&program, &self.batch));
        let mut pairs: Vec<(String, f64, f64)> = Vec::new();
        // Inputs.
        for (part, got) in parts(&gradient.inputs).into_iter().enumerate() {
            for (at, got) in got.indexed_iter() {
                let expected = difference(|step| {
                    let mut batch = self.batch.clone();
                    match &mut batch {
                        Batch::Real(x) => x[at] += step,
                        Batch::Complex(z) => [&mut z.re, &mut z.im][part][at] += step,
                    }
                    run(&program, &batch)
                });
                pairs.push(("input".into(), *got, expected));
            }
        }
        // Biases.
        let shifted = |by: Complex<f64>, index: usize| {
            let mut layers = self.network.layers().to_vec();
            match layers[0].bias.as_mut().unwrap() {
                Bias::Real(b) => b[index] += by.re,
                Bias::Complex(b) => b[index] += by,
            }
            let Network { input, readout, .. } = self.network.clone();
            let network = Network::new(input, layers, readout).unwrap();
            run(&changed(&program, &network, |_, _, _, _| {}), &self.batch)
        };
        match &gradient.layers[0].bias {
            None => {}
            Some(Bias::Real(bias)) => pairs.extend(bias.iter().enumerate().map(|(k, got)| {
                let expected = difference(|step| shifted(step.into(), k));
                ("bias".into(), *got, expected)
            })),
            Some(Bias::Complex(bias)) => {
                for (k, got) in bias.iter().enumerate() {
                    let expected = difference(|step| shifted(step.into(), k));
                    pairs.push(("re bias".into(), got.re, expected));
                    let expected = difference(|step| shifted(Complex::new(0.0, step), k));
                    pairs.push(("im bias".into(), got.im, expected));
                }
            }
        }
        // Digital scales and what tiles hold.
        for (layer, tiles) in tape.tile_gradients(&gradient).iter().enumerate() {
            for (number, tile) in tiles.iter().enumerate() {
                let of = |change: &dyn Fn(&mut Array, &mut f64)| {
                    let program = changed(&program, &self.network, |l, t, array, scale| {
                        if (l, t) == (layer, number) {
                            change(array, scale);
                        }
                    });
                    run(&program, &self.batch)
                };
                let expected = difference(|step| of(&|_, scale| *scale += step));
                let got = gradient.layers[layer].map.scales[number];
                pairs.push((format!("scale {layer} {number}"), got, expected));
                match tile {
                    TileGradient::Meshes(by) => {
                        let mut slopes =
                            |what: &str, slopes: &[f64], set: &dyn Fn(&mut Meshes, usize, f64)| {
                                for (index, got) in slopes.iter().enumerate() {
                                    let expected = difference(|step| {
                                        of(&|array, _| match array {
                                            Array::Meshes(meshes) => set(meshes, index, step),
                                            Array::Crossbar(_) => panic!("the tile has meshes"),
                                        })
                                    });
                                    pairs.push((
                                        format!("{what} {layer} {number}"),
                                        *got,
                                        expected,
                                    ));
                                }
                            };
                        slopes("V†", &by.input.flat(), &|meshes, index, step| {
                            shift(&mut meshes.input, index, step);
                        });
                        slopes("U", &by.output.flat(), &|meshes, index, step| {
                            shift(&mut meshes.output, index, step);
                        });
                        slopes("a", &by.attenuators, &|meshes, index, step| {
                            meshes.attenuators[index] += step;
                        });
                    }
                    TileGradient::Crossbar(by) => {
                        for (at, got) in by.re.indexed_iter() {
                            let expected = difference(|step| {
                                of(&|array, _| {
                                    let Array::Crossbar(crossbar) = array else {
                                        panic!("the tile is a crossbar")
                                    };
                                    crossbar.weights[at] += step;
                                })
                            });
                            pairs.push((format!("weight {layer} {number}"), *got, expected));
                        }
                    }
                }
            }
        }
        let size = pairs
            .iter()
            .fold(0.0, |most: f64, pair| most.max(pair.2.abs()));
        for (what, got, expected) in pairs {
            let off = (got - expected).abs();
            assert!(off < BOUND * size, "{what}: {got} {expected}");
        }
    }
}

fn parts(batch: &Batch<f64>) -> Vec<&Array2<f64>> {
    match batch {
        Batch::Real(x) => vec![x],
        Batch::Complex(z) => vec![&z.re, &z.im],
    }
}

fn shift(mesh: &mut Mesh, index: usize, step: f64) {
    let mut flat = mesh.phases().flat();
    flat[index] += step;
    *mesh = mesh.with_phases(Phases::from_flat(flat, mesh)).unwrap();
}

fn changed(
    program: &Program,
    network: &Network,
    mut change: impl FnMut(usize, usize, &mut Array, &mut f64),
) -> Program {
    let maps = program.maps().map(|map| {
        let tiles = map.tiles.iter().cloned().enumerate();
        let tiles = tiles.map(|(number, mut tile)| {
            change(map.id.0, number, &mut tile.array, &mut tile.scale);
            tile
        });
        tiles.collect()
    });
    let maps = maps.collect();
    Program::from_tiles(network.clone(), program.layout(), maps).unwrap()
}

fn difference(loss: impl Fn(f64) -> f64) -> f64 {
    let [far, near] = [2.0, 1.0].map(|k| loss(k * STEP) - loss(-k * STEP));
    (8.0 * near - far) / (12.0 * STEP)
}

#[test]
fn gradients_of_real_networks_are_central_differences() {
    let noisy = [&CHIP[..], &SHOTS].concat();
    for settings in [&[][..], &CHIP, &SHOTS, &noisy] {
        for activation in [Activation::Tanh, Activation::Softmax] {
            Case::real(activation, settings).check();
        }
    }
}

#[test]
fn gradients_of_complex_networks_are_central_differences() {
    let noisy = [&CHIP[..], &SHOTS].concat();
    let optical = Activation::ElectroOptic {
        alpha: 0.1,
        g_rad: 0.2,
        phi_b_rad: 1.0,
    };
    let softplus = Activation::ModulusSoftplus { temperature: 0.1 };
    for settings in [&[][..], &CHIP, &noisy] {
        // The activation is optical, then digital behind a bias; outputs by coherent receivers.
        Case::complex(optical, false, Readout::Intensity, settings).check();
        Case::complex(softplus, true, Readout::Modulus, settings).check();
        // Powers by one photodiode each.
        let intensity = [&[("readout.detection", "intensity")], settings].concat();
        for readout in [Readout::Intensity, Readout::Modulus] {
            Case::complex(softplus, false, readout, &intensity).check();
        }
    }
}

#[test]
fn gradients_of_butterflies_and_crossbars_are_central_differences() {
    let noisy = [&CHIP[..], &SHOTS].concat();
    for multiplier in [
        Multiplier::Meshes(Geometry::Butterfly),
        Multiplier::Crossbar,
    ] {
        let mut case = Case::real(Activation::Tanh, &noisy);
        case.layout = Layout {
            tile: Some(4),
            multiplier,
            ..Layout::default()
        };
        case.check();
    }
}

/// One layer, one tile: `y = Q_out(W Q_in(x))`.
fn quantized(range: f64) -> (Processor<f64>, Batch<f64>) {
    let network = Network::of_weight(Weight::Real(random((3, 3), 31)), Readout::Real).unwrap();
    let program = compile(&network, Layout::default()).unwrap();
    let chip = chip(&[
        ("coupler.splitting_error_rad", "0.1"),
        ("input.dac_bits", "6"),
        ("readout.adc_bits", "7"),
    ]);
    let calibration = Batch::Real(range * random((3, 20), 32));
    let processor = Processor::load(&program, chip, Correction::None, Some(&calibration));
    (processor.unwrap(), Batch::Real(random((3, 6), 33)))
}

/// Straight through: within all ranges the gradient is that of the matrix alone.
#[test]
fn gradients_go_straight_through_converters() {
    let (processor, batch) = quantized(3.0);
    let (outputs, tape) = Tape::record(&processor, batch.clone(), 0).unwrap();
    let g = random(outputs.dim(), 34);
    let gradient = tape.gradient(&g);
    let expected = processor.matrix(tape.maps()[0]).re().t().dot(&g);
    let Batch::Real(got) = &gradient.inputs else {
        panic!("real stays real")
    };
    for (got, expected) in got.iter().zip(&expected) {
        assert!((got - expected).abs() < 1e-13, "{got} {expected}");
    }
    // The converters do act: differences would see their steps.
    let Batch::Real(x) = &batch else {
        panic!("real stays real")
    };
    let exact = processor.matrix(tape.maps()[0]).re().dot(x);
    assert!((outputs - exact).iter().any(|off| off.abs() > 1e-2));
}

/// In blocks too: their scales are held, and multiply behind a tile what they divided in front of it.
#[test]
fn gradients_go_straight_through_numbers_in_blocks() {
    let network = Network::of_weight(Weight::Real(random((4, 5), 35)), Readout::Real).unwrap();
    let layout = Layout {
        tile: Some(3),
        ..Layout::default()
    };
    let program = compile(&network, layout).unwrap();
    let chip = chip(&[
        ("coupler.splitting_error_rad", "0.1"),
        ("numbers.format", "abfp"),
        ("input.dac_bits", "7"),
        ("readout.adc_bits", "9"),
    ]);
    let program = compiled_for(&program, chip.hardware()).unwrap().unwrap();
    let calibration = Batch::Real(random((5, 20), 36));
    let processor =
        Processor::<f64>::load(&program, chip, Correction::None, Some(&calibration)).unwrap();
    let x = random((5, 6), 37);
    let (outputs, tape) = Tape::record(&processor, Batch::Real(x.clone()), 0).unwrap();
    let g = random(outputs.dim(), 38);
    let gradient = tape.gradient(&g);
    let matrix = processor.matrix(tape.maps()[0]);
    let Batch::Real(got) = &gradient.inputs else {
        panic!("real stays real")
    };
    for (got, expected) in got.iter().zip(&matrix.re().t().dot(&g)) {
        assert!((got - expected).abs() < 1e-12, "{got} {expected}");
    }
    // By the weights as if inputs had no steps: they were rounded to 7 bits.
    let expected = g.dot(&x.t());
    let off = &gradient.layers[0].map.weight.re() - &expected;
    let size = expected.iter().fold(0.0, |most: f64, z| most.max(z.abs()));
    assert!(off.iter().all(|off| off.abs() < 0.05 * size));
    // The numbers do have steps.
    let exact = matrix.re().dot(&x);
    assert!((outputs - exact).iter().any(|off| off.abs() > 1e-3));
}

/// Beyond a range a limiter without steps has no slope, and neither has the converter.
#[test]
fn nothing_passes_back_through_a_converter_beyond_its_range() {
    let (processor, batch) = quantized(0.2);
    let (outputs, tape) = Tape::record(&processor, batch.clone(), 0).unwrap();
    let g = Array2::ones(outputs.dim());
    let gradient = tape.gradient(&g);
    let (Batch::Real(by), Batch::Real(x)) = (&gradient.inputs, &batch) else {
        panic!("real stays real")
    };
    let full_scale = processor_full_scale();
    let mut beyond = 0;
    for (x, by) in x.iter().zip(by) {
        if x.abs() > full_scale {
            beyond += 1;
            assert_eq!(*by, 0.0);
        }
    }
    assert!(beyond > 3, "{beyond}");
}

/// The largest value of the calibration batch of [`quantized`] at 0.2.
fn processor_full_scale() -> f64 {
    let calibration = 0.2 * random((3, 20), 32);
    calibration
        .iter()
        .fold(0.0, |most: f64, x| most.max(x.abs()))
}

#[test]
fn single_precision_has_the_gradient_of_double() {
    let case = Case::real(Activation::Tanh, &CHIP);
    let program = case.program();
    let double = case.load(&program);
    let single =
        Processor::<f32>::load(&program, case.chip.clone(), Correction::None, None).unwrap();
    let (outputs, tape) = Tape::record(&double, case.batch.clone(), 0).unwrap();
    let Batch::Real(x) = &case.batch else {
        panic!("the network is real")
    };
    let (_, short) = Tape::record(&single, Batch::Real(x.mapv(|x| x as f32)), 0).unwrap();
    let exact = tape.gradient(&outputs);
    let rounded = short.gradient(&outputs.mapv(|y| y as f32));
    let (exact, rounded) = (tape.tile_gradients(&exact), short.tile_gradients(&rounded));
    for (exact, rounded) in exact.iter().flatten().zip(rounded.iter().flatten()) {
        let (TileGradient::Meshes(exact), TileGradient::Meshes(rounded)) = (exact, rounded) else {
            panic!("tiles have meshes")
        };
        for (x, y) in exact.input.flat().iter().zip(rounded.input.flat()) {
            assert!((x - y).abs() < 1e-4, "{x} {y}");
        }
    }
}

#[test]
fn a_dark_network_has_no_slope() {
    let network = Network::of_weight(Weight::Real(arr2(&[[0.5, -0.2]])), Readout::Real).unwrap();
    let program = compile(&network, Layout::default()).unwrap();
    let processor = Processor::<f64>::load(&program, chip(&[]), Correction::None, None).unwrap();
    let (_, tape) = Tape::record(&processor, Batch::Real(Array2::zeros((2, 1))), 0).unwrap();
    let gradient = tape.gradient(&arr2(&[[1.0]]));
    for tile in tape.tile_gradients(&gradient).into_iter().flatten() {
        let TileGradient::Meshes(meshes) = tile else {
            panic!("tiles have meshes")
        };
        assert!(meshes.input.flat().iter().all(|slope| *slope == 0.0));
    }
}
