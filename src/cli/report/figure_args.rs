//! How figures are drawn, as arguments.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::report::{FigureFormat, FigureOptions, MapOf};

#[derive(Debug, Args)]
#[command(next_help_heading = "Figures")]
pub(in crate::cli) struct FigureArgs {
    /// Files of every figure, divided by commas: svg, pdf with its letters, png of 300 dpi
    #[arg(long, value_name = "KINDS", default_value = "svg", value_delimiter = ',', value_parser = formats())]
    pub format: Vec<FigureFormat>,
    /// Ends of the bands around medians
    #[arg(long, value_name = "LOW,HIGH", default_value = "0.2,0.8", value_parser = pair, allow_hyphen_values = true)]
    pub quantiles: [f64; 2],
    /// Width on paper, such as 85mm, 18cm or 3.4in: letters of charts and maps have 8 points there
    #[arg(long, value_name = "LENGTH", value_parser = length_mm, allow_hyphen_values = true)]
    pub width: Option<f64>,
    /// The axis whose values are lines where figures run along another one
    #[arg(long, value_name = "AXIS")]
    pub lines: Option<String>,
    /// Loss against digital that yields allow and contours show: of all samples, of an error the share of digital's own
    #[arg(long, value_name = "SHARE", value_parser = share, allow_hyphen_values = true)]
    pub within: Option<f64>,
    /// What the colours of maps are: mean, median, yield, or a quantile such as 0.1
    #[arg(long, value_name = "WHAT", default_value = "mean", value_parser = map_of, allow_hyphen_values = true)]
    pub map: MapOf,
    /// Of the figures of the score along the main axis: the label below; `_x` and `_{xy}` are lowered, `^` raises
    #[arg(long, value_name = "TEXT")]
    pub xlabel: Option<String>,
    /// Of the same: the label on the left
    #[arg(long, value_name = "TEXT")]
    pub ylabel: Option<String>,
    /// Of the same: ends of the lower axis, in its unit
    #[arg(long, value_name = "FROM,TO", value_parser = pair, allow_hyphen_values = true)]
    pub xlim: Option<[f64; 2]>,
    /// Of the same: ends of the left axis, in its unit, percent for shares
    #[arg(long, value_name = "FROM,TO", value_parser = pair, allow_hyphen_values = true)]
    pub ylim: Option<[f64; 2]>,
    /// Of the same: a logarithmic left axis
    #[arg(long)]
    pub log_y: bool,
}

impl FigureArgs {
    /// What the arguments ask for.
    pub fn options(&self) -> FigureOptions {
        let mut formats = Vec::new();
        for format in &self.format {
            if !formats.contains(format) {
                formats.push(*format);
            }
        }
        FigureOptions {
            formats,
            quantiles: self.quantiles,
            xlabel: self.xlabel.clone(),
            ylabel: self.ylabel.clone(),
            xlim: self.xlim,
            ylim: self.ylim,
            log_y: self.log_y,
            width_mm: self.width,
            lines: self.lines.clone(),
            within: self.within,
            map: self.map,
        }
    }
}

fn formats() -> impl TypedValueParser<Value = FigureFormat> {
    let named = |name: String| {
        let format = FigureFormat::ALL
            .iter()
            .find(|format| format.name() == name);
        *format.expect("it is one of them")
    };
    PossibleValuesParser::new(FigureFormat::ALL.map(FigureFormat::name)).map(named)
}

/// Two numbers.
fn pair(text: &str) -> Result<[f64; 2], String> {
    let numbers: Option<Vec<f64>> = text
        .split(',')
        .map(|part| part.trim().parse().ok())
        .collect();
    let pair = numbers.and_then(|numbers| <[f64; 2]>::try_from(numbers).ok());
    pair.ok_or_else(|| "must be two numbers divided by a comma".to_owned())
}

/// A length, mm.
fn length_mm(text: &str) -> Result<f64, String> {
    let units = [("mm", 1.0), ("cm", 10.0), ("in", 25.4)];
    let found = units.iter().find_map(|(unit, mm)| {
        let number: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        Some(number * mm)
    });
    found.ok_or_else(|| "must be a length with its unit: mm, cm or in".to_owned())
}

/// A share: in percent with the sign, else below 1, so that `1` is not taken for another one than is meant.
fn share(text: &str) -> Result<f64, String> {
    let wrong = |_| "must be a share such as 1% or 0.01".to_owned();
    if let Some(percent) = text.strip_suffix('%') {
        let percent: f64 = percent.trim().parse().map_err(wrong)?;
        return Ok(percent / 100.0);
    }
    let share: f64 = text.parse().map_err(wrong)?;
    match share >= 1.0 {
        true => Err(format!(
            "must be below 1 where it has no % sign: write {share}% or {}",
            share / 100.0
        )),
        false => Ok(share),
    }
}

fn map_of(text: &str) -> Result<MapOf, String> {
    match text {
        "mean" => Ok(MapOf::Mean),
        "median" => Ok(MapOf::Quantile(0.5)),
        "yield" => Ok(MapOf::Yield),
        _ => text
            .parse()
            .map(MapOf::Quantile)
            .map_err(|_| "must be mean, median, yield or a quantile from 0 to 1".to_owned()),
    }
}
