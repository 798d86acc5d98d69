//! What is asked of each stream whose rows were recorded.

use crate::compare::Differences;
use crate::desk::{Answers, Desk, read};
use crate::keys;
use crate::recording::{self, Exchange};
use deskferry::connector::registry::{self, Entry};
use deskferry::record::Kind;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub struct Platform {
    pub name: &'static str,
    pub streams: &'static [Stream],
    /// Shapes of recorded answers that no stream reads, and why.
    pub others: &'static [(&'static str, &'static str)],
    /// Keys that only say what is asked for next, or where: what is answered then does not show them.
    pub asked: &'static [&'static str],
    /// Keys whose values are maps that each account fills with keys of its own.
    pub own: &'static [&'static str],
    /// Answers of the account that the tests give beside its defaults.
    pub account: &'static [(&'static str, &'static str)],
}

pub struct Stream {
    /// As the manifest calls it.
    pub name: &'static str,
    /// What is read so that its rows are seen.
    pub kind: Kind,
    /// Shapes of the recorded answers that hold its rows.
    pub at: &'static [&'static str],
    /// Keys under which rows stand in such an answer, as a list or alone; none: the answer is the list, or the row.
    pub under: &'static [&'static str],
    /// Which of the rows found there are its own.
    pub mine: fn(&Value) -> bool,
    /// What a desk answers that has these rows.
    pub desk: fn(&[Value]) -> Answers,
    /// Keys that count only where other places hold something else than was recorded, with what must stand there.
    pub behind: fn() -> Behind,
    /// Compares its rows with the records they became.
    pub compare: fn(&[Value], &[Value], &mut Differences),
}

/// A key, and what stands at other places where it counts.
pub type Behind = Vec<(&'static str, Vec<(&'static str, Value)>)>;

/// No key stands behind another.
pub fn none() -> Behind {
    vec![]
}

/// Every row is a stream's own.
pub fn all(_: &Value) -> bool {
    true
}

impl Stream {
    /// Its rows in what was recorded, each once: the last that has the id.
    fn rows(&self, recorded: &[Exchange]) -> Vec<Value> {
        let mut by_id: BTreeMap<String, Value> = BTreeMap::new();
        let mine = recorded.iter().filter(|one| self.at.contains(&one.shape.as_str()));
        for row in mine.flat_map(|one| rows_of(&one.body, self.under)).filter(|row| (self.mine)(row)) {
            by_id.insert(row["id"].to_string(), row);
        }
        by_id.into_values().collect()
    }

    /// What a desk with these rows is read as.
    fn reader(&'static self, platform: &Platform) -> Result<impl Fn(&[Value]) -> Result<Vec<Value>, String>, String> {
        let (entry, desk) = (entry(platform)?, Desk::start());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        let source = desk.open(&entry, platform.account);
        Ok(move |rows: &[Value]| {
            desk.tell((self.desk)(rows));
            runtime.block_on(read(&source, self.kind))
        })
    }
}

fn rows_of(body: &Value, under: &[&str]) -> Vec<Value> {
    let found = if under.is_empty() { vec![body] } else { under.iter().filter_map(|key| body.get(key)).collect() };
    let rows = found.into_iter().flat_map(|found| match found {
        Value::Array(rows) => rows.clone(),
        one => vec![one.clone()],
    });
    rows.filter(|row| !row["id"].is_null()).collect()
}

fn entry(platform: &Platform) -> Result<Entry, String> {
    registry::find(platform.name, None).map_err(|problem| problem.to_string())
}

pub fn every_answer_is_read(platform: &Platform) -> Result<(), String> {
    let known = |shape: &str| {
        platform.streams.iter().any(|stream| stream.at.contains(&shape))
            || platform.others.iter().any(|(other, _)| *other == shape)
    };
    let unknown: BTreeSet<String> =
        recording::load(platform.name)?.into_iter().map(|one| one.shape).filter(|shape| !known(shape)).collect();
    if unknown.is_empty() { Ok(()) } else { Err(format!("read by no stream, and nothing says why: {unknown:?}")) }
}

pub fn is_as_recorded(platform: &Platform, stream: &'static Stream) -> Result<(), String> {
    let rows = stream.rows(&recording::load(platform.name)?);
    if rows.is_empty() {
        return Err("nothing was recorded of it".into());
    }
    let records = stream.reader(platform)?(&rows)?;
    let mut differences = Differences::default();
    (stream.compare)(&rows, &records, &mut differences);
    differences.none()
}

pub fn nothing_is_unnamed(platform: &Platform, stream: &'static Stream) -> Result<(), String> {
    let read = stream.reader(platform)?;
    let all = stream.rows(&recording::load(platform.name)?);
    let rows = keys::telling(&all, platform.own);
    let behind: BTreeMap<&str, Vec<(&str, Value)>> = (stream.behind)().into_iter().collect();
    let has_effect = |key: &str| {
        let with = |rows: Vec<Value>, (place, value): &(&str, Value)| keys::set(&rows, place, value);
        let rows = behind.get(key).into_iter().flatten().fold(rows.clone(), with);
        let as_it_is = read(&rows);
        let ways = (0..keys::WAYS).filter_map(|way| keys::changed(&rows, key, platform.own, way));
        as_it_is.is_ok() && ways.into_iter().any(|rows| read(&rows) != as_it_is)
    };
    read(&rows)?;
    let said = said(&entry(platform)?, stream.name);
    let is_said = |key: &String| said.iter().any(|said| keys::covers(said, key));
    let is_asked = |key: &String| platform.asked.contains(&key.as_str());
    let all = keys::of(&rows, platform.own).into_iter().filter(|key| !is_asked(key));
    let (said, others): (Vec<String>, Vec<String>) = all.partition(is_said);
    let unnamed: Vec<&String> = others.iter().filter(|key| !has_effect(key)).collect();
    // Mostly none of them has: all at once first.
    let at_once = (0..keys::WAYS).map(|way| {
        said.iter().fold(rows.clone(), |rows, key| keys::changed(&rows, key, platform.own, way).unwrap_or(rows))
    });
    let any = at_once.into_iter().any(|other| read(&other) != read(&rows));
    let untrue: Vec<&String> = said.iter().filter(|key| any && has_effect(key)).collect();
    if any && untrue.is_empty() {
        return Err(format!("together they are read: {said:?}"));
    }
    match (unnamed.is_empty(), untrue.is_empty()) {
        (true, true) => Ok(()),
        _ => Err(format!("neither read nor said not to be: {unnamed:?}\nsaid not to be read, and read: {untrue:?}")),
    }
}

/// What the manifest says of keys that are not read: of the stream, and of what stands in its rows.
fn said(entry: &Entry, name: &str) -> BTreeSet<String> {
    let mut said = BTreeSet::new();
    for (below, stream) in &entry.manifest.read {
        let from =
            stream.from.as_deref().or(stream.inside.as_deref()).map(|from| format!("{}.", from.trim_matches('.')));
        let before = match (below == name, from) {
            (true, _) => String::new(),
            (false, Some(from)) if stream.parent.as_deref() == Some(name) || stream.inside.is_some() => from,
            _ => continue,
        };
        let ignored = stream.ignored.iter().flat_map(|ignored| &ignored.keys);
        said.extend(ignored.chain(&stream.drop).map(|key| format!("{before}{key}")));
    }
    said
}
