//! State dicts that PyTorch wrote, and files that ask for more.

use std::collections::BTreeMap;
use std::io::Write;

use num_complex::Complex;

use super::*;
use crate::error::compare::golden;
use crate::io::TensorData;
use crate::io::corruption::survives_any;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/torch");

fn case(name: &str) -> Vec<u8> {
    std::fs::read(format!("{CASES}/{name}")).unwrap()
}

fn error(bytes: &[u8]) -> Error {
    parse(bytes).unwrap_err()
}

/// Shape, type and numbers of every tensor, as PyTorch prints them (`tests/cases/torch/make.py`).
#[test]
fn every_number_is_that_of_pytorch() {
    type Shown = (Vec<usize>, String, Vec<serde_json::Value>);
    let files: BTreeMap<String, BTreeMap<String, Shown>> =
        serde_json::from_slice(&case("numbers.json")).unwrap();
    assert_eq!(files.len(), 7);
    for (file, tensors) in files {
        let read = parse(&case(&file)).unwrap().tensors;
        assert_eq!(read.len(), tensors.len(), "{file}");
        for (name, tensor) in read {
            let (shape, dtype, numbers) = &tensors[&name];
            assert_eq!(tensor.shape(), shape, "{file}: {name}");
            let expected = if dtype == "bool" { "uint8" } else { dtype };
            assert_eq!(tensor.dtype().name(), expected, "{file}: {name}");
            let got: Vec<f64> = match tensor.data() {
                TensorData::Real(data) => data.clone(),
                TensorData::Complex(data) => data.iter().flat_map(|z| [z.re, z.im]).collect(),
            };
            let number = |number: &serde_json::Value| match number.as_bool() {
                Some(truth) => f64::from(u8::from(truth)),
                None => number.as_f64().unwrap(),
            };
            let numbers: Vec<f64> = numbers.iter().map(number).collect();
            assert_eq!(got, numbers, "{file}: {name}");
        }
    }
}

#[test]
fn tensors_come_in_the_order_of_the_modules_from_both_formats() {
    let [zip, legacy] = ["state_dict_zip.pt", "state_dict_legacy.pth"].map(|file| {
        let read = parse(&case(file)).unwrap();
        assert_eq!(read.entry, None);
        read.tensors
    });
    assert_eq!(zip, legacy);
    let names: Vec<&str> = zip.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias",
    ];
    assert_eq!(names, expected);
    assert_eq!(zip[0].1.shape(), [32, 64]);
}

#[test]
fn the_weights_of_a_checkpoint_are_taken_and_named() {
    let read = parse(&case("checkpoint.pt")).unwrap();
    let entry = Entry {
        name: "state_dict".into(),
        others: vec!["ema".into()],
    };
    assert_eq!(read.entry, Some(entry));
    assert_eq!(read.tensors.len(), 4);
    let only = parse(&case("only.pth")).unwrap().entry.unwrap();
    assert_eq!((&*only.name, only.others.len()), ("model", 0));
}

#[test]
fn whatever_else_a_file_asks_for_is_named() {
    for file in [
        "system.pt",
        "whole_model.pt",
        "whole_model.pth",
        "script.pt",
        "plain.pt",
        "../names_in_file_order.npz",
    ] {
        golden(file, error(&case(file)));
    }
    golden("nothing", error(b""));
    golden("text", error(b"weights"));
    let half = case("state_dict_zip.pt");
    golden("half a file", error(&half[..half.len() / 2]));
}

/// An archive of these files in the folder `a`.
fn archive_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut archive = zip::ZipWriter::new(&mut bytes);
    for (name, data) in files {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(format!("a/{name}"), options).unwrap();
        archive.write_all(data).unwrap();
    }
    archive.finish().unwrap();
    bytes.into_inner()
}

/// An archive of this pickle, with the numbers 1 to 4 in single precision as storage 0.
fn with_pickle(pickle: &[u8]) -> Vec<u8> {
    let numbers: Vec<u8> = [1f32, 2.0, 3.0, 4.0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    archive_of(&[("data.pkl", pickle), ("data/0", &numbers)])
}

fn text(text: &str) -> Vec<u8> {
    [
        &b"X"[..],
        &(text.len() as u32).to_le_bytes(),
        text.as_bytes(),
    ]
    .concat()
}

fn whole(number: i64) -> Vec<u8> {
    [&[0x8a, 8][..], &number.to_le_bytes()].concat()
}

fn tuple(items: &[i64]) -> Vec<u8> {
    let items = items.iter().flat_map(|item| whole(*item));
    [b"(".to_vec(), items.collect(), b"t".to_vec()].concat()
}

/// The pickle of a tensor in storage `key`.
fn tensor_of(
    key: &str,
    kind: &str,
    elements: i64,
    offset: i64,
    shape: &[i64],
    strides: &[i64],
) -> Vec<u8> {
    [
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        format!("ctorch\n{kind}Storage\n").into_bytes(),
        text(key),
        text("cpu"),
        whole(elements),
        b"tQ".to_vec(),
        whole(offset),
        tuple(shape),
        tuple(strides),
        b"\x89ccollections\nOrderedDict\n)RtR".to_vec(),
    ]
    .concat()
}

/// A pickle of one entry `w`.
fn entry(value: &[u8]) -> Vec<u8> {
    [b"\x80\x02}", &text("w")[..], value, b"s."].concat()
}

fn one(shape: &[i64], strides: &[i64], offset: i64) -> Result<StateDict> {
    parse(&with_pickle(&entry(&tensor_of(
        "0", "Float", 4, offset, shape, strides,
    ))))
}

#[test]
fn no_tensor_reaches_beyond_its_storage() {
    let read = one(&[2, 2], &[1, 2], 0).unwrap();
    assert_eq!(
        read.tensors[0].1.data(),
        &TensorData::Real(vec![1.0, 3.0, 2.0, 4.0])
    );
    // The step along an axis of one index leads nowhere.
    let far = one(&[1, 2], &[i64::MAX, 2], 1).unwrap();
    assert_eq!(far.tensors[0].1.data(), &TensorData::Real(vec![2.0, 4.0]));
    assert_eq!(
        one(&[0, 9], &[9, 1], 77).unwrap().tensors[0].1.shape(),
        [0, 9]
    );
    for (shape, strides, offset) in [
        (&[5][..], &[1][..], 0),
        (&[4], &[1], 1),
        (&[2, 2], &[3, 1], 1),
        // A billion numbers of one, by steps of nothing.
        (&[1_000_000_000], &[0], 0),
        (&[1 << 40, 1 << 40], &[0, 0], 0),
        (&[2], &[i64::MAX], 0),
        (&[i64::MAX, 3], &[1, 1], 0),
        (&[1], &[1], i64::MAX),
    ] {
        let asked = format!("{shape:?} by {strides:?} from {offset}");
        golden(&asked, one(shape, strides, offset).unwrap_err());
    }
    for (shape, strides) in [(&[-1][..], &[1][..]), (&[2], &[-1]), (&[2, 2], &[1])] {
        let asked = format!("{shape:?} by {strides:?}");
        golden(&asked, one(shape, strides, 0).unwrap_err());
    }
}

#[test]
fn a_storage_has_the_bytes_that_its_pickle_claims() {
    for (key, kind, elements) in [
        ("0", "Float", 3),
        ("0", "Float", 5),
        ("0", "Float", 1 << 40),
        ("0", "Float", i64::MAX),
        ("0", "Double", 4),
        ("1", "Float", 4),
        ("../0", "Float", 4),
        ("0", "Untyped", 4),
    ] {
        let tensor = tensor_of(key, kind, elements, 0, &[2], &[1]);
        let asked = format!("{elements} of {kind} in {key}");
        golden(&asked, error(&with_pickle(&entry(&tensor))));
    }
    // One storage under two types.
    let two = [
        b"\x80\x02}(".to_vec(),
        text("a"),
        tensor_of("0", "Float", 4, 0, &[4], &[1]),
        text("b"),
        tensor_of("0", "Float", 9, 0, &[9], &[1]),
        b"u.".to_vec(),
    ]
    .concat();
    golden("one storage twice", error(&with_pickle(&two)));
}

/// A file of a megabyte must not become gigabytes of numbers.
#[test]
fn shared_storages_have_an_end() {
    let mut pickle = b"\x80\x02}(".to_vec();
    for copy in 0..10 {
        pickle.extend(text(&format!("{copy}.weight")));
        pickle.extend(tensor_of("0", "Float", 4, 0, &[4], &[1]));
    }
    pickle.extend(b"u.");
    golden("ten copies", error(&with_pickle(&pickle)));
}

#[test]
fn what_is_no_state_dict_is_said() {
    let of = |pickle: &[u8]| error(&with_pickle(pickle));
    let tensor = tensor_of("0", "Float", 4, 0, &[4], &[1]);
    let alone = [b"\x80\x02", &tensor[..], b"."].concat();
    golden("a tensor", of(&alone));
    golden("a list", of(b"\x80\x02]."));
    golden("a number", of(&entry(b"K\x03")));
    let inner = |name: &str| [&text(name)[..], b"}", &text("w"), &tensor, b"s"].concat();
    let several = [
        b"\x80\x02}(",
        &inner("encoder")[..],
        &inner("decoder"),
        b"u.",
    ]
    .concat();
    golden("two state dicts", of(&several));
}

#[test]
fn hostile_pickles_end_in_a_sentence() {
    let of = |pickle: &[u8]| error(&with_pickle(pickle));
    let stacked = [b"\x80\x04", &text("builtins")[..], &text("eval"), b"\x93."].concat();
    let long = [
        b"\x80\x02\x8b",
        &1000u32.to_le_bytes()[..],
        &[1; 1000],
        b".",
    ];
    for pickle in [
        &b"\x80\x02cos\nsystem\n(X\x02\x00\x00\x00lstR."[..],
        &stacked,
        b"\x80\x02ctorch.storage\n_load_from_bytes\n.",
        b"\x80\x02ccollections\nOrderedDict\n)\x81.",
        b"\x80\x02}}b.",
        b"\x80\x02]}b.",
        b"\x80\x02\x82\x01.",
        b"\x80\x02X\xff\xff\xff\xff",
        b"\x80\x05\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x80\x09.",
        b"\x80\x02.",
        b"\x80\x02R.",
        b"\x80\x02t.",
        b"\x80\x02)s.",
        b"\x80\x02(0.",
        b"\x80\x02h\x07.",
        b"\x80\x02\x87.",
    ] {
        golden(&pickle.escape_ascii().to_string(), of(pickle));
    }
    golden("a number of 1000 bytes", of(&long.concat()));
    // A million lists in one another, and a billion laughs: each list twice in the next.
    let deep = [
        b"\x80\x02",
        &b"]".repeat(1_000_000)[..],
        &b"a".repeat(999_999),
        b".",
    ]
    .concat();
    golden("a million lists", of(&deep));
    let laughs = [b"\x80\x02]", &b"(22l".repeat(500)[..], b"."].concat();
    golden("laughs", of(&laughs));
    let laughs = [
        b"\x80\x02]q\x00",
        &b"(h\x00h\x00lq\x00".repeat(100_000)[..],
        b".",
    ]
    .concat();
    golden("a billion laughs", of(&laughs));
    // One long list copied by many calls, one long key under many names, a tensor of too many axes.
    let list = [
        b"\x80\x02](",
        &b"NN\x86".repeat(10_000)[..],
        b"eq\x000ccollections\nOrderedDict\nq\x010",
    ]
    .concat();
    let copies = [&list[..], &b"h\x01h\x00\x85R0".repeat(10_000), b"."].concat();
    golden("copies of one list", of(&copies));
    let key = text(&"k".repeat(1 << 20));
    let keys = [
        b"\x80\x02}",
        &key[..],
        b"q\x00Ns",
        &b"h\x00Ns".repeat(200_000),
        b".",
    ]
    .concat();
    golden("one long key", of(&keys));
    let axes = entry(&tensor_of("0", "Float", 4, 0, &[1; 65], &[1; 65]));
    golden("65 axes", of(&axes));
    let key = "0".repeat(65);
    let key = entry(&tensor_of(&key, "Float", 4, 0, &[4], &[1]));
    golden("a storage of a long name", of(&key));
    // More steps than any state dict has.
    let long = [b"\x80\x02", &b"N0".repeat(1 << 21)[..], b"}."].concat();
    golden("four million steps", of(&long));
}

#[test]
fn a_size_that_an_archive_only_claims_is_refused() {
    let good = with_pickle(&entry(&tensor_of("0", "Float", 4, 0, &[4], &[1])));
    parse(&good).unwrap();
    // Both headers of a file hold its packed and unpacked size in four bytes each.
    for magic in [b"PK\x01\x02", b"PK\x03\x04"] {
        let offset = if magic == b"PK\x01\x02" { 20 } else { 18 };
        let headers = good
            .windows(4)
            .enumerate()
            .filter(|(_, window)| window == magic);
        for (at, _) in headers {
            for size in [u32::MAX, u32::MAX - 1, 1 << 31, 17] {
                let mut bad = good.clone();
                bad[at + offset + 4..][..4].copy_from_slice(&size.to_le_bytes());
                let _ = parse(&bad);
                bad[at + offset..][..4].copy_from_slice(&size.to_le_bytes());
                let _ = parse(&bad);
            }
        }
    }
    // A pickle of zeros that unpacks to a thousand times its size.
    let bomb = archive_of(&[("data.pkl", &vec![0; 20 << 20])]);
    assert!(bomb.len() < 1 << 20);
    golden("zeros", error(&bomb));
}

#[test]
fn conjugated_tensors_are_not_read_as_they_lie() {
    let flagged = |flags: &[u8]| {
        let mut tensor = tensor_of("0", "Float", 4, 0, &[4], &[1]);
        tensor.truncate(tensor.len() - 2);
        tensor.extend(flags);
        tensor.extend(b"tR");
        parse(&with_pickle(&entry(&tensor)))
    };
    assert!(flagged(b"N").is_ok() && flagged(b"}").is_ok());
    let conj = [b"}", &text("conj")[..], b"\x88s"].concat();
    golden("conj", flagged(&conj).unwrap_err());
    let numbers = [1.0f32, 2.0, 3.0, 4.0].map(f32::to_le_bytes).concat();
    let pickle = entry(&tensor_of("0", "ComplexFloat", 2, 0, &[2], &[1]));
    let read = parse(&archive_of(&[("data.pkl", &pickle), ("data/0", &numbers)])).unwrap();
    let expected = vec![Complex::new(1.0, 2.0), Complex::new(3.0, 4.0)];
    assert_eq!(read.tensors[0].1.data(), &TensorData::Complex(expected));
}

#[test]
fn big_endian_files_are_read_by_their_byte_order() {
    let pickle = entry(&tensor_of("0", "Short", 2, 0, &[2], &[1]));
    let of = |order: &[u8]| {
        let files = [
            ("data.pkl", &pickle[..]),
            ("byteorder", order),
            ("data/0", &[1, 0, 0, 2]),
        ];
        parse(&archive_of(&files))
    };
    let numbers = |order| of(order).unwrap().tensors[0].1.data().clone();
    assert_eq!(numbers(b"big"), TensorData::Real(vec![256.0, 2.0]));
    assert_eq!(numbers(b"little"), TensorData::Real(vec![1.0, 512.0]));
    assert!(of(b"middle").is_err());
}

#[test]
fn no_cut_or_flipped_file_makes_the_reader_panic() {
    for file in ["views.pt", "views.pth", "only.pth", "cuda.pt"] {
        let good = case(file);
        for length in 0..good.len() {
            assert!(
                parse(&good[..length]).is_err(),
                "{file} cut to {length} bytes"
            );
        }
        survives_any(&good, parse);
    }
}
