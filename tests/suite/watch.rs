//! Whoever waits for long work: what it is told, and how soon work stops.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use lightloom::compile::{Layout, Program, compile};
use lightloom::experiment::sweep::{Session, Shard, Sweep};
use lightloom::experiment::{Experiment, Report};
use lightloom::io::Source;
use lightloom::nn::{Labels, Readout, Samples, Weight};
use lightloom::{Correction, Dataset, Error, Hardware, Network, Seed, Watch};
use ndarray::Array2;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/meshes/demo");

/// Hears what is done, and stops work when it hears a sentence or is asked so often.
#[derive(Default)]
struct Listener {
    heard: Mutex<Vec<String>>,
    until: &'static str,
    is_enough: AtomicBool,
    asked: AtomicUsize,
    limit: Option<usize>,
}

impl Listener {
    fn until(sentence: &'static str) -> Self {
        Self {
            until: sentence,
            ..Self::default()
        }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Watch for Listener {
    fn doing(&self, what: Option<&str>) {
        let what = what.unwrap_or("steps");
        self.heard.lock().unwrap().push(what.to_owned());
        if what == self.until {
            self.is_enough.store(true, Ordering::Relaxed);
        }
    }

    fn stops(&self) -> bool {
        let asked = 1 + self.asked.fetch_add(1, Ordering::Relaxed);
        self.is_enough.load(Ordering::Relaxed) || self.limit.is_some_and(|limit| asked > limit)
    }
}

/// `work` on one thread, so that blocks follow each other.
fn alone<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.unwrap().install(work)
}

/// 797 digits in two blocks through two chips.
fn digits(watch: &Listener) -> Result<Report, Error> {
    let program = Program::load(format!("{DEMO}/digits.program.safetensors")).unwrap();
    let data = Dataset::load(format!("{DEMO}/digits-test.npz"), None, None).unwrap();
    let experiment = Experiment {
        hardware: Hardware::open("low-noise").unwrap(),
        seed: Seed(0),
        trials: 2,
        correction: Correction::None,
    };
    alone(|| experiment.run::<f32>(&program, &data, watch))
}

#[test]
fn what_is_done_in_front_of_the_first_chip_is_told() {
    let watch = Listener::default();
    assert_eq!(digits(&watch).unwrap().trials, 2);
    assert_eq!(
        watch.heard(),
        [
            "digital network: 0 of 797 samples",
            "digital network: 512 of 797 samples",
            "digital network: 797 of 797 samples",
            "perfect chip: 0 of 797 samples",
            "perfect chip: 512 of 797 samples",
            "perfect chip: 797 of 797 samples",
            "steps",
        ]
    );
}

#[test]
fn work_in_front_of_the_first_chip_stops_behind_the_block_that_has_begun() {
    for sentence in [
        "digital network: 512 of 797 samples",
        "perfect chip: 512 of 797 samples",
    ] {
        let watch = Listener::until(sentence);
        assert!(matches!(digits(&watch), Err(Error::Stopped)));
        assert_eq!(watch.heard().pop().unwrap(), sentence);
    }
}

/// Chips of 6 modes, each of whose fits takes some hundred evaluations.
fn fitted(trials: usize, watch: &Listener) -> Result<Report, Error> {
    let weight = Array2::from_shape_fn((6, 6), |(i, j)| ((1 + 6 * i + j) as f64).sin());
    let network = Network::of_weight(Weight::Real(weight), Readout::Real).unwrap();
    let program = compile(&network, Layout::default()).unwrap();
    let x = Array2::from_shape_fn((4, 6), |(i, j)| ((3 + 6 * i + j) as f64).cos());
    let data = Dataset::new("x", Samples::from(x), Labels::None).unwrap();
    let experiment = Experiment {
        hardware: Hardware::default()
            .with("coupler.splitting_error_rad", "0.2")
            .unwrap(),
        seed: Seed(1),
        trials,
        correction: Correction::Fit,
    };
    alone(|| experiment.run::<f64>(&program, &data, watch))
}

#[test]
fn a_fit_is_left_where_it_is_and_chips_before_it_are_kept() {
    let watch = Listener::default();
    let one = fitted(1, &watch).unwrap();
    let of_one = watch.asked();
    assert!(of_one > 50, "{of_one} times");
    for (limit, trials) in [(20, 0), (of_one + 20, 1)] {
        let watch = Listener {
            limit: Some(limit),
            ..Listener::default()
        };
        let stopped = fitted(3, &watch);
        // Once where it is left, and once in front of the next chip.
        assert!(watch.asked() <= limit + 2, "{} times", watch.asked());
        match trials {
            0 => assert!(matches!(stopped, Err(Error::Stopped))),
            _ => {
                let report = stopped.unwrap();
                assert_eq!((report.trials, report.stopped_of), (1, Some(3)));
                assert_eq!(report.noisy.per_trial, one.noisy.per_trial);
            }
        }
    }
}

#[test]
fn a_sweep_that_is_stopped_in_front_of_its_first_chip_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "program = '{DEMO}/digits.program.safetensors'\ndata = '{DEMO}/digits-test.npz'\ntrials = 2\n"
    );
    let out = dir.path().join("out");
    let open = || {
        let source = Source::new("e.toml", text.clone().into_bytes());
        let (sweep, _) = Sweep::read(&source).unwrap();
        Session::open(sweep, Path::new(""), &out, Shard::WHOLE).unwrap()
    };
    for sentence in [
        "digital network: 512 of 797 samples",
        "perfect chip: 0 of 797 samples",
    ] {
        let session = open();
        alone(|| session.run(&Listener::until(sentence))).unwrap();
        assert_eq!((session.missing(), session.total()), (2, 2));
    }
    let session = open();
    session.run(&()).unwrap();
    assert_eq!(session.missing(), 0);
}
