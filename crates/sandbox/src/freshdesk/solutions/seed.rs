//! A knowledge base to be read: folders within folders, four sorts of readers, drafts, two languages, pictures, files, links.

use super::store::{Article, Category, Folder, HERE, PRIMARY, Text, Texts};
use crate::freshdesk::form::Upload;
use crate::freshdesk::html;
use crate::freshdesk::store::Account;
use crate::random::Random;
use crate::words;
use jiff::{SignedDuration, Timestamp};

/// Name, category, folder it is in, visibility.
const FOLDERS: [(&str, usize, Option<usize>, u64); 7] = [
    ("Getting started", 0, None, 1),
    ("FAQ", 0, None, 2),
    ("Deeper", 0, Some(0), 1),
    ("Deepest", 0, Some(2), 3),
    ("FAQ", 1, None, 1),
    ("Nothing here yet", 1, None, 1),
    ("Partners", 1, None, 4),
];

impl Account {
    /// As many articles as there are tickets, up to 30; none of anything where there are no tickets.
    pub fn seed_solutions(&mut self, seed: u64, tickets: usize, now: Timestamp) {
        if tickets == 0 {
            return;
        }
        let at = now - SignedDuration::from_hours(24 * 300);
        // What is there from the start takes nothing of what may be kept later.
        let kept = self.kept_bytes;
        let mut categories = Vec::new();
        for name in ["Product", "Allgemeines"] {
            let id = self.next_id();
            let texts = texts(name, Some(&format!("All about {name} <&>")), true);
            self.solutions.categories.insert(id, Category { id, texts, created_at: at, updated_at: at });
            categories.push(id);
        }
        let mut folders: Vec<u64> = Vec::new();
        for (n, (name, category, parent, visibility)) in FOLDERS.into_iter().enumerate() {
            let id = self.next_id();
            let folder = Folder {
                id,
                category_id: categories[category],
                parent_id: parent.map(|at| folders[at]),
                visibility,
                chosen: self.companies.keys().take(usize::from(visibility == 4)).copied().collect(),
                texts: texts(name, None, n.is_multiple_of(2)),
                created_at: at,
                updated_at: at,
            };
            self.solutions.folders.insert(id, folder);
            folders.push(id);
        }
        let agents: Vec<u64> = self.agents.keys().copied().collect();
        let mut articles: Vec<u64> = Vec::new();
        for n in 0..tickets.min(30) {
            let mut random = Random::of(seed, &[91, n as u64]);
            let id = self.next_id();
            let mut files = Vec::new();
            let mut body = format!("<h2>fd{n}b</h2><p>{} &amp; more</p>", words::subject(&mut random));
            if n.is_multiple_of(2) {
                let image = words::image(&mut random, "shot.gif");
                files.push(self.keep(upload("shot.gif", image.content_type, image.bytes()), at));
                body.push_str(&format!("<p><img src=\"{HERE}/helpdesk/attachments/{}\"></p>", files[0].id));
            }
            if n % 3 == 1 {
                let file = words::file_of(&mut random, 900);
                files.push(self.keep(upload("manual.pdf", file.content_type, file.bytes()), at));
            }
            if let Some(other) = articles.get(n / 2) {
                body.push_str(&format!("<p><a href=\"{HERE}/support/solutions/articles/{other}-title\">see</a></p>"));
            }
            let text = |name: String, body: &str, published: bool| Text {
                name,
                description: Some(html::clean(body)),
                published,
                tags: if n.is_multiple_of(4) { vec!["setup".into()] } else { vec![] },
                ..Text::default()
            };
            let title =
                if n % 7 == 2 { "How to begin".to_owned() } else { format!("fd{n}t {}", words::subject(&mut random)) };
            let mut texts = Texts::from([(PRIMARY.to_owned(), text(title, &body, n % 5 != 4))]);
            if n.is_multiple_of(3) {
                texts.insert("de".into(), text(format!("fd{n}u Anleitung"), "<p>Übersicht</p>", n.is_multiple_of(6)));
            }
            let article = Article {
                id,
                folder_id: folders[[0, 1, 2, 3, 4, 6][n % 6]],
                agent_id: agents[n % agents.len()],
                texts,
                files,
                created_at: at,
                updated_at: at,
            };
            self.solutions.articles.insert(id, article);
            articles.push(id);
        }
        self.kept_bytes = kept;
    }
}

fn texts(name: &str, description: Option<&str>, translated: bool) -> Texts {
    let text = |name: String| Text { name, description: description.map(str::to_owned), ..Text::default() };
    let mut texts = Texts::from([(PRIMARY.to_owned(), text(name.to_owned()))]);
    if translated {
        texts.insert("de".into(), text(format!("{name} (de)")));
    }
    texts
}

fn upload(name: &str, content_type: &str, bytes: Vec<u8>) -> Upload {
    Upload { part: "attachments".into(), name: name.into(), content_type: content_type.into(), bytes: bytes.into() }
}
