//! The name that a misspelt one was meant to be.

/// The name among `names` that `word` was probably meant to be; `None` if nothing is near.
///
/// Near is what differs by at most a third of its letters (transposed neighbours count as one), or what `word` begins
/// (a unit left off). Case counts for nothing, and `-` is `_`. A dotted name is also compared by its last part, so a
/// right key in a wrong section is found. Among equally near names the first wins. Never `word` itself.
///
/// ```
/// use lightloom::error::nearest;
///
/// let keys = ["coupler.splitting_error_rad", "mesh.insertion_loss_db"];
/// assert_eq!(nearest("copler.splitting_error_rad", keys), Some(keys[0]));
/// assert_eq!(nearest("insertion_loss", keys), Some(keys[1]));
/// assert_eq!(nearest("wavelength", keys), None);
/// ```
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let candidates = names.into_iter().filter(|name| *name != word);
    let costs = candidates.filter_map(|name| Some((cost(word, name)?, name)));
    costs.min_by_key(|(cost, _)| *cost).map(|(_, name)| name)
}

/// How far `word` is from `name`; `None` if too far to be a slip.
fn cost(word: &str, name: &str) -> Option<usize> {
    let whole = part_cost(word, name);
    let last = |text: &str| text.rsplit('.').next().unwrap_or(text).to_owned();
    let by_part = name
        .contains('.')
        .then(|| part_cost(&last(word), &last(name)))
        .flatten()
        // A slip within the whole name is likelier than a wrong section.
        .map(|cost| cost + 1);
    whole.into_iter().chain(by_part).min()
}

fn plain(text: &str) -> String {
    text.to_lowercase().replace('-', "_")
}

/// Letters that differ; `None` for a long word, which needs no comparison to be told apart from a short name.
fn distance(word: &str, name: &str) -> Option<usize> {
    let (word, name) = (plain(word), plain(name));
    (word.len() <= 4 * name.len() + 16).then(|| strsim::osa_distance(&word, &name))
}

fn part_cost(word: &str, name: &str) -> Option<usize> {
    let distance = distance(word, name)?;
    let (word, name) = (plain(word), plain(name));
    let length = name.chars().count().max(word.chars().count());
    let slip = distance <= (length / 3).max(1) && distance < length;
    let begun = word.len() >= 3 && name.starts_with(&word);
    (slip || begun).then_some(distance)
}

/// The only name among `names` that is one slip of the finger from `word`: a letter left out, put in, wrong, or swapped
/// with its neighbour. Case counts for nothing, `-` is `_`, and digits are no slips.
///
/// For names that are near each other though they mean different things.
///
/// ```
/// use lightloom::error::one_slip_from;
///
/// let names = ["relu", "elu", "relu6"];
/// assert_eq!(one_slip_from("rleu", &names), Some("relu"));
/// assert_eq!(one_slip_from("relu7", &names), None);
/// ```
pub fn one_slip_from<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let near = names.iter().filter(|name| digits(name) == digits(word));
    let mut near = near.filter_map(|name| Some((distance(word, name)?, *name)));
    let (least, found) = near.clone().min_by_key(|(distance, _)| *distance)?;
    let is_only = near.all(|(distance, name)| name == found || distance > least);
    (least <= 1 && is_only).then_some(found)
}

/// ` (did you mean `NAME`?)`, or nothing where no name is near.
pub fn did_you_mean<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, names).map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_are_seen_through() {
        let names = [
            "thermo-optic",
            "mit-pnp",
            "low-noise",
            "ideal",
            "clements",
            "reck",
            "lo_power_mw",
        ];
        for (word, meant) in [
            ("thermo_optic", "thermo-optic"),
            ("thermooptic", "thermo-optic"),
            ("IDEAL", "ideal"),
            ("idael", "ideal"),
            ("clemens", "clements"),
            ("Clements", "clements"),
            ("rekc", "reck"),
            ("lo_power", "lo_power_mw"),
        ] {
            assert_eq!(nearest(word, names), Some(meant), "{word}");
        }
        for word in ["", "x", "diamond", "my-chip.toml", &"a".repeat(100_000)] {
            assert_eq!(nearest(word, names), None);
        }
    }

    #[test]
    fn the_right_key_in_a_wrong_section_is_found_by_its_last_part() {
        let keys = [
            "coupler.splitting_error_rad",
            "input.dac_bits",
            "readout.adc_bits",
        ];
        for (word, meant) in [
            ("mesh.splitting_error_rad", keys[0]),
            ("splitting_error_rad", keys[0]),
            ("splitting_error", keys[0]),
            ("couplers.splitting_error_rad", keys[0]),
            ("readout.adc_bit", keys[2]),
        ] {
            assert_eq!(nearest(word, keys), Some(meant), "{word}");
        }
    }
}
