//! Messages and files in a folder of tables: rows of tables of their own, put into the ticket they name.
//!
//! Only the places of the rows are held in memory, and the ids of tickets while it is asked who names none.

use super::columns::{ATTACHMENT, COMMENT, DESCRIPTION, PRIVATE};
use super::table::{Spot, Table};
use crate::error::{Problem, Reason, Result};
use crate::record::{Format, Visibility};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// Opens a table, if it is there.
pub type Open<'a> = dyn Fn(&'static str) -> Result<Option<Table>> + 'a;

/// Where the messages and files of each ticket stand.
#[derive(Default)]
pub struct Children {
    comments: HashMap<String, Vec<Spot>>,
    files: HashMap<String, Vec<Spot>>,
}

impl Children {
    /// Errors: `config`; `disk`.
    pub fn of(open: &Open<'_>) -> Result<Children> {
        let mut children = Children::default();
        for (name, places) in [(COMMENT, &mut children.comments), (ATTACHMENT, &mut children.files)] {
            let Some(mut table) = open(name)? else { continue };
            while let Some((spot, ticket)) = table.step("ticket")? {
                places.entry(ticket).or_default().push(spot);
            }
        }
        Ok(children)
    }

    /// Messages and files of tickets that are not there, in words.
    ///
    /// Errors: `config`, when there are messages, and not one of them names a ticket: a column is taken for another.
    pub fn strays(&self, open: &Open<'_>) -> Result<Vec<String>> {
        let mut tickets = HashSet::new();
        if let Some(mut table) = open("ticket")? {
            while let Some((_, id)) = table.step("id")? {
                tickets.insert(id);
            }
        }
        let mut said = Vec::new();
        for (name, places) in [(COMMENT, &self.comments), (ATTACHMENT, &self.files)] {
            let strays = || places.iter().filter(|(id, _)| !tickets.contains(*id));
            let without: usize = strays().map(|(_, spots)| spots.len()).sum();
            if without > 0 && strays().count() == places.len() {
                let example = strays().map(|(id, _)| id).min().map_or("", String::as_str);
                let what = format!("not one {name} belongs to a ticket: no ticket has an id like {example:?}");
                return Err(Problem::new(Reason::Config, what)
                    .hint(format!("`ticket` under `[{name}.columns]` names the column with the ids of the tickets")));
            }
            if without > 0 {
                said.push(format!("{without} {name}s of tickets that are not here"));
            }
        }
        Ok(said)
    }

    /// Completes a ticket with its messages: its own column `description`, then the rows of the other tables.
    pub fn join(&self, ticket: &mut Map<String, Value>, format: Format, open: &Open<'_>) -> Result<()> {
        let id = ticket.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut comments = Vec::new();
        if let Some(body) = ticket.shift_remove(DESCRIPTION) {
            comments.push(json!({
                "id": format!("{id}-0"), "body": body, "format": format, "author": ticket.get("requester"),
                "created_at": ticket.get("created_at"), "visibility": Visibility::Public,
            }));
        }
        for (at, mut comment) in rows_at(self.comments.get(&id), COMMENT, open)?.into_iter().enumerate() {
            comment.shift_remove("ticket");
            comment.entry("id").or_insert_with(|| format!("{id}-{}", at + 1).into());
            comment.entry("format").or_insert_with(|| json!(format));
            comment.entry("body").or_insert_with(|| json!(""));
            if let Some(private) = comment.shift_remove(PRIVATE) {
                let visibility = if private == true { Visibility::Private } else { Visibility::Public };
                comment.insert("visibility".into(), json!(visibility));
            }
            comments.push(Value::Object(comment));
        }
        for (at, mut file) in rows_at(self.files.get(&id), ATTACHMENT, open)?.into_iter().enumerate() {
            file.shift_remove("ticket");
            file.entry("id").or_insert_with(|| format!("{id}-file-{}", at + 1).into());
            let source = file.get("source").and_then(Value::as_str).unwrap_or_default();
            let name = source.rsplit('/').next().unwrap_or_default().to_owned();
            file.entry("name").or_insert_with(|| name.into());
            attach(&id, file, &mut comments)?;
        }
        if !comments.is_empty() {
            ticket.insert("comments".into(), Value::Array(comments));
        }
        Ok(())
    }
}

fn attach(ticket: &str, mut file: Map<String, Value>, comments: &mut [Value]) -> Result<()> {
    let of = file.shift_remove("comment");
    let belongs = |comment: &Value| of.as_ref().is_none_or(|of| comment["id"] == *of);
    let Some(comment) = comments.iter_mut().find(|comment| belongs(comment)) else {
        let what = format!("attachment of ticket {ticket}: the ticket has no such message");
        return Err(Problem::new(Reason::Config, what)
            .hint("`comment` is the id of the message; without it the file belongs to the first"));
    };
    match comment.get_mut("attachments").and_then(Value::as_array_mut) {
        Some(list) => list.push(Value::Object(file)),
        None => comment["attachments"] = json!([file]),
    }
    Ok(())
}

fn rows_at(spots: Option<&Vec<Spot>>, name: &'static str, open: &Open<'_>) -> Result<Vec<Map<String, Value>>> {
    let (Some(spots), Some(mut table)) = (spots, open(name)?) else { return Ok(vec![]) };
    let mut rows = Vec::with_capacity(spots.len());
    for &spot in spots {
        table.go_to(spot)?;
        rows.extend(table.next()?.map(|row| row.fields));
    }
    Ok(rows)
}
