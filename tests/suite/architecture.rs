//! `docs/architecture.md` draws the house as it is.

use std::path::Path;

const PAGE: &str = include_str!("../../docs/architecture.md");

/// The rows of a way: a step, its file, a name in that file.
fn steps() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    PAGE.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ");
        let (step, file, name) = (cells.next()?, cells.next()?, cells.next()?);
        let code = |cell: &'static str| cell.strip_prefix('`')?.strip_suffix('`');
        Some((step, code(file)?, code(name)?))
    })
}

#[test]
fn every_step_of_a_weight_and_of_a_sigma_is_where_the_page_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (step, file, name) in steps() {
        let source = std::fs::read_to_string(root.join(file));
        let source = source.unwrap_or_else(|error| panic!("{step}: {file}: {error}"));
        let is_there = source
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .any(|word| word == name);
        assert!(is_there, "{step}: `{name}` is not in {file}");
    }
    assert!(steps().count() >= 20);
}

/// Every folder and file of `src/` has its place in the table, and every place its folder or file.
#[test]
fn the_table_of_rooms_is_the_list_of_what_stands_in_src() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let table = PAGE.split("## Rooms").nth(1).unwrap();
    let table = table.split("## ").next().unwrap();
    let rows = table
        .lines()
        .filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit());
    let mut named: Vec<String> = rows
        .flat_map(|row| row.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    let mut found: Vec<String> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|room| !matches!(room.as_str(), "lib" | "main"))
        .collect();
    for rooms in [&mut named, &mut found] {
        rooms.sort();
        rooms.dedup();
    }
    assert_eq!(named, found);
}

/// The trait on the page is the trait of the library.
#[test]
fn the_seam_on_the_page_is_that_of_the_library() {
    let source = include_str!("../../src/nn/linear.rs");
    let plain = |text: &str| -> String { text.split_whitespace().collect::<Vec<_>>().join(" ") };
    let source: String = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join(" ");
    let page = PAGE.split("```rust").nth(1).unwrap();
    let page = page.split("```").next().unwrap();
    assert!(plain(&source).contains(&plain(page)), "{}", plain(page));
}
