//! Write steps: the calls that write one record, as data.
//!
//! Expressions see `.ticket` (or `.contact`, `.company` …: the record after mapping), `.comment` and
//! `.attachment` inside `each`, `.target` (the id of the record's target), `.account` and `.marker`.

use super::{Evidence, Paging};
use crate::error::Loss;
use crate::expr::{Expr, Predicate, Template};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One effect on the target.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteStep {
    /// Name of the step, stable: it is part of the ledger's key.
    pub step: String,
    pub cites: String,
    pub evidence: Evidence,
    pub verb: Verb,
    /// Run once for each of these.
    #[serde(default)]
    pub each: Option<Each>,
    #[serde(default)]
    pub when: Option<Predicate>,
    /// Only for a record that came to be in the target in this way.
    #[serde(default)]
    pub only: Option<Only>,
    /// Of an update with `json`: the record is read first, at the same path, and only what is empty there is sent.
    #[serde(default)]
    pub fill: bool,
    /// `METHOD /path`.
    pub call: Template,
    #[serde(default)]
    pub query: BTreeMap<String, Expr>,
    /// A header whose value is null is not sent.
    #[serde(default)]
    pub headers: BTreeMap<String, Expr>,
    #[serde(default)]
    pub body: Option<Body>,
    /// Over `{status, body}`: success is what it says. Absent = any 2xx.
    #[serde(default)]
    pub ok: Option<Predicate>,
    /// Over `{status, body}` of a success: the record was there before.
    #[serde(default)]
    pub adopted: Option<Predicate>,
    /// A second call, over the answer's body, whose answer is read instead of it: `GET /path`.
    #[serde(default)]
    pub follow: Option<Template>,
    /// Over the answer's body; `$page.headers` are the answer's headers, names in lower case; `$parent` is what the step saw.
    #[serde(default)]
    pub id: Option<Expr>,
    #[serde(default)]
    pub number: Option<Expr>,
    /// Over `{body, account}`: the page of the record for people.
    #[serde(default)]
    pub url: Option<Template>,
    /// More facts of the answer that later steps use.
    #[serde(default)]
    pub outputs: BTreeMap<String, Expr>,
    /// What refusals mean for this step. The first match counts.
    #[serde(default)]
    pub on: Vec<On>,
    /// What the step is recognised by, compared with `mark` of the find rule.
    #[serde(default)]
    pub marker: Option<Expr>,
    /// Many records of this step in one call.
    #[serde(default)]
    pub batch: Option<Batch>,
    /// What goes with having to send this step: a message that comes after its ticket was written.
    #[serde(default)]
    pub loss: Option<Loss>,
    /// The text by which a child without marker is recognised.
    #[serde(default)]
    pub text: Option<Expr>,
    /// The same step written another way, when `on` says so.
    #[serde(default)]
    pub fallback: Option<Fallback>,
}

/// The kind of effect. It decides what happens when the answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Bytes nobody sees until another step names them: may be sent again.
    Upload,
    /// A new record: found by its marker before it is sent again.
    Create,
    /// A new child of a record: found among the parent's children before it is sent again.
    Append,
    /// Sets values: sending it again changes nothing.
    Update,
    Delete,
}

/// What a step is repeated for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Each {
    /// The files of the ticket's first message, of the comment, or of the article. Where a ticket is written with its messages, those
    /// of all.
    Attachment,
    /// The further e-mail addresses of a contact: `.email`.
    Email,
    /// The people in copy: `.watcher`.
    Watcher,
    /// The options of the field: `.option`.
    Option,
    /// Who works in the group: `.member`.
    Member,
}

/// How a record came to be in the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Only {
    /// It was there before us: what it has stays, and this step adds to it.
    Adopted,
}

/// What is sent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub enum Body {
    /// Dotted key → expression; keys whose value is null are left out.
    Json(BTreeMap<String, Expr>),
    Form(BTreeMap<String, Expr>),
    Multipart(Vec<Part>),
    /// JSON where the message has no files; else a multipart form whose names nest: `custom_fields[a]`, `tags[]`.
    Nested(Nested),
    /// The attachment's bytes, with this content type; `own` is the attachment's.
    File(String),
}

/// A document and the files that go with it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nested {
    /// Dotted key → expression; keys whose value is null are left out.
    pub fields: BTreeMap<String, Expr>,
    /// Name of the part of each file.
    pub files: String,
}

/// One part of a multipart body.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub name: String,
    /// A value; a list becomes one part an element.
    #[serde(default)]
    pub value: Option<Expr>,
    /// A nested JSON document: dotted key → expression.
    #[serde(default)]
    pub json: Option<BTreeMap<String, Expr>>,
    /// One part for each file of the message, seen as `.attachment`.
    #[serde(default)]
    pub files: bool,
    /// Content type of the part; absent = the file's own, or none for a value.
    #[serde(default)]
    pub content_type: Option<Expr>,
}

/// What a refusal means.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct On {
    #[serde(default)]
    pub status: Option<u16>,
    /// A piece of the answer's text, compared without regard to case.
    #[serde(default)]
    pub text: Option<String>,
    pub then: Then,
    /// With `lost`, of a person: the values that the target then does not have, such as `companies`.
    #[serde(default)]
    pub lacks: Option<String>,
    /// With `adopt`: over the answer's body, the id of the record that is there. Absent or null = it is looked for.
    #[serde(default)]
    pub id: Option<Expr>,
}

impl On {
    pub fn matches(&self, status: u16, text_lower: &str) -> bool {
        self.status.is_none_or(|s| s == status)
            && self.text.as_ref().is_none_or(|t| text_lower.contains(&t.to_lowercase()))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// The record is there already: find it and take it.
    Adopt,
    /// Do it the way `fallback` says.
    Fallback,
    /// It was not needed.
    Done,
    /// The target cannot take it, which is a loss and no failure. Of links, and of what belongs to a person.
    Lost,
}

/// What a step does differently when the first way is refused: written by the API user, with a header line that names the author; or
/// without a part of it, which is then lost.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    /// Headers that are not sent.
    #[serde(default)]
    pub without_headers: Vec<String>,
    /// Keys of a `json` body that are not sent. The answer counts as one that lost something.
    #[serde(default)]
    pub without: Vec<String>,
}

/// How a record is found again in the target: by one call, or (messages only) by reading the ticket as a source is read.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindRule {
    pub cites: String,
    pub evidence: Evidence,
    /// `GET /path`.
    #[serde(default)]
    pub call: Option<Template>,
    #[serde(default)]
    pub query: BTreeMap<String, Expr>,
    /// Where the call finds nobody: other values of the query to ask with, one set after the other.
    #[serde(default, rename = "else")]
    pub otherwise: Vec<BTreeMap<String, Expr>>,
    /// Where the rows stand in the answer.
    #[serde(default)]
    pub items: Option<String>,
    /// Over the answer: its rows, where they stand in no list. Instead of `items`.
    #[serde(default)]
    pub rows: Option<Expr>,
    /// How a listing of several pages is walked.
    #[serde(default)]
    pub page: Paging,
    #[serde(default)]
    pub id: Option<Expr>,
    /// The call sees a new record late: what is in doubt is settled by `[scan.KIND]`, and this finds only what a refusal says is there.
    #[serde(default)]
    pub lags: bool,
    /// Instead of `call` and `items`: a read stream whose rows below the record are looked at.
    #[serde(default)]
    pub stream: Option<String>,
    /// Instead of `call`: the ticket's messages are read by the read streams, and compared by their text. The ticket's own
    /// first message is no candidate.
    #[serde(default)]
    pub read: bool,
    /// A call for the row that was found, whose answer is read instead of it: `GET /path`.
    #[serde(default)]
    pub follow: Option<Template>,
    #[serde(default)]
    pub number: Option<Expr>,
    #[serde(default)]
    pub url: Option<Template>,
    #[serde(default)]
    pub outputs: BTreeMap<String, Expr>,
    /// Over a row: compared with the step's marker, without regard to case. A row whose mark differs is not ours,
    /// whatever the filter promised.
    #[serde(default)]
    pub mark: Option<Expr>,
    /// Over a row, for children without a marker: compared with the step's text.
    #[serde(default)]
    pub text: Option<Expr>,
    /// Over a row: who wrote it and how (author, visibility, channel, names of files), as it is the same for two that one request would
    /// leave and differs for what a person writes. Absent = the text alone decides what another copy of the project added.
    #[serde(default)]
    pub written_by: Option<Expr>,
    /// Of a record that keeps no marker: by what it is known again. Before one is created, the call is made, once a run for each address.
    #[serde(default)]
    pub same: Option<Same>,
}

/// When a row of the target is the record that a step would create. One with a text of its own is then not made (it fails as there
/// already); of others the one that is there is taken.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Same {
    /// Over a row.
    pub at: Expr,
    /// The same of what is written.
    pub is: Expr,
}

/// What is read back when all steps of a record are done.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    pub cites: String,
    pub evidence: Evidence,
    pub call: Template,
    #[serde(default)]
    pub query: BTreeMap<String, Expr>,
    /// Path of the record in the answer; absent = the whole answer.
    #[serde(default)]
    pub item: Option<String>,
    /// Read streams below the record whose rows are laid into it under the stream's name.
    #[serde(default)]
    pub with: Vec<String>,
    #[serde(default)]
    pub expect: Vec<Expect>,
    #[serde(default)]
    pub children: Option<Children>,
    /// Path of the time the target last changed the record.
    #[serde(default)]
    pub updated_at: Option<String>,
}

/// How a person of the target is read, to be compared with the one of the source who goes by them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Held {
    pub cites: String,
    pub evidence: Evidence,
    /// `GET /path`, with `.target`.
    pub call: Template,
    #[serde(default)]
    pub query: BTreeMap<String, Expr>,
    /// Over the answer: `name`, `emails`, `phones`, `companies` (ids), `tags`. What is not said is not compared, but for custom values and
    /// tags: those are not there.
    pub fields: BTreeMap<String, Expr>,
}

/// A property the vendor may drop in silence.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Its name for people.
    pub name: String,
    /// Over the answer's record.
    pub at: Expr,
    /// Over what the steps see. Null is not compared.
    pub is: Expr,
    /// Of a list, the target may hold more than was sent.
    #[serde(default)]
    pub more: bool,
    /// A text: the target's has all letters and digits of what was sent, in their order. Of lists, one of the target's has those of one
    /// that was sent.
    #[serde(default)]
    pub text: bool,
    /// Compared until the record was once as it should be: what people change in it afterwards is theirs.
    #[serde(default)]
    pub once: bool,
    /// What it is called where it still differs after `write.repair`: a loss, and the record is migrated without it. Absent =
    /// the record fails.
    #[serde(default)]
    pub loss: Option<Loss>,
}

/// The messages below a record, in order.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Children {
    pub items: String,
    pub id: Expr,
    /// By which a message is recognised whose id is not known; absent = only by id.
    #[serde(default)]
    pub text: Option<Expr>,
    /// Truthy where the message is private.
    #[serde(default)]
    pub private: Option<Predicate>,
}

/// Many records in one call, which the vendor works off as a job. What waits together and is alike in query and headers goes
/// together; what is alone, and each record of a call that was refused as a whole, goes by the step's own call.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    pub cites: String,
    pub evidence: Evidence,
    /// `METHOD /path`.
    pub call: Template,
    /// Key of the list in the body of this call.
    pub items: String,
    /// Key of the record in the body of the step's own call. A row of the job's results is read as if it stood under it.
    pub item: String,
    /// Most records in a call.
    pub max: usize,
    /// Most bytes of JSON in a call; a single larger record goes alone.
    #[serde(default = "batch_bytes")]
    pub bytes: usize,
    /// Milliseconds that a call waits for further records after the last that came.
    #[serde(default = "linger")]
    pub linger: u64,
    /// Jobs at once.
    #[serde(default = "slots")]
    pub slots: usize,
    pub poll: Poll,
}

/// How a job is watched.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// Over the answer of the batch's call: `GET /path`.
    pub call: Template,
    /// Milliseconds between two looks.
    #[serde(default = "every")]
    pub every: u64,
    /// Seconds after which a job that shows no progress is given up: what it did is looked for.
    pub deadline: u64,
    /// Over the answer: the job came to its end.
    pub done: Predicate,
    /// Over the answer: the job was broken off. What it shows no result of is looked for.
    pub failed: Predicate,
    /// Path of the results in the answer.
    pub results: String,
    /// Over a result: the place of its record in the call, from 0.
    #[serde(default)]
    pub index: Option<Expr>,
    /// Over a result without index: compared with the step's `marker`, in any case.
    #[serde(default)]
    pub key: Option<Expr>,
    /// Where a result tells neither: how the records that were made are asked for, all in one call.
    #[serde(default)]
    pub shown: Option<Shown>,
    /// Over a result: why the record was refused; null or false where it was not.
    pub error: Expr,
    /// Over a result: the record was there before.
    #[serde(default)]
    pub adopted: Option<Predicate>,
    /// Where the vendor lists its jobs: "not written" is not believed while one is at work that may be the lost one.
    #[serde(default)]
    pub list: Option<JobList>,
}

/// The vendor's list of its jobs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobList {
    pub cites: String,
    pub evidence: Evidence,
    pub path: Template,
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    /// Path of the rows in a page.
    pub items: String,
    #[serde(default)]
    pub page: Paging,
    /// Over a row.
    pub id: Expr,
    /// Over the answer of the batch's call: the id of its job.
    pub of: Expr,
    /// Over a row: the job waits or works.
    pub busy: Predicate,
}

/// The records a job made, asked for by their ids in one call. `key` of the poll is read off each.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// The vendor's page that describes it.
    pub cites: String,
    pub evidence: Evidence,
    /// `GET /path`.
    pub call: Template,
    /// Query parameter that takes the ids, with commas between them.
    pub param: String,
    /// Where the records stand in the answer.
    pub items: String,
    /// Over a result, and over a record: the id.
    pub id: Expr,
}

const fn batch_bytes() -> usize {
    4 << 20
}

const fn linger() -> u64 {
    1_000
}

const fn slots() -> usize {
    1
}

const fn every() -> u64 {
    2_000
}
