//! What the account holds. Rows are kept as the API shows them, but for addresses, which begin with [`HERE`] in place
//! of the account's own.

use crate::sandbox::words::File;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

/// Stands in stored rows for the address of the account.
pub const HERE: &str = "zendesk:";
/// Stands for the address of the host of files.
pub const ELSEWHERE: &str = "zendesk-files:";

#[derive(Clone, Debug)]
pub struct StoredFile {
    pub id: u64,
    /// Unguessable; whoever has it may download.
    pub token: String,
    pub file: File,
    pub inline: bool,
    /// Listed, and no longer there.
    pub deleted: bool,
    /// Listed, and refused.
    pub malicious: bool,
    /// SHA-256 of its bytes, once somebody asked.
    pub sha256: OnceLock<String>,
}

#[derive(Clone, Debug)]
pub struct Comment {
    /// Without `attachments`.
    pub row: Value,
    /// The word its body begins with.
    pub mark: String,
    pub files: Vec<StoredFile>,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Ticket {
    pub id: u64,
    pub row: Value,
    pub comments: Vec<Comment>,
    /// By this exports are ordered; moves with every change, those of the system too.
    pub generated: i64,
    /// Only exports and the address by id know it.
    pub archived: bool,
    pub deleted: bool,
}

impl Ticket {
    /// Nobody can answer it any more.
    pub fn is_shut(&self) -> bool {
        self.deleted || self.row["status"] == "closed"
    }
}

/// A user or an organisation.
#[derive(Clone, Debug)]
pub struct Party {
    pub row: Value,
    pub generated: i64,
}

#[derive(Debug, Default)]
pub struct Account {
    pub tickets: Vec<Ticket>,
    pub users: Vec<Party>,
    pub organizations: Vec<Party>,
    pub identities: Vec<Value>,
    /// Small tables by the name of their resource: `groups`, `brands`, `ticket_fields`, …
    pub tables: BTreeMap<&'static str, Vec<Value>>,
    /// Where a file is, by its token: ticket, comment, place among its files.
    pub shelf: HashMap<String, (usize, usize, usize)>,
}

impl Account {
    pub fn ticket(&self, id: u64) -> Option<&Ticket> {
        // Ids begin at 1 and have no gaps.
        self.tickets.get(usize::try_from(id).ok()?.checked_sub(1)?)
    }

    pub fn file(&self, token: &str) -> Option<&StoredFile> {
        let (ticket, comment, place) = *self.shelf.get(token)?;
        self.tickets.get(ticket)?.comments.get(comment)?.files.get(place)
    }

    pub fn table(&self, name: &str) -> &[Value] {
        self.tables.get(name).map_or(&[], Vec::as_slice)
    }

    pub fn user(&self, id: u64) -> Option<&Party> {
        self.users.iter().find(|user| user.row["id"] == id)
    }
}
