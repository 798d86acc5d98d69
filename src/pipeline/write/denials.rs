//! What this run was told by somebody who may not be the target, until the step it was about is looked for. Nothing of it outlives the run.

use super::Migrated;
use crate::clock::Doubt;
use crate::error::Problem;
use crate::ledger::StepKey;
use crate::record::Kind;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Steps this run sent that somebody refused who may not be the target.
#[derive(Default)]
pub struct Denials(Mutex<HashMap<(Kind, String, StepKey), Denial>>);

#[derive(Clone)]
pub(super) struct Denial {
    pub doubt: Doubt,
    pub said: Problem,
}

impl Denials {
    pub(super) fn are_of(&self, record: &Migrated<'_>) -> bool {
        self.all().keys().any(|(kind, id, _)| *kind == record.kind && id == record.id)
    }

    pub(super) fn of(&self, record: &Migrated<'_>, step: &StepKey) -> Option<Denial> {
        self.all().get(&name(record, step)).cloned()
    }

    pub(super) fn put(&self, record: &Migrated<'_>, step: &StepKey, denial: Denial) {
        self.all().insert(name(record, step), denial);
    }

    /// It was looked for, and is known to have happened or not.
    pub(super) fn forget(&self, record: &Migrated<'_>, step: &StepKey) {
        self.all().remove(&name(record, step));
    }

    fn all(&self) -> MutexGuard<'_, HashMap<(Kind, String, StepKey), Denial>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(record: &Migrated<'_>, step: &StepKey) -> (Kind, String, StepKey) {
    (record.kind, record.id.to_owned(), step.clone())
}
