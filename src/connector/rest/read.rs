//! Reads a manifest's streams: pages of root rows, and everything below one row.

use super::paging::{self, Answered};
use super::{Rest, asking, asking_address};
use crate::connector::manifest::{Denied, ReadStream, Since};
use crate::connector::{ChildRows, Page, Row};
use crate::error::{Problem, Reason, Result};
use crate::expr::{self, Path, Predicate, Scope, TimeFormat, plain};
use crate::http::Response;
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashSet;

/// Levels of streams below a root stream. Deeper manifests are a mistake.
const DEEPEST: usize = 6;
/// Detail calls side by side; the pacer decides what really goes out.
const DETAILS: usize = 4;

/// The rows above the one a stream is read for.
#[derive(Clone, Copy)]
pub(super) struct Above<'a> {
    pub parent: &'a Value,
    pub root: &'a Value,
    /// What the markers that are scanned for begin with.
    pub mark: &'a str,
}

impl Rest {
    pub(super) fn stream(&self, name: &str) -> Result<&ReadStream> {
        self.manifest.read.get(name).ok_or_else(|| {
            Problem::new(Reason::Manifest, format!("the manifest `{}` has no `[read.{name}]`", self.manifest.name))
        })
    }

    /// One page of a stream without parent.
    pub(super) async fn read_page(&self, name: &str, cursor: Option<&str>, since: Option<Timestamp>) -> Result<Page> {
        let stream = self.stream(name)?;
        let since =
            since.zip(stream.since.as_ref()).map(|(at, s)| self.since_text(s, at)).transpose()?.unwrap_or_default();
        let null = Value::Null;
        let above = Above { parent: &null, root: &null, mark: "" };
        let (rows, next) = self.one_page(name, stream, above, cursor, &since).await?;
        let rows = self.detailed(name, rows).await?;
        let rows = self.kept(stream, rows, above, &null)?;
        let rows = rows.into_iter().map(|raw| self.row(stream, raw)).collect::<Result<_>>()?;
        Ok(Page { rows, next })
    }

    /// Root rows with their own detail calls, in order.
    pub(super) async fn detailed(&self, name: &str, rows: Vec<Value>) -> Result<Vec<Value>> {
        let stream = self.stream(name)?;
        let detailed = stream::iter(rows).map(|mut row| async move {
            let root = row.clone();
            self.detail(stream, &mut row, &root).await.map_err(|p| p.at(format!("reading {name}")))?;
            Ok::<Value, Problem>(row)
        });
        detailed.buffered(DETAILS).try_collect().await
    }

    /// All rows of a small stream, without their detail calls.
    pub(super) async fn read_all(&self, name: &str, above: Option<&Value>) -> Result<Vec<Value>> {
        let null = Value::Null;
        let above = above.unwrap_or(&null);
        self.all_pages(name, self.stream(name)?, Above { parent: above, root: above, mark: "" }).await
    }

    fn row(&self, stream: &ReadStream, raw: Value) -> Result<Row> {
        let scope = self.scope(&raw);
        let field = |name: &str| stream.fields.get(name).map(|e| e.eval(&scope)).transpose();
        let id = field("id")?.map(|v| plain(&v)).filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| Problem::new(Reason::BadAnswer, "a row has no id"))?;
        let text = |name: &str| Ok::<_, Problem>(field(name)?.map(|v| plain(&v)).filter(|t| !t.is_empty()));
        let (number, updated_at) = (text("number")?, text("updated_at")?);
        Ok(Row { id, number, updated_at, raw })
    }

    /// Everything below a root row, by stream name. A stream may stand below another to any depth.
    pub(super) async fn children(&self, root_stream: &str, root: &Value) -> Result<ChildRows> {
        let mut found = ChildRows::new();
        let mut level: Vec<(String, Vec<Value>)> = vec![(root_stream.to_owned(), vec![root.clone()])];
        for _ in 0..DEEPEST {
            let mut below = Vec::new();
            for (parent, parents) in &level {
                for (name, stream) in self.manifest.read.iter().filter(|(_, s)| s.is_below(parent)) {
                    let mut rows = Vec::new();
                    for parent in parents {
                        rows.extend(self.all_pages(name, stream, Above { parent, root, mark: "" }).await?);
                    }
                    below.push((name.clone(), rows));
                }
            }
            if below.is_empty() {
                break;
            }
            found.extend(below.iter().cloned());
            level = below;
        }
        self.join(&mut found)?;
        self.details(&mut found, root).await?;
        Ok(found)
    }

    async fn all_pages(&self, name: &str, stream: &ReadStream, above: Above<'_>) -> Result<Vec<Value>> {
        let mut rows = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let (page, next) = self.one_page(name, stream, above, cursor.as_deref(), "").await?;
            rows.extend(page);
            match next {
                Some(next) => cursor = Some(next),
                None => return Ok(rows),
            }
        }
    }

    pub(super) async fn one_page(
        &self,
        name: &str,
        stream: &ReadStream,
        above: Above<'_>,
        cursor: Option<&str>,
        since: &str,
    ) -> Result<(Vec<Value>, Option<String>)> {
        if let Some(from) = &stream.from {
            let rows = expr::path(above.parent, from).as_array().cloned().unwrap_or_default();
            return Ok((self.kept(stream, rows, above, &Value::Null)?, None));
        }
        let Some(path) = &stream.path else {
            return Err(Problem::new(Reason::Manifest, format!("`[read.{name}]` has neither `path` nor `from`")));
        };
        let ask = paging::ask(&stream.page, cursor);
        let mark = above.mark;
        let vars = [("key", ask.key.as_deref().unwrap_or_default()), ("since", since), ("mark", mark)];
        let scope = Scope { vars: &vars, parent: above.parent, root: above.root, ..self.scope(above.parent) };
        let call = match &ask.address {
            Some(address) => asking_address(address)?,
            None => {
                let mut query = ask.query;
                for (key, value) in &stream.query {
                    query.push((key.clone(), value.render(&scope)?));
                }
                asking(&path.render_path(&scope)?, query)
            }
        };
        let response = match self.ask(call).await {
            Ok(response) => response,
            Err(problem) if problem.reason == Reason::Forbidden && stream.denied == Denied::Note => {
                tracing::info!(target: "deskferry::read", stream = name, "not readable with this plan or right");
                return Ok((vec![], None));
            }
            Err(problem) => return Err(problem.at(format!("reading {name}"))),
        };
        self.page_of(stream, above, cursor, &response).map_err(|p| p.at(format!("reading {name}")))
    }

    fn page_of(
        &self,
        stream: &ReadStream,
        above: Above<'_>,
        cursor: Option<&str>,
        response: &Response,
    ) -> Result<(Vec<Value>, Option<String>)> {
        let page = response.json()?;
        let items = stream.items.as_deref().map_or(&page, |path| expr::path(&page, path));
        let Some(rows) = items.as_array() else {
            let place = stream.items.as_deref().unwrap_or(".");
            return Err(Problem::new(Reason::BadAnswer, format!("there is no list at `{place}` of the answer")));
        };
        let link = response.header("link");
        let next = paging::next(&stream.page, cursor, &Answered { page: &page, rows, link, asked: &response.url })?;
        Ok((self.kept(stream, rows.clone(), above, &page)?, next))
    }

    fn kept(&self, stream: &ReadStream, rows: Vec<Value>, above: Above<'_>, page: &Value) -> Result<Vec<Value>> {
        let Some(filter) = &stream.filter else { return Ok(rows) };
        let mut kept = Vec::with_capacity(rows.len());
        for row in rows {
            if filter.holds(&Scope { parent: above.parent, root: above.root, page, ..self.scope(&row) })? {
                kept.push(row);
            }
        }
        Ok(kept)
    }

    /// Drops rows that belong to no row of the stream they are joined to.
    fn join(&self, found: &mut ChildRows) -> Result<()> {
        for (name, stream) in &self.manifest.read {
            let Some(of) = &stream.of else { continue };
            let Some(owners) = found.get(&of.stream) else { continue };
            let owner = self.stream(&of.stream)?;
            let ids: HashSet<String> =
                owners.iter().map(|raw| Ok(self.row(owner, raw.clone())?.id)).collect::<Result<_>>()?;
            let key = Path::parse(&of.key).map_err(|e| Problem::new(Reason::Manifest, e))?;
            if let Some(rows) = found.get_mut(name) {
                rows.retain(|row| ids.contains(&key_of(&key.of(&Scope::of(row)))));
            }
        }
        Ok(())
    }

    async fn details(&self, found: &mut ChildRows, root: &Value) -> Result<()> {
        for (name, rows) in found.iter_mut() {
            let stream = self.stream(name)?;
            for row in rows.iter_mut() {
                self.detail(stream, row, root).await.map_err(|p| p.at(format!("reading {name}")))?;
            }
        }
        Ok(())
    }

    /// Overlays a row with its own detail call, where the stream has one.
    pub(super) async fn detail(&self, stream: &ReadStream, row: &mut Value, root: &Value) -> Result<()> {
        let Some(detail) = &stream.detail else { return Ok(()) };
        let scope = Scope { root, ..self.scope(row) };
        if !detail.when.as_ref().map_or(Ok(true), |when: &Predicate| when.holds(&scope))? {
            return Ok(());
        }
        let mut query = Vec::new();
        for (key, value) in &detail.query {
            query.push((key.clone(), value.render(&scope)?));
        }
        let answer = self.get(&detail.path.render_path(&scope)?, &query).await?;
        let item = detail.item.as_deref().map_or(Cow::Borrowed(&answer), |p| Cow::Borrowed(expr::path(&answer, p)));
        if let Some(into) = &detail.into {
            row[into] = item.into_owned();
        } else if let (Some(row), Some(item)) = (row.as_object_mut(), item.as_object()) {
            // The listing's own id stays: some vendors type it differently in the detail.
            let id = row.get("id").cloned();
            row.extend(item.clone());
            if let Some(id) = id {
                row.insert("id".into(), id);
            }
        }
        Ok(())
    }

    /// The `$since` text of a stream for a time: in its format and zone, less the overlap.
    pub(super) fn since_text(&self, since: &Since, at: Timestamp) -> Result<String> {
        let wrong = |e: String| Problem::new(Reason::Manifest, e);
        let zone = match &since.zone {
            None => None,
            Some(zone) => {
                let account = self.account();
                let template = zone.replace("${", "${$account.");
                let template = expr::Template::parse(&template).map_err(wrong)?;
                Some(template.render(&Scope { account, ..Scope::of(&Value::Null) })?)
            }
        };
        let format = TimeFormat::new(&since.format, zone.as_deref()).map_err(wrong)?;
        let overlap = SignedDuration::from_secs(i64::try_from(since.overlap).unwrap_or(i64::MAX));
        let from = at.checked_sub(overlap).unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(since.text.replace("${$time}", &format.write(from)))
    }
}

/// A key that is an id, or a link object that holds one.
fn key_of(value: &Value) -> String {
    match value {
        Value::Object(link) => link.get("id").map(plain).unwrap_or_default(),
        other => plain(other),
    }
}
