//! The tutorial, command by command, in a folder with the networks and data of the demo.

use crate::cli::{DEMO, ok};
use crate::mnist::shared;
use crate::pages::{Block, blocks, without_numbers};

/// What other types of CPU may round to: a share of the number on the page.
const RELATIVE: f64 = 0.02;
/// The same where that is little: a digit of spreads in percent.
const ABSOLUTE: f64 = 0.2;

/// The numbers of `line`.
fn numbers(line: &str) -> Vec<f64> {
    let parts = line.split(|c: char| !c.is_ascii_digit() && c != '.');
    parts.filter_map(|part| part.parse().ok()).collect()
}

/// Whether `said` is what the page `claims`: the same words, numbers near its own.
fn agrees(said: &str, claims: &str) -> bool {
    let near = |(a, b): (f64, f64)| (a - b).abs() <= ABSOLUTE.max(RELATIVE * b);
    let numbers = numbers(said).into_iter().zip(numbers(claims));
    without_numbers(said) == without_numbers(claims) && numbers.into_iter().all(near)
}

#[test]
fn a_line_agrees_where_its_words_do_and_its_numbers_nearly() {
    let claims = "noisy     97.03 % ± 0.32 %   (20 chips, seed 0)";
    assert!(agrees("noisy 96.90 % ± 0.40 % (20 chips, seed 0)", claims));
    for other in [
        "noisy 94.90 % ± 0.32 % (20 chips, seed 0)",
        "noisy 97.03 % ± 0.32 % (20 chips, seed 1)",
        "ideal 97.03 % ± 0.32 % (20 chips, seed 0)",
        "noisy 97.03 % ± 0.32 %",
    ] {
        assert!(!agrees(other, claims), "{other}");
    }
}

#[test]
fn the_tutorial_runs_from_its_first_command_to_its_last() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    for file in [
        "digits.safetensors",
        "digits-cnn.onnx",
        "digits-test.npz",
        "digits-train.npz",
    ] {
        std::fs::copy(format!("{DEMO}/{file}"), folder.join(file)).unwrap();
    }
    let stories = [
        ("models/stories260k.onnx", "stories.onnx"),
        ("models/stories260k.tokens.json", "tokens.json"),
    ];
    let has_stories = stories.iter().all(|(from, to)| {
        shared(from).is_some_and(|path| std::fs::copy(path, folder.join(to)).is_ok())
    });
    let (mut said, mut run) = (Some(String::new()), 0);
    for block in blocks(include_str!("../../docs/tutorial.md")) {
        match block {
            Block::File(name, text) => std::fs::write(folder.join(name), text).unwrap(),
            Block::Commands(commands) => {
                for command in commands {
                    let words: Vec<&str> = command.split_whitespace().collect();
                    assert_eq!(words[0], "lightloom", "{command}");
                    said = None;
                    if has_stories || !command.contains(" stories.") {
                        said = Some(ok(folder, &words[1..]));
                        run += 1;
                    }
                }
            }
            Block::Output(text) => {
                let Some(said) = &said else { continue };
                for line in text.lines() {
                    let is_said = said.lines().any(|said| agrees(said, line));
                    assert!(is_said, "`{line}` is not in {said}");
                }
            }
        }
    }
    assert_eq!(run, if has_stories { 19 } else { 17 });
    let figures = std::fs::read_dir(folder.join("splitting/figures")).unwrap();
    assert!(figures.count() > 0);
    for file in [
        "mesh.svg",
        "result.json",
        "phases.csv",
        "splitting/rows.csv",
        "splitting/report.html",
    ] {
        assert!(folder.join(file).metadata().unwrap().len() > 0, "{file}");
    }
}
