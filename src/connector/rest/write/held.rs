//! Reads what the target has of somebody who was there before us: what of ours is not among it is lost, and named.

use crate::connector::rest::{Rest, asking};
use crate::error::{Problem, Reason, Result};
use crate::expr::plain;
use crate::ledger::Remote;
use crate::record::Kind;
use serde_json::{Map, Value, json};

impl Rest {
    pub(super) async fn held_of(&self, kind: Kind, remote: &Remote) -> Result<Option<Map<String, Value>>> {
        let Some(rule) = self.manifest.held.get(kind.code()) else { return Ok(None) };
        let sees = json!({ "target": remote.id });
        let call = rule.call.render_path(&self.scope(&sees))?;
        let wrong = || Problem::new(Reason::Manifest, "`call` of a held rule is `GET /path`");
        let path = call.strip_prefix("GET ").ok_or_else(wrong)?;
        let mut query = Vec::new();
        for (name, expr) in &rule.query {
            query.push((name.clone(), plain(&expr.eval(&self.scope(&sees))?)));
        }
        let answer = match self.ask(asking(path, query)).await {
            Ok(response) => response.json()?,
            // Somebody of another sort, such as an agent, or not ours to look at.
            Err(problem) if matches!(problem.reason, Reason::NotFound | Reason::Forbidden) => {
                return Ok(Some(Map::new()));
            }
            Err(problem) => return Err(problem),
        };
        let field = |(name, expr): (&String, &crate::expr::Expr)| Ok((name.clone(), expr.eval(&self.scope(&answer))?));
        rule.fields.iter().map(field).collect::<Result<_>>().map(Some)
    }
}
