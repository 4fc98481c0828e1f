//! What networks of the page become by training.

use crate::compile::Program;
use crate::field::Real;
use crate::hardware::{Given, Hardware};
use crate::mesh::Correction;
use crate::nn::Dataset;
use crate::rng::Seed;
use crate::train::{Setting, Trainer, Training};

/// What `training` in precision `T` makes of `program` on chips of `hardware`, all of whose numbers follow from `seed`.
pub(super) fn learnt<T: Real>(
    training: &Training,
    program: &Program,
    data: &Dataset,
    hardware: &Hardware,
    seed: Seed,
) -> Program {
    let setting = Setting {
        program,
        hardware,
        seed,
        given: &Given::default(),
        data,
        score: None,
        correction: Correction::None,
    };
    let mut trainer = Trainer::<T>::new(training, setting, None).expect("it can be trained");
    for _ in 0..trainer.steps() {
        trainer.step(&()).expect("steps are finite");
    }
    let last = trainer.best().expect("values are finite");
    match training.trial {
        Some(_) => last.program().clone(),
        None => last.trained_program().expect("weights are finite"),
    }
}
