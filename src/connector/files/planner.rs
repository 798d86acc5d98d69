//! What a folder is written by: a copy of each file, a line that makes the record, and one that sets its content.

use super::target::FilesTarget;
use super::{ATTACHMENTS, KINDS, line};
use crate::connector::manifest::Verb;
use crate::connector::mapped::{Mapped, Verbatim};
use crate::connector::plan::{Content, FilePart, Node, Request, Step, Text};
use crate::connector::profile::Profile;
use crate::connector::{LAID, Planner};
use crate::error::{Loss, Problem, Reason, Result};
use crate::ledger::StepKey;
use crate::record::{Kind, Outputs};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

impl Planner for FilesTarget {
    fn profile(&self) -> &Profile {
        &self.0.profile
    }

    fn is_on_paper(&self) -> bool {
        false
    }

    fn writes(&self, kind: Kind) -> bool {
        KINDS.contains(&kind)
    }

    fn takes(&self, _part: &str) -> bool {
        true
    }

    fn answer(&self, _key: &str) -> Option<&Value> {
        None
    }

    fn default_label(&self, _vocabulary: &str) -> Option<String> {
        None
    }

    fn marker_field(&self) -> Option<&str> {
        None
    }

    fn how_to_silence(&self) -> &str {
        ""
    }

    /// A record as it is, whose attachments name where their bytes come to lie.
    fn plan(&self, mapped: &Mapped, marker: &str) -> Result<Vec<Step>> {
        let (kind, Verbatim { record, files }) = (mapped.kind(), verbatim(mapped)?);
        let step = |key: StepKey, verb: Verb, method: &str, path: &str, body: Content| Step {
            key,
            verb,
            request: Request {
                method: method.to_owned(),
                path: Text::parse(path),
                query: vec![],
                headers: vec![],
                body: Some(body),
            },
            fallback: None,
            rule: (kind.code().to_owned(), 0),
            marker: Some(marker.to_owned()),
            private: false,
            scope: json!({ kind.code(): { "id": record.id } }),
            covers: vec![],
            serves: None,
            loss: None,
            only: None,
        };
        let mut steps = Vec::new();
        for file in files {
            let part = FilePart {
                name: file.name.clone(),
                mime: file.mime.clone().unwrap_or_default(),
                hash: file.hash.clone(),
                path: file.path.clone(),
            };
            let key = StepKey::new(LAID, part.name.clone(), 0);
            // It lies there by itself: that the record is written says nothing of a file that came since.
            let copy = step(key.clone(), Verb::Upload, "COPY", ATTACHMENTS, Content::File(part));
            steps.push(Step { serves: Some(key), ..copy });
        }
        let (path, record) = (format!("{kind}.jsonl"), line::value(record)?);
        for (name, verb) in [("record", Verb::Create), ("content", Verb::Update)] {
            // Nothing in a record is a late value, whatever characters it holds.
            let body = Content::Json(Node::Leaf(record.clone()));
            steps.push(step(StepKey::new(name, "", 0), verb, "PUT", &path, body));
        }
        Ok(steps)
    }

    fn losses(&self, _mapped: &Mapped) -> Result<Vec<Loss>> {
        Ok(vec![])
    }

    fn losses_and_plan(&self, mapped: &Mapped, marker: &str) -> Result<(Vec<Loss>, Result<Vec<Step>>)> {
        Ok((self.losses(mapped)?, self.plan(mapped, marker)))
    }

    fn repair(&self, _mapped: &Mapped, _marker: &str) -> Result<Vec<Step>> {
        Ok(vec![])
    }

    fn marks(&self, _kind: Kind) -> bool {
        false
    }

    fn lists_late(&self, _kind: Kind) -> Duration {
        Duration::ZERO
    }

    fn creates(&self, _kind: Kind) -> Option<&str> {
        None
    }

    fn answers(&self, _step: &Step) -> Outputs {
        Outputs::new()
    }

    fn goes_with(&self, _step: &Step) -> Option<(String, u64)> {
        None
    }

    fn reads_back_by(&self, _kind: Kind) -> Vec<String> {
        vec![]
    }

    fn time_for(&self, _calls: &BTreeMap<String, u64>) -> Option<Duration> {
        None
    }

    fn hides(&self, _step: &Step) -> Duration {
        Duration::ZERO
    }
}

/// What a target of this sort is given.
///
/// Errors: `internal` for any other.
pub(super) fn verbatim(mapped: &Mapped) -> Result<&Verbatim> {
    match mapped {
        Mapped::Verbatim(verbatim) => Ok(verbatim),
        other => Err(Problem::new(Reason::Internal, format!("a folder takes a {} as it is", other.kind()))),
    }
}
