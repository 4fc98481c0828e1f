//! How a heater answers to its voltage, from measured points.

use crate::error::{Error, Result};

/// No heater sees a megavolt.
pub(super) const VOLTAGE_LIMIT_V: f64 = 1e6;

/// Nor so many turns.
const PHASE_LIMIT_RAD: f64 = 1e6;

/// Phase of a heater against its voltage: what stands for φ = π V²/V_π² where it was measured.
///
/// Between its points it is the monotone cubic of Fritsch and Butland (SIAM J. Sci. Stat. Comput. 5, 300 (1984)) in V², in
/// which an ideal heater is a straight line; at 0 V it is 0. Above the last point it goes on as between the last two.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Voltage, V, and phase, rad, of every point; the first is [0, 0].
    points: Vec<[f64; 2]>,
    /// Slope of the phase by V² at every point, rad/V².
    slopes: Vec<f64>,
}

impl Curve {
    /// The curve through these points of voltage, V, and phase, rad; [0, 0] need not be one.
    ///
    /// # Errors
    /// [`Error::Value`] for a voltage below 0, a number that is not finite, a phase other than 0 at 0 V, and one that does
    /// not rise with the voltage; [`Error::Format`] for fewer than two points.
    pub fn new(points: &[[f64; 2]]) -> Result<Self> {
        if points.len() < 2 {
            let reason = format!("has {}: must have two or more", points.len());
            return Err(Error::format("number of points", reason));
        }
        let mut all = vec![[0.0; 2]];
        for &[volts, phase] in points {
            let [last_v, last_rad] = all[all.len() - 1];
            let is_first = all.len() == 1;
            if !(0.0..=VOLTAGE_LIMIT_V).contains(&volts) {
                return Err(Error::value("voltage_v", volts, "from 0 to 1e6"));
            }
            if !(-PHASE_LIMIT_RAD..=PHASE_LIMIT_RAD).contains(&phase) {
                return Err(Error::value("phase_rad", phase, "from 0 to 1e6"));
            }
            if volts == 0.0 && is_first {
                if phase != 0.0 {
                    let limit =
                        "0 at 0 V: the phase with the heater off is the shifter's offset_rad";
                    return Err(Error::value("phase_rad", phase, limit));
                }
                continue;
            }
            // Their squares must differ, and by enough for a slope.
            let slope = secant(&[[last_v, last_rad], [volts, phase]]);
            if volts <= last_v || !slope.is_finite() {
                let limit = format!("above {last_v}, the voltage of the point before");
                return Err(Error::value("voltage_v", volts, limit));
            }
            if phase <= last_rad {
                let limit = format!("above {last_rad}, the phase at {last_v} V: it must rise");
                return Err(Error::value("phase_rad", phase, limit));
            }
            all.push([volts, phase]);
        }
        let secants: Vec<f64> = all.windows(2).map(secant).collect();
        let ends = [secants[0], secants[secants.len() - 1]];
        let inner = all
            .windows(3)
            .zip(secants.windows(2))
            .map(|(points, pair)| {
                // Weighted harmonic mean: the cubic stays monotone.
                let [before, behind] = [0, 1].map(|at| square(points[at + 1]) - square(points[at]));
                let whole = 3.0 * (before + behind);
                whole / ((2.0 * behind + before) / pair[0] + (behind + 2.0 * before) / pair[1])
            });
        let slopes = std::iter::once(ends[0]).chain(inner).chain([ends[1]]);
        Ok(Self {
            slopes: slopes.collect(),
            points: all,
        })
    }

    /// Voltage, V, and phase, rad, of every point, from [0, 0] on.
    pub fn points(&self) -> &[[f64; 2]] {
        &self.points
    }

    /// The phase at the square of a voltage, V², rad.
    pub fn phase_rad(&self, square_v2: f64) -> f64 {
        self.at(square_v2).0
    }

    /// The slope of the phase there, rad/V².
    pub fn slope(&self, square_v2: f64) -> f64 {
        self.at(square_v2).1
    }

    /// The square of the voltage at which the phase is `phase_rad` of at least 0, V².
    pub fn square_v2(&self, phase_rad: f64) -> f64 {
        let [last_v, last_rad] = self.points[self.points.len() - 1];
        if phase_rad >= last_rad {
            let slope = self.slopes[self.slopes.len() - 1];
            return last_v * last_v + (phase_rad - last_rad) / slope;
        }
        let behind = self.points.partition_point(|point| point[1] <= phase_rad);
        let [mut low, mut high] = [behind - 1, behind].map(|at| square(self.points[at]));
        // The phase rises: halve the interval until no number is left between its ends.
        loop {
            let middle = f64::midpoint(low, high);
            if middle <= low || middle >= high {
                return middle;
            }
            if self.phase_rad(middle) < phase_rad {
                low = middle;
            } else {
                high = middle;
            }
        }
    }

    /// Phase and slope at the square of a voltage.
    fn at(&self, square_v2: f64) -> (f64, f64) {
        let behind = (self.points).partition_point(|point| square(*point) <= square_v2);
        let last = self.points.len() - 1;
        if behind > last {
            let slope = self.slopes[last];
            let beyond = square_v2 - square(self.points[last]);
            return (self.points[last][1] + slope * beyond, slope);
        }
        // Nothing is asked for below 0.
        let behind = behind.max(1);
        let [start, end] = [behind - 1, behind].map(|at| square(self.points[at]));
        let width = end - start;
        let t = (square_v2 - start) / width;
        let rise = self.points[behind][1] - self.points[behind - 1][1];
        let [first, second] = [behind - 1, behind].map(|at| self.slopes[at] * width);
        // Hermite's cubic on [0, 1], from 0 to `rise`.
        let phase = t
            * (first + t * (3.0 * rise - 2.0 * first - second + t * (first + second - 2.0 * rise)));
        let slope = first
            + t * (2.0 * (3.0 * rise - 2.0 * first - second)
                + t * 3.0 * (first + second - 2.0 * rise));
        (self.points[behind - 1][1] + phase, slope / width)
    }
}

fn square([volts, _]: [f64; 2]) -> f64 {
    volts * volts
}

/// The slope between two points, rad/V².
fn secant(points: &[[f64; 2]]) -> f64 {
    (points[1][1] - points[0][1]) / (square(points[1]) - square(points[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::heater_phase_rad;

    #[test]
    fn points_of_an_ideal_heater_give_its_law_between_and_beyond_them() {
        let volts = [0.7, 1.1, 2.9, 4.0];
        let points = volts.map(|volts| [volts, heater_phase_rad(volts, 3.7)]);
        let curve = Curve::new(&points).unwrap();
        for step in 0..80 {
            let volts = 0.1 * f64::from(step);
            let phase = heater_phase_rad(volts, 3.7);
            assert!((curve.phase_rad(volts * volts) - phase).abs() < 1e-13 * (1.0 + phase));
            assert!(
                (curve.square_v2(phase).sqrt() - volts).abs() < 1e-7,
                "{volts}"
            );
        }
    }

    /// Monotone, through its points, and its slope is that of its values.
    #[test]
    fn a_curve_rises_through_its_points_and_is_inverted() {
        let points = [[0.5, 0.01], [1.0, 0.5], [1.5, 0.52], [2.5, 4.0], [3.0, 4.1]];
        let curve = Curve::new(&points).unwrap();
        for [volts, phase] in points {
            assert!((curve.phase_rad(volts * volts) - phase).abs() < 1e-14);
        }
        let mut last = 0.0;
        for step in 1..1200 {
            let square = 0.01 * f64::from(step) + 1e-3;
            let phase = curve.phase_rad(square);
            assert!(phase > last, "{square}");
            last = phase;
            let h = 1e-6;
            let slope = (curve.phase_rad(square + h) - curve.phase_rad(square - h)) / (2.0 * h);
            assert!(
                (curve.slope(square) - slope).abs() < 1e-6 * (1.0 + slope),
                "{square}"
            );
            assert!((curve.phase_rad(curve.square_v2(phase)) - phase).abs() < 1e-13);
        }
    }

    #[test]
    fn what_is_no_rising_curve_is_refused() {
        let nan = f64::NAN;
        for points in [
            &[[1.0, 1.0]][..],
            &[[0.0, 0.1], [1.0, 1.0]],
            &[[1.0, 1.0], [1.0, 2.0]],
            &[[1.0, 1.0], [2.0, 1.0]],
            &[[-1.0, 1.0], [2.0, 2.0]],
            &[[1.0, nan], [2.0, 2.0]],
            &[[1.0, -0.1], [2.0, 2.0]],
        ] {
            assert!(Curve::new(points).is_err(), "{points:?}");
        }
    }
}
