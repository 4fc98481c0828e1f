//! Meshes, and phases of other packages.

use std::io::Write;

use anyhow::Result;

use super::Said;
use crate::mesh::{Mesh, Notation};

/// What is said of phases that no command may correct.
pub(super) const ASKED: &str =
    "phases that the heaters of one chip are asked for: corrected already";

pub(super) fn describe_mesh(out: &mut Said, mesh: &Mesh) -> Result<()> {
    let geometry = mesh
        .geometry()
        .map_or("its own layout".to_owned(), |geometry| geometry.to_string());
    let ancillas = match mesh.modes() - mesh.ports() {
        0 => String::new(),
        count => format!(" and {count} ancillas"),
    };
    writeln!(
        out,
        "mesh: {} modes{ancillas}, {geometry}, {} MZIs in {} columns, {} phase shifters",
        mesh.ports(),
        mesh.nodes().len(),
        mesh.columns(),
        mesh.phase_shifters()
    )?;
    out.put("modes", mesh.ports());
    out.put("ancillas", mesh.modes() - mesh.ports());
    out.put(
        "geometry",
        mesh.geometry().map(|geometry| geometry.to_string()),
    );
    out.put("mzis", mesh.nodes().len());
    out.put("columns", mesh.columns());
    out.put("phase_shifters", mesh.phase_shifters());
    let range = |values: &[f64]| {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if values.is_empty() {
            "none".to_owned()
        } else {
            format!("{low:.4} to {high:.4} rad")
        }
    };
    writeln!(out, "theta: {}", range(mesh.theta()))?;
    writeln!(out, "phi: {}", range(mesh.phi()))?;
    writeln!(out, "screen: {}", range(mesh.screen()))?;
    if mesh.is_asked() {
        writeln!(out, "{ASKED}")?;
        out.put("asked", true);
    }
    Ok(())
}

/// Phases of another package, and the mesh that all commands make of them.
pub(super) fn describe_cells(out: &mut Said, notation: &Notation, mesh: &Mesh) -> Result<()> {
    writeln!(
        out,
        "phases of another package: {} modes, {} elements, convention {}; as a mesh:",
        notation.modes,
        notation.elements.len(),
        notation.convention
    )?;
    describe_mesh(out, mesh)?;
    out.put("elements", notation.elements.len());
    out.put("convention", notation.convention.to_string());
    Ok(())
}
