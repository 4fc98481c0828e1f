//! From a quantity to a place on an axis, with ticks at round numbers.

use super::words::short;

/// How a quantity is laid out along an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Ruler {
    /// Even steps between two ends.
    Linear { from: f64, to: f64 },
    /// Even factors between two positive ends.
    Log { from: f64, to: f64 },
}

/// A mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    pub value: f64,
    pub text: String,
}

/// How many ticks an axis aims at.
const TICKS: f64 = 5.0;
/// From this ratio of the largest to the smallest value on, values whose factors differ by up to three stand on a
/// logarithmic axis.
const LOG_RATIO: f64 = 50.0;
/// Equal steps may differ by this share of their mean: values are written with two digits.
const ROUNDING: f64 = 0.05;
/// Below this ratio of its ends even steps mark a logarithmic axis, for powers of ten times 1, 2 and 5 are too few.
const NARROW: f64 = 5.0;

impl Ruler {
    /// A linear scale over `values`, widened to the next ticks.
    pub fn covering(values: impl IntoIterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.into_iter().filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            return Self::Linear { from: 0.0, to: 1.0 };
        }
        if low == high {
            let room = if low == 0.0 { 1.0 } else { 0.1 * low.abs() };
            (low, high) = (low - room, high + room);
        }
        let step = round_step((high - low) / TICKS);
        // A value that is a tick but for rounding needs no further step.
        let (first, last) = (low / step + 1e-9, high / step - 1e-9);
        Self::Linear {
            from: first.floor() * step,
            to: last.ceil() * step,
        }
    }

    /// A linear scale exactly from the least to the greatest of `values`; about a single one, [`covering`](Self::covering).
    pub fn spanning(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        let from = values.iter().copied().fold(f64::INFINITY, f64::min);
        let to = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        match from < to {
            true => Self::Linear { from, to },
            false => Self::covering(values),
        }
    }

    /// The scale of the values of an axis: logarithmic where they grow by factors, widened to the next ticks; else linear,
    /// exactly from the first to the last.
    pub fn of_axis(values: &[f64]) -> Self {
        let from = values.iter().copied().fold(f64::INFINITY, f64::min);
        let to = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let is_wide = to / from >= LOG_RATIO && grows_by_factors(values);
        if !(from > 0.0 && (is_wide || has_equal_ratios(values))) {
            return Self::Linear { from, to };
        }
        Self::Log { from, to }.widened()
    }

    /// A logarithmic scale exactly over `values`, all positive; about a single value, a factor of two to each side.
    pub fn factors(values: impl IntoIterator<Item = f64>) -> Self {
        let (mut from, mut to) = (f64::INFINITY, 0f64);
        for value in values {
            assert!(
                value > 0.0 && value.is_finite(),
                "a logarithmic axis holds positive numbers, not {value}"
            );
            (from, to) = (from.min(value), to.max(value));
        }
        assert!(from <= to, "a logarithmic axis holds at least one number");
        if from == to {
            (from, to) = (0.5 * from, 2.0 * to);
        }
        Self::Log { from, to }
    }

    /// A logarithmic scale over `values`, all positive, widened to whole powers of ten.
    pub fn decades(values: impl IntoIterator<Item = f64>) -> Self {
        let Self::Log { from, to } = Self::factors(values) else {
            unreachable!("the scale of factors is logarithmic");
        };
        // A value that is a power of ten but for rounding needs no further one.
        Self::Log {
            from: 10f64.powi((from.log10() + 1e-9).floor() as i32),
            to: 10f64.powi((to.log10() - 1e-9).ceil() as i32),
        }
    }

    /// A logarithmic scale over those of `values` that are positive, widened to the next marks.
    pub fn logarithmic(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().filter(|value| *value > 0.0).collect();
        match values.is_empty() {
            true => Self::Log {
                from: 1.0,
                to: 10.0,
            },
            false => Self::factors(values).widened(),
        }
    }

    /// The same kind of scale between two other ends; linear where one of them is not positive.
    pub fn between(self, from: f64, to: f64) -> Self {
        match self {
            Self::Log { .. } if from > 0.0 => Self::Log { from, to },
            _ => Self::Linear { from, to },
        }
    }

    /// A logarithmic scale up to its next marks.
    fn widened(self) -> Self {
        let Self::Log { from, to } = self else {
            return self;
        };
        // A wider axis may have fewer marks, which make it wider again.
        let [from, to] = (0..3).fold([from, to], |[from, to], _| marks_at_ends(from, to));
        Self::Log { from, to }
    }

    /// Where `value` lies: 0 at the first end, 1 at the last.
    pub fn place(&self, value: f64) -> f64 {
        match *self {
            Self::Linear { from, to } if from == to => 0.5,
            Self::Linear { from, to } => (value - from) / (to - from),
            // What is not positive lies below every axis.
            Self::Log { from, to } => (value.max(f64::MIN_POSITIVE) / from).ln() / (to / from).ln(),
        }
    }

    /// The multiples of powers of ten between the ticks of a logarithmic scale; none on a linear one.
    pub fn minor(&self) -> Vec<f64> {
        let Self::Log { from, to } = *self else {
            return Vec::new();
        };
        let (first, last) = (from.log10().floor() as i32, to.log10().ceil() as i32);
        (first..=last)
            .flat_map(|power| (2..10).map(move |count| f64::from(count) * 10f64.powi(power)))
            .filter(|value| (from..=to).contains(value))
            .collect()
    }

    /// Round numbers between the ends.
    pub fn ticks(&self) -> Vec<Tick> {
        match *self {
            Self::Linear { from, to } if from == to => vec![Tick {
                value: from,
                text: short(from, 4),
            }],
            Self::Linear { from, to } => {
                let step = round_step((to - from) / TICKS);
                let decimals = decimals_of(step);
                let (first, last) = (
                    (from / step - 1e-6).ceil() as i64,
                    (to / step + 1e-6).floor() as i64,
                );
                (first..=last)
                    .map(|count| count as f64 * step)
                    .map(|value| Tick {
                        value,
                        text: format!("{:.decimals$}", value + 0.0).replace('-', "−"),
                    })
                    .collect()
            }
            Self::Log { from, to } => marks_around(from, to)
                .into_iter()
                .filter(|value| (from * 0.999..=to * 1.001).contains(value))
                .map(|value| Tick {
                    value,
                    text: short(value, 3),
                })
                .collect(),
        }
    }
}

/// The marks of a logarithmic axis, from the last at or below `from` to the first at or above `to`, and maybe further.
fn marks_around(from: f64, to: f64) -> Vec<f64> {
    if to / from < NARROW {
        let step = round_step((to - from) / TICKS);
        let (first, last) = ((from / step + 1e-6).floor(), (to / step - 1e-6).ceil());
        let marks = (first as i64..=last as i64).map(|count| count as f64 * step);
        return marks.filter(|mark| *mark > 0.0).collect();
    }
    // An end that is a power of ten but for rounding needs no further one.
    let first = (from.log10() + 1e-9).floor() as i32;
    let last = (to.log10() - 1e-9).ceil() as i32;
    let factors: &[f64] = match last - first {
        ..=2 => &[1.0, 2.0, 5.0],
        3..=4 => &[1.0, 3.0],
        _ => &[1.0],
    };
    (first..=last)
        .flat_map(|power| factors.iter().map(move |f| f * 10f64.powi(power)))
        .collect()
}

/// The last mark at or below `from` and the first at or above `to`.
fn marks_at_ends(from: f64, to: f64) -> [f64; 2] {
    let marks = marks_around(from, to).into_iter();
    let mut below = marks.clone().filter(|mark| *mark <= from * (1.0 + 1e-6));
    let mut above = marks.filter(|mark| *mark >= to * (1.0 - 1e-6));
    [
        below.next_back().unwrap_or(from),
        above.next().unwrap_or(to),
    ]
}

/// Whether three or more values have equal ratios but for rounding, and rather these than equal differences.
fn has_equal_ratios(values: &[f64]) -> bool {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let logarithms: Vec<f64> = sorted.iter().map(|value| value.ln()).collect();
    let ratios = unevenness(&logarithms);
    sorted.len() >= 3 && ratios < ROUNDING && ratios < unevenness(&sorted)
}

/// How far a step of `sorted` is from their mean, as a share of it.
fn unevenness(sorted: &[f64]) -> f64 {
    let steps: Vec<f64> = sorted.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mean = steps.iter().sum::<f64>() / steps.len() as f64;
    let differences = steps.iter().map(|step| (step / mean - 1.0).abs());
    differences.fold(0.0, f64::max)
}

fn grows_by_factors(values: &[f64]) -> bool {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let factors: Vec<f64> = sorted.windows(2).map(|pair| pair[1] / pair[0]).collect();
    let most = factors.iter().copied().fold(1.0, f64::max);
    let least = factors.iter().copied().fold(f64::INFINITY, f64::min);
    most <= 3.0 * least
}

/// 1, 2 or 5 times a power of ten, the smallest of them that is at least `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|factor| factor * power >= step * (1.0 - 1e-9))
        .unwrap_or(10.0);
    factor * power
}

/// Decimals that tell multiples of a round `step` apart.
fn decimals_of(step: f64) -> usize {
    (-step.log10() - 1e-9).ceil().clamp(0.0, 12.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(scale: Ruler) -> Vec<String> {
        scale.ticks().into_iter().map(|tick| tick.text).collect()
    }

    #[test]
    fn ticks_are_round_and_lie_within_the_axis() {
        let scale = Ruler::covering([93.2, 98.4]);
        assert_eq!(
            scale,
            Ruler::Linear {
                from: 92.0,
                to: 100.0
            }
        );
        assert_eq!(texts(scale), ["92", "94", "96", "98", "100"]);
        let sigma = Ruler::of_axis(&[0.0, 0.01, 0.02, 0.03, 0.05]);
        assert_eq!(
            texts(sigma),
            ["0.00", "0.01", "0.02", "0.03", "0.04", "0.05"]
        );
        let log = Ruler::of_axis(&[1e-4, 1e-3, 1e-2, 1e-1]);
        assert!(matches!(log, Ruler::Log { .. }));
        assert_eq!(
            texts(log),
            ["0.0001", "0.0003", "0.001", "0.003", "0.01", "0.03", "0.1"]
        );
        for scale in [scale, sigma, log] {
            for tick in scale.ticks() {
                assert!((-1e-9..=1.0 + 1e-9).contains(&scale.place(tick.value)));
            }
        }
    }

    #[test]
    fn values_of_equal_ratios_stand_on_a_logarithmic_axis_whatever_its_span() {
        let ratios = |from: f64, to: f64, steps: usize| -> Vec<f64> {
            let share = |step| step as f64 / (steps - 1) as f64;
            (0..steps)
                .map(|step| from * (to / from).powf(share(step)))
                .collect()
        };
        for (values, ticks) in [
            (
                ratios(0.005, 0.08, 5),
                &["0.005", "0.01", "0.02", "0.05", "0.1"][..],
            ),
            (ratios(0.01, 0.1, 9), &["0.01", "0.02", "0.05", "0.1"]),
            (ratios(0.1, 0.01, 9), &["0.01", "0.02", "0.05", "0.1"]),
            (vec![8.0, 16.0, 32.0], &["5", "10", "20", "50"]),
            (
                vec![0.01, 0.018, 0.032, 0.056, 0.1],
                &["0.01", "0.02", "0.05", "0.1"],
            ),
            (
                ratios(0.011, 0.0118, 8),
                &["0.011", "0.0112", "0.0114", "0.0116", "0.0118"],
            ),
        ] {
            let scale = Ruler::of_axis(&values);
            assert!(matches!(scale, Ruler::Log { .. }), "{values:?}");
            assert_eq!(texts(scale), ticks);
            // Every value lies between two ticks with labels.
            let all = scale.ticks();
            let ends = [&all[0], &all[all.len() - 1]].map(|tick| scale.place(tick.value));
            for value in &values {
                let place = scale.place(*value);
                assert!((-1e-9..=1.0 + 1e-9).contains(&place));
                assert!(
                    ends[0] <= place + 1e-9 && place <= ends[1] + 1e-9,
                    "{value}"
                );
            }
        }
        for linear in [
            &[0.0, 0.005, 0.01, 0.02, 0.04][..],
            &[0.01, 0.02],
            &[0.01, 0.02, 0.03],
            &[90.0, 100.0, 110.0],
            &[-4.0, -2.0, -1.0],
        ] {
            let scale = Ruler::of_axis(linear);
            assert!(matches!(scale, Ruler::Linear { .. }), "{linear:?}");
        }
    }

    #[test]
    fn decades_end_at_powers_of_ten_with_eight_marks_between() {
        let scale = Ruler::decades([3e-7, 2e-3, 4.0]);
        let Ruler::Log { from, to } = scale else {
            panic!("decades are logarithmic");
        };
        assert!((from / 1e-7 - 1.0).abs() < 1e-12 && (to / 10.0 - 1.0).abs() < 1e-12);
        let ticks: Vec<f64> = scale.ticks().iter().map(|tick| tick.value).collect();
        assert_eq!(ticks.len(), 9, "1e-7 to 10");
        for (count, tick) in ticks.iter().enumerate() {
            assert!((tick / 10f64.powi(count as i32 - 7) - 1.0).abs() < 1e-12);
            assert!((scale.place(*tick) - count as f64 / 8.0).abs() < 1e-12);
        }
        assert_eq!(scale.minor().len(), 8 * 8);
        assert_eq!(
            Ruler::decades([1e-3, 1e-2]),
            Ruler::Log {
                from: 1e-3,
                to: 1e-2
            }
        );
        let batches = Ruler::factors((0..17).map(|power| 2f64.powi(power)).chain([1e5]));
        assert_eq!(
            texts(batches),
            ["1", "10", "100", "1000", "10000", "100000"]
        );
        let single = Ruler::factors([64.0]);
        assert!((single.place(64.0) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn one_value_and_no_value_still_have_an_axis() {
        assert_eq!(Ruler::covering([]), Ruler::Linear { from: 0.0, to: 1.0 });
        let Ruler::Linear { from, to } = Ruler::covering([0.5, 0.5]) else {
            panic!("a covering scale is linear");
        };
        assert!(from < 0.5 && to > 0.5);
        let single = Ruler::of_axis(&[64.0]);
        assert_eq!(
            (single.place(64.0), texts(single)),
            (0.5, vec!["64".to_owned()])
        );
    }
}
