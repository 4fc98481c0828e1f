//! How large a splitting error does a network bear, uncorrected and corrected?
//!
//! Accuracy against the spread of the couplers' angles, with MZIs (uncorrected, local, progressive) and with 3-splitter
//! MZIs (progressive), and the largest mesh that each would leave useful. The built-in digits, or a network and data
//! of your own (README's table):
//!
//! ```text
//! cargo run --release --example what_correction_buys -- mnist_mlp.onnx mnist [TILE]
//! ```

use lightloom::compile::{Aim, Layout, compile};
use lightloom::nn::Activation;
use lightloom::{Correction, Dataset, Experiment, Hardware, Network, Result, Seed};

const SPREADS_RAD: [f64; 7] = [0.0, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1];
const COLUMNS: [(&str, &str, Correction); 4] = [
    ("uncorrected", "mzi", Correction::None),
    ("local", "mzi", Correction::Local),
    ("progressive", "mzi", Correction::Progressive),
    ("3-splitter", "3-splitter", Correction::Progressive),
];
/// A network that loses more accuracy than this is not the network that was trained.
const USEFUL: f64 = 0.01;

fn main() -> Result<()> {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/meshes/demo");
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (network, data, chips) = match args.as_slice() {
        [] => (
            format!("{demo}/network.toml"),
            format!("{demo}/digits-test.npz"),
            10,
        ),
        [network, data, ..] => (network.clone(), data.clone(), 5),
        _ => panic!("give a network and its data, or nothing"),
    };
    let tile = args.get(2).and_then(|tile| tile.parse().ok());
    let network = Network::load(network, Activation::Relu)?;
    let data = Dataset::load(data, None, None)?;
    let program = |aim| {
        let layout = Layout {
            tile,
            aim,
            ..Layout::default()
        };
        compile(&network, layout)
    };
    let (plain, for_corrected) = (program(Aim::Uncorrected)?, program(Aim::Corrected)?);
    let tiles = plain.maps().flat_map(|map| map.tiles);
    let modes = tiles.map(|tile| tile.inputs()).max().unwrap_or(0);
    println!(
        "meshes of up to {modes} modes, {chips} chips; mean accuracy (matrix error of the first layer)"
    );
    println!("σ / rad  uncorrected     local           progressive     3-splitter, progressive");
    let mut useful = [0.0; COLUMNS.len()];
    for spread in SPREADS_RAD {
        print!("{spread:<7}");
        for (column, (_, cell, correction)) in COLUMNS.into_iter().enumerate() {
            let hardware = Hardware::default()
                .with("coupler.splitting_error_rad", &spread.to_string())?
                .with("mesh.cell", cell)?;
            let experiment = Experiment {
                hardware,
                seed: Seed(0),
                trials: chips,
                correction,
            };
            let program = match correction {
                Correction::None => &plain,
                _ => &for_corrected,
            };
            let report = experiment.run::<f32>(program, &data, &())?;
            let accuracy = report.noisy.value().mean;
            print!("  {accuracy:.4} ({:.3})", report.layers[0].matrix_error);
            if accuracy > report.digital.value() - USEFUL {
                useful[column] = spread;
            }
        }
        println!();
    }
    println!(
        "largest σ of this list that costs less than {} %:",
        100.0 * USEFUL
    );
    for ((name, ..), spread) in COLUMNS.iter().zip(useful) {
        println!("  {name:<12} {spread} rad");
    }
    Ok(())
}
