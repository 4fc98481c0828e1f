//! What bytes are, told by how they begin, and what a file holds that is not of the kind that it was taken for.

use crate::error::Error;

/// What bytes begin as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Safetensors,
    Npz,
    Torch,
    Pickle,
    Npy,
    Parquet,
    Gzip,
    Idx,
    Json,
    Text,
}

/// The error for `bytes` that are no readable `wanted`, such as `a .npy array`: empty, something else, or damaged.
pub(crate) fn refused(bytes: &[u8], wanted: &str) -> Error {
    let found = match Content::of(bytes).map(Content::words) {
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
pub(crate) const PARQUET: &str = "a Parquet file";
pub(crate) const ONNX: &str = "an ONNX file";
pub(crate) const TORCH: &str = "a PyTorch file of torch.save";

/// The first number of a file of the older format, as a pickle.
pub(super) const TORCH_LEGACY: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/// Whether `bytes` begin with the length of a header that could be one, in 8 bytes, and the header.
fn is_safetensors(bytes: &[u8]) -> bool {
    let Some((length, header)) = bytes.split_first_chunk() else {
        return false;
    };
    u64::from_le_bytes(*length) < HEADER_LIMIT && header.first() == Some(&b'{')
}

/// More bytes than the header of any safetensors file has.
const HEADER_LIMIT: u64 = 1 << 27;

impl Content {
    /// What `bytes` begin as; nothing where they do not tell.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            // Its first bytes are a length, which may look like the beginning of anything.
            _ if is_safetensors(bytes) => Some(Self::Safetensors),
            [b'P', b'K', 3 | 5 | 7, ..] if holds_pickle(bytes) => Some(Self::Torch),
            [b'P', b'K', 3 | 5 | 7, ..] => Some(Self::Npz),
            _ if bytes.starts_with(TORCH_LEGACY) => Some(Self::Torch),
            [0x80, 2..=5, ..] => Some(Self::Pickle),
            [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Some(Self::Npy),
            [b'P', b'A', b'R', b'1', ..] => Some(Self::Parquet),
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0, 0, 8..=14, 1..=4, ..] => Some(Self::Idx),
            _ if bytes.get(8) == Some(&b'{') && bytes[..8].contains(&0) => Some(Self::Safetensors),
            _ => match std::str::from_utf8(bytes) {
                Ok(text) if text.chars().any(|c| c.is_control() && !c.is_whitespace()) => None,
                Ok(text) if text.trim_start().starts_with(['{', '[']) => Some(Self::Json),
                Ok(_) => Some(Self::Text),
                Err(_) => None,
            },
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Safetensors => SAFETENSORS,
            Self::Npz => NPZ,
            Self::Torch => TORCH,
            Self::Pickle => "a pickle of Python",
            Self::Npy => NPY,
            Self::Parquet => PARQUET,
            Self::Gzip => "a gzip file",
            Self::Idx => "an IDX file",
            Self::Json => "JSON text",
            Self::Text => "text",
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The length of the header stands first, and 640 bytes are `80 02`, as a pickle begins.
    #[test]
    fn a_header_of_any_length_begins_a_safetensors_file() {
        for length in [640_u64, 896, 1152, 1408, 0x0403_4b50, 0x8b1f] {
            let bytes = [&length.to_le_bytes()[..], b"{\"x\":"].concat();
            assert_eq!(Content::of(&bytes), Some(Content::Safetensors), "{length}");
        }
        assert_eq!(
            Content::of(b"\x80\x02}q\x00X\x01\x00{"),
            Some(Content::Pickle)
        );
    }
}
