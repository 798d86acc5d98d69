//! What the look-alike promises, tried on [`Desk::answer`] alone.

mod fields;
mod files;
mod lists;
mod mails;
mod past;
mod people;
mod samples;
mod served;
mod tickets;

use super::{Freshdesk, Notifications, Options};
use crate::desk::{Answer, Call, Desk};
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A desk, its clock, and the administrator's key.
struct Room {
    desk: Freshdesk,
    now: Timestamp,
    key: String,
}

/// An answer, read.
struct Got {
    status: u16,
    body: Value,
    raw: Answer,
}

impl Got {
    fn header(&self, name: &str) -> Option<&str> {
        self.raw.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// `field code` of each fault.
    fn faults(&self) -> Vec<String> {
        let rows = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        rows.iter().map(|e| format!("{} {}", e["field"].as_str().unwrap(), e["code"].as_str().unwrap())).collect()
    }

    fn id(&self) -> u64 {
        assert_eq!(self.status, 201, "{}", self.body);
        self.body["id"].as_u64().unwrap()
    }
}

fn room() -> Room {
    with(|_| {})
}

fn with(change: impl Fn(&mut Options)) -> Room {
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let mut options = Options::at(now);
    change(&mut options);
    let key = options.api_key.clone();
    Room { desk: Freshdesk::new(options), now, key }
}

fn silent() -> Room {
    with(|options| options.notifications = Notifications::OFF)
}

impl Room {
    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    fn send(&mut self, method: &str, target: &str, content_type: &str, body: Bytes) -> Got {
        use base64::Engine;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = query.split('&').filter(|p| !p.is_empty()).map(|p| p.split_once('=').unwrap());
        let mut headers = HeaderMap::new();
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{}:X", self.key));
        headers.insert("authorization", HeaderValue::from_str(&format!("Basic {basic}")).unwrap());
        headers.insert("content-type", HeaderValue::from_str(content_type).unwrap());
        let call = Call {
            method: method.to_owned(),
            path: format!("/api/v2{path}"),
            query: pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
            headers,
            body,
            base: "http://desk".to_owned(),
            files: "http://files".to_owned(),
        };
        let raw = self.desk.answer(&call, self.now);
        let body = serde_json::from_slice(&raw.body).unwrap_or(Value::Null);
        Got { status: raw.status, body, raw }
    }

    /// A call outside the API.
    fn plainly(&mut self, target: &str, credential: bool) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = query.split('&').filter(|p| !p.is_empty()).map(|p| p.split_once('=').unwrap());
        let mut headers = HeaderMap::new();
        if credential {
            headers.insert("authorization", HeaderValue::from_static("Basic eDpY"));
        }
        let call = Call {
            method: "GET".to_owned(),
            path: path.to_owned(),
            query: pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
            headers,
            body: Bytes::new(),
            base: "http://desk".to_owned(),
            files: "http://files".to_owned(),
        };
        self.desk.answer(&call, self.now)
    }

    fn get(&mut self, target: &str) -> Got {
        self.send("GET", target, "application/json", Bytes::new())
    }

    fn post(&mut self, target: &str, body: Value) -> Got {
        self.send("POST", target, "application/json", body.to_string().into())
    }

    fn put(&mut self, target: &str, body: Value) -> Got {
        self.send("PUT", target, "application/json", body.to_string().into())
    }

    fn delete(&mut self, target: &str) -> Got {
        self.send("DELETE", target, "application/json", Bytes::new())
    }

    /// A multipart body of texts, and of files of `size` bytes by name.
    fn form(&mut self, target: &str, texts: &[(&str, &str)], files: &[(&str, usize)]) -> Got {
        let mut body = Vec::new();
        for (name, text) in texts {
            body.extend(format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n").bytes());
        }
        for (name, size) in files {
            let head = "Content-Disposition: form-data; name=\"attachments[]\"; filename=";
            body.extend(format!("--b\r\n{head}\"{name}\"\r\nContent-Type: text/plain\r\n\r\n").bytes());
            body.resize(body.len() + size, b'x');
            body.extend(b"\r\n");
        }
        body.extend(b"--b--\r\n");
        self.send("POST", target, "multipart/form-data; boundary=b", body.into())
    }

    fn ticket(&mut self) -> u64 {
        self.post("/tickets", plain()).id()
    }

    fn stored(&self, ticket: u64) -> Value {
        let state = self.desk.state();
        state["tickets"].as_array().unwrap().iter().find(|t| t["id"] == ticket).unwrap().clone()
    }
}

/// The least a ticket needs.
fn plain() -> Value {
    json!({"email": "new@customers.example", "subject": "Printer", "description": "It <b>smokes</b>"})
}

/// `plain` with one attribute more.
fn plus(name: &str, value: Value) -> Value {
    let mut body = plain();
    body[name] = value;
    body
}
