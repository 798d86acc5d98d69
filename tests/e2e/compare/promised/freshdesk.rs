//! Of a Freshdesk.

use super::{Field, custom, file, gone, id, instant, marks, names, phrases, rows, subject, text, whoever};
use crate::compare::text::without_tags;
use crate::seed::expected::{Absent, Body, Expected, File, Kind, Message, Person, Ticket};
use serde_json::Value;
use std::collections::HashMap;

/// Sources of a ticket or a conversation: a chat's description repeats its first message, an outbound ticket is an agent's, a
/// survey may have no words.
const WEB_CHAT: u64 = 15;
const OUTBOUND: u64 = 10;
const SURVEY: u64 = 6;
/// Stands in a stored body for the address of an inline image.
const INLINE: &str = "freshdesk-inline:";

/// `agents`: addresses of those who can be assigned in the target.
pub fn expected(state: &Value, fields: &[Field], agents: &[&str]) -> Result<Expected, String> {
    let desk = Desk::of(state);
    let mut expected = Expected { seed: 0, tickets: vec![], absent: vec![] };
    for row in rows(&state["tickets"]) {
        let (id, subject) = (id(&row["id"]) as i64, titled(row));
        let messages = desk.messages(row)?;
        if let Some(why) = gone(row) {
            let tokens = messages.into_iter().filter_map(|message| message.token).collect();
            expected.absent.push(Absent { id, subject, why: why.into(), tokens });
            continue;
        }
        let owner = desk.people.get(&self::id(&row["responder_id"])).cloned();
        let is_assignable = |email: &str| agents.iter().any(|agent| agent.eq_ignore_ascii_case(email));
        let copied = |address: &Value| {
            let known = desk.people.values().find(|person| person.email.as_deref() == address.as_str()).cloned();
            known.unwrap_or_else(|| Person { name: None, email: Some(text(address)), login: text(address) })
        };
        let shown = |name: &str| match &row["custom_fields"][name] {
            Value::Null => vec![],
            value => vec![text(value)],
        };
        expected.tickets.push(Ticket {
            id,
            subject,
            queue: desk.groups.get(&self::id(&row["group_id"])).cloned().unwrap_or_default(),
            status: desk.statuses.get(&self::id(&row["status"])).cloned().unwrap_or_default(),
            requesters: vec![desk.person(&row["requester_id"])],
            ccs: rows(&row["cc_emails"]).iter().map(copied).collect(),
            owner: owner.filter(|owner| owner.email.as_deref().is_some_and(is_assignable)),
            created: instant(&row["created_at"])?,
            custom: custom(fields, shown),
            messages,
            refers_to: desk.links(row),
            chatter: 0,
        });
    }
    Ok(expected)
}

fn titled(row: &Value) -> String {
    let own = text(&row["subject"]);
    subject(id(&row["id"]), if own.is_empty() { "(no subject)" } else { &own })
}

struct Desk<'a> {
    people: HashMap<u64, Person>,
    groups: HashMap<u64, String>,
    statuses: HashMap<u64, String>,
    tickets: HashMap<u64, &'a Value>,
}

impl<'a> Desk<'a> {
    fn of(state: &'a Value) -> Self {
        let person = |row: &Value| {
            let email = row["email"].as_str().map(str::to_owned);
            let name = row["name"].as_str().map(|name| name.split_whitespace().collect::<Vec<_>>().join(" "));
            Person { name: name.filter(|name| !name.is_empty()), email, login: String::new() }
        };
        // those who left are in no list: nobody knows their name
        let agents = rows(&state["agents"]).iter().filter(|agent| agent["deactivated"] != true);
        let people = agents.chain(rows(&state["contacts"]));
        Self {
            people: people.map(|row| (id(&row["id"]), person(row))).collect(),
            groups: names(&state["groups"], "name"),
            statuses: names(&state["statuses"], "label"),
            tickets: rows(&state["tickets"]).iter().map(|row| (id(&row["id"]), row)).collect(),
        }
    }

    fn person(&self, user: &Value) -> Person {
        whoever(&self.people, user)
    }

    /// Those a parent or a tracker is asked for.
    fn links(&self, row: &Value) -> Vec<String> {
        let asks = row["association"] == "parent" || row["association"] == "tracker";
        let others = if asks { rows(&row["associates"]) } else { &[] };
        let there = others.iter().filter_map(|to| self.tickets.get(&id(to))).filter(|row| gone(row).is_none());
        there.map(|row| titled(row)).collect()
    }

    fn messages(&self, row: &Value) -> Result<Vec<Message>, String> {
        let (source, description) = (id(&row["source"]), &row["description"]);
        let author = if source == OUTBOUND { &row["responder_id"] } else { &row["requester_id"] };
        let mut all = vec![self.message(row, row, description, author, true)?];
        for (n, said) in rows(&row["conversations"]).iter().enumerate() {
            let is_blank = without_tags(&text(&said["body"])).trim().is_empty() && rows(&said["files"]).is_empty();
            let repeats = n == 0 && source == WEB_CHAT && said["body"] == *description;
            if repeats || (is_blank && id(&said["source"]) == SURVEY) {
                continue;
            }
            all.push(self.message(row, said, &said["body"], &said["user_id"], said["private"] != true)?);
        }
        Ok(all)
    }

    fn message(
        &self,
        ticket: &Value,
        said: &Value,
        body: &Value,
        author: &Value,
        is_public: bool,
    ) -> Result<Message, String> {
        let html = text(body);
        Ok(Message {
            kind: if is_public { Kind::Public } else { Kind::Private },
            author: self.person(author),
            created: instant(&said["created_at"])?,
            token: marks(&html).into_iter().next(),
            text: phrases(&html),
            files: files(ticket, said, &html),
            body: Body::Empty,
        })
    }
}

/// The files of a message, and the pictures its body shows, which hang on the ticket.
fn files(ticket: &Value, said: &Value, body: &str) -> Vec<File> {
    let mut own: Vec<&Value> = rows(&said["files"]).iter().collect();
    let conversations = rows(&ticket["conversations"]).iter().flat_map(|said| rows(&said["files"]));
    let everywhere = [&ticket["files"], &ticket["pictures"]].into_iter().flat_map(rows).chain(conversations);
    let all: Vec<&Value> = everywhere.collect();
    for piece in body.split(INLINE).skip(1) {
        let number: String = piece.chars().take_while(char::is_ascii_digit).collect();
        let shown = all.iter().find(|file| id(&file["id"]).to_string() == number);
        own.extend(shown.filter(|shown| !own.iter().any(|file| file["id"] == shown["id"])).copied());
    }
    let promised = |own: &Value| {
        let inline = body.contains(&format!("{INLINE}{}", own["id"]));
        let listed = rows(&said["files"]).iter().any(|file| file["id"] == own["id"]);
        let file = File { inline, ..file(own) };
        // of a picture that is in no list, the address is all that is told
        if listed { file } else { File { name: String::new(), ..file } }
    };
    own.into_iter().map(promised).collect()
}
