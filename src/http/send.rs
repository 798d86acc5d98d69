//! Calls with repeats: which failures are worth another try, and which must not have one.

use super::body::Body;
use super::call::{Call, Repeat, Response, Sent};
use super::client::Client;
use super::exchange::{Head, Wants};
use super::fault::{Fault, Proof};
use crate::error::{Problem, Reason, Result};
use crate::naive::{self, Naive};
use crate::pacer::retry_after;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use std::time::Duration;
use tokio::time::Instant;

/// Most bytes of an answer that is held.
const LARGEST_ANSWER: usize = 32 * 1024 * 1024;
/// Tries of a call that fails.
const TRIES: u32 = 5;
/// Refusals for pace that are waited out; the patience of the call ends most waits sooner.
const PUSH_BACKS: u32 = 20;
/// The status of an answer that is a part of what was asked for.
pub(super) const PARTIAL: u16 = 206;
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How far the repeats of one call have gone.
pub(super) struct Tries {
    pub deadline: Instant,
    failed: u32,
    pushed_back: u32,
}

impl Tries {
    pub fn number(&self) -> u32 {
        self.failed + self.pushed_back + 1
    }
}

impl Client {
    /// Makes a call. Repeats it where the platform provably did not get or do it; otherwise as [`Repeat`] allows.
    pub async fn send(&self, call: &Call) -> Sent {
        let body = match Body::of(&call.body).await {
            Ok(body) => body,
            Err(problem) => return Sent::NotSent(problem),
        };
        let mut tries = self.tries();
        loop {
            match self.answer(call, &body, &tries).await {
                // Who is not known to be the platform may have let it through.
                Ok((answer, _)) if answer.status == 429 && !may_repeat(call) && !answer.pushes_back() => {
                    return Sent::Answer(answer);
                }
                Ok((answer, paced)) => {
                    let wait = (!paced).then(|| retry_after(&answer.headers)).flatten();
                    if !self.again_after_status(call, answer.status, paced, wait, &mut tries).await {
                        return Sent::Answer(answer);
                    }
                }
                Err(fault) if self.again_after_fault(call, &fault, &mut tries).await => {}
                Err(fault)
                    if call.repeat == Repeat::Never && fault.proof == Proof::MaybeSent && naive::is(Naive::Done) =>
                {
                    return self.believed(call);
                }
                Err(Fault { problem, proof: Proof::NothingSent, .. }) => return Sent::NotSent(self.on(call, problem)),
                Err(Fault { problem, proof: Proof::MaybeSent, .. }) => return Sent::Unknown(self.on(call, problem)),
            }
        }
    }

    /// The answer of [`Naive::Done`].
    fn believed(&self, call: &Call) -> Sent {
        match self.address(call) {
            Ok(url) => Sent::Answer(Response { status: 204, headers: HeaderMap::new(), body: vec![].into(), url }),
            Err(problem) => Sent::NotSent(problem),
        }
    }

    /// Makes a call whose effect nobody has to prove: a read. Any status is an answer.
    pub async fn read(&self, call: &Call) -> Result<Response> {
        match self.send(call).await {
            Sent::Answer(answer) => Ok(answer),
            Sent::NotSent(problem) | Sent::Unknown(problem) => Err(problem),
        }
    }

    async fn answer(&self, call: &Call, body: &Body, tries: &Tries) -> Result<(Response, bool), Fault> {
        let mut head = self.head(call, body, Wants::Answer, tries.number(), tries.deadline).await?;
        let held = hold(&mut head).await;
        let paced = head.is_paced();
        let (status, headers) = (head.response.status().as_u16(), head.response.headers().clone());
        let url = head.url.clone();
        self.done(call, head, held.as_ref().map_or(0, |body| body.len() as u64));
        let body = held?;
        let host = url.host_str().unwrap_or_default();
        // Nobody asked for a part: it would pass for the whole.
        if status == PARTIAL {
            return Err(Fault::partial(host));
        }
        if (200..300).contains(&status) && ends_early(&headers, &body) {
            return Err(Fault::ended_early(host));
        }
        Ok((Response { status, headers, body: body.into(), url }, paced))
    }

    pub(super) fn tries(&self) -> Tries {
        Tries { deadline: Instant::now() + self.patience, failed: 0, pushed_back: 0 }
    }

    /// Whether an answered call is made again; waits as long as it must. `paced` says that the pacer holds the next
    /// try back by itself; `wait` is what an answer it does not know of asks for.
    pub(super) async fn again_after_status(
        &self,
        call: &Call,
        status: u16,
        paced: bool,
        wait: Option<Duration>,
        tries: &mut Tries,
    ) -> bool {
        match status {
            // Not done, whatever the method.
            429 if tries.pushed_back < PUSH_BACKS && !naive::is(Naive::Pace) => {
                tries.pushed_back += 1;
                if paced { Instant::now() < tries.deadline } else { self.pause(wait, tries).await }
            }
            408 | 500 | 502..=504 | 507..=599 if may_repeat(call) => self.again(wait, tries).await,
            _ => false,
        }
    }

    /// Whether a call without answer is made again; waits as long as it must.
    pub(super) async fn again_after_fault(&self, call: &Call, fault: &Fault, tries: &mut Tries) -> bool {
        let allowed = fault.proof == Proof::NothingSent || may_repeat(call);
        fault.passing && allowed && self.again(None, tries).await
    }

    async fn again(&self, wait: Option<Duration>, tries: &mut Tries) -> bool {
        tries.failed += 1;
        tries.failed < TRIES && self.pause(wait, tries).await
    }

    /// False where the call's patience would end first.
    async fn pause(&self, wait: Option<Duration>, tries: &Tries) -> bool {
        let doubled = self.first_pause * (1 << tries.number().saturating_sub(2).min(10));
        let pause = wait.unwrap_or_else(|| doubled.min(LONGEST_PAUSE).mul_f64(self.jitter()));
        if Instant::now() + pause >= tries.deadline {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }

    /// Says which call it was.
    pub(super) fn on(&self, call: &Call, problem: Problem) -> Problem {
        match self.address(call) {
            Ok(url) => problem.at(format_args!("{} {}", call.method, self.shown(&url))),
            Err(_) => problem,
        }
    }
}

/// Whether a call may be made again that may have been done.
fn may_repeat(call: &Call) -> bool {
    match call.repeat {
        Repeat::Safe => !naive::is(Naive::Read),
        Repeat::Never => naive::is(Naive::NotDone),
    }
}

/// Whether a body of JSON ends before its value does: half of it came, as if it were all.
fn ends_early(headers: &HeaderMap, body: &[u8]) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let whole = serde_json::from_slice::<serde::de::IgnoredAny>;
    kind.contains("json")
        && !naive::is(Naive::Whole)
        && !body.trim_ascii().is_empty()
        && whole(body).is_err_and(|e| e.is_eof())
}

async fn hold(head: &mut Head) -> Result<Vec<u8>, Fault> {
    let mut held = Vec::new();
    while let Some(chunk) = head.chunk().await? {
        if held.len() + chunk.len() > LARGEST_ANSWER {
            let what = format!("the answer is larger than {} MiB", LARGEST_ANSWER / 1024 / 1024);
            return Err(Fault::useless_answer(Problem::new(Reason::BadAnswer, what)));
        }
        held.extend_from_slice(&chunk);
    }
    Ok(held)
}
