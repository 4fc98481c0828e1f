//! What enters graphs: several inputs by name, pictures with their channels first or last, numbers a channel; and outputs
//! that are classes. Expected numbers are sums written out here.

use std::io::Write;
use std::path::Path;

use lightloom::compile::Program;
use lightloom::io::{self, Source, TensorData};
use lightloom::nn::{Channels, Hints, Labels, Network, Normalization, Scorer, Selection, Values};
use lightloom::{Dataset, Error};
use ndarray::{Array, Array1, Array2, Array3, Array4, Dimension, arr1, arr2, arr3};
use serde_json::Value;
use tract_onnx::pb;

use crate::cli::{lightloom, ok, refused};
use crate::golden;
use crate::mnist::shared;
use crate::onnx::{FLOAT, INT64, floats, node, onnx, port, with_int, with_ints};

fn npy<T: io::npy::Element, D: Dimension>(array: &Array<T, D>) -> Vec<u8> {
    let mut bytes = Vec::new();
    io::npy::write(&mut bytes, array.view()).unwrap();
    bytes
}

/// The `.npy` file of an array of bytes.
fn npy_of_bytes<D: Dimension>(array: &Array<u8, D>) -> Vec<u8> {
    let shape: String = array.shape().iter().map(|n| format!("{n}, ")).collect();
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape})}}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(array.iter());
    bytes
}

/// Fails unless `error` is the one of the golden file.
fn heard(asked: &str, error: &Error) {
    golden::check_error(Path::new("no folder"), asked, error);
}

/// An `.npz` archive of these `.npy` files.
fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, array) in arrays {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(format!("{name}.npy"), options).unwrap();
        archive.write_all(array).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn network(onnx: Vec<u8>, normalization: Normalization) -> Network {
    let hints = Hints {
        normalization,
        ..Hints::default()
    };
    let loaded = Network::read(&Source::new("net.onnx", onnx), &hints);
    loaded.unwrap().network
}

/// The data of the file called `name` with these `bytes`, read for `network`.
fn data_for(network: &Network, name: &str, bytes: Vec<u8>) -> Result<Dataset, Error> {
    let intake = network.intake();
    let selection = Selection {
        intake: Some(&intake),
        ..Selection::default()
    };
    Dataset::read(Source::new(name, bytes), selection)
}

/// Fails unless `network` makes `expected` of `data`, in single precision.
fn assert_gives(network: &Network, data: &Dataset, expected: &Array2<f64>) {
    let got = network.forward::<f32>(&data.x).unwrap();
    assert_eq!(got.dim(), expected.dim());
    let far = got.iter().zip(expected).map(|(a, b)| (a - b).abs());
    let largest = expected.iter().fold(1.0f64, |most, y| most.max(y.abs()));
    assert!(
        far.fold(0.0, f64::max) < 1e-5 * largest,
        "{got} is not {expected}"
    );
}

/// y = [a, b, 1] W of inputs a `[batch, 3]` and b `[batch, 2, 2]`; W is [`WEIGHTS`] for a, then b row by row.
fn two_inputs() -> Vec<u8> {
    let weights = Array2::from_shape_fn((7, 2), |(i, j)| WEIGHTS[j][i] as f32);
    onnx(pb::GraphProto {
        name: "two".to_owned(),
        node: vec![
            node("Flatten", &["b"], "flat"),
            with_int(node("Concat", &["a", "flat"], "all"), "axis", 1),
            node("MatMul", &["all", "w"], "y"),
        ],
        initializer: vec![floats("w", weights.view())],
        input: vec![
            port("a", FLOAT, &["batch", "3"]),
            port("b", FLOAT, &["batch", "2", "2"]),
        ],
        output: vec![port("y", FLOAT, &["batch", "2"])],
        ..Default::default()
    })
}

/// The weights of each output of [`two_inputs`].
const WEIGHTS: [[f64; 7]; 2] = [
    [1.0, -2.0, 3.0, 0.5, -0.25, 4.0, -1.0],
    [0.0, 1.0, 1.0, -3.0, 2.0, 0.125, 5.0],
];

/// Inputs of [`two_inputs`] and what comes of them: Σ a W + Σ b W.
struct Two {
    a: Array2<f64>,
    b: Array3<f64>,
    y: Array2<f64>,
}

fn two_samples() -> Two {
    let a = arr2(&[[1.0, 2.0, 3.0], [-1.0, 0.5, 0.25]]);
    let b = arr3(&[[[4.0, 5.0], [6.0, 7.0]], [[0.0, 1.0], [-2.0, 8.0]]]);
    // 1 − 4 + 9 + 2 − 1.25 + 24 − 7 and 0 + 2 + 3 − 12 + 10 + 0.75 + 35; −1 − 1 + 0.75 + 0 − 0.25 − 8 − 8 and 0 + 0.5 + 0.25
    // − 0 + 2 − 0.25 + 40.
    let y = arr2(&[[23.75, 38.75], [-17.5, 42.5]]);
    Two { a, b, y }
}

#[test]
fn every_input_is_the_array_of_its_name() {
    let network = network(two_inputs(), Normalization::default());
    let Two { a, b, y } = two_samples();
    let labels = npy(&arr1(&[1i64, 0]));
    // Whatever the order of the archive, and beside arrays of other names.
    let bytes = npz(&[
        ("b", npy(&b)),
        ("more", npy(&arr1(&[1.0]))),
        ("y", labels.clone()),
        ("a", npy(&a)),
    ]);
    let data = data_for(&network, "d.npz", bytes).unwrap();
    assert_eq!(data.labels, Labels::Classes(vec![1, 0]));
    assert_gives(&network, &data, &y);
    let said = data.words(&network);
    assert_eq!(
        said,
        "inputs are the arrays of their names, labels are `y`; `a` is numbers from -1 to 3, as they are; `b` is numbers from \
         -2 to 8, as they are"
    );
    // Without labels, in the part that was asked for, and as one matrix.
    let alone = npz(&[("a", npy(&a)), ("b", npy(&b))]);
    let data = data_for(&network, "d.npz", alone).unwrap();
    assert_eq!(data.labels, Labels::None);
    assert_gives(&network, &data, &y);
    let part = npz(&[
        ("a_test", npy(&a)),
        ("test_b", npy(&b)),
        ("y_test", labels.clone()),
    ]);
    assert_gives(&network, &data_for(&network, "d.npz", part).unwrap(), &y);
    let flat = b.into_shape_with_order((2, 4)).unwrap();
    let whole = ndarray::concatenate![ndarray::Axis(1), a, flat];
    let whole = npz(&[("x", npy(&whole)), ("y", labels)]);
    assert_gives(&network, &data_for(&network, "d.npz", whole).unwrap(), &y);
}

#[test]
fn an_array_that_no_input_takes_is_refused_by_its_name() {
    let network = network(two_inputs(), Normalization::default());
    let Two { a, b, .. } = two_samples();
    let refuse = |asked: &str, arrays: &[(&str, Vec<u8>)]| {
        let error = data_for(&network, "d.npz", npz(arrays)).unwrap_err();
        heard(asked, &error);
    };
    let label = || ("y", npy(&arr1(&[1i64, 0])));
    refuse("b is missing", &[("a", npy(&a)), label()]);
    let narrow = Array2::<f64>::zeros((2, 4));
    refuse("a is wide", &[("a", npy(&narrow)), ("b", npy(&b)), label()]);
    let wide = Array3::<f64>::zeros((2, 2, 3));
    refuse("b of 2 × 3", &[("a", npy(&a)), ("b", npy(&wide))]);
    let more = Array3::<f64>::zeros((3, 2, 2));
    refuse("b of 3 samples", &[("a", npy(&a)), ("b", npy(&more))]);
    let mut nan = b.clone();
    nan[[1, 0, 1]] = f64::NAN;
    refuse("b with a hole", &[("a", npy(&a)), ("b", npy(&nan))]);
    let other = ("other", npy(&arr1(&[1.0])));
    refuse("no label", &[("a", npy(&a)), ("b", npy(&b)), other]);
}

/// y = [table[ids], w] · v of ids `[batch, 2]` of 4 rows of 1 number, and w `[batch, 2]`.
fn lookup() -> Vec<u8> {
    let table = arr2(&[[10.0f32], [20.0], [30.0], [40.0]]);
    let v = arr2(&[[1.0f32], [0.5], [2.0], [-4.0]]);
    onnx(pb::GraphProto {
        name: "lookup".to_owned(),
        node: vec![
            node("Gather", &["table", "ids"], "rows"),
            node("Flatten", &["rows"], "flat"),
            with_int(node("Concat", &["flat", "w"], "all"), "axis", 1),
            node("MatMul", &["all", "v"], "y"),
        ],
        initializer: vec![floats("table", table.view()), floats("v", v.view())],
        input: vec![
            port("ids", INT64, &["batch", "2"]),
            port("w", FLOAT, &["batch", "2"]),
        ],
        output: vec![port("y", FLOAT, &["batch", "1"])],
        ..Default::default()
    })
}

/// Rows 3 and 1 are 40 + 10; bytes of w are 2 · 51 / 255 − 4 · 255 / 255.
#[test]
fn integers_enter_as_they_are_and_bytes_beside_them_divided_by_255() {
    let plain = network(lookup(), Normalization::default());
    let expected = arr2(&[[50.0 + 0.4 - 4.0], [10.0 + 15.0]]);
    let w = npy_of_bytes(&arr2(&[[51u8, 255], [0, 0]]));
    for ids in [
        npy(&arr2(&[[3i64, 1], [0, 2]])),
        npy_of_bytes(&arr2(&[[3u8, 1], [0, 2]])),
        npy(&arr2(&[[3.0f32, 1.0], [0.0, 2.0]])),
    ] {
        let bytes = npz(&[("ids", ids), ("w", w.clone())]);
        let data = data_for(&plain, "d.npz", bytes).unwrap();
        assert_gives(&plain, &data, &expected);
        let said = data.words(&plain);
        assert!(said.contains("`ids` is "), "{said}");
        assert!(
            said.contains("0 to 3, as they are: the input takes integers"),
            "{said}"
        );
        assert!(
            said.contains("`w` is bytes from 0 to 255, divided by 255"),
            "{said}"
        );
    }
    // Scaled and shifted are the others alone: w = (raw · 0.5 − 1) / 2.
    let scaled = Normalization {
        scale: Some(0.5.into()),
        mean: Some(1.0.into()),
        std: Some(2.0.into()),
        ..Normalization::default()
    };
    let scaled = network(lookup(), scaled);
    let bytes = npz(&[
        ("ids", npy(&arr2(&[[3i64, 1], [0, 2]]))),
        ("w", npy(&arr2(&[[4.0, 2.0], [0.0, 6.0]]))),
    ]);
    let data = data_for(&scaled, "d.npz", bytes).unwrap();
    assert_gives(
        &scaled,
        &data,
        &arr2(&[[50.0 + 1.0 - 0.0], [25.0 - 1.0 - 4.0]]),
    );
    assert_eq!(
        scaled.input_words(),
        "numbers times 0.5; less 1; divided by 2; integers of `ids` as they are"
    );
    for (asked, ids) in [
        ("half an id", arr2(&[[3.0, 1.0], [0.5, 2.0]])),
        (
            "an id beyond single precision",
            arr2(&[[3.0, 1.0], [16_777_217.0, 2.0]]),
        ),
    ] {
        let bytes = npz(&[("ids", npy(&ids)), ("w", w.clone())]);
        heard(asked, &data_for(&plain, "d.npz", bytes).unwrap_err());
    }
}

/// The channels of the pictures of [`mixing`] in each of its outputs.
const MIXING: [[f64; 2]; 2] = [[1.0, 10.0], [-1.0, 0.5]];

/// Σ_c K[o, c] x[c, …], a convolution of 1 × 1 over pictures of `channels`, whose axes are as `axes` says; of those with
/// their channels last it transposes.
fn mixing(axes: &[&str], channels: Channels) -> Vec<u8> {
    let kernel = Array4::from_shape_fn((2, 2, 1, 1), |(o, c, ..)| MIXING[o][c] as f32);
    let mut nodes = Vec::new();
    if channels == Channels::Last {
        nodes.push(with_ints(
            node("Transpose", &["x"], "moved"),
            "perm",
            &[0, 3, 1, 2],
        ));
    }
    let read = match channels {
        Channels::First => "x",
        Channels::Last => "moved",
    };
    nodes.push(node("Conv", &[read, "k"], "mixed"));
    nodes.push(node("Flatten", &["mixed"], "y"));
    onnx(pb::GraphProto {
        name: "mixing".to_owned(),
        node: nodes,
        initializer: vec![floats("k", kernel.view())],
        input: vec![port("x", FLOAT, &[&["batch"], axes].concat())],
        output: vec![port("y", FLOAT, &["batch", "features"])],
        ..Default::default()
    })
}

/// Two pictures `[channel, row, column]`, of which no two numbers are the same.
fn pictures(channels: usize, rows: usize, columns: usize) -> Array4<f64> {
    Array4::from_shape_fn((2, channels, rows, columns), |(n, c, h, w)| {
        (1000 * n + 100 * c + 10 * h + w) as f64
    })
}

/// What [`mixing`] makes of `x`, `[sample, channel, row, column]`.
fn mixed(x: &Array4<f64>) -> Array2<f64> {
    let (samples, _, rows, columns) = x.dim();
    Array2::from_shape_fn((samples, 2 * rows * columns), |(n, place)| {
        let (o, h, w) = (
            place / (rows * columns),
            place / columns % rows,
            place % columns,
        );
        MIXING[o][0] * x[[n, 0, h, w]] + MIXING[o][1] * x[[n, 1, h, w]]
    })
}

fn channels_last(x: &Array4<f64>) -> Array4<f64> {
    let moved = x.view().permuted_axes([0, 2, 3, 1]);
    moved.as_standard_layout().into_owned()
}

fn stated(channels: Channels) -> Normalization {
    Normalization {
        channels: Some(channels),
        ..Normalization::default()
    }
}

#[test]
fn pictures_are_taken_with_their_channels_where_their_shape_has_them() {
    let x = pictures(2, 3, 4);
    let (first, last) = (npy(&x), npy(&channels_last(&x)));
    let moved = "samples of 3 × 4 × 2 have their channels last: they are taken as 2 × 3 × 4";
    let back = "samples of 2 × 3 × 4 have their channels first: they are taken as 3 × 4 × 2";
    for (axes, native, said_of_first, said_of_last) in [
        (["2", "3", "4"], Channels::First, None, Some(moved)),
        (["3", "4", "2"], Channels::Last, Some(back), None),
    ] {
        let plain = network(mixing(&axes, native), Normalization::default());
        assert_eq!(plain.ports()[0].channels, Some(native));
        for (bytes, said) in [(&first, said_of_first), (&last, said_of_last)] {
            let data = data_for(&plain, "x.npy", bytes.clone()).unwrap();
            assert_gives(&plain, &data, &mixed(&x));
            let assumed: Vec<&str> = data.assumed.iter().map(String::as_str).collect();
            assert_eq!(assumed, said.into_iter().collect::<Vec<_>>());
        }
        // As stated, and no other way.
        for (channels, right, wrong) in [
            (Channels::First, &first, &last),
            (Channels::Last, &last, &first),
        ] {
            let network = network(mixing(&axes, native), stated(channels));
            let data = data_for(&network, "x.npy", right.clone()).unwrap();
            assert_gives(&network, &data, &mixed(&x));
            assert!(data.assumed.is_empty());
            let error = data_for(&network, "x.npy", wrong.clone()).unwrap_err();
            heard(
                &format!("channels {channels} of a graph's {native}"),
                &error,
            );
        }
        // A list of numbers comes in the order that is stated, else in that of the input.
        let list = |x: Array4<f64>| npy(&x.into_shape_with_order((2, 24)).unwrap());
        let native_list = match native {
            Channels::First => list(x.clone()),
            Channels::Last => list(channels_last(&x)),
        };
        let data = data_for(&plain, "x.npy", native_list).unwrap();
        assert_gives(&plain, &data, &mixed(&x));
        assert!(data.assumed[0].contains(&format!("with their channels {native}")));
        let network = network(mixing(&axes, native), stated(Channels::Last));
        let table: String = channels_last(&x)
            .outer_iter()
            .map(|picture| picture.iter().map(|x| format!("{x},")).collect::<String>() + "0\n")
            .collect();
        let data = data_for(&network, "x.csv", table.into_bytes()).unwrap();
        assert_gives(&network, &data, &mixed(&x));
    }
}

/// `[3, 3, 3]` fits both: as PyTorch has it, unless the other is stated.
#[test]
fn pictures_that_fit_both_ways_are_taken_as_the_graph_has_them_and_that_is_said() {
    let axes = ["2", "2", "2"];
    let x = pictures(2, 2, 2);
    let plain = network(mixing(&axes, Channels::First), Normalization::default());
    let data = data_for(&plain, "x.npy", npy(&x)).unwrap();
    assert_gives(&plain, &data, &mixed(&x));
    assert_eq!(
        data.assumed,
        [
            "samples of 2 × 2 × 2 are taken with their channels first (--channels last at compile takes them otherwise)"
        ]
    );
    let network = network(mixing(&axes, Channels::First), stated(Channels::Last));
    let data = data_for(&network, "x.npy", npy(&channels_last(&x))).unwrap();
    assert_gives(&network, &data, &mixed(&x));
    assert!(data.assumed.is_empty());
}

/// A picture that is read as another one would give other numbers without a word.
#[test]
fn pictures_of_another_shape_are_refused_and_axes_of_one_element_may_be_left_out() {
    let plain = network(
        mixing(&["2", "3", "4"], Channels::First),
        Normalization::default(),
    );
    for (asked, axes) in [
        ("as many numbers", [4, 3, 2]),
        ("rows and columns swapped", [2, 4, 3]),
        ("a plane", [1, 6, 4]),
    ] {
        let x = Array4::<f64>::zeros((2, axes[0], axes[1], axes[2]));
        heard(asked, &data_for(&plain, "x.npy", npy(&x)).unwrap_err());
    }
    let gray = |axes: &[&str]| {
        let kernel = Array4::from_elem((1, 1, 1, 1), 2.0f32);
        onnx(pb::GraphProto {
            name: "gray".to_owned(),
            node: vec![node("Conv", &["x", "k"], "y")],
            initializer: vec![floats("k", kernel.view())],
            input: vec![port("x", FLOAT, &[&["batch"], axes].concat())],
            output: vec![port("y", FLOAT, &["batch", "1", "rows", "columns"])],
            ..Default::default()
        })
    };
    let network = network(gray(&["1", "3", "4"]), Normalization::default());
    let x = pictures(1, 3, 4);
    let doubled = x.mapv(|x| 2.0 * x).into_shape_with_order((2, 12)).unwrap();
    for bytes in [
        npy(&x.clone().into_shape_with_order((2, 3, 4)).unwrap()),
        npy(&x.clone().into_shape_with_order((2, 3, 4, 1)).unwrap()),
        npy(&x.clone().into_shape_with_order((2, 12)).unwrap()),
        npy(&x),
    ] {
        let data = data_for(&network, "x.npy", bytes).unwrap();
        assert_gives(&network, &data, &doubled);
        assert!(data.assumed.is_empty());
    }
    let turned = Array3::<f64>::zeros((2, 4, 3));
    heard(
        "gray and turned",
        &data_for(&network, "x.npy", npy(&turned)).unwrap_err(),
    );
}

/// Without the network that they are for, samples are read row by row: then only those in its order are scored.
#[test]
fn pictures_that_were_read_without_their_network_are_not_scored_in_another_order() {
    let x = pictures(2, 3, 4);
    let read = |x: &Array4<f64>| {
        let source = Source::new("x.npy", npy(x));
        Dataset::read(source, Selection::default()).unwrap()
    };
    let score = |network: &Network, data: &Dataset| Scorer::new(network, data, None).map(|_| ());
    let (first, last) = (read(&x), read(&channels_last(&x)));
    assert_eq!(last.axes, [3, 4, 2]);
    let axes = ["2", "3", "4"];
    let plain = network(mixing(&axes, Channels::First), Normalization::default());
    assert!(score(&plain, &first).is_ok());
    heard(
        "pictures of another order",
        &score(&plain, &last).unwrap_err(),
    );
    let moved = network(mixing(&axes, Channels::First), stated(Channels::Last));
    assert!(score(&moved, &first).is_err());
    let arranged = data_for(&moved, "x.npy", npy(&channels_last(&x))).unwrap();
    assert!(score(&moved, &arranged).is_ok());
}

/// A chain that begins with Flatten knows of the picture from its file.
#[test]
fn a_chain_of_dense_layers_takes_pictures_in_the_order_of_its_file() {
    let weights = Array2::from_shape_fn((12, 1), |(i, _)| i as f32);
    let file = onnx(pb::GraphProto {
        name: "chain".to_owned(),
        node: vec![
            node("Flatten", &["x"], "flat"),
            node("MatMul", &["flat", "w"], "y"),
        ],
        initializer: vec![floats("w", weights.view())],
        input: vec![port("x", FLOAT, &["batch", "2", "2", "3"])],
        output: vec![port("y", FLOAT, &["batch", "1"])],
        ..Default::default()
    });
    let network = network(file, Normalization::default());
    assert!(network.graph().is_none());
    let x = pictures(2, 2, 3);
    // Σ i · x_i over channels, then rows, then columns.
    let sums = x.outer_iter().map(|picture| {
        let places = picture.iter().enumerate();
        places.map(|(place, x)| place as f64 * x).sum::<f64>()
    });
    let expected = Array2::from_shape_vec((2, 1), sums.collect()).unwrap();
    for bytes in [npy(&x), npy(&channels_last(&x))] {
        let data = data_for(&network, "x.npy", bytes).unwrap();
        assert_gives(&network, &data, &expected);
    }
    let wrong = Array4::<f64>::zeros((2, 3, 2, 2));
    heard(
        "a chain",
        &data_for(&network, "x.npy", npy(&wrong)).unwrap_err(),
    );
}

/// x = (raw − mean[c]) / std[c], by hand.
#[test]
fn numbers_a_channel_are_those_of_its_pixels_wherever_channels_stand() {
    let (mean, std) = ([100.0, -50.0], [4.0, 0.5]);
    let x = pictures(2, 3, 4);
    let mut normalized = x.clone();
    for (c, mut channel) in normalized.axis_iter_mut(ndarray::Axis(1)).enumerate() {
        channel.mapv_inplace(|raw| (raw - mean[c]) / std[c]);
    }
    let normalization = Normalization {
        mean: Some(mean.to_vec().into()),
        std: Some(std.to_vec().into()),
        ..Normalization::default()
    };
    for (axes, native) in [
        (["2", "3", "4"], Channels::First),
        (["3", "4", "2"], Channels::Last),
    ] {
        let network = network(mixing(&axes, native), normalization.clone());
        for raw in [npy(&x), npy(&channels_last(&x))] {
            let data = data_for(&network, "x.npy", raw).unwrap();
            assert_gives(&network, &data, &mixed(&normalized));
            let said = data.words(&network);
            assert!(said.ends_with("; less 100, -50 by channel; divided by 4, 0.5 by channel"));
        }
    }
    // Bytes: (raw / 255 − mean) / std.
    let bytes = Array4::from_shape_fn((1, 2, 3, 4), |(_, c, h, w)| (12 * c + 4 * h + w) as u8);
    let mut expected = bytes.mapv(f64::from);
    for (c, mut channel) in expected.axis_iter_mut(ndarray::Axis(1)).enumerate() {
        channel.mapv_inplace(|raw| (raw / 255.0 - mean[c]) / std[c]);
    }
    let network = network(mixing(&["2", "3", "4"], Channels::First), normalization);
    let data = data_for(&network, "x.npy", npy_of_bytes(&bytes)).unwrap();
    assert_gives(&network, &data, &mixed(&expected));
}

#[test]
fn a_program_keeps_channels_and_the_numbers_of_each() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.join(name), bytes).unwrap();
    write("net.onnx", mixing(&["2", "2", "2"], Channels::First));
    let flags = ["--mean", "1,2", "--std", "4,8", "--channels", "last"];
    ok(
        folder,
        &[&["compile", "net.onnx", "-o", "p.safetensors"], &flags[..]].concat(),
    );
    let text = "weights = 'net.onnx'\n[input]\nmean = [1, 2]\nstd = [4, 8]\nchannels = 'last'\n";
    write("net.toml", text.into());
    ok(folder, &["compile", "net.toml", "-o", "q.safetensors"]);
    let x = pictures(2, 2, 2);
    let mut normalized = x.clone();
    for (c, mut channel) in normalized.axis_iter_mut(ndarray::Axis(1)).enumerate() {
        channel.mapv_inplace(|raw| (raw - (c + 1) as f64) / (4 * (c + 1)) as f64);
    }
    for program in ["p.safetensors", "q.safetensors"] {
        let program = Program::load(folder.join(program)).unwrap();
        let data = data_for(program.network(), "x.npy", npy(&channels_last(&x))).unwrap();
        assert_gives(program.network(), &data, &mixed(&normalized));
        assert_eq!(
            program.network().input_words(),
            "bytes divided by 255, other numbers as they are; less 1, 2 by channel; divided by 4, 8 by channel; the channels \
             of pictures come last"
        );
    }
    let more =
        |flags: &[&'static str]| [&["compile", "net.onnx", "-o", "r.safetensors"], flags].concat();
    refused(folder, &more(&["--mean", "1,2,3"]));
    refused(folder, &more(&["--channels", "middle"]));
    refused(
        folder,
        &[
            "compile",
            "net.toml",
            "-o",
            "r.safetensors",
            "--channels",
            "first",
        ],
    );
    write("two.onnx", two_inputs());
    refused(
        folder,
        &[
            "compile",
            "two.onnx",
            "-o",
            "r.safetensors",
            "--channels",
            "last",
        ],
    );
    write("net.toml", (text.to_owned() + "shape = [2, 2, 2]\n").into());
    refused(folder, &["compile", "net.toml", "-o", "r.safetensors"]);
}

/// One file of data for graphs that take its pictures in different orders, and one for several inputs.
#[test]
fn infer_and_sweep_read_data_for_each_network() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.join(name), bytes).unwrap();
    let x = pictures(2, 3, 4);
    write("first.onnx", mixing(&["2", "3", "4"], Channels::First));
    write("last.onnx", mixing(&["3", "4", "2"], Channels::Last));
    let targets = ("y", npy(&mixed(&x)));
    write("x.npz", npz(&[("x", npy(&channels_last(&x))), targets]));
    let text = "network = ['first.onnx', 'last.onnx']\ndata = 'x.npz'\ntrials = 1\n";
    write("e.toml", text.into());
    ok(folder, &["sweep", "e.toml", "--out", "out", "--quiet"]);
    let rows = std::fs::read_to_string(folder.join("out/rows.jsonl")).unwrap();
    let rows: Vec<Value> = rows
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert!(row["digital_r2"].as_f64().unwrap() > 0.999_999, "{row}");
        assert!(row["r2"].as_f64().unwrap() > 0.999_999, "{row}");
    }
    let Two { a, b, y } = two_samples();
    write("two.onnx", two_inputs());
    write(
        "d.npz",
        npz(&[("a", npy(&a)), ("b", npy(&b)), ("target", npy(&y))]),
    );
    ok(folder, &["compile", "two.onnx", "-o", "p.safetensors"]);
    let found = infer(folder, &["--data", "d.npz", "--trials", "1"]);
    assert!(
        found["digital"]["score"].as_f64().unwrap() < 1e-9,
        "{found}"
    );
    refused(folder, &["infer", "p.safetensors", "--data", "x.npz"]);
}

/// Scores of a matrix, and the place of the largest; `[batch]` of integers.
fn largest() -> Vec<u8> {
    let w = arr2(&[[1.0f32, 0.0, -1.0], [0.0, 2.0, 0.5]]);
    let place = with_int(node("ArgMax", &["scores"], "class"), "axis", 1);
    onnx(pb::GraphProto {
        name: "largest".to_owned(),
        node: vec![
            node("MatMul", &["x", "w"], "scores"),
            with_int(place, "keepdims", 0),
        ],
        initializer: vec![floats("w", w.view())],
        input: vec![port("x", FLOAT, &["batch", "2"])],
        output: vec![port("class", INT64, &["batch"])],
        ..Default::default()
    })
}

fn infer(folder: &Path, args: &[&str]) -> Value {
    let all = [&["infer", "p.safetensors", "--quiet", "--json", "-"], args].concat();
    serde_json::from_str(&ok(folder, &all)).unwrap()
}

/// Scores (1, 0, −1), (0, 2, 0.5), (−1, 0, 1), (3, 1, −2.75) and (−4, −2, 3.5): classes 0, 1, 2, 0, 2, of which the labels
/// have three.
#[test]
fn an_output_of_integers_is_the_class() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    std::fs::write(folder.join("net.onnx"), largest()).unwrap();
    ok(folder, &["compile", "net.onnx", "-o", "p.safetensors"]);
    let x = arr2(&[
        [1.0, 0.0],
        [0.0, 1.0],
        [-1.0, 0.0],
        [3.0, 0.5],
        [-4.0, -1.0],
    ]);
    let d = |labels: &[i64]| npz(&[("x", npy(&x)), ("y", npy(&Array1::from(labels.to_vec())))]);
    std::fs::write(folder.join("d.npz"), d(&[0, 1, 1, 0, 1])).unwrap();
    let args = ["--data", "d.npz", "--trials", "2"];
    let found = infer(folder, &[&args[..], &["--predictions", "p.npz"]].concat());
    assert_eq!(found["score_name"], "accuracy");
    assert_eq!(found["digital"]["accuracy"], 0.6);
    assert_eq!(found["ideal"]["agreement"], 1.0);
    let kept = io::npy::read_npz(folder.join("p.npz")).unwrap();
    let classes = kept["digital_class"].clone().into_vector("c").unwrap();
    assert_eq!(classes, arr1(&[0.0, 1.0, 2.0, 0.0, 2.0]));
    let said = lightloom(folder, &[&["infer", "p.safetensors"], &args[..]].concat());
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(
        said.contains("d.npz: outputs are integers: they are taken as classes"),
        "{said}"
    );
    // As numbers only where that is asked: errors 1 and 1 of five.
    let found = infer(folder, &[&args[..], &["--score", "mse"]].concat());
    assert_eq!(found["digital"]["score"], 0.4);
    let of = |score| [&["infer", "p.safetensors"], &args[..], &["--score", score]].concat();
    refused(folder, &of("nll"));
    refused(folder, &of("binary"));
    std::fs::write(folder.join("d.npz"), d(&[0, 1, 3, 0, 1])).unwrap();
    refused(folder, &of("accuracy"));
    std::fs::write(folder.join("d.npz"), d(&[0, 1, 2, 0, 2])).unwrap();
    let text = "program = 'p.safetensors'\ndata = 'd.npz'\ntrials = 2\n";
    std::fs::write(folder.join("e.toml"), text).unwrap();
    ok(folder, &["sweep", "e.toml", "--out", "out", "--quiet"]);
    let confusion = std::fs::read_to_string(folder.join("out/confusion.csv")).unwrap();
    assert!(confusion.contains("0,0,2"), "{confusion}");
    ok(folder, &["report", "out", "--quiet"]);
}

/// scikit-learn's classes of flowers, which ONNX Runtime gives as `label`.
#[test]
fn labels_of_scikit_learn_are_scored_as_classes() {
    let Some(path) = shared("cases/networks/sklearn_logreg_iris.onnx") else {
        return;
    };
    let expected = io::npy::read_npz(path.with_extension("expected.npz")).unwrap();
    let x = expected
        .iter()
        .find(|(name, _)| !name.starts_with("out"))
        .unwrap()
        .1;
    let label = expected
        .iter()
        .find(|(name, _)| name.contains("label"))
        .unwrap()
        .1;
    let x = x.clone().into_matrix("x").unwrap();
    let TensorData::Real(classes) = label.data().clone() else {
        panic!("labels are real")
    };
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    std::fs::copy(&path, folder.join("net.onnx")).unwrap();
    let name = expected.keys().find(|name| name.contains("label")).unwrap();
    let output = name.split_once('_').unwrap().1;
    ok(
        folder,
        &[
            "compile",
            "net.onnx",
            "-o",
            "p.safetensors",
            "--outputs",
            output,
        ],
    );
    let bytes = npz(&[("x", npy(&x)), ("y", npy(&Array1::from(classes)))]);
    std::fs::write(folder.join("d.npz"), bytes).unwrap();
    let found = infer(folder, &["--data", "d.npz", "--trials", "1"]);
    assert_eq!(found["score_name"], "accuracy");
    assert_eq!(found["digital"]["accuracy"], 1.0);
}

/// y = x W of four features and as many outputs, W the identity but for one weight of 2; labels are classes 0 and 1.
#[test]
fn an_autoencoder_of_labelled_data_is_compared_with_its_inputs() {
    let mut w = Array2::<f32>::eye(4);
    w[[2, 2]] = 2.0;
    let file = onnx(pb::GraphProto {
        name: "same".to_owned(),
        node: vec![node("MatMul", &["x", "w"], "y")],
        initializer: vec![floats("w", w.view())],
        input: vec![port("x", FLOAT, &["batch", "4"])],
        output: vec![port("y", FLOAT, &["batch", "4"])],
        ..Default::default()
    });
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    std::fs::write(folder.join("net.onnx"), file).unwrap();
    ok(folder, &["compile", "net.onnx", "-o", "p.safetensors"]);
    let x = arr2(&[[1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 1.0, 5.0]]);
    let write = |labels: [i64; 2]| {
        let bytes = npz(&[("x", npy(&x)), ("y", npy(&arr1(&labels)))]);
        std::fs::write(folder.join("d.npz"), bytes).unwrap();
    };
    write([1, 0]);
    let args = ["--data", "d.npz", "--trials", "1"];
    let found = infer(folder, &args);
    assert_eq!(found["score_name"], "mse");
    // (3² + 1²) / 8.
    assert_eq!(found["digital"]["score"], 1.25);
    let said = lightloom(folder, &[&["infer", "p.safetensors"], &args[..]].concat());
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(
        said.contains("the labels are not used (--score accuracy uses them)"),
        "{said}"
    );
    let found = infer(folder, &[&args[..], &["--score", "accuracy"]].concat());
    assert_eq!(found["score_name"], "accuracy");
    // Labels of as many classes are those of a classifier.
    write([2, 3]);
    assert_eq!(infer(folder, &args)["digital"]["accuracy"], 1.0);
}

/// 0.0102595 per pixel over all pictures, as ONNX Runtime has it; these are the first 200.
#[test]
fn the_autoencoder_of_digits_is_scored_by_itself() {
    let (Some(path), Some(data)) = (
        shared("models/mnist_autoencoder.onnx"),
        crate::mnist::test_set(),
    ) else {
        return;
    };
    let network = Network::load_with(path, &Hints::default()).unwrap().network;
    let data = data.limit(200);
    let scorer = Scorer::new(&network, &data, None).unwrap();
    let outputs = network.forward::<f64>(&data.x).unwrap();
    let error = scorer.judge(outputs.clone()).worth.score.unwrap();
    let Values::Bytes(pixels) = &data.x.values else {
        panic!("pixels are bytes")
    };
    let squares = outputs
        .iter()
        .zip(pixels)
        .map(|(y, x)| (y - f64::from(*x) / 255.0).powi(2));
    let by_hand = squares.sum::<f64>() / outputs.len() as f64;
    assert!((error - by_hand).abs() < 1e-12, "{error} is not {by_hand}");
    assert!((0.008..0.012).contains(&error), "{error}");
}
