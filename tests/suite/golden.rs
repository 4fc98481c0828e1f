//! The wording of errors: every sentence with which a command refuses something stands in one file.
//!
//! `LIGHTLOOM_WRITE_ERRORS=1 cargo test --test suite` writes it: a change of wording is then one diff to read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

/// Sentences by test and command line.
type Sentences = BTreeMap<(String, String), Vec<String>>;

static READ: LazyLock<Sentences> =
    LazyLock::new(|| parse(&std::fs::read_to_string(path()).unwrap_or_default()));
static WRITTEN: Mutex<Sentences> = Mutex::new(BTreeMap::new());

fn root() -> &'static str {
    env!("CARGO_MANIFEST_DIR")
}

fn path() -> PathBuf {
    Path::new(root()).join("tests/golden/errors.txt")
}

fn parse(text: &str) -> Sentences {
    let mut sentences = Sentences::new();
    let (mut test, mut command) = (String::new(), String::new());
    for line in text.lines() {
        match line.split_at_checked(2) {
            Some(("# ", name)) => test = name.to_owned(),
            Some(("$ ", words)) => command = words.to_owned(),
            _ if line.is_empty() => {}
            _ => {
                let key = (test.clone(), command.clone());
                sentences.entry(key).or_default().push(line.to_owned());
            }
        }
    }
    sentences
}

fn write(sentences: &Sentences) {
    let mut text = String::new();
    let mut before = "";
    for ((test, command), said) in sentences {
        if test != before {
            text += &format!("{}# {test}\n", if before.is_empty() { "" } else { "\n" });
            before = test;
        }
        text += &format!("$ {command}\n");
        said.iter().for_each(|said| text += &format!("{said}\n"));
    }
    std::fs::create_dir_all(path().parent().unwrap()).unwrap();
    std::fs::write(path(), text).unwrap();
}

/// Fails unless the file has `said` for `lightloom arguments…`, which this test ran in `folder`.
pub fn check(folder: &Path, arguments: &[&str], said: &str) {
    let place = folder.display().to_string();
    // Where things lie on this machine is no wording.
    let plain = |text: &str| {
        let text = text
            .trim_end()
            .replace(&place, "FOLDER")
            .replace(root(), "ROOT");
        text.replace('\n', "\\n")
    };
    let test = std::thread::current().name().unwrap_or("main").to_owned();
    let command = arguments.iter().map(|word| plain(word));
    let key = (test, command.collect::<Vec<_>>().join(" "));
    let said = plain(said);
    if std::env::var_os("LIGHTLOOM_WRITE_ERRORS").is_some() {
        let mut written = WRITTEN.lock().unwrap();
        let known = written.entry(key).or_default();
        if !known.contains(&said) {
            known.push(said);
            known.sort();
        }
        return write(&written);
    }
    let known = READ.get(&key);
    assert!(
        known.is_some_and(|known| known.contains(&said)),
        "{key:?} says\n{said}\nand tests/golden/errors.txt has\n{known:?}\n(LIGHTLOOM_WRITE_ERRORS=1 cargo test --test suite \
         writes it)"
    );
}
