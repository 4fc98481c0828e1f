//! Our values beside those of analysis, other packages and papers.

use std::cell::RefCell;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::common::args::Common;
use super::common::output;
use super::{DONE, FAILED};
use crate::validation::{Document, SECTIONS, Section, markdown, stale_line};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom validate\n  lightloom validate --write validation.md --json validation.json\n\nExit code 1 if a value is not what it must be."
)]
pub(super) struct ValidateArgs {
    /// Write the page to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Write every value, its reference and whether it holds as JSON to this file; - is stdout
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Also fail if this file is not the page of this version: other text or references, or values that are off by
    /// more than half their tolerance, as last digits depend on the type of CPU
    #[arg(long, value_name = "FILE")]
    pub check: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

/// Computes every case; exit code 1 if one fails or the page to check is stale.
pub fn run(args: &ValidateArgs) -> Result<u8> {
    if let (Some(json), Some(page)) = (&args.json, &args.write) {
        output::check_differs("--json", json, page, "that of --write")?;
    }
    let mut code = DONE;
    let page = RefCell::new(String::new());
    let compute = || {
        let sections = compute(args);
        code = verdict(&sections, args)?;
        page.replace(markdown(&sections));
        Ok(sections)
    };
    let document = |sections: &Vec<Section>| output::json(&Document::new(sections));
    let json = args.json.as_deref();
    match &args.write {
        Some(path) => output::write(path, "md", &[], || {
            output::report(json, &[], compute, document, |_| Ok(()))?;
            Ok(page.take().into_bytes())
        }),
        None => output::report(json, &[], compute, document, |_| {
            Ok(write!(std::io::stdout().lock(), "{}", page.take())?)
        }),
    }?;
    Ok(code)
}

fn compute(args: &ValidateArgs) -> Vec<Section> {
    let bar = args.common.progress(SECTIONS.len(), "sections");
    let sections = SECTIONS.iter().map(|chapter| {
        let section = (chapter.compute)();
        bar.inc(1);
        section
    });
    let sections = sections.collect();
    bar.finish_and_clear();
    sections
}

fn verdict(sections: &[Section], args: &ValidateArgs) -> Result<u8> {
    let mut stderr = std::io::stderr().lock();
    let mut holds = true;
    for case in sections.iter().flat_map(|section| &section.cases) {
        if !case.holds() {
            writeln!(
                stderr,
                "failed: {}: {} is not {:?}",
                case.name, case.ours, case.expected
            )?;
            holds = false;
        }
    }
    if let Some(path) = &args.check {
        let page = String::from_utf8_lossy(output::source(path)?.bytes()).into_owned();
        if let Some(line) = stale_line(&page, sections) {
            let path = path.display();
            writeln!(
                stderr,
                "failed: {path} is not the page of this version: it does not have the line `{line}`"
            )?;
            holds = false;
        }
    }
    Ok(if holds { DONE } else { FAILED })
}
