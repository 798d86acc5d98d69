//! Notes and replies. <https://developers.freshdesk.com/api/#conversations>
//!
//! A conversation's moments are those of the call; none can be set. *Unverified, stricter reading:* a public note of the
//! requester reopens a ticket that was resolved or closed, as the automation does that every new account has.

use super::Ask;
use super::attributes::{Attributes, Given};
use super::files::too_much;
use super::form::Form;
use super::pages::{Page, only};
use super::refusal::{Fault, Refusal};
use super::store::{Account, Conversation, stamp};
use super::{html, state};
use crate::desk::Answer;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

const NOTE: [&str; 7] = ["attachments", "body", "structured_body", "incoming", "notify_emails", "private", "user_id"];
const REPLY: [&str; 7] = ["attachments", "body", "structured_body", "from_email", "user_id", "cc_emails", "bcc_emails"];

impl Account {
    /// As `GET /tickets/[id]/conversations` shows it.
    pub fn conversation(&self, ticket: u64, conversation: &Conversation, ask: &Ask<'_>) -> Value {
        let mut shown = json!({
            "body": ask.signer.show(&conversation.body, &ask.call.files),
            "body_text": html::text(&conversation.body),
            "id": conversation.id,
            "incoming": conversation.incoming,
            "private": conversation.private,
            "user_id": conversation.user_id,
            "support_email": conversation.from_email,
            "source": conversation.source,
            "category": if conversation.private { 2 } else if conversation.incoming { 1 } else { 3 },
            "ticket_id": ticket,
            "to_emails": conversation.to_emails,
            "from_email": conversation.from_email,
            "cc_emails": conversation.cc_emails,
            "bcc_emails": conversation.bcc_emails,
            "email_failure_count": null,
            "outgoing_failures": null,
            "created_at": stamp(conversation.created_at),
            "updated_at": stamp(conversation.updated_at),
            "auto_response": false,
            "source_additional_info": null,
        });
        if let Some((at, by)) = conversation.edited {
            shown["last_edited_at"] = json!(stamp(at));
            shown["last_edited_user_id"] = json!(by);
        }
        if conversation.in_one_text {
            for (name, addresses) in [("to_emails", &conversation.to_emails), ("cc_emails", &conversation.cc_emails)] {
                shown[name] = json!(addresses.join(", "));
            }
        }
        let files = conversation.files.iter().map(|f| ask.signer.json(f, &ask.call.files, ask.now));
        shown["attachments"] = files.collect();
        shown
    }

    /// As the calls that make or change one answer: fewer attributes, and `notified_to` or `replied_to`.
    pub fn conversation_made(&self, id: u64, ask: &Ask<'_>) -> Result<Value, Refusal> {
        let (ticket, conversation) = self.find(id).ok_or(Refusal::NotFound)?;
        let Value::Object(mut shown) = self.conversation(ticket, conversation, ask) else { return Ok(Value::Null) };
        let unsaid = ["source", "category", "to_emails", "email_failure_count", "outgoing_failures", "auto_response"];
        unsaid.iter().for_each(|name| drop(shown.shift_remove(*name)));
        shown.insert("structured_body".to_owned(), Value::Null);
        let told = if conversation.source == 0 { "replied_to" } else { "notified_to" };
        shown.insert(told.to_owned(), json!(conversation.to_emails));
        Ok(Value::Object(shown))
    }

    fn find(&self, id: u64) -> Option<(u64, &Conversation)> {
        let ticket = self.tickets.get(self.ticket_of.get(&id)?)?;
        Some((ticket.id, ticket.conversations.iter().find(|c| c.id == id)?))
    }

    /// `GET /tickets/[id]/conversations`, oldest first.
    pub fn list_conversations(&self, ticket: u64, ask: &Ask<'_>) -> Result<Answer, Refusal> {
        only(ask.call, &["page", "per_page"])?;
        let ticket = self.tickets.get(&ticket).ok_or(Refusal::NotFound)?;
        let page = Page::of(ask.call)?;
        Ok(page.answer(ask.call, &ticket.conversations, |c| self.conversation(ticket.id, c, ask)))
    }

    /// `POST /tickets/[id]/notes`; the id of the note.
    pub fn add_note(&mut self, ticket: u64, ask: &Ask<'_>) -> Result<u64, Refusal> {
        let attached = self.writable(ticket)?.attached();
        let form = Form::of(ask.call)?;
        let mut sent = Attributes::of(&form, &NOTE)?;
        let body = body(&mut sent, true);
        let author = self.author(&mut sent, ask.caller, |id| self.is_user(id));
        let private = sent.flag("private").flatten().unwrap_or(true);
        let incoming = sent.flag("incoming").flatten().unwrap_or(false);
        let notify = sent.emails("notify_emails", 50).flatten().unwrap_or_default();
        sent.faults(too_much(attached, &form.files));
        sent.done()?;
        let mut note = self.blank_conversation(author, &body.flatten().unwrap_or_default(), ask.now);
        (note.source, note.private, note.incoming, note.to_emails) = (2, private, incoming, notify.clone());
        let id = self.attach(ticket, note, form, ask);
        self.mail_note(ticket, author, private, notify, ask);
        Ok(id)
    }

    /// `POST /tickets/[id]/reply`: mails the requester and all in copy.
    pub fn add_reply(&mut self, ticket: u64, ask: &Ask<'_>) -> Result<u64, Refusal> {
        let current = self.writable(ticket)?;
        let (attached, requester) = (current.attached(), current.requester_id);
        let form = Form::of(ask.call)?;
        let mut sent = Attributes::of(&form, &REPLY)?;
        let body = body(&mut sent, true);
        let author = self.author(&mut sent, ask.caller, |id| self.is_agent(id));
        let from = sent.email("from_email").flatten();
        let known = |address: &String| self.email_configs.iter().any(|c| c.detail.eq_ignore_ascii_case(address));
        if from.as_ref().is_some_and(|address| !known(address)) {
            sent.fault(Fault::absent("from_email", "email_config"));
        }
        let cc = sent.emails("cc_emails", 50).flatten().unwrap_or_default();
        let bcc = sent.emails("bcc_emails", 50).flatten().unwrap_or_default();
        let to: Vec<String> = self.email_of(requester).map(str::to_owned).into_iter().collect();
        if to.is_empty() {
            sent.fault(Fault::blank("requester_id"));
        }
        sent.faults(too_much(attached, &form.files));
        sent.done()?;
        let mut reply = self.blank_conversation(author, &body.flatten().unwrap_or_default(), ask.now);
        reply.from_email = from.or_else(|| self.email_configs.first().map(|c| c.detail.clone()));
        (reply.to_emails, reply.cc_emails, reply.bcc_emails) = (to.clone(), cc.clone(), bcc.clone());
        let id = self.attach(ticket, reply, form, ask);
        self.tickets.entry(ticket).and_modify(|t| t.first_responded_at = t.first_responded_at.or(Some(ask.now)));
        self.mail_reply(ticket, [to, cc, bcc].concat(), ask);
        Ok(id)
    }

    /// `PUT /conversations/[id]`. The page: only notes can be edited; that a reply is a 405 is *unverified*.
    pub fn edit_conversation(&mut self, id: u64, ask: &Ask<'_>) -> Result<(), Refusal> {
        let (ticket, current) = self.find(id).ok_or(Refusal::NotFound)?;
        if current.source != 2 {
            return Err(Refusal::Verb(&["DELETE"]));
        }
        let form = Form::of(ask.call)?;
        let mut sent = Attributes::of(&form, &["attachments", "body"])?;
        let body = body(&mut sent, form.files.is_empty());
        sent.faults(too_much(self.writable(ticket)?.attached(), &form.files));
        sent.done()?;
        let files = self.keep_all(ticket, form.files, ask.now);
        let Some(ticket) = self.tickets.get_mut(&ticket) else { return Err(Refusal::NotFound) };
        ticket.updated_at = ask.now;
        for note in ticket.conversations.iter_mut().filter(|c| c.id == id) {
            if let Some(Some(body)) = &body {
                note.body = html::clean(body);
            }
            note.files.extend_from_slice(&files);
            (note.updated_at, note.edited) = (ask.now, Some((ask.now, ask.caller)));
        }
        Ok(())
    }

    /// `DELETE /conversations/[id]`.
    pub fn delete_conversation(&mut self, id: u64, ask: &Ask<'_>) -> Result<(), Refusal> {
        let (ticket, _) = self.find(id).ok_or(Refusal::NotFound)?;
        self.writable(ticket)?;
        self.ticket_of.remove(&id);
        if let Some(ticket) = self.tickets.get_mut(&ticket) {
            ticket.conversations.retain(|c| c.id != id);
            ticket.updated_at = ask.now;
        }
        Ok(())
    }

    fn attach(&mut self, ticket: u64, mut conversation: Conversation, form: Form, ask: &Ask<'_>) -> u64 {
        let id = conversation.id;
        conversation.files = self.keep_all(ticket, form.files, ask.now);
        self.receive(ticket, conversation);
        id
    }

    pub fn receive(&mut self, ticket: u64, conversation: Conversation) {
        self.ticket_of.insert(conversation.id, ticket);
        if let Some(ticket) = self.tickets.get_mut(&ticket) {
            let at = conversation.created_at;
            let reopens = conversation.incoming && !conversation.private && matches!(ticket.status, 4 | 5);
            if reopens {
                ticket.move_to(2, at);
            }
            ticket.conversations.push(conversation);
            ticket.updated_at = ticket.updated_at.max(at);
        }
    }

    /// A public reply without addresses, as a person's mail comes in.
    pub fn blank_conversation(&mut self, author: u64, html: &str, now: Timestamp) -> Conversation {
        Conversation {
            id: self.next_id(),
            source: 0,
            body: html::clean(html),
            private: false,
            incoming: false,
            user_id: author,
            from_email: None,
            to_emails: Vec::new(),
            cc_emails: Vec::new(),
            bcc_emails: Vec::new(),
            files: Vec::new(),
            created_at: now,
            updated_at: now,
            edited: None,
            in_one_text: false,
        }
    }

    /// The requester of the `nth` ticket, from 0, answers by mail.
    pub fn touch(&mut self, nth: usize, at: Timestamp) -> Option<Value> {
        let (id, requester) =
            self.tickets.values().filter(|t| !t.deleted && !t.spam).nth(nth).map(|t| (t.id, t.requester_id))?;
        let mut mail = self.blank_conversation(requester, "<p>And still it does not work.</p>", at);
        mail.incoming = true;
        let mut added = state::conversation(&mail);
        added["ticket_id"] = json!(id);
        self.receive(id, mail);
        Some(added)
    }

    /// The caller unless `user_id` names somebody who may write.
    fn author(&self, sent: &mut Attributes<'_>, caller: u64, may: impl Fn(u64) -> bool) -> u64 {
        let author = sent.id("user_id").flatten().unwrap_or(caller);
        if !may(author) {
            sent.fault(Fault::absent("user_id", "contact"));
        }
        author
    }
}

/// `body`, or the words of a `structured_body`.
fn body(sent: &mut Attributes<'_>, required: bool) -> Given<String> {
    let structured = sent.object("structured_body").flatten().map(|object| words(&object));
    let body = sent.text("body").or(structured.map(Some));
    match &body {
        Some(Some(text)) if !html::is_blank(text) => {}
        None if !required => {}
        None => sent.fault(Fault::missing("body")),
        _ => sent.fault(Fault::blank("body")),
    }
    body
}

fn words(structured: &Map<String, Value>) -> String {
    let parts = structured.get("body_contents").and_then(Value::as_array).into_iter().flatten();
    parts.filter_map(|part| part["data"]["content"].as_str()).collect::<Vec<_>>().join("<br>")
}
