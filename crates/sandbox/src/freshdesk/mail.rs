//! Mails Freshdesk would have sent, and the switches that hold them back.
//!
//! A reply and `notify_emails` always mail. The rest are notifications an administrator turns on and off under Admin ›
//! Email Notifications: <https://support.freshdesk.com/support/solutions/articles/37541>. That the API cannot hold
//! them back for one ticket, and that they apply to what it creates, is reported by importers and *unverified*: the
//! stricter reading is taken.

use super::Ask;
use super::store::Account;
use crate::desk::Mail;

/// Which notifications are on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Notifications {
    /// To the requester and those in copy, of a new ticket.
    pub new_ticket: bool,
    /// To the requester, of a public note by somebody else, and of a ticket that was resolved or closed.
    pub requester: bool,
    /// To the agent, of a ticket that became theirs, and of what their requester added.
    pub agent: bool,
}

impl Notifications {
    pub const ON: Self = Self { new_ticket: true, requester: true, agent: true };
    pub const OFF: Self = Self { new_ticket: false, requester: false, agent: false };
}

/// As an administrator leaves it who thought only of new tickets.
impl Default for Notifications {
    fn default() -> Self {
        Self { new_ticket: false, ..Self::ON }
    }
}

#[derive(Debug, Default)]
pub struct Outbox {
    pub notifications: Notifications,
    pub sent: Vec<Mail>,
}

impl Account {
    fn mail(&mut self, to: Vec<String>, about: &str, ask: &Ask<'_>) {
        let because = format!("{} {}", ask.call.method, ask.call.path);
        let mails = to.into_iter().map(|to| Mail { to, about: about.to_owned(), because: because.clone() });
        self.outbox.sent.extend(mails);
    }

    fn address_of(&self, user: Option<u64>) -> Vec<String> {
        user.and_then(|id| self.email_of(id)).map(str::to_owned).into_iter().collect()
    }

    pub fn mail_new_ticket(&mut self, ticket: u64, ask: &Ask<'_>) {
        let Some(made) = self.tickets.get(&ticket) else { return };
        let (requester, responder, copies) = (made.requester_id, made.responder_id, made.cc_emails.clone());
        if self.outbox.notifications.new_ticket {
            let mut to = self.address_of(Some(requester));
            to.extend(copies);
            self.mail(to, &format!("new ticket {ticket}"), ask);
        }
        self.mail_assigned(ticket, responder, ask);
    }

    pub fn mail_assigned(&mut self, ticket: u64, responder: Option<u64>, ask: &Ask<'_>) {
        if self.outbox.notifications.agent {
            self.mail(self.address_of(responder), &format!("ticket {ticket} assigned"), ask);
        }
    }

    pub fn mail_settled(&mut self, ticket: u64, ask: &Ask<'_>) {
        let requester = self.tickets.get(&ticket).map(|t| t.requester_id);
        if self.outbox.notifications.requester {
            self.mail(self.address_of(requester), &format!("ticket {ticket} settled"), ask);
        }
    }

    /// Of a note by `author`; `asked_for` are its `notify_emails`.
    pub fn mail_note(&mut self, ticket: u64, author: u64, private: bool, asked_for: Vec<String>, ask: &Ask<'_>) {
        self.mail(asked_for, &format!("note on ticket {ticket}"), ask);
        let Some(told) = self.tickets.get(&ticket).filter(|_| !private) else { return };
        let (requester, responder) = (told.requester_id, told.responder_id);
        let on = self.outbox.notifications;
        if requester != author && on.requester {
            self.mail(self.address_of(Some(requester)), &format!("public note on ticket {ticket}"), ask);
        }
        if !self.agents.contains_key(&author) && on.agent {
            self.mail(self.address_of(responder), &format!("requester's note on ticket {ticket}"), ask);
        }
    }

    pub fn mail_reply(&mut self, ticket: u64, to: Vec<String>, ask: &Ask<'_>) {
        self.mail(to, &format!("reply on ticket {ticket}"), ask);
    }
}
