//! What stands below a record of the target now, and what of it one request would leave twice.
//!
//! It never says whose it is: that is told by the ids the ledger has.

use crate::connector::manifest::FindRule;
use crate::connector::plan::LateValues;
use crate::connector::rest::Rest;
use crate::connector::{ChildRows, Print, Said};
use crate::content;
use crate::error::Result;
use crate::expr::plain;
use crate::record::{Body, Comment, Kind};
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl Rest {
    pub(super) async fn said_below(&self, section: &str, target: &str) -> Result<Option<Vec<Said>>> {
        let Some(rule) = self.manifest.find.get(section) else { return Ok(None) };
        if rule.read {
            let messages = self.messages_below(&json!(target)).await?;
            let said = |message: Comment| Said { print: Some(print_of(&message)), id: message.id };
            return Ok(Some(messages.into_iter().map(said).collect()));
        }
        let (Some(id), Some(_)) = (&rule.id, &rule.text) else { return Ok(None) };
        let above = json!({ "id": target, "target": target });
        let rows = match &rule.stream {
            Some(stream) => self.read_all(stream, Some(&above)).await?,
            None => self.rows_found(rule, &BTreeMap::new(), &above, &LateValues::default()).await?,
        };
        let said = |row: &Value| Ok(Said { id: plain(&id.eval(&self.scope(row))?), print: self.print(rule, row)? });
        rows.iter().map(said).collect::<Result<_>>().map(Some)
    }

    /// What a row says, by whom and how; none where the manifest knows no text of it.
    pub(crate) fn print(&self, rule: &FindRule, row: &Value) -> Result<Option<Print>> {
        let Some(text) = &rule.text else { return Ok(None) };
        let scope = self.scope(row);
        let text = content::normalise(&plain(&text.eval(&scope)?));
        let by = rule.written_by.as_ref().map(|by| by.eval(&scope)).transpose()?.unwrap_or_default();
        Ok(Some(print(&[&text, &by.to_string()])))
    }

    /// The messages of a ticket of the target but the first, as the read streams give them.
    pub(super) async fn messages_below(&self, target: &Value) -> Result<Vec<Comment>> {
        let row = json!({ "id": target });
        let children = self.children(Kind::Ticket.code(), &row, ChildRows::new()).await?;
        Ok(match self.assemble_record(Kind::Ticket, &row, &children)?.body {
            Body::Ticket(ticket) => ticket.comments.into_iter().skip(1).collect(),
            _ => vec![],
        })
    }
}

fn print_of(message: &Comment) -> Print {
    let files: Vec<&str> = message.attachments.iter().map(|file| file.name.as_str()).collect();
    let by = json!([message.author, message.visibility, message.direction, files]).to_string();
    print(&[&content::normalise(&message.body), &by])
}

fn print(parts: &[&str]) -> Print {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&part.len().to_le_bytes()).update(part.as_bytes());
    }
    let mut first = [0; 16];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Print::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_by_somebody_else_or_says_something_else_has_another_print() {
        assert_eq!(print(&["Thanks", "[1]"]), print(&["Thanks", "[1]"]));
        for other in [["Thanks", "[2]"], ["Thank", "s[1]"], ["thanks", "[1]"]] {
            assert_ne!(print(&["Thanks", "[1]"]), print(&other));
        }
    }
}
