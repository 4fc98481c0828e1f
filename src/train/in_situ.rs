//! In-situ back-propagation: the slopes of all phases of an instrument from powers that are measured inside of it.

use ndarray::Axis;

use crate::error::{Error, Result};
use crate::field::Fields;
use crate::hardware::{Instrument, Metered, Side};
use crate::linalg::C64;

/// How many times light is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passes {
    /// The light, its adjoint from the outputs, and both together from the inputs: as published, exact where nothing is lost.
    Three,
    /// What came back of the adjoint is also sent alone from the inputs, and the powers of this pass are subtracted in place of
    /// those of the adjoint's own: of two kinds of light that both lose, what both have lost cancels.
    Four,
}

/// What light measured of the derivatives of a real loss L.
#[derive(Debug, Clone, PartialEq)]
pub struct InSituGradient {
    /// By the phase that every shifter shows, in the order of the heaters, per rad.
    pub phases: Vec<f64>,
    /// By the inputs, ∂L/∂Re x + i ∂L/∂Im x, `[port, sample]`.
    pub inputs: Fields<f64>,
}

/// Measures how a real loss L of what becomes of `inputs`, `[port, sample]`, behind `bench`, `y = M x`, changes with every
/// phase and input. `by_outputs` is its gradient there, ∂L/∂Re y + i ∂L/∂Im y, `[port, sample]`.
///
/// Light x goes in, and taps behind the phase shifters read |x_η|². The conjugate of `by_outputs` goes backwards: a_η* reads
/// there of the gradient a_η, and its conjugate comes out at the inputs. Sent in again, times −i, without loss it retraces its
/// way, so that with it the taps read |x_η − i a_η|²; half of what this exceeds the sum of both powers by is −Im x_η a_η*, the
/// slope ∂L/∂η. The adjoint is sent with the power of the light of its sample, and what it says scaled back: small gradients
/// are read as well as large ones. Splitting errors and offsets do not bias the slopes. Losses do, equal ones too, for light
/// that is sent back does not find them undone; [`Passes::Four`] removes most of it.
///
/// Slopes are those by the phases that shifters show: where heaters show others than they are asked for, by crosstalk of known
/// strength, [`Heaters::heat`](crate::hardware::Heaters::heat) of them is by what is asked. Light that leaves the chip where no
/// receiver is counts as lost: see [`Laboratory::with_drop_ports`](crate::hardware::Laboratory::with_drop_ports).
///
/// # Errors
/// [`Error::Shape`] if inputs and gradient differ in samples, and those of [`Metered`].
///
/// Hughes, Minkov, Shi, Fan, Optica 5, 864 (2018); Pai et al., Science 380, 398 (2023).
///
/// ```
/// use lightloom::field::Fields;
/// use lightloom::hardware::{Instrument, Laboratory, Side};
/// use lightloom::mesh::{Geometry, Mesh};
/// use lightloom::train::{Passes, in_situ};
/// use lightloom::{Hardware, Seed};
///
/// // L = |y₀|², the power at output 0 of one MZI with light in its upper arm: sin²(θ/2).
/// let mesh = Mesh::new(2, Geometry::Clements.nodes(2), vec![1.0], vec![0.3], vec![0.0; 2])?;
/// let mut bench = Laboratory::new(Hardware::default().fabricate(Seed(1), 0), &mesh);
/// bench.set(&mesh.phases().flat())?;
/// let light = Fields::basis(2, 1);
/// let mut by_outputs = bench.send(Side::Inputs, &light)?;
/// by_outputs.scale_modes(&[2.0.into(), 0.0.into()]);
/// let gradient = in_situ(&mut bench, &light, &by_outputs, Passes::Three)?;
/// assert!((gradient.phases[0] - 0.5f64.sin() * 0.5f64.cos()).abs() < 1e-14);
/// # Ok::<(), lightloom::Error>(())
/// ```
pub fn in_situ(
    bench: &mut dyn Instrument,
    inputs: &Fields<f64>,
    by_outputs: &Fields<f64>,
    passes: Passes,
) -> Result<InSituGradient> {
    let strengths = powers(inputs).into_iter().zip(powers(by_outputs));
    let strengths = strengths.map(|(light, adjoint)| {
        let strength = (light / adjoint).sqrt();
        // Dark samples, or all but dark ones, are sent as they are.
        match strength.is_normal() {
            true => strength,
            false => 1.0,
        }
    });
    let strengths: Vec<f64> = strengths.collect();
    measured(bench, inputs, by_outputs, passes, &strengths)
}

/// The gradient with an adjoint that is sent times `strengths`, `[sample]`.
fn measured(
    bench: &mut dyn Instrument,
    inputs: &Fields<f64>,
    by_outputs: &Fields<f64>,
    passes: Passes,
    strengths: &[f64],
) -> Result<InSituGradient> {
    if by_outputs.samples() != inputs.samples() {
        let limit = format!("[port, {}], as there are inputs", inputs.samples());
        let shape = [by_outputs.modes(), by_outputs.samples()];
        return Err(Error::shape("gradient by the outputs", shape, limit));
    }
    let mut bench = Metered::new(bench);
    let (_, light) = bench.taps(Side::Inputs, inputs)?;
    let mut adjoint = by_outputs.clone().conjugated();
    scale_samples(&mut adjoint, strengths);
    let (back, adjoint) = match passes {
        Passes::Three => {
            let (back, powers) = bench.taps(Side::Outputs, &adjoint)?;
            (back, Some(powers))
        }
        Passes::Four => (bench.send(Side::Outputs, &adjoint)?, None),
    };
    let mut by_inputs = back.conjugated();
    let mut again = by_inputs.clone();
    again.scale_modes(&vec![-C64::I; again.modes()]);
    let both = Fields {
        re: &inputs.re + &again.re,
        im: &inputs.im + &again.im,
    };
    let (_, both) = bench.taps(Side::Inputs, &both)?;
    let alone = match adjoint {
        Some(powers) => powers,
        None => bench.taps(Side::Inputs, &again)?.1,
    };
    let inverse: Vec<f64> = strengths.iter().map(|strength| strength.recip()).collect();
    scale_samples(&mut by_inputs, &inverse);
    let interference = both - light - alone;
    let slope = |of_heater: ndarray::ArrayView1<'_, f64>| -> f64 {
        let samples = of_heater.iter().zip(&inverse);
        0.5 * samples.map(|(power, inverse)| power * inverse).sum::<f64>()
    };
    Ok(InSituGradient {
        phases: interference.axis_iter(Axis(0)).map(slope).collect(),
        inputs: by_inputs,
    })
}

/// The power of every sample.
fn powers(fields: &Fields<f64>) -> Vec<f64> {
    let samples = fields.re.columns().into_iter().zip(fields.im.columns());
    samples.map(|(re, im)| re.dot(&re) + im.dot(&im)).collect()
}

fn scale_samples(fields: &mut Fields<f64>, factors: &[f64]) {
    for part in [&mut fields.re, &mut fields.im] {
        for (mut sample, factor) in part.columns_mut().into_iter().zip(factors) {
            sample *= *factor;
        }
    }
}

#[cfg(test)]
mod tests;
