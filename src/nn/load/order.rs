//! The order of layers that a file of weights names but does not number.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use crate::error::{Error, Result, did_you_mean};
use crate::nn::network::Layer;

/// How the order of a network's layers was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Whoever reads the file gave it.
    Given,
    /// The names are one name with ascending numbers, such as `fc1`, `fc2`.
    Numbers,
    /// The file holds its arrays in an order, and shapes chain in it.
    File,
    /// The shapes chain in one order only, among those in which names that differ by numbers ascend.
    Shapes,
}

impl Order {
    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Numbers => "numbers",
            Self::File => "file",
            Self::Shapes => "shapes",
        }
    }

    /// What is said of it: `the order of the file`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Given => "as given",
            Self::Numbers => "by their numbers",
            Self::File => "the order of the file",
            Self::Shapes => "the only order that the shapes allow",
        }
    }
}

/// Steps of the search for chains; of a trained network a few hundred are needed.
const STEPS: usize = 1_000_000;

/// Names that a sentence shows; of more, the first ones and the number.
const SHOWN: usize = 16;

/// How an order is given.
const HOW: &str = "give the order (--layers NAME,NAME,… of lightloom compile, layers = [\"NAME\", …] of an experiment, \
                   or the [[layers]] of a network.toml)";

/// `layers` in the order in which signals meet them, and how it was found.
///
/// `given` are names in the order of whoever knows it. Without them, `keeps_order` says whether `layers` come in the
/// order of a file that keeps the order in which it was written.
///
/// # Errors
/// [`Error::Value`] for a given name that is none or stands twice, and [`Error::Format`] for one that is missing;
/// [`Error::Format`] where numbered layers do not chain, and where several orders or none fit the shapes.
pub(super) fn in_order(
    layers: Vec<Layer>,
    given: Option<&[String]>,
    keeps_order: bool,
) -> Result<(Vec<Layer>, Order)> {
    let (places, order) = match given {
        Some(names) => (given_places(&layers, names)?, Order::Given),
        None => found_places(&layers, keeps_order)?,
    };
    let mut layers: Vec<_> = layers.into_iter().map(Some).collect();
    let ordered = places.into_iter().map(|place| layers[place].take());
    let ordered = ordered.map(|layer| layer.expect("every place stands once"));
    Ok((ordered.collect(), order))
}

/// The places in `layers` of `names`, which must be all of them.
fn given_places(layers: &[Layer], names: &[String]) -> Result<Vec<usize>> {
    let known: Vec<&str> = layers.iter().map(|layer| layer.name()).collect();
    let mut places = Vec::with_capacity(names.len());
    for name in names {
        let Some(place) = known.iter().position(|other| other == name) else {
            let meant = did_you_mean(name, known.iter().copied());
            let limit = format!("a layer of the network: {}{meant}", listed(&known));
            return Err(Error::value("layers", name, limit));
        };
        if places.contains(&place) {
            return Err(Error::value("layers", name, "named once"));
        }
        places.push(place);
    }
    let missing = (0..known.len()).filter(|place| !places.contains(place));
    let missing: Vec<&str> = missing.map(|place| known[place]).collect();
    if missing.is_empty() {
        return Ok(places);
    }
    let reason = format!(
        "lacks {}: must name every layer of the network",
        listed(&missing)
    );
    Err(Error::format("layers", reason))
}

fn found_places(layers: &[Layer], keeps_order: bool) -> Result<(Vec<usize>, Order)> {
    let named = |places: &[usize]| {
        let names: Vec<&str> = places.iter().map(|place| layers[*place].name()).collect();
        listed(&names)
    };
    let mut by_name: Vec<usize> = (0..layers.len()).collect();
    by_name.sort_by(|a, b| natural_order(layers[*a].name(), layers[*b].name()));
    if are_numbered(layers) {
        return match first_break(layers, &by_name) {
            None => Ok((by_name, Order::Numbers)),
            Some((before, after)) => {
                let reason = format!(
                    "in the order of their numbers, {}, do not fit together: `{}` has {} outputs and `{}` takes {} \
                     inputs: {HOW}",
                    named(&by_name),
                    before.name(),
                    before.linear.outputs(),
                    after.name(),
                    after.linear.inputs()
                );
                Err(Error::format("layers", reason))
            }
        };
    }
    let as_they_come: Vec<usize> = (0..layers.len()).collect();
    if keeps_order && first_break(layers, &as_they_come).is_none() {
        return Ok((as_they_come, Order::File));
    }
    let reason = match &chains(layers, &by_name) {
        Chains::Found(found) => match &found[..] {
            [only] => return Ok((only.clone(), Order::Shapes)),
            [one, other, ..] => format!(
                "fit together in more than one order, such as {}, and {}, and the file does not say which",
                named(one),
                named(other)
            ),
            [] => format!("{} fit together in no order", named(&by_name)),
        },
        Chains::Unknown => format!(
            "{} fit together in too many ways to tell their order",
            named(&by_name)
        ),
    };
    Err(Error::format("layers", format!("{reason}: {HOW}")))
}

/// The first neighbours in the order of `places` that do not fit.
fn first_break<'a>(layers: &'a [Layer], places: &[usize]) -> Option<(&'a Layer, &'a Layer)> {
    let pairs = places.windows(2);
    let mut pairs = pairs.map(|pair| (&layers[pair[0]], &layers[pair[1]]));
    pairs.find(|(before, after)| before.linear.outputs() != after.linear.inputs())
}

/// Names in a row, those at the end counted where they are many.
pub(super) fn listed(names: &[&str]) -> String {
    match names.get(..SHOWN) {
        Some(first) if names.len() > SHOWN => {
            format!("{}, … ({} in all)", first.join(", "), names.len())
        }
        _ => names.join(", "),
    }
}

/// Orders in which the shapes chain.
enum Chains {
    /// None, one, or two of several.
    Found(Vec<Vec<usize>>),
    /// The search was given up.
    Unknown,
}

/// Up to two orders of all layers in which each takes what the one before it puts out, and names that differ by numbers
/// only ascend; `by_name` are the layers' places in the natural order of their names.
///
/// A layer is an edge from its number of inputs to its number of outputs, and a chain a walk over every edge once. It
/// begins where more edges leave than arrive, or anywhere on a circle.
fn chains(layers: &[Layer], by_name: &[usize]) -> Chains {
    let sizes = |place: usize| {
        let linear = &layers[place].linear;
        (linear.inputs(), linear.outputs())
    };
    let mut leaving: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut surplus: BTreeMap<usize, isize> = BTreeMap::new();
    // The layer whose name has the next smaller number.
    let mut before = vec![None; layers.len()];
    let mut last_of: HashMap<String, usize> = HashMap::new();
    for &place in by_name {
        let (inputs, outputs) = sizes(place);
        leaving.entry(inputs).or_default().push(place);
        *surplus.entry(inputs).or_default() += 1;
        *surplus.entry(outputs).or_default() -= 1;
        if let Some(stem) = stem(layers[place].name()) {
            before[place] = last_of.insert(stem, place);
        }
    }
    let starts: Vec<usize> = match surplus.values().map(|count| count.abs()).sum::<isize>() {
        0 => leaving.keys().copied().collect(),
        2 => (surplus.iter().filter(|(_, count)| **count == 1))
            .map(|(size, _)| *size)
            .collect(),
        _ => Vec::new(),
    };
    let mut found = Vec::new();
    let mut steps = 0;
    for start in starts {
        let mut used = vec![false; layers.len()];
        let mut path: Vec<usize> = Vec::new();
        // Of every size on the path, how many of the layers that leave it were tried.
        let mut tried = vec![0];
        while let Some(next) = tried.last_mut() {
            let at = path.last().map_or(start, |place| sizes(*place).1);
            let choices = leaving.get(&at).map_or(&[][..], Vec::as_slice);
            steps += 1;
            if steps > STEPS {
                return Chains::Unknown;
            }
            let Some(&place) = choices.get(*next) else {
                tried.pop();
                if let Some(place) = path.pop() {
                    used[place] = false;
                }
                continue;
            };
            *next += 1;
            if used[place] || before[place].is_some_and(|earlier| !used[earlier]) {
                continue;
            }
            used[place] = true;
            path.push(place);
            tried.push(0);
            if path.len() == layers.len() {
                found.push(path.clone());
                if found.len() == 2 {
                    return Chains::Found(found);
                }
            }
        }
    }
    Chains::Found(found)
}

/// Whether all names are one name around numbers; a single layer is.
fn are_numbered(layers: &[Layer]) -> bool {
    let mut stems = layers.iter().map(|layer| stem(layer.name()));
    let Some(first) = stems.next() else {
        return true;
    };
    layers.len() == 1 || first.is_some() && stems.all(|stem| stem == first)
}

/// A name with `#` for its numbers; nothing where it has none.
fn stem(name: &str) -> Option<String> {
    let mut stem = String::new();
    let mut rest = name;
    while !rest.is_empty() {
        let (part, after) = chunk(rest);
        stem.push_str(if number(part).is_some() { "#" } else { part });
        rest = after;
    }
    name.contains(|c: char| c.is_ascii_digit()).then_some(stem)
}

/// Text order, but runs of digits compare as numbers: `2` before `10`, `fc2` before `fc10`.
fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (x, rest_x) = chunk(left);
        let (y, rest_y) = chunk(right);
        let order = match (number(x), number(y)) {
            (Some(m), Some(n)) => m.len().cmp(&n.len()).then(m.cmp(n)),
            _ => x.cmp(y),
        };
        if order.is_ne() {
            return order;
        }
        if x.is_empty() {
            return a.cmp(b);
        }
        (left, right) = (rest_x, rest_y);
    }
}

/// The leading run of digits or of other characters, and what follows.
fn chunk(text: &str) -> (&str, &str) {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits);
    text.split_at(end.unwrap_or(text.len()))
}

/// A run of digits without its leading zeros.
fn number(chunk: &str) -> Option<&str> {
    chunk
        .starts_with(|c: char| c.is_ascii_digit())
        .then(|| chunk.trim_start_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::golden;
    use crate::nn::{Activation, Weight};
    use ndarray::Array2;

    /// Layers of these names, inputs and outputs.
    fn layers(list: &[(&str, usize, usize)]) -> Vec<Layer> {
        let layer = |(name, inputs, outputs): &(&str, usize, usize)| {
            Layer::new(
                *name,
                Weight::Real(Array2::ones((*outputs, *inputs))),
                None,
                Activation::Identity,
            )
        };
        list.iter().map(layer).collect()
    }

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn order(
        list: &[(&str, usize, usize)],
        given: Option<&[&str]>,
        keeps_order: bool,
    ) -> std::result::Result<(String, Order), String> {
        let given = given.map(strings);
        let found = in_order(layers(list), given.as_deref(), keeps_order);
        let (layers, order) = found.map_err(|error| error.to_string())?;
        let names: Vec<String> = layers.into_iter().map(|layer| layer.linear.name).collect();
        Ok((names.join(" "), order))
    }

    fn found(names: &str, order: Order) -> std::result::Result<(String, Order), String> {
        Ok((names.to_owned(), order))
    }

    #[test]
    fn names_compare_by_their_numbers() {
        let mut names = ["fc10", "10", "fc2", "2", "fc2b", "fc02", "", "b.1", "a.12"];
        names.sort_by(|a, b| natural_order(a, b));
        assert_eq!(
            names,
            ["", "2", "10", "a.12", "b.1", "fc02", "fc2", "fc2b", "fc10"]
        );
        assert_eq!(stem("net.10.fc2"), Some("net.#.fc#".to_owned()));
        assert_eq!(stem("hidden"), None);
    }

    #[test]
    fn numbered_layers_follow_their_numbers_or_are_refused() {
        let square = [("net.10", 4, 4), ("net.2", 4, 4), ("net.0", 4, 4)];
        assert_eq!(
            order(&square, None, false),
            found("net.0 net.2 net.10", Order::Numbers)
        );
        // Numbers say more than where an array stands.
        assert_eq!(order(&square, None, true).unwrap().1, Order::Numbers);
        let broken = order(&[("fc2", 5, 4), ("fc1", 4, 3)], None, false);
        golden("numbers that do not chain", broken.unwrap_err());
        assert_eq!(
            order(&[("only", 5, 4)], None, false),
            found("only", Order::Numbers)
        );
    }

    #[test]
    fn the_order_of_the_file_counts_where_shapes_chain_in_it() {
        let list = [("input", 8, 8), ("hidden", 8, 8), ("output", 8, 3)];
        assert_eq!(
            order(&list, None, true),
            found("input hidden output", Order::File)
        );
        let broken = [list[2], list[1], list[0]];
        golden(
            "a file in another order",
            order(&broken, None, true).unwrap_err(),
        );
    }

    #[test]
    fn the_one_chain_of_the_shapes_is_taken_and_of_two_none() {
        let list = [("classifier", 8, 3), ("hidden", 8, 8), ("input", 9, 8)];
        assert_eq!(
            order(&list, None, false),
            found("input hidden classifier", Order::Shapes)
        );
        let list = [("hidden", 8, 8), ("input", 8, 8), ("output", 8, 3)];
        golden("two chains", order(&list, None, false).unwrap_err());
        // fc1 comes before fc2, wherever the other stands.
        let list = [("fc1", 8, 8), ("fc2", 8, 8), ("out", 8, 3)];
        assert_eq!(
            order(&list, None, false),
            found("fc1 fc2 out", Order::Shapes)
        );
        let apart = order(&[("a", 8, 7), ("b", 6, 5)], None, false);
        golden("no chain", apart.unwrap_err());
    }

    /// 64 → 32 → 8 → 32 → 64 closes a circle: it may be entered at 64 and at 8.
    #[test]
    fn a_circle_of_shapes_has_no_beginning() {
        let list = [
            ("decoder.0", 8, 32),
            ("decoder.2", 32, 64),
            ("encoder.0", 64, 32),
            ("encoder.2", 32, 8),
        ];
        golden("a circle", order(&list, None, false).unwrap_err());
        let given = ["encoder.0", "encoder.2", "decoder.0", "decoder.2"];
        assert_eq!(
            order(&list, Some(&given), false),
            found("encoder.0 encoder.2 decoder.0 decoder.2", Order::Given)
        );
    }

    #[test]
    fn a_given_order_names_every_layer_once() {
        let list = [("hidden", 8, 8), ("input", 8, 8)];
        for given in [&["input", "hiden"][..], &["input", "input"], &["input"]] {
            let error = order(&list, Some(given), false).unwrap_err();
            golden(&given.join(", "), error);
        }
    }

    /// n equal layers chain in n! orders; beside a circle that they do not touch, none of them holds all layers.
    #[test]
    fn the_search_ends_on_any_number_of_equal_layers() {
        let name = |k: usize| {
            let digits = k.to_string().into_bytes();
            let letters = digits.into_iter().map(|digit| char::from(digit + 49));
            letters.collect::<String>()
        };
        let names: Vec<String> = (0..2000).map(name).collect();
        let equal: Vec<_> = names.iter().map(|name| (name.as_str(), 2, 2)).collect();
        golden("2000 equal layers", order(&equal, None, false).unwrap_err());
        let mut apart: Vec<_> = equal[..30].to_vec();
        apart.push(("x", 5, 6));
        apart.push(("y", 6, 5));
        golden(
            "a circle beside 30",
            order(&apart, None, false).unwrap_err(),
        );
    }
}
