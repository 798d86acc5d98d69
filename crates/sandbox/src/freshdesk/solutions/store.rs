//! What the knowledge base holds, and how it is shown.

use crate::freshdesk::Ask;
use crate::freshdesk::html;
use crate::freshdesk::store::{StoredFile, stamp};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub const PRIMARY: &str = "en";
pub const SUPPORTED: [&str; 2] = ["de", "es"];

/// In one language.
#[derive(Clone, Debug, Default)]
pub struct Text {
    /// Of an article, its title.
    pub name: String,
    pub description: Option<String>,
    /// Of an article.
    pub published: bool,
    pub tags: Vec<String>,
    pub seo: Map<String, Value>,
}

/// By language; the primary one is always there.
pub type Texts = BTreeMap<String, Text>;

#[derive(Clone, Debug)]
pub struct Category {
    pub id: u64,
    pub texts: Texts,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Folder {
    pub id: u64,
    pub category_id: u64,
    pub parent_id: Option<u64>,
    pub visibility: u64,
    /// `company_ids`, `contact_segment_ids`, `company_segment_ids`: whichever its visibility asks for.
    pub chosen: Vec<u64>,
    pub texts: Texts,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Article {
    pub id: u64,
    pub folder_id: u64,
    pub agent_id: u64,
    pub texts: Texts,
    pub files: Vec<StoredFile>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Debug, Default)]
pub struct Solutions {
    pub categories: BTreeMap<u64, Category>,
    pub folders: BTreeMap<u64, Folder>,
    pub articles: BTreeMap<u64, Article>,
}

impl Solutions {
    pub fn file(&self, id: u64) -> Option<&StoredFile> {
        self.articles.values().flat_map(|article| &article.files).find(|file| file.id == id)
    }

    pub fn show_category(&self, category: &Category, language: &str) -> Option<Value> {
        let text = category.texts.get(language)?;
        Some(json!({
            "id": category.id, "name": text.name, "description": text.description,
            "created_at": stamp(category.created_at), "updated_at": stamp(category.updated_at),
        }))
    }

    pub fn show_folder(&self, folder: &Folder, language: &str) -> Option<Value> {
        let text = folder.texts.get(language)?;
        let mut row = json!({
            "id": folder.id, "name": text.name, "description": text.description, "parent_folder_id": folder.parent_id,
            "hierarchy": self.hierarchy(folder, language), "visibility": folder.visibility,
            "articles_count": self.articles.values().filter(|a| a.folder_id == folder.id).count(),
            "sub_folders_count": self.folders.values().filter(|f| f.parent_id == Some(folder.id)).count(),
            "category_id": folder.category_id,
            "created_at": stamp(folder.created_at), "updated_at": stamp(folder.updated_at),
        });
        let chosen = match folder.visibility {
            4 => "company_ids",
            6 => "contact_segment_ids",
            7 => "company_segment_ids",
            _ => return Some(row),
        };
        row[chosen] = json!(folder.chosen);
        Some(row)
    }

    fn hierarchy(&self, folder: &Folder, language: &str) -> Value {
        let name = |texts: &Texts| texts.get(language).or(texts.get(PRIMARY)).map(|text| text.name.clone());
        let mut above = vec![folder];
        while let Some(parent) = above.last().and_then(|f| self.folders.get(&f.parent_id?)) {
            above.push(parent);
        }
        let category = self.categories.get(&folder.category_id);
        let mut levels = vec![("category", folder.category_id, category.and_then(|c| name(&c.texts)))];
        levels.extend(above.iter().rev().map(|f| ("folder", f.id, name(&f.texts))));
        let level = |(n, (kind, id, name)): (usize, (&str, u64, Option<String>))| json!({ "level": n, "type": kind, "data": { "id": id, "name": name, "language": language } });
        levels.into_iter().enumerate().map(level).collect()
    }

    pub fn show_article(&self, article: &Article, language: &str, ask: &Ask<'_>) -> Option<Value> {
        let text = article.texts.get(language)?;
        let folder = self.folders.get(&article.folder_id)?;
        let description = text.description.clone().unwrap_or_default();
        let files = article.files.iter().map(|file| ask.signer.json(file, &ask.call.files, ask.now));
        Some(json!({
            "id": article.id, "type": 1, "status": if text.published { 2 } else { 1 }, "agent_id": article.agent_id,
            "category_id": folder.category_id, "folder_id": article.folder_id,
            "hierarchy": self.hierarchy(folder, language), "title": text.name,
            "description_text": html::text(&description),
            "description": description.replace(HERE, &ask.call.base), "tags": text.tags, "seo_data": text.seo,
            "attachments": files.collect::<Value>(), "cloud_files": [],
            "thumbs_up": 0, "thumbs_down": 0, "hits": 0, "suggested": 0, "feedback_count": 0,
            "created_at": stamp(article.created_at), "updated_at": stamp(article.updated_at),
        }))
    }

    /// Everything, plainly.
    pub fn state(&self) -> Value {
        let texts = |texts: &Texts| -> Value {
            texts
                .iter()
                .map(|(language, text)| {
                    let row = json!({
                        "name": text.name, "description": text.description, "published": text.published,
                        "tags": text.tags,
                    });
                    (language.clone(), row)
                })
                .collect::<Map<String, Value>>()
                .into()
        };
        let categories = self.categories.values().map(|c| json!({ "id": c.id, "texts": texts(&c.texts) }));
        let folders = self.folders.values().map(|f| {
            json!({
                "id": f.id, "category_id": f.category_id, "parent_id": f.parent_id, "visibility": f.visibility,
                "chosen": f.chosen, "texts": texts(&f.texts),
            })
        });
        let articles = self.articles.values().map(|a| {
            let files =
                a.files.iter().map(|f| json!({ "id": f.id, "name": f.name, "size": f.size, "sha256": f.sha256 }));
            json!({
                "id": a.id, "folder_id": a.folder_id, "agent_id": a.agent_id, "texts": texts(&a.texts),
                "files": files.collect::<Value>(),
            })
        });
        json!({
            "categories": categories.collect::<Value>(), "folders": folders.collect::<Value>(),
            "articles": articles.collect::<Value>(),
        })
    }
}

/// Stands in stored bodies for the address of the account.
pub const HERE: &str = "https://here.freshdesk.invalid";
