//! Files before a comment has them. <https://developer.zendesk.com/api-reference/ticketing/tickets/ticket-attachments/#upload-files>
//!
//! A token is good for 60 minutes and for one comment; several files may share one. *Unverified*, and so refused: a token that
//! is used a second time or too late, a file without a byte, one of more than 50 MB (50 × 2²⁰ bytes, as the
//! account's settings say).

use super::refusal;
use super::sent::{Fault, Invalid};
use super::store::{Account, Cause, StoredFile};
use super::{files, sent};
use crate::desk::{Answer, Call};
use crate::random::Random;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

pub const LARGEST: u64 = 52_428_800;
const LIFE: SignedDuration = SignedDuration::from_mins(60);

/// What a token stands for.
#[derive(Clone, Debug)]
pub struct Upload {
    pub files: Vec<StoredFile>,
    expires_at: Timestamp,
}

/// `POST /uploads`
pub fn upload(account: &mut Account, call: &Call, seed: u64, cause: &Cause) -> Answer {
    let Some(name) = call.param("filename").filter(|name| !name.is_empty()) else {
        return refusal::invalid("filename", "is missing");
    };
    let size = call.body.len() as u64;
    if size == 0 {
        return Invalid::from(Fault::invalid("attachment", "is empty")).answer();
    }
    if size > LARGEST {
        return refusal::too_large(LARGEST);
    }
    let given = call.param("token").filter(|token| !token.is_empty());
    if given.is_some_and(|token| account.usable(token, cause.at).is_none()) {
        return Invalid::from(Fault::invalid("token", "is invalid or has expired")).answer();
    }
    let mut random = Random::of(seed, &[7, account.next_id()]);
    let mut drawn = || format!("{:016x}{:016x}", random.draw(), random.draw());
    let (token, address) = (given.map_or_else(&mut drawn, str::to_owned), drawn());
    let kind = call.headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or("application/binary");
    let kept = account.keep(address, name, kind, &call.body);
    let fresh = || Upload { files: Vec::new(), expires_at: cause.at + LIFE };
    let upload = account.uploads.entry(token.clone()).or_insert_with(fresh);
    upload.files.push(kept);
    let shown: Vec<_> = upload.files.iter().map(files::show).collect();
    let body = json!({ "upload": {
        "token": token, "expires_at": upload.expires_at.to_string(), "attachments": shown,
        "attachment": shown.last(),
    } });
    Answer::json(201, &body)
}

/// `DELETE /uploads/TOKEN`
pub fn forget(account: &mut Account, token: &str) -> Answer {
    match account.uploads.remove(token) {
        Some(_) => Answer { status: 204, ..Answer::default() },
        None => refusal::not_found(),
    }
}

impl Account {
    fn usable(&self, token: &str, now: Timestamp) -> Option<&Upload> {
        self.uploads.get(token).filter(|upload| now <= upload.expires_at)
    }

    /// What is wrong with the tokens of a comment.
    pub fn unusable(&self, tokens: &[String], now: Timestamp) -> Option<sent::Fault> {
        let bad = tokens.iter().find(|token| self.usable(token, now).is_none())?;
        Some(Fault::invalid("uploads", &format!("the token {bad} is invalid or has expired")))
    }

    /// The files of tokens, which are spent by it; those whose address `html` names are inline.
    pub fn spend(&mut self, tokens: &[String], html: &str) -> Vec<StoredFile> {
        let mut all: Vec<StoredFile> =
            tokens.iter().filter_map(|token| self.uploads.remove(token)).flat_map(|upload| upload.files).collect();
        for file in &mut all {
            file.inline = html.contains(&format!("/attachments/token/{}", file.token));
        }
        all
    }
}
