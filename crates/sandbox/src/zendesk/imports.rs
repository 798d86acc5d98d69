//! Writing tickets: imports keep dates and tell nobody, creating and updating keep none and run the triggers.
//!
//! <https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_import/>: `created_at`, `updated_at` and `solved_at` are kept,
//! one before 1970 is 1970; comments keep theirs. The submitter is the author of the first comment.

use super::drafts::Words;
use super::sent::{Fault, Invalid, Sent};
use super::store::{Account, Cause, Comment, Ticket};
use super::{tables, tickets};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

type Object = Map<String, Value>;

/// What becomes of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    Active,
    /// Closed ones go straight to the archive.
    Archive,
}

impl Account {
    pub fn import_ticket(&mut self, values: &Object, shelf: Shelf, cause: &Cause) -> Result<u64, Invalid> {
        let mut sent = Sent::of(values);
        let mut row = self.lay_ticket(&mut sent, &self.begun());
        let words = self.all_words(&mut sent, values, cause);
        let stamps = ["created_at", "updated_at", "solved_at"].map(|name| {
            let at = sent.time(name);
            if at.is_some_and(|at| at > cause.at) {
                sent.fault(Fault::invalid(name, "is in the future"));
            }
            at.map(|at| at.max(Timestamp::UNIX_EPOCH))
        });
        let [created_at, updated_at, solved_at] = stamps;
        self.followed(&mut sent, &mut row);
        self.newcomer(&mut sent, &mut row, cause);
        sent.done()?;
        let (created_at, updated_at) = (created_at.unwrap_or(cause.at), updated_at.unwrap_or(cause.at));
        tables::merge(&mut row, json!({ "created_at": created_at.to_string(), "updated_at": updated_at.to_string() }));
        let archived = shelf == Shelf::Archive && row["status"] == "closed";
        let id = self.add_ticket(row, words, archived, cause);
        if let Some(ticket) = self.ticket_mut(id) {
            ticket.solved_at = solved_at;
        }
        Ok(id)
    }

    /// `POST /tickets`
    pub fn create_ticket(&mut self, values: &Object, cause: &Cause) -> Result<u64, Invalid> {
        let mut sent = Sent::of(values);
        let mut row = self.lay_ticket(&mut sent, &self.begun());
        let mut words = self.all_words(&mut sent, values, cause);
        self.followed(&mut sent, &mut row);
        self.newcomer(&mut sent, &mut row, cause);
        sent.done()?;
        words.iter_mut().for_each(|one| one.at = None);
        let now = json!(cause.at.to_string());
        tables::merge(&mut row, json!({ "created_at": now, "updated_at": now }));
        let id = self.add_ticket(row, words, false, cause);
        self.mail_new_ticket(id, cause);
        self.mail_assigned(id, cause);
        Ok(id)
    }

    fn begun(&self) -> Value {
        tickets::blank(self.tickets.len() as u64 + 1)
    }

    fn add_ticket(&mut self, mut row: Value, words: Vec<Words>, archived: bool, cause: &Cause) -> u64 {
        let place = self.tickets.len();
        let id = place as u64 + 1;
        let mut comments: Vec<Comment> = words.into_iter().map(|one| self.comment(one, cause)).collect();
        comments.sort_by_key(|comment| comment.created_at);
        if let Some(first) = comments.first() {
            let spoken = first.row["plain_body"].clone();
            tables::merge(&mut row, json!({ "description": spoken, "submitter_id": first.row["author_id"] }));
        }
        row["is_public"] = json!(comments.iter().any(|comment| comment.row["public"] == true));
        let generated = cause.at.as_second();
        self.tickets.push(Ticket { id, row, comments, generated, archived, deleted: false, solved_at: None });
        self.shelve(place);
        id
    }

    fn comment(&mut self, words: Words, cause: &Cause) -> Comment {
        let Words { author, body, public, at, uploads, channel } = words;
        let files = self.spend(&uploads, &body.html);
        let id = self.next_id();
        Comment { files, ..tickets::comment(id, author, &body, public, &channel, at.unwrap_or(cause.at)) }
    }

    /// `comments`, or the one `comment`, or the `description`.
    fn all_words(&self, sent: &mut Sent<'_>, values: &Object, cause: &Cause) -> Vec<Words> {
        let given: Vec<&Value> = match values.get("comments") {
            Some(Value::Array(all)) => all.iter().collect(),
            _ => values.get("comment").or(values.get("description")).filter(|v| !v.is_null()).into_iter().collect(),
        };
        if given.is_empty() {
            sent.fault(Fault { field: "base".into(), ..Fault::blank("description") });
        }
        // "The submitter always becomes the author of the first comment on the ticket."
        let submitter = sent.id("submitter_id");
        let mut words: Vec<Words> =
            given.into_iter().filter_map(|one| self.words(sent, one, self.admin, cause)).collect();
        if let (Some(first), Some(submitter)) = (words.first_mut(), submitter) {
            first.author = submitter;
        }
        let mut seen = BTreeSet::new();
        for token in words.iter().flat_map(|one| &one.uploads) {
            if !seen.insert(token) {
                sent.fault(Fault::invalid("uploads", &format!("the token {token} is used twice")));
            }
        }
        words
    }

    fn followed(&self, sent: &mut Sent<'_>, row: &mut Value) {
        let Some(source) = sent.id("via_followup_source_id") else { return };
        match self.ticket(source).filter(|ticket| ticket.is_closed() && !ticket.deleted) {
            Some(ticket) => {
                let from = json!({ "ticket_id": source, "subject": ticket.row["subject"], "channel": "web" });
                row["via"] = json!({ "channel": "web", "source": { "from": from, "to": {}, "rel": "follow_up" } });
            }
            None => sent.fault(Fault::invalid("via_followup_source_id", "is not a closed ticket")),
        }
    }

    /// `requester` names somebody by address; a stranger becomes a user.
    fn newcomer(&mut self, sent: &mut Sent<'_>, row: &mut Value, cause: &Cause) {
        let Some(person) = sent.object("requester").filter(|_| sent.faults.is_empty()) else { return };
        match self.create_or_update_user(person, cause) {
            Ok((id, _)) => {
                row["requester_id"] = json!(id);
                row["organization_id"] = self.user(id).map_or(Value::Null, |user| user.row["organization_id"].clone());
            }
            Err(Invalid(faults)) => sent.faults.extend(faults),
        }
    }

    /// `PUT /tickets/ID` of one that is neither closed nor deleted.
    pub fn update_ticket(&mut self, id: u64, values: &Object, cause: &Cause) -> Result<(), Invalid> {
        let Some(ticket) = self.ticket(id) else { return Ok(()) };
        let before = ticket.row.clone();
        let mut sent = Sent::of(values);
        if before["status"] == "closed" {
            let closed = ["subject", "priority", "tags", "additional_tags", "remove_tags"];
            if !values.keys().all(|name| closed.contains(&name.as_str())) {
                sent.fault(Fault::invalid("status", "closed prevents ticket update"));
                return sent.done();
            }
        }
        let mut row = self.lay_ticket(&mut sent, &before);
        if before["status"] != "new" && row["status"] == "new" {
            sent.fault(Fault::invalid("status", "new is only for new tickets"));
        }
        let given = values.get("comment").filter(|comment| !comment.is_null());
        let words = given.and_then(|comment| self.words(&mut sent, comment, self.admin, cause));
        sent.done()?;
        let by_customer = words.as_ref().is_some_and(|one| !self.is_staff(one.author));
        if by_customer && !sent_status(values) && ["pending", "hold", "solved"].iter().any(|s| row["status"] == **s) {
            (row["status"], row["custom_status_id"]) = (json!("open"), self.default_status("open"));
        }
        row["updated_at"] = json!(cause.at.to_string());
        let assigned = row["assignee_id"] != before["assignee_id"] && !row["assignee_id"].is_null();
        let spoken = words.as_ref().map(|one| (one.author, one.public));
        let comment = words.map(|one| self.comment(Words { at: None, ..one }, cause));
        if let Some(ticket) = self.ticket_mut(id) {
            (ticket.row, ticket.generated) = (row, cause.at.as_second());
            ticket.comments.extend(comment);
            ticket.row["is_public"] = json!(ticket.comments.iter().any(|comment| comment.row["public"] == true));
        }
        self.shelve(id as usize - 1);
        if let Some((author, public)) = spoken {
            self.mail_comment(id, author, public, cause);
        }
        if assigned {
            self.mail_assigned(id, cause);
        }
        Ok(())
    }

    fn default_status(&self, category: &str) -> Value {
        let stands = |status: &&Value| status["status_category"] == *category && status["default"] == true;
        self.table("custom_statuses").iter().find(stands).map_or(Value::Null, |status| status["id"].clone())
    }

    /// `DELETE /tickets/ID`
    pub fn delete_ticket(&mut self, id: u64, cause: &Cause) {
        if let Some(ticket) = self.ticket_mut(id) {
            (ticket.deleted, ticket.generated) = (true, cause.at.as_second());
            ticket.row["status"] = json!("deleted");
            ticket.row["updated_at"] = json!(cause.at.to_string());
        }
    }
}

fn sent_status(values: &Object) -> bool {
    ["status", "custom_status_id"].iter().any(|name| values.contains_key(*name))
}
