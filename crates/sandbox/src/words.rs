//! What people are called, write and attach, drawn from a seed: the ordinary, and every trap of a conversion.
//!
//! Bytes of files are generated when they are asked for and never kept.

use super::random::Random;
use sha2::{Digest, Sha256};
use std::fmt::Write;

const NAMES: &[(&str, &str)] = &[
    ("Anna Schäfer", "anna.schaefer"),
    ("Olu Adébáyọ̀", "olu.adebayo"),
    ("Иван Петров", "ivan.petrov"),
    ("محمد العلي", "m.alali"),
    ("שרה כהן", "sara.cohen"),
    ("山田 太郎", "yamada"),
    ("José Núñez", "jose.nunez"),
    // The same letters, decomposed.
    ("Jose\u{301} Nu\u{301}n\u{303}ez", "jose.nunez.2"),
    ("Siobhán O'Brien", "siobhan.obrien"),
    ("Smith, John (Accounts)", "john.smith"),
    ("Nguyễn Thị Hà", "nguyen.ha"),
    ("Zoë <zoe> & \"Zed\"", "zoe"),
    ("李 小龙 🐉", "li.xiaolong"),
    ("  Spaced   Out ", "spaced"),
    ("DROP TABLE users;--", "bobby"),
    ("=cmd|' /C calc'!A0", "formula"),
    ("Null", "null"),
    ("x", "x"),
];

const SUBJECTS: &[&str] = &[
    "Cannot log in since this morning",
    "Rechnung Nr. 4711 fehlt",
    "Не приходит счёт № 42",
    "لا أستطيع تسجيل الدخول",
    "プリンターが印刷できません",
    "RE: Re: AW: Fwd: Your order #12-345 [urgent]",
    "Café naïve – “quoted” 😀👩‍👩‍👧",
    "Cafe\u{301} decomposed",
    "<b>bold</b> & <script>alert(1)</script>",
    "Path C:\\temp\\new 100% {{ticket.id}}",
    "\u{202E}gnp.exe",
    "Tabs\tand  double  spaces ",
    "=SUM(A1:A9)",
    "Please call me back, it is about the delivery of last week and nobody ever answers the telephone, not on Mondays, \
     not on Tuesdays, and certainly not when I have the time to wait for an hour in the queue with your music playing, \
     which I know by heart now and could sing to you, if only somebody answered",
];

/// As HTML and as the text a vendor makes of it.
const PASSAGES: &[(&str, &str)] = &[
    (
        "<p>The printer on floor 3 prints only half pages.<br>It began on Monday.</p>",
        "The printer on floor 3 prints only half pages.\nIt began on Monday.",
    ),
    (
        "<p>Счёт № 42 до сих пор не оплачен, посмотрите пожалуйста.</p>",
        "Счёт № 42 до сих пор не оплачен, посмотрите пожалуйста.",
    ),
    ("<p dir=\"rtl\">لا أستطيع فتح الملف report.pdf منذ أمس</p>", "لا أستطيع فتح الملف report.pdf منذ أمس"),
    ("<p>Café – naïve “quotes” 😀 👩‍👩‍👧 and 日本語のテキスト</p>", "Café – naïve “quotes” 😀 👩‍👩‍👧 and 日本語のテキスト"),
    ("<p>Cafe\u{301} decomposed</p>", "Cafe\u{301} decomposed"),
    ("<p>Login &lt;b&gt;fails&lt;/b&gt; &amp; 2 &lt; 3</p>", "Login <b>fails</b> & 2 < 3"),
    (
        "<ul><li>first</li><li>second<ul><li>inner</li></ul></li></ul><ol><li>one</li><li>two</li></ol>",
        "* first\n* second\n  * inner\n\n1. one\n2. two",
    ),
    (
        "<table><thead><tr><th>Part</th><th>Price</th></tr></thead><tbody><tr><td>A|1</td><td>9,50 €</td></tr></tbody></table>",
        "Part Price\nA|1 9,50 €",
    ),
    (
        "<pre><code>fn main() {\n    println!(\"{}\", 1 &lt; 2 &amp;&amp; true);\n}\n</code></pre>",
        "fn main() {\n    println!(\"{}\", 1 < 2 && true);\n}",
    ),
    (
        "<blockquote><p>On Monday, Ann wrote:</p><blockquote><p>It never worked.</p></blockquote></blockquote>",
        "> On Monday, Ann wrote:\n>> It never worked.",
    ),
    (
        "<p>See <a href=\"https://example.com/a_b_c?x=1&amp;y=2\">the page</a> and <strong>do <em>not</em></strong> wait.</p>",
        "See the page (https://example.com/a_b_c?x=1&y=2) and do not wait.",
    ),
    (
        "<h2>h1. not Textile, *not Markdown*</h2><p># not a list, see #1</p>",
        "h1. not Textile, *not Markdown*\n# not a list, see #1",
    ),
    (
        "<p>Path C:\\temp\\new and a `tick` and a ~tilde~ {{placeholder}}</p>",
        "Path C:\\temp\\new and a `tick` and a ~tilde~ {{placeholder}}",
    ),
    ("<p>Kind regards,<br>-- <br>Anna</p>", "Kind regards,\n--\nAnna"),
    ("<p>one\r\ntwo\r\nthree</p>", "one\r\ntwo\r\nthree"),
];

const FILES: &[(&str, &str)] = &[
    ("report.pdf", "application/pdf"),
    ("données été.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("donne\u{301}es.csv", "text/csv"),
    ("скан.bin", "application/octet-stream"),
    ("photo 📷.jpg", "image/jpeg"),
    ("日本語の資料.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("log.gz", "application/gzip"),
    ("percent %41 & plus+.dat", "application/octet-stream"),
    ("he said \"yes\".txt", "text/plain"),
    ("../../etc/passwd", "application/octet-stream"),
    ("a\\b:c*d?.txt", "text/plain"),
    ("line\nbreak\u{7}.txt", "text/plain"),
    ("\u{202E}gnp.exe", "application/octet-stream"),
    (".htaccess", "text/plain"),
    ("CON", "application/octet-stream"),
    ("LONG", "application/pdf"),
];

const SIZES: &[u64] = &[0, 1, 17, 1024, 1024, 40_000, 40_000, 300_000];

/// A person's name and the left side of an address for them.
pub fn person(random: &mut Random) -> (&'static str, &'static str) {
    *random.pick(NAMES)
}

pub fn subject(random: &mut Random) -> &'static str {
    let subject: &&str = random.pick(SUBJECTS);
    subject
}

/// What somebody wrote, in both forms.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    pub html: String,
    pub text: String,
}

/// A few passages, begun by `token`, by which the message is known wherever it turns up.
pub fn body(random: &mut Random, token: &str) -> Body {
    let mut body = Body { html: format!("<p>{token}</p>"), text: token.to_owned() };
    for _ in 0..=random.below(3) {
        let (html, text) = random.pick(PASSAGES);
        body.html.push_str(html);
        body.text.push_str("\n\n");
        body.text.push_str(text);
    }
    body
}

/// A file as it is known without its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    pub name: String,
    pub content_type: &'static str,
    pub size: u64,
    seed: u64,
    image: bool,
}

/// A file with one of the awkward names, up to 300 KB.
pub fn file(random: &mut Random) -> File {
    let size = *random.pick(SIZES);
    file_of(random, size)
}

/// A file of `size` bytes with one of the awkward names, one of 250 characters among them.
pub fn file_of(random: &mut Random, size: u64) -> File {
    let (name, content_type) = *random.pick(FILES);
    let name = if name == "LONG" { format!("{}.pdf", "ü".repeat(246)) } else { name.to_owned() };
    File { name, content_type, size, seed: random.draw(), image: false }
}

/// A small GIF no other message has.
pub fn image(random: &mut Random, name: &str) -> File {
    let mut file = File { name: name.to_owned(), content_type: "image/gif", size: 0, seed: random.draw(), image: true };
    file.size = file.bytes().len() as u64;
    file
}

impl File {
    /// The same at each call.
    pub fn bytes(&self) -> Vec<u8> {
        let mut random = Random::of(self.seed, &[]);
        if self.image {
            let mut bytes = b"GIF89a\x02\x00\x02\x00\x80\x01\x00".to_vec();
            bytes.extend(noise(&mut random, 3));
            bytes.extend(b"\x00\x00\x00!\xfe\x20");
            bytes.extend(noise(&mut random, 32));
            bytes.extend(b"\x00,\x00\x00\x00\x00\x02\x00\x02\x00\x00\x02\x02\x84Q\x00;");
            return bytes;
        }
        noise(&mut random, self.size)
    }

    /// Lower-case hexadecimal.
    pub fn sha256(&self) -> String {
        Sha256::digest(self.bytes()).iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

fn noise(random: &mut Random, size: u64) -> Vec<u8> {
    let size = size as usize;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        bytes.extend_from_slice(&random.draw().to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_size_they_say_and_the_same_bytes_each_time() {
        for n in 0..60 {
            let mut random = Random::of(n, &[]);
            let file = if n % 3 == 0 { image(&mut random, "a.gif") } else { file(&mut random) };
            assert_eq!(file.bytes().len() as u64, file.size);
            assert_eq!(file.sha256(), file.sha256());
        }
        let one = file_of(&mut Random::of(1, &[]), 9);
        assert_ne!(one.sha256(), file_of(&mut Random::of(2, &[]), 9).sha256());
    }

    #[test]
    fn a_message_is_known_by_its_token_in_both_forms() {
        let body = body(&mut Random::of(1, &[]), "zq1");
        assert!(body.html.contains("zq1") && body.text.starts_with("zq1\n"));
    }
}
