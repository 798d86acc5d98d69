//! The ledger is lost after a good move: it is made anew from the markers, and nothing is migrated twice.

use crate::http::Result;
use crate::moves::{self, Move};
use crate::{Failed, MINUTES};
use std::collections::BTreeMap;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    crate::harness::trials![Servers: a_lost_ledger_is_made_anew_and_nothing_is_carried_twice]
}

fn a_lost_ledger_is_made_anew_and_nothing_is_carried_twice() -> Result<(), Failed> {
    let moved = crate::moved()?;
    let _turn = moves::turn();
    let all = moved.resumed("rebuilt")?;
    let binary = all.binary()?;
    let (before, size) = (tickets(&all, &["ids"])?, crate::size(&all)?);
    for entry in std::fs::read_dir(all.project.join(".deskferry")).map_err(|e| e.to_string())?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("ledger.db") {
            std::fs::remove_file(entry.path()).map_err(|e| e.to_string())?;
        }
    }
    assert_eq!(tickets(&all, &["ids"]).unwrap_or_default(), BTreeMap::new(), "the ledger is not lost");

    // one merged into another has no marker of its own: the next run knows it again
    let own = all.expected.tickets.iter().map(|t| t.id.to_string());
    let own: BTreeMap<_, _> =
        own.filter_map(|id| before.get_key_value(&id)).map(|(k, v)| (k.clone(), v.clone())).collect();
    assert_eq!(tickets(&all, &["ids", "--rebuild"])?, own);
    binary.succeed(&["run"], 12 * MINUTES)?;
    assert_eq!(crate::size(&all)?, size, "issues, notes, files");
    assert_eq!(tickets(&all, &["ids"])?, before);
    let differences = all.target_differences()?;
    assert!(differences.is_empty(), "{}", crate::report(&differences));
    Ok(())
}

/// Rows of tickets by the source's id.
fn tickets(all: &Move, args: &[&str]) -> Result<BTreeMap<String, Vec<String>>> {
    let said = all.binary()?.succeed(args, 3 * MINUTES)?.stdout;
    let mut rows = csv::Reader::from_reader(said.as_bytes());
    let rows = rows.records().flatten().filter(|row| &row[0] == "ticket" && !row[3].is_empty());
    Ok(rows.map(|row| (row[1].to_owned(), row.iter().skip(3).map(str::to_owned).collect())).collect())
}
