//! The other lines that are added to a body. Every word that Deskferry adds to a message is here or in
//! [`header`](super::header).

use super::write;
use crate::record::Format;
use crate::record::library::Audience;
use jiff::Timestamp;

/// A file that stays on this machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept<'a> {
    pub name: &'a str,
    /// In bytes.
    pub size: u64,
    /// SHA-256 of the content, in hexadecimal.
    pub sha256: &'a str,
}

/// `Files kept outside this ticket: a.iso (2.3 GB, sha256 …)`.
pub fn kept(files: &[Kept<'_>]) -> Option<String> {
    let names = files.iter().map(|f| format!("{} ({}, sha256 {})", f.name, size(f.size), f.sha256));
    listed("Files kept outside this ticket", names)
}

/// `Files that could not be read: a.pdf`.
pub fn lost(names: &[String]) -> Option<String> {
    listed("Files that could not be read", names.iter().cloned())
}

/// `File of an earlier message by Ann, 2024-01-02 10:00 UTC, that could not be read before: a.pdf`.
pub fn late(name: &str, author: Option<&str>, at: Option<Timestamp>) -> String {
    let author = author.map(|author| format!(" by {}", squeezed(author))).unwrap_or_default();
    let at = at.map(|at| format!(", {}", at.strftime("%Y-%m-%d %H:%M UTC"))).unwrap_or_default();
    format!("File of an earlier message{author}{at}, that could not be read before: {}", squeezed(name))
}

/// `Copy to: Ann <ann@x.com>, bob@x.com`.
pub fn copies<'a>(people: impl IntoIterator<Item = &'a str>) -> Option<String> {
    listed("Copy to", people.into_iter().map(str::to_owned))
}

/// `Requested by: …`, for requesters beyond the one the target holds.
pub fn requesters<'a>(people: impl IntoIterator<Item = &'a str>) -> Option<String> {
    listed("Requested by", people.into_iter().map(str::to_owned))
}

/// `Side conversation “Spare parts” from Ann <ann@x.com> to bob@y.com, Slack channel C1`.
pub fn aside(subject: Option<&str>, from: Option<&str>, to: &[String]) -> String {
    let from = from.map(|from| format!(" from {from}")).unwrap_or_default();
    let to = if to.is_empty() { String::new() } else { format!(" to {}", to.join(", ")) };
    format!("{}{from}{to}", about(subject))
}

/// `Side conversation “Spare parts” was closed`; `renamed`: what it is called since.
pub fn aside_changed(subject: Option<&str>, state: Option<&str>, renamed: Option<&str>) -> String {
    let state = state.map(|state| if state == "open" { "was opened again".to_owned() } else { format!("was {state}") });
    let renamed = renamed.map(|name| format!("was renamed “{}”", squeezed(name)));
    let changes: Vec<String> = state.into_iter().chain(renamed).collect();
    format!("{} {}", about(subject), changes.join(" and "))
}

fn about(subject: Option<&str>) -> String {
    let subject = subject.map(|subject| format!(" “{}”", squeezed(subject))).unwrap_or_default();
    format!("Side conversation{subject}")
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn listed(title: &str, entries: impl Iterator<Item = String>) -> Option<String> {
    let entries: Vec<String> = entries.map(|entry| squeezed(&entry)).filter(|entry| !entry.is_empty()).collect();
    (!entries.is_empty()).then(|| format!("{title}: {}", entries.join(", ")))
}

/// The folder beside `name` whose articles fewer people may read.
pub fn folder_for(name: &str, audience: Audience) -> String {
    let readers = match audience {
        Audience::Everyone => "everyone",
        Audience::SignedIn => "signed in",
        Audience::Segment => "some customers",
        Audience::Agents => "agents only",
    };
    format!("{name} ({readers})")
}

/// A name that others have too.
pub fn numbered(name: &str, number: usize) -> String {
    format!("{name} ({number})")
}

/// The body with a plain line below it.
pub fn append(body: &str, format: Format, line: &str) -> String {
    let (line, gap) = match format {
        Format::Html => (format!("<p>{}</p>", write::html::escape(line)), "\n"),
        Format::Text => (line.to_owned(), "\n\n"),
        Format::Markdown => (write::escape_markdown(line), "\n\n"),
        Format::Textile => (write::escape_textile(line), "\n\n"),
    };
    let body = body.trim_end();
    if body.is_empty() { line } else { format!("{body}{gap}{line}") }
}

/// A size as people say it, in steps of 1,000: `0 B`, `123 KB`, `2.3 GB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let (mut scaled, mut unit) = (bytes as f64, 0);
    while scaled >= 999.5 && unit + 1 < UNITS.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    let decimals = usize::from(unit > 0 && scaled < 9.95);
    format!("{scaled:.decimals$} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_as_people_say_them() {
        let said: Vec<String> = [0, 999, 1000, 123_456, 999_600, 2_300_000_000, u64::MAX].map(size).into();
        assert_eq!(said, ["0 B", "999 B", "1.0 KB", "123 KB", "1.0 MB", "2.3 GB", "18446744 TB"]);
    }

    #[test]
    fn a_line_names_what_the_body_lost() {
        let file = Kept { name: "a [1].iso", size: 123_000, sha256: "abc" };
        let line = kept(&[file]).unwrap();
        assert_eq!(line, "Files kept outside this ticket: a [1].iso (123 KB, sha256 abc)");
        assert_eq!(append("b\n", Format::Text, &line), format!("b\n\n{line}"));
        assert_eq!(append("<p>b</p>", Format::Html, "Copy to: Ann <a@b>"), "<p>b</p>\n<p>Copy to: Ann &lt;a@b&gt;</p>");
        assert_eq!(append("", Format::Textile, "Copy to: @ann"), "Copy to: &#64;ann");
        assert_eq!(copies(["Ann <a@b>", " ", "b@c"]).unwrap(), "Copy to: Ann <a@b>, b@c");
        assert_eq!(copies([]), None);
    }
}
