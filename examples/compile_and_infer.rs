//! What is left of a trained network on a foundry's chips, and what does correction bring back?
//!
//! From weights to accuracy: a network file, tiles of 32 modes, 10 chips with the couplers of a foundry, as they are and
//! corrected.

use lightloom::compile::{Aim, Layout, compile};
use lightloom::experiment::Experiment;
use lightloom::nn::{Hints, Selection};
use lightloom::{Correction, Dataset, Hardware, Network, Result, Seed};

fn main() -> Result<()> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/meshes/demo");
    let loaded = Network::load_with(format!("{folder}/network.toml"), &Hints::default())?;
    let network = loaded.network;
    let intake = network.intake();
    let selection = Selection {
        intake: Some(&intake),
        ..Selection::default()
    };
    let data = Dataset::open(format!("{folder}/digits-test.npz"), selection)?.limit(400);
    let hardware = Hardware::default().with("coupler.splitting_error_rad", "0.05")?;
    println!("chips are   digital   on chips");
    let mut means = Vec::new();
    for (aim, correction) in [
        (Aim::Uncorrected, Correction::None),
        (Aim::Corrected, Correction::Local),
        (Aim::Corrected, Correction::Progressive),
    ] {
        let layout = Layout {
            tile: Some(32),
            aim,
            ..Layout::default()
        };
        let program = compile(&network, layout)?;
        let experiment = Experiment {
            hardware: hardware.clone(),
            seed: Seed(0),
            trials: 10,
            correction,
        };
        let report = experiment.run::<f32>(&program, &data, &())?;
        let over = report.noisy.value();
        let digital = report.digital.value();
        println!(
            "{:<11} {digital:.4}    {:.4} ± {:.4}",
            correction.name(),
            over.mean,
            over.std
        );
        means.push(over.mean);
    }
    assert!(means[1] > means[0] && means[2] > means[0]);
    Ok(())
}
