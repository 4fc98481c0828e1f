//! The score against one axis.

use crate::error::{Error, Result};
use crate::experiment::Summary;
use crate::experiment::rows::Row;
use crate::experiment::stats::quantiles;
use crate::experiment::sweep::Axis;
use crate::io::record::Cell;
use crate::report::options::FigureOptions;
use crate::report::plot::chart::{Along, AxisOf, Chart, has_bands};
use crate::report::plot::figure::Figure;
use crate::report::plot::ruler::Ruler;
use crate::report::plot::series::{BANDS, Look, Mark, Series};
use crate::report::plot::table::Table;
use crate::report::plot::words::{short, significant};
use crate::report::sweep::axis::{Described, file_name};
use crate::report::sweep::choice::main_axis;
use crate::report::sweep::results::Results;
use crate::report::sweep::slice::{Beside, FIGURES, Slice, others};
use crate::units::counted;

/// What an axis looks like along the bottom of a chart.
pub(crate) fn along(axis: &Axis) -> AxisOf {
    let quantity = axis.quantity();
    match axis.numbers() {
        Some(numbers) => AxisOf {
            along: Along::Numbers(Ruler::of_axis(&numbers)),
            label: quantity.label(),
        },
        None => AxisOf {
            along: Along::Names((0..axis.len()).map(|index| axis.text(index)).collect()),
            label: quantity.name,
        },
    }
}

/// Indices of the values of `axis` from the least to the greatest.
pub(crate) fn in_order(axis: &Axis) -> Vec<usize> {
    let mut order: Vec<usize> = (0..axis.len()).collect();
    order.sort_by(|a, b| axis.position(*a).total_cmp(&axis.position(*b)));
    order
}

/// The middle of `values` and two of their quantiles around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Band {
    pub low: f64,
    pub middle: f64,
    pub high: f64,
}

impl Band {
    pub fn of(values: impl IntoIterator<Item = f64>, [low, high]: [f64; 2]) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().collect();
        if values.is_empty() {
            return None;
        }
        let [low, middle, high] = quantiles(&values, &[low, 0.5, high])[..] else {
            unreachable!("three were asked for");
        };
        Some(Self { low, middle, high })
    }
}

/// A picture along the axis `x`: its lines, and what its figure says beside.
pub(crate) struct Lines {
    pub x: usize,
    /// The figure among others of its kind.
    pub figure: Slice,
    /// One group a line.
    pub groups: Vec<Slice>,
    /// What is not shown, in sentences.
    pub unsaid: String,
}

/// The figures along the main axis: lines for each combination of the other axes, names first, and one figure for each
/// combination of the names for which there are too many lines.
pub(crate) fn along_main(results: &Results) -> Vec<Lines> {
    main_axis(results).map_or(Vec::new(), |x| lines_along(results, x, FIGURES))
}

fn lines_along(results: &Results, x: usize, most: usize) -> Vec<Lines> {
    let lines = Beside::lines(results, &others(results, &[x]));
    let figures = Beside::figures(results, &lines.held, most);
    let thinned = Beside {
        held: Vec::new(),
        groups: Vec::new(),
        thinned: lines.thinned,
    };
    let unsaid = thinned.sentences(results) + &figures.sentences(results);
    // What the lines hold, the figures either tell apart or hold.
    let told: Vec<Slice> = lines.groups.iter().map(Slice::unheld).collect();
    let figures = figures.groups.into_iter().map(|figure| Lines {
        x,
        groups: told.iter().map(|line| line.within(&figure)).collect(),
        figure,
        unsaid: unsaid.clone(),
    });
    figures.collect()
}

/// The score along the main axis; fails if the ends that are asked for hold nothing of it.
pub(crate) fn main(results: &Results) -> Result<Vec<Figure>> {
    against(results, along_main(results), &results.options)
}

/// The score along each further axis of numbers, and along those of names that [`main`] cannot tell apart.
pub(crate) fn further(results: &Results) -> Result<Vec<Figure>> {
    let Some(main) = main_axis(results) else {
        return Ok(Vec::new());
    };
    let shown = Beside::lines(results, &others(results, &[main]));
    let is_told = |axis: &usize| {
        let is_line = !shown.held.contains(axis) && !shown.thinned.contains(axis);
        results.axes()[*axis].numbers().is_none() && is_line
    };
    let own = FigureOptions {
        width_mm: results.options.width_mm,
        ..FigureOptions::default()
    };
    let mut figures = Vec::new();
    for x in others(results, &[main]) {
        if !is_told(&x) {
            figures.extend(against(results, lines_along(results, x, 1), &own)?);
        }
    }
    Ok(figures)
}

/// Fails if the `limits` of the option `name` hold none of `values`, which are in `unit`.
fn check_reach(
    (name, unit): (&str, &str),
    limits: Option<[f64; 2]>,
    values: impl Iterator<Item = f64>,
) -> Result<()> {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let Some([from, to]) = limits.filter(|[from, to]| low <= high && (*to < low || *from > high))
    else {
        return Ok(());
    };
    let within = match unit {
        "" => "two ends".to_owned(),
        "%" => "two ends in percent".to_owned(),
        unit => format!("two ends in {unit}"),
    };
    let reach = format!("{} to {}", short(low, 4), short(high, 4));
    let limit = format!("{within} that hold some of the data, which reach from {reach} {unit}");
    Err(Error::value(name, format!("{from},{to}"), limit.trim_end()))
}

/// One figure for each of `pictures`, all on one scale, with the labels and limits of `options`.
fn against(
    results: &Results,
    pictures: Vec<Lines>,
    options: &FigureOptions,
) -> Result<Vec<Figure>> {
    let measure = results.measure;
    let drawn: Vec<(Vec<Series>, Table)> = pictures
        .iter()
        .map(|lines| series(results, lines))
        .collect();
    let ends = pictures
        .iter()
        .zip(&drawn)
        .flat_map(|(lines, (series, _))| {
            let has_bands = has_bands(series, &along(&results.axes()[lines.x]).along);
            let marks = series.iter().flat_map(|series| &series.marks);
            marks.flat_map(move |mark| match has_bands {
                true => [mark.low, mark.high],
                false => [mark.middle; 2],
            })
        });
    let ends: Vec<f64> = ends.collect();
    let unit = if measure.score.is_share() { "%" } else { "" };
    check_reach(("ylim", unit), options.ylim, ends.iter().copied())?;
    if let Some(lines) = pictures.first() {
        let marks = drawn.iter().flat_map(|(series, _)| series);
        let places = marks.flat_map(|series| series.marks.iter().map(|mark| mark.x));
        let unit = results.axes()[lines.x].quantity().unit;
        check_reach(("xlim", unit), options.xlim, places)?;
    }
    let scale = match (options.ylim, options.log_y) {
        (Some([from, to]), true) => Ruler::Log { from, to },
        (Some([from, to]), false) => Ruler::Linear { from, to },
        (None, true) => Ruler::logarithmic(ends),
        (None, false) => measure.scale(ends),
    };
    let figures = pictures.iter().zip(drawn).map(|(lines, (series, table))| {
        let axis = &results.axes()[lines.x];
        let y = AxisOf {
            along: Along::Numbers(scale),
            label: options.ylabel.clone().unwrap_or_else(|| measure.label()),
        };
        let mut x = along(axis);
        if let Some(label) = &options.xlabel {
            x.label.clone_from(label);
        }
        if let (Some([from, to]), Along::Numbers(ruler)) = (options.xlim, &mut x.along) {
            *ruler = ruler.between(from, to);
        }
        let behind = lines.figure.behind_title(results.axes());
        let title = format!(
            "{} against {}{behind}",
            measure.title(),
            axis.quantity().name
        );
        let caption = format!(
            "{} Grey: digital and a perfect chip.{}{}",
            marks_in_words(results, axis, &series),
            lines.unsaid,
            tolerances(results, lines)
        );
        let width = options.width_px();
        let mut chart = Chart::new([&title, &caption], [x, y], &series, width);
        if options.xlim.is_some() || options.ylim.is_some() || options.log_y {
            chart = chart.cut();
        }
        chart.draw(&series);
        let behind = lines.figure.behind_id(results.axes());
        let name = format!("{}-{}", measure.name(), axis.key());
        let id = format!("{}{behind}", file_name(&name));
        Figure::new(id, title, caption, chart.svg.finish(), table)
    });
    Ok(figures.collect())
}

/// The lines of one figure, and their numbers.
fn series(results: &Results, lines: &Lines) -> (Vec<Series>, Table) {
    let axes = results.axes();
    let (x, axis) = (lines.x, &axes[lines.x]);
    let mut table = Table::new([axis.key()]);
    let told = lines.groups[0].fixed.iter();
    table
        .columns
        .extend(told.map(|choice| axes[choice.axis].key().to_owned()));
    let [low, high] = results.options.quantile_names();
    let shares = [
        &low, "median", &high, "mean", "min", "max", "digital", "ideal",
    ];
    table.columns.push("chips".to_owned());
    table.columns.extend(shares.map(str::to_owned));
    let measure = results.measure;
    measure.show(&mut table, &shares);
    let mut all = references(results, lines);
    for (style, group) in lines.groups.iter().enumerate() {
        let mut marks = Vec::new();
        for index in in_order(axis) {
            let here = group.and(x, index);
            let values: Vec<f64> = here.trials(results).map(Row::value).collect();
            let Some(band) = Band::of(values.iter().copied(), results.options.quantiles) else {
                continue;
            };
            let summary = Summary::of(values.iter().copied());
            let mean = |of: fn(&Row) -> f64| Summary::of(here.trials(results).map(of)).mean;
            let mut row: Vec<Cell> = vec![cell(axis, index)];
            row.extend(
                group
                    .fixed
                    .iter()
                    .map(|choice| cell(&axes[choice.axis], choice.index)),
            );
            row.push(values.len().into());
            let numbers = [
                band.low,
                band.middle,
                band.high,
                summary.mean,
                summary.min,
                summary.max,
            ];
            row.extend(numbers.map(Cell::from));
            row.extend(
                [
                    mean(|row| row.digital.value()),
                    mean(|row| row.ideal.value()),
                ]
                .map(Cell::from),
            );
            table.push(row);
            let [low, middle, high] = [band.low, band.middle, band.high];
            marks.push(Mark {
                x: axis.position(index),
                low: measure.drawn(low),
                middle: measure.drawn(middle),
                high: measure.drawn(high),
                says: format!(
                    "{}: median {}, {} of chips {} to {}, {}",
                    here.name(axes),
                    measure.text(middle),
                    results.options.quantiles_in_words(),
                    measure.text(low),
                    measure.text(high),
                    counted(values.len(), "chip")
                ),
            });
        }
        all.push(Series {
            name: line_name(group, axes),
            style,
            look: Look::Curve,
            marks,
        });
    }
    (all, table)
}

/// A line in a legend.
pub(crate) fn line_name(group: &Slice, axes: &[Axis]) -> String {
    match group.fixed.is_empty() {
        true => "chips, median".to_owned(),
        false => group.name(axes),
    }
}

/// What digital and a perfect chip reach along the axis; drawn once where groups agree.
fn references(results: &Results, lines: &Lines) -> Vec<Series> {
    let digital = reference(results, lines, "digital", 0, |row| row.digital.value());
    let ideal = reference(results, lines, "ideal chip", 1, |row| row.ideal.value());
    digital.into_iter().chain(ideal).collect()
}

fn reference(
    results: &Results,
    lines: &Lines,
    name: &str,
    style: usize,
    of: fn(&Row) -> f64,
) -> Vec<Series> {
    let axis = &results.axes()[lines.x];
    let mut drawn: Vec<Series> = Vec::new();
    for group in &lines.groups {
        let mut marks = Vec::new();
        for index in in_order(axis) {
            let here = group.and(lines.x, index);
            let values = here.trials(results).map(of);
            let Some(band) = Band::of(values, results.options.quantiles) else {
                continue;
            };
            let value = results.measure.drawn(band.middle);
            marks.push(Mark {
                x: axis.position(index),
                low: value,
                middle: value,
                high: value,
                says: String::new(),
            });
        }
        if drawn.iter().all(|line| line.marks != marks) {
            let name = if drawn.is_empty() { name } else { "" };
            drawn.push(Series {
                name: name.to_owned(),
                style,
                look: Look::Reference,
                marks,
            });
        }
    }
    drawn
}

/// Sentences that say where the mean loss of each line reaches
/// [`Measure::tolerated`](crate::report::sweep::measure::Measure::tolerated); nothing along names, nor where several
/// keys change together: no value between two points belongs to one of them.
fn tolerances(results: &Results, lines: &Lines) -> String {
    let axis = &results.axes()[lines.x];
    if axis.numbers().is_none() || axis.keys.len() > 1 {
        return String::new();
    }
    let (unit, measure) = (axis.quantity().unit, results.measure);
    let is_log = matches!(along(axis).along, Along::Numbers(Ruler::Log { .. }));
    let found = lines.groups.iter().filter_map(|group| {
        let losses = in_order(axis).into_iter().filter_map(|index| {
            let here = group.and(lines.x, index);
            let losses: Vec<f64> = here
                .trials(results)
                .map(|row| measure.loss(row.digital.value(), row.value()))
                .collect();
            let x = axis.position(index);
            let x = if is_log { x.ln() } else { x };
            (!losses.is_empty()).then(|| (x, Summary::of(losses).mean))
        });
        let place = match reached(&losses.collect::<Vec<_>>(), measure.tolerated())? {
            Reached::At(crossing) => {
                let x = crossing.map(|x| if is_log { x.exp() } else { x }).text();
                format!("at {x} {unit}").trim_end().to_owned()
            }
            Reached::Nowhere => "not in this range".to_owned(),
            Reached::Everywhere => "at every value here".to_owned(),
            Reached::Often => "more than once".to_owned(),
        };
        let name = match group.fixed.is_empty() {
            true => String::new(),
            false => format!(" ({})", group.name(results.axes())),
        };
        Some(format!("{place}{name}"))
    });
    let found: Vec<String> = found.collect();
    match found.is_empty() {
        true => String::new(),
        false => format!(
            " The mean loss, which no line shows, reaches {} {}.",
            measure.tolerated_in_words(),
            found.join("; ")
        ),
    }
}

/// Where a quantity reaches a level.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Reached {
    /// At this place alone.
    At(Crossing),
    /// All points are below.
    Nowhere,
    /// All points are at it or above.
    Everywhere,
    /// It crosses the level several times.
    Often,
}

/// A place between two points, interpolated.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Crossing {
    place: f64,
    /// The points around it.
    points: [f64; 2],
}

impl Crossing {
    /// The same on another axis.
    fn map(self, of: impl Fn(f64) -> f64) -> Self {
        Self {
            place: of(self.place),
            points: self.points.map(of),
        }
    }

    /// The place to two digits, or as many more as tell it from both points; at one of them, as many as that has.
    fn text(self) -> String {
        let [low, high] = self.points;
        let is = |a: f64, b: f64| (a - b).abs() <= ROUNDING * b.abs();
        let text = |digits| significant(self.place, digits);
        let is_true = |digits: &usize| {
            let shown = text(*digits).replace('−', "-");
            shown.parse().is_ok_and(|x: f64| {
                match self.points.into_iter().find(|point| is(self.place, *point)) {
                    Some(point) => is(x, point),
                    None => low < x && x < high && !is(x, low) && !is(x, high),
                }
            })
        };
        text((2..DIGITS).find(is_true).unwrap_or(DIGITS))
    }
}

/// Share of a number up to which another one is the same: what logarithms and exponentials do to it.
const ROUNDING: f64 = 1e-12;

/// Digits of a place at most: more are rounding.
const DIGITS: usize = 6;

/// Where a line through `points` crosses `level`; nothing without points.
fn reached(points: &[(f64, f64)], level: f64) -> Option<Reached> {
    let crossed = points
        .windows(2)
        .filter(|pair| (pair[0].1 < level) != (pair[1].1 < level));
    let places: Vec<Crossing> = crossed
        .map(|pair| {
            let [(x0, y0), (x1, y1)] = [pair[0], pair[1]];
            Crossing {
                place: x0 + (level - y0) / (y1 - y0) * (x1 - x0),
                points: [x0, x1],
            }
        })
        .collect();
    let (_, first) = points.first()?;
    Some(match places[..] {
        [] if *first < level => Reached::Nowhere,
        [] => Reached::Everywhere,
        [place] => Reached::At(place),
        _ => Reached::Often,
    })
}

/// What stands for the chips of a point in a picture of `series` along `axis`, in sentences.
pub(crate) fn marks_in_words(results: &Results, axis: &Axis, series: &[Series]) -> String {
    let is_single = results.points.iter().all(|point| point.trials.len() == 1);
    let (marks, spread) = match axis.numbers().is_some() {
        true => ("Lines", "Bands"),
        false => ("Marks", "Bars"),
    };
    if is_single {
        return format!("{marks}: the one chip of every point.");
    }
    let [low, high] = results
        .options
        .quantiles
        .map(|share| short(100.0 * share, 4));
    let spread = match has_bands(series, &along(axis).along) {
        true => format!("{spread}: from the {low} % to the {high} % quantile."),
        false => format!(
            "The {low} % and the {high} % quantile are in the table: bands of more than {BANDS} lines would cover each other."
        ),
    };
    format!("{marks}: median over the chips. {spread}")
}

/// The value at `index` as it stands in a table: that of the first key, where it tells the values apart.
pub(crate) fn cell(axis: &Axis, index: usize) -> Cell {
    match axis.keys.len() > 1 && axis.numbers().is_none() {
        true => Cell::Text(axis.text(index)),
        false => axis.values[0][index].clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_placed_between_the_values_around_it_or_said_to_have_no_place() {
        let rising = [(0.0, 0.0), (0.1, 0.005), (0.2, 0.025)];
        let Some(Reached::At(place)) = reached(&rising, 0.01) else {
            panic!("it is passed once");
        };
        assert!((place.place - 0.125).abs() < 1e-12);
        assert_eq!(place.points, [0.1, 0.2]);
        assert_eq!(reached(&rising[..2], 0.01), Some(Reached::Nowhere));
        assert_eq!(reached(&rising[2..], 0.01), Some(Reached::Everywhere));
        let twice = [(0.0, 0.0), (1.0, 0.02), (2.0, 0.0)];
        assert_eq!(reached(&twice, 0.01), Some(Reached::Often));
        assert_eq!(reached(&[], 0.01), None);
    }

    /// A place is no point of the grid, as which fewer digits would show it, nor one beyond it.
    #[test]
    fn a_place_has_the_digits_that_tell_it_from_the_points_around_it() {
        let text = |place, points| Crossing { place, points }.text();
        for (place, said) in [
            (0.0512, "0.051"),
            (0.041, "0.041"),
            (0.0402, "0.0402"),
            (0.040_003, "0.040003"),
            (0.0598, "0.0598"),
            (0.04, "0.040"),
        ] {
            assert_eq!(text(place, [0.04, 0.06]), said);
            let of_log = Crossing {
                place: f64::ln(place),
                points: [f64::ln(0.04), f64::ln(0.06)],
            };
            assert_eq!(of_log.map(f64::exp).text(), said);
        }
        assert_eq!(text(0.0375, [0.025, 0.0375]), "0.0375");
        // Numbers with all of their digits before the point.
        assert_eq!(text(128.2, [120.0, 140.0]), "128");
        assert_eq!(text(120.4, [120.0, 140.0]), "120.4");
        assert_eq!(text(-0.0402, [-0.06, -0.04]), "−0.0402");
        assert_eq!(text(128.2, [128.0, 129.0]), "128.2");
        // Nearer than can be told.
        assert_eq!(text(0.1 + 1e-11, [0.1, 0.2]), "0.100000");
    }
}
