//! Our values beside those of analysis, other packages and papers.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;

use super::args::ValidateArgs;
use super::output;
use crate::validation::{SECTIONS, Section, markdown, stale_line};

/// Computes every case; exit code 1 if one fails or the page to check is stale.
pub fn run(args: &ValidateArgs) -> Result<ExitCode> {
    match &args.write {
        Some(path) => {
            let mut code = ExitCode::SUCCESS;
            output::write(path, &[], || {
                let sections = compute(args);
                code = verdict(&sections, args)?;
                Ok(markdown(&sections).into_bytes())
            })?;
            Ok(code)
        }
        None => {
            let sections = compute(args);
            write!(std::io::stdout().lock(), "{}", markdown(&sections))?;
            verdict(&sections, args)
        }
    }
}

fn compute(args: &ValidateArgs) -> Vec<Section> {
    let bar = args.common.progress(SECTIONS.len(), "sections");
    let sections = SECTIONS.iter().map(|section| {
        let section = section();
        bar.inc(1);
        section
    });
    let sections = sections.collect();
    bar.finish_and_clear();
    sections
}

fn verdict(sections: &[Section], args: &ValidateArgs) -> Result<ExitCode> {
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
        let page = String::from_utf8_lossy(&output::read(path)?).into_owned();
        if let Some(line) = stale_line(&page, sections) {
            let path = path.display();
            writeln!(
                stderr,
                "failed: {path} is not the page of this version: it does not have the line `{line}`"
            )?;
            holds = false;
        }
    }
    Ok(if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
