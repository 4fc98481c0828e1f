//! What every reader must do with any bytes: return, and give back what it wrote.
//!
//! The fuzz targets and `tests/suite/corpus.rs` share this file.
#![allow(dead_code)]

use lightloom::experiment::Sweep;
use lightloom::files::Known;
use lightloom::hardware::{Calibration, MeasuredChip};
use lightloom::io::table::Label;
use lightloom::io::{self, Source, Tensor, TensorData};
use lightloom::mesh::Described;
use lightloom::nn::{Activation, Labels, Selection, Split, Vocabulary};
use lightloom::twin::{Measurements, Settings};
use lightloom::{Dataset, Hardware, Mesh, Network, Program};

/// A reader under test.
pub type Reader = fn(&[u8]);

/// Every target by its name, which is that of its folder in `corpus/` too.
pub const READERS: &[(&str, Reader)] = &[
    ("safetensors", safetensors),
    ("npy", npy),
    ("npz", npz),
    ("torch", torch),
    ("idx", idx),
    ("csv", csv),
    ("onnx", onnx),
    #[cfg(feature = "onnx")]
    ("graph", graph),
    ("network", network),
    ("hardware", hardware),
    ("mesh", mesh),
    ("cells", cells),
    ("program", program),
    ("calibration", calibration),
    ("measured", measured),
    ("experiment", experiment),
    ("parquet", parquet),
    ("dataset", dataset),
    ("known", known),
    ("vocabulary", vocabulary),
    ("measurements", measurements),
];

/// A safetensors file, as plain tensors and as a network.
pub fn safetensors(bytes: &[u8]) {
    if let Ok(bundle) = io::safetensors::parse(bytes) {
        let _ = Network::from_tensors(bundle.tensors, Activation::Relu);
    }
}

/// One array; a finite one survives writing.
pub fn npy(bytes: &[u8]) {
    let Ok(tensor) = io::npy::parse("array", bytes) else {
        return;
    };
    let read = match (tensor.data(), tensor.shape()) {
        (TensorData::Real(_), [rows, cols]) if rows * cols > 0 => {
            let array = tensor.clone().into_matrix("array").expect("real, two axes");
            let mut written = Vec::new();
            io::npy::write(&mut written, array.view()).expect("a Vec takes all");
            io::npy::parse("array", &written).expect("what we wrote")
        }
        _ => return,
    };
    let bits = |tensor: &Tensor| match tensor.data() {
        TensorData::Real(data) => data.iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
        TensorData::Complex(_) => Vec::new(),
    };
    assert_eq!(read.shape(), tensor.shape());
    assert_eq!(bits(&read), bits(&tensor));
}

/// An archive of arrays, as a network.
pub fn npz(bytes: &[u8]) {
    if let Ok(arrays) = io::npy::parse_npz(bytes) {
        let _ = Network::from_tensors(arrays, Activation::Relu);
    }
}

/// A data set in one file: arrays, a table as text or as Parquet, packed or not, or what lightloom wrote.
pub fn dataset(bytes: &[u8]) {
    for split in [None, Some(Split::Train)] {
        let selection = Selection {
            split,
            ..Selection::default()
        };
        if let Ok(data) = Dataset::read(Source::new("data", bytes), selection) {
            let samples = match &data.labels {
                Labels::None => data.len(),
                Labels::Classes(classes) => classes.len(),
                Labels::Targets(targets) => targets.nrows(),
            };
            assert_eq!(samples, data.len());
            assert!(!data.is_empty() && data.x.features() > 0);
        }
    }
}

/// A state dict of PyTorch, in both formats, as a network.
pub fn torch(bytes: &[u8]) {
    if let Ok(read) = io::torch::parse(bytes) {
        let tensors = read.tensors.into_iter().collect();
        let _ = Network::from_tensors(tensors, Activation::Relu);
    }
}

/// A file of any kind, told by its bytes.
pub fn known(bytes: &[u8]) {
    // Descriptions name files, which may be any of this machine: "network", "hardware" and "experiment" read those.
    let text = std::str::from_utf8(bytes);
    if text.is_ok_and(|text| text.parse::<toml::Table>().is_ok()) {
        return;
    }
    if let Ok(known) = Known::read(&Source::new("file", bytes)) {
        assert!(!known.kind().is_empty());
    }
}

/// MNIST's files.
pub fn idx(bytes: &[u8]) {
    let _ = io::idx::parse_images(bytes);
    let _ = io::idx::parse_labels(bytes);
}

/// Samples and their labels, in a column that is found or given.
pub fn csv(bytes: &[u8]) {
    for label in [None, Some("0"), Some("label")] {
        if let Ok(table) = io::csv::parse(bytes, label) {
            let labels = match &table.label {
                Label::Classes(classes, _) => classes.len(),
                Label::Numbers(numbers) => numbers.len(),
            };
            assert_eq!(table.x.nrows(), labels);
            let left_out = usize::from(table.columns.row_numbers.is_some());
            assert_eq!(table.x.ncols() + 1 + left_out, table.columns.width);
            assert!(table.columns.label < table.columns.width);
            assert!(table.x.iter().all(|value| value.is_finite()));
        }
    }
}

/// An ONNX graph, and the network that it computes.
pub fn onnx(bytes: &[u8]) {
    if let Ok(graph) = io::onnx::parse(bytes) {
        let _ = Network::from_onnx(&graph);
    }
}

/// An ONNX graph; one that is read is itself when its own file is read.
#[cfg(feature = "onnx")]
pub fn graph(bytes: &[u8]) {
    use lightloom::nn::{Choice, Chosen, Graph};

    let read = |bytes: &[u8]| {
        let source = Source::new("graph", bytes);
        Graph::read(&source, &Choice::default(), &Chosen::default())
    };
    if let Ok(graph) = read(bytes) {
        let again = read(graph.file()).expect("what we wrote");
        assert!(again == graph);
    }
}

/// A network description beside two layers of weights.
pub fn network(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let ones = |shape: &[usize]| {
        let data = vec![1.0; shape.iter().product()];
        Tensor::real("ones", shape.to_vec(), data).expect("as many as the shape says")
    };
    let weights = [
        ("0.weight".to_owned(), ones(&[2, 4])),
        ("0.bias".to_owned(), ones(&[2])),
        ("2.weight".to_owned(), ones(&[3, 2])),
    ];
    let _ = Network::from_description(text, &weights.into());
}

/// A hardware description; one that is read survives writing, and every key can be set to what it is.
pub fn hardware(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(hardware) = Hardware::from_toml(text) {
        let written = toml::to_string(&hardware).expect("hardware is a table");
        assert_eq!(
            Hardware::from_toml(&written).expect("what we wrote"),
            hardware
        );
    }
    // The same text as the key and the value of `--set`.
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    let _ = Hardware::default().with(key, value);
}

/// A mesh file; a mesh that is read survives writing to the bit.
pub fn mesh(bytes: &[u8]) {
    let Ok(mesh) = Mesh::read_json(bytes) else {
        return;
    };
    let again = Mesh::from_json(&mesh.to_json()).expect("what we wrote");
    assert_eq!(again, mesh);
    assert_eq!(again.to_json(), mesh.to_json());
}

/// Phases of another package, and the mesh that they make.
pub fn cells(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(described) = Described::from_json(text) {
        let _ = described.into_mesh();
    }
}

/// A compiled network; one that is read survives writing.
pub fn program(bytes: &[u8]) {
    let Ok(program) = io::safetensors::parse(bytes).and_then(Program::from_bundle) else {
        return;
    };
    let mut written = Vec::new();
    program.write(&mut written).expect("a Vec takes all");
    let again = io::safetensors::parse(&written).and_then(Program::from_bundle);
    let mut twice = Vec::new();
    again
        .expect("what we wrote")
        .write(&mut twice)
        .expect("a Vec takes all");
    assert_eq!(written, twice);
}

/// A table of heaters; each sets any phase within one turn.
pub fn calibration(bytes: &[u8]) {
    let Ok(calibration) = Calibration::parse(bytes) else {
        return;
    };
    for measured in calibration.heaters.values() {
        let volts = measured.heater.volts(1.0);
        assert!(volts >= 0.0, "{measured:?}");
        let phase = measured.heater.phase_rad(volts);
        assert!(
            (0.0..std::f64::consts::TAU).contains(&phase),
            "{measured:?}"
        );
    }
}

/// A table of what was measured of a chip, of any of the three kinds; one that is read is the same as the text that it makes.
pub fn measured(bytes: &[u8]) {
    let chip = MeasuredChip::default();
    let source = Source::new("table", bytes);
    let read = [
        chip.clone().with_numbers(&source),
        chip.clone().with_responses(&source),
        chip.with_crosstalk(&source),
    ];
    for measured in read.into_iter().flatten() {
        let text = Hardware::default()
            .with_measured(measured.clone())
            .annotated();
        let again = Hardware::from_toml(&text).expect("what we wrote");
        assert_eq!(*again.measured(), measured);
    }
}

/// An experiment; one that is read is the same in its resolved form.
pub fn experiment(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let open = |_: &str| Ok(Hardware::default());
    let Ok(sweep) = Sweep::parse(text, "seed", open) else {
        return;
    };
    let resolved = sweep.resolved();
    let again = Sweep::parse(&resolved, "seed", open).expect("what we wrote");
    assert_eq!(again.resolved(), resolved);
    assert_eq!(again.rows(), sweep.rows());
}

/// The rows of a sweep, or samples; what says how many they are, and of which columns, stands at the end of a file.
pub fn parquet(bytes: &[u8]) {
    let _ = io::parquet::outline(bytes);
    let _ = io::parquet::parse(bytes, None);
}

/// A vocabulary; what text is cut into, and what is read as tokens, is written again.
pub fn vocabulary(bytes: &[u8]) {
    let source = Source::new("tokens", bytes);
    let Ok(vocabulary) = Vocabulary::read(&source) else {
        return;
    };
    for text in ["once upon a time", "Zoë 🦎"] {
        if let Ok(ids) = vocabulary.ids(text) {
            assert_eq!(vocabulary.text(&ids), text);
        }
    }
    if let Ok(ids) = vocabulary.read_ids(&source) {
        let _ = vocabulary.text(&ids);
    }
}

/// Measurements of a chip, or settings; what is read is written the same.
pub fn measurements(bytes: &[u8]) {
    if let Ok(settings) = Settings::parse(bytes) {
        let written = settings.bytes().expect("a Vec takes all");
        assert_eq!(Settings::parse(&written).expect("what we wrote"), settings);
    }
    let Ok(measured) = Measurements::parse(bytes) else {
        return;
    };
    let written = measured.bytes().expect("a Vec takes all");
    assert_eq!(
        Measurements::parse(&written).expect("what we wrote"),
        measured
    );
}
