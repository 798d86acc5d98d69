//! When two spellings are the same label, and the words the field uses for its usual values.

use crate::record::Category;
use unicode_normalization::UnicodeNormalization;

/// The form two spellings of a label share: composed, in lower case, with single inner spaces and none around.
pub fn key(label: &str) -> String {
    let composed: String = label.nfc().collect();
    composed.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Whether two spellings are the same label.
pub fn same(a: &str, b: &str) -> bool {
    key(a) == key(b)
}

/// The member of `known` that is this label: the exact spelling first.
pub fn find<'a>(label: &str, known: &'a [String]) -> Option<&'a str> {
    let exact = known.iter().find(|k| *k == label);
    exact.or_else(|| known.iter().find(|k| same(k, label))).map(String::as_str)
}

/// The usual words of the six status categories, the plainest first.
const STATUS: &[(Category, &[&str])] = &[
    (Category::New, &["new", "unassigned"]),
    (Category::Open, &["open", "opened", "in progress", "work in progress", "active", "assigned", "reopened"]),
    (
        Category::Pending,
        &["pending", "waiting on customer", "waiting for customer", "awaiting reply", "pending reply", "feedback"],
    ),
    (Category::OnHold, &["on hold", "hold", "stalled", "waiting on third party", "waiting for third party"]),
    (Category::Solved, &["solved", "resolved", "done", "fixed", "completed"]),
    (Category::Closed, &["closed"]),
];

/// The usual words of the four priorities.
const PRIORITY: &[&[&str]] = &[
    &["low", "minor"],
    &["normal", "medium", "standard", "moderate"],
    &["high", "important", "major"],
    &["urgent", "critical", "emergency", "immediate"],
];

const TYPE: &[&[&str]] = &[
    &["question"],
    &["incident"],
    &["problem"],
    &["task"],
    &["service request", "request"],
    &["change", "change request"],
    &["release"],
];

/// The words that mean the same status: by the category the source gives, else by the label itself.
pub(super) fn status_words(label: &str, category: Option<Category>) -> &'static [&'static str] {
    let spoken = spoken(label);
    let meant = STATUS.iter().find(|(c, words)| match category {
        Some(category) => *c == category,
        None => words.contains(&spoken.as_str()),
    });
    meant.map_or(&[], |(_, words)| words)
}

/// The category whose usual word the label is.
pub(super) fn category(label: &str) -> Option<Category> {
    let spoken = spoken(label);
    STATUS.iter().find(|(_, words)| words.contains(&spoken.as_str())).map(|(category, _)| *category)
}

pub(super) fn priority_words(label: &str) -> &'static [&'static str] {
    words_of(PRIORITY, label)
}

pub(super) fn type_words(label: &str) -> &'static [&'static str] {
    words_of(TYPE, label)
}

/// The first of `known` that is one of `words`, in the order of `words`.
pub(super) fn find_word<'a>(words: &[&str], known: &'a [String]) -> Option<&'a str> {
    words.iter().find_map(|word| known.iter().find(|k| spoken(k) == *word)).map(String::as_str)
}

fn words_of(sets: &'static [&'static [&'static str]], label: &str) -> &'static [&'static str] {
    let spoken = spoken(label);
    sets.iter().find(|words| words.contains(&spoken.as_str())).map_or(&[], |words| words)
}

/// A label as it is spoken: `On-hold` and `on_hold` are `on hold`.
fn spoken(label: &str) -> String {
    key(&label.replace(['-', '_'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_differ_by_case_space_and_composition_only() {
        assert!(same("  Order\u{a0} number ", "order NUMBER"));
        assert!(same("Caf\u{e9}", "cafe\u{301}"));
        assert!(!same("Region", "Regions"));
        assert!(!same("cf-a", "cf a"));
    }

    #[test]
    fn the_exact_spelling_wins_over_a_similar_one() {
        let known = ["open".to_owned(), "Open".to_owned()];
        assert_eq!(find("Open", &known), Some("Open"));
        assert_eq!(find("OPEN", &known), Some("open"));
    }

    #[test]
    fn no_word_has_two_meanings() {
        let statuses = STATUS.iter().flat_map(|(_, words)| words.iter());
        for sets in [statuses.collect::<Vec<_>>(), PRIORITY.iter().copied().flatten().collect()] {
            let mut once = sets.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), sets.len());
        }
    }
}
