//! A sweep's folder → a page and its figures.

mod figure_args;
mod paper;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use self::figure_args::FigureArgs;
use self::paper::Paper;
use super::common::args::Common;
use crate::error::Error;
use crate::io;
use crate::io::hash::{sha256, sha256_of_file};
use crate::report::{FigureFormat, render};
use crate::train::STATE;
use crate::units::counted;

/// Beside the figures: which files this command wrote, so that the next report removes those that it does not write again.
const WRITTEN: &str = "figures.json";

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom report results\n  lightloom report results --format pdf,svg --width 85mm --ylim 80,100 --xlabel σ_θ"
)]
pub(super) struct ReportArgs {
    /// Folder that `lightloom sweep --out` or `lightloom merge --out` filled; of a sweep that has not ended it is a preview
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Folder that the experiment's paths are relative to: that of its TOML file. Looked at without it: the current folder, DIR
    /// and the folders above it
    #[arg(long, value_name = "FOLDER")]
    pub from: Option<PathBuf>,
    #[command(flatten)]
    pub figures: FigureArgs,
    #[command(flatten)]
    pub common: Common,
}

/// Writes `report.html` and the files of `figures` into the folder, and removes figures of an earlier report there.
pub fn run(args: &ReportArgs) -> Result<()> {
    if !args.folder.is_dir() {
        return Err(no_folder(&args.folder).into());
    }
    let is_training = args.folder.join(STATE).exists();
    if is_training && !args.folder.join("trials.journal").exists() {
        let what = "holds a training that has not ended: lightloom train EXPERIMENT.toml --out this folder goes on with it";
        return Err(Error::format(args.folder.display().to_string(), what).into());
    }
    let page = args.folder.join("report.html");
    io::check_writable(&page)?;
    let options = args.figures.options();
    let mut rendered = render(&args.folder, args.from.as_deref(), &options)?;
    let folder = args.folder.join("figures");
    std::fs::create_dir_all(&folder).map_err(|source| Error::io(&folder, source))?;
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut missing = BTreeSet::new();
    for figure in &rendered.figures {
        let name = |format: FigureFormat| format!("{}.{}", figure.id, format.name());
        // Without a width SVG is what the page shows, and needs no letters.
        if options.formats == [FigureFormat::Svg] && options.width_mm.is_none() {
            files.insert(name(FigureFormat::Svg), figure.svg.clone().into_bytes());
            continue;
        }
        let paper = Paper::new(figure, &options);
        for format in &options.formats {
            let file = match (format, options.width_mm) {
                (FigureFormat::Svg, None) => figure.svg.clone().into_bytes(),
                _ => paper.file(*format),
            };
            files.insert(name(*format), file);
        }
        if options.formats != [FigureFormat::Svg] {
            missing.extend(paper.missing().chars());
        }
    }
    if !missing.is_empty() {
        let letters: String = missing.iter().collect();
        rendered.notes.push(format!(
            "The font of PDF and PNG does not have {letters}: boxes stand there. SVG has every letter."
        ));
    }
    let written: BTreeMap<&str, String> = files
        .iter()
        .map(|(name, bytes)| (name.as_str(), sha256(bytes)))
        .collect();
    let mut known = earlier(&folder);
    let outdated: Vec<(String, String)> = known
        .iter()
        .filter(|(name, _)| !files.contains_key(*name))
        .map(|(n, s)| (n.clone(), s.clone()))
        .collect();
    // Both old and new names until all is written: a command that is stopped between forgets none.
    known.extend(
        written
            .iter()
            .map(|(name, sha256)| (name.to_string(), sha256.clone())),
    );
    let list = folder.join(WRITTEN);
    put(&list, json(&known).as_bytes())?;
    for (name, bytes) in &files {
        put(&folder.join(name), bytes)?;
    }
    for (name, sha256) in outdated {
        remove_own(&folder.join(name), &sha256)?;
    }
    put(&list, json(&written).as_bytes())?;
    // Last, so that a page never stands beside figures that are missing.
    put(&page, rendered.html.as_bytes())?;
    if !args.common.quiet {
        for note in &rendered.notes {
            eprintln!("note: {note}");
        }
        let figures = counted(rendered.figures.len(), "figure");
        eprintln!("wrote {} and {figures} beside it", page.display());
    }
    Ok(())
}

/// The error for a `path` that is no folder.
fn no_folder(path: &Path) -> Error {
    let wanted = "must be the folder that lightloom sweep --out or lightloom merge --out filled";
    let reason = match path.exists() {
        true => format!("is a file: {wanted}"),
        false => {
            let near = io::nearest_file(path).filter(|near| near.is_dir());
            let meant = near.map(|near| format!(" (did you mean {}?)", near.display()));
            format!(
                "there is no such folder: {wanted}{}",
                meant.unwrap_or_default()
            )
        }
    };
    Error::format(path.display().to_string(), reason)
}

/// Names and SHA-256 of the figures that an earlier report wrote into `folder`; none where it left no list that can be read.
fn earlier(folder: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(folder.join(WRITTEN)).unwrap_or_default();
    let listed: BTreeMap<String, String> = serde_json::from_str(&text).unwrap_or_default();
    // A list that somebody changed must not lead out of the folder.
    let is_figure = |name: &str| {
        let ending = Path::new(name).extension();
        Path::new(name).file_name() == Some(name.as_ref())
            && FigureFormat::ALL
                .iter()
                .any(|format| ending == Some(format.name().as_ref()))
    };
    listed
        .into_iter()
        .filter(|(name, _)| is_figure(name))
        .collect()
}

/// Removes the file at `path` if it still is what was written there.
fn remove_own(path: &Path, sha256: &str) -> Result<()> {
    if sha256_of_file(path).is_ok_and(|(_, found)| found == *sha256) {
        std::fs::remove_file(path).map_err(|source| Error::io(path, source))?;
    }
    Ok(())
}

fn json(files: &BTreeMap<impl serde::Serialize + Ord, String>) -> String {
    serde_json::to_string_pretty(files).expect("names and digests are JSON") + "\n"
}

fn put(path: &Path, bytes: &[u8]) -> crate::Result<()> {
    io::write_atomic(path, |writer| {
        writer
            .write_all(bytes)
            .map_err(|source| Error::io(path, source))
    })
}
