//! The tutorial, command by command, in a folder with the demo's weights and data.

use crate::cli::{DEMO, ok};
use crate::pages::{Block, blocks, without_numbers};

#[test]
fn the_tutorial_runs_from_its_first_command_to_its_last() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    for file in ["digits.safetensors", "digits-test.npz"] {
        std::fs::copy(format!("{DEMO}/{file}"), folder.join(file)).unwrap();
    }
    let help = ok(folder, &["--help"]);
    let (mut said, mut run) = (String::new(), 0);
    for block in blocks(include_str!("../../docs/tutorial.md")) {
        match block {
            Block::File(name, text) => std::fs::write(folder.join(name), text).unwrap(),
            Block::Commands(commands) => {
                for command in commands {
                    let words: Vec<&str> = command.split_whitespace().collect();
                    assert_eq!(words[0], "lightloom", "{command}");
                    // sweep and report are merged after this page.
                    if !help.contains(&format!("\n  {} ", words[1])) {
                        eprintln!("skipped, no such command yet: {command}");
                        continue;
                    }
                    said = ok(folder, &words[1..]);
                    run += 1;
                }
            }
            // Other types of CPU may round differently: numbers may differ, words may not.
            Block::Output(text) => {
                let said: Vec<String> = said.lines().map(without_numbers).collect();
                for line in text.lines().map(without_numbers) {
                    assert!(said.contains(&line), "`{line}` is not in {said:#?}");
                }
            }
        }
    }
    assert!(run >= 8, "{run}");
    let mut files = vec!["mesh.svg", "result.json", "phases.csv"];
    if help.contains("\n  report ") {
        files.extend(["splitting/rows.csv", "splitting/report.html"]);
        let figures = std::fs::read_dir(folder.join("splitting/figures")).unwrap();
        assert!(figures.count() > 0);
    }
    for file in files {
        assert!(folder.join(file).metadata().unwrap().len() > 0, "{file}");
    }
}
