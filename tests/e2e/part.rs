//! A part first, the rest later: one ticket with the people it names, and then everything.

use crate::MINUTES;
use crate::http::Result;
use crate::journey::{self, Journey, Product};
use crate::later::open;
use std::collections::BTreeSet;

/// Carries one ticket into the Request Tracker and sees that nobody else came with it.
pub fn one_ticket(all: &Journey) -> Result<()> {
    let before = people(all)?;
    let ticket = all.expected.tickets.iter().find(|t| t.refers_to.is_empty() && t.messages.len() > 2);
    let ticket = ticket.ok_or("no such ticket")?;
    all.binary()?.succeed(&["run", "--ids", &format!("ticket:{}", ticket.id)], 12 * MINUTES)?;

    let there = journey::read(Product::RequestTracker, &all.target)?.issues;
    let subjects: Vec<&str> = there.iter().map(|issue| issue.subject.as_str()).collect();
    if subjects != [ticket.subject.as_str()] {
        return Err(format!("asked for {:?}, the target has {subjects:?}", ticket.subject));
    }
    let named = ticket.requesters.iter().chain(&ticket.ccs).chain(&ticket.owner);
    let named = named.chain(ticket.messages.iter().map(|m| &m.author)).filter_map(|p| p.email.clone());
    let named: BTreeSet<String> = named.filter(|address| !before.contains(address)).collect();
    let came: BTreeSet<String> = people(all)?.difference(&before).cloned().collect();
    if came != named {
        return Err(format!("{:?} names {named:?}, there came {came:?}", ticket.subject));
    }

    let report = all.binary()?.succeed(&["report", "--format", "csv"], MINUTES)?.stdout;
    let mut rows = csv::Reader::from_reader(report.as_bytes());
    let headers = rows.headers().map_err(|e| e.to_string())?.clone();
    let at = |name: &str| headers.iter().position(|h| h == name).ok_or_else(|| format!("the report has no {name}"));
    let (kind, outcome, reason) = (at("kind")?, at("outcome")?, at("reason")?);
    let is_left_out =
        |row: &csv::StringRecord| &row[kind] == "contact" && &row[outcome] == "skipped" && &row[reason] == "scope";
    match rows.records().flatten().any(|row| is_left_out(&row)) {
        true => Ok(()),
        false => Err("the report names nobody who was left out".into()),
    }
}

/// Addresses of the accounts of the Request Tracker.
fn people(all: &Journey) -> Result<BTreeSet<String>> {
    let db = open(all.target.var("RT_DB")?)?;
    let addresses = "SELECT EmailAddress FROM Users WHERE EmailAddress <> ''";
    let mut query = db.prepare(addresses).map_err(|e| e.to_string())?;
    let rows = query.query_map([], |row| row.get(0)).map_err(|e| e.to_string())?;
    rows.collect::<Result<_, _>>().map_err(|e| e.to_string())
}
