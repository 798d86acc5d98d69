//! What writes a record: the steps of a mapped record, what is lost of it, and what that will take. Pure.

use super::mapped::Mapped;
use super::plan::Step;
use super::profile::Profile;
use crate::error::{Loss, Result};
use crate::record::{Kind, Outputs};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// What is known of a platform without a call. No method has a body here, so that a decorator cannot forget one.
pub trait Planner: Send + Sync {
    fn profile(&self) -> &Profile;

    /// Whether there is no account behind it: only what the platform ships with is known, and nothing can be written.
    fn is_on_paper(&self) -> bool;

    /// Whether records of this kind are written. Kinds that are only referred to (agents, groups) are not.
    fn writes(&self, kind: Kind) -> bool;

    /// Whether it takes what a ticket has beside its messages: `time_entry`, `rating`.
    fn takes(&self, part: &str) -> bool;

    /// An answer of the account that is not secret.
    fn answer(&self, key: &str) -> Option<&Value>;

    /// The label tickets take where the mapping gives none: by the account's answers. `vocabulary` is `group`, `type` …
    fn default_label(&self, vocabulary: &str) -> Option<String>;

    /// Title of the custom field that holds the marker of our tickets.
    fn marker_field(&self) -> Option<&str>;

    /// How a person switches outgoing mail off.
    fn how_to_silence(&self) -> &str;

    /// The steps that write one mapped record. Pure: calls nothing.
    fn plan(&self, mapped: &Mapped, marker: &str) -> Result<Vec<Step>>;

    /// What is lost of a mapped record by the platform's own ways. Pure.
    fn losses(&self, mapped: &Mapped) -> Result<Vec<Loss>>;

    /// Both of one record, which the same expressions look at.
    fn losses_and_plan(&self, mapped: &Mapped, marker: &str) -> Result<(Vec<Loss>, Result<Vec<Step>>)>;

    /// The steps that set again what `read_back` found different. Pure.
    fn repair(&self, mapped: &Mapped, marker: &str) -> Result<Vec<Step>>;

    /// Whether every record of a kind carries our marker, by which [`super::Target::scan`] lists it or [`super::Target::carry_marker`] finds it.
    fn marks(&self, kind: Kind) -> bool;

    /// How long [`super::Target::scan`] does not show what came.
    fn lists_late(&self, kind: Kind) -> Duration;

    /// The name of the step that creates a record of this kind.
    fn creates(&self, kind: Kind) -> Option<&str>;

    /// What the answer of a step tells beside the id, by the names under which others refer to it; null for what only the
    /// answer itself can tell.
    fn answers(&self, step: &Step) -> Outputs;

    /// The call that takes this step's record with others, as `METHOD /path`, and how many it takes; none: it goes alone.
    fn goes_with(&self, step: &Step) -> Option<(String, u64)>;

    /// Calls that read one record of a kind back, by method and path with `:id` for what differs.
    fn reads_back_by(&self, kind: Kind) -> Vec<String>;

    /// How long the limits as they are known now make these calls take, given as `METHOD /path`; none: no limit is known.
    fn time_for(&self, calls: &BTreeMap<String, u64>) -> Option<Duration>;

    /// How long after it was written a record is hidden from [`super::Target::find`]: "no" is believed only this much later.
    fn hides(&self, step: &Step) -> Duration;
}
