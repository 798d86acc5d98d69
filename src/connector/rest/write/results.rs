//! Which result of a job belongs to which record of its call.
//!
//! A result says so by its place, or by what the record is known by. Where it names only what it made, the records themselves are
//! asked for, all in one call by their ids; a walk over a whole listing for each job would cost hundreds of calls. Nothing is ever
//! taken for somebody's by its order: vendors answer in an order of their own.

use super::batch::{Fate, Waiting, broken};
use crate::connector::Outcome;
use crate::connector::manifest::{Poll, Shown};
use crate::connector::rest::{Rest, asking};
use crate::error::{Problem, Reason, Result};
use crate::expr::{Expr, path, plain};
use serde_json::Value;
use std::collections::HashMap;

/// The results that were given to records, and those that were not.
struct Assigned {
    rows: Vec<Option<Value>>,
    /// Made something, and does not say of whom.
    made: Vec<Value>,
    /// Refusals that do not say of whom.
    refused: usize,
}

impl Assigned {
    fn take(&mut self, place: Option<usize>, row: Value) {
        if let Some(slot) = place.and_then(|at| self.rows.get_mut(at)).filter(|slot| slot.is_none()) {
            *slot = Some(row);
        }
    }

    fn without_row(&self) -> usize {
        self.rows.iter().filter(|row| row.is_none()).count()
    }
}

impl Rest {
    /// Gives each record its row of the results. One without a row is in doubt, unless it can only be one of those refused.
    pub(super) async fn assigned(
        &self,
        poll: &Poll,
        results: Vec<Value>,
        waiting: &[Waiting],
        left: &Option<Problem>,
    ) -> Result<Vec<Fate>> {
        let complete = left.is_none() && results.len() == waiting.len();
        let mut assigned = Assigned { rows: vec![None; waiting.len()], made: Vec::new(), refused: 0 };
        for row in results {
            match self.place_of(poll, &row, waiting)? {
                Some(place) => assigned.take(Some(place), row),
                None if self.is_refusal(poll, &row)? => assigned.refused += 1,
                None => assigned.made.push(row),
            }
        }
        if let Some(shown) = poll.shown.as_ref().filter(|_| !assigned.made.is_empty()) {
            self.assign_shown(poll, shown, waiting, &mut assigned).await?;
        }
        let unknown = left.clone().unwrap_or_else(|| broken("the job ended but does not say with what result"));
        // Every record has a result, and those left over are refusals: nothing was written of them.
        let only_refused = complete && assigned.without_row() == assigned.refused;
        let fate = |row: Option<Value>| match row {
            Some(row) => Fate::Row(row),
            None if only_refused => Fate::Alone,
            None => Fate::Is(Outcome::Unknown(unknown.clone())),
        };
        Ok(assigned.rows.into_iter().map(fate).collect())
    }

    fn place_of(&self, poll: &Poll, row: &Value, waiting: &[Waiting]) -> Result<Option<usize>> {
        if let Some(index) = self.told(&poll.index, row)?.and_then(|index| index.as_u64()) {
            return Ok(usize::try_from(index).ok());
        }
        let key = self.told(&poll.key, row)?;
        Ok(key.and_then(|key| place_of_key(waiting, &plain(&key))))
    }

    fn is_refusal(&self, poll: &Poll, row: &Value) -> Result<bool> {
        Ok(!matches!(poll.error.eval(&self.scope(row))?, Value::Null | Value::Bool(false)))
    }

    fn told(&self, expr: &Option<Expr>, row: &Value) -> Result<Option<Value>> {
        let value = expr.as_ref().map(|expr| expr.eval(&self.scope(row))).transpose()?;
        Ok(value.filter(|value| !value.is_null()))
    }

    /// Asks for the records that were made, and gives each of ours its result by what it is known by.
    async fn assign_shown(
        &self,
        poll: &Poll,
        shown: &Shown,
        waiting: &[Waiting],
        assigned: &mut Assigned,
    ) -> Result<()> {
        let wrong = || Problem::new(Reason::Manifest, "`call` of `shown` is `GET /path`");
        let id_of = |row: &Value| Ok::<_, Problem>(plain(&shown.id.eval(&self.scope(row))?));
        let ids = assigned.made.iter().map(id_of).collect::<Result<Vec<_>>>()?;
        let call = shown.call.render_path(&self.scope(&Value::Null))?;
        let query = vec![(shown.param.clone(), ids.join(","))];
        let answer = self.ask(asking(call.strip_prefix("GET ").ok_or_else(wrong)?, query)).await?.json()?;
        let mut places: HashMap<String, usize> = HashMap::new();
        for own in path(&answer, &shown.items).as_array().into_iter().flatten() {
            let key = self.told(&poll.key, own)?;
            if let Some(place) = key.and_then(|key| place_of_key(waiting, &plain(&key))) {
                places.insert(id_of(own)?, place);
            }
        }
        for (row, id) in std::mem::take(&mut assigned.made).into_iter().zip(ids) {
            assigned.take(places.get(&id).copied(), row);
        }
        Ok(())
    }
}

fn place_of_key(waiting: &[Waiting], key: &str) -> Option<usize> {
    let key = key.to_lowercase();
    waiting.iter().position(|one| one.marker.as_deref().map(str::to_lowercase).as_ref() == Some(&key))
}
