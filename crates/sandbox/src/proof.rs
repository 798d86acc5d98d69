//! Whether what one desk held is what another holds now: read off their states, without anything that moved it.
//!
//! Every message of the source carries a word of its own (its mark); every ticket of the target the id of the one it was.

use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proof {
    pub tickets: usize,
    pub messages: usize,
    /// Of the messages: those that are private on both sides.
    pub private: usize,
    /// Files of the target's tickets that a message of the source had.
    pub files: usize,
    /// Files of the source that stayed outside the target.
    pub kept: usize,
    /// Of the knowledge base.
    pub articles: usize,
    /// Their texts in all languages the target has.
    pub texts: usize,
    pub article_files: usize,
    pub differences: Vec<String>,
}

struct Note<'a> {
    body: &'a str,
    private: bool,
    files: HashSet<&'a str>,
}

/// Compares the state of the Zendesk look-alike with that of the Freshdesk one. `kept`: SHA-256 of files that were kept
/// elsewhere on purpose. Tickets the source has deleted are expected nowhere.
pub fn prove(source: &Value, target: &Value, kept: &HashSet<String>) -> Proof {
    let mut proof = Proof::default();
    let mut arrived: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for ticket in list(&target["tickets"]) {
        let marks = ticket["custom_fields"].as_object().into_iter().flat_map(|fields| fields.values());
        let id = marks.filter_map(Value::as_str).find_map(|mark| mark.strip_prefix("deskferry:")?.rsplit(':').next());
        arrived.entry(id.unwrap_or("of nobody").to_owned()).or_default().push(ticket);
    }
    for ticket in list(&source["tickets"]) {
        let id = ticket["id"].to_string();
        match (arrived.remove(&id).as_deref(), ticket["deleted"] == true) {
            (None, true) => {}
            (Some(_), true) => proof.differences.push(format!("ticket {id} was deleted and is there")),
            (None, false) => proof.differences.push(format!("ticket {id} is not there")),
            (Some([one]), false) => {
                proof.tickets += 1;
                conversation(ticket, one, kept, &mut proof);
            }
            (Some(more), false) => proof.differences.push(format!("ticket {id} is there {} times", more.len())),
        }
    }
    proof.differences.extend(arrived.into_keys().map(|id| format!("ticket {id} is there and was not in the source")));
    articles(&source["library"], &target["solutions"], kept, &mut proof);
    proof
}

/// Articles are known by the heading of their text; each language by the word of its title.
fn articles(source: &Value, target: &Value, kept: &HashSet<String>, proof: &mut Proof) {
    let languages = |article: &Value| -> Vec<(String, String)> {
        let texts = article["texts"].as_object().into_iter().flatten();
        texts.map(|(_, t)| (text(&t["name"]).to_owned(), text(&t["description"]).to_owned())).collect()
    };
    for article in list(&source["articles"]) {
        let own = list(&article["translations"]).map(|t| text(&t["body"]));
        let Some(mark) = own.filter_map(heading).next() else { continue };
        let there: Vec<&Value> = list(&target["articles"])
            .filter(|there| languages(there).iter().any(|(_, body)| heading(body) == Some(mark)))
            .collect();
        let [one] = there[..] else {
            proof.differences.push(format!("article {mark} is there {} times", there.len()));
            continue;
        };
        proof.articles += 1;
        let arrived = languages(one);
        proof.texts += arrived.len();
        if arrived.iter().any(|(_, body)| body.contains("deskferry:") || body.contains("article_attachments")) {
            proof.differences.push(format!("article {mark} holds a marker, or a picture of the source"));
        }
        let files = files(one);
        for file in list(&source["files"]).filter(|file| file["article_id"] == article["id"]) {
            let sha256 = text(&file["sha256"]);
            if files.contains(sha256) {
                proof.article_files += 1;
            } else if kept.contains(sha256) {
                proof.kept += 1;
            } else {
                proof.differences.push(format!("article {mark} lacks the file {}", file["file_name"]));
            }
        }
    }
    let (was, is) = (list(&source["articles"]).count(), list(&target["articles"]).count());
    if was != is {
        proof.differences.push(format!("{was} articles became {is}"));
    }
}

/// The first heading of a text.
fn heading(html: &str) -> Option<&str> {
    html.split_once("<h2>")?.1.split('<').next()
}

fn conversation(ticket: &Value, arrived: &Value, kept: &HashSet<String>, proof: &mut Proof) {
    let id = &ticket["id"];
    let first = Note { body: text(&arrived["description"]), private: false, files: files(arrived) };
    let later = list(&arrived["conversations"]).map(|note| Note {
        body: text(&note["body"]),
        private: note["private"] == true,
        files: files(note),
    });
    let notes: Vec<Note<'_>> = std::iter::once(first).chain(later).collect();
    let mut from = 0;
    for comment in said(ticket) {
        let mark = text(&comment["mark"]);
        if mark.is_empty() || !is_shown(comment, mark) {
            continue;
        }
        let places: Vec<usize> = (0..notes.len()).filter(|at| has_word(notes[*at].body, mark)).collect();
        let [at] = places[..] else {
            proof.differences.push(format!("ticket {id}: message {mark} is there {} times", places.len()));
            continue;
        };
        if at < from {
            proof.differences.push(format!("ticket {id}: message {mark} is out of order"));
        }
        from = at;
        let private = comment["public"] != true;
        if notes[at].private != private {
            proof.differences.push(format!("ticket {id}: message {mark} is private: {}", notes[at].private));
        }
        proof.messages += 1;
        proof.private += usize::from(private);
        for file in list(&comment["files"]).filter(|file| file["downloadable"] == true) {
            let sha256 = text(&file["sha256"]);
            if notes[at].files.contains(sha256) {
                proof.files += 1;
            } else if kept.contains(sha256) {
                proof.kept += 1;
            } else {
                proof.differences.push(format!("ticket {id}: message {mark} lacks the file {}", file["name"]));
            }
        }
    }
}

/// Comments and what was said beside the ticket, which is never public, in the order of time.
fn said(ticket: &Value) -> Vec<&Value> {
    let mut all: Vec<&Value> = list(&ticket["comments"]).collect();
    let beside: Vec<&Value> = list(&ticket["side_conversations"]).collect();
    if !beside.is_empty() {
        all.extend(beside);
        all.sort_by_key(|said| text(&said["created_at"]).parse::<jiff::Timestamp>().ok());
    }
    all
}

/// Whether the words a message is known by stand in it.
fn is_shown(said: &Value, mark: &str) -> bool {
    [&said["html_body"], &said["message"]["html_body"]].into_iter().any(|body| text(body).contains(mark))
}

/// Whether a mark stands in a text as a word of its own: `zd1c1` is not in `zd1c12`.
fn has_word(text: &str, mark: &str) -> bool {
    text.match_indices(mark).any(|(at, _)| !text[at + mark.len()..].starts_with(|c: char| c.is_ascii_alphanumeric()))
}

fn files(of: &Value) -> HashSet<&str> {
    list(&of["files"]).map(|file| text(&file["sha256"])).collect()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn source() -> Value {
        json!({ "tickets": [{ "id": 7, "comments": [
            { "mark": "m1", "html_body": "<p>m1</p>", "public": true, "files": [] },
            { "mark": "m2", "html_body": "<p>m2</p>", "public": false,
              "files": [{ "name": "a", "sha256": "aa", "downloadable": true }] },
        ] }] })
    }

    fn target() -> Value {
        json!({ "tickets": [{ "id": 1, "custom_fields": { "cf_deskferry": "deskferry:l:ticket:7" },
            "description": "<p>m1</p>", "files": [], "conversations": [
                { "body": "<p>m2</p>", "private": true, "files": [{ "sha256": "aa" }] } ] }] })
    }

    fn differences(spoil: impl FnOnce(&mut Value)) -> usize {
        let mut target = target();
        spoil(&mut target);
        prove(&source(), &target, &HashSet::new()).differences.len()
    }

    #[test]
    fn equal_desks_have_no_difference() {
        let proof = prove(&source(), &target(), &HashSet::new());
        assert_eq!(proof, Proof { tickets: 1, messages: 2, private: 1, files: 1, ..Proof::default() });
    }

    #[test]
    fn an_article_that_is_lost_twice_there_or_without_its_file_is_noticed() {
        let source = json!({ "tickets": [], "library": {
            "articles": [{ "id": 3, "translations": [{ "body": "<h2>a1</h2><p>x</p>" }] }],
            "files": [{ "article_id": 3, "sha256": "aa" }],
        } });
        let article =
            json!({ "texts": { "en": { "name": "t", "description": "<h2>a1</h2>" } }, "files": [{ "sha256": "aa" }] });
        let proof =
            |articles: Value| prove(&source, &json!({ "solutions": { "articles": articles } }), &HashSet::new());
        let whole = proof(json!([article]));
        assert_eq!((whole.articles, whole.article_files, whole.differences.len()), (1, 1, 0));
        assert!(!proof(json!([])).differences.is_empty());
        assert!(!proof(json!([article, article])).differences.is_empty());
        let mut bare = article.clone();
        bare["files"] = json!([]);
        assert!(!proof(json!([bare])).differences.is_empty());
    }

    #[test]
    fn a_lost_note_a_leak_a_wrong_file_and_a_double_are_noticed() {
        assert!(differences(|t| t["tickets"][0]["conversations"] = json!([])) > 0);
        assert!(differences(|t| t["tickets"][0]["conversations"][0]["private"] = json!(false)) > 0);
        assert!(differences(|t| t["tickets"][0]["conversations"][0]["files"][0]["sha256"] = json!("bb")) > 0);
        assert!(differences(|t| t["tickets"] = json!([t["tickets"][0], t["tickets"][0]])) > 0);
        assert!(differences(|t| t["tickets"] = json!([])) > 0);
    }
}
