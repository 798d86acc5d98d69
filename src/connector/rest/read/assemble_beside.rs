//! What a ticket has beside its messages: the time that was spent on it, and how satisfied its requester was.

use super::assemble::canonical;
use crate::connector::ChildRows;
use crate::connector::rest::Rest;
use crate::error::Result;
use crate::expr::plain;
use crate::record::{Ticket, TimeEntry};
use serde_json::Value;

impl Rest {
    pub(super) fn fold_beside(&self, ticket: &mut Ticket, row: &Value, children: &ChildRows) -> Result<()> {
        for spent in children.get("time_entry").into_iter().flatten() {
            let fields = self.fields("time_entry", spent, row, row)?;
            ticket.time_entries.push(canonical::<TimeEntry>("time entry", fields)?);
        }
        ticket.time_entries.sort_by_key(|entry| entry.at);
        // A ticket has one rating: what was said last.
        let mut ratings = Vec::new();
        for rating in children.get("rating").into_iter().flatten() {
            ratings.push(Value::Object(self.fields("rating", rating, row, row)?));
        }
        ticket.satisfaction =
            ratings.into_iter().max_by_key(|r| plain(&r["created_at"])).or(ticket.satisfaction.take());
        Ok(())
    }
}
