//! Of a Zendesk.

use super::{Field, custom, file, gone, id, instant, names, phrases, rows, shown, subject, text, whoever};
use crate::seed::expected::{Absent, Body, Expected, Kind, Message, Person, Ticket};
use serde_json::Value;
use std::collections::HashMap;

/// `agents`: addresses of those who can be assigned in the target.
pub fn expected(state: &Value, fields: &[Field], agents: &[&str]) -> Result<Expected, String> {
    let desk = Desk::of(state);
    let mut expected = Expected { seed: 0, tickets: vec![], absent: vec![] };
    for row in rows(&state["tickets"]) {
        let (id, subject) = (id(&row["id"]) as i64, subject(id(&row["id"]), &text(&row["subject"])));
        if let Some(why) = gone(row) {
            let tokens = rows(&row["comments"]).iter().filter_map(token).collect();
            expected.absent.push(Absent { id, subject, why: why.into(), tokens });
            continue;
        }
        let owner = desk.people.get(&self::id(&row["assignee_id"])).cloned();
        let defined = |title: &str| rows(&state["tables"]["ticket_fields"]).iter().find(|f| text(&f["title"]) == title);
        let valued = |title: &str| defined(title).map_or(vec![], |field| shown(field, row));
        let copies = rows(&row["email_cc_ids"]).iter().chain(rows(&row["follower_ids"]));
        expected.tickets.push(Ticket {
            id,
            subject,
            queue: desk.groups.get(&self::id(&row["group_id"])).cloned().unwrap_or_default(),
            status: desk.status(row),
            requesters: vec![desk.person(&row["requester_id"])],
            ccs: copies.map(|person| desk.person(person)).collect(),
            owner: owner.filter(|o| o.email.as_deref().is_some_and(|email| agents.contains(&email))),
            created: instant(&row["created_at"])?,
            custom: custom(fields, valued),
            messages: desk.messages(row)?,
            refers_to: desk.links(row),
            chatter: 0,
        });
    }
    Ok(expected)
}

/// Tickets with a file that the source lists and does not give.
pub fn withholding(state: &Value) -> Vec<u64> {
    let withheld = |c: &Value| rows(&c["files"]).iter().any(|file| file["downloadable"] != true);
    let all = rows(&state["tickets"]).iter().filter(|row| gone(row).is_none());
    all.filter(|row| rows(&row["comments"]).iter().any(withheld)).map(|row| id(&row["id"])).collect()
}

struct Desk<'a> {
    people: HashMap<u64, Person>,
    groups: HashMap<u64, String>,
    statuses: HashMap<u64, String>,
    tickets: HashMap<u64, &'a Value>,
}

impl<'a> Desk<'a> {
    fn of(state: &'a Value) -> Self {
        let person = |user: &Value| {
            let email = user["email"].as_str().map(str::to_owned);
            Person { name: user["name"].as_str().map(str::to_owned), email, login: String::new() }
        };
        Self {
            people: rows(&state["users"]).iter().map(|user| (id(&user["id"]), person(user))).collect(),
            groups: names(&state["tables"]["groups"], "name"),
            statuses: names(&state["tables"]["custom_statuses"], "agent_label"),
            tickets: rows(&state["tickets"]).iter().map(|row| (id(&row["id"]), row)).collect(),
        }
    }

    fn person(&self, user: &Value) -> Person {
        whoever(&self.people, user)
    }

    /// A closed ticket still names the status it was solved with.
    fn status(&self, row: &Value) -> String {
        match row["status"] == "closed" {
            true => "Closed".into(),
            false => self.statuses.get(&id(&row["custom_status_id"])).cloned().unwrap_or_default(),
        }
    }

    /// The problem it is an incident of, the ticket it follows.
    fn links(&self, row: &Value) -> Vec<String> {
        let source = &row["via"]["source"];
        let follows = if source["rel"] == "follow_up" { &source["from"]["ticket_id"] } else { &Value::Null };
        let there = [&row["problem_id"], follows].into_iter().filter_map(|to| self.tickets.get(&id(to)));
        let there = there.filter(|row| gone(row).is_none());
        there.map(|row| subject(id(&row["id"]), &text(&row["subject"]))).collect()
    }

    /// Comments, and what was said beside the ticket, in the order of time.
    fn messages(&self, row: &Value) -> Result<Vec<Message>, String> {
        let comments = rows(&row["comments"]).iter().map(|c| self.message(c));
        let mut all = comments.collect::<Result<Vec<_>, _>>()?;
        let beside = rows(&row["side_conversations"]);
        for event in beside {
            let same = |other: &&Value| other["side_conversation_id"] == event["side_conversation_id"];
            let subjects = beside.iter().filter(same).map(|event| text(&event["message"]["subject"]));
            let subject = subjects.into_iter().find(|subject| !subject.is_empty());
            all.push(self.aside(event, subject.unwrap_or_default())?);
        }
        if !beside.is_empty() {
            all.sort_by_key(|message| message.created);
        }
        Ok(all)
    }

    /// An event of a side conversation: private, with a line that says with whom it was and what about.
    fn aside(&self, event: &Value, subject: String) -> Result<Message, String> {
        let said = &event["message"];
        let people = [&said["from"]].into_iter().chain(rows(&said["to"]));
        let named = people.flat_map(|person| ["name", "email", "slack_channel_id"].map(|key| text(&person[key])));
        let state = text(&event["updates"]["state"]);
        let words = std::iter::once(subject).chain(named).chain([state]).filter(|word| !word.is_empty());
        let text = words.chain(phrases(&text(&said["html_body"]))).collect();
        let author = match &event["actor"]["user_id"] {
            Value::Null => Person { name: None, email: None, login: String::new() },
            known => self.person(known),
        };
        let files = rows(&event["files"]).iter().filter(|file| file["downloadable"] == true).map(file).collect();
        let (created, token) = (instant(&event["created_at"])?, token(event));
        Ok(Message { kind: Kind::Private, author, created, token, text, files, body: Body::Empty })
    }

    fn message(&self, comment: &Value) -> Result<Message, String> {
        let voice = text(&comment["type"]).contains("Voice");
        let body = text(&comment[if voice { "body" } else { "html_body" }]);
        let files = rows(&comment["files"]).iter().filter(|file| file["downloadable"] == true);
        Ok(Message {
            kind: if comment["public"] == true { Kind::Public } else { Kind::Private },
            author: self.person(&comment["author_id"]),
            created: instant(&comment["created_at"])?,
            token: token(comment),
            text: if voice { body.lines().map(str::to_owned).collect() } else { phrases(&body) },
            files: files.map(file).collect(),
            body: Body::Empty,
        })
    }
}

fn token(comment: &Value) -> Option<String> {
    Some(text(&comment["mark"])).filter(|mark| !mark.is_empty())
}
