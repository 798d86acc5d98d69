//! Request Tracker: a message's body is one part of its MIME tree.
//!
//! RT lists the parts of a message in reading order with `multipart/*` nodes between them (seen on 5.0.3).
//! Text parts without a file name are bodies: of alternatives the HTML one counts, otherwise all of them in order.
//! Everything else is a file.

use super::Native;
use super::rt_agents::{self, rows};
use crate::connector::ChildRows;
use crate::connector::rest::{Account, Rest};
use crate::error::{Problem, Reason, Result};
use crate::expr::{plain, segment};
use crate::record::{Body, Comment, Format, Record, TimeEntry};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use std::collections::HashMap;

pub struct Rt;

struct Part<'a> {
    id: &'a str,
    mime: &'a str,
    body: Option<String>,
}

#[async_trait]
impl Native for Rt {
    async fn prepare_source(&self, api: &Rest, account: &mut Account) -> Result<()> {
        privileged(api, account).await
    }

    async fn prepare_target(&self, api: &Rest, account: &mut Account) -> Result<()> {
        privileged(api, account).await?;
        queues(api, account).await
    }

    async fn rows(&self, api: &Rest, account: &Account, stream: &str) -> Result<Option<Vec<Value>>> {
        if stream != "agent" || account.contains_key(PRIVILEGED) {
            return Ok(None);
        }
        rt_agents::candidates(api, account).await.map(Some)
    }

    async fn agent_at(&self, api: &Rest, account: &Account, address: &str) -> Result<Option<Value>> {
        if account.contains_key(PRIVILEGED) {
            return Ok(None);
        }
        rt_agents::at_address(api, address).await
    }

    fn fold(&self, record: &mut Record, row: &Value, children: &ChildRows) -> Result<()> {
        let Body::Ticket(ticket) = &mut record.body else { return Ok(()) };
        ticket.time_entries.extend(time_worked(row));
        let mut parts: HashMap<&str, Vec<Part<'_>>> = HashMap::new();
        for row in children.get("attachment").into_iter().flatten() {
            parts.entry(transaction(row)).or_default().push(part(row)?);
        }
        for comment in &mut ticket.comments {
            fold_parts(comment, parts.get(comment.id.as_str()).map_or(&[], Vec::as_slice));
        }
        Ok(())
    }
}

/// RT counts the minutes worked on a ticket, and not who worked them when.
fn time_worked(row: &Value) -> Option<TimeEntry> {
    let minutes = plain(&row["TimeWorked"]).split_whitespace().next()?.parse().ok().filter(|minutes| *minutes > 0)?;
    Some(TimeEntry { id: "worked".into(), minutes, ..TimeEntry::default() })
}

/// `privileged_group`: the number of the group of agents, where RT shows it.
const PRIVILEGED: &str = "privileged_group";

/// An RT that hides its internal groups has the other fixes of that update too: it takes neither `Created` nor `Creator` of a
/// new ticket any more (5.0.3+dfsg-3~deb12u7).
async fn privileged(api: &Rest, account: &mut Account) -> Result<()> {
    if let Some(group) = rt_agents::privileged_group(api).await? {
        account.insert(PRIVILEGED.into(), group);
    }
    Ok(())
}

/// Every queue must have the marker's field, or RT would drop the marker in silence. Where people are to be squelched,
/// those who watch a queue are too.
async fn queues(api: &Rest, account: &mut Account) -> Result<()> {
    let Some(marker) = api.marker() else { return Ok(()) };
    let squelch = account.get("squelch").is_some_and(|answer| *answer == true);
    let mut watchers = Map::new();
    let listed = [("per_page".to_owned(), "100".to_owned()), ("fields".to_owned(), "Name".to_owned())];
    let all = api.get("/queues/all", &listed).await?;
    for queue in rows(&all["items"]) {
        let (id, name) = (plain(&queue["id"]), plain(&queue["Name"]));
        let whole = api.get(&format!("/queue/{id}"), &[]).await?;
        let Some(field) = rows(&whole["TicketCustomFields"]).iter().find(|f| f["name"] == marker.field.as_str()) else {
            let what = format!("the queue `{name}` has no ticket custom field `{}`", marker.field);
            return Err(Problem::new(Reason::Refused, what).hint(format!("make it by hand: {}", marker.make)));
        };
        account.insert("marker_field".into(), field["id"].clone());
        if squelch {
            let mut addresses = Vec::new();
            for person in ["Cc", "AdminCc"].iter().flat_map(|role| rows(&whole[*role])) {
                addresses_of(api, person, &mut addresses).await?;
            }
            watchers.insert(id, addresses.into());
        }
    }
    account.insert("queue_watchers".into(), Value::Object(watchers));
    Ok(())
}

/// The addresses behind a user, or behind the members of a group.
async fn addresses_of(api: &Rest, person: &Value, addresses: &mut Vec<String>) -> Result<()> {
    let id = plain(&person["id"]);
    let members = match person["type"].as_str() {
        Some("group") => {
            let all = [("recursively".to_owned(), "1".to_owned()), ("per_page".to_owned(), "100".to_owned())];
            let members = api.get(&format!("/group/{id}/members"), &all).await?;
            rows(&members["items"]).iter().map(|member| plain(&member["id"])).collect()
        }
        _ => vec![id],
    };
    for name in members {
        let user = api.get(&format!("/user/{}", segment(&name)), &[]).await?;
        addresses.extend(user["EmailAddress"].as_str().filter(|a| !a.is_empty()).map(str::to_owned));
    }
    Ok(())
}

fn transaction(row: &Value) -> &str {
    let id = &row["TransactionId"];
    id.as_str().or_else(|| id["id"].as_str()).unwrap_or_default()
}

fn part(row: &Value) -> Result<Part<'_>> {
    let mime = row["ContentType"].as_str().unwrap_or_default();
    let unnamed = row["Filename"].as_str().is_none_or(str::is_empty);
    let is_body = unnamed && matches!(mime, "text/plain" | "text/html");
    let id = row["id"].as_str().unwrap_or_default();
    let body =
        if is_body { Some(decode(&row["Content"]).map_err(|p| p.at(format!("attachment {id}")))?) } else { None };
    Ok(Part { id, mime, body })
}

fn decode(content: &Value) -> Result<String> {
    let packed: String = content.as_str().unwrap_or_default().split_whitespace().collect();
    let bytes = STANDARD
        .decode(packed)
        .map_err(|_| Problem::new(Reason::BadAnswer, "the content of a text part is not base64"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn fold_parts(comment: &mut Comment, parts: &[Part<'_>]) {
    comment
        .attachments
        .retain(|file| parts.iter().any(|p| p.id == file.id && p.body.is_none() && !p.mime.starts_with("multipart/")));
    let alternatives = parts.iter().any(|p| p.mime == "multipart/alternative");
    let bodies: Vec<_> = parts.iter().filter_map(|p| Some((p.mime, p.body.as_deref()?))).collect();
    let html = bodies.iter().any(|(mime, _)| *mime == "text/html");
    if !html {
        comment.format = Format::Text;
        comment.body = bodies.iter().map(|(_, body)| *body).collect::<Vec<_>>().join("\n");
        return;
    }
    comment.format = Format::Html;
    comment.body = bodies
        .iter()
        .filter(|(mime, _)| !alternatives || *mime == "text/html")
        .map(|(mime, body)| {
            if *mime == "text/html" {
                (*body).to_owned()
            } else {
                crate::content::convert(body, Format::Text, Format::Html, &|_| crate::content::ImagePlace::Gone).text
            }
        })
        .collect::<Vec<_>>()
        .join("\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Attachment, FileSource, NamedBy, State, Ticket};
    use serde_json::json;

    fn folded(rows: Vec<Value>) -> Comment {
        let attachments = rows
            .iter()
            .map(|row| Attachment {
                id: row["id"].as_str().unwrap().into(),
                name: "f".into(),
                mime: None,
                size: None,
                source: FileSource::default(),
                hash: None,
                inline: false,
                content_id: None,
                named_by: NamedBy::Platform,
            })
            .collect();
        let comment = Comment::of_files("7", Format::Text, attachments);
        let ticket = Ticket { comments: vec![comment], ..Ticket::default() };
        let mut record = Record {
            id: "1".into(),
            number: None,
            url: None,
            created_at: None,
            updated_at: None,
            state: State::Live,
            unread: vec![],
            body: Body::Ticket(Box::new(ticket)),
        };
        let children = ChildRows::from([("attachment".to_owned(), rows)]);
        Rt.fold(&mut record, &Value::Null, &children).unwrap();
        let Body::Ticket(ticket) = record.body else { unreachable!() };
        ticket.comments.into_iter().next().unwrap()
    }

    fn row(id: &str, mime: &str, name: &str, text: &str) -> Value {
        json!({"id": id, "TransactionId": "7", "ContentType": mime, "Filename": name, "Content": STANDARD.encode(text)})
    }

    #[test]
    fn of_alternatives_the_html_one_is_the_body_and_the_image_stays_a_file() {
        let comment = folded(vec![
            row("1", "multipart/alternative", "", ""),
            row("2", "text/plain", "", "plain"),
            row("3", "multipart/related", "", ""),
            row("4", "text/html", "", "<b>rich</b>"),
            row("5", "image/png", "pic.png", ""),
        ]);
        assert_eq!((comment.format, comment.body.as_str()), (Format::Html, "<b>rich</b>"));
        assert_eq!(comment.attachments.iter().map(|a| a.id.as_str()).collect::<Vec<_>>(), ["5"]);
    }

    #[test]
    fn a_text_file_with_a_name_is_not_a_body() {
        let comment = folded(vec![row("1", "text/plain", "", "hello"), row("2", "text/plain", "log.txt", "lines")]);
        assert_eq!(comment.body, "hello");
        assert_eq!(comment.attachments.len(), 1);
    }

    #[test]
    fn a_signature_after_a_file_is_not_lost() {
        let comment = folded(vec![
            row("1", "multipart/mixed", "", ""),
            row("2", "text/plain", "", "hello"),
            row("3", "application/pdf", "a.pdf", ""),
            row("4", "text/plain", "", "-- list footer"),
        ]);
        assert_eq!(comment.body, "hello\n-- list footer");
    }
}
