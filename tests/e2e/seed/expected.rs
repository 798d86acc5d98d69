//! What the seed promises: per ticket the values that must be found in any desk it was moved to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Everything the source holds that a move has to migrate, and what it must not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Expected {
    pub seed: u64,
    pub tickets: Vec<Ticket>,
    pub absent: Vec<Absent>,
}

/// A ticket that must not become one of its own: merged into another, or deleted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Absent {
    pub id: i64,
    pub subject: String,
    pub why: String,
    /// Words of its messages that must be nowhere; empty for a merged one, whose messages its survivor carries.
    pub tokens: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ticket {
    /// The source's number, known once it is written there.
    pub id: i64,
    pub subject: String,
    pub queue: String,
    pub status: String,
    pub requesters: Vec<Person>,
    pub ccs: Vec<Person>,
    pub owner: Option<Person>,
    pub created: Timestamp,
    /// By title. A field that is not named here must be empty.
    pub custom: BTreeMap<String, Custom>,
    /// In order; the first one is the ticket's own.
    pub messages: Vec<Message>,
    /// Subjects of the tickets this one refers to.
    pub refers_to: Vec<String>,
    /// Rows of history that migrate nothing, before the last message: so many that it is on another page.
    #[serde(skip)]
    pub chatter: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The name people see; none when the source knows only an address.
    pub name: Option<String>,
    pub email: Option<String>,
    /// What the source calls the account.
    pub login: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Custom {
    /// Without regard to order.
    pub values: Vec<String>,
    pub alike: Alike,
}

/// When two values of a custom field are the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alike {
    /// The same text, but for line ends.
    Exactly,
    /// The same number, however it is written.
    Number,
    /// The same instant, with or without `T`, `Z` and seconds.
    Instant,
    /// The same words in the same order (markup may differ).
    Words,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Public,
    Private,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    pub kind: Kind,
    pub author: Person,
    pub created: Timestamp,
    /// One word found in this message and in no other; none when the message has no text at all.
    pub token: Option<String>,
    /// Phrases the body holds, in this order, whatever markup stands between their words.
    pub text: Vec<String>,
    pub files: Vec<File>,
    /// How the seed writes it. Not part of the promise.
    #[serde(skip)]
    pub body: Body,
}

#[derive(Clone, Debug, Default)]
pub enum Body {
    #[default]
    Empty,
    Text(String),
    Html(String),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct File {
    /// Empty when the source has none.
    pub name: String,
    pub mime: String,
    pub sha256: String,
    pub size: u64,
    /// Shown in the body rather than listed under it.
    pub inline: bool,
    #[serde(skip)]
    pub bytes: Vec<u8>,
    #[serde(skip)]
    pub content_id: String,
}

impl Expected {
    pub fn save(&self, path: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|e| e.to_string())?;
        std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
    }

    pub fn load(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
    }

    pub fn messages(&self) -> impl Iterator<Item = (&Ticket, &Message)> {
        self.tickets.iter().flat_map(|t| t.messages.iter().map(move |m| (t, m)))
    }
}

impl Person {
    /// The spellings under which a desk may name this person.
    pub fn names(&self) -> Vec<&str> {
        match &self.name {
            Some(name) => vec![name],
            None => vec![self.email.as_deref().unwrap_or(&self.login), &self.login],
        }
    }
}
