//! One try of a call up to the head of its answer: address, permit, headers, body, redirects.

use super::body::Body;
use super::call::Call;
use super::client::Client;
use super::fault::Fault;
use crate::error::{Problem, Reason};
use crate::naive::{self, Naive};
use crate::pacer::{Permit, dated};
use bytes::Bytes;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Method, Request};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

const MOST_REDIRECTS: usize = 5;

/// What the caller makes of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    Answer,
    /// A file, byte for byte: not compressed on the way, lest a `.gz` be unpacked.
    File,
}

/// The head of an answer, with its body still to be read.
pub(super) struct Head {
    pub response: reqwest::Response,
    pub url: Url,
    /// Held until the body was read. `None` for another origin than the account's.
    permit: Option<Permit>,
    started: Instant,
    try_number: u32,
    host: String,
    timeout: Duration,
}

impl Client {
    /// Sends the call and follows redirects of GET and HEAD. Waits for the limits, until `deadline` at most.
    pub(super) async fn head(
        &self,
        call: &Call,
        body: &Body,
        wants: Wants,
        try_number: u32,
        deadline: Instant,
    ) -> Result<Head, Fault> {
        let first = self.address(call).and_then(|url| self.vetted(url)).map_err(Fault::before_sending)?;
        let mut url = first;
        // Whoever is sent here from elsewhere comes without credentials, as a browser's picture would; and so does who was sent on from
        // a place that has none.
        let mut strange = false;
        for _ in 0..=MOST_REDIRECTS {
            strange |= !self.is_ours(&url) || !call.trust.covers(&url);
            let permit = self.permit(call, &url, deadline).await?;
            let started = Instant::now();
            let request = self.request(call, body, &url, wants, strange).map_err(Fault::before_sending)?;
            let host = host(&url);
            let answered = self.within_timeout(request, body, &host).await;
            let response = match answered {
                Ok(response) => response,
                Err(fault) => {
                    self.note(call, &url, None, started, 0, try_number);
                    return Err(fault);
                }
            };
            let status = response.status().as_u16();
            if let Some(permit) = &permit {
                self.pacer.observe(permit, status, response.headers());
                if let Some(date) = dated(response.headers()) {
                    self.clock.heard(date);
                }
            }
            let Some(next) = redirect(call, &response, &url) else {
                return Ok(Head { response, url, permit, started, try_number, host, timeout: self.timeout });
            };
            self.note(call, &url, Some(status), started, 0, try_number);
            url = next.and_then(|next| self.vetted(next)).map_err(Fault::useless_answer)?;
        }
        let what = format!("{} redirects in circles", self.shown(&url));
        Err(Fault::useless_answer(Problem::new(Reason::BadAnswer, what).hint("check the `url` of the account")))
    }

    async fn permit(&self, call: &Call, url: &Url, deadline: Instant) -> Result<Option<Permit>, Fault> {
        if !self.is_ours(url) {
            return Ok(None);
        }
        let permit = self.pacer.acquire_by(call.method.as_str(), self.relative(url), deadline).await;
        permit.map(Some).ok_or_else(|| {
            let what = format!("rate limit of {}: no call allowed for {} s", host(url), self.patience.as_secs());
            Fault::before_sending(Problem::new(Reason::RateLimited, what).hint("run the same command again later"))
        })
    }

    fn request(
        &self,
        call: &Call,
        body: &Body,
        url: &Url,
        wants: Wants,
        strange: bool,
    ) -> crate::error::Result<(Request, Moved)> {
        let accept = if wants == Wants::Answer { "application/json" } else { "*/*" };
        let mut request = Request::new(call.method.clone(), url.clone());
        *request.headers_mut() = self.headers_for(call, accept, strange)?;
        if wants == Wants::File {
            request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        let moved = Moved::default();
        if !body.is_empty() {
            if let Some(kind) = &body.content_type {
                request.headers_mut().insert(CONTENT_TYPE, kind.clone());
            }
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            let counter = moved.clone();
            *request.body_mut() = Some(match body.held() {
                Some(bytes) => bytes.into(),
                None => reqwest::Body::wrap_stream(body.stream(move || counter.tick())),
            });
        }
        Ok((request, moved))
    }

    /// The head of the answer, unless nothing moves for the timeout.
    async fn within_timeout(
        &self,
        (request, moved): (Request, Moved),
        body: &Body,
        host: &str,
    ) -> Result<reqwest::Response, Fault> {
        let sending = self.http.execute(request);
        tokio::pin!(sending);
        // Connecting has its own, shorter time-out; its end is a proof that ours would spoil.
        let mut patience = self.timeout + (self.timeout / 2).min(Duration::from_secs(15));
        loop {
            let before = moved.ticks();
            match tokio::time::timeout(patience, &mut sending).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) => return Err(Fault::broken(host, &error)),
                Err(_) if body.held().is_none() && moved.ticks() != before => patience = self.timeout,
                Err(_) => return Err(Fault::silence(host, self.timeout)),
            }
        }
    }

    fn note(&self, call: &Call, url: &Url, status: Option<u16>, started: Instant, bytes: u64, try_number: u32) {
        self.count(call.method.as_str(), url, bytes);
        tracing::debug!(
            target: "deskferry::http",
            method = %call.method,
            path = %self.shown(url),
            status,
            ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            bytes,
            r#try = try_number,
        );
    }

    /// The answer was read, or given up.
    pub(super) fn done(&self, call: &Call, head: Head, bytes: u64) {
        let status = head.response.status().as_u16();
        self.note(call, &head.url, Some(status), head.started, bytes, head.try_number);
    }
}

impl Head {
    /// The next piece of the body; `None` at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        let spent = if naive::is(Naive::Clock) { self.started.elapsed() } else { Duration::ZERO };
        match tokio::time::timeout(self.timeout.saturating_sub(spent), self.response.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(_)) if naive::is(Naive::Whole) => Ok(None),
            Ok(Err(error)) => Err(Fault::cut_off(&self.host, &error)),
            Err(_) => Err(Fault::silence(&self.host, self.timeout)),
        }
    }

    /// Whether the pacer knows of this answer.
    pub fn is_paced(&self) -> bool {
        self.permit.is_some()
    }
}

/// Counts chunks of a body as they leave.
#[derive(Clone, Default)]
struct Moved(Arc<AtomicU64>);

impl Moved {
    fn tick(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn ticks(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Where a read is sent on to. A redirected write is an answer: following it could write twice or elsewhere.
fn redirect(call: &Call, response: &reqwest::Response, from: &Url) -> Option<crate::error::Result<Url>> {
    if !matches!(call.method, Method::GET | Method::HEAD)
        || !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308)
    {
        return None;
    }
    let location = response.headers().get(LOCATION)?;
    // Servers write raw UTF-8 there.
    let next = std::str::from_utf8(location.as_bytes()).ok().and_then(|text| from.join(text).ok());
    Some(next.ok_or_else(|| Problem::new(Reason::BadAnswer, format!("{} redirects to nowhere", host(from)))))
}

fn host(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    }
}
