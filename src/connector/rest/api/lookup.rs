//! What a row takes along into the stage, so that it can be understood there without a call: entries of the account's small
//! tables, and what stood beside it in its page. Of a table that the account does not show nothing is taken along, and `nameless`
//! says what that means for a row.

use super::listed::{Above, Listed};
use crate::connector::manifest::{Denied, Lookup, ReadStream};
use crate::connector::rest::Rest;
use crate::connector::rest::read::nameless::NAMELESS;
use crate::connector::rest::read::refused::is_not_shown;
use crate::error::{Problem, Result};
use crate::expr::{self, plain};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// Entries of one table by id.
pub type Table = HashMap<String, Value>;

/// What this run knows of a table. One that was refused is asked for again by the next run.
#[derive(Clone)]
pub(crate) enum Known {
    Read(Arc<Table>),
    Refused(Problem),
    /// On purpose.
    LeftOut,
}

impl Rest {
    /// Gives each row its entries of the tables its stream names, under `_NAME`, and takes away what the stream drops. For each row the
    /// problem that a table it needs is refused.
    pub(crate) async fn look_up(&self, stream: &ReadStream, rows: &mut [Value]) -> Result<Vec<Option<Problem>>> {
        let mut refused = vec![None; rows.len()];
        for (name, path) in &stream.lookup {
            let Some(rule) = self.manifest.lookup.get(name) else { continue };
            match self.table(name, rule).await? {
                Known::Read(table) if rule.every => {
                    let mut all: Vec<&Value> = table.values().collect();
                    all.sort_by_cached_key(|entry| entry.to_string());
                    let all: Value = all.into_iter().cloned().collect();
                    let rows = rows.iter_mut().filter_map(Value::as_object_mut);
                    rows.for_each(|row| _ = row.insert(format!("_{name}"), all.clone()));
                }
                Known::Read(table) => rows.iter_mut().for_each(|row| take_entry(row, name, path, &table)),
                Known::Refused(problem) => {
                    for (row, refused) in rows.iter_mut().zip(&mut refused) {
                        if self.needs(stream, (name, rule), row) {
                            row[NAMELESS] = true.into();
                            refused.get_or_insert_with(|| problem.clone());
                        }
                    }
                }
                Known::LeftOut => {}
            }
        }
        for row in rows.iter_mut().filter_map(Value::as_object_mut) {
            stream.drop.iter().for_each(|key| {
                row.remove(key);
            });
        }
        Ok(refused)
    }

    /// A table of the manifest by its name; none where it has no such one, or the account does not show it.
    pub async fn table_named(&self, name: &str) -> Result<Option<Arc<Table>>> {
        let Some(rule) = self.manifest.lookup.get(name) else { return Ok(None) };
        Ok(match self.table(name, rule).await? {
            Known::Read(table) => Some(table),
            Known::Refused(_) | Known::LeftOut => None,
        })
    }

    /// A table, read at its first use.
    pub(crate) async fn table(&self, name: &str, rule: &Lookup) -> Result<Known> {
        if self.leaves_out(name) {
            return Ok(Known::LeftOut);
        }
        let mut tables = self.lookups.lock().await;
        if let Some(table) = tables.get(name) {
            return Ok(table.clone());
        }
        let table = match self.read_table(name, rule).await {
            Ok(table) => Known::Read(Arc::new(table)),
            // Nothing is lost for it, whoever refused: records that need it fail until it is shown, or left out on purpose.
            Err(refusal) if rule.denied != Denied::Fail && is_not_shown(&refusal) => {
                self.note(format!("the source does not show its {}: {}", rule.what, refusal.what));
                Known::Refused(self.nameless(name, rule, &refusal))
            }
            Err(problem) => return Err(problem),
        };
        tables.insert(name.to_owned(), table.clone());
        Ok(table)
    }

    async fn read_table(&self, name: &str, rule: &Lookup) -> Result<Table> {
        let mut table = Table::new();
        let null = Value::Null;
        if !rule.when.as_ref().map_or(Ok(true), |when| when.holds(&self.scope(&null)))? {
            return Ok(table);
        }
        for row in self.all_rows(name, &Listed::from(rule), Above::NONE).await? {
            let key = plain(expr::path(&row, &rule.key));
            let entry: Map<String, Value> =
                rule.keep.iter().filter_map(|k| Some((k.clone(), row.get(k)?.clone()))).collect();
            match (rule.many, table.entry(key).or_insert(Value::Null)) {
                (true, Value::Array(entries)) => entries.push(entry.into()),
                (true, slot) => *slot = Value::Array(vec![entry.into()]),
                (false, slot) => *slot = entry.into(),
            }
        }
        Ok(table)
    }
}

/// Gives a row its entry of a table.
fn take_entry(row: &mut Value, name: &str, path: &str, table: &Table) {
    let entry = table.get(&plain(expr::path(row, path))).cloned();
    if let (Some(row), Some(entry)) = (row.as_object_mut(), entry) {
        row.insert(format!("_{name}"), entry);
    }
}

/// Gives each row what stood beside it in its page.
pub(crate) fn take_along(stream: &ReadStream, rows: &mut [Value], page: &Value) {
    for (name, rule) in &stream.sideload {
        let mut beside: HashMap<String, Vec<Value>> = HashMap::new();
        for one in expr::path(page, &rule.items).as_array().into_iter().flatten() {
            beside.entry(plain(expr::path(one, &rule.key))).or_default().push(one.clone());
        }
        for row in rows.iter_mut() {
            let own = beside.get(&plain(expr::path(row, &rule.of))).cloned();
            if let (Some(row), Some(own)) = (row.as_object_mut(), own) {
                row.insert(name.clone(), own.into());
            }
        }
    }
}
