//! Whether a record may be deleted, by what the target shows of it now.

use super::super::{Job, Stop};
use super::relations::Relations;
use crate::connector::There;
use crate::connector::plan::MARKER;
use crate::ledger::{Doomed, RecordRow, StepRow};
use crate::record::Kind;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashSet;

/// Vendors stamp by the second, and the time of a call is known to the second.
const SECOND: SignedDuration = SignedDuration::from_secs(1);
/// A record whose work took longer than this may have been changed by people in between.
const LONGEST: SignedDuration = SignedDuration::from_mins(2);

/// What is to become of a record.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    Delete,
    /// It is not there any more.
    Gone,
    /// It stays, for this reason.
    Leave(String),
}

/// The time in which a write of ours was under way, by the target's clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Span {
    /// From when a step was intended until its record was closed.
    pub fn of(step: &StepRow, closed_at: Timestamp) -> Option<Span> {
        let from = step.vendor_at?;
        let took = closed_at.duration_since(step.intent_at).clamp(SignedDuration::ZERO, LONGEST);
        let until = from.checked_add(took).and_then(|until| until.checked_add(SECOND)).ok()?;
        Some(Span { from: from.checked_sub(SECOND).ok()?, until })
    }

    pub fn holds(&self, at: Timestamp) -> bool {
        at >= self.from && at <= self.until
    }
}

pub(super) struct Judge<'a> {
    job: &'a Job,
    pub relations: Relations,
    /// Records of the target that are deleted too: what only they refer to is not in use.
    counted_on: HashSet<(Kind, String)>,
}

impl<'a> Judge<'a> {
    pub async fn new(job: &'a Job) -> Result<Judge<'a>, Stop> {
        Ok(Judge { job, relations: Relations::read(job).await?, counted_on: HashSet::new() })
    }

    /// This record will be deleted before what it refers to.
    pub fn counts_on(&mut self, doomed: &Doomed) {
        self.counted_on.insert((doomed.kind, doomed.target_id.clone()));
    }

    /// This record stays after all.
    pub fn counts_no_more_on(&mut self, doomed: &Doomed) {
        self.counted_on.remove(&(doomed.kind, doomed.target_id.clone()));
    }

    pub async fn of(&self, doomed: &Doomed) -> Result<Verdict, Stop> {
        let (kind, id) = (doomed.kind, doomed.id.as_str());
        let leave = |why: String| Ok(Verdict::Leave(why));
        let steps = self.job.link.steps(kind, id).await?;
        if steps.iter().any(|step| step.state.in_doubt()) || doomed.target_id.is_empty() {
            return leave("it is not known whether all of it was written: `deskferry run` finds out".into());
        }
        let title = self.job.target.address();
        let Some(eraser) = self.job.target.eraser().filter(|eraser| eraser.after(kind).is_some()) else {
            return leave(format!("Deskferry does not delete a {kind} in {title}: delete it there by hand"));
        };
        let Some(row) = self.job.link.record(kind, id).await? else {
            return leave("the ledger does not know it any more".into());
        };
        if row.remote.as_ref().is_some_and(|remote| remote.id != doomed.target_id) {
            return leave("a later run made it anew".into());
        }
        let Some(there) = eraser.look(kind, &doomed.target_id).await? else { return Ok(Verdict::Gone) };
        let marker = self.marker(kind, id, &steps);
        if !there.marks.iter().any(|mark| is_one(mark, &marker)) {
            return leave("it does not have the mark of this migration".into());
        }
        let relations = self.relations.spans(self.job, kind, id).await?;
        if let Some(why) = changed(&there, &row, &steps, &relations) {
            return leave(why);
        }
        let user = there.used_by.iter().find(|user| !self.counted_on.contains(*user));
        Ok(match user {
            Some((kind, id)) => Verdict::Leave(format!("{kind} {id} there refers to it, and stays")),
            None => Verdict::Delete,
        })
    }

    /// What the record is recognised by.
    fn marker(&self, kind: Kind, id: &str, steps: &[StepRow]) -> String {
        let create = self.job.target.creates(kind).unwrap_or("create");
        let made = steps.iter().find(|step| step.key.step == create && step.key.child.is_empty());
        let known = made.and_then(|step| step.marker.clone());
        known.unwrap_or_else(|| format!("{MARKER}{}:{kind}:{id}", self.job.link.mark()))
    }
}

/// An address, or the name of a company, in any case.
fn is_one(mark: &str, marker: &str) -> bool {
    mark == marker || (!marker.starts_with(MARKER) && mark.to_lowercase() == marker.to_lowercase())
}

/// Why a record is taken for changed by others since our last write; nothing where it is as we left it.
fn changed(there: &There, row: &RecordRow, steps: &[StepRow], relations: &[Span]) -> Option<String> {
    let Some(now) = there.updated_at else { return Some("it does not say when it last changed".into()) };
    // A relation is written after its tickets were read back.
    if relations.iter().any(|span| span.holds(now)) {
        return None;
    }
    let as_we_left_it = match row.target_updated_at {
        Some(then) => now == then,
        None => {
            let just_made = there.created_at.is_some_and(|made| now.duration_since(made) <= SECOND);
            just_made || steps.iter().filter_map(|step| Span::of(step, row.changed_at)).any(|span| span.holds(now))
        }
    };
    (!as_we_left_it).then(|| format!("it was changed there since, at {now}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{State, StepKey, StepState};

    fn at(text: &str) -> Timestamp {
        format!("2026-01-01T{text}Z").parse().unwrap()
    }

    fn row(read_back: Option<&str>) -> RecordRow {
        RecordRow {
            seq: 1,
            kind: Kind::Ticket,
            id: "1".into(),
            number: None,
            updated_at: None,
            content_hash: String::new(),
            state: State::Done,
            problem: None,
            look_at: None,
            remote: None,
            origin: None,
            target_hash: None,
            target_updated_at: read_back.map(at),
            stands_for: None,
            rebuilt_at: None,
            has_steps: true,
            seen_at: at("09:00:00"),
            changed_at: at("10:00:04"),
        }
    }

    fn step(vendor_at: &str) -> StepRow {
        StepRow {
            key: StepKey::new("create", "", 0),
            state: StepState::Applied,
            marker: None,
            request_hash: None,
            remote: None,
            origin: None,
            problem: None,
            intent_at: at("10:00:00"),
            vendor_at: Some(at(vendor_at)),
            tries: 1,
        }
    }

    fn there(created: &str, updated: &str) -> There {
        There { created_at: Some(at(created)), updated_at: Some(at(updated)), ..There::default() }
    }

    #[test]
    fn a_record_that_was_read_back_is_ours_only_as_it_was_then() {
        let of = |updated| changed(&there("10:00:00", updated), &row(Some("10:00:03")), &[step("10:00:00")], &[]);
        assert_eq!(of("10:00:03"), None);
        assert!(of("10:00:04").is_some(), "a second later, though within the time of our writes");
        assert!(changed(&There::default(), &row(Some("10:00:03")), &[], &[]).is_some(), "nothing says when");
    }

    #[test]
    fn a_relation_that_was_written_later_is_no_change_of_others() {
        let span = Span { from: at("10:01:00"), until: at("10:01:02") };
        let of = |updated| changed(&there("10:00:00", updated), &row(Some("10:00:03")), &[], &[span]);
        assert_eq!(of("10:01:01"), None);
        assert!(of("10:01:03").is_some());
    }

    /// The target's clock is an hour ahead of this machine's.
    #[test]
    fn a_record_that_is_not_read_back_is_ours_while_we_wrote_it_by_the_targets_clock() {
        let of = |created, updated| changed(&there(created, updated), &row(None), &[step("11:00:00")], &[]);
        assert_eq!(of("11:00:00", "11:00:01"), None, "made, and never changed");
        assert_eq!(of("11:00:00", "11:00:04"), None, "its further steps");
        assert!(of("11:00:00", "11:00:06").is_some());
        assert_eq!(of("12:00:00", "12:00:00"), None, "made by a job that came late");
    }

    #[test]
    fn a_marker_is_compared_letter_by_letter_and_an_address_is_not() {
        assert!(is_one("Ann@Example.com", "ann@example.com"));
        assert!(is_one("deskferry:a:ticket:X", "deskferry:a:ticket:X"));
        assert!(!is_one("deskferry:a:ticket:x", "deskferry:a:ticket:X"));
    }
}
