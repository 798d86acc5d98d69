//! Whether the categories, sections and articles of a knowledge base hang together: each names one that is there, and no section lies
//! within itself. A help desk takes none whose parent it does not have.

use super::faults::{Fault, Place};
use crate::record::{Body, Record};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub struct Books {
    categories: BTreeSet<String>,
    sections: BTreeMap<String, FileBudget>,
}

/// A section, and where it says to what it belongs.
#[derive(Debug)]
struct FileBudget {
    category: Option<String>,
    parent: Option<String>,
    category_at: Place,
    parent_at: Place,
}

impl Books {
    /// Takes in a record. Categories come first, then sections, then articles: of these it is known at once what is wrong. `at`: where a
    /// field of it stands.
    pub fn take(&mut self, record: &Record, at: impl Fn(&str) -> Place) -> Option<Fault> {
        match &record.body {
            Body::Category(_) => {
                self.categories.insert(record.id.clone());
                None
            }
            Body::Section(section) => {
                let file_budget = FileBudget {
                    category: section.category.clone(),
                    parent: section.parent.clone(),
                    category_at: at("category"),
                    parent_at: at("parent"),
                };
                self.sections.insert(record.id.clone(), file_budget);
                None
            }
            Body::Article(article) => match &article.section {
                None => Some(lacks(at("section"), "the article names no section", "section")),
                Some(id) if !self.sections.contains_key(id) => Some(unknown(at("section"), "section", id)),
                Some(_) => None,
            },
            _ => None,
        }
    }

    /// What is wrong with the sections, when all are known.
    pub fn faults(&self) -> Vec<Fault> {
        let mut all = Vec::new();
        for (id, file_budget) in &self.sections {
            match &file_budget.category {
                None => all.push(lacks(file_budget.category_at.clone(), "the section names no category", "category")),
                Some(category) if !self.categories.contains(category) => {
                    all.push(unknown(file_budget.category_at.clone(), "category", category));
                }
                Some(_) => {}
            }
            match &file_budget.parent {
                Some(parent) if !self.sections.contains_key(parent) => {
                    all.push(unknown(file_budget.parent_at.clone(), "section", parent));
                }
                Some(parent) if self.circle(id) => {
                    let what = format!("the section {id:?} lies within itself, by its parent {parent:?}");
                    let hint = "clear `parent` of one of the sections that are each within the other".to_owned();
                    all.push(Fault { place: file_budget.parent_at.clone(), what, hint });
                }
                _ => {}
            }
        }
        all
    }

    /// Whether the parents of a section lead back to it.
    fn circle(&self, id: &str) -> bool {
        let (mut seen, mut here) = (BTreeSet::new(), id);
        while let Some(parent) = self.sections.get(here).and_then(|file_budget| file_budget.parent.as_deref()) {
            if parent == id {
                return true;
            }
            if !seen.insert(parent) {
                return false;
            }
            here = parent;
        }
        false
    }
}

fn lacks(place: Place, what: &str, of: &str) -> Fault {
    Fault { place, what: what.to_owned(), hint: format!("`{of}` holds the `id` of its {of}") }
}

fn unknown(place: Place, kind: &str, id: &str) -> Fault {
    let what = format!("no {kind} of the export has the id {id:?}");
    Fault { place, what, hint: format!("add the row of the {kind}, or name one that is there") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_knowledge_base_that_does_not_hang_together_is_told_field_by_field() {
        let mut books = Books::default();
        let mut take = |row: Value| {
            let record: Record = serde_json::from_value(row).unwrap();
            let at =
                |field: &str| Place { file: record.id.clone(), unit: "row", number: 1, column: Some(field.to_owned()) };
            books.take(&record, at).map(|fault| fault.place.to_string())
        };
        take(json!({ "kind": "category", "id": "c", "name": "C" }));
        let mut section = |id: &str, category: Value, parent: Value| {
            take(json!({ "kind": "section", "id": id, "name": "S", "category": category, "parent": parent }));
        };
        section("1", json!("c"), Value::Null);
        section("2", json!("c"), json!("1"));
        section("3", json!("d"), Value::Null);
        section("4", json!("c"), json!("9"));
        section("5", json!("c"), json!("6"));
        section("6", json!("c"), json!("5"));
        section("7", json!("c"), json!("5"));
        section("8", Value::Null, Value::Null);
        let mut article = |section: Value| {
            take(
                json!({ "kind": "article", "id": "a", "title": "A", "format": "text", "body": "", "section": section }),
            )
        };
        assert_eq!(article(json!("2")), None);
        assert_eq!(article(json!("x")).as_deref(), Some("a row 1, column `section`"));
        assert_eq!(article(Value::Null).as_deref(), Some("a row 1, column `section`"));
        let places: Vec<String> = books.faults().iter().map(|fault| fault.place.to_string()).collect();
        let expected = [
            "3 row 1, column `category`",
            "4 row 1, column `parent`",
            "5 row 1, column `parent`",
            "6 row 1, column `parent`",
            "8 row 1, column `category`",
        ];
        assert_eq!(places, expected, "7 is in a circle of others, and waits for them");
    }
}
