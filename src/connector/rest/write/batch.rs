//! Many records in one call: gathers the requests of steps that are migrated side by side, sends them together, watches the job the
//! vendor makes of them, and gives each step its own outcome.
//!
//! Each record keeps its own intent, request hash and outcome. The first to come leads: it waits for more, sends, and hands out what
//! came of it. A call or a job whose end is not known leaves every record of it in doubt, each to be looked for.

use super::apply::Verdict;
use crate::connector::Outcome;
use crate::connector::manifest::{Batch, Poll, WriteStep};
use crate::connector::plan::{LateValues, Step, Text};
use crate::connector::rest::{Rest, asking};
use crate::error::{Problem, Reason, Result};
use crate::expr::plain;
use crate::http::{Call, Class, Payload, Sent, Target};
use crate::ledger::Origin;
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::time::Instant;

/// A refusal inside a job has no status of its own: it is read as this one.
const REFUSED: u16 = 422;

/// The calls that are being gathered, of all steps that go in batches.
#[derive(Default)]
pub(crate) struct Batcher {
    open: Mutex<HashMap<String, Arc<Gathering>>>,
    /// Steps whose batches the account does not allow.
    alone: Mutex<HashSet<String>>,
    slots: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// Records that wait for their call.
#[derive(Default)]
struct Gathering {
    waiting: Mutex<Vec<Waiting>>,
    came: Notify,
}

pub(crate) struct Waiting {
    record: Value,
    bytes: usize,
    pub(super) marker: Option<String>,
    tell: oneshot::Sender<Fate>,
}

/// What became of one record of a call.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    /// Its row of the job's results.
    Row(Value),
    /// Nothing was written: by itself it may be.
    Alone,
    Is(Outcome),
}

/// How a record joined.
enum Joined {
    Leads(Arc<Gathering>, oneshot::Receiver<Fate>),
    Follows(oneshot::Receiver<Fate>),
}

impl Batcher {
    /// Takes the record in, into a call it is alike with and has room in.
    fn join(&self, key: &str, batch: &Batch, record: Value, marker: Option<String>) -> Joined {
        let bytes = record.to_string().len();
        let (tell, told) = oneshot::channel();
        let mut open = held(&self.open);
        if let Some(gathering) = open.get(key).cloned() {
            let mut waiting = held(&gathering.waiting);
            let sum: usize = waiting.iter().map(|one| one.bytes).sum();
            let fits = sum + bytes <= batch.bytes;
            if fits {
                waiting.push(Waiting { record, bytes, marker, tell });
                if waiting.len() >= batch.max {
                    open.remove(key);
                }
                gathering.came.notify_one();
                return Joined::Follows(told);
            }
            open.remove(key);
            gathering.came.notify_one();
        }
        let gathering = Arc::new(Gathering::default());
        held(&gathering.waiting).push(Waiting { record, bytes, marker, tell });
        if batch.max > 1 {
            open.insert(key.to_owned(), Arc::clone(&gathering));
        }
        Joined::Leads(gathering, told)
    }

    /// Waits until the call is full, or nobody came for a while, and closes it.
    async fn gathered(&self, key: &str, batch: &Batch, gathering: &Arc<Gathering>) -> Vec<Waiting> {
        let linger = Duration::from_millis(batch.linger);
        while held(&self.open).get(key).is_some_and(|open| Arc::ptr_eq(open, gathering)) {
            if tokio::time::timeout(linger, gathering.came.notified()).await.is_err() {
                break;
            }
        }
        let mut open = held(&self.open);
        if open.get(key).is_some_and(|open| Arc::ptr_eq(open, gathering)) {
            open.remove(key);
        }
        std::mem::take(&mut *held(&gathering.waiting))
    }

    fn slots(&self, key: &str, batch: &Batch) -> Arc<Semaphore> {
        let mut slots = held(&self.slots);
        let slots = slots.entry(key.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(batch.slots.max(1))));
        Arc::clone(slots)
    }
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Rest {
    /// Sends a step's record with others. None where it must go by itself.
    pub(super) async fn in_batch(
        &self,
        step: &Step,
        rule: &WriteStep,
        call: &Call,
        late: &LateValues,
    ) -> Result<Option<Verdict>> {
        let (Some(batch), Payload::Json(body)) = (&rule.batch, &call.body) else { return Ok(None) };
        let section = format!("{}.{}", step.rule.0, step.rule.1);
        let record = body[&batch.item].clone();
        if held(&self.batcher.alone).contains(&section) || record.is_null() {
            return Ok(None);
        }
        let alike = format!("{section} {:?} {:?}", call.query, call.headers);
        let marker = step.marker.as_deref().map(|marker| Text::parse(marker).fill(late)).transpose()?;
        let told = match self.batcher.join(&alike, batch, record, marker) {
            Joined::Follows(told) => told,
            Joined::Leads(gathering, told) => {
                let mut waiting = self.batcher.gathered(&alike, batch, &gathering).await;
                let slots = self.batcher.slots(&section, batch);
                let fates = match waiting.len() {
                    1 => vec![Fate::Alone],
                    _ => {
                        // The semaphore is never closed; without a slot the vendor says what it thinks of one job more.
                        let _slot = slots.acquire().await.ok();
                        self.fates(&section, batch, call, &mut waiting).await
                    }
                };
                for (one, fate) in waiting.into_iter().zip(fates) {
                    // Whoever no longer waits has its intent in the ledger.
                    let _ = one.tell.send(fate);
                }
                told
            }
        };
        let cut = || Outcome::Unknown(Problem::new(Reason::Interrupted, "its call was cut off with the run"));
        match told.await.unwrap_or_else(|_| Fate::Is(cut())) {
            Fate::Alone => Ok(None),
            Fate::Is(outcome) => Ok(Some(Verdict::Is(outcome))),
            Fate::Row(row) => self.row_verdict(step, rule, batch, row, late).await.map(Some),
        }
    }

    /// Sends the call and watches its job to the end.
    async fn fates(&self, section: &str, batch: &Batch, like: &Call, waiting: &mut [Waiting]) -> Vec<Fate> {
        let count = waiting.len();
        let all = |fate: Fate| vec![fate; count];
        let records: Value = waiting.iter_mut().map(|one| one.record.take()).collect();
        let call = match batch_call(batch, like, records) {
            Ok(call) => call,
            Err(problem) => return all(Fate::Is(Outcome::NotSent(problem))),
        };
        let response = match self.client.send(&call).await {
            Sent::Answer(response) => response,
            Sent::NotSent(problem) => return all(Fate::Is(Outcome::NotSent(problem))),
            Sent::Unknown(problem) => return all(Fate::Is(Outcome::Unknown(problem))),
        };
        match self.class(&response) {
            Class::Ok => {}
            Class::AuthLost | Class::PushBack => return all(Fate::Is(Outcome::Rejected(self.refusal(&response)))),
            Class::Refused => {
                if response.status == 403 {
                    held(&self.batcher.alone).insert(section.to_owned());
                }
                let problem = self.refusal(&response);
                self.note(format!("{} is refused, the records go one by one: {}", call_name(&call), problem.what));
                return all(Fate::Alone);
            }
            Class::Broken if response.class() == Class::Refused => {
                // Whoever refuses all of them may mean one: those that are not there go by themselves.
                held(&self.batcher.alone).insert(section.to_owned());
                return all(Fate::Is(Outcome::Unknown(self.denial(&response))));
            }
            Class::Broken => return all(Fate::Is(Outcome::Unknown(self.refusal(&response)))),
        }
        let ended = match response.json() {
            Ok(answer) => self.watched(&batch.poll, &answer).await,
            Err(problem) => Err(problem),
        };
        let (results, left) = match ended {
            Ok((results, whole)) => (results, (!whole).then(|| broken("the job was broken off"))),
            Err(problem) => (vec![], Some(problem)),
        };
        let fates = self.assigned(&batch.poll, results, waiting, &left).await;
        fates.unwrap_or_else(|p| all(Fate::Is(Outcome::Unknown(p))))
    }

    /// The results of a job, and whether it came to its end.
    ///
    /// Errors: it cannot be watched, or is given up: what it did is not known.
    async fn watched(&self, poll: &Poll, answer: &Value) -> Result<(Vec<Value>, bool)> {
        let job = self.watches(poll, answer)?;
        let wrong = || Problem::new(Reason::Manifest, "`call` of a poll is `GET /path`");
        let call = poll.call.render_path(&self.scope(answer))?;
        let path = call.strip_prefix("GET ").ok_or_else(wrong)?;
        let (patience, mut moved) = (Duration::from_secs(poll.deadline), Instant::now());
        let mut state = answer.clone();
        loop {
            let done = poll.done.holds(&self.scope(&state))?;
            if done || poll.failed.holds(&self.scope(&state))? {
                // A job that did nothing may have no list, or an object that says so.
                let results = crate::expr::path(&state, &poll.results).as_array().cloned().unwrap_or_default();
                return Ok((results, done));
            }
            if moved.elapsed() >= patience {
                let what = format!("the job made no progress in {} seconds", poll.deadline);
                return Err(Problem::new(Reason::Timeout, what));
            }
            tokio::time::sleep(Duration::from_millis(poll.every.max(1))).await;
            let asked = self.ask(asking(path, vec![])).await.and_then(|answer| answer.json());
            // A job that cannot be asked for may still be at work; one that is given up was waited for.
            let now = asked.inspect_err(|_| self.watches_no_more(job.as_deref()))?;
            if now != state {
                (state, moved) = (now, Instant::now());
            }
        }
    }

    /// What a result says of a step.
    async fn row_verdict(
        &self,
        step: &Step,
        rule: &WriteStep,
        batch: &Batch,
        row: Value,
        late: &LateValues,
    ) -> Result<Verdict> {
        let error = batch.poll.error.eval(&self.scope(&row))?;
        if !matches!(error, Value::Null | Value::Bool(false)) {
            return self.refused(step, rule, REFUSED, &plain(&error), &row, late).await;
        }
        let adopted = batch.poll.adopted.as_ref().map_or(Ok(false), |p| p.holds(&self.scope(&row)))?;
        let answer = Value::Object(Map::from_iter([(batch.item.clone(), row)]));
        let head = json!({ "status": 200, "headers": {} });
        Ok(Verdict::Is(match self.remote_in(rule, step, &answer, &head) {
            Ok(remote) => Outcome::Applied { remote, origin: if adopted { Origin::Adopted } else { Origin::Created } },
            Err(problem) => Outcome::Unknown(problem),
        }))
    }
}

pub(crate) fn broken(what: &str) -> Problem {
    Problem::new(Reason::ServerError, what)
}

fn call_name(call: &Call) -> String {
    format!("{} {}", call.method, crate::connector::rest::path_of(call))
}

/// The call that takes all records, with the query and headers each of them would have had.
fn batch_call(batch: &Batch, like: &Call, records: Value) -> Result<Call> {
    let wrong = || Problem::new(Reason::Manifest, "`call` of a batch is `METHOD /path`");
    let call = batch.call.render_path(&crate::expr::Scope::of(&Value::Null))?;
    let (method, path) = call.split_once(' ').ok_or_else(wrong)?;
    let body = Value::Object(Map::from_iter([(batch.items.clone(), records)]));
    Ok(Call {
        method: Method::from_bytes(method.as_bytes()).map_err(|_| wrong())?,
        target: Target::Path(path.to_owned()),
        body: Payload::Json(body),
        ..like.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Batch {
        serde_json::from_value(json!({
            "cites": "here", "evidence": "docs", "call": "POST /many", "items": "rows", "item": "row", "max": 2, "bytes": 40,
            "linger": 20, "poll": { "call": "GET /jobs/1", "deadline": 1, "done": ".done", "failed": ".failed", "results": ".r", "error": ".e" },
        }))
        .unwrap()
    }

    fn leads(joined: &Joined) -> bool {
        matches!(joined, Joined::Leads(..))
    }

    #[tokio::test]
    async fn a_full_call_takes_nobody_more_and_a_lone_record_is_not_waited_for_long() {
        let (batcher, batch) = (Batcher::default(), batch());
        let Joined::Leads(first, _told) = batcher.join("a", &batch, json!(1), None) else { panic!("nobody leads") };
        assert!(leads(&batcher.join("b", &batch, json!(1), None)), "unlike records go apart");
        assert!(!leads(&batcher.join("a", &batch, json!(2), None)));
        let third = batcher.join("a", &batch, json!(3), None);
        assert!(leads(&third), "the first call is full");
        assert_eq!(batcher.gathered("a", &batch, &first).await.len(), 2);
        let Joined::Leads(lone, _told) = third else { panic!("nobody leads") };
        assert_eq!(batcher.gathered("a", &batch, &lone).await.len(), 1);
    }

    #[tokio::test]
    async fn a_call_holds_no_more_than_its_bytes() {
        let (batcher, batch) = (Batcher::default(), batch());
        let large = json!("x".repeat(30));
        assert!(leads(&batcher.join("a", &batch, large.clone(), None)));
        assert!(leads(&batcher.join("a", &batch, large, None)));
    }
}
