//! What the account holds. No rule lives here but how ids are given and people are found.

use super::mail::Outbox;
use super::solutions::Solutions;
use crate::words;
use axum::body::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A file as it was sent; its bytes only while they are few.
#[derive(Clone, Debug)]
pub struct StoredFile {
    pub id: u64,
    pub name: String,
    pub content_type: String,
    pub size: u64,
    pub sha256: String,
    pub bytes: Option<Bytes>,
    /// What a larger one that the desk has from the start is made of.
    pub made: Option<words::File>,
    pub created_at: Timestamp,
}

/// A reply (`source` 0), a note (2), or what came in another way.
#[derive(Clone, Debug)]
pub struct Conversation {
    pub id: u64,
    pub source: u8,
    pub body: String,
    pub private: bool,
    pub incoming: bool,
    pub user_id: u64,
    pub from_email: Option<String>,
    pub to_emails: Vec<String>,
    pub cc_emails: Vec<String>,
    pub bcc_emails: Vec<String>,
    pub files: Vec<StoredFile>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub edited: Option<(Timestamp, u64)>,
    /// Its addresses are told as one text, as some are (zammad/zammad#5843).
    pub in_one_text: bool,
}

/// A customer's answer to a survey.
#[derive(Clone, Debug)]
pub struct Rating {
    pub id: u64,
    pub ticket_id: u64,
    pub user_id: u64,
    pub agent_id: Option<u64>,
    pub group_id: Option<u64>,
    pub feedback: Option<String>,
    /// 103 is the best, -103 the worst, 100 neither.
    pub answer: i64,
    pub created_at: Timestamp,
}

/// Time somebody spent on a ticket.
#[derive(Clone, Debug)]
pub struct TimeEntry {
    pub id: u64,
    pub ticket_id: u64,
    pub agent_id: u64,
    pub minutes: u64,
    pub billable: bool,
    pub note: Option<String>,
    pub executed_at: Timestamp,
}

/// How tickets stand to each other: `association_type` of the API.
#[derive(Clone, Debug, PartialEq)]
pub enum Association {
    Parent(Vec<u64>),
    Child(u64),
    Tracker(Vec<u64>),
    Related(u64),
}

#[derive(Clone, Debug)]
pub struct Ticket {
    pub id: u64,
    pub subject: Option<String>,
    pub description: String,
    pub requester_id: u64,
    pub responder_id: Option<u64>,
    pub group_id: Option<u64>,
    pub company_id: Option<u64>,
    pub product_id: Option<u64>,
    pub email_config_id: Option<u64>,
    pub status: u64,
    pub priority: u64,
    pub source: u64,
    pub kind: Option<String>,
    pub tags: Vec<String>,
    pub cc_emails: Vec<String>,
    /// Values by field name; a field that was never set is not here.
    pub custom: Map<String, Value>,
    pub due_by: Option<Timestamp>,
    pub fr_due_by: Option<Timestamp>,
    pub association: Option<Association>,
    pub deleted: bool,
    pub spam: bool,
    pub files: Vec<StoredFile>,
    /// Shown in its bodies, and in no list.
    pub pictures: Vec<StoredFile>,
    pub conversations: Vec<Conversation>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub first_responded_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
}

impl Ticket {
    /// Bytes of all files of the ticket, those of its conversations included.
    pub fn attached(&self) -> u64 {
        self.all_files().map(|f| f.size).sum()
    }

    pub fn all_files(&self) -> impl Iterator<Item = &StoredFile> {
        self.files.iter().chain(&self.pictures).chain(self.conversations.iter().flat_map(|c| &c.files))
    }
}

#[derive(Clone, Debug)]
pub struct Contact {
    pub id: u64,
    pub name: String,
    /// As it was given; compared without regard to case.
    pub email: Option<String>,
    pub other_emails: Vec<String>,
    pub phone: Option<String>,
    pub mobile: Option<String>,
    pub twitter_id: Option<String>,
    pub unique_external_id: Option<String>,
    pub company_id: Option<u64>,
    pub view_all_tickets: bool,
    pub other_companies: Vec<(u64, bool)>,
    pub address: Option<String>,
    pub description: Option<String>,
    pub job_title: Option<String>,
    pub language: String,
    pub time_zone: String,
    pub tags: Vec<String>,
    pub custom: Map<String, Value>,
    pub avatar: Option<StoredFile>,
    pub active: bool,
    pub deleted: bool,
    pub blocked: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Agent {
    pub id: u64,
    pub name: String,
    pub email: String,
    pub job_title: Option<String>,
    pub occasional: bool,
    /// A deactivated agent is in no list and takes no ticket.
    pub deactivated: bool,
    pub role_ids: Vec<u64>,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Group {
    pub id: u64,
    pub name: String,
    pub description: Option<String>,
    pub agent_ids: Vec<u64>,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Company {
    pub id: u64,
    pub name: String,
    pub description: Option<String>,
    pub note: Option<String>,
    pub domains: Vec<String>,
    pub health_score: Option<String>,
    pub account_tier: Option<String>,
    pub renewal_date: Option<String>,
    pub industry: Option<String>,
    pub custom: Map<String, Value>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// One value of a drop-down, with those that depend on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    pub id: u64,
    pub value: String,
    pub below: Vec<Choice>,
}

/// A field of tickets, contacts or companies. Default fields and custom ones alike.
#[derive(Clone, Debug)]
pub struct Field {
    pub id: u64,
    pub name: String,
    pub label: String,
    /// `custom_text`, `default_status`, `nested_field`, …
    pub kind: String,
    pub required_for_agents: bool,
    pub required_for_closure: bool,
    /// Of drop-downs and dependent fields.
    pub choices: Vec<Choice>,
    /// Ids, names and labels of levels two and three of a dependent field.
    pub levels: Vec<(u64, String, String)>,
    pub created_at: Timestamp,
}

impl Field {
    pub fn is_custom(&self) -> bool {
        !self.kind.starts_with("default_")
    }
}

/// A status: its number, what agents read, what customers read.
#[derive(Clone, Debug)]
pub struct Status {
    pub id: u64,
    pub label: String,
    pub for_customers: String,
}

/// A name with an id: products, e-mail addresses of the desk, roles.
#[derive(Clone, Debug)]
pub struct Named {
    pub id: u64,
    pub name: String,
    pub detail: String,
}

#[derive(Debug)]
pub struct Account {
    pub tickets: BTreeMap<u64, Ticket>,
    /// Closed long ago: in no list and found by no search.
    pub archive: BTreeMap<u64, Ticket>,
    pub ratings: Vec<Rating>,
    pub time_entries: Vec<TimeEntry>,
    /// The ticket of each conversation and file.
    pub ticket_of: HashMap<u64, u64>,
    pub contacts: BTreeMap<u64, Contact>,
    pub agents: BTreeMap<u64, Agent>,
    pub groups: BTreeMap<u64, Group>,
    pub companies: BTreeMap<u64, Company>,
    pub ticket_fields: Vec<Field>,
    pub contact_fields: Vec<Field>,
    pub company_fields: Vec<Field>,
    /// Names of ticket fields that are or ever were: none is given twice.
    pub spent_names: BTreeSet<String>,
    pub statuses: Vec<Status>,
    pub types: Vec<String>,
    pub products: Vec<Named>,
    pub email_configs: Vec<Named>,
    pub roles: Vec<Named>,
    /// Users by each of their addresses, in lower case.
    pub by_email: HashMap<String, u64>,
    pub by_external_id: HashMap<String, u64>,
    pub created_at: Timestamp,
    pub kept_bytes: usize,
    pub outbox: Outbox,
    pub solutions: Solutions,
    last_ticket: u64,
    last_id: u64,
}

impl Account {
    pub fn empty(created_at: Timestamp) -> Self {
        Self {
            tickets: BTreeMap::new(),
            archive: BTreeMap::new(),
            ratings: Vec::new(),
            time_entries: Vec::new(),
            ticket_of: HashMap::new(),
            contacts: BTreeMap::new(),
            agents: BTreeMap::new(),
            groups: BTreeMap::new(),
            companies: BTreeMap::new(),
            ticket_fields: Vec::new(),
            contact_fields: Vec::new(),
            company_fields: Vec::new(),
            spent_names: BTreeSet::new(),
            statuses: Vec::new(),
            types: Vec::new(),
            products: Vec::new(),
            email_configs: Vec::new(),
            roles: Vec::new(),
            by_email: HashMap::new(),
            by_external_id: HashMap::new(),
            created_at,
            kept_bytes: 0,
            outbox: Outbox::default(),
            solutions: Solutions::default(),
            last_ticket: 0,
            last_id: 80_000_000_000,
        }
    }

    /// Ids of everything but tickets come of one sequence, as large as the vendor's.
    pub fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub fn next_ticket(&mut self) -> u64 {
        self.last_ticket += 1;
        self.last_ticket
    }

    pub fn user_by_email(&self, address: &str) -> Option<u64> {
        self.by_email.get(&address.to_lowercase()).copied()
    }

    /// Where mail to a contact or an agent goes.
    pub fn email_of(&self, user: u64) -> Option<&str> {
        match self.agents.get(&user) {
            Some(agent) => Some(agent.email.as_str()),
            None => self.contacts.get(&user)?.email.as_deref(),
        }
    }

    /// Whether a ticket or a message can be this user's: known, neither deleted nor blocked.
    pub fn is_user(&self, id: u64) -> bool {
        self.agents.contains_key(&id) || self.contacts.get(&id).is_some_and(|c| !c.deleted && !c.blocked)
    }

    pub fn is_agent(&self, id: u64) -> bool {
        self.agents.get(&id).is_some_and(|a| !a.deactivated)
    }
}

/// `YYYY-MM-DDTHH:MM:SSZ`, as every moment is told.
pub fn stamp(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub fn stamp_or_null(moment: Option<Timestamp>) -> Value {
    moment.map_or(Value::Null, |m| Value::String(stamp(m)))
}
