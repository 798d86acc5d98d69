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
    /// Where the target keeps the date the message was written on, that.
    pub created: Option<Timestamp>,
    pub files: Vec<File>,
}

#[derive(Clone)]
pub struct File {
    pub name: String,
    pub sha256: String,
    pub size: u64,
}

/// What the admin decided that a desk cannot tell.
pub struct Known<'a> {
    /// Addresses of agents there, and of whom they are in the source.
    pub agents: &'a [(String, &'a str)],
    /// What custom fields are called there, and in the source.
    pub fields: &'a [(&'a str, &'a str)],
    /// Of these fields, those that hold several values as one text.
    pub lists: &'a [&'a str],
}

impl Known<'_> {
    /// The address in the source of whoever has this one.
    pub fn own(&self, address: &str) -> String {
        let own = self.agents.iter().find(|(there, _)| there == address).map(|(_, own)| *own);
        own.unwrap_or(address).to_owned()
    }

    /// What the source calls a field, and its values one by one.
    pub fn titled(&self, there: &str, values: Vec<String>) -> (String, Vec<String>) {
        let title = self.fields.iter().find(|(own, _)| *own == there).map_or(there, |(_, own)| *own);
        let apart = |value: &String| value.split(", ").map(str::to_owned).collect::<Vec<_>>();
        let several = self.lists.contains(&title);
        (title.to_owned(), if several { values.iter().flat_map(apart).collect() } else { values })
    }
}
