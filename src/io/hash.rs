//! SHA-256 of what is read.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// The SHA-256 of `bytes` in 64 hexadecimal digits (FIPS 180-4).
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Size in bytes and SHA-256 of the file at `path`, which is read piece by piece.
///
/// # Errors
/// [`Error::Io`] if it cannot be read.
pub fn sha256_of_file(path: impl AsRef<Path>) -> Result<(u64, String)> {
    use std::io::Read;
    let path = path.as_ref();
    let io = |source| Error::io(path, source);
    let mut file = std::fs::File::open(path).map_err(io)?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        let count = file.read(&mut piece).map_err(io)?;
        if count == 0 {
            return Ok((size, hex(&hasher.finalize())));
        }
        hasher.update(&piece[..count]);
        size += count as u64;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4's example, and `hashlib.sha256(b"x" * 200_000)` of Python.
    #[test]
    fn hashes_are_those_of_the_standard_for_bytes_and_files_alike() {
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, vec![b'x'; 200_000]).unwrap();
        let (size, hash) = sha256_of_file(&path).unwrap();
        assert_eq!(size, 200_000);
        assert_eq!(
            hash,
            "91e3faafd322bcdf160f3f0ce886acb092b9b9e2a1e8526b40f21a8898a8700b"
        );
        assert!(sha256_of_file(folder.path().join("none")).is_err());
    }
}
