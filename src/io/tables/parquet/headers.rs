//! Headers of a Parquet file that would cost the decoder minutes or gigabytes.
//!
//! It passes over what it does not know, and counts through a list of booleans, which no header has, without reading a
//! byte: a file of 700 bytes can claim 2³¹ of them, often. It makes room for a dictionary before it reads it. Headers are
//! Thrift's compact protocol (Apache Thrift, `doc/specs/thrift-compact-protocol.md`), their fields those of
//! `parquet.thrift` (Apache Parquet, format).

use parquet::file::reader::{FileReader, SerializedFileReader};
use prost::bytes::Bytes;

/// The length and the mark that end a file.
const END: usize = 8;

/// Deepest that one value may lie in others; the deepest of a header is 6.
const DEPTH: usize = 32;

/// Most bytes that one byte unpacks to: gzip's 1032, rounded up.
const LARGEST_RATIO: u64 = 2048;

/// Whether the description at the end of the file `bytes` has no list of booleans; nothing where it ends too soon.
pub(super) fn footer_is_sound(bytes: &[u8]) -> Option<bool> {
    let end = bytes.len().checked_sub(END)?;
    let length = u32::from_le_bytes(bytes[end..end + 4].try_into().ok()?);
    let start = end.checked_sub(length as usize)?;
    Some(page(&bytes[start..end]).is_some())
}

/// Whether every page of `file`, which is `bytes`, claims no more than its bytes can hold.
pub(super) fn pages_are_sound(file: &SerializedFileReader<Bytes>, bytes: &[u8]) -> bool {
    let groups = file.metadata().row_groups().iter();
    groups.flat_map(|group| group.columns()).all(|column| {
        let (start, length) = column.byte_range();
        let end = start.saturating_add(length);
        let mut at = start;
        while at < end {
            let rest = usize::try_from(at).ok().and_then(|at| bytes.get(at..));
            match rest.and_then(page) {
                Some(page) if page.is_possible() => {
                    at = at.saturating_add((page.length as u64).saturating_add(page.packed));
                }
                _ => return false,
            }
        }
        true
    })
}

/// What a page says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    /// Length of its header in bytes.
    length: usize,
    /// Bytes of its values as they are stored.
    packed: u64,
    /// Bytes of its values.
    unpacked: u64,
    /// Values of a dictionary.
    words: u64,
}

impl Page {
    /// A value of a dictionary has a byte at least.
    fn is_possible(&self) -> bool {
        self.words <= self.unpacked
            && self.unpacked <= self.packed.saturating_add(1).saturating_mul(LARGEST_RATIO)
    }
}

/// The page, or the description of a file, whose header stands at the start of `bytes`; nothing if that has a list of
/// booleans or ends too soon.
fn page(bytes: &[u8]) -> Option<Page> {
    let mut rest = Rest { bytes };
    let mut page = Page::default();
    rest.fields(DEPTH, &mut |rest, field, kind| match (field, kind) {
        (2, I32) => rest.size().map(|size| page.unpacked = size),
        (3, I32) => rest.size().map(|size| page.packed = size),
        (7, STRUCTURE) => rest.fields(DEPTH, &mut |rest, field, kind| match (field, kind) {
            (1, I32) => rest.size().map(|size| page.words = size),
            _ => rest.pass(kind, DEPTH),
        }),
        _ => rest.pass(kind, DEPTH),
    })?;
    page.length = bytes.len() - rest.bytes.len();
    Some(page)
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

    /// A number that is not negative; of a zigzag number the sign is the lowest bit.
    fn size(&mut self) -> Option<u64> {
        let zigzag = self.number()?;
        (zigzag & 1 == 0).then_some(zigzag >> 1)
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
    fn a_header_tells_its_length_and_what_it_claims() {
        // 1: 0; 2: 300; 3: 150; 5: a structure with a list of two numbers.
        let data = [
            0x15, 0, 0x15, 0xd8, 4, 0x15, 0xac, 2, 0x2c, 0x19, 0x26, 2, 4, 0, 0, 99,
        ];
        let read = page(&data).unwrap();
        let expected = Page {
            length: 15,
            packed: 150,
            unpacked: 300,
            words: 0,
        };
        assert_eq!(read, expected);
        assert!(read.is_possible());
        // 2: 8; 3: 8; 7: a dictionary of 2 values, in encoding 0.
        let mut dictionary = [0x25, 16, 0x15, 16, 0x4c, 0x15, 4, 0x15, 0, 0, 0];
        let read = page(&dictionary).unwrap();
        assert_eq!((read.words, read.is_possible()), (2, true));
        dictionary[6] = 18;
        assert!(
            !page(&dictionary).unwrap().is_possible(),
            "9 values in 8 bytes"
        );
        let unpacks = [0x25, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x15, 16, 0];
        let read = page(&unpacks).unwrap();
        assert_eq!((read.unpacked, read.is_possible()), ((1 << 31) - 1, false));
        assert_eq!(page(&[0x25, 15, 0]), None, "a size below 0");
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
            assert!(page(&list).is_none());
        }
        assert!(page(&[0x89, 0x01, 0]).is_some(), "an empty one");
        let nested = vec![0x1c; 4096];
        assert!(page(&nested).is_none());
    }
}
