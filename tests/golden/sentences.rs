//! Sentences by the test that heard them and by what it asked: the files of this folder.
//!
//! `LIGHTLOOM_WRITE_ERRORS=1 cargo test` writes them, so that a change of wording is one diff to read.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Sentences by test and by what was asked.
type Sentences = BTreeMap<(String, String), Vec<String>>;

/// One file of sentences, which stays as it is or is written anew.
pub struct Golden {
    file: &'static str,
    read: OnceLock<Sentences>,
    heard: Mutex<Sentences>,
}

impl Golden {
    /// The sentences of `file`, a path from the root of the crate.
    pub const fn new(file: &'static str) -> Self {
        Self {
            file,
            read: OnceLock::new(),
            heard: Mutex::new(BTreeMap::new()),
        }
    }

    /// Fails unless the file has the sentence `said` for what this test `asked`.
    ///
    /// What is asked several times may be answered otherwise each time: then the order counts.
    #[track_caller]
    pub fn check(&self, asked: &str, said: impl Display) {
        let test = std::thread::current().name().unwrap_or("main").to_owned();
        let key = (test, in_one_line(asked));
        let said = in_one_line(&said.to_string());
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = heard.entry(key.clone()).or_default();
        if answers.last() != Some(&said) {
            answers.push(said.clone());
        }
        let place = answers.len() - 1;
        if std::env::var_os("LIGHTLOOM_WRITE_ERRORS").is_some() {
            return self.write(&heard);
        }
        drop(heard);
        let sentences = || parse(&std::fs::read_to_string(self.path()).unwrap_or_default());
        let known = self.read.get_or_init(sentences).get(&key);
        assert!(
            known.is_some_and(|known| known.get(place) == Some(&said)),
            "{key:?} says\n{said}\nand {} has\n{known:?}\n(LIGHTLOOM_WRITE_ERRORS=1 cargo test writes it)",
            self.file
        );
    }

    fn path(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(self.file)
    }

    fn write(&self, sentences: &Sentences) {
        let mut text = String::new();
        let mut before = "";
        for ((test, asked), said) in sentences {
            if test != before {
                text += &format!("{}# {test}\n", if before.is_empty() { "" } else { "\n" });
                before = test;
            }
            text += &format!("$ {asked}\n");
            said.iter().for_each(|said| text += &format!("{said}\n"));
        }
        std::fs::write(self.path(), text).unwrap();
    }
}

fn in_one_line(text: &str) -> String {
    text.replace('\n', "\\n")
}

fn parse(text: &str) -> Sentences {
    let mut sentences = Sentences::new();
    let (mut test, mut asked) = (String::new(), String::new());
    for line in text.lines() {
        match line.split_at_checked(2) {
            Some(("# ", name)) => test = name.to_owned(),
            Some(("$ ", words)) => asked = words.to_owned(),
            _ if line.is_empty() => {}
            _ => {
                let key = (test.clone(), asked.clone());
                sentences.entry(key).or_default().push(line.to_owned());
            }
        }
    }
    sentences
}
