//! Arrays and archives, whole and damaged.

use super::*;
use crate::error::compare::{golden, unsupported};
use crate::io::TensorData;
use crate::io::corruption::survives;
use ndarray::{Array1, arr1, arr2};
use std::io::Cursor;

fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(*name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn what_is_written_is_read_back_to_the_bit() {
    let real = arr2(&[[0.1, f64::MIN_POSITIVE, -3.0], [1e300, 0.0, -0.0]]);
    let mut bytes = Vec::new();
    write(&mut bytes, real.view()).unwrap();
    assert_eq!(parse("x", &bytes).unwrap().into_matrix("x").unwrap(), real);
    // A transposed view is written in its own order, not in that of memory.
    bytes.clear();
    write(&mut bytes, real.t()).unwrap();
    assert_eq!(
        parse("x", &bytes).unwrap().into_matrix("x").unwrap(),
        real.t()
    );

    let fields = arr2(&[[Complex::new(0.1, -0.2)], [Complex::new(3.0, 4.0)]]);
    bytes.clear();
    write(&mut bytes, fields.view()).unwrap();
    let read = parse("x", &bytes).unwrap();
    assert_eq!(read.into_complex_matrix("x").unwrap(), fields);

    bytes.clear();
    write(&mut bytes, arr1(&[0.1f32, 2.0]).view()).unwrap();
    let read = parse("x", &bytes).unwrap();
    assert_eq!(read.dtype(), Dtype::F32);
    assert_eq!(
        read.into_vector("x").unwrap(),
        arr1(&[f64::from(0.1f32), 2.0])
    );

    bytes.clear();
    write(&mut bytes, arr1(&[Complex::new(0.5f32, 2.0)]).view()).unwrap();
    assert_eq!(parse("x", &bytes).unwrap().dtype(), Dtype::Complex64);
}

#[test]
fn fortran_order_and_big_endian_give_the_same_array() {
    let expected = arr2(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let c = npy(
        "{'descr': '>i2', 'fortran_order': False, 'shape': (2, 3), }",
        &[0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6],
    );
    assert_eq!(parse("x", &c).unwrap().into_matrix("x").unwrap(), expected);
    let fortran = npy(
        "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}\n",
        &[1, 4, 2, 5, 3, 6],
    );
    assert_eq!(
        parse("x", &fortran).unwrap().into_matrix("x").unwrap(),
        expected
    );
}

#[test]
fn scalars_and_empty_arrays_have_their_shapes() {
    let scalar = npy(
        "{'descr': '<f4', 'fortran_order': False, 'shape': ()}",
        &[0; 4],
    );
    assert_eq!(parse("x", &scalar).unwrap().shape(), &[0usize; 0]);
    let empty = npy(
        "{'descr': '<f4', 'fortran_order': True, 'shape': (0, 4)}",
        &[],
    );
    assert_eq!(parse("x", &empty).unwrap().shape(), &[0, 4]);
}

#[test]
fn terabytes_and_leftovers_and_foreign_types_are_refused() {
    for shape in [
        "(1099511627776, 4)",
        "(18446744073709551615, 18446744073709551615)",
        "(1,)",
    ] {
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}");
        assert!(parse("x", &npy(&header, &[0; 9])).is_err());
    }
    for descr in ["'|O'", "'<U5'", "'<f16'", "[('a', '<f4'), ('b', '<i4')]"] {
        let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (1,)}}");
        let error = parse("x", &npy(&header, &[0; 4])).unwrap_err();
        assert!(
            matches!(error, Error::Unsupported { .. }),
            "{descr}: {error}"
        );
    }
    assert!(parse("x", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{").is_err());
}

/// `np.array([["no", "ja"], ["ö", ""]])`, `np.array([b"no", b"j"])` and `np.array([True, False])` of NumPy 2.
#[test]
fn texts_and_truths_are_read_as_numpy_writes_them() {
    let word = |text: &str| {
        let words = text.chars().map(u32::from).chain([0, 0]).take(2);
        words.flat_map(u32::to_be_bytes).collect::<Vec<u8>>()
    };
    let data = ["no", "ja", "ö", ""].map(word).concat();
    let unicode = "{'descr': '>U2', 'fortran_order': False, 'shape': (2, 2), }";
    let read = |header: &str, data: &[u8]| parse_array("y", &npy(header, data));
    let texts = |shape: &[usize], texts: &[&str]| {
        let texts = texts.iter().map(|&text| text.to_owned()).collect();
        let shape = shape.to_vec();
        Array::Texts(Texts { shape, texts })
    };
    assert_eq!(
        read(unicode, &data).unwrap(),
        texts(&[2, 2], &["no", "ja", "ö", ""])
    );
    let bytes = "{'descr': '|S2', 'fortran_order': False, 'shape': (2,), }";
    assert_eq!(read(bytes, b"noj\0").unwrap(), texts(&[2], &["no", "j"]));
    let truths = "{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }";
    let Array::Numbers(truths) = read(truths, &[1, 0]).unwrap() else {
        panic!("truths are numbers");
    };
    assert_eq!(truths.dtype(), Dtype::Bool);
    assert_eq!(truths.into_vector("y").unwrap(), arr1(&[1.0, 0.0]));
    let surrogate = [0u8, 0, 0xd8, 0, 0, 0, 0, 0];
    let one = "{'descr': '>U2', 'fortran_order': False, 'shape': (1,), }";
    golden("a surrogate", read(one, &surrogate).unwrap_err());
    assert!(read(one, &surrogate[..7]).is_err());
    let none = "{'descr': '<U0', 'fortran_order': False, 'shape': (1,), }";
    assert!(matches!(read(none, &[]), Err(Error::Unsupported { .. })));
}

#[test]
fn no_cut_or_flipped_file_makes_the_reader_panic() {
    let mut bytes = Vec::new();
    write(&mut bytes, arr2(&[[1.0f32, 2.0], [3.0, 4.0]]).view()).unwrap();
    survives(&bytes, |bytes| parse("x", bytes));
    survives(&zip_of(&[("a.npy", &bytes), ("b.npy", &bytes)]), parse_npz);
}

#[test]
fn an_archive_yields_its_arrays_by_name() {
    let mut bytes = Vec::new();
    write(&mut bytes, arr1(&[1.0, 2.0]).view()).unwrap();
    let tensors = parse_npz(&zip_of(&[("0.weight.npy", &bytes)])).unwrap();
    assert_eq!(
        tensors["0.weight"].data(),
        &TensorData::Real(vec![1.0, 2.0])
    );
    let both = zip_of(&[("b.npy", &bytes), ("a.npy", &bytes)]);
    let ordered = parse_npz_in_order(&both).unwrap();
    let names: Vec<&str> = ordered.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["b", "a"]);
    let error = parse_npz(&zip_of(&[("readme.txt", b"hello")])).unwrap_err();
    assert_eq!(error.refusal(), unsupported("npz archive", "readme.txt"));
}

/// An entry whose directory claims eight bytes, but which unpacks to a megabyte of zeros.
#[test]
fn an_entry_that_unpacks_to_more_than_it_claims_is_refused() {
    let mut bytes = Vec::new();
    write(&mut bytes, Array1::<f64>::zeros(1 << 17).view()).unwrap();
    let mut archive = zip_of(&[("a.npy", &bytes)]);
    let size = (bytes.len() as u32).to_le_bytes();
    for at in 0..archive.len() - 4 {
        if archive[at..at + 4] == size {
            archive[at..at + 4].copy_from_slice(&8u32.to_le_bytes());
        }
    }
    assert!(parse_npz(&archive).is_err());
}
