//! The line that tells who wrote a message and when, where the target cannot hold it. Written here only.

use super::write;
use crate::record::Format;
use jiff::Timestamp;

/// The author of whom the source tells no name any more.
pub const SOMEBODY: &str = "somebody no longer known";

/// Who wrote a message in the source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Author<'a> {
    pub name: &'a str,
    pub email: Option<&'a str>,
}

/// `Originally by NAME <EMAIL> on 2020-05-06 07:08:09 UTC`, with what of it is known; `None` when nothing is.
/// Plain words, to be put into a body by [`put`].
pub fn line(author: Option<&Author<'_>>, date: Option<Timestamp>) -> Option<String> {
    let date = date.map(|date| format!(" on {} UTC", date.strftime("%Y-%m-%d %H:%M:%S")));
    let author = author.and_then(|author| {
        let name: String = author.name.split_whitespace().collect::<Vec<_>>().join(" ");
        let email = author.email.map(str::trim).filter(|email| !email.is_empty());
        match (name.as_str(), email) {
            ("", None) => None,
            ("", Some(email)) => Some(format!(" by <{email}>")),
            (name, None) => Some(format!(" by {name}")),
            (name, Some(email)) => Some(format!(" by {name} <{email}>")),
        }
    });
    (author.is_some() || date.is_some())
        .then(|| format!("Originally{}{}", author.unwrap_or_default(), date.unwrap_or_default()))
}

/// The body with the line above it, in italics where the format has them.
pub fn put(body: &str, format: Format, line: &str) -> String {
    let (line, gap) = match format {
        Format::Html => (format!("<p><em>{}</em></p>", write::html::escape(line)), "\n"),
        Format::Text => (line.to_owned(), "\n\n"),
        Format::Markdown => (format!("*{}*", write::escape_markdown(line)), "\n\n"),
        Format::Textile => (write::emphasise_textile(line), "\n\n"),
    };
    if body.is_empty() { line } else { format!("{line}{gap}{body}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        Timestamp::from_second(1_588_748_889).unwrap()
    }

    #[test]
    fn the_line_says_what_is_known() {
        let ann = Author { name: "Ann  Müller", email: Some("ann@x.com") };
        let bob = Author { name: "Bob", email: None };
        let none = Author { name: " ", email: Some("") };
        assert_eq!(
            line(Some(&ann), Some(at())).unwrap(),
            "Originally by Ann Müller <ann@x.com> on 2020-05-06 07:08:09 UTC"
        );
        assert_eq!(line(Some(&bob), Some(at())).unwrap(), "Originally by Bob on 2020-05-06 07:08:09 UTC");
        assert_eq!(line(Some(&ann), None).unwrap(), "Originally by Ann Müller <ann@x.com>");
        assert_eq!(line(None, Some(at())).unwrap(), "Originally on 2020-05-06 07:08:09 UTC");
        assert_eq!(line(Some(&none), None), None);
    }

    #[test]
    fn the_address_stays_visible_in_every_format() {
        let line = "Originally by Ann <ann@x.com> on 2020-05-06 07:08:09 UTC";
        assert_eq!(
            put("b", Format::Html, line),
            "<p><em>Originally by Ann &lt;ann@x.com&gt; on 2020-05-06 07:08:09 UTC</em></p>\nb"
        );
        assert_eq!(put("b", Format::Text, line), format!("{line}\n\nb"));
        assert_eq!(put("b", Format::Markdown, line), format!("*{line}*\n\nb"));
        assert_eq!(put("b", Format::Textile, line), format!("_{line}_\n\nb"));
        assert_eq!(put("", Format::Textile, line), format!("_{line}_"));
    }

    #[test]
    fn a_hostile_name_does_not_break_out_of_the_line() {
        let author = Author { name: "_x_ *y* @ann <script> #1\n# h", email: None };
        let line = line(Some(&author), None).unwrap();
        let textile = put("b", Format::Textile, &line).replace('\u{2060}', "|");
        assert_eq!(textile, "_Originally by |_x_| |*y* &#64;ann <script> |#1 # h_\n\nb");
        assert!(put("b", Format::Html, &line).contains("&lt;script&gt;"));
    }
}
