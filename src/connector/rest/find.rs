//! Finds what a step in doubt may have written: by its marker, or among the parent's children by order and text.

use super::apply::Named;
use super::{Rest, asking};
use crate::connector::Found;
use crate::connector::manifest::{FindRule, Verb};
use crate::connector::plan::{LateValues, Node, Step, Text};
use crate::content;
use crate::error::{Problem, Reason, Result};
use crate::expr::{self, Scope, plain};
use crate::ledger::Remote;
use serde_json::Value;

impl Rest {
    pub(super) async fn find_step(&self, step: &Step, late: &LateValues, earlier: &[&Step]) -> Result<Found> {
        let Some(rule) = self.manifest.find.get(&step.rule.0) else { return Ok(Found::CannotTell) };
        let rows = match self.found_rows(rule, step, late).await {
            Ok(rows) => rows,
            // The parent itself is not there: neither is the child.
            Err(problem) if problem.reason == Reason::NotFound && step.verb == Verb::Append => return Ok(Found::No),
            Err(problem) => return Err(problem.at(format!("looking for {}", step.key))),
        };
        if let Some(mark) = &rule.mark {
            return self.by_mark(rule, mark, step, late, &rows);
        }
        let Some(text) = &rule.text else { return Ok(Found::CannotTell) };
        let mut texts = Vec::with_capacity(rows.len());
        for row in &rows {
            texts.push(content::normalise(&plain(&text.eval(&self.scope(row))?)));
        }
        let mut free = after_earlier(&texts, earlier);
        let wanted = normalised(step);
        free.retain(|at| wanted.contains(&texts[*at]));
        Ok(match free.as_slice() {
            [] => Found::No,
            [at] => Found::Yes(self.row_remote(rule, &rows[*at])?),
            many => Found::Many(many.len()),
        })
    }

    async fn found_rows(&self, rule: &FindRule, step: &Step, late: &LateValues) -> Result<Vec<Value>> {
        let scope = Node::from_value(step.scope.clone()).fill_known(late);
        let sees = self.scope(&scope);
        let call = rule.call.render_path(&sees)?;
        let path = call
            .strip_prefix("GET ")
            .ok_or_else(|| Problem::new(Reason::Manifest, "`call` of a find rule is `GET /path`"))?;
        let mut query = Vec::new();
        for (name, expr) in &rule.query {
            query.push((name.clone(), plain(&expr.eval(&sees)?)));
        }
        let answer = self.ask(asking(&Text::parse(path).fill(late)?, query)).await?.json()?;
        Ok(expr::path(&answer, &rule.items).as_array().cloned().unwrap_or_default())
    }

    /// A row counts only if it carries our marker itself: some servers ignore a filter and return everything.
    fn by_mark(
        &self,
        rule: &FindRule,
        mark: &expr::Expr,
        step: &Step,
        late: &LateValues,
        rows: &[Value],
    ) -> Result<Found> {
        let Some(marker) = &step.marker else { return Ok(Found::CannotTell) };
        let marker = Text::parse(marker).fill(late)?;
        let mut ours = Vec::new();
        for row in rows {
            let held = match mark.eval(&self.scope(row))? {
                Value::Array(marks) => marks.iter().any(|m| same(&plain(m), &marker)),
                other => same(&plain(&other), &marker),
            };
            if held {
                ours.push(row);
            }
        }
        Ok(match ours.as_slice() {
            [] => Found::No,
            [row] => Found::Yes(self.row_remote(rule, row)?),
            many => Found::Many(many.len()),
        })
    }

    fn row_remote(&self, rule: &FindRule, row: &Value) -> Result<Remote> {
        self.remote_of(
            row,
            &Value::Null,
            &Named { id: Some(&rule.id), number: rule.number.as_ref(), url: rule.url.as_ref(), outputs: &rule.outputs },
        )
    }

    /// The scope of a row of the target.
    pub(super) fn row_scope<'a>(&'a self, row: &'a Value) -> Scope<'a> {
        self.scope(row)
    }
}

fn same(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

fn normalised(step: &Step) -> Vec<String> {
    step.texts.iter().map(|text| content::normalise(text)).collect()
}

/// Places of children that no earlier step accounts for: each earlier message takes, in order, the first child after the
/// one before that holds its text.
fn after_earlier(texts: &[String], earlier: &[&Step]) -> Vec<usize> {
    let mut free: Vec<usize> = (0..texts.len()).collect();
    let mut from = 0;
    for step in earlier {
        let wanted = normalised(step);
        if let Some(at) = (from..texts.len()).find(|at| wanted.contains(&texts[*at])) {
            free.retain(|f| *f != at);
            from = at + 1;
        }
    }
    free
}

/// For each of our messages, in order, the child that holds it.
pub(super) fn align(texts: &[String], ours: &[&Step]) -> Vec<Option<usize>> {
    let mut from = 0;
    ours.iter()
        .map(|step| {
            let wanted = normalised(step);
            let at = (from..texts.len()).find(|at| wanted.contains(&texts[*at]))?;
            from = at + 1;
            Some(at)
        })
        .collect()
}
