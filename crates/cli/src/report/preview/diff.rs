//! What changed from one preview to the next.

use crate::report::Outcome;
use deskferry::error::{Problem, Reason, Result};
use deskferry::pipeline::preview::{RESULT, requests};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// What older versions call migrated records in the file of a preview.
const OLD_MIGRATED: &str = "carried";

/// One line of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What is counted: an outcome, a loss, a call.
    pub what: String,
    pub before: u64,
    pub after: u64,
}

/// What differs between two previews, and the records whose requests are not the same: `kind id` each.
///
/// Errors: `disk`, `config` where there is no preview in a folder.
pub fn changes(before: &Path, after: &Path) -> Result<(Vec<Change>, Vec<String>)> {
    let (old, new) = (counts(&read(before)?), counts(&read(after)?));
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    let of = |counts: &BTreeMap<String, u64>, name: &String| counts.get(name).copied().unwrap_or_default();
    let changes =
        names.into_iter().map(|name| Change { what: name.clone(), before: of(&old, name), after: of(&new, name) });
    let (old, mut new) = (hashes(before)?, hashes(after)?);
    let mut records: Vec<String> =
        old.iter().filter(|(id, hash)| new.remove(*id) != Some(**hash)).map(|(id, _)| id.clone()).collect();
    records.extend(new.into_keys());
    records.sort();
    Ok((changes.filter(|c| c.before != c.after).collect(), records))
}

fn read(folder: &Path) -> Result<Value> {
    let path = folder.join(RESULT);
    let text = std::fs::read_to_string(&path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Problem::new(Reason::Config, "there is no earlier preview to compare with"),
        _ => Problem::from(e).at(path.display()),
    })?;
    serde_json::from_str(&text).map_err(|e| Problem::new(Reason::Disk, format!("{} is damaged: {e}", path.display())))
}

/// Everything a preview counts, by a name people can read.
fn counts(report: &Value) -> BTreeMap<String, u64> {
    let list = |key: &str| report[key].as_array().into_iter().flatten();
    let word = |row: &Value, key: &str| deskferry::expr::plain(&row[key]);
    let mut counts = BTreeMap::new();
    for kind in list("kinds") {
        for (outcome, n) in kind["outcomes"].as_object().into_iter().flatten() {
            let outcome = if outcome == OLD_MIGRATED { Outcome::Migrated.code() } else { outcome.as_str() };
            counts.insert(format!("{} {outcome}", word(kind, "kind")), n.as_u64().unwrap_or_default());
        }
    }
    for row in list("losses") {
        counts.insert(
            format!("{} loses {}", word(row, "kind"), word(row, "loss")),
            row["times"].as_u64().unwrap_or_default(),
        );
    }
    for row in list("unmapped").chain(list("missing_people")) {
        let what = format!("{} {}: {}", word(row, "kind"), word(row, "loss"), word(row, "detail"));
        counts.insert(what, row["records"].as_u64().unwrap_or_default());
    }
    for row in report["forecast"]["calls"].as_array().into_iter().flatten() {
        counts.insert(format!("calls {}", word(row, "call")), row["total"].as_u64().unwrap_or_default());
    }
    counts
}

/// One number a record for all its requests in their order.
fn hashes(folder: &Path) -> Result<BTreeMap<String, u64>> {
    let mut hashes: BTreeMap<String, u64> = BTreeMap::new();
    for told in requests(folder)? {
        let told = told?;
        let record = format!("{} {}", deskferry::expr::plain(&told["kind"]), deskferry::expr::plain(&told["id"]));
        let hash = hashes.entry(record).or_default();
        let mut of = blake3::Hasher::new();
        of.update(&hash.to_le_bytes()).update(told["request"].to_string().as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&of.finalize().as_bytes()[..8]);
        *hash = u64::from_le_bytes(first);
    }
    Ok(hashes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_preview_of_an_older_version_is_counted_like_a_new_one() {
        let preview = |outcome: &str| json!({"kinds": [{"kind": "ticket", "outcomes": {outcome: 7, "failed": 1}}]});
        let new = counts(&preview("migrated"));
        assert_eq!(new.get("ticket migrated"), Some(&7));
        assert_eq!(counts(&preview("carried")), new);
    }
}
