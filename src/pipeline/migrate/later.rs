//! Records that are taken up once more in the same run: behind the others of their kind, or behind all kinds.

use super::Run;
use crate::ledger::{End, State};
use crate::pipeline::failure::Failed;
use crate::pipeline::taken::Read;
use crate::pipeline::write::Broken;
use crate::pipeline::{ORDER, Stop};
use crate::record::Kind;
use std::collections::HashSet;
use std::time::Duration;

/// Before records that were put off are taken up again.
pub(in crate::pipeline) const LATER: Duration = Duration::from_secs(5);

/// Whether a record is taken up once more later in the same run.
pub(super) enum PutOff {
    Later,
    Never(Result<End, Broken>),
    /// These, it among them, stop the run.
    Alike(Vec<Failed>),
}

impl Run<'_> {
    /// Whether records were put off until all others of their kind are through: then they are as if this run had not had them. What they
    /// wait for is given a moment.
    pub(super) async fn comes_to_what_was_put_off(&self, had: &mut HashSet<String>) -> Result<bool, Stop> {
        let later = std::mem::take(&mut *self.later());
        if later.is_empty() {
            return Ok(false);
        }
        self.halt().sleep(LATER).await?;
        had.retain(|id| !later.contains(id));
        Ok(true)
    }

    /// Leaves a record to be taken up once more when all others of its kind are through. Many in a row that somebody refused alike
    /// are not looked for one by one: they stop the run.
    pub(super) fn put_off(&self, kind: Kind, id: &str, migrated: Result<End, Broken>) -> PutOff {
        let row = match &migrated {
            Err(Broken::Denied(problem)) => self.streak.failed(kind, id, problem),
            Err(Broken::Later(_)) => None,
            _ => return PutOff::Never(migrated),
        };
        match row {
            Some(row) => PutOff::Alike(row),
            None => {
                self.later().insert(id.to_owned());
                PutOff::Later
            }
        }
    }

    /// Takes up what waited for records that came later. Relations come last, with the tickets they are between.
    pub(super) async fn parked_again(&self) -> Result<(), Stop> {
        let wanted = |kind: Kind| kind != Kind::Link && self.job.in_scope(kind) && self.job.choice.wants(kind);
        for &kind in ORDER.iter().filter(|&&kind| wanted(kind)) {
            let mut had = HashSet::new();
            self.pass(kind, &[State::Parked], Read::Whole, &mut had).await?;
            while self.comes_to_what_was_put_off(&mut had).await? {
                self.pass(kind, &[State::Parked, State::Writing], Read::Whole, &mut had).await?;
            }
        }
        let waits = || self.job.link.next(Kind::Link, &[State::Parked], None, 1);
        if self.job.in_scope(Kind::Link) && self.job.choice.wants(Kind::Link) && !waits().await?.is_empty() {
            self.links().await?;
        }
        Ok(())
    }
}
