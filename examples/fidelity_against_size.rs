//! How fast does fidelity fall with mesh size?
//!
//! Splitting errors of 0.02 rad on every coupler, Haar-random unitaries. For such chips the fidelity is
//! F = exp(−2 (N − 1) σ²) and the matrix error E = √(2 − 2 e^{−(N−1)σ²}), the uncorrected error of
//! Bandyopadhyay, Hamerly, Englund, Optica 8, 1247 (2021) beyond first order.

use lightloom::linalg::{fidelity, matrix_error};
use lightloom::mesh::{Geometry, Mesh};
use lightloom::rng::{Effect, Seed};
use lightloom::{Hardware, Result};

fn main() -> Result<()> {
    let sigma: f64 = 0.02;
    let chips = 20;
    let hardware = Hardware::default().with("coupler.splitting_error_rad", &sigma.to_string())?;
    println!("splitting error {sigma} rad, mean of {chips} chips");
    println!("modes   fidelity      law    matrix error      law");
    for modes in [4, 8, 16, 32, 64] {
        let (mut f, mut e) = (0.0, 0.0);
        for trial in 0..chips {
            let mut stream = Seed(1).stream(Effect::Haar, trial, modes as u64, 0);
            let mesh = Mesh::haar(Geometry::Clements, modes, &mut stream)?;
            let chip = hardware.fabricate(Seed(0), trial).transfer(&mesh);
            f += fidelity(&chip, &mesh.transfer()) / chips as f64;
            e += matrix_error(&chip, &mesh.transfer()) / chips as f64;
        }
        let exponent = (modes - 1) as f64 * sigma * sigma;
        let f_law = (-2.0 * exponent).exp();
        let e_law = (2.0 - 2.0 * (-exponent).exp()).sqrt();
        println!("{modes:>5}   {f:>8.4} {f_law:>8.4}    {e:>12.4} {e_law:>8.4}");
        assert!((e / e_law - 1.0).abs() < 0.15);
    }
    Ok(())
}
