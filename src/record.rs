//! The canonical records: what every platform's data is read into and written from.
//!
//! A record says what the source holds, in the words of the field; the platform's own label is always
//! kept beside ours. Times are UTC instants. References are source ids ([`Ref`]) until the writer
//! looks them up. Nothing here knows a platform.

use crate::error::{Loss, labels};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

mod file_source;
pub mod library;
pub mod mailbox;
mod order;
mod ticket;

pub use file_source::{FileList, FilePlace, FileSource};
pub use ticket::{Attachment, Comment, Link, NamedBy, Ticket, TimeEntry};

labels! {
    /// What a record is. The order is the order of dependency in which kinds are migrated.
    pub enum Kind {
        Group = "group", Agent = "agent", Company = "company", Contact = "contact", Field = "field", Tag = "tag",
        Ticket = "ticket", Comment = "comment", Attachment = "attachment",
        Category = "category", Section = "section", Article = "article", Link = "link",
    }
}

impl Kind {
    /// Whether it is part of a knowledge base.
    pub const fn is_library(self) -> bool {
        matches!(self, Kind::Category | Kind::Section | Kind::Article)
    }
}

labels! {
    /// Whether the source still shows the record.
    pub enum State { Live = "live", Deleted = "deleted", Archived = "archived", Spam = "spam", Suspended = "suspended", Merged = "merged" }
}

labels! {
    /// The field's six status categories, under whatever label a platform gives them.
    pub enum Category { New = "new", Open = "open", Pending = "pending", OnHold = "on_hold", Solved = "solved", Closed = "closed" }
}

labels! {
    pub enum Visibility { Public = "public", Private = "private" }
}

labels! {
    pub enum Direction { In = "in", Out = "out", Internal = "internal", System = "system" }
}

labels! {
    /// How a body is written.
    pub enum Format { Html = "html", Text = "text", Markdown = "markdown", Textile = "textile" }
}

labels! {
    pub enum LinkType { MergedInto = "merged_into", ProblemOf = "problem_of", FollowUpOf = "follow_up_of", ParentOf = "parent_of", Related = "related", DependsOn = "depends_on" }
}

labels! {
    pub enum FieldType {
        Text = "text", LongText = "longtext", Number = "number", Decimal = "decimal", Date = "date", DateTime = "datetime",
        Bool = "bool", Select = "select", MultiSelect = "multiselect", Tree = "tree", User = "user", Lookup = "lookup", Url = "url", File = "file",
    }
}

/// A source record of some kind, by the id the source uses for it.
pub type Ref = String;

/// What every record has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    #[serde(default = "live")]
    pub state: State,
    /// What the source has of it and is not read: a loss of every move.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
    #[serde(flatten)]
    pub body: Body,
}

fn live() -> State {
    State::Live
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Body {
    Group(Group),
    Agent(Person),
    Company(Company),
    Contact(Person),
    Field(Field),
    Ticket(Box<Ticket>),
    Category(library::Category),
    Section(library::Section),
    Article(Box<library::Article>),
}

impl Record {
    pub fn kind(&self) -> Kind {
        match self.body {
            Body::Group(_) => Kind::Group,
            Body::Agent(_) => Kind::Agent,
            Body::Company(_) => Kind::Company,
            Body::Contact(_) => Kind::Contact,
            Body::Field(_) => Kind::Field,
            Body::Ticket(_) => Kind::Ticket,
            Body::Category(_) => Kind::Category,
            Body::Section(_) => Kind::Section,
            Body::Article(_) => Kind::Article,
        }
    }
}

/// A group, queue, project or team that tickets belong to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Group {
    pub name: String,
    pub description: Option<String>,
}

/// An agent or a contact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Person {
    pub name: Option<String>,
    pub login: Option<String>,
    /// The first is the primary one. As the source spells them.
    // Compare with [`same_address`].
    pub emails: Vec<String>,
    pub phones: Vec<String>,
    pub locale: Option<String>,
    pub time_zone: Option<String>,
    pub role: Option<String>,
    pub active: bool,
    pub companies: Vec<Ref>,
    pub groups: Vec<Ref>,
    pub tags: Vec<String>,
    pub custom: Vec<CustomValue>,
}

impl Default for Person {
    fn default() -> Self {
        Self {
            name: None,
            login: None,
            emails: vec![],
            phones: vec![],
            locale: None,
            time_zone: None,
            role: None,
            active: true,
            companies: vec![],
            groups: vec![],
            tags: vec![],
            custom: vec![],
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Company {
    pub name: String,
    pub domains: Vec<String>,
    pub custom: Vec<CustomValue>,
}

/// The definition of a custom field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// The kind of record the field belongs to.
    pub scope: Kind,
    pub key: String,
    pub title: String,
    #[serde(rename = "type")]
    pub field_type: FieldType,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub options: Vec<FieldOption>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FieldOption {
    pub label: String,
    pub value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

/// The value of one custom field of one record. `value` is null, a string, a number, a bool or a list of strings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CustomValue {
    pub key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    pub value: Value,
}

/// Something of a record that stays in the source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unread {
    pub loss: Loss,
    #[serde(default)]
    pub detail: String,
}

/// E-mail addresses are compared without regard to case, or to what mail programs write around them.
pub fn same_address(a: &str, b: &str) -> bool {
    address_key(a) == address_key(b)
}

/// The form of an address that two spellings of it share, whatever stands around it: a name, brackets, `mailto:`.
pub fn address_key(address: &str) -> String {
    match mailbox::read(address) {
        Some(mailbox) => mailbox.address.to_lowercase(),
        None => address.trim().to_lowercase(),
    }
}

/// Extra facts about a target record that later steps need (a login, a token).
pub type Outputs = BTreeMap<String, Value>;
