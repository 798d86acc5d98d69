//! Children of all roots in one listing, beside the one that is asked per root.

use super::Rest;
use super::read::{Above, Listed};
use crate::connector::manifest::{Bulk, Paging};
use crate::connector::{BulkPage, BulkRow, BulkWay, ChildRows};
use crate::error::{Problem, Reason, Result};
use crate::expr::{self, Scope, plain};
use crate::record::Kind;
use jiff::Timestamp;
use serde_json::Value;

impl Rest {
    fn bulk_of(&self, kind: Kind) -> Option<(&str, &Bulk)> {
        let below = self.manifest.read.iter().filter(|(_, s)| s.is_below(kind.code()));
        below.filter_map(|(name, s)| Some((name.as_str(), s.bulk.as_ref()?))).next()
    }

    /// How the two ways compare for this account now.
    pub(super) fn bulk_way(&self, kind: Kind) -> Option<BulkWay> {
        let (stream, bulk) = self.bulk_of(kind)?;
        let null = Value::Null;
        let rate = |path: &crate::expr::Template| {
            // Ids in a path do not matter to the limits.
            let path = path.render_path(&Scope::of(&null)).unwrap_or_else(|_| self.any_path(stream));
            self.client.pacer().rate_of("GET", &path)
        };
        let one = self.manifest.read.get(stream).and_then(|s| s.path.as_ref());
        Some(BulkWay {
            stream: stream.to_owned(),
            per_root: bulk.per_root,
            per_call: rows_of(&bulk.page),
            calls_per_second: rate(&bulk.path),
            root_calls_per_second: one.and_then(rate),
        })
    }

    /// The path of a child listing with `0` for its ids.
    fn any_path(&self, stream: &str) -> String {
        let zero = serde_json::json!({ "id": 0 });
        let path = self.manifest.read.get(stream).and_then(|s| s.path.as_ref());
        path.and_then(|p| p.render_path(&Scope::of(&zero)).ok()).unwrap_or_default()
    }

    /// One page of the bulk listing, with the root each row belongs to.
    pub(super) async fn bulk_page(
        &self,
        kind: Kind,
        cursor: Option<&str>,
        since: Option<Timestamp>,
    ) -> Result<BulkPage> {
        let (name, bulk) = self
            .bulk_of(kind)
            .ok_or_else(|| Problem::new(Reason::Manifest, format!("nothing below `[read.{kind}]` is read in bulk")))?;
        let leaf = self.one_page(name, &Listed::from(bulk), Above::NONE, cursor, since).await?;
        let mut rows = Vec::new();
        for element in &leaf.rows {
            let root = plain(expr::path(element, &bulk.root));
            let scope = self.scope(element);
            for raw in bulk.rows.eval(&scope)?.as_array().into_iter().flatten() {
                rows.push(BulkRow { root: root.clone(), id: plain(&raw["id"]), raw: Some(raw.clone()) });
            }
            if bulk.unsure.as_ref().map_or(Ok(false), |unsure| unsure.holds(&scope))? {
                rows.push(BulkRow { id: format!("unsure-{root}"), root, raw: None });
            }
        }
        Ok(BulkPage { rows, next: leaf.next, bookmark: leaf.bookmark })
    }

    /// Everything below a root whose rows of the bulk listing are these; none where they cannot be all.
    pub(super) async fn bulk_children(
        &self,
        kind: Kind,
        root: &Value,
        rows: &[Option<Value>],
    ) -> Result<Option<ChildRows>> {
        let Some((name, bulk)) = self.bulk_of(kind) else { return Ok(None) };
        let stream = self.stream(name)?;
        let above = Above::of(root, root);
        if !stream.when.as_ref().map_or(Ok(true), |w| w.holds(&Scope { parent: root, root, ..self.scope(root) }))? {
            return Ok(Some(self.children(kind.code(), root, ChildRows::from([(name.to_owned(), vec![])])).await?));
        }
        let Some(rows) = rows.iter().cloned().collect::<Option<Vec<Value>>>() else { return Ok(None) };
        let expected = bulk.expect.eval(&self.scope(root))?.as_u64().unwrap_or(1).max(1);
        if (rows.len() as u64) < expected {
            return Ok(None);
        }
        let rows = self.kept(stream, rows, above, &Value::Null)?;
        Ok(Some(self.children(kind.code(), root, ChildRows::from([(name.to_owned(), rows)])).await?))
    }
}

/// Rows in a page.
fn rows_of(page: &Paging) -> u64 {
    match page {
        Paging::Number { size, .. }
        | Paging::Offset { size, .. }
        | Paging::Keyset { size, .. }
        | Paging::Window { size, .. }
        | Paging::Shifting { size, .. }
        | Paging::Time { size, .. } => size.rows,
        Paging::Cursor { size, .. } | Paging::Link { size, .. } => size.as_ref().map_or(100, |s| s.rows),
        Paging::Single => u64::MAX,
        Paging::Gaps { .. } => 1,
    }
    .max(1)
}
