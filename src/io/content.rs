//! What a file holds that is not of the kind that it was taken for.

use crate::error::Error;

/// The error for `bytes` that are no readable `wanted`, such as `a .npy array`: empty, something else, or damaged.
pub(crate) fn refused(bytes: &[u8], wanted: &str) -> Error {
    let found = match kind(bytes) {
        _ if bytes.is_empty() => "is empty".to_owned(),
        Some(found) if found != wanted => format!("is {found}"),
        _ => format!(
            "is cut short, damaged or something else ({} bytes)",
            bytes.len()
        ),
    };
    Error::format("content", format!("{found}: must be {wanted}"))
}

pub(crate) const SAFETENSORS: &str = "a safetensors file";
pub(crate) const NPZ: &str = "an .npz archive";
pub(crate) const NPY: &str = "an .npy array";
pub(crate) const ONNX: &str = "an ONNX file";
pub(crate) const TORCH: &str = "a PyTorch file of torch.save";

/// What `bytes` begin as; nothing where they do not tell.
fn kind(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [b'P', b'K', ..] if holds_pickle(bytes) => Some(TORCH),
        [b'P', b'K', ..] => Some(NPZ),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Some(NPY),
        [b'P', b'A', b'R', b'1', ..] => Some("a Parquet file"),
        _ if bytes.starts_with(super::torch::MAGIC) => Some(TORCH),
        [0x80, 2..=5, ..] => Some("a pickle of Python"),
        [0x1f, 0x8b, ..] => Some("a gzip file"),
        _ if bytes.get(8) == Some(&b'{') && bytes[..8].contains(&0) => Some(SAFETENSORS),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) if text.chars().any(|c| c.is_control() && !c.is_whitespace()) => None,
            Ok(text) if text.trim_start().starts_with(['{', '[']) => Some("JSON text"),
            Ok(_) => Some("text"),
            Err(_) => None,
        },
    }
}

/// Whether a ZIP archive holds the pickle of PyTorch: by the names of its first files, and of its last ones, which stand
/// in the directory at its end.
fn holds_pickle(bytes: &[u8]) -> bool {
    const NAME: &[u8] = b"/data.pkl";
    const REACH: usize = 1 << 16;
    let first = &bytes[..bytes.len().min(REACH)];
    let last = &bytes[bytes.len().saturating_sub(REACH)..];
    [first, last]
        .iter()
        .any(|part| part.windows(NAME.len()).any(|window| window == NAME))
}

/// The ending of files that hold what `bytes` begin as; nothing where they do not tell.
#[cfg(feature = "cli")]
pub(crate) fn ending(bytes: &[u8]) -> Option<&'static str> {
    match kind(bytes)? {
        TORCH => Some("pt"),
        NPZ => Some("npz"),
        NPY => Some("npy"),
        SAFETENSORS => Some("safetensors"),
        _ => None,
    }
}
