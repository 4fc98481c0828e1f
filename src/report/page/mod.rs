//! One HTML file that needs no other.

use crate::units::counted;
use std::fmt::Write as _;

use crate::report::options::FigureFormat;
use crate::report::plot::figure::Figure;
use crate::report::plot::svg::escape;
use crate::report::plot::table::Table;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Nothing may be fetched: what a page needs is in it.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
/// Rows of a table that a page shows; CSV has all.
const ROWS: usize = 400;

/// A headline number.
pub(super) struct Headline {
    pub name: String,
    pub value: String,
    pub more: String,
}

/// A part of the page.
pub(super) enum Block {
    Figures(Vec<Figure>),
    /// A table that is always open: name of its CSV file, caption.
    Table(String, String, Table),
    /// What is missing, and why.
    Note(String),
}

pub(super) struct Chapter {
    pub id: &'static str,
    pub title: String,
    pub blocks: Vec<Block>,
}

impl Chapter {
    pub fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.blocks.iter().flat_map(|block| match block {
            Block::Figures(figures) => figures.as_slice(),
            _ => &[],
        })
    }
}

pub(super) struct Page {
    pub title: String,
    pub subtitle: String,
    /// What a reader must know before any number.
    pub notice: Option<String>,
    /// The files of every figure.
    pub formats: Vec<FigureFormat>,
    pub headlines: Vec<Headline>,
    pub sections: Vec<Chapter>,
    pub footer: String,
}

impl Page {
    pub fn html(&self) -> String {
        let title = escape(&self.title);
        let mut html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"generator\" content=\"lightloom\">\n\
             <title>{title} – lightloom</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#main\">Skip to the figures</a>\n\
             <header>\n<h1>{title}</h1>\n<p>{}</p>\n</header>\n<nav aria-label=\"Parts of this report\"><ul>\n",
            escape(&self.subtitle)
        );
        for section in &self.sections {
            let (id, title) = (section.id, escape(&section.title));
            writeln!(html, "<li><a href=\"#{id}\">{title}</a></li>").expect("text grows");
        }
        html.push_str("</ul>\n");
        put_contents(&mut html, &self.sections);
        html.push_str("</nav>\n<main id=\"main\">\n");
        if let Some(notice) = &self.notice {
            writeln!(html, "<p class=\"card note\">{}</p>", escape(notice)).expect("text grows");
        }
        html.push_str("<dl class=\"numbers\">\n");
        for Headline { name, value, more } in &self.headlines {
            let [name, value, more] = [name, value, more].map(|text| escape(text));
            writeln!(
                html,
                "<div><dt>{name}</dt><dd>{value}<small>{more}</small></dd></div>"
            )
            .expect("text grows");
        }
        html.push_str("</dl>\n");
        for section in &self.sections {
            let (id, title) = (section.id, escape(&section.title));
            write!(
                html,
                "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>\n"
            )
            .expect("text grows");
            section
                .blocks
                .iter()
                .for_each(|block| put_block(&mut html, block, &self.formats));
            html.push_str("</section>\n");
        }
        write!(
            html,
            "</main>\n<footer><p>{}</p></footer>\n<div id=\"tip\" role=\"status\" hidden></div>\n\
             <script>\n{SCRIPT}</script>\n</body>\n</html>\n",
            escape(&self.footer)
        )
        .expect("text grows");
        html
    }
}

/// A list of all figures, by section, that opens.
fn put_contents(html: &mut String, sections: &[Chapter]) {
    let with_figures: Vec<(&Chapter, Vec<&Figure>)> = sections
        .iter()
        .map(|section| (section, section.figures().collect::<Vec<_>>()))
        .filter(|(_, figures)| !figures.is_empty())
        .collect();
    let count: usize = with_figures.iter().map(|(_, figures)| figures.len()).sum();
    let all = counted(count, "figure");
    write!(
        html,
        "<details class=\"contents\"><summary>List of {all}</summary>\n<ul>\n"
    )
    .expect("text grows");
    for (section, figures) in with_figures {
        write!(html, "<li>{}\n<ul>\n", escape(&section.title)).expect("text grows");
        for Figure { id, title, .. } in figures {
            writeln!(html, "<li><a href=\"#{id}\">{}</a></li>", escape(title)).expect("text grows");
        }
        html.push_str("</ul>\n</li>\n");
    }
    html.push_str("</ul>\n</details>\n");
}

fn put_block(html: &mut String, block: &Block, formats: &[FigureFormat]) {
    match block {
        Block::Figures(figures) => {
            html.push_str("<div class=\"figures\">\n");
            for figure in figures {
                put_figure(html, figure, formats, figures.len() == 1);
            }
            html.push_str("</div>\n");
        }
        Block::Table(name, caption, table) => {
            let region = region(name, caption, table);
            write!(
                html,
                "<div class=\"card long\">\n{region}<p class=\"data\">{}</p>\n</div>\n",
                download(name, table)
            )
            .expect("text grows");
        }
        Block::Note(note) => {
            writeln!(html, "<p class=\"card note\">{}</p>", escape(note)).expect("text grows");
        }
    }
}

fn put_figure(html: &mut String, figure: &Figure, formats: &[FigureFormat], alone: bool) {
    let Figure {
        id,
        title,
        caption,
        control,
        table,
        ..
    } = figure;
    // A number and its percent sign stay on one line.
    let [title, caption] = [title, caption].map(|text| escape(text).replace(" %", "\u{a0}%"));
    let width = match (figure.is_wide, alone) {
        (true, _) => " class=\"wide\"",
        (false, true) => " class=\"alone\"",
        (false, false) => "",
    };
    let files: Vec<String> = formats
        .iter()
        .map(|format| {
            let (ending, name) = (format.name(), format.name().to_uppercase());
            format!(" <a href=\"figures/{id}.{ending}\">{name} file</a>")
        })
        .collect();
    write!(
        html,
        "<figure id=\"{id}\"{width} aria-labelledby=\"{id}-title\">\n<h3 id=\"{id}-title\">{title}</h3>\n{control}\
         <div class=\"picture\">\n{}</div>\n<figcaption id=\"{id}-caption\">{caption}</figcaption>\n\
         <div class=\"data\">\n<details><summary>Data<span class=\"of\"> of this figure</span></summary>\n{}</details>\n{}{}\n</div>\n</figure>\n",
        figure.inline(),
        region(id, &figure.title, table),
        download(id, table),
        files.concat(),
    )
    .expect("text grows");
}

/// A table that scrolls within its own frame, by keys as well.
fn region(name: &str, caption: &str, table: &Table) -> String {
    let (caption, shown) = match table.rows.len() {
        rows if rows > ROWS => (
            format!("{caption}. The first {ROWS} of {rows} rows; the CSV file has all"),
            table.first(ROWS),
        ),
        _ => (caption.to_owned(), table.clone()),
    };
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">\n{}</div>\n",
        escape(&format!("Table {name}")),
        shown.html(&caption)
    )
}

fn download(name: &str, table: &Table) -> String {
    format!(
        "<a download=\"{name}.csv\" href=\"{}\">Download CSV<span class=\"of\"> ({})</span></a>",
        table.address(),
        counted(table.rows.len(), "row")
    )
}
