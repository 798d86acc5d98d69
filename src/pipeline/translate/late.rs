//! Files that could not be had when their message was written, or that the source did not list then: each comes in a message of its own,
//! below the others. The message they belong to stays as it was written.

use super::blobs::Fetched;
use super::files::{FileBudget, Migrated};
use super::message::Messages;
use super::{Held, Lost};
use crate::connector::mapped::MappedComment;
use crate::content::notes;
use crate::error::{Loss, Problem, Reason};
use crate::ledger::{Link, RecordRow, StepState};
use crate::record::{Attachment, Comment, Kind, Ticket, Visibility};
use std::collections::{HashMap, HashSet};

/// Losses of a file that a retry may have.
pub const OF_FILES: [Loss; 2] = [Loss::FileGone, Loss::FileUnreadable];

/// A ticket's files that its messages were written without, by their ids.
#[derive(Debug, Default)]
pub struct Late {
    /// Those that could not be had.
    lost: HashSet<String>,
    /// Those that the source did not list then, with what their own message is known by: a row that is put before another one must not
    /// take its place.
    new: HashMap<String, String>,
}

impl Late {
    pub fn none() -> Late {
        Late::default()
    }

    /// Of a ticket that is in the target, or was begun there. `lists`: how the source knows its files.
    pub async fn of(link: &Link, row: &RecordRow, ticket: &Ticket, lists: Lists) -> Result<Late, Problem> {
        if !row.has_steps {
            // With the ticket, so that none of them is new after a run that was killed.
            return note_all(link, &row.id, ticket, lists).await.map(|()| Late::none());
        }
        let lost = link.losses_of(Kind::Ticket, &row.id).await?;
        let is_late = |loss: Loss| OF_FILES.contains(&loss) || loss == Loss::FileLate;
        let lost: HashSet<String> = lost.into_iter().filter(|lost| is_late(lost.loss)).map(|lost| lost.child).collect();
        let filed = match lists {
            Lists::ByPath => link.filed(Kind::Ticket, &row.id).await?,
            Lists::ById => None,
        };
        if lost.is_empty() && filed.is_none() {
            return Ok(Late::none());
        }
        let steps = link.steps(Kind::Ticket, &row.id).await?;
        let applied = steps.into_iter().filter(|step| step.state == StepState::Applied);
        let written: HashSet<String> = applied.map(|step| step.key.child).collect();
        // The first one that everybody sees is made with the ticket.
        let is_written = |(at, comment): &(usize, &Comment)| {
            let with_ticket = *at == 0 && comment.visibility != Visibility::Private && written.contains("");
            with_ticket || written.contains(&comment.id)
        };
        let (there, coming): (Vec<_>, Vec<_>) = ticket.comments.iter().enumerate().partition(is_written);
        let comments = there.into_iter();
        let files: Vec<&Attachment> = comments.flat_map(|(_, comment)| &comment.attachments).collect();
        let new = files.iter().filter_map(|file| {
            let (key, child) = (key(file), child_by_path(file));
            let is_new = filed.as_ref().is_some_and(|filed| !filed.contains(&key))
                || written.contains(&child)
                || lost.contains(&child);
            is_new.then(|| (file.id.clone(), child))
        });
        let new = new.collect();
        let lost = files.iter().map(|file| file.id.clone()).filter(|id| lost.contains(id)).collect();
        if filed.is_some() && !coming.is_empty() {
            let files = coming.into_iter().flat_map(|(_, comment)| &comment.attachments);
            link.file(Kind::Ticket, &row.id, files.map(key).collect()).await?;
        }
        Ok(Late { lost, new })
    }

    pub fn has(&self, file: &Attachment) -> bool {
        self.lost.contains(&file.id) || self.new.contains_key(&file.id)
    }

    /// Whether its message says that it could not be had.
    pub fn was_lost(&self, file: &Attachment) -> bool {
        self.lost.contains(&file.id) && !self.new.contains_key(&file.id)
    }

    /// What the message that brings it is known by.
    fn child(&self, file: &Attachment) -> String {
        self.new.get(&file.id).cloned().unwrap_or_else(|| format!("file-{}", file.id))
    }
}

/// How a source knows the files of a ticket from one another, in run after run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    /// By ids that stay. No message gets another file later.
    ById,
    /// By where they lie: whoever writes the table adds rows.
    ByPath,
}

/// What the ledger knows a file by.
fn key(file: &Attachment) -> String {
    blake3::hash(file.source.as_str().as_bytes()).to_hex()[..16].to_owned()
}

/// What a file that was listed later, its message and its losses are known by. The ids of rows are given by their place, and one that was
/// given to another file before has been uploaded for that.
pub fn child_by_path(file: &Attachment) -> String {
    format!("file-{}", key(file))
}

/// Notes all files of a ticket that is written.
pub async fn note_all(link: &Link, id: &str, ticket: &Ticket, lists: Lists) -> Result<(), Problem> {
    if lists == Lists::ById {
        return Ok(());
    }
    let keys: Vec<String> = ticket.comments.iter().flat_map(|comment| &comment.attachments).map(key).collect();
    let noted = link.filed(Kind::Ticket, id).await?;
    match noted.is_some_and(|noted| keys.iter().all(|key| noted.contains(key))) {
        true => Ok(()),
        false => link.file(Kind::Ticket, id, keys).await,
    }
}

impl Messages<'_> {
    /// The message that brings a late file; none where it cannot be had now either.
    pub(super) async fn late_file(
        &self,
        comment: &Comment,
        file: &Attachment,
        file_budget: &mut FileBudget,
        losses: &mut Vec<Lost>,
    ) -> Result<Option<MappedComment>, Held> {
        let translator = self.translator;
        let known_by = match self.late.new.get(&file.id) {
            Some(child) => Attachment { id: child.clone(), ..file.clone() },
            None => file.clone(),
        };
        let (child, file) = (self.late.child(file), &known_by);
        let blob = match translator.blobs.fetch(file).await? {
            Fetched::Here(blob) | Fetched::Unlike(blob) => blob,
            Fetched::Lost(loss) => {
                losses.push(Lost::new(&file.id, loss, &file.name));
                return Ok(None);
            }
            Fetched::Doubtful(problem) | Fetched::Missing(problem) => {
                let loss = if problem.reason == Reason::NotFound { Loss::FileGone } else { Loss::FileUnreadable };
                losses.push(Lost::new(&file.id, loss, &file.name));
                return Ok(None);
            }
        };
        let private = comment.visibility == Visibility::Private;
        let mut files = Migrated::new(self.hides_files(comment));
        // What is uploaded for it belongs to its message, not to the one that is written.
        let own = Comment { id: child, body: String::new(), ..comment.clone() };
        translator.place(self.record, &own, file, &blob, file_budget, losses, &mut files)?;
        losses.push(Lost::new(&file.id, Loss::FileLate, &file.name));
        // A private message that the target has no place for lies on this machine, and so do its files.
        if private && !translator.target.profile().private_comments {
            return Ok(None);
        }
        let author = match &comment.author {
            Some(id) => Some(translator.person_on(self.ticket, id).await?),
            None => None,
        };
        let line = notes::late(&file.name, author.and_then(|author| author.named()).as_deref(), comment.created_at);
        let lines = std::iter::once(line).chain(files.lines());
        let body = lines.fold(String::new(), |body, line| notes::append(&body, translator.format, &line));
        let body = self.worded(body);
        Ok(Some(MappedComment {
            id: own.id,
            body_by_api: body.clone(),
            body_with_date: body.clone(),
            body,
            private,
            attachments: files.sent,
            ..MappedComment::default()
        }))
    }
}
