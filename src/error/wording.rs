//! What decoders of TOML and JSON say, in one plain sentence that names the key, what it got and what is allowed.

use super::{Error, did_you_mean};

/// `line 3` for the byte at `offset` of `text`.
pub fn line_of(text: &str, offset: usize) -> String {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let ends = before.iter().filter(|byte| **byte == b'\n').count();
    format!("line {}", ends + 1)
}

/// What the operating system says, without its number; a folder in place of a file, and bytes in place of text, in our
/// words.
pub fn plain_io(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::IsADirectory => "is a folder: must be a file".to_owned(),
        std::io::ErrorKind::InvalidData => "is not UTF-8 text".to_owned(),
        std::io::ErrorKind::UnexpectedEof => "is cut short".to_owned(),
        _ => {
            let said = error.to_string();
            let end = said.find(" (os error ").unwrap_or(said.len());
            said[..end].to_owned()
        }
    }
}

impl Error {
    /// What `error` says of the TOML in `text`, with its line and, for a misspelt key, the right one.
    ///
    /// `more` are names that would be right elsewhere, such as dotted keys of other tables.
    pub fn toml(text: &str, error: &toml::de::Error, more: &[&str]) -> Self {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        // The decoder points at the value; its key stands in front of it.
        let before = text.get(..start).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let key = line.trim_end().strip_suffix('=').map(|line| {
            let word = line.trim_end().rsplit([' ', '\t', ',', '{']).next();
            word.unwrap_or_default().trim_matches(['"', '\''])
        });
        Self::format(line_of(text, start), plain(error.message(), key, more))
    }

    /// What `error` says of the JSON in `text`, which is `what`, with its line and column.
    pub fn json(what: &str, text: &str, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        if text.trim().is_empty() {
            return Self::format(what, "is empty: must be JSON");
        }
        if error.is_eof() {
            let reason =
                format!("is cut short: its JSON ends unfinished at line {line}, column {column}");
            return Self::format(what, reason);
        }
        let said = error.to_string();
        let said = said.split(" at line ").next().unwrap_or_default();
        if error.is_syntax() {
            let reason = format!("is not JSON: line {line}, column {column}: {said}");
            return Self::format(what, reason);
        }
        // The decoder points behind the value; its key is the last one in front of that.
        let lines = text.split_inclusive('\n').take(line.saturating_sub(1));
        let end = lines.map(str::len).sum::<usize>() + column;
        let before = text.get(..end.min(text.len())).unwrap_or_default();
        let key = before
            .rfind("\":")
            .and_then(|end| before[..end].rsplit('"').next());
        let place = format!("{what}: line {line}, column {column}");
        Self::format(place, plain(said, key, &[]))
    }
}

/// A message of serde about the value of `key` in plain words: no names of Rust's types, and for an unknown key or name
/// the one that was probably meant.
///
/// What serde knows to be right comes first, then `more`: other names that would be right elsewhere, such as keys of
/// other sections.
pub fn plain(message: &str, key: Option<&str>, more: &[&str]) -> String {
    let message = message.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (first, known) = match quoted.split_first() {
        Some((first, known)) => (*first, known),
        None => ("", &[][..]),
    };
    let allowed = || match known {
        [] => "there is none here".to_owned(),
        [only] => format!("must be {only}"),
        _ => format!("must be one of {}", known.join(", ")),
    };
    let meant = || {
        let near = did_you_mean(first, known.iter().copied());
        match near.is_empty() {
            true => did_you_mean(first, more.iter().copied()),
            false => near,
        }
    };
    let named = |got: &str| match key {
        Some(key) => format!("`{key}` = {got}"),
        None => got.to_owned(),
    };
    if message.starts_with("unknown field `") {
        return format!("`{first}` is no key here: {}{}", allowed(), meant());
    }
    if message.starts_with("unknown variant `") {
        return format!(
            "{}: {}{}",
            named(&format!("\"{first}\"")),
            allowed(),
            meant()
        );
    }
    if message.starts_with("missing field `") {
        return format!("the key `{first}` is missing");
    }
    if message.starts_with("duplicate field `") {
        return format!("the key `{first}` stands twice");
    }
    for start in ["invalid type: ", "invalid value: "] {
        if let Some((got, expected)) = message
            .strip_prefix(start)
            .and_then(|rest| rest.rsplit_once(", expected "))
        {
            return format!("{}: must be {}", named(&shown(got)), kind(expected));
        }
    }
    if let Some((got, expected)) = message
        .strip_prefix("invalid length ")
        .and_then(|rest| rest.split_once(", expected "))
    {
        return format!(
            "{}: must be {}",
            named(&format!("a list of {got}")),
            kind(expected)
        );
    }
    if message.starts_with("data did not match any variant") {
        return format!("{} of a kind that it cannot have", named("a value"));
    }
    message
}

/// A value as serde shows it, as the user wrote it.
fn shown(got: &str) -> String {
    match got {
        "sequence" => "a list".to_owned(),
        "map" => "a table".to_owned(),
        _ => match got.split_once('`') {
            // integer `3`, floating point `0.5`, boolean `true`
            Some((_, value)) => value.trim_end_matches('`').to_owned(),
            None => got.strip_prefix("string ").unwrap_or(got).to_owned(),
        },
    }
}

/// A kind of value as serde names it, in plain words.
fn kind(expected: &str) -> String {
    match expected {
        "f32" | "f64" => "a number".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "a string" | "string" | "a borrowed string" | "str" => "text".to_owned(),
        "path string" => "a path".to_owned(),
        "a boolean" | "bool" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" | "map" => "a table".to_owned(),
        _ if expected.contains("enum ") => "a name, or a table with its `kind`".to_owned(),
        _ if expected.contains("struct ") => "a table of keys".to_owned(),
        _ => expected
            .replace("an array of length", "a list of")
            .replace("a tuple of size", "a list of"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoders_are_translated_into_sentences_about_the_key() {
        let said = |message: &str| plain(message, Some("scale"), &["mesh.cell"]);
        for (theirs, ours) in [
            (
                "unknown field `maen`, expected one of `scale`, `mean`, `std`",
                "`maen` is no key here: must be one of scale, mean, std (did you mean `mean`?)",
            ),
            (
                "unknown field `cell`, expected one of `scale`, `mean`",
                "`cell` is no key here: must be one of scale, mean (did you mean `mesh.cell`?)",
            ),
            (
                "unknown field `slope`, there are no fields",
                "`slope` is no key here: there is none here",
            ),
            (
                "unknown variant `rael`, expected `real` or `complex-halves`",
                "`scale` = \"rael\": must be one of real, complex-halves (did you mean `real`?)",
            ),
            ("missing field `modes`", "the key `modes` is missing"),
            ("duplicate field `modes`", "the key `modes` stands twice"),
            (
                "invalid type:\n string \"x, expected y\", expected f64",
                "`scale` = \"x, expected y\": must be a number",
            ),
            (
                "invalid type: floating point `0.5`, expected usize",
                "`scale` = 0.5: must be a whole number from 0",
            ),
            (
                "invalid value: integer `-1`, expected u32",
                "`scale` = -1: must be a whole number from 0",
            ),
            (
                "invalid type: sequence, expected a string",
                "`scale` = a list: must be text",
            ),
            (
                "invalid type: map, expected a sequence",
                "`scale` = a table: must be a list",
            ),
            (
                "invalid type: boolean `true`, expected struct Input",
                "`scale` = true: must be a table of keys",
            ),
            (
                "invalid length 2, expected an array of length 3",
                "`scale` = a list of 2: must be a list of 3",
            ),
            (
                "invalid table header expected `]`",
                "invalid table header expected `]`",
            ),
        ] {
            assert_eq!(said(theirs), ours);
        }
    }

    #[test]
    fn the_key_is_the_one_in_front_of_the_value() {
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code)]
        struct Outer {
            a: u32,
            inner: std::collections::BTreeMap<String, f64>,
        }
        let toml = |text: &str| {
            let error = toml::from_str::<Outer>(text).unwrap_err();
            Error::toml(text, &error, &[]).to_string()
        };
        assert_eq!(
            toml("a = 1\n[inner]\n\"x\" = 'y'"),
            "line 3: `x` = \"y\": must be a number"
        );
        assert_eq!(
            toml("a = 1\ninner = { x = 1.0, yy = true }"),
            "line 2: `yy` = true: must be a number"
        );
        assert_eq!(toml("[inner]"), "line 1: the key `a` is missing");
        let json = |text: &str| {
            let error = serde_json::from_str::<Outer>(text).unwrap_err();
            Error::json("file", text, &error).to_string()
        };
        assert_eq!(
            json("{\"a\": 1,\n \"inner\": {\"x\": \"ö\"}}"),
            "file: line 2, column 20: `x` = \"ö\": must be a number"
        );
        assert_eq!(json(" "), "file: is empty: must be JSON");
        assert_eq!(
            json("{\"a\": 1,"),
            "file: is cut short: its JSON ends unfinished at line 1, column 8"
        );
        assert!(json("a").starts_with("file: is not JSON: line 1, column 1: "));
    }
}
