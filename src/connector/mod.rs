//! Connectors: what the pipeline knows of a platform, and the machine that runs a manifest.
//!
//! [`Source`], [`Target`] and its [`Planner`] are all the pipeline sees. [`rest`] implements them for any manifest, [`files`] for
//! folders; `native/` holds the quirks of single platforms; [`registry`] finds manifests by name.

pub mod dry_run;
pub mod eraser;
pub mod files;
pub mod lint;
pub mod manifest;
pub mod mapped;
pub mod native;
pub mod plan;
pub mod planner;
pub mod profile;
pub mod provisional;
pub mod registry;
pub mod rest;
pub mod seen;
pub mod source;
pub mod target;
mod unread;

pub use eraser::{Deleted, Eraser, There};
pub use planner::Planner;
pub use source::{
    Again, Assemble, Blob, BulkPage, BulkRow, BulkRows, BulkWay, ChildRows, Fetch, LeftBehind, Page, Row, Shows, Source,
};
pub use target::{Child, Differs, Found, LAID, LOST, Mark, Marked, Outcome, Print, ReadBack, Said, Target, Written};
pub use unread::Unread;

use crate::error::{Problem, Result};

/// One row of `check`.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckLine {
    pub proves: String,
    /// What was found when it holds, the problem when it does not.
    pub found: Result<String, Problem>,
}
