//! Which costs more: couplers that err, or phases that do?
//!
//! A grid of both for the network of the demo, as `lightloom sweep` runs it: trials gather in a folder, a run that was
//! stopped goes on, and rows are read back as they were written.

use std::path::Path;

use lightloom::experiment::Sweep;
use lightloom::experiment::rows::Folder;
use lightloom::experiment::sweep::{Session, Shard};
use lightloom::{Hardware, Result};

const EXPERIMENT: &str = r#"
network = "network.toml"
data = "digits-test.npz"
limit = 200
trials = 5
[axes]
"coupler.splitting_error_rad" = [0.0, 0.02, 0.04]
"phase_shifter.phase_error_rad" = [0.0, 0.02, 0.04]
"#;

fn main() -> Result<()> {
    let inputs = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/meshes/demo"));
    let out = tempfile::tempdir().expect("there is a folder for temporary files");
    let sweep = Sweep::parse(EXPERIMENT, "couplers and phases", Hardware::open)?;
    let session = Session::open(sweep, inputs, out.path(), Shard::WHOLE)?;
    println!("{} trials", session.missing());
    session.run(&())?;
    session.finish()?;

    let folder = Folder::open(out.path())?;
    let sweep = &folder.sweep;
    let points: Vec<f64> = (0..sweep.points())
        .map(|point| {
            let rows = folder.rows.iter().filter(|row| row.trial.point == point);
            rows.map(|row| row.value()).sum::<f64>() / sweep.trials as f64
        })
        .collect();
    println!("couplers (rad)   phases (rad)   accuracy");
    for (point, accuracy) in points.iter().enumerate() {
        let values: Vec<String> = sweep.values(point).iter().map(|v| v.to_string()).collect();
        println!("{:>14}   {:>12}   {accuracy:.4}", values[0], values[1]);
    }
    // The last axis is the fastest.
    assert!(points[0] > points[8]);
    Ok(())
}
