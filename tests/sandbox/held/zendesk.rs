//! Of a Zendesk.

use super::{Copied, Gone, Held, Message, Person, Ticket, file, id, marked, rows, squeezed, text};
use serde_json::Value;
use std::collections::BTreeMap;

pub fn held(state: &Value) -> Held {
    let people = people(state);
    let tickets = rows(&state["tickets"]).iter().map(|row| ticket(state, row, &people)).collect();
    Held { tickets, people }
}

fn table<'a>(state: &'a Value, name: &str) -> &'a [Value] {
    rows(&state["tables"][name])
}

fn group(state: &Value, wanted: &Value) -> Option<String> {
    let row = table(state, "groups").iter().find(|group| group["id"] == *wanted)?;
    Some(text(&row["name"]).to_owned())
}

fn people(state: &Value) -> BTreeMap<u64, Person> {
    let mut all: BTreeMap<u64, Person> = BTreeMap::new();
    for user in rows(&state["users"]) {
        let person = Person {
            name: squeezed(&user["name"]),
            addresses: user["email"].as_str().map(str::to_lowercase).into_iter().collect(),
            external_id: text(&user["external_id"]).to_owned(),
            is_agent: user["role"] != "end-user",
            is_usable: user["active"] == true && user["suspended"] != true,
            groups: Default::default(),
        };
        all.insert(id(&user["id"]), person);
    }
    for identity in rows(&state["identities"]).iter().filter(|own| own["type"] == "email") {
        if let Some(person) = all.get_mut(&id(&identity["user_id"])) {
            person.addresses.insert(text(&identity["value"]).to_lowercase());
        }
    }
    for membership in table(state, "group_memberships") {
        if let Some(person) = all.get_mut(&id(&membership["user_id"])) {
            person.groups.extend(group(state, &membership["group_id"]));
        }
    }
    all
}

fn ticket(state: &Value, row: &Value, people: &BTreeMap<u64, Person>) -> Ticket {
    let category = ["new", "open", "pending", "hold", "solved"].into_iter().find(|own| row["status"] == **own);
    let category = category.unwrap_or("closed");
    let status = table(state, "custom_statuses").iter().find(|own| own["id"] == row["custom_status_id"]);
    let custom = |field: &Value| {
        let value = rows(&row["custom_fields"]).iter().find(|own| own["id"] == field["id"]);
        (text(&field["title"]).to_owned(), value.map_or(Value::Null, |own| own["value"].clone()))
    };
    let fields = table(state, "ticket_fields").iter().filter(|field| field["removable"] == true);
    Ticket {
        id: id(&row["id"]),
        gone: (row["deleted"] == true).then_some(Gone::Deleted),
        was: marked(&row["external_id"]),
        subject: text(&row["subject"]).to_owned(),
        status: match status.filter(|_| category != "closed") {
            Some(own) => text(&own["agent_label"]).to_owned(),
            None => "Closed".to_owned(),
        },
        category,
        priority: text(&row["priority"]).to_owned(),
        kind: row["type"].as_str().map(str::to_owned),
        tags: rows(&row["tags"]).iter().map(|tag| text(tag).to_owned()).collect(),
        group: group(state, &row["group_id"]),
        assignee: row["assignee_id"].as_u64(),
        requester: id(&row["requester_id"]),
        copied: rows(&row["email_cc_ids"]).iter().filter_map(|own| copied(own, people)).collect(),
        custom: fields.map(custom).collect(),
        created_at: text(&row["created_at"]).to_owned(),
        messages: messages(row),
        spent: Vec::new(),
        rating: match text(&row["satisfaction_rating"]["score"]) {
            "good" => Some(("good", text(&row["satisfaction_rating"]["comment"]).to_owned())),
            "bad" => Some(("bad", text(&row["satisfaction_rating"]["comment"]).to_owned())),
            _ => None,
        },
        is_archived: false,
    }
}

fn copied(user: &Value, people: &BTreeMap<u64, Person>) -> Option<Copied> {
    let person = people.get(&id(user))?.clone();
    Some(Copied { id: user.as_u64(), person })
}

/// Comments, and what was said beside the ticket, in the order of time.
fn messages(row: &Value) -> Vec<Message> {
    let mut all: Vec<Message> = rows(&row["comments"]).iter().map(message).collect();
    let subject = |of: &Value| {
        let events = rows(&row["side_conversations"]).iter().filter(|event| event["side_conversation_id"] == *of);
        events.map(|event| text(&event["message"]["subject"])).find(|subject| !subject.is_empty()).unwrap_or_default()
    };
    let beside = rows(&row["side_conversations"]);
    if !beside.is_empty() {
        all.extend(beside.iter().map(|event| aside(event, subject(&event["side_conversation_id"]))));
        all.sort_by_key(|message| message.at.parse::<jiff::Timestamp>().ok());
    }
    all
}

/// An event of a side conversation: never public, and its words say with whom it was and what about.
fn aside(event: &Value, subject: &str) -> Message {
    let said = &event["message"];
    let people = [&said["from"]].into_iter().chain(rows(&said["to"]));
    let named = people.flat_map(|person| ["name", "email", "slack_channel_id"].map(|key| text(&person[key])));
    let above = std::iter::once(subject).chain(named).chain([text(&event["updates"]["state"])]);
    let body = text(&said["html_body"]);
    let at = text(&event["created_at"]).parse::<jiff::Timestamp>().map(|at| at.to_string());
    Message {
        body: body.to_owned(),
        words: body.to_owned(),
        above: above
            .filter(|word| !word.is_empty())
            .map(|word| word.replace('<', "&lt;").replace('>', "&gt;"))
            .collect(),
        mark: event["mark"].as_str().filter(|mark| !mark.is_empty()).map(str::to_owned),
        is_public: false,
        author: id(&event["actor"]["user_id"]),
        at: at.unwrap_or_default(),
        files: rows(&event["files"]).iter().map(file).collect(),
    }
}

fn message(row: &Value) -> Message {
    let is_voice = text(&row["type"]).contains("Voice");
    let words = if is_voice { &row["body"] } else { &row["html_body"] };
    Message {
        body: text(&row["html_body"]).to_owned(),
        words: text(words).to_owned(),
        above: Vec::new(),
        mark: row["mark"].as_str().filter(|mark| !mark.is_empty()).map(str::to_owned),
        is_public: row["public"] == true,
        author: id(&row["author_id"]),
        at: text(&row["created_at"]).to_owned(),
        files: rows(&row["files"]).iter().map(file).collect(),
    }
}
