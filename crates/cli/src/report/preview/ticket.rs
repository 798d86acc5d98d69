//! The shown tickets: as people see them in the source, as they would see them in the target, and what would be sent.

use super::mask;
use crate::report::Outcome;
use deskferry::connector::mapped::{self, MappedComment, MappedPerson, MappedTicket};
use deskferry::content::{self, ImagePlace, ImageRef};
use deskferry::error::{Loss, Result};
use deskferry::expr::plain;
use deskferry::pipeline::Job;
use deskferry::pipeline::preview::{self, Previewed, requests_of};
use deskferry::record::{Body, Comment, Field, FieldType, Format, Kind, Record, Ticket, Visibility};
use serde::Serialize;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Messages shown of one ticket; a thread of hundreds says no more.
const MESSAGES: usize = 40;
/// Losses shown of one ticket.
const LOSSES: usize = 25;
/// Requests shown of one ticket.
const REQUESTS: usize = 60;

#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    pub id: String,
    pub number: Option<String>,
    /// What it is shown for.
    pub shows: Vec<String>,
    pub outcome: Outcome,
    /// Why it would not be migrated.
    pub problem: Option<String>,
    /// What would be lost of it, in words.
    pub losses: Vec<String>,
    /// Losses that are not shown.
    pub more_losses: usize,
    pub source: View,
    /// None where nothing would be written.
    pub target: Option<View>,
    pub requests: Vec<Request>,
    /// Requests that are not shown.
    pub more_requests: usize,
}

/// One call that would be made.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// All of it, as JSON.
    pub text: String,
}

impl Request {
    fn of(told: &Value, redacted: bool) -> Request {
        let request = if redacted { mask::request(&told["request"]) } else { told["request"].clone() };
        Request {
            method: plain(&request["method"]),
            path: plain(&request["path"]),
            text: serde_json::to_string_pretty(&request).unwrap_or_default(),
        }
    }
}

/// A ticket as a person sees it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct View {
    pub subject: String,
    /// Name and value of what stands beside a ticket's messages.
    pub facts: Vec<(String, String)>,
    pub messages: Vec<Message>,
    pub more_messages: usize,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Message {
    pub author: String,
    pub date: String,
    pub private: bool,
    /// HTML that is safe to show: no script, no picture, no address outside a link.
    pub html: String,
    pub files: Vec<String>,
}

/// The tickets of the sample.
pub async fn shown(job: &Job, previewed: &Previewed, redacted: bool) -> Result<Vec<Shown>> {
    let mut sent: HashMap<String, (Vec<Value>, usize)> =
        previewed.sample.iter().map(|(id, _)| (id.clone(), (vec![], 0))).collect();
    let ids: HashSet<String> = sent.keys().cloned().collect();
    for told in requests_of(&previewed.folder, |id| ids.contains(id))? {
        let told = told?;
        if let Some((list, more)) = told["id"].as_str().and_then(|id| sent.get_mut(id)) {
            match list.len() < REQUESTS {
                true => list.push(told),
                false => *more += 1,
            }
        }
    }
    let mut maps: HashMap<String, preview::Shown> = HashMap::new();
    for one in preview::mapped(&previewed.folder)? {
        let one = one?;
        maps.insert(one.id().to_owned(), one);
    }
    let fields = job.source_fields().await?;
    let mut all = Vec::new();
    for (id, shows) in &previewed.sample {
        let Some(row) = previewed.link.record(Kind::Ticket, id).await? else { continue };
        let losses = previewed.link.losses_between(Kind::Ticket, row.seq, row.seq).await?;
        let mut losses: Vec<String> = losses
            .into_iter()
            .map(|lost| match lost.detail.as_str() {
                "" => lost.loss.says().to_owned(),
                detail => format!("{}: {}", lost.loss.says(), masked(detail, redacted)),
            })
            .collect();
        losses.dedup();
        let more_losses = losses.len().saturating_sub(LOSSES);
        losses.truncate(LOSSES);
        let (requests, more_requests) = sent.remove(id).unwrap_or_default();
        let target = maps.remove(id);
        all.push(Shown {
            id: id.clone(),
            number: row.number,
            shows: shows.iter().map(|s| masked(s, redacted)).collect(),
            outcome: Outcome::of(row.state),
            problem: row.problem.map(|p| if redacted { mask::quoted(&p.what) } else { p.what }),
            losses,
            more_losses,
            source: source_view(job, id, &fields, redacted).await?,
            target: target.map(|mapped| target_view(job, mapped, redacted)),
            requests: requests.iter().map(|told| Request::of(told, redacted)).collect(),
            more_requests,
        });
    }
    Ok(all)
}

fn masked(text: &str, redacted: bool) -> String {
    if redacted { mask::text(text) } else { text.to_owned() }
}

async fn source_view(job: &Job, id: &str, fields: &HashMap<String, Field>, redacted: bool) -> Result<View> {
    let Some(Ok(record)) = job.staged(Kind::Ticket, id).await? else { return Ok(View::default()) };
    let Body::Ticket(ticket) = record.body else { return Ok(View::default()) };
    let mut names = Names { job, redacted, fields, known: HashMap::new() };
    let mut facts = facts_of(&mut names, &ticket).await?;
    facts.extend(record.created_at.map(|at| ("created".to_owned(), at.to_string())));
    let mut messages = Vec::new();
    for comment in ticket.comments.iter().take(MESSAGES) {
        messages.push(Message {
            author: names.of(comment.author.as_deref()).await?,
            date: comment.created_at.map(|at| at.to_string()).unwrap_or_default(),
            private: comment.visibility == Visibility::Private,
            html: body(&comment.body, comment.format, redacted),
            files: comment.attachments.iter().map(|f| file(&f.name, f.size, redacted)).collect(),
        });
    }
    Ok(View {
        subject: masked(&ticket.subject, redacted),
        facts,
        messages,
        more_messages: ticket.comments.len().saturating_sub(MESSAGES),
    })
}

async fn facts_of(names: &mut Names<'_>, ticket: &Ticket) -> Result<Vec<(String, String)>> {
    let redacted = names.redacted;
    let mut facts = Vec::new();
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            facts.push((name.to_owned(), value));
        }
    };
    for (name, label) in [
        ("status", &ticket.status),
        ("priority", &ticket.priority),
        ("type", &ticket.ticket_type),
        ("channel", &ticket.channel),
    ] {
        fact(name, label.clone().unwrap_or_default());
    }
    fact("requester", names.of(ticket.requester.as_deref()).await?);
    fact("assignee", names.of(ticket.assignee.as_deref()).await?);
    fact("group", names.group(ticket.group.as_deref()).await?);
    let mut copies = Vec::new();
    for id in ticket.ccs.iter().chain(&ticket.followers) {
        copies.push(names.of(Some(id)).await?);
    }
    fact("in copy", copies.join(", "));
    fact("tags", masked(&ticket.tags.join(", "), redacted));
    for value in &ticket.custom {
        let field = names.fields.get(&value.key);
        let title = value.title.as_deref().or(field.map(|field| field.title.as_str())).unwrap_or(&value.key);
        fact(title, masked(&words(&labelled(&value.value, field)), redacted));
    }
    fact("due", ticket.due_at.map(|at| at.to_string()).unwrap_or_default());
    Ok(facts)
}

/// The mapped record in people's words.
fn target_view(job: &Job, mapped: preview::Shown, redacted: bool) -> View {
    match mapped {
        preview::Shown::Verbatim(verbatim) => verbatim_view(&verbatim.record, redacted),
        preview::Shown::Ticket(ticket) => ticket_view(job, *ticket, redacted),
    }
}

fn ticket_view(job: &Job, ticket: MappedTicket, redacted: bool) -> View {
    let format = job
        .target
        .answer("text_format")
        .and_then(Value::as_str)
        .and_then(Format::from_code)
        .or(job.target.profile().format);
    let format = format.unwrap_or(Format::Text);
    let person = |person: &MappedPerson| {
        let (name, address) =
            (person.name.as_deref().unwrap_or_default(), person.address.as_deref().unwrap_or_default());
        let shown = if name.is_empty() || name == address { address.to_owned() } else { format!("{name} <{address}>") };
        masked(&shown, redacted)
    };
    let mut facts = Vec::new();
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            facts.push((name.to_owned(), value));
        }
    };
    for (name, word) in [("status", &ticket.status), ("priority", &ticket.priority), ("type", &ticket.ticket_type)] {
        fact(name, word.as_ref().map(|word| word.label.clone()).unwrap_or_default());
    }
    fact("channel", ticket.channel.clone().unwrap_or_default());
    for (name, who) in [("requester", &ticket.requester), ("assignee", &ticket.assignee)] {
        fact(name, who.as_ref().map(person).unwrap_or_default());
    }
    let group = ticket.group.as_ref().and_then(|group| group.outputs.get("name")).map(plain);
    fact("group", masked(&group.unwrap_or_default(), redacted));
    fact("in copy", ticket.watchers.iter().map(person).collect::<Vec<_>>().join(", "));
    fact("tags", masked(&ticket.tags.join(", "), redacted));
    for value in &ticket.custom {
        let shown = match value.value.as_str().filter(|_| value.field_type == FieldType::Bool) {
            Some("1") => "true".to_owned(),
            Some(_) => "false".to_owned(),
            None => words(&value.value),
        };
        fact(&value.title, masked(&shown, redacted));
    }
    let due = ticket.due_at.map(|at| at.to_string()).unwrap_or_default();
    let dates = job.target.profile().comment_dates;
    let message = |comment: &MappedComment| Message {
        author: comment.author.as_ref().map_or_else(|| "the API user".to_owned(), person),
        date: match dates {
            true => comment.created_at.map(|at| at.to_string()).unwrap_or_default(),
            false => "the day of the move".to_owned(),
        },
        private: comment.private,
        html: body(&comment.body, format, redacted),
        files: comment.attachments.iter().map(|f| file(&f.name, Some(f.bytes), redacted)).collect(),
    };
    let messages = ticket.comments.iter().take(MESSAGES).map(message).collect();
    let (subject, many) = (masked(&ticket.subject, redacted), ticket.comments.len());
    let lost = job.target.losses(&mapped::Mapped::Ticket(Box::new(ticket))).unwrap_or_default();
    if !lost.contains(&Loss::Due) {
        fact("due", due);
    }
    View { subject, facts, messages, more_messages: many.saturating_sub(MESSAGES) }
}

/// A record that is migrated as the source has it.
fn verbatim_view(record: &Record, redacted: bool) -> View {
    let Body::Ticket(ticket) = &record.body else { return View::default() };
    let one = |value: &Option<String>| value.clone().unwrap_or_default();
    let facts = [
        ("status", one(&ticket.status)),
        ("priority", one(&ticket.priority)),
        ("type", one(&ticket.ticket_type)),
        ("channel", one(&ticket.channel)),
        ("requester", one(&ticket.requester)),
        ("assignee", one(&ticket.assignee)),
        ("group", one(&ticket.group)),
        ("ccs", ticket.ccs.join(", ")),
        ("followers", ticket.followers.join(", ")),
        ("tags", ticket.tags.join(", ")),
    ];
    let facts = facts.into_iter().map(|(name, value)| (name.to_owned(), masked(&value, redacted)));
    let custom = ticket.custom.iter().map(|value| {
        let title = value.title.as_ref().unwrap_or(&value.key);
        (title.clone(), masked(&words(&value.value), redacted))
    });
    let message = |comment: &Comment| Message {
        author: masked(&one(&comment.author), redacted),
        date: comment.created_at.map(|at| at.to_string()).unwrap_or_default(),
        private: comment.visibility == Visibility::Private,
        html: body(&comment.body, comment.format, redacted),
        files: comment.attachments.iter().map(|f| file(&f.name, f.size, redacted)).collect(),
    };
    View {
        subject: masked(&ticket.subject, redacted),
        facts: facts.chain(custom).filter(|(_, value)| !value.is_empty()).collect(),
        messages: ticket.comments.iter().take(MESSAGES).map(message).collect(),
        more_messages: ticket.comments.len().saturating_sub(MESSAGES),
    }
}

/// A value of options by what people call it.
fn labelled(value: &Value, field: Option<&Field>) -> Value {
    let Some(field) = field.filter(|field| !field.options.is_empty()) else { return value.clone() };
    match value {
        Value::Array(items) => items.iter().map(|item| labelled(item, Some(field))).collect(),
        one => {
            let text = plain(one);
            let option = field.options.iter().find(|option| option.value == text);
            option.map_or_else(|| one.clone(), |option| option.label.clone().into())
        }
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        one => plain(one),
    }
}

fn file(name: &str, size: Option<u64>, redacted: bool) -> String {
    let size = size.map(|n| format!(" ({})", crate::report::page::bytes(n))).unwrap_or_default();
    format!("{}{size}", masked(name, redacted))
}

/// A body as HTML that is safe to show: pictures are named where they stand.
fn body(body: &str, format: Format, redacted: bool) -> String {
    if redacted {
        let text = content::convert(body, format, Format::Text, &|_| ImagePlace::Gone).text;
        return preformatted(&mask::text(&text));
    }
    match format {
        Format::Html => {
            let named = |image: &ImageRef| ImagePlace::Attached { name: picture(image) };
            content::convert(body, Format::Html, Format::Html, &named).text
        }
        Format::Text | Format::Markdown | Format::Textile => preformatted(body),
    }
}

fn picture(image: &ImageRef) -> String {
    match image {
        ImageRef::Name(name) | ImageRef::Cid(name) => name.clone(),
        ImageRef::Data { .. } => "picture in the message".to_owned(),
        ImageRef::Url(url) => {
            let path = url.split(['?', '#']).next().unwrap_or_default();
            path.rsplit('/').next().unwrap_or_default().to_owned()
        }
    }
}

fn preformatted(text: &str) -> String {
    let safe = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<pre>{safe}</pre>")
}

/// People, groups and fields of the source by name.
struct Names<'a> {
    job: &'a Job,
    redacted: bool,
    fields: &'a HashMap<String, Field>,
    known: HashMap<String, String>,
}

impl Names<'_> {
    async fn of(&mut self, id: Option<&str>) -> Result<String> {
        let Some(id) = id else { return Ok(String::new()) };
        for kind in [Kind::Agent, Kind::Contact] {
            if let Some(name) = self.look_up(kind, id).await? {
                return Ok(name);
            }
        }
        Ok(masked(id, self.redacted))
    }

    async fn group(&mut self, id: Option<&str>) -> Result<String> {
        let Some(id) = id else { return Ok(String::new()) };
        Ok(self.look_up(Kind::Group, id).await?.unwrap_or_else(|| masked(id, self.redacted)))
    }

    async fn look_up(&mut self, kind: Kind, id: &str) -> Result<Option<String>> {
        let key = format!("{kind} {id}");
        if let Some(known) = self.known.get(&key) {
            return Ok(Some(known.clone()));
        }
        let Some(Ok(record)) = self.job.staged(kind, id).await? else { return Ok(None) };
        let name = match record.body {
            Body::Agent(person) | Body::Contact(person) => match (person.name, person.emails.into_iter().next()) {
                (Some(name), Some(email)) => format!("{name} <{email}>"),
                (Some(one), None) | (None, Some(one)) => one,
                (None, None) => id.to_owned(),
            },
            Body::Group(group) => group.name,
            _ => id.to_owned(),
        };
        let name = masked(&name, self.redacted);
        self.known.insert(key, name.clone());
        Ok(Some(name))
    }
}
