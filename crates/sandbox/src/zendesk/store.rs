//! What the account holds. Rows are kept as the API shows them, but for addresses, which begin with [`HERE`] in place
//! of the account's own.

use super::jobs::Jobs;
use super::mail::Outbox;
use super::side_conversations;
use super::uploads::Upload;
use crate::words::File;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::OnceLock;

/// Stands in stored rows for the address of the account.
pub const HERE: &str = "zendesk:";
/// Stands for the address of the host of files.
pub const ELSEWHERE: &str = "zendesk-files:";

/// Of what is sent: larger files are kept as size and hash alone.
const KEPT_EACH: usize = 16 << 10;
const KEPT_IN_ALL: usize = 64 << 20;
/// Ids of what the account is given: none that it had from the start.
const FIRST_ID: u64 = 380_000_000_000;

/// How far the ids of a new account are from those of one in use.
const MOVED: u64 = 10_000_000_000;

fn moved(value: &mut Value) {
    match value {
        Value::Number(n) => {
            if let Some(id) = n.as_u64().filter(|id| (360_000_000_000..361_000_000_000).contains(id)) {
                *value = json!(id + MOVED);
            }
        }
        Value::String(text) if text.starts_with(HERE) => *text = text.replace("/360", "/370"),
        Value::Array(all) => all.iter_mut().for_each(moved),
        Value::Object(all) => all.values_mut().for_each(moved),
        _ => {}
    }
}

/// Where the bytes of a file are.
#[derive(Clone, Debug)]
pub enum Held {
    /// Drawn again whenever they are asked for.
    Drawn(File),
    /// As they were sent.
    Sent(Bytes),
    Nowhere,
}

#[derive(Clone, Debug)]
pub struct StoredFile {
    pub id: u64,
    /// Unguessable; whoever has it may download.
    pub token: String,
    pub name: String,
    pub content_type: String,
    pub size: u64,
    pub held: Held,
    pub inline: bool,
    /// Listed, and no longer there.
    pub deleted: bool,
    /// Listed, and refused.
    pub malicious: bool,
    /// In no list: a body links to it.
    pub unlisted: bool,
    /// SHA-256 of its bytes, once somebody asked.
    pub sha256: OnceLock<String>,
}

impl StoredFile {
    /// One the account has from the start.
    pub fn drawn(id: u64, token: String, file: File, inline: bool) -> Self {
        Self {
            id,
            token,
            name: file.name.clone(),
            content_type: file.content_type.to_owned(),
            size: file.size,
            held: Held::Drawn(file),
            inline,
            deleted: false,
            malicious: false,
            unlisted: false,
            sha256: OnceLock::new(),
        }
    }

    pub fn bytes(&self) -> Option<Vec<u8>> {
        match &self.held {
            Held::Drawn(file) => Some(file.bytes()),
            Held::Sent(bytes) => Some(bytes.to_vec()),
            Held::Nowhere => None,
        }
    }

    /// Lower-case hexadecimal.
    pub fn sha256(&self) -> &str {
        self.sha256.get_or_init(|| self.bytes().map(|bytes| sha256(&bytes)).unwrap_or_default())
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// When and by which call something is done.
#[derive(Clone, Debug)]
pub struct Cause {
    /// To the second, as the vendor keeps time.
    pub at: Timestamp,
    /// `METHOD /path`
    pub call: String,
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
    /// As an import said; the vendor shows it among the metrics, which imported tickets have not.
    pub solved_at: Option<Timestamp>,
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
    /// Of side conversations, in the order of their tickets.
    pub side_events: Vec<side_conversations::Event>,
    /// The administrator whose token the sandbox takes.
    pub admin: u64,
    /// Files that no comment has yet, by the token of their upload.
    pub uploads: BTreeMap<String, Upload>,
    pub jobs: Jobs,
    pub outbox: Outbox,
    given: u64,
    kept_bytes: usize,
}

impl Account {
    pub fn next_id(&mut self) -> u64 {
        self.given += 1;
        FIRST_ID + self.given
    }

    /// A file that was sent.
    pub fn keep(&mut self, token: String, name: &str, content_type: &str, bytes: &Bytes) -> StoredFile {
        let small = bytes.len() <= KEPT_EACH && self.kept_bytes + bytes.len() <= KEPT_IN_ALL;
        self.kept_bytes += if small { bytes.len() } else { 0 };
        StoredFile {
            id: self.next_id(),
            token,
            name: name.to_owned(),
            content_type: content_type.to_owned(),
            size: bytes.len() as u64,
            // A copy: the slice would keep the whole request alive.
            held: if small { Held::Sent(Bytes::copy_from_slice(bytes)) } else { Held::Nowhere },
            inline: false,
            deleted: false,
            malicious: false,
            unlisted: false,
            sha256: OnceLock::from(sha256(bytes)),
        }
    }

    pub fn ticket(&self, id: u64) -> Option<&Ticket> {
        // Ids begin at 1 and have no gaps.
        self.tickets.get(usize::try_from(id).ok()?.checked_sub(1)?)
    }

    pub fn ticket_mut(&mut self, id: u64) -> Option<&mut Ticket> {
        self.tickets.get_mut(usize::try_from(id).ok()?.checked_sub(1)?)
    }

    /// Of a comment, of a side conversation, or of an upload that is still to be used.
    pub fn file(&self, token: &str) -> Option<&StoredFile> {
        let Some((ticket, comment, place)) = self.shelf.get(token) else {
            let mut waiting = self.uploads.values().flat_map(|upload| &upload.files);
            let waiting = waiting.find(|file| file.token == token);
            return waiting.or_else(|| side_conversations::file(&self.side_events, token));
        };
        self.tickets.get(*ticket)?.comments.get(*comment)?.files.get(*place)
    }

    /// Notes where the files of a ticket's comments are.
    pub fn shelve(&mut self, ticket: usize) {
        for (c, comment) in self.tickets[ticket].comments.iter().enumerate() {
            for (f, file) in comment.files.iter().enumerate() {
                self.shelf.insert(file.token.clone(), (ticket, c, f));
            }
        }
    }

    pub fn table(&self, name: &str) -> &[Value] {
        self.tables.get(name).map_or(&[], Vec::as_slice)
    }

    /// The row of a small table that stands for all that name none.
    pub fn default_of(&self, table: &str) -> Value {
        let rows = self.table(table);
        rows.iter().find(|row| row["default"] == true).or(rows.first()).map_or(Value::Null, |row| row["id"].clone())
    }

    pub fn has(&self, table: &str, id: u64) -> bool {
        self.table(table).iter().any(|row| row["id"] == id)
    }

    pub fn user(&self, id: u64) -> Option<&Party> {
        self.users.iter().find(|user| user.row["id"] == id)
    }

    pub fn organization(&self, id: u64) -> Option<&Party> {
        self.organizations.iter().find(|organization| organization.row["id"] == id)
    }

    /// Gives everything other ids than the account with the same seed that is full of tickets has: whoever mixes the two up is
    /// found out.
    pub fn move_ids(&mut self) {
        let parties = self.users.iter_mut().chain(&mut self.organizations).map(|party| &mut party.row);
        let tables = self.tables.values_mut().flatten();
        parties.chain(&mut self.identities).chain(tables).for_each(moved);
        self.admin += MOVED;
    }

    /// A row of a small table as the vendor begins it.
    pub fn add_row(&mut self, table: &'static str, rest: Value, cause: &Cause) -> Value {
        let id = self.next_id();
        let now = json!(cause.at.to_string());
        let mut row = json!({ "url": format!("{HERE}/api/v2/{table}/{id}.json"), "id": id });
        super::tables::merge(&mut row, rest);
        super::tables::merge(&mut row, json!({ "created_at": now, "updated_at": now }));
        self.tables.entry(table).or_default().push(row.clone());
        row
    }
}
