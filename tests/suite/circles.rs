//! Files of one folder: none imports itself by way of others, and where they are many they have rooms of their own.
//!
//! A folder's `mod.rs`, or the file of its name beside it, is its face: it knows what is in the folder and is known by it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::rooms::{Token, rust_files, tokens};

/// Files beside `mod.rs` that a folder holds at most.
const FILES: usize = 12;

/// A module or what stands in it, from the crate root: `mesh`, `coefficients`, `Prepared`.
type Name = Vec<String>;

/// What a file says of others.
#[derive(Default)]
struct Module {
    /// Every name that it brings in with `use`, and what it stands for.
    uses: Vec<(String, Name)>,
    /// Every other name of several parts.
    spelt: Vec<Name>,
}

/// The files of `src/` by their modules, without their tests.
struct Crate(BTreeMap<Name, Module>);

/// What `start` imports, and what that imports.
fn reach<'a>(imports: &'a BTreeMap<String, BTreeSet<String>>, start: &'a str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next = vec![start];
    while let Some(from) = next.pop() {
        let to = imports.get(from).into_iter().flatten();
        next.extend(to.map(String::as_str).filter(|to| reached.insert(*to)));
    }
    reached
}

/// `tokens` without the items that are compiled for tests only.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let word = |word: &str| Token::Word(word.to_owned());
    let mark = Token::Mark;
    let cfg_test = [
        mark('#'),
        mark('['),
        word("cfg"),
        mark('('),
        word("test"),
        mark(')'),
        mark(']'),
    ];
    let mut kept = Vec::new();
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        kept.push(token);
        if !kept.ends_with(&cfg_test) {
            continue;
        }
        kept.truncate(kept.len() - cfg_test.len());
        // To the end of the item: its last brace, or a semicolon outside of any.
        let mut depth = 0;
        for token in rest.by_ref() {
            match token {
                Token::Mark('{') => depth += 1,
                Token::Mark('}') => depth -= 1,
                Token::Mark(';') => {}
                _ => continue,
            }
            if depth == 0 {
                break;
            }
        }
    }
    kept
}

/// The names of the `use` tree that starts at token `i`, each behind `prefix`, and the token behind the tree.
fn use_tree(
    tokens: &[Token],
    mut i: usize,
    prefix: &[String],
    found: &mut Vec<(String, Name)>,
) -> usize {
    let mut path = prefix.to_vec();
    loop {
        match tokens.get(i) {
            Some(Token::Colons) => i += 1,
            Some(Token::Mark('{')) => {
                i += 1;
                while tokens.get(i) != Some(&Token::Mark('}')) {
                    i = match tokens.get(i) {
                        Some(Token::Mark(',')) => i + 1,
                        _ => use_tree(tokens, i, &path, found),
                    };
                }
                return i + 1;
            }
            Some(Token::Word(word)) if word == "as" => {
                if let Some(Token::Word(alias)) = tokens.get(i + 1) {
                    found.push((alias.clone(), path));
                }
                return i + 2;
            }
            Some(Token::Word(word)) => {
                // `{self}` is what stands in front of the braces.
                if word != "self" || path.is_empty() {
                    path.push(word.clone());
                }
                i += 1;
            }
            Some(Token::Mark('*')) => i += 1,
            _ => break,
        }
    }
    if let Some(last) = path.last().cloned() {
        found.push((last, path));
    }
    i
}

/// `path`, as it stands in `module`, from the crate root.
fn from_root(module: &Name, path: &[String]) -> Name {
    let ups = path.iter().take_while(|part| *part == "super").count();
    match path.first().map(String::as_str) {
        Some("crate" | "lightloom") => path[1..].to_vec(),
        Some("self") => [module, &path[1..]].concat(),
        _ => [&module[..module.len().saturating_sub(ups)], &path[ups..]].concat(),
    }
}

impl Module {
    fn of(name: &Name, source: &str) -> Self {
        let tokens = tokens(source).into_iter().map(|(_, token)| token);
        let tokens = without_tests(tokens.collect());
        let mut module = Self::default();
        let mut i = 0;
        while i < tokens.len() {
            let Token::Word(word) = &tokens[i] else {
                i += 1;
                continue;
            };
            if word == "use" {
                let mut found = Vec::new();
                i = use_tree(&tokens, i + 1, &[], &mut found);
                let found = found.into_iter();
                let found = found.map(|(alias, path)| (alias, from_root(name, &path)));
                module.uses.extend(found);
                continue;
            }
            // `in` stands before the reach of a visibility, which is no import.
            let is_reach = i > 0 && tokens[i - 1] == Token::Word("in".to_owned());
            let mut path = vec![word.clone()];
            i += 1;
            while let [Token::Colons, Token::Word(next), ..] = &tokens[i..] {
                path.push(next.clone());
                i += 2;
            }
            if path.len() > 1 && !is_reach {
                module.spelt.push(path);
            }
        }
        module
    }
}

impl Crate {
    /// Of files, each by its path below `src/` and its text.
    fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let modules = files.into_iter().filter_map(|(path, source)| {
            let parts = path.trim_end_matches(".rs").split('/');
            let mut name: Name = parts.map(str::to_owned).collect();
            match name.last().map(String::as_str) {
                Some("tests" | "main") => return None,
                Some("mod" | "lib") => _ = name.pop(),
                _ => {}
            }
            let module = Module::of(&name, source);
            Some((name, module))
        });
        Self(modules.collect())
    }

    /// The file in which `name` is defined, through all re-exports; nothing for what is no name of this crate.
    fn home(&self, name: &[String], depth: usize) -> Option<Name> {
        let known = (0..=name.len()).rev();
        let known = known.map(|length| &name[..length]);
        let module = known
            .into_iter()
            .find(|module| self.0.contains_key(*module))?;
        let Some(item) = name.get(module.len()) else {
            return Some(name.to_vec());
        };
        let uses = self.0[module].uses.iter().filter(|(name, _)| name == item);
        for (_, path) in uses {
            let path = [path, &name[module.len() + 1..]].concat();
            if depth > 0
                && path != name
                && let Some(home) = self.home(&path, depth - 1)
            {
                return Some(home);
            }
        }
        (!module.is_empty()).then(|| module.to_vec())
    }

    /// The files from which that of `name` takes something.
    fn imports(&self, name: &Name) -> BTreeSet<Name> {
        let module = &self.0[name];
        let spelt = module.spelt.iter().flat_map(|path| {
            let is_child = self.0.contains_key(&[&name[..], &path[..1]].concat());
            let known = module.uses.iter().filter(|(used, _)| *used == path[0]);
            let known = known.map(|(_, start)| [start, &path[1..]].concat());
            let is_rooted = ["crate", "self", "super"].contains(&&*path[0]) || is_child;
            let rooted = is_rooted.then(|| from_root(name, path));
            known.chain(rooted).collect::<Vec<_>>()
        });
        let used = module.uses.iter().map(|(_, path)| path.clone());
        let homes = used.chain(spelt).filter_map(|path| self.home(&path, 9));
        homes.filter(|home| home != name).collect()
    }

    /// The files and folders of every folder that import themselves by way of others of the same folder, a sentence each.
    fn circles(&self) -> Vec<String> {
        let mut known: BTreeMap<Name, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for name in self.0.keys() {
            for home in self.imports(name) {
                let common = name.iter().zip(&home).take_while(|(a, b)| a == b).count();
                if let (Some(from), Some(to)) = (name.get(common), home.get(common)) {
                    let folder = known.entry(name[..common].to_vec()).or_default();
                    folder.entry(from.clone()).or_default().insert(to.clone());
                }
            }
        }
        let mut sentences = Vec::new();
        for (folder, imports) in known {
            let own = imports
                .keys()
                .filter(|file| reach(&imports, file).contains(file.as_str()));
            let own: Vec<&str> = own.map(String::as_str).collect();
            if !own.is_empty() {
                let folder = folder.join("/");
                sentences.push(format!(
                    "src/{folder}: {} import each other",
                    own.join(", ")
                ));
            }
        }
        sentences
    }
}

#[test]
fn files_of_one_folder_do_not_import_each_other_in_circles() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = rust_files(&src).into_iter().map(|path| {
        let inner = path.strip_prefix(&src).expect("it lies in src/");
        let inner = inner.to_string_lossy().replace('\\', "/");
        (
            inner,
            std::fs::read_to_string(&path).expect("a source file is text"),
        )
    });
    let files: Vec<(String, String)> = files.collect();
    let found = Crate::of(files.iter().map(|(path, text)| (&**path, &**text)));
    let imports = found.0.keys().map(|name| found.imports(name).len());
    assert!(imports.sum::<usize>() > 500, "imports were missed");
    let circles = found.circles();
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn a_folder_of_many_files_has_rooms_of_its_own() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files: BTreeMap<String, usize> = BTreeMap::new();
    for path in rust_files(&src) {
        let inner = path.strip_prefix(&src).expect("it lies in src/");
        let folder = inner.parent().expect("a file lies in a folder");
        if !["mod", "tests"]
            .map(Some)
            .contains(&path.file_stem().and_then(|stem| stem.to_str()))
        {
            *files
                .entry(folder.to_string_lossy().replace('\\', "/"))
                .or_default() += 1;
        }
    }
    for (folder, count) in files {
        assert!(
            count <= FILES,
            "src/{folder} holds {count} files: more than {FILES} want rooms of their own"
        );
    }
}

#[test]
fn circles_are_found_however_they_are_spelt() {
    let root = ("lib.rs", "pub mod room; pub use room::Late;");
    let face = (
        "room/mod.rs",
        "mod a; mod b; pub use a::Early; pub use b::Late;",
    );
    let circles = |a: &str, b: &str| {
        let files = [root, face, ("room/a.rs", a), ("room/b/mod.rs", b)];
        Crate::of(files).circles().len()
    };
    let plain = "pub struct Early;";
    for (a, b) in [
        ("use super::b::Late;", "use super::a::Early;"),
        ("use super::Late;", "use super::Early;"),
        (
            "use crate::Late as Other;",
            "use crate::{room::{self, a::Early as E}};",
        ),
        (
            "fn f() -> super::Late { g() }",
            "fn f() { crate::room::Early::new() }",
        ),
        (
            "use super::b; fn f() { b::g() }",
            "use crate::room; fn f() { room::a::g() }",
        ),
    ] {
        assert_eq!(circles(a, b), 1, "{a} {b}");
        assert_eq!(circles(plain, b) + circles(a, plain), 0, "{a} {b}");
    }
    for (a, b) in [
        (
            "use super::b::Late;",
            "#[cfg(test)] mod tests { use super::super::a::Early; }",
        ),
        ("use super::b::Late;", "#[cfg(test)] use super::a::Early;"),
        ("use super::b::Late;", "// use super::a::Early;"),
        ("use super::b::Late;", "pub(in crate::room::a) struct Late;"),
    ] {
        assert_eq!(circles(a, b), 0, "{a} {b}");
    }
    // Three in a row, and back by a file of a room of their own.
    let files = [
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "use crate::c::C;"),
        ("c/mod.rs", "mod d;"),
        ("c/d.rs", "use crate::a::A;"),
    ];
    let sentences = Crate::of(files).circles();
    assert_eq!(sentences, ["src/: a, b, c import each other"]);
}
