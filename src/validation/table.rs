//! The cases as a page.

use std::fmt::Write as _;

use super::{Case, Expected, Section, Tier};

/// The page of `docs/validation.md`.
pub fn markdown(sections: &[Section]) -> String {
    let cases = || sections.iter().flat_map(|section| &section.cases);
    let held = cases().filter(|case| case.holds()).count();
    let missed = cases()
        .filter(|case| matches!(case.expected, Expected::NotReproduced(_)))
        .count();
    let mut text = format!(
        "# Validation\n\nWritten by `lightloom validate --write docs/validation.md`; the gate fails if a case fails or this page is stale.\n\n\
         {held} of {} values are within their limits; {missed} of them are published numbers that we do not reproduce, and say why.\n\n\
         *Analytic* references are derivations or laws, *package* references were returned by another program, *published* ones are printed in a \
         paper. No reference comes from lightloom itself.\n",
        cases().count()
    );
    for section in sections {
        writeln!(text, "\n## {}\n\n{}\n", section.title, section.about).expect(STRING);
        text.push_str("| | tier | ours | reference | source |\n|---|---|---|---|---|\n");
        for case in &section.cases {
            let note = if case.note.is_empty() {
                String::new()
            } else {
                format!(" *{}*", case.note)
            };
            writeln!(
                text,
                "| {}{note} | {} | {} | {} | {} |",
                case.name,
                tier(case.tier),
                number(case.ours),
                reference(case),
                case.source
            )
            .expect(STRING);
        }
    }
    text
}

const STRING: &str = "a String takes any text";

/// Whether `page` says what `sections` say: the same text but for our values, which may differ by what another type
/// of CPU may change, half of their case's tolerance.
pub fn is_fresh(page: &str, sections: &[Section]) -> bool {
    let now = markdown(sections);
    let mut cases = sections.iter().flat_map(|section| &section.cases);
    let mut lines = page.lines();
    for line in now.lines() {
        let Some(old) = lines.next() else {
            return false;
        };
        let is_case = line.starts_with("| ") && !line.starts_with("| |");
        let same = if is_case {
            let case = cases.next().expect("one case a row");
            let ours = |row: &str| row.split(" | ").nth(2).map(str::to_owned);
            let rest = |row: &str| {
                let mut cells: Vec<String> = row.split(" | ").map(str::to_owned).collect();
                if cells.len() > 2 {
                    cells.remove(2);
                }
                cells
            };
            let value = ours(old).and_then(|text| text.parse::<f64>().ok());
            rest(old) == rest(line) && value.is_some_and(|value| close(case, value))
        } else {
            old == line
        };
        if !same {
            return false;
        }
    }
    lines.next().is_none()
}

/// Whether a printed value of ours may stand for today's.
fn close(case: &Case, printed: f64) -> bool {
    let room = match case.expected {
        Expected::Near { tolerance, .. } => 0.5 * tolerance,
        Expected::AtLeast(limit) | Expected::AtMost(limit) => 0.5 * (case.ours - limit).abs(),
        Expected::NotReproduced(_) => 0.05 * case.ours.abs(),
    };
    (case.ours - printed).abs() <= room + 1e-3 * case.ours.abs()
}

fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Analytic => "analytic",
        Tier::Package => "package",
        Tier::Published => "published",
    }
}

fn reference(case: &Case) -> String {
    match case.expected {
        Expected::Near { value, tolerance } => format!("{} ± {}", number(value), number(tolerance)),
        Expected::AtLeast(limit) => format!("≥ {}", number(limit)),
        Expected::AtMost(limit) => format!("≤ {}", number(limit)),
        Expected::NotReproduced(value) => format!("{}, not reproduced", number(value)),
    }
}

/// Four significant digits; whole numbers whole.
fn number(value: f64) -> String {
    if value == 0.0 || (value.fract() == 0.0 && value.abs() < 1e6) {
        return format!("{value}");
    }
    let digits = 3 - value.abs().log10().floor() as i32;
    if (0..=7).contains(&digits) {
        let text = format!("{value:.*}", digits as usize);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{value:.2e}")
    }
}
