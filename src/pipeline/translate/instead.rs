//! Tells an answer that came in the place of a file: a page that wants a login, an error in XML or JSON, a line that says no. Servers
//! of files send them with a 200. Looked at only where nothing tells the size of the file.
//!
//! A file that is a text itself is never refused for being one: it must have been served as something that it is not.

use crate::record::Attachment;

/// Endings of files that are pages, or may be.
const PAGES: [&str; 8] = ["htm", "html", "xhtml", "shtml", "mht", "mhtml", "eml", "php"];
/// Endings of other texts.
const TEXTS: [&str; 20] = [
    "txt", "text", "log", "md", "xml", "svg", "js", "css", "json", "csv", "vue", "tpl", "tsv", "ics", "vcf", "yml",
    "yaml", "ini", "sql", "har",
];
/// Endings of files that are never a text.
const BINARIES: [&str; 39] = [
    "png", "jpg", "jpeg", "jpe", "jfif", "gif", "bmp", "webp", "tif", "tiff", "heic", "heif", "avif", "ico", "pdf",
    "zip", "gz", "tgz", "bz2", "xz", "7z", "rar", "docx", "xlsx", "pptx", "odt", "ods", "odp", "msg", "mp3", "mp4",
    "m4a", "mov", "avi", "wav", "ogg", "webm", "mkv", "exe",
];
/// Media types of such files, by their beginnings.
const BINARY_TYPES: [&str; 10] = [
    "image/",
    "audio/",
    "video/",
    "application/pdf",
    "application/zip",
    "application/gzip",
    "application/x-7z",
    "application/vnd.openxmlformats",
    "application/vnd.oasis",
    "application/vnd.ms-outlook",
];
/// How files begin that may be a text to their end all the same.
const SIGNATURES: [&str; 10] = ["%PDF", "%!PS", "GIF8", "BM", "P1", "P2", "P3", "RIFF", "PK", "/* XPM"];

/// What a file is expected to be.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Expected {
    Binary,
    Page,
    Text,
    /// Known, and neither: the `.doc` of one program is the page of another.
    Other,
    Unknown,
}

/// What came in the place of a file, by its first bytes; none where it may be the file.
pub(super) fn what_came_instead(file: &Attachment, served: Option<&str>, head: &[u8]) -> Option<&'static str> {
    let text = text_of(head)?;
    let served = served.unwrap_or_default().to_ascii_lowercase();
    let came = Came::of(text);
    let expected = expected(file);
    let doubtful = match (expected, came) {
        (Expected::Page, _) => false,
        (Expected::Binary, _) if SIGNATURES.iter().any(|signature| text.starts_with(signature)) => false,
        (Expected::Binary, Came::Drawing) => !is_drawing(file) && !is_untold_picture(file),
        (Expected::Binary, Came::Page) => true,
        (Expected::Binary, Came::Xml) => text.contains("<Error>") || is_of_a_body(file),
        (Expected::Binary, Came::Json) => says_an_error(text) || is_of_a_body(file),
        // People do attach texts under other names; what a body shows is a picture.
        (Expected::Binary, Came::Words) => is_of_a_body(file),
        // `report.xls` is often a page that a program calls so.
        (Expected::Other | Expected::Text | Expected::Unknown, Came::Page) => served.contains("html"),
        (_, Came::Xml) => served.contains("xml") && text.contains("<Error>") && !is_of(file, "xml"),
        (_, Came::Json) => served.contains("json") && says_an_error(text) && !is_of(file, "json"),
        (_, Came::Drawing | Came::Words) => false,
    };
    doubtful.then(|| came.says())
}

/// The first bytes as a text, if they are one. The last letter may be cut.
fn text_of(head: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(e) if e.error_len().is_none() => std::str::from_utf8(&head[..e.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    let is_plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}');
    let text = text.trim_start_matches('\u{feff}').trim_start();
    (!text.is_empty() && text.chars().all(is_plain)).then_some(text)
}

fn expected(file: &Attachment) -> Expected {
    let mime = file.mime.as_deref().unwrap_or_default().to_ascii_lowercase();
    let ending = ending(file);
    let ends = |endings: &[&str]| endings.contains(&ending.as_str());
    if mime.contains("html") || ends(&PAGES) {
        return Expected::Page;
    }
    let is_text =
        mime.starts_with("text/") || mime.contains("json") || (mime.contains("xml") && !mime.contains("openxml"));
    if !is_drawing(file) && (is_text || ends(&TEXTS)) {
        return Expected::Text;
    }
    if is_of_a_body(file) || ends(&BINARIES) || BINARY_TYPES.iter().any(|kind| mime.starts_with(kind)) {
        return Expected::Binary;
    }
    match mime.is_empty() && ending.is_empty() {
        true => Expected::Unknown,
        false => Expected::Other,
    }
}

fn ending(file: &Attachment) -> String {
    file.name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default()
}

/// Whether a file is of this form by what is told of it.
fn is_of(file: &Attachment, form: &str) -> bool {
    ending(file).ends_with(form) || file.mime.as_deref().is_some_and(|mime| mime.to_ascii_lowercase().contains(form))
}

/// A picture that is XML.
fn is_drawing(file: &Attachment) -> bool {
    is_of(file, "svg")
}

/// A picture that a body shows and no list names.
fn is_of_a_body(file: &Attachment) -> bool {
    file.inline && file.mime.is_none() && file.content_id.is_none()
}

/// The same, where its name tells nothing of its form.
fn is_untold_picture(file: &Attachment) -> bool {
    is_of_a_body(file) && !BINARIES.contains(&ending(file).as_str())
}

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Came {
    Page,
    Drawing,
    Xml,
    Json,
    Words,
}

impl Came {
    fn of(text: &str) -> Came {
        const ELEMENTS: [&str; 9] = ["html", "head", "body", "title", "meta", "script", "style", "center", "h1"];
        match text.chars().next() {
            Some('<') => match first_element(text).as_str() {
                "svg" => Came::Drawing,
                name if ELEMENTS.contains(&name) => Came::Page,
                _ => Came::Xml,
            },
            Some('{' | '[') => Came::Json,
            _ => Came::Words,
        }
    }

    fn says(self) -> &'static str {
        match self {
            Came::Page => "a page of HTML",
            Came::Drawing => "a drawing",
            Came::Xml => "XML",
            Came::Json => "JSON",
            Came::Words => "a text",
        }
    }
}

/// The name of the first element, or of the document's type before it. A comment that does not end is a page's.
fn first_element(text: &str) -> String {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let end = match rest {
            _ if rest.starts_with("<!--") => "-->",
            _ if rest.starts_with("<?") => "?>",
            _ => break,
        };
        match rest.split_once(end) {
            Some((_, after)) => rest = after,
            None => return "html".to_owned(),
        }
    }
    let lower = rest.to_ascii_lowercase();
    let name =
        lower.strip_prefix("<!doctype").map(str::trim_start).or_else(|| lower.strip_prefix('<')).unwrap_or_default();
    name.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// Whether a beginning of JSON looks like what an API says when it refuses.
fn says_an_error(text: &str) -> bool {
    ["\"error", "\"message\"", "\"code\"", "\"fault\""].iter().any(|key| text.contains(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\n<!DOCTYPE html><html><title>Sign in</title>";
    const S3: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>AccessDenied</Code></Error>";
    const REFUSAL: &str = r#"{"code":"invalid_credentials","message":"You have to be logged in"}"#;
    const DRAWING: &str = "<?xml version=\"1.0\"?><!-- made by hand --><svg xmlns=\"http://www.w3.org/2000/svg\">";

    fn file(name: &str, mime: Option<&str>) -> Attachment {
        let picture = Attachment::picture("1".into(), name.into(), "s".into());
        Attachment { mime: mime.map(str::to_owned), inline: false, ..picture }
    }

    fn picture() -> Attachment {
        Attachment::picture("1".into(), "shot".into(), "s".into())
    }

    fn is(file: &Attachment, served: &str, came: &str) -> bool {
        what_came_instead(file, Some(served).filter(|served| !served.is_empty()), came.as_bytes()).is_some()
    }

    #[test]
    fn a_page_in_the_place_of_a_file_is_noticed_and_a_file_that_is_one_is_not() {
        assert!(is(&file("invoice.pdf", None), "", PAGE));
        assert!(is(&file("photo", Some("image/png")), "text/html", PAGE));
        assert!(is(&picture(), "", PAGE), "a picture of a body");
        assert!(is(&file("notes.txt", Some("text/plain")), "text/html; charset=utf-8", PAGE));
        assert!(is(&file("report.xls", None), "text/html", PAGE));
        assert!(!is(&file("report.xls", None), "application/vnd.ms-excel", PAGE), "a page that a program calls so");
        assert!(!is(&file("notes.txt", Some("text/plain")), "text/plain", PAGE), "a text that looks like a page");
        assert!(!is(&file("saved.HTML", None), "text/html", PAGE));
        assert!(!is(&file("saved", Some("text/html")), "text/html", PAGE));
        assert!(!is(&file("a.pdf", None), "", "%PDF-1.7 <html>"));
    }

    #[test]
    fn a_picture_of_a_body_is_no_text_and_an_attached_one_is_no_refusal() {
        let texts = [
            S3,
            REFUSAL,
            "<!-- x --><html><title>Sign in</title></html>",
            "<head><title>Login</title></head>",
            "<?xml version=\"1.0\"?><!DOCTYPE html PUBLIC \"x\"><html>",
            "Access denied",
            "[]",
            "\u{feff} Zugriff verweigert: \u{fc}ber die Grenze",
        ];
        let shown = |name: &str| Attachment { inline: true, ..file(name, None) };
        for text in texts {
            for served in ["image/png", "text/html", "application/octet-stream", ""] {
                assert!([picture(), shown("a.JPG")].iter().all(|one| is(one, served, text)), "{served}: {text}");
            }
        }
        for name in ["a.JPG", "b.zip", "c.docx"] {
            for refusal in [S3, REFUSAL, PAGE] {
                assert!(is(&file(name, None), "", refusal), "{name}: {refusal}");
            }
            assert!(!is(&file(name, None), "image/jpeg", "a text that somebody called so"), "{name}");
        }
    }

    #[test]
    fn a_picture_that_came_is_taken() {
        for bytes in
            [b"\x89PNG\r\n\x1a\n".as_slice(), b"GIF89a\x01\x00", b"\xff\xd8\xff\xe0", b"GIF89a", b"%PDF-1.4\n1 0 obj"]
        {
            assert_eq!(what_came_instead(&picture(), Some("image/png"), bytes), None);
        }
        assert!(!is(&picture(), "image/svg+xml", DRAWING));
        assert!(!is(&file("plan.svg", Some("image/svg+xml")), "", DRAWING));
        assert!(is(&file("plan.png", Some("image/png")), "", DRAWING));
        let cut = "\u{e9}".as_bytes();
        assert!(
            what_came_instead(&picture(), None, &[b"ol", &cut[..1]].concat()).is_some(),
            "a letter cut at the end of the head"
        );
    }

    #[test]
    fn a_text_is_refused_only_where_it_is_another_sort_of_text_that_says_no() {
        for (name, served, came) in [
            ("data.json", "application/json", REFUSAL),
            ("data.xml", "application/xml", S3),
            ("page.html", "text/html", PAGE),
            ("notes.txt", "text/plain", "Access denied"),
            ("notes.txt", "text/plain", REFUSAL),
            ("rows.csv", "text/csv", "[a],[b]"),
            ("old.doc", "application/msword", "a text"),
            ("noname", "application/json", r#"{"rows":[]}"#),
        ] {
            assert!(!is(&file(name, None), served, came), "{name} as {served}: {came}");
        }
        assert!(is(&file("notes.txt", None), "application/xml", S3));
        assert!(is(&file("rows.csv", Some("text/csv")), "application/json", REFUSAL));
        assert!(is(&file("noname", None), "application/json; charset=utf-8", REFUSAL));
        assert!(is(&file("noname", None), "text/html", "<!-- x --><head><title>Login</title>"));
    }
}
