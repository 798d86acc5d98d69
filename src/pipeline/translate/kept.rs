//! Files and messages that stay on this machine, each where a person finds it and where nothing else ever lies:
//! `.deskferry/kept/TICKET/MESSAGE/NAME`.

use super::Translator;
use crate::content::file_name::{Names, safe};
use crate::content::notes;
use crate::error::Result;
use crate::record::{Comment, Format, Kind, Record};
use sha2::{Digest, Sha256};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

/// Longest name of a file on this machine, in bytes.
pub(super) const NAME_BYTES: usize = 255;
/// Of a folder, without its mark.
const FOLDER_BYTES: usize = 64;
/// Letters of a mark.
const MARK: usize = 8;
/// Bytes of a file in memory while it is copied.
const CHUNK: usize = 64 << 10;
/// Endings of a kept message.
const ENDINGS: [&str; 4] = ["html", "txt", "md", "textile"];

/// A file that stays on this machine.
pub struct Kept {
    pub name: String,
    pub bytes: u64,
    pub sha256: String,
}

impl Kept {
    pub fn note(&self) -> notes::Kept<'_> {
        notes::Kept { name: &self.name, size: self.bytes, sha256: &self.sha256 }
    }
}

/// The names of one message's kept files. The message itself may come to lie beside them.
pub(super) fn names() -> Names {
    let mut names = Names::new(NAME_BYTES);
    for ending in ENDINGS {
        names.give(&message(ending));
    }
    names
}

fn message(ending: &str) -> String {
    format!("message.{ending}")
}

/// The folder of something with this id that people know as `shown`. Where that is not the whole id, or a disk might take it for
/// another, a mark of the id tells it apart.
fn folder(shown: &str, id: &str) -> String {
    let is_plain = |c: char| c.is_ascii_digit() || c.is_ascii_lowercase();
    if shown == id && id.chars().all(is_plain) && safe(id, FOLDER_BYTES) == id {
        return id.to_owned();
    }
    format!("{}-{}", safe(shown, FOLDER_BYTES), &blake3::hash(id.as_bytes()).to_hex()[..MARK])
}

fn folder_of(record: &Record) -> String {
    let folder = folder(record.number.as_deref().unwrap_or(&record.id), &record.id);
    match record.kind() {
        Kind::Ticket => folder,
        kind => format!("{kind}.{folder}"),
    }
}

impl Translator {
    /// Keeps a message the target has no place for, beside its files, as `message.html`, `.txt`, `.md` or `.textile`.
    pub(super) fn keep_message(&self, record: &Record, comment: &Comment, body: &str) -> Result<()> {
        let [html, text, markdown, textile] = ENDINGS;
        let ending = match self.format {
            Format::Html => html,
            Format::Text => text,
            Format::Markdown => markdown,
            Format::Textile => textile,
        };
        match self.kept_file(record, comment, &message(ending))? {
            Some(mut file) => {
                file.write_all(body.as_bytes())?;
                Ok(file.sync_all()?)
            }
            None => Ok(()),
        }
    }

    fn kept_file(&self, record: &Record, comment: &Comment, name: &str) -> Result<Option<File>> {
        let Some(kept_dir) = &self.kept_dir else { return Ok(None) };
        let dir = kept_dir.join(folder_of(record)).join(folder(&comment.id, &comment.id));
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        let mut options = OpenOptions::new();
        Ok(Some(options.write(true).create(true).truncate(true).mode(0o600).open(dir.join(name))?))
    }

    /// Copies a file to where it is kept.
    pub(super) fn keep(&self, record: &Record, comment: &Comment, name: &str, hash: &str) -> Result<Kept> {
        let mut from = File::open(self.blobs.staging.blob_path(hash))?;
        let mut to = self.kept_file(record, comment, name)?;
        let mut sha256 = Sha256::new();
        let mut chunk = vec![0; CHUNK];
        let mut bytes = 0;
        loop {
            let read = from.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            sha256.update(&chunk[..read]);
            if let Some(to) = &mut to {
                to.write_all(&chunk[..read])?;
            }
            bytes += read as u64;
        }
        if let Some(to) = to {
            to.sync_all()?;
        }
        let sha256 = sha256.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Kept { name: name.to_owned(), bytes, sha256 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_folder_is_named_as_people_know_the_ticket_and_belongs_to_one_id() {
        assert_eq!(folder("35436", "35436"), "35436");
        assert!(folder("7", "INC:7").starts_with("7-"));
        let all =
            [("7", "7"), ("7", "INC:7"), ("7", "PRB:7"), ("inc:7", "inc:7"), ("INC:7", "INC:7"), ("inc_7", "inc_7")];
        let more = [("a/b", "a/b"), ("a:b", "a:b"), ("", ""), ("con", "con"), ("7-3fa94c01", "7-3fa94c01")];
        let folders: HashSet<_> = all.iter().chain(&more).map(|(shown, id)| folder(shown, id).to_lowercase()).collect();
        assert_eq!(folders.len(), all.len() + more.len());
    }

    #[test]
    fn an_article_lies_apart_from_the_ticket_of_its_id() {
        let of = |kind: &str| -> Record {
            serde_json::from_value(serde_json::json!({ "kind": kind, "id": "7", "title": "t" })).unwrap()
        };
        assert_eq!([folder_of(&of("ticket")), folder_of(&of("article"))], ["7", "article.7"]);
    }

    #[test]
    fn no_kept_file_takes_the_place_of_its_message() {
        assert_eq!(names().give("Message.HTML"), "Message (2).HTML");
    }
}
