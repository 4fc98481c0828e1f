//! How hardware holds numbers, against how a program was compiled.

use super::detector::Reading;
use crate::compile::{Layout, Program, Weights, compile};
use crate::error::{Error, Result};
use crate::hardware::{Hardware, NumberFormat};

/// How `hardware` holds weights, which is decided when a network is compiled for it.
pub fn weights_of(hardware: &Hardware) -> Weights {
    let numbers = hardware.numbers();
    match (numbers.format, numbers.weight_bits) {
        (NumberFormat::Float, _) | (NumberFormat::Fixed, None) => Weights::Exact,
        (NumberFormat::Fixed, Some(bits)) => Weights::Fixed(bits),
        (NumberFormat::Abfp, bits) => Weights::Abfp(bits),
    }
}

/// How weights that a program was compiled with are held on `hardware`: as that holds them, or as they are if it takes
/// them so.
pub fn weights_on(compiled: Weights, hardware: &Hardware) -> Weights {
    match weights_of(hardware) {
        Weights::Exact => compiled,
        held => held,
    }
}

/// `program` compiled again with weights as `hardware` holds them; none where it has them. Hardware that takes weights as they
/// are takes every program.
///
/// # Errors
/// Those of [`compile`].
pub fn compiled_for(program: &Program, hardware: &Hardware) -> Result<Option<Program>> {
    let layout = program.layout();
    let weights = weights_on(layout.weights, hardware);
    if weights == layout.weights {
        return Ok(None);
    }
    compile(program.network(), Layout { weights, ..layout }).map(Some)
}

/// Fails unless `hardware` can hold the numbers of `program`, whose maps are read so.
pub(super) fn check_numbers(
    program: &Program,
    hardware: &Hardware,
    readings: &[Reading],
) -> Result<()> {
    let (asked, held) = (weights_of(hardware), program.layout().weights);
    if asked != Weights::Exact && asked != held {
        let limit = format!(
            "as the program was compiled, with {held} weights: compile the network with --weights {asked}"
        );
        return Err(Error::value("numbers.format", asked, limit));
    }
    check_blocks(program, hardware, readings)
}

/// Fails where `program` or `hardware` has numbers in blocks and a map is not read by coherent detectors, behind which blocks
/// have their scales.
///
/// # Errors
/// [`Error::Value`].
fn check_blocks(program: &Program, hardware: &Hardware, readings: &[Reading]) -> Result<()> {
    let has_blocks = |weights: Weights| matches!(weights, Weights::Abfp(_));
    if !has_blocks(weights_of(hardware)) && !has_blocks(program.layout().weights) {
        return Ok(());
    }
    let is_signed = |reading: &Reading| matches!(reading, Reading::Real | Reading::Quadratures);
    match program
        .maps()
        .zip(readings)
        .find(|(_, reading)| !is_signed(reading))
    {
        None => Ok(()),
        Some((map, _)) => {
            let limit = format!(
                "float or fixed: light of layer `{}` is not read by coherent detectors, behind which blocks have their scales",
                map.linear.name
            );
            Err(Error::value(
                "numbers.format",
                NumberFormat::Abfp.name(),
                limit,
            ))
        }
    }
}
