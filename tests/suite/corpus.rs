//! The seeds of the fuzz targets: every push replays them, and what fuzzing found stays among them.
//!
//! `LIGHTLOOM_WRITE_CORPUS=1 cargo test --test suite corpus` writes the files called `seed…` anew.

use std::io::Write;
use std::path::{Path, PathBuf};

use lightloom::compile::{Layout, Multiplier};
use lightloom::io::Source;
use lightloom::io::record::{Cell, Column, Kind};
use lightloom::mesh::Geometry;
use lightloom::nn::Activation;
use lightloom::{Mesh, Network, compile, io};
use ndarray::{Array3, Array4, ArrayView, Dimension, arr1, arr2};
use num_complex::Complex;

#[path = "../../fuzz/readers.rs"]
mod readers;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

fn npy<T: io::npy::Element, D: Dimension>(array: ArrayView<'_, T, D>) -> Vec<u8> {
    let mut bytes = Vec::new();
    io::npy::write(&mut bytes, array).unwrap();
    bytes
}

fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut archive = zip::ZipWriter::new(&mut bytes);
    for (name, array) in arrays {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(*name, options).unwrap();
        archive.write_all(array).unwrap();
    }
    archive.finish().unwrap();
    bytes.into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A protobuf field with a length, of fewer than 128 bytes.
fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    [&[tag << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

/// A protobuf field with a small number.
fn number(tag: u8, value: u8) -> Vec<u8> {
    vec![tag << 3, value]
}

/// y = relu(W x) with W `[1, 2]`: node 1, initializer 5, input 11, output 12 of the graph, which is field 7.
fn onnx() -> Vec<u8> {
    let text = |tag, text: &str| field(tag, text.as_bytes());
    let transposed = [text(1, "transB"), number(3, 1), vec![0xa0, 1, 2]].concat();
    let gemm = [
        text(1, "x"),
        text(1, "w"),
        text(2, "h"),
        text(4, "Gemm"),
        field(5, &transposed),
    ]
    .concat();
    let relu = [text(1, "h"), text(2, "y"), text(4, "Relu")].concat();
    let raw = [0.5f32.to_le_bytes(), (-1f32).to_le_bytes()].concat();
    let weight = [
        number(1, 1),
        number(1, 2),
        number(2, 1),
        text(8, "w"),
        field(9, &raw),
    ]
    .concat();
    let graph = [
        field(1, &gemm),
        field(1, &relu),
        field(5, &weight),
        field(11, &text(1, "x")),
        field(12, &text(1, "y")),
    ]
    .concat();
    field(7, &graph)
}

/// A network of two layers.
fn tensors() -> io::Tensors {
    let tensor = |shape: &[usize]| {
        let count = shape.iter().product();
        let data = (0..count)
            .map(|i| f64::from(i as u32) / 4.0 - 0.5)
            .collect();
        io::Tensor::real("seed", shape.to_vec(), data).unwrap()
    };
    [
        ("0.weight".to_owned(), tensor(&[2, 3])),
        ("0.bias".to_owned(), tensor(&[2])),
        ("2.weight".to_owned(), tensor(&[2, 2])),
    ]
    .into()
}

/// An `.npy` file of texts.
fn texts(descr: &str, data: &[u8]) -> Vec<u8> {
    let size: usize = descr[2..].parse().unwrap();
    let count = data.len() / if descr.contains('U') { 4 * size } else { size };
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({count},), }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// Two samples as Parquet.
fn samples() -> Vec<u8> {
    let columns = [
        Column::new("a", Kind::Float),
        Column::new("b", Kind::Int),
        Column::new("class", Kind::Text),
    ];
    let row = |a: f64, b: i64, class: &str| Ok(vec![Cell::Float(a), Cell::Int(b), class.into()]);
    let rows = [row(0.5, 1, "x"), row(-2.0, 3, "y")];
    let mut bytes = Vec::new();
    io::record::write_parquet(&columns, rows.into_iter(), &mut bytes).unwrap();
    bytes
}

/// Two samples with all that is known of them.
fn saved() -> Vec<u8> {
    let x = lightloom::nn::Samples::from(arr2(&[[1.0_f32, 2.0], [0.0, 1.0]]));
    let data = lightloom::Dataset::new("seed", x, vec![1_usize, 0]).unwrap();
    let class_names = Some(["a", "b"].map(str::to_owned).to_vec());
    let mut bytes = Vec::new();
    let data = lightloom::Dataset {
        class_names,
        ..data
    };
    data.write(&mut bytes).unwrap();
    bytes
}

/// The small good files of every target.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let text = |text: &str| text.as_bytes().to_vec();
    match target {
        "safetensors" => {
            let mut bytes = Vec::new();
            io::safetensors::write(&mut bytes, &tensors(), ("note", "seed")).unwrap();
            vec![bytes]
        }
        "npy" => vec![
            npy(arr2(&[[1.0, -2.5], [1e300, 0.0]]).view()),
            npy(arr1(&[Complex::new(0f32, 1.0)]).view()),
            npy(arr1(&[1i64, -1]).view()),
        ],
        "npz" => vec![
            npz(&[
                ("0.weight.npy", npy(arr2(&[[1.0, 2.0]]).view())),
                ("0.bias.npy", npy(arr1(&[0.5]).view())),
            ]),
            npz(&[
                ("x.npy", npy(arr2(&[[1.0, 2.0], [0.0, 1.0]]).view())),
                ("y.npy", npy(arr1(&[0i64, 1]).view())),
            ]),
        ],
        "torch" => ["cuda.pt", "views.pth", "checkpoint.pt"]
            .map(|name| {
                let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/torch");
                std::fs::read(format!("{cases}/{name}")).unwrap()
            })
            .to_vec(),
        "idx" => {
            let images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 255];
            let labels = [0, 0, 8, 1, 0, 0, 0, 2, 7, 9];
            vec![images.to_vec(), labels.to_vec(), gzip(&images)]
        }
        "csv" => vec![
            text("a,b,label\n0.5,-1e-3,7\n2,3,0\n"),
            text("1,0\n"),
            text("target,0,1\n7,0.5,-1e-3\n0,2,3\n"),
            text("2,3,setosa,versicolor\n5.1,3.5,1.4,0\n7,3.2,4.7,1\n"),
        ],
        "onnx" => vec![onnx()],
        "graph" => [
            "sklearn_logreg_iris",
            "sklearn_pipeline_zipmap",
            "model_local_functions",
        ]
        .map(|name| {
            let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/networks");
            std::fs::read(format!("{cases}/{name}.onnx")).unwrap()
        })
        .to_vec(),
        "network" => vec![
            text(
                "weights = 'w.npz'\n[input]\nscale = 0.5\nmean = 0.1\nstd = 0.3\nencoding = 'complex-halves'\n[[layers]]\nweight = '0.weight'\nbias = '0.bias'\nactivation = { kind = 'modulus-softplus', temperature = 0.03 }\n[[layers]]\nweight = '2.weight'\n[output]\nreadout = 'intensity'\n",
            ),
            text("weights = 'w.npz'\n[[layers]]\nweight = '0.weight'\nactivation = 'leaky-relu'\n"),
            text(
                "weights = 'w.npz'\n[input]\nscale = [1, 2, 0.5, 1]\nmean = [0.1, -1, 0, 3]\nstd = [1, 2, 3, 0.4]\n",
            ),
        ],
        "hardware" => {
            let presets = lightloom::hardware::PRESETS.iter();
            presets
                .map(|(_, text)| text.as_bytes().to_vec())
                .chain([text("mesh.cell=3-splitter")])
                .collect()
        }
        "mesh" => ["clements", "reck", "diamond", "butterfly", "clements+1"]
            .map(|name| {
                let geometry: Geometry = name.parse().unwrap();
                Mesh::bar(geometry, 2).unwrap().to_json().into_bytes()
            })
            .to_vec(),
        "cells" => vec![
            text(
                r#"{"convention": "strawberryfields", "modes": 2, "elements": [
  {"cell": {"modes": [0, 1], "phases_rad": [0.3, 1.2]}},
  {"phase": {"mode": 0, "phase_rad": 0.5}},
  {"inverse_cell": {"modes": [0, 1], "phases_rad": [0.1, 0.7]}}
]}"#,
            ),
            text(
                r#"{"package": "a package", "cells":
{"convention": "perceval", "modes": 2, "elements": [{"cell": {"modes": [0, 1], "phases_rad": [1.2, 0.3]}}]}}"#,
            ),
        ],
        "program" => {
            let network = Network::from_tensors(tensors(), Activation::Relu).unwrap();
            let written = |multiplier| {
                let layout = Layout {
                    multiplier,
                    ..Layout::default()
                };
                let mut bytes = Vec::new();
                let program = compile(&network, layout).unwrap();
                program.write(&mut bytes).unwrap();
                bytes
            };
            [Multiplier::default(), Multiplier::Crossbar]
                .map(written)
                .to_vec()
        }
        "calibration" => vec![text(
            "id,v_pi_v,phase_offset_rad,v_max_v\nmesh.phi.0.0,4.3,-0.1,6\nmesh.theta.0.0,4.2,,\n",
        )],
        "measured" => vec![
            text(
                "id,splitting_error_rad,loss_db,offset_rad,v_pi_v,dead,gain\nmesh.alpha.0.0,0.03,,,,,\n\"a,b.0.input.theta.0.0\",,0.2,-0.1,4.3,false,\n0.0.detectors.detector.0.1,,,,,true,\n",
            ),
            text(
                "id,voltage_v,phase_rad\nmesh.theta.0.0,0,0\nmesh.theta.0.0,2,0.7\nmesh.theta.0.0,4,3.1\n",
            ),
            text("from,to,share\nmesh.theta.0.0,mesh.phi.0.0,0.01\n"),
        ],
        "experiment" => vec![
            text(include_str!("../browser/experiment.toml")),
            text(
                "network = 'a.npz'\ndata = 'b.npz'\ntrials = 2\nseed = 3\nrecord = ['layers']\nprecision = 'f64'\n[hardware.coupler]\nsplitting_error_rad = 0.01\n[set]\n\"readout.adc_bits\" = 8\n[axes]\ntile = [8, 'none']\n\"phase_shifter.drift_time_s\" = { from = 1, to = 100, steps = 3, log = true }\n[[zip]]\ngeometry = ['clements', 'reck']\ncell = ['mzi', 'symmetric']\n",
            ),
        ],
        "parquet" => {
            let columns = [
                Column::new("point", Kind::Int),
                Column::new("correct", Kind::Text),
            ];
            let row = vec![Cell::Int(0), Cell::Text("none".into())];
            let mut rows = Vec::new();
            io::record::write_parquet(&columns, [Ok(row)].into_iter(), &mut rows).unwrap();
            vec![rows, samples()]
        }
        "dataset" => vec![
            npz(&[
                ("data.npy", npy(arr2(&[[1.0, 2.0], [0.0, 1.0]]).view())),
                ("target.npy", npy(arr2(&[[0.0, 1.0], [1.0, 0.0]]).view())),
            ]),
            npz(&[
                ("x_train.npy", npy(Array3::<f32>::ones((2, 2, 3)).view())),
                (
                    "y_train.npy",
                    texts(
                        "<U2",
                        &[b'a', 0, 0, 0, 0, 0, 0, 0, b'b', 0, 0, 0, b'c', 0, 0, 0],
                    ),
                ),
                ("x_test.npy", npy(Array4::<f64>::ones((1, 1, 2, 2)).view())),
                ("y_test.npy", texts("|S3", b"no\0")),
            ]),
            npz(&[
                ("images.npy", npy(arr2(&[[1i64, 2], [0, 1]]).view())),
                ("labels.npy", npy(arr1(&[-1i64, 1]).view())),
            ]),
            npy(arr2(&[[0.5f32, 1.0]]).view()),
            gzip(b",a,b,species\n0,0.5,1,x\n1,2,3,y\n"),
            text("0.5;1;setosa\n2;3;virginica\n"),
            text("0.5 1 -1\n2 3 1\n"),
            samples(),
            saved(),
        ],
        "known" => vec![
            text("point,trial,label,predicted,count\n0,0,3,3,7\n"),
            text("experiment,point,trial,seed,x,samples,accuracy\ne,0,0,1,0.5,9,0.75\n"),
            text("id,kind,column,mode,phase_rad\nmesh.phi.0.0,phi,0,0,0.5\n"),
            text("[{\"program\": \"p\", \"noisy\": {\"accuracy\": {\"mean\": 0.5}}}]"),
            text("{\"instances\": {}, \"connections\": {}}"),
            text(&format!("{{\"curve.svg\": \"{}\"}}", "0a".repeat(32))),
            npz(&[
                ("mesh.phi_rad.npy", npy(arr1(&[0.5]).view())),
                ("mesh.phi_column.npy", npy(arr1(&[0i64]).view())),
                ("mesh.phi_mode.npy", npy(arr1(&[0i64]).view())),
            ]),
            npz(&[
                ("digital.npy", npy(arr2(&[[1.0, 2.0]]).view())),
                ("ideal.npy", npy(arr2(&[[1.0, 2.0]]).view())),
                ("chips.npy", npy(Array3::<f64>::ones((3, 1, 2)).view())),
            ]),
            gzip(&[0, 0, 8, 1, 0, 0, 0, 2, 1, 0]),
        ],
        "vocabulary" => vec![
            text(
                r#"{"pieces": ["<unk>", "<s>", "</s>", "<0x6F>", " ", " o", "n", "ce", "c", "e", "on"], "bos": 1, "eos": 2,
"scores": [0, 0, 0, 0, -5, -1, -6, -2, -7, -8, -1.5], "ids": [5, 6, 7]}"#,
            ),
            text(
                r#"{"pieces": ["<s>", "once", " ", "upon"], "bos": 0, "eos": null, "ids": [1, 2, 3]}"#,
            ),
        ],
        "measurements" => {
            let phases = npy(arr2(&[[0.5, 1.0, 0.0, 3.0, 2.0, 6.0]]).view());
            let fields = Array3::from_elem((1, 2, 2), Complex::new(0.5, -0.5));
            vec![
                npz(&[
                    ("phases.npy", phases.clone()),
                    ("powers.npy", npy(Array3::from_elem((1, 2, 2), 0.5).view())),
                    ("noise.npy", npy(arr1(&[0.01]).view())),
                    ("floor.npy", npy(arr1(&[1e-5]).view())),
                    ("saturation.npy", npy(arr1(&[0.9]).view())),
                ]),
                npz(&[("volts.npy", phases), ("fields.npy", npy(fields.view()))]),
            ]
        }
        other => panic!("no seeds for {other}"),
    }
}

/// Whether a target's good file is read, so that fuzzing starts behind the first check.
fn is_read(target: &str, bytes: &[u8]) -> bool {
    let text = || std::str::from_utf8(bytes).unwrap();
    match target {
        "safetensors" => io::safetensors::parse(bytes).is_ok(),
        "npy" => io::npy::parse("array", bytes).is_ok(),
        "npz" => io::npy::parse_npz(bytes).is_ok(),
        "torch" => io::torch::parse(bytes).is_ok(),
        "idx" => io::idx::parse_images(bytes).is_ok() || io::idx::parse_labels(bytes).is_ok(),
        "csv" => io::csv::parse(bytes, None).is_ok(),
        "onnx" => io::onnx::parse(bytes)
            .and_then(|graph| Network::from_onnx(&graph))
            .is_ok(),
        #[cfg(feature = "onnx")]
        "graph" => {
            let source = io::Source::new("seed", bytes);
            lightloom::nn::Graph::read(&source, &Default::default(), &Default::default()).is_ok()
        }
        "network" => text().contains("weights"),
        "hardware" => {
            let set = text().split_once('=').unwrap_or_default();
            let default = lightloom::Hardware::default();
            lightloom::Hardware::from_toml(text()).is_ok() || default.with(set.0, set.1).is_ok()
        }
        "mesh" => Mesh::from_json(text()).is_ok(),
        "cells" => {
            let described = lightloom::mesh::Described::from_json(text());
            matches!(described, Ok(lightloom::mesh::Described::Notation(_)))
        }
        "program" => io::safetensors::parse(bytes)
            .and_then(lightloom::Program::from_bundle)
            .is_ok(),
        "calibration" => lightloom::hardware::Calibration::parse(bytes).is_ok(),
        "measured" => {
            let chip = lightloom::hardware::MeasuredChip::default();
            let source = Source::new("table", bytes);
            chip.clone().with_numbers(&source).is_ok()
                || chip.clone().with_responses(&source).is_ok()
                || chip.with_crosstalk(&source).is_ok()
        }
        "experiment" => {
            let open = |_: &str| Ok(lightloom::Hardware::default());
            lightloom::experiment::Sweep::parse(text(), "seed", open).is_ok()
        }
        "parquet" => io::parquet::outline(bytes).is_ok(),
        "dataset" => {
            let source = io::Source::new("seed", bytes);
            lightloom::Dataset::read(source, Default::default()).is_ok()
        }
        "known" => lightloom::files::Known::read(&io::Source::new("seed", bytes)).is_ok(),
        "vocabulary" => {
            let source = io::Source::new("seed", bytes);
            let vocabulary = lightloom::nn::Vocabulary::read(&source);
            vocabulary.is_ok_and(|vocabulary| vocabulary.read_ids(&source).is_ok())
        }
        "measurements" => lightloom::twin::Measurements::parse(bytes).is_ok(),
        other => panic!("{other}"),
    }
}

#[test]
fn every_reader_has_a_target_and_seeds_that_it_reads() {
    for (target, _) in readers::READERS {
        let folder = folder().join(target);
        for (index, seed) in seeds(target).iter().enumerate() {
            assert!(is_read(target, seed), "{target} {index}");
            let path = folder.join(format!("seed-{index}"));
            if std::env::var_os("LIGHTLOOM_WRITE_CORPUS").is_some() {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&path, seed).unwrap();
            }
            assert!(path.exists(), "{}", path.display());
        }
        let source = format!("fuzz/fuzz_targets/{target}.rs");
        assert!(
            Path::new(env!("CARGO_MANIFEST_DIR")).join(&source).exists(),
            "{source}"
        );
    }
}

#[test]
fn no_file_of_the_corpus_makes_a_reader_panic() {
    let mut files = 0;
    for (target, read) in readers::READERS {
        for entry in std::fs::read_dir(folder().join(target)).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            read(&bytes);
            // Every cut of it too.
            for length in 0..bytes.len() {
                read(&bytes[..length]);
            }
            files += 1;
        }
    }
    assert!(files >= readers::READERS.len());
}
