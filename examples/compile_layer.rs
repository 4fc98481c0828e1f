//! What does a layer become on a chip?
//!
//! A 6 × 10 real matrix as one tile: W = s · U diag(a) V†, two meshes with attenuators between them, the scheme
//! of Miller, Photonics Research 1, 1 (2013) and Shen et al., Nat. Photonics 11, 441 (2017).

use lightloom::compile::{Layout, compile};
use lightloom::linalg::C64;
use lightloom::nn::{Activation, Input, Layer, LinearId, Network, Readout, Weight};
use lightloom::rng::{Effect, Seed};
use ndarray::Array2;

fn main() -> lightloom::Result<()> {
    let mut stream = Seed(3).stream(Effect::Haar, 0, 0, 0);
    let weight = Array2::from_shape_fn((6, 10), |_| stream.standard_normal());
    let layer = Layer::new(
        "layer",
        Weight::Real(weight.clone()),
        None,
        Activation::Identity,
    );
    let network = Network::new(Input::default(), vec![layer], Readout::Real)?;
    let program = compile(&network, Layout::default())?;
    let tile = &program.tiles(LinearId(0))[0];
    let meshes = tile.as_meshes()?;
    println!(
        "V†: {} modes, {} MZIs",
        meshes.input.modes(),
        meshes.input.nodes().len()
    );
    println!(
        "U:  {} modes, {} MZIs",
        meshes.output.modes(),
        meshes.output.nodes().len()
    );
    println!("scale s = {:.6}", tile.scale);
    println!("attenuator   theta      a = sin(theta/2)");
    for (mode, theta) in meshes.attenuators.iter().enumerate() {
        println!("{mode:>10}   {theta:.6}   {:.6}", (theta / 2.0).sin());
    }
    let realized = tile.matrix();
    let error = weight
        .indexed_iter()
        .map(|((row, col), w)| (realized[(row, col)] - C64::from(*w)).norm())
        .fold(0.0, f64::max);
    println!("max |W - s U diag(a) V†| = {error:.0e}");
    assert!(error < 1e-13);
    Ok(())
}
