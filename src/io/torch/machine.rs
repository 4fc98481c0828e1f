//! The machine that reads a pickle. It knows what builds objects; [`super::ask`] knows the few things that may be asked
//! for by name, and no code is run.

use std::collections::HashMap;

use super::object::{ONLY, Object, Place, Storage, WHAT};
use crate::error::{Error, Result};
use crate::io::Dtype;

/// The state of a pickle that is read.
pub(super) struct Machine<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) objects: Vec<Object<'a>>,
    pub(super) stack: Vec<Place>,
    /// Heights of the stack at its open marks.
    pub(super) marks: Vec<usize>,
    pub(super) memo: HashMap<u32, Place>,
    pub(super) storages: HashMap<&'a str, Dtype>,
    pub(super) order: Vec<Storage<'a>>,
    /// Places that were copied from one object into another.
    pub(super) copied: usize,
}

impl<'a> Machine<'a> {
    /// A machine at the start of `bytes`.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            objects: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            storages: HashMap::new(),
            order: Vec::new(),
            copied: 0,
        }
    }

    /// Does one operation; the place of the result when it was the last.
    pub(super) fn step(&mut self) -> Result<Option<Place>> {
        let start = self.at;
        let [code] = self.take()?;
        match code {
            // Protocol, frame.
            0x80 => {
                let [version] = self.take()?;
                if !(2..=5).contains(&version) {
                    return Err(Error::value("protocol of the pickle", version, "2 to 5"));
                }
            }
            0x95 => drop(self.take::<8>()?),
            b'.' => return self.pop().map(Some),
            // Constants and numbers.
            b'N' => self.push(Object::None),
            0x88 => self.push(Object::Bool(true)),
            0x89 => self.push(Object::Bool(false)),
            b'K' => {
                let number = self.take::<1>()?;
                self.push_whole(&number, false)
            }
            b'M' => {
                let number = self.take::<2>()?;
                self.push_whole(&number, false)
            }
            b'J' => {
                let number = self.take::<4>()?;
                self.push_whole(&number, true)
            }
            0x8a => {
                let length = self.length::<1>()?;
                self.long(length)?;
            }
            0x8b => {
                let length = self.length::<4>()?;
                self.long(length)?;
            }
            b'G' => {
                self.take::<8>()?;
                self.push(Object::Float);
            }
            // Texts and bytes.
            0x8c => self.text::<1>()?,
            b'X' => self.text::<4>()?,
            0x8d => self.text::<8>()?,
            b'U' => self.old_text::<1>()?,
            b'T' => self.old_text::<4>()?,
            b'C' => self.raw::<1>()?,
            b'B' => self.raw::<4>()?,
            0x8e | 0x96 => self.raw::<8>()?,
            // Containers.
            b')' => self.push(Object::Tuple(Vec::new())),
            b']' => self.push(Object::List(Vec::new())),
            b'}' => self.push(Object::Dict(Vec::new())),
            0x8f => self.push(Object::Set),
            b'(' => self.marks.push(self.stack.len()),
            b't' => {
                let items = self.pop_mark()?;
                self.push(Object::Tuple(items));
            }
            0x85..=0x87 => {
                let count = usize::from(code - 0x84);
                let from = self.stack.len().checked_sub(count);
                let from = from.filter(|from| *from >= self.floor());
                let items = self.stack.split_off(from.ok_or_else(|| self.empty())?);
                self.push(Object::Tuple(items));
            }
            b'l' => {
                let items = self.pop_mark()?;
                self.push(Object::List(items));
            }
            b'd' => {
                let items = self.pop_mark()?;
                let pairs = self.pairs(&items)?;
                self.push(Object::Dict(pairs));
            }
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' => {
                let items = self.pop_mark()?;
                self.append(&items)?;
            }
            0x90 => {
                self.pop_mark()?;
                if *self.top()? != Object::Set {
                    return Err(self.malformed(start));
                }
            }
            0x91 => {
                self.pop_mark()?;
                self.push(Object::Set);
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set(&[key, value])?;
            }
            b'u' => {
                let items = self.pop_mark()?;
                self.set(&items)?;
            }
            // The stack and the memo.
            b'0' => {
                self.pop()?;
            }
            b'1' => {
                self.pop_mark()?;
            }
            b'2' => {
                let place = self.pop()?;
                self.stack.extend([place, place]);
            }
            b'q' => {
                let number = self.length::<1>()? as u32;
                self.remember(number)?;
            }
            b'r' => {
                let number = self.length::<4>()? as u32;
                self.remember(number)?;
            }
            0x94 => self.remember(self.memo.len() as u32)?,
            b'h' => {
                let number = self.length::<1>()? as u32;
                self.recall(number)?;
            }
            b'j' => {
                let number = self.length::<4>()? as u32;
                self.recall(number)?;
            }
            // What is asked for.
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                let global = self.global(module, name)?;
                self.push(Object::Global(global));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Object::Text(module), Object::Text(name)) =
                    (&self.objects[module], &self.objects[name])
                else {
                    return Err(self.malformed(start));
                };
                let global = self.global(module, name)?;
                self.push(Object::Global(global));
            }
            b'R' => {
                let arguments = self.pop()?;
                let callable = self.pop()?;
                let made = self.call(callable, arguments)?;
                self.push(made);
            }
            b'b' => {
                // What stands beside the entries of a dictionary, such as the versions of modules.
                self.pop()?;
                if !matches!(self.top()?, Object::Dict(_)) {
                    return Err(Error::unsupported(WHAT, "the state of an object", ONLY));
                }
            }
            b'Q' => {
                let id = self.pop()?;
                let storage = self.storage(id)?;
                self.push(Object::Storage(storage));
            }
            0x81 | 0x92 | b'i' | b'o' => {
                return Err(Error::unsupported(WHAT, "an object of a class", ONLY));
            }
            0x82..=0x84 => return Err(Error::unsupported(WHAT, "a registered extension", ONLY)),
            0x97 | 0x98 => return Err(Error::unsupported(WHAT, "a buffer outside of it", ONLY)),
            _ => return Err(self.malformed(start)),
        }
        Ok(None)
    }

    fn push(&mut self, object: Object<'a>) {
        self.stack.push(self.objects.len());
        self.objects.push(object);
    }

    /// The height of the stack below which the open mark lets nothing be taken.
    fn floor(&self) -> usize {
        self.marks.last().map_or(0, |&mark| mark)
    }

    fn pop(&mut self) -> Result<Place> {
        if self.stack.len() <= self.floor() {
            return Err(self.empty());
        }
        self.stack.pop().ok_or_else(|| self.empty())
    }

    /// What was pushed since the last mark, which closes.
    fn pop_mark(&mut self) -> Result<Vec<Place>> {
        let mark = self.marks.pop().ok_or_else(|| self.empty())?;
        Ok(self.stack.split_off(mark))
    }

    fn top(&mut self) -> Result<&mut Object<'a>> {
        let place = self.pop()?;
        self.stack.push(place);
        Ok(&mut self.objects[place])
    }

    fn append(&mut self, items: &[Place]) -> Result<()> {
        let at = self.at;
        match self.top()? {
            Object::List(list) => list.extend(items),
            _ => return Err(self.malformed(at - 1)),
        }
        Ok(())
    }

    fn set(&mut self, items: &[Place]) -> Result<()> {
        let pairs = self.pairs(items)?;
        let at = self.at;
        match self.top()? {
            Object::Dict(entries) => entries.extend(pairs),
            _ => return Err(self.malformed(at - 1)),
        }
        Ok(())
    }

    fn pairs(&self, items: &[Place]) -> Result<Vec<(Place, Place)>> {
        let pairs = items.chunks_exact(2);
        if !pairs.remainder().is_empty() {
            return Err(self.malformed(self.at - 1));
        }
        Ok(pairs.map(|pair| (pair[0], pair[1])).collect())
    }

    fn remember(&mut self, number: u32) -> Result<()> {
        let place = self.pop()?;
        self.stack.push(place);
        self.memo.insert(number, place);
        Ok(())
    }

    fn recall(&mut self, number: u32) -> Result<()> {
        let place = self.memo.get(&number).copied();
        self.stack
            .push(place.ok_or_else(|| self.malformed(self.at - 1))?);
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.slice(N)?;
        Ok(bytes.try_into().expect("a slice of N bytes"))
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(slice) = rest.get(..length) else {
            let reason = format!("is cut short at byte {}", self.bytes.len());
            return Err(Error::format(WHAT, reason));
        };
        self.at += length;
        Ok(slice)
    }

    /// A number of `N` bytes that counts what follows.
    fn length<const N: usize>(&mut self) -> Result<usize> {
        let bytes = self.take::<N>()?;
        let number = bytes
            .iter()
            .rev()
            .fold(0u64, |n, &byte| n << 8 | u64::from(byte));
        Ok(usize::try_from(number).unwrap_or(usize::MAX))
    }

    fn line(&mut self) -> Result<&'a str> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        // A cut name is as long as what is left of the file.
        let length = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(rest.len());
        let line = self.slice(length)?;
        self.take::<1>()?;
        std::str::from_utf8(line).map_err(|_| self.malformed(self.at))
    }

    /// Little-endian in two's complement, or without a sign.
    fn push_whole(&mut self, bytes: &[u8], is_signed: bool) {
        let is_negative = is_signed && bytes.last().is_some_and(|last| *last >= 0x80);
        let start = if is_negative { -1 } else { 0 };
        let number = bytes
            .iter()
            .rev()
            .fold(start, |n: i128, &byte| n << 8 | i128::from(byte));
        self.push(Object::Int(number));
    }

    fn long(&mut self, length: usize) -> Result<()> {
        let bytes = self.slice(length)?;
        if bytes.len() > 15 {
            let got = format!("{} bytes", bytes.len());
            return Err(Error::value(
                "a whole number of the pickle",
                got,
                "at most 15",
            ));
        }
        self.push_whole(bytes, true);
        Ok(())
    }

    fn text<const N: usize>(&mut self) -> Result<()> {
        let length = self.length::<N>()?;
        let bytes = self.slice(length)?;
        let text = std::str::from_utf8(bytes).map_err(|_| self.malformed(self.at - length))?;
        self.push(Object::Text(text));
        Ok(())
    }

    /// A string of Python 2, which may be text or bytes.
    fn old_text<const N: usize>(&mut self) -> Result<()> {
        let length = self.length::<N>()?;
        let bytes = self.slice(length)?;
        self.push(std::str::from_utf8(bytes).map_or(Object::Bytes, Object::Text));
        Ok(())
    }

    fn raw<const N: usize>(&mut self) -> Result<()> {
        let length = self.length::<N>()?;
        self.slice(length)?;
        self.push(Object::Bytes);
        Ok(())
    }

    fn empty(&self) -> Error {
        self.malformed(self.at.saturating_sub(1))
    }

    pub(super) fn malformed(&self, at: usize) -> Error {
        Error::format(
            WHAT,
            format!("is damaged, or no pickle of PyTorch: byte {at}"),
        )
    }
}
