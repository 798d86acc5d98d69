//! Messages and files in a folder of tables: rows of tables of their own, put into the ticket they name.
//!
//! Only the places of the rows are held in memory.

use super::columns::Columns;
use super::fields::{ATTACHMENT, COMMENT, DESCRIPTION, FILES, MESSAGES, NOTES};
use super::marks::Marks;
use super::named::Named;
use super::spelled::{self, Spelled};
use super::table::{Row, Table};
use crate::error::Result;
use crate::record::{Attachment, Comment, Format, Visibility};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Where the messages and files of each ticket stand.
#[derive(Default)]
pub struct Children {
    pub comments: Marks,
    pub files: Marks,
}

/// The tables of messages and files while tickets are read.
#[derive(Default)]
pub struct Readers<'a> {
    pub comments: Option<Table<'a>>,
    pub files: Option<Table<'a>>,
    /// Where the files lie.
    pub folder: Option<&'a Spelled>,
}

impl Children {
    /// Completes a ticket with its messages: those of its own columns, then the rows of the other tables. What cannot be read of
    /// them is added to the faults of the ticket: it is not written without them.
    pub fn join(&self, ticket: &mut Row, said: &Columns, readers: &mut Readers<'_>, named: &Named) -> Result<()> {
        let id = ticket.fields.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let own = own_files(&ticket.fields, &id, said, readers.folder).ok().unwrap_or_default();
        ticket.fields.shift_remove(FILES);
        let mut comments = own_messages(&mut ticket.fields, &id, said.format.unwrap_or(Format::Text));
        for (at, mut row) in rows(&self.comments, readers.comments.as_mut(), &id)?.into_iter().enumerate() {
            ticket.faults.extend(row.faults);
            if let Some(table) = readers.comments.as_ref() {
                let wrong = named.wrong_in(COMMENT, &row.fields).into_iter();
                ticket.faults.extend(wrong.map(|(field, wrong)| table.named(row.spot, field, wrong)));
            }
            named.resolve(COMMENT, &mut row.fields);
            comments.push(Value::Object(message(row.fields, &format!("{id}-{}", at + 1), said)));
        }
        for (at, row) in rows(&self.files, readers.files.as_mut(), &id)?.into_iter().enumerate() {
            ticket.faults.extend(row.faults.clone());
            let Some(table) = readers.files.as_ref() else { continue };
            let files = match files(&row.fields, &format!("{id}-file-{}", at + 1), said, readers.folder) {
                Ok(files) => files,
                Err((field, what, hint)) => {
                    ticket.faults.push(table.fault(row.spot, field, what, hint));
                    continue;
                }
            };
            for file in files {
                if let Err(what) = attach(file, &mut comments) {
                    ticket.faults.push(table.fault(row.spot, "comment", what, WHICH.into()));
                }
            }
        }
        if !own.is_empty() && comments.is_empty() {
            let requester = ticket.fields.get("requester");
            comments.push(json!({ "id": format!("{id}-0"), "body": "", "format": Format::Text, "author": requester }));
        }
        // There is a first message now.
        own.into_iter().for_each(|file| drop(attach(file, &mut comments)));
        if !comments.is_empty() {
            if !said.is_ours() {
                begun_by(&mut ticket.fields, &comments);
            }
            ticket.fields.insert("comments".into(), Value::Array(comments));
        }
        Ok(())
    }
}

/// A ticket that names no requester is of whoever wrote its first public message, and one without a date began with its earliest.
fn begun_by(ticket: &mut Map<String, Value>, comments: &[Value]) {
    let at = |comment: &&Value| comment["created_at"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    let is_public = |comment: &&Value| comment["visibility"] != json!(Visibility::Private);
    let mut public: Vec<&Value> = comments.iter().filter(is_public).collect();
    public.sort_by_key(at);
    if let Some(author) = public.first().and_then(|comment| comment["author"].as_str()) {
        ticket.entry("requester").or_insert_with(|| author.into());
    }
    if let Some(first) = comments.iter().filter_map(|comment| at(&comment)).min() {
        ticket.entry("created_at").or_insert_with(|| json!(first));
    }
}

/// What is said of a file that finds no message begins so.
pub const NO_MESSAGE: &str = "the ticket has no message";

/// Takes out what becomes messages.
pub fn strip(ticket: &mut Map<String, Value>) {
    for field in [DESCRIPTION, MESSAGES, NOTES, FILES] {
        ticket.shift_remove(field);
    }
}

/// What helps a file that finds no message.
const WHICH: &str = "`comment` is the id of the message; without it the file belongs to the first";

/// The messages that stand in a ticket's own row: its description, and columns of messages.
fn own_messages(ticket: &mut Map<String, Value>, id: &str, format: Format) -> Vec<Value> {
    let mut comments = Vec::new();
    if let Some(body) = ticket.shift_remove(DESCRIPTION) {
        comments.push(json!({
            "id": format!("{id}-0"), "body": body, "format": format, "author": ticket.get("requester"),
            "created_at": ticket.get("created_at"), "visibility": Visibility::Public,
        }));
    }
    let mut journal = Vec::new();
    for (field, visibility) in [(MESSAGES, Visibility::Public), (NOTES, Visibility::Private)] {
        let cells = ticket.shift_remove(field);
        for (at, cell) in cells.as_ref().and_then(Value::as_array).into_iter().flatten().enumerate() {
            let mut message = cell.clone();
            message["id"] = format!("{id}-{field}-{}", at + 1).into();
            message["format"] = json!(format);
            // What a message says of itself cannot make it more public than its column.
            let private = message["visibility"] == json!(Visibility::Private);
            message["visibility"] = if private { json!(Visibility::Private) } else { json!(visibility) };
            journal.push(message);
        }
    }
    // They stand side by side in the row, and follow one another in the ticket.
    journal.sort_by_key(|message| message["created_at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok()));
    comments.extend(journal);
    comments
}

/// A row of the table of messages as a message.
pub fn message(mut fields: Map<String, Value>, id: &str, said: &Columns) -> Map<String, Value> {
    fields.shift_remove("ticket");
    fields.entry("id").or_insert_with(|| id.into());
    fields.entry("format").or_insert_with(|| json!(said.format.unwrap_or(Format::Text)));
    fields.entry("body").or_insert_with(|| json!(""));
    fields
}

/// What is wrong with a row: the field, what, and what helps.
pub type Complaint = (&'static str, String, String);

/// A row of the table of files: one file, or those its cell lists.
///
/// Errors: what is wrong with the row.
pub fn files(
    fields: &Map<String, Value>,
    id: &str,
    said: &Columns,
    folder: Option<&Spelled>,
) -> Result<Vec<Map<String, Value>>, Complaint> {
    let Some(source) = fields.get("source").and_then(Value::as_str) else {
        let hint = "`source` is the path of the file below the folder, such as attachments/17/a.pdf";
        return Err(("source", "names no file".into(), hint.into()));
    };
    let sources = folder.map_or_else(|| vec![source.to_owned()], |folder| folder.several(source, said));
    if sources.len() > 1
        && let Some(of_one) = OF_ONE.into_iter().find(|field| fields.contains_key(*field))
    {
        let what = format!("is of one file, and the row names {}", sources.len());
        return Err((of_one, what, "give each file a row of its own, or leave this cell empty".into()));
    }
    let names: Vec<String> = fields
        .get("name")
        .and_then(Value::as_str)
        .map(|names| names.split([';', '|', '\n']).map(|name| name.trim().to_owned()).collect())
        .unwrap_or_default();
    let id = fields.get("id").and_then(Value::as_str).unwrap_or(id);
    let mut all = Vec::new();
    for (at, source) in sources.iter().enumerate() {
        if let Err(outside) = super::folder::stays_inside(source) {
            return Err(("source", outside.what, outside.hint.unwrap_or_default()));
        }
        let mut file = fields.clone();
        file.shift_remove("ticket");
        file.insert("id".into(), if at == 0 { id.to_owned() } else { format!("{id}-{}", at + 1) }.into());
        if sources.len() > 1 {
            file.shift_remove("name");
            if names.len() == sources.len() {
                file.insert("name".into(), names[at].clone().into());
            }
            file.insert("source".into(), source.clone().into());
        }
        file.entry("name").or_insert_with(|| spelled::name(source).into());
        let mut alone = file.clone();
        alone.shift_remove("comment");
        Attachment::deserialize(&Value::Object(alone)).map_err(|e| ("source", e.to_string(), String::new()))?;
        all.push(file);
    }
    Ok(all)
}

/// The files that a ticket's own row names.
///
/// Errors: what is wrong with the cell.
pub fn own_files(
    ticket: &Map<String, Value>,
    id: &str,
    said: &Columns,
    folder: Option<&Spelled>,
) -> Result<Vec<Map<String, Value>>, Complaint> {
    let Some(cell) = ticket.get(FILES) else { return Ok(vec![]) };
    let row = Map::from_iter([("source".to_owned(), cell.clone())]);
    files(&row, &format!("{id}-own"), said, folder).map_err(|(_, what, hint)| (FILES, what, hint))
}

/// What is said of one file and cannot be of several.
const OF_ONE: [&str; 4] = ["size", "hash", "mime", "content_id"];

/// Puts a file into its message; the first, where it names none.
///
/// Errors: the message it names is not there.
fn attach(mut file: Map<String, Value>, comments: &mut [Value]) -> Result<(), String> {
    let of = file.shift_remove("comment");
    let belongs = |comment: &Value| of.as_ref().is_none_or(|of| comment["id"] == *of);
    let Some(comment) = comments.iter_mut().find(|comment| belongs(comment)) else {
        return Err(match of.as_ref().and_then(Value::as_str) {
            Some(of) => format!("{NO_MESSAGE} {of:?}"),
            None => format!("{NO_MESSAGE} to put the file into"),
        });
    };
    match comment.get_mut("attachments").and_then(Value::as_array_mut) {
        Some(list) => list.push(Value::Object(file)),
        None => comment["attachments"] = json!([file]),
    }
    Ok(())
}

/// The rows that name this ticket.
fn rows(marks: &Marks, table: Option<&mut Table<'_>>, ticket: &str) -> Result<Vec<Row>> {
    let Some(table) = table else { return Ok(vec![]) };
    let mut rows = Vec::new();
    for spot in marks.of(ticket) {
        let row = table.at(spot)?;
        rows.extend(row.filter(|row| row.fields.get("ticket").and_then(Value::as_str) == Some(ticket)));
    }
    Ok(rows)
}

/// What is wrong with a row of these tables, beyond its cells: it names no ticket, or a file outside the folder.
pub fn complaint(table: &str, fields: &Map<String, Value>, said: &Columns, folder: &Spelled) -> Option<Complaint> {
    if !fields.contains_key("ticket") {
        let hint = "every row of this table names the `id` of its ticket";
        return Some(("ticket", "names no ticket".into(), hint.into()));
    }
    if table == COMMENT {
        let message = message(fields.clone(), "1", said);
        return Comment::deserialize(&Value::Object(message)).err().map(|e| ("body", e.to_string(), String::new()));
    }
    debug_assert_eq!(table, ATTACHMENT);
    files(fields, "1", said, Some(folder)).err()
}
