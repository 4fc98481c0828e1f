//! What of a hardware says nothing about the work that is done on it.

use crate::compile::{Multiplier, Program};
use crate::hardware::{Hardware, HardwareKey, Place, When};
use crate::mesh::{CellKind, Correction};

/// What does nothing on `program` of `settings`, kinds of chips and how phases are chosen for them, in sentences: a crossbar
/// has no cell that could err or be corrected, and without errors that are known there is nothing to correct.
pub fn idle_words<'a>(
    program: &Program,
    settings: impl IntoIterator<Item = (&'a Hardware, Correction)>,
) -> Vec<String> {
    let is_crossbar = program.layout().multiplier == Multiplier::Crossbar;
    let mut names = Vec::new();
    let (mut is_corrected, mut has_errors) = (false, false);
    for (hardware, correction) in settings {
        if correction != Correction::None {
            is_corrected = true;
            has_errors |= has_known_errors(hardware);
        }
        let (idle, acting): (Vec<&HardwareKey>, Vec<&HardwareKey>) = hardware
            .acting()
            .partition(|key| key.row.place.is_in_mesh());
        let is_needed = |name: &str| acting.iter().any(|key| key.row.needs == Some(name));
        let idle = idle.iter().map(|key| key.name);
        names.extend(idle.filter(|name| is_crossbar && !is_needed(name)));
    }
    let place = "on crossbars, which have no MZI";
    let uncorrected = match (is_corrected, is_crossbar, has_errors) {
        (true, true, _) => Some(format!("a correction does nothing {place}")),
        (true, false, false) => Some(
            "a correction has nothing to correct: these chips have no splitting errors, phase offsets, crosstalk or losses \
             of cells"
                .to_owned(),
        ),
        _ => None,
    };
    sentence(names, place)
        .into_iter()
        .chain(uncorrected)
        .collect()
}

/// Whether chips of `hardware` have errors that a correction knows of.
fn has_known_errors(hardware: &Hardware) -> bool {
    let shifter = hardware.phase_shifter();
    let in_cells = |key: &HardwareKey| matches!(key.row.place, Place::Coupler | Place::Loss);
    !hardware.measured().has_no_numbers()
        || shifter.offset_rad > 0.0
        || shifter.crosstalk > 0.0
        || hardware.mesh().cell != CellKind::Mzi
        || hardware.acting().any(in_cells)
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
    use crate::compile::{Layout, compile};
    use crate::nn::{Network, Readout, Weight};

    #[test]
    fn a_correction_does_nothing_on_crossbars_and_where_no_error_is_known() {
        let weight = Weight::Real(ndarray::arr2(&[[1.0, 2.0], [0.5, -1.0]]));
        let network = Network::of_weight(weight, Readout::Real).unwrap();
        let said = |multiplier: Multiplier, key: &str, value: &str, correction: Correction| {
            let layout = Layout {
                multiplier,
                ..Layout::default()
            };
            let program = compile(&network, layout).unwrap();
            let hardware = Hardware::default().with(key, value).unwrap();
            idle_words(&program, [(&hardware, correction)])
        };
        let meshes = Multiplier::default();
        let known = [
            ("coupler.splitting_error_rad", "0.1"),
            ("phase_shifter.offset_rad", "0.1"),
            ("phase_shifter.crosstalk", "0.01"),
            ("mesh.insertion_loss_spread_db", "0.1"),
        ];
        for (key, value) in known {
            assert_eq!(said(meshes, key, value, Correction::Local), [""; 0]);
        }
        let unknown = [
            ("phase_shifter.phase_error_rad", "0.1"),
            ("phase_shifter.v_pi_error", "0.1"),
            ("readout.adc_bits", "6"),
        ];
        for (key, value) in unknown {
            assert_eq!(said(meshes, key, value, Correction::None), [""; 0]);
            for correction in [Correction::Local, Correction::Progressive, Correction::Fit] {
                let notes = said(meshes, key, value, correction);
                assert!(
                    notes.len() == 1 && notes[0].contains("nothing to correct"),
                    "{key}"
                );
            }
        }
        let notes = said(
            Multiplier::Crossbar,
            "readout.adc_bits",
            "6",
            Correction::Local,
        );
        assert!(
            notes.len() == 1 && notes[0].contains("on crossbars"),
            "{notes:?}"
        );
    }

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
