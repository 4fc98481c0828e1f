//! Laws of mean 0 and variance 1 as functions of a normal.

use std::f64::consts::{FRAC_1_SQRT_2, PI};
use std::sync::Arc;

use crate::hardware::Law;

/// `Q(Φ(g))`: what a law has where a standard normal has g, so that normals that correlate become numbers of the law that do.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::hardware) enum Quantile {
    Normal,
    Uniform,
    /// Half of the width of the power about one half, and the standard deviation of the angle that follows, rad.
    UniformPower {
        half_width: f64,
        sigma_rad: f64,
    },
    Worst,
    Logistic,
    Student(Arc<Student>),
}

impl Quantile {
    /// That of `law` for numbers of standard deviation `sigma`, with so many degrees of freedom where tails are heavy.
    pub(in crate::hardware) fn new(law: Law, sigma: f64, degrees_of_freedom: f64) -> Self {
        match law {
            Law::Normal => Self::Normal,
            Law::Uniform => Self::Uniform,
            Law::UniformPower => Self::uniform_power(sigma),
            Law::Worst => Self::Worst,
            Law::Logistic => Self::Logistic,
            Law::Student => Self::Student(Student::new(degrees_of_freedom).into()),
        }
    }

    /// The power in a port of a coupler at π/4 + α is ½ + ½ sin 2α. Flat from ½ − w to ½ + w it is that of α = ½ arcsin 2wu, u flat
    /// from −1 to 1.
    fn uniform_power(sigma_rad: f64) -> Self {
        let (mut low, mut high) = (0.0, 0.5);
        // Until the two are neighbours.
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            if angle_variance(middle) < sigma_rad * sigma_rad {
                low = middle;
            } else {
                high = middle;
            }
        }
        Self::UniformPower {
            half_width: high,
            sigma_rad,
        }
    }

    /// The number where a standard normal is `g`.
    pub(in crate::hardware) fn at(&self, g: f64) -> f64 {
        // 2 Φ(g) − 1.
        let flat = || libm::erf(g * FRAC_1_SQRT_2);
        match self {
            Self::Normal => g,
            Self::Uniform => 3f64.sqrt() * flat(),
            Self::UniformPower { sigma_rad, .. } if *sigma_rad == 0.0 => 0.0,
            Self::UniformPower {
                half_width,
                sigma_rad,
            } => 0.5 * (2.0 * half_width * flat()).asin() / sigma_rad,
            Self::Worst => 1f64.copysign(g),
            Self::Logistic => {
                // Of both tails as they are: one less the other would lose them.
                let tail = |g: f64| libm::erfc(g * FRAC_1_SQRT_2);
                3f64.sqrt() / PI * (tail(-g) / tail(g)).ln()
            }
            Self::Student(student) => student.at(g),
        }
    }
}

/// The mean of (½ arcsin 2wu)² over u flat from −1 to 1, rad².
fn angle_variance(half_width: f64) -> f64 {
    let s = 2.0 * half_width;
    // The closed form below is a difference of what is nearly alike.
    if s < 1e-2 {
        return s * s / 12.0 + s.powi(4) / 60.0;
    }
    let angle = s.asin();
    0.25 * (angle * angle + 2.0 * (1.0 - s * s).sqrt() * angle / s - 2.0)
}

/// Student's t of ν degrees of freedom over √(ν/(ν − 2)), at normals in even steps.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::hardware) struct Student {
    /// (ln(1 + t²/ν), its slope by g) at g = k/[`STEPS`].
    grid: Vec<[f64; 2]>,
    degrees_of_freedom: f64,
}

/// Steps of g in 1.
const STEPS: f64 = 64.0;

/// Normals are not drawn beyond this; what is beyond goes on straight.
const LARGEST: f64 = 8.0;

impl Student {
    /// The quantile function obeys dt/dg = φ(g)/f(t), with the densities φ of a normal and f ∝ (1 + t²/ν)^(−(ν+1)/2) of t. From t(0) =
    /// 0 it is had by the method of Runge and Kutta, of y = arsinh(t/√ν), which grows as g² where t grows as e^{g²}.
    fn new(degrees_of_freedom: f64) -> Self {
        let nu = degrees_of_freedom;
        // ln of f(0) √ν √(2π).
        let front = libm::lgamma((nu + 1.0) / 2.0) - libm::lgamma(nu / 2.0) + 0.5 * 2f64.ln();
        // ln cosh y without overflow.
        let ln_cosh = |y: f64| y.abs() + (0.5 * (1.0 + (-2.0 * y.abs()).exp())).ln();
        // dy/dg = φ(g) / (f(t) √ν cosh y), with f ∝ cosh^(−ν−1).
        let slope = |g: f64, y: f64| (-g * g / 2.0 - front + nu * ln_cosh(y)).exp();
        let count = (LARGEST * STEPS) as usize;
        /// Steps of the integration in one of the grid.
        const FINER: usize = 4;
        let h = 1.0 / STEPS / FINER as f64;
        let mut y = 0.0;
        let mut grid = vec![[0.0, slope(0.0, 0.0)]];
        for step in 0..count * FINER {
            let g = step as f64 * h;
            let first = slope(g, y);
            let second = slope(g + h / 2.0, y + h / 2.0 * first);
            let third = slope(g + h / 2.0, y + h / 2.0 * second);
            let fourth = slope(g + h, y + h * third);
            y += h / 6.0 * (first + 2.0 * second + 2.0 * third + fourth);
            if (step + 1) % FINER == 0 {
                grid.push([y, slope(g + h, y)]);
            }
        }
        Self {
            grid,
            degrees_of_freedom,
        }
    }

    fn at(&self, g: f64) -> f64 {
        let place = g.abs() * STEPS;
        let index = (place as usize).min(self.grid.len() - 2);
        let u = place - index as f64;
        let [[y0, slope0], [y1, slope1]] = [self.grid[index], self.grid[index + 1]];
        let y = if u > 1.0 {
            y1 + slope1 * (u - 1.0) / STEPS
        } else {
            // Hermite's cubic.
            let (h0, h1) = ((1.0 + 2.0 * u) * (1.0 - u).powi(2), u * u * (3.0 - 2.0 * u));
            let (d0, d1) = (u * (1.0 - u).powi(2), u * u * (u - 1.0));
            h0 * y0 + h1 * y1 + (d0 * slope0 + d1 * slope1) / STEPS
        };
        // t √((ν − 2)/ν), t = √ν sinh y.
        ((self.degrees_of_freedom - 2.0).sqrt() * y.sinh()).copysign(g)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ∫ Q(Φ(g))^p φ(g) dg.
    fn moment(quantile: &Quantile, power: i32) -> f64 {
        let steps = 160_000;
        let h = 16.0 / f64::from(steps);
        let term = |step: i32| {
            let g = -8.0 + (f64::from(step) + 0.5) * h;
            quantile.at(g).powi(power) * (-g * g / 2.0).exp()
        };
        (0..steps).map(term).sum::<f64>() * h / (2.0 * PI).sqrt()
    }

    #[test]
    fn every_law_has_mean_zero_and_variance_one() {
        for law in Law::ALL {
            for sigma in [0.01, 0.2141, 0.34] {
                let quantile = Quantile::new(law, sigma, 6.0);
                assert!(moment(&quantile, 1).abs() < 1e-9, "{law:?}");
                let variance = moment(&quantile, 2);
                assert!((variance - 1.0).abs() < 2e-5, "{law:?} {sigma}: {variance}");
            }
        }
    }

    /// Fourth moments: 3, 9/5, 1, 4.2, and 3 + 6/(ν − 4) = 3.6 of ν = 14.
    #[test]
    fn laws_have_the_kurtosis_of_their_name() {
        for (law, expected) in [
            (Law::Normal, 3.0),
            (Law::Uniform, 1.8),
            (Law::Worst, 1.0),
            (Law::Logistic, 4.2),
            (Law::Student, 3.6),
        ] {
            let kurtosis = moment(&Quantile::new(law, 0.1, 14.0), 4);
            assert!((kurtosis - expected).abs() < 1e-4, "{law:?}: {kurtosis}");
        }
    }

    /// Of tables: t = 2.570582 (ν = 5) at 97.5 %, 5.840909 (ν = 3) at 99.5 %, 3.169273 (ν = 10) at 99.5 %.
    #[test]
    fn heavy_tails_are_those_of_tables() {
        let (g975, g995) = (1.959_963_984_540_054, 2.575_829_303_548_901);
        for (nu, g, t) in [
            (5.0, g975, 2.570_581_835_6),
            (3.0, g995, 5.840_909_309_7),
            (10.0, g995, 3.169_272_667_2),
        ] {
            let found = Student::new(nu).at(g) * f64::sqrt(nu / (nu - 2.0));
            assert!((found / t - 1.0).abs() < 1e-7, "{nu}: {found}");
            assert_eq!(Student::new(nu).at(-g), -Student::new(nu).at(g));
        }
        // Of many degrees of freedom it is a normal.
        assert!((Student::new(1e7).at(2.0) - 2.0).abs() < 1e-5);
    }

    /// Vadlamani, Englund, Hamerly, Sci. Adv. 9 (2023): power off by up to 35 % either way. ½ arcsin 0.7 = 0.3877.
    #[test]
    fn power_is_flat_about_one_half_as_far_as_sigma_says() {
        let sigma_rad = angle_variance(0.35).sqrt();
        assert!((sigma_rad - 0.2141).abs() < 1e-4);
        let quantile = Quantile::new(Law::UniformPower, sigma_rad, 5.0);
        for (g, flat) in [
            (-9.0, -1.0),
            (-0.674_489_750_196, -0.5),
            (0.0, 0.0),
            (9.0, 1.0),
        ] {
            let angle = sigma_rad * quantile.at(g);
            let power = 0.5 + 0.5 * (2.0 * angle).sin();
            assert!((power - (0.5 + 0.35 * flat)).abs() < 1e-9, "{g}: {power}");
        }
        // The series of small widths goes on where it ends.
        let (below, above) = (angle_variance(0.00499999), angle_variance(0.00500001));
        assert!((above / below - 1.0).abs() < 1e-5);
    }
}
