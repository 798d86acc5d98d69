//! Archived tickets: no list, no search and no other call knows them. <https://developers.freshdesk.com/api/#archive_tickets>
//!
//! *Unverified:* that the plain view of an archived ticket, and the archive's view of another, are a 404.

use super::Ask;
use super::pages::{Page, only};
use super::refusal::Refusal;
use super::store::Account;
use crate::desk::Answer;
use serde_json::json;

impl Account {
    /// `GET /tickets/archived/[id]` and `…/conversations`.
    pub fn archived(&self, id: u64, rest: &[&str], ask: &Ask<'_>) -> Result<Answer, Refusal> {
        let ticket = self.archive.get(&id).ok_or(Refusal::NotFound)?;
        match rest {
            [] => {
                let mut shown = self.whole_ticket(ticket, ask);
                shown["archived"] = json!(true);
                Ok(Answer::json(200, &shown))
            }
            ["conversations"] => {
                only(ask.call, &["page", "per_page"])?;
                let page = Page::of(ask.call)?;
                Ok(page.answer(ask.call, &ticket.conversations, |c| self.conversation(id, c, ask)))
            }
            _ => Err(Refusal::NotFound),
        }
    }
}
