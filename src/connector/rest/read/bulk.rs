//! Children of all roots in one listing, beside the one that is asked per root.

use super::refused::refuses;
use crate::connector::manifest::{Bulk, Denied, Paging, ReadStream};
use crate::connector::rest::Rest;
use crate::connector::rest::api::listed::{Above, Listed};
use crate::connector::{BulkPage, BulkRow, BulkRows, BulkWay, ChildRows};
use crate::error::{Problem, Reason, Result};
use crate::expr::{self, Scope, plain};
use crate::record::Kind;
use jiff::Timestamp;
use serde_json::Value;

impl Rest {
    fn bulks_of(&self, kind: Kind) -> impl Iterator<Item = (&str, &ReadStream, &Bulk)> {
        let below = self.manifest.read.iter().filter(move |(_, s)| s.is_below(kind.code()));
        below.filter_map(|(name, s)| Some((name.as_str(), s, s.bulk.as_ref()?)))
    }

    /// How the two ways compare for this account now, for each stream that has both and is wanted.
    pub(super) fn bulk_ways(&self, kind: Kind) -> Vec<BulkWay> {
        let ways = self.bulks_of(kind).filter(|(_, _, bulk)| self.is_wanted(bulk));
        ways.map(|(name, stream, bulk)| self.bulk_way(name, stream, bulk)).collect()
    }

    fn is_wanted(&self, bulk: &Bulk) -> bool {
        let when = bulk.when.as_ref();
        when.is_none_or(|when| when.holds(&self.scope(&Value::Null)).unwrap_or_default())
    }

    /// Streams of which only a bulk listing may have rows of this root, as far as the account has them and they are not given.
    pub(super) fn alone_in_bulk(&self, kind: Kind, root: &Value, given: &BulkRows) -> Result<Vec<String>> {
        let mut alone = Vec::new();
        for (name, _, bulk) in self.bulks_of(kind) {
            let is_there = !given.contains_key(name) && !self.plan_lacks(name) && !self.is_refused_in_bulk(name);
            let holds = bulk.alone.as_ref().map_or(Ok(false), |alone| alone.holds(&self.scope(root)))?;
            if holds && is_there && self.is_wanted(bulk) {
                alone.push(name.to_owned());
            }
        }
        Ok(alone)
    }

    fn bulk_way(&self, name: &str, stream: &ReadStream, bulk: &Bulk) -> BulkWay {
        let null = Value::Null;
        let rate = |path: &crate::expr::Template| {
            // Ids in a path do not matter to the limits.
            let path = path.render_path(&Scope::of(&null)).unwrap_or_else(|_| any_path(stream));
            self.client.pacer().rate_of("GET", &path)
        };
        BulkWay {
            stream: name.to_owned(),
            sparse: bulk.sparse,
            incremental: bulk.since.is_some(),
            by_plan: stream.denied == Denied::Plan,
            per_root: bulk.per_root,
            per_call: rows_of(&bulk.page),
            calls_per_second: rate(&bulk.path),
            root_calls_per_second: stream.path.as_ref().and_then(rate),
        }
    }

    /// One page of the bulk listing, with the root each row belongs to.
    pub(super) async fn bulk_page(
        &self,
        kind: Kind,
        name: &str,
        cursor: Option<&str>,
        since: Option<Timestamp>,
    ) -> Result<BulkPage> {
        let (_, stream, bulk) = self
            .bulks_of(kind)
            .find(|(stream, ..)| *stream == name)
            .ok_or_else(|| Problem::new(Reason::Manifest, format!("`[read.{name}]` is not read in bulk")))?;
        let leaf =
            self.one_page(name, &Listed::from(bulk), Above::NONE, cursor, since).await.inspect_err(|problem| {
                if refuses(problem) && stream.denied == Denied::Plan {
                    self.refused_in_bulk(name);
                }
            })?;
        self.went(&format!("all {name}s"), cursor, &leaf)?;
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

    /// Everything below a root with these rows of bulk listings; none where they cannot be all.
    pub(super) async fn bulk_children(&self, kind: Kind, root: &Value, bulk: &BulkRows) -> Result<Option<ChildRows>> {
        let mut given = ChildRows::new();
        for (name, rows) in self.whole_of(kind, root, bulk)? {
            let Some(rows) = rows else { return Ok(None) };
            given.insert(name, rows);
        }
        Ok(Some(self.children(kind.code(), root, given).await?))
    }

    /// Everything below a root; what these rows of bulk listings may lack is asked for.
    pub(super) async fn children_with(&self, kind: Kind, root: &Value, bulk: &BulkRows) -> Result<ChildRows> {
        let given = self.whole_of(kind, root, bulk)?.into_iter().filter_map(|(name, rows)| Some((name, rows?)));
        self.children(kind.code(), root, given.collect()).await
    }

    /// Of each stream that was listed in bulk the root's rows, if they are all.
    fn whole_of(&self, kind: Kind, root: &Value, bulk: &BulkRows) -> Result<Vec<(String, Option<Vec<Value>>)>> {
        let listed = self.bulks_of(kind).filter_map(|(name, stream, rule)| Some((name, stream, rule, bulk.get(name)?)));
        listed.map(|(name, stream, rule, rows)| Ok((name.to_owned(), self.own(stream, rule, root, rows)?))).collect()
    }

    fn own(
        &self,
        stream: &ReadStream,
        bulk: &Bulk,
        root: &Value,
        rows: &[Option<Value>],
    ) -> Result<Option<Vec<Value>>> {
        // What `when` leaves out is asked for by no call of its own; what the listing holds of it is there all the same.
        let asked =
            stream.when.as_ref().map_or(Ok(true), |w| w.holds(&Scope { parent: root, root, ..self.scope(root) }))?;
        if !asked && rows.is_empty() {
            return Ok(Some(vec![]));
        }
        let Some(rows) = rows.iter().cloned().collect::<Option<Vec<Value>>>() else { return Ok(None) };
        let expected = bulk.expect.eval(&self.scope(root))?.as_u64().unwrap_or(1);
        if (rows.len() as u64) < expected {
            return Ok(None);
        }
        self.kept(stream, rows, Above::of(root, root), &Value::Null).map(Some)
    }
}

/// The path of a child listing with `0` for its ids.
fn any_path(stream: &ReadStream) -> String {
    let zero = serde_json::json!({ "id": 0 });
    stream.path.as_ref().and_then(|p| p.render_path(&Scope::of(&zero)).ok()).unwrap_or_default()
}

/// Rows in a page.
fn rows_of(page: &Paging) -> u64 {
    match page {
        Paging::Number { size, .. }
        | Paging::Offset { size, .. }
        | Paging::Keyset { size, .. }
        | Paging::Window { size, .. }
        | Paging::Shifting { size, .. } => size.rows,
        Paging::Cursor { size, .. } | Paging::Link { size, .. } | Paging::Time { size, .. } => {
            size.as_ref().map_or(100, |s| s.rows)
        }
        Paging::Single => u64::MAX,
        Paging::Gaps { .. } => 1,
    }
    .max(1)
}
