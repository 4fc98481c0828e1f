//! A chip whose truth is in another process: methods that need only measurements do not know the difference.

use std::process::Command;

use lightloom::field::Fields;
use lightloom::hardware::{Chip, Driver, Instrument, Laboratory, Side};
use lightloom::mesh::{CellKind, Correction, Geometry, Mesh};
use lightloom::train::{Passes, in_situ};
use lightloom::{Error, Hardware, Seed, rng::Effect};

#[expect(dead_code)]
#[path = "../../examples/instrument.rs"]
mod example;

use example::Piped;

/// What the other process is told to be.
const WORDS: &str = "LIGHTLOOM_INSTRUMENT";

/// This binary itself, in a process of its own, runs this test alone as the driver of a chip.
#[test]
#[ignore = "the driver that other tests start as a process"]
fn answers_for_a_chip() {
    if let Ok(words) = std::env::var(WORDS) {
        example::serve(&words.split(' ').collect::<Vec<_>>()).unwrap();
    }
}

fn piped(words: &str) -> Piped {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "instrument::answers_for_a_chip",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(WORDS, words);
    Piped::start(command).unwrap()
}

const CHIP: &str = "5 3 coupler.splitting_error_rad=0.002 phase_shifter.offset_rad=6";

/// The chip that the other process has, and its mesh.
fn chip() -> (Chip, Mesh) {
    let set = |hardware: Hardware, (key, value)| hardware.with(key, value).unwrap();
    let settings = CHIP.split(' ').filter_map(|word| word.split_once('='));
    let hardware = settings.fold(Hardware::default(), set);
    let mut stream = Seed(4).stream(Effect::Haar, 0, 0, 0);
    let target = Mesh::haar(Geometry::Clements, 5, &mut stream).unwrap();
    (hardware.fabricate(Seed(3), 0), target)
}

/// The largest difference of real and imaginary parts.
fn difference(a: &Fields<f64>, b: &Fields<f64>) -> f64 {
    let parts = (&a.re() - &b.re()).into_iter().chain(&a.im() - &b.im());
    parts.fold(0.0, |most, x| x.abs().max(most))
}

#[test]
fn a_chip_in_another_process_configures_itself_as_one_in_this_process_does() {
    let (chip, target) = chip();
    let mut here = Laboratory::new(chip, &target);
    let mut there = piped(CHIP);
    let [done, expected] = [&mut there as &mut dyn Instrument, &mut here].map(|bench| {
        Driver::new(&target, CellKind::Mzi)
            .self_configure(bench, &target)
            .unwrap()
    });
    assert_eq!(done, expected);
    assert_eq!(done.unreachable, 0);
    assert!(done.error < 1e-12, "{:e}", done.error);
    let light = Fields::basis(5, 5);
    let mut ideal = light.clone();
    target.coefficients().walk(&mut ideal);
    let read = there.send(Side::Inputs, &light).unwrap();
    assert!(difference(&read, &ideal) < 1e-12);
}

#[test]
fn light_measures_the_gradient_of_a_chip_in_another_process() {
    let (chip, target) = chip();
    let mut there = piped(CHIP);
    there.set(&target.phases().flat()).unwrap();
    let light = Fields::basis(5, 3);
    // L = ½ Σ |y|² over the first three outputs.
    let mut by_outputs = there.send(Side::Inputs, &light).unwrap();
    by_outputs.scale_modes(&[1.0, 1.0, 1.0, 0.0, 0.0].map(Into::into));
    let truth = chip.program(&target, Correction::None).coefficients;
    let expected = truth.gradient(&light, by_outputs.clone());
    for passes in [Passes::Three, Passes::Four] {
        let ours = in_situ(&mut there, &light, &by_outputs, passes).unwrap();
        let pairs = ours.phases.iter().zip(expected.phases.flat());
        let off = pairs.fold(0.0, |most: f64, (x, y)| (x - y).abs().max(most));
        assert!(off < 1e-12, "{passes:?}: {off:e}");
        assert!(difference(&ours.inputs, &expected.inputs) < 1e-12);
    }
}

/// An answer that is short or no number is one sentence to whoever asked, and so is none at all.
#[test]
fn a_bad_answer_from_another_process_is_told_in_one_sentence() {
    let (_, target) = chip();
    let light = Fields::basis(5, 1);
    let receivers = "answer of the instrument's receivers";
    for fault in ["short", "nan"] {
        let mut there = piped(&format!("{CHIP} fault={fault}"));
        let configured = Driver::new(&target, CellKind::Mzi).self_configure(&mut there, &target);
        let gradient = in_situ(&mut there, &light, &light, Passes::Three);
        for error in [configured.unwrap_err(), gradient.unwrap_err()] {
            assert!(!error.to_string().contains('\n'));
            match (fault, error.root()) {
                ("short", Error::Shape { what, got, .. }) => {
                    assert_eq!((&**what, &got[..2]), (receivers, "[4"));
                }
                ("nan", Error::NotFinite { what, got, .. }) => {
                    assert_eq!((&**what, &**got), (receivers, "NaN"));
                }
                (_, other) => panic!("{fault}: {other:?}"),
            }
        }
    }
    let mut there = piped(CHIP);
    assert!(
        there.set(&[0.0]).is_err(),
        "it says what is wrong with the question"
    );
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("--list").arg("instrument::answers_for_a_chip");
    // A process that ends without an answer.
    let ended = Piped::start(command).err().expect("it never answers");
    assert!(
        matches!(ended.root(), Error::Format { what, .. } | Error::Io { path: what, .. } if what == "instrument")
    );
}
