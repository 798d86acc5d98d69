//! The vendor's own list of its jobs: a job whose answer was lost, or that outlived the run that started it, may still be writing.
//!
//! The list only ever makes a wait longer. That a job is not in it proves nothing: vendors forget them.

use crate::clock::Doubt;
use crate::connector::manifest::{JobList, Poll};
use crate::connector::plan::Step;
use crate::connector::rest::Rest;
use crate::connector::rest::api::listed::{Above, Listed};
use crate::error::{Problem, Reason, Result};
use crate::expr::plain;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a look waits for others who are about to ask: records that went in one call fall in doubt one after another.
const GATHER: Duration = Duration::from_millis(200);

/// What is known of an account's jobs.
#[derive(Default)]
pub(crate) struct Jobs {
    /// Jobs whose end this process waits for, or has waited for long enough.
    ours: Mutex<BTreeSet<String>>,
    seen: tokio::sync::Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    looked: Option<Instant>,
    at_work: BTreeMap<String, Sighting>,
    /// The account shows its jobs to nobody.
    hidden: bool,
}

/// A job that is at work.
#[derive(Clone, Debug)]
struct Sighting {
    /// When a look last did not show it: it began after that.
    absent: Option<Instant>,
    /// How it stood, and since when it stands so.
    row: Value,
    since: Instant,
}

impl Sighting {
    /// Whether it may be the job of a request that was over at this moment, and has not stood still for so long that it is given up.
    fn may_be_of(&self, over: Instant, patience: Duration, now: Instant) -> bool {
        self.absent.is_none_or(|absent| absent < over) && now.duration_since(self.since) < patience
    }
}

impl Seen {
    /// Takes in what a look showed that began at this moment.
    fn took(&mut self, began: Instant, rows: BTreeMap<String, Value>) {
        let before = std::mem::take(&mut self.at_work);
        let last = self.looked.replace(began);
        for (id, row) in rows {
            let known = before.get(&id);
            let since = known.filter(|known| known.row == row).map_or(began, |known| known.since);
            let absent = known.map_or(last, |known| known.absent);
            self.at_work.insert(id, Sighting { absent, row, since });
        }
    }
}

impl Jobs {
    fn ours(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.ours.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rest {
    /// Notes a job of this process by the answer that started it. Gives its id, where the manifest says how jobs are listed.
    pub(super) fn watches(&self, poll: &Poll, answer: &Value) -> Result<Option<String>> {
        let Some(list) = &poll.list else { return Ok(None) };
        let id = plain(&list.of.eval(&self.scope(answer))?);
        self.jobs.ours().insert(id.clone());
        Ok(Some(id))
    }

    /// A job of this process that nobody waits for any more though it may not have ended.
    pub(super) fn watches_no_more(&self, job: Option<&str>) {
        if let Some(id) = job {
            self.jobs.ours().remove(id);
        }
    }

    /// Whether a job is at work that may be the one of this step's lost request. Those who ask together are answered by one look.
    pub(super) async fn job_at_work(&self, step: &Step, doubt: &Doubt) -> Result<bool> {
        let Some(poll) = self.rule(step)?.batch.as_ref().map(|batch| &batch.poll) else { return Ok(false) };
        let Some(list) = &poll.list else { return Ok(false) };
        let asked = Instant::now();
        let mut seen = self.jobs.seen.lock().await;
        if seen.looked.is_none_or(|looked| looked < asked) && !seen.hidden {
            tokio::time::sleep(GATHER).await;
            let began = Instant::now();
            match self.jobs_at_work(list).await {
                Ok(rows) => seen.took(began, rows),
                Err(problem) if matches!(problem.reason, Reason::Forbidden | Reason::NotFound) => {
                    self.note(format!(
                        "the list of background jobs is not shown ({}): lost jobs are waited for",
                        problem.what
                    ));
                    seen.hidden = true;
                }
                Err(problem) => return Err(problem),
            }
        }
        let (patience, now) = (Duration::from_secs(poll.deadline), Instant::now());
        let ours = self.jobs.ours();
        let strange = seen.at_work.iter().filter(|(id, _)| !ours.contains(*id));
        Ok(strange.map(|(_, job)| job).any(|job| job.may_be_of(doubt.over(), patience, now)))
    }

    /// The rows of all jobs that wait or work, by their ids.
    async fn jobs_at_work(&self, list: &JobList) -> Result<BTreeMap<String, Value>> {
        let mut busy = BTreeMap::new();
        for row in self.all_rows("background jobs", &Listed::from(list), Above::NONE).await? {
            if list.busy.holds(&self.scope(&row))? {
                let id = plain(&list.id.eval(&self.scope(&row))?);
                if id.is_empty() {
                    return Err(Problem::new(Reason::BadAnswer, "a background job has no id"));
                }
                busy.insert(id, row);
            }
        }
        Ok(busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PATIENCE: Duration = Duration::from_secs(900);

    fn rows(rows: &[(&str, u64)]) -> BTreeMap<String, Value> {
        rows.iter().map(|(id, progress)| ((*id).to_owned(), json!(progress))).collect()
    }

    async fn later(seconds: u64) -> Instant {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        Instant::now()
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_began_after_the_request_was_over_is_somebody_elses() {
        let (mut seen, over) = (Seen::default(), later(1).await);
        let first = later(300).await;
        seen.took(first, rows(&[("old", 1)]));
        let second = later(300).await;
        seen.took(second, rows(&[("old", 2), ("new", 1)]));
        let may = |id: &str, over| seen.at_work[id].may_be_of(over, PATIENCE, second);
        assert!(may("old", over) && !may("new", over));
        assert!(may("new", second), "of a request that was lost since the look before");
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_stands_still_is_given_up_and_one_that_moves_is_not() {
        let (mut seen, over) = (Seen::default(), later(1).await);
        let mut now = over;
        for look in 0..4 {
            now = later(300).await;
            seen.took(now, rows(&[("still", 3), ("moves", look)]));
        }
        assert!(!seen.at_work["still"].may_be_of(over, PATIENCE, now));
        assert!(seen.at_work["moves"].may_be_of(over, PATIENCE, now));
    }
}
