//! Lists of booleans in the headers of a Parquet file, which no header has.
//!
//! The decoder passes over what it does not know, and counts through such a list without reading a byte: a damaged file of
//! 700 bytes can claim 2³¹ of them, often. Headers are Thrift's compact protocol (Apache Thrift,
//! `doc/specs/thrift-compact-protocol.md`).

use parquet::file::reader::{FileReader, SerializedFileReader};
use prost::bytes::Bytes;

/// The length and the mark that end a file.
const END: usize = 8;

/// Deepest that one value may lie in others; the deepest of a header is 6.
const DEPTH: usize = 32;

/// Number of the field of a page's header that holds the number of bytes behind it.
const COMPRESSED_SIZE: i64 = 3;

/// Whether the description at the end of the file `bytes` has none; nothing where it ends too soon.
pub(super) fn footer_has_none(bytes: &[u8]) -> Option<bool> {
    let end = bytes.len().checked_sub(END)?;
    let length = u32::from_le_bytes(bytes[end..end + 4].try_into().ok()?);
    let start = end.checked_sub(length as usize)?;
    Some(header(&bytes[start..end]).is_some())
}

/// Whether the headers of the pages of every column of `file`, which is `bytes`, have none.
pub(super) fn pages_have_none(file: &SerializedFileReader<Bytes>, bytes: &[u8]) -> bool {
    let groups = file.metadata().row_groups().iter();
    groups.flat_map(|group| group.columns()).all(|column| {
        let (start, length) = column.byte_range();
        let end = start.saturating_add(length);
        let mut at = start;
        while at < end {
            let rest = usize::try_from(at).ok().and_then(|at| bytes.get(at..));
            let Some(page) = rest.and_then(header) else {
                return false;
            };
            at = at.saturating_add((page.length as u64).saturating_add(page.behind));
        }
        true
    })
}

/// A structure at the start of some bytes.
struct Header {
    /// Its length in bytes.
    length: usize,
    /// The number in its field [`COMPRESSED_SIZE`].
    behind: u64,
}

/// The structure at the start of `bytes`; nothing if it has a list of booleans or ends too soon.
fn header(bytes: &[u8]) -> Option<Header> {
    let mut rest = Rest { bytes };
    let mut behind = 0;
    rest.fields(DEPTH, &mut |rest, field, kind| {
        if (field, kind) == (COMPRESSED_SIZE, I32) {
            // Zigzag: the sign is the lowest bit.
            behind = rest.number()? >> 1;
            return Some(());
        }
        rest.pass(kind, DEPTH)
    })?;
    Some(Header {
        length: bytes.len() - rest.bytes.len(),
        behind,
    })
}

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCTURE: u8 = 12;

/// What is not yet read.
struct Rest<'a> {
    bytes: &'a [u8],
}

impl Rest<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        self.bytes = self.bytes.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    /// A number in groups of seven bits, the lowest first.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// The fields of a structure, each of which `read` is given by its number and its kind.
    fn fields(
        &mut self,
        depth: usize,
        read: &mut dyn FnMut(&mut Self, i64, u8) -> Option<()>,
    ) -> Option<()> {
        depth.checked_sub(1)?;
        let mut field = 0_i64;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(());
            }
            field = match head >> 4 {
                0 => {
                    let zigzag = self.number()?;
                    (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed()
                }
                step => field.checked_add(i64::from(step))?,
            };
            read(self, field, head & 15)?;
        }
    }

    /// Passes over a value of `kind`; nothing if it holds a list of booleans, ends too soon or is of no kind of a header.
    fn pass(&mut self, kind: u8, depth: usize) -> Option<()> {
        match kind {
            TRUE | FALSE => Some(()),
            BYTE => self.skip(1),
            I16 | I32 | I64 => self.number().map(|_| ()),
            DOUBLE => self.skip(8),
            BINARY => {
                let length = self.number()?;
                self.skip(length)
            }
            LIST | SET => {
                let depth = depth.checked_sub(1)?;
                let head = self.byte()?;
                let (count, kind) = match head >> 4 {
                    15 => (self.number()?, head & 15),
                    count => (u64::from(count), head & 15),
                };
                if count > 0 && matches!(kind, TRUE | FALSE) {
                    return None;
                }
                (0..count).try_for_each(|_| self.pass(kind, depth))
            }
            STRUCTURE => self.fields(depth, &mut |rest, _, kind| rest.pass(kind, depth - 1)),
            // Maps are in no header.
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_tells_its_length_and_the_bytes_behind_it() {
        // Field 1: i32 of 0; field 2: i32 of 300; field 3: i32 of 150; field 5: a structure with a list of two i64.
        let bytes = [
            0x15, 0, 0x15, 0xd8, 4, 0x15, 0xac, 2, 0x2c, 0x19, 0x26, 2, 4, 0, 0, 99,
        ];
        let header = header(&bytes).unwrap();
        assert_eq!((header.length, header.behind), (15, 150));
    }

    #[test]
    fn a_list_of_booleans_is_found_however_deep() {
        let lists = [
            // Field 8, a list of 2³¹ − 1 booleans.
            vec![0x89, 0xf1, 0xff, 0xff, 0xff, 0xff, 7, 0],
            // The same in a structure, in a set.
            vec![0x8c, 0x19, 0xf1, 0xff, 0xff, 0xff, 0xff, 7, 0, 0],
            vec![0x8a, 0x19, 0xf2, 0xff, 0xff, 0xff, 0xff, 7, 0],
        ];
        for list in lists {
            assert!(header(&list).is_none());
        }
        assert!(header(&[0x89, 0x01, 0]).is_some(), "an empty one");
        let nested = vec![0x1c; 4096];
        assert!(header(&nested).is_none());
    }
}
