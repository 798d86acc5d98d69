//! Mails Zendesk would have sent, and the switch that holds most of them back.
//!
//! Tickets mail by triggers, which an administrator can deactivate: those of a new account tell the requester and who is in copy of
//! a request and of public comments, and the assignee of an assignment and of what others add
//! (<https://support.zendesk.com/hc/en-us/articles/4408828984346>). Imported tickets run no triggers.
//! An address that is added is verified by mail unless `skip_verify_email` was said, whatever the triggers: *unverified* for
//! an account whose administrator switched the welcome mail off, and so the stricter reading.

use super::store::{Account, Cause};
use crate::desk::Mail;
use serde_json::Value;

/// Whether the triggers that mail are active.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Triggers {
    #[default]
    Active,
    Inactive,
}

#[derive(Debug, Default)]
pub struct Outbox {
    pub triggers: Triggers,
    pub sent: Vec<Mail>,
}

impl Account {
    fn mail(&mut self, to: impl IntoIterator<Item = Option<String>>, about: &str, cause: &Cause) {
        let mail = |to| Mail { to, about: about.to_owned(), because: cause.call.clone() };
        self.outbox.sent.extend(to.into_iter().flatten().map(mail));
    }

    fn address(&self, user: &Value) -> Option<String> {
        self.user(user.as_u64()?)?.row["email"].as_str().map(str::to_owned)
    }

    pub fn mail_verification(&mut self, address: &str, cause: &Cause) {
        self.mail([Some(address.to_owned())], "verify this address", cause);
    }

    fn requester_and_copies(&self, ticket: u64) -> Vec<Value> {
        let Some(ticket) = self.ticket(ticket) else { return Vec::new() };
        let copies = ticket.row["email_cc_ids"].as_array().cloned().unwrap_or_default();
        [ticket.row["requester_id"].clone()].into_iter().chain(copies).collect()
    }

    pub fn mail_new_ticket(&mut self, ticket: u64, cause: &Cause) {
        if self.outbox.triggers == Triggers::Active {
            let to: Vec<_> = self.requester_and_copies(ticket).iter().map(|user| self.address(user)).collect();
            self.mail(to, &format!("new ticket {ticket}"), cause);
        }
    }

    pub fn mail_assigned(&mut self, ticket: u64, cause: &Cause) {
        if self.outbox.triggers == Triggers::Active {
            let assignee = self.ticket(ticket).and_then(|ticket| self.address(&ticket.row["assignee_id"]));
            self.mail([assignee], &format!("ticket {ticket} assigned"), cause);
        }
    }

    /// Of a comment by `author`: nobody is told of what they wrote themselves.
    pub fn mail_comment(&mut self, ticket: u64, author: u64, public: bool, cause: &Cause) {
        if self.outbox.triggers == Triggers::Inactive {
            return;
        }
        let mut to = if public { self.requester_and_copies(ticket) } else { Vec::new() };
        to.extend(self.ticket(ticket).map(|ticket| ticket.row["assignee_id"].clone()));
        let to: Vec<_> = to.iter().filter(|user| **user != author).map(|user| self.address(user)).collect();
        self.mail(to, &format!("comment on ticket {ticket}"), cause);
    }
}
