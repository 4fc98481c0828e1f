//! `measure` and `twin` as a user meets them.

use std::path::Path;

use lightloom::hardware::{Hardware, Instrument, Laboratory};
use lightloom::io::npy::NpzWriter;
use lightloom::linalg::{C64, Matrix, from_array, matrix_error};
use lightloom::mesh::{Geometry, Mesh};
use lightloom::rng::{Effect, Seed};
use lightloom::twin::{Measurements, Readings, Settings, Twin, error_up_to_phases};
use ndarray::{Array2, Array3, ArrayView, Dimension, arr2};

use crate::cli::{haar, lightloom, ok, read_npy, refused, write_npy};
use crate::pages::Block;

/// A bench whose chip errs in everything that a twin finds, with offsets uniform in 2π.
const BENCH: [&str; 11] = [
    "--hardware",
    "ideal",
    "--set",
    "coupler.splitting_error_rad=0.03",
    "--set",
    "phase_shifter.offset_rad=30",
    "--set",
    "phase_shifter.v_pi_error=0.02",
    "--set",
    "phase_shifter.crosstalk=0.005",
    "--seed=4",
];

/// The command that measures a chip of the bench.
fn bench<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["measure", "u.mesh.json"], &BENCH[..], more].concat()
}

fn folder_with_mesh(modes: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_npy(&folder.path().join("u.npy"), &haar(modes));
    ok(folder.path(), &["decompose", "u.npy", "-o", "u.mesh.json"]);
    folder
}

fn npz<D: Dimension>(
    path: &Path,
    arrays: &[(&str, ArrayView<'_, f64, D>)],
    more: &[(&str, Array2<f64>)],
) {
    let mut archive = NpzWriter::new();
    for (name, array) in arrays {
        archive.put(name, array.view()).unwrap();
    }
    for (name, array) in more {
        archive.put(name, array.view()).unwrap();
    }
    std::fs::write(path, archive.finish().unwrap()).unwrap();
}

/// Fields: no phase stays open, so that the matrix of the twin is that of the chip, as every command takes it.
#[test]
fn a_chip_is_measured_found_planned_for_and_stands_in_for_itself() {
    let folder = folder_with_mesh(4);
    let folder = folder.path();
    let fields = [
        "--fields", "--trial", "2", "--noise", "1e-3", "--floor", "1e-5",
    ];
    ok(
        folder,
        &bench(&[&fields[..], &["--settings", "12", "-o", "M.npz"]].concat()),
    );
    assert!(
        ok(folder, &["inspect", "M.npz"])
            .contains("12 settings of 16 heaters, read at 4 × 4 ports")
    );
    let plan = [
        "--plan",
        "2",
        "--plan-to",
        "next.npz",
        "--json",
        "twin.json",
    ];
    let first = [&["twin", "u.mesh.json", "--measured", "M.npz"], &plan[..]].concat();
    ok(folder, &first);
    assert!(ok(folder, &["inspect", "next.npz"]).contains("2 settings of 16 heaters"));
    assert!(ok(folder, &["inspect", "twin.json"]).contains("found by twin from 384 readings"));
    let next = [
        "--settings-from",
        "next.npz",
        "--bench-seed",
        "1",
        "-o",
        "more.npz",
    ];
    ok(folder, &bench(&[&fields[..], &next].concat()));
    let both = [
        "twin",
        "u.mesh.json",
        "--measured",
        "M.npz",
        "--measured",
        "more.npz",
    ];
    let said = ok(folder, &[&both[..], &["-o", "chip.toml"]].concat());
    assert!(said.contains("readings    448"), "{said}");
    // Both see the same heaters asked for the same phases.
    let matrix = |more: &[&str], output: &str| {
        ok(
            folder,
            &[&["matrix", "u.mesh.json", "-o", output], more].concat(),
        );
        crate::cli::read_npy(&folder.join(output))
    };
    let truth = matrix(&[&BENCH[..], &["--trial", "2"]].concat(), "truth.npy");
    let twin = matrix(&["--hardware", "chip.toml", "--seed", "9"], "found.npy");
    let miss = (&truth - &twin).mapv(|z| z.norm_sqr()).sum() / 4.0;
    assert!(miss.sqrt() < 2e-3, "{}", miss.sqrt());
}

#[test]
fn a_fit_that_does_not_explain_its_readings_says_so_and_exits_with_1() {
    let folder = folder_with_mesh(3);
    let folder = folder.path();
    // Phases err by 0.1 rad at every setting, and the file says that readings err by 0.01 %.
    let noisy = [
        "--set",
        "phase_shifter.phase_error_rad=0.1",
        "--noise",
        "1e-4",
        "-o",
        "M.npz",
    ];
    ok(
        folder,
        &[&["measure", "u.mesh.json"], &BENCH[..], &noisy].concat(),
    );
    let output = lightloom(
        folder,
        &["twin", "u.mesh.json", "--measured", "M.npz", "--quiet"],
    );
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("does not explain what was measured"),
        "{said}"
    );
}

#[test]
fn measurements_that_are_none_are_refused_in_one_sentence() {
    let folder = folder_with_mesh(2);
    let folder = folder.path();
    let twin = |name: &str| refused(folder, &["twin", "u.mesh.json", "--measured", name]);
    let phases = Array2::from_elem((8, 4), 1.0);
    let write =
        |name: &str, settings: &Array2<f64>, powers: &Array3<f64>, more: &[(&str, Array2<f64>)]| {
            let settings = ("phases", settings.clone());
            let more = [&[settings], more].concat();
            npz(&folder.join(name), &[("powers", powers.view())], &more);
        };
    let powers = Array3::from_elem((8, 2, 2), 0.5);
    let with = |change: &dyn Fn(&mut Array3<f64>)| {
        let mut powers = powers.clone();
        change(&mut powers);
        powers
    };
    write("nan.npz", &phases, &with(&|p| p[[3, 1, 0]] = f64::NAN), &[]);
    write(
        "saturated.npz",
        &phases,
        &with(&|p| p[[5, 0, 1]] = 2.0),
        &[("saturation", arr2(&[[1.5]]))],
    );
    write(
        "few.npz",
        &Array2::ones((1, 4)),
        &Array3::ones((1, 2, 2)),
        &[],
    );
    write("heaters.npz", &Array2::ones((8, 5)), &powers, &[]);
    write("ports.npz", &phases, &Array3::ones((8, 3, 3)), &[]);
    write("count.npz", &phases, &Array3::ones((7, 2, 2)), &[]);
    write("cold.npz", &Array2::from_elem((8, 4), -0.5), &powers, &[]);
    write("noise.npz", &phases, &powers, &[("noise", arr2(&[[-0.1]]))]);
    write(
        "unknown.npz",
        &phases,
        &powers,
        &[("power", arr2(&[[0.1]]))],
    );
    write("both.npz", &phases, &powers, &[("volts", phases.clone())]);
    npz(
        &folder.join("unread.npz"),
        &[("phases", phases.view())],
        &[],
    );
    npz(&folder.join("unset.npz"), &[("powers", powers.view())], &[]);
    for name in [
        "nan",
        "saturated",
        "few",
        "heaters",
        "ports",
        "count",
        "cold",
        "noise",
        "unknown",
        "both",
        "unread",
        "unset",
    ] {
        twin(&format!("{name}.npz"));
    }
    let measure = ["measure", "u.mesh.json", "-o", "M.npz"];
    refused(folder, &[&measure[..], &["--noise", "-1"]].concat());
    refused(
        folder,
        &[&measure[..], &["--settings-from", "heaters.npz"]].concat(),
    );
    refused(
        folder,
        &[
            "twin",
            "u.mesh.json",
            "--measured",
            "nan.npz",
            "-o",
            "chip.json",
        ],
    );
}

/// The same seed, on one thread or several.
#[test]
fn a_twin_has_the_same_bits_on_any_number_of_threads() {
    let hardware =
        Hardware::from_toml("phase_shifter.offset_rad = 30.0\ncoupler.splitting_error_rad = 0.05")
            .unwrap();
    let mesh = Mesh::haar(
        Geometry::Reck,
        4,
        &mut Seed(1).stream(Effect::Haar, 0, 0, 0),
    )
    .unwrap();
    let fit = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let mut bench = Laboratory::new(hardware.fabricate(Seed(3), 0), &mesh);
            let settings = Settings::random(bench.heaters(), 20, Seed(5), 0);
            let measured = Measurements::take(&mut bench, settings, true, || true).unwrap();
            let measured = measured.with_noise(0.01, 1e-5, Seed(6));
            let twin = Twin::fit(&mesh, &hardware, measured, Seed(7), &()).unwrap();
            let plan = twin.plan(2, Seed(8)).unwrap();
            (
                twin.parameters().clone(),
                twin.sigmas(),
                twin.quality().clone(),
                plan,
            )
        })
    };
    assert_eq!(fit(1), fit(3));
}

/// 8 modes, 48 settings of powers with 1 % of noise: the matrix at new settings within 0.02, phases within 2e-2 rad where
/// powers show them.
#[test]
fn eight_modes_are_found_from_powers_with_offsets_uniform_in_a_turn() {
    let hardware = Hardware::from_toml(
        "coupler.splitting_error_rad = 0.03\nphase_shifter = { offset_rad = 30.0, v_pi_error = 0.02, crosstalk = 0.005 }\n\
         mesh = { insertion_loss_db = 0.1, insertion_loss_spread_db = 0.02 }",
    )
    .unwrap();
    let mesh = Mesh::bar(Geometry::Clements, 8).unwrap();
    let mut bench = Laboratory::new(hardware.fabricate(Seed(3), 0), &mesh);
    let settings = Settings::random(bench.heaters(), 48, Seed(5), 0);
    let measured = Measurements::take(&mut bench, settings, true, || true).unwrap();
    assert!(matches!(&measured.readings, Readings::Powers(powers) if powers.dim() == (48, 8, 8)));
    let measured = measured.with_noise(0.01, 1e-4, Seed(6));
    let twin = Twin::fit(&mesh, &Hardware::default(), measured, Seed(7), &()).unwrap();
    let quality = twin.quality();
    assert!(quality.is_explained(), "{quality:?}");
    let asked = Settings::random(bench.heaters(), 1, Seed(50), 0)
        .values()
        .row(0)
        .to_vec();
    bench.set(&asked).unwrap();
    let (found, truth) = (twin.transfer(&asked).unwrap(), bench.true_transfer());
    let error = error_up_to_phases(&found, &truth);
    assert!(
        error < 0.01 && error < 3.0 * quality.expected_error,
        "{error} {quality:?}"
    );
    assert!(
        matrix_error(&found, &truth) > 0.1,
        "phases of inputs and outputs stay open"
    );
    // What powers do not show has the deviation of what is uniform in 2π.
    let (nodes, sigmas) = (mesh.nodes().len(), twin.sigmas().offset_rad);
    let is_open = |sigma: &&f64| **sigma > 1.0;
    assert_eq!(sigmas[..nodes].iter().filter(is_open).count(), 0);
    assert!(sigmas[nodes..2 * nodes].iter().filter(is_open).count() >= 7);
    assert_eq!(sigmas[2 * nodes..].iter().filter(is_open).count(), 8);
}

/// `docs/bench.md`: the corrected true chip has the unitary, as the twin predicts.
#[test]
fn the_page_of_the_bench_runs_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_npy(&folder.join("U.npy"), &haar(8));
    let page = include_str!("../../docs/bench.md");
    for block in crate::pages::blocks(page) {
        match block {
            Block::File(name, text) => std::fs::write(folder.join(name), text).unwrap(),
            Block::Commands(commands) => commands.iter().for_each(|command| {
                let words: Vec<&str> = command.split_whitespace().collect();
                ok(folder, &words[1..]);
            }),
            Block::Output(_) => unreachable!("the page prints nothing"),
        }
    }
    let unitary = from_array(haar(8).view());
    let matrix = |name: &str| from_array(read_npy(&folder.join(name)).view());
    let [predicted, truth] = ["predicted.npy", "true.npy"].map(matrix);
    let off = |matrix: &Matrix| {
        let scale = unitary.norm() / matrix.norm();
        matrix_error(&(matrix * C64::from(scale)), &unitary)
    };
    assert!(matrix_error(&truth, &predicted) < 0.01);
    assert!(off(&truth) < 0.05, "{}", off(&truth));
    let volts = std::fs::read_to_string(folder.join("volts.csv")).unwrap();
    assert!(volts.lines().next().unwrap().contains("voltage_v"));
}

/// What heaters are asked for is corrected once: no door takes a chip's errors off again, or offers an ideal that is none.
#[test]
fn what_was_corrected_is_not_corrected_again() {
    let folder = folder_with_mesh(4);
    let folder = folder.path();
    std::fs::write(
        folder.join("chip.csv"),
        "id,offset_rad,v_pi_v\nmesh.theta.0.0,1.5,4.4\n",
    )
    .unwrap();
    std::fs::write(
        folder.join("chip.toml"),
        "[measured]\nfiles = \"chip.csv\"\n",
    )
    .unwrap();
    ok(
        folder,
        &[
            "correct",
            "u.mesh.json",
            "--hardware",
            "chip.toml",
            "-o",
            "c.mesh.json",
        ],
    );
    ok(
        folder,
        &[
            "matrix",
            "c.mesh.json",
            "--hardware",
            "chip.toml",
            "-o",
            "c.npy",
        ],
    );
    let unitary = from_array(haar(4).view());
    assert!(
        matrix_error(
            &from_array(read_npy(&folder.join("c.npy")).view()),
            &unitary
        ) < 0.02
    );
    for args in [
        &[
            "correct",
            "c.mesh.json",
            "--hardware",
            "chip.toml",
            "-o",
            "d.mesh.json",
        ][..],
        &[
            "matrix",
            "c.mesh.json",
            "--hardware",
            "chip.toml",
            "--correct",
            "local",
            "-o",
            "d.npy",
        ],
        &[
            "matrix",
            "c.mesh.json",
            "--hardware",
            "chip.toml",
            "--correct",
            "self-configure",
            "-o",
            "d.npy",
        ],
        &[
            "export",
            "c.mesh.json",
            "--format",
            "csv",
            "--volts",
            "--hardware",
            "chip.toml",
            "-o",
            "d.csv",
        ],
    ] {
        refused(folder, args);
    }
    ok(
        folder,
        &[
            "export",
            "c.mesh.json",
            "--format",
            "csv",
            "--volts",
            "-o",
            "volts.csv",
        ],
    );
    assert!(ok(folder, &["inspect", "c.mesh.json"]).contains("corrected already"));

    let network = concat!(env!("CARGO_MANIFEST_DIR"), "/meshes/demo/network.toml");
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/meshes/demo/digits-test.npz");
    ok(
        folder,
        &[
            "compile",
            network,
            "--tile",
            "16",
            "-o",
            "p.program.safetensors",
        ],
    );
    let program = [
        "p.program.safetensors",
        "--set",
        "phase_shifter.offset_rad=2",
        "--set",
        "mesh.insertion_loss_spread_db=0.2",
        "--correct",
        "local",
    ];
    ok(
        folder,
        &[&["correct"], &program[..], &["-o", "c.program.safetensors"]].concat(),
    );
    let infer = |program: &str, correct: &str| {
        let all = [
            "infer", program, "--data", data, "--limit", "64", "--trials", "1",
        ];
        let chip = [
            "--set",
            "phase_shifter.offset_rad=2",
            "--set",
            "mesh.insertion_loss_spread_db=0.2",
            "--correct",
            correct,
        ];
        [&all[..], &chip[..]]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let again = infer("c.program.safetensors", "local");
    refused(
        folder,
        &again.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let chip = |program: &str, correct: &str| {
        let args = [infer(program, correct), vec!["--json".into(), "-".into()]].concat();
        let said = ok(folder, &args.iter().map(String::as_str).collect::<Vec<_>>());
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        let trial = &said["noisy"]["per_trial"][0];
        let errors = trial["matrix_errors"].as_array().unwrap();
        let errors: Vec<f64> = errors.iter().map(|x| x.as_f64().unwrap()).collect();
        (trial["accuracy"].as_f64().unwrap(), errors)
    };
    let (accuracy, errors) = chip("p.program.safetensors", "local");
    let (as_asked, errors_as_asked) = chip("c.program.safetensors", "none");
    assert_eq!(accuracy, as_asked);
    // Loss leaves errors that digital scales must make up for alike.
    assert!(errors.iter().all(|error| *error > 1e-3), "{errors:?}");
    for (one, other) in errors.iter().zip(errors_as_asked) {
        assert!((one - other).abs() < 1e-5, "{one} {other}");
    }
}
