//! A platform as its manifest describes it, without an account: what a preview can say before anything is bought.
//!
//! It plans, and knows what the platform ships with and its limits. It makes no call: what only an account can tell
//! (its people, groups and fields) is for whoever asks to assume. Every step is refused.

use super::marker::{FIELD, IMAGINED};
use crate::clock::{Doubt, VendorClock};
use crate::connector::mapped::Mapped;
use crate::connector::plan::{LateValues, Step};
use crate::connector::profile::Profile;
use crate::connector::rest::Rest;
use crate::connector::seen::Among;
use crate::connector::{CheckLine, Eraser, Found, Marked, Outcome, Planner, ReadBack, Said, Target, Written};
use crate::error::{Loss, Problem, Reason, Result};
use crate::ledger::Remote;
use crate::record::{Kind, Outputs, Visibility};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// A [`Target`] without an account.
pub struct Offline(Rest);

impl Offline {
    pub fn of(rest: Rest) -> Offline {
        Offline(rest)
    }
}

fn no_account() -> Problem {
    Problem::new(Reason::Refused, "[target] names a platform but no account: nothing can be written")
        .hint("give it `url` and its credentials; `deskferry connectors show NAME` lists them")
}

impl Planner for Offline {
    fn profile(&self) -> &Profile {
        Planner::profile(&self.0)
    }

    fn is_on_paper(&self) -> bool {
        true
    }

    fn writes(&self, kind: Kind) -> bool {
        self.0.writes(kind)
    }

    fn takes(&self, part: &str) -> bool {
        self.0.takes(part)
    }

    fn answer(&self, key: &str) -> Option<&Value> {
        self.0.answer(key)
    }

    fn default_label(&self, vocabulary: &str) -> Option<String> {
        self.0.default_label(vocabulary)
    }

    fn marker_field(&self) -> Option<&str> {
        self.0.marker_field()
    }

    fn how_to_silence(&self) -> &str {
        self.0.how_to_silence()
    }

    fn plan(&self, mapped: &Mapped, marker: &str) -> Result<Vec<Step>> {
        self.0.plan(mapped, marker)
    }

    fn losses(&self, mapped: &Mapped) -> Result<Vec<Loss>> {
        self.0.losses(mapped)
    }

    fn losses_and_plan(&self, mapped: &Mapped, marker: &str) -> Result<(Vec<Loss>, Result<Vec<Step>>)> {
        self.0.losses_and_plan(mapped, marker)
    }

    fn repair(&self, mapped: &Mapped, marker: &str) -> Result<Vec<Step>> {
        self.0.repair(mapped, marker)
    }

    fn marks(&self, _kind: Kind) -> bool {
        false
    }

    fn lists_late(&self, _kind: Kind) -> Duration {
        Duration::ZERO
    }

    fn creates(&self, kind: Kind) -> Option<&str> {
        self.0.creates(kind)
    }

    fn answers(&self, step: &Step) -> Outputs {
        self.0.answers(step)
    }

    fn goes_with(&self, step: &Step) -> Option<(String, u64)> {
        self.0.goes_with(step)
    }

    fn reads_back_by(&self, kind: Kind) -> Vec<String> {
        self.0.reads_back_by(kind)
    }

    fn time_for(&self, calls: &BTreeMap<String, u64>) -> Option<Duration> {
        self.0.time_for(calls)
    }

    fn hides(&self, _step: &Step) -> Duration {
        Duration::ZERO
    }
}

#[async_trait]
impl Target for Offline {
    fn address(&self) -> &str {
        self.0.address()
    }

    fn clock(&self) -> &VendorClock {
        Target::clock(&self.0)
    }

    async fn may_be_assigned(&self, _person: &Remote, _group: Option<&Remote>) -> Result<bool> {
        Ok(true)
    }

    async fn prepare(&self) -> Result<()> {
        let mut account = self.0.account.as_object().cloned().unwrap_or_default();
        account.insert(FIELD.into(), IMAGINED.into());
        self.0.prepared.get_or_init(|| Value::Object(account));
        Ok(())
    }

    async fn probe(&self) -> Result<()> {
        Ok(())
    }

    async fn check(&self) -> Vec<CheckLine> {
        vec![CheckLine { proves: "the target has an account".into(), found: Err(no_account()) }]
    }

    /// What the platform comes with. Nothing of people, groups and fields.
    async fn target_metadata(&self, stream: &str) -> Result<Vec<Map<String, Value>>> {
        if self.0.manifest.labels.contains_key(stream) {
            return self.0.target_metadata(stream).await;
        }
        let Some(rule) = self.0.manifest.read.get(stream) else { return Ok(vec![]) };
        let rows = if rule.shipped.is_empty() { &rule.instead } else { &rule.shipped };
        rows.iter().map(|row| self.0.fields(stream, row, &Value::Null, row)).collect()
    }

    async fn agent_at(&self, _address: &str) -> Result<Option<Map<String, Value>>> {
        Ok(None)
    }

    async fn may_write_as(&self, _person: &Remote, _group: Option<&Remote>, _visibility: Visibility) -> Result<bool> {
        Ok(self.0.manifest.profile.authors != crate::connector::profile::Authors::ApiUser)
    }

    async fn apply(&self, _step: &Step, _late: &LateValues) -> Outcome {
        Outcome::NotSent(no_account())
    }

    async fn apply_otherwise(&self, step: &Step, late: &LateValues) -> Outcome {
        self.apply(step, late).await
    }

    async fn find(&self, _step: &Step, _late: &LateValues, _among: &Among<'_>) -> Result<Found> {
        Ok(Found::CannotTell)
    }

    async fn there_before(&self, _step: &Step, _late: &LateValues) -> Result<Vec<Remote>> {
        Ok(vec![])
    }

    async fn at_work(&self, _step: &Step, _doubt: &Doubt) -> Result<bool> {
        Ok(false)
    }

    async fn scan(
        &self,
        _kind: Kind,
        _prefix: &str,
        _since: Option<Timestamp>,
        _cursor: Option<&str>,
    ) -> Result<Option<Marked>> {
        Ok(None)
    }

    async fn said(&self, _section: &str, _target: &str) -> Result<Option<Vec<Said>>> {
        Ok(None)
    }

    async fn have_marker(&self, _kind: Kind, _markers: &[String]) -> Result<Option<Vec<(String, Remote)>>> {
        Ok(None)
    }

    async fn markers_of(&self, _kind: Kind, _id: &str) -> Result<Option<Vec<String>>> {
        Ok(None)
    }

    async fn lost(&self, _kind: Kind, _written: Vec<Written>) -> Result<Vec<String>> {
        Ok(vec![])
    }

    async fn lost_files(&self, _names: Vec<String>) -> Result<Vec<String>> {
        Ok(vec![])
    }

    async fn read_back(&self, _mapped: &Mapped, _steps: &[Step], _late: &LateValues) -> Result<Option<ReadBack>> {
        Ok(None)
    }

    async fn held(&self, _kind: Kind, _remote: &Remote) -> Result<Option<Map<String, Value>>> {
        Ok(None)
    }

    fn eraser(&self) -> Option<&dyn Eraser> {
        None
    }

    async fn finish(&self) -> Result<()> {
        Ok(())
    }

    fn calls(&self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }
}
