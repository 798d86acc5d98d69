//! Finds what a step in doubt may have written: by its marker, or among the parent's children by its text.

use super::apply::Named;
use super::places::{self, Ours};
use super::scan::key;
use crate::connector::Found;
use crate::connector::manifest::{FindRule, Verb};
use crate::connector::plan::{LateValues, Node, Step, Text};
use crate::connector::rest::api::ends::Answered;
use crate::connector::rest::api::paging;
use crate::connector::rest::api::walked::Collected;
use crate::connector::rest::read::pages::{Leaf, records_in, shown};
use crate::connector::rest::{Rest, asking, asking_address};
use crate::connector::seen::{Among, Listing};
use crate::content;
use crate::error::{Problem, Reason, Result};
use crate::expr::{self, Expr, Scope, plain};
use crate::http::{Class, Response};
use crate::ledger::Remote;
use crate::record::{Kind, Visibility};
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl Rest {
    /// What a step in doubt may have written. A search that lags is not asked.
    pub(super) async fn find_step(&self, step: &Step, late: &LateValues, among: &Among<'_>) -> Result<Found> {
        if self.is_scanned_for(step) {
            return self.scan_for(step, late, among.since).await.map_err(|p| p.at(format!("looking for {}", step.key)));
        }
        self.find_named(step, late, among).await
    }

    /// The record a step would have made, whoever made it.
    pub(super) async fn find_named(&self, step: &Step, late: &LateValues, among: &Among<'_>) -> Result<Found> {
        let at = |problem: Problem| problem.at(format!("looking for {}", step.key));
        let Some(rule) = self.manifest.find.get(&step.rule.0) else {
            return match self.manifest.scan.contains_key(&step.rule.0) {
                true => self.scan_for(step, late, among.since).await.map_err(at),
                false => Ok(Found::CannotTell),
            };
        };
        if rule.read {
            let listed = match among.seen.or_list(&step.rule.0, self.messages_of_target(step, late)).await {
                Ok(listed) => listed,
                Err(problem) => return self.unlisted(step, late, problem).await.map_err(at),
            };
            return Ok(match self.by_text(&listed, step, late, among)? {
                Match::One(at) => Found::Yes(Remote { id: listed.ids[at].clone(), ..Remote::default() }),
                Match::None => absent(&listed, step, late, among),
                Match::Many(n) => Found::Many(n),
            });
        }
        if rule.mark.is_none() {
            return self.find_by_text(rule, step, late, among).await.map_err(at);
        }
        let mut found = self.find_by_mark(rule, &BTreeMap::new(), step, late).await.map_err(at)?;
        for instead in &rule.otherwise {
            if !matches!(found, Found::No) {
                break;
            }
            found = self.find_by_mark(rule, instead, step, late).await.map_err(at)?;
        }
        Ok(found)
    }

    /// The record among the rows of one search; `instead` replaces values of its query.
    async fn find_by_mark(
        &self,
        rule: &FindRule,
        instead: &BTreeMap<String, Expr>,
        step: &Step,
        late: &LateValues,
    ) -> Result<Found> {
        match self.found_rows(rule, instead, step, late).await {
            Ok(rows) => self.by_mark(rule, step, late, &rows).await,
            Err(problem) => self.unlisted(step, late, problem).await,
        }
    }

    /// What it means that the children of a record cannot be listed. They are not there where the record itself says that it is not; the
    /// word of their list alone is none.
    async fn unlisted(&self, step: &Step, late: &LateValues, problem: Problem) -> Result<Found> {
        let may_be_gone = problem.reason == Reason::NotFound && step.verb == Verb::Append;
        match may_be_gone && self.says_it_is_gone(step, late).await? {
            true => {
                let hint = "it was deleted in the target, so nothing was sent to it: restore it there and run `deskferry retry`";
                Ok(Found::Gone(problem.at(format!("looking for {}", step.key)).hint(hint)))
            }
            false => Err(problem),
        }
    }

    /// Asks the record that a step adds to. A 404 counts only where it is the platform's own.
    async fn says_it_is_gone(&self, step: &Step, late: &LateValues) -> Result<bool> {
        let parent = self.manifest.read.get(&step.rule.0).and_then(|stream| stream.parent.as_deref());
        let Some(rule) = parent.and_then(|parent| self.manifest.verify.get(parent)) else { return Ok(false) };
        let scope = Node::from_value(step.scope.clone()).fill_known(late);
        let call = rule.call.render_path(&self.scope(&scope))?;
        let wrong = || Problem::new(Reason::Manifest, "`call` of a verify rule is `GET /path`");
        let path = Text::parse(call.strip_prefix("GET ").ok_or_else(wrong)?).fill(late)?;
        let answer = self.client.read(&asking(&path, vec![])).await?;
        Ok(matches!(answer.status, 404 | 410) && self.class(&answer) == Class::Refused)
    }

    /// The child that holds the step's text; the children are listed once for all steps that look at `seen`.
    async fn find_by_text(&self, rule: &FindRule, step: &Step, late: &LateValues, among: &Among<'_>) -> Result<Found> {
        let Some(text) = &rule.text else { return Ok(Found::CannotTell) };
        match among.seen.or_list(&step.rule.0, self.children_of_target(rule, text, step, late)).await {
            Ok(listed) => match self.by_text(&listed, step, late, among)? {
                Match::None => Ok(absent(&listed, step, late, among)),
                found => self.one_of(rule, &listed.rows, found).await,
            },
            Err(problem) => self.unlisted(step, late, problem).await,
        }
    }

    async fn children_of_target(
        &self,
        rule: &FindRule,
        text: &Expr,
        step: &Step,
        late: &LateValues,
    ) -> Result<Listing> {
        // The rows of a ticket's messages are the same as those that are read back.
        let below = self.manifest.verify.get(Kind::Ticket.code()).and_then(|rule| rule.children.as_ref());
        let private = below.and_then(|below| below.private.as_ref()).filter(|_| step.is_message());
        let mut listing = Listing::default();
        for row in self.found_rows(rule, &BTreeMap::new(), step, late).await? {
            let id = rule.id.as_ref().map(|id| id.eval(&self.scope(&row))).transpose()?;
            listing.ids.push(id.filter(|id| !id.is_null()).map(|id| plain(&id)).unwrap_or_default());
            listing.texts.push(content::normalise(&plain(&text.eval(&self.scope(&row))?)));
            listing.privates.push(private.map(|private| private.holds(&self.scope(&row))).transpose()?);
            listing.rows.push(row);
        }
        Ok(listing)
    }

    async fn one_of(&self, rule: &FindRule, rows: &[Value], found: Match) -> Result<Found> {
        Ok(match found {
            Match::None => Found::No,
            Match::Many(n) => Found::Many(n),
            Match::One(at) => {
                let row = self.followed(rule.follow.as_ref(), rows[at].clone()).await?;
                Found::Yes(self.row_remote(rule, &row)?)
            }
        })
    }

    /// The messages of the record the step belongs to, but the first, as the read streams give them.
    async fn messages_of_target(&self, step: &Step, late: &LateValues) -> Result<Listing> {
        let scope = Node::from_value(step.scope.clone()).fill_known(late);
        let mut listing = Listing::default();
        for message in self.messages_below(&scope["target"]).await? {
            listing.texts.push(content::normalise(&message.body));
            listing.ids.push(message.id);
            listing.privates.push(Some(message.visibility == Visibility::Private));
        }
        Ok(listing)
    }

    async fn found_rows(
        &self,
        rule: &FindRule,
        instead: &BTreeMap<String, Expr>,
        step: &Step,
        late: &LateValues,
    ) -> Result<Vec<Value>> {
        let scope = Node::from_value(step.scope.clone()).fill_known(late);
        if let Some(stream) = &rule.stream {
            return self.read_all(stream, Some(&json!({ "id": scope["target"] }))).await;
        }
        self.rows_found(rule, instead, &scope, late).await
    }

    /// All rows a find rule's call answers.
    pub(super) async fn rows_found(
        &self,
        rule: &FindRule,
        instead: &BTreeMap<String, Expr>,
        scope: &Value,
        late: &LateValues,
    ) -> Result<Vec<Value>> {
        let (mut all, mut cursor) = (Collected::default(), None::<String>);
        loop {
            let response = self.find_page(rule, instead, &self.scope(scope), late, cursor.as_deref()).await?;
            let page = shown(&response)?;
            let unmade = |problem: Problem| Problem { reason: Reason::BadAnswer, ..problem };
            let made = rule.rows.as_ref().map(|rows| rows.eval(&self.scope(&page))).transpose().map_err(unmade)?;
            let place = rule.items.as_deref().unwrap_or(".");
            let found = records_in(made.as_ref().unwrap_or_else(|| expr::path(&page, place)), place)?;
            let answered = Answered { made: made.is_some(), ..Answered::of(&response, &page, found) };
            let next = paging::next(&rule.page, cursor.as_deref(), &answered)?;
            let id = rule.page.overlaps_by().map(str::to_owned);
            let leaf = Leaf { rows: found.to_vec(), next, id, ..Leaf::default() };
            cursor = all.take(cursor.as_deref(), leaf)?;
            if cursor.is_none() {
                return Ok(all.into_rows());
            }
        }
    }

    /// Makes the call of a find rule.
    pub(crate) async fn find_call(&self, rule: &FindRule, sees: &Scope<'_>, late: &LateValues) -> Result<Value> {
        self.find_page(rule, &BTreeMap::new(), sees, late, None).await?.json()
    }

    async fn find_page(
        &self,
        rule: &FindRule,
        instead: &BTreeMap<String, Expr>,
        sees: &Scope<'_>,
        late: &LateValues,
        cursor: Option<&str>,
    ) -> Result<Response> {
        let wrong = || Problem::new(Reason::Manifest, "`call` of a find rule is `GET /path`");
        let mut ask = paging::ask(&rule.page, cursor, None);
        if let Some(address) = ask.address {
            return self.ask(asking_address(&address)?).await;
        }
        let call = rule.call.as_ref().ok_or_else(wrong)?.render_path(sees)?;
        let path = call.strip_prefix("GET ").ok_or_else(wrong)?;
        for (name, expr) in &rule.query {
            let value = instead.get(name).unwrap_or(expr).eval(sees)?;
            if !value.is_null() {
                ask.query.push((name.clone(), plain(&value)));
            }
        }
        self.ask(asking(&Text::parse(path).fill(late)?, ask.query)).await
    }

    /// A row counts only if it carries our marker itself: some servers ignore a filter and return everything.
    async fn by_mark(&self, rule: &FindRule, step: &Step, late: &LateValues, rows: &[Value]) -> Result<Found> {
        let Some(marker) = &step.marker else { return Ok(Found::CannotTell) };
        let marker = Text::parse(marker).fill(late)?;
        let mut ours = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            if self.carries(rule, row, &marker)? {
                ours.push(at);
            }
        }
        self.one_of(rule, rows, Match::of(&ours)).await
    }

    /// Whether a row that was found carries this marker itself.
    pub(crate) fn carries(&self, rule: &FindRule, row: &Value, marker: &str) -> Result<bool> {
        let Some(mark) = &rule.mark else { return Ok(false) };
        Ok(match mark.eval(&self.scope(row))? {
            Value::Array(marks) => marks.iter().any(|m| key(&plain(m)) == key(marker)),
            other => key(&plain(&other)) == key(marker),
        })
    }

    /// A child without marker: one that holds the step's text and is not the message of another step that is done. Of as many as the
    /// record has messages of this text that are looked for, it is the first that is as visible.
    fn by_text(&self, listed: &Listing, step: &Step, late: &LateValues, among: &Among<'_>) -> Result<Match> {
        let Listing { ids, texts, .. } = listed;
        let done = among.done.iter().map(|step| self.ours(step, late)).collect::<Result<Vec<_>>>()?;
        let (taken, wanted) = (places::of(&done, ids, texts), self.normalised(step)?);
        let is_free = |at: &usize| !taken.contains(&Some(*at)) && wanted.contains(&texts[*at]);
        let free: Vec<usize> = (0..texts.len()).filter(is_free).collect();
        let mut alike = 1;
        for other in among.open {
            alike += usize::from(self.normalised(other)?.iter().any(|text| wanted.contains(text)));
        }
        let as_visible = |at: &&usize| listed.privates[**at] == Some(step.private);
        Ok(match free.iter().find(as_visible).or(free.first()) {
            Some(one) if free.len() <= alike => Match::One(*one),
            _ => Match::of(&free),
        })
    }

    fn normalised(&self, step: &Step) -> Result<Vec<String>> {
        Ok(self.texts_of(step)?.iter().map(|text| content::normalise(text)).collect())
    }

    /// A message of ours, as it is looked for.
    pub(super) fn ours(&self, step: &Step, late: &LateValues) -> Result<Ours> {
        Ok(Ours { id: late.id_of(&step.key), texts: self.normalised(step)? })
    }

    pub(super) fn row_remote(&self, rule: &FindRule, row: &Value) -> Result<Remote> {
        self.remote_of(
            row,
            &Value::Null,
            &Value::Null,
            &Named {
                id: rule.id.as_ref(),
                number: rule.number.as_ref(),
                url: rule.url.as_ref(),
                outputs: &rule.outputs,
            },
        )
    }
}

/// What it means that no row of a list is the one that is looked for. Nothing, where rows are lacking that are known to be there; what was
/// listed is forgotten then, so that it is asked for again.
fn absent(listed: &Listing, step: &Step, late: &LateValues, among: &Among<'_>) -> Found {
    let section = &step.rule.0;
    let lacks = |done: &&&Step| late.id_of(&done.key).is_some_and(|id| !listed.ids.contains(&id));
    let (rows, known) = (listed.ids.len(), among.done.len().max(among.seen.most(section)));
    if rows >= known && !among.done.iter().any(|done| lacks(&done)) {
        return Found::No;
    }
    among.seen.forget();
    let what = format!("{}: the target lists {rows} of its kind there, and not all that were written", step.key);
    let hint = "run `deskferry retry` later; where people deleted some of them there, look for it in the target, and add it by hand if it is \
                not there";
    Found::Short(Problem::new(Reason::InDoubt, what).hint(hint))
}

/// Which of several rows is meant.
enum Match {
    None,
    One(usize),
    Many(usize),
}

impl Match {
    fn of(places: &[usize]) -> Self {
        match places {
            [] => Self::None,
            [at] => Self::One(*at),
            many => Self::Many(many.len()),
        }
    }
}
