//! Do the phases of another package make the same matrix here, and what are they in every convention?
//!
//! `cargo run --example convert_phases [golden.json]`; the files of `meshes/golden` were returned by Strawberry
//! Fields, Perceval, piquasso and others, beside the package's own matrix.

use lightloom::linalg::{C64, Matrix, max_abs_difference};
use lightloom::mesh::{Convention, Mesh, Notation};
use serde_json::Value;

fn matrix(golden: &Value, modes: usize) -> Option<Matrix> {
    let part = |key: &str, row: usize, col: usize| golden[key][row][col].as_f64();
    let mut u = Matrix::zeros(modes, modes);
    for (row, col) in (0..modes).flat_map(|row| (0..modes).map(move |col| (row, col))) {
        u[(row, col)] = C64::new(part("unitary_re", row, col)?, part("unitary_im", row, col)?);
    }
    Some(u)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shipped = "meshes/golden/strawberryfields_rectangular.json";
    let path = std::env::args().nth(1).unwrap_or(shipped.to_owned());
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
    let notation: Notation = serde_json::from_value(golden["cells"].clone())?;
    let u =
        matrix(&golden, notation.modes).ok_or("unitary_re and unitary_im do not fit the modes")?;
    println!(
        "{} {}, {}: {} modes, {} elements",
        golden["package"],
        golden["version"],
        golden["function"],
        notation.modes,
        notation.elements.len()
    );

    let mesh = Mesh::from_notation(&notation)?;
    println!(
        "its matrix and ours differ by {:.0e}\n",
        max_abs_difference(&mesh.transfer(), &u)
    );

    println!(
        "{:<22}{:>10}{:>16}",
        "convention", "elements", "back, differs"
    );
    for convention in Convention::ALL {
        let written = mesh.to_notation(convention);
        let back = Mesh::from_notation(&written)?.transfer();
        let error = max_abs_difference(&back, &u);
        println!(
            "{:<22}{:>10}{:>16.0e}",
            convention.name(),
            written.elements.len(),
            error
        );
    }
    println!("\n{}", mesh.to_notation(Convention::Perceval).to_json());
    Ok(())
}
