//! Whoever multiplies: anything that does runs a network.

use std::collections::BTreeMap;
use std::sync::Mutex;

use lightloom::compile::{Layout, Multiplier, Program, compile};
use lightloom::hardware::Hardware;
use lightloom::mesh::Correction;
use lightloom::nn::{
    At, Batch, Bias, Dataset, Digital, Input, Layer, Linear, LinearId, Linears, Network, Readout,
    Weight,
};
use lightloom::processor::Processor;
use lightloom::rng::{Effect, Seed};
use ndarray::{Array2, s};

/// A multiplier that counts the products that it hands on.
struct Counting {
    digital: Digital<f64>,
    columns: Mutex<BTreeMap<(LinearId, usize), usize>>,
}

impl Linears<f64> for Counting {
    fn multiply(
        &self,
        map: LinearId,
        columns: Batch<f64>,
        at: At,
    ) -> lightloom::Result<Batch<f64>> {
        let mut counts = self.columns.lock().unwrap();
        *counts.entry((map, at.node)).or_default() += columns.samples();
        self.digital.multiply(map, columns, at)
    }
}

#[test]
fn a_multiplier_of_ones_own_runs_the_built_in_network() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/meshes/demo");
    let program = Program::load(format!("{demo}/digits.program.safetensors")).unwrap();
    let data = Dataset::load(format!("{demo}/digits-test.npz"), None, None).unwrap();
    let network = program.network();
    let counting = Counting {
        digital: network.digital().unwrap(),
        columns: Mutex::default(),
    };
    let block = network.encode(&data.x, 0..data.len()).unwrap();
    let outputs = network.run(block, &counting, 0).unwrap();
    let layers = network.layers().len();
    let every = (0..layers).map(|layer| ((LinearId(layer), layer), data.len()));
    assert_eq!(counting.columns.into_inner().unwrap(), every.collect());
    let expected = network.forward::<f64>(&data.x).unwrap();
    assert_eq!(outputs.t(), expected);
}

/// Logits of the encoded `block` on the `trial`-th chip of what `settings` say.
fn on_chip(program: &Program, settings: &[(&str, &str)], block: &Batch<f64>) -> Array2<f64> {
    let hardware = settings
        .iter()
        .fold(Hardware::default(), |hardware, (key, value)| {
            hardware.with(key, value).unwrap()
        });
    let chip = hardware.fabricate(Seed(3), 0);
    let processor = Processor::load(program, chip, Correction::None, Some(block)).unwrap();
    processor.forward(block.clone(), 0).unwrap()
}

fn largest_difference(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f64::max)
}

#[test]
fn a_crossbar_stands_between_the_detectors_of_a_perfect_mesh_and_has_no_error_of_its_own() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/meshes/demo");
    let meshes = Program::load(format!("{demo}/digits.program.safetensors")).unwrap();
    let layout = Layout {
        multiplier: Multiplier::Crossbar,
        ..meshes.layout()
    };
    let crossbar = compile(meshes.network(), layout).unwrap();
    let data = Dataset::load(format!("{demo}/digits-test.npz"), None, None).unwrap();
    let network = meshes.network();
    let block = network.encode::<f64>(&data.x, 0..200).unwrap();
    let digital = network.digital().unwrap();
    let digital = network.run(block.clone(), &digital, 0).unwrap();
    let mesh_errors = [
        ("coupler.splitting_error_rad", "0.05"),
        ("phase_shifter.phase_error_rad", "0.1"),
        ("phase_shifter.crosstalk", "0.02"),
        ("mesh.insertion_loss_db", "0.3"),
    ];
    let errs = on_chip(&meshes, &mesh_errors, &block);
    assert!(largest_difference(&errs, &digital) > 0.1);
    let exact = on_chip(&crossbar, &mesh_errors, &block);
    assert!(largest_difference(&exact, &digital) < 1e-10);
    let readout = [
        ("readout.bandwidth_ghz", "5"),
        ("readout.gain_spread", "0.02"),
        ("input.laser_power_mw", "0.1"),
        ("input.rin_dbc_hz", "-140"),
    ];
    let noisy = on_chip(&crossbar, &readout, &block);
    assert!(largest_difference(&noisy, &digital) > 1e-3);
    assert!(largest_difference(&noisy, &on_chip(&meshes, &readout, &block)) < 1e-9);
}

/// Two groups are two products side by side: nothing leads from the inputs of one to the outputs of the other.
#[test]
fn groups_of_a_map_are_products_side_by_side_in_digital_on_chips_and_in_files() {
    let mut stream = Seed(5).stream(Effect::Haar, 0, 0, 0);
    let groups: Vec<Array2<f64>> = (0..2)
        .map(|_| Array2::from_shape_simple_fn((3, 5), || stream.standard_normal()))
        .collect();
    let linear = Linear {
        name: "grouped".to_owned(),
        groups: groups.iter().cloned().map(Weight::Real).collect(),
        columns: 1,
    };
    let layer = Layer {
        linear,
        bias: Some(Bias::Real(vec![1.0; 6].into())),
        activation: lightloom::nn::Activation::Identity,
    };
    let network = Network::new(Input::default(), vec![layer], Readout::Real).unwrap();
    let x = Array2::from_shape_simple_fn((10, 4), || stream.standard_normal());
    let mut expected = Array2::zeros((6, 4));
    for (group, weight) in groups.iter().enumerate() {
        let inputs = x.slice(s![5 * group..5 * group + 5, ..]);
        let mut outputs = expected.slice_mut(s![3 * group..3 * group + 3, ..]);
        outputs.assign(&(weight.dot(&inputs) + 1.0));
    }
    let block = Batch::Real(x);
    let digital = network.digital().unwrap();
    let digital = network.run(block.clone(), &digital, 0).unwrap();
    assert!(largest_difference(&digital, &expected) < 1e-14);
    for multiplier in [Multiplier::default(), Multiplier::Crossbar] {
        for tile in [None, Some(4)] {
            let layout = Layout {
                multiplier,
                tile,
                ..Layout::default()
            };
            let program = compile(&network, layout).unwrap();
            let tiles = program.tiles(LinearId(0));
            let inside = |tile: &lightloom::compile::Tile| {
                let group = tile.row / 3;
                tile.row + tile.rows <= 3 * group + 3
                    && (5 * group..5 * group + 5).contains(&tile.col)
                    && tile.col + tile.cols <= 5 * group + 5
            };
            assert!(tiles.iter().all(inside));
            assert_eq!(tiles.len(), if tile.is_some() { 4 } else { 2 });
            assert!(largest_difference(&on_chip(&program, &[], &block), &expected) < 1e-12);
            let mut bytes = Vec::new();
            program.write(&mut bytes).unwrap();
            let bundle = lightloom::io::safetensors::parse(&bytes).unwrap();
            assert_eq!(Program::from_bundle(bundle).unwrap(), program);
        }
    }
}
