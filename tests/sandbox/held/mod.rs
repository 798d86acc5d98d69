//! What a desk holds, read off what its sandbox says is stored in it, in words that are of no vendor: so that any two desks can
//! be compared. Nothing here comes from the engine.

mod freshdesk;
mod zendesk;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A desk's contents.
#[derive(Debug)]
pub struct Held {
    pub tickets: Vec<Ticket>,
    /// By id.
    pub people: BTreeMap<u64, Person>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Person {
    pub name: String,
    /// In small letters.
    pub addresses: BTreeSet<String>,
    pub external_id: String,
    pub is_agent: bool,
    /// Whether messages can be theirs.
    pub is_usable: bool,
    /// Names of the groups an agent works in.
    pub groups: BTreeSet<String>,
}

/// Somebody in copy: by their id, or by an address alone.
#[derive(Clone, Debug)]
pub struct Copied {
    pub id: Option<u64>,
    pub person: Person,
}

/// Why a ticket is expected nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    Deleted,
    Spam,
}

impl Gone {
    /// The reason a report gives.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Spam => "spam",
        }
    }
}

#[derive(Debug)]
pub struct Ticket {
    pub id: u64,
    pub gone: Option<Gone>,
    /// The id in its marker.
    pub was: Option<u64>,
    pub subject: String,
    /// As people read it; custom ones by their own label.
    pub status: String,
    /// `new open pending hold solved closed`
    pub category: &'static str,
    pub priority: String,
    pub kind: Option<String>,
    pub tags: BTreeSet<String>,
    pub group: Option<String>,
    pub assignee: Option<u64>,
    pub requester: u64,
    pub copied: Vec<Copied>,
    /// By title (Zendesk) or name (Freshdesk).
    pub custom: BTreeMap<String, Value>,
    pub created_at: String,
    /// In order, the description first.
    pub messages: Vec<Message>,
    pub spent: Vec<Spent>,
    /// `good neutral bad`, and what was said.
    pub rating: Option<(&'static str, String)>,
    /// In no list of its desk, nor what stands below it.
    pub is_archived: bool,
}

/// Time spent on a ticket.
#[derive(Clone, Debug)]
pub struct Spent {
    /// As `hh:mm`.
    pub clock: String,
    pub agent: u64,
    pub at: String,
    pub note: String,
    pub billable: bool,
}

#[derive(Debug)]
pub struct Message {
    /// As stored.
    pub body: String,
    /// What must arrive, as HTML.
    pub words: String,
    /// What must stand above the words, in this order.
    pub above: Vec<String>,
    /// The word by which it is known, where it has one.
    pub mark: Option<String>,
    pub is_public: bool,
    /// 0: somebody the desk does not know, whom the words name.
    pub author: u64,
    pub at: String,
    pub files: Vec<File>,
}

#[derive(Clone, Debug)]
pub struct File {
    pub name: String,
    pub sha256: String,
    pub size: u64,
    /// Shown within the body.
    pub is_inline: bool,
    /// Whether the desk gives it out.
    pub is_there: bool,
}

impl Held {
    pub fn of(platform: &str, state: &Value) -> Self {
        match platform {
            "zendesk" => zendesk::held(state),
            _ => freshdesk::held(state),
        }
    }
}

fn rows(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn id(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

/// The id of the one it was, in `deskferry:LINK:ticket:ID`.
fn marked(marker: &Value) -> Option<u64> {
    text(marker).rsplit_once(":ticket:")?.1.parse().ok()
}

fn squeezed(name: &Value) -> String {
    text(name).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn file(file: &Value) -> File {
    File {
        name: text(&file["name"]).to_owned(),
        sha256: text(&file["sha256"]).to_owned(),
        size: id(&file["size"]),
        is_inline: file["inline"] == true,
        is_there: file["downloadable"] != false,
    }
}
