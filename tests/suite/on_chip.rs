//! `matrix` and `apply` on one chip: meshes, and layers of programs.

use std::path::Path;

use lightloom::Program;
use lightloom::hardware::Hardware;
use lightloom::mesh::Correction;
use lightloom::nn::LinearId;
use lightloom::processor::Processor;
use lightloom::rng::Seed;
use ndarray::{Array2, s};
use num_complex::Complex;

use crate::cli::{DEMO, distance, haar, ok, read_npy, refused, write_npy};

fn folder_with_program() -> (tempfile::TempDir, Program) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("p.safetensors");
    std::fs::copy(format!("{DEMO}/digits.program.safetensors"), &file).unwrap();
    let program = Program::load(&file).unwrap();
    (dir, program)
}

fn fields(samples: usize, modes: usize) -> Array2<Complex<f64>> {
    let wide = haar(samples.max(modes));
    wide.slice(s![..samples, ..modes]).to_owned()
}

/// `x · matrixᵀ` of the matrix in a file.
fn product(folder: &Path, x: &Array2<Complex<f64>>, matrix: &str) -> Array2<Complex<f64>> {
    x.dot(&read_npy(&folder.join(matrix)).t())
}

#[test]
fn the_matrix_of_a_layer_is_its_weight_and_on_a_chip_what_inference_multiplies_by() {
    let (dir, program) = folder_with_program();
    let folder = dir.path();
    for map in program.maps() {
        let name = &map.linear.name;
        let layer = ["--layer", name.as_str()];
        ok(
            folder,
            &[&["matrix", "p.safetensors", "-o", "W.npy"][..], &layer].concat(),
        );
        let weight = map.linear.whole().to_complex();
        assert!(distance(&read_npy(&folder.join("W.npy")), &weight) < 1e-12);
        let chip = [
            "--hardware",
            "mit-pnp",
            "--seed",
            "4",
            "--trial",
            "2",
            "--correct",
            "local",
            "-o",
            "C.npy",
        ];
        ok(
            folder,
            &[&["matrix", "p.safetensors"][..], &chip, &layer].concat(),
        );
        let hardware = Hardware::open("mit-pnp").unwrap();
        let settings = [("readout.adc_bits", "none"), ("input.dac_bits", "none")];
        let quiet = settings.iter().fold(hardware, |hardware, (key, value)| {
            hardware.with(key, value).unwrap()
        });
        let chip = quiet.with("readout.bandwidth_ghz", "0").unwrap();
        let chip = chip.with("input.extinction_ratio_db", "none").unwrap();
        let chip = chip.fabricate(Seed(4), 2);
        let processor = Processor::<f64>::load(&program, chip, Correction::Local, None).unwrap();
        let expected = processor.matrix(map.id);
        let found = read_npy(&folder.join("C.npy"));
        assert!(distance(&found, &weight) > 1e-3);
        let same = found
            .indexed_iter()
            .all(|(at, z)| *z == Complex::new(expected.re()[at], expected.im()[at]));
        assert!(same, "layer {name}");
    }
    ok(folder, &["matrix", "p.safetensors", "-o", "first.npy"]);
    let first = program.maps().next().unwrap();
    assert_eq!(first.id, LinearId(0));
    let weight = first.linear.whole().to_complex();
    assert!(distance(&read_npy(&folder.join("first.npy")), &weight) < 1e-12);
}

#[test]
fn apply_sends_fields_through_the_matrix_that_matrix_writes() {
    let (dir, program) = folder_with_program();
    let folder = dir.path();
    write_npy(&folder.join("U.npy"), &haar(6));
    ok(folder, &["decompose", "U.npy", "-o", "u.json"]);
    let inputs = program.maps().next().unwrap().linear.inputs();
    for (file, modes) in [("u.json", 6), ("p.safetensors", inputs)] {
        let x = fields(3, modes);
        write_npy(&folder.join("x.npy"), &x);
        for chip in [
            &[][..],
            &["--hardware", "thermo-optic", "--trial", "1"],
            &[
                "--set",
                "coupler.splitting_error_rad=0.05",
                "--correct",
                "local",
            ],
        ] {
            ok(
                folder,
                &[&["matrix", file, "-o", "M.npy"][..], chip].concat(),
            );
            let expected = product(folder, &x, "M.npy");
            for (precision, error) in [("f64", 1e-12), ("f32", 1e-4)] {
                let arguments = [
                    "apply",
                    file,
                    "x.npy",
                    "-o",
                    "y.npy",
                    "--precision",
                    precision,
                ];
                ok(folder, &[&arguments[..], chip].concat());
                let found = read_npy(&folder.join("y.npy"));
                let apart = distance(&found, &expected);
                assert!(apart < error, "{file} {chip:?} {precision}: {apart}");
            }
        }
    }
}

#[test]
fn what_is_no_layer_of_the_file_is_refused() {
    let (dir, program) = folder_with_program();
    let folder = dir.path();
    write_npy(&folder.join("U.npy"), &haar(4));
    ok(folder, &["decompose", "U.npy", "-o", "u.json"]);
    let inputs = program.maps().next().unwrap().linear.inputs();
    write_npy(&folder.join("wide.npy"), &fields(2, inputs + 1));
    let matrix = ["matrix", "u.json", "--layer", "0", "-o", "o.npy"];
    refused(folder, &matrix);
    let matrix = ["matrix", "p.safetensors", "--layer", "fc9", "-o", "o.npy"];
    refused(folder, &matrix);
    let matrix = [
        "matrix",
        "p.safetensors",
        "--correct",
        "self-configure",
        "-o",
        "o.npy",
    ];
    refused(folder, &matrix);
    let apply = ["apply", "p.safetensors", "wide.npy", "-o", "o.npy"];
    refused(folder, &apply);
}
