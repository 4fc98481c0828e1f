//! Programs on chips of which something is known.

use lightloom::compile::{Layout, Program, compile};
use lightloom::hardware::{Chip, Element, Given, Hardware, Quantity, Section, Site};
use lightloom::mesh::Correction;
use lightloom::nn::{Batch, LinearId, Network, Readout, Weight};
use lightloom::processor::Processor;
use lightloom::rng::{Effect, Seed};
use lightloom::{Error, Result};
use ndarray::Array2;

/// A layer of 3 outputs and 5 inputs: meshes of 3 and 10 MZIs with 3 attenuators between them.
fn program() -> Program {
    let mut stream = Seed(4).stream(Effect::Haar, 0, 0, 0);
    let weight = Array2::from_shape_simple_fn((3, 5), || stream.standard_normal());
    let network = Network::of_weight(Weight::Real(weight), Readout::Real).unwrap();
    compile(&network, Layout::default()).unwrap()
}

fn chip(key: &str, value: &str) -> Chip {
    let hardware = Hardware::default().with(key, value).unwrap();
    hardware.fabricate(Seed(7), 2)
}

fn load(chip: Chip) -> Result<Processor<f64>> {
    Processor::load(&program(), chip, Correction::None, None)
}

fn with(quantity: Quantity, section: Section, elements: Vec<f64>) -> Given {
    Given::default()
        .with(quantity, Site::default(), section, elements)
        .unwrap()
}

/// Everything but the attenuators, or they alone, without drawn errors.
#[test]
fn attenuators_have_errors_or_have_none() {
    const MESHES: [Section; 2] = [Section::Input, Section::Output];
    let error = |perfect: &[Section]| {
        let keys = [Quantity::FirstCouplerRad, Quantity::SecondCouplerRad];
        let all = perfect
            .iter()
            .flat_map(|section| keys.map(|key| (key, *section)));
        let given = all.fold(Given::default(), |given, (quantity, section)| {
            let known = given.with(quantity, Site::default(), section, Element::Times(0.0));
            known.unwrap()
        });
        let chip = chip("coupler.splitting_error_rad", "0.02").with_given(given);
        load(chip).unwrap().matrix_errors()[0]
    };
    let attenuators = [Section::Attenuators];
    let (all, of_meshes, of_attenuators) = (error(&[]), error(&attenuators), error(&MESHES));
    assert!(error(&[&MESHES[..], &attenuators].concat()) < 1e-13);
    assert!(of_attenuators > 1e-3 && of_meshes > of_attenuators && all != of_meshes);
}

/// One attenuator is off by δ: its bar amplitude goes from sin(θ/2) to the modulus and phase of e^{i(θ + δ)} − 1 over e^{iθ} − 1.
#[test]
fn an_offset_of_one_attenuator_changes_one_singular_value() {
    const OFFSET: f64 = 0.1;
    let program = program();
    let tile = &program.tiles(LinearId(0))[0];
    let given = with(
        Quantity::OffsetRad,
        Section::Attenuators,
        vec![0.0, OFFSET, 0.0],
    );
    let chip = Hardware::default().fabricate(Seed(0), 0).with_given(given);
    let error = load(chip).unwrap().matrix_errors()[0];
    // |e^{i(θ + δ)} − e^{iθ}| / 2 = sin(δ/2), of the largest singular value, which is the scale.
    let weight = program.tiles(LinearId(0))[0].matrix();
    let expected = tile.scale * (OFFSET / 2.0).sin() / weight.norm();
    assert!((error - expected).abs() < 1e-12, "{error} {expected}");
}

#[test]
fn given_losses_are_made_up_for_and_given_gains_are_not() {
    let lossy = Given::default()
        .with(
            Quantity::LossDb,
            Site::default(),
            Section::Attenuators,
            Element::Is(0.7),
        )
        .unwrap();
    let perfect = || Hardware::default().fabricate(Seed(0), 0);
    let processor = load(perfect().with_given(lossy)).unwrap();
    assert!((processor.losses_db()[0] - 0.7).abs() < 1e-12);
    assert!(processor.matrix_errors()[0] < 1e-12);
    let gains = vec![1.1, 1.0, 0.9, 1.0, 1.2, 1.0];
    let given = with(Quantity::Gain, Section::Detectors, gains.clone());
    let read = |chip| {
        let inputs = Batch::Real(Array2::eye(5));
        load(chip).unwrap().forward(inputs, 0).unwrap()
    };
    let (known, ideal) = (read(perfect().with_given(given)), read(perfect()));
    for ((row, col), value) in known.indexed_iter() {
        let expected = gains[2 * row] * ideal[[row, col]];
        assert!((value - expected).abs() < 1e-12);
    }
    // Re(a e^{iδ}) of a real field.
    let phases = with(
        Quantity::OscillatorPhaseRad,
        Section::Detectors,
        vec![0.0, 0.5, 0.0],
    );
    let turned = read(perfect().with_given(phases));
    for ((row, col), value) in turned.indexed_iter() {
        let expected = ideal[[row, col]] * if row == 1 { 0.5f64.cos() } else { 1.0 };
        assert!((value - expected).abs() < 1e-12);
    }
}

/// φ = π V²/V_π² with V for the calibrated V_π: a heater of 1 + ε shows φ/(1 + ε)².
#[test]
fn a_given_error_of_v_pi_acts_without_any_in_the_hardware() {
    let program = program();
    let tile = &program.tiles(LinearId(0))[0];
    let wrong = vec![0.0, 0.05, 0.0];
    let given = with(Quantity::VPiError, Section::Attenuators, wrong);
    let chip = Hardware::default().fabricate(Seed(0), 0).with_given(given);
    let error = load(chip).unwrap().matrix_errors()[0];
    let off = tile.meshes().unwrap().attenuators[1] * (1.0 - 1.05f64.powi(-2));
    let expected = tile.scale * (off / 2.0).sin().abs() / tile.matrix().norm();
    assert!((error - expected).abs() < 1e-12, "{error} {expected}");
}

#[test]
fn what_does_not_fit_the_program_is_refused() {
    let perfect = || Hardware::default().fabricate(Seed(0), 0);
    for (quantity, section, fits) in [
        (Quantity::FirstCouplerRad, Section::Input, 10),
        (Quantity::OffsetRad, Section::Input, 25),
        (Quantity::LossDb, Section::Attenuators, 3),
        (Quantity::VPiError, Section::Output, 9),
        (Quantity::Gain, Section::Detectors, 6),
        (Quantity::OscillatorPhaseRad, Section::Detectors, 3),
    ] {
        let given = |count| with(quantity, section, vec![0.0; count]);
        assert!(
            load(perfect().with_given(given(fits))).is_ok(),
            "{quantity:?}"
        );
        for count in [0, fits - 1, fits + 1] {
            let error = load(perfect().with_given(given(count)));
            assert!(matches!(error, Err(Error::Shape { .. })), "{quantity:?}");
        }
    }
    let third = with(Quantity::ThirdCouplerRad, Section::Input, vec![0.0; 10]);
    let error = load(perfect().with_given(third));
    assert!(matches!(error, Err(Error::Format { .. })));
    let elsewhere = Site {
        bank: 1,
        ..Site::default()
    };
    let given = Given::default()
        .with(
            Quantity::Gain,
            elsewhere,
            Section::Detectors,
            Element::Is(1.0),
        )
        .unwrap();
    let error = load(perfect().with_given(given));
    assert!(matches!(error, Err(Error::Format { .. })));
}
