//! A target that is only looked at: every call that reads goes through, every step is told instead of sent.
//!
//! What a step would have made is called by a *provisional* id: a number no account has, which passes through the
//! manifest's expressions as a real one would. Where a request is told, provisional ids and what earlier steps of the
//! same record would answer stand in it by name: `<contact 55.id>`, and `<#contact 55.id>` in place of a number.
//! Memory grows by the name of each record that would be made. What stands below a ticket has none: no other record asks for it.

use super::manifest::{Only, Verb};
use super::plan::{LateValues, Step};
use super::profile::Profile;
use super::seen::Among;
use super::{CheckLine, Found, Marked, Outcome, Planner, ReadBack, Said, Target};
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

/// Provisional ids begin here: exact in a double, and far beyond what a platform counts up to.
const FIRST: u64 = 7_700_000_000_000_000;
/// And end here, all of one length.
const LAST: u64 = 7_799_999_999_999_999;
const DIGITS: usize = 16;
/// Tickets translated side by side: nothing waits for a network.
const WRITERS: usize = 16;

/// The provisional id of the value that is known as the n-th, from 0.
pub fn provisional(nth: usize) -> String {
    (FIRST + nth as u64).to_string()
}

/// Whether an id stands for a record that is not there yet.
pub fn is_provisional(id: &str) -> bool {
    id.len() == DIGITS && id.parse().is_ok_and(|n: u64| (FIRST..=LAST).contains(&n))
}

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

/// Names by number, one behind the other in one text.
#[derive(Default)]
struct Names {
    text: String,
    ends: Vec<usize>,
}

impl Names {
    /// The place of the name.
    fn push(&mut self, name: &str) -> usize {
        self.text.push_str(name);
        self.ends.push(self.text.len());
        self.ends.len() - 1
    }

    fn get(&self, number: u64) -> Option<&str> {
        let at = usize::try_from(number.checked_sub(FIRST)?).ok()?;
        let from = at.checked_sub(1).map_or(0, |before| self.ends.get(before).copied().unwrap_or_default());
        self.text.get(from..*self.ends.get(at)?)
    }
}

impl DryRun {
    pub fn of(inner: Arc<dyn Target>, listener: Arc<dyn Listener>) -> DryRun {
        let profile = Profile { writers: WRITERS, ..inner.profile().clone() };
        DryRun { inner, profile, listener, names: Mutex::default() }
    }

    /// Knows these values by the ids [`provisional`] gives them, in this order.
    pub fn knowing(self, names: &[String]) -> DryRun {
        let mut known = Names::default();
        for name in names {
            known.push(name);
        }
        DryRun { names: Mutex::new(known), ..self }
    }

    /// A number of its own for a value that nobody knows yet.
    fn provisional(&self, name: String) -> String {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        provisional(names.push(&name))
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

    /// A request with names for provisional ids.
    fn named(&self, request: Value) -> Value {
        match request {
            Value::Number(n) => match n.as_u64().and_then(|n| self.name(n)) {
                Some(name) => format!("<#{name}>").into(),
                None => n.into(),
            },
            Value::String(text) => self.named_text(&text).map_or(Value::String(text), Value::String),
            Value::Array(items) => items.into_iter().map(|item| self.named(item)).collect(),
            Value::Object(map) => {
                map.into_iter().map(|(key, value)| (self.named_text(&key).unwrap_or(key), self.named(value))).collect()
            }
            other => other,
        }
    }

    fn name(&self, number: u64) -> Option<String> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(number).map(str::to_owned)
    }

    /// The text with names for the provisional ids in it; none where there are none.
    fn named_text(&self, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, number, after)) = next_number(rest) {
            out.push_str(before);
            match number.parse().ok().filter(|_| number.len() == DIGITS).and_then(|n| self.name(n)) {
                Some(name) => out.push_str(&format!("<{name}>")),
                None => out.push_str(number),
            }
            rest = after;
        }
        if out.is_empty() {
            return None;
        }
        out.push_str(rest);
        (out != text).then_some(out)
    }
}

/// The next run of digits that may be a provisional id, with what stands around it.
fn next_number(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(at) = text[from..].find("77").map(|at| at + from) {
        let inside = text[..at].ends_with(|c: char| c.is_ascii_digit());
        let end = text[at..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |n| at + n);
        if !inside && end - at == DIGITS {
            return Some((&text[..at], &text[at..end], &text[end..]));
        }
        from = end;
    }
    None
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

    fn answer(&self, key: &str) -> Option<&str> {
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

    async fn roster(&self, stream: &str) -> Result<Vec<Map<String, Value>>> {
        self.inner.roster(stream).await
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
                crate::error::Problem::new(crate::error::Reason::Internal, format!("a request cannot be told: {e}"))
            })
            .and_then(|request| {
                let request = self.named(request);
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

    async fn carry_marker(&self, kind: Kind, markers: &[String]) -> Result<Option<Vec<(String, Remote)>>> {
        self.inner.carry_marker(kind, markers).await
    }

    async fn markers_of(&self, kind: Kind, id: &str) -> Result<Option<Vec<String>>> {
        self.inner.markers_of(kind, id).await
    }

    async fn read_back(&self, _mapped: &Mapped, _steps: &[Step], _late: &LateValues) -> Result<Option<ReadBack>> {
        Ok(None)
    }

    /// Nobody was taken in.
    async fn held(&self, _kind: Kind, _remote: &Remote) -> Result<Option<Map<String, Value>>> {
        Ok(None)
    }

    async fn finish(&self) -> Result<()> {
        Ok(())
    }

    fn calls(&self) -> BTreeMap<String, u64> {
        self.inner.calls()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::files::{FilesTarget, Form, Place};
    use serde_json::json;

    struct Deaf;

    impl Listener for Deaf {
        fn request(&self, _told: &Told) -> Result<()> {
            Ok(())
        }

        fn mapped(&self, _mapped: &Mapped) -> Result<()> {
            Ok(())
        }
    }

    fn dry_run() -> DryRun {
        let place = Place { folder: "/nowhere".into(), form: Form::Jsonl, copies: "/nowhere".into() };
        DryRun::of(Arc::new(FilesTarget::new(place)), Arc::new(Deaf))
    }

    #[test]
    fn what_is_not_known_yet_stands_in_a_request_by_name() {
        let dry = dry_run();
        let id = dry.provisional("contact 55.id".into());
        assert!(is_provisional(&id));
        let number: u64 = id.parse().unwrap();
        let sent =
            json!({"path": format!("/users/{id}/tags"), "id": number, "text": format!("{id}, 77, {id}0"), "n": 77});
        assert_eq!(
            dry.named(sent),
            json!({"path": "/users/<contact 55.id>/tags", "id": "<#contact 55.id>", "text": format!("<contact 55.id>, 77, {id}0"), "n": 77})
        );
    }

    #[test]
    fn names_are_told_apart_by_their_numbers() {
        let mut names = Names::default();
        let places: Vec<usize> = ["contact 5.id", "", "ticket ü.url"].iter().map(|name| names.push(name)).collect();
        let back: Vec<_> = places.iter().map(|at| names.get(provisional(*at).parse().unwrap())).collect();
        assert_eq!(back, [Some("contact 5.id"), Some(""), Some("ticket ü.url")]);
        assert_eq!((names.get(FIRST + 3), names.get(LAST), names.get(7)), (None, None, None));
    }

    #[test]
    fn an_id_of_a_real_account_is_never_taken_for_one_that_is_not_there() {
        for id in ["", "77", "7699999999999999", "7800000000000000", "77000000000000001", "77000000000000ab"] {
            assert!(!is_provisional(id), "{id}");
        }
        let beyond = (FIRST + 7).to_string();
        assert_eq!(dry_run().named(json!([beyond])), json!([beyond]), "a number nobody gave out has no name");
    }
}
