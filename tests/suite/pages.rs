//! Commands that stand in the documents.
//!
//! A comment in front of a fenced block says what a test does with it: `<!-- run -->`, `<!-- prints -->` what the last
//! command prints among other lines, `<!-- file: NAME -->`. `<!-- python -->` is for `tests/python`.

/// A marked block.
#[derive(Debug, PartialEq)]
pub enum Block {
    /// Command lines, comments and continuations taken out.
    Commands(Vec<String>),
    /// Lines that the command before it prints.
    Output(String),
    /// A file's name and text.
    File(String, String),
}

/// The marked blocks of `page`.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let mark = line
            .strip_prefix("<!-- ")
            .and_then(|line| line.strip_suffix(" -->"));
        let Some(mark) = mark else { continue };
        let fence = lines.next().unwrap_or_default();
        assert!(fence.starts_with("```"), "a block follows {line}");
        let text: String = lines
            .by_ref()
            .take_while(|line| *line != "```")
            .map(|line| format!("{line}\n"))
            .collect();
        blocks.push(match mark.strip_prefix("file: ") {
            Some(name) => Block::File(name.to_owned(), text),
            None if mark == "run" => Block::Commands(split(&text)),
            None if mark == "prints" => Block::Output(text),
            None if mark == "python" => continue,
            None => panic!("{line}: what should be done with the block?"),
        });
    }
    blocks
}

fn split(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut open = String::new();
    for line in text.lines() {
        let code = line.split(" #").next().unwrap_or_default().trim();
        if code.starts_with('#') {
            continue;
        }
        open.push_str(code.trim_end_matches('\\'));
        if !code.ends_with('\\') && !open.is_empty() {
            commands.push(std::mem::take(&mut open));
        }
    }
    commands
}

/// All commands of `page`.
pub fn commands(page: &str) -> Vec<String> {
    let blocks = blocks(page).into_iter();
    let commands = blocks.filter_map(|block| match block {
        Block::Commands(commands) => Some(commands),
        _ => None,
    });
    commands.flatten().collect()
}

/// `line` with every number as `#`, and no space twice.
pub fn without_numbers(line: &str) -> String {
    let words = line.split_whitespace().map(|word| {
        let digits = |c: char| c.is_ascii_digit();
        if !word.contains(digits) {
            return word.to_owned();
        }
        let plain = word.replace(|c: char| c.is_ascii_digit() || c == '.', "");
        format!("#{plain}")
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn only_marked_blocks_count() {
    let page = "```sh\nrm\n```\n<!-- run -->\n```sh\na b # c\n\n# d\ne \\\n  f\n```\ntext\n<!-- file: x.toml -->\n```toml\ny = 1\n```\n<!-- prints -->\n```text\nok 1\n```\n";
    assert_eq!(commands(page), ["a b", "e f"]);
    assert_eq!(
        blocks(page)[1..],
        [
            Block::File("x.toml".into(), "y = 1\n".into()),
            Block::Output("ok 1\n".into())
        ]
    );
    assert_eq!(
        without_numbers("ideal  98.12 %  (20 chips)"),
        "ideal # % #( chips)"
    );
}
