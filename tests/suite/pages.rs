//! Commands that stand in the documents.

/// The lines of every `sh` block behind a line `<!-- run -->`, comments and continuations taken out.
pub fn commands(page: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line.trim() != "<!-- run -->" {
            continue;
        }
        assert_eq!(
            lines.next(),
            Some("```sh"),
            "a block of sh follows <!-- run -->"
        );
        let mut open = String::new();
        for line in lines.by_ref().take_while(|line| *line != "```") {
            let code = line.split(" #").next().unwrap_or_default().trim();
            if code.starts_with('#') {
                continue;
            }
            open.push_str(code.trim_end_matches('\\'));
            if !code.ends_with('\\') && !open.trim().is_empty() {
                commands.push(std::mem::take(&mut open).trim().to_owned());
            }
        }
    }
    commands
}

#[test]
fn only_marked_blocks_are_commands() {
    let page = "```sh\nrm\n```\n<!-- run -->\n```sh\na b # c\n\n# d\ne \\\n  f\n```\ntext\n";
    assert_eq!(commands(page), ["a b", "e f"]);
}
