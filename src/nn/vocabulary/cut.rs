//! Text cut into pieces.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::Range;

/// Where `text` is cut when it is taken from the front by the longest prefix that `is_piece`, of `most` bytes, or by a
/// character where none is.
pub(super) fn longest(
    text: &str,
    most: usize,
    is_piece: impl Fn(&str) -> bool,
) -> Vec<Range<usize>> {
    let mut cut = Vec::new();
    let mut start = 0;
    while let Some(first) = text[start..].chars().next() {
        let rest = &text[start..];
        let ends = rest
            .char_indices()
            .map(|(at, character)| at + character.len_utf8());
        let near = ends.take_while(|end| *end <= most);
        let end = near.filter(|end| is_piece(&rest[..*end])).last();
        let end = start + end.unwrap_or(first.len_utf8());
        cut.push(start..end);
        start = end;
    }
    cut
}

/// A part of a text between its neighbours.
struct Part {
    range: Range<usize>,
    before: Option<usize>,
    after: Option<usize>,
}

/// Two neighbours that make a piece together.
#[derive(PartialEq)]
struct Pair {
    score: f64,
    /// The number of the first of them.
    part: usize,
    /// What they are together.
    range: Range<usize>,
}

impl Eq for Pair {}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The best score is the greatest, and of several the first in the text.
impl Ord for Pair {
    fn cmp(&self, other: &Self) -> Ordering {
        let score = self.score.total_cmp(&other.score);
        score.then_with(|| other.range.start.cmp(&self.range.start))
    }
}

/// Where `text` is cut when its characters are merged two by two: those whose piece has the best `score` first, of several
/// the first in the text, until no neighbours make a piece.
pub(super) fn merged(text: &str, score: impl Fn(&str) -> Option<f64>) -> Vec<Range<usize>> {
    let count = text.chars().count();
    let characters = text.char_indices().enumerate();
    let mut parts: Vec<Part> = characters
        .map(|(number, (start, character))| Part {
            range: start..start + character.len_utf8(),
            before: number.checked_sub(1),
            after: Some(number + 1).filter(|after| *after < count),
        })
        .collect();
    let pair = |parts: &[Part], part: usize| {
        let range = parts[part].range.start..parts[parts[part].after?].range.end;
        let score = score(&text[range.clone()])?;
        Some(Pair { score, part, range })
    };
    let mut pairs: BinaryHeap<Pair> = (0..count).filter_map(|part| pair(&parts, part)).collect();
    while let Some(Pair { part, range, .. }) = pairs.pop() {
        // One of the two may have been merged with another since: the first is then empty, or longer, or followed by a longer
        // one.
        let Some(second) = parts[part].after.filter(|_| !parts[part].range.is_empty()) else {
            continue;
        };
        if parts[part].range.start != range.start || parts[second].range.end != range.end {
            continue;
        }
        parts[part].range = range;
        parts[second].range = 0..0;
        let after = parts[second].after;
        parts[part].after = after;
        if let Some(after) = after {
            parts[after].before = Some(part);
        }
        pairs.extend(pair(&parts, part));
        pairs.extend(parts[part].before.and_then(|before| pair(&parts, before)));
    }
    let ranges = parts.into_iter().map(|part| part.range);
    ranges.filter(|range| !range.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'a>(text: &'a str, cut: &[Range<usize>]) -> Vec<&'a str> {
        cut.iter().map(|range| &text[range.clone()]).collect()
    }

    #[test]
    fn the_longest_piece_is_taken_from_the_front() {
        let is_piece = |piece: &str| ["a", "ab", "abcd", "c", "é"].contains(&piece);
        let cut = |text| longest(text, 4, is_piece);
        assert_eq!(
            parts("abcabcdé!", &cut("abcabcdé!")),
            ["ab", "c", "abcd", "é", "!"]
        );
        // No piece is looked for beyond that length.
        assert_eq!(
            parts("abcd", &longest("abcd", 3, is_piece)),
            ["ab", "c", "d"]
        );
        assert!(cut("").is_empty());
    }

    /// By hand: `bc` has a better score than `ab`, and is merged first, though it stands behind; then there is no `abc`, and
    /// `a` stays. Of two `ab` with one score both are merged; of `aaa` the first two.
    #[test]
    fn the_best_pair_is_merged_first() {
        let scores = |piece: &str| match piece {
            "bc" => Some(-1.0),
            "ab" | "aa" => Some(-2.0),
            "abab" => Some(-3.0),
            "ébc" => Some(-9.0),
            _ => None,
        };
        let merged = |text: &'static str| parts(text, &merged(text, scores));
        assert_eq!(merged("abc"), ["a", "bc"]);
        assert_eq!(merged("ababx"), ["abab", "x"]);
        assert_eq!(merged("aaa"), ["aa", "a"]);
        assert_eq!(merged("ébcab"), ["ébc", "ab"]);
        assert_eq!(merged("x"), ["x"]);
    }

    /// What the heap finds is what a search for the best pair finds again and again.
    #[test]
    fn merging_is_a_search_for_the_best_pair_again_and_again() {
        let scores = |piece: &str| {
            let sum: u32 = piece.bytes().map(u32::from).sum();
            (piece.len() < 6 && sum % 3 != 1).then(|| -f64::from(sum % 7) - piece.len() as f64)
        };
        let slowly = |text: &str| {
            let mut cut: Vec<Range<usize>> = (0..text.len()).map(|at| at..at + 1).collect();
            loop {
                let pairs = (1..cut.len()).filter_map(|at| {
                    let range = cut[at - 1].start..cut[at].end;
                    Some((scores(&text[range])?, at))
                });
                let best = pairs.reduce(|best, pair| if pair.0 > best.0 { pair } else { best });
                let Some((_, at)) = best else { return cut };
                cut[at - 1].end = cut[at].end;
                cut.remove(at);
            }
        };
        for start in 0..50usize {
            let letters = (0..200)
                .map(|k| char::from(b'a' + ((k * k * 31 + k * start * 7 + start) % 11) as u8));
            let text: String = letters.collect();
            assert_eq!(merged(&text, scores), slowly(&text));
        }
    }
}
