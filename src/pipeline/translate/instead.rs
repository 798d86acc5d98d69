//! Judges what came for a file, by its first bytes, where nothing tells the size of the file: servers of files send a page that wants a
//! login, an error in XML or JSON, or a line that says no, with a 200.
//!
//! Whatever says that it is a login or an error is never the file. A text in the place of a format that begins with a signature is doubtful:
//! it is the file only if it comes again (`blobs`). A file that is a text itself is not refused for being one.

use super::sort::{self, Sort};
use crate::record::Attachment;

/// Letters of a text that may say no as a whole; longer ones say it in their title.
const SHORT: usize = 600;
/// Lines of a text that says no.
const LINES: usize = 3;
/// What titles and short texts say that ask for a login or refuse.
const REFUSALS: &[&str] = &[
    "sign in",
    "sign-in",
    "signin",
    "log in",
    "log-in",
    "login",
    "log on",
    "logon",
    "password",
    "authenticat",
    "captcha",
    "single sign",
    "access denied",
    "denied",
    "forbidden",
    "unauthorized",
    "unauthorised",
    "not authorized",
    "not authorised",
    "permission",
    "not found",
    "not available",
    "no longer available",
    "unavailable",
    "expired",
    "error",
    "blocked",
    "just a moment",
    "bad gateway",
    "bad request",
    "too many requests",
    "maintenance",
    "does not exist",
    "invalid token",
    "invalid signature",
    "anmelden",
    "passwort",
    "verweigert",
    "nicht gefunden",
    "connexion",
    "interdit",
    "iniciar sesi",
];
/// Keys of JSON that says what went wrong.
const COMPLAINTS: &[&str] = &[
    "error",
    "errors",
    "error_description",
    "error_message",
    "errormessage",
    "errorcode",
    "message",
    "detail",
    "details",
    "fault",
    "exception",
    "code",
];
/// How files begin that may be a text to their end all the same.
const SIGNATURES: [&str; 8] = ["%PDF", "%!PS", "GIF87a", "GIF89a", "P1\n", "P2\n", "P3\n", "/* XPM"];
/// What programs write into pages they call by the name of their own format.
const OF_OFFICE: [&str; 5] = ["urn:schemas-microsoft-com", "<table", "mso-", "name=generator", "name=\"generator\""];

/// What came, for what is told of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Judged {
    Fits,
    /// It does not look like the file, and may be it.
    Unlike(&'static str),
    /// It is not the file.
    Refusal(&'static str),
}

/// Judges the first bytes of what came. `served`: what its host calls it.
pub(super) fn judged(file: &Attachment, served: Option<&str>, head: &[u8]) -> Judged {
    let Some(text) = text_of(head) else { return Judged::Fits };
    let served = served.unwrap_or_default().to_ascii_lowercase();
    let (came, sort) = (Came::of(&text), sort::of(file));
    let is_a_page = came == Came::Page;
    let is_served_so = match came {
        Came::Page => served.contains("html"),
        Came::Xml | Came::Drawing => served.contains("xml"),
        Came::Json => served.contains("json"),
        Came::Words => false,
    };
    let refuses = || came.refuses(&text);
    let says = came.says();
    match sort {
        Sort::Page => Judged::Fits,
        Sort::Drawing if came == Came::Drawing => Judged::Fits,
        Sort::Signed | Sort::Drawing if SIGNATURES.iter().any(|signature| text.starts_with(signature)) => Judged::Fits,
        Sort::Signed | Sort::Drawing if refuses() || (is_a_page && is_served_so) => Judged::Refusal(says),
        Sort::Signed | Sort::Drawing => Judged::Unlike(says),
        // `report.xls` is often a page that a program calls so.
        Sort::Office if refuses() => Judged::Refusal(says),
        Sort::Office if is_a_page && is_served_so && !is_of_office(&text) => Judged::Unlike(says),
        Sort::Office => Judged::Fits,
        // A text of another sort than it was listed, by the word of its host as well.
        Sort::Text | Sort::Other | Sort::Unknown if is_a_page && is_served_so => Judged::Refusal(says),
        Sort::Text | Sort::Other | Sort::Unknown
            if is_served_so && refuses() && !sort::is_called(file, came.form()) =>
        {
            Judged::Refusal(says)
        }
        Sort::Text | Sort::Other | Sort::Unknown => Judged::Fits,
    }
}

fn is_of_office(text: &str) -> bool {
    let lower = text.to_lowercase();
    OF_OFFICE.iter().any(|mark| lower.contains(mark))
}

/// The first bytes as a text, in whatever encoding, if they are one. The last letter may be cut.
fn text_of(head: &[u8]) -> Option<String> {
    let text = match head {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes)?,
        // Every second byte of letters is nothing.
        [_, 0, _, 0, ..] => wide(head, u16::from_le_bytes)?,
        [0, _, 0, _, ..] => wide(head, u16::from_be_bytes)?,
        _ => match std::str::from_utf8(head) {
            Ok(text) => text.to_owned(),
            Err(e) if e.error_len().is_none() && e.valid_up_to() > 0 => {
                String::from_utf8_lossy(&head[..e.valid_up_to()]).into_owned()
            }
            Err(_) => head.iter().map(|byte| char::from(*byte)).collect(),
        },
    };
    // Of bytes that are no UTF-8 those of 0x80 to 0x9f are letters or signs in Windows' encodings.
    let is_plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}' | '\u{80}'..='\u{9f}');
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let letters = text.chars().filter(char::is_ascii_graphic).count();
    // Bytes above 0x7f alone are no text of any Latin alphabet.
    let is_text =
        !text.is_empty() && text.chars().all(is_plain) && (text.is_ascii() || letters * 2 > text.chars().count());
    is_text.then(|| text.to_owned())
}

fn wide(bytes: &[u8], of: fn([u8; 2]) -> u16) -> Option<String> {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| of([pair[0], pair[1]])).collect();
    let whole = units.strip_suffix(&[0xd83d]).unwrap_or(&units);
    String::from_utf16(whole).ok()
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
        const ELEMENTS: [&str; 21] = [
            "html", "head", "body", "title", "meta", "script", "style", "center", "h1", "h2", "h3", "div", "p", "span",
            "form", "table", "a", "b", "br", "pre", "noscript",
        ];
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
            Came::Page => "an HTML or XML page",
            Came::Drawing => "a drawing",
            Came::Xml => "XML",
            Came::Json => "JSON",
            Came::Words => "a text",
        }
    }

    /// What a file that is this is called.
    fn form(self) -> &'static str {
        match self {
            Came::Page => "html",
            Came::Drawing => "svg",
            Came::Xml => "xml",
            Came::Json => "json",
            Came::Words => "text",
        }
    }

    /// Whether it says that it is a login or an error.
    fn refuses(self, text: &str) -> bool {
        match self {
            Came::Page => page_refuses(text),
            Came::Drawing => false,
            // As stores of files answer: `<Error><Code>AccessDenied</Code>…`.
            Came::Xml => first_element(text) == "error" && text.contains("<Code>"),
            Came::Json => json_refuses(text),
            // A short table is none.
            Came::Words => text.chars().count() < SHORT && text.lines().count() <= LINES && says_no(text),
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

fn says_no(text: &str) -> bool {
    let lower = text.to_lowercase();
    REFUSALS.iter().any(|refusal| lower.contains(refusal))
}

/// A page asks for a password, or says no in its title, its heading or its few words.
fn page_refuses(page: &str) -> bool {
    let lower = page.to_lowercase();
    let within = |element: &str| {
        let from = lower.find(&format!("<{element}"))?;
        let inside = &lower[from..];
        Some(inside[..inside.find(&format!("</{element}")).unwrap_or(inside.len())].to_owned())
    };
    let shown = without_tags(&lower);
    lower.contains("type=\"password\"")
        || lower.contains("type=password")
        || ["title", "h1"].into_iter().filter_map(within).any(|text| says_no(&without_tags(&text)))
        || (shown.chars().count() < SHORT && !lower.contains("<table") && says_no(&shown))
}

fn without_tags(page: &str) -> String {
    let (mut shown, mut is_within) = (String::new(), false);
    for c in page.chars() {
        match c {
            '<' => is_within = true,
            '>' => {
                is_within = false;
                shown.push(' ');
            }
            _ if !is_within => shown.push(c),
            _ => {}
        }
    }
    shown
}

/// An object that complains near its beginning, and holds little else.
fn json_refuses(text: &str) -> bool {
    let complains = |key: &String| COMPLAINTS.contains(&key.to_lowercase().as_str());
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Object(map)) => map.keys().any(complains),
        Ok(_) => false,
        // One that is cut was no short answer; what it is about stands first.
        Err(_) => {
            let first = text.trim_start_matches(['{', '[']).trim_start().strip_prefix('"');
            first.and_then(|rest| rest.split('"').next()).is_some_and(|key| complains(&key.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Judged::{Fits, Refusal, Unlike};
    use super::*;
    use crate::record::NamedBy;

    const PAGE: &str = "\n<!DOCTYPE html><html><title>Sign in</title>";
    const REPORT: &str =
        "<html xmlns:o=\"urn:schemas-microsoft-com:office:office\"><table><tr><td>7</td></tr></table></html>";
    const S3: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>AccessDenied</Code></Error>";
    const DENIED: &str = r#"{"code":"invalid_credentials","message":"You have to be logged in"}"#;
    const DRAWING: &str = "<?xml version=\"1.0\"?><!-- made by hand --><svg xmlns=\"http://www.w3.org/2000/svg\">";
    const ROWS: &str = "name;amount\nann;7\n";

    fn file(name: &str, mime: Option<&str>) -> Attachment {
        let picture = Attachment::picture("1".into(), name.into(), "s".into(), NamedBy::Message);
        Attachment { mime: mime.map(str::to_owned), inline: false, ..picture }
    }

    fn picture() -> Attachment {
        Attachment::picture("1".into(), "shot".into(), "s".into(), NamedBy::Message)
    }

    #[derive(Debug, PartialEq)]
    enum Is {
        File,
        Doubt,
        No,
    }

    fn is(file: &Attachment, served: &str, came: impl AsRef<[u8]>) -> Is {
        match judged(file, Some(served).filter(|served| !served.is_empty()), came.as_ref()) {
            Fits => Is::File,
            Unlike(_) => Is::Doubt,
            Refusal(_) => Is::No,
        }
    }

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn a_page_or_an_error_in_the_place_of_a_file_that_begins_with_a_signature_is_never_the_file() {
        let refusals = [
            PAGE,
            S3,
            DENIED,
            "<div>Please log in</div>",
            "<p>Forbidden</p>",
            "<!-- x --><html><title>Sign in</title></html>",
            "<head><title>Login</title></head>",
            "<form><input type=\"password\"></form>",
            "<?xml version=\"1.0\"?><!DOCTYPE html PUBLIC \"x\"><html><title>404 Not Found</title>",
            r#"{"detail":"Not authenticated"}"#,
            r#"{"errors":["no"]}"#,
            "Access denied",
            "\u{feff} Zugriff verweigert: \u{fc}ber die Grenze",
            "This link has expired.",
        ];
        let files = ["a.png", "b.JPG", "c.pdf", "d.zip", "e.docx", "f.xlsx"].map(|name| file(name, None));
        let named = [file("photo", Some("image/png")), picture()];
        for (one, text) in files.iter().chain(&named).flat_map(|one| refusals.map(|text| (one, text))) {
            for served in ["image/png", "text/html", "application/octet-stream", ""] {
                assert_eq!(is(one, served, text), Is::No, "{} as {served}: {text}", one.name);
            }
            assert_eq!(is(one, "", utf16(text)), Is::No, "{} in UTF-16: {text}", one.name);
        }
        let latin = b"<html><title>Acc\xe8s interdit</title></html>";
        assert_eq!(is(&files[0], "image/png", latin), Is::No, "a page in Latin-1");
    }

    #[test]
    fn a_text_in_the_place_of_such_a_file_is_doubtful_and_may_be_it() {
        for (name, served, came) in [
            ("a.JPG", "image/jpeg", "a text that somebody called so"),
            ("b.zip", "application/zip", r#"{"rows":[1,2]}"#),
            ("c.xlsx", "application/octet-stream", REPORT),
            ("c.xlsx", "application/vnd.ms-excel", ROWS),
            ("plan.png", "image/png", DRAWING),
            ("e.pdf", "", "<invoice><sum>7</sum></invoice>"),
            ("f.png", "image/png", "<p>kept for later</p>"),
        ] {
            assert_eq!(is(&file(name, None), served, came), Is::Doubt, "{name} as {served}: {came}");
        }
        assert_eq!(is(&file("c.xlsx", None), "text/html", REPORT), Is::No, "its host calls it a page");
        assert_eq!(is(&picture(), "image/png", "[]"), Is::Doubt, "a picture of a body");
    }

    #[test]
    fn what_programs_call_an_office_file_is_one() {
        for (name, served, came) in [
            ("report.xls", "text/html", REPORT),
            ("report.xls", "application/vnd.ms-excel", REPORT),
            ("report.xls", "text/csv", ROWS),
            ("report.xls", "text/csv", "host;error\na;disk full\nb;none\nc;none\n"),
            ("report.xls", "text/html", "<table><tr><td>error</td></tr></table>"),
            ("letter.doc", "application/msword", "<html><body>Dear Ann</body></html>"),
            ("letter.doc", "text/html", "<html><meta name=Generator content=\"Microsoft Word 15\"><body>Dear Ann"),
        ] {
            assert_eq!(is(&file(name, None), served, came), Is::File, "{name} as {served}: {came}");
        }
        assert_eq!(is(&file("letter.doc", None), "text/html", "<html><body>Dear Ann</body></html>"), Is::Doubt);
        assert_eq!(is(&file("report.xls", None), "application/vnd.ms-excel", PAGE), Is::No);
        assert_eq!(is(&file("report.xls", None), "", DENIED), Is::No);
    }

    #[test]
    fn a_file_that_came_is_taken() {
        for bytes in [
            b"\x89PNG\r\n\x1a\n".as_slice(),
            b"GIF89a\x01\x00",
            b"\xff\xd8\xff\xe0",
            b"GIF89a",
            b"%PDF-1.4\n1 0 obj",
            b"%PDF-1.7 <html>",
            b"\xc3\x28\xa0\xa1\xe2\x28\xa1\xf0\x90\xbc",
        ] {
            assert_eq!(is(&picture(), "image/png", bytes), Is::File, "{bytes:?}");
        }
        assert_eq!(is(&picture(), "image/svg+xml", DRAWING), Is::File);
        assert_eq!(is(&file("plan.svg", Some("image/svg+xml")), "", DRAWING), Is::File);
        assert_eq!(is(&file("saved.HTML", None), "text/html", PAGE), Is::File);
        assert_eq!(is(&file("saved", Some("text/html")), "text/html", PAGE), Is::File);
    }

    #[test]
    fn a_text_is_refused_only_where_it_is_another_sort_of_text_that_says_no() {
        for (name, served, came) in [
            ("data.json", "application/json", DENIED),
            ("data.xml", "application/xml", S3),
            ("page.html", "text/html", PAGE),
            ("notes.txt", "text/plain", "Access denied"),
            ("notes.txt", "text/plain", DENIED),
            ("notes.txt", "text/plain", PAGE),
            ("rows.csv", "text/csv", "[a],[b]"),
            ("app.log", "text/xml", "<Error>12:00 disk full</Error>"),
            ("old.doc", "application/msword", "a text"),
            ("noname", "application/json", r#"{"rows":[]}"#),
        ] {
            assert_eq!(is(&file(name, None), served, came), Is::File, "{name} as {served}: {came}");
        }
        for (name, served, came) in [
            ("notes.txt", "application/xml", S3),
            ("rows.csv", "application/json", DENIED),
            ("noname", "application/json; charset=utf-8", DENIED),
            ("notes.txt", "text/html; charset=utf-8", PAGE),
            ("noname", "text/html", "<!-- x --><head><title>Login</title>"),
        ] {
            assert_eq!(is(&file(name, None), served, came), Is::No, "{name} as {served}: {came}");
        }
    }
}
