//! What differs between two experiments, in words, and whether the one goes on with the other.

use super::Shard;
use super::journal::Head;
use crate::error::{Error, Result};
use crate::experiment::sweep::Sweep;
use crate::io::hash::sha256;

/// Differences that are shown; of more the number.
const SHOWN: usize = 6;

/// What `new` says otherwise than `old`, one phrase each: `trials: 20 → 30`.
pub(super) fn differences(old: &Head, new: &Head) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |name: String, old: Option<String>, new: Option<String>| {
        if old != new {
            let show = |value: Option<String>| value.unwrap_or_else(|| "not there".to_owned());
            found.push(format!("{name}: {} → {}", show(old), show(new)));
        }
    };
    let version = |head: &Head| Some(head.lightloom.clone());
    compare("lightloom".into(), version(old), version(new));
    let draws = |head: &Head| Some(head.draws.to_string());
    compare("version of random numbers".into(), draws(old), draws(new));
    let (old_keys, new_keys) = (flat(&old.experiment), flat(&new.experiment));
    for (key, value) in &old_keys {
        compare(key.clone(), Some(value.clone()), find(&new_keys, key));
    }
    for (key, value) in new_keys
        .iter()
        .filter(|(key, _)| find(&old_keys, key).is_none())
    {
        compare(key.clone(), None, Some(value.clone()));
    }
    let hash = |head: &Head, key: &str, path: &str| {
        let inputs = head.inputs.iter();
        let mut same = inputs.filter(|input| input.key == key && input.path == path);
        same.next()
            .map(|input| format!("SHA-256 {}…", &input.sha256[..12.min(input.sha256.len())]))
    };
    for input in old.inputs.iter().chain(&new.inputs) {
        let (key, path) = (&input.key, &input.path);
        let phrase = (path.clone(), hash(old, key, path), hash(new, key, path));
        // A path that is named otherwise is a difference of the experiment already.
        let is_named = phrase.1.is_some() && phrase.2.is_some();
        if is_named || old.experiment == new.experiment {
            compare(phrase.0, phrase.1, phrase.2);
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|phrase| seen.insert(phrase.clone()));
    if found.is_empty() && old.experiment != new.experiment {
        found.push("order of the axes: as they stand in the file".to_owned());
    }
    let more = found.len().saturating_sub(SHOWN);
    if more > 0 {
        found.truncate(SHOWN);
        found.push(format!("{more} more"));
    }
    found
}

fn find(keys: &[(String, String)], key: &str) -> Option<String> {
    let found = keys.iter().find(|(name, _)| name == key);
    found.map(|(_, value)| value.clone())
}

/// Every key of an experiment as resolved, dotted, with its value as text; of the tables of a measured chip their hashes.
fn flat(experiment: &str) -> Vec<(String, String)> {
    fn walk(prefix: &str, value: &toml::Value, keys: &mut Vec<(String, String)>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    let name = match prefix {
                        "" => key.clone(),
                        prefix => format!("{prefix}.{key}"),
                    };
                    walk(&name, value, keys);
                }
            }
            toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
                for (number, item) in items.iter().enumerate() {
                    walk(&format!("{prefix}[{number}]"), item, keys);
                }
            }
            toml::Value::String(table) if table.contains('\n') => {
                let hash = &sha256(table.as_bytes())[..12];
                keys.push((prefix.to_owned(), format!("SHA-256 {hash}…")));
            }
            value => keys.push((prefix.to_owned(), value.to_string())),
        }
    }
    let mut keys = Vec::new();
    if let Ok(table) = experiment.parse::<toml::Table>() {
        walk("", &toml::Value::Table(table), &mut keys);
    }
    keys
}

/// Fails unless `new` is the experiment and the shard of the journal under `old`, or the same with more trials.
pub(crate) fn check_continues(place: &str, old: &Head, new: &Head) -> Result<()> {
    if let (Ok(before), Ok(after)) = (old.sweep(), new.sweep())
        && before.trials < after.trials
    {
        let trials = after.trials;
        let more = Head {
            experiment: Sweep { trials, ..before }.resolved(),
            ..old.clone()
        };
        if more == *new {
            return Ok(());
        }
    }
    if let (Ok(before), Ok(after)) = (old.sweep(), new.sweep())
        && before.trials <= after.trials
        && before.name != after.name
    {
        let (trials, name) = (after.trials, after.name);
        let renamed = Head {
            experiment: Sweep {
                trials,
                name: name.clone(),
                ..before.clone()
            }
            .resolved(),
            ..old.clone()
        };
        if renamed == *new {
            let old = before.name;
            let what = format!(
                "holds trials of the experiment {old:?}, this one is {name:?}: give another --out, or write name = {old:?} to go on with it"
            );
            return Err(Error::format(place, what));
        }
    }
    check_same(place, old, new)
}

/// Fails if two journals are not of one experiment and one shard of it.
fn check_same(place: &str, old: &Head, new: &Head) -> Result<()> {
    if old == new {
        return Ok(());
    }
    let mut found = differences(old, new);
    if old.shard != new.shard {
        let (old, new) = (Shard::of_head(old), Shard::of_head(new));
        found.push(format!("shard: {old} → {new}"));
    }
    let of_version = |head: &Head| (head.lightloom.clone(), head.draws);
    let other = match of_version(old) == of_version(new) {
        true => "experiment",
        false => "version of lightloom",
    };
    let what = format!(
        "holds trials of another {other} ({}): give another --out or delete that folder",
        found.join("; ")
    );
    Err(Error::format(place, what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::golden;
    use crate::rng::DRAWS;

    #[test]
    fn trials_of_other_random_numbers_are_refused_in_one_sentence() {
        let head = Head::new("name = \"a\"\n".into(), Vec::new(), None);
        let old = Head {
            draws: DRAWS - 1,
            ..head.clone()
        };
        assert!(check_same("out", &head, &head).is_ok());
        golden(
            "an older version",
            check_same("out", &old, &head).unwrap_err(),
        );
        assert_ne!(old.sha256(), head.sha256());
    }
}
