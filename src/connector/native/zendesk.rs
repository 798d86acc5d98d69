//! Zendesk: calls, merges and pictures, which its API tells in texts, and who may answer for a ticket.
//!
//! A voice comment has its recording and transcript in `data`. A ticket that was merged away is closed, keeps its own messages and
//! says where to only in a comment: its `via.source` (`rel = "merge"`) where it names a ticket, else the words "merged into request #N"
//! beside the tag `closed_by_merge` (both read in the vendor's documentation, not tried).

use super::{Native, side_conversation};
use crate::connector::ChildRows;
use crate::connector::rest::{Account, Rest};
use crate::error::Result;
use crate::expr::plain;
use crate::ledger::Remote;
use crate::record::{Attachment, Body, Comment, Direction, Format, Link, LinkType, NamedBy, Record, Ticket};
use async_trait::async_trait;
use serde_json::{Map, Value};
use std::collections::HashMap;
use url::Url;

pub struct Zendesk;

#[async_trait]
impl Native for Zendesk {
    fn fold(&self, record: &mut Record, row: &Value, children: &ChildRows) -> Result<()> {
        let Body::Ticket(ticket) = &mut record.body else { return Ok(()) };
        if !row["suspended"].is_null() {
            ticket.comments = vec![held_back(row)];
            return Ok(());
        }
        let rows: HashMap<String, &Value> =
            children.get("comment").into_iter().flatten().map(|row| (row["id"].to_string(), row)).collect();
        sent_to(ticket, row);
        for comment in &mut ticket.comments {
            let Some(from) = rows.get(&comment.id) else { continue };
            call(comment, from, row);
            same_pictures(comment);
        }
        merged(ticket, &record.id, row, children);
        ticket.comments.extend(side_conversation::notes(children, record.created_at));
        Ok(())
    }

    /// `me`: the API user. `stand_ins`: who answers for a settled ticket that has no assignee, by group; under the empty text where it has no group.
    async fn prepare_target(&self, api: &Rest, account: &mut Account) -> Result<()> {
        let me = plain(&api.get("/users/me.json", &[]).await?["user"]["id"]);
        let memberships = api.table_named("group_membership").await?;
        account.insert("me".into(), me.clone().into());
        account
            .insert("stand_ins".into(), Value::Object(stand_ins(&me, memberships.iter().flat_map(|all| all.iter()))));
        Ok(())
    }

    /// An assignee is a member of the ticket's group. Who is told to be in no group may be in any; a group that was made has the
    /// members it was made with.
    async fn may_be_assigned(&self, _api: &Rest, person: &Remote, group: Option<&Remote>) -> Result<bool> {
        let own = person.outputs.get("groups").and_then(Value::as_array).filter(|own| !own.is_empty());
        let (Some(own), Some(group)) = (own, group) else { return Ok(true) };
        let made = group.outputs.get("members").and_then(Value::as_array).into_iter().flatten();
        Ok(own.iter().any(|id| plain(id) == group.id) || made.into_iter().any(|id| plain(id) == person.id))
    }
}

/// What was held back before it became a ticket, as the first message of one. Who wrote it may be nobody the account knows: then they
/// are known by their address. <https://developer.zendesk.com/api-reference/ticketing/tickets/suspended_tickets/>
fn held_back(row: &Value) -> Comment {
    let author = [&row["author"]["id"], &row["author"]["email"]].into_iter().find(|who| !who.is_null());
    let files = row["attachments"].as_array().into_iter().flatten().map(side_conversation::file).collect();
    Comment {
        author: author.map(plain),
        direction: Some(Direction::In),
        body: row["content"].as_str().unwrap_or_default().to_owned(),
        channel: row["via"]["channel"].as_str().map(str::to_owned),
        created_at: row["created_at"].as_str().and_then(|at| at.parse().ok()),
        message_id: row["message_id"].as_str().map(str::to_owned),
        ..Comment::of_files(plain(&row["suspended"]), Format::Text, files)
    }
}

/// The address of the account that a ticket was sent to is that of its first message, where the message names none.
fn sent_to(ticket: &mut Ticket, row: &Value) {
    if let (Some(first), Some(address)) = (ticket.comments.first_mut(), row["recipient"].as_str())
        && first.to.is_empty()
        && !address.is_empty()
    {
        first.to.push(address.to_owned());
    }
}

/// The API user where they are a member, else the member with the least id.
fn stand_ins<'a>(me: &str, memberships: impl Iterator<Item = (&'a String, &'a Value)>) -> Map<String, Value> {
    let mut found = Map::from_iter([(String::new(), me.into())]);
    for (user, groups) in memberships {
        for group in groups.as_array().into_iter().flatten().map(|one| plain(&one["group_id"])) {
            let there = found.get(&group).and_then(Value::as_str).unwrap_or_default();
            let number = |id: &str| id.parse::<u64>().unwrap_or(u64::MAX);
            if there.is_empty() || user == me || (there != me && number(user) < number(there)) {
                found.insert(group, user.as_str().into());
            }
        }
    }
    found
}

/// Adds what was said in a call. The recording is a file where the account itself keeps it.
fn call(comment: &mut Comment, from: &Value, ticket: &Value) {
    let data = &from["data"];
    if comment.format != Format::Text || !data.is_object() {
        return;
    }
    let text = |key: &str| data[key].as_str().map(str::trim).filter(|t| !t.is_empty());
    let recording = text("recording_url");
    let parts = [
        recording.map(|url| format!("Recording: {url}")),
        text("transcription_text").map(|words| format!("Transcription:\n{words}")),
    ];
    for part in parts.into_iter().flatten() {
        if !comment.body.contains(&part) {
            comment.body = format!("{}\n\n{part}", comment.body.trim_end());
        }
    }
    let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin());
    if let Some(url) = recording
        && origin(url).is_some_and(|here| Some(here) == ticket["url"].as_str().and_then(origin))
    {
        comment.attachments.push(Attachment {
            id: format!("{}-recording", comment.id),
            name: format!("recording-{}.mp3", comment.id),
            mime: Some("audio/mpeg".into()),
            size: None,
            source: url.into(),
            hash: None,
            inline: false,
            content_id: None,
            named_by: NamedBy::Platform,
        });
    }
}

/// Pictures are shown by their token, on whatever name of the account: the body gets the address of the file.
fn same_pictures(comment: &mut Comment) {
    for file in &comment.attachments {
        let Some(token) = token(file.source.as_str()) else { continue };
        let mark = format!("/attachments/token/{token}");
        let mut body = String::with_capacity(comment.body.len());
        let mut rest = comment.body.as_str();
        while let Some(at) = rest.find(&mark) {
            let ends = |c: char| matches!(c, '"' | '\'' | '<' | '>' | '(' | ')') || c.is_whitespace();
            let start = rest[..at].rfind(ends).map_or(0, |i| i + rest[i..].chars().next().map_or(1, char::len_utf8));
            let end = rest[at..].find(ends).map_or(rest.len(), |i| at + i);
            body.push_str(&rest[..start]);
            body.push_str(&file.source.as_str().replace('&', "&amp;"));
            rest = &rest[end..];
        }
        body.push_str(rest);
        comment.body = body;
    }
}

/// The unguessable part of a file's address.
fn token(address: &str) -> Option<&str> {
    let (_, after) = address.split_once("/attachments/token/")?;
    after.split(['/', '?']).next().filter(|token| token.len() > 5)
}

/// Names the ticket this one was merged into.
fn merged(ticket: &mut Ticket, id: &str, row: &Value, children: &ChildRows) {
    if !ticket.tags.iter().any(|tag| tag == "closed_by_merge") {
        return;
    }
    let comments = children.get("comment").into_iter().flatten();
    let told = comments.filter_map(|comment| named_by_via(comment).or_else(|| named_by_words(comment))).next_back();
    let Some(to) = told.or_else(|| named_by_via(row)).filter(|to| to != id) else { return };
    let link = Link { link_type: LinkType::MergedInto, to };
    if !ticket.links.contains(&link) {
        ticket.links.push(link);
    }
}

fn named_by_via(row: &Value) -> Option<String> {
    let source = &row["via"]["source"];
    let to = [&source["to"]["ticket_id"], &source["from"]["ticket_id"]];
    let id = to.into_iter().find_map(Value::as_u64)?;
    (source["rel"] == "merge").then(|| id.to_string())
}

/// "This request was closed and merged into request #123": Zendesk's words in English.
fn named_by_words(comment: &Value) -> Option<String> {
    let body = comment["plain_body"].as_str().or_else(|| comment["body"].as_str())?;
    let (_, after) = body.split_once("merged into request #")?;
    let number: String = after.chars().take_while(char::is_ascii_digit).collect();
    (!number.is_empty()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn comment(body: &str, format: Format, source: &str) -> Comment {
        let file = json!({"id": "5", "name": "a.png", "source": source});
        let mut comment: Comment =
            serde_json::from_value(json!({"id": "1", "format": format, "body": body, "attachments": [file]})).unwrap();
        comment.attachments.retain(|file| !file.source.is_empty());
        comment
    }

    #[test]
    fn a_picture_shown_under_another_name_of_the_account_is_its_file() {
        let source = "https://acme.zendesk.com/attachments/token/AbCdEf12/?name=a.png";
        let mut one = comment(
            "<p><img src=\"https://help.acme.com/attachments/token/AbCdEf12/?name=a.png\"> <img src='/attachments/token/AbCdEf12/'></p>",
            Format::Html,
            source,
        );
        same_pictures(&mut one);
        assert_eq!(one.body, format!("<p><img src=\"{source}\"> <img src='{source}'></p>"));
    }

    #[test]
    fn what_was_held_back_is_the_message_of_whoever_wrote_it() {
        let row = json!({"suspended": 7, "id": "suspended-7", "content": "Out of office", "cause": "Detected as spam",
            "author": {"id": null, "name": "Mr", "email": "mr@else.example"}, "created_at": "2024-01-01T00:00:00Z"});
        let message = held_back(&row);
        assert_eq!((message.id.as_str(), message.author.as_deref()), ("7", Some("mr@else.example")));
        assert_eq!((message.body.as_str(), message.format), ("Out of office", Format::Text));
        assert_eq!(held_back(&json!({"author": {"id": 9}})).author.as_deref(), Some("9"));
    }

    #[test]
    fn a_call_keeps_its_words_and_its_recording() {
        let url = "https://acme.zendesk.com/api/v2/channels/voice/calls/CA1/twilio/recording";
        let from = json!({"id": 1, "data": {"recording_url": url, "transcription_text": "hello?"}});
        let ticket = json!({"url": "https://acme.zendesk.com/api/v2/tickets/7.json"});
        let mut one = comment("Call from +1 555", Format::Text, "");
        call(&mut one, &from, &ticket);
        assert_eq!(one.body, format!("Call from +1 555\n\nRecording: {url}\n\nTranscription:\nhello?"));
        assert_eq!(one.attachments[0].source.as_str(), url);
        let mut other = comment("Call", Format::Text, "");
        call(&mut other, &from, &json!({"url": "https://other.zendesk.com/api/v2/tickets/7.json"}));
        assert!(other.attachments.is_empty(), "a file at a stranger's is only named");
    }

    #[test]
    fn a_settled_ticket_is_stood_in_for_by_a_member_of_its_group() {
        let of = |user: &str, groups: &[u64]| {
            (user.to_owned(), groups.iter().map(|id| json!({ "group_id": id })).collect::<Value>())
        };
        let all = [of("9", &[1]), of("5", &[1, 2]), of("7", &[2, 3])];
        let found = stand_ins("7", all.iter().map(|(user, groups)| (user, groups)));
        assert_eq!(Value::Object(found), json!({ "": "7", "1": "5", "2": "7", "3": "7" }));
    }

    #[test]
    fn a_merged_ticket_names_the_one_that_goes_on() {
        let children = |comment: Value| ChildRows::from([("comment".to_owned(), vec![comment])]);
        let to = |children: ChildRows, tags: &[&str]| {
            let mut ticket = Ticket { tags: tags.iter().map(|t| (*t).to_owned()).collect(), ..Ticket::default() };
            merged(&mut ticket, "7", &Value::Null, &children);
            ticket.links.into_iter().map(|l| l.to).collect::<Vec<_>>()
        };
        let words = json!({"plain_body": "This request was closed and merged into request #123 \"Help\"."});
        assert_eq!(to(children(words.clone()), &["closed_by_merge"]), ["123"]);
        assert!(to(children(words), &[]).is_empty(), "words alone are anybody's");
        let via = json!({"body": "x", "via": {"source": {"rel": "merge", "from": {"ticket_id": 9}}}});
        assert_eq!(to(children(via), &["closed_by_merge"]), ["9"]);
    }
}
