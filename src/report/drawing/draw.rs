//! A mesh as a drawing.

use std::collections::BTreeMap;
use std::f64::consts::{PI, TAU};
use std::fmt::Write as _;

use super::bar::draw_bar;
use super::color_by::{ColorBy, check_errors, check_values, largest, span};
use super::layout::{ARM, COUPLERS_X, Layout, PHI_X, Place, THETA_X, adjacent};
use super::light::Light;
use crate::error::Result;
use crate::mesh::{Mesh, Node};
use crate::report::plot::color::{self, Rgb};
use crate::report::plot::style::{EDGE, INK, SOFT};
use crate::report::plot::svg::{Svg, level, number, plumb};
use crate::units::counted;

/// How a mesh is drawn.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DrawOptions {
    /// What the colours mean.
    pub color: ColorBy,
    /// The headline; without one, the number of modes and the geometry.
    pub title: Option<String>,
}

/// `mesh` as the text of an SVG file: waveguides from left to right, one coloured element per MZI, a colour
/// bar with its unit.
///
/// Up to 8 modes every MZI shows its couplers, its arms and both phase shifters with their values in rad;
/// larger meshes show one box per MZI, coloured by its phase or by the power that passes it. MZIs on
/// waveguides that are no neighbours are drawn as links, with dots on the waveguides that they join. Hovering
/// over an MZI shows its modes and phases. Of more than [`SPOKEN`] MZIs only boxes on straight waveguides are drawn, some
/// 20 bytes each, and nothing is shown there.
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) if the light to draw does not have one amplitude per mode, or the errors or values are not one per MZI;
/// [`Error::Value`](crate::Error::Value) if the light's power is not a positive number or an error is not 0 or more.
///
/// ```
/// use lightloom::mesh::{Geometry, Mesh};
/// use lightloom::report::{ColorBy, DrawOptions, draw};
///
/// let mesh = Mesh::bar(Geometry::Clements, 4)?;
/// let options = DrawOptions { color: ColorBy::light_in(0, 4)?, title: None };
/// let svg = draw(&mesh, &options)?;
/// assert!(svg.starts_with("<svg") && svg.contains("4 modes"));
/// # Ok::<(), lightloom::Error>(())
/// ```
pub fn draw(mesh: &Mesh, options: &DrawOptions) -> Result<String> {
    let light = match &options.color {
        ColorBy::Light(input) => Some(Light::new(mesh, input)?),
        ColorBy::Error(errors) => {
            check_errors(errors, mesh.nodes().len())?;
            None
        }
        ColorBy::Quantity { values, .. } => {
            check_values(values, mesh.nodes().len())?;
            None
        }
        _ => None,
    };
    let worst = match &options.color {
        ColorBy::Error(errors) => largest(errors),
        _ => 1.0,
    };
    let span = match &options.color {
        ColorBy::Quantity { values, .. } => span(values),
        _ => [0.0, 1.0],
    };
    let layout = Layout::of(mesh);
    let picture = Picture {
        mesh,
        options,
        light,
        worst,
        span,
        layout,
    };
    Ok(picture.render())
}

/// MZIs up to which each has its bends and its phases in words, some 300 bytes.
pub const SPOKEN: usize = 10_000;

/// Steps of brightness: pieces of one step share one path.
const LEVELS: usize = 24;

const MARGIN_LEFT: f64 = 58.0;
const MARGIN_TOP: f64 = 84.0;
const MARGIN_BOTTOM: f64 = 50.0;
/// From the last column to the mode numbers: room for the screen.
const OUTPUT: f64 = 62.0;
/// From the mode numbers to the right edge: room for the colour bar.
const BAR: f64 = 108.0;
const LEAD: f64 = 14.0;

const WAVEGUIDE: &str = "#6b7480";
const PLAIN: Rgb = Rgb([0xe9, 0xec, 0xef]);
const CELL: &str = "#f3f5f7";

struct Picture<'a> {
    mesh: &'a Mesh,
    options: &'a DrawOptions,
    light: Option<Light>,
    /// The largest error of an MZI.
    worst: f64,
    /// The least and the largest number of a quantity.
    span: [f64; 2],
    layout: Layout,
}

impl Picture<'_> {
    fn render(&self) -> String {
        let mesh = self.mesh;
        let span = self.layout.y(mesh.modes() - 1);
        // The colour bar needs its height even beside two modes.
        let slack = (120.0 - span).max(0.0) / 2.0;
        let height = MARGIN_TOP + span + 2.0 * slack + MARGIN_BOTTOM;
        let (title, subtitle) = self.titles();
        let text = |text: &str, letter: f64| 40.0 + letter * text.chars().count() as f64;
        let width = (MARGIN_LEFT + self.layout.width + OUTPUT + BAR)
            .max(text(&title, 10.4).max(text(&subtitle, 7.2)));
        let mut svg = Svg::document(width, height, &title, &subtitle);
        let bold = [("font-size", "17"), ("font-weight", "bold"), ("fill", INK)];
        svg.label(20.0, 31.0, &bold, &title);
        svg.label(
            20.0,
            51.0,
            &[("font-size", "12.5"), ("fill", SOFT)],
            &subtitle,
        );
        let shift = format!("translate({} {})", MARGIN_LEFT, number(MARGIN_TOP + slack));
        svg.open("g", &[("transform", &shift)]);
        if self.layout.style.detailed {
            self.cells(&mut svg);
        }
        if mesh.nodes().len() > SPOKEN {
            self.plain_waveguides(&mut svg);
            self.boxes(&mut svg);
        } else {
            self.waveguides(&mut svg);
            self.mzis(&mut svg);
        }
        self.screen(&mut svg);
        self.mode_numbers(&mut svg);
        svg.close();
        let place = [width - 84.0, MARGIN_TOP, span + 2.0 * slack];
        draw_bar(&mut svg, &self.options.color, self.light.as_ref(), place);
        if self.layout.style.detailed {
            let note = "values in rad: φ, then θ between the couplers, the screen last";
            let soft = [("font-size", "11"), ("fill", SOFT)];
            svg.label(20.0, height - 14.0, &soft, note);
        }
        svg.finish()
    }

    fn titles(&self) -> (String, String) {
        let mesh = self.mesh;
        let kind = mesh
            .geometry()
            .map_or("feed-forward".to_owned(), |geometry| geometry.to_string());
        let ancillas = match mesh.modes() - mesh.ports() {
            0 => String::new(),
            count => format!(" and {}", counted(count, "ancilla")),
        };
        let size = format!(
            "{}{ancillas} · {kind} · {} in {}",
            counted(mesh.ports(), "mode"),
            counted(mesh.nodes().len(), "MZI"),
            counted(mesh.columns(), "column")
        );
        let meaning = match &self.options.color {
            ColorBy::Theta => "internal phase θ: 0 cross, π bar",
            ColorBy::Phi => "external phase φ and output screen",
            ColorBy::Light(_) => "light from left to right",
            ColorBy::Error(_) => "error of every MZI",
            ColorBy::Quantity { name, .. } => &format!("{name} of every MZI"),
        };
        match &self.options.title {
            Some(title) => (title.clone(), format!("{size} · {meaning}")),
            None => (size, meaning.to_owned()),
        }
    }

    fn y(&self, mode: usize) -> f64 {
        self.layout.y(mode)
    }

    /// Height of the middle of an MZI's waveguides.
    fn middle(&self, node: &Node) -> f64 {
        (self.y(node.top) + self.y(node.bottom)) / 2.0
    }

    /// A pale ground under every detailed MZI.
    fn cells(&self, svg: &mut Svg) {
        svg.open("g", &[("fill", CELL)]);
        for (index, (node, x)) in self.mesh.nodes().iter().zip(&self.layout.x).enumerate() {
            if adjacent(node) {
                let center = (COUPLERS_X[0] + COUPLERS_X[1]) / 2.0;
                let bounds = [
                    x + center,
                    self.middle(node),
                    98.0,
                    0.9 * self.layout.style.pitch,
                ];
                match self.error_color(index) {
                    Some(color) => svg.pill(bounds, 8.0, &[("fill", &color.hex())]),
                    None => svg.pill(bounds, 8.0, &[]),
                }
            }
        }
        svg.close();
    }

    fn waveguides(&self, svg: &mut Svg) {
        let style = self.layout.style;
        let stroke = number(style.stroke);
        let round = [
            ("fill", "none"),
            ("stroke-linecap", "round"),
            ("stroke-linejoin", "round"),
        ];
        let ends = |mode: usize| {
            (
                self.y(mode),
                self.layout.width,
                self.screen_x() - self.layout.width,
            )
        };
        let Some(light) = &self.light else {
            let mut attributes = round.to_vec();
            attributes.extend([("stroke", WAVEGUIDE), ("stroke-width", stroke.as_str())]);
            svg.open("g", &attributes);
            for mode in 0..self.mesh.modes() {
                let (y, _, lead) = ends(mode);
                let mut path = format!("M{} {}h{}", number(-LEAD), number(y), number(LEAD));
                let own = self.layout.pieces.iter().filter(|piece| piece.mode == mode);
                own.for_each(|piece| path.push_str(&piece.path));
                write!(path, "h{}", number(lead)).expect("a String takes any text");
                svg.empty("path", &[("d", &path)]);
            }
            svg.close();
            return;
        };
        // One path per step of brightness, the brightest on top.
        let mut steps = vec![String::new(); LEVELS + 1];
        let mut add = |power: f64, x: f64, y: f64, path: &str| {
            let step = (light.level(power) * LEVELS as f64).round() as usize;
            let start = format!("M{} {}{path}", number(x), number(y));
            steps[step.min(LEVELS)].push_str(&start);
        };
        for mode in 0..self.mesh.modes() {
            let (y, right, lead) = ends(mode);
            let (first, last) = (&light.columns[0], &light.columns[light.columns.len() - 1]);
            add(first[mode], -LEAD, y, &format!("h{}", number(LEAD)));
            add(last[mode], right, y, &format!("h{}", number(lead)));
        }
        for piece in &self.layout.pieces {
            let power = match piece.light {
                Place::Column(column) => light.columns[column][piece.mode],
                Place::Arm(index) => {
                    let at_top = self.mesh.nodes()[index].top == piece.mode;
                    light.arms[index][usize::from(!at_top)]
                }
            };
            add(power, piece.x, self.y(piece.mode) + piece.dy, &piece.path);
        }
        svg.open("g", &round);
        for (step, path) in steps
            .iter()
            .enumerate()
            .filter(|(_, path)| !path.is_empty())
        {
            let level = step as f64 / LEVELS as f64;
            let width = number(style.stroke * (0.8 + 2.4 * level));
            let stroke = color::light(level).hex();
            svg.empty(
                "path",
                &[("d", path), ("stroke", &stroke), ("stroke-width", &width)],
            );
        }
        svg.close();
    }

    /// Straight lines from the inputs to the screen.
    fn plain_waveguides(&self, svg: &mut Svg) {
        let lines = (0..self.mesh.modes()).map(|mode| level(-LEAD, self.y(mode), self.screen_x()));
        let lines: String = lines.collect();
        svg.line(&lines, WAVEGUIDE, &number(self.layout.style.stroke));
    }

    /// A box for each MZI, those of one colour in one path, and links between waveguides that are no neighbours.
    fn boxes(&self, svg: &mut Svg) {
        let style = self.layout.style;
        let half = 0.36 * style.pitch;
        let mut by_color: BTreeMap<String, String> = BTreeMap::new();
        let mut links = String::new();
        for (index, node) in self.mesh.nodes().iter().enumerate() {
            let x = self.layout.x[index] + style.lane / 2.0;
            let y = match adjacent(node) {
                true => self.middle(node),
                false => {
                    links.push_str(&plumb(x, self.y(node.top), self.y(node.bottom)));
                    self.y(node.top)
                }
            };
            let path = by_color
                .entry(self.small_color(index, node).hex())
                .or_default();
            path.push_str(&plumb(x, y - half, y + half));
        }
        if !links.is_empty() {
            svg.line(&links, EDGE, &number(style.stroke));
        }
        let width = number(0.56 * style.lane);
        svg.open("g", &[("class", "boxes")]);
        for (color, path) in &by_color {
            svg.line(path, color, &width);
        }
        svg.close();
    }

    fn theta_color(&self, theta: f64) -> Rgb {
        match self.options.color {
            // θ and 2π − θ move the same power.
            ColorBy::Theta => color::sequential(1.0 - (theta.rem_euclid(TAU) / PI - 1.0).abs()),
            _ => PLAIN,
        }
    }

    fn phi_color(&self, phi: f64) -> Rgb {
        match self.options.color {
            ColorBy::Phi => color::cyclic(phi / TAU),
            _ => PLAIN,
        }
    }

    fn error_color(&self, index: usize) -> Option<Rgb> {
        match &self.options.color {
            ColorBy::Error(errors) => Some(color::light(errors[index] / self.worst)),
            ColorBy::Quantity { values, .. } => {
                let [low, high] = self.span;
                let value = values[index]?;
                Some(color::sequential((value - low) / (high - low)))
            }
            _ => None,
        }
    }

    /// Opens a group of boxes with numbers in them.
    fn open_marks(&self, svg: &mut Svg) {
        let edge = number((0.5 * self.layout.style.stroke).max(0.4));
        svg.open(
            "g",
            &[
                ("stroke", EDGE),
                ("stroke-width", &edge),
                ("font-size", "10.5"),
                ("text-anchor", "middle"),
            ],
        );
    }

    fn mzis(&self, svg: &mut Svg) {
        self.open_marks(svg);
        for (index, node) in self.mesh.nodes().iter().enumerate() {
            let (theta, phi) = (self.mesh.theta()[index], self.mesh.phi()[index]);
            svg.open("g", &[("class", "mzi")]);
            let error = match &self.options.color {
                ColorBy::Error(errors) => format!(", error {:.4}", errors[index]),
                ColorBy::Quantity { name, values } => match values[index] {
                    Some(value) => format!(", {name} {value:.4}"),
                    None => String::new(),
                },
                _ => String::new(),
            };
            let tip = format!(
                "MZI {index}, column {}, modes {} and {}: theta = {theta:.4} rad, phi = {phi:.4} rad{error}",
                node.column, node.top, node.bottom
            );
            svg.content("title", &[], &tip);
            if self.layout.style.detailed {
                self.detailed_mzi(svg, index, node);
            } else {
                self.small_mzi(svg, index, node);
            }
            svg.close();
        }
        svg.close();
    }

    fn detailed_mzi(&self, svg: &mut Svg, index: usize, node: &Node) {
        let x = self.layout.x[index];
        let (top, bottom) = (self.y(node.top), self.y(node.bottom));
        let arm = if adjacent(node) {
            self.middle(node) + (top - bottom).signum() * ARM * self.layout.style.pitch
        } else {
            self.links(svg, &COUPLERS_X.map(|coupler| x + coupler), top, bottom);
            top
        };
        let (theta, phi) = (self.mesh.theta()[index], self.mesh.phi()[index]);
        shifter(svg, x + PHI_X, top, phi, self.phi_color(phi));
        shifter(svg, x + THETA_X, arm, theta, self.theta_color(theta));
    }

    /// The colour of an MZI that is one box.
    fn small_color(&self, index: usize, node: &Node) -> Rgb {
        match (&self.options.color, &self.light) {
            (_, Some(light)) => color::light(light.level(light.passing(node))),
            (ColorBy::Phi, _) => self.phi_color(self.mesh.phi()[index]),
            (ColorBy::Error(errors), _) => color::light(errors[index] / self.worst),
            _ => self.theta_color(self.mesh.theta()[index]),
        }
    }

    fn small_mzi(&self, svg: &mut Svg, index: usize, node: &Node) {
        let style = self.layout.style;
        let x = self.layout.x[index] + style.lane / 2.0;
        let (y, w, h) = if adjacent(node) {
            (self.middle(node), 0.56 * style.lane, 0.72 * style.pitch)
        } else {
            self.links(svg, &[x], self.y(node.top), self.y(node.bottom));
            (self.y(node.top), 0.5 * style.lane, 0.5 * style.pitch)
        };
        let fill = self.small_color(index, node).hex();
        let attributes = [("fill", fill.as_str())];
        svg.pill([x, y, w, h], 0.12 * style.pitch, &attributes);
    }

    /// Vertical links between waveguides that are no neighbours, on a white ground where they cross others.
    fn links(&self, svg: &mut Svg, xs: &[f64], top: f64, bottom: f64) {
        let radius = number(1.6 * self.layout.style.stroke);
        for x in xs {
            let x = number(*x);
            let inset = 2.5 * self.layout.style.stroke * (bottom - top).signum();
            let halo = format!("M{x} {}V{}", number(top + inset), number(bottom - inset));
            let wide = number(3.5 * self.layout.style.stroke);
            svg.empty(
                "path",
                &[("d", &halo), ("stroke", "#ffffff"), ("stroke-width", &wide)],
            );
            let line = format!("M{x} {}V{}", number(top), number(bottom));
            svg.empty(
                "path",
                &[
                    ("d", &line),
                    ("stroke-width", &number(self.layout.style.stroke)),
                ],
            );
            for y in [top, bottom] {
                let dot = [
                    ("cx", x.as_str()),
                    ("cy", &number(y)),
                    ("r", &radius),
                    ("fill", EDGE),
                ];
                svg.empty("circle", &dot);
            }
        }
    }

    fn screen_x(&self) -> f64 {
        self.layout.width + OUTPUT - 16.0
    }

    fn screen(&self, svg: &mut Svg) {
        let style = self.layout.style;
        let x = self.layout.width + 23.0;
        self.open_marks(svg);
        for (mode, phase) in self.mesh.screen().iter().enumerate() {
            svg.open("g", &[("class", "screen")]);
            svg.content(
                "title",
                &[],
                &format!("screen, mode {mode}: {phase:.4} rad"),
            );
            if style.detailed {
                shifter(svg, x, self.y(mode), *phase, self.phi_color(*phase));
            } else {
                let fill = self.phi_color(*phase).hex();
                let side = 0.5 * style.pitch;
                svg.pill(
                    [x, self.y(mode), side, side],
                    side / 2.0,
                    &[("fill", &fill)],
                );
            }
            svg.close();
        }
        svg.close();
    }

    fn mode_numbers(&self, svg: &mut Svg) {
        let Self { mesh, layout, .. } = self;
        let font = number(layout.style.font);
        svg.open("g", &[("font-size", &font), ("fill", SOFT)]);
        let middle = 0.35 * layout.style.font;
        for mode in 0..mesh.modes() {
            let (y, text) = (self.y(mode) + middle, mode.to_string());
            svg.before(-LEAD - 7.0, y, &text);
            svg.label(self.screen_x() + 7.0, y, &[], &text);
        }
        svg.close();
    }
}

/// A phase shifter with its value.
fn shifter(svg: &mut Svg, x: f64, y: f64, phase: f64, fill: Rgb) {
    svg.pill([x, y, 34.0, 16.0], 4.0, &[("fill", &fill.hex())]);
    let text = [("fill", fill.ink()), ("stroke", "none")];
    svg.label(x, y + 3.8, &text, &format!("{phase:.2}"));
}

#[cfg(test)]
mod tests;
