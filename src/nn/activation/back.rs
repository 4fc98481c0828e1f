//! Gradients in front of the activations, from those behind them.
//!
//! The gradient of a real loss by a complex signal is kept as ∂L/∂Re z + i ∂L/∂Im z.

use ndarray::{Array2, Axis, Zip};
use num_complex::Complex;

use super::{Activation, slope};
use crate::field::{Fields, Real};
use crate::nn::Batch;

impl Activation {
    /// The gradient of a real loss by `inputs`, `[feature, sample]`, from that by what the activation makes of them.
    ///
    /// At a kink it is what PyTorch's `autograd` takes; of 0, whose phase a complex function cannot keep, that of small
    /// amplitudes.
    ///
    /// # Panics
    /// As [`apply`](Self::apply), and if the two differ in shape or kind.
    pub fn pull_back<T: Real>(&self, inputs: &Batch<T>, by_outputs: Batch<T>) -> Batch<T> {
        match (inputs, by_outputs) {
            (_, by_outputs) if *self == Self::Identity => by_outputs,
            (Batch::Real(x), Batch::Real(mut by)) => {
                match self {
                    Self::Softmax | Self::LogSoftmax => self.by_features(x, &mut by),
                    _ => Zip::from(&mut by).and(x).for_each(|by, x| {
                        let slope = self.slope(x.double());
                        *by *= T::of(slope.expect("a function of real numbers has a slope"));
                    }),
                }
                Batch::Real(by)
            }
            (Batch::Complex(z), Batch::Complex(Fields { mut re, mut im })) => {
                let parts = Zip::from(&mut re).and(&mut im).and(&z.re).and(&z.im);
                parts.for_each(|re, im, x, y| {
                    let z = Complex::new(x.double(), y.double());
                    let by = self.by_amplitude(z, Complex::new(re.double(), im.double()));
                    (*re, *im) = (T::of(by.re), T::of(by.im));
                });
                Batch::Complex(Fields { re, im })
            }
            _ => panic!("a gradient is of the kind of its signals"),
        }
    }

    /// Of the softmax `y` the gradient is `y (g − Σ g y)`, of its logarithm `g − y Σ g`.
    fn by_features<T: Real>(&self, x: &Array2<T>, by: &mut Array2<T>) {
        let mut softmax = Batch::Real(x.clone());
        Self::Softmax.apply(&mut softmax);
        let Batch::Real(y) = softmax else {
            unreachable!("real signals stay real")
        };
        for (mut by, y) in by.axis_iter_mut(Axis(1)).zip(y.axis_iter(Axis(1))) {
            if *self == Self::Softmax {
                let mean = by.dot(&y);
                Zip::from(&mut by)
                    .and(&y)
                    .for_each(|by, y| *by = *y * (*by - mean));
            } else {
                let sum = by.sum();
                Zip::from(&mut by)
                    .and(&y)
                    .for_each(|by, y| *by = *by - *y * sum);
            }
        }
    }

    /// The gradient by one amplitude `z` from the one `g` by `f z`, where the factor `f` is a function of `|z|²`:
    /// `f* g + 2 z Re(g* z f′)`. Where `f` is real, the part of `g` along `z` passes with the slope of the modulus, the part
    /// across with `f`.
    fn by_amplitude(&self, z: Complex<f64>, g: Complex<f64>) -> Complex<f64> {
        let modulus = z.norm();
        if let Self::ElectroOptic {
            alpha,
            g_rad,
            phi_b_rad,
        } = *self
        {
            let by_power = slope::electro_optic(z.norm_sqr(), alpha, g_rad, phi_b_rad);
            return self.factor(z).conj() * g + z * (2.0 * (g.conj() * z * by_power).re);
        }
        if *self == Self::Zrelu {
            return self.factor(z) * g;
        }
        let along = self.modulus_slope(modulus);
        let along = along.expect("a complex function that keeps the phase has a slope");
        if modulus == 0.0 {
            return g * along;
        }
        let across = self.factor(z).re;
        let unit = z / modulus;
        let turned = unit.conj() * g;
        unit * Complex::new(along * turned.re, across * turned.im)
    }

    /// What the activation multiplies an amplitude by; of 0 what a small one is multiplied by.
    fn factor(&self, z: Complex<f64>) -> Complex<f64> {
        const SMALL: f64 = 1e-150;
        let z = match z == Complex::ZERO {
            true => Complex::from(SMALL),
            false => z,
        };
        let part = |part: f64| Array2::from_elem((1, 1), part);
        let mut batch = Batch::Complex(Fields {
            re: part(z.re),
            im: part(z.im),
        });
        self.apply(&mut batch);
        let Batch::Complex(out) = batch else {
            unreachable!("amplitudes stay amplitudes")
        };
        Complex::new(out.re[[0, 0]], out.im[[0, 0]]) / z
    }
}
