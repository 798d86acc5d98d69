//! A small blocking HTTP client for talking to the desks under test.
//!
//! It shares nothing with the engine on purpose: a defect in the engine's client must not hide itself here. It follows no
//! redirect, and retries only a GET that was answered 500: Redmine on SQLite writes a usage count even while it reads,
//! and says "database is locked". Whatever else is not the status the caller named is an error that quotes the answer.

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::time::Duration;

pub type Result<T, E = String> = std::result::Result<T, E>;

/// One desk and the headers every request to it carries.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
    headers: Vec<(String, String)>,
}

/// Status, headers and the body still to be read.
type Opened = (u16, Vec<(String, String)>, Box<dyn Read>);

/// Status, headers and the whole body of one answer.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    pub headers: Vec<(String, String)>,
}

impl Client {
    /// `base` is put before every path that is not a whole URL.
    pub fn new(base: &str, headers: &[(&str, &str)]) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(120)))
            .build();
        let headers = headers.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        Self { agent: config.new_agent(), base: base.trim_end_matches('/').to_string(), headers }
    }

    /// The same client, asking for another kind of answer than JSON.
    pub fn accepting(&self, kind: &str) -> Self {
        let mut other = self.clone();
        other.headers.push(("Accept".into(), kind.into()));
        other
    }

    pub fn send(&self, method: &str, path: &str, body: Option<(&str, &[u8])>) -> Result<Answer> {
        let (status, headers, mut reader) = self.open(method, path, body)?;
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(|e| format!("{method} {path}: {e}"))?;
        Ok(Answer { status, body: bytes, headers })
    }

    /// The answer's JSON, if its status is a 2xx.
    pub fn json(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let bytes = body.map(|v| v.to_string().into_bytes());
        let answer = self.send(method, path, bytes.as_deref().map(|b| ("application/json", b)))?;
        if !(200..300).contains(&answer.status) {
            return Err(format!("{method} {path}: {} {}", answer.status, answer.text()));
        }
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer.body).map_err(|e| format!("{method} {path}: {e}: {}", answer.text()))
    }

    pub fn get(&self, path: &str) -> Result<Value> {
        self.json("GET", path, None)
    }

    /// SHA-256 and length of what a GET serves, read in pieces.
    pub fn digest(&self, path: &str) -> Result<(String, u64)> {
        let (status, _, mut reader) = self.open("GET", path, None)?;
        if status != 200 {
            return Err(format!("GET {path}: {status}"));
        }
        let (mut hash, mut size, mut piece) = (Sha256::new(), 0, vec![0; 64 * 1024]);
        loop {
            match reader.read(&mut piece).map_err(|e| format!("GET {path}: {e}"))? {
                0 => return Ok((hex(&hash.finalize()), size)),
                n => {
                    hash.update(&piece[..n]);
                    size += n as u64;
                }
            }
        }
    }

    fn open(&self, method: &str, path: &str, body: Option<(&str, &[u8])>) -> Result<Opened> {
        for pause in [100, 300, 1000, 3000] {
            let opened = self.open_once(method, path, body)?;
            if method != "GET" || opened.0 != 500 {
                return Ok(opened);
            }
            std::thread::sleep(Duration::from_millis(pause));
        }
        self.open_once(method, path, body)
    }

    fn open_once(&self, method: &str, path: &str, body: Option<(&str, &[u8])>) -> Result<Opened> {
        let url = if path.starts_with("http") { path.to_string() } else { format!("{}{path}", self.base) };
        let mut request = ureq::http::Request::builder().method(method).uri(&url);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("Accept")) {
            request = request.header("Accept", "application/json");
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let failed = |e: &dyn std::fmt::Display| format!("{method} {url}: {e}");
        let answer = match body {
            Some((kind, bytes)) => {
                self.agent.run(request.header("Content-Type", kind).body(bytes).map_err(|e| failed(&e))?)
            }
            None => self.agent.run(request.body(()).map_err(|e| failed(&e))?),
        }
        .map_err(|e| failed(&e))?;
        let (parts, body) = answer.into_parts();
        let headers = parts
            .headers
            .iter()
            .map(|(k, v)| (k.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned()))
            .collect();
        Ok((parts.status.as_u16(), headers, Box::new(body.into_reader())))
    }
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(300).collect()
    }

    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// `text` as one piece of a URL's path or query.
pub fn quoted(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
