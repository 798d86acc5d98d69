//! What a row takes along into the stage, so that it can be understood there without a call: entries of the account's small
//! tables, and what stood beside it in its page.

use super::Rest;
use super::read::{Above, Listed};
use crate::connector::manifest::{Lookup, ReadStream};
use crate::error::Result;
use crate::expr::{self, plain};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// Entries of one table by id.
pub type Table = HashMap<String, Value>;

impl Rest {
    /// Gives each row its entries of the tables its stream names, under `_NAME`, and takes away what the stream drops.
    pub(super) async fn look_up(&self, stream: &ReadStream, rows: &mut [Value]) -> Result<()> {
        for (name, path) in &stream.lookup {
            let Some(rule) = self.manifest.lookup.get(name) else { continue };
            let table = self.table(name, rule).await?;
            for row in rows.iter_mut() {
                let entry = table.get(&plain(expr::path(row, path))).cloned();
                if let (Some(row), Some(entry)) = (row.as_object_mut(), entry) {
                    row.insert(format!("_{name}"), entry);
                }
            }
        }
        for row in rows.iter_mut().filter_map(Value::as_object_mut) {
            stream.drop.iter().for_each(|key| {
                row.remove(key);
            });
        }
        Ok(())
    }

    /// A table of the manifest by its name; none where it has no such one.
    pub async fn table_named(&self, name: &str) -> Result<Option<Arc<Table>>> {
        match self.manifest.lookup.get(name) {
            Some(rule) => self.table(name, rule).await.map(Some),
            None => Ok(None),
        }
    }

    /// A table, read at its first use.
    async fn table(&self, name: &str, rule: &Lookup) -> Result<Arc<Table>> {
        let mut tables = self.lookups.lock().await;
        if let Some(table) = tables.get(name) {
            return Ok(Arc::clone(table));
        }
        let table = Arc::new(self.read_table(name, rule).await?);
        tables.insert(name.to_owned(), Arc::clone(&table));
        Ok(table)
    }

    async fn read_table(&self, name: &str, rule: &Lookup) -> Result<Table> {
        let mut table = Table::new();
        let null = Value::Null;
        if !rule.when.as_ref().map_or(Ok(true), |when| when.holds(&self.scope(&null)))? {
            return Ok(table);
        }
        let mut cursor: Option<String> = None;
        loop {
            let leaf = self.one_page(name, &Listed::from(rule), Above::NONE, cursor.as_deref(), None).await?;
            for row in &leaf.rows {
                let key = plain(expr::path(row, &rule.key));
                let entry: Map<String, Value> =
                    rule.keep.iter().filter_map(|k| Some((k.clone(), row.get(k)?.clone()))).collect();
                match (rule.many, table.entry(key).or_insert(Value::Null)) {
                    (true, Value::Array(entries)) => entries.push(entry.into()),
                    (true, slot) => *slot = Value::Array(vec![entry.into()]),
                    (false, slot) => *slot = entry.into(),
                }
            }
            match leaf.next {
                Some(next) => cursor = Some(next),
                None => return Ok(table),
            }
        }
    }
}

/// Gives each row what stood beside it in its page.
pub(super) fn take_along(stream: &ReadStream, rows: &mut [Value], page: &Value) {
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
