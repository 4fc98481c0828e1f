//! Figures as files for paper: PDF with its letters, PNG, and SVG of a stated size.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Group, Node, Options, Tree, fontdb};
use svg2pdf::{ConversionOptions, PageOptions, to_pdf};

use crate::report::{Figure, FigureFormat, FigureOptions};

/// DejaVu Sans Condensed, the letters that figures need: PDF and PNG look alike on every machine.
const FONT: &[u8] = include_bytes!("font/DejaVuSansCondensed.ttf");
const FAMILY: &str = "DejaVu Sans Condensed";
const MM_PER_INCH: f64 = 25.4;
/// Pixels to the inch.
const DPI: f64 = 300.0;

static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(FONT.to_vec());
    fonts.set_sans_serif_family(FAMILY);
    Arc::new(fonts)
});

/// A figure for paper.
pub(super) struct Paper<'a> {
    figure: &'a Figure,
    tree: Tree,
    width_mm: f64,
}

impl<'a> Paper<'a> {
    pub fn new(figure: &'a Figure, options: &FigureOptions) -> Self {
        let reading = Options {
            font_family: FAMILY.to_owned(),
            fontdb: FONTS.clone(),
            ..Options::default()
        };
        let tree = Tree::from_str(&figure.svg, &reading).expect("a figure is SVG");
        let width_mm = options.paper_width_mm(tree.size().width().into());
        Self {
            figure,
            tree,
            width_mm,
        }
    }

    /// The file of `format`.
    pub fn file(&self, format: FigureFormat) -> Vec<u8> {
        match format {
            FigureFormat::Svg => self.svg().into_bytes(),
            FigureFormat::Pdf => self.pdf(),
            FigureFormat::Png => self.png(),
        }
    }

    /// The letters that the font of PDF and PNG does not have.
    pub fn missing(&self) -> String {
        let mut missing = String::new();
        find_missing(self.tree.root(), &mut missing);
        missing
    }

    fn svg(&self) -> String {
        let size = self.tree.size();
        let height_mm = self.width_mm * f64::from(size.height()) / f64::from(size.width());
        let start = self.figure.svg.find("width=").expect("it has a size");
        let end = self.figure.svg.find("viewBox=").expect("it has a view");
        format!(
            "{}width=\"{:.2}mm\" height=\"{height_mm:.2}mm\" {}",
            &self.figure.svg[..start],
            self.width_mm,
            &self.figure.svg[end..]
        )
    }

    fn pdf(&self) -> Vec<u8> {
        let dpi = f64::from(self.tree.size().width()) * MM_PER_INCH / self.width_mm;
        let page = PageOptions { dpi: dpi as f32 };
        to_pdf(&self.tree, ConversionOptions::default(), page)
            .expect("a figure has nothing that PDF lacks")
    }

    fn png(&self) -> Vec<u8> {
        let size = self.tree.size();
        let scale = self.width_mm / MM_PER_INCH * DPI / f64::from(size.width());
        let pixels = |px: f32| (f64::from(px) * scale).round().max(1.0) as u32;
        let (width, height) = (pixels(size.width()), pixels(size.height()));
        let mut pixmap = Pixmap::new(width, height).expect("a figure has a size");
        // Also under the last pixels, of which the picture may cover a part.
        pixmap.fill(Color::WHITE);
        let scale = scale as f32;
        resvg::render(
            &self.tree,
            Transform::from_scale(scale, scale),
            &mut pixmap.as_mut(),
        );
        // Nothing shows through.
        let colors: Vec<u8> = pixmap
            .pixels()
            .iter()
            .flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()])
            .collect();
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(png::ColorType::Rgb);
        let per_meter = (DPI / MM_PER_INCH * 1000.0).round() as u32;
        encoder.set_pixel_dims(Some(png::PixelDimensions {
            xppu: per_meter,
            yppu: per_meter,
            unit: png::Unit::Meter,
        }));
        let mut writer = encoder.write_header().expect("memory takes any bytes");
        writer
            .write_image_data(&colors)
            .expect("there are three bytes a pixel");
        writer.finish().expect("memory takes any bytes");
        file
    }
}

fn find_missing(group: &Group, missing: &mut String) {
    for node in group.children() {
        match node {
            Node::Group(group) => find_missing(group, missing),
            Node::Text(text) => {
                let glyphs = text
                    .layouted()
                    .iter()
                    .flat_map(|span| &span.positioned_glyphs);
                for glyph in glyphs.filter(|glyph| glyph.id.0 == 0) {
                    let new = glyph.text.chars().filter(|c| !missing.contains(*c));
                    let new: String = new.collect();
                    missing.push_str(&new);
                }
            }
            _ => {}
        }
    }
}
