//! One row of a stream by its id: somebody a ticket names whom no listing of this run showed.

use crate::connector::Row;
use crate::connector::rest::Rest;
use crate::connector::rest::api::listed::Above;
use crate::error::{Problem, Reason, Result};
use crate::expr;
use crate::record::Kind;
use serde_json::{Value, json};

impl Rest {
    /// None where the platform has no such row, does not show it to us, or shows it in another listing.
    pub(super) async fn row_by_id(&self, kind: Kind, id: &str) -> Result<Option<Row>> {
        let Some(stream) = self.manifest.read.get(kind.code()) else { return Ok(None) };
        let Some(view) = &stream.view else { return Ok(None) };
        let asked = json!({ "id": id });
        let scope = self.scope(&asked);
        let answer = match self.get(&view.path.render_path(&scope)?, &[]).await {
            Ok(answer) => answer,
            // What is no id of this platform is refused in one of these ways.
            Err(problem) if matches!(problem.reason, Reason::NotFound | Reason::Forbidden | Reason::Invalid) => {
                return Ok(None);
            }
            Err(problem) => return Err(problem.at(format!("reading {kind} {id}"))),
        };
        let row = view.item.as_deref().map_or(&answer, |item| expr::path(&answer, item)).clone();
        if !row.is_object() {
            return Ok(None);
        }
        // What is looked up for whole listings would be listed for this one row.
        let rows = self.kept(stream, vec![row], Above::NONE, &Value::Null)?;
        let row = rows.into_iter().next().map(|raw| self.row(stream, raw)).transpose()?;
        match row {
            Some(row) if !row.id.eq_ignore_ascii_case(id) => {
                let what = format!("the answer is that of {}, and {id} was asked for", row.id);
                Err(Problem::new(Reason::BadAnswer, what).at(format!("reading {kind} {id}")))
            }
            row => Ok(row),
        }
    }
}
