//! Whole graphs of ONNX: digital and on perfect chips, against ONNX Runtime.
//!
//! Files that lie beside the repository are skipped with a line where they are missing, as in `mnist`.

use std::path::{Path, PathBuf};

use lightloom::compile::{Layout, Program, compile};
use lightloom::experiment::Experiment;
use lightloom::hardware::Hardware;
use lightloom::io::{self, TensorData};
use lightloom::mesh::Correction;
use lightloom::nn::{
    At, Batch, Choice, Chosen, Dataset, Graph, GraphHints, Hints, LinearId, Linears, Network,
    Samples, Why,
};
use lightloom::processor::Processor;
use lightloom::rng::Seed;
use ndarray::{Array1, Array2, arr2};
use serde_json::Value;
use tract_onnx::pb;

use crate::cli::{ok, refused};
use crate::mnist::{shared, test_set};
use crate::onnx;

/// What `expected.npz` holds: the inputs of all samples beside one another, and the outputs by name.
struct Case {
    inputs: Samples,
    outputs: Vec<(String, Vec<f64>)>,
}

fn numbers(tensor: &io::Tensor) -> Vec<f64> {
    match tensor.data() {
        TensorData::Real(data) => data.clone(),
        TensorData::Complex(_) => panic!("the numbers of a case are real"),
    }
}

fn case(path: &Path) -> Case {
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for (name, array) in io::npy::read_npz(path).unwrap() {
        match name
            .strip_prefix("out")
            .and_then(|rest| rest.split_once('_'))
        {
            Some((_, output)) => outputs.push((output.to_owned(), numbers(&array))),
            None => inputs.push(array),
        }
    }
    let samples = inputs[0].shape()[0];
    let widths: Vec<usize> = inputs
        .iter()
        .map(|input| input.shape()[1..].iter().product())
        .collect();
    let mut whole = Array2::zeros((samples, widths.iter().sum()));
    let mut first = 0;
    for (input, width) in inputs.iter().zip(widths) {
        for (at, value) in numbers(input).into_iter().enumerate() {
            whole[[at / width, first + at % width]] = value;
        }
        first += width;
    }
    Case {
        inputs: Samples::from(whole),
        outputs,
    }
}

/// The network of `path` with these outputs.
fn network(path: &Path, outputs: &[(String, Vec<f64>)]) -> Network {
    let hints = Hints {
        graph: GraphHints {
            choice: Choice {
                outputs: outputs.iter().map(|(name, _)| name.clone()).collect(),
                ..Choice::default()
            },
            chosen: Chosen::default(),
        },
        ..Hints::default()
    };
    Network::load_with(path, &hints).unwrap().network
}

/// What a perfect chip gives, `[sample, output]`.
fn on_perfect_chip(program: &Program, samples: &Samples) -> Array2<f32> {
    let chip = Hardware::default().fabricate(Seed(0), 0);
    let processor = Processor::<f32>::load(program, chip, Correction::None, None).unwrap();
    let encoded = program.network().encode(samples, 0..samples.len());
    let outputs = processor.forward(encoded.unwrap(), 0).unwrap();
    outputs.reversed_axes().as_standard_layout().into_owned()
}

/// Outputs that are rounded: the case, a step, and how many of them may be a step off, as a sum on the edge of two steps
/// falls on either side.
const ROUNDED: (&str, f64, usize) = ("quantized_qdq.onnx", 0.120_639_15, 8);

/// |a − b| at most 2e-4 of the larger of 1 and |b|; outputs stand one after another in the rows of `got`.
fn assert_close(what: &str, got: &Array2<f32>, outputs: &[(String, Vec<f64>)]) {
    let samples = got.nrows();
    let (mut first, mut off) = (0, 0);
    for (name, expected) in outputs {
        let width = expected.len() / samples;
        for (at, b) in expected.iter().enumerate() {
            let a = f64::from(got[[at / width, first + at % width]]);
            let tolerance = 2e-4 * b.abs().max(1.0);
            if what == ROUNDED.0 && ((a - b).abs() - ROUNDED.1).abs() <= tolerance {
                off += 1;
                continue;
            }
            assert!((a - b).abs() <= tolerance, "{what} {name}: {a} against {b}");
        }
        first += width;
    }
    assert_eq!(got.ncols(), first, "{what}");
    assert!(off <= ROUNDED.2, "{what}: {off} are a step off");
}

#[test]
fn every_exported_graph_has_the_outputs_of_onnx_runtime_digitally_and_on_a_perfect_chip() {
    let Some(folder) = shared("cases/networks") else {
        return;
    };
    let files = std::fs::read_dir(folder).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let files: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|ending| ending == "onnx"))
        .collect();
    assert!(files.len() >= 29, "{}", files.len());
    for path in files {
        let what = path.file_name().unwrap().to_string_lossy().into_owned();
        let Case { inputs, outputs } = case(&path.with_extension("expected.npz"));
        let network = network(&path, &outputs);
        let digital = network.forward::<f32>(&inputs).unwrap();
        assert_close(&what, &digital.mapv(|y| y as f32), &outputs);
        for tile in [None, Some(16)] {
            let layout = Layout {
                tile,
                ..Layout::default()
            };
            let program = compile(&network, layout).unwrap();
            let mut file = Vec::new();
            program.write(&mut file).unwrap();
            let read = Program::from_bundle(io::safetensors::parse(&file).unwrap()).unwrap();
            assert_eq!(read, program, "{what}");
            assert_close(&what, &on_perfect_chip(&read, &inputs), &outputs);
        }
    }
}

/// The first rows of logits of each network, and the classes of its first pictures, as ONNX Runtime gives them.
#[test]
fn trained_graphs_have_the_logits_of_onnx_runtime() {
    let (Some(reference), Some(data)) = (shared("models/reference.json"), test_set()) else {
        return;
    };
    let reference: Value = serde_json::from_slice(&std::fs::read(reference).unwrap()).unwrap();
    let data = data.limit(20);
    for name in [
        "mnist_vit",
        "mnist_depthwise",
        "mnist_mlp_small",
        "mnist_mlp_qdq",
        "mnist_mlp_qdq_channel",
    ] {
        let record = &reference["files"][format!("{name}.onnx")];
        let path = shared(&format!("models/{name}.onnx")).unwrap();
        let network = network(&path, &[("output".into(), Vec::new())]);
        assert!(network.graph().is_some());
        let digital = network.forward::<f32>(&data.x).unwrap();
        for (row, expected) in record["logits_first3"]
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
        {
            for (column, expected) in expected.as_array().unwrap().iter().enumerate() {
                let far = (digital[[row, column]] - expected.as_f64().unwrap()).abs();
                assert!(far < 1e-4, "{name} [{row}, {column}]: {far:e}");
            }
        }
        let program = compile(&network, Layout::default()).unwrap();
        let chip = on_perfect_chip(&program, &data.x);
        for (sample, expected) in record["argmax_first20"]
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
        {
            let expected = expected.as_u64().unwrap() as usize;
            for row in [
                digital.row(sample).to_vec(),
                chip.row(sample).mapv(f64::from).to_vec(),
            ] {
                let best = (0..10).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
                assert_eq!(best, expected, "{name}, picture {sample}");
            }
        }
    }
}

/// All 10 000 pictures of each network: some minutes on one core.
#[test]
#[ignore = "takes minutes"]
fn trained_graphs_have_their_scores_digitally_and_within_two_pictures_on_a_perfect_chip() {
    let Some(mnist) = test_set() else { return };
    let fashion = std::env::var("LIGHTLOOM_FASHION").ok();
    let fashion = fashion.map(|folder| {
        Dataset::load(folder, Some(lightloom::nn::Split::Test), None).expect("Fashion-MNIST")
    });
    for (name, right, data) in [
        ("mnist_vit", 9872, Some(&mnist)),
        ("mnist_depthwise", 9912, Some(&mnist)),
        ("mnist_mlp_small", 9807, Some(&mnist)),
        ("mnist_mlp_qdq", 9806, Some(&mnist)),
        ("mnist_mlp_qdq_channel", 9803, Some(&mnist)),
        ("fashion_cnn", 9193, fashion.as_ref()),
        ("fashion_resnet", 9192, fashion.as_ref()),
    ] {
        let (Some(path), Some(data)) = (shared(&format!("models/{name}.onnx")), data) else {
            println!("skipped: {name}");
            continue;
        };
        let network = Network::load_with(&path, &Hints::default())
            .unwrap()
            .network;
        let layout = Layout {
            tile: Some(64),
            ..Layout::default()
        };
        let program = compile(&network, layout).unwrap();
        let experiment = Experiment {
            hardware: Hardware::default(),
            seed: Seed(0),
            trials: 1,
            correction: Correction::None,
        };
        let report = experiment.run::<f32>(&program, data, &()).unwrap();
        let count = |accuracy: f64| (accuracy * data.len() as f64).round() as i64;
        let digital = count(report.digital.accuracy.unwrap());
        let ideal = count(report.ideal.accuracy.unwrap());
        println!("{name}: {digital} digital, {ideal} ideal");
        assert_eq!(digital, right, "{name}");
        assert!((ideal - right).abs() <= 2, "{name}: {ideal}");
    }
}

fn case_file(name: &str) -> Option<PathBuf> {
    shared(&format!("cases/networks/{name}.onnx"))
}

#[test]
fn products_of_computed_tensors_and_depthwise_convolutions_stay_digital_unless_asked() {
    let read = |path: &Path, light: &[&str], digital: &[&str]| {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        let chosen = Chosen {
            light: names(light),
            digital: names(digital),
        };
        Graph::read(
            &io::Source::open(path).unwrap(),
            &Choice::default(),
            &chosen,
        )
    };
    let (Some(attention), Some(depthwise)) = (
        case_file("transformer_block"),
        shared("models/mnist_depthwise.onnx"),
    ) else {
        return;
    };
    let graph = read(&attention, &[], &[]).unwrap();
    let computed = graph.left().iter().filter(|left| left.why == Why::Computed);
    // QKᵀ and its product with V: 8 tokens, 2 heads of 8.
    let products: Vec<usize> = computed.map(|left| left.products).collect();
    assert_eq!(products, [1024, 1024]);
    let graph = read(&depthwise, &[], &[]).unwrap();
    let left: Vec<_> = graph
        .left()
        .iter()
        .map(|left| (left.why, left.products))
        .collect();
    assert_eq!(
        left,
        [
            (Why::Depthwise, 16 * 9 * 196),
            (Why::Depthwise, 32 * 9 * 49)
        ]
    );
    let all = graph.linears().len();
    let name = graph.left()[0].name.clone();
    let lit = read(&depthwise, &[&name], &[]).unwrap();
    assert_eq!(lit.linears().len(), all + 1);
    assert!(
        lit.kind(LinearId(1)).contains("16 groups"),
        "{}",
        lit.kind(LinearId(1))
    );
    let dark = read(&depthwise, &[], &["*"]).unwrap();
    assert_eq!(dark.linears().len(), 0);
    assert!(dark.left().iter().all(|left| left.why == Why::Asked));
    assert!(read(&depthwise, &[], &["nothing"]).is_err());
    // By the name of the node as by that of its map.
    let node = graph.nodes().next().unwrap().1.to_owned();
    assert_eq!(
        read(&depthwise, &[], &[&node]).unwrap().linears().len(),
        all - 1
    );
    // What no light can compute is not asked to.
    assert!(read(&attention, &["node_MatMul_75"], &[]).is_err());
}

/// One initializer serves a lookup and, transposed, the last product; the lookup stays digital.
#[test]
fn a_language_model_has_36_products_with_constant_matrices() {
    let Some(path) = shared("models/stories260k.onnx") else {
        return;
    };
    let source = io::Source::open(path).unwrap();
    let graph = Graph::read(&source, &Choice::default(), &Chosen::default()).unwrap();
    assert_eq!(graph.linears().len(), 36);
    let weights: usize = graph
        .linears()
        .iter()
        .map(lightloom::nn::Linear::weights)
        .sum();
    assert_eq!(weights, 259_328);
    let program = compile(
        &Network::of_graph(graph),
        Layout {
            tile: Some(64),
            ..Layout::default()
        },
    );
    let tiles: usize = program.unwrap().maps().map(|map| map.tiles.len()).sum();
    assert_eq!(tiles, 73);
}

#[test]
fn the_command_line_compiles_inspects_and_runs_a_graph() {
    let Some(path) = case_file("lenet_8x8") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    std::fs::copy(&path, folder.join("lenet.onnx")).unwrap();
    let expected = path.with_extension("expected.npz");
    let x = io::npy::read_npz(expected).unwrap().remove("x").unwrap();
    let rows = Array2::from_shape_vec((x.shape()[0], 64), numbers(&x)).unwrap();
    let mut bytes = Vec::new();
    io::npy::write(&mut bytes, rows.view()).unwrap();
    std::fs::write(folder.join("x.npy"), bytes).unwrap();
    let compile = ["compile", "lenet.onnx", "-o", "p.safetensors"];
    ok(folder, &compile);
    let said = ok(folder, &["inspect", "p.safetensors"]);
    assert!(
        said.contains("c1: convolution 3×3, 9 → 6, 64 columns a sample"),
        "{said}"
    );
    assert!(said.contains("on light: 100.0 %"), "{said}");
    let record = ok(folder, &["inspect", "p.safetensors", "--json", "-"]);
    let record: Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["layers"][0]["products"], 64 * 9 * 6);
    assert_eq!(record["graph"]["share_on_light"], 1.0);
    let noisy = [
        "infer",
        "p.safetensors",
        "--data",
        "x.npy",
        "--hardware",
        "thermo-optic",
        "--trials",
        "2",
        "--json",
        "-",
    ];
    let once = ok(folder, &noisy);
    let again = ok(folder, &[&noisy[..], &["--threads", "1"]].concat());
    let bare = |text: &str| {
        let mut record: Value = serde_json::from_str(text).unwrap();
        record.as_object_mut().unwrap().remove("seconds");
        record
    };
    assert_eq!(bare(&once), bare(&again));
    let more = |flags: &[&'static str]| [&compile[..], flags].concat();
    refused(folder, &more(&["--digital", "c9"]));
    refused(folder, &more(&["--outputs", "scores"]));
    refused(folder, &more(&["--shape", "x"]));
    let chain = concat!(env!("CARGO_MANIFEST_DIR"), "/meshes/demo/network.toml");
    refused(
        folder,
        &["compile", chain, "-o", "q.safetensors", "--digital", "0"],
    );
    // Nothing on light is a program too.
    ok(folder, &more(&["--digital", "*"]));
    ok(folder, &noisy);
    ok(folder, &more(&["--digital", "c*"]));
    let said = ok(folder, &["inspect", "p.safetensors"]);
    assert!(
        said.contains("digital: c1 (left digital as asked), 3456 multiply-adds"),
        "{said}"
    );
}

/// Two behind convolutions and one behind a Gemm become weights; one behind an activation stays.
#[test]
fn a_batch_normalization_straight_behind_a_product_is_part_of_it() {
    let folded = |path: &Path| {
        let source = io::Source::open(path).unwrap();
        let graph = Graph::read(&source, &Choice::default(), &Chosen::default()).unwrap();
        let notes = graph
            .notes()
            .iter()
            .filter(|note| note.contains("is folded into"));
        notes.count()
    };
    let (Some(cnn), Some(behind_gemm), Some(behind_relu)) = (
        shared("models/fashion_cnn.onnx"),
        case_file("batchnorm_after_gemm_legacy"),
        case_file("batchnorm_after_relu_legacy"),
    ) else {
        return;
    };
    assert_eq!(
        [folded(&cnn), folded(&behind_gemm), folded(&behind_relu)],
        [3, 2, 0]
    );
}

/// Gives twice what `digital` does.
struct Doubled(lightloom::nn::Digital<f32>);

impl Linears<f32> for Doubled {
    fn multiply(
        &self,
        map: LinearId,
        columns: Batch<f32>,
        at: At,
    ) -> lightloom::Result<Batch<f32>> {
        match self.0.multiply(map, columns, at)? {
            Batch::Real(product) => Ok(Batch::Real(2.0 * product)),
            complex => Ok(complex),
        }
    }
}

/// The graph of `nodes` on `x`, of shape `[N, axes…]`, with the stored `weights` and these outputs.
pub fn written(
    nodes: Vec<pb::NodeProto>,
    axes: &[&str],
    weights: Vec<pb::TensorProto>,
    outputs: &[&str],
) -> lightloom::Result<Network> {
    let axes: Vec<&str> = ["N"].into_iter().chain(axes.iter().copied()).collect();
    let open = |name: &&str| pb::ValueInfoProto {
        name: (*name).to_owned(),
        ..Default::default()
    };
    let graph = pb::GraphProto {
        name: "written".to_owned(),
        node: nodes,
        initializer: weights,
        input: vec![onnx::port("x", onnx::FLOAT, &axes)],
        output: outputs.iter().map(open).collect(),
        ..Default::default()
    };
    let source = io::Source::new("written", onnx::onnx(graph));
    let outputs = outputs.iter().map(|name| (*name).to_owned()).collect();
    let hints = Hints {
        graph: GraphHints {
            choice: Choice {
                outputs,
                ..Choice::default()
            },
            ..GraphHints::default()
        },
        ..Hints::default()
    };
    Network::read(&source, &hints).map(|loaded| loaded.network)
}

/// Half of precision holds these numbers as they are: by hand.
#[test]
fn a_product_of_half_precision_has_its_bias() {
    let half = |name: &str, dims: &[usize], bits: &[u16]| {
        let bytes = bits.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        onnx::tensor(name, 10, dims, bytes)
    };
    let [one, half_one, minus_two, quarter] = [0x3c00, 0x3800, 0xc000, 0x3400];
    let nodes = vec![
        onnx::with_int(onnx::node("Cast", &["x"], "h"), "to", 10),
        onnx::with_int(onnx::node("Gemm", &["h", "w", "b"], "z"), "transB", 1),
        onnx::with_int(onnx::node("Cast", &["z"], "y"), "to", 1),
    ];
    let weights = vec![
        half("w", &[2, 2], &[one, half_one, minus_two, quarter]),
        half("b", &[2], &[quarter, minus_two]),
    ];
    let network = written(nodes, &["2"], weights, &["y"]).unwrap();
    assert_eq!(network.linears().count(), 1);
    let x = Samples::from(arr2(&[[2.0, 4.0], [-1.0, 0.5]]));
    let y = network.forward::<f64>(&x).unwrap();
    assert_eq!(y, arr2(&[[4.25, -5.0], [-0.5, 0.125]]));
}

/// By hand, as ONNX Runtime and the reference evaluator of ONNX have it: kernels as long as their strides leave nothing to cut
/// off; one that is longer by one loses it behind, of SAME_LOWER in front.
#[test]
fn a_transposed_convolution_keeps_its_size_times_its_stride() {
    for (kernel, stride, mode, expected) in [
        (
            &[1.0, 2.0][..],
            2,
            "SAME_UPPER",
            &[101.0, 102.0, 110.0, 120.0, 120.0, 140.0][..],
        ),
        (
            &[1.0, 2.0],
            2,
            "SAME_LOWER",
            &[101.0, 102.0, 110.0, 120.0, 120.0, 140.0],
        ),
        (&[1.0, 2.0], 1, "SAME_UPPER", &[101.0, 112.0, 140.0]),
        (&[1.0, 2.0], 1, "SAME_LOWER", &[112.0, 140.0, 140.0]),
    ] {
        let mut up = onnx::with_ints(
            onnx::node("ConvTranspose", &["p", "k", "b"], "q"),
            "strides",
            &[stride],
        );
        up.attribute.push(pb::AttributeProto {
            name: "auto_pad".to_owned(),
            r#type: pb::attribute_proto::AttributeType::String.into(),
            s: mode.as_bytes().to_vec(),
            ..Default::default()
        });
        let shape = [0i64, 1, 3].iter().flat_map(|length| length.to_le_bytes());
        let kernel = Array1::from(kernel.iter().map(|k| *k as f32).collect::<Vec<f32>>());
        let sides = kernel.len();
        let kernel = kernel.into_shape_with_order((1, 1, sides)).unwrap();
        let weights = vec![
            onnx::tensor("shape", onnx::INT64, &[3], shape.collect()),
            onnx::floats("k", kernel.view()),
            onnx::floats("b", Array1::from_elem(1, 100f32).view()),
        ];
        let nodes = vec![
            onnx::node("Reshape", &["x", "shape"], "p"),
            up,
            onnx::node("Flatten", &["q"], "y"),
        ];
        let network = written(nodes, &["3"], weights, &["y"]).unwrap();
        let x = Samples::from(arr2(&[[1.0, 10.0, 20.0]]));
        let y = network.forward::<f64>(&x).unwrap();
        assert_eq!(y.into_raw_vec_and_offset().0, expected, "{mode} {stride}");
    }
}

#[test]
fn a_product_fed_by_a_product_is_given_what_its_light_made() {
    let matrix =
        |phase: f32| Array2::from_shape_fn((4, 4), |(a, b)| (phase + (3 * a + b) as f32).sin());
    let kernel = |phase: f32| {
        ndarray::Array4::from_shape_fn((2, 2, 1, 1), |(a, b, ..)| {
            (phase + (a + 2 * b) as f32).cos()
        })
    };
    let dense = vec![
        onnx::node("Abs", &["x"], "a"),
        onnx::node("MatMul", &["a", "w"], "h"),
        onnx::node("MatMul", &["h", "v"], "k"),
        onnx::node("MatMul", &["k", "w"], "y"),
    ];
    let dense = written(
        dense,
        &["4"],
        vec![
            onnx::floats("w", matrix(0.1).view()),
            onnx::floats("v", matrix(0.7).view()),
        ],
        &["h", "k", "y"],
    );
    let convolutions = vec![
        onnx::node("Conv", &["x", "w", "b"], "h"),
        onnx::node("Conv", &["h", "v"], "k"),
    ];
    let bias = ndarray::arr1(&[0.3_f32, -0.8]);
    let convolutions = written(
        convolutions,
        &["2", "3", "3"],
        vec![
            onnx::floats("w", kernel(0.4).view()),
            onnx::floats("b", bias.view()),
            onnx::floats("v", kernel(1.9).view()),
        ],
        &["h", "k"],
    );
    // A shared map counts for each of its nodes; what each product comes to is doubled as often as light made it.
    for (graph, columns, without_bias) in
        [(dense, vec![2, 1], true), (convolutions, vec![9, 9], false)]
    {
        let network = graph.unwrap();
        let counts: Vec<usize> = network
            .linears()
            .map(|(_, linear)| linear.columns)
            .collect();
        assert_eq!(counts, columns);
        let digital = network.digital::<f32>().unwrap();
        let x = Array2::from_shape_fn((network.features(), 3), |(a, b)| {
            (a as f32 - b as f32).cos()
        });
        let plain = network.run(Batch::Real(x.clone()), &digital, 0).unwrap();
        let doubled = network.run(Batch::Real(x), &Doubled(digital), 0).unwrap();
        let rows = plain.nrows() / columns.len().max(2);
        if without_bias {
            for (row, (one, other)) in plain.iter().zip(&doubled).enumerate() {
                let power = 1 << (1 + row / (4 * 3));
                let expected = f64::from(*one) * f64::from(power);
                approx::assert_relative_eq!(f64::from(*other), expected, epsilon = 1e-4);
            }
        } else {
            // h' = 2 w x + b and k' = 2 v h'.
            for pixel in 0..9 {
                for sample in 0..3 {
                    let of =
                        |array: &Array2<f32>, channel: usize| array[[channel * 9 + pixel, sample]];
                    for channel in 0..2 {
                        let expected = 2.0 * of(&plain, channel) - bias[channel];
                        approx::assert_relative_eq!(
                            of(&doubled, channel),
                            expected,
                            epsilon = 1e-4
                        );
                        let v = kernel(1.9);
                        let sum: f32 = (0..2)
                            .map(|from| v[[channel, from, 0, 0]] * of(&doubled, from))
                            .sum();
                        let k = doubled[[rows + channel * 9 + pixel, sample]];
                        approx::assert_relative_eq!(k, 2.0 * sum, epsilon = 1e-4);
                    }
                }
            }
        }
    }
}

#[test]
fn samples_that_depend_on_each_other_are_refused() {
    let mean = onnx::with_ints(onnx::node("ReduceMean", &["h"], "m"), "axes", &[0]);
    let weights = Array2::<f32>::eye(3);
    let nodes = |last: [&str; 2]| {
        vec![
            onnx::node("MatMul", &["x", "w"], "h"),
            mean.clone(),
            onnx::node("Sub", &last, "y"),
        ]
    };
    let read = |last| {
        written(
            nodes(last),
            &["3"],
            vec![onnx::floats("w", weights.view())],
            &["y"],
        )
    };
    let error = read(["h", "m"]).unwrap_err().to_string();
    assert!(
        error.contains("output `y`: `a mix of samples` is not supported"),
        "{error}"
    );
    let alone = read(["h", "x"]);
    assert!(alone.is_ok());
}

/// The outputs `[sample, output]` of `network` for `x`, `[sample, feature]`.
fn outputs(network: &Network, x: &Array2<f64>) -> Array2<f64> {
    network.forward::<f32>(&Samples::from(x.clone())).unwrap()
}

fn assert_near(got: &Array2<f64>, expected: &Array2<f64>) {
    assert_eq!(got.dim(), expected.dim());
    for (a, b) in got.iter().zip(expected) {
        approx::assert_relative_eq!(*a, *b, epsilon = 1e-5);
    }
}

/// ONNX's definition: y = round(x / s) + z in 0..=255, with s and z of the one sample that is given.
#[test]
fn dynamic_scales_are_those_of_one_sample() {
    let weights = Array2::from_shape_fn((3, 2), |(a, b)| (0.4 + (2 * a + b) as f32).sin());
    let mut quantize = onnx::node("DynamicQuantizeLinear", &["x"], "q");
    quantize.output = ["q", "s", "z"].map(str::to_owned).to_vec();
    let nodes = vec![
        quantize,
        onnx::with_int(
            onnx::node("Cast", &["q"], "codes"),
            "to",
            onnx::FLOAT.into(),
        ),
        onnx::with_int(onnx::node("Cast", &["z"], "zero"), "to", onnx::FLOAT.into()),
        onnx::node("Sub", &["codes", "zero"], "steps"),
        onnx::node("Mul", &["steps", "s"], "d"),
        onnx::node("MatMul", &["d", "w"], "y"),
    ];
    let network = written(
        nodes,
        &["3"],
        vec![onnx::floats("w", weights.view())],
        &["y"],
    )
    .unwrap();
    let notes = network.graph().unwrap().notes();
    assert_eq!(
        notes,
        ["its DynamicQuantizeLinear takes one sample at a time"]
    );
    // Samples of other sizes, so that shared scales would show.
    let x = ndarray::arr2(&[[0.1, -0.2, 0.05], [30.0, 4.0, -1.0], [0.3, 0.0, 0.7]]);
    let held = Array2::from_shape_fn((3, 3), |(sample, at)| {
        let row: Vec<f64> = x.row(sample).iter().map(|x| f64::from(*x as f32)).collect();
        let most = row.iter().fold(0.0f64, |most, x| most.max(*x));
        let least = row.iter().fold(0.0f64, |least, x| least.min(*x));
        let scale = (most - least) / 255.0;
        let zero = (-least / scale).round_ties_even();
        let code = ((row[at] / scale).round_ties_even() + zero).clamp(0.0, 255.0);
        (code - zero) * scale
    });
    assert_near(&outputs(&network, &x), &held.dot(&weights.mapv(f64::from)));
}

/// h' = tanh(w x + r h), from h = 0, over two steps.
#[test]
fn recurrent_cells_pass_sample_by_sample() {
    let (w, r, m) = (0.7_f32, -0.4_f32, 1.5_f32);
    let scalar = |x: f32| ndarray::Array3::from_elem((1, 1, 1), x);
    let mut cell = onnx::with_int(onnx::node("RNN", &["t", "w", "r"], "all"), "hidden_size", 1);
    cell.output = ["", "h"].map(str::to_owned).to_vec();
    let nodes = vec![
        onnx::with_ints(onnx::node("Transpose", &["x"], "t"), "perm", &[1, 0, 2]),
        cell,
        onnx::node("Squeeze", &["h", "first"], "last"),
        onnx::node("MatMul", &["last", "m"], "y"),
    ];
    let first = onnx::tensor("first", onnx::INT64, &[1], 0i64.to_le_bytes().to_vec());
    let stored = vec![
        onnx::floats("w", scalar(w).view()),
        onnx::floats("r", scalar(r).view()),
        onnx::floats("m", ndarray::arr2(&[[m]]).view()),
        first,
    ];
    let network = written(nodes, &["2", "1"], stored, &["y"]).unwrap();
    assert_eq!(
        network.graph().unwrap().notes(),
        ["its LSTM, GRU or RNN takes one sample at a time"]
    );
    // Two steps of one weight and one of the state; the product behind it is on light.
    let left = &network.graph().unwrap().left()[0];
    assert_eq!((left.products, left.is_uncounted()), (2 * (1 + 1), false));
    let x = ndarray::arr2(&[[0.3, -1.2], [2.0, 0.1], [-0.5, 0.9]]);
    let [w, r, m] = [w, r, m].map(f64::from);
    let expected = Array2::from_shape_fn((3, 1), |(sample, _)| {
        let once = (w * x[[sample, 0]]).tanh();
        m * (w * x[[sample, 1]] + r * once).tanh()
    });
    assert_near(&outputs(&network, &x), &expected);
}
