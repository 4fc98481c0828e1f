//! IDX files of unsigned bytes, as MNIST ships them, with or without gzip.
//!
//! Big-endian header: two zero bytes, the element type (8 = unsigned byte), the number of axes, then the
//! length of every axis as u32.

use std::io::Read;
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use ndarray::Array2;

use super::tensor::element_count;
use super::{Source, read_exactly};
use crate::error::{Error, Result};

/// Most axes that an array here may have: sample, row, column, colour.
const AXES_LIMIT: u8 = 4;

/// Reads images from the file at `path`: `[sample, pixel]`, each image row by row, values 0 to 255.
///
/// # Errors
/// [`Error::Io`] if it cannot be read, [`Error::Format`] or [`Error::Shape`] if it is not an IDX file of
/// bytes with at least two axes, is cut or has bytes left over.
pub fn read_images(path: impl AsRef<Path>) -> Result<Array2<u8>> {
    Source::open(path)?.parse(parse_images)
}

/// Reads labels from the file at `path`.
///
/// # Errors
/// As [`read_images`], but there must be one axis.
pub fn read_labels(path: impl AsRef<Path>) -> Result<Vec<u8>> {
    Source::open(path)?.parse(parse_labels)
}

/// Reads images from the bytes of an IDX file.
///
/// # Errors
/// As [`read_images`], without the file's name.
pub fn parse_images(bytes: &[u8]) -> Result<Array2<u8>> {
    let (shape, data) = parse(bytes)?;
    match shape[..] {
        [samples, ref pixels @ ..] if !pixels.is_empty() => {
            let shape = (samples, pixels.iter().product());
            Ok(Array2::from_shape_vec(shape, data).expect("the header counts the bytes"))
        }
        _ => Err(Error::shape("images", shape, "[sample, row, column]")),
    }
}

/// Reads labels from the bytes of an IDX file.
///
/// # Errors
/// As [`read_labels`], without the file's name.
pub fn parse_labels(bytes: &[u8]) -> Result<Vec<u8>> {
    let (shape, data) = parse(bytes)?;
    if shape.len() != 1 {
        return Err(Error::shape("labels", shape, "[sample]"));
    }
    Ok(data)
}

/// Shape and elements of an IDX array of bytes.
fn parse(bytes: &[u8]) -> Result<(Vec<usize>, Vec<u8>)> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        decode(MultiGzDecoder::new(bytes))
    } else {
        decode(bytes)
    }
}

fn decode(mut reader: impl Read) -> Result<(Vec<usize>, Vec<u8>)> {
    let malformed = |reason: String| Error::format("not an IDX file", reason);
    let mut magic = [0; 4];
    let mut word = |buffer: &mut [u8; 4]| {
        reader
            .read_exact(buffer)
            .map_err(|_| malformed("its header is cut short or damaged".to_owned()))
    };
    word(&mut magic)?;
    let [0, 0, kind, axes] = magic else {
        return Err(malformed(format!(
            "it starts with bytes {magic:?}: must be [0, 0, 8, axes]"
        )));
    };
    if kind != 8 {
        return Err(Error::unsupported(
            "IDX file",
            format!("element type {kind}"),
            "must be 8 (unsigned byte)",
        ));
    }
    if axes == 0 || axes > AXES_LIMIT {
        return Err(Error::value("IDX axes", axes, format!("1 to {AXES_LIMIT}")));
    }
    let mut shape = Vec::new();
    for _ in 0..axes {
        let mut length = [0; 4];
        word(&mut length)?;
        shape.push(u32::from_be_bytes(length) as usize);
    }
    let count = element_count(&shape)
        .ok_or_else(|| malformed(format!("its shape {shape:?} is too large")))?;
    let data = read_exactly("IDX data", reader, count as u64)?;
    Ok((shape, data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::golden;
    use crate::io::corruption::survives;
    use std::io::Write;

    const IMAGES: [u8; 20] = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 255];

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn images_are_the_same_with_and_without_gzip() {
        let expected = ndarray::arr2(&[[1, 2], [3, 255]]);
        assert_eq!(parse_images(&IMAGES).unwrap(), expected);
        assert_eq!(parse_images(&gzip(&IMAGES)).unwrap(), expected);
        assert_eq!(
            parse_labels(&[0, 0, 8, 1, 0, 0, 0, 2, 7, 9]).unwrap(),
            [7, 9]
        );
    }

    #[test]
    fn no_cut_or_flipped_file_makes_the_reader_panic() {
        survives(&IMAGES, parse_images);
        survives(&gzip(&IMAGES), parse_images);
    }

    #[test]
    fn bytes_left_over_and_absurd_headers_and_bombs_are_refused() {
        assert!(parse_images(&[&IMAGES[..], &[0]].concat()).is_err());
        let huge = [&[0, 0, 8, 4][..], &[0xff; 16]].concat();
        assert!(parse_images(&huge).is_err());
        let large = [&[0, 0, 8, 2, 0, 1, 0, 0, 0, 0, 0xff, 0xff][..], &[0; 9]].concat();
        golden("a terabyte", parse_images(&large).unwrap_err());
        // Two images are claimed; the stream goes on for a megabyte.
        let bomb = gzip(&[&IMAGES[..], &vec![0; 1 << 20]].concat());
        golden("a bomb", parse_images(&bomb).unwrap_err());
    }

    #[test]
    fn labels_are_no_images() {
        assert!(parse_labels(&IMAGES).is_err());
        assert!(parse_images(&[0, 0, 8, 1, 0, 0, 0, 1, 7]).is_err());
        assert!(parse_images(&[0, 0, 13, 2, 0, 0, 0, 0, 0, 0, 0, 0]).is_err());
    }
}
