//! Which tile size keeps the most accuracy?
//!
//! A small mesh is shallow: it gathers little splitting error and little loss. A large one needs fewer detectors
//! and converters. The built-in digit network at several tile sizes, on chips with 0.03 rad of splitting error.

use lightloom::compile::{Layout, compile};
use lightloom::experiment::Experiment;
use lightloom::nn::Activation;
use lightloom::{Correction, Dataset, Hardware, Network, Result, Seed};

fn main() -> Result<()> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/meshes/demo");
    let network = Network::load(format!("{folder}/network.toml"), Activation::Identity)?;
    let data = Dataset::load(
        format!("{folder}/digits-test.npz"),
        None,
        Default::default(),
    )?;
    let hardware = Hardware::default().with("coupler.splitting_error_rad", "0.03")?;
    println!("tile     tiles     MZIs   matrix error   accuracy");
    for tile in [Some(8), Some(16), Some(32), None] {
        let program = compile(
            &network,
            Layout {
                tile,
                ..Layout::default()
            },
        )?;
        let experiment = Experiment {
            hardware: hardware.clone(),
            seed: Seed(0),
            trials: 10,
            correction: Correction::None,
        };
        let report = experiment.run::<f32>(&program, &data, &())?;
        let tiles: usize = report.layers.iter().map(|layer| layer.tiles).sum();
        let mzis: usize = report.layers.iter().map(|layer| layer.mzis).sum();
        let name = tile.map_or("whole".to_owned(), |modes| modes.to_string());
        println!(
            "{name:<6} {tiles:>7} {mzis:>8}   {:>12.4}   {:.4} ± {:.4}",
            report.layers[0].matrix_error,
            report.noisy.value().mean,
            report.noisy.value().std
        );
        assert!(report.ideal.agreement == Some(1.0));
    }
    Ok(())
}
