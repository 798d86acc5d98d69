//! A ticket with its messages and what is beside them, as it is written.

use super::{MappedFile, MappedPerson, Reference, Word};
use crate::record::{Direction, FieldType};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A ticket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MappedTicket {
    pub id: String,
    pub number: Option<String>,
    /// Of the source.
    pub url: Option<String>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    pub solved_at: Option<Timestamp>,
    pub due_at: Option<Timestamp>,
    pub subject: String,
    /// Null leaves the target its own.
    pub status: Option<Word>,
    /// Null leaves the target its own.
    pub priority: Option<Word>,
    /// Null leaves the target its own.
    #[serde(rename = "type")]
    pub ticket_type: Option<Word>,
    pub channel: Option<String>,
    pub group: Option<Reference>,
    pub assignee: Option<MappedPerson>,
    pub custom: Vec<MappedCustom>,
    pub tags: Vec<String>,
    pub time_entries: Vec<MappedTimeEntry>,
    pub rating: Option<MappedRating>,
    pub requester: Option<MappedPerson>,
    pub submitter: Option<MappedPerson>,
    /// Further ones than `requester`.
    pub requesters: Vec<MappedPerson>,
    pub ccs: Vec<MappedPerson>,
    pub followers: Vec<MappedPerson>,
    /// Requesters, copies and followers, each once, for targets that know only one sort of copy.
    pub watchers: Vec<MappedPerson>,
    pub company: Option<Reference>,
    /// Bytes of each file of the messages, sorted.
    pub file_sizes: Vec<u64>,
    /// In their order; the first is never a private one: a stub with an empty `id` comes before such.
    pub comments: Vec<MappedComment>,
}

/// The value of a custom field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MappedCustom {
    pub id: String,
    pub title: String,
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// A text, or a list of texts.
    pub value: Value,
}

/// A message, or a part of one that is too long for the target. In `write.ticket` it is the first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MappedComment {
    /// Empty for a stub in place of a private first message.
    pub id: String,
    /// From 0.
    pub part: usize,
    pub body: String,
    /// `body` with a header line that names the author.
    pub body_by_api: String,
    /// `body` with a header line that has the date.
    pub body_with_date: String,
    pub private: bool,
    pub direction: Option<Direction>,
    /// Null: the API user writes.
    pub author: Option<MappedPerson>,
    pub created_at: Option<Timestamp>,
    pub attachments: Vec<MappedFile>,
}

/// Time spent on a ticket; in `.ticket.time_entries` all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MappedTimeEntry {
    pub id: String,
    pub minutes: u64,
    /// The same as `hh:mm`.
    pub clock: String,
    /// Names the agent where `agent` does not.
    pub note: String,
    pub billable: Option<bool>,
    pub at: Option<Timestamp>,
    pub agent: Option<MappedPerson>,
}

/// How satisfied the requester was; in `.ticket.rating` too.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MappedRating {
    pub id: Value,
    /// `good`, `neutral` or `bad`.
    pub score: String,
    /// The source's own number or word.
    pub value: Value,
    /// Null where the messages say it already.
    pub feedback: Option<String>,
}
