//! What of a hardware says nothing about the work that is done on it.

use crate::compile::{Multiplier, Program};
use crate::hardware::{Hardware, HardwareKey, Place, When};

/// What of all `hardware` does not act on `program`, in a sentence: a crossbar has no cell that could err.
pub fn idle_words<'a>(
    program: &Program,
    hardware: impl IntoIterator<Item = &'a Hardware>,
) -> Option<String> {
    let Multiplier::Crossbar = program.layout().multiplier else {
        return None;
    };
    let mut names = Vec::new();
    for hardware in hardware {
        let (idle, acting): (Vec<&HardwareKey>, Vec<&HardwareKey>) = hardware
            .acting()
            .partition(|key| key.row.place.is_in_mesh());
        let is_needed = |name: &str| acting.iter().any(|key| key.row.needs == Some(name));
        let idle = idle.iter().map(|key| key.name);
        names.extend(idle.filter(|name| !is_needed(name)));
    }
    sentence(names, "on crossbars, which have no MZI")
}

/// What of `hardware` does not act on the light of a mesh or, if it `is_layer`, on the matrix of a layer, whose receivers
/// have phases, in a sentence.
pub fn unread_words(hardware: &Hardware, is_layer: bool) -> Option<String> {
    let is_drawn = |key: &&HardwareKey| !matches!(key.row.when, When::Fixed | When::Recorded);
    let names = hardware
        .acting()
        .filter(is_drawn)
        .filter(|key| !key.row.place.is_in_mesh())
        .filter(|key| !(is_layer && acts_on_layers(key)))
        .map(|key| key.name);
    sentence(
        names.collect(),
        "here: a matrix is what light meets, without modulators and detectors",
    )
}

/// Whether `key`, which acts on no mesh, acts on the matrix of a layer.
fn acts_on_layers(key: &HardwareKey) -> bool {
    key.row.place == Place::Weight || key.name.starts_with("readout.lo_phase")
}

/// `a, b do not act WHERE`; nothing where there are no names.
fn sentence(mut names: Vec<&'static str>, place: &str) -> Option<String> {
    names.sort_unstable();
    names.dedup();
    let verb = match names.len() {
        0 => return None,
        1 => "does",
        _ => "do",
    };
    Some(format!("{} {verb} not act {place}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_detectors_do_not_act_on_light_but_phases_of_receivers_do_on_a_layer() {
        let with = |key: &str, value: &str| Hardware::default().with(key, value).unwrap();
        for is_layer in [false, true] {
            assert_eq!(unread_words(&Hardware::default(), is_layer), None);
            let mesh = with("coupler.splitting_error_rad", "0.1");
            assert_eq!(unread_words(&mesh, is_layer), None);
            let gains = unread_words(&with("readout.gain_spread", "0.1"), is_layer).unwrap();
            assert!(gains.starts_with("readout.gain_spread does not act"));
            let phases = unread_words(&with("readout.lo_phase_error_rad", "0.1"), is_layer);
            assert_eq!(phases.is_none(), is_layer);
            let format = unread_words(&with("numbers.format", "abfp"), is_layer);
            assert_eq!(format.is_none(), is_layer);
        }
    }
}
