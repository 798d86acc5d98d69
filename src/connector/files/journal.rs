//! Messages that stand in a cell of their ticket, with their dates and authors: `date;author;text`, one a cell, as Jira writes them,
//! or all of a ticket in one cell, each below a line `date - author (Work notes)`, as ServiceNow does.
//!
//! Who may read a message is said by such a line where it has a word for it, and no message becomes public by being in a column
//! of public ones.

use super::values::{Read, Rules, Wrong, wrong};
use crate::record::Visibility;
use jiff::Timestamp;
use serde_json::{Value, json};

const WORD_HINT: &str = "list the word in `private` or `public` in columns.toml, such as private = [\"Intern\"]; where the line is \
                         part of a message, put `> ` before it in the cell";

/// The messages of a cell, the oldest first.
pub fn read(rules: &Rules, text: &str) -> Read {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    match Head::of(rules, first) {
        Some(head) => several(rules, head, text),
        None => one(rules, text),
    }
}

/// `date;author;text`.
fn one(rules: &Rules, text: &str) -> Read {
    let mut parts = text.splitn(3, ';');
    let (date, author, body) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    match (rules.instant(date), author, body) {
        (Some(at), Some(author), Some(body)) => {
            let author = Some(author.trim()).filter(|author| !author.is_empty());
            Ok(json!([{ "created_at": at, "author": author, "body": body }]))
        }
        (None, _, Some(_)) => wrong(date.trim(), "cannot be read as a date", &rules.date_hint("messages", date.trim())),
        _ => Err(Wrong {
            what: "is no message with its date and author".into(),
            hint: "a cell of `messages` or `notes` is written `date;author;text`, or has a line `date - author (Work notes)` above \
                   each message; under `[ticket.custom]` it is a custom field"
                .into(),
        }),
    }
}

/// The line above a message.
struct Head<'a> {
    at: Timestamp,
    author: &'a str,
    /// What stands in the brackets at its end.
    says: &'a str,
}

impl<'a> Head<'a> {
    fn of(rules: &Rules, line: &'a str) -> Option<Head<'a>> {
        let (date, author, says) = Head::parts(line)?;
        Some(Head { at: rules.instant(date)?, author, says })
    }

    /// Date, author and word of a line that is written as such a head.
    fn parts(line: &str) -> Option<(&str, &str, &str)> {
        let (before, says) = line.trim().strip_suffix(')')?.rsplit_once(" (")?;
        let (date, author) = before.split_once(" - ")?;
        let is_time = date.contains(':') && date.contains(|c: char| c.is_ascii_digit());
        is_time.then(|| (date, author.trim(), says.trim()))
    }

    fn message(&self, visibility: Visibility) -> Value {
        let author = Some(self.author).filter(|author| !author.is_empty());
        json!({ "created_at": self.at, "author": author, "visibility": visibility, "body": "" })
    }
}

fn several(rules: &Rules, first: Head<'_>, text: &str) -> Read {
    // What a line within a message says is a text, unless it says who may read what follows.
    if rules.readable_by(first.says).is_none() {
        return wrong(first.says, "does not say who may read the message", super::values::READERS_HINT);
    }
    let mut all: Vec<Value> = Vec::new();
    let mut body: Vec<&str> = Vec::new();
    let close = |all: &mut Vec<Value>, body: &mut Vec<&str>| {
        if let Some(message) = all.last_mut() {
            message["body"] = body.join("\n").trim_matches(['\n', '\r']).into();
        }
        body.clear();
    };
    for line in text.lines() {
        // A program's log within a note for agents has such lines too; below a blank line, or where everyone may read, it is the
        // head of a message nobody knows.
        let is_apart = body.last().is_some_and(|above| above.trim().is_empty());
        let is_shown = all.last().is_some_and(|message| message["visibility"] == json!(Visibility::Public));
        match next(rules, line, is_apart || is_shown)? {
            Some((visibility, head)) => {
                close(&mut all, &mut body);
                all.push(head.message(visibility));
            }
            None => body.push(line),
        }
    }
    close(&mut all, &mut body);
    let at = |message: &Value| message["created_at"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    if all.first().map(at) > all.last().map(at) {
        all.reverse();
    }
    Ok(Value::Array(all))
}

/// The head of a message that a line is, with who may read it; none for a line of a text. `doubtful`: whether a line that looks like
/// a head must be one.
fn next<'a>(rules: &Rules, line: &'a str, doubtful: bool) -> Read<Option<(Visibility, Head<'a>)>> {
    let Some((date, _, says)) = Head::parts(line) else { return Ok(None) };
    match (Head::of(rules, line), rules.readable_by(says)) {
        (Some(head), Some(visibility)) => Ok(Some((visibility, head))),
        (Some(_), None) if doubtful => wrong(says, "does not say who may read the message", WORD_HINT),
        (None, Some(_)) if doubtful => wrong(date, "cannot be read as a date", &rules.date_hint("messages", date)),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::super::columns::Columns;
    use super::*;

    fn messages(toml: &str, text: &str) -> Result<Value, String> {
        let rules = Rules::new(&Columns::parse(toml).unwrap(), "ticket").unwrap();
        read(&rules, text).map_err(|wrong| wrong.what)
    }

    #[test]
    fn a_message_of_its_own_cell_has_its_date_and_author() {
        let read = messages("", "01/May/24 10:31 AM;bob;Which; 5.1?").unwrap();
        assert_eq!(read, json!([{ "created_at": "2024-05-01T10:31:00Z", "author": "bob", "body": "Which; 5.1?" }]));
        assert_eq!(messages("", "just a text").unwrap_err(), "is no message with its date and author");
        assert_eq!(messages("", "soon;bob;text").unwrap_err(), "\"soon\" cannot be read as a date");
    }

    const JOURNAL: &str = "2024-05-01 09:30:00 - Bob (Work notes)\nlog:\n2024-02-28 10:00:00 - kernel (panic)\n\n\
                           2024-05-01 08:00:12 - Ann Roe (Additional comments)\nAny news?\n\n";

    #[test]
    fn a_cell_of_several_messages_says_of_each_who_may_read_it() {
        let read = messages("", JOURNAL).unwrap();
        let (news, log) = (&read[0], &read[1]);
        assert_eq!(read.as_array().map(Vec::len), Some(2), "a line of a text is no message: {read}");
        assert_eq!(
            (&news["author"], &news["visibility"], &news["body"]),
            (&json!("Ann Roe"), &json!("public"), &json!("Any news?"))
        );
        assert_eq!((&log["visibility"], &log["created_at"]), (&json!("private"), &json!("2024-05-01T09:30:00Z")));
        assert_eq!(log["body"], "log:\n2024-02-28 10:00:00 - kernel (panic)");
    }

    #[test]
    fn a_message_of_a_word_nobody_knows_is_never_part_of_another() {
        let shown = "2024-05-01 09:30:00 - Bob (Additional comments)\nDone.\n\n";
        let vendor = "2024-05-01 08:00:12 - Bob (Vendor notes)\nNot for customers.\n";
        let said = "\"Vendor notes\" does not say who may read the message";
        assert_eq!(messages("", &format!("{shown}{vendor}")).unwrap_err(), said);
        assert_eq!(messages("", &format!("{}\n{vendor}", shown.trim_end())).unwrap_err(), said);
        let note = shown.replace("Additional comments", "Work notes");
        assert_eq!(messages("", &format!("{note}\n{vendor}")).unwrap_err(), said);
        let read = messages("private = ['Vendor notes']", &format!("{shown}{vendor}")).unwrap();
        assert_eq!((&read[0]["visibility"], &read[1]["body"]), (&json!("private"), &json!("Done.")));
        let quoted = format!("{shown}> {vendor}");
        assert_eq!(messages("", &quoted).unwrap().as_array().map(Vec::len), Some(1));
        let dateless = format!("{shown}99/99/2024 08:00 - Bob (Work notes)\nsecret");
        assert_eq!(messages("", &dateless).unwrap_err(), "\"99/99/2024 08:00\" cannot be read as a date");
    }

    #[test]
    fn a_word_nobody_knows_makes_no_message_public() {
        let german = JOURNAL.replace("Work notes", "Arbeitsnotizen");
        assert_eq!(messages("", &german).unwrap_err(), "\"Arbeitsnotizen\" does not say who may read the message");
        let read = messages("private = ['Arbeitsnotizen']", &german).unwrap();
        assert_eq!(read[1]["visibility"], "private");
    }
}
