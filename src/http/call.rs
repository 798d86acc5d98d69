//! One call and its answer.

use crate::error::{Problem, Reason, Result};
use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::path::PathBuf;
use url::Url;

/// A call, relative to the account's base address.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    pub target: Target,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Payload,
    pub repeat: Repeat,
}

#[derive(Clone, Debug)]
pub enum Target {
    /// Below the base address; may hold a query.
    Path(String),
    /// Anywhere. Another origin than the account's gets no credential.
    Address(Url),
}

/// What is sent. Files are read from the disk while they are sent.
#[derive(Clone, Debug)]
pub enum Payload {
    None,
    Json(Value),
    Form(Vec<(String, String)>),
    Multipart(Vec<Part>),
    File { path: PathBuf, content_type: String },
}

/// One part of a multipart body.
#[derive(Clone, Debug)]
pub struct Part {
    pub name: String,
    pub content: PartContent,
}

#[derive(Clone, Debug)]
pub enum PartContent {
    Text(String),
    Json(Value),
    /// `file_name` is sent as raw UTF-8.
    File {
        path: PathBuf,
        file_name: String,
        content_type: String,
    },
}

impl Part {
    pub fn text(name: &str, text: String) -> Part {
        Part { name: name.to_owned(), content: PartContent::Text(text) }
    }

    pub fn json(name: &str, json: Value) -> Part {
        Part { name: name.to_owned(), content: PartContent::Json(json) }
    }

    pub fn file(name: &str, file_name: &str, content_type: &str, path: PathBuf) -> Part {
        let (file_name, content_type) = (file_name.to_owned(), content_type.to_owned());
        Part { name: name.to_owned(), content: PartContent::File { path, file_name, content_type } }
    }
}

/// Whether a call may be sent again when its answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Sending it twice has the effect of once.
    Safe,
    /// It might be done twice: an answer that was lost is unknown.
    Never,
}

impl Call {
    pub fn new(method: &str, path: &str) -> Call {
        Call {
            method: method.to_owned(),
            target: Target::Path(path.to_owned()),
            query: vec![],
            headers: vec![],
            body: Payload::None,
            repeat: Repeat::Never,
        }
    }

    pub fn get(path: &str) -> Call {
        Call { repeat: Repeat::Safe, ..Call::new("GET", path) }
    }

    /// A GET of a whole address.
    pub fn get_address(address: &str) -> Result<Call> {
        let url = Url::parse(address)
            .map_err(|_| Problem::new(Reason::BadAnswer, "the platform named an address that is none"))?;
        Ok(Call { target: Target::Address(url), ..Call::get("") })
    }

    pub fn query(mut self, query: Vec<(String, String)>) -> Call {
        self.query = query;
        self
    }

    pub fn headers(mut self, headers: Vec<(String, String)>) -> Call {
        self.headers = headers;
        self
    }

    pub fn body(mut self, body: Payload) -> Call {
        self.body = body;
        self
    }

    pub fn repeat(mut self, repeat: Repeat) -> Call {
        self.repeat = repeat;
        self
    }

    /// The path without query, for messages: a query may hold what nobody should read.
    pub fn target_for_people(&self) -> &str {
        match &self.target {
            Target::Path(path) => path.split('?').next().unwrap_or(path),
            Target::Address(url) => url.path(),
        }
    }
}

/// An answer whose body was read to its end.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The address that answered.
    pub url: Url,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as text, to look for the vendor's words in. Not for logs.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn path_for_people(&self) -> &str {
        self.url.path()
    }
}
