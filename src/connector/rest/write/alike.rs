//! What stands in the target and keeps no marker of ours: records of a knowledge base, whose texts people read. They are told by
//! what they are. It only reads, and never says whose they are: the ledger knows.

use crate::connector::plan::{LateValues, Node, Step};
use crate::connector::rest::Rest;
use crate::error::Result;
use crate::expr::{Expr, plain};
use crate::ledger::Remote;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Listings as they were when the first record of each was to be made, by their call: what a record is known by, and where it is.
pub(crate) type Before = tokio::sync::Mutex<HashMap<String, Arc<Vec<(String, Remote)>>>>;

impl Rest {
    /// Records that were there before this run made any beside them, and are in all what the step would create.
    pub(super) async fn there_before(&self, step: &Step, late: &LateValues) -> Result<Vec<Remote>> {
        let Some(rule) = self.manifest.find.get(&step.rule.0) else { return Ok(vec![]) };
        let (Some(same), Some(call)) = (&rule.same, &rule.call) else { return Ok(vec![]) };
        let at = |problem: crate::error::Problem| problem.at(format!("looking for {}", step.key));
        let scope = Node::from_value(step.scope.clone()).fill_known(late);
        let call = call.render_path(&self.scope(&scope))?;
        let listed = {
            let mut before = self.before.lock().await;
            match before.get(&call) {
                Some(listed) => Arc::clone(listed),
                None => {
                    let rows = self.rows_found(rule, &BTreeMap::new(), &scope, late).await.map_err(at)?;
                    let listed =
                        rows.iter().map(|row| Ok((self.known_by(&same.at, row)?, self.row_remote(rule, row)?)));
                    let listed = Arc::new(listed.collect::<Result<Vec<_>>>()?);
                    before.insert(call, Arc::clone(&listed));
                    listed
                }
            }
        };
        // A text with places for what later steps bring has no value yet; they stand where nobody compares.
        let wanted = self.known_by(&same.is, &step.scope)?;
        Ok(listed.iter().filter(|(known, _)| *known == wanted).map(|(_, remote)| remote.clone()).collect())
    }

    /// A hash of what a record is known by: its text may be long.
    fn known_by(&self, by: &Expr, seen: &Value) -> Result<String> {
        let text = plain(&by.eval(&self.scope(seen))?);
        Ok(blake3::hash(text.trim().as_bytes()).to_hex().to_string())
    }
}
