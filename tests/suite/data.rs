//! Data as people have them: what is read, what is said of it, and what is refused.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use lightloom::io::{Format, Source};
use lightloom::nn::{Labels, Network, Readout, Selection, Split, Values, Weight};
use lightloom::{Dataset, Error, io};
use ndarray::{Array, Array1, Array2, Dimension, arr1, arr2};

use crate::cli::{DEMO, lightloom, ok, refusal, refused};
use crate::golden::check_error;
use crate::sweep::{digits, experiment};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");

fn case(name: &str) -> String {
    format!("{CASES}/{name}")
}

fn open(path: impl AsRef<Path>) -> Dataset {
    Dataset::open(path, Selection::default()).unwrap()
}

fn error(path: impl AsRef<Path>, selection: Selection<'_>) -> Error {
    Dataset::open(path, selection).unwrap_err()
}

fn doubles(data: &Dataset) -> &Array2<f64> {
    match &data.x.values {
        Values::Double(x) => x,
        other => panic!("{other:?}"),
    }
}

fn npy<T: io::npy::Element, D: Dimension>(array: &Array<T, D>) -> Vec<u8> {
    let mut bytes = Vec::new();
    io::npy::write(&mut bytes, array.view()).unwrap();
    bytes
}

/// Writes an `.npz` file of these `.npy` files.
fn npz(path: &Path, arrays: &[(&str, Vec<u8>)]) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    for (name, array) in arrays {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(format!("{name}.npy"), options).unwrap();
        archive.write_all(array).unwrap();
    }
    archive.finish().unwrap();
}

/// The pixels of the first `count` built-in digits and what they show.
fn built_in(count: usize) -> (Array2<f64>, Array1<f64>) {
    let arrays = io::npy::read_npz(format!("{DEMO}/digits-test.npz")).unwrap();
    let x = arrays["x"].clone().into_matrix("x").unwrap();
    let y = arrays["y"].clone().into_vector("y").unwrap();
    let part = ndarray::s![..count];
    (
        x.slice(ndarray::s![..count, ..]).to_owned(),
        y.slice(part).to_owned(),
    )
}

/// 150 flowers, 50 of each class in turn, in every form in which they were refused or misread.
#[test]
fn iris_is_the_same_in_every_table() {
    let classes: Labels = (0..150)
        .map(|flower| flower / 50)
        .collect::<Vec<_>>()
        .into();
    let plain = open(case("iris_label_first.csv"));
    assert_eq!(plain.labels, classes);
    let names = ["setosa", "versicolor", "virginica"].map(str::to_owned);
    for (file, has_names, said) in [
        ("iris_quoted.csv", false, "the label is column 4, `target`"),
        (
            "iris_semicolon.csv",
            false,
            "cells are separated by `;`; the label is column 4, `target`",
        ),
        (
            "iris_tab.tsv",
            false,
            "cells are separated by tabs; the label is column 4, `target`",
        ),
        ("iris.parquet", false, "the label is column 4, `target`"),
        (
            "iris_pandas_index_col.csv",
            false,
            "column 0 numbers the rows and is left out; the label is column 5, `target`",
        ),
        (
            "iris_string_labels.csv",
            true,
            "the label is column 4, `species`",
        ),
        (
            "iris_as_sklearn_ships.csv",
            true,
            "the label is the last column, column 4; the first line counts samples and features",
        ),
    ] {
        let data = open(case(file));
        assert_eq!(data.labels, classes, "{file}");
        assert_eq!(doubles(&data), doubles(&plain), "{file}");
        assert_eq!(
            data.class_names.as_deref(),
            has_names.then_some(&names[..]),
            "{file}"
        );
        assert_eq!(data.columns.unwrap().assumed().unwrap(), said, "{file}");
    }
    let error = error(case("iris_nan.csv"), Selection::default());
    check_error(Path::new(CASES), "iris_nan.csv", &error);
    // Packed, and under another name than what it holds.
    let dir = tempfile::tempdir().unwrap();
    let packed = dir.path().join("iris.csv.gz");
    let mut packer = flate2::write::GzEncoder::new(
        std::fs::File::create(&packed).unwrap(),
        flate2::Compression::fast(),
    );
    packer
        .write_all(&std::fs::read(case("iris_tab.tsv")).unwrap())
        .unwrap();
    packer.finish().unwrap();
    let misnamed = dir.path().join("iris.csv");
    std::fs::copy(case("iris.parquet"), &misnamed).unwrap();
    for path in [packed, misnamed] {
        let data = open(path);
        assert_eq!((&*data.name, &data.labels), ("iris", &classes));
        assert_eq!(doubles(&data), doubles(&plain));
    }
}

/// The same 60 digits as classes and as rows with a single 1, and 60 others of two classes.
#[test]
fn arrays_under_the_names_of_many_packages_are_a_data_set() {
    let (named, hot) = (
        open(case("digits_data_target.npz")),
        open(case("digits_onehot.npz")),
    );
    assert_eq!(named.assumed, ["samples are `data`, labels are `target`"]);
    assert_eq!(hot.assumed, ["labels are rows of a single 1, at the class"]);
    assert_eq!((named.len(), named.x.features()), (60, 64));
    let target = io::npy::read_npz(case("digits_data_target.npz")).unwrap()["target"].clone();
    let target = target.into_vector("target").unwrap();
    let target: Labels = target
        .iter()
        .map(|&y| y as usize)
        .collect::<Vec<_>>()
        .into();
    assert_eq!(named.labels, target);
    // NumPy: np.load("digits_onehot.npz")["y"].argmax(1)[:8] is [6, 9, 3, 7, 2, 1, 5, 2] there and in the other file.
    assert_eq!(hot.labels, named.labels);
    let two = open(case("binary_one_output_data.npz"));
    assert_eq!(
        (two.len(), two.labels.classes().unwrap().iter().max()),
        (60, Some(&1))
    );

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data.npz");
    let (x, y) = (
        npy(&arr2(&[[0.5, 1.5], [2.5, 3.5]])),
        npy(&arr1(&[1i64, 0])),
    );
    for [samples, labels] in [
        ["X", "y"],
        ["X", "Y"],
        ["images", "labels"],
        ["features", "labels"],
        ["x_test", "y_test"],
        ["test_images", "test_labels"],
    ] {
        npz(
            &path,
            &[
                ("names", npy(&arr1(&[1.0]))),
                (labels, y.clone()),
                (samples, x.clone()),
            ],
        );
        let data = open(&path);
        assert_eq!(data.labels, vec![1, 0].into());
        let said = format!("samples are `{samples}`, labels are `{labels}`");
        assert_eq!(data.assumed, [said]);
    }
    npz(&path, &[("x", x.clone())]);
    assert_eq!(open(&path).labels, Labels::None);
    let of = |split| Selection {
        split: Some(split),
        ..Selection::default()
    };
    let other = npy(&arr1(&[0i64, 1]));
    let parts = [
        ("x_train", x.clone()),
        ("y_train", other),
        ("x_test", x.clone()),
        ("y_test", y.clone()),
    ];
    npz(&path, &parts);
    assert_eq!(open(&path).labels, vec![1, 0].into());
    let train = Dataset::open(&path, of(Split::Train)).unwrap();
    assert_eq!(train.labels, vec![0, 1].into());
    npz(&path, &parts[..2]);
    let refused = |asked: &str| {
        check_error(dir.path(), asked, &error(&path, Selection::default()));
    };
    refused("x_train, y_train");
    for names in [
        &["x", "y", "data"][..],
        &["x", "y", "target"],
        &["x", "y", "x_test", "y_test"],
        &["x", "z"],
        &["a", "b"],
    ] {
        let arrays: Vec<_> = names.iter().map(|name| (*name, x.clone())).collect();
        npz(&path, &arrays);
        refused(&names.join(", "));
    }
}

#[test]
fn labels_are_classes_names_rows_with_a_single_one_or_targets() {
    let dir = tempfile::tempdir().unwrap();
    let [x, y] = ["x.npy", "y.npy"].map(|name| dir.path().join(name));
    std::fs::write(&x, npy(&arr2(&[[0.5], [1.5], [2.5]]))).unwrap();
    let read = |labels: Vec<u8>| {
        std::fs::write(&y, labels).unwrap();
        let selection = Selection {
            labels: Some(&y),
            ..Selection::default()
        };
        Dataset::open(&x, selection)
    };
    let labels = |bytes: Vec<u8>| read(bytes).unwrap().labels;
    assert_eq!(open(&x).labels, Labels::None);
    let classes: Labels = vec![1, 0, 1].into();
    assert_eq!(labels(npy(&arr1(&[1.0, 0.0, 1.0]))), classes);
    assert_eq!(labels(npy(&arr2(&[[1i64], [0], [1]]))), classes);
    assert_eq!(labels(npy(&arr1(&[1i64, -1, 1]))), classes);
    assert_eq!(
        labels(npy(&arr2(&[[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]))),
        classes
    );
    let header = |descr: &str| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (3,), }}\n");
        [
            &b"\x93NUMPY\x01\x00"[..],
            &(header.len() as u16).to_le_bytes(),
            header.as_bytes(),
        ]
        .concat()
    };
    assert_eq!(labels([header("|b1"), vec![1, 0, 1]].concat()), classes);
    let named = read([header("|S3"), b"catantcat".to_vec()].concat()).unwrap();
    let wide = "catantcat"
        .bytes()
        .flat_map(|byte| [byte, 0, 0, 0])
        .collect();
    assert_eq!(named, read([header("<U3"), wide].concat()).unwrap());
    assert_eq!(named.labels, classes);
    assert_eq!(named.class_names.unwrap(), ["ant", "cat"]);
    // Fractions, and rows that only look like one-hot ones.
    let targets = arr2(&[[0.5], [1.0], [-2.0]]);
    assert_eq!(labels(npy(&targets)), targets.clone().into());
    assert_eq!(labels(npy(&targets.column(0).to_owned())), targets.into());
    let rows = arr2(&[[0.0, 1.0], [1.0, 1.0], [0.0, 1.0]]);
    assert_eq!(labels(npy(&rows)), rows.into());
    let error = read(npy(&arr1(&[0.5, f64::NAN, 0.0]))).unwrap_err();
    assert!(
        matches!(error.root(), Error::NotFinite { what, index, .. } if what == "labels" && index == "[1]"),
        "{error}"
    );
    let error = read(npy(&arr1(&[1i64, 0]))).unwrap_err();
    assert!(
        matches!(error.root(), Error::Shape { what, got, .. } if what == "labels" && got == "[2]"),
        "{error}"
    );
}

/// A picture is taken row by row: element [r, c] of [8, 8] is feature 8 r + c, whichever axis of length 1 is beside.
#[test]
fn pictures_are_taken_row_by_row_and_it_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let (x, y) = built_in(40);
    let program = format!("{DEMO}/digits.program.safetensors");
    let infer = |data: &str| {
        let args = ["infer", &program, "--trials", "1", "--data", data];
        let output = lightloom(folder, &args);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert!(output.status.success(), "{}", text(output.stderr));
        let table = text(output.stdout);
        // Without its times.
        let table = table.split("\nseconds").next().unwrap().to_owned();
        [table, text(output.stderr)]
    };
    let save = |name: &str, x: Vec<u8>| {
        npz(&folder.join(name), &[("x_test", x), ("y_test", npy(&y))]);
    };
    save("flat.npz", npy(&x));
    let [expected, _] = infer("flat.npz");
    for (shape, words) in [
        (&[40, 8, 8][..], "8 × 8"),
        (&[40, 1, 8, 8], "1 × 8 × 8"),
        (&[40, 8, 8, 1], "8 × 8 × 1"),
    ] {
        let pictures = x.clone().into_shape_with_order(shape).unwrap();
        save("pictures.npz", npy(&pictures));
        let [table, said] = infer("pictures.npz");
        assert_eq!(table, expected);
        let note = format!(
            "note: pictures.npz: samples are `x_test`, labels are `y_test`; samples of {words} are taken row by row; \
             features are"
        );
        assert!(said.contains(&note), "{said}");
    }
    let colours = Array::<f64, _>::ones((2, 3, 4, 5));
    npz(
        &folder.join("rgb.npz"),
        &[("x", npy(&colours)), ("y", npy(&arr1(&[0i64, 1])))],
    );
    assert_eq!(open(folder.join("rgb.npz")).x.features(), 60);
}

/// One picture of 2 × 2 pixels that shows a 7.
fn put_idx(folder: &Path, part: &str) {
    std::fs::create_dir_all(folder).unwrap();
    let images = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4];
    let put = |kind: &str, bytes: &[u8]| {
        std::fs::write(folder.join(format!("{part}-{kind}-ubyte")), bytes).unwrap();
    };
    put("images-idx3", &images);
    put("labels-idx1", &[0, 0, 8, 1, 0, 0, 0, 1, 7]);
}

#[test]
fn folders_as_torchvision_lays_them_out_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    put_idx(&root.join("torch/MNIST/raw"), "train");
    for folder in ["torch", "torch/MNIST", "torch/MNIST/raw"] {
        let path = root.join(folder);
        check_error(root, folder, &error(&path, Selection::default()));
        let selection = Selection {
            split: Some(Split::Train),
            ..Selection::default()
        };
        let data = Dataset::open(&path, selection).unwrap();
        assert_eq!((data.labels, data.x.features()), (vec![7].into(), 4));
        let files = Dataset::files(&path, Some(Split::Train), None).unwrap();
        assert!(files[0].ends_with("MNIST/raw/train-images-idx3-ubyte"));
        assert_eq!(data.assumed.is_empty(), folder.ends_with("raw"));
    }
    put_idx(&root.join("torch/FashionMNIST/raw"), "train");
    let both = Selection {
        split: Some(Split::Train),
        ..Selection::default()
    };
    check_error(root, "two data sets", &error(root.join("torch"), both));
    // The training part is what inspect shows where there is no other.
    assert!(ok(root, &["inspect", "torch/MNIST"]).contains("1 samples of 4 features"));
    refused(root, &["inspect", "."]);

    // Folders of classes.
    std::fs::create_dir_all(root.join("pets/cat")).unwrap();
    std::fs::write(root.join("pets/cat/1.jpeg"), b"\xff\xd8\xff").unwrap();
    for path in ["pets", "torch/MNIST/raw/train-images-idx3-ubyte"] {
        check_error(root, path, &error(root.join(path), Selection::default()));
    }
}

#[test]
fn what_is_chosen_must_be_there_to_choose() {
    let selection = Selection {
        label: Some("0"),
        ..Selection::default()
    };
    let refused = |file: &str, selection: Selection<'_>| {
        check_error(Path::new(CASES), file, &error(case(file), selection));
    };
    refused("digits_onehot.npz", selection);
    let selection = Selection {
        split: Some(Split::Train),
        ..Selection::default()
    };
    refused("iris_tab.tsv", selection);
    refused("iris_net.safetensors", Selection::default());
    let error = error("no/such.dat", Selection::default());
    assert!(matches!(error, Error::Io { path, .. } if path == "no/such.dat"));
}

/// What comes of a command that reads `bytes` as its stdin.
fn from_stdin(folder: &Path, args: &[&str], bytes: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lightloom"))
        .args(args)
        .current_dir(folder)
        // Nothing is written there.
        .env("TMPDIR", "/no/such/folder")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    child.wait_with_output().unwrap()
}

/// What a command prints that reads `bytes` as its stdin and must succeed, and what it says.
fn ok_from_stdin(folder: &Path, args: &[&str], bytes: &[u8]) -> [String; 2] {
    let output = from_stdin(folder, args, bytes);
    let [printed, said] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{args:?}: {said}");
    [printed, said]
}

/// Fails unless a command refuses `bytes` as its stdin, in the words of the golden file.
fn refused_from_stdin(folder: &Path, args: &[&str], bytes: &[u8]) {
    refusal(folder, args, &from_stdin(folder, args, bytes));
}

#[test]
fn stdin_is_read_without_a_temporary_file_and_errors_call_it_so() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let read = |name: &str| std::fs::read(case(name)).unwrap();
    for file in [
        "iris_tab.tsv",
        "iris.parquet",
        "iris_string_labels.csv",
        "digits_onehot.npz",
    ] {
        let [piped, said] = ok_from_stdin(folder, &["inspect", "-"], &read(file));
        let path = case(file);
        let named = ok(folder, &["inspect", &path]);
        assert_eq!(piped, named, "{file}: {said}");
    }
    refused_from_stdin(folder, &["inspect", "-"], &read("iris_nan.csv"));
    ok(
        folder,
        &[
            "compile",
            &case("iris_net.safetensors"),
            "-o",
            "p.safetensors",
        ],
    );
    let infer = ["infer", "p.safetensors", "--data", "-", "--trials", "1"];
    let [_, said] = ok_from_stdin(folder, &infer, &read("iris_semicolon.csv"));
    assert!(
        said.contains("note: stdin: cells are separated by `;`; the label is"),
        "{said}"
    );
    refused_from_stdin(folder, &infer, b"");
    let compile = ["compile", "-", "-o", "q.safetensors"];
    let network = std::fs::read(format!("{DEMO}/network.toml")).unwrap();
    refused_from_stdin(folder, &compile, &network);
    std::fs::copy(
        format!("{DEMO}/digits.safetensors"),
        folder.join("digits.safetensors"),
    )
    .unwrap();
    ok_from_stdin(folder, &compile, &network);
    assert!(folder.join("q.safetensors").exists());
    refused_from_stdin(folder, &compile, &[8, 255, 7]);
    experiment(folder, &digits(1));
    let text = std::fs::read(folder.join("e.toml")).unwrap();
    let [printed, said] = ok_from_stdin(folder, &["inspect", "-"], &text);
    assert!(
        printed.contains("next: lightloom sweep - --out DIR"),
        "{printed}{said}"
    );
}

/// Every case, cut and spoilt at places that a fixed rule chooses: an error sentence or a data set, never a panic.
#[test]
fn damaged_data_are_refused_or_read_and_never_a_panic() {
    let mut place: usize = 1;
    let mut next = |below: usize| {
        // Numerical Recipes' linear congruential generator.
        place = place.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) & 0xffff_ffff;
        place % below
    };
    let mut read = 0;
    for entry in std::fs::read_dir(CASES).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let good = std::fs::read(&path).unwrap();
        for _ in 0..24 {
            let mut bytes = good.clone();
            match next(2) {
                0 => bytes.truncate(next(good.len())),
                _ => {
                    let at = next(good.len());
                    bytes[at] ^= 1 << next(8);
                }
            }
            for source in [
                Source::new(path.display().to_string(), bytes.clone()),
                Source::new("stdin", bytes),
            ] {
                let is_table = matches!(source.format(), Format::Text | Format::Parquet);
                match Dataset::read(source, Selection::default()) {
                    Ok(data) => {
                        assert!(!data.is_empty());
                        read += usize::from(is_table);
                    }
                    Err(error) => {
                        let said = error.to_string();
                        assert!(!said.contains('\n') && said.len() < 600, "{said}");
                    }
                }
            }
        }
    }
    // A table that lost its end is a table.
    assert!(read > 0);
}

/// A network of these weights and nothing else.
fn only(weights: Array2<f64>) -> Network {
    Network::of_weight(Weight::Real(weights), Readout::Real).unwrap()
}

/// `DataFrame(a).to_csv(f, index=False)` of an array calls the columns 0, 1, …; with its index the first cell is empty.
#[test]
fn a_first_line_that_counts_the_columns_is_a_header() {
    for table in [
        "0,1,2,3\n5,6,7,1\n8,9,1,0\n",
        ",0,1,2,3\n0,5,6,7,1\n1,8,9,1,0\n",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.csv");
        std::fs::write(&path, table).unwrap();
        let data = open(&path);
        assert_eq!(
            doubles(&data),
            ndarray::arr2(&[[5.0, 6.0, 7.0], [8.0, 9.0, 1.0]])
        );
        assert_eq!(data.labels, Labels::Classes(vec![1, 0]));
        let said = data.words(&only(Array2::ones((1, 3))));
        assert!(said.contains("counts the columns"), "{said}");
    }
}

/// As OpenML gives MNIST: texts of digits are numbers, in an archive as in a table.
#[test]
fn numbers_that_are_written_as_texts_are_numbers_wherever_they_stand() {
    let digits = ["0", "2", "11", "2"];
    let table: String = digits
        .iter()
        .map(|digit| format!("1,2,\"{digit}\"\n"))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.csv");
    std::fs::write(&path, table).unwrap();
    assert_eq!(open(&path).labels, Labels::Classes(vec![0, 2, 11, 2]));
    let path = folder.path().join("d.npz");
    let x = npy(&Array2::<f64>::ones((4, 2)));
    npz(&path, &[("x", x), ("y", texts(&digits))]);
    assert_eq!(open(&path).labels, Labels::Classes(vec![0, 2, 11, 2]));
}

/// A `.npy` file of `texts` as NumPy's `|S2`.
fn texts(texts: &[&str]) -> Vec<u8> {
    let header = format!(
        "{{'descr': '|S2', 'fortran_order': False, 'shape': ({},), }}",
        texts.len()
    );
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(length).unwrap().to_le_bytes());
    bytes.extend(format!("{header:<width$}\n", width = length - 1).bytes());
    for text in texts {
        bytes.extend(format!("{text:\0<2}").bytes());
    }
    bytes
}
