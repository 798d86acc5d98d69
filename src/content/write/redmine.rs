//! What Redmine reads out of any text it shows, in whatever markup: `#12`, `r12`, `user:ann`, `[[page]]`,
//! `{{macro}}` (`LINKS_RE`, `parse_wiki_links` and `MACROS_RE` of its `application_helper.rb`).
//!
//! A ticket number of another desk must not lead to a ticket that happens to have it, and `user#2` must not
//! turn into the name of a stranger.

/// Words that begin a link when a `:` or `#` follows.
const PREFIXES: [&str; 12] = [
    "attachment",
    "commit",
    "document",
    "export",
    "forum",
    "message",
    "news",
    "note",
    "project",
    "source",
    "user",
    "version",
];

/// Whether a joiner before the character at `at` is needed lest Redmine make it a link or macro.
pub(super) fn links(text: &str, at: usize, c: char) -> bool {
    let rest = &text[at..];
    match c {
        '#' => numbers(&text[..at], rest),
        'r' => starts_word(&text[..at]) && is_revision(&rest[1..]),
        '[' => text[..at].ends_with('[') && !text[..at].ends_with("[["),
        '{' => {
            text[..at].ends_with('{')
                && rest[1..].starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '<' | '>' | '&'))
        }
        'a'..='v' => starts_word(&text[..at]) && PREFIXES.iter().any(|p| begins_link(rest, p)),
        _ => false,
    }
}

fn numbers(before: &str, rest: &str) -> bool {
    let target = rest[1..].strip_prefix('#').unwrap_or(&rest[1..]);
    let hits = target.starts_with(|c: char| c.is_ascii_digit()) || target.starts_with("note");
    hits && before.chars().next_back().is_none_or(|c| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '#' | '&'))
}

fn begins_link(rest: &str, prefix: &str) -> bool {
    let Some(after) = rest.strip_prefix(prefix) else { return false };
    let mut after = after.chars();
    match (after.next(), after.next()) {
        (Some(':'), Some(c)) => !c.is_whitespace() && c != '<',
        (Some('#'), Some(c)) => c.is_ascii_digit() || c == '#',
        _ => false,
    }
}

fn is_revision(rest: &str) -> bool {
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    after.len() < rest.len() && !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
}

fn starts_word(before: &str) -> bool {
    before
        .chars()
        .next_back()
        .is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ',' | '-' | '[' | '>' | '!' | ':' | '|' | '*' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_redmine_would_link_is_stopped() {
        let stopped = |text: &str| -> Vec<usize> {
            text.char_indices().filter(|(at, c)| links(text, *at, *c)).map(|(at, _)| at).collect()
        };
        assert_eq!(stopped("see #12, (##3) and x#4 #x"), [4, 10]);
        assert_eq!(stopped("r12 xr12 r12b project:r1"), [0, 14, 22]);
        assert_eq!(stopped("user#2 source: a source:a news"), [0, 17]);
        assert_eq!(stopped("[[page]] [x] {{toc}} {{ x }}"), [1, 14]);
    }
}
