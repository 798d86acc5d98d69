//! A record as the source has it, for a target that takes any: only what the user's rules say is changed. Ids,
//! references, dates, bodies and labels stay; the bytes of files are fetched.

use super::blobs::Fetched;
use super::{Held, Lost, Translated, Translator};
use crate::connector::mapped::{Mapped, MappedFile, Verbatim};
use crate::content::{self, links};
use crate::error::{Loss, Problem, Reason};
use crate::mapping::{KnownLabels, ValueField};
use crate::record::{Attachment, Body, FileSource, Person, Record};
use serde_json::Value;

/// Longest name of a file and of a folder below `attachments/`, in bytes.
const NAME_BYTES: usize = 180;
const FOLDER_BYTES: usize = 100;
/// Hex characters by which two files of one name are told apart.
const MARK: usize = 12;

impl Translator {
    /// The record and its files. The `name` of a file is where the bytes come to lie, and the `source` of the record's attachment.
    pub async fn verbatim(&self, record: &Record) -> Result<Translated, Held> {
        let mut record = record.clone();
        let (mut files, mut losses) = (Vec::new(), Vec::new());
        match &mut record.body {
            Body::Agent(person) => {
                self.addresses(person, |rule, address| rule.agent_email(address).to_owned());
            }
            Body::Contact(person) => {
                self.addresses(person, |rule, address| rule.contact_email(address).to_owned());
            }
            Body::Group(group) => {
                let named = self.mapping.label(ValueField::Group, Some(&group.name), &Value::Null, &[])?;
                let left_out = || Held::Skip(Problem::new(Reason::Mapping, "left out by the mapping"), None);
                group.name = named.ok_or_else(left_out)?;
            }
            Body::Ticket(ticket) => {
                let all: Vec<_> = ticket.comments.iter().flat_map(|comment| &comment.attachments).collect();
                self.blobs.have(&all).await?;
                let applied = self.mapping.apply(ticket, &KnownLabels::new())?;
                **ticket = applied.ticket;
                losses.extend(applied.redacted.iter().map(|(child, what)| Lost::new(child, Loss::Redacted, what)));
                for comment in &mut ticket.comments {
                    self.fetched(&record.id, &comment.id, &mut comment.attachments, &mut files, &mut losses).await?;
                }
            }
            Body::Article(article) => {
                self.blobs.have(&article.attachments.iter().collect::<Vec<_>>()).await?;
                let before: Vec<FileSource> = article.attachments.iter().map(|file| file.source.clone()).collect();
                self.fetched(&record.id, "", &mut article.attachments, &mut files, &mut losses).await?;
                // Its pictures are shown by address: that of the account means nothing once it is closed.
                for (old, file) in before.iter().zip(&article.attachments) {
                    article.body = links::readdress(&article.body, old.as_str(), file.source.as_str());
                    for translation in &mut article.translations {
                        translation.body = links::readdress(&translation.body, old.as_str(), file.source.as_str());
                    }
                }
            }
            Body::Company(_) | Body::Field(_) | Body::Category(_) | Body::Section(_) => {}
        }
        Ok(Translated { mapped: Mapped::Verbatim(Box::new(Verbatim { record, files })), losses })
    }

    /// Has the bytes of a record's files, and names where they come to lie.
    async fn fetched(
        &self,
        record: &str,
        child: &str,
        attachments: &mut [Attachment],
        files: &mut Vec<MappedFile>,
        losses: &mut Vec<Lost>,
    ) -> Result<(), Held> {
        for file in attachments {
            let blob = match self.blobs.fetch(file).await? {
                Fetched::Here(blob) => blob,
                Fetched::Unlike(blob) => {
                    losses.push(Lost::new(&file.id, Loss::FileUnlike, &file.name));
                    blob
                }
                Fetched::Lost(loss) => {
                    losses.push(Lost::new(&file.id, loss, &file.name));
                    file.source = lies_at(record, child, file, "").into();
                    continue;
                }
                Fetched::Doubtful(problem) => return Err(Held::Later(problem)),
                Fetched::Missing(problem) => return Err(Held::Fail(problem)),
            };
            file.source = lies_at(record, child, file, &blob.hash).into();
            files.push(MappedFile {
                name: file.source.to_string(),
                mime: file.mime.clone(),
                bytes: blob.bytes,
                hash: blob.hash.clone(),
                path: self.blobs.staging.blob_path(&blob.hash),
                ..MappedFile::default()
            });
            file.mime = file.mime.take().or(blob.mime);
            file.size = Some(blob.bytes);
            file.hash = Some(blob.hash);
        }
        Ok(())
    }

    fn addresses(&self, person: &mut Person, to: impl Fn(&crate::mapping::PeopleRule, &str) -> String) {
        for address in &mut person.emails {
            *address = to(&self.mapping.people, address);
        }
    }
}

/// Where the bytes of a file come to lie: `attachments/TICKET/MARK-NAME`. The mark is of what the file is and holds, so
/// that no other file, and no later state of this one, ever has its name.
fn lies_at(ticket: &str, comment: &str, file: &Attachment, hash: &str) -> String {
    let mark = blake3::hash([ticket, comment, &file.id, hash].join("\0").as_bytes()).to_hex();
    let folder = content::file_name::safe(ticket, FOLDER_BYTES);
    let name = content::file_name::safe(&file.name, NAME_BYTES);
    format!("attachments/{folder}/{}-{name}", &mark[..MARK])
}
