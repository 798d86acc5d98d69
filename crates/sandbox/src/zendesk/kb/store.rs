//! What the help center holds. Rows are kept without what a translation says.

use super::super::store::HERE;
use crate::desk::Mail;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

pub const DEFAULT: &str = "en-us";
pub const LOCALES: [&str; 3] = [DEFAULT, "de", "fr"];
/// Whoever is signed in; agents and administrators; a part of the customers.
pub const SEGMENTS: [u64; 3] = [360_000_000_901, 360_000_000_902, 360_000_000_903];
/// One of the account's own, and the one the vendor made.
pub const EDITORS: [u64; 2] = [360_000_000_911, 360_000_000_912];
const FIRST_ID: u64 = 360_000_010_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Category,
    Section,
    Article,
}

impl Kind {
    pub fn of(plural: &str) -> Option<Self> {
        match plural {
            "categories" => Some(Self::Category),
            "sections" => Some(Self::Section),
            "articles" => Some(Self::Article),
            _ => None,
        }
    }

    pub fn plural(self) -> &'static str {
        match self {
            Self::Category => "categories",
            Self::Section => "sections",
            Self::Article => "articles",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Category => "category",
            Self::Section => "section",
            Self::Article => "article",
        }
    }

    /// What title and body of a translation are called in its row.
    fn keys(self) -> (&'static str, &'static str) {
        if self == Self::Article { ("title", "body") } else { ("name", "description") }
    }
}

#[derive(Clone, Debug)]
pub struct Item {
    pub kind: Kind,
    pub id: u64,
    pub row: Map<String, Value>,
    pub source_locale: String,
    /// Rows as the API shows them.
    pub translations: Vec<Value>,
}

impl Item {
    pub fn translation(&self, locale: &str) -> Option<&Value> {
        self.translations.iter().find(|t| t["locale"] == locale)
    }

    /// As it is listed in a language, or in its own where there is none.
    pub fn show(&self, locale: Option<&str>) -> Value {
        let wanted = locale.unwrap_or(DEFAULT);
        let shown = self.translation(wanted).or_else(|| self.translation(&self.source_locale));
        let shown = shown.cloned().unwrap_or_default();
        let (title, body) = self.kind.keys();
        let locale = shown["locale"].as_str().unwrap_or(wanted);
        let slug: String =
            shown["title"].as_str().unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
        let mut row = self.row.clone();
        row.insert("id".into(), json!(self.id));
        let plural = self.kind.plural();
        row.insert("url".into(), json!(format!("{HERE}/api/v2/help_center/{locale}/{plural}/{}.json", self.id)));
        row.insert("html_url".into(), json!(format!("{HERE}/hc/{locale}/{plural}/{}-{slug}", self.id)));
        row.insert("locale".into(), json!(locale));
        row.insert("source_locale".into(), json!(self.source_locale));
        row.insert("outdated".into(), json!(false));
        row.insert(title.into(), shown["title"].clone());
        row.insert(body.into(), shown["body"].clone());
        if self.kind == Kind::Article {
            row.insert("name".into(), shown["title"].clone());
            row.insert("draft".into(), shown["draft"].clone());
        }
        Value::Object(row)
    }
}

#[derive(Clone, Debug)]
pub struct ArticleFile {
    pub id: u64,
    pub article: Option<u64>,
    pub name: String,
    pub content_type: String,
    pub bytes: Vec<u8>,
    pub inline: bool,
}

impl ArticleFile {
    pub fn show(&self) -> Value {
        json!({
            "id": self.id, "url": format!("{HERE}/api/v2/help_center/articles/attachments/{}.json", self.id),
            "article_id": self.article, "display_file_name": self.name, "file_name": self.name,
            "content_url": format!("{HERE}/hc/article_attachments/{}", self.id),
            "content_type": self.content_type, "size": self.bytes.len(), "inline": self.inline,
        })
    }
}

#[derive(Debug, Default)]
pub struct Library {
    pub items: Vec<Item>,
    pub files: Vec<ArticleFile>,
    pub outbox: Vec<Mail>,
    /// Whether sections can be in sections.
    pub nests: bool,
    /// Agents, who alone can be authors.
    pub agents: Vec<u64>,
    /// Ids given so far.
    pub given: u64,
}

impl Library {
    pub fn next_id(&mut self) -> u64 {
        self.given += 1;
        FIRST_ID + self.given
    }

    pub fn id_at(&self, nth: u64) -> u64 {
        FIRST_ID + nth
    }

    pub fn item(&self, kind: Kind, id: u64) -> Option<&Item> {
        self.items.iter().find(|item| item.kind == kind && item.id == id)
    }

    pub fn item_mut(&mut self, kind: Kind, id: u64) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.kind == kind && item.id == id)
    }

    pub fn segments() -> Value {
        let row = |(id, name, user_type, built_in): (u64, &str, &str, bool)| {
            json!({
                "id": id, "name": name, "user_type": user_type, "built_in": built_in, "group_ids": [],
                "organization_ids": [], "tags": if built_in { json!([]) } else { json!(["vip"]) }, "or_tags": [],
                "added_user_ids": [],
            })
        };
        let all = [
            (SEGMENTS[0], "Signed-in users", "signed_in_users", true),
            (SEGMENTS[1], "Agents and admins", "staff", true),
            (SEGMENTS[2], "Gold customers", "signed_in_users", false),
        ];
        all.map(row).into_iter().collect()
    }

    pub fn editors() -> Value {
        let row = |(id, name, built_in): (u64, &str, bool)| json!({ "id": id, "name": name, "built_in": built_in, "publish": [], "edit": [] });
        [(EDITORS[0], "Editors", false), (EDITORS[1], "Admins", true)].map(row).into_iter().collect()
    }

    /// Everything, plainly.
    pub fn state(&self) -> Value {
        let rows = |kind: Kind| -> Value {
            let all = self.items.iter().filter(|item| item.kind == kind);
            all.map(|item| {
                let mut row = item.show(Some(&item.source_locale));
                row["translations"] = json!(item.translations);
                row
            })
            .collect()
        };
        let files = self.files.iter().map(|file| {
            let sha256: String = Sha256::digest(&file.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            let mut row = file.show();
            row["sha256"] = json!(sha256);
            row
        });
        json!({
            "categories": rows(Kind::Category), "sections": rows(Kind::Section), "articles": rows(Kind::Article),
            "files": files.collect::<Value>(), "segments": Self::segments(), "locales": LOCALES,
        })
    }
}
