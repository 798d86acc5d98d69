//! What is written, and what is refused. Wordings are unverified.

use super::store::{ArticleFile, EDITORS, Item, Kind, LOCALES, Library, SEGMENTS};
use crate::desk::{Answer, Call, Mail};
use crate::freshdesk::form::Form;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

const LARGEST_FILE: usize = 20_000_000;
/// Files of one call that associates them.
const MOST_FILES: usize = 20;

fn invalid(field: &str, what: &str) -> Answer {
    let details = json!({ field: [{ "description": what }] });
    Answer::json(
        422,
        &json!({ "error": "RecordInvalid", "description": "Record validation errors", "details": details }),
    )
}

fn absent(parameter: &str) -> Answer {
    Answer::json(
        400,
        &json!({ "error": "ParameterMissing", "description": format!("Parameter {parameter} is required") }),
    )
}

fn body(call: &Call) -> Value {
    serde_json::from_slice(&call.body).unwrap_or_default()
}

impl Library {
    pub fn create(&mut self, kind: Kind, parent: u64, locale: Option<&str>, call: &Call, now: Timestamp) -> Answer {
        let sent = body(call);
        let Some(fields) = sent[kind.name()].as_object().cloned() else { return absent(kind.name()) };
        let above = match kind {
            Kind::Category => None,
            Kind::Section => Some((Kind::Category, "category_id")),
            Kind::Article => Some((Kind::Section, "section_id")),
        };
        if above.is_some_and(|(kind, _)| self.item(kind, parent).is_none()) {
            return super::super::refusal::not_found();
        }
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let locale = locale.map(str::to_owned).or(Some(text("locale")).filter(|l| !l.is_empty()));
        let Some(locale) = locale else { return invalid("locale", "Locale: cannot be blank") };
        if !LOCALES.contains(&locale.as_str()) {
            return invalid("locale", "Locale: is not enabled");
        }
        let (title, body) =
            if kind == Kind::Article { (text("title"), text("body")) } else { (text("name"), text("description")) };
        if title.trim().is_empty() {
            return invalid("title", "Title: cannot be blank");
        }
        if kind == Kind::Article
            && let Some(refused) = self.refused(&fields, true)
        {
            return refused;
        }
        let mut row = Map::new();
        row.insert("position".into(), fields.get("position").filter(|p| p.is_number()).cloned().unwrap_or(json!(0)));
        row.insert("created_at".into(), json!(now.to_string()));
        row.insert("updated_at".into(), json!(now.to_string()));
        row.extend(above.map(|(_, name)| (name.to_owned(), json!(parent))));
        if kind == Kind::Section {
            let inside = fields.get("parent_section_id").and_then(Value::as_u64);
            if inside.is_some_and(|id| self.item(Kind::Section, id).is_none_or(|s| s.row["category_id"] != parent)) {
                return invalid("parent_section_id", "Parent section: is invalid");
            }
            row.insert("parent_section_id".into(), json!(inside.filter(|_| self.nests)));
        }
        let draft = kind == Kind::Article && fields.get("draft") == Some(&json!(true));
        if kind == Kind::Article {
            lay_over(&mut row, &fields);
            row.entry("author_id").or_insert(json!(self.agents.first()));
        }
        let id = self.next_id();
        let translation = self.translation(id, kind, &locale, &title, &body, draft, now);
        self.items.push(Item { kind, id, row, source_locale: locale, translations: vec![translation] });
        if kind == Kind::Article && !draft && sent["notify_subscribers"] != false {
            self.mail(parent, &title, call);
        }
        let shown = self.item(kind, id).map(|item| item.show(None)).unwrap_or_default();
        Answer::json(201, &json!({ kind.name(): shown }))
    }

    /// What an article may not be.
    fn refused(&self, fields: &Map<String, Value>, new: bool) -> Option<Answer> {
        let number = |name: &str| fields.get(name).and_then(Value::as_u64);
        if new && !fields.contains_key("user_segment_id") {
            return Some(absent("user_segment_id"));
        }
        if new && number("permission_group_id").is_none() {
            return Some(absent("permission_group_id"));
        }
        if number("permission_group_id").is_some_and(|id| !EDITORS.contains(&id)) {
            return Some(invalid("permission_group_id", "Permission group: is invalid"));
        }
        if fields
            .get("user_segment_id")
            .is_some_and(|s| !s.is_null() && s.as_u64().is_none_or(|s| !SEGMENTS.contains(&s)))
        {
            return Some(invalid("user_segment_id", "User segment: is invalid"));
        }
        if number("author_id").is_some_and(|id| !self.agents.contains(&id)) {
            return Some(invalid("author_id", "Author: must be a member of staff"));
        }
        None
    }

    pub fn update(&mut self, kind: Kind, id: u64, call: &Call, now: Timestamp) -> Answer {
        let sent = body(call);
        let Some(fields) = sent[kind.name()].as_object().cloned() else { return absent(kind.name()) };
        if kind == Kind::Article
            && let Some(refused) = self.refused(&fields, false)
        {
            return refused;
        }
        let Some(item) = self.item_mut(kind, id) else { return super::super::refusal::not_found() };
        // Name, text and draft are those of a translation: they are passed over here.
        if kind == Kind::Article {
            lay_over(&mut item.row, &fields);
        }
        item.row.extend(fields.get("position").map(|p| ("position".to_owned(), p.clone())));
        item.row.insert("updated_at".into(), json!(now.to_string()));
        let shown = item.show(None);
        Answer::json(200, &json!({ kind.name(): shown }))
    }

    pub fn translate(&mut self, kind: Kind, id: u64, call: &Call, now: Timestamp) -> Answer {
        let sent = body(call);
        let sent = &sent["translation"];
        let text = |name: &str| sent[name].as_str().unwrap_or_default().to_owned();
        let (locale, title) = (text("locale"), text("title"));
        if !LOCALES.contains(&locale.as_str()) {
            return invalid("locale", "Locale: is not enabled");
        }
        if title.trim().is_empty() {
            return invalid("title", "Title: cannot be blank");
        }
        if self.item(kind, id).is_some_and(|item| item.translation(&locale).is_some()) {
            return invalid("locale", "Locale: has already been taken");
        }
        let row = self.translation(id, kind, &locale, &title, &text("body"), sent["draft"] == true, now);
        if let Some(item) = self.item_mut(kind, id) {
            item.translations.push(row.clone());
        }
        Answer::json(201, &json!({ "translation": row }))
    }

    pub fn retranslate(&mut self, kind: Kind, id: u64, locale: &str, call: &Call, now: Timestamp) -> Answer {
        let sent = body(call);
        let sent = sent["translation"].as_object().cloned().unwrap_or_default();
        let Some(item) = self.item_mut(kind, id) else { return super::super::refusal::not_found() };
        let section = item.row.get("section_id").and_then(Value::as_u64);
        let Some(row) = item.translations.iter_mut().find(|t| t["locale"] == locale) else {
            return super::super::refusal::not_found();
        };
        let was_draft = row["draft"] == true;
        for name in ["title", "body", "draft"] {
            if let Some(value) = sent.get(name).filter(|v| !v.is_null()) {
                row[name] = value.clone();
            }
        }
        row["updated_at"] = json!(now.to_string());
        let row = row.clone();
        if let Some(section) = section.filter(|_| was_draft && row["draft"] == false) {
            self.mail(section, row["title"].as_str().unwrap_or_default(), call);
        }
        Answer::json(200, &json!({ "translation": row }))
    }

    #[expect(clippy::too_many_arguments, reason = "one row with all its columns")]
    pub fn translation(
        &mut self,
        of: u64,
        kind: Kind,
        locale: &str,
        title: &str,
        body: &str,
        draft: bool,
        now: Timestamp,
    ) -> Value {
        json!({
            "id": self.next_id(), "locale": locale, "title": title, "body": body, "draft": draft, "outdated": false,
            "hidden": false, "source_id": of, "source_type": kind.name(), "created_at": now.to_string(),
            "updated_at": now.to_string(),
        })
    }

    pub fn upload(&mut self, call: &Call, article: Option<u64>) -> Answer {
        let Ok(form) = Form::of(call) else { return absent("file") };
        let inline = form.values.get("inline").is_some_and(|v| v == "true" || v == &json!(true));
        let Some(file) = form.files.into_iter().find(|file| file.part == "file") else { return absent("file") };
        if file.bytes.len() > LARGEST_FILE {
            return invalid("file", "File: is too large");
        }
        let (name, content_type, bytes) = (file.name, file.content_type, file.bytes.to_vec());
        let file = ArticleFile { id: self.next_id(), article, name, content_type, bytes, inline };
        let shown = file.show();
        self.files.push(file);
        Answer::json(201, &json!({ "article_attachment": shown }))
    }

    pub fn associate(&mut self, article: u64, call: &Call) -> Answer {
        if self.item(Kind::Article, article).is_none() {
            return super::super::refusal::not_found();
        }
        let sent = body(call);
        let ids: Vec<u64> = sent["attachment_ids"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
        if ids.is_empty() || ids.len() > MOST_FILES {
            return absent("attachment_ids");
        }
        for file in self.files.iter_mut().filter(|file| ids.contains(&file.id)) {
            file.article = Some(article);
        }
        Answer { status: 200, ..Answer::default() }
    }

    fn mail(&mut self, section: u64, title: &str, call: &Call) {
        let because = format!("{} {}", call.method, call.path);
        let to = format!("follower-of-{section}@customers.example");
        self.outbox.push(Mail { to, about: title.to_owned(), because });
    }
}

/// Lays what an article has beside its translations over its row.
fn lay_over(row: &mut Map<String, Value>, fields: &Map<String, Value>) {
    let kept = ["user_segment_id", "permission_group_id", "author_id", "label_names", "promoted", "position"];
    row.extend(kept.iter().filter_map(|name| Some(((*name).to_owned(), fields.get(*name)?.clone()))));
    row.entry("label_names").or_insert(json!([]));
    row.entry("promoted").or_insert(json!(false));
    row.entry("user_segment_id").or_insert(Value::Null);
}
