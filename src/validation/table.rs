//! The cases as a page.

use std::fmt::Write as _;

use super::{Case, Expected, Section, Tier};

/// The page of `docs/validation.md`.
pub fn markdown(sections: &[Section]) -> String {
    let cases = || sections.iter().flat_map(|section| &section.cases);
    let missed = cases()
        .filter(|case| matches!(case.expected, Expected::NotReproduced(_)))
        .count();
    let held = cases().filter(|case| case.holds()).count() - missed;
    let mut text = format!(
        "# Validation\n\nWritten by `lightloom validate --write docs/validation.md`; the gate fails if a case fails or this page is stale.\n\n\
         {held} of {} values are what they must be. {missed} published numbers are not reproduced: our value stands beside them, and why.\n\n{}\n",
        cases().count() - missed,
        filled(TIERS)
    );
    for section in sections {
        let about = filled(section.about);
        writeln!(text, "\n## {}\n\n{about}\n", section.title).expect(STRING);
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
                // A bar would end the cell.
                case.name.replace('|', "\\|"),
                tier(case.tier),
                number(case.ours),
                reference(case),
                case.source
            )
            .expect(STRING);
        }
        if let Some(curves) = &section.curves {
            let columns = curves.header;
            write!(
                text,
                "\n|{}|\n|{}\n",
                columns.join("|"),
                "---|".repeat(columns.len())
            )
            .expect(STRING);
            for row in &curves.rows {
                let numbers: Vec<String> = row.iter().map(|value| format!("{value:.3}")).collect();
                writeln!(text, "|{}|", numbers.join("|")).expect(STRING);
            }
        }
    }
    text
}

const TIERS: &str = "*Analytic* references are derivations, laws or means that were computed apart from this code, *package* \
     references were returned by another program, *published* ones are printed in a paper, *published trends* are what a \
     paper says in words. A *reading* is a number of a source by which a preset or a setup of ours was set: it checks how we \
     read the source, not what it found. No reference comes from lightloom itself.";

/// A paragraph in lines of at most 120 characters.
fn filled(paragraph: &str) -> String {
    const WIDTH: usize = 120;
    let (mut text, mut length) = (String::new(), 0);
    for word in paragraph.split_whitespace() {
        let wide = word.chars().count();
        if length > 0 && length + 1 + wide > WIDTH {
            text.push('\n');
            length = 0;
        } else if length > 0 {
            text.push(' ');
            length += 1;
        }
        text.push_str(word);
        length += wide;
    }
    text
}

const STRING: &str = "a String takes any text";

/// The first line that `page` should have and does not, if it does not say what `sections` say: the same text but for
/// our values and for tolerances that come of standard errors, where another type of CPU may change the last digits.
pub fn stale_line(page: &str, sections: &[Section]) -> Option<String> {
    let now = markdown(sections);
    let mut cases = sections.iter().flat_map(|section| &section.cases);
    let mut old = page.lines();
    let stale = now.lines().find(|line| {
        let line = *line;
        let Some(old) = old.next() else {
            return true;
        };
        let (Some(row), Some(old_row)) = (row(line), row(old)) else {
            return line != old && !is_close_point(line, old);
        };
        let case = cases.next().expect("one case a row");
        let value = |reference: &str| reference.split(" ± ").next().map(str::to_owned);
        let [name, tier, ours, reference, source] = old_row;
        let same = [name, tier, source] == [row[0], row[1], row[4]]
            && value(reference) == value(row[3])
            && ours.parse().is_ok_and(|printed| is_close(case, printed));
        !same
    });
    match (stale, old.next()) {
        (Some(line), _) => Some(line.to_owned()),
        (None, Some(_)) => Some("(end of the page)".to_owned()),
        (None, None) => None,
    }
}

/// Whether two points of curves are those of one figure on two types of CPU.
fn is_close_point(line: &str, old: &str) -> bool {
    let point = |line: &str| -> Option<Vec<f64>> {
        let inner = line.strip_prefix('|')?.strip_suffix('|')?;
        inner.split('|').map(|cell| cell.parse().ok()).collect()
    };
    let (Some(new), Some(old)) = (point(line), point(old)) else {
        return false;
    };
    let close = |(x, y): (&f64, &f64)| (x - y).abs() <= CURVE;
    new.len() == old.len() && new.iter().zip(&old).all(close)
}

/// How far another CPU may move a median of accuracies of trained networks.
const CURVE: f64 = 0.03;

/// Name, tier, ours, reference and source in the row of a case.
fn row(line: &str) -> Option<[&str; 5]> {
    let inner = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let cells: Vec<&str> = inner.split(" | ").collect();
    cells.try_into().ok()
}

/// Whether a printed value of ours may stand for today's.
fn is_close(case: &Case, printed: f64) -> bool {
    let room = match case.expected {
        Expected::Near { tolerance, .. } => 0.5 * tolerance,
        Expected::AtLeast(limit) | Expected::AtMost(limit) => {
            let room = 0.5 * (case.ours - limit).abs();
            match case.tier {
                // A training takes another way on another CPU.
                Tier::Trend => room.max(0.05 * case.ours.abs()),
                _ => room,
            }
        }
        Expected::NotReproduced(_) => 0.05 * case.ours.abs(),
    };
    (case.ours - printed).abs() <= room + 1e-3 * case.ours.abs()
}

fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Analytic => "analytic",
        Tier::Package => "package",
        Tier::Published => "published",
        Tier::Reading => "reading",
        Tier::Trend => "published trend",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::Curves;

    fn sections(ours: f64) -> Vec<Section> {
        let case = |name: &str, ours, expected| Case {
            name: name.to_owned(),
            tier: Tier::Analytic,
            ours,
            expected,
            source: "a law",
            note: "",
        };
        let near = Expected::Near {
            value: 1.0,
            tolerance: 0.1,
        };
        vec![Section {
            title: "One",
            about: "About it.",
            cases: vec![
                case("max |U − U'| of this", ours, near),
                case("a limit", 0.5, Expected::AtMost(2.0)),
            ],
            curves: Some(Curves {
                header: &["x", "y"],
                rows: vec![vec![0.0, ours - 0.5]],
            }),
        }]
    }

    fn is_fresh(page: &str, sections: &[Section]) -> bool {
        stale_line(page, sections).is_none()
    }

    #[test]
    fn a_page_is_fresh_until_a_value_a_case_or_a_word_changes() {
        let page = markdown(&sections(1.02));
        assert!(is_fresh(&page, &sections(1.02)));
        assert!(
            is_fresh(&page, &sections(1.03)),
            "the last digits of another CPU"
        );
        assert!(!is_fresh(&page, &sections(1.09)));
        assert!(!is_fresh(&page, &sections(1.02)[..0]));
        assert!(!is_fresh(&format!("{page}more\n"), &sections(1.02)));
        for (from, to) in [
            ("a law", "a rumour"),
            ("About", "above"),
            ("± 0.1", "± 0.2"),
        ] {
            let changed = page.replace(from, to);
            assert_ne!(changed, page);
            // A tolerance may come of standard errors.
            assert_eq!(
                is_fresh(&changed, &sections(1.02)),
                from.starts_with('±'),
                "{from}"
            );
        }
        assert!(page.contains("|x|y|\n|---|---|\n|0.000|0.520|\n"), "{page}");
        assert!(page.contains("2 of 2 values"));
        assert!(markdown(&sections(1.2)).contains("1 of 2 values"));
    }
}
