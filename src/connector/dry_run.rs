//! A target that is only looked at: every call that reads goes through, every step is told instead of sent.
//!
//! What a step would have made is called by a *provisional* id: a number no account has, which passes through the
//! manifest's expressions as a real one would. Where a request is told, provisional ids and what earlier steps of the
//! same record would answer stand in it by name: `<contact 55.id>`, and `<#contact 55.id>` in place of a number.
//! Memory grows by the name of each record that would be made. What stands below a ticket has none: no other record asks for it.

use super::manifest::{Only, Verb};
use super::plan::{LateValues, Step};
use super::profile::Profile;
use super::provisional::{LAST, Names};
use super::seen::Among;
use super::{CheckLine, Eraser, Found, Marked, Outcome, Planner, ReadBack, Said, Target, Written};
use crate::clock::{Doubt, VendorClock};
use crate::connector::mapped::Mapped;
use crate::error::{Loss, Result};
use crate::ledger::{Origin, Remote, StepKey};
use crate::record::{Kind, Outputs, Visibility};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Tickets translated side by side: nothing waits for a network.
const WRITERS: usize = 16;

/// A request that would be sent.
#[derive(Debug, Serialize)]
pub struct Told {
    pub kind: Kind,
    /// Source id of the record.
    pub id: String,
    #[serde(flatten)]
    pub key: StepKey,
    pub verb: Verb,
    /// When it would be sent, where that depends on what the target holds then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<Only>,
    /// The call that takes it with others, and how many it takes.
    #[serde(skip)]
    pub with: Option<(String, u64)>,
    /// `method`, `path`, `query`, `headers` and `body` as they are hashed for the ledger, with names for ids.
    pub request: Value,
}

/// Where requests are told, and mapped tickets shown.
pub trait Listener: Send + Sync {
    fn request(&self, told: &Told) -> Result<()>;
    /// A record as the steps see it.
    fn mapped(&self, mapped: &Mapped) -> Result<()>;
}

/// A target to which nothing is written.
pub struct DryRun {
    inner: Arc<dyn Target>,
    profile: Profile,
    listener: Arc<dyn Listener>,
    names: Mutex<Names>,
}

impl DryRun {
    pub fn of(inner: Arc<dyn Target>, listener: Arc<dyn Listener>) -> DryRun {
        let profile = Profile { writers: WRITERS, ..inner.profile().clone() };
        DryRun { inner, profile, listener, names: Mutex::default() }
    }

    /// Knows these values by the ids [`super::provisional::provisional`] gives them, in this order.
    pub fn knowing(self, names: &[String]) -> DryRun {
        let mut known = Names::default();
        for name in names {
            known.give(name);
        }
        DryRun { names: Mutex::new(known), ..self }
    }

    /// A number of its own for a value that nobody knows yet.
    fn provisional(&self, name: String) -> String {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).give(&name)
    }

    /// What a step would answer.
    fn answer_of(&self, step: &Step, kind: Kind, id: &str) -> Remote {
        if kind == Kind::Ticket && step.verb != Verb::Create {
            return Remote { id: LAST.to_string(), outputs: self.inner.answers(step), ..Remote::default() };
        }
        let child =
            if step.key.child.is_empty() { String::new() } else { format!(" {} {}", step.key.step, step.key.child) };
        let name = |output: &str| format!("{kind} {id}{child}.{output}");
        let outputs = self.inner.answers(step).into_iter();
        let outputs: Outputs = outputs
            .map(|(output, known)| {
                let value = if known.is_null() { self.provisional(name(&output)).into() } else { known };
                (output, value)
            })
            .collect();
        let url = (step.verb == Verb::Create).then(|| self.provisional(name("url")));
        Remote { id: self.provisional(name("id")), url, outputs, ..Remote::default() }
    }
}

/// The record a step belongs to.
fn record_of(step: &Step) -> (Kind, String) {
    const ROOTS: [Kind; 10] = [
        Kind::Ticket,
        Kind::Contact,
        Kind::Company,
        Kind::Link,
        Kind::Article,
        Kind::Section,
        Kind::Category,
        Kind::Group,
        Kind::Agent,
        Kind::Field,
    ];
    let found =
        ROOTS.iter().find_map(|kind| step.scope.get(kind.code()).map(|of| (*kind, crate::expr::plain(&of["id"]))));
    found.unwrap_or((Kind::Ticket, String::new()))
}

impl Planner for DryRun {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn is_on_paper(&self) -> bool {
        self.inner.is_on_paper()
    }

    fn writes(&self, kind: Kind) -> bool {
        self.inner.writes(kind)
    }

    fn takes(&self, part: &str) -> bool {
        self.inner.takes(part)
    }

    fn answer(&self, key: &str) -> Option<&Value> {
        self.inner.answer(key)
    }

    fn default_label(&self, vocabulary: &str) -> Option<String> {
        self.inner.default_label(vocabulary)
    }

    fn marker_field(&self) -> Option<&str> {
        self.inner.marker_field()
    }

    fn how_to_silence(&self) -> &str {
        self.inner.how_to_silence()
    }

    fn plan(&self, mapped: &Mapped, marker: &str) -> Result<Vec<Step>> {
        self.listener.mapped(mapped)?;
        self.inner.plan(mapped, marker)
    }

    fn losses(&self, mapped: &Mapped) -> Result<Vec<Loss>> {
        self.inner.losses(mapped)
    }

    fn losses_and_plan(&self, mapped: &Mapped, marker: &str) -> Result<(Vec<Loss>, Result<Vec<Step>>)> {
        self.listener.mapped(mapped)?;
        self.inner.losses_and_plan(mapped, marker)
    }

    fn repair(&self, _mapped: &Mapped, _marker: &str) -> Result<Vec<Step>> {
        Ok(vec![])
    }

    fn marks(&self, kind: Kind) -> bool {
        self.inner.marks(kind)
    }

    fn lists_late(&self, kind: Kind) -> Duration {
        self.inner.lists_late(kind)
    }

    fn creates(&self, kind: Kind) -> Option<&str> {
        self.inner.creates(kind)
    }

    fn answers(&self, step: &Step) -> Outputs {
        self.inner.answers(step)
    }

    fn goes_with(&self, step: &Step) -> Option<(String, u64)> {
        self.inner.goes_with(step)
    }

    fn reads_back_by(&self, kind: Kind) -> Vec<String> {
        self.inner.reads_back_by(kind)
    }

    fn time_for(&self, calls: &BTreeMap<String, u64>) -> Option<Duration> {
        self.inner.time_for(calls)
    }

    fn hides(&self, step: &Step) -> Duration {
        self.inner.hides(step)
    }
}

#[async_trait]
impl Target for DryRun {
    fn address(&self) -> &str {
        self.inner.address()
    }

    fn clock(&self) -> &VendorClock {
        self.inner.clock()
    }

    async fn may_be_assigned(&self, person: &Remote, group: Option<&Remote>) -> Result<bool> {
        self.inner.may_be_assigned(person, group).await
    }

    async fn prepare(&self) -> Result<()> {
        self.inner.prepare().await
    }

    async fn probe(&self) -> Result<()> {
        self.inner.probe().await
    }

    async fn check(&self) -> Vec<CheckLine> {
        self.inner.check().await
    }

    async fn target_metadata(&self, stream: &str) -> Result<Vec<Map<String, Value>>> {
        self.inner.target_metadata(stream).await
    }

    async fn agent_at(&self, address: &str) -> Result<Option<Map<String, Value>>> {
        self.inner.agent_at(address).await
    }

    async fn may_write_as(&self, person: &Remote, group: Option<&Remote>, visibility: Visibility) -> Result<bool> {
        self.inner.may_write_as(person, group, visibility).await
    }

    async fn apply(&self, step: &Step, _late: &LateValues) -> Outcome {
        let (kind, id) = record_of(step);
        let told = serde_json::to_value(&step.request)
            .map_err(|e| {
                crate::error::Problem::new(crate::error::Reason::Internal, format!("a request cannot be shown: {e}"))
            })
            .and_then(|request| {
                let request = self.names.lock().unwrap_or_else(PoisonError::into_inner).named(request);
                let told = Told {
                    kind,
                    id: id.clone(),
                    key: step.key.clone(),
                    verb: step.verb,
                    only: step.only,
                    with: self.inner.goes_with(step),
                    request,
                };
                self.listener.request(&told)
            });
        match told {
            Ok(()) => Outcome::Applied { remote: self.answer_of(step, kind, &id), origin: Origin::Created },
            Err(problem) => Outcome::NotSent(problem),
        }
    }

    /// Nothing is sent in either form.
    async fn apply_otherwise(&self, step: &Step, late: &LateValues) -> Outcome {
        self.apply(step, late).await
    }

    async fn find(&self, step: &Step, late: &LateValues, among: &Among<'_>) -> Result<Found> {
        self.inner.find(step, late, among).await
    }

    async fn there_before(&self, step: &Step, late: &LateValues) -> Result<Vec<Remote>> {
        self.inner.there_before(step, late).await
    }

    async fn at_work(&self, step: &Step, doubt: &Doubt) -> Result<bool> {
        self.inner.at_work(step, doubt).await
    }

    async fn scan(
        &self,
        kind: Kind,
        prefix: &str,
        since: Option<Timestamp>,
        cursor: Option<&str>,
    ) -> Result<Option<Marked>> {
        self.inner.scan(kind, prefix, since, cursor).await
    }

    async fn said(&self, section: &str, target: &str) -> Result<Option<Vec<Said>>> {
        self.inner.said(section, target).await
    }

    async fn have_marker(&self, kind: Kind, markers: &[String]) -> Result<Option<Vec<(String, Remote)>>> {
        self.inner.have_marker(kind, markers).await
    }

    async fn markers_of(&self, kind: Kind, id: &str) -> Result<Option<Vec<String>>> {
        self.inner.markers_of(kind, id).await
    }

    async fn lost(&self, kind: Kind, written: Vec<Written>) -> Result<Vec<String>> {
        self.inner.lost(kind, written).await
    }

    async fn lost_files(&self, names: Vec<String>) -> Result<Vec<String>> {
        self.inner.lost_files(names).await
    }

    async fn read_back(&self, _mapped: &Mapped, _steps: &[Step], _late: &LateValues) -> Result<Option<ReadBack>> {
        Ok(None)
    }

    /// Nobody was taken in.
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
        self.inner.calls()
    }
}
