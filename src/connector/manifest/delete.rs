//! How a record that a migration made is deleted again.

use super::Evidence;
use crate::expr::{Expr, Predicate, Template};
use crate::record::Kind;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// How a record of a kind is looked at and deleted by `undo`. A kind without such a table is left, and named.
///
/// Expressions see `.target`, the id of the record in the platform; those over a record see the record.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// The vendor's page that describes it.
    pub cites: String,
    pub evidence: Evidence,
    /// `METHOD /path`. Any 2xx is a success; a 404 of the platform's own means that it is not there.
    pub call: Template,
    /// `GET /path`: the record, before it is deleted. A 404 means that it is not there.
    pub show: Template,
    /// Path of the record in that answer; absent = the whole answer.
    #[serde(default)]
    pub item: Option<String>,
    /// Over the record: it is deleted already, though it is still shown.
    #[serde(default)]
    pub gone: Option<Predicate>,
    /// Over the record: its marks, one or a list. One of them must be what the step that made it is recognised by.
    pub mark: Expr,
    /// Path of the time it was made.
    #[serde(default)]
    pub created_at: Option<String>,
    /// Path of the time it last changed: a record that changed after our last write is left.
    pub updated_at: String,
    /// What may refer to the record: where anything does that is not deleted too, the record is left.
    #[serde(default)]
    pub used: Vec<Used>,
    /// What becomes of the record in the platform, and what to do there: one sentence for people.
    pub after: String,
}

/// A list of what refers to a record. Its first page is enough: what is deleted before is not on it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Used {
    /// Of the rows.
    pub kind: Kind,
    /// `GET /path`.
    pub call: Template,
    #[serde(default)]
    pub query: BTreeMap<String, Expr>,
    /// Path of the rows in the answer.
    pub items: String,
    /// Over a row.
    pub id: Expr,
}
