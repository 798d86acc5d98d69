//! Files: what is kept of them, how large they may be, and the addresses they are fetched from.
//!
//! An address is signed for 300 seconds, as recorded from real accounts, and made anew in each answer. Inline images have an
//! address without an end on the host of files; it redirects to the account, which asks for no credential, and that to such a signed
//! one. *Unverified, stricter reading:* the account refuses a credential there. Of a large file only size and hash are kept.

use super::form::Upload;
use super::refusal::Fault;
use super::store::{Account, StoredFile, Ticket, stamp};
use crate::desk::{Answer, Call};
use crate::words;
use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// All files of one ticket, those of its conversations included. *Unverified:* whether the vendor counts 10⁶ or 2²⁰ bytes
/// to the megabyte; the smaller is taken.
pub const MOST_ATTACHED: u64 = 20_000_000;
/// Of an avatar.
const MOST_AVATAR: u64 = 5_000_000;

const KEPT_EACH: usize = 16 << 10;
const KEPT_IN_ALL: usize = 64 << 20;

/// Stands in a stored body for the address of an inline image: `freshdesk-inline:ID`.
const INLINE: &str = "freshdesk-inline:";

/// Refuses files that would not fit beside the `attached` bytes the ticket has.
pub fn too_much(attached: u64, files: &[Upload]) -> Option<Fault> {
    let total: u64 = attached + files.iter().map(|f| f.bytes.len() as u64).sum::<u64>();
    // The first words are known from a report of it (getlantern/radiance#576), code and rest are unverified.
    let message = "Total attachment(s) size should not exceed 20 MB";
    (total > MOST_ATTACHED).then(|| Fault::new("attachments", "invalid_size", message))
}

pub fn unfit_avatar(file: &Upload) -> Option<Fault> {
    let fits = [".jpg", ".jpeg", ".jpe", ".png"].iter().any(|end| file.name.to_lowercase().ends_with(end));
    if !fits {
        return Some(Fault::invalid("avatar", "Upload only jpg, jpeg, jpe or png file"));
    }
    (file.bytes.len() as u64 > MOST_AVATAR).then(|| Fault::new("avatar", "invalid_size", "It should be less than 5 MB"))
}

impl Account {
    pub fn keep(&mut self, upload: Upload, now: Timestamp) -> StoredFile {
        let size = upload.bytes.len();
        let small = size <= KEPT_EACH && self.kept_bytes + size <= KEPT_IN_ALL;
        // A copy: the slice would keep the whole request alive.
        let bytes = small.then(|| Bytes::copy_from_slice(&upload.bytes));
        self.kept_bytes += if small { size } else { 0 };
        StoredFile {
            id: self.next_id(),
            name: upload.name,
            content_type: upload.content_type,
            size: size as u64,
            sha256: hex(&Sha256::digest(&upload.bytes)),
            bytes,
            made: None,
            created_at: now,
        }
    }

    /// Keeps a file the desk has from the start: one that is not small is made again when it is asked for.
    pub fn keep_made(&mut self, ticket: u64, file: &words::File, now: Timestamp) -> StoredFile {
        let upload = Upload {
            part: "attachments".into(),
            name: file.name.clone(),
            content_type: file.content_type.into(),
            bytes: Bytes::from(file.bytes()),
        };
        let mut kept = self.keep(upload, now);
        kept.made = kept.bytes.is_none().then(|| file.clone());
        self.ticket_of.insert(kept.id, ticket);
        kept
    }

    /// Keeps files for a ticket, so that they are found by their ids.
    pub fn keep_all(&mut self, ticket: u64, uploads: Vec<Upload>, now: Timestamp) -> Vec<StoredFile> {
        let mut kept = Vec::new();
        for upload in uploads {
            let file = self.keep(upload, now);
            self.ticket_of.insert(file.id, ticket);
            kept.push(file);
        }
        kept
    }

    fn file(&self, id: u64) -> Option<&StoredFile> {
        match self.ticket_of.get(&id).and_then(|ticket| self.tickets.get(ticket)) {
            Some(ticket) => ticket.all_files().find(|f| f.id == id),
            None if self.ticket_of.contains_key(&id) => {
                self.archive.values().flat_map(Ticket::all_files).find(|f| f.id == id)
            }
            None if self.solutions.file(id).is_some() => self.solutions.file(id),
            None => self.contacts.values().filter_map(|c| c.avatar.as_ref()).find(|f| f.id == id),
        }
    }
}

/// Signs what the file host is asked for. Whoever cannot sign cannot fetch.
#[derive(Clone, Debug)]
pub struct Signer {
    pub seed: u64,
    /// How long an address is good.
    pub life: SignedDuration,
}

impl Signer {
    fn sign(&self, text: &str) -> String {
        hex(&Sha256::digest(format!("{}/{text}", self.seed)))
    }

    fn path(&self, file: &StoredFile, now: Timestamp) -> String {
        let name = utf8_percent_encode(&file.name, NON_ALPHANUMERIC);
        let date = now.strftime("%Y%m%dT%H%M%SZ");
        let signature = self.sign(&format!("{}/{date}", file.id));
        format!(
            "/data/helpdesk/attachments/production/{}/original/{name}?X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Date={date}&X-Amz-Expires={}&X-Amz-SignedHeaders=host&X-Amz-Signature={signature}",
            file.id,
            self.life.as_secs()
        )
    }

    pub fn json(&self, file: &StoredFile, origin: &str, now: Timestamp) -> Value {
        json!({
            "id": file.id,
            "name": file.name,
            "content_type": file.content_type,
            "size": file.size,
            "created_at": stamp(file.created_at),
            "updated_at": stamp(file.created_at),
            "attachment_url": format!("{origin}{}", self.path(file, now)),
        })
    }

    /// A body as it is shown: inline images by addresses of the file host.
    pub fn show(&self, body: &str, origin: &str) -> String {
        let mut shown = String::with_capacity(body.len());
        let mut pieces = body.split(INLINE);
        shown.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let end = piece.find(|c: char| !c.is_ascii_digit()).unwrap_or(piece.len());
            shown.push_str(&format!("{origin}/inline/attachment?token={}", self.token(&piece[..end])));
            shown.push_str(&piece[end..]);
        }
        shown
    }

    /// Three parts like a JWT, without an end: recorded ones hold `id`, `domain` and `account_id`.
    fn token(&self, id: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let claims = format!(r#"{{"id":{id},"domain":"acme.freshdesk.com","account_id":1}}"#);
        format!("{}.{}.{}", part(r#"{"typ":"JWT","alg":"HS256"}"#), part(&claims), self.sign(&format!("inline/{id}")))
    }

    fn inline_id(&self, token: &str) -> Option<u64> {
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        let id = serde_json::from_slice::<Value>(&claims).ok()?["id"].as_u64()?;
        (self.token(&id.to_string()) == token).then_some(id)
    }

    /// What the account says of an inline image: where the storage has it.
    pub fn inline_image(&self, account: &Account, call: &Call, now: Timestamp) -> Option<Answer> {
        if call.headers.contains_key("authorization") {
            return Some(Answer { status: 401, ..Answer::default() });
        }
        let file = account.file(self.inline_id(call.param("token")?)?)?;
        let found = Answer { status: 302, ..Answer::default() };
        Some(found.header("location", format!("{}{}", call.files, self.path(file, now))))
    }

    /// What the file host answers. The storage behind it takes one proof only: its own signature. `base` is the account's
    /// address, once it was asked anything.
    pub fn download(&self, account: &Account, path_and_query: &str, base: &str, now: Timestamp) -> Option<Answer> {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let param = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        if path == "/inline/attachment" {
            account.file(self.inline_id(param("token")?)?)?;
            return Some(
                Answer { status: 302, ..Answer::default() }.header("location", format!("{base}{path_and_query}")),
            );
        }
        let mut rest = path.strip_prefix("/data/helpdesk/attachments/production/")?.split('/');
        let file = account.file(rest.next()?.parse().ok()?)?;
        if param("token").or(param("AWSAccessKeyId")).is_some() {
            return Some(storage_error(400, "InvalidArgument", ONE_MECHANISM));
        }
        let date = param("X-Amz-Date")?;
        if param("X-Amz-Signature") != Some(self.sign(&format!("{}/{date}", file.id)).as_str()) {
            return Some(storage_error(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match",
            ));
        }
        let signed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?.in_tz("UTC").ok()?.timestamp();
        if now > signed + self.life {
            return Some(storage_error(403, "AccessDenied", "Request has expired"));
        }
        let made = file.made.as_ref().map(|made| Bytes::from(made.bytes()));
        let Some(bytes) = file.bytes.clone().or(made) else {
            let body = b"only size and hash of this file were kept by the sandbox".to_vec();
            return Some(Answer { status: 410, headers: Vec::new(), body });
        };
        let found = Answer { status: 200, headers: Vec::new(), body: bytes.to_vec() };
        Some(found.header("content-type", file.content_type.clone()))
    }
}

pub const ONE_MECHANISM: &str = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, \
                                 Signature query string parameter or the Authorization header should be specified";

/// An error of the storage, which speaks XML.
pub fn storage_error(status: u16, code: &str, message: &str) -> Answer {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    Answer { status, headers: Vec::new(), body: body.into_bytes() }.header("content-type", "application/xml")
}

/// The address of an inline image within a stored body.
pub fn inline(id: u64) -> String {
    format!("{INLINE}{id}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
