//! One call and what came of it.

use super::places::Trust;
use crate::error::{Problem, Reason, Result};
use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use url::Url;

/// A call to make. It can be sent again as it is: bodies are built anew for each try.
#[derive(Clone)]
pub struct Call {
    pub method: Method,
    pub target: Target,
    pub query: Vec<(String, String)>,
    /// Sent to the account's own origin only.
    pub headers: Vec<(String, String)>,
    pub body: Payload,
    pub repeat: Repeat,
    pub trust: Trust,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// Below the API's base, percent-encoded where needed. What follows a `?` is taken as query.
    Path(String),
    /// An address the platform gave: a next page, a file. Another origin than the account's gets no credentials.
    Absolute(Url),
}

/// Whether a call may be sent again when nobody knows what the first one did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It changes nothing, or the same twice.
    Safe,
    /// Never once bytes may have been sent. A provable refusal (429) and a connection that never came about are
    /// no reason to give up.
    Never,
}

#[derive(Clone, Default)]
pub enum Payload {
    #[default]
    None,
    Json(Value),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
    /// `multipart/form-data`, parts in this order.
    Multipart(Vec<Part>),
    /// The bytes of a file as the whole body.
    File {
        path: PathBuf,
        content_type: String,
    },
    /// JSON in which each string that is a key of `files` stands for the base64 of that file. Choose keys that no
    /// record can hold; each must occur once.
    JsonWithFiles {
        json: Value,
        files: BTreeMap<String, PathBuf>,
    },
}

#[derive(Clone)]
pub struct Part {
    pub name: String,
    /// Sent as raw UTF-8. Only `"`, CR and LF are written as `%22`, `%0D` and `%0A`, as browsers do.
    pub file_name: Option<String>,
    pub content_type: Option<String>,
    pub content: Content,
}

#[derive(Clone)]
pub enum Content {
    Bytes(Bytes),
    Json(Value),
    File(PathBuf),
}

impl Call {
    /// A call that only reads.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, Target::Path(path.into()), Repeat::Safe)
    }

    pub fn new(method: Method, target: Target, repeat: Repeat) -> Self {
        Self { method, target, query: vec![], headers: vec![], body: Payload::None, repeat, trust: Trust::default() }
    }

    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn body(mut self, body: Payload) -> Self {
        self.body = body;
        self
    }
}

impl fmt::Debug for Call {
    /// Never the body, the query or the headers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("method", &self.method).field("repeat", &self.repeat).finish_non_exhaustive()
    }
}

/// What came of a call that may change something.
#[derive(Debug)]
pub enum Sent {
    /// The platform answered, whatever it said. Its status and body are for the connector's `ok` rule.
    Answer(Response),
    /// It is proven that the platform did not do it: no connection, a local file that cannot be read, or the
    /// limits did not let it through in time.
    NotSent(Problem),
    /// **It may have happened.** Bytes may have been sent, and no whole answer came.
    Unknown(Problem),
}

/// A whole answer.
#[derive(Clone)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Where it came from, after redirects.
    pub url: Url,
}

impl Response {
    pub fn class(&self) -> Class {
        classify(self.status)
    }

    /// What came, whatever its headers call it.
    pub fn shape(&self) -> Shape {
        let body = self.body.trim_ascii_start();
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
        match body.first() {
            None => Shape::Blank,
            Some(b'<') => Shape::Page,
            Some(b'{' | b'[' | b'"') if serde_json::from_slice::<IgnoredAny>(body).is_ok() => Shape::Json,
            Some(_) => Shape::Text,
        }
    }

    /// Whether it has no word of anybody: it is blank, or JSON with nothing in it.
    pub fn says_nothing(&self) -> bool {
        let is_void = |body: Value| match body {
            Value::Null => true,
            Value::Object(fields) => fields.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::String(text) => text.trim().is_empty(),
            Value::Bool(_) | Value::Number(_) => false,
        };
        self.shape() == Shape::Blank || serde_json::from_slice(&self.body).is_ok_and(is_void)
    }

    /// Whether a 429 is the platform's own: it says how its limit stands, or speaks as the platform does. A page is somebody
    /// else's, who may have let the call through.
    pub fn pushes_back(&self) -> bool {
        let counts = |name: &str| name.contains("ratelimit") || name.contains("rate-limit");
        let told = || self.headers.contains_key(RETRY_AFTER) || self.headers.keys().any(|name| counts(name.as_str()));
        match (self.status, self.shape()) {
            (429, Shape::Json) if !self.says_nothing() => true,
            (429, Shape::Json | Shape::Blank | Shape::Text) => told(),
            _ => false,
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether nothing was said: a success needs no more words where no value is asked for. Some servers send a blank.
    pub fn is_empty(&self) -> bool {
        self.body.trim_ascii().is_empty()
    }

    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).map_err(|_| {
            let kind = self.header("content-type").unwrap_or("no content type");
            Problem::new(Reason::BadAnswer, format!("the answer with status {} is not JSON ({kind})", self.status))
                .hint("check that `url` is the address of the platform itself, not of a page in front of it")
        })
    }
}

impl fmt::Debug for Response {
    /// Never the body or the headers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What the body of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    Json,
    /// Nothing, or only blanks.
    Blank,
    /// HTML or XML.
    Page,
    Text,
}

/// What a status alone says. The connector's `ok` rule comes before it: some platforms answer 200 and did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// 2xx.
    Ok,
    /// 4xx: it was not done, if it is the platform that says so.
    Refused,
    /// 429: not done, and welcome again later.
    PushBack,
    /// 401: the credentials are not, or no more, accepted.
    AuthLost,
    /// Everything else: it may have been done. 5xx; 503 too, which a proxy also says when the server behind it got
    /// the request and failed to answer (Varnish adds a Retry-After to it); and a redirect of a write, which is
    /// never followed (a 303 follows a write that was done).
    Broken,
}

pub fn classify(status: u16) -> Class {
    match status {
        200..=299 => Class::Ok,
        401 => Class::AuthLost,
        // A time-out of the request: the server gave up reading it, or a proxy gave up on the server. 444, 460 and 499 a gateway writes
        // where a connection was closed before the server behind it had answered.
        408 | 444 | 460 | 499 => Class::Broken,
        429 => Class::PushBack,
        400..=499 => Class::Refused,
        _ => Class::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(body: &str) -> Shape {
        let url = Url::parse("https://desk.example/").unwrap();
        Response { status: 403, headers: HeaderMap::new(), body: Bytes::copy_from_slice(body.as_bytes()), url }.shape()
    }

    #[test]
    fn a_429_with_nothing_in_it_is_the_platforms_own_only_where_it_tells_of_a_limit() {
        let url = Url::parse("https://desk.example/").unwrap();
        let answered = |body: &str, headers: HeaderMap| Response {
            status: 429,
            headers,
            body: Bytes::copy_from_slice(body.as_bytes()),
            url: url.clone(),
        };
        let limits = HeaderMap::from_iter([(RETRY_AFTER, "1".parse().unwrap())]);
        for body in ["", "{}", " [] ", "\"\"", "null"] {
            assert!(!answered(body, HeaderMap::new()).pushes_back(), "{body}");
            assert!(answered(body, limits.clone()).pushes_back(), "{body}");
            assert!(answered(body, HeaderMap::new()).says_nothing(), "{body}");
        }
        assert!(answered("{\"error\":\"slow down\"}", HeaderMap::new()).pushes_back());
    }

    #[test]
    fn an_answer_is_known_by_its_body_whatever_its_headers_call_it() {
        for body in ["", " ", "\r\n", "\u{feff}"] {
            assert_eq!(shape(body), Shape::Blank, "{body:?}");
        }
        for body in ["{}", " [\"ERROR\"]\n", "\u{feff}{\"error\":1}", "\"no\""] {
            assert_eq!(shape(body), Shape::Json, "{body:?}");
        }
        for body in ["<html>", "\n<!-- x --><p>", "<?xml version=\"1.0\"?><Error/>"] {
            assert_eq!(shape(body), Shape::Page, "{body:?}");
        }
        for body in ["Request blocked", "{\"error\":", "403", "null", "error code: 1020"] {
            assert_eq!(shape(body), Shape::Text, "{body:?}");
        }
    }
}
