//! A sweep's folder → a page and its figures.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::args::Common;
use crate::error::Error;
use crate::io;
use crate::report::render;

#[derive(Debug, Args)]
#[command(after_help = "Example: lightloom report results")]
pub struct ReportArgs {
    /// Folder that `lightloom sweep --out` or `lightloom merge --out` filled
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Folder that the experiment's paths are relative to: that of its TOML file. Looked at without it: the current folder, DIR
    /// and the folders above it
    #[arg(long, value_name = "FOLDER")]
    pub from: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

/// Writes `report.html` and `figures/*.svg` into the folder.
pub fn run(args: &ReportArgs) -> Result<()> {
    let manifest = args.folder.join("manifest.json");
    if !manifest.exists() {
        let what = if args.folder.join("trials.journal").exists() {
            "holds an unfinished sweep: run lightloom sweep again with this --out, then the report"
        } else {
            "must be the folder of a finished sweep or merge"
        };
        return Err(Error::format(args.folder.display().to_string(), what).into());
    }
    let page = args.folder.join("report.html");
    io::check_writable(&page)?;
    let roots = match &args.from {
        Some(folder) => vec![folder.clone()],
        None => {
            let here = args.folder.canonicalize();
            let here = here.map_err(|source| Error::io(&args.folder, source))?;
            let above = here.ancestors().map(Path::to_owned);
            std::iter::once(PathBuf::new()).chain(above).collect()
        }
    };
    let rendered = render(&args.folder, &roots)?;
    let figures = args.folder.join("figures");
    std::fs::create_dir_all(&figures).map_err(|source| Error::io(&figures, source))?;
    for figure in &rendered.figures {
        put(figures.join(format!("{}.svg", figure.id)), &figure.svg)?;
    }
    // Last, so that a page never stands beside figures that are missing.
    put(page.clone(), &rendered.html)?;
    if !args.common.quiet {
        eprintln!(
            "wrote {} and {} figures beside it",
            page.display(),
            rendered.figures.len()
        );
    }
    Ok(())
}

fn put(path: PathBuf, text: &str) -> crate::Result<()> {
    io::write_atomic(&path, |writer| {
        writer
            .write_all(text.as_bytes())
            .map_err(|source| Error::io(&path, source))
    })
}
