//! A manifest as a [`Target`].

use crate::clock::{Doubt, VendorClock};
use crate::connector::mapped::Mapped;
use crate::connector::plan::{Content, LateValues, Step};
use crate::connector::profile::{Authors, Profile};
use crate::connector::rest::Rest;
use crate::connector::rest::api::listed::Above;
use crate::connector::seen::Among;
use crate::connector::{CheckLine, Eraser, Found, Marked, Outcome, Planner, ReadBack, Said, Target, Written};
use crate::error::{Loss, Problem, Reason, Result};
use crate::expr::{EvalContext, Scope, Template, plain};
use crate::ledger::Remote;
use crate::record::{Kind, Outputs, Visibility};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

impl Planner for Rest {
    fn profile(&self) -> &Profile {
        &self.manifest.profile
    }

    fn is_on_paper(&self) -> bool {
        false
    }

    fn writes(&self, kind: Kind) -> bool {
        self.manifest.write.contains_key(kind.code())
    }

    fn takes(&self, part: &str) -> bool {
        self.manifest.write.contains_key(part)
    }

    fn answer(&self, key: &str) -> Option<&Value> {
        self.account.get(key)
    }

    fn default_label(&self, vocabulary: &str) -> Option<String> {
        let key = self.manifest.profile.defaults.get(vocabulary)?;
        Planner::answer(self, key).map(plain)
    }

    fn marker_field(&self) -> Option<&str> {
        self.marker().map(|marker| marker.field.as_str())
    }

    fn how_to_silence(&self) -> &str {
        &self.manifest.profile.how_to_silence
    }

    fn plan(&self, mapped: &Mapped, marker: &str) -> Result<Vec<Step>> {
        self.plan_record(mapped.kind(), mapped.to_value()?, marker)
    }

    fn losses(&self, mapped: &Mapped) -> Result<Vec<Loss>> {
        let kind = mapped.kind();
        self.losses_of(kind, &EvalContext::new(self.base(kind, mapped.to_value()?, "")))
    }

    fn losses_and_plan(&self, mapped: &Mapped, marker: &str) -> Result<(Vec<Loss>, Result<Vec<Step>>)> {
        let kind = mapped.kind();
        if kind.is_library() || self.is_whole(kind) {
            return Ok((self.losses(mapped)?, self.plan(mapped, marker)));
        }
        let eval_context = EvalContext::new(self.base(kind, mapped.to_value()?, marker));
        Ok((self.losses_of(kind, &eval_context)?, self.plan_over(kind, eval_context)))
    }

    fn repair(&self, mapped: &Mapped, marker: &str) -> Result<Vec<Step>> {
        self.plan_repair(mapped.kind(), mapped.to_value()?, marker)
    }

    fn marks(&self, kind: Kind) -> bool {
        self.marks_all(kind)
    }

    fn lists_late(&self, kind: Kind) -> Duration {
        self.scan_lag(kind.code())
    }

    fn creates(&self, kind: Kind) -> Option<&str> {
        self.create_step(kind)
    }

    fn answers(&self, step: &Step) -> Outputs {
        let Ok(rule) = self.rule(step) else { return Outputs::new() };
        // An answer shows at least what was sent.
        let sent = match &step.request.body {
            Some(Content::Json(node)) => serde_json::to_value(node).unwrap_or_default(),
            _ => Value::Null,
        };
        let sees = Scope { parent: &step.scope, ..self.scope(&sent) };
        rule.outputs.iter().map(|(name, expr)| (name.clone(), expr.eval(&sees).unwrap_or_default())).collect()
    }

    fn goes_with(&self, step: &Step) -> Option<(String, u64)> {
        let batch = self.rule(step).ok()?.batch.as_ref()?;
        Some((batch.call.shape(), batch.max as u64))
    }

    fn reads_back_by(&self, kind: Kind) -> Vec<String> {
        let Some(rule) = self.manifest.verify.get(kind.code()) else { return vec![] };
        let streams = rule.with.iter().filter_map(|stream| self.manifest.read.get(stream)?.path.as_ref());
        std::iter::once(rule.call.shape()).chain(streams.map(|path| format!("GET {}", path.shape()))).collect()
    }

    fn time_for(&self, calls: &BTreeMap<String, u64>) -> Option<Duration> {
        self.client.pacer().time_for(calls)
    }

    fn hides(&self, step: &Step) -> Duration {
        self.hidden_for(step)
    }
}

#[async_trait]
impl Target for Rest {
    fn address(&self) -> &str {
        &self.address
    }

    fn clock(&self) -> &VendorClock {
        self.client.clock()
    }

    async fn may_be_assigned(&self, person: &Remote, group: Option<&Remote>) -> Result<bool> {
        self.native.may_be_assigned(self, person, group).await
    }

    async fn prepare(&self) -> Result<()> {
        Rest::prepare(self).await.map(|_| ())
    }

    async fn probe(&self) -> Result<()> {
        self.probe_account().await
    }

    async fn check(&self) -> Vec<CheckLine> {
        let mut lines = self.check_calls().await;
        if lines.iter().all(|line| line.found.is_ok()) {
            lines.extend(self.check_marker().await);
        }
        lines
    }

    async fn target_metadata(&self, stream: &str) -> Result<Vec<Map<String, Value>>> {
        if let Some(labels) = self.manifest.labels.get(stream) {
            return self.known_labels(labels);
        }
        if !self.manifest.read.contains_key(stream) {
            return Ok(vec![]);
        }
        let rows = self.detailed(stream, self.read_all(stream, None).await?).await?;
        let mut rows = self.kept(self.stream(stream)?, rows, Above::NONE, &Value::Null)?;
        self.look_up(self.stream(stream)?, &mut rows).await?;
        rows.iter().map(|row| self.fields(stream, row, &Value::Null, row)).collect()
    }

    async fn agent_at(&self, address: &str) -> Result<Option<Map<String, Value>>> {
        let Some(account) = self.account().as_object() else { return Ok(None) };
        let Some(row) = self.native.agent_at(self, account, address).await? else { return Ok(None) };
        let kept = self.kept(self.stream("agent")?, vec![row], Above::NONE, &Value::Null)?;
        kept.first().map(|row| self.fields("agent", row, &Value::Null, row)).transpose()
    }

    async fn may_write_as(&self, person: &Remote, group: Option<&Remote>, visibility: Visibility) -> Result<bool> {
        match self.manifest.profile.authors {
            Authors::ApiUser => Ok(false),
            Authors::Anyone => Ok(true),
            Authors::Asked => self.native.may_write_as(self, person, group, visibility).await,
        }
    }

    async fn apply(&self, step: &Step, late: &LateValues) -> Outcome {
        self.apply_step(step, late).await
    }

    async fn apply_otherwise(&self, step: &Step, late: &LateValues) -> Outcome {
        self.apply_fallback(step, late).await
    }

    async fn find(&self, step: &Step, late: &LateValues, among: &Among<'_>) -> Result<Found> {
        self.find_step(step, late, among).await
    }

    async fn there_before(&self, step: &Step, late: &LateValues) -> Result<Vec<Remote>> {
        self.there_before(step, late).await
    }

    async fn at_work(&self, step: &Step, doubt: &Doubt) -> Result<bool> {
        self.job_at_work(step, doubt).await
    }

    async fn scan(
        &self,
        kind: Kind,
        prefix: &str,
        since: Option<Timestamp>,
        cursor: Option<&str>,
    ) -> Result<Option<Marked>> {
        self.scan_page(kind, prefix, since, cursor).await
    }

    async fn said(&self, section: &str, target: &str) -> Result<Option<Vec<Said>>> {
        self.said_below(section, target).await
    }

    async fn have_marker(&self, kind: Kind, markers: &[String]) -> Result<Option<Vec<(String, Remote)>>> {
        self.marked_by(kind, markers).await
    }

    async fn markers_of(&self, kind: Kind, id: &str) -> Result<Option<Vec<String>>> {
        self.markers_at(kind, id).await
    }

    async fn lost(&self, _kind: Kind, _written: Vec<Written>) -> Result<Vec<String>> {
        Ok(vec![])
    }

    async fn lost_files(&self, _names: Vec<String>) -> Result<Vec<String>> {
        Ok(vec![])
    }

    async fn read_back(&self, mapped: &Mapped, steps: &[Step], late: &LateValues) -> Result<Option<ReadBack>> {
        self.compare_stored(mapped.kind(), mapped.to_value()?, steps, late).await
    }

    async fn held(&self, kind: Kind, remote: &Remote) -> Result<Option<Map<String, Value>>> {
        self.held_of(kind, remote).await
    }

    fn eraser(&self) -> Option<&dyn Eraser> {
        Some(self)
    }

    async fn finish(&self) -> Result<()> {
        Ok(())
    }

    fn calls(&self) -> BTreeMap<String, u64> {
        self.counted_calls()
    }
}

impl Rest {
    fn losses_of(&self, kind: Kind, eval_context: &EvalContext) -> Result<Vec<Loss>> {
        let mut losses = Vec::new();
        for rule in self.manifest.loss.iter().filter(|rule| rule.kind == kind) {
            if rule.when.holds(&self.scope_of(eval_context))? {
                losses.push(rule.loss);
            }
        }
        Ok(losses)
    }

    /// The rows of a vocabulary the manifest lists itself.
    fn known_labels(&self, labels: &str) -> Result<Vec<Map<String, Value>>> {
        let wrong = |e: String| Problem::new(Reason::Manifest, format!("`labels`: {e}"));
        let template = Template::parse(&labels.replace("${", "${$account.")).map_err(wrong)?;
        let text = template.render(&self.scope(&Value::Null))?;
        let rows = text.split(',').map(str::trim).filter(|label| !label.is_empty());
        Ok(rows.map(|label| Map::from_iter([("id".into(), label.into()), ("label".into(), label.into())])).collect())
    }
}
