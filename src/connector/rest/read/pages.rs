//! Reads a manifest's streams: pages of rows, filtered, with what they take along.

use super::nameless::NAMELESS;
use super::parts::Walk;
use crate::connector::manifest::{Denied, Listing, Paging, ReadStream, Since};
use crate::connector::rest::api::ends::Answered;
use crate::connector::rest::api::listed::{Above, Listed};
use crate::connector::rest::api::optional::with_way_out;
use crate::connector::rest::api::paging;
use crate::connector::rest::api::refusal::denied;
use crate::connector::rest::api::shifting::print;
use crate::connector::rest::api::walked::Collected;
use crate::connector::rest::{Rest, asking, asking_address};
use crate::connector::{Page, Row, Shows, Unread};
use crate::error::{Problem, Reason, Result};
use crate::expr::{self, Scope, plain};
use crate::http::Response;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::Value;

/// Detail calls side by side; the pacer decides what really goes out.
const DETAILS: usize = 4;
/// Key of a row whose detail is still to be read.
const BARE: &str = "_bare";

/// A page as it was read.
#[derive(Default)]
pub(crate) struct Leaf {
    pub rows: Vec<Value>,
    pub next: Option<String>,
    pub bookmark: Option<String>,
    /// Path of what tells rows apart, where pages overlap.
    pub id: Option<String>,
    /// Why it was not shown, of a list that need not be.
    pub refused: Option<Problem>,
    /// Whether rows may be lacking that the next run asks for.
    pub in_part: bool,
    /// Of all that the page showed, where the platform names the next one.
    pub print: Option<u64>,
}

impl Leaf {
    /// Whether its list has to be read whole once more.
    fn is_open(&self) -> bool {
        self.refused.is_some() || self.in_part
    }

    /// A page of the only list of a stream.
    fn with(self, mut unread: Unread) -> Self {
        unread.went(0, self.is_open(), self.next.is_none());
        Leaf {
            next: self.next.map(|next| unread.behind(next)),
            bookmark: unread.behind_bookmark(self.bookmark),
            ..self
        }
    }
}

impl Rest {
    pub(crate) fn stream(&self, name: &str) -> Result<&ReadStream> {
        self.manifest.read.get(name).ok_or_else(|| {
            Problem::new(Reason::Manifest, format!("the manifest `{}` has no `[read.{name}]`", self.manifest.name))
        })
    }

    /// One page of a stream without parent.
    pub(super) async fn read_page(&self, name: &str, cursor: Option<&str>, since: Option<Timestamp>) -> Result<Page> {
        let stream = self.stream(name)?;
        let leaf = match &stream.under {
            Some(under) => self.page_under(name, stream, under, cursor).await?,
            None => self.part_page(name, stream, Above::NONE, cursor, since).await?,
        };
        self.went(name, cursor, &leaf)?;
        let (mut rows, mut unread) = (Vec::new(), Vec::new());
        for (row, problem) in self.detailed_each(name, leaf.rows).await? {
            // Of a row that is not all there a filter may judge wrongly.
            if problem.is_some() || self.keeps(stream, &row, Above::NONE, &Value::Null)? {
                rows.push(row);
                unread.push(problem);
            }
        }
        self.saw(name, stream, &rows);
        let refused = self.look_up(stream, &mut rows).await?;
        let unread = unread.into_iter().zip(refused).map(|(unread, refused)| unread.or(refused));
        let rows = rows.into_iter().zip(unread).map(|(raw, unread)| match (self.row(stream, raw), unread) {
            // What was not read of it may be its id.
            (Err(_), Some(unread)) => Err(unread),
            (row, unread) => Ok(Row { unread, ..row? }),
        });
        Ok(Page { rows: rows.collect::<Result<_>>()?, next: leaf.next, bookmark: leaf.bookmark, shows: Shows::Changes })
    }

    /// The whole row of one that was listed without its detail; none where a filter leaves it out.
    pub(super) async fn completed(&self, name: &str, row: &Value) -> Result<Option<Row>> {
        let stream = self.stream(name)?;
        let mut row = row.clone();
        let mut had = |mark| row.as_object_mut().is_some_and(|row| row.shift_remove(mark).is_some());
        let (is_bare, is_nameless) = (had(BARE), had(NAMELESS));
        if is_bare {
            let root = row.clone();
            self.detail(stream, &mut row, &root).await.map_err(|p| p.at(format!("reading {name}")))?;
            if !self.keeps(stream, &row, Above::NONE, &Value::Null)? {
                return Ok(None);
            }
        }
        if is_bare || is_nameless || self.may_be_named(stream, &row) {
            let refused = self.look_up(stream, std::slice::from_mut(&mut row)).await?;
            if let Some(problem) = refused.into_iter().flatten().next() {
                return Err(problem);
            }
        }
        self.row(stream, row).map(Some)
    }

    /// Root rows with their own detail calls, in order.
    pub(crate) async fn detailed(&self, name: &str, rows: Vec<Value>) -> Result<Vec<Value>> {
        let all = self.detailed_each(name, rows).await?;
        all.into_iter().map(|(row, problem)| problem.map_or(Ok(row), Err)).collect()
    }

    /// The same, with the problem of each row whose call failed: it stays as it was listed, and says so.
    async fn detailed_each(&self, name: &str, rows: Vec<Value>) -> Result<Vec<(Value, Option<Problem>)>> {
        let stream = self.stream(name)?;
        let detailed = stream::iter(rows).map(|listed| async move {
            let mut row = listed.clone();
            match self.detail(stream, &mut row, &listed).await {
                Ok(()) => (row, None),
                Err(problem) => {
                    let mut bare = listed;
                    bare[BARE] = true.into();
                    (bare, Some(problem.at(format!("reading {name}"))))
                }
            }
        });
        Ok(detailed.buffered(DETAILS).collect().await)
    }

    /// All rows of a small stream, without their detail calls.
    pub(crate) async fn read_all(&self, name: &str, above: Option<&Value>) -> Result<Vec<Value>> {
        let null = Value::Null;
        let above = above.unwrap_or(&null);
        self.all_pages(name, self.stream(name)?, Above::of(above, above)).await
    }

    pub(crate) fn row(&self, stream: &ReadStream, raw: Value) -> Result<Row> {
        let scope = self.scope(&raw);
        let field = |name: &str| stream.fields.get(name).map(|e| e.eval(&scope)).transpose();
        let id = field("id")?.map(|v| plain(&v)).filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| Problem::new(Reason::BadAnswer, "a row has no id"))?;
        let text = |name: &str| Ok::<_, Problem>(field(name)?.map(|v| plain(&v)).filter(|t| !t.is_empty()));
        let (number, updated_at) = (text("number")?, text("updated_at")?);
        self.showed(updated_at.as_deref());
        Ok(Row { id, number, updated_at, place: None, raw, unread: None })
    }

    /// A stamp the vendor set when it last changed a row tells its time.
    pub(crate) fn showed(&self, stamp: Option<&str>) {
        if let Some(stamp) = stamp.and_then(|stamp| stamp.parse().ok()) {
            self.client.clock().showed(stamp);
        }
    }

    pub(super) async fn all_pages(&self, name: &str, stream: &ReadStream, above: Above<'_>) -> Result<Vec<Value>> {
        let (mut all, mut cursor) = (Collected::default(), None::<String>);
        loop {
            let leaf = self.part_page(name, stream, above, cursor.as_deref(), None).await?;
            cursor = all.take(cursor.as_deref(), leaf).map_err(|p| p.at(format!("reading {name}")))?;
            if cursor.is_none() {
                return Ok(all.into_rows());
            }
        }
    }

    /// One page of a stream whose listing may have several parts: the cursor in a later one is `NUMBER|CURSOR`.
    pub(super) async fn part_page(
        &self,
        name: &str,
        stream: &ReadStream,
        above: Above<'_>,
        cursor: Option<&str>,
        since: Option<Timestamp>,
    ) -> Result<Leaf> {
        if let Some(from) = &stream.from {
            let rows = expr::path(above.parent, from).as_array().cloned().unwrap_or_default();
            return Ok(Leaf { rows: self.kept(stream, rows, above, &Value::Null)?, ..Leaf::default() });
        }
        if above.root.is_null()
            && let Some(account) = self.account().as_object()
            && let Some(rows) =
                self.native.rows(self, account, name).await.map_err(|p| p.at(format!("reading {name}")))?
        {
            return Ok(Leaf { rows: self.kept(stream, rows, above, &Value::Null)?, ..Leaf::default() });
        }
        let Some(first) = Listed::of(stream) else {
            return Err(Problem::new(Reason::Manifest, format!("`[read.{name}]` has neither `path` nor `from`")));
        };
        let (cursor, mut unread) = Unread::split(cursor);
        if stream.then.is_empty() {
            let leaf = self.one_page(name, &first, above, cursor, unread.since(0, since)).await?;
            return Ok(leaf.with(unread));
        }
        let Walk { part, cursor, bookmark } = cursor.map(Walk::parse).unwrap_or_default();
        let later = part.checked_sub(1).and_then(|at| stream.then.get(at));
        let since = unread.since(part, since);
        let leaf = match later {
            Some(listing) => self.later_page(name, stream, listing, above, cursor, since).await?,
            None => self.one_page(name, &first, above, cursor, since).await?,
        };
        // A later run goes on where the first listing ended, however many come after it.
        let first = later.is_none().then(|| leaf.bookmark.clone()).flatten();
        let bookmark = first.as_deref().or(bookmark);
        let next = match leaf.next.as_deref() {
            Some(next) => Some(Walk { part, cursor: Some(next), bookmark: bookmark.filter(|_| part > 0) }),
            None => (part < stream.then.len()).then_some(Walk { part: part + 1, cursor: None, bookmark }),
        };
        let from = Walk { part: 0, cursor: bookmark, bookmark: None };
        let bookmark = bookmark.is_some().then(|| from.write());
        let (next, ended) = (next.map(|next| next.write()), leaf.next.is_none());
        let print = leaf.print.filter(|_| !ended);
        unread.went(part, leaf.is_open(), ended);
        Ok(Leaf {
            next: next.map(|next| unread.behind(next)),
            bookmark: unread.behind_bookmark(bookmark),
            print,
            ..leaf
        })
    }

    async fn later_page(
        &self,
        name: &str,
        stream: &ReadStream,
        listing: &Listing,
        above: Above<'_>,
        cursor: Option<&str>,
        since: Option<Timestamp>,
    ) -> Result<Leaf> {
        let wanted = listing.when.as_ref().map_or(Ok(true), |when| when.holds(&self.scope(&Value::Null)))?;
        let listed = Listed::more(stream, listing);
        match &listing.page {
            Paging::Gaps { .. } if since.is_some() => Ok(Leaf::default()),
            Paging::Gaps { beyond, .. } if wanted => self.gap_page(name, &listed, *beyond, cursor).await,
            Paging::Gaps { .. } => {
                self.tell_gaps(name, listing);
                Ok(Leaf::default())
            }
            _ if wanted => match self.left_out_page(listing) {
                Some(leaf) => Ok(leaf),
                None => {
                    let asked = self.one_page(name, &listed, above, cursor, since).await;
                    asked.map_err(|problem| with_way_out(listing, problem))
                }
            },
            _ => Ok(Leaf::default()),
        }
    }

    pub(crate) async fn asked_page(
        &self,
        name: &str,
        listed: &Listed<'_>,
        above: Above<'_>,
        cursor: Option<&str>,
        since: Option<Timestamp>,
    ) -> Result<Leaf> {
        let since_text = match listed.since {
            Some(rule) => since.map(|at| self.since_text(rule, at)).transpose()?,
            None => None,
        };
        let from = since_text.as_deref().filter(|_| listed.begins_since());
        let ask = paging::ask(listed.page, cursor, from);
        let vars = [("key", ask.key.as_deref()), ("since", since_text.as_deref()), ("mark", Some(above.mark))];
        let vars: Vec<(&str, &str)> = vars.into_iter().filter_map(|(name, text)| Some((name, text?))).collect();
        let scope = Scope { vars: &vars, parent: above.parent, root: above.root, ..self.scope(above.parent) };
        let mut elsewhere = None;
        let call = match &ask.address {
            Some(address) => asking_address(address)?,
            None => {
                let mut query = ask.query;
                for (key, value) in listed.query {
                    let Some(value) = self.sent(name, listed, key, value) else { continue };
                    if !value.is_missing(&scope) {
                        query.push((key.clone(), value.render(&scope)?));
                    }
                }
                // The pages of one list are all asked for alike.
                let in_all = matches!(listed.page, Paging::Shifting { .. });
                if (cursor.is_none() || in_all)
                    && let Some(Since { param: Some(param), first, .. }) = listed.since
                {
                    query.extend(since_text.as_ref().or(first.as_ref()).map(|value| (param.clone(), value.clone())));
                }
                let path = self.native.address(listed.path.render_path(&scope)?, above.root);
                elsewhere = self.native.elsewhere(&path).map(|other| asking(&other, query.clone()));
                asking(&path, query)
            }
        };
        let answered = match (self.ask(call).await, elsewhere) {
            (Err(problem), Some(other)) if problem.reason == Reason::NotFound => self.ask(other).await,
            (answered, _) => answered,
        };
        let response = match answered {
            Ok(response) => response,
            // Below a record that is there it is that record's failure; nor does an account lose a list in the midst of it.
            Err(problem) if !above.root.is_null() || cursor.is_some() => {
                return Err(problem.at(format!("reading {name}")));
            }
            // A page of somebody between here and the platform says nothing of what the account has.
            Err(problem) if problem.foreign => return Err(denied(problem).at(format!("reading {name}"))),
            Err(problem) if problem.reason == Reason::Forbidden && listed.denied != Denied::Fail => {
                return Ok(Leaf { rows: listed.instead.to_vec(), refused: Some(problem), ..Leaf::default() });
            }
            Err(problem) if problem.reason == Reason::NotFound && listed.gone == Denied::Note => {
                return Ok(Leaf { refused: Some(problem), ..Leaf::default() });
            }
            Err(problem) => return Err(problem.at(format!("reading {name}"))),
        };
        self.page_of(listed, above, (cursor, from), &response).map_err(|p| p.at(format!("reading {name}")))
    }

    fn page_of(
        &self,
        listed: &Listed<'_>,
        above: Above<'_>,
        (cursor, from): (Option<&str>, Option<&str>),
        response: &Response,
    ) -> Result<Leaf> {
        let page = shown(response)?;
        let made = listed.rows.map(|rows| rows.eval(&self.scope(&page))).transpose()?;
        let made =
            made.or_else(|| matches!(listed.page, Paging::Gaps { .. }).then(|| Value::Array(vec![page.clone()])));
        let items = made.as_ref().unwrap_or_else(|| listed.items.map_or(&page, |path| expr::path(&page, path)));
        let place = listed.items.unwrap_or(".");
        let rows = if listed.stream.is_some() { records_in(items, place)? } else { list_in(items, place)? };
        let answered = Answered { made: made.is_some(), from, ..Answered::of(response, &page, rows) };
        let next = paging::next(listed.page, cursor, &answered)?;
        let print = (listed.page.names_next() && !rows.is_empty()).then(|| print(&items.to_string()));
        let path = listed.since.and_then(|since| since.cursor.as_deref());
        let bookmark = path.and_then(|path| paging::bookmark(&page, path).or(cursor.map(str::to_owned)));
        let rows = match listed.stream {
            Some(stream) => {
                let mut rows = self.kept(stream, rows.to_vec(), above, &page)?;
                crate::connector::rest::api::lookup::take_along(stream, &mut rows, &page);
                rows
            }
            None => rows.to_vec(),
        };
        let id = listed.page.overlaps_by().map(str::to_owned);
        Ok(Leaf { rows, next, bookmark, id, print, ..Leaf::default() })
    }

    pub(crate) fn kept(
        &self,
        stream: &ReadStream,
        rows: Vec<Value>,
        above: Above<'_>,
        page: &Value,
    ) -> Result<Vec<Value>> {
        if stream.filter.is_none() {
            return Ok(rows);
        }
        let mut kept = Vec::with_capacity(rows.len());
        for row in rows {
            if self.keeps(stream, &row, above, page)? {
                kept.push(row);
            }
        }
        Ok(kept)
    }

    fn keeps(&self, stream: &ReadStream, row: &Value, above: Above<'_>, page: &Value) -> Result<bool> {
        let Some(filter) = &stream.filter else { return Ok(true) };
        filter.holds(&Scope { parent: above.parent, root: above.root, page, ..self.scope(row) })
    }
}

/// The JSON of a page, or of a record that is read on its own. An object with nothing in it is neither: an expression would take it
/// for an empty list.
pub(crate) fn shown(response: &Response) -> Result<Value> {
    let page = response.json()?;
    match page.as_object().is_some_and(serde_json::Map::is_empty) {
        true => Err(Problem::new(Reason::BadAnswer, "the answer is an empty object")),
        false => Ok(page),
    }
}

/// The rows of a list. Anything else at its place is no list, not an empty one.
fn list_in<'a>(items: &'a Value, place: &str) -> Result<&'a [Value]> {
    let none = || Problem::new(Reason::BadAnswer, format!("the answer has no list at `{place}`"));
    items.as_array().map(Vec::as_slice).ok_or_else(none)
}

/// The same of a list of records.
pub(crate) fn records_in<'a>(items: &'a Value, place: &str) -> Result<&'a [Value]> {
    let rows = list_in(items, place)?;
    match rows.iter().all(Value::is_object) {
        true => Ok(rows),
        false => Err(Problem::new(Reason::BadAnswer, "a row of the list is not a record")),
    }
}
