//! Side conversations: what agents say to others beside a ticket.
//!
//! <https://developer.zendesk.com/api-reference/ticketing/side_conversation/side_conversation/> and `…/side_conversation_event/`. That the
//! last page of the export has no `next_page`, and that a message lists its files as `attachments`, is how programs read them
//! that run against accounts; how large a page is stands nowhere. Plans without the add-on answer 403 (*unverified*).

use super::export::{Row, past};
use super::people::agent;
use super::store::{Account, HERE, StoredFile, Ticket};
use super::{files, pages};
use crate::desk::{Answer, Call};
use crate::random::Random;
use crate::words;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Every so many tickets one has side conversations, from the fourth on.
const EVERY: usize = 7;
const FIRST: usize = 3;
/// Events a page of the export.
const PAGE: usize = 100;
/// Seconds after a ticket that its first event is; and from event to event.
const AFTER: i64 = 33;
const APART: i64 = 70;

#[derive(Clone, Debug)]
pub struct Event {
    pub ticket: u64,
    /// Without `attachments`.
    pub row: Value,
    /// The word its message begins with; empty where it has none.
    pub mark: String,
    pub files: Vec<StoredFile>,
    pub at: Timestamp,
}

impl Event {
    fn second(&self) -> i64 {
        self.at.as_second()
    }
}

/// What stands beside a ticket from the start: a conversation by mail that ends, and for every other one in Slack.
pub fn beside(ticket: &Ticket, n: usize, seed: u64) -> Vec<Event> {
    if n % EVERY != FIRST || ticket.deleted {
        return Vec::new();
    }
    let began = ticket.comments.first().map_or(0, |c| c.created_at.as_second());
    let mut draft =
        Draft { ticket: ticket.id, seed, random: Random::of(seed, &[41, n as u64]), began, events: Vec::new() };
    let (us, them) = (staff(1), json!({ "user_id": null, "name": "Werkstatt Süd", "email": "werkstatt@sued.example" }));
    let subject = format!("Spare <part> for #{}", ticket.id);
    draft.say(1, "create", &us, json!([them]), Some(&subject));
    draft.say(1, "reply", &them, json!([us]), None);
    if n % 2 == 1 {
        let channel = json!({ "user_id": null, "name": null, "email": null, "slack_workspace_id": "T1", "slack_channel_id": "C42" });
        draft.say(2, "create", &staff(2), json!([channel]), Some("Who knows this one?"));
    }
    draft.close(1, &staff(2));
    draft.events
}

fn staff(n: u64) -> Value {
    json!({ "user_id": agent(n), "name": format!("Agent {n}"), "email": format!("agent{n}@acme.example") })
}

struct Draft {
    ticket: u64,
    seed: u64,
    random: Random,
    began: i64,
    events: Vec<Event>,
}

impl Draft {
    fn put(&mut self, conversation: u64, kind: &str, actor: &Value, rest: Value, mark: String, files: Vec<StoredFile>) {
        let n = self.events.len() as i64;
        let at = Timestamp::from_second(self.began + AFTER + n * APART).unwrap_or_default();
        let (id, of) = (
            uuid(self.seed, &[self.ticket, conversation, n as u64 + 1]),
            uuid(self.seed, &[self.ticket, conversation]),
        );
        let mut row = json!({
            "id": id, "side_conversation_id": of, "ticket_id": self.ticket, "type": kind, "actor": actor,
            "created_at": at.strftime("%Y-%m-%dT%H:%M:%S.000+00:00").to_string(), "via": "support", "message": null, "updates": {},
            "url": format!("{HERE}/api/v2/tickets/{}/side_conversations/{of}/events/{id}.json", self.ticket),
        });
        super::tables::merge(&mut row, rest);
        self.events.push(Event { ticket: self.ticket, row, mark, files, at });
    }

    fn say(&mut self, conversation: u64, kind: &str, from: &Value, to: Value, subject: Option<&str>) {
        let n = self.events.len() as u64;
        let mark = format!("zd{}side{n}s{}", self.ticket, self.seed);
        let body = words::body(&mut self.random, &mark);
        let files = match self.random.percent(60) {
            true => vec![self.file(n)],
            false => Vec::new(),
        };
        let message = json!({
            "subject": subject, "preview_text": mark, "body": body.text, "html_body": body.html, "from": from, "to": to,
            "via": "support", "external_ids": {},
        });
        self.put(conversation, kind, from, json!({ "message": message }), mark, files);
    }

    fn close(&mut self, conversation: u64, by: &Value) {
        self.put(conversation, "update", by, json!({ "updates": { "state": "closed" } }), String::new(), Vec::new());
    }

    fn file(&mut self, n: u64) -> StoredFile {
        let id = 360_300_000_000 + self.ticket * 100 + n;
        let token = format!("{:016x}{:016x}", self.random.draw(), self.random.draw());
        StoredFile::drawn(id, token, words::file(&mut self.random), false)
    }
}

/// One of the usual form for each `path`.
fn uuid(seed: u64, path: &[u64]) -> String {
    let mut random = Random::of(seed, path);
    let (high, low) = (random.draw(), random.draw());
    format!("{:08x}-{:04x}-11e8-857d-{:012x}", high >> 32, high & 0xFFFF, low & 0xFFFF_FFFF_FFFF)
}

fn show(event: &Event) -> Value {
    let mut row = event.row.clone();
    if row["message"].is_object() {
        row["message"]["attachments"] = event.files.iter().map(files::show).collect();
    }
    row
}

/// `/tickets/ID/side_conversations`, their events beside them on demand.
pub fn of_ticket(account: &Account, ticket: &Ticket, call: &Call) -> Answer {
    let events: Vec<&Event> = account.side_events.iter().filter(|event| event.ticket == ticket.id).collect();
    let mut conversations: Vec<Value> = Vec::new();
    for event in &events {
        let id = &event.row["side_conversation_id"];
        if let Some(own) = conversations.iter_mut().find(|own| own["id"] == *id) {
            own["updated_at"] = event.row["created_at"].clone();
            continue;
        }
        let mut participants = vec![event.row["actor"].clone()];
        participants.extend(event.row["message"]["to"].as_array().into_iter().flatten().cloned());
        conversations.push(json!({
            "id": id, "ticket_id": ticket.id, "subject": event.row["message"]["subject"], "state": "open",
            "preview_text": event.mark, "participants": participants, "external_ids": {},
            "created_at": event.row["created_at"], "updated_at": event.row["created_at"],
        }));
    }
    let mut answer = pages::answer("side_conversations", conversations, call);
    if answer.status == 200
        && call.param("include").is_some_and(|list| list.split(',').any(|one| one == "events"))
        && let Ok(Value::Object(mut page)) = serde_json::from_slice(&answer.body)
    {
        let shown = |event: &&&Event| {
            let own = page["side_conversations"].as_array().into_iter().flatten();
            own.into_iter().any(|one| one["id"] == event.row["side_conversation_id"])
        };
        let beside: Vec<Value> = events.iter().filter(shown).map(|event| show(event)).collect();
        page.insert("events".to_owned(), beside.into());
        answer.body = Value::Object(page).to_string().into_bytes();
    }
    answer
}

/// `/tickets/side_conversations/events`: those of all tickets since `start_time`.
pub fn export(account: &Account, call: &Call, border: i64) -> Answer {
    let row = |(id, event)| Row { generated: Event::second(event), id, show: Box::new(move || show(event)) };
    let rows = (0..).zip(&account.side_events).map(row);
    match past(rows.collect(), call, border, PAGE) {
        Err(refused) => refused,
        Ok((events, end, more)) => {
            let next = more.then(|| pages::with(call, &[("start_time", &end.to_string())]));
            Answer::json(200, &json!({ "count": events.len(), "events": events, "end_time": end, "next_page": next }))
        }
    }
}

/// As the contents are told: with the mark, and the files by their hashes.
pub fn told(account: &Account, ticket: u64, file: impl Fn(&StoredFile) -> Value) -> Value {
    let own = account.side_events.iter().filter(|event| event.ticket == ticket);
    own.map(|event| {
        let mut row = event.row.clone();
        row["mark"] = json!(event.mark);
        row["files"] = event.files.iter().map(&file).collect();
        row
    })
    .collect()
}

/// The file of this token.
pub fn file<'a>(events: &'a [Event], token: &str) -> Option<&'a StoredFile> {
    events.iter().flat_map(|event| &event.files).find(|file| file.token == token)
}
