//! What stands below a root row: its children to any depth, their details, and the rows of a bulk listing that are its own.

use super::pages::{Leaf, shown};
use crate::connector::ChildRows;
use crate::connector::manifest::{Detail, Paging, ReadStream, unlisted};
use crate::connector::rest::api::ends::Answered;
use crate::connector::rest::api::listed::Above;
use crate::connector::rest::api::paging;
use crate::connector::rest::api::walked::Steps;
use crate::connector::rest::{Rest, asking, asking_address};
use crate::error::{Problem, Reason, Result};
use crate::expr::{self, Path, Predicate, Scope, plain};
use crate::http::Call;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashSet;

/// Levels of streams below a root stream. Deeper manifests are a mistake.
const DEEPEST: usize = 6;

impl Rest {
    /// Everything below a root row, by stream name. A stream may stand below another to any depth. What is
    /// `given` is not asked for again.
    pub(crate) async fn children(&self, root_stream: &str, root: &Value, mut given: ChildRows) -> Result<ChildRows> {
        let mut found = ChildRows::new();
        let mut level: Vec<(String, Vec<Value>)> = vec![(root_stream.to_owned(), vec![root.clone()])];
        for _ in 0..DEEPEST {
            let mut below = Vec::new();
            for (parent, parents) in &level {
                let streams = self.manifest.read.iter().filter(|(_, s)| s.is_below(parent) && !s.is_inside());
                for (name, stream) in streams {
                    let rows = match given.remove(name) {
                        Some(rows) => rows,
                        None => self.below(name, stream, parents, root).await?,
                    };
                    below.push((name.clone(), rows));
                }
            }
            if below.is_empty() {
                break;
            }
            found.extend(below.iter().cloned());
            level = below;
        }
        self.count(&found, root).await?;
        self.join(&mut found)?;
        self.details(&mut found, root).await?;
        Ok(found)
    }

    async fn below(&self, name: &str, stream: &ReadStream, parents: &[Value], root: &Value) -> Result<Vec<Value>> {
        let mut rows = Vec::new();
        if self.plan_lacks(name) {
            return Ok(rows);
        }
        for parent in parents {
            let scope = Scope { parent, root, ..self.scope(parent) };
            if !stream.when.as_ref().map_or(Ok(true), |when| when.holds(&scope))? {
                continue;
            }
            let given = stream.given.as_ref().and_then(|path| expr::path(parent, path).as_array().cloned());
            if let Some(given) = given {
                rows.extend(self.kept(stream, given, Above::of(parent, root), &Value::Null)?);
                continue;
            }
            match self.all_pages(name, stream, Above::of(parent, root)).await {
                Ok(more) => rows.extend(more),
                Err(problem) if self.is_lacked(name, stream, &problem, root).await => return Ok(vec![]),
                Err(problem) => return Err(problem),
            }
        }
        Ok(rows)
    }

    /// Compares the rows below a root with the number of them that the root itself declares.
    async fn count(&self, found: &ChildRows, root: &Value) -> Result<()> {
        for (name, rows) in found {
            let declared = self.declared(name, root)?;
            if rows.len() as u64 >= declared {
                continue;
            }
            let way_out = unlisted(name);
            // What is left out on purpose has to be lacking twice: one answer may have been short.
            if self.leaves_out(&way_out)
                && self.below(name, self.stream(name)?, std::slice::from_ref(root), root).await?.len() == rows.len()
            {
                continue;
            }
            let title = &self.manifest.title;
            let what = format!("{title} counts {declared} {name}s of it, and lists {}", rows.len());
            return Err(Problem::new(Reason::NotListed, what).hint(format!(
                "look at it in {title}: where it shows no more either, say `leave_out = [\"{way_out}\"]` under [source] to \
                 migrate such records without them"
            )));
        }
        Ok(())
    }

    /// How many rows of a stream below it a root declares; none where it does not say.
    pub(crate) fn declared(&self, name: &str, root: &Value) -> Result<u64> {
        let stream = self.stream(name)?;
        let Some(declared) = &stream.declared else { return Ok(0) };
        let scope = Scope { parent: root, root, ..self.scope(root) };
        match stream.when.as_ref().map_or(Ok(true), |when| when.holds(&scope))? {
            true => Ok(declared.eval(&scope)?.as_u64().unwrap_or(0)),
            false => Ok(0),
        }
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
    pub(crate) async fn detail(&self, stream: &ReadStream, row: &mut Value, root: &Value) -> Result<()> {
        let Some(detail) = &stream.detail else { return Ok(()) };
        if let Some(each) = &detail.each {
            let answers = self.details_of_each(detail, each, row).await?;
            row[detail.into.as_deref().unwrap_or(each)] = answers.into();
            return Ok(());
        }
        let scope = Scope { root, ..self.scope(row) };
        if !detail.when.as_ref().map_or(Ok(true), |when: &Predicate| when.holds(&scope))? {
            return Ok(());
        }
        let mut query = Vec::new();
        for (key, value) in &detail.query {
            query.push((key.clone(), value.render(&scope)?));
        }
        let asked = detail.path.names(".id").then(|| plain(&row["id"]));
        let item = self.whole_item(asking(&detail.path.render_path(&scope)?, query), detail.item.as_deref()).await?;
        if let Some(into) = &detail.into {
            is_something(&item, detail)?;
            row[into] = item;
            return Ok(());
        }
        is_of(&item, asked.as_deref())?;
        if let (Some(row), Some(item)) = (row.as_object_mut(), self.kept_of(detail, &item)?.as_object()) {
            // The listing's own id stays: some vendors type it differently in the detail.
            let id = row.get("id").cloned();
            row.extend(item.clone());
            if let Some(id) = id {
                row.insert("id".into(), id);
            }
        }
        Ok(())
    }
}

impl Rest {
    /// What a detail call answers at a path. A list may have further pages: they are asked for where the answer names them.
    async fn whole_item(&self, call: Call, path: Option<&str>) -> Result<Value> {
        let at = |page: &Value| path.map_or(page, |path| expr::path(page, path)).clone();
        let mut response = self.ask(call).await?;
        let mut page = shown(&response)?;
        let mut item = with_its_id(at(&page), &page, path);
        let (mut cursor, mut steps) = (None::<String>, Steps::default());
        while let Value::Array(all) = &mut item {
            let rows = at(&page);
            let Some(rows) = rows.as_array() else {
                return Err(Problem::new(Reason::BadAnswer, "a page of a list is not valid"));
            };
            if cursor.is_some() {
                all.extend_from_slice(rows);
            }
            let next = paging::next(&Paging::Single, cursor.as_deref(), &Answered::of(&response, &page, rows))?;
            steps.went(cursor.as_deref(), &Leaf { next: next.clone(), ..Leaf::default() })?;
            let Some(next) = next else { break };
            response = self.ask(asking_address(&next)?).await?;
            page = shown(&response)?;
            cursor = Some(next);
        }
        Ok(item)
    }

    /// What of a detail is laid over its row.
    fn kept_of<'v>(&self, detail: &Detail, item: &'v Value) -> Result<Cow<'v, Value>> {
        match &detail.keep {
            None => Ok(Cow::Borrowed(item)),
            Some(keep) => keep.eval(&self.scope(item)).map(Cow::Owned),
        }
    }

    /// The answers of a detail call for each row of another stream.
    async fn details_of_each(&self, detail: &Detail, each: &str, row: &Value) -> Result<Vec<Value>> {
        let mut answers = Vec::new();
        let asked = detail.path.names(".id").then(|| plain(&row["id"]));
        for of in self.rows_above(each).await?.iter() {
            if !detail.when.as_ref().map_or(Ok(true), |when| when.holds(&self.scope(of)))? {
                continue;
            }
            let scope = Scope { parent: of, ..self.scope(row) };
            let answer = match self.get(&detail.path.render_path(&scope)?, &[]).await {
                Ok(answer) => answer,
                // That there is none is the platform's to say, and not that of a page between here and there.
                Err(problem) if problem.reason == Reason::NotFound && !problem.foreign => continue,
                Err(problem) => return Err(problem),
            };
            let mut answer = detail.item.as_deref().map_or(&answer, |path| expr::path(&answer, path)).clone();
            is_something(&answer, detail)?;
            if !answer.is_object() {
                return Err(Problem::new(Reason::BadAnswer, "the answer is a list where one record is asked for"));
            }
            is_of(&answer, asked.as_deref())?;
            answer["_of"] = of["id"].clone();
            answers.push(answer);
        }
        Ok(answers)
    }
}

/// Whether a detail call shows anything: nothing would be laid over the row as if there were no more of it.
fn is_something(item: &Value, detail: &Detail) -> Result<()> {
    if !item.is_null() && item.as_object().is_none_or(|item| !item.is_empty()) {
        return Ok(());
    }
    let place = detail.item.as_deref().unwrap_or(".");
    Err(Problem::new(Reason::BadAnswer, format!("there is nothing at `{place}` of the answer")))
}

/// A record whose id stands beside it in the answer.
fn with_its_id(mut item: Value, page: &Value, path: Option<&str>) -> Value {
    let beside = path.and_then(|path| path.rsplit_once('.')).filter(|(above, _)| !above.is_empty());
    if let (Some(item), Some((above, _))) = (item.as_object_mut(), beside)
        && let id @ (Value::String(_) | Value::Number(_)) = &expr::path(page, above)["id"]
    {
        item.entry("id").or_insert_with(|| id.clone());
    }
    item
}

/// Whether a detail is that of the row it was asked for: an answer mixed up on its way would be taken for the row's own.
fn is_of(item: &Value, asked: Option<&str>) -> Result<()> {
    match (asked, &item["id"]) {
        (Some(asked), id) if !id.is_null() && plain(id) != asked => {
            let what = format!("the answer is that of {}, and {asked} was asked for", plain(id));
            Err(Problem::new(Reason::BadAnswer, what)
                .hint("something between here and the platform mixes answers up (a cache?): look there, then run `deskferry retry`"))
        }
        _ => Ok(()),
    }
}

/// A key that is an id, or a link object that holds one.
fn key_of(value: &Value) -> String {
    match value {
        Value::Object(link) => link.get("id").map(plain).unwrap_or_default(),
        other => plain(other),
    }
}
