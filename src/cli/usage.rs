//! What is said of wrong arguments.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};

use super::command::Cli;

/// What clap says of the command line `args`, without its summary of the usage; or what was meant, where a word stands in a
/// wrong place.
pub fn words(error: &clap::Error, args: &[OsString]) -> String {
    let args: Vec<String> = args
        .iter()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let root = Cli::command();
    let first = args.get(1).map(String::as_str).unwrap_or_default();
    let command = root.find_subcommand(first);
    let said = command
        .and_then(|command| {
            output_flag(error, command).or_else(|| misplaced(error, command, &args))
        })
        .unwrap_or_else(|| plain(&error.to_string()));
    let name = command.map_or_else(String::new, |command| format!(" {}", command.get_name()));
    format!("{said} (see lightloom{name} --help)")
}

fn plain(message: &str) -> String {
    let said = message.split("\nUsage:").next().unwrap_or(message);
    let said = said.split("\nFor more information").next().unwrap_or(said);
    let said = said.trim().trim_start_matches("error: ");
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join(" ")
}

/// What names the output of a command that was given the flag of others.
fn output_flag(error: &clap::Error, command: &Command) -> Option<String> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    if !matches!(&**flag, "-o" | "--output" | "--out") {
        return None;
    }
    let has = |id: &str| command.get_arguments().any(|one| one.get_id() == id);
    let name = command.get_name();
    Some(match name {
        "report" => format!(
            "{flag}: is no flag of report, which writes into the folder of the sweep: must be lightloom report DIR"
        ),
        _ if has("out") => format!("{flag}: is no flag of {name}: must be --out FOLDER"),
        _ if has("output") => format!("{flag}: is no flag of {name}: must be -o FILE"),
        _ => return None,
    })
}

/// Where a word that is one too many should stand: behind a flag that is missing, or behind `=`.
fn misplaced(error: &clap::Error, command: &Command, args: &[String]) -> Option<String> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    if word.starts_with('-') {
        return None;
    }
    let place = args.iter().rposition(|arg| arg == word)?;
    if let [.., set, key] = &args[..place]
        && set == "--set"
        && !key.contains('=')
    {
        return Some(format!("--set {key} {word}: must be --set {key}={word}"));
    }
    // The flag that clap would ask for next.
    let missing = |id: &str, flags: &[&str]| {
        let is_needed = command
            .get_arguments()
            .any(|argument| argument.get_id() == id && argument.is_required_set());
        let is_given = args.iter().any(|arg| {
            flags.iter().any(|flag| {
                arg.strip_prefix(flag)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
            })
        });
        is_needed && !is_given
    };
    let flag = [
        ("data", &["--data"][..]),
        ("output", &["-o", "--output"]),
        ("out", &["--out"]),
    ]
    .into_iter()
    .find(|(id, flags)| missing(id, flags))?
    .1[0];
    Some(format!(
        "{word}: is one file too many: must be {flag} {word}"
    ))
}
