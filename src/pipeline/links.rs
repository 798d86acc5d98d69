//! Relations between tickets: written when all tickets are through, each a record of its own in the ledger.

use super::Stop;
use super::migrate::{BATCH, Run, named};
use super::stage::AHEAD;
use super::taken::Taken;
use super::turn::Turn;
use super::write::{Broken, Migrated};
use super::written::done;
use crate::connector::mapped::{Mapped, MappedLink};
use crate::error::{Loss, Problem, Reason};
use crate::ledger::{End, Origin, RecordRow, Remote, Seen, State};
use crate::record::{Body, Kind, Link, LinkType, Record};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::pin::pin;
use std::sync::PoisonError;

/// Tickets of which this run has seen that they relate to no other: a bit each.
#[derive(Default)]
pub(super) struct Alone(Vec<u64>);

impl Alone {
    /// `seq`: [`RecordRow::seq`].
    pub fn put(&mut self, seq: i64) {
        let Some((at, bit)) = Self::place(seq) else { return };
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        self.0[at] |= bit;
    }

    fn has(&self, seq: i64) -> bool {
        Self::place(seq).is_some_and(|(at, bit)| self.0.get(at).is_some_and(|bits| bits & bit != 0))
    }

    fn place(seq: i64) -> Option<(usize, u64)> {
        let seq = usize::try_from(seq).ok()?;
        Some((seq / 64, 1 << (seq % 64)))
    }
}

impl Run<'_> {
    /// Relations between tickets that are both there.
    pub(super) async fn links(&self) -> Result<(), Stop> {
        if !self.job.target.writes(Kind::Link) {
            return Ok(());
        }
        let mut after = None;
        loop {
            let rows = self.job.link.next(Kind::Ticket, &[State::Done], after, BATCH).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.seq);
            let alone = |row: &RecordRow| self.alone.lock().unwrap_or_else(PoisonError::into_inner).has(row.seq);
            let rows: Vec<RecordRow> = rows.into_iter().filter(|row| !alone(row)).collect();
            let take = stream::iter(&rows).map(|row| async move {
                let taken = self.job.take(Kind::Ticket, &row.id).await?;
                Ok::<_, Stop>((row, taken))
            });
            let mut records = pin!(take.buffered(AHEAD));
            while let Some((row, taken)) = records.try_next().await? {
                match taken {
                    Taken::Whole(record) => self.links_of(row, record).await?,
                    // The ticket is there, and what it relates to is not known again: the next run asks.
                    Taken::Part(_, End::Waiting { .. }) | Taken::Early(_, End::Waiting { .. }) => self.waits(),
                    Taken::Part(..) | Taken::Early(..) | Taken::Odd(_) | Taken::Absent => {}
                }
            }
        }
    }

    async fn links_of(&self, row: &RecordRow, record: Record) -> Result<(), Stop> {
        let Body::Ticket(ticket) = record.body else { return Ok(()) };
        // A merged ticket that was migrated on its own keeps its relation.
        let merged = record.state == crate::record::State::Merged;
        for one in ticket.links.iter().filter(|l| l.link_type != LinkType::MergedInto || !merged) {
            let id = format!("{}:{}:{}", row.id, one.link_type, one.to);
            let seen =
                Seen { kind: Kind::Link, id: id.clone(), number: None, updated_at: None, content_hash: id.clone() };
            self.job.link.see(vec![seen]).await?;
            let known = self.job.link.record(Kind::Link, &id).await?;
            if known.is_none_or(|known| matches!(known.state, State::Done | State::Skipped | State::Failed)) {
                continue;
            }
            let linked = self.link(&id, &row.id, one).await;
            let end = self.ended(Kind::Link, &id, linked).await.map_err(|stop| named(stop, Kind::Link, &id))?;
            self.close(Kind::Link, &id, end).await?;
        }
        Ok(())
    }

    /// One relation between two tickets.
    async fn link(&self, id: &str, from: &str, one: &Link) -> Result<End, Broken> {
        self.halt().check().map_err(Broken::Run)?;
        let link = &self.job.link;
        let (from, to) = (link.target_of(Kind::Ticket, from).await?, link.target_of(Kind::Ticket, &one.to).await?);
        let (Some(from), Some(to)) = (from, to) else {
            let problem = Problem::new(Reason::Unresolved, "the other ticket is not in the target");
            link.lose(Kind::Link, id, "", Loss::Link, one.link_type.code()).await?;
            let other = link.record(Kind::Ticket, &one.to).await?;
            let may_come = other.is_some_and(|other| !matches!(other.state, State::Done | State::Skipped));
            return Ok(if may_come { End::Parked { problem } } else { End::Skipped { problem, stands_for: None } });
        };
        if to.id == from.id {
            let problem = Problem::new(Reason::Merged, "both tickets are the same ticket in the target");
            return Ok(End::Skipped { problem, stands_for: None });
        }
        link.lose_anew(Kind::Link, id, vec![]).await?;
        let mapped = MappedLink { id: id.to_owned(), from: from.id, to: to.id, link_type: one.link_type };
        let steps = self.job.target.plan(&Mapped::Link(mapped), "")?;
        if steps.is_empty() {
            link.lose(Kind::Link, id, "", Loss::Link, one.link_type.code()).await?;
            let problem = Problem::new(Reason::Unsupported, "the target has no such relation between tickets");
            return Ok(End::Skipped { problem, stands_for: None });
        }
        if one.link_type != LinkType::Related && !self.job.target.profile().link_types.contains(&one.link_type) {
            self.job.agreed(Loss::LinkType).map_err(|problem| Broken::Run(Stop::Refused(problem)))?;
            link.lose(Kind::Link, id, "", Loss::LinkType, one.link_type.code()).await?;
        }
        let migrated = Migrated { kind: Kind::Link, id, steps: &steps, rebuilt_at: None, has_steps: true };
        let progress = self.writer.migrate(&migrated, &mut Turn::free()).await?;
        if progress.lost {
            link.lose(Kind::Link, id, "", Loss::Link, one.link_type.code()).await?;
        }
        let (remote, origin) = progress.created.unwrap_or((Remote::default(), Origin::Matched));
        Ok(done(remote, origin, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_alone_only_if_it_was_seen_to_be() {
        let mut alone = Alone::default();
        [0, 63, 64, 20_000].into_iter().for_each(|seq| alone.put(seq));
        let found: Vec<i64> = (0..20_100).filter(|seq| alone.has(*seq)).collect();
        assert_eq!(found, [0, 63, 64, 20_000]);
        assert!(!alone.has(-1));
    }
}
