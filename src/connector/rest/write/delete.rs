//! Looks at a record that is to be deleted, and deletes it, as `[delete.KIND]` says.

use crate::connector::eraser::{Deleted, Eraser, There};
use crate::connector::manifest::{Delete, Used};
use crate::connector::rest::{Rest, asking};
use crate::error::{Problem, Reason, Result};
use crate::expr::{self, plain};
use crate::http::{Call, Repeat, Sent, Target};
use crate::record::Kind;
use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

#[async_trait]
impl Eraser for Rest {
    fn after(&self, kind: Kind) -> Option<&str> {
        self.manifest.delete.get(kind.code()).map(|rule| rule.after.as_str())
    }

    async fn look(&self, kind: Kind, id: &str) -> Result<Option<There>> {
        let rule = self.deletes(kind)?;
        let sees = json!({ "target": id });
        let shown = rule.show.render_path(&self.scope(&sees))?;
        let answer = match self.ask(asking(path_of_get(&shown)?, vec![])).await {
            Ok(response) => response.json()?,
            Err(problem) if is_not_there(&problem) => return Ok(None),
            Err(problem) => return Err(problem),
        };
        let record = rule.item.as_deref().map_or(&answer, |path| expr::path(&answer, path));
        if !record.is_object() {
            let what = format!("the target shows no {kind} {id} where the one to be deleted stands");
            return Err(Problem::new(Reason::BadAnswer, what));
        }
        let scope = self.scope(record);
        if rule.gone.as_ref().map_or(Ok(false), |gone| gone.holds(&scope))? {
            return Ok(None);
        }
        let mut there = There {
            marks: texts(&rule.mark.eval(&scope)?),
            created_at: rule.created_at.as_deref().and_then(|path| time_at(record, path)),
            updated_at: time_at(record, &rule.updated_at),
            used_by: vec![],
        };
        for used in &rule.used {
            there.used_by.extend(self.users(used, &sees).await?);
        }
        Ok(Some(there))
    }

    async fn delete(&self, kind: Kind, id: &str) -> Deleted {
        let call = match self.deletion(kind, id) {
            Ok(call) => call,
            Err(problem) => return Deleted::NotSent(problem),
        };
        match self.client.send(&call).await {
            Sent::Answer(response) if (200..300).contains(&response.status) => Deleted::Done,
            Sent::Answer(response) => {
                let problem = Problem { foreign: self.is_foreign(&response), ..self.refusal(&response) };
                match response.status {
                    _ if is_not_there(&problem) => Deleted::Done,
                    400..500 if !problem.foreign => Deleted::Refused(problem),
                    _ => Deleted::Unknown(problem),
                }
            }
            Sent::NotSent(problem) => Deleted::NotSent(problem),
            Sent::Unknown(problem) => Deleted::Unknown(problem),
        }
    }
}

impl Rest {
    fn deletes(&self, kind: Kind) -> Result<&Delete> {
        let none = || Problem::new(Reason::Unsupported, format!("the manifest does not say how a {kind} is deleted"));
        self.manifest.delete.get(kind.code()).ok_or_else(none)
    }

    fn deletion(&self, kind: Kind, id: &str) -> Result<Call> {
        let sees = json!({ "target": id });
        let call = self.deletes(kind)?.call.render_path(&self.scope(&sees))?;
        let wrong = || Problem::new(Reason::Manifest, format!("`call` of `delete.{kind}` is `METHOD /path`"));
        let (method, path) = call.split_once(' ').ok_or_else(wrong)?;
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| wrong())?;
        Ok(Call::new(method, Target::Path(path.to_owned()), Repeat::Never))
    }

    /// What refers to a record.
    async fn users(&self, used: &Used, sees: &Value) -> Result<Vec<(Kind, String)>> {
        let scope = self.scope(sees);
        let call = used.call.render_path(&scope)?;
        let query = used.query.iter().map(|(name, expr)| Ok((name.clone(), plain(&expr.eval(&scope)?))));
        let answer = self.ask(asking(path_of_get(&call)?, query.collect::<Result<_>>()?)).await?.json()?;
        let rows = expr::path(&answer, &used.items).as_array().cloned().unwrap_or_default();
        rows.iter().map(|row| Ok((used.kind, plain(&used.id.eval(&self.scope(row))?)))).collect()
    }
}

/// A 404 of somebody between says nothing of the record.
fn is_not_there(problem: &Problem) -> bool {
    problem.reason == Reason::NotFound && !problem.foreign
}

fn path_of_get(call: &str) -> Result<&str> {
    let wrong = || Problem::new(Reason::Manifest, "what `undo` looks at is asked for by `GET /path`");
    call.strip_prefix("GET ").ok_or_else(wrong)
}

fn time_at(record: &Value, path: &str) -> Option<Timestamp> {
    plain(expr::path(record, path)).parse().ok()
}

fn texts(marks: &Value) -> Vec<String> {
    match marks {
        Value::Array(all) => all.iter().filter(|mark| !mark.is_null()).map(plain).collect(),
        Value::Null => vec![],
        one => vec![plain(one)],
    }
}
