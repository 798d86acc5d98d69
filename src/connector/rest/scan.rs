//! Scans the target for our markers: a listing of its own, such as a delta stream, that hides nothing and lags behind nothing.
//!
//! It settles steps in doubt where a search would be late or blind, and restores a lost ledger.

use super::Rest;
use super::apply::Named;
use super::read::{Above, Leaf, Listed};
use crate::connector::manifest::ReadStream;
use crate::connector::plan::{LateValues, Step, Text};
use crate::connector::{Found, Marked};
use crate::error::{Problem, Reason, Result};
use crate::expr::{Expr, plain};
use crate::ledger::Remote;
use crate::record::{Kind, Outputs};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

impl Rest {
    /// One page of `[scan.KIND]`; none where the manifest has no such section.
    pub(super) async fn scan_page(
        &self,
        kind: Kind,
        prefix: &str,
        since: Option<Timestamp>,
        cursor: Option<&str>,
    ) -> Result<Option<Marked>> {
        let Some(stream) = self.manifest.scan.get(kind.code()) else { return Ok(None) };
        let above = Above { mark: prefix, ..Above::NONE };
        let name = format!("marked {kind}s");
        let listed = Listed::of(stream)
            .ok_or_else(|| Problem::new(Reason::Manifest, format!("`[scan.{kind}]` has no `path`")))?;
        let Leaf { rows, next, .. } = self.one_page(&name, &listed, above, cursor, since).await?;
        let mut marked = Marked { rows: Vec::new(), next };
        for row in &rows {
            for mark in self.marks(stream, row)?.into_iter().filter(|mark| mark.starts_with(prefix)) {
                marked.rows.push((mark, self.marked(stream, row)?));
            }
        }
        Ok(Some(marked))
    }

    /// The record a step made, by its marker, among all that changed since.
    pub(super) async fn scan_for(&self, step: &Step, late: &LateValues, since: Timestamp) -> Result<Found> {
        let (Some(marker), Some(kind)) = (&step.marker, Kind::from_code(&step.rule.0)) else {
            return Ok(Found::CannotTell);
        };
        let marker = Text::parse(marker).fill(late)?;
        let mut ours: BTreeMap<String, Remote> = BTreeMap::new();
        let mut cursor: Option<String> = None;
        while let Some(page) = self.scan_page(kind, &marker, Some(since), cursor.as_deref()).await? {
            let exact = page.rows.into_iter().filter(|(mark, _)| *mark == marker);
            ours.extend(exact.map(|(_, remote)| (remote.id.clone(), remote)));
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        let many = ours.len();
        Ok(match ours.into_values().next() {
            Some(remote) if many == 1 => Found::Yes(remote),
            Some(_) => Found::Many(many),
            None => Found::No,
        })
    }

    fn marks(&self, stream: &ReadStream, row: &Value) -> Result<Vec<String>> {
        let wrong = || Problem::new(Reason::Manifest, "a scan needs the field `mark`");
        let marks = stream.fields.get("mark").ok_or_else(wrong)?.eval(&self.scope(row))?;
        Ok(match marks {
            Value::Null => vec![],
            Value::Array(marks) => marks.iter().map(plain).collect(),
            mark => vec![plain(&mark)],
        })
    }

    fn marked(&self, stream: &ReadStream, row: &Value) -> Result<Remote> {
        const OWN: [&str; 4] = ["id", "number", "url", "mark"];
        let field = |name: &str| stream.fields.get(name);
        let more = stream.fields.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
        let outputs: BTreeMap<String, Expr> = more.map(|(name, expr)| (name.clone(), expr.clone())).collect();
        let named = Named { id: field("id"), number: field("number"), url: None, outputs: &outputs };
        let remote = self.remote_of(row, &Value::Null, &Value::Null, &named)?;
        let url = field("url").map(|url| url.eval(&self.scope(row))).transpose()?;
        let outputs: Outputs = remote.outputs.into_iter().filter(|(_, value)| !value.is_null()).collect();
        Ok(Remote { url: url.filter(|u| !u.is_null()).map(|u| plain(&u)), outputs, ..remote })
    }
}
