//! Files: `content_url` redirects to another host, by an address that is good for a short while.
//!
//! Recorded: `/attachments/token/TOKEN/?name=NAME` answers 302 to `p18.zdusercontent.com/attachment/ACCOUNT/TOKEN?token=…`. How
//! long that address lives is unverified: a minute here, so that a client that keeps addresses is found out.

use super::kb::Library;
use super::refusal;
use super::store::{Account, ELSEWHERE, HERE, StoredFile};
use crate::desk::{Answer, Call};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

const LIFE_SECONDS: i64 = 60;

/// Signs addresses with a key of the seed.
#[derive(Clone, Copy, Debug)]
pub struct Signer(pub u64);

impl Signer {
    fn signature(self, path: &str, until: i64) -> String {
        let key = blake3::derive_key("deskferry sandbox zendesk files", &self.0.to_le_bytes());
        blake3::keyed_hash(&key, format!("{path}?{until}").as_bytes()).to_hex().to_string()
    }

    fn address(self, path: &str, until: i64) -> String {
        format!("{path}?expires={until}&token={}", self.signature(path, until))
    }

    /// The path of an address whose signature is good; `None` when it is not, or expired.
    fn check(self, path_and_query: &str, now: Timestamp) -> Option<&str> {
        let (path, query) = path_and_query.split_once('?')?;
        let (until, token) = query.strip_prefix("expires=")?.split_once("&token=")?;
        let until: i64 = until.parse().ok()?;
        (now.as_second() <= until && token == self.signature(path, until)).then_some(path)
    }
}

/// Where the recording of a call is, on a host that is not the vendor's: good for ever, and for anybody.
pub fn recording(signer: Signer, comment: u64) -> String {
    format!("{ELSEWHERE}{}", signer.address(&format!("/recording/{comment}"), i64::MAX))
}

/// As it is listed with a comment.
pub fn show(file: &StoredFile) -> Value {
    let name = utf8_percent_encode(&file.name, NON_ALPHANUMERIC);
    let content_url = format!("{HERE}/attachments/token/{}/?name={name}", file.token);
    let width = file.inline.then_some(2);
    json!({
        "url": format!("{HERE}/api/v2/attachments/{}.json", file.id),
        "id": file.id,
        "file_name": file.name,
        "content_url": content_url,
        "mapped_content_url": content_url,
        "content_type": file.content_type,
        "size": file.size,
        "width": width,
        "height": width,
        "inline": file.inline,
        "deleted": file.deleted,
        "malware_access_override": false,
        "malware_scan_result": if file.malicious { "malware_found" } else { "not_scanned" },
        "thumbnails": [],
    })
}

/// `/api/v2/attachments/ID`: of a comment, or of an upload that is still to be used.
pub fn attachment(account: &Account, id: Option<u64>) -> Answer {
    let comments = account.tickets.iter().flat_map(|t| &t.comments).flat_map(|c| &c.files);
    let waiting = account.uploads.values().flat_map(|upload| &upload.files);
    match comments.chain(waiting).find(|file| Some(file.id) == id) {
        Some(file) => Answer::json(200, &json!({ "attachment": show(file) })),
        None => refusal::not_found(),
    }
}

/// `/attachments/token/TOKEN/`
pub fn redirect(account: &Account, signer: Signer, token: &str, call: &Call, now: Timestamp) -> Answer {
    match account.file(token) {
        Some(file) if file.malicious => Answer { status: 403, ..Answer::default() },
        Some(file) if !file.deleted => {
            let address = signer.address(&format!("/attachment/4711/{token}"), now.as_second() + LIFE_SECONDS);
            Answer { status: 302, ..Answer::default() }.header("location", format!("{}{address}", call.files))
        }
        _ => Answer { status: 404, ..Answer::default() },
    }
}

/// `/hc/article_attachments/ID`, with a language before and a name behind it or without.
pub fn article_file(library: &Library, signer: Signer, path: &[&str], call: &Call, now: Timestamp) -> Answer {
    let at = path.iter().position(|part| *part == "article_attachments");
    let id = at.and_then(|at| path.get(at + 1)?.parse::<u64>().ok());
    match id.and_then(|id| library.files.iter().find(|file| file.id == id)) {
        Some(file) => {
            let address = signer.address(&format!("/article/{}", file.id), now.as_second() + LIFE_SECONDS);
            Answer { status: 302, ..Answer::default() }.header("location", format!("{}{address}", call.files))
        }
        None => Answer { status: 404, ..Answer::default() },
    }
}

/// Below the host of files: 403 without a good signature.
pub fn download(
    account: &Account,
    library: &Library,
    signer: Signer,
    path_and_query: &str,
    now: Timestamp,
) -> Option<Answer> {
    let Some(path) = signer.check(path_and_query, now) else {
        return Some(Answer { status: 403, ..Answer::default() });
    };
    if let Some(comment) = path.strip_prefix("/recording/") {
        let body = format!("RIFF recording {comment}").into_bytes();
        return Some(Answer { status: 200, body, ..Answer::default() }.header("content-type", "audio/wav"));
    }
    if let Some(id) = path.strip_prefix("/article/") {
        let file = library.files.iter().find(|file| file.id.to_string() == id)?;
        let answer = Answer { status: 200, body: file.bytes.clone(), ..Answer::default() };
        return Some(answer.header("content-type", file.content_type.clone()));
    }
    let file = account.file(path.strip_prefix("/attachment/4711/")?)?;
    let Some(body) = file.bytes() else {
        let body = b"only size and hash of this file were kept by the sandbox".to_vec();
        return Some(Answer { status: 410, body, ..Answer::default() });
    };
    let answer = Answer { status: 200, body, ..Answer::default() };
    Some(answer.header("content-type", file.content_type.clone()))
}
