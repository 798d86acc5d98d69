//! Scans the target for our markers: a listing of its own, such as a delta stream, that hides nothing and lags behind nothing.
//!
//! It settles steps in doubt where a search would be late or blind, and restores a lost ledger.

use super::apply::Named;
use crate::connector::manifest::{FindRule, ReadStream, Verb};
use crate::connector::plan::{LateValues, MARKER, Step, Text};
use crate::connector::rest::Rest;
use crate::connector::rest::api::listed::{Above, Listed};
use crate::connector::rest::read::pages::Leaf;
use crate::connector::{Found, Mark, Marked};
use crate::error::{Problem, Reason, Result};
use crate::expr::{Expr, plain};
use crate::ledger::Remote;
use crate::record::{Kind, Outputs};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Looks for single markers side by side; the pacer decides what really goes out.
const LOOKS: usize = 4;
/// How long a walk waits for others who are about to ask: steps that went in one call fall in doubt one after another.
const GATHER: Duration = Duration::from_secs(1);

/// Steps in doubt that wait for a walk, and what walks have found for them.
#[derive(Default)]
pub(crate) struct Scans {
    state: Mutex<ScanState>,
    walking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct ScanState {
    asked: u64,
    waiting: HashMap<Kind, Vec<Asked>>,
    answers: HashMap<(Kind, u64), Found>,
}

/// One step that is looked for.
#[derive(Clone, Debug)]
struct Asked {
    number: u64,
    marker: String,
    since: Timestamp,
}

impl Scans {
    fn state(&self) -> std::sync::MutexGuard<'_, ScanState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, kind: Kind, marker: &str, since: Timestamp) -> Question<'_> {
        let mut state = self.state();
        state.asked += 1;
        let number = state.asked;
        state.waiting.entry(kind).or_default().push(Asked { number, marker: marker.to_owned(), since });
        Question { scans: self, kind, number }
    }

    fn begin(&self, kind: Kind) -> Begun<'_> {
        let wanted = self.state().waiting.remove(&kind).unwrap_or_default();
        Begun { scans: self, kind, wanted }
    }
}

/// What one step asks, until it has its answer or is given up.
struct Question<'a> {
    scans: &'a Scans,
    kind: Kind,
    number: u64,
}

impl Question<'_> {
    fn answer(&self) -> Option<Found> {
        self.scans.state().answers.remove(&(self.kind, self.number))
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        let mut state = self.scans.state();
        state.answers.remove(&(self.kind, self.number));
        if let Some(waiting) = state.waiting.get_mut(&self.kind) {
            waiting.retain(|one| one.number != self.number);
        }
    }
}

/// A walk that is under way. One that breaks off answers nobody: whoever it was for goes on waiting.
struct Begun<'a> {
    scans: &'a Scans,
    kind: Kind,
    wanted: Vec<Asked>,
}

impl Begun<'_> {
    fn end(mut self, found: HashMap<String, BTreeMap<String, Remote>>) {
        let (kind, mut state) = (self.kind, self.scans.state());
        for one in self.wanted.drain(..) {
            let there = found.get(key(&one.marker).as_ref());
            let many = there.map_or(0, BTreeMap::len);
            let answer = match there.and_then(|there| there.values().next()) {
                Some(remote) if many == 1 => Found::Yes(remote.clone()),
                Some(_) => Found::Many(many),
                None => Found::No,
            };
            state.answers.insert((kind, one.number), answer);
        }
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if !self.wanted.is_empty() {
            self.scans.state().waiting.entry(self.kind).or_default().append(&mut self.wanted);
        }
    }
}

/// What a marker is compared by: ours letter by letter, since ids of a source may differ in nothing but capitals; an address or
/// a name without regard to case.
pub(crate) fn key(marker: &str) -> Cow<'_, str> {
    if marker.starts_with(MARKER) { Cow::Borrowed(marker) } else { Cow::Owned(marker.trim().to_lowercase()) }
}

/// What all of these begin with.
fn shared_beginning<'a>(mut markers: impl Iterator<Item = &'a str>) -> &'a str {
    let first = markers.next().unwrap_or_default();
    markers.fold(first, |shared, marker| {
        let same = shared.chars().zip(marker.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
        &shared[..same]
    })
}

impl Rest {
    /// One page of `[scan.KIND]`; none where the manifest has no such section.
    pub(crate) async fn scan_page(
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
        let leaf = self.one_page(&name, &listed, above, cursor, since).await?;
        self.went(&name, cursor, &leaf)?;
        let Leaf { rows, next, .. } = leaf;
        let mut marked = Marked { rows: Vec::new(), next };
        for row in &rows {
            for mark in self.marks(stream, row)?.into_iter().filter(|mark| mark.starts_with(prefix)) {
                let remote = self.marked(stream, row)?;
                marked.rows.push(Mark { marker: mark, remote, updated_at: self.changed_at(stream, row)? });
            }
        }
        Ok(Some(marked))
    }

    /// Whether a step in doubt is looked for in a listing that hides nothing, because a search would be late or there is none.
    pub(super) fn is_scanned_for(&self, step: &Step) -> bool {
        let (section, _) = &step.rule;
        let searched = self.manifest.find.get(section).is_some_and(|rule| !rule.lags);
        step.verb == Verb::Create && !searched && self.manifest.scan.contains_key(section)
    }

    /// How long the listing holds back what was written.
    pub(super) fn hidden_for(&self, step: &Step) -> Duration {
        if self.is_scanned_for(step) { self.scan_lag(&step.rule.0) } else { Duration::ZERO }
    }

    pub(super) fn scan_lag(&self, section: &str) -> Duration {
        let since = self.manifest.scan.get(section).and_then(|scan| scan.since.as_ref());
        Duration::from_secs(since.map_or(0, |since| since.lag))
    }

    /// Whether every record of a kind is made with our own marker, and is listed or found by it.
    pub(super) fn marks_all(&self, kind: Kind) -> bool {
        let create =
            self.manifest.write.get(kind.code()).and_then(|steps| steps.iter().find(|step| step.verb == Verb::Create));
        let ours = create.and_then(|create| create.marker.as_ref()).is_some_and(|marker| marker.is_path(".marker"));
        ours && (self.manifest.scan.contains_key(kind.code()) || self.look_of(kind).is_some())
    }

    /// Which of these markers are there: by the listing where it goes by the marker, else by the look for one record.
    pub(super) async fn marked_by(&self, kind: Kind, markers: &[String]) -> Result<Option<Vec<(String, Remote)>>> {
        let goes_by_mark = |stream: &ReadStream| {
            stream.path.iter().chain(stream.query.values()).any(|template| template.names("$mark"))
        };
        let listed = self.manifest.scan.get(kind.code()).is_some_and(goes_by_mark);
        let look = self.look_of(kind);
        if !listed && look.is_none() {
            return Ok(None);
        }
        let looked = stream::iter(markers.to_vec()).map(|marker| async move {
            match look.filter(|_| !listed) {
                Some(rule) => self.looked_for(kind, rule, &marker).await,
                None => self.listed_by(kind, &marker).await,
            }
        });
        Ok(Some(looked.buffered(LOOKS).try_collect::<Vec<_>>().await?.concat()))
    }

    /// How a record is looked for by its marker, without its parent.
    fn look_of(&self, kind: Kind) -> Option<&FindRule> {
        self.manifest
            .find
            .get(kind.code())
            .filter(|rule| rule.mark.is_some() && rule.call.is_some() && !kind.is_library())
    }

    async fn listed_by(&self, kind: Kind, marker: &str) -> Result<Vec<(String, Remote)>> {
        let page = self.scan_page(kind, marker, None, None).await?.unwrap_or_default();
        let of_it = page.rows.into_iter().filter(|mark| mark.marker == marker);
        Ok(of_it.map(|mark| (mark.marker, mark.remote)).collect())
    }

    async fn looked_for(&self, kind: Kind, rule: &FindRule, marker: &str) -> Result<Vec<(String, Remote)>> {
        let scope = Value::Object(self.base(kind, Value::Null, marker));
        let mut found = Vec::new();
        for row in self.rows_found(rule, &BTreeMap::new(), &scope, &LateValues::default()).await? {
            if self.carries(rule, &row, marker)? {
                found.push((marker.to_owned(), self.row_remote(rule, &row)?));
            }
        }
        Ok(found)
    }

    /// The record a step made, by its marker, among all that changed since. Steps that ask at the same time are answered by one
    /// walk, which begins after each of them has asked.
    pub(super) async fn scan_for(&self, step: &Step, late: &LateValues, since: Timestamp) -> Result<Found> {
        let (Some(marker), Some(kind)) = (&step.marker, Kind::from_code(&step.rule.0)) else {
            return Ok(Found::CannotTell);
        };
        let marker = Text::parse(marker).fill(late)?;
        let question = self.scans.ask(kind, &marker, since);
        let _one = self.scans.walking.lock().await;
        loop {
            if let Some(found) = question.answer() {
                return Ok(found);
            }
            tokio::time::sleep(GATHER).await;
            let walk = self.scans.begin(kind);
            let found = self.walk(kind, &walk.wanted).await?;
            walk.end(found);
        }
    }

    /// All records that migrate one of these markers, in one walk over what changed since the oldest.
    async fn walk(&self, kind: Kind, wanted: &[Asked]) -> Result<HashMap<String, BTreeMap<String, Remote>>> {
        let since = wanted.iter().map(|one| one.since).min();
        let markers: HashSet<Cow<'_, str>> = wanted.iter().map(|one| key(&one.marker)).collect();
        let prefix = shared_beginning(wanted.iter().map(|one| one.marker.as_str()));
        let mut ours: HashMap<String, BTreeMap<String, Remote>> = HashMap::new();
        let mut cursor: Option<String> = None;
        while let Some(page) = self.scan_page(kind, prefix, since, cursor.as_deref()).await? {
            for mark in page.rows.into_iter().filter(|mark| markers.contains(&key(&mark.marker))) {
                ours.entry(key(&mark.marker).into_owned()).or_default().insert(mark.remote.id.clone(), mark.remote);
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        Ok(ours)
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

    fn changed_at(&self, stream: &ReadStream, row: &Value) -> Result<Option<Timestamp>> {
        let at = stream.fields.get("updated_at").map(|at| at.eval(&self.scope(row))).transpose()?;
        Ok(at.and_then(|at| plain(&at).parse().ok()))
    }

    fn marked(&self, stream: &ReadStream, row: &Value) -> Result<Remote> {
        const OWN: [&str; 5] = ["id", "number", "url", "mark", "updated_at"];
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_wait_together_are_walked_for_together() {
        let scans = Scans::default();
        let at = Timestamp::UNIX_EPOCH;
        let (one, two) = (scans.ask(Kind::Ticket, "m:1", at), scans.ask(Kind::Ticket, "m:2", at));
        let walk = scans.begin(Kind::Ticket);
        let late = scans.ask(Kind::Ticket, "m:1", at);
        let remote = Remote { id: "7".into(), ..Remote::default() };
        walk.end([("m:1".to_owned(), [("7".to_owned(), remote.clone())].into())].into());
        assert_eq!(one.answer(), Some(Found::Yes(remote)));
        assert_eq!(two.answer(), Some(Found::No));
        assert_eq!(late.answer(), None, "a walk says nothing to who asked after it began");
    }

    #[test]
    fn a_walk_that_breaks_off_answers_nobody_and_the_next_one_is_for_the_same() {
        let scans = Scans::default();
        let at = Timestamp::UNIX_EPOCH;
        let (one, two) = (scans.ask(Kind::Ticket, "m:1", at), scans.ask(Kind::Ticket, "m:2", at));
        drop(scans.begin(Kind::Ticket));
        assert_eq!((one.answer(), two.answer()), (None, None));
        drop(one);
        let walk = scans.begin(Kind::Ticket);
        assert_eq!(walk.wanted.iter().map(|asked| asked.marker.as_str()).collect::<Vec<_>>(), ["m:2"]);
        walk.end(HashMap::new());
        assert_eq!(two.answer(), Some(Found::No));
    }

    #[test]
    fn our_markers_are_compared_letter_by_letter() {
        assert_ne!(key("deskferry:0a:ticket:Ab"), key("deskferry:0a:ticket:aB"));
        assert_ne!(key("deskferry:0a:ticket:A"), key("deskferry:0a:ticket:A "));
        assert_eq!(key(" Ann@Example.com"), key("ann@example.com"));
    }

    #[test]
    fn what_markers_share_is_a_beginning_of_each() {
        assert_eq!(shared_beginning(["d:x:ticket:12", "d:x:ticket:17"].into_iter()), "d:x:ticket:1");
        assert_eq!(shared_beginning(["é", "è"].into_iter()), "");
        assert_eq!(shared_beginning(["one"].into_iter()), "one");
    }
}
