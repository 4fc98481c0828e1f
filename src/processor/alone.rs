//! A mesh that stands alone on a chip.

use super::bench::{CORRECTED, check_correction};
use super::detector::{Reading, detector_noise};
use super::modulator::full_scale_power_w;
use crate::error::{Error, Result};
use crate::hardware::{Chip, Driver, Hardware, Laboratory, SelfConfiguration};
use crate::linalg::{Matrix, check_finite};
use crate::mesh::{Correction, Mesh, Phases};

/// One mesh on a chip.
#[derive(Debug, Clone, PartialEq)]
pub struct MeshOnChip {
    /// Its matrix between its ports, `[ports, ports]`.
    pub matrix: Matrix,
    /// The phases that were chosen, of the chip's cells: heaters are asked for them.
    pub phases: Phases,
    /// Number of cells that no phases could make do what was asked; a fit starts from there.
    pub unreachable: usize,
    /// What the mesh did where it configured itself.
    pub configured: Option<SelfConfiguration>,
}

/// `mesh` on `chip`, with phases that `correction` chose for it.
///
/// # Errors
/// [`Error::NotFinite`](crate::Error::NotFinite) if the matrix is not finite, and those of [`Chip::on_mesh`].
///
/// # Panics
/// As [`Chip::program`].
pub fn mesh_on_chip(mesh: &Mesh, chip: &Chip, correction: Correction) -> Result<MeshOnChip> {
    check_correction(mesh.is_asked(), correction)?;
    let programmed = chip.on_mesh(mesh)?.program(mesh, correction);
    let whole = programmed.coefficients.transfer();
    Ok(MeshOnChip {
        matrix: between_ports(mesh, &whole)?,
        phases: programmed.phases,
        unreachable: programmed.unreachable,
        configured: None,
    })
}

/// `mesh` on `chip` after it configured itself.
///
/// Its receivers read both quadratures of light that all ports share, with the noise of the readout's keys; crosstalk by
/// distance is known unless the hardware says otherwise; the phases drift for `phase_shifter.drift_time_s` before the matrix is taken.
///
/// # Errors
/// Those of [`Driver::self_configure`] and of [`Chip::on_mesh`]; [`Error::NotFinite`](crate::Error::NotFinite) if the matrix is not finite.
pub fn self_configured(mesh: &Mesh, chip: Chip) -> Result<MeshOnChip> {
    if mesh.is_asked() {
        return Err(Error::value("correction", "self-configuration", CORRECTED));
    }
    let chip = chip.on_mesh(mesh)?;
    let shifter = chip.hardware().phase_shifter();
    let seconds = shifter.drift_time_s;
    let crosstalk = match chip.hardware().measured().known().crosstalk {
        true => shifter.crosstalk,
        false => 0.0,
    };
    let noise = receiver_noise(chip.hardware(), mesh.ports());
    let mut driver = Driver::new(mesh, chip.cell_kind())
        .with_known_crosstalk(crosstalk)
        .with_receiver_noise(noise);
    let mut bench = Laboratory::new(chip, mesh).with_receiver_noise(noise);
    let done = driver.self_configure(&mut bench, mesh)?;
    bench.wait(seconds);
    Ok(MeshOnChip {
        matrix: between_ports(mesh, &bench.true_transfer())?,
        phases: driver.phases(),
        unreachable: done.unreachable,
        configured: Some(done),
    })
}

/// The matrix `whole` of all modes of `mesh` between its ports.
fn between_ports(mesh: &Mesh, whole: &Matrix) -> Result<Matrix> {
    let matrix = mesh.between_ports(whole);
    check_finite("transfer matrix", &matrix)?;
    Ok(matrix)
}

/// Noise of receivers that read both quadratures of light that `modes` outputs share: that of the readout's keys,
/// relative to the amplitude of an input of full scale.
fn receiver_noise(hardware: &Hardware, modes: usize) -> f64 {
    let full_scale_w = full_scale_power_w(hardware, modes);
    let noise = detector_noise(hardware, Reading::Quadratures, full_scale_w);
    (noise.constant + noise.slope / modes as f64).sqrt()
}
