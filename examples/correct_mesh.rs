//! How much of a chip's error does correction take away?
//!
//! A Haar-random unitary on 16 modes, chips whose couplers err by σ. Uncorrected: σ √(2N); locally corrected: √(2/3) N σ²
//! (Bandyopadhyay, Hamerly, Englund, Optica 8, 1247 (2021)). A mesh that configures itself knows no error.

use lightloom::linalg::{haar_unitary, matrix_error};
use lightloom::mesh::{Geometry, decompose};
use lightloom::processor::{mesh_on_chip, self_configured};
use lightloom::rng::Effect;
use lightloom::{Correction, Hardware, Result, Seed};

fn main() -> Result<()> {
    let modes = 16;
    let u = haar_unitary(modes, &mut Seed(1).stream(Effect::Haar, 0, 0, 0));
    let mesh = decompose(&u, Geometry::Clements)?;
    println!("σ (rad)   none     law      local    law      progressive   by itself");
    for sigma in [0.01, 0.02, 0.05] {
        let hardware =
            Hardware::default().with("coupler.splitting_error_rad", &sigma.to_string())?;
        let chip = hardware.fabricate(Seed(0), 0);
        let error = |correction| {
            let found = mesh_on_chip(&mesh, &chip, correction)?;
            Result::Ok(matrix_error(&found.matrix, &u))
        };
        let none = error(Correction::None)?;
        let local = error(Correction::Local)?;
        let progressive = error(Correction::Progressive)?;
        let itself = matrix_error(&self_configured(&mesh, chip.clone())?.matrix, &u);
        let n = modes as f64;
        let laws = [
            sigma * (2.0 * n).sqrt(),
            (2.0f64 / 3.0).sqrt() * n * sigma.powi(2),
        ];
        println!(
            "{sigma:<7}   {none:.4}   {:.4}   {local:.4}   {:.4}   {progressive:.4}        {itself:.4}",
            laws[0], laws[1]
        );
        assert!(local < none && progressive < none && itself < none);
    }
    Ok(())
}
