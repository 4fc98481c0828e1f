//! The rooms of `src/` and the one rule between them: a room imports only from rooms of lower layers.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The page that says which room is in which layer. Within layer 0 the rooms may use each other.
const PAGE: &str = include_str!("../../docs/architecture.md");

/// The layer of a room, by the table of the page; the two crate roots stand on everything.
fn layer(room: &str) -> Option<u32> {
    if matches!(room, "lib" | "main") {
        return Some(u32::MAX);
    }
    let rows = PAGE.lines().filter_map(|line| {
        let (layer, rooms) = line.strip_prefix("| ")?.split_once(" | ")?;
        Some((layer.parse().ok()?, rooms))
    });
    let holds = |rooms: &str| rooms.split('`').skip(1).step_by(2).any(|name| name == room);
    rows.into_iter()
        .find(|(_, rooms)| holds(rooms))
        .map(|(layer, _)| layer)
}

#[derive(Debug, PartialEq)]
pub enum Token {
    Word(String),
    /// `::`
    Colons,
    Mark(char),
}

/// The code of `source` as tokens with their line numbers; comments and literals are left out.
pub fn tokens(source: &str) -> Vec<(usize, Token)> {
    let chars: Vec<char> = source.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let (mut i, mut line) = (0, 1);
    while i < chars.len() {
        let start = i;
        match at(i) {
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => i = after_block_comment(&chars, i),
            '"' => i = after_string(&chars, i),
            // 'x' and '\n' are characters, 'a is a lifetime.
            '\'' if at(i + 1) == '\\' => {
                i += 3;
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            }
            '\'' if at(i + 2) == '\'' => i += 3,
            '\'' => i += 1,
            ':' if at(i + 1) == ':' => {
                found.push((line, Token::Colons));
                i += 2;
            }
            c if is_word(c) => {
                while is_word(at(i)) {
                    i += 1;
                }
                let word: String = chars[start..i].iter().collect();
                let hashes = chars[i..].iter().take_while(|c| **c == '#').count();
                if matches!(word.as_str(), "r" | "br" | "cr") && at(i + hashes) == '"' {
                    i = after_raw_string(&chars, i + hashes + 1, hashes);
                } else {
                    found.push((line, Token::Word(word)));
                }
            }
            c => {
                if !c.is_whitespace() {
                    found.push((line, Token::Mark(c)));
                }
                i += 1;
            }
        }
        let end = i.min(chars.len());
        line += chars[start..end].iter().filter(|c| **c == '\n').count();
    }
    found
}

fn after_block_comment(chars: &[char], mut i: usize) -> usize {
    let mut depth = 0;
    while i < chars.len() {
        match chars[i..].get(..2) {
            Some(['/', '*']) => (depth, i) = (depth + 1, i + 2),
            Some(['*', '/']) => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            break;
        }
    }
    i
}

fn after_string(chars: &[char], start: usize) -> usize {
    let mut i = start + 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

fn after_raw_string(chars: &[char], mut i: usize, hashes: usize) -> usize {
    let closes = |i: usize| {
        chars[i] == '"' && chars[i + 1..].iter().take_while(|c| **c == '#').count() >= hashes
    };
    while i < chars.len() && !closes(i) {
        i += 1;
    }
    i + 1 + hashes
}

/// The first names of the path or `{…}` tree that starts at token `i`.
fn heads(tokens: &[(usize, Token)], mut i: usize) -> Vec<(usize, String)> {
    let mut names = Vec::new();
    let mut depth = 0;
    let mut expected = true;
    while let Some((line, token)) = tokens.get(i) {
        match token {
            Token::Mark('{') => depth += 1,
            Token::Mark('}') => depth -= 1,
            Token::Mark(',') if depth == 1 => expected = true,
            Token::Word(name) if expected => {
                names.push((*line, name.clone()));
                expected = false;
            }
            Token::Mark('*') if expected => {
                names.push((*line, "*".to_owned()));
                expected = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
        i += 1;
    }
    names
}

/// Every name that `source` takes from the crate root, with its line: by `crate::`, `lightloom::`, or so many
/// `super::` that they leave the room. `depth` is that of the file's module below the root.
fn root_names(source: &str, depth: usize) -> Vec<(usize, String)> {
    let tokens = tokens(source);
    let word = |i: usize| match tokens.get(i) {
        Some((_, Token::Word(word))) => word.as_str(),
        _ => "",
    };
    let mark = |i: usize, c: char| matches!(tokens.get(i), Some((_, Token::Mark(m))) if *m == c);
    let colons = |i: usize| matches!(tokens.get(i), Some((_, Token::Colons)));
    let mut names = Vec::new();
    let mut braces = 0;
    let mut inline_modules = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        if mark(i, '{') {
            braces += 1;
            if i >= 2 && word(i - 2) == "mod" {
                inline_modules.push(braces);
            }
        } else if mark(i, '}') {
            if inline_modules.last() == Some(&braces) {
                inline_modules.pop();
            }
            braces -= 1;
        } else if matches!(word(i), "crate" | "lightloom") && colons(i + 1) {
            names.extend(heads(&tokens, i + 2));
        } else if word(i) == "super" && colons(i + 1) {
            let mut ups = 1;
            while word(i + 2) == "super" && colons(i + 3) {
                (ups, i) = (ups + 1, i + 2);
            }
            if ups >= depth + inline_modules.len() {
                names.extend(heads(&tokens, i + 2));
            }
        }
        i += 1;
    }
    names
}

/// What the crate root re-exports, by the room that it comes from: `pub use error::{Error, Result};`.
fn exports(root: &str) -> HashMap<String, String> {
    let tokens = tokens(root);
    let mut rooms = HashMap::new();
    let uses = |token: &(usize, Token)| token.1 == Token::Word("use".to_owned());
    for statement in tokens.split(|(_, token)| *token == Token::Mark(';')) {
        let Some(start) = statement.iter().position(uses) else {
            continue;
        };
        let mut names = statement[start + 1..].iter().filter_map(|(_, t)| match t {
            Token::Word(word) if !matches!(word.as_str(), "crate" | "self" | "as") => Some(word),
            _ => None,
        });
        if let Some(room) = names.next() {
            rooms.extend(names.map(|name| (name.clone(), room.clone())));
        }
    }
    rooms
}

/// What is wrong with the imports of one file of `room`, a sentence each.
fn violations(
    room: &str,
    depth: usize,
    source: &str,
    exports: &HashMap<String, String>,
) -> Vec<String> {
    let Some(own) = layer(room) else {
        return vec![format!("`{room}` is not in the table of rooms")];
    };
    let mut sentences = Vec::new();
    for (line, name) in root_names(source, depth) {
        let target = exports.get(&name).unwrap_or(&name);
        match layer(target) {
            None => sentences.push(format!("line {line}: `{target}` is not a known room")),
            Some(other) if target == room || other < own || (own, other) == (0, 0) => {}
            Some(other) => sentences.push(format!(
                "line {line}: {room} (layer {own}) imports {target} (layer {other})"
            )),
        }
    }
    sentences
}

pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("src/ can be listed") {
        let path = entry.expect("src/ can be listed").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn a_room_imports_only_from_lower_layers() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |path: &Path| std::fs::read_to_string(path).expect("a source file is text");
    let exports = exports(&read(&src.join("lib.rs")));
    let mut wrong = Vec::new();
    let mut imports = 0;
    for path in rust_files(&src) {
        let inner = path.strip_prefix(&src).expect("it lies in src/");
        let mut module: Vec<_> = inner
            .with_extension("")
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        let room = module[0].clone();
        if module.last().is_some_and(|last| last == "mod") {
            module.pop();
        }
        let depth = if layer(&room) == Some(u32::MAX) {
            0
        } else {
            module.len()
        };
        let source = read(&path);
        imports += root_names(&source, depth).len();
        let found = violations(&room, depth, &source, &exports);
        wrong.extend(
            found
                .into_iter()
                .map(|s| format!("src/{}: {s}", inner.display())),
        );
    }
    assert!(imports > 20, "only {imports} imports were found in src/");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn imports_upward_sideways_and_from_unknown_rooms_are_found() {
    let exports = exports("pub use hardware::{Chip, Hardware as Kind};\npub use error::Error;");
    let of_mesh = |source: &str| violations("mesh", 2, source, &exports).len();
    for wrong in [
        "use crate::compile::Program;",
        "use crate::nn;",
        "use crate::{\n    error::Result,\n    processor::{self, Processor},\n};",
        "fn f() -> crate::Chip { fabricate() }",
        "fn f(k: crate::Kind) {}",
        "use super::super::compile;",
        "mod tests { use super::super::super::compile; }",
        "pub(in crate::cli) fn f() {}",
        "use crate::tensors::Tensor;",
        "use crate::*;",
        r##"const A: &str = r#"" "#; use crate::nn;"##,
        "const QUOTE: char = '\"'; fn f<'a>(x: &'a str) { crate::nn::g(x) }",
    ] {
        assert_eq!(of_mesh(wrong), 1, "{wrong}");
    }
    for right in [
        "use crate::{error::{Context, Result}, linalg::Matrix};",
        "use crate::mesh::Mesh; use crate::Error;",
        "mod tests { use super::super::geometry; }",
        "// use crate::nn;",
        "/* use /* crate::nn */ crate::nn; */",
        "/// [`Program`](crate::compile::Program)\nfn f() {}",
        r#"const A: &str = "\" crate::nn";"#,
    ] {
        assert_eq!(of_mesh(right), 0, "{right}");
    }
}

#[test]
fn rooms_of_layer_0_may_use_each_other_and_nothing_else() {
    let none = HashMap::new();
    assert!(violations("rng", 1, "use crate::error::Result;", &none).is_empty());
    assert_eq!(
        violations("rng", 1, "use crate::linalg::C64;", &none).len(),
        1
    );
    assert_eq!(violations("utils", 1, "", &none).len(), 1);
}
