//! The knowledge base, as it is written.

use super::{MappedFile, Reference};
use crate::record::library::Audience;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A category or section.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MappedFolder {
    pub id: String,
    pub number: Option<String>,
    pub url: Option<String>,
    /// The target's code of the language it is written in.
    pub locale: String,
    pub name: String,
    pub description: String,
    /// Into languages that the target has.
    pub translations: Vec<FolderTranslation>,
    pub position: Option<i64>,
    /// Of a section: the target's id of its category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Of a section: the target's id of the section it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Of a section, where only sections have readers: who they are; like `segment`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// Of a section: further folders, for articles of other readers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<FolderVariant>,
}

/// A category or section in a further language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FolderTranslation {
    /// The locale.
    pub id: String,
    pub locale: String,
    pub name: String,
    pub description: String,
}

/// A folder beside that of a section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FolderVariant {
    pub id: String,
    pub name: String,
    pub audience: Audience,
    pub segment: Option<String>,
}

/// An article.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MappedArticle {
    pub id: String,
    pub number: Option<String>,
    pub url: Option<String>,
    /// The target's code of the language it is written in.
    pub locale: String,
    pub title: String,
    pub body: String,
    pub draft: bool,
    /// Into languages that the target has.
    pub translations: Vec<ArticleTranslation>,
    pub attachments: Vec<MappedFile>,
    pub position: Option<i64>,
    pub promoted: bool,
    pub tags: Vec<String>,
    /// An agent of the target.
    pub author: Option<Reference>,
    /// The id of the target's group of editors.
    pub editors: Option<String>,
    /// The target's id, of a further folder where it needs one.
    pub section: String,
    pub audience: Audience,
    pub segment: Option<String>,
}

/// An article in a further language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArticleTranslation {
    /// The locale.
    pub id: String,
    pub locale: String,
    pub title: String,
    pub body: String,
    pub draft: bool,
}
