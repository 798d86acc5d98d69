//! What becomes of a row whose ids stand for entries of a table that the account does not show: its record fails, alone, until the
//! table is shown or a person says that such names are left out. Nothing is decided for a row that would not use the entry.

use crate::connector::manifest::{Denied, Lookup, ReadStream, unlisted};
use crate::connector::rest::Rest;
use crate::connector::rest::api::lookup::Known;
use crate::connector::{CheckLine, ChildRows};
use crate::error::{About, Loss, Problem, Reason, Result};
use crate::expr::{self, plain};
use crate::record::{Kind, Unread};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Key of a row that lacks an entry of a table.
pub(crate) const NAMELESS: &str = "_nameless";
/// Stands for any value an entry may have.
const SOMETHING: &str = "\u{e000}";

impl Rest {
    /// Says which tables are left out on purpose.
    pub fn leaving_out(self, names: &[String]) -> Self {
        Rest { leave_out: names.iter().cloned().collect(), ..self }
    }

    pub(crate) fn leaves_out(&self, name: &str) -> bool {
        self.leave_out.contains(name)
    }

    /// Whether an entry of a table would make a difference to the record of a row.
    pub(crate) fn needs(&self, stream: &ReadStream, (name, rule): (&str, &Lookup), row: &Value) -> bool {
        let Some(path) = stream.lookup.get(name) else { return false };
        if expr::path(row, path).is_null() || !row.is_object() {
            return false;
        }
        let entry: Map<String, Value> = rule.keep.iter().map(|key| (key.clone(), SOMETHING.into())).collect();
        let mut with = row.clone();
        with[format!("_{name}")] = if rule.many { vec![Value::from(entry)].into() } else { entry.into() };
        let read = |row: &Value| self.evaluated("row", &stream.fields, row, &Value::Null, row);
        match (read(row), read(&with)) {
            (Ok(without), Ok(with)) => without != with,
            // A record that cannot be read at all fails for that.
            (without, _) => without.is_ok(),
        }
    }

    /// Whether a row lacks an entry of a table that was left out when it was read, and is not now.
    pub(super) fn may_be_named(&self, stream: &ReadStream, row: &Value) -> bool {
        let tables =
            stream.lookup.keys().filter(|name| !self.leaves_out(name) && row.get(format!("_{name}")).is_none());
        tables
            .filter_map(|name| Some((name.as_str(), self.manifest.lookup.get(name)?)))
            .any(|table| self.needs(stream, table, row))
    }

    /// Why a record fails that needs an entry of a table which is refused.
    pub(crate) fn nameless(&self, name: &str, rule: &Lookup, refusal: &Problem) -> Problem {
        let (title, what) = (&self.manifest.title, &rule.what);
        let said = format!("{title} does not show its {what}, and this record has some: {}", refusal.what);
        let hint = format!("{}; or {}", right(rule, refusal), way_out(name, rule));
        // It names no record: where all fail by it, it is the account that has to be mended.
        Problem { about: About::Nobody, ..Problem::new(Reason::ListRefused, said).hint(hint) }
    }

    /// Of a record that goes on without it: what is left out on purpose.
    pub(super) fn left_out_of(&self, kind: Kind, row: &Value, children: &ChildRows) -> Result<Vec<Unread>> {
        let mut unread = Vec::new();
        if self.leave_out.is_empty() {
            return Ok(unread);
        }
        let stream = self.stream(kind.code())?;
        for (name, path) in stream.lookup.iter().filter(|(name, _)| self.leaves_out(name)) {
            let Some(rule) = self.manifest.lookup.get(name) else { continue };
            if row.get(format!("_{name}")).is_none() && self.needs(stream, (name, rule), row) {
                let detail = format!("{}: {}", rule.what, plain(expr::path(row, path)));
                unread.push(Unread { loss: Loss::NameLeftOut, detail });
            }
        }
        for (name, rows) in children.iter().filter(|(name, _)| self.leaves_out(&unlisted(name))) {
            let declared = self.declared(name, row)?;
            if declared > rows.len() as u64 {
                let detail = format!("{} of {declared}", declared - rows.len() as u64);
                unread.push(Unread { loss: Loss::NotListed, detail });
            }
        }
        Ok(unread)
    }

    /// A line for each table of these kinds that the account does not show, or that is left out.
    pub(super) async fn tables_refused(&self, kinds: &[Kind]) -> Vec<CheckLine> {
        let mut lines = Vec::new();
        let streams = kinds.iter().filter_map(|kind| self.manifest.read.get(kind.code()));
        let named: BTreeSet<&String> = streams.flat_map(|stream| stream.lookup.keys()).collect();
        for name in named {
            let Some(rule) = self.manifest.lookup.get(name) else { continue };
            // A list of what all people belong to may be long: it is met when they are read. No record fails for one that goes with every row.
            if rule.denied == Denied::Fail || rule.many || rule.every {
                continue;
            }
            let found = match self.table(name, rule).await {
                Ok(Known::Refused(problem)) => {
                    let hint = problem.hint.unwrap_or_default();
                    format!("not shown: records that have some will fail; {hint}")
                }
                Ok(Known::LeftOut) => "left out, as `leave_out` says: a loss of each record that has some".to_owned(),
                // What fails otherwise is met where the records are read.
                Ok(Known::Read(_)) | Err(_) => continue,
            };
            lines.push(CheckLine { proves: format!("the {} can be read", rule.what), found: Ok(found) });
        }
        lines
    }
}

/// What the account needs.
fn right(rule: &Lookup, refusal: &Problem) -> String {
    refusal.hint.clone().unwrap_or_else(|| format!("the credentials must have the right to list {}", rule.what))
}

/// How a person says that it is left out.
fn way_out(name: &str, rule: &Lookup) -> String {
    format!("say `leave_out = [\"{name}\"]` under [source] to migrate without the {}", rule.what)
}
