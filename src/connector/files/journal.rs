//! Messages that stand in a cell of their ticket, with their dates and authors: `date;author;text`, one a cell, as Jira writes them,
//! or all of a ticket in one cell, each below a line `date - author (Work notes)`, as ServiceNow does.
//!
//! Who may read a message is said by such a line where it has a word for it, and no message becomes public by being in a column
//! of public ones.

use super::heads::{self, Head};
use super::values::{Read, Rules, Wrong, wrong};
use crate::record::Visibility;
use serde_json::{Value, json};

const WORD_HINT: &str = "list the word in `private` or `public` in columns.toml, such as private = [\"Intern\"]; where the line is \
                         part of a message, put `> ` before it in the cell";
const HEAD_HINT: &str = "write the line as the others above a message, such as `2024-05-01 10:00:00 - Bob (Work notes)`; where it is \
                         part of a message, put `> ` before it in the cell";
const QUOTE_HINT: &str = "where it is quoted, put `> ` before it in the cell; where it begins a message, leave a blank line above it, \
                          and the messages in the order of their times";

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
            if let Some(word) = body.lines().find_map(|line| heads::hides(rules, line)) {
                return wrong(&word, "may begin another message", HEAD_HINT);
            }
            let author = Some(author.trim()).filter(|author| !author.is_empty());
            Ok(json!([{ "created_at": at, "author": author, "body": body }]))
        }
        (None, _, Some(_)) => wrong(date.trim(), "cannot be read as a date", &rules.date_hint("messages", date.trim())),
        _ => Err(Wrong {
            what: "is not a message with a date and an author".into(),
            hint: "a cell of `messages` or `notes` is written `date;author;text`, or has a line `date - author (Work notes)` above \
                   each message; under `[ticket.custom]` it is a custom field"
                .into(),
        }),
    }
}

fn several(rules: &Rules, first: Head<'_>, text: &str) -> Read {
    // What a line within a message says is a text, unless it says who may read what follows.
    if rules.readable_by(first.says).is_none() {
        return wrong(first.says, "does not say who may read the message", super::values::READERS_HINT);
    }
    let mut all: Vec<Message<'_>> = Vec::new();
    for line in text.lines() {
        match next(rules, line, all.last())? {
            Some((visibility, head)) => all.push(Message { head, visibility, body: vec![] }),
            None => all.last_mut().into_iter().for_each(|message| message.body.push(line)),
        }
    }
    in_order(&all)?;
    if all.first().map(|message| message.head.at) > all.last().map(|message| message.head.at) {
        all.reverse();
    }
    Ok(all.iter().map(Message::value).collect())
}

/// One message of a cell of several.
struct Message<'a> {
    head: Head<'a>,
    visibility: Visibility,
    body: Vec<&'a str>,
}

impl Message<'_> {
    fn value(&self) -> Value {
        let mut value = self.head.message(self.visibility);
        value["body"] = self.body.join("\n").trim_matches(['\n', '\r']).into();
        value
    }

    /// Whether what was read of it ends as before a message of its own.
    fn is_closed(&self) -> bool {
        self.body.last().is_none_or(|above| above.trim().is_empty())
    }

    /// Whether its last words announce a quotation.
    fn announces(&self) -> bool {
        let said = self.body.iter().rev().map(|line| line.trim_end()).find(|line| !line.is_empty());
        said.is_some_and(|line| line.ends_with([':', '\u{ff1a}']))
    }
}

/// The head of a message that a line is, with who may read it; none for a line of a text. `within`: the message so far.
///
/// Whoever may read less reads on until it is certain that a message ends: below a public text a line that may be a head must be
/// one, and within a note the head of a public message is one only where it is no quotation.
fn next<'a>(rules: &Rules, line: &'a str, within: Option<&Message<'_>>) -> Read<Option<(Visibility, Head<'a>)>> {
    let is_shown = within.is_some_and(|message| message.visibility == Visibility::Public);
    // A program's log within a note for agents has such lines too; below a blank line, or where everyone may read, it is the head of
    // a message nobody knows.
    let doubtful = is_shown || within.is_some_and(|message| !message.body.is_empty() && message.is_closed());
    let Some((date, _, says)) = Head::parts(line) else {
        let meant = heads::may_be_one(rules, line).filter(|_| is_shown);
        return meant.map_or(Ok(None), |meant| wrong(&meant, "may begin another message", HEAD_HINT));
    };
    match (Head::of(rules, line), rules.readable_by(says)) {
        (Some(head), Some(Visibility::Public)) => match within {
            Some(note) if !is_shown && (!note.is_closed() || note.announces()) => {
                wrong(date, "may be a quotation within a note", QUOTE_HINT)
            }
            _ => Ok(Some((Visibility::Public, head))),
        },
        (Some(head), Some(visibility)) => Ok(Some((visibility, head))),
        (Some(_), None) if doubtful => wrong(says, "does not say who may read the message", WORD_HINT),
        (None, Some(_)) if doubtful => wrong(date, "cannot be read as a date", &rules.date_hint("messages", date)),
        (None, None) if is_shown && heads::may_be_one(rules, line).is_some() => {
            wrong(date, "may begin another message", HEAD_HINT)
        }
        _ => Ok(None),
    }
}

/// The messages of a ticket stand in the order of their times, each once. Where they do not, one is quoted in another, and nobody
/// can say who may read what is below the quotation.
fn in_order(all: &[Message<'_>]) -> Read<()> {
    let is = |visibility| all.iter().any(|message| message.visibility == visibility);
    if !is(Visibility::Public) || !is(Visibility::Private) {
        return Ok(());
    }
    let quoted =
        |message: &Message<'_>| wrong(&message.head.at.to_string(), "may be a quotation within a note", QUOTE_HINT);
    let steps = || all.windows(2).map(|two| two[1].head.at.cmp(&two[0].head.at));
    if let Some(up) = steps().find(|step| step.is_ne())
        && let Some(at) = steps().position(|step| step == up.reverse())
    {
        return quoted(&all[at + 1]);
    }
    let same = |a: &Message<'_>, b: &Message<'_>| {
        (a.head.at, a.head.author, a.visibility) == (b.head.at, b.head.author, b.visibility)
    };
    let public = |message: &&Message<'_>| message.visibility == Visibility::Public;
    let mut shown = all.iter().enumerate().filter(|(_, message)| public(message));
    let twice = shown.find(|(at, message)| all[at + 1..].iter().any(|other| same(message, other)));
    twice.map_or(Ok(()), |(_, message)| quoted(message))
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
        assert_eq!(messages("", "just a text").unwrap_err(), "is not a message with a date and an author");
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

    const NEWS: &str = "2024-05-01 11:00:00 - Ann Roe (Additional comments)\nAny news?\n\n";

    #[test]
    fn below_a_public_text_a_line_that_may_be_a_head_fails_the_ticket() {
        for line in [
            "2024-05-01 10:00:00 \u{2013} Bob (Work notes)",
            "2024-05-01 10:00:00 - Bob(Work notes)",
            "2024-05-01 10:00:00 - Bob (Work notes):",
            "2024-05-01 10:00:00 - Bob",
        ] {
            let said = messages("", &format!("{NEWS}{line}\nSECRET\n")).unwrap_err();
            assert!(said.ends_with("may begin another message"), "{line}: {said}");
            let in_a_note = NEWS.replace("Additional comments", "Work notes");
            let read = messages("", &format!("{in_a_note}{line}\nSECRET\n")).unwrap();
            assert_eq!(read.as_array().map(Vec::len), Some(1), "a note stays one, all of it: {read}");
        }
        let gone = messages("", &format!("{NEWS}2024-05-01 10:00:00 - (Work notes)\nSECRET\n")).unwrap();
        assert_eq!((&gone[0]["visibility"], &gone[0]["author"]), (&json!("private"), &Value::Null), "a deleted user's");
        let jira = "01/May/24 10:31 AM;bob;Hello\n2024-05-01 10:00:00 - Bob (Work notes)\nSECRET";
        assert_eq!(messages("", jira).unwrap_err(), "\"Work notes\" may begin another message");
    }

    #[test]
    fn a_note_that_quotes_a_public_message_makes_nothing_public() {
        let note = "2024-05-02 10:00:00 - Bob (Work notes)\nShe wrote";
        let quote = "2024-04-01 10:00:00 - Ann Roe (Additional comments)\nAny news?\n\nSECRET\n\n";
        let hello = "2024-05-01 09:00:00 - Bob (Additional comments)\nHello\n";
        for text in [
            format!("{note}:\n{quote}{hello}"),
            format!("{note}:\n\n{quote}"),
            format!("{note}\n{quote}"),
            format!("{note} to us.\n\n{quote}{hello}"),
            format!("{hello}\n{note} to us.\n\n{quote}"),
            format!("{note} to us.\n\n{quote}{quote}"),
        ] {
            let said = messages("", &text).unwrap_err();
            assert!(said.ends_with("may be a quotation within a note"), "{text}: {said}");
        }
        let marked = quote.replace("2024-04-01", "> 2024-04-01");
        let read = messages("", &format!("{note}:\n{marked}{hello}")).unwrap();
        assert_eq!((&read[0]["body"], &read[1]["visibility"]), (&json!("Hello"), &json!("private")));
    }
}
