//! Which phases make a mesh of MZIs perform a given unitary?
//!
//! The discrete Fourier transform on four modes. Clements et al., Optica 3, 1460 (2016): N (N − 1) / 2 MZIs in
//! N columns; Reck et al., Phys. Rev. Lett. 73, 58 (1994): the same number in 2N − 3 columns.

use std::f64::consts::{PI, TAU};

use lightloom::linalg::{C64, Matrix, max_abs_difference};
use lightloom::mesh::{Geometry, decompose};

fn main() -> lightloom::Result<()> {
    let n = 4;
    let dft = Matrix::from_fn(n, n, |row, col| {
        C64::from_polar(
            1.0 / (n as f64).sqrt(),
            -TAU * (row * col) as f64 / n as f64,
        )
    });
    for geometry in [Geometry::Clements, Geometry::Reck] {
        let mesh = decompose(&dft, geometry)?;
        println!(
            "{geometry}: {} MZIs in {} columns",
            mesh.nodes().len(),
            mesh.columns()
        );
        println!("  column  modes   theta/π   phi/π");
        for (index, node) in mesh.nodes().iter().enumerate() {
            println!(
                "  {:>6}  {}, {}  {:>8.5}  {:>6.3}",
                node.column,
                node.top,
                node.bottom,
                mesh.theta()[index] / PI,
                mesh.phi()[index] / PI
            );
        }
        let error = max_abs_difference(&mesh.transfer(), &dft);
        println!("  max |U - U'| = {error:.0e}\n");
        assert!(error < 1e-14);
    }
    Ok(())
}
