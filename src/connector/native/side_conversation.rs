//! Side conversations of Zendesk: what agents say to others beside a ticket, by mail, Slack, Teams or another ticket.
//!
//! Each event becomes a private note with a line above that says with whom and about what. Events stand at
//! <https://developer.zendesk.com/api-reference/ticketing/side_conversation/side_conversation_event/>; that a message lists its files as
//! `attachments`, like a comment, stands on no page (seen in programs that move them).

use crate::connector::ChildRows;
use crate::content::{header, notes as words};
use crate::expr::plain;
use crate::record::{Attachment, Comment, Direction, FileSource, Format, NamedBy, Visibility};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::HashMap;

/// The name of the stream.
const STREAM: &str = "side_conversation";

/// The notes of a ticket's side conversations, in the order of their events. `began`: when the ticket was made, for an event
/// without a time.
pub fn notes(children: &ChildRows, began: Option<Timestamp>) -> Vec<Comment> {
    let rows = children.get(STREAM).map_or(&[][..], Vec::as_slice);
    let mut subjects: HashMap<&str, &str> = HashMap::new();
    for row in rows {
        if let Some(subject) = text(&row["message"]["subject"]) {
            subjects.entry(conversation(row)).or_insert(subject);
        }
    }
    rows.iter().filter_map(|row| note(row, subjects.get(conversation(row)).copied(), began)).collect()
}

fn conversation(row: &Value) -> &str {
    row["side_conversation_id"].as_str().unwrap_or_default()
}

/// None where an event says nothing: that the conversation was put beside the ticket.
fn note(row: &Value, subject: Option<&str>, began: Option<Timestamp>) -> Option<Comment> {
    let message = Some(&row["message"]).filter(|message| message.is_object());
    let (line, format, body) = match message {
        Some(message) => {
            let (format, body) = match text(&message["html_body"]) {
                Some(html) => (Format::Html, html),
                None => (Format::Text, message["body"].as_str().unwrap_or_default()),
            };
            (between(row, message, subject), format, body)
        }
        None => {
            let (state, renamed) = (text(&row["updates"]["state"]), text(&row["updates"]["subject"]));
            if state.is_none() && renamed.is_none() {
                return None;
            }
            (words::aside_changed(subject, state, renamed), Format::Text, "")
        }
    };
    let id = plain(&row["id"]);
    let files = message.and_then(|message| message["attachments"].as_array()).into_iter().flatten();
    Some(Comment {
        author: user(&row["actor"]),
        visibility: Visibility::Private,
        direction: Some(Direction::Internal),
        body: header::put(body, format, &line),
        channel: Some(STREAM.to_owned()),
        created_at: text(&row["created_at"]).and_then(|at| at.parse().ok()).or(began),
        ..Comment::of_files(id, format, files.map(file).collect())
    })
}

/// The sender, who may be nobody the account knows, and all who were written to.
fn between(row: &Value, message: &Value, subject: Option<&str>) -> String {
    let from = person(&message["from"]).or_else(|| person(&row["actor"]));
    let to: Vec<String> = message["to"].as_array().into_iter().flatten().filter_map(person).collect();
    words::aside(subject, from.as_deref(), &to)
}

/// `Ann <ann@acme.example>`; of Slack the channel, of a ticket its agent or group.
fn person(participant: &Value) -> Option<String> {
    let (name, email) = (text(&participant["name"]), text(&participant["email"]));
    let other = [
        ("slack_channel_id", "Slack channel"),
        ("msteams_channel_id", "Teams channel"),
        ("support_agent_id", "agent"),
        ("support_group_id", "group"),
        ("user_id", "user"),
    ];
    let other = || {
        let found = other.iter().find(|(key, _)| !participant[*key].is_null());
        found.map(|(key, what)| format!("{what} {}", plain(&participant[*key])))
    };
    match (name, email) {
        (Some(name), Some(email)) => Some(format!("{name} <{email}>")),
        (Some(name), None) => Some(name.to_owned()),
        (None, Some(email)) => Some(format!("<{email}>")),
        (None, None) => other(),
    }
}

fn user(participant: &Value) -> Option<String> {
    Some(&participant["user_id"]).filter(|id| !id.is_null()).map(plain)
}

/// A file as the platform lists it.
pub fn file(row: &Value) -> Attachment {
    let id = plain(&row["id"]);
    let name =
        text(&row["file_name"]).or_else(|| text(&row["name"])).map_or_else(|| format!("file-{id}"), str::to_owned);
    Attachment {
        name,
        mime: text(&row["content_type"]).map(str::to_owned),
        size: row["size"].as_u64(),
        source: text(&row["content_url"]).map_or_else(|| FileSource::withheld(&id), FileSource::from),
        hash: None,
        inline: row["inline"] == true,
        content_id: None,
        named_by: NamedBy::Platform,
        id,
    }
}

fn text(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(events: Value) -> Vec<Comment> {
        let rows = events.as_array().cloned().unwrap_or_default();
        notes(&ChildRows::from([(STREAM.to_owned(), rows)]), "2020-01-01T00:00:00Z".parse().ok())
    }

    fn created() -> Value {
        json!({
            "id": "e1", "side_conversation_id": "c1", "type": "create", "created_at": "2020-02-01T00:00:00.453+00:00",
            "actor": { "user_id": 35, "name": "Ann", "email": "ann@acme.example" },
            "message": {
                "subject": "Spare  parts", "body": "plain", "html_body": "<p>Any left?</p>",
                "from": { "user_id": 35, "name": "Ann", "email": "ann@acme.example" },
                "to": [{ "user_id": null, "name": null, "email": "shop@parts.example" }, { "slack_channel_id": "C9" }],
                "attachments": [{ "id": "s3-1", "file_name": "a.png", "content_url": "https://acme.example/a", "size": 4 }],
            },
        })
    }

    #[test]
    fn a_side_conversation_is_never_public_and_says_with_whom_and_about_what() {
        let [note] = &of(json!([created()]))[..] else { panic!("one note") };
        assert_eq!(note.visibility, Visibility::Private);
        assert_eq!(note.author.as_deref(), Some("35"));
        let line = "Side conversation “Spare parts” from Ann &lt;ann@acme.example&gt; to &lt;shop@parts.example&gt;, Slack channel C9";
        assert_eq!(note.body, format!("<p><em>{line}</em></p>\n<p>Any left?</p>"));
        assert_eq!(note.created_at.unwrap().to_string(), "2020-02-01T00:00:00.453Z");
        let file = &note.attachments[0];
        assert_eq!((file.name.as_str(), file.source.as_str()), ("a.png", "https://acme.example/a"));
    }

    #[test]
    fn an_answer_from_outside_names_who_wrote_it_and_knows_what_it_is_about() {
        let reply = json!({
            "id": "e2", "side_conversation_id": "c1", "type": "reply", "created_at": "2020-02-02T00:00:00Z",
            "actor": { "user_id": null, "name": "Shop", "email": "shop@parts.example" },
            "message": { "body": "Two.", "html_body": null, "to": [] },
        });
        let notes = of(json!([created(), reply]));
        assert_eq!((notes[1].author.as_ref(), notes[1].format), (None, Format::Text));
        assert_eq!(notes[1].body, "Side conversation “Spare parts” from Shop <shop@parts.example>\n\nTwo.");
    }

    #[test]
    fn a_conversation_that_is_closed_says_so_and_an_event_that_says_nothing_is_no_note() {
        let event =
            |updates: Value| json!({ "id": "e3", "side_conversation_id": "c1", "type": "update", "updates": updates });
        let notes = of(json!([created(), event(json!({ "state": "closed" })), event(json!({}))]));
        assert_eq!(notes.len(), 2);
        assert_eq!(notes[1].body, "Side conversation “Spare parts” was closed");
        assert_eq!(notes[1].created_at.unwrap().to_string(), "2020-01-01T00:00:00Z", "never before its ticket");
    }

    #[test]
    fn a_file_without_an_address_is_told_as_gone() {
        let mut event = created();
        event["message"]["attachments"][0]["content_url"] = Value::Null;
        assert!(of(json!([event]))[0].attachments[0].source.is_withheld());
    }
}
