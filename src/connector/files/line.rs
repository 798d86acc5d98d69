//! One line of a JSONL file: a canonical record, read strictly and written in one way.

use super::folder;
use super::once::Once;
use crate::error::{Problem, Reason, Result};
use crate::record::{Attachment, Body, Comment, Direction, Kind, Record, Visibility};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
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
    /// Errors: `bad_export` for a line that is too long, which is passed over; `disk`.
    pub fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let read = (&mut self.reader).take(LONGEST + 1).read_until(b'\n', &mut line)? as u64;
        if read > LONGEST {
            self.offset += read + self.rest_of_line()?;
            self.number += 1;
            let what = format!("longer than {} MiB", LONGEST >> 20);
            return Err(
                Problem::new(Reason::BadExport, what).hint("files belong into `attachments/`, not into the line")
            );
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
/// Errors: `bad_export`, without the line's text.
pub fn parse(line: &[u8]) -> Result<Value> {
    let once: serde_json::Result<Once> = serde_json::from_slice(line);
    once.map(|Once(value)| value).map_err(|e| {
        let (category, hint) = match e.classify() {
            serde_json::error::Category::Eof => ("the line ends before its object does".to_owned(), ONE_A_LINE),
            serde_json::error::Category::Data => {
                (said(&e.to_string()), "keep one of them, or give each a key of its own")
            }
            _ => ("not a JSON object".to_owned(), ONE_A_LINE),
        };
        Problem::new(Reason::BadExport, format!("column {}: {category}", e.column())).hint(hint)
    })
}

const ONE_A_LINE: &str = "one record a line, with no line break inside; `jq -c 'if type == \"array\" then .[] else . end' FILE` writes it so";

/// Makes the canonical record of a row. `kind` may be left out of it; a key no record has is an error.
///
/// Errors: `bad_export`, naming the record and the key; never a text of it.
pub fn record(kind: Kind, row: &Value) -> Result<Record> {
    let wrong = |what: String| Problem::new(Reason::BadExport, what);
    let Value::Object(map) = row else {
        let hint = if row.is_array() { ONE_A_LINE } else { "a line is one record: {\"id\": …}" };
        return Err(wrong("not an object".into()).hint(hint));
    };
    let mut map: Map<String, Value> = map.clone();
    map.shift_remove(MARKER_KEY);
    ids_as_texts(&mut map);
    internal_is_private(&mut map);
    let id = match map.get("id") {
        Some(Value::String(id)) if !id.is_empty() => id.clone(),
        None | Some(Value::Null | Value::String(_)) => {
            return Err(wrong("has no `id`".into()).hint("`id` must be a text that no other record of the file has"));
        }
        Some(_) => return Err(wrong("`id` is neither text nor a whole number".into())),
    };
    let given = map.entry("kind").or_insert_with(|| kind.code().into());
    if given.as_str() != Some(kind.code()) {
        return Err(wrong(format!("{kind} {id}: `kind` is not {kind}")).hint("each kind has a file of its own"));
    }
    let row = Value::Object(map);
    let record: Record = serde_json::from_value(row.clone())
        .map_err(|e| wrong(format!("{kind} {id}: {}", reasons(kind, &row, &e).join("; "))).hint(KEYS))?;
    let whole = serde_json::to_value(&record).map_err(|e| wrong(format!("{kind} {id}: {e}")))?;
    if let Some(key) = unknown(&row, &whole, "") {
        return Err(wrong(format!("{kind} {id}: unknown key `{key}`")).hint(KEYS));
    }
    stays_inside(&record)?;
    Ok(record)
}

const KEYS: &str = "docs/files.md lists the keys and how their values are written";

/// What is wrong with a record, key by key; as a whole, where no key alone is to blame.
fn reasons(kind: Kind, row: &Value, whole: &serde_json::Error) -> Vec<String> {
    let mut all = Vec::new();
    for (key, value) in row.as_object().into_iter().flatten() {
        let comments = value.as_array().filter(|_| key == "comments");
        let of_comments = comments.into_iter().flatten().enumerate().flat_map(|(at, comment)| {
            let bare = json!({ "id": "1", "format": "text", "body": "" });
            let found = blamed::<Comment>(&bare, comment).into_iter();
            found.map(move |(key, why)| format!("`comments[{at}]{key}`: {why}"))
        });
        let before = all.len();
        all.extend(of_comments);
        if all.len() == before && !["id", "kind"].contains(&key.as_str()) {
            let bare = json!({ "id": "1", "kind": kind.code() });
            all.extend(
                blamed::<Record>(&bare, &json!({ key: value })).into_iter().map(|(_, why)| format!("`{key}`: {why}")),
            );
        }
    }
    if all.is_empty() { vec![said(&whole.to_string())] } else { all }
}

/// The keys of an object whose values no record of this sort takes, each after a dot, and why; no key, where one is missing.
fn blamed<T: DeserializeOwned>(bare: &Value, object: &Value) -> Vec<(String, String)> {
    let why = |value: Value| serde_json::from_value::<T>(value).err().map(|e| said(&e.to_string()));
    if why(bare.clone()).is_some() {
        return vec![];
    }
    let with = |key: &String, value: &Value| {
        let mut one = bare.clone();
        one[key] = value.clone();
        why(one).map(|why| (format!(".{key}"), why))
    };
    let of_keys: Vec<_> =
        object.as_object().into_iter().flatten().filter_map(|(key, value)| with(key, value)).collect();
    match of_keys.is_empty() && bare.get("kind").is_none() {
        true => why(object.clone()).map(|why| (String::new(), why)).into_iter().collect(),
        false => of_keys,
    }
}

/// A message that calls itself internal and says nothing of who may read it is for agents alone.
fn internal_is_private(map: &mut Map<String, Value>) {
    for comment in map.get_mut("comments").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(comment) = comment.as_object_mut() else { continue };
        if comment.get("direction") == Some(&json!(Direction::Internal)) {
            comment.entry("visibility").or_insert_with(|| json!(Visibility::Private));
        }
    }
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
    let inside = |file: &Attachment| folder::stays_inside(file.source.as_str());
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

/// A record as a line holds it.
///
/// Errors: `internal`; no type of a record has a value that JSON cannot hold.
pub fn value(record: &Record) -> Result<Value> {
    serde_json::to_value(record)
        .map_err(|e| Problem::new(Reason::Internal, format!("the record {} cannot be written: {e}", record.id)))
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
        assert_eq!(complaint(json!({ "id": 1.5 })), "`id` is neither text nor a whole number");
        assert_eq!(complaint(json!(["secret"])), "not an object");
        let list = record(Kind::Ticket, &json!([{ "id": "1" }])).unwrap_err();
        assert!(list.hint.is_some_and(|hint| hint.contains("then .[] else . end")), "a file that is one list");
        let wrong = complaint(json!({ "id": "7", "tags": "secret \" word" }));
        assert!(wrong.starts_with("ticket 7: `tags`: invalid type") && !wrong.contains("secret"), "{wrong}");
    }

    #[test]
    fn each_key_that_cannot_be_read_is_named() {
        let message = json!({ "id": "1", "format": "text", "body": "b", "created_at": "2024-05-01 soon" });
        let row = json!({ "id": "7", "tags": "a,b", "created_at": 17, "comments": [message] });
        let problem = record(Kind::Ticket, &row).unwrap_err();
        for key in ["`tags`: ", "`created_at`: ", "`comments[0].created_at`: "] {
            assert!(problem.what.contains(key), "{}", problem.what);
        }
        assert_eq!(problem.hint.as_deref(), Some(KEYS));
        let lacks = complaint(json!({ "id": "7", "comments": [{ "id": "1", "format": "text" }] }));
        assert_eq!(lacks, "ticket 7: `comments[0]`: missing field `body`");
    }

    #[test]
    fn a_key_that_is_there_twice_is_named_and_none_of_its_values_is_taken() {
        for (line, key) in [
            (r#"{"id":"1","subject":"a","subject":"b"}"#, "subject"),
            (r#"{"id":"1","custom":[{"key":1,"key":1}]}"#, "key"),
        ] {
            let what = parse(line.as_bytes()).unwrap_err().what;
            assert!(what.ends_with(&format!("the key `{key}` appears twice")), "{what}");
        }
        let line = r#"{"id":"1","a":[1,-2,2.5,true,null,"x",{"b":{}}]}"#;
        assert_eq!(parse(line.as_bytes()).unwrap().to_string(), line);
    }

    #[test]
    fn an_internal_message_that_says_nothing_of_its_readers_is_private() {
        let message = |id: &str| json!({ "id": id, "format": "text", "body": "b", "direction": "internal" });
        let mut shown = message("2");
        shown["visibility"] = "public".into();
        let read = record(Kind::Ticket, &json!({ "id": "7", "comments": [message("1"), shown] })).unwrap();
        let Body::Ticket(ticket) = read.body else { panic!("a ticket") };
        let readers: Vec<_> = ticket.comments.iter().map(|comment| comment.visibility).collect();
        assert_eq!(readers, [Visibility::Private, Visibility::Public]);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let mut text = vec![b'x'; LONGEST as usize + 10];
        text.extend_from_slice(b"\n{}\n");
        let mut lines = Lines::from(Cursor::new(text), 0, 0).unwrap();
        assert_eq!(lines.next().unwrap_err().reason, Reason::BadExport);
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
