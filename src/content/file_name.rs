//! File names that every platform, browser and disk takes.

use crate::printable;
use std::collections::HashSet;

const FALLBACK: &str = "file";

/// A name that is safe to store, to send in a header and to save on any disk: at most `limit_bytes` bytes
/// (never less than 16 are used), not empty, and the same when made safe again.
///
/// Path separators, quotes, control characters, marks that turn the direction of writing, and what Windows
/// forbids become `_`; the extension survives the cut. Letters of every script stay as they are, in the
/// Unicode form they came in.
pub fn safe(original: &str, limit_bytes: usize) -> String {
    let mut name = String::with_capacity(original.len());
    for c in original.chars() {
        match c {
            c if is_invisible(c) => {}
            '/' | '\\' | '"' | '\'' | '`' | '<' | '>' | ':' | '|' | '?' | '*' | ';' | '%' | '\u{2028}' | '\u{2029}' => {
                if !name.ends_with('_') {
                    name.push('_');
                }
            }
            c if c.is_whitespace() => {
                if !name.ends_with(' ') {
                    name.push(' ');
                }
            }
            '.' if name.ends_with('.') => {}
            c => name.push(c),
        }
    }
    let trimmed = trim(&name);
    let name = cut(trimmed, limit_bytes.max(16));
    let name = trim(&name);
    if name.is_empty() || name.chars().all(|c| c == '_') {
        return FALLBACK.to_owned();
    }
    if is_reserved(name) { trim(&cut(&format!("_{name}"), limit_bytes.max(16))).to_owned() } else { name.to_owned() }
}

/// Leading dots and dashes hide a file or look like an option; Windows drops trailing dots and spaces.
fn trim(name: &str) -> &str {
    name.trim_start_matches(['.', '-', ' ', '~']).trim_end_matches(['.', ' '])
}

/// What hides in a name or changes how the rest of it is shown, but for what counts as space or as the end of a line.
fn is_invisible(c: char) -> bool {
    printable::is_hidden(c) && !matches!(c, '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let port = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|n| {
            let mut digits = n.chars();
            matches!(digits.next(), Some('0'..='9' | '¹' | '²' | '³')) && digits.next().is_none()
        })
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") || port("COM") || port("LPT")
}

/// The stem and the extension with its dot. What stands behind the last dot is an extension if it is short
/// and has no space.
fn parted(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= 12 && !name[dot..].contains(' ') => name.split_at(dot),
        _ => (name, ""),
    }
}

fn cut(name: &str, limit: usize) -> String {
    if name.len() <= limit {
        return name.to_owned();
    }
    let (stem, extension) = parted(name);
    let mut end = limit.saturating_sub(extension.len()).min(stem.len());
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", stem[..end].trim_end_matches(['.', ' ']))
}

/// The names in use in one ticket: `a.png`, `a (2).png`, `a (3).png`. Names that differ only in case are
/// the same name, as they are on many disks.
#[derive(Clone, Debug)]
pub struct Names {
    used: HashSet<String>,
    limit_bytes: usize,
}

impl Names {
    /// `limit_bytes` as in [`safe`].
    pub fn new(limit_bytes: usize) -> Self {
        Self { used: HashSet::new(), limit_bytes: limit_bytes.max(16) }
    }

    /// The safe name for a file, not given to another one before.
    pub fn give(&mut self, original: &str) -> String {
        let name = safe(original, self.limit_bytes);
        let (stem, extension) = parted(&name);
        let mut given = name.clone();
        let mut number = 2;
        while !self.used.insert(key(&given)) {
            let tail = format!(" ({number}){extension}");
            let mut end = self.limit_bytes.saturating_sub(tail.len()).min(stem.len());
            while !stem.is_char_boundary(end) {
                end -= 1;
            }
            given = format!("{}{tail}", stem[..end].trim_end_matches(['.', ' ']));
            number += 1;
        }
        given
    }
}

fn key(name: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    name.nfc().collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_names_become_harmless_and_plain_ones_stay() {
        let cases = [
            ("report (final) v2.pdf", "report (final) v2.pdf"),
            ("Приказ №5 – копия.docx", "Приказ №5 – копия.docx"),
            ("e\u{301}té.txt", "e\u{301}té.txt"),
            ("../../etc/passwd", "_._etc_passwd"),
            ("C:\\x\\y.txt", "C_x_y.txt"),
            ("..", "file"),
            ("", "file"),
            ("///", "file"),
            (".htaccess", "htaccess"),
            ("-rf", "rf"),
            ("a\u{202e}gpj.exe", "agpj.exe"),
            ("a\0b\r\nc\u{7f}.png", "ab c.png"),
            ("say \"hi\"; 'x'.txt", "say _hi_ _x_.txt"),
            ("CON", "_CON"),
            ("aux.txt", "_aux.txt"),
            ("com1 .log", "_com1 .log"),
            ("COM10", "COM10"),
            ("a. . .", "a"),
            ("👍🏽.png", "👍🏽.png"),
        ];
        for (original, expected) in cases {
            assert_eq!(safe(original, 255), expected, "{original:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_between_characters_and_keeps_its_extension() {
        let long = format!("{}.tar.gz", "ü".repeat(300));
        let name = safe(&long, 255);
        assert!(name.len() <= 255 && name.len() > 250 && name.ends_with("ü.tar.gz") || name.ends_with(".gz"), "{name}");
        assert_eq!(safe(&"x".repeat(300), 20), "x".repeat(20));
    }

    #[test]
    fn two_files_of_a_ticket_never_share_a_name() {
        let mut names = Names::new(255);
        let given: Vec<String> =
            ["a.png", "A.PNG", "a.png", "a (2).png", "e\u{301}", "\u{e9}"].map(|n| names.give(n)).into();
        assert_eq!(given, ["a.png", "A (2).PNG", "a (3).png", "a (2) (2).png", "e\u{301}", "\u{e9} (2)"]);
    }

    proptest! {
        #[test]
        fn every_name_is_made_safe_once_and_for_all(original in "(\\PC|[\\x00-\\x1f/.\\\\\"\u{202e}\u{2066} -]|CON|nul|aux\\.){0,60}", limit in 0usize..80) {
            let name = safe(&original, limit);
            prop_assert!(!name.is_empty() && name.len() <= limit.max(16));
            let forbidden = ['/', '\\', '"', '\'', ':', '|', '<', '>', '?', '*', '\u{202e}', '\u{2066}'];
            prop_assert!(!name.contains(forbidden), "{}", name);
            prop_assert!(!name.contains("..") && !name.chars().any(char::is_control));
            prop_assert!(!name.starts_with(['.', '-', ' ']) && !name.ends_with(['.', ' ']));
            prop_assert!(!is_reserved(&name), "{name}");
            prop_assert_eq!(&safe(&name, limit), &name);
        }

        #[test]
        fn names_given_are_apart(originals in prop::collection::vec("[aA.]{0,3}(\\(2\\))?\\.(png)?", 0..12), limit in 0usize..30) {
            let mut names = Names::new(limit);
            let mut seen = HashSet::new();
            for original in &originals {
                let name = names.give(original);
                prop_assert!(name.len() <= limit.max(16));
                prop_assert!(seen.insert(name.to_lowercase()), "{name}");
            }
        }
    }
}
