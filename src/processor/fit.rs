//! Whether chips can run a program, as far as is known before its phases are.

use super::{check_numbers, load, readings};
use crate::compile::{Layout, Program, outline};
use crate::error::{Context, Result};
use crate::hardware::Hardware;
use crate::nn::Network;

/// Fails if no chip of `hardware` can run `program`, as far as its layout and its numbers tell: [`Processor::load`] fails
/// so too.
///
/// [`Processor::load`]: super::Processor::load
pub(crate) fn check_layout(program: &Program, hardware: &Hardware) -> Result<()> {
    let readings = readings(program, hardware)?;
    check_numbers(program, hardware, &readings)?;
    for (map, reading) in program.maps().zip(readings) {
        let check = |tile| load::check_loss(hardware, tile, reading);
        let fits = map.tiles.iter().try_for_each(check);
        fits.within(format_args!("layer `{}`", map.linear.name))?;
    }
    Ok(())
}

/// Fails if no chip of `hardware` can run `network` in this `layout`: nothing is compiled.
///
/// # Errors
/// Those of [`compile`](crate::compile::compile) and of [`Processor::load`](super::Processor::load) that do not depend on
/// phases.
pub fn check_fits(network: &Network, layout: Layout, hardware: &Hardware) -> Result<()> {
    check_layout(&outline(network, layout)?, hardware)
}
