//! Root streams that are listed for each row of another one, and within each of their own rows to any depth.
//!
//! One page is all that stands under one row, so that a walk can be taken up at any of them: the cursor is its number and id.

use super::pages::Leaf;
use crate::connector::manifest::{ReadStream, Under};
use crate::connector::rest::Rest;
use crate::connector::rest::api::listed::{Above, Listed};
use crate::connector::rest::api::walked::Collected;
use crate::error::{Problem, Reason, Result};
use crate::expr::{Scope, plain};
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;

impl Rest {
    /// The page at `cursor` of a stream under another one.
    pub(super) async fn page_under(
        &self,
        name: &str,
        stream: &ReadStream,
        under: &Under,
        cursor: Option<&str>,
    ) -> Result<Leaf> {
        let above = self.rows_above(&under.stream).await?;
        let (at, id) = cursor.and_then(|c| c.split_once('|')).unwrap_or(("0", ""));
        let at: usize = at.parse().unwrap_or(0);
        // Rows that came or went since the walk was stopped have moved it.
        let at =
            if id.is_empty() { Some(at) } else { above.iter().position(|row| plain(&row["id"]) == id).or(Some(at)) };
        let Some((at, parent)) = at.and_then(|at| Some((at, above.get(at)?))) else { return Ok(Leaf::default()) };
        let mut rows = self.rows_under(name, stream, parent).await?;
        let mut seen: HashSet<String> = rows.iter().map(|row| plain(&row["id"])).collect();
        let mut from = 0;
        while from < rows.len() {
            for inner in self.rows_within(name, stream, under, &rows[from]).await? {
                if seen.insert(plain(&inner["id"])) {
                    rows.push(inner);
                }
            }
            from += 1;
        }
        for row in &mut rows {
            row["_under"] = parent["id"].clone();
        }
        let next = above.get(at + 1).map(|row| format!("{}|{}", at + 1, plain(&row["id"])));
        Ok(Leaf { rows, next, ..Leaf::default() })
    }

    async fn rows_under(&self, name: &str, stream: &ReadStream, parent: &Value) -> Result<Vec<Value>> {
        let listed = Listed::of(stream)
            .ok_or_else(|| Problem::new(Reason::Manifest, format!("`[read.{name}]` has no `path`")))?;
        self.walk_under(name, &listed, Above::of(parent, parent)).await
    }

    async fn rows_within(&self, name: &str, stream: &ReadStream, under: &Under, row: &Value) -> Result<Vec<Value>> {
        let Some(path) = &under.nested else { return Ok(vec![]) };
        if !under.when.as_ref().map_or(Ok(true), |when| when.holds(&Scope { root: row, ..self.scope(row) }))? {
            return Ok(vec![]);
        }
        let Some(listed) = Listed::of(stream) else { return Ok(vec![]) };
        self.walk_under(name, &listed.at(path), Above::of(row, row)).await
    }

    async fn walk_under(&self, name: &str, listed: &Listed<'_>, above: Above<'_>) -> Result<Vec<Value>> {
        self.all_rows(name, listed, above).await
    }

    /// All rows of the stream above, read once.
    pub(super) async fn rows_above(&self, name: &str) -> Result<Arc<Vec<Value>>> {
        if let Some(known) = self.above.lock().await.get(name) {
            return Ok(Arc::clone(known));
        }
        let stream = self.stream(name)?;
        let (mut all, mut cursor) = (Collected::default(), None::<String>);
        loop {
            let leaf = match &stream.under {
                Some(under) => Box::pin(self.page_under(name, stream, under, cursor.as_deref())).await?,
                None => self.part_page(name, stream, Above::NONE, cursor.as_deref(), None).await?,
            };
            cursor = all.take(cursor.as_deref(), leaf)?;
            if cursor.is_none() {
                break;
            }
        }
        let rows = Arc::new(all.into_rows());
        self.above.lock().await.insert(name.to_owned(), Arc::clone(&rows));
        Ok(rows)
    }
}
