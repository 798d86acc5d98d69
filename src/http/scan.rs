//! Files out of JSON, without holding them: finds one top-level string field in a stream of JSON and decodes
//! its base64 on the fly, wherever the stream is cut into chunks.
//!
//! The structure of the whole answer is checked, so that a truncated or foreign answer is never taken for a
//! file; the text of other strings is not.

use super::base64_pieces::Base64;
use serde::de::IgnoredAny;

const DEEPEST: usize = 128;
const LONGEST_KEY: usize = 256;
const LONGEST_LITERAL: usize = 512;

/// What is wrong with the answer, in words without any of its text.
pub(super) type Fault = &'static str;

/// Scans one JSON object for one field.
#[derive(Debug)]
pub(super) struct Scanner {
    wanted: Vec<u8>,
    /// True for an object, false for an array.
    open: Vec<bool>,
    state: State,
    key: Vec<u8>,
    literal: Vec<u8>,
    base64: Base64,
    found: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Start,
    KeyOrEnd,
    Key,
    Colon,
    Value,
    ValueOrEnd,
    CommaOrEnd,
    Literal,
    Text(Role, Escape),
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    Key,
    Other,
    Wanted,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Escape {
    None,
    Backslash,
    /// Digits read, and their value.
    Unicode(u8, u32),
}

impl Scanner {
    pub fn for_field(name: &str) -> Self {
        Self {
            wanted: name.as_bytes().to_vec(),
            open: vec![],
            state: State::Start,
            key: vec![],
            literal: vec![],
            base64: Base64::default(),
            found: false,
        }
    }

    /// Reads a chunk and appends what it decodes to `out`: at most three quarters of the chunk and two bytes.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        for byte in chunk {
            self.step(*byte, out)?;
        }
        self.base64.flush(out)
    }

    /// The stream ended. Appends the last bytes.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), Fault> {
        match self.state {
            State::Done if self.found => self.base64.finish(out),
            State::Done => Err("it lacks the field that holds the file"),
            State::Start => Err("it is empty"),
            _ => Err("it is cut off"),
        }
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) -> Result<(), Fault> {
        let space = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        match self.state {
            State::Text(role, escape) => return self.text(role, escape, byte, out),
            State::Literal if space || matches!(byte, b',' | b']' | b'}') => {
                serde_json::from_slice::<IgnoredAny>(&self.literal).map_err(|_| "it is not JSON")?;
                self.state = State::CommaOrEnd;
            }
            State::Literal if self.literal.len() < LONGEST_LITERAL => {
                self.literal.push(byte);
                return Ok(());
            }
            State::Literal => return Err("it is not JSON"),
            _ => {}
        }
        if space {
            return Ok(());
        }
        match (self.state, byte) {
            (State::Start, b'{') => self.enter(true),
            (State::Start, _) => Err("it is not a JSON object"),
            (State::KeyOrEnd | State::Key, b'"') => {
                self.key.clear();
                self.state = State::Text(Role::Key, Escape::None);
                Ok(())
            }
            (State::KeyOrEnd | State::ValueOrEnd | State::CommaOrEnd, b'}' | b']') => self.leave(byte == b'}'),
            (State::Colon, b':') => {
                self.state = State::Value;
                Ok(())
            }
            (State::CommaOrEnd, b',') => {
                self.state = if self.open.last() == Some(&true) { State::Key } else { State::Value };
                Ok(())
            }
            (State::Value | State::ValueOrEnd, _) => self.value(byte),
            _ => Err("it is not JSON"),
        }
    }

    fn value(&mut self, byte: u8) -> Result<(), Fault> {
        let wanted = self.open.len() == 1 && self.key == self.wanted;
        match byte {
            b'"' if wanted && self.found => return Err("it holds the field of the file twice"),
            b'"' if wanted => {
                self.found = true;
                self.state = State::Text(Role::Wanted, Escape::None);
            }
            _ if wanted => return Err("the field that should hold the file is not a text"),
            b'"' => self.state = State::Text(Role::Other, Escape::None),
            b'{' | b'[' => return self.enter(byte == b'{'),
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                self.literal.clear();
                self.literal.push(byte);
                self.state = State::Literal;
            }
            _ => return Err("it is not JSON"),
        }
        Ok(())
    }

    fn enter(&mut self, object: bool) -> Result<(), Fault> {
        if self.open.len() >= DEEPEST {
            return Err("it is nested too deeply");
        }
        self.open.push(object);
        self.state = if object { State::KeyOrEnd } else { State::ValueOrEnd };
        Ok(())
    }

    fn leave(&mut self, object: bool) -> Result<(), Fault> {
        if self.open.pop() != Some(object) {
            return Err("it is not JSON");
        }
        self.state = if self.open.is_empty() { State::Done } else { State::CommaOrEnd };
        Ok(())
    }

    fn text(&mut self, role: Role, escape: Escape, byte: u8, out: &mut Vec<u8>) -> Result<(), Fault> {
        let (next, decoded) = match (escape, byte) {
            (Escape::None, b'"') => {
                self.state = if role == Role::Key { State::Colon } else { State::CommaOrEnd };
                return Ok(());
            }
            (Escape::None, b'\\') => (Escape::Backslash, None),
            (Escape::None, 0..0x20) => return Err("it is not JSON"),
            (Escape::None, _) => (Escape::None, Some(byte)),
            (Escape::Backslash, b'u') => (Escape::Unicode(0, 0), None),
            (Escape::Backslash, _) => {
                let decoded = match byte {
                    b'"' | b'\\' | b'/' => byte,
                    b'b' => 0x08,
                    b'f' => 0x0c,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    _ => return Err("it is not JSON"),
                };
                (Escape::None, Some(decoded))
            }
            (Escape::Unicode(read, value), _) => {
                let digit = char::from(byte).to_digit(16).ok_or("it is not JSON")?;
                match (read, value * 16 + digit) {
                    // Beyond ASCII it is neither base64 nor part of a field's name: any such byte will do.
                    (3, value) => (Escape::None, Some(u8::try_from(value).ok().filter(u8::is_ascii).unwrap_or(0xff))),
                    (read, value) => (Escape::Unicode(read + 1, value), None),
                }
            }
        };
        self.state = State::Text(role, next);
        match (role, decoded) {
            (Role::Wanted, Some(byte)) => self.base64.push(byte, out),
            (Role::Key, Some(byte)) if self.key.len() < LONGEST_KEY => {
                self.key.push(byte);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;
    use serde_json::Value;

    fn scan(json: &[u8], borders: &[usize]) -> Result<Vec<u8>, Fault> {
        let mut borders: Vec<usize> = borders.iter().map(|b| b % (json.len() + 1)).collect();
        borders.extend([0, json.len()]);
        borders.sort_unstable();
        let (mut scanner, mut out) = (Scanner::for_field("Content"), vec![]);
        for pair in borders.windows(2) {
            let before = out.len();
            scanner.push(&json[pair[0]..pair[1]], &mut out)?;
            assert!(out.len() - before <= (pair[1] - pair[0]) * 3 / 4 + 3, "more came out than went in");
        }
        scanner.finish(&mut out)?;
        Ok(out)
    }

    /// What a parser that holds everything makes of it.
    fn held(json: &[u8]) -> Option<Vec<u8>> {
        let value: Value = serde_json::from_slice(json).ok()?;
        let text: String = value.get("Content")?.as_str()?.split_ascii_whitespace().collect();
        STANDARD.decode(text).ok()
    }

    #[test]
    fn escapes_and_white_space_are_read_as_vendors_write_them() {
        for (json, file) in [
            (r#"{"Content":"aGVs\nbG8=\n"}"#, "hello"),
            (r#"{"Id":7,"a":[{"Content":"eA=="}],"Content" : "\/\/\u002b\/ aGk=","z":null}"#, "\u{0}"),
            (r#"{"\u0043ontent":"aGk"}"#, "hi"),
            (r#"{"Content":""}"#, ""),
        ] {
            let out = scan(json.as_bytes(), &[]).unwrap();
            if file != "\u{0}" {
                assert_eq!(out, file.as_bytes(), "{json}");
            } else {
                assert_eq!(out, [0xff, 0xff, 0xbf, b'h', b'i']);
            }
        }
    }

    #[test]
    fn an_answer_that_is_no_file_is_never_taken_for_one() {
        for json in [
            "",
            " ",
            "<html>",
            "[]",
            "\"aGk=\"",
            "{}",
            r#"{"Content":null}"#,
            r#"{"Content":{"x":"aGk="}}"#,
            r#"{"content":"aGk="}"#,
            r#"{"a":{"Content":"aGk="}}"#,
            r#"{"Content":"aGk="#,
            r#"{"Content":"aGk=""#,
            r#"{"Content":"aGk=","Content":"aGk="}"#,
            r#"{"Content":"a"}"#,
            r#"{"Content":"a-b_"}"#,
            r#"{"Content":"aGk=="}"#,
            r#"{"Content":"aG=k"}"#,
            r#"{"Content":"aGk="}}"#,
            r#"{"Content":"aGk="]"#,
            r#"{"Content" "aGk="}"#,
            r#"{"Content":"aGk=",}"#,
            r#"{"a":tru,"Content":"aGk="}"#,
            r#"{"a":"\x","Content":"aGk="}"#,
            r#"{"Content":"\u00e9"}"#,
            "{\"Content\":\"aG\nk=\"}",
        ] {
            assert!(scan(json.as_bytes(), &[]).is_err(), "{json}");
        }
        let deep = format!(r#"{{"a":{}{},"Content":""}}"#, "[".repeat(5000), "]".repeat(5000));
        assert!(scan(deep.as_bytes(), &[]).is_err());
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("(Content|[a-z\"\\\\]{0,4})", inner, 0..4)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_same_file_comes_out_as_from_a_parser_that_holds_it(
            before in prop::collection::btree_map("[a-zé\"\\\\]{0,5}", json(), 0..4),
            after in prop::collection::btree_map("[A-B]{1,3}", json(), 0..3),
            file in prop::collection::vec(any::<u8>(), 0..300),
            line in 1usize..90,
            pretty: bool,
            borders in prop::collection::vec(any::<usize>(), 0..40),
        ) {
            let encoded = STANDARD.encode(&file);
            let lines: Vec<&str> = encoded.as_bytes().chunks(line).map(|c| std::str::from_utf8(c).unwrap()).collect();
            let mut object: serde_json::Map<String, Value> = before.into_iter().collect();
            object.insert("Content".into(), lines.join("\n").into());
            object.extend(after);
            let json = if pretty { serde_json::to_vec_pretty(&object) } else { serde_json::to_vec(&object) }.unwrap();
            prop_assert_eq!(scan(&json, &borders), Ok(file));
        }

        #[test]
        fn a_damaged_answer_gives_the_same_file_as_the_parser_or_none(
            file in prop::collection::vec(any::<u8>(), 0..60),
            at: usize,
            with: u8,
            cut: bool,
        ) {
            let json = serde_json::json!({"a": [1, {"b": "c"}], "Content": STANDARD.encode(&file), "z": 1.5});
            let mut json = serde_json::to_vec(&json).unwrap();
            let at = at % json.len();
            if cut { json.truncate(at) } else { json[at] = with }
            match scan(&json, &[at]) {
                Ok(out) if std::str::from_utf8(&json).is_ok() => {
                    // Forgiven: base64 without its padding.
                    prop_assert!(held(&json).is_none_or(|held| held == out));
                    prop_assert!(serde_json::from_slice::<Value>(&json).is_ok());
                }
                Ok(_) => {}
                Err(_) => prop_assert_eq!(held(&json), None),
            }
        }
    }
}
