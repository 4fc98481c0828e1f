//! Choices of a compiler that do nothing, as the hardware or the layout is what it is.

use super::{Key, Point, Source, Sweep};
use crate::compile::{Aim, Arrangement, Multiplier, Weights};
use crate::hardware::Hardware;
use crate::io::record::Cell;
use crate::processor::weights_of;

/// What the points of a sweep make of the choices that are said in it.
pub(super) struct Idle {
    /// Of how weights are held, of the order of singular values, of the chips that free phases are chosen for.
    choices: [Choice; 3],
}

/// One of them.
struct Choice {
    key: Key,
    /// Whether it is varied, or said to be another one than that of default.
    is_said: bool,
    /// Whether it does something at a point.
    acts: bool,
}

impl Idle {
    /// Before any point of `sweep`.
    pub(super) fn new(sweep: &Sweep) -> Self {
        let choice = |key: Key, default: &str| {
            let mut fixed = sweep.base.values.iter();
            let is_other = |cell: &Cell| !matches!(cell, Cell::Text(text) if text == default);
            let is_fixed = fixed.any(|(said, cell)| *said == key && is_other(cell));
            Choice {
                key,
                is_said: is_fixed || sweep.keys().any(|varied| *varied == key),
                acts: false,
            }
        };
        let exact = Weights::default().to_string();
        Self {
            choices: [
                choice(Key::Weights, &exact),
                choice(Key::Arrange, Arrangement::default().name()),
                choice(Key::For, Aim::default().name()),
            ],
        }
    }

    /// Notes a point.
    pub(super) fn note(&mut self, point: &Point) {
        let Source::Network(_, layout) = &point.source else {
            return;
        };
        let takes_weights = |hardware: &Hardware| weights_of(hardware) == Weights::Exact;
        let is_mesh = layout.multiplier != Multiplier::Crossbar;
        let acts = [takes_weights(&point.hardware), is_mesh, is_mesh];
        for (choice, acts) in self.choices.iter_mut().zip(acts) {
            choice.acts |= acts;
        }
    }

    /// What does nothing at any point that was noted, in sentences.
    pub(super) fn words(&self) -> impl Iterator<Item = String> {
        let idle = self.choices.iter();
        let idle = idle.filter(|choice| choice.is_said && !choice.acts);
        idle.map(|choice| {
            let why = match choice.key {
                Key::Weights => {
                    "numbers.format and numbers.weight_bits say how the hardware holds them"
                }
                _ => "a crossbar leaves nothing free",
            };
            format!("{} does nothing: {why}", choice.key.name())
        })
    }
}
