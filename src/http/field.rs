//! Reads a base64 text out of a JSON object while it streams by, so that a file in JSON is never held whole.
//!
//! The key stands at the top level of the object. Escapes in the text (`\n`, `\/`, `\u002b`) and white space are allowed.

use crate::error::{Problem, Reason, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Longest key looked at.
const KEY: usize = 256;

pub struct FieldScanner {
    key: String,
    /// Open objects and lists.
    depth: usize,
    at: At,
    /// The last top-level string that may turn out to be a key.
    text: Vec<u8>,
    escape: Escape,
    found: bool,
    /// Base64 characters that do not fill a group of four yet.
    rest: Vec<u8>,
    padded: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum At {
    Between,
    /// In a string that is neither the key nor the value.
    Text,
    /// After our key: a colon, then the value.
    Value,
    /// In the value.
    Content,
}

#[derive(Clone, Copy, PartialEq)]
enum Escape {
    No,
    Slash,
    /// Hex digits of `\u` so far: how many, and their value.
    Unicode(u8, u16),
}

impl FieldScanner {
    pub fn new(key: &str) -> Self {
        FieldScanner {
            key: key.to_owned(),
            depth: 0,
            at: At::Between,
            text: Vec::new(),
            escape: Escape::No,
            found: false,
            rest: Vec::new(),
            padded: false,
        }
    }

    /// The bytes that a piece of the document completes.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<u8>> {
        for &byte in piece {
            match self.at {
                At::Between => self.between(byte)?,
                At::Text => self.text(byte),
                At::Value => self.value(byte)?,
                At::Content => self.content(byte)?,
            }
        }
        let whole = self.rest.len() - self.rest.len() % 4;
        let bytes = STANDARD.decode(&self.rest[..whole]).map_err(|_| not_base64())?;
        self.padded |= self.rest[..whole].ends_with(b"=");
        self.rest.drain(..whole);
        Ok(bytes)
    }

    /// The document is over.
    ///
    /// Errors: `bad_answer` when it ended too early, had no such key, or the text was cut.
    pub fn end(self) -> Result<()> {
        if self.depth != 0 || self.at != At::Between {
            return Err(Problem::new(Reason::BadAnswer, "the answer that holds the file ended too early"));
        }
        if !self.found {
            return Err(Problem::new(
                Reason::BadAnswer,
                format!("the answer that holds the file has no `{}`", self.key),
            ));
        }
        if self.rest.is_empty() { Ok(()) } else { Err(not_base64()) }
    }

    fn between(&mut self, byte: u8) -> Result<()> {
        match byte {
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self
                    .depth
                    .checked_sub(1)
                    .ok_or_else(|| Problem::new(Reason::BadAnswer, "the answer that holds the file is not JSON"))?;
            }
            b'"' => {
                self.text.clear();
                self.at = At::Text;
            }
            // A string followed by a colon was a key.
            b':' if self.depth == 1 && self.text == self.key.as_bytes() && !self.found => {
                self.found = true;
                self.at = At::Value;
            }
            b',' => self.text.clear(),
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, byte: u8) {
        match (self.escape, byte) {
            (Escape::No, b'"') => self.at = At::Between,
            (Escape::No, b'\\') => self.escape = Escape::Slash,
            (Escape::No, byte) if self.depth == 1 && self.text.len() < KEY => self.text.push(byte),
            // Escapes in a key of ours do not occur; what follows `\u` are plain characters for us.
            (Escape::Slash | Escape::Unicode(..), _) => self.escape = Escape::No,
            _ => {}
        }
    }

    fn value(&mut self, byte: u8) -> Result<()> {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => Ok(()),
            b'"' => {
                self.at = At::Content;
                Ok(())
            }
            // null: an empty file.
            b'n' => {
                self.text.clear();
                self.at = At::Between;
                Ok(())
            }
            _ => Err(Problem::new(Reason::BadAnswer, format!("`{}` is not a text", self.key))),
        }
    }

    fn content(&mut self, byte: u8) -> Result<()> {
        match (self.escape, byte) {
            (Escape::No, b'"') => {
                self.text.clear();
                self.at = At::Between;
            }
            (Escape::No, b'\\') => self.escape = Escape::Slash,
            (Escape::No, byte) => self.base64(byte)?,
            (Escape::Slash, b'u') => self.escape = Escape::Unicode(0, 0),
            (Escape::Slash, b'n' | b'r' | b't' | b'f' | b'b') => self.escape = Escape::No,
            (Escape::Slash, byte) => {
                self.escape = Escape::No;
                self.base64(byte)?;
            }
            (Escape::Unicode(digits, value), byte) => {
                let digit = char::from(byte).to_digit(16).ok_or_else(not_base64)?;
                let value = value << 4 | u16::try_from(digit).map_err(|_| not_base64())?;
                if digits < 3 {
                    self.escape = Escape::Unicode(digits + 1, value);
                } else {
                    self.escape = Escape::No;
                    self.base64(u8::try_from(value).map_err(|_| not_base64())?)?;
                }
            }
        }
        Ok(())
    }

    fn base64(&mut self, byte: u8) -> Result<()> {
        if byte.is_ascii_whitespace() {
            return Ok(());
        }
        if self.padded {
            return Err(not_base64());
        }
        self.rest.push(byte);
        Ok(())
    }
}

fn not_base64() -> Problem {
    Problem::new(Reason::BadAnswer, "the file in the answer is not base64")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn scan(document: &str, piece: usize) -> Result<Vec<u8>> {
        let mut scanner = FieldScanner::new("Content");
        let mut bytes = Vec::new();
        for piece in document.as_bytes().chunks(piece.max(1)) {
            bytes.extend(scanner.push(piece)?);
        }
        scanner.end().map(|()| bytes)
    }

    proptest! {
        #[test]
        fn any_bytes_come_out_whole_wherever_the_stream_is_cut(bytes: Vec<u8>, piece in 1usize..40, name in ".{0,12}") {
            let packed = STANDARD.encode(&bytes).as_bytes().chunks(16).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n");
            let document = json!({ "Headers": name, "nested": { "Content": "no", "l": ["Content"] }, "Content": packed, "after": [1, "x"] });
            prop_assert_eq!(scan(&document.to_string(), piece).unwrap(), bytes.clone());
            let pretty = serde_json::to_string_pretty(&document).unwrap();
            prop_assert_eq!(scan(&pretty, piece).unwrap(), bytes);
        }
    }

    #[test]
    fn escapes_in_the_text_are_read() {
        assert_eq!(scan(r#"{"Content": "\u002b\/8="}"#, 1).unwrap(), STANDARD.decode("+/8=").unwrap());
    }

    #[test]
    fn a_null_is_an_empty_file_and_a_missing_key_is_an_error() {
        assert!(scan(r#"{"Content": null}"#, 3).unwrap().is_empty());
        assert!(scan(r#"{"Content": ""}"#, 3).unwrap().is_empty());
        assert!(scan(r#"{"a": "Content"}"#, 3).is_err());
    }

    #[test]
    fn a_cut_answer_is_never_a_file() {
        let whole = r#"{"id": 1, "Content": "AAAA"}"#;
        for cut in 0..whole.len() {
            assert!(scan(&whole[..cut], 7).is_err(), "{cut}");
        }
        assert!(scan(r#"{"Content": "AAA"}"#, 7).is_err());
    }
}
