//! The wording of errors: every sentence with which a command or a function refuses something stands in one file.

#[path = "../golden/sentences.rs"]
mod sentences;

use std::path::Path;

static ERRORS: sentences::Golden = sentences::Golden::new("tests/golden/errors.txt");

/// Fails unless the file has `said` for `lightloom arguments…`, which this test ran in `folder`.
#[track_caller]
pub fn check(folder: &Path, arguments: &[&str], said: &str) {
    let command: Vec<String> = arguments.iter().map(|word| plain(folder, word)).collect();
    ERRORS.check(&command.join(" "), plain(folder, said));
}

/// Fails unless the file has the sentence of `error` for what this test `asked`; paths may lie in `folder`.
#[track_caller]
pub fn check_error(folder: &Path, asked: &str, error: &lightloom::Error) {
    ERRORS.check(&plain(folder, asked), plain(folder, &error.to_string()));
}

/// The words without where things lie on this machine.
fn plain(folder: &Path, text: &str) -> String {
    let text = text.trim_end();
    let text = text.replace(&folder.display().to_string(), "FOLDER");
    text.replace(env!("CARGO_MANIFEST_DIR"), "ROOT")
        .replace('\n', "\\n")
}
