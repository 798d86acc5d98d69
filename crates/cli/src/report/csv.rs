//! The two tables, written row by row while the ledger is read page by page.
//!
//! They are opened in spreadsheets, and part of their text comes from strangers: a cell that a spreadsheet would
//! take for a formula (it begins with `=`, `+`, `-`, `@`, a tab or a carriage return, and is not a number) gets an
//! apostrophe in front. What would move a terminal is spelled out.

use crate::report::Outcome;
use deskferry::error::{Loss, Problem, Reason, Result};
use deskferry::ledger::{Link, LossRow, RecordRow, Remote, State, Stray, Twin};
use deskferry::printable;
use deskferry::record::Kind;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;

/// Columns of the report. `losses` is `code=times`, joined by `;`; `loss_details` is `code: what`, joined by ` | `. For a record merged into another the target columns
/// are those of the other; for one in doubt without a target record, `target_url` is where to look.
pub const REPORT_COLUMNS: [&str; 12] = [
    "kind",
    "source_id",
    "source_number",
    "outcome",
    "reason",
    "detail",
    "target_id",
    "target_number",
    "target_url",
    "origin",
    "losses",
    "loss_details",
];

/// Columns of the `ids` table.
pub const IDS_COLUMNS: [&str; 6] = ["kind", "source_id", "source_number", "target_id", "target_number", "target_url"];

/// Records held in memory at a time.
const CHUNK: usize = 500;

/// One row for every record the source was seen to hold, in the order of kinds and then as first seen; behind those of a kind,
/// what is in the target once more.
pub async fn write_report(link: &Link, kinds: &[Kind], out: impl Write) -> Result<()> {
    let mut table = ::csv::Writer::from_writer(out);
    table.write_record(REPORT_COLUMNS).map_err(unwritten)?;
    for &kind in Kind::ALL.iter().filter(|kind| kinds.contains(kind)) {
        let mut after = None;
        while let Some(page) = Chunk::after(link, kind, after).await? {
            let losses = losses_of(link, &page).await?;
            for record in &page.records {
                let row = report_row(record, page.target(record), losses.get(&record.id));
                put(&mut table, row.iter().map(String::as_str))?;
            }
            after = page.last();
        }
        for stray in link.strays(kind).await? {
            put(&mut table, stray_row(&stray).iter().map(String::as_str))?;
        }
        for (twin, below) in link.twins(kind).await? {
            put(&mut table, twin_row(&twin, &below).iter().map(String::as_str))?;
        }
    }
    Ok(table.flush()?)
}

/// One row for every record that is in the target, itself or as the one it was merged into.
pub async fn write_ids(link: &Link, kinds: &[Kind], out: impl Write) -> Result<()> {
    let mut table = ::csv::Writer::from_writer(out);
    table.write_record(IDS_COLUMNS).map_err(unwritten)?;
    for &kind in Kind::ALL.iter().filter(|kind| kinds.contains(kind)) {
        let mut after = None;
        while let Some(page) = Chunk::after(link, kind, after).await? {
            for record in &page.records {
                let Some(target) = page.target(record) else { continue };
                let number = record.number.as_deref().unwrap_or_default();
                let (target_number, url) = spelled(target);
                let row = [record.kind.code(), &record.id, number, &target.id, target_number, url];
                put(&mut table, row.into_iter())?;
            }
            after = page.last();
        }
    }
    Ok(table.flush()?)
}

/// Every row goes through here, whatever it is of: no cell moves a terminal, or is a formula.
fn put<'a>(table: &mut ::csv::Writer<impl Write>, row: impl Iterator<Item = &'a str>) -> Result<()> {
    table.write_record(row.map(|cell| printable::line(&defused(cell)).into_owned())).map_err(unwritten)
}

/// A page of records of one kind, with the targets of those that another stands for.
struct Chunk {
    kind: Kind,
    records: Vec<RecordRow>,
    stand_ins: HashMap<(Kind, String), Remote>,
}

impl Chunk {
    async fn after(link: &Link, kind: Kind, after: Option<i64>) -> Result<Option<Chunk>> {
        let records = link.next(kind, State::ALL, after, CHUNK).await?;
        if records.is_empty() {
            return Ok(None);
        }
        let merged = records.iter().filter(|record| record.stands_for.is_some());
        let merged: Vec<_> = merged.map(|record| (kind, record.id.clone())).collect();
        let stand_ins = if merged.is_empty() { HashMap::new() } else { link.targets_of(merged).await? };
        Ok(Some(Chunk { kind, records, stand_ins }))
    }

    fn target<'a>(&'a self, record: &'a RecordRow) -> Option<&'a Remote> {
        match record.stands_for {
            Some(_) => self.stand_ins.get(&(self.kind, record.id.clone())),
            None => record.remote.as_ref(),
        }
    }

    fn last(&self) -> Option<i64> {
        self.records.last().map(|record| record.seq)
    }
}

/// What is said of the losses of one record: so many of a cell that a spreadsheet still shows.
const DETAILS: usize = 50;

/// The losses of one record: how often each, and what is said of them.
#[derive(Default)]
struct Losses {
    times: BTreeMap<Loss, u64>,
    details: BTreeSet<String>,
}

impl Losses {
    fn take(&mut self, loss: Loss, detail: &str) {
        *self.times.entry(loss).or_default() += 1;
        self.details.insert(format!("{loss}: {detail}"));
    }

    fn times(&self) -> String {
        self.times.iter().map(|(loss, times)| format!("{loss}={times}")).collect::<Vec<_>>().join(";")
    }

    fn details(&self) -> String {
        let shown: Vec<&str> = self.details.iter().take(DETAILS).map(String::as_str).collect();
        match self.details.len().saturating_sub(DETAILS) {
            0 => shown.join(" | "),
            more => format!("{} | and {more} more", shown.join(" | ")),
        }
    }
}

async fn losses_of(link: &Link, page: &Chunk) -> Result<HashMap<String, Losses>> {
    let (Some(first), Some(last)) = (page.records.first(), page.records.last()) else { return Ok(HashMap::new()) };
    let mut losses: HashMap<String, Losses> = HashMap::new();
    for LossRow { id, loss, detail, .. } in link.losses_between(page.kind, first.seq, last.seq).await? {
        let of_record = losses.entry(id).or_default();
        match detail.is_empty() {
            true => *of_record.times.entry(loss).or_default() += 1,
            false => of_record.take(loss, &detail),
        }
    }
    Ok(losses)
}

fn report_row(record: &RecordRow, target: Option<&Remote>, losses: Option<&Losses>) -> [String; REPORT_COLUMNS.len()] {
    let (number, url) = target.map(spelled).unwrap_or_default();
    let url = if url.is_empty() { record.look_at.as_deref().unwrap_or_default() } else { url };
    [
        record.kind.to_string(),
        record.id.clone(),
        record.number.clone().unwrap_or_default(),
        Outcome::of(record.state).to_string(),
        record.problem.as_ref().map(|problem| problem.reason.to_string()).unwrap_or_default(),
        record.problem.as_ref().map(|problem| problem.what.clone()).unwrap_or_default(),
        target.map(|target| target.id.clone()).unwrap_or_default(),
        number.to_owned(),
        url.to_owned(),
        record.origin.map(|origin| origin.to_string()).unwrap_or_default(),
        losses.map(Losses::times).unwrap_or_default(),
        losses.map(Losses::details).unwrap_or_default(),
    ]
}

fn stray_row(stray: &Stray) -> [String; REPORT_COLUMNS.len()] {
    let (number, url) = spelled(&stray.remote);
    let none = String::new;
    [
        stray.kind.to_string(),
        stray.id.clone(),
        none(),
        Outcome::Twice.to_string(),
        none(),
        Outcome::Twice.says().to_owned(),
        stray.remote.id.clone(),
        number.to_owned(),
        url.to_owned(),
        none(),
        none(),
        none(),
    ]
}

fn twin_row(twin: &Twin, below: &Remote) -> [String; REPORT_COLUMNS.len()] {
    let mut row = stray_row(&Stray { kind: twin.kind, id: twin.id.clone(), remote: below.clone() });
    row[5] = format!("{} is in it twice, the second time as {}", twin.named(), twin.there);
    row
}

fn spelled(target: &Remote) -> (&str, &str) {
    (target.number.as_deref().unwrap_or_default(), target.url.as_deref().unwrap_or_default())
}

/// A cell that no spreadsheet takes for a formula.
pub(super) fn defused(cell: &str) -> Cow<'_, str> {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    if formula { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

fn unwritten(e: ::csv::Error) -> Problem {
    match e.into_kind() {
        ::csv::ErrorKind::Io(e) => e.into(),
        other => Problem::new(Reason::Internal, format!("a table could not be written: {other:?}")),
    }
}
