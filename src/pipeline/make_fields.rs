//! Fields and options the mapping wants and the target lacks: made before the tickets that need them, by steps of the ledger
//! like any other record.

use super::Stop;
use super::migrate::Run;
use super::translate::{Translated, to_be_made};
use super::turn::Turn;
use super::write::{Broken, Migrated};
use super::written::done;
use crate::connector::mapped::{Mapped, MappedField};
use crate::connector::plan::MARKER;
use crate::error::{Problem, Reason, Result};
use crate::ledger::{End, Origin, RecordRow, Remote};
use crate::record::{Field, Kind, Record};
use std::sync::Arc;

/// Platforms have fields of their own whose names nobody else may have, and that they do not list among custom ones.
fn taken(broken: Broken) -> Broken {
    match broken {
        Broken::Trouble(problem) if problem.reason == Reason::Conflict => {
            let hint = "a field of the platform's own may have this name: say another with `to`";
            Broken::failed(problem.hint(hint))
        }
        other => other,
    }
}

/// The id of the field that is there.
fn id_there(mapped: &Mapped) -> String {
    let Mapped::Field(MappedField { target: Some(row), .. }) = mapped else { return String::new() };
    row.get("id").map(crate::expr::plain).unwrap_or_default()
}

impl Run<'_> {
    /// Makes a field, or adds options to one that is there.
    pub(super) async fn write_field(
        &self,
        record: &Record,
        translated: &Translated,
        turn: &mut Turn,
    ) -> Result<End, Broken> {
        let (link, id) = (&self.job.link, record.id.as_str());
        let marker = format!("{MARKER}{}:{}:{id}", link.mark(), Kind::Field);
        let steps = match self.job.target.plan(&translated.mapped, &marker) {
            Ok(steps) => steps,
            Err(problem) => return Ok(End::Failed { problem }),
        };
        link.planned(Kind::Field, id, translated.losses.clone()).await?;
        let migrated = Migrated { kind: Kind::Field, id, steps: &steps, rebuilt_at: None, has_steps: true };
        let progress = self.writer.migrate(&migrated, turn).await.map_err(taken)?;
        let there = || Remote { id: id_there(&translated.mapped), ..Remote::default() };
        let (remote, origin) = progress.created.unwrap_or_else(|| (there(), Origin::Matched));
        Ok(done(remote, origin, None))
    }

    /// Whether an earlier run sent the call that makes this field and did not hear its answer.
    pub(super) async fn is_making(&self, row: &RecordRow) -> Result<bool, Problem> {
        let Some(create) = self.job.target.creates(Kind::Field) else { return Ok(false) };
        let steps = self.job.link.steps(Kind::Field, &row.id).await?;
        Ok(steps.iter().any(|step| step.key.step == create && step.state.in_doubt()))
    }

    /// Learns what is known of the source's fields, before one of them or a ticket is looked at, and tells what shares a field.
    pub(super) async fn know_fields(&mut self) -> Result<(), Stop> {
        let rules = self.job.rules_of_fields(&self.translator.target_metadata).await?;
        self.job.tell_shared_fields(&rules, &self.translator.target_metadata).await?;
        Arc::make_mut(&mut self.translator).mapping.ticket.custom = rules;
        Ok(())
    }

    /// Takes in what the fields of the target are now. What a dry run only would have made is not listed there: it stands in
    /// under the id its step answered.
    pub(super) async fn learn_fields(&mut self) -> Result<(), Stop> {
        let rules = self.translator.mapping.ticket.custom.clone();
        if !self.job.target.writes(Kind::Field) || !rules.0.values().any(|rule| rule.create) {
            return Ok(());
        }
        let mut target_metadata = (*self.translator.target_metadata).clone();
        target_metadata.read_fields(self.job.target.as_ref()).await?;
        let profile = self.job.target.profile();
        for (id, field) in self.job.fields_of_tickets().await? {
            let Some(rule) = rules.rule(&field.key, Some(&field.title)).filter(|rule| rule.create) else { continue };
            let Some(remote) = self.job.link.target_of(Kind::Field, &id).await? else { continue };
            let there = target_metadata.fields().iter().find(|there| target_metadata.field_id(there) == remote.id);
            let key = there.map_or_else(|| remote.id.clone(), |there| there.key.clone());
            let is_free = |value: &str| rules.is_free(value, target_metadata.fields());
            let Some(made) = to_be_made(&field, rule, rules.title(&field), profile, &is_free) else { continue };
            target_metadata.learn(Field { key, ..made }, &remote.id);
        }
        let translator = Arc::make_mut(&mut self.translator);
        translator.requirements = target_metadata.requirements();
        translator.target_metadata = Arc::new(target_metadata);
        self.know_fields().await
    }
}
