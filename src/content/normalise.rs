//! The form by which a stored body is recognised as the one that was sent.

use unicode_normalization::UnicodeNormalization;

/// LF line ends, no space at the end of a line, no empty lines around and never two in a row, Unicode NFC.
///
/// Platforms do all of these to what they store; two bodies that share this form are the same message.
pub fn normalise(text: &str) -> String {
    let text: String = super::line_ends(text).nfc().collect();
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.split('\n').map(str::trim_end) {
        if line.is_empty() {
            empty += 1;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if empty > 0 { "\n\n" } else { "\n" });
        }
        empty = 0;
        out.push_str(line);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_platform_does_to_a_body_does_not_change_its_form() {
        let sent = "Gru\u{308}ße \n\n\n\nAnn\n";
        let stored = "\r\nGrüße\r\n\r\nAnn";
        assert_eq!(normalise(sent), normalise(stored));
        assert_eq!(normalise(sent), "Grüße\n\nAnn");
        assert_ne!(normalise("a\nb"), normalise("a b"));
        assert_eq!(normalise(" \n"), "");
    }

    proptest! {
        #[test]
        fn a_normal_form_is_its_own(text in "[ a\u{308}é\r\n\t]{0,40}") {
            let once = normalise(&text);
            prop_assert_eq!(normalise(&once), once);
        }
    }
}
