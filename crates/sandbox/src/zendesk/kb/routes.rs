//! Which path and verb is which call. A language may stand before any of them.

use super::super::pages;
use super::super::refusal;
use super::store::{DEFAULT, Kind, LOCALES, Library};
use crate::desk::{Answer, Call};
use jiff::Timestamp;
use serde_json::{Value, json};

impl Library {
    /// A call below `/api/v2/help_center`.
    pub fn answer(&mut self, call: &Call, path: &[&str], now: Timestamp) -> Answer {
        let (locale, path) = match path {
            [first, rest @ ..] if LOCALES.contains(first) => (Some(*first), rest),
            [first, ..] if looks_like_a_locale(first) => return refusal::not_found(),
            path => (None, path),
        };
        let found = |item: Option<Value>, name: &str| match item {
            Some(row) => Answer::json(200, &json!({ name: row })),
            None => refusal::not_found(),
        };
        let id = |text: &str| text.parse::<u64>().unwrap_or_default();
        match (call.method.as_str(), path) {
            ("GET", ["locales"]) => Answer::json(200, &json!({ "locales": LOCALES, "default_locale": DEFAULT })),
            ("GET", ["user_segments"]) => listed("user_segments", &Self::segments(), call),
            ("POST", ["articles", "attachments"]) => self.upload(call, None),
            ("POST", ["articles", article, "attachments"]) => self.upload(call, Some(id(article))),
            ("POST", ["articles", article, "bulk_attachments"]) => self.associate(id(article), call),
            ("GET", ["articles", article, "attachments"]) => {
                let files = self.files.iter().filter(|file| file.article == Some(id(article)));
                pages::answer("article_attachments", files.map(|file| file.show()).collect(), call)
            }
            ("GET", [plural]) if Kind::of(plural).is_some() => self.list(Kind::of(plural), locale, call, |_| true),
            ("GET", ["categories", category, "sections"]) => {
                let wanted = json!(id(category));
                self.list(Some(Kind::Section), locale, call, |row| row["category_id"] == wanted)
            }
            ("GET", ["sections", section, "articles"]) => {
                let wanted = json!(id(section));
                self.list(Some(Kind::Article), locale, call, |row| row["section_id"] == wanted)
            }
            ("POST", ["categories"]) => self.create(Kind::Category, 0, locale, call, now),
            ("POST", ["categories", category, "sections"]) => {
                self.create(Kind::Section, id(category), locale, call, now)
            }
            ("POST", ["sections", section, "articles"]) => self.create(Kind::Article, id(section), locale, call, now),
            (verb, [plural, item, rest @ ..]) => {
                let Some(kind) = Kind::of(plural) else { return refusal::invalid_endpoint() };
                let item = id(item);
                if self.item(kind, item).is_none() {
                    return refusal::not_found();
                }
                match (verb, rest) {
                    ("GET", []) => found(self.item(kind, item).map(|item| item.show(locale)), kind.name()),
                    ("PUT", []) => self.update(kind, item, call, now),
                    ("GET", ["translations"]) => {
                        let rows = self.item(kind, item).map(|item| item.translations.clone()).unwrap_or_default();
                        pages::answer("translations", rows, call)
                    }
                    ("POST", ["translations"]) => self.translate(kind, item, call, now),
                    ("GET", ["translations", of]) => {
                        found(self.item(kind, item).and_then(|item| item.translation(of)).cloned(), "translation")
                    }
                    ("PUT", ["translations", of]) => self.retranslate(kind, item, of, call, now),
                    _ => refusal::invalid_endpoint(),
                }
            }
            _ => refusal::invalid_endpoint(),
        }
    }

    fn list(&self, kind: Option<Kind>, locale: Option<&str>, call: &Call, wanted: impl Fn(&Value) -> bool) -> Answer {
        let Some(kind) = kind else { return refusal::invalid_endpoint() };
        // With a language, only what is written in it.
        let all = self.items.iter().filter(|item| item.kind == kind);
        let all = all.filter(|item| locale.is_none_or(|locale| item.translation(locale).is_some()));
        let rows = all.map(|item| item.show(locale)).filter(wanted).collect();
        pages::answer(kind.plural(), rows, call)
    }
}

/// A small list.
pub fn listed(name: &str, rows: &Value, call: &Call) -> Answer {
    pages::answer(name, rows.as_array().cloned().unwrap_or_default(), call)
}

fn looks_like_a_locale(text: &str) -> bool {
    let language = text.split('-').next().unwrap_or_default();
    language.len() == 2 && language.bytes().all(|byte| byte.is_ascii_lowercase())
}
