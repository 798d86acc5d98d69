//! The knowledge base: categories hold sections, sections hold sections and articles. All of them have translations.

use super::{Attachment, Format, Ref};
use crate::error::labels;
use serde::{Deserialize, Serialize};

labels! {
    /// Who may read: the later ones are fewer.
    pub enum Audience {
        Everyone = "everyone", SignedIn = "signed_in",
        /// A part of the customers or agents, by name.
        Segment = "segment",
        Agents = "agents",
    }
}

/// The same thing in another language.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Translation {
    /// As the source writes it: `de`, `en-us`, `pt_BR`.
    pub locale: String,
    /// Of a category or a section, its name.
    pub title: String,
    /// Of a category or a section, its description. In the format of the article.
    pub body: String,
    pub draft: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Category {
    pub name: String,
    pub description: Option<String>,
    /// The language of name and description; the account's own where it is not said.
    pub locale: Option<String>,
    pub position: Option<i64>,
    /// In other languages.
    pub translations: Vec<Translation>,
}

/// A section or folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Section {
    pub name: String,
    pub description: Option<String>,
    pub locale: Option<String>,
    pub category: Option<Ref>,
    /// The section it is in.
    pub parent: Option<Ref>,
    pub position: Option<i64>,
    /// None: its articles say.
    pub audience: Option<Audience>,
    /// Who a `segment` is.
    pub segment: Option<String>,
    pub translations: Vec<Translation>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Article {
    pub title: String,
    pub format: Format,
    pub body: String,
    pub locale: Option<String>,
    pub section: Option<Ref>,
    pub author: Option<Ref>,
    pub draft: bool,
    /// None: its section says. Nobody reads an article who may not read its section.
    pub audience: Option<Audience>,
    pub segment: Option<String>,
    pub position: Option<i64>,
    pub promoted: bool,
    /// Labels or tags.
    pub tags: Vec<String>,
    pub translations: Vec<Translation>,
    /// Those that bodies show among them.
    pub attachments: Vec<Attachment>,
}

impl Default for Article {
    fn default() -> Self {
        Self {
            title: String::new(),
            format: Format::Html,
            body: String::new(),
            locale: None,
            section: None,
            author: None,
            draft: false,
            audience: None,
            segment: None,
            position: None,
            promoted: false,
            tags: vec![],
            translations: vec![],
            attachments: vec![],
        }
    }
}
