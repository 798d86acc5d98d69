//! What a look-alike is to the server around it: calls in, answers out, over a state of its own.
//!
//! The server owns sockets, limits, faults, the call log and the host files are downloaded from. A desk owns the vendor's
//! data, validation and wording. It never sleeps, reads no clock but the `now` it is handed, and draws chance
//! only from its seed, so that the same calls give the same answers.

use axum::body::Bytes;
use axum::http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;

/// One request, as it arrived.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    /// Percent-decoded, without query: `/api/v2/tickets/7`.
    pub path: String,
    /// In order, decoded; names may repeat.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Where this desk is reached, without a slash at its end: `http://127.0.0.1:8080`. For addresses in answers.
    pub base: String,
    /// Where its files are downloaded from: another origin, which must never see a credential.
    pub files: String,
}

impl Call {
    /// The first value of a query parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The path in its segments, without the empty ones.
    pub fn segments(&self) -> Vec<&str> {
        self.path.split('/').filter(|s| !s.is_empty()).collect()
    }
}

/// What is sent back.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// One limit the vendor keeps over a fixed window.
#[derive(Clone, Debug)]
pub struct Limit {
    /// Its name in the call log.
    pub name: String,
    /// Whether a call counts against it, by method and path.
    pub covers: fn(&str, &str) -> bool,
    pub calls: u32,
    pub per_seconds: u32,
}

/// A mail the vendor would have sent.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Mail {
    pub to: String,
    pub about: String,
    /// The call that caused it, as `METHOD /path`.
    pub because: String,
}

/// How a background job ends that does not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    pub ends: Ends,
    /// Rows it writes before; all when left out.
    pub rows: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// The vendor says so.
    Killed,
    /// It is at work for ever.
    Stuck,
    /// The vendor no longer knows it.
    Vanished,
}

/// A vendor's look-alike.
pub trait Desk: Send + 'static {
    /// What is under way goes on until `now`: called before each call, each download and each look at the contents.
    fn pass(&mut self, _now: Timestamp) {}

    /// The job that the next call starts ends so. A desk without jobs has no use for it.
    fn doom(&mut self, _fate: Fate) {}

    /// Has the call's effect and answers it. Authentication is the desk's to check. Limits and faults are not.
    fn answer(&mut self, call: &Call, now: Timestamp) -> Answer;

    /// The limits of the plan called `plan`; of the vendor's middle plan when none is named. Unknown plans are none.
    fn limits(&self, plan: Option<&str>) -> Option<Vec<Limit>>;

    /// The headers by which the vendor tells how limits stand: called for each answer, `left` calls remaining of
    /// each limit that covered it, `reset` seconds until its window is over.
    fn limit_headers(&self, standing: &[Standing<'_>]) -> Vec<(String, String)>;

    /// The refusal of a call over a limit.
    fn refuse(&self, retry_after_seconds: u32) -> Answer;

    /// How many calls of the budget this one costs.
    fn cost(&self, _call: &Call) -> u32 {
        1
    }

    /// The bytes behind a download address below [`Call::files`]; `None` is answered with a 404, and one that has
    /// expired with what the vendor's storage says.
    fn download(&mut self, path_and_query: &str, now: Timestamp) -> Option<Answer>;

    /// What a client logs in with: the name of each setting and its value.
    fn credentials(&self) -> Vec<(String, String)>;

    /// The refusal of a credential, for faults that let it expire.
    fn refuse_credential(&self) -> Answer {
        Answer::json(401, &serde_json::json!({ "error": "Couldn't authenticate you" }))
    }

    /// Something happens at the source: a person answers the `nth` ticket (from 0) at `at`. What was added, for a
    /// comparison; `None` when there is no such ticket, or this desk is only written to.
    fn touch(&mut self, _nth: usize, _at: Timestamp) -> Option<Value> {
        None
    }

    /// All contents, for tests and the curious.
    fn state(&self) -> Value;

    /// Mails the vendor would have sent so far.
    fn mails(&self) -> Vec<Mail>;
}

/// How one limit stands after a call.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    pub limit: &'a Limit,
    pub left: u32,
    pub reset: u32,
}
