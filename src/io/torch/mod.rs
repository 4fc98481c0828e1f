//! State dicts of PyTorch, as `torch.save` writes them: `.pt`, `.pth`.
//!
//! Since PyTorch 1.6 a file is a ZIP archive of one pickle and of a file a storage. Before, it was five pickles in a
//! row and the storages behind them. A pickle is a program: none of it is run.

mod ask;
mod machine;
mod object;
mod pickle;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::io::Cursor;

use zip::ZipArchive;

use super::content::{TORCH, TORCH_LEGACY, refused};
use super::tensor::element_count;
use super::{Dtype, Tensor, UNPACKED_LIMIT, check_name, read_exactly};
use crate::error::{Context, Error, Result};
use object::{Object, Storage, View};
use pickle::{Entries, Pickle};

/// Endings of files that `torch.save` writes; Lightning's and those of Hugging Face are the same.
pub const EXTENSIONS: [&str; 4] = ["pt", "pth", "ckpt", "bin"];

/// Where checkpoints keep the weights, the likeliest first.
const NAMES: [&str; 3] = ["state_dict", "model_state_dict", "model"];

/// How many times the numbers of a file may stand in its tensors, where tensors share them.
const SHARED: usize = 8;

/// The tensors of a file in their order, which is that of the modules.
#[derive(Debug, Clone, PartialEq)]
pub struct StateDict {
    /// The tensors with their names.
    pub tensors: Vec<(String, Tensor)>,
    /// Where in a checkpoint they stood; nothing where the file is a state dict itself.
    pub entry: Option<Entry>,
}

/// An entry of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// The other entries that hold tensors by name.
    pub others: Vec<String>,
}

/// Reads a state dict from the bytes of a file.
///
/// # Errors
/// [`Error::Format`] or [`Error::Shape`] if it is malformed, or asks for anything but tensors, numbers and strings,
/// [`Error::Unsupported`] for tensors that are not dense.
pub fn parse(bytes: &[u8]) -> Result<StateDict> {
    match bytes {
        [b'P', b'K', ..] => archive(bytes),
        _ if bytes.starts_with(TORCH_LEGACY) => legacy(bytes),
        _ => Err(refused(bytes, TORCH)),
    }
}

/// The numbers of every storage.
trait Storages {
    /// The bytes of `storage`, and whether they are big-endian.
    fn bytes(&mut self, storage: &Storage) -> Result<&[u8]>;
    fn is_big_endian(&self) -> bool;
}

impl Storage<'_> {
    /// Its bytes, as the pickle claims; nothing where they are more than any file has.
    fn size(&self) -> Option<usize> {
        self.elements.checked_mul(self.dtype.size())
    }

    /// `bytes`, if they are as many as the pickle claims.
    fn checked<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8]> {
        if Some(bytes.len()) == self.size() {
            return Ok(bytes);
        }
        let reason = format!(
            "has {} bytes: must have {} numbers in {}",
            bytes.len(),
            self.elements,
            self.dtype.name()
        );
        Err(Error::format(format!("storage `{}`", self.key), reason))
    }
}

/// A file of the format since PyTorch 1.6.
fn archive(bytes: &[u8]) -> Result<StateDict> {
    let malformed = |_: zip::result::ZipError| refused(bytes, TORCH);
    let archive = ZipArchive::new(Cursor::new(bytes)).map_err(malformed)?;
    if archive.has_duplicate_names() {
        return Err(Error::format(
            "archive",
            "two files in it have the same name",
        ));
    }
    let names = archive.file_names().map(|name| Ok(name?.into_owned()));
    let names: Vec<String> = names
        .collect::<zip::result::ZipResult<_>>()
        .map_err(malformed)?;
    let pickle = names.iter().find(|name| name.ends_with("/data.pkl"));
    let root = pickle.and_then(|name| name.strip_suffix("data.pkl"));
    let root = root.filter(|root| root.matches('/').count() == 1);
    let Some(root) = root else {
        return Err(refused(bytes, TORCH));
    };
    let is_script = |name: &String| {
        name.strip_prefix(root)
            .is_some_and(|rest| rest.starts_with("code/"))
    };
    if names.iter().any(is_script) {
        return Err(Error::unsupported(
            "content",
            "TorchScript",
            "a compiled module holds code: save model.state_dict(), or export the model to ONNX",
        ));
    }
    let mut files = Files {
        archive,
        root: root.to_owned(),
        read: HashMap::new(),
        unpacked: 0,
        is_big_endian: false,
    };
    let order = format!("{root}byteorder");
    if names.contains(&order) {
        files.is_big_endian = match &*files.file("byteorder", None)? {
            b"little" => false,
            b"big" => true,
            _ => return Err(Error::format("byteorder", "must be little or big")),
        };
    }
    let pickle = files.file("data.pkl", None)?;
    let pickle = Pickle::read(&pickle)?;
    state_dict(&pickle, &mut files)
}

/// The files of an archive, those of storages kept once they are read.
struct Files<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    root: String,
    read: HashMap<String, Vec<u8>>,
    /// Bytes that all files together unpacked to.
    unpacked: u64,
    is_big_endian: bool,
}

impl Files<'_> {
    /// The bytes of the file called `name`, which must be `expected` of them where that is known.
    fn file(&mut self, name: &str, expected: Option<u64>) -> Result<Vec<u8>> {
        let what = format!("file `{name}` of the archive");
        let missing = |_| Error::format(&what, "is missing or damaged");
        let entry = self.archive.by_name(&format!("{}{name}", self.root));
        let entry = entry.map_err(missing)?;
        let size = entry.size();
        if let Some(expected) = expected.filter(|expected| *expected != size) {
            let reason = format!("has {size} bytes: must have the {expected} of its storage");
            return Err(Error::format(what, reason));
        }
        self.unpacked = self.unpacked.saturating_add(size);
        if self.unpacked > UNPACKED_LIMIT {
            return Err(Error::value(
                format!("{what}: unpacked size of the archive in bytes"),
                self.unpacked,
                format!("at most {UNPACKED_LIMIT}"),
            ));
        }
        read_exactly(&what, entry, size)
    }
}

impl Storages for Files<'_> {
    fn bytes(&mut self, storage: &Storage) -> Result<&[u8]> {
        if !self.read.contains_key(storage.key) {
            let size = storage.size().map(|size| size as u64);
            let file = format!("data/{}", storage.key);
            let bytes = self.file(&file, Some(size.unwrap_or(u64::MAX)))?;
            self.read.insert(storage.key.to_owned(), bytes);
        }
        storage.checked(&self.read[storage.key])
    }

    fn is_big_endian(&self) -> bool {
        self.is_big_endian
    }
}

/// A file of the format before PyTorch 1.6: a magic number, a version, what the machine was like, the state dict, the
/// names of the storages, and for each of these the number of its elements and its bytes.
fn legacy(bytes: &[u8]) -> Result<StateDict> {
    let mut rest = bytes;
    let mut next = || {
        let pickle = Pickle::read(rest)?;
        rest = &rest[pickle.length..];
        Ok::<_, Error>(pickle)
    };
    let (_magic, version, machine) = (next()?, next()?, next()?);
    if *version.root() != Object::Int(1001) {
        let got = format!("{:?}", version.root());
        return Err(Error::value("version of the format", got, "1001"));
    }
    let is_big_endian = match machine.root() {
        Object::Dict(entries) => machine.entries(entries).iter().any(|(key, place)| {
            *key == "little_endian" && *machine.object(*place) == Object::Bool(false)
        }),
        _ => false,
    };
    let (tensors, keys) = (next()?, next()?);
    let Object::List(keys_at) = keys.root() else {
        return Err(Error::format("names of the storages", "are no list"));
    };
    let known: HashMap<&str, Dtype> = (tensors.storages.iter())
        .map(|storage| (storage.key, storage.dtype))
        .collect();
    let mut rows = Rows {
        rows: HashMap::new(),
        is_big_endian,
    };
    for &place in keys_at {
        let Object::Text(key) = keys.object(place) else {
            return Err(Error::format("names of the storages", "are no strings"));
        };
        let what = format!("storage `{key}`");
        let Some(dtype) = known.get(key) else {
            return Err(Error::format(what, "belongs to no tensor"));
        };
        let cut = || Error::format(&what, "is cut short");
        let (count, behind) = rest.split_first_chunk::<8>().ok_or_else(cut)?;
        let count = match is_big_endian {
            true => u64::from_be_bytes(*count),
            false => u64::from_le_bytes(*count),
        };
        let size = usize::try_from(count)
            .ok()
            .and_then(|count| count.checked_mul(dtype.size()));
        let (row, behind) = size
            .and_then(|size| behind.split_at_checked(size))
            .ok_or_else(cut)?;
        rows.rows.insert(key, row);
        rest = behind;
    }
    if !rest.is_empty() {
        let reason = format!("has {} bytes behind its last storage", rest.len());
        return Err(Error::format("content", reason));
    }
    state_dict(&tensors, &mut rows)
}

/// Storages that lie in the bytes of the file.
struct Rows<'a> {
    rows: HashMap<&'a str, &'a [u8]>,
    is_big_endian: bool,
}

impl Storages for Rows<'_> {
    fn bytes(&mut self, storage: &Storage) -> Result<&[u8]> {
        let row = self.rows.get(storage.key).copied();
        let missing = || Error::format(format!("storage `{}`", storage.key), "is not in the file");
        storage.checked(row.ok_or_else(missing)?)
    }

    fn is_big_endian(&self) -> bool {
        self.is_big_endian
    }
}

/// The tensors of a state dict, or of that in a checkpoint.
fn state_dict(pickle: &Pickle, storages: &mut impl Storages) -> Result<StateDict> {
    let Object::Dict(root) = pickle.root() else {
        let limit = "must be a state dict: save model.state_dict()";
        let reason = format!("is {}: {limit}", words(pickle.root()));
        return Err(Error::format("content", reason));
    };
    let root = pickle.entries(root);
    for (name, _) in &root {
        check_name("entry", name)?;
    }
    let (entry, taken) = if pickle.holds_tensor(&root) {
        (None, root)
    } else {
        let (entry, taken) = checkpoint(pickle, &root)?;
        (Some(entry), taken)
    };
    // Elements that tensors may still have; a storage counts when its bytes were found to be there.
    let mut left = 0usize;
    let mut met = HashSet::new();
    let mut tensors = Vec::new();
    for (name, place) in taken {
        let Object::Tensor(view) = pickle.object(place) else {
            continue;
        };
        check_name("tensor", name)?;
        let what = format!("tensor `{name}`");
        storages.bytes(&view.storage).within(&what)?;
        if met.insert(view.storage.key) {
            left = left.saturating_add(view.storage.elements.saturating_mul(SHARED));
        }
        left = left.checked_sub(view.count(&what)?).ok_or_else(|| {
            let limit = format!("at most {SHARED} times as many numbers as the file holds");
            let what = format!("{what}: elements of all tensors up to it");
            Error::value(what, "more", limit)
        })?;
        tensors.push((name.to_owned(), tensor(&what, view, storages)?));
    }
    Ok(StateDict { tensors, entry })
}

/// The entry of a checkpoint that holds the weights, and its entries.
fn checkpoint<'a>(pickle: &Pickle<'a>, root: &Entries<'a>) -> Result<(Entry, Entries<'a>)> {
    let mut found: Vec<(&str, Entries)> = Vec::new();
    let mut met = HashSet::new();
    for &(name, place) in root {
        if let Object::Dict(entries) = pickle.object(place)
            && met.insert(place)
        {
            let entries = pickle.entries(entries);
            if pickle.holds_tensor(&entries) {
                found.push((name, entries));
            }
        }
    }
    let names: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
    let place = match &found[..] {
        [] => {
            let held: Vec<&str> = root.iter().map(|(name, _)| *name).collect();
            let held = match &held[..] {
                [] => "nothing".to_owned(),
                held => format!("no tensors by name, but {}", first_of(held)),
            };
            let reason = format!("holds {held}: must be a state dict");
            return Err(Error::format("content", reason));
        }
        [_] => 0,
        _ => {
            let known = NAMES.iter();
            let mut known = known.filter_map(|name| names.iter().position(|held| held == name));
            known.next().ok_or_else(|| {
                let names = first_of(&names);
                let limit = format!("save one, or call it {}", NAMES[0]);
                let reason = format!("holds several state dicts, {names}: {limit}");
                Error::format("content", reason)
            })?
        }
    };
    let (name, entries) = found.swap_remove(place);
    let others = names.into_iter().filter(|other| *other != name);
    let entry = Entry {
        name: name.to_owned(),
        others: others.map(str::to_owned).collect(),
    };
    Ok((entry, entries))
}

/// The first of many names, of each the first letters.
fn first_of(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    const LETTERS: usize = 60;
    let shown = names.iter().take(SHOWN);
    let shown = shown.map(|name| name.chars().take(LETTERS).collect::<String>());
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len() > SHOWN {
        true => format!("{shown}, …"),
        false => shown,
    }
}

/// What an object is called in errors.
fn words(object: &Object) -> &'static str {
    match object {
        Object::Tensor(_) => "a tensor",
        Object::List(_) | Object::Tuple(_) | Object::Set => "a list",
        Object::Text(_) | Object::Bytes => "a string",
        Object::Int(_) | Object::Float | Object::Bool(_) => "a number",
        _ => "nothing",
    }
}

impl View<'_> {
    /// Its elements, which must lie within its storage and be no more than that has; `what` names it in errors.
    fn count(&self, what: &str) -> Result<usize> {
        let reach = || {
            let count = element_count(&self.shape)?;
            if count == 0 {
                return Some((0, 0));
            }
            let mut last = self.offset;
            for (length, stride) in self.shape.iter().zip(&self.strides) {
                last = last.checked_add((length - 1).checked_mul(*stride)?)?;
            }
            Some((count, last.checked_add(1)?))
        };
        let held = self.storage.elements;
        match reach() {
            Some((count, end)) if count <= held && end <= held => Ok(count),
            _ => {
                let limit = format!("within the {held} numbers of its storage");
                Err(Error::shape(what, &self.shape, limit))
            }
        }
    }
}

/// The tensor that `view` shows of its storage.
fn tensor(what: &str, view: &View, storages: &mut impl Storages) -> Result<Tensor> {
    let dtype = view.storage.dtype;
    let View { shape, offset, .. } = view;
    // An axis of one index has no next one.
    let strides = shape.iter().zip(&view.strides);
    let strides: Vec<usize> = strides
        .map(|(length, stride)| if *length == 1 { 0 } else { *stride })
        .collect();
    let count = view.count(what)?;
    let is_big_endian = storages.is_big_endian();
    let bytes = storages.bytes(&view.storage)?;
    let size = dtype.size();
    let mut gathered = Vec::new();
    let bytes = if is_contiguous(shape, &strides) {
        let start = if count == 0 { 0 } else { offset * size };
        &bytes[start..start + count * size]
    } else {
        gathered.reserve_exact(count * size);
        let mut index = vec![0; shape.len()];
        let mut at = *offset;
        for _ in 0..count {
            gathered.extend_from_slice(&bytes[at * size..][..size]);
            // The next index, the last axis first.
            for axis in (0..shape.len()).rev() {
                index[axis] += 1;
                at += strides[axis];
                if index[axis] < shape[axis] {
                    break;
                }
                at -= strides[axis] * shape[axis];
                index[axis] = 0;
            }
        }
        &gathered
    };
    Tensor::from_bytes(what, shape.clone(), dtype, is_big_endian, bytes)
}

/// Whether elements lie row after row without gaps.
fn is_contiguous(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1usize;
    for (length, stride) in shape.iter().zip(strides).rev() {
        if *length != 1 && *stride != expected {
            return shape.contains(&0);
        }
        expected = expected.saturating_mul(*length);
    }
    true
}
