//! How the figures of a report are drawn, and which files they become.

use super::plot::chart::label_room;
use super::plot::style::FONT;
use super::plot::svg::label_width;
use super::plot::words::short;
use crate::error::{Error, Result};

/// How the figures of a report are drawn; the default is that of the page.
///
/// Labels, limits and the logarithm are those of the figures of the score along the main axis.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureOptions {
    /// The files of every figure, which the page links.
    pub formats: Vec<FigureFormat>,
    /// Ends of the bands: quantiles of the chips, the first at most 0.5, the last at least 0.5.
    pub quantiles: [f64; 2],
    /// What stands below the axis; `_x` and `_{xy}` are lowered, `^` raises.
    pub xlabel: Option<String>,
    /// What stands beside the axis, likewise.
    pub ylabel: Option<String>,
    /// Ends of the lower axis, in its unit.
    pub xlim: Option<[f64; 2]>,
    /// Ends of the left axis, in its unit: of shares in percent.
    pub ylim: Option<[f64; 2]>,
    /// Whether the left axis is logarithmic.
    pub log_y: bool,
    /// Width of a figure on paper, mm, at which letters have 8 points; without one, 85 mm for the page's own layout.
    pub width_mm: Option<f64>,
    /// The key of the axis that becomes lines where figures run along another one.
    pub lines: Option<String>,
    /// The loss against digital that yields allow and contours show, in place of the score's own: a share in (0, 1], of which
    /// 0.01 is 1 % and 1.0 is 100 %. The command's `--within` asks for the sign where a share is not below 1.
    pub within: Option<f64>,
    /// What the colours of maps are.
    pub map: MapOf,
}

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FigureFormat {
    /// Vectors for browsers and editors.
    Svg,
    /// Vectors for LaTeX, with their letters.
    Pdf,
    /// Pixels, 300 to the inch.
    Png,
}

/// What a square of a map is of its chips.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum MapOf {
    /// The mean of their scores.
    #[default]
    Mean,
    /// A quantile of their scores, in [0, 1].
    Quantile(f64),
    /// The share of them that lose no more than is tolerated.
    Yield,
}

/// Letters on paper, pt, at the width that is asked for.
const LETTERS_PT: f64 = 8.0;
/// A point on paper, mm.
const POINT_MM: f64 = 25.4 / 72.0;
/// Layout of a figure without a width, px, and that on paper, mm: one column.
const OWN_PX: f64 = 480.0;
const OWN_MM: f64 = 85.0;
/// Widths in reach, mm: from what holds a legend to the short side of A3.
const WIDTHS_MM: [f64; 2] = [60.0, 297.0];

impl Default for FigureOptions {
    fn default() -> Self {
        Self {
            formats: vec![FigureFormat::Svg],
            quantiles: [0.2, 0.8],
            xlabel: None,
            ylabel: None,
            xlim: None,
            ylim: None,
            log_y: false,
            width_mm: None,
            lines: None,
            within: None,
            map: MapOf::Mean,
        }
    }
}

impl FigureFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Svg, Self::Pdf, Self::Png];

    /// Its name, which is the ending of its files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Pdf => "pdf",
            Self::Png => "png",
        }
    }
}

impl FigureOptions {
    /// Fails if a number is out of its range, whatever the report is on.
    pub(crate) fn check(&self) -> Result<()> {
        let pair = |[a, b]: [f64; 2]| format!("{a},{b}");
        let [low, high] = self.quantiles;
        if !((0.0..=0.5).contains(&low) && (0.5..=1.0).contains(&high) && low < high) {
            let limit = "two shares around the median, such as 0.1,0.9";
            return Err(Error::value("quantiles", pair(self.quantiles), limit));
        }
        for (name, limits) in [("xlim", self.xlim), ("ylim", self.ylim)] {
            let Some([from, to]) = limits else {
                continue;
            };
            if !(from.is_finite() && to.is_finite() && from < to) {
                let limit = "two numbers, the smaller one first";
                return Err(Error::value(name, pair([from, to]), limit));
            }
        }
        if let Some([from, to]) = self.ylim.filter(|[from, _]| self.log_y && *from <= 0.0) {
            let limit = "above 0 on a logarithmic axis";
            return Err(Error::value("ylim", pair([from, to]), limit));
        }
        let [least, most] = WIDTHS_MM;
        if let Some(width) = self.width_mm.filter(|mm| !(least..=most).contains(mm)) {
            let limit = format!("from {least} to {most} mm");
            return Err(Error::value("width", format!("{width} mm"), limit));
        }
        self.check_labels()?;
        if let Some(within) = self.within.filter(|loss| !(*loss > 0.0 && *loss <= 1.0)) {
            let limit = "a loss above 0 and up to 100 %";
            return Err(Error::value(
                "within",
                format!("{} %", 100.0 * within),
                limit,
            ));
        }
        if let MapOf::Quantile(share) = self.map
            && !(0.0..=1.0).contains(&share)
        {
            return Err(Error::value("map", share, "a quantile from 0 to 1"));
        }
        Ok(())
    }

    /// Fails if a label is LaTeX or longer than the figure has room for.
    fn check_labels(&self) -> Result<()> {
        let room = label_room(self.width_px());
        let labels = [("xlabel", &self.xlabel), ("ylabel", &self.ylabel)];
        for ((name, label), room) in labels.into_iter().zip(room) {
            let Some(label) = label else {
                continue;
            };
            if label.contains(['$', '\\']) {
                let limit = "without $ and \\, as labels are no LaTeX: write σ_α";
                return Err(Error::value(name, label, limit));
            }
            let wide = label_width(label, FONT);
            if wide > room {
                let letters = label.chars().count();
                let fit = (letters as f64 * room / wide).floor();
                let limit = format!(
                    "at most about {fit} letters to fit at a width of {} mm, and this has {letters}",
                    short(self.width_mm.unwrap_or(OWN_MM), 4)
                );
                return Err(Error::value(name, label, limit));
            }
        }
        Ok(())
    }

    /// What columns of the ends of the bands are called: `p20` and `p80`.
    pub(crate) fn quantile_names(&self) -> [String; 2] {
        self.quantiles
            .map(|share| format!("p{}", short(100.0 * share, 4)))
    }

    /// How many chips are between the ends of the bands: `20 to 80 %`.
    pub(crate) fn quantiles_in_words(&self) -> String {
        let [low, high] = self.quantiles.map(|share| short(100.0 * share, 4));
        format!("{low} to {high} %")
    }

    /// Width that charts, bars and maps are laid out for, px.
    pub(crate) fn width_px(&self) -> f64 {
        self.width_mm.map_or(OWN_PX, |mm| mm / self.mm_of_px())
    }

    /// What one px of a picture is on paper, mm.
    fn mm_of_px(&self) -> f64 {
        match self.width_mm {
            Some(_) => LETTERS_PT * POINT_MM / FONT,
            None => OWN_MM / OWN_PX,
        }
    }

    /// Width on paper of a picture that is `px` wide, mm: where a width is asked for, no more than that, so that letters of
    /// large pictures are smaller.
    pub fn paper_width_mm(&self, px: f64) -> f64 {
        let own = px * self.mm_of_px();
        self.width_mm.map_or(own, |width| own.min(width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 13 px are 8 pt, 8 pt are 2.8222 mm.
    #[test]
    fn letters_have_8_points_at_the_width_that_is_asked_for() {
        let options = FigureOptions {
            width_mm: Some(85.0),
            ..FigureOptions::default()
        };
        let px = options.width_px();
        assert!(
            (px - 85.0 * 13.0 / (8.0 * 25.4 / 72.0)).abs() < 1e-9,
            "{px}"
        );
        assert!((options.paper_width_mm(px) - 85.0).abs() < 1e-9);
        assert_eq!(options.paper_width_mm(5000.0), 85.0);
        let small = options.paper_width_mm(130.0);
        assert!((small - 10.0 * 8.0 * 25.4 / 72.0).abs() < 1e-9, "{small}");
        let own = FigureOptions::default();
        assert_eq!((own.width_px(), own.paper_width_mm(480.0)), (480.0, 85.0));
    }
}
