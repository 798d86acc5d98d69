//! Of a Freshdesk.

use super::{Copied, File, Gone, Held, Message, Person, Spent, Ticket, file, id, marked, rows, squeezed, text};
use crate::text::without_tags;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Sources of a ticket or a conversation: a chat's description repeats its first message, an outbound ticket is an agent's, a survey
/// may have no words.
const WEB_CHAT: u64 = 15;
const OUTBOUND: u64 = 10;
const SURVEY: u64 = 6;
/// Stands in a stored body for the address of an inline image.
const INLINE: &str = "freshdesk-inline:";

pub fn held(state: &Value) -> Held {
    let tickets = rows(&state["tickets"]).iter().map(|row| ticket(state, row)).collect();
    Held { tickets, people: people(state) }
}

fn people(state: &Value) -> BTreeMap<u64, Person> {
    let address = |value: &Value| value.as_str().map(str::to_lowercase);
    let mut all: BTreeMap<u64, Person> = BTreeMap::new();
    for agent in rows(&state["agents"]) {
        let works = |group: &&Value| rows(&group["agent_ids"]).contains(&agent["id"]);
        let groups = rows(&state["groups"]).iter().filter(works).map(|group| text(&group["name"]).to_owned());
        let person = Person {
            name: squeezed(&agent["name"]),
            addresses: address(&agent["email"]).into_iter().collect(),
            external_id: String::new(),
            is_agent: true,
            is_usable: agent["deactivated"] != true,
            groups: groups.collect(),
        };
        all.insert(id(&agent["id"]), person);
    }
    for contact in rows(&state["contacts"]) {
        let others = rows(&contact["other_emails"]).iter().filter_map(address);
        let person = Person {
            name: squeezed(&contact["name"]),
            addresses: address(&contact["email"]).into_iter().chain(others).collect(),
            external_id: text(&contact["unique_external_id"]).to_owned(),
            is_agent: false,
            is_usable: contact["deleted"] != true && contact["blocked"] != true,
            groups: BTreeSet::new(),
        };
        all.insert(id(&contact["id"]), person);
    }
    all
}

fn ticket(state: &Value, row: &Value) -> Ticket {
    let named = |table: &str, own: &Value| {
        let found = rows(&state[table]).iter().find(|row| row["id"] == *own);
        found.map(|row| text(if row["label"].is_string() { &row["label"] } else { &row["name"] }).to_owned())
    };
    let category = match id(&row["status"]) {
        2 => "open",
        3 | 6 => "pending",
        4 => "solved",
        5 => "closed",
        7 => "hold",
        // Of the account's own, of which the vendor tells no more.
        _ => "open",
    };
    let copied = rows(&row["cc_emails"]).iter().map(|address| Copied {
        id: None,
        person: Person { addresses: BTreeSet::from([text(address).to_lowercase()]), ..Person::default() },
    });
    let custom = row["custom_fields"].as_object().into_iter().flatten();
    Ticket {
        id: id(&row["id"]),
        gone: match (row["deleted"] == true, row["spam"] == true) {
            (true, _) => Some(Gone::Deleted),
            (_, true) => Some(Gone::Spam),
            _ => None,
        },
        was: marked(&row["custom_fields"]["cf_deskferry"]),
        subject: text(&row["subject"]).to_owned(),
        status: named("statuses", &row["status"]).unwrap_or_default(),
        category,
        priority: ["", "Low", "Medium", "High", "Urgent"][id(&row["priority"]) as usize].to_owned(),
        kind: row["type"].as_str().map(str::to_owned),
        tags: rows(&row["tags"]).iter().map(|tag| text(tag).to_owned()).collect(),
        group: named("groups", &row["group_id"]),
        assignee: row["responder_id"].as_u64(),
        requester: id(&row["requester_id"]),
        copied: copied.collect(),
        custom: custom.map(|(name, value)| (name.clone(), value.clone())).collect(),
        created_at: text(&row["created_at"]).to_owned(),
        messages: messages(row),
        spent: of(state, "time_entries", row).map(spent).collect(),
        rating: of(state, "satisfaction_ratings", row).last().map(|rating| {
            let answer = rating["ratings"]["default_question"].as_i64().unwrap_or_default();
            let score = if answer > 100 {
                "good"
            } else if answer < 0 {
                "bad"
            } else {
                "neutral"
            };
            (score, text(&rating["feedback"]).to_owned())
        }),
        is_archived: row["archived"] == true,
    }
}

/// Rows of a list of the desk that are this ticket's.
fn of<'a>(state: &'a Value, list: &str, ticket: &'a Value) -> impl DoubleEndedIterator<Item = &'a Value> {
    rows(&state[list]).iter().filter(|row| row["ticket_id"] == ticket["id"])
}

fn spent(row: &Value) -> Spent {
    Spent {
        clock: text(&row["time_spent"]).to_owned(),
        agent: id(&row["agent_id"]),
        at: text(&row["executed_at"]).to_owned(),
        note: text(&row["note"]).to_owned(),
        billable: row["billable"] == true,
    }
}

fn messages(row: &Value) -> Vec<Message> {
    let author = if id(&row["source"]) == OUTBOUND { &row["responder_id"] } else { &row["requester_id"] };
    let description = text(&row["description"]);
    let mut all = vec![Message {
        body: description.to_owned(),
        words: description.to_owned(),
        above: Vec::new(),
        mark: mark(description),
        is_public: true,
        author: id(author),
        at: text(&row["created_at"]).to_owned(),
        files: files(row, row, description),
    }];
    for (n, said) in rows(&row["conversations"]).iter().enumerate() {
        let body = text(&said["body"]);
        let is_blank = without_tags(body).trim().is_empty() && rows(&said["files"]).is_empty();
        let repeats = n == 0 && id(&row["source"]) == WEB_CHAT && body == description;
        // A rating that was moved says its words among the messages.
        let is_moved = marked(&row["custom_fields"]["cf_deskferry"]).is_some();
        if repeats || ((is_blank || is_moved) && id(&said["source"]) == SURVEY) {
            continue;
        }
        all.push(Message {
            body: body.to_owned(),
            words: body.to_owned(),
            above: Vec::new(),
            mark: mark(body),
            is_public: said["private"] != true,
            author: id(&said["user_id"]),
            at: text(&said["created_at"]).to_owned(),
            files: files(row, said, body),
        });
    }
    all
}

/// The word a body begins with, if it is one of the desk's own: `fd7`, `fd7-2`, `fd20-1s19`.
fn mark(body: &str) -> Option<String> {
    let plain = body.replace(['<', '>'], " ");
    let is_mark =
        |word: &&str| word.strip_prefix("fd").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    plain.split_whitespace().find(is_mark).map(str::to_owned)
}

/// The files of a message, and the pictures its body shows, which hang on the ticket.
fn files(ticket: &Value, message: &Value, body: &str) -> Vec<File> {
    let mut own: Vec<&Value> = rows(&message["files"]).iter().collect();
    let everywhere = [&ticket["files"], &ticket["pictures"]].into_iter().flat_map(rows);
    let all: Vec<&Value> =
        everywhere.chain(rows(&ticket["conversations"]).iter().flat_map(|said| rows(&said["files"]))).collect();
    for piece in body.split(INLINE).skip(1) {
        let number: String = piece.chars().take_while(char::is_ascii_digit).collect();
        let shown = all.iter().find(|file| file["id"].as_u64() == number.parse().ok());
        own.extend(shown.filter(|shown| !own.iter().any(|file| file["id"] == shown["id"])).copied());
    }
    let shown = |own: &&Value| body.contains(&format!("{INLINE}{}", own["id"]));
    own.into_iter().map(|own| File { is_inline: shown(&own), ..file(own) }).collect()
}
