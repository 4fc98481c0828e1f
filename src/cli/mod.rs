//! The command line: arguments → library calls → files; errors → sentences.
//!
//! Data goes to stdout or the named file, progress to stderr. Exit codes: 0 ok, 1 a check failed, 2 usage or data
//! error with one line on stderr, 130 work that Ctrl-C has stopped.

mod bench;
mod command;
mod common;
mod compile;
mod demo;
#[cfg(feature = "onnx")]
mod generate;
mod infer;
mod inspect;
mod laboratory;
mod manual;
mod mesh;
mod report;
mod sweep;
mod train;
mod usage;
mod validate;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser};

use command::{Cli, Command};
use common::watch;

use crate::io;

/// Work is done.
const DONE: u8 = 0;

/// A check failed.
const FAILED: u8 = 1;

/// A usage or data error.
const REFUSED: u8 = 2;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    ExitCode::from(main_of(std::env::args_os()))
}

/// Runs the command line `words`, the first of which is what the command is called, and returns its exit code.
pub fn main_of(words: impl IntoIterator<Item = OsString>) -> u8 {
    let words: Vec<OsString> = words.into_iter().collect();
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => return refuse(&usage::words(&error, &words)),
        Err(help_or_version) => {
            let _ = help_or_version.print();
            return DONE;
        }
    };
    match run(cli) {
        Ok(code) => code,
        // The reader of our output has seen enough (`lightloom … | head`).
        Err(error) if is_broken_pipe(&error) => DONE,
        Err(error) if matches!(error.downcast_ref(), Some(crate::Error::Stopped)) => {
            eprintln!("{error}");
            watch::STOPPED
        }
        Err(error) => refuse(&match error.downcast_ref::<crate::Error>() {
            // Ours say everything themselves.
            Some(ours) => format!("{ours}{}", remedy(ours)),
            None => {
                let causes = error.chain().map(|cause| match cause.downcast_ref() {
                    Some(io) => crate::error::plain_io(io),
                    None => cause.to_string(),
                });
                causes.collect::<Vec<_>>().join(": ")
            }
        }),
    }
}

/// One line on stderr, exit code 2.
fn refuse(message: &str) -> u8 {
    let lines: Vec<&str> = message.lines().map(str::trim).collect();
    eprintln!("error: {}", printable(lines.join(" ").trim()));
    REFUSED
}

/// `text` with its control characters spelt out: a terminal obeys those of a file's name.
fn printable(text: &str) -> String {
    let spell = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(spell).collect()
}

/// What would mend a path that leads nowhere: the folder that is missing, or the file that was meant.
fn remedy(error: &crate::Error) -> String {
    let mut error = error;
    while let crate::Error::Within { source, .. } = error {
        error = source;
    }
    let crate::Error::Io { path, source } = error else {
        return String::new();
    };
    if source.kind() != std::io::ErrorKind::NotFound {
        return String::new();
    }
    let path = Path::new(path);
    let folder = io::folder_of(path);
    if !folder.exists() {
        return format!(" (there is no folder {})", folder.display());
    }
    io::nearest_file(path).map_or_else(String::new, |file| {
        format!(" (did you mean {}?)", file.display())
    })
}

fn run(cli: Cli) -> Result<u8> {
    let command = cli.command.unwrap_or_default();
    let threads = command.common().threads;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.into())
        .build()?;
    pool.install(|| {
        match command {
            Command::Validate(args) => return validate::run(&args),
            Command::Twin(args) => return laboratory::twin::twin(&args),
            Command::Measure(args) => laboratory::twin::measure(&args),
            Command::Demo(args) => demo::run(&args),
            Command::Bench(args) => bench::run(&args),
            Command::Decompose(args) => mesh::decompose(&args),
            Command::Matrix(args) => mesh::matrix(&args),
            Command::Apply(args) => mesh::apply(&args),
            Command::Correct(args) => laboratory::correct::run(&args),
            Command::Draw(args) => mesh::draw(&args),
            Command::Compile(args) => compile::run(&args),
            Command::Infer(args) => infer::run(&args),
            #[cfg(feature = "onnx")]
            Command::Generate(args) => generate::run(&args),
            Command::Sweep(args) => sweep::run(&args),
            Command::Train(args) => train::train(&args),
            Command::Tune(args) => train::tune(&args),
            Command::Merge(args) => sweep::merge(&args),
            Command::Inspect(args) => inspect::run(&args),
            Command::Chip(args) => laboratory::export::chip(&args),
            Command::Export(args) => laboratory::export::run(&args),
            Command::Report(args) => report::run(&args),
            Command::Completions(args) => manual::completions(&args, Cli::command()),
            Command::Man(args) => manual::man(&args, Cli::command()),
        }?;
        Ok(match watch::is_stopped() {
            true => watch::STOPPED,
            false => DONE,
        })
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The command lines that the help of `command` shows.
    fn examples(command: &clap::Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        let lines = help
            .lines()
            .map(|line| line.trim_start_matches("Example: ").trim());
        let shown = lines.filter(|line| line.starts_with("lightloom "));
        shown.map(str::to_owned).collect()
    }

    #[test]
    fn the_examples_of_every_help_are_valid() {
        let root = Cli::command();
        root.clone().debug_assert();
        let commands = root.get_subcommands().chain([&root]);
        for command in commands {
            let name = command.get_name();
            let shown = examples(command);
            assert!(!shown.is_empty(), "{name} has no example");
            for line in shown {
                // What a shell would take away.
                let words = line
                    .split_whitespace()
                    .take_while(|word| !matches!(*word, ">" | "|"));
                match Cli::try_parse_from(words) {
                    Ok(_) => {}
                    Err(error) => assert!(!error.use_stderr(), "{line}: {error}"),
                }
                assert!(name == "lightloom" || line.starts_with(&format!("lightloom {name}")));
            }
        }
    }

    #[test]
    fn every_argument_is_explained() {
        for command in Cli::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                let id = argument.get_id();
                assert!(argument.get_help().is_some(), "{} {id}", command.get_name());
            }
        }
    }
}
