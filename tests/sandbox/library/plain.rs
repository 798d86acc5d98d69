//! What a sandbox holds of a knowledge base, in words that are neither vendor's.

use crate::text::{squeezed, without_tags};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// In one language.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub title: String,
    /// Letters and digits.
    pub text: String,
    pub draft: bool,
    /// SHA-256 of the pictures it shows; an address where there is no file.
    pub pictures: Vec<String>,
    pub links: Vec<String>,
    /// As it is stored.
    pub html: String,
}

#[derive(Clone, Debug)]
pub struct Article {
    pub id: u64,
    pub section: u64,
    /// `everyone`, `signed_in`, `segment`, `agents`
    pub readers: String,
    pub tags: BTreeSet<String>,
    pub author: String,
    /// SHA-256, but of empty ones.
    pub files: BTreeSet<String>,
    pub main: String,
    pub pages: BTreeMap<String, Page>,
}

#[derive(Clone, Debug)]
pub struct FileBudget {
    pub id: u64,
    pub name: String,
    pub category: Option<u64>,
    pub parent: Option<u64>,
    pub main: String,
    /// Name and description by language.
    pub names: BTreeMap<String, (String, String)>,
}

#[derive(Clone, Debug)]
pub struct Library {
    pub categories: Vec<FileBudget>,
    pub sections: Vec<FileBudget>,
    pub articles: Vec<Article>,
    /// Addresses of agents.
    pub agents: BTreeSet<String>,
}

fn rows(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The values of an attribute of a tag, in order.
fn attributes(html: &str, tag: &str, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for piece in html.split(&format!("<{tag} ")).skip(1) {
        let piece = piece.split('>').next().unwrap_or_default();
        if let Some((_, after)) = piece.split_once(&format!("{name}=\"")) {
            found.push(after.split('"').next().unwrap_or_default().replace("&amp;", "&"));
        }
    }
    found
}

fn without_scripts(html: &str) -> String {
    let mut out = String::new();
    for (n, piece) in html.split("<script>").enumerate() {
        out.push_str(if n == 0 { piece } else { piece.split_once("</script>").map_or("", |(_, rest)| rest) });
    }
    out
}

fn page(title: &str, html: &str, draft: bool, files: &BTreeMap<String, String>) -> Page {
    let html = without_scripts(html);
    let picture = |src: String| {
        let after = src.split("attachments/").nth(1).unwrap_or_default();
        let id: String = after.chars().take_while(char::is_ascii_digit).collect();
        files.get(&id).cloned().unwrap_or(src)
    };
    Page {
        title: title.to_owned(),
        text: squeezed(&without_tags(&html)),
        draft,
        pictures: attributes(&html, "img", "src").into_iter().map(picture).collect(),
        links: attributes(&html, "a", "href"),
        html,
    }
}

pub fn zendesk(state: &Value) -> Library {
    let library = &state["library"];
    let staff = rows(&state["users"]).iter().filter(|u| u["role"] != "end-user" && u["active"] == true);
    let staff: BTreeMap<u64, String> = staff.map(|u| (u["id"].as_u64().unwrap(), text(&u["email"]))).collect();
    let files: BTreeMap<String, String> =
        rows(&library["files"]).iter().map(|f| (f["id"].to_string(), text(&f["sha256"]))).collect();
    let file_budget = |row: &Value| {
        let names =
            rows(&row["translations"]).iter().map(|t| (text(&t["locale"]), (text(&t["title"]), text(&t["body"]))));
        FileBudget {
            id: row["id"].as_u64().unwrap(),
            name: text(&row["name"]),
            category: row["category_id"].as_u64(),
            parent: row["parent_section_id"].as_u64(),
            main: text(&row["source_locale"]),
            names: names.collect(),
        }
    };
    let segment = |id: &Value| {
        let row = rows(&library["segments"]).iter().find(|s| s["id"] == *id);
        let readers = match row {
            None => "everyone",
            Some(row) if row["built_in"] != true => "segment",
            Some(row) if row["user_type"] == "staff" => "agents",
            Some(_) => "signed_in",
        };
        readers.to_owned()
    };
    let article = |row: &Value| {
        let own = rows(&library["files"]).iter().filter(|f| f["article_id"] == row["id"] && f["size"] != 0);
        let pages = rows(&row["translations"])
            .iter()
            .map(|t| (text(&t["locale"]), page(&text(&t["title"]), &text(&t["body"]), t["draft"] == true, &files)));
        Article {
            id: row["id"].as_u64().unwrap(),
            section: row["section_id"].as_u64().unwrap(),
            readers: segment(&row["user_segment_id"]),
            tags: rows(&row["label_names"]).iter().map(text).collect(),
            author: row["author_id"].as_u64().and_then(|id| staff.get(&id).cloned()).unwrap_or_default(),
            files: own.map(|f| text(&f["sha256"])).collect(),
            main: text(&row["source_locale"]),
            pages: pages.collect(),
        }
    };
    Library {
        categories: rows(&library["categories"]).iter().map(file_budget).collect(),
        sections: rows(&library["sections"]).iter().map(file_budget).collect(),
        articles: rows(&library["articles"]).iter().map(article).collect(),
        agents: staff.values().cloned().collect(),
    }
}

pub fn freshdesk(state: &Value) -> Library {
    let solutions = &state["solutions"];
    let agents = rows(&state["agents"]).iter().filter(|a| a["deactivated"] != true);
    let agents: BTreeMap<u64, String> = agents.map(|a| (a["id"].as_u64().unwrap(), text(&a["email"]))).collect();
    let file_budget = |row: &Value| {
        let texts = row["texts"].as_object().unwrap();
        FileBudget {
            id: row["id"].as_u64().unwrap(),
            name: text(&texts["en"]["name"]),
            category: row["category_id"].as_u64(),
            parent: row["parent_id"].as_u64(),
            main: "en".into(),
            names: texts.iter().map(|(l, t)| (l.clone(), (text(&t["name"]), text(&t["description"])))).collect(),
        }
    };
    let folders: Vec<FileBudget> = rows(&solutions["folders"]).iter().map(file_budget).collect();
    // Nobody reads a folder who may not read those it is in.
    let readers = |folder: u64| {
        let (mut most, mut at) = (0, Some(folder));
        while let Some(row) = rows(&solutions["folders"]).iter().find(|f| f["id"].as_u64() == at) {
            most = most.max(match row["visibility"].as_u64() {
                Some(1) => 0,
                Some(2) => 1,
                Some(3) => 3,
                _ => 2,
            });
            at = row["parent_id"].as_u64();
        }
        ["everyone", "signed_in", "segment", "agents"][most].to_owned()
    };
    let article = |row: &Value| {
        let own = rows(&row["files"]);
        let files: BTreeMap<String, String> = own.iter().map(|f| (f["id"].to_string(), text(&f["sha256"]))).collect();
        let texts = row["texts"].as_object().unwrap();
        let pages = texts.iter().map(|(language, t)| {
            (language.clone(), page(&text(&t["name"]), &text(&t["description"]), t["published"] == false, &files))
        });
        Article {
            id: row["id"].as_u64().unwrap(),
            section: row["folder_id"].as_u64().unwrap(),
            readers: readers(row["folder_id"].as_u64().unwrap()),
            tags: rows(&texts["en"]["tags"]).iter().map(text).collect(),
            author: row["agent_id"].as_u64().and_then(|id| agents.get(&id).cloned()).unwrap_or_default(),
            files: own.iter().filter(|f| f["size"] != 0).map(|f| text(&f["sha256"])).collect(),
            main: "en".into(),
            pages: pages.collect(),
        }
    };
    Library {
        categories: rows(&solutions["categories"]).iter().map(file_budget).collect(),
        articles: rows(&solutions["articles"]).iter().map(article).collect(),
        sections: folders,
        agents: agents.values().cloned().collect(),
    }
}
