//! What the tokens of a language model stand for.

mod cut;

use std::collections::HashMap;

use serde::Deserialize;

use self::cut::{longest, merged};
use crate::error::{Error, Result};
use crate::io::Source;

/// The pieces of text that tokens stand for, by their id.
#[derive(Debug, Clone, PartialEq)]
pub struct Vocabulary {
    /// What each token writes: nothing where it begins or ends a text.
    pieces: Vec<Vec<u8>>,
    bos: usize,
    eos: Option<usize>,
    /// The ids of pieces that text is cut into.
    texts: HashMap<String, usize>,
    /// The ids of pieces of one byte.
    bytes: HashMap<u8, usize>,
    /// How readily pieces are merged; nothing where the longest one is taken.
    scores: Option<Vec<f64>>,
}

/// A vocabulary as it is written.
#[derive(Deserialize)]
struct File {
    pieces: Vec<String>,
    bos: usize,
    eos: Option<usize>,
    scores: Option<Vec<f64>>,
}

/// A text as it is written.
#[derive(Deserialize)]
struct Text {
    ids: Vec<usize>,
}

impl Vocabulary {
    /// The vocabulary that `source` holds as JSON: `pieces`, of which `<0xNN>` is one byte; the ids `bos` and `eos` of the
    /// tokens that begin and end a text; `scores` of the pieces where text is cut as sentencepiece does. More keys may be
    /// there; `eos` and `scores` need not.
    ///
    /// # Errors
    /// [`Error::Format`], [`Error::Value`] or [`Error::Shape`].
    pub fn read(source: &Source) -> Result<Self> {
        let text = source.text("JSON")?;
        let file: File =
            serde_json::from_str(text).map_err(|error| Error::json(source.name(), text, &error))?;
        Self::of(file).map_err(|error| error.within(source.name()))
    }

    fn of(file: File) -> Result<Self> {
        let count = file.pieces.len();
        for (what, id) in [("bos", Some(file.bos)), ("eos", file.eos)] {
            if let Some(id) = id.filter(|id| *id >= count) {
                return Err(Error::value(what, id, below(count)));
            }
        }
        if let Some(scores) = file.scores.as_ref().filter(|scores| scores.len() != count) {
            let limit = format!("[{count}], one number a piece");
            return Err(Error::shape("scores", [scores.len()], limit));
        }
        let mut vocabulary = Self {
            pieces: Vec::with_capacity(count),
            bos: file.bos,
            eos: file.eos,
            texts: HashMap::new(),
            bytes: HashMap::new(),
            scores: file.scores,
        };
        for (id, piece) in file.pieces.into_iter().enumerate() {
            vocabulary.pieces.push(match byte(&piece) {
                _ if vocabulary.ends(id) => Vec::new(),
                Some(byte) => {
                    vocabulary.bytes.entry(byte).or_insert(id);
                    vec![byte]
                }
                None => {
                    let bytes = piece.as_bytes().to_vec();
                    vocabulary.texts.entry(piece).or_insert(id);
                    bytes
                }
            });
        }
        Ok(vocabulary)
    }

    /// Number of pieces.
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Whether there are no pieces.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The token that begins every text.
    pub fn bos(&self) -> usize {
        self.bos
    }

    /// Whether a text ends with token `id`: it ends one, or begins the next.
    pub fn ends(&self, id: usize) -> bool {
        id == self.bos || Some(id) == self.eos
    }

    /// The text of `ids`, which begin it. Bytes that are no UTF-8 are written as U+FFFD.
    ///
    /// The space that [cutting](Self::ids) puts in front is taken away.
    ///
    /// # Panics
    /// If there is no such token.
    pub fn text(&self, ids: &[usize]) -> String {
        let bytes: Vec<u8> = ids
            .iter()
            .flat_map(|id| &self.pieces[*id])
            .copied()
            .collect();
        let text = match (&self.scores, &bytes[..]) {
            (Some(_), [b' ', rest @ ..]) => rest,
            (_, all) => all,
        };
        String::from_utf8_lossy(text).into_owned()
    }

    /// The tokens of `text`, none of an empty one.
    ///
    /// Where pieces have scores: a space is put in front, and of all neighbours that make a piece together those with the
    /// best score are merged, until there are none. Else the longest piece is taken, again and again. A character that is
    /// no piece is its bytes.
    ///
    /// # Errors
    /// [`Error::Value`] for a character that no pieces make.
    ///
    /// Sennrich et al., ACL 2016; Kudo and Richardson, EMNLP 2018.
    pub fn ids(&self, text: &str) -> Result<Vec<usize>> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let id = |piece: &str| self.texts.get(piece).copied();
        let (text, cut) = match &self.scores {
            Some(scores) => {
                let text = format!(" {text}");
                let cut = merged(&text, |piece| id(piece).map(|id| scores[id]));
                (text, cut)
            }
            None => {
                let most = self.texts.keys().map(String::len).max().unwrap_or(0);
                let cut = longest(text, most, |piece| id(piece).is_some());
                (text.to_owned(), cut)
            }
        };
        let mut ids = Vec::new();
        for range in cut {
            let piece = &text[range];
            match id(piece) {
                Some(id) => ids.push(id),
                None => {
                    let bytes = piece.bytes().map(|byte| self.bytes.get(&byte).copied());
                    let bytes: Option<Vec<usize>> = bytes.collect();
                    let limit = "characters that are pieces, or whose bytes are";
                    ids.extend(bytes.ok_or_else(|| Error::value("character", piece, limit))?);
                }
            }
        }
        Ok(ids)
    }

    /// The tokens that `source` holds as JSON, `{"ids": […]}`; more keys may be there.
    ///
    /// # Errors
    /// [`Error::Format`] for another form, [`Error::Value`] for no token at all, or one that the vocabulary does not have.
    pub fn read_ids(&self, source: &Source) -> Result<Vec<usize>> {
        let text = source.text("JSON")?;
        let Text { ids } =
            serde_json::from_str(text).map_err(|error| Error::json(source.name(), text, &error))?;
        let checked = match &ids[..] {
            [] => Err(Error::value("ids", "[]", "at least one")),
            _ => self.check(&ids),
        };
        checked.map_err(|error| error.within(source.name()))?;
        Ok(ids)
    }

    /// Fails unless all `ids` are tokens.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn check(&self, ids: &[usize]) -> Result<()> {
        match ids.iter().enumerate().find(|(_, id)| **id >= self.len()) {
            None => Ok(()),
            Some((place, id)) => Err(Error::value(format!("ids[{place}]"), id, below(self.len()))),
        }
    }
}

fn below(count: usize) -> String {
    format!("below {count}, the number of pieces")
}

/// The byte NN that a `piece` written as `<0xNN>` stands for.
fn byte(piece: &str) -> Option<u8> {
    let digits = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    let is_hex = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex.then(|| u8::from_str_radix(digits, 16).expect("two hexadecimal digits"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::golden;

    fn vocabulary(json: &str) -> Vocabulary {
        Vocabulary::read(&Source::new("tokens", json)).unwrap()
    }

    /// `<0x41>` is the byte of `A`, and `a` is a piece and the byte 0x61 besides.
    #[test]
    fn tokens_are_pieces_and_bytes_and_what_begins_a_text_writes_nothing() {
        let json = r#"{"pieces": ["<s>", "<0x41>", "a", " a", " ", "<0xC3>", "<0xA9>", "<0x61>"], "bos": 0,
                       "scores": [0, 0, -5, -1, -6, 0, 0, 0]}"#;
        let scored = vocabulary(json);
        assert_eq!(scored.ids("aA a").unwrap(), [3, 1, 3]);
        assert_eq!(scored.text(&[3, 1, 3, 0]), "aA a");
        assert_eq!(scored.ids("é").unwrap(), [4, 5, 6]);
        assert_eq!(scored.text(&[4, 5, 6]), "é");
        // Half of a character.
        assert_eq!(scored.text(&[4, 5]), "\u{fffd}");
        golden("b, which is no piece", scored.ids("ab").unwrap_err());
        // Without scores there is no space in front.
        let longest = vocabulary(r#"{"pieces": ["<s>", "aa", "a", " a"], "bos": 0, "eos": null}"#);
        assert_eq!(longest.ids("aaa a").unwrap(), [1, 2, 3]);
        assert_eq!(longest.text(&[3, 1]), " aaa");
        // What begins a text is no piece of it.
        assert!(longest.ids("<s>").is_err());
        assert!(longest.ends(0) && !longest.ends(1));
    }
}
