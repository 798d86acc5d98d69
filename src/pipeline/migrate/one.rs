//! One record: whether it is migrated at all, and how it ended.

use super::later::PutOff;
use super::{Run, named};
use crate::error::{Problem, Reason};
use crate::ledger::{End, Origin, RecordRow};
use crate::pipeline::Stop;
use crate::pipeline::taken::{Read, Taken};
use crate::pipeline::translate::{Matched, late};
use crate::pipeline::turn::Turn;
use crate::pipeline::write::Broken;
use crate::pipeline::written::{Past, done};
use crate::record::{Body, Kind, Record};
use std::sync::{Arc, PoisonError};

impl Run<'_> {
    /// Carries one record and books how it ended. One that is not whole is taken up again while its kind is not `read` to the end.
    pub(super) async fn one(&self, row: RecordRow, read: Read, mut turn: Turn) -> Result<(), Stop> {
        self.halt().check()?;
        let (kind, id) = (row.kind, row.id.clone());
        let migrated = match self.job.take(kind, &id).await {
            Ok(Taken::Absent | Taken::Early(..)) if !read.is_over() => {
                self.early().insert(id);
                turn.come().await;
                turn.end().await;
                return Ok(());
            }
            Ok(taken) => self.migrated(&row, taken, &mut turn).await,
            Err(problem) => Err(problem.into()),
        };
        let closed = match self.put_off(kind, &id, migrated) {
            PutOff::Later => Ok(()),
            PutOff::Never(migrated) => {
                let end = self.ended(kind, &id, migrated).await.map_err(|stop| named(stop, kind, &id))?;
                turn.come().await;
                self.close(kind, &id, end).await
            }
            PutOff::Alike(row) => self.stop_alike(row).await,
        };
        turn.end().await;
        closed?;
        self.writer.custody.closed(kind).await
    }

    async fn migrated(&self, row: &RecordRow, taken: Taken, turn: &mut Turn) -> Result<End, Broken> {
        let (kind, id) = (row.kind, row.id.as_str());
        if kind.is_library() && !self.job.target.writes(kind) {
            let problem = Problem::new(Reason::Unsupported, format!("the target does not support {kind} records"));
            return Ok(End::Skipped { problem, stands_for: None });
        }
        let record = match taken {
            Taken::Whole(record) => Arc::new(record),
            Taken::Part(record, end) | Taken::Early(record, end) => {
                return self.left_in_part(kind, id, record, end).await;
            }
            Taken::Odd(problem) => return Ok(End::Failed { problem }),
            // An agent who was begun as a contact, for the tickets they asked.
            Taken::Absent if kind == Kind::Contact && row.has_steps => {
                match self.translator.people.as_contact(id).await? {
                    Some(record) => return self.as_customer(Arc::new(record), row, turn).await,
                    None => return self.unlisted(row).await,
                }
            }
            Taken::Absent => return self.unlisted(row).await,
        };
        let verbatim = self.job.target.profile().verbatim;
        if kind == Kind::Contact && !verbatim && self.job.staging.holds(Kind::Agent.code(), id).await? {
            if row.has_steps {
                return self.as_customer(record, row, turn).await;
            }
            let problem = Problem::new(Reason::Duplicate, "is also an agent, and is migrated as an agent");
            return Ok(End::Skipped { problem, stands_for: Some((Kind::Agent, id.to_owned())) });
        }
        if let Some(end) = self.unpublished(&record) {
            return Ok(end);
        }
        if let Some(problem) = self.job.unnamed(kind, id).await? {
            return Ok(End::Skipped { problem, stands_for: None });
        }
        if let Body::Ticket(ticket) = &record.body {
            if ticket.links.is_empty() {
                self.alone.lock().unwrap_or_else(PoisonError::into_inner).put(row.seq);
            }
            match self.job.left_out(&record, ticket).await {
                Ok(None) => {}
                Ok(Some(problem)) => return Ok(End::Skipped { problem, stands_for: None }),
                Err(problem) => return Ok(End::Failed { problem }),
            }
        }
        if let Body::Ticket(ticket) = &record.body
            && let Some(problem) = self.place_requester(&record, ticket, turn).await?
        {
            return Ok(End::Parked { problem });
        }
        match self.translated(&record, row).await {
            Ok(Matched::There(remote, losses)) => {
                if kind == Kind::Contact {
                    self.job.link.lose_anew(kind, id, losses).await?;
                }
                Ok(done(remote, Origin::Matched, None))
            }
            Ok(Matched::Write(translated)) if kind == Kind::Field && !verbatim => {
                self.write_field(&record, &translated, turn).await
            }
            Ok(Matched::Write(translated)) => {
                let end = self.write(&record, translated, Past::of(row), turn).await?;
                if let (End::Done { .. }, Body::Ticket(ticket)) = (&end, &record.body) {
                    late::note_all(&self.job.link, id, ticket, self.lists()).await?;
                }
                Ok(end)
            }
            Err(held) => held.into_end(),
        }
    }

    /// What becomes of a record that the stage has no row of.
    async fn unlisted(&self, row: &RecordRow) -> Result<End, Broken> {
        let what = "the source no longer lists it";
        // Nothing of it was ever written, and all that there is was listed.
        if row.remote.is_none() && !row.has_steps && self.job.is_listed(row.kind).await? {
            let problem = Problem::new(Reason::Deleted, what);
            return Ok(End::Skipped { problem, stands_for: None });
        }
        let problem =
            Problem::new(Reason::NotFound, what).hint("an earlier run read it, but the staged data was deleted");
        Ok(End::Failed { problem })
    }

    /// What becomes of a record of which not all was read: what its row alone says may leave it out.
    async fn left_in_part(&self, kind: Kind, id: &str, record: Option<Record>, end: End) -> Result<End, Broken> {
        let Some(record) = record else { return Ok(end) };
        if let Some(problem) = self.job.unnamed(kind, id).await? {
            return Ok(End::Skipped { problem, stands_for: None });
        }
        if let Some(end) = self.unpublished(&record) {
            return Ok(end);
        }
        // A filter may look at the messages.
        let left_out = match &record.body {
            Body::Ticket(ticket) if self.job.scope_filter.is_none() || self.job.has_no_place(record.state) => {
                self.job.left_out(&record, ticket).await?
            }
            _ => None,
        };
        Ok(left_out.map_or(end, |problem| End::Skipped { problem, stands_for: None }))
    }

    /// Of a knowledge base only what lives is migrated, unless the scope says otherwise.
    fn unpublished(&self, record: &Record) -> Option<End> {
        let gone = record.kind().is_library() && record.state != crate::record::State::Live;
        (gone && !self.job.project.scope.deleted).then(|| {
            let problem = Problem::new(Reason::Deleted, "deleted in the source");
            End::Skipped { problem, stands_for: None }
        })
    }
}
