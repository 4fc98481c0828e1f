//! The command line: arguments → library calls → files; errors → sentences.
//!
//! Data goes to stdout or the named file, progress to stderr. Exit codes: 0 ok, 1 a check failed, 2 usage or data
//! error with one line on stderr.

mod args;
mod bench;
mod demo;
mod export;
mod inspect;
mod merge;
mod mesh;
mod network;
mod open;
mod output;
mod report;
mod scaling;
mod sweep;
mod validate;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use args::{Cli, Command, Common};

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => return refuse(&usage(&error.to_string())),
        Err(help_or_version) => {
            let _ = help_or_version.print();
            return ExitCode::SUCCESS;
        }
    };
    match run(cli) {
        Ok(code) => code,
        // The reader of our output has seen enough (`lightloom … | head`).
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => refuse(&match error.downcast_ref::<crate::Error>() {
            // Ours say everything themselves.
            Some(ours) => ours.to_string(),
            None => format!("{error:#}"),
        }),
    }
}

/// One line on stderr, exit code 2.
fn refuse(message: &str) -> ExitCode {
    let lines: Vec<&str> = message.lines().map(str::trim).collect();
    eprintln!("error: {}", lines.join(" ").trim());
    ExitCode::from(2)
}

/// What clap says of wrong arguments, without its summary of the usage.
fn usage(message: &str) -> String {
    let said = message.split("\nUsage:").next().unwrap_or(message);
    let said = said.split("\nFor more information").next().unwrap_or(said);
    let said = said.trim().trim_start_matches("error: ");
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    format!("{} (see lightloom --help)", lines.join(" "))
}

fn run(cli: Cli) -> Result<ExitCode> {
    let command = cli.command.unwrap_or_default();
    let threads = command.common().threads;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.into())
        .build()?;
    pool.install(|| {
        match command {
            Command::Validate(args) => return validate::run(&args),
            Command::Demo(args) => demo::run(&args),
            Command::Bench(args) => bench::run(&args),
            Command::Decompose(args) => mesh::decompose(&args),
            Command::Matrix(args) => mesh::matrix(&args),
            Command::Apply(args) => mesh::apply(&args),
            Command::Draw(args) => mesh::draw(&args),
            Command::Compile(args) => network::compile(&args),
            Command::Infer(args) => network::infer(&args),
            Command::Sweep(args) => sweep::run(&args),
            Command::Merge(args) => merge::run(&args),
            Command::Inspect(args) => inspect::run(&args),
            Command::Export(args) => export::run(&args),
            Command::Report(args) => report::run(&args),
        }?;
        Ok(ExitCode::SUCCESS)
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

impl Common {
    /// A progress bar of `length` steps on stderr, hidden where stderr is no terminal.
    fn progress(&self, length: usize, what: &'static str) -> indicatif::ProgressBar {
        if self.quiet {
            return indicatif::ProgressBar::hidden();
        }
        let style = indicatif::ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} {eta}")
            .expect("the template is valid");
        let bar = indicatif::ProgressBar::new(length as u64).with_style(style);
        bar.set_message(what);
        bar
    }
}
