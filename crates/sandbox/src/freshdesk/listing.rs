//! Tickets as they are shown and listed. <https://developers.freshdesk.com/api/#list_all_tickets>

use super::Ask;
use super::attributes::time;
use super::pages::{Page, included, only};
use super::refusal::{Fault, Refusal};
use super::store::{Account, Association, Ticket, stamp, stamp_or_null};
use super::{custom, html};
use crate::desk::Answer;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Without `updated_since`, older tickets are in no list.
const WINDOW: SignedDuration = SignedDuration::from_hours(30 * 24);
/// `include=conversations` shows no more.
const FIRST_CONVERSATIONS: usize = 10;

const FILTERS: [&str; 5] = ["new_and_my_open", "watching", "spam", "deleted", "all_tickets"];

impl Account {
    /// A row of a list: without description.
    pub fn ticket_row(&self, ticket: &Ticket) -> Value {
        let association = match &ticket.association {
            None => (Value::Null, 0),
            Some(Association::Parent(all)) => (json!(1), all.len()),
            Some(Association::Child(_)) => (json!(2), 1),
            Some(Association::Tracker(all)) => (json!(3), all.len()),
            Some(Association::Related(_)) => (json!(4), 1),
        };
        let mut row = json!({
            "cc_emails": ticket.cc_emails,
            "fwd_emails": [],
            "reply_cc_emails": ticket.cc_emails,
            "ticket_cc_emails": ticket.cc_emails,
            "fr_escalated": false,
            "spam": ticket.spam,
            "email_config_id": ticket.email_config_id,
            "group_id": ticket.group_id,
            "priority": ticket.priority,
            "requester_id": ticket.requester_id,
            "responder_id": ticket.responder_id,
            "source": ticket.source,
            "company_id": ticket.company_id,
            "status": ticket.status,
            "subject": ticket.subject,
            "association_type": association.0,
            "support_email": null,
            "to_emails": null,
            "product_id": ticket.product_id,
            "id": ticket.id,
            "type": ticket.kind,
            "due_by": stamp_or_null(ticket.due_by),
            "fr_due_by": stamp_or_null(ticket.fr_due_by),
            "is_escalated": false,
            "custom_fields": custom::shown(&self.ticket_fields, &ticket.custom),
            "created_at": stamp(ticket.created_at),
            "updated_at": stamp(ticket.updated_at),
            "associated_tickets_count": association.1,
            "tags": ticket.tags,
        });
        if ticket.deleted {
            row["deleted"] = json!(true);
        }
        row
    }

    fn described(&self, ticket: &Ticket, ask: &Ask<'_>) -> Value {
        let mut row = self.ticket_row(ticket);
        row["description"] = json!(ask.signer.show(&ticket.description, &ask.call.files));
        row["description_text"] = json!(html::text(&ticket.description));
        row
    }

    /// One ticket by itself, with files and the ids of its associates.
    pub fn whole_ticket(&self, ticket: &Ticket, ask: &Ask<'_>) -> Value {
        let mut shown = self.described(ticket, ask);
        let files = ticket.files.iter().map(|f| ask.signer.json(f, &ask.call.files, ask.now));
        shown["attachments"] = files.collect();
        match &ticket.association {
            None => {}
            Some(Association::Parent(all) | Association::Tracker(all)) => shown["associated_tickets_list"] = json!(all),
            Some(Association::Child(one) | Association::Related(one)) => {
                shown["associated_tickets_list"] = json!([one])
            }
        }
        shown["source_additional_info"] = Value::Null;
        shown
    }

    /// What `include` adds to a row.
    fn embed(&self, row: &mut Value, ticket: &Ticket, word: &str, ask: &Ask<'_>) {
        match word {
            "requester" => row["requester"] = self.requester_card(ticket.requester_id),
            "company" => {
                let company = ticket.company_id.and_then(|id| self.companies.get(&id));
                row["company"] = company.map_or(json!({}), |c| json!({"id": c.id, "name": c.name}));
            }
            "stats" => {
                row["stats"] = json!({
                    "agent_responded_at": stamp_or_null(ticket.first_responded_at),
                    "first_responded_at": stamp_or_null(ticket.first_responded_at),
                    "resolved_at": stamp_or_null(ticket.resolved_at),
                    "closed_at": stamp_or_null(ticket.closed_at),
                });
            }
            "conversations" => {
                let first = ticket.conversations.iter().take(FIRST_CONVERSATIONS);
                row["conversations"] = first.map(|c| self.conversation(ticket.id, c, ask)).collect();
            }
            "sla_policy" => row["sla_policy"] = json!({"id": 1, "name": "Default SLA Policy"}),
            _ => {}
        }
    }

    fn requester_card(&self, id: u64) -> Value {
        match (self.contacts.get(&id), self.agents.get(&id)) {
            (Some(c), _) => json!({"id": c.id, "name": c.name, "email": c.email, "mobile": c.mobile, "phone": c.phone}),
            (None, Some(a)) => json!({"id": a.id, "name": a.name, "email": a.email, "mobile": null, "phone": null}),
            (None, None) => Value::Null,
        }
    }

    /// `GET /tickets/[id]`: deleted ones too.
    pub fn view_ticket(&self, id: u64, ask: &Ask<'_>) -> Result<Answer, Refusal> {
        only(ask.call, &["include"])?;
        let words = included(ask.call, &["conversations", "requester", "company", "stats", "sla_policy"])?;
        let ticket = self.tickets.get(&id).ok_or(Refusal::NotFound)?;
        let mut shown = self.whole_ticket(ticket, ask);
        words.iter().for_each(|word| self.embed(&mut shown, ticket, word, ask));
        Ok(Answer::json(200, &shown))
    }

    /// `GET /tickets/[id]/associated_tickets`: of a parent and of a tracker. *Unverified:* that for others it is empty.
    pub fn list_associates(&self, id: u64) -> Result<Answer, Refusal> {
        let ticket = self.tickets.get(&id).ok_or(Refusal::NotFound)?;
        let ids = match &ticket.association {
            Some(Association::Parent(all) | Association::Tracker(all)) => all.as_slice(),
            _ => &[],
        };
        let rows: Vec<Value> = ids.iter().filter_map(|id| self.tickets.get(id)).map(|t| self.ticket_row(t)).collect();
        Ok(Answer::json(200, &json!({ "tickets": rows })))
    }

    /// `GET /tickets`.
    pub fn list_tickets(&self, ask: &Ask<'_>) -> Result<Answer, Refusal> {
        let call = ask.call;
        only(
            call,
            &[
                "filter",
                "requester_id",
                "email",
                "unique_external_id",
                "company_id",
                "updated_since",
                "order_by",
                "order_type",
                "include",
                "page",
                "per_page",
            ],
        )?;
        let words = included(call, &["stats", "requester", "description"])?;
        let page = Page::of(call)?.up_to(ask.wall_pages)?;
        let filter = one_of(call.param("filter"), "filter", &FILTERS)?;
        let order_by = one_of(call.param("order_by"), "order_by", &["created_at", "due_by", "updated_at", "status"])?;
        let order_type = one_of(call.param("order_type"), "order_type", &["asc", "desc"])?;
        let since = since(call.param("updated_since"))?;
        let requester = self.asked_requester(ask)?;
        let company = id_param(call.param("company_id"), "company_id")?;

        let shown = |t: &&Ticket| match filter.unwrap_or("all_tickets") {
            "deleted" => t.deleted,
            "spam" => t.spam && !t.deleted,
            _ if t.deleted || t.spam => false,
            "watching" => false,
            "new_and_my_open" => t.status == 2 && t.responder_id.is_none_or(|id| id == ask.caller),
            _ => true,
        };
        let recent = |t: &&Ticket| match since {
            Some(since) => t.updated_at >= since,
            None => t.created_at >= ask.now - WINDOW,
        };
        let asked = |t: &&Ticket| {
            requester.is_none_or(|id| t.requester_id == id) && company.is_none_or(|id| t.company_id == Some(id))
        };
        let mut rows: Vec<&Ticket> = self.tickets.values().filter(shown).filter(recent).filter(asked).collect();
        match order_by.unwrap_or("created_at") {
            "updated_at" => rows.sort_by_key(|t| (t.updated_at, t.id)),
            "due_by" => rows.sort_by_key(|t| (t.due_by, t.id)),
            "status" => rows.sort_by_key(|t| (t.status, t.id)),
            _ => rows.sort_by_key(|t| (t.created_at, t.id)),
        }
        if order_type != Some("asc") {
            rows.reverse();
        }
        Ok(page.answer(call, &rows, |ticket| {
            let with_text = words.contains(&"description");
            let mut row = if with_text { self.described(ticket, ask) } else { self.ticket_row(ticket) };
            words.iter().for_each(|word| self.embed(&mut row, ticket, word, ask));
            row
        }))
    }

    /// The requester a list is narrowed to; nobody's id when there is no such person.
    fn asked_requester(&self, ask: &Ask<'_>) -> Result<Option<u64>, Refusal> {
        if let Some(email) = ask.call.param("email") {
            return Ok(Some(self.user_by_email(email).unwrap_or(0)));
        }
        if let Some(external) = ask.call.param("unique_external_id") {
            return Ok(Some(self.by_external_id.get(external).copied().unwrap_or(0)));
        }
        id_param(ask.call.param("requester_id"), "requester_id")
    }
}

pub fn id_param(text: Option<&str>, name: &str) -> Result<Option<u64>, Refusal> {
    let read =
        |text: &str| text.parse::<u64>().map_err(|_| Fault::mismatch(name, &json!(text), "Positive Integer").into());
    text.map(read).transpose()
}

pub fn since(text: Option<&str>) -> Result<Option<Timestamp>, Refusal> {
    moment(text, "updated_since")
}

pub fn moment(text: Option<&str>, name: &str) -> Result<Option<Timestamp>, Refusal> {
    let read = |text: &str| {
        let wrong = || Fault::invalid(name, "It should be in the 'combined date and time ISO8601' format");
        time(text).ok_or_else(|| wrong().into())
    };
    text.map(read).transpose()
}

pub fn one_of<'a>(text: Option<&'a str>, name: &str, allowed: &[&str]) -> Result<Option<&'a str>, Refusal> {
    match text {
        Some(word) if !allowed.contains(&word) => {
            let allowed: Vec<String> = allowed.iter().map(|a| (*a).to_owned()).collect();
            Err(Fault::not_in(name, &allowed).into())
        }
        other => Ok(other),
    }
}
