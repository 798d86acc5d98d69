//! What the look-alikes promise, by what they say is stored in them: the tickets that must be found in any desk they were
//! moved to.
//!
//! Their subjects repeat: a ticket is known by its number, which stands before its subject here and, by the marker, in what
//! was found in the target ([`numbered`]).

pub mod freshdesk;
pub mod zendesk;

use super::json::{id, names, rows, shown, text};
use super::target::Target;
use super::text::{entities, squeezed_line};
use crate::seed::expected::{Alike, Custom, File, Person};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

pub fn trials() -> Vec<libtest_mimic::Trial> {
    crate::harness::trials![Nothing: a_mark_is_found_whatever_stands_around_it]
}

/// Longest subject, in characters.
const SUBJECT: usize = 255;
/// Longest name of a file, in bytes.
const FILE_NAME: usize = 255;

/// A custom field: what the source calls it, the title of the one that takes it, and when two values are the same.
pub type Field<'a> = (&'a str, &'a str, Alike);

/// Puts the number of the ticket an issue was before its subject.
pub fn numbered(target: &mut Target, marker: &str) {
    for issue in &mut target.issues {
        let held = issue.custom.get(marker).and_then(|values| values.first()).cloned().unwrap_or_default();
        if let Some(id) = held.rsplit_once(":ticket:").and_then(|(_, id)| id.parse().ok()) {
            issue.subject = subject(id, &issue.subject);
        }
    }
}

/// Words messages begin with: `zd12c3s1`, message 3 of ticket 12; `fd12`, the first of another, and `fd12-3`.
pub fn marks(body: &str) -> Vec<String> {
    let is_mark = |word: &&str| {
        let rest = word.strip_prefix("zd").or_else(|| word.strip_prefix("fd"));
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let body = entities(body);
    let words = body.split(|c: char| !c.is_alphanumeric() && c != '-');
    words.filter(is_mark).map(|word| word.trim_end_matches('-').to_owned()).collect()
}

/// Tags of every ticket that is there and has some, by its number.
pub fn tags(state: &Value) -> BTreeMap<u64, Vec<String>> {
    let tags = |row: &Value| rows(&row["tags"]).iter().map(text).collect::<Vec<_>>();
    let all = rows(&state["tickets"]).iter().filter(|row| gone(row).is_none());
    all.map(|row| (id(&row["id"]), tags(row))).filter(|(_, tags)| !tags.is_empty()).collect()
}

/// A person by id; of one who is in no list the id is all that is known.
fn whoever(people: &HashMap<u64, Person>, user: &Value) -> Person {
    // An id is no name.
    let nobody = || Person { name: None, email: None, login: "somebody no longer known".to_owned() };
    people.get(&id(user)).cloned().unwrap_or_else(nobody)
}

/// Why a ticket must be found nowhere.
fn gone(row: &Value) -> Option<&'static str> {
    ["deleted", "spam"].into_iter().find(|why| row[*why] == true)
}

/// The number, and what of the subject no desk changes.
fn subject(id: u64, subject: &str) -> String {
    let words: Vec<&str> = subject.split_whitespace().collect();
    let short: String = words.join(" ").chars().take(SUBJECT).collect();
    format!("[{id}] {}", squeezed_line(&short))
}

/// What stands between two tags, whatever they become.
fn phrases(html: &str) -> Vec<String> {
    let pieces = html.split('<').filter_map(|piece| Some(piece.split_once('>')?.1.trim()));
    pieces.filter(|piece| !piece.is_empty()).map(str::to_owned).collect()
}

/// No name is held that hides its file; and none that is a path, or too long: then any may be given.
fn file(file: &Value) -> File {
    let name = text(&file["name"]).trim_start_matches('.').to_owned();
    let bad = name.contains("..") || name.len() > FILE_NAME;
    File {
        name: if bad { String::new() } else { name },
        mime: text(&file["content_type"]),
        sha256: text(&file["sha256"]),
        size: id(&file["size"]),
        inline: file["inline"] == true,
        bytes: vec![],
        content_id: String::new(),
    }
}

/// The values a ticket has in `fields`; several in one field as one text. `shown`: what people read of the value of a field.
fn custom(fields: &[Field], shown: impl Fn(&str) -> Vec<String>) -> BTreeMap<String, Custom> {
    let held = |(own, title, alike): &Field| {
        let values = shown(own);
        (!values.is_empty()).then(|| ((*title).to_owned(), Custom { values: vec![values.join(", ")], alike: *alike }))
    };
    fields.iter().filter_map(held).collect()
}

fn instant(at: &Value) -> Result<jiff::Timestamp, String> {
    text(at).parse().map_err(|e| format!("{at}: {e}"))
}

fn a_mark_is_found_whatever_stands_around_it() {
    assert_eq!(marks("<p>fd4-0</p> zd12c3s1, fd7&#45;2 and fd8- fdx"), ["fd4-0", "zd12c3s1", "fd7-2", "fd8"]);
}
