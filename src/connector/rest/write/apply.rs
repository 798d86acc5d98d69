//! Applies one step: sends its call and says what became of it, in three values.

use crate::connector::manifest::{Then, Verb, WriteStep};
use crate::connector::plan::{Content, LateValues, Part, Request, Step, Text};
use crate::connector::rest::Rest;
use crate::connector::rest::api::refusal::{text_of, words_in};
use crate::connector::seen::{Among, Seen};
use crate::connector::{Found, LOST, Outcome};
use crate::error::{Problem, Reason, Result};
use crate::expr::{Expr, Scope, Template, plain};
use crate::http::{self, Call, Class, Payload, Repeat, Response, Sent, Shape, Target, Trust};
use crate::ledger::{Origin, Remote};
use crate::naive::{self, Naive};
use crate::record::Outputs;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Who says so will not do it the next time either.
const NOT_IMPLEMENTED: u16 = 501;

impl Rest {
    pub(crate) fn rule(&self, step: &Step) -> Result<&WriteStep> {
        let (section, at) = &step.rule;
        self.manifest
            .write
            .get(section)
            .and_then(|rules| rules.get(*at))
            .ok_or_else(|| Problem::new(Reason::Internal, format!("step `{}` has no rule in the manifest", step.key)))
    }

    /// The other form of a request follows at once only where nothing can come to be twice by it: the first was refused in the
    /// platform's own words, or only sets values.
    pub(super) async fn apply_step(&self, step: &Step, late: &LateValues) -> Outcome {
        match self.try_step(step, &step.request, late).await {
            Err(problem) => Outcome::NotSent(problem),
            Ok(Verdict::Is(outcome)) => outcome,
            Ok(Verdict::Fallback(refused, _)) if step.fallback.is_none() => Outcome::Rejected(refused),
            Ok(Verdict::Fallback(refused, Proof::Status)) if adds(step.verb) => Outcome::Otherwise(refused),
            Ok(Verdict::Fallback(..)) => self.apply_fallback(step, late).await,
        }
    }

    /// Sends the other form of a request.
    pub(super) async fn apply_fallback(&self, step: &Step, late: &LateValues) -> Outcome {
        let Some(request) = &step.fallback else {
            return Outcome::NotSent(Problem::new(Reason::Internal, format!("step `{}` has one form", step.key)));
        };
        match self.try_step(step, request, late).await {
            Err(problem) => Outcome::NotSent(problem),
            // There is no third form: where this one had no effect, it is refused.
            Ok(Verdict::Is(Outcome::Otherwise(problem))) => Outcome::Denied(problem),
            Ok(Verdict::Is(outcome)) => self.in_part(step, outcome),
            Ok(Verdict::Fallback(problem, _)) => Outcome::Rejected(problem),
        }
    }

    /// What a fallback that leaves something out did.
    fn in_part(&self, step: &Step, outcome: Outcome) -> Outcome {
        let leaves_out = |rule: &WriteStep| rule.fallback.as_ref().is_some_and(|other| !other.without.is_empty());
        match outcome {
            Outcome::Applied { mut remote, origin } if self.rule(step).is_ok_and(leaves_out) => {
                remote.outputs.insert(LOST.to_owned(), true.into());
                Outcome::Applied { remote, origin }
            }
            other => other,
        }
    }

    /// Errors mean that nothing was sent.
    async fn try_step(&self, step: &Step, request: &Request, late: &LateValues) -> Result<Verdict> {
        let rule = self.rule(step)?;
        let mut call = call_of(request, rule.verb, late)?;
        if rule.fill {
            match self.left_to_fill(call).await? {
                Some(left) => call = left,
                None => {
                    let nothing = Outcome::Applied { remote: Remote::default(), origin: Origin::Matched };
                    return Ok(Verdict::Is(nothing));
                }
            }
        }
        if let Some(verdict) = self.in_batch(step, rule, &call, late).await? {
            return Ok(verdict);
        }
        let response = match self.client.send(&call).await {
            Sent::Answer(response) => response,
            Sent::NotSent(problem) => return Ok(Verdict::Is(Outcome::NotSent(problem))),
            Sent::Unknown(problem) => return Ok(Verdict::Is(Outcome::Unknown(problem))),
        };
        if is_no_success(rule, &response) {
            let problem = Problem { reason: Reason::BadAnswer, ..self.denial(&response) };
            return Ok(Verdict::Is(Outcome::Unknown(problem)));
        }
        if self.is_ok(rule, &response)? {
            let adopted = match &rule.adopted {
                Some(adopted) => adopted.holds(&self.scope(&answer_of(&response)))?,
                None => false,
            };
            let origin = if adopted { Origin::Adopted } else { Origin::Created };
            return Ok(Verdict::Is(match self.remote(rule, step, &response).await {
                Ok(remote) => Outcome::Applied { remote, origin },
                // It was written, but how it is called we could not read: it is looked for.
                Err(problem) => Outcome::Unknown(problem),
            }));
        }
        let text = text_of(&response);
        if let Some(outcome) = self.unproven(step, rule, &response, &text) {
            return Ok(Verdict::Is(outcome));
        }
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        self.judged(step, rule, response.status, self.refusal(&response), &text, &body, late).await
    }

    /// What became of a write that somebody refused who may not be the platform. A refusal without a word may be anybody's: what adds
    /// something is looked for. One that sets values may be sent again in any case, and so it failed; that it was not needed is
    /// the platform's alone to say.
    fn unproven(&self, step: &Step, rule: &WriteStep, response: &Response, text: &str) -> Option<Outcome> {
        let (class, lower) = (response.class(), text.to_lowercase());
        let refuses = class != Class::Broken || response.status == NOT_IMPLEMENTED;
        let is_foreign = refuses && self.class(response) == Class::Broken;
        let is_silent = matches!(class, Class::Refused | Class::AuthLost) && response.says_nothing();
        let on = rule.on.iter().find(|on| on.matches(response.status, &lower));
        let has_another = step.fallback.is_some() && on.is_some_and(|on| on.then == Then::Fallback);
        match adds(rule.verb) {
            true if is_foreign && class == Class::PushBack => Some(Outcome::Unknown(self.denial(response))),
            true if is_foreign => Some(Outcome::Denied(self.denial(response))),
            true if is_silent && has_another => Some(Outcome::Otherwise(self.refusal(response))),
            true if is_silent => Some(Outcome::Denied(self.refusal(response))),
            false if is_foreign && on.is_some() => Some(Outcome::Rejected(self.denial(response))),
            _ => None,
        }
    }

    /// What a refusal of one record inside a larger call means.
    pub(super) async fn refused(
        &self,
        step: &Step,
        rule: &WriteStep,
        status: u16,
        text: &str,
        row: &Value,
        late: &LateValues,
    ) -> Result<Verdict> {
        let said = Some(words_in(row)).filter(|said| !said.is_empty());
        let problem = self.refusal_of(status, text, Some(said.as_deref().unwrap_or(text)));
        self.judged(step, rule, status, problem, text, row, late).await
    }

    #[expect(clippy::too_many_arguments, reason = "a refusal with all by which it is judged")]
    async fn judged(
        &self,
        step: &Step,
        rule: &WriteStep,
        status: u16,
        problem: Problem,
        text: &str,
        body: &Value,
        late: &LateValues,
    ) -> Result<Verdict> {
        let lower = text.to_lowercase();
        let on = rule.on.iter().find(|on| on.matches(status, &lower));
        if let Some(id) = on.and_then(|on| on.id.as_ref()) {
            let id = id.eval(&self.scope(body))?;
            if !id.is_null() {
                let remote = Remote { id: plain(&id), ..Remote::default() };
                return Ok(Verdict::Is(Outcome::Applied { remote, origin: Origin::Adopted }));
            }
        }
        Ok(match on.map(|on| on.then) {
            Some(Then::Fallback) => {
                let is_told = on.is_some_and(|on| on.text.is_some());
                Verdict::Fallback(problem, if is_told { Proof::Words } else { Proof::Status })
            }
            Some(Then::Done) => Verdict::Is(Outcome::Applied { remote: Remote::default(), origin: Origin::Matched }),
            Some(Then::Lost) => {
                let lacks = on.and_then(|on| on.lacks.clone()).map_or(Value::Bool(true), Value::String);
                let outputs = Outputs::from([(LOST.to_owned(), lacks)]);
                let remote = Remote { outputs, ..Remote::default() };
                Verdict::Is(Outcome::Applied { remote, origin: Origin::Matched })
            }
            Some(Then::Adopt) => Verdict::Is(self.adopt(step, late, problem).await),
            None if http::classify(status) == http::Class::Broken => Verdict::Is(Outcome::Unknown(problem)),
            None => Verdict::Is(Outcome::Rejected(problem)),
        })
    }

    /// Success is what the manifest says, not the status alone.
    fn is_ok(&self, rule: &WriteStep, response: &Response) -> Result<bool> {
        let Some(ok) = &rule.ok else { return Ok((200..300).contains(&response.status)) };
        ok.holds(&self.scope(&answer_of(response)))
    }

    async fn remote(&self, rule: &WriteStep, step: &Step, response: &Response) -> Result<Remote> {
        if rule.id.is_none() && rule.outputs.is_empty() {
            return Ok(Remote::default());
        }
        let body = if response.is_empty() { Value::Null } else { response.json()? };
        let body = self.followed(rule.follow.as_ref(), body).await?;
        let heads = response.headers.iter().filter_map(|(k, v)| Some((k.as_str().to_owned(), v.to_str().ok()?.into())));
        let head = json!({ "status": response.status, "headers": Value::Object(heads.collect()) });
        self.remote_in(rule, step, &body, &head)
    }

    /// What an answer says of the record the step wrote.
    pub(super) fn remote_in(&self, rule: &WriteStep, step: &Step, body: &Value, head: &Value) -> Result<Remote> {
        let named = Named {
            id: rule.id.as_ref(),
            number: rule.number.as_ref(),
            url: rule.url.as_ref(),
            outputs: &rule.outputs,
        };
        let remote = self.remote_of(body, head, &step.scope, &named)?;
        let is_unnamed = rule.verb == Verb::Append && (rule.id.is_none() || naive::is(Naive::Done));
        let is_told = !remote.id.is_empty() || is_unnamed;
        if matches!(rule.verb, Verb::Create | Verb::Append) && !is_told {
            return Err(Problem::new(Reason::BadAnswer, "the answer does not contain the id of the new record"));
        }
        Ok(remote)
    }

    /// The answer of the second call of a rule, where it has one.
    pub(crate) async fn followed(&self, follow: Option<&Template>, body: Value) -> Result<Value> {
        let Some(follow) = follow else { return Ok(body) };
        let call = follow.render_path(&self.scope(&body))?;
        let wrong = || Problem::new(Reason::Manifest, "`follow` is `GET /path`");
        self.get(call.strip_prefix("GET ").ok_or_else(wrong)?, &[]).await
    }

    /// Reads id, number, address and outputs off an answer or a row. `head` is `$page`: the answer's status and headers;
    /// `sent` is `$parent`: what the step saw.
    pub(super) fn remote_of(&self, body: &Value, head: &Value, sent: &Value, named: &Named<'_>) -> Result<Remote> {
        let scope: Scope<'_> = Scope { page: head, parent: sent, ..self.scope(body) };
        let text = |expr: Option<&Expr>| -> Result<Option<String>> {
            Ok(expr.map(|e| e.eval(&scope)).transpose()?.filter(|v| !v.is_null()).map(|v| plain(&v)))
        };
        let mut more = Outputs::new();
        for (name, expr) in named.outputs {
            more.insert(name.clone(), expr.eval(&scope)?);
        }
        let url = named.url.map(|u| u.render(&scope)).transpose()?;
        let id = text(named.id)?.filter(|id| is_an_id(id)).unwrap_or_default();
        Ok(Remote { id, number: text(named.number)?, url, outputs: more })
    }

    async fn adopt(&self, step: &Step, late: &LateValues, refused: Problem) -> Outcome {
        let among = Among { done: &[], open: &[], since: Timestamp::UNIX_EPOCH, seen: &Seen::default() };
        match self.find_named(step, late, &among).await {
            Ok(Found::Yes(remote)) => Outcome::Applied { remote, origin: Origin::Adopted },
            Ok(Found::Many(n)) => Outcome::Rejected(
                Problem { reason: Reason::Ambiguous, ..refused }.at(format!("{n} target records hold it")),
            ),
            Ok(_) => Outcome::Rejected(Problem { reason: Reason::Conflict, ..refused }),
            Err(problem) => Outcome::Rejected(problem),
        }
    }
}

/// Whether a text names anything. An expression makes a text of nothing, too.
fn is_an_id(text: &str) -> bool {
    !matches!(text.trim(), "" | "null" | "false" | "{}" | "[]")
}

/// What conditions over an answer see.
fn answer_of(response: &Response) -> Value {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    json!({ "status": response.status, "body": body })
}

/// Where an answer or a row names a record.
pub(super) struct Named<'a> {
    pub id: Option<&'a Expr>,
    pub number: Option<&'a Expr>,
    pub url: Option<&'a Template>,
    pub outputs: &'a BTreeMap<String, Expr>,
}

pub(super) enum Verdict {
    Is(Outcome),
    /// Refused, and the manifest knows another way.
    Fallback(Problem, Proof),
}

/// By what a refusal was known for one after which there is another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// The platform's own.
    Words,
    /// Whoever is on the way may say it.
    Status,
}

/// Whether what a step writes would be there twice if it were sent twice.
fn adds(verb: Verb) -> bool {
    matches!(verb, Verb::Create | Verb::Append)
}

/// Whether a 2xx says that nothing came of it: a page (somebody wants a login) stands where the platform answers JSON or nothing, or the
/// answer names an error. What the write did is not known then.
fn is_no_success(rule: &WriteStep, response: &Response) -> bool {
    let names_error = || match serde_json::from_slice(&response.body) {
        Ok(Value::Object(body)) => ["error", "errors"].iter().filter_map(|key| body.get(*key)).any(says_something),
        _ => false,
    };
    response.class() == Class::Ok && (response.shape() == Shape::Page || (rule.ok.is_none() && names_error()))
}

fn says_something(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) | Value::Number(_) => false,
        Value::Bool(true) => true,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(all) => !all.is_empty(),
        Value::Object(all) => !all.is_empty(),
    }
}

fn call_of(request: &Request, verb: Verb, late: &LateValues) -> Result<Call> {
    let repeat = match verb {
        Verb::Create | Verb::Append => Repeat::Never,
        Verb::Upload | Verb::Update | Verb::Delete => Repeat::Safe,
    };
    let body = match &request.body {
        None => Payload::None,
        Some(Content::Json(node)) => Payload::Json(node.fill(late)?),
        Some(Content::Form(fields)) => Payload::Form(filled(fields, late)?),
        Some(Content::File(file)) => Payload::File { path: file.path.clone(), content_type: file.mime.clone() },
        Some(Content::Multipart(parts)) => {
            Payload::Multipart(parts.iter().map(|part| part_of(part, late)).collect::<Result<_>>()?)
        }
    };
    let method = Method::from_bytes(request.method.as_bytes())
        .map_err(|_| Problem::new(Reason::Manifest, format!("`{}` is not a method", request.method)))?;
    let (query, headers) = (filled(&request.query, late)?, filled(&request.headers, late)?);
    let target = Target::Path(request.path.fill(late)?);
    Ok(Call { method, target, query, headers, body, repeat, trust: Trust::default() })
}

fn filled(fields: &[(String, Text)], late: &LateValues) -> Result<Vec<(String, String)>> {
    fields.iter().map(|(name, text)| Ok((name.clone(), text.fill(late)?))).collect()
}

fn part_of(part: &Part, late: &LateValues) -> Result<http::Part> {
    let (name, file_name, content_type, content) = match part {
        Part::Value { name, value } => (name, None, None, http::Content::Bytes(value.fill(late)?.into())),
        Part::Json { name, json } => {
            (name, None, Some("application/json".to_owned()), http::Content::Json(json.fill(late)?))
        }
        Part::File { name, file } => {
            (name, Some(file.name.clone()), Some(file.mime.clone()), http::Content::File(file.path.clone()))
        }
    };
    Ok(http::Part { name: name.clone(), file_name, content_type, content })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_names_an_error_is_no_success() {
        let says = |error: Value| says_something(&error);
        assert!([json!("no"), json!(["x"]), json!({"title": "x"}), json!(true)].into_iter().all(says));
        assert!(![json!(null), json!(""), json!([]), json!({}), json!(false), json!(0)].into_iter().any(says));
    }

    #[test]
    fn a_text_made_of_nothing_is_no_id() {
        assert!(["null", "", " ", "false", "{}", "[]"].iter().all(|text| !is_an_id(text)));
        assert!(["0", "7", "nullable", "RT-null"].iter().all(|text| is_an_id(text)));
    }
}
