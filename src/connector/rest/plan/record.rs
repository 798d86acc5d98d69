//! Plans a record: runs the manifest's write steps over the mapped record. Pure: nothing is called.
//!
//! Steps see `.ticket` (or `.contact` …), inside a message `.comment`, inside `each` `.attachment`; `.target` is
//! the id the create step will answer, `.target_number` the same as a number, `.comment.uploads` the files of the message with what their upload steps answer.

use super::whole::part;
use crate::connector::manifest::{Body, Each, Part as PartRule, Verb, WriteStep};
use crate::connector::plan::{Content, FilePart, ID_NUMBER, Late, Node, Part, Request, Step, Text, placeholder};
use crate::connector::rest::Rest;
use crate::error::{Problem, Reason, Result};
use crate::expr::{EvalContext, Expr, Scope, plain};
use crate::ledger::StepKey;
use crate::record::{Kind, address_key};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const TARGET: &str = "target";
/// The same as a number, for bodies whose vendor wants one.
const TARGET_NUMBER: &str = "target_number";
/// Steps of a ticket after its last message.
const FINISH: &str = "finish";
/// The content type of a `file` body that is the file's own.
const OWN: &str = "own";

impl Rest {
    pub(crate) fn plan_record(&self, kind: Kind, mut mapped: Value, marker: &str) -> Result<Vec<Step>> {
        if kind.is_library() {
            return self.plan_library(kind, mapped, marker);
        }
        if self.is_whole(kind) {
            self.with_uploads(&mut mapped);
        }
        self.plan_over(kind, EvalContext::new(self.base(kind, mapped, marker)))
    }

    /// Plans what is no part of a knowledge base, seen by its steps so.
    pub(crate) fn plan_over(&self, kind: Kind, mut eval_context: EvalContext) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        let whole = self.whole(kind);
        let mapped = eval_context.value()[kind.code()].clone();
        let comments = mapped["comments"].as_array().map_or(&[][..], Vec::as_slice);
        let (first, later) = comments.split_first().map_or((None, &[][..]), |(f, l)| (Some(f), l));
        self.plan_message(kind.code(), &mut eval_context, first, &mut steps)?;
        for comment in later {
            self.plan_message(Kind::Comment.code(), &mut eval_context, Some(comment), &mut steps)?;
        }
        if let Some(whole) = &whole {
            for step in &mut steps {
                match step.verb {
                    Verb::Create => step.covers = whole.covered(comments),
                    Verb::Upload => step.serves = Some(whole.names(&step.scope["attachment"], comments)),
                    Verb::Append | Verb::Update | Verb::Delete => {}
                }
            }
        }
        if kind == Kind::Ticket {
            self.plan_beside(&mut eval_context, &mapped, &mut steps)?;
            self.plan_message(FINISH, &mut eval_context, None, &mut steps)?;
        }
        Ok(steps)
    }

    pub(crate) fn plan_repair(&self, kind: Kind, mapped: Value, marker: &str) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        if kind == Kind::Ticket {
            let mut eval_context = EvalContext::new(self.base(kind, mapped, marker));
            self.plan_message("repair", &mut eval_context, None, &mut steps)?;
        }
        Ok(steps)
    }

    /// What every step of a record sees.
    pub(crate) fn base(&self, kind: Kind, mapped: Value, marker: &str) -> Map<String, Value> {
        let mut base = Map::new();
        base.insert(kind.code().into(), mapped);
        base.insert("marker".into(), marker.into());
        base.insert("account".into(), self.account().clone());
        if let Some(create) = self.create_step(kind) {
            let step = StepKey::new(create, "", 0);
            base.insert(TARGET.into(), placeholder(&Late { step: step.clone(), output: "id".into() }).into());
            base.insert(TARGET_NUMBER.into(), placeholder(&Late { step, output: ID_NUMBER.into() }).into());
        }
        base
    }

    pub(crate) fn create_step(&self, kind: Kind) -> Option<&str> {
        let steps = self.manifest.write.get(kind.code())?;
        steps.iter().find(|s| s.verb == Verb::Create).map(|s| s.step.as_str())
    }

    /// The steps of what a ticket has beside its messages, each a step of its own by the source's id.
    fn plan_beside(&self, eval_context: &mut EvalContext, mapped: &Value, steps: &mut Vec<Step>) -> Result<()> {
        eval_context.take("comment");
        let entries = mapped["time_entries"].as_array().into_iter().flatten().map(|entry| ("time_entry", entry));
        let rating = Some(("rating", &mapped["rating"])).filter(|(_, rating)| !rating.is_null());
        for (section, row) in entries.chain(rating) {
            for (at, rule) in self.manifest.write.get(section).into_iter().flatten().enumerate() {
                eval_context.put(section, row.clone());
                let key = StepKey::new(&rule.step, plain(&row["id"]), 0);
                steps.extend(self.plan_step(rule, &(section.to_owned(), at), key, eval_context, &[])?);
            }
            eval_context.take(section);
        }
        Ok(())
    }

    /// The steps of one section for one message (or for the record alone).
    fn plan_message(
        &self,
        section: &str,
        eval_context: &mut EvalContext,
        comment: Option<&Value>,
        steps: &mut Vec<Step>,
    ) -> Result<()> {
        let Some(rules) = self.manifest.write.get(section) else { return Ok(()) };
        let later = comment.filter(|_| section == Kind::Comment.code());
        let key = |rule: &WriteStep| {
            StepKey::new(&rule.step, later.map(|c| plain(&c["id"])).unwrap_or_default(), later.map_or(0, part))
        };
        let mut files = comment.and_then(|c| c["attachments"].as_array()).cloned().unwrap_or_default();
        match comment.cloned() {
            Some(mut comment) => {
                if comment["uploads"].is_null() {
                    comment["uploads"] = files.iter().map(|file| self.upload_of(rules, file)).collect();
                }
                eval_context.put("comment", comment);
            }
            None => eval_context.take("comment"),
        }
        if section == Kind::Ticket.code() && self.is_whole(Kind::Ticket) {
            let messages = eval_context.value()["ticket"]["comments"].as_array().into_iter().flatten();
            files = messages.flat_map(|m| m["attachments"].as_array().cloned().unwrap_or_default()).collect();
        }
        let list = |eval_context: &EvalContext, of: &str, name: &str| {
            eval_context.value()[of][name].as_array().cloned().unwrap_or_default()
        };
        for (at, rule) in rules.iter().enumerate() {
            let place = (section.to_owned(), at);
            let (name, each): (_, Vec<(String, Value)>) = match rule.each {
                None => {
                    steps.extend(self.plan_step(rule, &place, key(rule), eval_context, &files)?);
                    continue;
                }
                Some(Each::Watcher) => ("watcher", named(list(eval_context, "ticket", "watchers"), "id")),
                Some(Each::Option) => ("option", named(list(eval_context, "field", "options"), "label")),
                Some(Each::Member) => {
                    let members = list(eval_context, "group", "members");
                    ("member", members.into_iter().map(|member| (plain(&member), member)).collect())
                }
                Some(Each::Email) => {
                    let further = further_addresses(&eval_context.value()["contact"]);
                    ("email", further.into_iter().map(|address| (address.clone(), address.into())).collect())
                }
                Some(Each::Attachment) => ("attachment", named(files.clone(), "id")),
            };
            for (child, one) in each {
                let key = StepKey::new(&rule.step, child, 0);
                let own = [one];
                let files = if name == "attachment" { &own[..] } else { &files[..] };
                eval_context.put(name, own[0].clone());
                steps.extend(self.plan_step(rule, &place, key, eval_context, files)?);
            }
            eval_context.take(name);
        }
        Ok(())
    }

    pub(super) fn plan_step(
        &self,
        rule: &WriteStep,
        place: &(String, usize),
        key: StepKey,
        eval_context: &EvalContext,
        files: &[Value],
    ) -> Result<Option<Step>> {
        let sees = self.scope_of(eval_context);
        if !rule.when.as_ref().map_or(Ok(true), |when| when.holds(&sees))? {
            return Ok(None);
        }
        let marker = rule.marker.as_ref().map(|e| e.eval(&sees)).transpose()?.filter(|v| !v.is_null());
        let mut fallback = None;
        if let Some(other) = &rule.fallback {
            let there = self.written_by_api(eval_context.value());
            let lesser = lesser(rule, &other.without);
            let mut request = self.request(lesser.as_ref().unwrap_or(rule), &self.scope_of(&there), files)?;
            request.headers.retain(|(name, _)| !other.without_headers.iter().any(|w| w.eq_ignore_ascii_case(name)));
            fallback = Some(request);
        }
        Ok(Some(Step {
            key,
            verb: rule.verb,
            request: self.request(rule, &sees, files)?,
            fallback,
            rule: place.clone(),
            marker: marker.map(|marker| plain(&marker)),
            private: eval_context.value()["comment"]["private"] == Value::Bool(true),
            scope: without_messages(eval_context.value()),
            covers: vec![],
            serves: None,
            loss: rule.loss,
            only: rule.only,
        }))
    }

    /// The texts by which a child without marker is recognised: as its author writes it, and as the API user does.
    pub(crate) fn texts_of(&self, step: &Step) -> Result<Vec<String>> {
        let rule = self.rule(step)?;
        let Some(text) = &rule.text else { return Ok(vec![]) };
        let known_by = |sees: &Scope<'_>| -> Result<Vec<String>> {
            Ok(match text.eval(sees)? {
                Value::Null => vec![],
                Value::Array(texts) => texts.iter().map(plain).collect(),
                text => vec![plain(&text)],
            })
        };
        let mut texts = known_by(&self.scope(&step.scope))?;
        if rule.fallback.is_some() {
            texts.extend(known_by(&self.scope_of(&self.written_by_api(&step.scope)))?);
        }
        Ok(texts)
    }

    pub(crate) fn is_known_by_text(&self, step: &Step) -> bool {
        self.rule(step).is_ok_and(|rule| rule.text.is_some())
    }

    /// What a step sees whose messages the API user writes.
    fn written_by_api(&self, sees: &Value) -> EvalContext {
        let mut scope = sees.as_object().cloned().unwrap_or_default();
        scope.get_mut("comment").into_iter().for_each(by_api);
        let messages = scope.get_mut("ticket").and_then(|ticket| ticket.get_mut("comments")?.as_array_mut());
        if self.is_whole(Kind::Ticket) {
            messages.into_iter().flatten().for_each(by_api);
        }
        EvalContext::new(scope)
    }

    fn request(&self, rule: &WriteStep, sees: &Scope<'_>, files: &[Value]) -> Result<Request> {
        let at = |p: Problem| p.at(format!("step `{}`", rule.step));
        let call = rule.call.render(sees).map_err(at)?;
        let Some((method, path)) = call.split_once(' ') else {
            return Err(Problem::new(Reason::Manifest, format!("`call` of step `{}` is `METHOD /path`", rule.step)));
        };
        let body = rule.body.as_ref().map(|body| self.content(body, sees, files)).transpose().map_err(at)?;
        Ok(Request {
            method: method.to_owned(),
            path: Text::parse(path),
            query: texts(&rule.query, sees).map_err(at)?,
            headers: texts(&rule.headers, sees).map_err(at)?,
            body,
        })
    }

    fn content(&self, body: &Body, sees: &Scope<'_>, files: &[Value]) -> Result<Content> {
        Ok(match body {
            Body::Json(fields) => Content::Json(Node::from_value(document(fields, sees)?)),
            Body::Form(fields) => Content::Form(texts(fields, sees)?),
            Body::File(mime) => match files {
                [file] if mime == OWN => Content::File(file_part(file)),
                [file] => Content::File(FilePart { mime: mime.clone(), ..file_part(file) }),
                _ => return Err(Problem::new(Reason::Manifest, "a `file` body goes with `each = \"attachment\"`")),
            },
            Body::Nested(nested) => {
                let document = document(&nested.fields, sees)?;
                if files.is_empty() {
                    return Ok(Content::Json(Node::from_value(document)));
                }
                let mut parts = Vec::new();
                nest("", document, &mut parts);
                let part = |file| Part::File { name: nested.files.clone(), file: file_part(file) };
                parts.extend(files.iter().map(part));
                Content::Multipart(parts)
            }
            Body::Multipart(rules) => {
                let mut parts = Vec::new();
                for rule in rules {
                    multipart(rule, sees, files, &mut parts)?;
                }
                Content::Multipart(parts)
            }
        })
    }
}

/// The message as the API user writes it.
fn by_api(comment: &mut Value) {
    comment["body"] = comment["body_by_api"].clone();
    comment["author"] = Value::Null;
}

/// A step that is planned no longer needs the ticket's messages, and there are many steps.
fn without_messages(scope: &Value) -> Value {
    let without = |(name, value): (&String, &Value)| match value {
        Value::Object(ticket) if name == Kind::Ticket.code() => {
            let kept = ticket.iter().filter(|(key, _)| *key != "comments");
            (name.clone(), Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect()))
        }
        value => (name.clone(), value.clone()),
    };
    Value::Object(scope.as_object().into_iter().flatten().map(without).collect())
}

/// The things steps are planned for, each by what tells it from the others.
fn named(things: Vec<Value>, key: &str) -> Vec<(String, Value)> {
    things.into_iter().map(|thing| (plain(&thing[key]), thing)).collect()
}

/// The rule without these keys of its body; none where it is to stay as it is.
fn lesser(rule: &WriteStep, without: &[String]) -> Option<WriteStep> {
    let Some(Body::Json(fields)) = rule.body.as_ref().filter(|_| !without.is_empty()) else { return None };
    let left = fields.iter().filter(|(key, _)| !without.contains(key)).map(|(key, e)| (key.clone(), e.clone()));
    Some(WriteStep { body: Some(Body::Json(left.collect())), ..rule.clone() })
}

/// The addresses of a contact beside the one it is known by, each once.
fn further_addresses(contact: &Value) -> Vec<String> {
    let mut known: Vec<String> = contact["address"].as_str().map(address_key).into_iter().collect();
    let mut further = Vec::new();
    for address in contact["emails"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let key = address_key(address);
        if address.contains('@') && !known.contains(&key) {
            known.push(key);
            further.push(address.trim().to_owned());
        }
    }
    further
}

fn multipart(rule: &PartRule, sees: &Scope<'_>, files: &[Value], parts: &mut Vec<Part>) -> Result<()> {
    let name = &rule.name;
    if rule.files {
        for file in files {
            let mut part = file_part(file);
            if let Some(content_type) = &rule.content_type {
                let here = json!({ "attachment": file });
                part.mime = plain(&content_type.eval(&Scope { item: &here, ..*sees })?);
            }
            parts.push(Part::File { name: name.clone(), file: part });
        }
    } else if let Some(fields) = &rule.json {
        parts.push(Part::Json { name: name.clone(), json: Node::from_value(document(fields, sees)?) });
    } else if let Some(expr) = &rule.value {
        let values = match expr.eval(sees)? {
            Value::Null => vec![],
            Value::Array(values) => values,
            value => vec![value],
        };
        let part = |value: Value| Part::Value { name: name.clone(), value: Text::parse(&plain(&value)) };
        parts.extend(values.into_iter().map(part));
    }
    Ok(())
}

/// A document as parts of a form, by the names Rails reads: `a[b]`, `c[]`.
fn nest(name: &str, value: Value, parts: &mut Vec<Part>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let name = if name.is_empty() { key } else { format!("{name}[{key}]") };
                nest(&name, value, parts);
            }
        }
        Value::Array(items) => items.into_iter().for_each(|item| nest(&format!("{name}[]"), item, parts)),
        Value::Null => {}
        value => parts.push(Part::Value { name: name.to_owned(), value: Text::parse(&plain(&value)) }),
    }
}

fn file_part(file: &Value) -> FilePart {
    FilePart {
        name: plain(&file["name"]),
        mime: plain(&file["mime"]),
        hash: plain(&file["hash"]),
        path: plain(&file["path"]).into(),
    }
}

fn texts(fields: &BTreeMap<String, Expr>, sees: &Scope<'_>) -> Result<Vec<(String, Text)>> {
    let mut texts = Vec::new();
    for (name, expr) in fields {
        let value = expr.eval(sees)?;
        if !value.is_null() {
            texts.push((name.clone(), Text::parse(&plain(&value))));
        }
    }
    Ok(texts)
}

/// Builds a nested document of dotted keys; keys whose value is null are left out.
fn document(fields: &BTreeMap<String, Expr>, sees: &Scope<'_>) -> Result<Value> {
    let mut root = json!({});
    for (dotted, expr) in fields {
        let value = expr.eval(sees).map_err(|p| p.at(format!("`{dotted}`")))?;
        if value.is_null() {
            continue;
        }
        let slot = dotted.split('.').fold(&mut root, |node, key| {
            if !node.is_object() {
                *node = json!({});
            }
            &mut node[key]
        });
        *slot = value;
    }
    Ok(root)
}
