//! What people write: bodies with every trap of a markup conversion, and files of every size and name.

use super::expected::{Body, File};
use super::random::Random;
use crate::http::sha256;

const SENTENCES: &[&str] = &[
    "The printer on floor 3 prints only half pages.",
    "Счёт № 42 до сих пор не оплачен, посмотрите пожалуйста.",
    "Café – naïve “quotes” 😀 and 日本語のテキスト",
    "h1. not a heading",
    "*not bold* and _not italic_ and -not deleted- and @not code@",
    "# not a list, see #1 and #12",
    "!not-an-image.png! {{not_a_macro}} [[not a wiki link]]",
    "Login <b>fails</b> & more <script>alert(1)</script>",
    "| not | a | table |",
    "Path C:\\temp\\new and a `tick` and a ~tilde~",
    "See http://example.com/a_b_c?x=1&y=2 for more",
    "> not a quotation",
    "1. not a numbered list",
    "p=. not centred, bq. not a block quote",
];

const NAMES: &[(&str, &str)] = &[
    ("report.pdf", "application/pdf"),
    ("données été.xlsx", "application/octet-stream"),
    ("скан.bin", "application/octet-stream"),
    ("photo 📷.jpg", "image/jpeg"),
    ("日本語の資料.docx", "application/octet-stream"),
    ("log.gz", "application/gzip"),
    ("percent %41 & plus+.dat", "application/octet-stream"),
];

/// The word by which a message is known wherever it turns up.
pub fn token(number: usize) -> String {
    format!("zq{number:05}z")
}

/// All such words in `text`, in order.
pub fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let length = token(0).len();
    text.match_indices("zq")
        .filter_map(move |(at, _)| text.get(at..at + length))
        .filter(|word| word.ends_with('z') && word[2..word.len() - 1].bytes().all(|b| b.is_ascii_digit()))
}

/// Words of one message: its body and the phrases that must survive, one of them holding `token`.
pub fn body(random: &mut Random, token: &str) -> (Body, Vec<String>) {
    if random.percent(25) { html(random, token) } else { text(random, token) }
}

pub fn text(random: &mut Random, token: &str) -> (Body, Vec<String>) {
    let mut lines = vec![format!("Message {token} begins.")];
    for _ in 0..=random.below(4) {
        lines.push(random.pick(SENTENCES).to_string());
    }
    (Body::Text(lines.join("\n")), lines)
}

pub fn html(random: &mut Random, token: &str) -> (Body, Vec<String>) {
    let said: Vec<&str> = (0..3).map(|_| *random.pick(SENTENCES)).collect();
    let [a, b, c] = [0, 1, 2].map(|n| escaped(said[n]));
    let html = format!(
        "<div><p>Message <b>{token}</b> begins.</p><p>{a}<br>second line</p><ul><li>{b}</li><li>{c}</li></ul>\
         <p>and <a href=\"https://example.com/page\">a link</a> &amp; <code>some code</code></p>\
         <table><tr><td>left cell</td><td>right cell</td></tr></table></div>"
    );
    let mut phrases = vec![format!("Message {token} begins.")];
    for phrase in [said[0], "second line", said[1], said[2], "a link", "some code", "left cell", "right cell"] {
        phrases.push(phrase.to_string());
    }
    (Body::Html(html), phrases)
}

pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A file of random bytes with one of the awkward names.
pub fn file(random: &mut Random) -> File {
    let (name, mime) = *random.pick(NAMES);
    let size = *random.pick(&[1, 17, 1024, 40_000, 300_000]);
    let bytes = random.bytes(size);
    named(name, mime, bytes)
}

pub fn named(name: &str, mime: &str, bytes: Vec<u8>) -> File {
    File {
        name: name.into(),
        mime: mime.into(),
        sha256: sha256(&bytes),
        size: bytes.len() as u64,
        inline: false,
        bytes,
        content_id: String::new(),
    }
}

/// A small GIF no other message has, shown by `content_id` in an HTML body.
pub fn image(random: &mut Random, name: &str, content_id: &str) -> File {
    let mut bytes = b"GIF89a\x02\x00\x02\x00\x80\x01\x00".to_vec();
    bytes.extend(random.bytes(3));
    bytes.extend(b"\x00\x00\x00!\xfe\x20");
    bytes.extend(random.bytes(32));
    bytes.extend(b"\x00,\x00\x00\x00\x00\x02\x00\x02\x00\x00\x02\x02\x84Q\x00;");
    File { inline: true, content_id: content_id.into(), ..named(name, "image/gif", bytes) }
}
