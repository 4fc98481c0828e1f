//! A mesh that stands alone on a chip.

use super::detector::{Reading, detector_noise};
use super::modulator::full_scale_power_w;
use crate::error::Result;
use crate::hardware::{Chip, Hardware, Laboratory, SelfConfiguration};
use crate::linalg::Matrix;
use crate::mesh::Mesh;

/// The transfer matrix of `mesh` on `chip` after it configured itself, `[modes, modes]`, and how it got there.
///
/// Its receivers read both quadratures of light that all ports share, with the noise of the readout's keys; crosstalk is
/// known; the phases drift for `phase_shifter.drift_time_s` before the matrix is taken.
///
/// # Errors
/// Those of [`Laboratory::self_configure`].
pub fn self_configured(mesh: &Mesh, chip: Chip) -> Result<(Matrix, SelfConfiguration)> {
    let shifter = chip.hardware().phase_shifter();
    let (crosstalk, seconds) = (shifter.crosstalk, shifter.drift_time_s);
    let noise = receiver_noise(chip.hardware(), mesh.ports());
    let mut bench = Laboratory::new(chip, mesh)
        .with_known_crosstalk(crosstalk)
        .with_receiver_noise(noise);
    let done = bench.self_configure(mesh)?;
    bench.wait(seconds);
    Ok((bench.true_transfer(), done))
}

/// Noise of receivers that read both quadratures of light that `modes` outputs share: that of the readout's keys,
/// relative to the amplitude of an input of full scale.
fn receiver_noise(hardware: &Hardware, modes: usize) -> f64 {
    let full_scale_w = full_scale_power_w(hardware, modes);
    let noise = detector_noise(hardware, Reading::Quadratures, full_scale_w);
    (noise.constant + noise.slope / modes as f64).sqrt()
}
