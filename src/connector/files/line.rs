//! One line of a JSONL file: a canonical record, read strictly and written in one way.

use super::folder;
use crate::error::{Problem, Reason, Result};
use crate::record::{Attachment, Body, Kind, Record};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

/// Longest line that is read: a ticket with all its messages, without its files.
pub const LONGEST: u64 = 64 << 20;
/// The key in which a folder we wrote names our own record.
pub const MARKER_KEY: &str = "deskferry";

/// Keys that hold the id of a record, or several.
const IDS: [&str; 20] = [
    "id",
    "number",
    "key",
    "requester",
    "submitter",
    "assignee",
    "group",
    "company",
    "brand",
    "author",
    "agent",
    "section",
    "category",
    "parent",
    "to",
    "requesters",
    "ccs",
    "followers",
    "companies",
    "groups",
];
/// Keys whose values are of any sort.
const FREE: [&str; 2] = ["value", "satisfaction"];

/// The lines of a file from a place on. Never holds more than one.
pub struct Lines<R> {
    reader: R,
    /// Bytes before the next line.
    pub offset: u64,
    /// Lines before the next one.
    pub number: u64,
}

impl<R: Read + Seek> Lines<BufReader<R>> {
    pub fn from(file: R, offset: u64, number: u64) -> Result<Self> {
        let mut reader = BufReader::with_capacity(64 << 10, file);
        reader.seek(SeekFrom::Start(offset))?;
        Ok(Lines { reader, offset, number })
    }

    /// The next line without its end, if there is one. A line that the file's end cuts is given like any other.
    ///
    /// Errors: `config` for a line that is too long, which is passed over; `disk`.
    pub fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let read = (&mut self.reader).take(LONGEST + 1).read_until(b'\n', &mut line)? as u64;
        if read > LONGEST {
            self.offset += read + self.rest_of_line()?;
            self.number += 1;
            let what = format!("longer than {} MiB", LONGEST >> 20);
            return Err(Problem::new(Reason::Config, what).hint("files belong into `attachments/`, not into the line"));
        }
        if read == 0 {
            return Ok(None);
        }
        self.offset += read;
        self.number += 1;
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        if self.number == 1 && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        Ok(Some(line))
    }
}

impl<R: Read> Lines<BufReader<R>> {
    /// Passes over what is left of a line. Gives its bytes.
    fn rest_of_line(&mut self) -> Result<u64> {
        let mut passed = 0;
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok(passed);
            }
            let end = buffer.iter().position(|b| *b == b'\n');
            let used = end.map_or(buffer.len(), |at| at + 1);
            self.reader.consume(used);
            passed += used as u64;
            if end.is_some() {
                return Ok(passed);
            }
        }
    }
}

/// Reads a line as JSON.
///
/// Errors: `config`, without the line's text.
pub fn parse(line: &[u8]) -> Result<Value> {
    serde_json::from_slice(line).map_err(|e| {
        let category = match e.classify() {
            serde_json::error::Category::Eof => "the line ends before its object does",
            _ => "not a JSON object",
        };
        Problem::new(Reason::Config, format!("column {}: {category}", e.column()))
            .hint("one record a line, with no line break inside; `jq -c . FILE` writes it so")
    })
}

/// Makes the canonical record of a row. `kind` may be left out of it; a key no record has is an error.
///
/// Errors: `config`, naming the record and the key; never a text of it.
pub fn record(kind: Kind, row: &Value) -> Result<Record> {
    let wrong = |what: String| Problem::new(Reason::Config, what);
    let Value::Object(map) = row else {
        return Err(wrong("not an object".into()).hint("a line is one record: {\"id\": …}"));
    };
    let mut map: Map<String, Value> = map.clone();
    map.shift_remove(MARKER_KEY);
    ids_as_texts(&mut map);
    let id = match map.get("id") {
        Some(Value::String(id)) if !id.is_empty() => id.clone(),
        None | Some(Value::Null | Value::String(_)) => {
            return Err(wrong("has no `id`".into()).hint("`id` is a text, and no other record of the file has it"));
        }
        Some(_) => return Err(wrong("`id` is no text and no whole number".into())),
    };
    let given = map.entry("kind").or_insert_with(|| kind.code().into());
    if given.as_str() != Some(kind.code()) {
        return Err(wrong(format!("{kind} {id}: `kind` is not {kind}")).hint("each kind has a file of its own"));
    }
    let row = Value::Object(map);
    let record: Record =
        serde_json::from_value(row.clone()).map_err(|e| wrong(format!("{kind} {id}: {}", said(&e.to_string()))))?;
    let whole = serde_json::to_value(&record).map_err(|e| wrong(format!("{kind} {id}: {e}")))?;
    if let Some(key) = unknown(&row, &whole, "") {
        return Err(wrong(format!("{kind} {id}: unknown key `{key}`")).hint("docs/files.md lists the keys"));
    }
    stays_inside(&record)?;
    Ok(record)
}

/// Programs that write JSON give ids as numbers: a whole one is taken for its digits, wherever a record names itself or another.
fn ids_as_texts(map: &mut Map<String, Value>) {
    for (key, value) in map {
        match value {
            _ if FREE.contains(&key.as_str()) => {}
            Value::Number(_) if IDS.contains(&key.as_str()) => digits(value),
            Value::Array(all) if IDS.contains(&key.as_str()) => all.iter_mut().for_each(digits),
            Value::Array(all) => all.iter_mut().filter_map(Value::as_object_mut).for_each(ids_as_texts),
            _ => {}
        }
    }
}

fn digits(value: &mut Value) {
    if let Value::Number(number) = value
        && (number.is_i64() || number.is_u64())
    {
        *value = number.to_string().into();
    }
}

/// The record of a row that was read strictly before it was staged.
pub fn staged(kind: Kind, row: &Value) -> Result<Record> {
    if let Some(why) = super::rows::why_unreadable(row) {
        return Err(why);
    }
    match Record::deserialize(row) {
        Ok(record) if record.kind() == kind && !record.id.is_empty() => {
            stays_inside(&record)?;
            Ok(record)
        }
        // `kind` is left out of it, or a person changed the stage: then it is told what is wrong.
        _ => record(kind, row),
    }
}

/// The files of a record, and of its messages.
pub fn files(record: &Record) -> Vec<&Attachment> {
    match &record.body {
        Body::Ticket(ticket) => ticket.comments.iter().flat_map(|comment| &comment.attachments).collect(),
        Body::Article(article) => article.attachments.iter().collect(),
        _ => vec![],
    }
}

fn stays_inside(record: &Record) -> Result<()> {
    let inside = |file: &Attachment| folder::stays_inside(&file.source);
    files(record).into_iter().try_for_each(inside).map_err(|p| p.at(format!("{} {}", record.kind(), record.id)))
}

/// What serde says without the value it says it about: a value may be a message.
pub fn said(error: &str) -> String {
    let shown = error.split(" at line ").next().unwrap_or(error);
    match (shown.split_once('"'), shown.rsplit_once('"')) {
        (Some((before, _)), Some((_, after))) if shown.starts_with("invalid type") => format!("{before}…{after}"),
        _ => shown.to_owned(),
    }
}

/// The first key that `whole`, the same record written again, does not have.
fn unknown(row: &Value, whole: &Value, place: &str) -> Option<String> {
    match (row, whole) {
        (Value::Object(row), Value::Object(whole)) => {
            row.iter().filter(|(_, v)| !v.is_null()).find_map(|(key, value)| {
                let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                match whole.get(key) {
                    None => Some(place),
                    Some(known) => unknown(value, known, &place),
                }
            })
        }
        (Value::Array(row), Value::Array(whole)) => {
            let mut pairs = row.iter().zip(whole).enumerate();
            pairs.find_map(|(at, (row, whole))| unknown(row, whole, &format!("{place}[{at}]")))
        }
        _ => None,
    }
}

/// A record as the line of a folder we write, with its end.
pub fn written(record: &Value, marker: &str) -> Vec<u8> {
    let mut line = Map::new();
    line.insert("kind".into(), record["kind"].clone());
    line.extend(record.as_object().cloned().unwrap_or_default());
    line.insert(MARKER_KEY.into(), marker.into());
    let mut line = Value::Object(line).to_string().into_bytes();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::io::Cursor;

    fn complaint(row: Value) -> String {
        record(Kind::Ticket, &row).unwrap_err().what
    }

    #[test]
    fn a_wrong_record_is_told_by_its_key_and_never_by_its_text() {
        let message = json!({ "id": "1", "format": "text", "body": "secret", "bdoy": "secret" });
        assert_eq!(complaint(json!({ "id": "7", "comments": [message] })), "ticket 7: unknown key `comments[0].bdoy`");
        assert_eq!(complaint(json!({ "id": "7", "kind": "contact" })), "ticket 7: `kind` is not ticket");
        assert_eq!(complaint(json!({ "subject": "secret" })), "has no `id`");
        assert_eq!(complaint(json!({ "id": 1.5 })), "`id` is no text and no whole number");
        assert_eq!(complaint(json!(["secret"])), "not an object");
        let wrong = complaint(json!({ "id": "7", "tags": "secret \" word" }));
        assert!(wrong.starts_with("ticket 7: invalid type") && !wrong.contains("secret"), "{wrong}");
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let mut text = vec![b'x'; LONGEST as usize + 10];
        text.extend_from_slice(b"\n{}\n");
        let mut lines = Lines::from(Cursor::new(text), 0, 0).unwrap();
        assert_eq!(lines.next().unwrap_err().reason, Reason::Config);
        assert_eq!((lines.next().unwrap().unwrap(), lines.number), (b"{}".to_vec(), 2));
    }

    #[test]
    fn a_short_record_is_whole() {
        let read = record(Kind::Contact, &json!({ "id": "7", "number": null, "emails": ["a@b.example"] })).unwrap();
        assert_eq!(read.kind(), Kind::Contact);
    }

    #[test]
    fn ids_that_are_numbers_are_their_digits_and_values_stay_numbers() {
        let message = json!({ "id": 5, "author": 8, "format": "text", "body": "b" });
        let custom = json!({ "key": 360, "value": 360 });
        let row = json!({ "id": 35436, "requester": 8, "ccs": [9, "c"], "comments": [message], "custom": [custom] });
        let read = serde_json::to_value(record(Kind::Ticket, &row).unwrap()).unwrap();
        assert_eq!((&read["id"], &read["requester"], &read["ccs"]), (&json!("35436"), &json!("8"), &json!(["9", "c"])));
        assert_eq!((&read["comments"][0]["id"], &read["comments"][0]["author"]), (&json!("5"), &json!("8")));
        assert_eq!((&read["custom"][0]["key"], &read["custom"][0]["value"]), (&json!("360"), &json!(360)));
    }

    #[test]
    fn a_staged_row_gives_the_record_it_was_read_as() {
        let message = json!({ "id": "1", "format": "text", "body": "text", "visibility": "public" });
        for row in [
            json!({ "kind": "ticket", "id": "7", "comments": [message], MARKER_KEY: "deskferry:x" }),
            json!({ "id": "7", "number": null }),
        ] {
            assert_eq!(staged(Kind::Ticket, &row).unwrap(), record(Kind::Ticket, &row).unwrap());
        }
        assert!(staged(Kind::Ticket, &json!({ "kind": "contact", "id": "7" })).is_err());
        let file = json!({ "id": "1", "name": "a", "source": "../../etc/passwd" });
        let article = json!({ "kind": "article", "id": "7", "title": "t", "attachments": [file] });
        assert!(staged(Kind::Article, &article).is_err());
    }

    #[test]
    fn lines_go_on_where_they_stopped_whatever_ends_them() {
        let text = b"\xef\xbb\xbf{}\r\n\n[1]\n\"cut".to_vec();
        let mut lines = Lines::from(Cursor::new(text.clone()), 0, 0).unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), b"{}");
        let (offset, number) = (lines.offset, lines.number);
        let mut rest = Lines::from(Cursor::new(text), offset, number).unwrap();
        assert_eq!(rest.next().unwrap().unwrap(), b"");
        assert_eq!(rest.next().unwrap().unwrap(), b"[1]");
        assert_eq!((rest.next().unwrap().unwrap(), rest.number), (b"\"cut".to_vec(), 4));
        assert_eq!(rest.next().unwrap(), None);
    }
}
