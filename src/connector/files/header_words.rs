//! The words people and exports write over a column, beside the name of its field. A word stands here only if it means one field of
//! its table wherever it is met.

use super::fields::{ATTACHMENT, COMMENT};
use crate::mapping::label;

/// Words people write over a column, and the field they mean: for every table, then for single ones.
const ALSO: &[(&str, &str)] = &[
    ("created", "created_at"),
    ("created on", "created_at"),
    ("updated", "updated_at"),
    ("updated on", "updated_at"),
    ("tag", "tags"),
];
const ALSO_TICKET: &[(&str, &str)] = &[
    ("ticket id", "id"),
    ("ticket number", "id"),
    ("issue key", "id"),
    ("summary", "subject"),
    ("title", "subject"),
    ("short description", "subject"),
    ("cc", "ccs"),
    ("requester name", "requester"),
    ("requester email", "requester"),
    ("requester e mail", "requester"),
    ("assignee name", "assignee"),
    ("assignee email", "assignee"),
    ("due date", "due_at"),
];
const ALSO_PERSON: &[(&str, &str)] = &[
    ("contact id", "id"),
    ("user id", "id"),
    ("full name", "name"),
    ("email", "emails"),
    ("e mail", "emails"),
    ("mail", "emails"),
    ("email address", "emails"),
    ("e mail address", "emails"),
    ("phone", "phones"),
    ("phone number", "phones"),
    ("work phone", "phones"),
    ("mobile phone", "phones"),
    ("mobile", "phones"),
    ("company", "companies"),
    ("organization", "companies"),
    ("group", "groups"),
    ("language", "locale"),
];
const ALSO_COMMENT: &[(&str, &str)] = &[
    ("ticket id", "ticket"),
    ("ticket number", "ticket"),
    ("issue key", "ticket"),
    ("author name", "author"),
    ("author email", "author"),
    ("comment", "body"),
    ("message", "body"),
    ("text", "body"),
    ("date", "created_at"),
];

/// Other words for fields of a table.
pub fn also(table: &str) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    let own: &[_] = match table {
        "ticket" => ALSO_TICKET,
        "agent" | "contact" => ALSO_PERSON,
        "company" => &[("company id", "id"), ("company name", "name"), ("domain", "domains")],
        COMMENT => ALSO_COMMENT,
        ATTACHMENT => &[("ticket id", "ticket"), ("comment id", "comment"), ("path", "source"), ("file", "source")],
        _ => &[],
    };
    own.iter().chain(ALSO)
}

/// A header as it is spoken: in small letters, with single blanks.
pub fn spoken(text: &str) -> String {
    label::key(&text.replace(['_', '-'], " "))
}
