//! How does splitting error cost accuracy?
//!
//! The built-in digit network on drawn chips, from perfect couplers to errors of 0.1 rad. Typical foundries
//! reach 0.01 to 0.02 rad.

use lightloom::experiment::Experiment;
use lightloom::{Correction, Dataset, Hardware, Program, Result, Seed};

fn main() -> Result<()> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/meshes/demo");
    let program = Program::load(format!("{folder}/digits.program.safetensors"))?;
    let data = Dataset::load(
        format!("{folder}/digits-test.npz"),
        None,
        Default::default(),
    )?;
    println!("error [rad]   accuracy           5 % to 95 %        agreement with digital");
    for sigma in [0.0, 0.01, 0.02, 0.05, 0.1] {
        let hardware =
            Hardware::default().with("coupler.splitting_error_rad", &sigma.to_string())?;
        let experiment = Experiment {
            hardware,
            seed: Seed(0),
            trials: 20,
            correction: Correction::None,
        };
        let report = experiment.run::<f32>(&program, &data, || ())?;
        let a = report.noisy.value();
        let agreement = report
            .noisy
            .worth
            .agreement
            .map_or(f64::NAN, |over| over.mean);
        println!(
            "{sigma:>11}   {:.4} ± {:.4}   {:.4} to {:.4}   {:.4}",
            a.mean, a.std, a.p05, a.p95, agreement
        );
        assert!(sigma > 0.0 || agreement == 1.0);
    }
    Ok(())
}
