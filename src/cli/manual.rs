//! What a shell and `man` are told: completions and pages, both from the definition of the arguments.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use clap_mangen::Man;

use super::common::args::Common;
use super::common::output;
use crate::error::Error;

/// What stands in the foot of every page.
const SOURCE: &str = concat!("lightloom ", env!("CARGO_PKG_VERSION"));

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom completions bash -o ~/.local/share/bash-completion/completions/lightloom\n  lightloom completions zsh -o ~/.zfunc/_lightloom\n  lightloom completions fish -o ~/.config/fish/completions/lightloom.fish"
)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
    /// File to write; - is stdout
    #[arg(short, long, default_value = "-", value_name = "FILE")]
    pub output: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom man --out ~/.local/share/man/man1\n  lightloom man infer > lightloom-infer.1"
)]
pub(super) struct ManArgs {
    /// The command whose page is printed; that of lightloom itself by default
    #[arg(conflicts_with = "out")]
    pub command: Option<String>,
    /// Write the pages of lightloom and of all its commands to this folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

/// Completions of the command line `root`.
pub fn completions(args: &CompletionsArgs, mut root: clap::Command) -> Result<()> {
    output::write(&args.output, "", &[], || {
        let mut script = Vec::new();
        clap_complete::generate(args.shell, &mut root, "lightloom", &mut script);
        Ok(script)
    })
}

/// Manual pages of the command line `root`.
pub fn man(args: &ManArgs, root: clap::Command) -> Result<()> {
    let pages = pages(root.clone());
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
fn pages(root: clap::Command) -> Vec<Man> {
    let mut root = root.disable_help_subcommand(true);
    root.build();
    let commands: Vec<clap::Command> = root.get_subcommands().cloned().collect();
    std::iter::once(root)
        .chain(commands)
        .map(|mut command| {
            // As in the help: what must be given is told from options, with its value.
            let usage = command.render_usage().to_string();
            let usage = usage.trim_start_matches("Usage: ").to_owned();
            let command = command.override_usage(usage);
            Man::new(command).source(SOURCE).manual("lightloom")
        })
        .collect()
}

fn render(page: &Man) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    page.render(&mut text)?;
    // What follows the options in our help are examples.
    let text = String::from_utf8(text).expect("a page is text");
    Ok(text.replace(".SH EXTRA\n", ".SH EXAMPLES\n").into_bytes())
}
