//! What the target was found to hold, without regard to how it was asked.

use jiff::Timestamp;
use std::collections::BTreeMap;

pub struct Target {
    pub issues: Vec<Issue>,
    /// SHA-256 of every file anywhere on the desk, also of those that hang on nothing.
    pub files: Vec<String>,
}

#[derive(Clone)]
pub struct Issue {
    pub id: i64,
    pub subject: String,
    pub project: String,
    pub status: String,
    pub created: Option<Timestamp>,
    /// E-mail addresses of those who asked, where the target tells them from the author of the first message.
    pub requesters: Vec<String>,
    /// E-mail address.
    pub assignee: Option<String>,
    /// By title; empty values are left out.
    pub custom: BTreeMap<String, Vec<String>>,
    /// E-mail addresses.
    pub watchers: Vec<String>,
    /// Numbers of the issues it is related to, either way.
    pub relations: Vec<i64>,
    /// In order; the description is the first.
    pub messages: Vec<Message>,
    /// Names of files that hang on a message which is none: an empty note, a removed one.
    pub stray: Vec<String>,
}

#[derive(Clone)]
pub struct Message {
    /// E-mail address of the account that wrote it.
    pub author: String,
    pub private: bool,
    pub body: String,
    pub files: Vec<File>,
}

#[derive(Clone)]
pub struct File {
    pub name: String,
    pub sha256: String,
    pub size: u64,
}
