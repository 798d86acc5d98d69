//! Files that could not be had when their message was written, and can be had now: each comes in a message of its own, below the others. The
//! message they belong to stays as it was written.

use super::blobs::Fetched;
use super::files::{Carried, Shelf};
use super::message::Messages;
use super::{Held, Lost};
use crate::connector::mapped::MappedComment;
use crate::content::notes;
use crate::error::{Loss, Problem, Reason};
use crate::ledger::{Link, RecordRow, StepState};
use crate::record::{Attachment, Comment, Kind, Ticket, Visibility};
use std::collections::HashSet;

/// Losses of a file that a retry may have.
pub const OF_FILES: [Loss; 2] = [Loss::FileGone, Loss::FileUnreadable];

/// Ids of a ticket's files that its messages were written without.
#[derive(Debug, Default)]
pub struct Late(HashSet<String>);

impl Late {
    pub fn none() -> Late {
        Late::default()
    }

    /// Of a ticket that is in the target, or was begun there.
    pub async fn of(link: &Link, row: &RecordRow, ticket: &Ticket) -> Result<Late, Problem> {
        if !row.has_steps {
            return Ok(Late::none());
        }
        let lost = link.losses_of(Kind::Ticket, &row.id).await?;
        let is_late = |loss: Loss| OF_FILES.contains(&loss) || loss == Loss::FileLate;
        let lost: HashSet<String> = lost.into_iter().filter(|lost| is_late(lost.loss)).map(|lost| lost.child).collect();
        if lost.is_empty() {
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
        let comments = ticket.comments.iter().enumerate().filter(is_written);
        let files = comments.flat_map(|(_, comment)| &comment.attachments).map(|file| file.id.clone());
        Ok(Late(files.filter(|id| lost.contains(id)).collect()))
    }

    pub fn has(&self, file: &Attachment) -> bool {
        self.0.contains(&file.id)
    }
}

impl Messages<'_> {
    /// The message that brings a late file; none where it cannot be had now either.
    pub(super) async fn late_file(
        &self,
        comment: &Comment,
        file: &Attachment,
        shelf: &mut Shelf,
        losses: &mut Vec<Lost>,
    ) -> Result<Option<MappedComment>, Held> {
        let translator = self.translator;
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
        let mut files = Carried::new(self.hides_files(comment));
        // What is uploaded for it belongs to its message, not to the one that is written.
        let own = Comment { id: format!("file-{}", file.id), body: String::new(), ..comment.clone() };
        translator.place(self.record, &own, file, &blob, shelf, losses, &mut files)?;
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
