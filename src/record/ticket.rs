//! A ticket: its fields, its messages, their files and the time spent on it.
//!
//! It states shapes only. How a platform spells them is the connector's matter, and what becomes of them the pipeline's.

use super::{Category, CustomValue, Direction, FileSource, Format, LinkType, Ref, Visibility};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ticket {
    pub subject: String,
    /// The source's own label.
    pub status: Option<String>,
    pub category: Option<Category>,
    pub priority: Option<String>,
    #[serde(rename = "type")]
    pub ticket_type: Option<String>,
    pub channel: Option<String>,
    pub requester: Option<Ref>,
    pub submitter: Option<Ref>,
    pub assignee: Option<Ref>,
    pub group: Option<Ref>,
    pub company: Option<Ref>,
    pub brand: Option<Ref>,
    /// Further requesters, where the source allows several.
    pub requesters: Vec<Ref>,
    pub ccs: Vec<Ref>,
    pub followers: Vec<Ref>,
    pub tags: Vec<String>,
    pub custom: Vec<CustomValue>,
    pub links: Vec<Link>,
    pub due_at: Option<Timestamp>,
    pub solved_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    /// What the requester said of the help: `score` is `good`, `neutral` or `bad`, `value` the platform's own number,
    /// `comment` their words.
    pub satisfaction: Option<Value>,
    /// Time that was spent on it.
    pub time_entries: Vec<TimeEntry>,
    /// In the order they were written. The first is the ticket's own message.
    pub comments: Vec<Comment>,
}

/// Time somebody spent on a ticket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TimeEntry {
    pub id: String,
    pub agent: Option<Ref>,
    pub minutes: u64,
    /// Plain text.
    pub note: Option<String>,
    pub billable: Option<bool>,
    /// When it was spent.
    pub at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    #[serde(rename = "type")]
    pub link_type: LinkType,
    pub to: Ref,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comment {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Ref>,
    #[serde(default = "public")]
    pub visibility: Visibility,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    pub format: Format,
    pub body: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    #[serde(default)]
    pub to: Vec<String>,
    #[serde(default)]
    pub cc: Vec<String>,
    #[serde(default)]
    pub attachments: Vec<Attachment>,
}

fn public() -> Visibility {
    Visibility::Public
}

impl Comment {
    /// A message that nobody wrote, for files that stand in none.
    pub fn of_files(id: impl Into<String>, format: Format, attachments: Vec<Attachment>) -> Comment {
        Comment {
            id: id.into(),
            author: None,
            visibility: Visibility::Public,
            direction: None,
            format,
            body: String::new(),
            channel: None,
            created_at: None,
            message_id: None,
            to: vec![],
            cc: vec![],
            attachments,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    pub id: String,
    /// As the source has it: hostile until the content room made it safe.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
    /// Bytes, as the source declares them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    pub source: FileSource,
    /// BLAKE3 of the bytes, once staged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    #[serde(default)]
    pub inline: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_id: Option<String>,
    /// Not part of the record: it says with what rights the file is fetched.
    #[serde(skip)]
    pub named_by: NamedBy,
}

/// Who named the address of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NamedBy {
    /// The platform, in a list of files.
    #[default]
    Platform,
    /// The text of a message, which may be a customer's.
    Message,
    /// The text of an article.
    Article,
}

impl Attachment {
    /// A picture that a body shows and no list of files names.
    pub fn picture(id: String, name: String, source: FileSource, named_by: NamedBy) -> Attachment {
        Attachment { id, name, mime: None, size: None, source, hash: None, inline: true, content_id: None, named_by }
    }
}
