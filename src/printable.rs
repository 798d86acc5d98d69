//! Texts from outside as a terminal may show them: whatever would move the cursor, clear the screen, turn the direction of
//! writing or begin a line of its own is spelled out. The one place that decides what that is.
//!
//! Ids, labels, file names, a vendor's words and addresses go through it wherever a person reads them; what is stored and sent
//! stays as it is.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character has no shape of its own and changes how others are shown: control characters (C0, DEL, C1), marks of
/// direction, ends of lines and paragraphs, and what only programs see.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text on one line, with `\n`, `\t`, `\u{1b}` … for what is hidden.
pub fn line(text: &str) -> Cow<'_, str> {
    spelled(text, is_hidden)
}

/// Lines of our own: each as [`line`] shows it, but for tabs.
pub fn lines(text: &str) -> Cow<'_, str> {
    spelled(text, |c| is_hidden(c) && !matches!(c, '\n' | '\t'))
}

/// A JSON text that says the same and hides nothing: what is hidden stands within its strings, where it may be spelled.
pub fn json(text: &str) -> Cow<'_, str> {
    let hides = |c: char| is_hidden(c) && c != '\n';
    if !text.contains(hides) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hides(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String does not fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn spelled(text: &str, hides: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&hides) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hides(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_moves_clears_or_turns_a_terminal_is_spelled_out() {
        assert_eq!(line("\u{1b}[2J\u{7}a\r\nok target: b\t"), r"\u{1b}[2J\u{7}a\r\nok target: b\t");
        assert_eq!(
            line("\u{9b}31m \u{7f} \u{202e}txt.exe \u{2066} \u{2028}"),
            r"\u{9b}31m \u{7f} \u{202e}txt.exe \u{2066} \u{2028}"
        );
        assert_eq!(lines("a\n\t\u{1b}b\r"), "a\n\t\\u{1b}b\\r");
    }

    #[test]
    fn words_of_every_script_stay_as_they_are() {
        for text in ["Grüße an Zoë", "שלום", "می‌خواهم", "日本語 😀 👩‍💻", r"C:\temp\new", "a\u{301}"]
        {
            assert!(matches!(line(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_line_holds_what_is_hidden(text in any::<String>()) {
            prop_assert!(!line(&text).contains(is_hidden));
            prop_assert_eq!(lines(&text).matches('\n').count(), text.matches('\n').count());
        }

        #[test]
        fn json_says_the_same_and_hides_nothing(text in any::<String>()) {
            let value = serde_json::json!({ "a": text });
            let shown = json(&value.to_string()).into_owned();
            prop_assert!(!shown.contains(is_hidden));
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        }
    }
}
