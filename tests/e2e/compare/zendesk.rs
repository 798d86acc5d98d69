//! What the look-alike of Zendesk promises, by what it says is stored in it: the tickets that must be found in any desk they
//! were moved to.
//!
//! Its subjects repeat: a ticket is known by its number, which stands before its subject here and, by the marker, in what
//! was found in the target ([`numbered`]).

use super::json::{id, rows, text};
use super::target::Target;
use super::text::squeezed_line;
use crate::seed::expected::{Absent, Alike, Body, Custom, Expected, File, Kind, Message, Person, Ticket};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// Longest subject, in characters.
const SUBJECT: usize = 255;
/// Longest name of a file, in bytes.
const FILE_NAME: usize = 255;

/// A custom field: its id in the source, the title of the one that takes it, and when two values are the same.
pub type Field<'a> = (u64, &'a str, Alike);

/// `agents`: addresses of those who can be assigned in the target.
pub fn expected(state: &Value, fields: &[Field], agents: &[&str]) -> Result<Expected, String> {
    let desk = Desk::of(state);
    let mut expected = Expected { seed: 0, tickets: vec![], absent: vec![] };
    for row in rows(&state["tickets"]) {
        let (id, subject) = (id(&row["id"]) as i64, subject(id(&row["id"]), &text(&row["subject"])));
        if row["deleted"] == true {
            let tokens = rows(&row["comments"]).iter().filter_map(token).collect();
            expected.absent.push(Absent { id, subject, why: "deleted".into(), tokens });
            continue;
        }
        let owner = desk.people.get(&self::id(&row["assignee_id"])).cloned();
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
            custom: custom(&row["custom_fields"], &state["tables"]["ticket_fields"], fields),
            messages: rows(&row["comments"]).iter().map(|c| desk.message(c)).collect::<Result<_, _>>()?,
            refers_to: desk.links(row),
            chatter: 0,
        });
    }
    Ok(expected)
}

/// Puts the number of the ticket an issue was before its subject.
pub fn numbered(target: &mut Target, marker: &str) {
    for issue in &mut target.issues {
        let held = issue.custom.get(marker).and_then(|values| values.first()).cloned().unwrap_or_default();
        if let Some(id) = held.rsplit_once(":ticket:").and_then(|(_, id)| id.parse().ok()) {
            issue.subject = subject(id, &issue.subject);
        }
    }
}

/// Words messages begin with: `zd12c3s1`, message 3 of ticket 12.
pub fn marks(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| word.strip_prefix("zd").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())))
}

/// Tags of every ticket that has some, by its number.
pub fn tags(state: &Value) -> BTreeMap<u64, Vec<String>> {
    let tags = |row: &Value| rows(&row["tags"]).iter().map(text).collect::<Vec<_>>();
    let all = rows(&state["tickets"]).iter().filter(|row| row["deleted"] != true);
    all.map(|row| (id(&row["id"]), tags(row))).filter(|(_, tags)| !tags.is_empty()).collect()
}

/// Tickets with a file that the source lists and does not give.
pub fn withholding(state: &Value) -> Vec<u64> {
    let withheld = |c: &Value| rows(&c["files"]).iter().any(|file| file["downloadable"] != true);
    let all = rows(&state["tickets"]).iter().filter(|row| row["deleted"] != true);
    all.filter(|row| rows(&row["comments"]).iter().any(withheld)).map(|row| id(&row["id"])).collect()
}

/// The number, and what of the subject no desk changes.
fn subject(id: u64, subject: &str) -> String {
    let words: Vec<&str> = subject.split_whitespace().collect();
    let short: String = words.join(" ").chars().take(SUBJECT).collect();
    format!("[{id}] {}", squeezed_line(&short))
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
        let named = |list: &Value, name: &str| -> HashMap<u64, String> {
            rows(list).iter().map(|row| (id(&row["id"]), text(&row[name]))).collect()
        };
        Self {
            people: rows(&state["users"]).iter().map(|user| (id(&user["id"]), person(user))).collect(),
            groups: named(&state["tables"]["groups"], "name"),
            statuses: named(&state["tables"]["custom_statuses"], "agent_label"),
            tickets: rows(&state["tickets"]).iter().map(|row| (id(&row["id"]), row)).collect(),
        }
    }

    fn person(&self, user: &Value) -> Person {
        let nobody = || Person { name: None, email: None, login: id(user).to_string() };
        self.people.get(&id(user)).cloned().unwrap_or_else(nobody)
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
        let there = there.filter(|row| row["deleted"] != true);
        there.map(|row| subject(id(&row["id"]), &text(&row["subject"]))).collect()
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

/// What stands between two tags, whatever they become.
fn phrases(html: &str) -> Vec<String> {
    let pieces = html.split('<').filter_map(|piece| Some(piece.split_once('>')?.1.trim()));
    pieces.filter(|piece| !piece.is_empty()).map(str::to_owned).collect()
}

/// No name is held that hides its file; and none that is a path, or too long: then any may be given.
fn file(file: &Value) -> File {
    let name = text(&file["name"]).trim_start_matches('.').to_owned();
    let bad = name.contains("..") || name.len() > FILE_NAME;
    File {
        name: if bad { String::new() } else { name },
        mime: text(&file["content_type"]),
        sha256: text(&file["sha256"]),
        size: id(&file["size"]),
        inline: file["inline"] == true,
        bytes: vec![],
        content_id: String::new(),
    }
}

/// Values of lists by their labels.
fn custom(values: &Value, defined: &Value, fields: &[Field]) -> BTreeMap<String, Custom> {
    let mut all = BTreeMap::new();
    for (field, title, alike) in fields {
        let definition = rows(defined).iter().find(|row| id(&row["id"]) == *field);
        let options = definition.map_or(&[][..], |row| rows(&row["custom_field_options"]));
        let label = |value: &Value| {
            let option = options.iter().find(|option| option["value"] == *value);
            option.map_or_else(|| text(value), |option| text(&option["name"]))
        };
        let value = rows(values).iter().find(|row| id(&row["id"]) == *field).map_or(&Value::Null, |row| &row["value"]);
        let value = match value {
            Value::Null => continue,
            Value::Array(several) => several.iter().map(label).collect::<Vec<_>>().join(", "),
            one => label(one),
        };
        all.insert((*title).to_owned(), Custom { values: vec![value], alike: *alike });
    }
    all
}

fn instant(at: &Value) -> Result<jiff::Timestamp, String> {
    text(at).parse().map_err(|e| format!("{at}: {e}"))
}
