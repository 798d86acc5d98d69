//! Freshservice: problems and changes, and pictures as at Freshdesk.
//!
//! Problems and changes have numbers of their own; the manifest reads them as tickets `problem-7` and `change-7`. What stands
//! below them has other addresses, and their messages are called notes.

use super::{Native, freshdesk};
use crate::connector::ChildRows;
use crate::error::Result;
use crate::record::{Body, Record};
use async_trait::async_trait;
use serde_json::Value;

pub struct Freshservice;

#[async_trait]
impl Native for Freshservice {
    fn address(&self, path: String, root: &Value) -> String {
        let Some(kind) = root["_kind"].as_str() else { return path };
        match path.strip_prefix(&format!("/tickets/{kind}-")) {
            Some(rest) => format!("/{kind}s/{}", rest.replace("/conversations", "/notes")),
            None => path,
        }
    }

    fn fold(&self, record: &mut Record, _row: &Value, _children: &ChildRows) -> Result<()> {
        if let Body::Ticket(ticket) = &mut record.body {
            ticket.comments.iter_mut().for_each(freshdesk::pictures);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn notes_of_a_problem_are_read_at_the_problem() {
        let problem = json!({"_kind": "problem"});
        let at = |path: &str, root: &Value| Freshservice.address(path.to_owned(), root);
        assert_eq!(at("/tickets/problem-7/conversations", &problem), "/problems/7/notes");
        assert_eq!(at("/tickets/problem-7", &problem), "/problems/7");
        assert_eq!(at("/tickets/change-7", &json!({"_kind": "change"})), "/changes/7");
        assert_eq!(at("/tickets/7/conversations", &json!({})), "/tickets/7/conversations");
    }
}
