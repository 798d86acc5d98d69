//! A help center with what makes a move hard: same names, sections in sections listed before those they are in, an empty one, three
//! languages, drafts, four sorts of readers, pictures under several addresses, links in every direction.

use super::super::store::HERE;
use super::store::{ArticleFile, DEFAULT, EDITORS, Item, Kind, Library, SEGMENTS};
use crate::random::Random;
use crate::words;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

const BEGAN: i64 = 1_620_000_000;
const DAY: i64 = 86_400;

/// Name, the category it is in, the section it is in.
const SECTIONS: [(&str, usize, Option<usize>); 9] = [
    ("Deep inside", 0, Some(2)),
    ("FAQ", 0, None),
    ("Printers", 0, Some(3)),
    ("Hardware", 0, None),
    ("FAQ", 0, Some(3)),
    ("Nothing here yet", 1, None),
    ("Intern", 2, None),
    ("Für Kunden & Partner", 2, None),
    ("FAQ", 1, None),
];

impl Library {
    /// As many articles as there are tickets, up to 40; none of anything where there are no tickets.
    pub fn seeded(seed: u64, tickets: usize, agents: Vec<u64>, nests: bool) -> Self {
        let mut library = Library { agents, nests, ..Library::default() };
        if tickets == 0 {
            return library;
        }
        let categories = [("General", DEFAULT), ("General", DEFAULT), ("Handbuch", "de")];
        let categories = categories.map(|(name, locale)| library.shelf(Kind::Category, name, locale, Map::new()));
        let first = library.given + 1;
        // Ids are given in this order, and nothing else takes one meanwhile.
        let ids: Vec<u64> = (0..SECTIONS.len() as u64).map(|n| library.id_at(first + n)).collect();
        library.given += SECTIONS.len() as u64;
        for (n, (name, category, parent)) in SECTIONS.iter().enumerate() {
            let mut row = Map::new();
            row.insert("category_id".into(), json!(categories[*category]));
            row.insert("parent_section_id".into(), json!(parent.map(|at| ids[at])));
            let locale = if *category == 2 { "de" } else { DEFAULT };
            library.put(Kind::Section, ids[n], name, locale, row, n);
        }
        let count = tickets.min(40);
        let articles: Vec<u64> = (0..count as u64).map(|n| library.id_at(library.given + 1 + n)).collect();
        library.given += count as u64;
        for n in 0..count {
            library.article(seed, n, &articles, &ids);
        }
        library
    }

    fn shelf(&mut self, kind: Kind, name: &str, locale: &str, row: Map<String, Value>) -> u64 {
        let (id, n) = (self.next_id(), self.items.len());
        self.put(kind, id, name, locale, row, n);
        id
    }

    fn put(&mut self, kind: Kind, id: u64, name: &str, locale: &str, mut row: Map<String, Value>, n: usize) {
        let at = moment(n);
        row.insert("position".into(), json!(n));
        row.insert("created_at".into(), json!(at.to_string()));
        row.insert("updated_at".into(), json!(at.to_string()));
        let description = format!("All about {name} <& more>");
        let mut translations = vec![self.translation(id, kind, locale, name, &description, false, at)];
        if n.is_multiple_of(2) {
            let other = if locale == "de" { DEFAULT } else { "de" };
            translations.push(self.translation(id, kind, other, &format!("{name} ({other})"), "Übersetzt", false, at));
        }
        self.items.push(Item { kind, id, row, source_locale: locale.to_owned(), translations });
    }

    fn article(&mut self, seed: u64, n: usize, articles: &[u64], sections: &[u64]) {
        let mut random = Random::of(seed, &[77, n as u64]);
        let id = articles[n];
        let at = moment(100 + n);
        // All but the empty section, the one of agents alone among them.
        let places = [0, 1, 2, 3, 4, 6, 7, 8];
        let section = sections[places[n % places.len()]];
        let segment = match (n % places.len(), n % 7) {
            (5, _) => json!(SEGMENTS[1]),
            (_, 3) => json!(SEGMENTS[0]),
            (_, 4) => json!(SEGMENTS[1]),
            (_, 5) => json!(SEGMENTS[2]),
            _ => Value::Null,
        };
        let mut row = Map::new();
        let author = self.agents.get(n % (self.agents.len() + 1)).copied();
        // Somebody who is no agent any more.
        row.insert("author_id".into(), json!(author.unwrap_or(360_000_002_000)));
        row.insert("section_id".into(), json!(section));
        row.insert("user_segment_id".into(), segment);
        row.insert("permission_group_id".into(), json!(EDITORS[n % 2]));
        row.insert(
            "label_names".into(),
            if n.is_multiple_of(3) { json!(["how-to", format!("label {n}")]) } else { json!([]) },
        );
        row.insert("promoted".into(), json!(n.is_multiple_of(9)));
        row.insert("position".into(), json!(n % 5));
        row.insert("comments_disabled".into(), json!(false));
        row.insert("created_at".into(), json!(at.to_string()));
        row.insert("updated_at".into(), json!(at.to_string()));
        let picture = (n.is_multiple_of(2)).then(|| self.seed_file(&mut random, id, "screen shot.png", true));
        if n % 4 == 1 {
            self.seed_file(&mut random, id, "manual (final).pdf", false);
        }
        // Of two names that are the same only one is the first.
        let title =
            if n % 8 == 2 { "How to begin".to_owned() } else { format!("kb{n}t {}", words::subject(&mut random)) };
        let body = body(&mut random, n, picture, articles);
        let source = if n % 11 == 10 {
            "fr"
        } else if n % 6 == 5 {
            "de"
        } else {
            DEFAULT
        };
        let mut translations = vec![self.translation(id, Kind::Article, source, &title, &body, n % 7 == 6, at)];
        if n.is_multiple_of(3) {
            let text = body_in_german(n, picture);
            let other = if source == "de" { DEFAULT } else { "de" };
            let title = format!("kb{n}u Anleitung „{n}“");
            translations.push(self.translation(id, Kind::Article, other, &title, &text, n % 12 == 3, at));
        }
        if n % 10 == 4 {
            translations.push(self.translation(id, Kind::Article, "fr", "Mode d’emploi", "<p>Bonjour</p>", false, at));
        }
        self.items.push(Item { kind: Kind::Article, id, row, source_locale: source.to_owned(), translations });
    }

    fn seed_file(&mut self, random: &mut Random, article: u64, name: &str, inline: bool) -> u64 {
        let file = if inline { words::image(random, name) } else { words::file(random) };
        let id = self.next_id();
        let (content_type, bytes) = (file.content_type.to_string(), file.bytes());
        self.files.push(ArticleFile { id, article: Some(article), name: name.to_owned(), content_type, bytes, inline });
        id
    }
}

fn moment(n: usize) -> Timestamp {
    Timestamp::from_second(BEGAN + n as i64 * DAY).unwrap_or_default()
}

fn body(random: &mut Random, n: usize, picture: Option<u64>, articles: &[u64]) -> String {
    let mut body = format!(
        "<h2>kb{n}b</h2><p onclick=\"x()\">{} &amp; more</p><script>alert({n})</script>",
        words::subject(random)
    );
    if let Some(id) = picture {
        let address = match n % 6 {
            0 => format!("{HERE}/hc/article_attachments/{id}"),
            2 => format!("/hc/en-us/article_attachments/{id}/screen_shot.png"),
            _ => format!("{HERE}/hc/en-us/article_attachments/{id}"),
        };
        body.push_str(&format!("<p><img src=\"{address}\" alt=\"see\"></p>"));
    }
    let other = articles[(n * 7 + 3) % articles.len()];
    let link = match n % 4 {
        0 => format!("<a href=\"{HERE}/hc/en-us/articles/{other}-Some-title?x=1&amp;y=2\">further on</a>"),
        1 => format!("<a href=\"/hc/en-us/articles/{other}\">back</a>"),
        2 => "<a href=\"https://example.com/articles/12\">elsewhere</a>".to_owned(),
        _ => format!("<a href=\"{HERE}/hc/en-us/articles/1234567890\">gone</a>"),
    };
    body.push_str(&format!("<ul><li>{link}</li></ul><table><tbody><tr><td>1</td><td>2</td></tr></tbody></table>"));
    body
}

fn body_in_german(n: usize, picture: Option<u64>) -> String {
    let picture = picture.map(|id| format!("<img src=\"{HERE}/hc/de/article_attachments/{id}\">")).unwrap_or_default();
    format!("<p>kb{n}d Übersicht</p>{picture}")
}
