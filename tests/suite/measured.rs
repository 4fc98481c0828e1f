//! A measured chip, from its tables to what commands and programs make of it.

#[cfg(feature = "cli")]
use std::path::Path;

use lightloom::compile::{Layout, Program, compile};
use lightloom::hardware::{Hardware, MeasuredChip, MeasuredQuantity, Placement};
use lightloom::io::Source;
use lightloom::io::record::{Cell, Column, Kind, write_parquet};
use lightloom::mesh::Correction;
use lightloom::nn::{Batch, Network, Readout, Weight};
use lightloom::processor::{Loading, Processor, measured_of};
use lightloom::rng::{Effect, Seed};
use lightloom::{Error, Result};
use ndarray::{Array2, arr1};

/// A layer of 8 × 8 in four tiles.
fn program() -> Program {
    let mut stream = Seed(4).stream(Effect::Haar, 0, 0, 0);
    let weight = Array2::from_shape_simple_fn((8, 8), || stream.standard_normal());
    let network = Network::of_weight(Weight::Real(weight), Readout::Real).unwrap();
    let layout = Layout {
        tile: Some(4),
        ..Layout::default()
    };
    compile(&network, layout).unwrap()
}

/// What the layer's receivers read of light in one input after the other.
fn read(
    program: &Program,
    hardware: &Hardware,
    placement: Placement,
    correction: Correction,
) -> Result<Array2<f64>> {
    let loading = Loading {
        correction,
        placement,
        ..Loading::default()
    };
    let chip = hardware.fabricate(Seed(3), 1);
    let processor = Processor::load(program, chip, loading, None)?;
    processor.forward(Batch::Real(Array2::eye(8)), 0)
}

/// The path of the program's only layer.
fn layer(program: &Program) -> String {
    let layer = program.maps().next().unwrap();
    layer.linear.name.clone()
}

const ALL: &str = "coupler.splitting_error_rad = 0.03\nphase_shifter = { offset_rad = 0.3, v_pi_error = 0.01 }\n\
                   mesh = { insertion_loss_db = 0.1, insertion_loss_spread_db = 0.03 }\n\
                   readout = { gain_spread = 0.02, lo_phase_error_rad = 0.05 }";

#[test]
fn a_program_reads_on_a_measured_chip_what_it_reads_on_the_drawn_one() {
    let program = program();
    let hardware = Hardware::from_toml(ALL).unwrap();
    let chip = hardware.fabricate(Seed(3), 1);
    let measured = measured_of(&program, &chip).unwrap();
    let known = hardware.clone().with_measured(measured);
    for correction in [Correction::None, Correction::Local] {
        let of = |hardware| read(&program, hardware, Placement::OwnMeshes, correction).unwrap();
        let (drawn, measured) = (of(&hardware), of(&known));
        let apart = (&drawn - &measured).mapv(f64::abs);
        let largest = apart.iter().copied().fold(0.0, f64::max);
        assert!(largest < 1e-13, "{correction:?}: {largest:e}");
    }
}

#[test]
fn a_dead_detector_reads_nothing_and_a_gain_counts() {
    let program = program();
    let layer = layer(&program);
    let id = |tile: usize, row: usize| format!("{layer}.{tile}.detectors.detector.0.{row}");
    let measured = MeasuredChip::default()
        .with(&id(0, 2), MeasuredQuantity::Dead, 1.0)
        .unwrap()
        .with(&id(1, 2), MeasuredQuantity::Dead, 1.0)
        .unwrap()
        .with(&id(2, 1), MeasuredQuantity::Gain, 1.5)
        .unwrap()
        .with(&id(3, 1), MeasuredQuantity::Gain, 1.5)
        .unwrap();
    let of = |measured: &MeasuredChip| {
        let hardware = Hardware::default().with_measured(measured.clone());
        read(&program, &hardware, Placement::OwnMeshes, Correction::None).unwrap()
    };
    let (ideal, found) = (of(&MeasuredChip::default()), of(&measured));
    for ((row, col), found) in found.indexed_iter() {
        let factor = match row {
            2 => 0.0,
            5 => 1.5,
            _ => 1.0,
        };
        assert!(
            (found - factor * ideal[[row, col]]).abs() < 1e-12,
            "{row} {col}"
        );
    }
}

#[test]
fn tiles_that_share_silicon_are_names_of_the_same_components() {
    let program = program();
    let layer = layer(&program);
    let id = |tile: usize| format!("{layer}.{tile}.input.alpha.0.0");
    let couplers = |numbers: &[(usize, f64)]| {
        let quantity = MeasuredQuantity::SplittingErrorRad;
        let measured = numbers
            .iter()
            .fold(MeasuredChip::default(), |measured, (tile, number)| {
                measured.with(&id(*tile), quantity, *number).unwrap()
            });
        Hardware::default().with_measured(measured)
    };
    let shared = |hardware: &Hardware| {
        let placement = Placement::Shared { meshes: 2 };
        read(&program, hardware, placement, Correction::None)
    };
    // Tiles 0 and 2 are on one mesh: both feel what was measured under either name, as if each had been.
    let by_either = [0, 2].map(|tile| shared(&couplers(&[(tile, 0.2)])).unwrap());
    assert_eq!(by_either[0], by_either[1]);
    assert_eq!(
        shared(&couplers(&[(0, 0.2), (2, 0.2)])).unwrap(),
        by_either[0]
    );
    let own = couplers(&[(0, 0.2), (2, 0.2)]);
    let own = read(&program, &own, Placement::OwnMeshes, Correction::None).unwrap();
    assert_eq!(own, by_either[0]);
    let error = shared(&couplers(&[(0, 0.2), (2, 0.1)])).unwrap_err();
    assert!(matches!(error, Error::Value { .. }), "{error}");
}

#[test]
fn what_was_measured_must_be_of_the_program() {
    let program = program();
    let of = |id: &str| {
        let measured = MeasuredChip::default();
        let measured = measured.with(id, MeasuredQuantity::OffsetRad, 0.1).unwrap();
        let hardware = Hardware::default().with_measured(measured);
        read(&program, &hardware, Placement::OwnMeshes, Correction::None)
    };
    let layer = layer(&program);
    assert!(of(&format!("{layer}.3.attenuators.attenuator.0.1")).is_ok());
    for id in [
        "mesh.theta.0.0".to_owned(),
        format!("{layer}.4.input.theta.0.0"),
    ] {
        let error = of(&id).unwrap_err();
        assert!(matches!(error.root(), Error::Format { .. }), "{error}");
    }
}

#[test]
fn csv_parquet_and_npz_say_the_same() {
    let ids = ["mesh.theta.0.0", "mesh.phi.0.0"];
    let text = "id,offset_rad,v_pi_v\nmesh.theta.0.0,0.25,4.5\nmesh.phi.0.0,-1,4.25\n";
    let numbers = [[0.25, 4.5], [-1.0, 4.25]];
    let columns = [
        Column::new("id", Kind::Text),
        Column::new("offset_rad", Kind::Float),
        Column::new("v_pi_v", Kind::Float),
    ];
    let mut parquet = Vec::new();
    let row = |index: usize| {
        let [offset, v_pi] = numbers[index].map(Cell::Float);
        Ok(vec![Cell::from(ids[index]), offset, v_pi])
    };
    write_parquet(&columns, [row(0), row(1)].into_iter(), &mut parquet).unwrap();
    let read = |bytes: &[u8]| MeasuredChip::default().with_numbers(&Source::new("chip", bytes));
    let by_text = read(text.as_bytes()).unwrap();
    assert_eq!(by_text.numbers().count(), 4);
    assert_eq!(read(&parquet).unwrap(), by_text);
    // A null of Parquet says nothing.
    let mut parquet = Vec::new();
    let rows = [
        row(0),
        Ok(vec![Cell::from(ids[1]), Cell::Null, Cell::Float(4.25)]),
    ];
    write_parquet(&columns, rows.into_iter(), &mut parquet).unwrap();
    assert_eq!(read(&parquet).unwrap().numbers().count(), 3);
    // An archive without text has no ids.
    let mut archive = lightloom::io::npy::NpzWriter::new();
    archive
        .put("offset_rad", arr1(&[0.25, -1.0]).view())
        .unwrap();
    let error = read(&archive.finish().unwrap()).unwrap_err();
    assert!(error.to_string().contains("`id`"), "{error}");
}

#[cfg(feature = "cli")]
mod commands {
    use super::*;
    use crate::cli::{DEMO, distance, haar, ok, read_npy, refused, write_npy};
    use lightloom::experiment::Sweep;
    use lightloom::experiment::sweep::{Session, Shard, Worker};

    #[test]
    fn a_chip_that_a_command_wrote_is_the_chip_that_others_draw() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write_npy(&folder.join("u.npy"), &haar(5));
        ok(folder, &["decompose", "u.npy", "-o", "u.mesh.json"]);
        let drawn = ["u.mesh.json", "--hardware", "mit-pnp", "--trial", "3"];
        ok(
            folder,
            &[&["chip"], &drawn[..], &["-o", "chip.toml"]].concat(),
        );
        ok(
            folder,
            &[&["matrix"], &drawn[..], &["-o", "drawn.npy"]].concat(),
        );
        let known = [
            "matrix",
            "u.mesh.json",
            "--hardware",
            "chip.toml",
            "--trial",
            "3",
        ];
        ok(folder, &[&known[..], &["-o", "known.npy"]].concat());
        let apart = distance(
            &read_npy(&folder.join("drawn.npy")),
            &read_npy(&folder.join("known.npy")),
        );
        assert!(apart < 1e-14, "{apart:e}");
        // The chip does not follow from the seed any more.
        ok(
            folder,
            &[&known[..], &["--seed", "7", "-o", "other.npy"]].concat(),
        );
        let said = ok(folder, &["inspect", "chip.toml"]);
        assert!(
            said.contains("splitting_error_rad") && said.contains("corrections know"),
            "{said}"
        );
        let shown = [
            "draw",
            "u.mesh.json",
            "--hardware",
            "chip.toml",
            "--show",
            "splitting_error_rad",
            "-o",
        ];
        ok(folder, &[&shown[..], &["chip.svg"]].concat());
        let svg = std::fs::read_to_string(folder.join("chip.svg")).unwrap();
        assert!(svg.contains("splitting_error_rad of every MZI"));
        for args in [
            &[
                "draw",
                "u.mesh.json",
                "--hardware",
                "chip.toml",
                "--show",
                "spliting",
                "-o",
                "x.svg",
            ][..],
            &[
                "draw",
                "u.mesh.json",
                "--hardware",
                "chip.toml",
                "--show",
                "gain",
                "-o",
                "x.svg",
            ],
            &[
                "draw",
                "u.mesh.json",
                "--hardware",
                "chip.toml",
                "-o",
                "x.svg",
            ],
            &["chip", "u.mesh.json", "-o", "chip.csv"],
        ] {
            refused(folder, args);
        }
        let table = std::fs::read_to_string(folder.join("chip.csv")).unwrap();
        std::fs::write(
            folder.join("chip.csv"),
            table.replace("mesh.alpha.0.0,", "mesh.alpha.0.9,"),
        )
        .unwrap();
        refused(
            folder,
            &[
                "matrix",
                "u.mesh.json",
                "--hardware",
                "chip.toml",
                "-o",
                "x.npy",
            ],
        );
        std::fs::write(folder.join("chip.csv"), "id,loss_db\nmesh.theta.0.0,-1\n").unwrap();
        refused(folder, &["inspect", "chip.toml"]);
        std::fs::remove_file(folder.join("chip.csv")).unwrap();
        refused(
            folder,
            &[
                "matrix",
                "u.mesh.json",
                "--hardware",
                "chip.toml",
                "-o",
                "x.npy",
            ],
        );
    }

    #[test]
    fn voltages_are_those_of_heaters_as_they_were_measured() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write_npy(&folder.join("u.npy"), &haar(3));
        ok(folder, &["decompose", "u.npy", "-o", "u.mesh.json"]);
        std::fs::write(folder.join("chip.toml"), "[measured]\nfiles = 'chip.csv'\n").unwrap();
        std::fs::write(
            folder.join("chip.csv"),
            "id,v_pi_v,offset_rad\nmesh.theta.0.0,3.5,\nmesh.phi.1.1,,0.3\n",
        )
        .unwrap();
        let export = |hardware: &str| {
            let args = [
                "export",
                "u.mesh.json",
                "--volts",
                "--hardware",
                hardware,
                "--format",
                "json",
            ];
            let rows: serde_json::Value = serde_json::from_str(&ok(folder, &args)).unwrap();
            rows.as_array().unwrap().clone()
        };
        for (ideal, measured) in export("ideal").iter().zip(export("chip.toml")) {
            let number = |row: &serde_json::Value, key: &str| row[key].as_f64().unwrap();
            let phase = number(ideal, "phase_rad");
            let expected = match ideal["id"].as_str().unwrap() {
                "mesh.theta.0.0" => number(ideal, "voltage_v") * 3.5 / 4.36,
                "mesh.phi.1.1" => {
                    let phase = (phase - 0.3).rem_euclid(std::f64::consts::TAU);
                    4.36 * (phase / std::f64::consts::PI).sqrt()
                }
                _ => number(ideal, "voltage_v"),
            };
            assert!((number(&measured, "voltage_v") - expected).abs() < 1e-12);
        }
        std::fs::write(folder.join("chip.csv"), "id,dead\nmesh.theta.0.0,true\n").unwrap();
        let args = [
            "export",
            "u.mesh.json",
            "--volts",
            "--hardware",
            "chip.toml",
            "--format",
            "csv",
            "-o",
            "x.csv",
        ];
        refused(folder, &args);
    }

    /// A sweep on a measured chip in `folder`.
    fn sweep(folder: &Path) -> Sweep {
        let text = format!(
            "program = '{DEMO}/digits.program.safetensors'\ndata = '{DEMO}/digits-test.npz'\nlimit = 16\n\
             hardware = 'chip.toml'\ntrials = 2\n[axes]\n\"phase_shifter.phase_error_rad\" = [0.0, 0.02]\n"
        );
        Sweep::parse_in(folder, &text, "measured").unwrap()
    }

    #[test]
    fn sweeps_and_their_workers_hold_what_was_measured() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let program = Program::load(format!("{DEMO}/digits.program.safetensors")).unwrap();
        let layer = program.maps().next().unwrap().linear.name.clone();
        let write = |offset: f64| {
            let id = format!("{layer}.0.input.theta.0.0");
            let measured = MeasuredChip::default();
            let measured = measured
                .with(&id, MeasuredQuantity::OffsetRad, offset)
                .unwrap();
            let hardware = Hardware::open("mit-pnp").unwrap().with_measured(measured);
            hardware.save(folder.join("chip.toml")).unwrap();
        };
        write(0.5);
        let first = sweep(folder);
        let again = Sweep::parse(&first.resolved(), "", |_| Ok(Hardware::default())).unwrap();
        assert_eq!(again.base.hardware, first.base.hardware);
        let shard = Shard::WHOLE;
        let open = |sweep: &Sweep, out: &str| {
            Session::open(sweep.clone(), folder, &folder.join(out), shard)
        };
        let here = open(&first, "here").unwrap();
        here.run(&()).unwrap();
        here.finish().unwrap();
        // Workers have the tables in their parcel: files may be gone.
        let there = open(&first, "there").unwrap();
        let send = |mut parcel: lightloom::experiment::sweep::Parcel| {
            let worker = Worker::open(parcel.bytes())?;
            while let Some(rows) = parcel.next_task(1) {
                let trials = worker.run(&rows, &())?;
                there.take(&mut parcel, &trials)?;
            }
            Ok(())
        };
        there.run_elsewhere(&send, &()).unwrap();
        there.finish().unwrap();
        let rows = |out: &str| std::fs::read_to_string(folder.join(out).join("rows.csv")).unwrap();
        assert_eq!(rows("here"), rows("there"));
        // Other numbers are another experiment.
        drop(here);
        write(0.6);
        let error = open(&sweep(folder), "here").unwrap_err().to_string();
        assert!(
            error.contains("hardware.measured.table: SHA-256"),
            "{error}"
        );
        assert!(error.len() < 600, "{error}");
    }
}
