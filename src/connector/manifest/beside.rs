//! What is read beside the rows of a stream: lists in the same page, tables of names, what stays in the source, and whole lists of children.

use super::Evidence;
use super::paging::Paging;
use super::read::{Denied, Optional, Since};
use crate::expr::{Expr, Predicate, Template};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A list beside the rows of a page, such as the addresses of the users in it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sideload {
    /// Path of the list in the page.
    pub items: String,
    /// Path in its element that equals `of` in the row.
    pub key: String,
    pub of: String,
}

/// A small table of the account, read once a run: what ids in rows stand for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The vendor's page that describes it.
    pub cites: String,
    pub evidence: Evidence,
    /// What its entries are called, in the plural.
    pub what: String,
    pub path: Template,
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    #[serde(default)]
    pub items: Option<String>,
    /// Over the page: its entries, where they stand in no list. Instead of `items`, and of paging.
    #[serde(default)]
    pub rows: Option<Expr>,
    #[serde(default)]
    pub page: Paging,
    /// Path of the id in an entry.
    pub key: String,
    /// Keys of an entry that are kept.
    pub keep: Vec<String>,
    /// Several entries share an id: the row takes a list.
    #[serde(default)]
    pub many: bool,
    /// Each row takes a list of all entries.
    #[serde(default)]
    pub every: bool,
    /// Only if it holds, over `$account`.
    #[serde(default)]
    pub when: Option<Predicate>,
    /// What a 403 or 404 of it means: an error, or that records with an id of it fail, until `leave_out` of the source names it.
    #[serde(default)]
    pub denied: Denied,
}

/// Something the platform has and no record carries.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Left {
    /// The vendor's page that describes it.
    pub cites: String,
    pub evidence: Evidence,
    /// What they are called, in the plural.
    pub what: String,
    pub path: Template,
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    #[serde(default)]
    pub items: Option<String>,
    /// Over the page: its rows, where they stand in no list. Instead of `items`.
    #[serde(default)]
    pub rows: Option<Expr>,
    #[serde(default)]
    pub page: Paging,
    /// How it is migrated all the same. Such things are named by `check`, too.
    #[serde(default)]
    pub hint: Option<String>,
    /// Over a row: how many it stands for.
    #[serde(default)]
    pub count: Option<Expr>,
    /// Over a row: what it is called, and whether it is switched off.
    #[serde(default)]
    pub name: Option<Expr>,
}

/// One listing with the child rows of all roots. Read into the stage page by page; then each root takes its own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bulk {
    /// The vendor's page that describes it.
    pub cites: String,
    pub evidence: Evidence,
    pub path: Template,
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    /// As of a stream.
    #[serde(default)]
    pub optional: BTreeMap<String, Optional>,
    #[serde(default)]
    pub items: Option<String>,
    pub page: Paging,
    /// Without it the whole listing is read each time.
    #[serde(default)]
    pub since: Option<Since>,
    /// Path of the root row's id in an element.
    pub root: String,
    /// The stream's rows in an element: a list. Each has an `id`.
    pub rows: Expr,
    /// An element for which it holds says something that its rows do not show: the root is read on its own.
    #[serde(default)]
    pub unsure: Option<Predicate>,
    /// Over the root row: how many rows there are at least. With fewer in the listing the root is read on its own.
    pub expect: Expr,
    /// Elements of the listing per root, as a rule: what the choice between the two ways reckons with.
    pub per_root: u64,
    /// Few roots have any: the way with fewer calls is taken, not the quicker one.
    #[serde(default)]
    pub sparse: bool,
    /// Over the root row: no call of its own has its rows, only this listing may. Then the listing is read, however many calls that takes.
    #[serde(default)]
    pub alone: Option<Predicate>,
    /// Only if it holds, over `$account`; otherwise the listing is not read.
    #[serde(default)]
    pub when: Option<Predicate>,
}
