//! Containers that know no physics: safetensors, npy and npz, state dicts of PyTorch, IDX, tables (CSV, Parquet), ONNX
//! graphs, flat records (CSV, JSON Lines, Parquet); hashes; and how files are written.
//!
//! Every reader first takes the bytes of a [`Source`], then compares what a header claims with the bytes that
//! are there, and allocates only after that. What is unpacked (gzip, deflate) is bounded by
//! [`UNPACKED_LIMIT`]. No input makes a reader panic.

pub(crate) mod content;
pub mod hash;
pub mod idx;
pub(crate) mod name;
pub mod npy;
mod number;
pub mod onnx;
pub mod record;
pub mod safetensors;
mod source;
mod tables;
mod tensor;
pub mod torch;
mod write;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

pub(crate) use name::check_name;
pub use number::whole_number;
pub use source::{Format, Source, folder_of, nearest_file};
pub(crate) use tables::classes;
pub use tables::{csv, parquet, sheet, table};
#[cfg(feature = "onnx")]
pub(crate) use tensor::half;
pub use tensor::{Dtype, Tensor, TensorData};
pub use write::{check_writable, write_atomic};

use crate::error::{Error, Result};

/// Named tensors of one file, ordered by their names as text.
pub type Tensors = BTreeMap<String, Tensor>;

/// The most bytes that the compressed parts of one file may unpack to.
///
/// It admits 60 000 images of 3072 pixels in f32 with room to spare, and stops a few megabytes that
/// unpack to a terabyte.
pub const UNPACKED_LIMIT: u64 = 2 << 30;

/// The lower-case extension of `path`, or nothing.
pub fn extension(path: &Path) -> String {
    path.extension()
        .map(|extension| extension.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}

/// Reads exactly `expected` bytes and the end of the stream after them, growing only with what arrives.
fn read_exactly(what: &str, reader: impl Read, expected: u64) -> Result<Vec<u8>> {
    if expected > UNPACKED_LIMIT {
        return Err(Error::value(
            format!("{what}: unpacked size in bytes"),
            expected,
            format!("at most {UNPACKED_LIMIT}"),
        ));
    }
    let mut bytes = Vec::new();
    reader
        .take(expected + 1)
        .read_to_end(&mut bytes)
        .map_err(|_| {
            Error::format(
                what,
                "is cut short or damaged: must unpack as it was packed",
            )
        })?;
    if bytes.len() as u64 != expected {
        let got = if bytes.len() as u64 > expected {
            "more".to_owned()
        } else {
            bytes.len().to_string()
        };
        return Err(Error::format(
            what,
            format!("holds {got} bytes: must be the {expected} that its header claims"),
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
pub(crate) mod corruption {
    //! Feeds a reader every prefix and many flipped bytes of a good file: it must return, never panic.

    use crate::error::Result;

    /// Every prefix of `good`, and `good` with each byte replaced by each of six values.
    pub(crate) fn survives<T>(good: &[u8], read: impl Fn(&[u8]) -> Result<T>) {
        assert!(read(good).is_ok(), "the file itself must be readable");
        for length in 0..good.len() {
            assert!(
                read(&good[..length]).is_err(),
                "a file cut to {length} of {} bytes must be refused",
                good.len()
            );
        }
        survives_any(good, read);
    }

    /// As [`survives`], for formats that a cut leaves whole: lines of text, fields without a frame.
    pub(crate) fn survives_any<T>(good: &[u8], read: impl Fn(&[u8]) -> Result<T>) {
        for length in 0..good.len() {
            let _ = read(&good[..length]);
        }
        let mut bytes = good.to_vec();
        for position in 0..bytes.len() {
            let byte = bytes[position];
            for wrong in [0, 0xff, 0x7f, byte ^ 1, byte ^ 0x80, byte.wrapping_add(1)] {
                bytes[position] = wrong;
                let _ = read(&bytes);
            }
            bytes[position] = byte;
        }
    }
}
