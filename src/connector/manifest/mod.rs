//! What a platform's file in `connectors/` may say: the nouns of its API. The verbs are in the reader and the writer.
//!
//! Unknown keys are errors. There is no inheritance and no reference from one place to another: a
//! manifest reads from top to bottom. The doc comments here are the reference page
//! (`deskferry connectors schema` prints them as JSON Schema).

mod beside;
mod delete;
mod paging;
mod read;
mod write;

pub use beside::{Bulk, Left, Lookup, Sideload};
pub use delete::{Delete, Used};
pub use paging::{Paging, Size};
pub use read::{
    Asks, Blob, Decode, Denied, Detail, Ignored, Join, Listing, Numbered, Optional, ReadStream, Since, Under,
};
pub use write::{
    Batch, Body, Children, Each, Expect, Fallback, FindRule, Held, JobList, Nested, On, Only, Part, Poll, Shown, Then,
    Verb, Verify, WriteStep,
};

use crate::connector::profile::Profile;
use crate::error::{Loss, Reason, Result, labels};
use crate::http::{Auth, Shape};
use crate::project::AnswerType;
use crate::record::Kind;
use crate::{pacer, project};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// One platform.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The connector's name in `migration.toml`: lower case.
    pub name: String,
    /// The product's name.
    pub title: String,
    /// The versions or plans the manifest was written for.
    pub versions: String,
    /// The vendor's API documentation.
    pub docs: String,
    /// The native half in `src/connector/native/`, where the API is not regular.
    #[serde(default)]
    pub native: Option<String>,
    /// The keys of `[source]` and `[target]` beside those every account has.
    pub account: BTreeMap<String, Question>,
    /// Address of the API: `${url}` and other answers are filled in.
    pub base: String,
    pub auth: Auth,
    /// Sent with every call.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The vendor's limits. Every matching row applies to a call.
    #[serde(default)]
    pub limit: Vec<pacer::Row>,
    /// What the vendor's refusals mean. The first match counts.
    #[serde(default)]
    pub error: Vec<ErrorWord>,
    /// What the vendor's own refusals look like. A 4xx that is anything else may be somebody's who stands between, after the call had
    /// its effect: a write is looked for before it is taken for refused.
    #[serde(default = "any_json")]
    pub refusals: Vec<Refusal>,
    /// Calls that prove that the account can be used.
    pub check: Vec<CheckCall>,
    /// How our own records are recognised in this platform as a target.
    #[serde(default)]
    pub marker: Option<Marker>,
    /// Losses that go with writing a record in some state, beside those every platform has.
    #[serde(default)]
    pub loss: Vec<LossRule>,
    pub profile: Profile,
    /// Tables from the platform's values to the canonical ones, used by `table = "…"`.
    #[serde(default)]
    pub values: BTreeMap<String, BTreeMap<String, String>>,
    /// Labels of a vocabulary (`status priority type`) the platform cannot be asked for, separated by commas; `${key}` is an
    /// answer of the account.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Things no record carries: counted on a full run, and told.
    #[serde(default)]
    pub left: BTreeMap<String, Left>,
    /// Small tables of the account, by name.
    #[serde(default)]
    pub lookup: BTreeMap<String, Lookup>,
    /// Streams: a kind (`group agent company contact field ticket comment attachment`) or a
    /// vocabulary (`status priority type`).
    #[serde(default)]
    pub read: BTreeMap<String, ReadStream>,
    /// The steps that write one record of a kind, in order.
    #[serde(default)]
    pub write: BTreeMap<String, Vec<WriteStep>>,
    /// How a record of a kind is found again.
    #[serde(default)]
    pub find: BTreeMap<String, FindRule>,
    /// Listings of the target that hide and delay nothing (a delta stream): where our markers are looked for when there is no
    /// `find` for the kind, and when a ledger is rebuilt. As a read stream, with the fields `id`, `mark`, and if there is more to
    /// know `number`, `url` and outputs; `${$mark}` in the query is what the markers begin with.
    #[serde(default)]
    pub scan: BTreeMap<String, ReadStream>,
    /// What is read back of a record after its steps, and compared.
    #[serde(default)]
    pub verify: BTreeMap<String, Verify>,
    /// What the target has of a record of ours that was there before us, or that it took in part: what else ours has is lost by name.
    #[serde(default)]
    pub held: BTreeMap<String, Held>,
    /// How a record of a kind that a migration made is deleted again by `undo`.
    #[serde(default)]
    pub delete: BTreeMap<String, Delete>,
}

fn any_json() -> Vec<Refusal> {
    vec![Refusal::Made(Shape::Json)]
}

/// One form of the vendor's own refusals.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Refusal {
    /// Whatever is made of this.
    Made(Shape),
    Says(Box<Form>),
}

/// JSON of which a condition holds: keys and texts that the vendor's refusals have, and those of gateways do not.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Form {
    pub json: crate::expr::Predicate,
}

/// One key of the account in `migration.toml`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What is asked, in words an admin knows.
    pub ask: String,
    /// Where to find the answer.
    #[serde(default)]
    pub hint: Option<String>,
    /// What the answer is.
    #[serde(default, rename = "type")]
    pub answer_type: AnswerType,
    /// Of a `choice`: all the answers there are.
    #[serde(default)]
    pub choices: Vec<String>,
    /// The older way to say `type = "secret"`.
    #[serde(default)]
    secret: bool,
    #[serde(default)]
    pub optional: bool,
    #[serde(default)]
    pub default: Option<String>,
    /// Only needed when the platform is the target.
    #[serde(default)]
    pub target_only: bool,
}

impl Question {
    /// As an account is asked it.
    pub fn asked(&self, key: &str) -> project::Question {
        project::Question {
            key: key.to_owned(),
            ask: self.ask.clone(),
            help: self.hint.clone(),
            answer_type: if self.secret { AnswerType::Secret } else { self.answer_type },
            required: !self.optional && self.default.is_none(),
            choices: self.choices.clone(),
            default: self.default.clone().map(Value::String),
        }
    }
}

labels! {
    /// How well a part of a manifest is proven.
    pub enum Evidence {
        /// Read in the vendor's documentation.
        Docs = "docs",
        /// Checked against the vendor's machine-readable specification.
        Spec = "spec",
        /// Recorded traffic is replayed.
        Recorded = "recorded",
        /// Tried against a real server in CI.
        Live = "live",
    }
}

/// What an answer of the vendor means.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorWord {
    #[serde(default)]
    pub status: Option<u16>,
    /// A piece of the answer's text, compared without regard to case.
    #[serde(default)]
    pub text: Option<String>,
    /// A code of the closed list of reasons.
    pub reason: Reason,
    #[serde(default)]
    pub hint: Option<String>,
}

impl ErrorWord {
    pub fn matches(&self, status: u16, text_lower: &str) -> bool {
        self.status.is_none_or(|s| s == status)
            && self.text.as_ref().is_none_or(|t| text_lower.contains(&t.to_lowercase()))
    }
}

/// A call made by `check`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckCall {
    /// What the call proves, shown as a line of `check`.
    pub proves: String,
    /// `METHOD /path`.
    pub call: String,
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Over the answer: must hold. In jq or as a path.
    #[serde(default)]
    pub ok: Option<crate::expr::Predicate>,
    /// What to do when it does not hold.
    #[serde(default)]
    pub hint: Option<String>,
    /// Only when the account is the target.
    #[serde(default)]
    pub target_only: bool,
}

/// What is lost of every record for which a condition holds.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LossRule {
    pub kind: Kind,
    /// Over what the steps see.
    pub when: crate::expr::Predicate,
    pub loss: Loss,
}

/// The marker of our own tickets.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Marker {
    /// Title of the custom field of the ticket that holds the marker.
    pub field: String,
    /// How to make the field by hand.
    pub make: String,
    /// The call that makes it, where the project says `create_marker = true`.
    #[serde(default)]
    pub create: Option<MarkerCall>,
}

/// A call that makes the marker's field.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkerCall {
    pub cites: String,
    pub evidence: Evidence,
    /// `METHOD /path`.
    pub call: String,
    /// Sent as it is.
    pub json: serde_json::Value,
}

/// How `leave_out` names the rows of a stream that are counted and not listed.
pub fn unlisted(stream: &str) -> String {
    format!("unlisted_{stream}s")
}

impl Manifest {
    /// Reads one manifest. Errors name file, line and key.
    pub fn parse(file_name: &str, text: &str) -> Result<Manifest> {
        project::parse(file_name, text, Reason::Manifest)
    }

    /// What `leave_out` of a source may name: tables and lists that the platform may not show, and rows that it may count and not list.
    pub fn can_be_left_out(&self) -> Vec<String> {
        let tables = self.lookup.iter().filter(|(_, table)| table.denied != Denied::Fail).map(|(name, _)| name.clone());
        let counted = self.read.iter().filter(|(_, stream)| stream.declared.is_some());
        let lists = self.read.values().flat_map(|stream| &stream.then).filter_map(|listing| listing.name.clone());
        tables.chain(counted.map(|(name, _)| unlisted(name))).chain(lists).collect()
    }

    /// The lowest evidence of the steps that write a kind.
    pub fn evidence_write(&self, kind: &str) -> Option<Evidence> {
        self.write.get(kind).and_then(|steps| steps.iter().map(|s| s.evidence).min())
    }
}
