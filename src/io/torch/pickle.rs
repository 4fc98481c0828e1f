//! What a pickle of `torch.save` holds: tensors, numbers, texts, and lists, tuples, sets and dictionaries of them.

use std::collections::HashMap;

use super::machine::Machine;
use super::object::{Object, Place, STEPS, Storage, WHAT};
use crate::error::{Error, Result};

/// What a pickle left.
#[derive(Debug)]
pub(super) struct Pickle<'a> {
    objects: Vec<Object<'a>>,
    root: Place,
    /// Every storage that it names, once.
    pub(super) storages: Vec<Storage<'a>>,
    /// Bytes that it takes.
    pub(super) length: usize,
}

impl<'a> Pickle<'a> {
    /// Reads the pickle at the start of `bytes`.
    ///
    /// # Errors
    /// [`Error::Format`] if it is cut short or no pickle, [`Error::Unsupported`] for what it asks for beyond tensors,
    /// numbers and texts.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut machine = Machine::new(bytes);
        if bytes.first() != Some(&0x80) {
            return Err(Error::format(WHAT, "does not begin as one"));
        }
        for _ in 0..STEPS {
            if let Some(root) = machine.step()? {
                return Ok(Self {
                    objects: machine.objects,
                    root,
                    storages: machine.order,
                    length: machine.at,
                });
            }
        }
        let limit = format!("at most {STEPS}");
        Err(Error::value("steps of the pickle", "more", limit))
    }

    /// What it is.
    pub(super) fn root(&self) -> &Object<'a> {
        self.object(self.root)
    }

    /// The object at `place`.
    pub(super) fn object(&self, place: Place) -> &Object<'a> {
        &self.objects[place]
    }

    /// The entries of a dictionary whose keys are texts, each key with its last value, in the order of the file.
    pub(super) fn entries(&self, dictionary: &[(Place, Place)]) -> Entries<'a> {
        let mut entries: Entries = Vec::with_capacity(dictionary.len());
        let mut by_key: HashMap<&str, usize> = HashMap::new();
        // One long text as the key of many entries is compared once.
        let mut by_place: HashMap<Place, usize> = HashMap::new();
        for &(key_place, value) in dictionary {
            let Object::Text(key) = self.object(key_place) else {
                continue;
            };
            let place = *by_place
                .entry(key_place)
                .or_insert_with(|| *by_key.entry(key).or_insert(entries.len()));
            match entries.get_mut(place) {
                Some(entry) => entry.1 = value,
                None => entries.push((key, value)),
            }
        }
        entries
    }

    /// Whether a value of `entries` is a tensor.
    pub(super) fn holds_tensor(&self, entries: &Entries) -> bool {
        let mut values = entries.iter().map(|(_, place)| self.object(*place));
        values.any(|value| matches!(value, Object::Tensor(_)))
    }
}

/// Entries of a dictionary: the name of each and the place of its value.
pub(super) type Entries<'a> = Vec<(&'a str, Place)>;
