//! What a shell and `man` are told: completions and pages, both from the definition of the arguments.

use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_mangen::Man;

use super::args::{Cli, CompletionsArgs, ManArgs};
use super::output;
use crate::error::Error;

/// What stands in the foot of every page.
const SOURCE: &str = concat!("lightloom ", env!("CARGO_PKG_VERSION"));

pub fn completions(args: &CompletionsArgs) -> Result<()> {
    output::write(&args.output, "", &[], || {
        let mut script = Vec::new();
        clap_complete::generate(args.shell, &mut Cli::command(), "lightloom", &mut script);
        Ok(script)
    })
}

pub fn man(args: &ManArgs) -> Result<()> {
    let pages = pages();
    match (&args.out, &args.command) {
        (Some(folder), _) => {
            std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            for page in &pages {
                let path = folder.join(page.get_filename());
                output::write(&path, "", &[], || Ok(render(page)?))?;
            }
            Ok(())
        }
        (None, command) => {
            let file = match command {
                Some(name) => format!("lightloom-{name}.1"),
                None => "lightloom.1".to_owned(),
            };
            let found = pages.iter().find(|page| page.get_filename() == file);
            let page = found.ok_or_else(|| {
                let root = Cli::command();
                let names: Vec<&str> = root
                    .get_subcommands()
                    .map(clap::Command::get_name)
                    .collect();
                Error::unknown("command", command.as_deref().unwrap_or_default(), &names)
            })?;
            output::write(Path::new("-"), "", &[], || Ok(render(page)?))
        }
    }
}

/// The page of lightloom, then that of every command.
fn pages() -> Vec<Man> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let commands: Vec<clap::Command> = root.get_subcommands().cloned().collect();
    std::iter::once(root)
        .chain(commands)
        .map(|command| Man::new(command).source(SOURCE).manual("lightloom"))
        .collect()
}

fn render(page: &Man) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    page.render(&mut text)?;
    Ok(text)
}
