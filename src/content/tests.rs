//! The promises of conversion that hold for every pair of formats.

use super::*;
use proptest::prelude::*;

const FORMATS: [Format; 4] = [Format::Html, Format::Text, Format::Markdown, Format::Textile];

fn gone(_: &ImageRef) -> ImagePlace {
    ImagePlace::Gone
}

fn converted(body: &str, from: Format, to: Format) -> String {
    convert(body, from, to, &gone).text
}

/// The words a reader sees, whatever the markup.
pub(super) fn words(text: &str, format: Format) -> Vec<String> {
    let text = match format {
        Format::Html => {
            let mut shown = String::new();
            let mut rest = text;
            while let Some(at) = rest.find('<') {
                shown.push_str(&rest[..at]);
                let end = rest[at..].find('>').map_or(rest.len(), |end| at + end + 1);
                let tag = &rest[at..end];
                let inline = [
                    "<b>", "</b>", "<em>", "</em>", "<a ", "</a>", "<s>", "</s>", "<strong", "</strong", "<del",
                    "</del", "<i>", "</i>",
                ];
                if !inline.iter().any(|i| tag.starts_with(i)) {
                    shown.push(' ');
                }
                rest = &rest[end..];
            }
            shown.push_str(rest);
            shown
                .replace("&nbsp;", " ")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&amp;", "&")
        }
        Format::Textile => {
            text.replace(mentions::AT, "@").replace("&#124;", "|").replace("&quot;", "\"").replace("&lt;", "<")
        }
        Format::Markdown => {
            let mut shown = String::new();
            let mut chars = text.chars().peekable();
            while let Some(c) = chars.next() {
                if c != '\\' || !chars.peek().is_some_and(char::is_ascii_punctuation) {
                    shown.push(c);
                } else {
                    shown.extend(chars.next());
                }
            }
            shown
        }
        Format::Text => text.to_owned(),
    };
    let text = text.replace(JOINER, "");
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// Whether the letters of `there` come in the same order in `here`, perhaps among others.
fn letters_kept(there: &[String], here: &[String]) -> bool {
    let here = here.concat();
    let mut here = here.chars();
    there.concat().chars().all(|letter| here.any(|l| l == letter))
}

const FRAGMENTS: &str = r#"[a-z]{1,4}|[A-Z]{2,3}|[0-9]{1,2}|[ \n]|\n\n|[*_@#<>&!|\[\](){}"':/.,=+~^%?`\\-]{1,2}|<pre>|</pre>|<code>|</b>|<!--|-->|&lt;|&copy;|&#64;|http://x\.y/|ann@x\.y|"a":http://b\.c|!d\.png!|\[e\]\(f\)|h1\. |bq\. |\* |# |> |\| |\[\[g\]\]|\{\{toc\}\}|user#2|r12|#3|@bob|\$|Ä|é|שלום|😀|\x{2028}"#;

pub(super) fn body() -> impl Strategy<Value = String> {
    prop::collection::vec(FRAGMENTS, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_word_of_a_text_survives_every_conversion(text in body()) {
        let there = words(&text, Format::Text);
        for to in FORMATS {
            let written = converted(&text, Format::Text, to);
            let here = words(&written, to);
            // An address may come with a second, escaped copy as the place its link leads to
            let same = here == there || (text.contains("://") && letters_kept(&there, &here));
            prop_assert!(same, "{}: {:?}", to, written);
        }
    }

    #[test]
    fn every_word_of_html_survives_every_conversion(text in body()) {
        let html = clean(&text);
        let there = words(&html, Format::Html);
        for to in FORMATS {
            let written = converted(&html, Format::Html, to);
            let kept = letters_kept(&there, &words(&written, to));
            prop_assert!(kept, "{}: {:?} from {:?}", to, written, html);
        }
    }

    #[test]
    fn a_text_comes_back_from_every_format_word_by_word(text in body()) {
        let there = words(&text, Format::Text);
        for through in FORMATS {
            let back = converted(&converted(&text, Format::Text, through), through, Format::Text);
            prop_assert_eq!(&words(&back, Format::Text), &there, "{}: {:?}", through, back);
        }
    }

    #[test]
    fn textile_without_its_joiners_is_the_text(text in "[a-zA-Z0-9 *_+#!\"():=\\[\\]-]{0,60}") {
        let written = converted(&text, Format::Text, Format::Textile);
        let bare: String = written.replace(JOINER, "").replace('\u{a0}', " ");
        prop_assert_eq!(bare, text.trim_end());
    }

    #[test]
    fn no_conversion_mentions_anyone(text in body()) {
        for from in FORMATS {
            for to in [Format::Textile, Format::Markdown] {
                let written = converted(&text, from, to);
                let bare = if to == Format::Textile { outside_pre(&written) } else { outside_fences(&written) };
                let chars: Vec<char> = bare.chars().collect();
                for (at, _) in chars.iter().enumerate().filter(|(_, c)| **c == '@') {
                    let before = at.checked_sub(1).map(|at| chars[at]);
                    prop_assert!(!mentions::mentions(before, chars.get(at + 1).copied()), "{} to {}: {:?}", from, to, written);
                }
            }
        }
    }
}

fn outside_pre(text: &str) -> String {
    // What stands before and behind it does not touch.
    let parts = text.split("<pre>").enumerate();
    let outside = parts.map(|(n, part)| if n == 0 { part } else { part.split_once("</pre>").map_or("", |p| p.1) });
    outside.collect::<Vec<_>>().join("\n")
}

fn outside_fences(text: &str) -> String {
    text.replace("~~~", "```").split("```").step_by(2).collect()
}

#[test]
fn letters_are_kept_in_their_unicode_form() {
    let text = "e\u{301} \u{e9} שלום \u{202b}עברית\u{202c} 👩‍👩‍👧 日本語";
    for to in FORMATS {
        assert!(converted(text, Format::Text, to).contains(text), "{to}");
    }
}

#[test]
fn line_ends_become_lf_and_unstorable_characters_go() {
    assert_eq!(converted("a\r\nb\rc\0\u{c}d", Format::Text, Format::Text), "a\nb\nc\nd");
    for from in FORMATS {
        for to in FORMATS {
            assert_eq!(converted("", from, to), "");
            assert_eq!(converted(" \r\n ", from, to).trim(), "");
            assert!(!converted("a\r\n\0b", from, to).contains(['\r', '\0']));
        }
    }
}

#[test]
fn a_body_in_its_own_format_keeps_its_markup() {
    let place = |_: &ImageRef| ImagePlace::Inline { name: "new one.png".into() };
    let textile = "h1. *x* @y@ !old.png! \"a\":http://b";
    let written = convert(textile, Format::Textile, Format::Textile, &place).text;
    assert_eq!(written, "h1. *x* <code>y</code> !new%20one.png! \"a\":http://b");
    let markdown = "# *x* `@y` ![o](old.png)";
    let written = convert(markdown, Format::Markdown, Format::Markdown, &place).text;
    assert_eq!(written, "# *x* `@\u{2060}y` ![o](new%20one.png)");
    let html = r#"<p dir="rtl" onclick="x">a <img src="cid:x" alt="A"></p>"#;
    let written = convert(html, Format::Html, Format::Html, &|_| ImagePlace::Url("https://f/1?a=1&b=2".into())).text;
    assert_eq!(written, r#"<p dir="rtl">a <img src="https://f/1?a=1&amp;b=2" alt="A"></p>"#);
}

#[test]
fn each_image_that_cannot_be_shown_is_a_loss() {
    let html = r#"<img src="cid:a"><img src="cid:b"><img src="cid:c" alt="C">"#;
    let place = |image: &ImageRef| match image {
        ImageRef::Cid(id) if id == "a" => ImagePlace::Inline { name: "a.png".into() },
        ImageRef::Cid(id) if id == "b" => ImagePlace::Attached { name: "b.svg".into() },
        _ => ImagePlace::Gone,
    };
    let written = convert(html, Format::Html, Format::Textile, &place);
    assert_eq!(written.text, "!a.png! attachment:\"b.svg\" [image: C]");
    assert_eq!(written.losses, [Loss::InlineImage, Loss::ImageGone]);
}

/// Long enough to overflow a stack that grows with the nesting, short enough for an unoptimised build.
const LONG: usize = 6_000;

#[test]
fn deep_nesting_and_long_runs_of_markup_are_no_trouble() {
    let n = LONG;
    let mut hostile: Vec<String> =
        ["<div>", "<blockquote>", "<b>", "<ul><li>", "<table><tr><td>", "<pre>", "<a href=\"http://x\">", "<p>"]
            .iter()
            .map(|tag| format!("{}deep", tag.repeat(n)))
            .collect();
    for unit in [
        "*a ", "*", "_x_ ", "@a ", "\"a\":", "\"", "!a", "!", "<code>", "<", "&", "[", "](", "`", "> ", ">", "#", "==",
        "(", "AB(", " ", "\t", "x%", "* ", "|", "a\n", "a\n\n", "- ", "**a", "<kbd>", "http://", "~", "{{", "1. ",
    ] {
        let body = unit.repeat(LONG / unit.len());
        hostile.push(format!("{body}\n\nand deep"));
        hostile.push(format!("x{body}\n\nand deep"));
    }
    for body in &hostile {
        for from in FORMATS {
            for to in FORMATS {
                let written = converted(body, from, to);
                assert!(written.contains("deep"), "{from} to {to}: {}", &body[..10]);
            }
        }
    }
}

#[test]
fn a_body_of_empty_tags_and_spaces_shows_nothing() {
    for blank in ["", " \n", "<p></p>", "<div><br>&nbsp;<p>&#160; </p></div>", "<p>\u{200b}\u{feff}</p>"] {
        assert!(is_blank(blank, Format::Html), "{blank}");
    }
    for shown in ["a", "<p>.</p>", "<p><img src=\"cid:1\"></p>", "&amp;", "<b></b>&lt;"] {
        assert!(!is_blank(shown, Format::Html), "{shown}");
    }
    assert!(is_blank(" \u{a0}\n", Format::Text) && !is_blank("<p></p>", Format::Text));
}
