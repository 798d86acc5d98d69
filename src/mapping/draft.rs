//! Lays proposed lines into the text of a mapping. What a person wrote is never changed, moved or taken out: what belongs into
//! a table that stands on one line of theirs is laid below as a comment, and so is a guess.

use super::propose::{Proposal, Sure};
use crate::error::{Problem, Reason, Result};
use crate::printable;
use toml_edit::{DocumentMut, Item, Key, Table, TableLike, Value};

/// The line above what a person has to decide.
const OPEN: &str = "# Not decided yet, or to be added to a line of yours:";

/// The text with the lines it does not have yet. Those a person has to decide or to add are laid below, as comments.
///
/// Errors: `config` where the text is no TOML.
pub fn extend(text: &str, proposals: &[Proposal]) -> Result<String> {
    let wrong = |e: toml_edit::TomlError| {
        Problem::new(Reason::Config, format!("the mapping cannot be extended: {}", e.message()))
    };
    let mut document: DocumentMut = text.parse().map_err(wrong)?;
    let mut open = Vec::new();
    for proposal in proposals {
        let known = proposal.value.as_ref().filter(|_| proposal.sure == Sure::Known);
        let laid = match known {
            Some(value) => lay(&mut document, proposal, value),
            None => is_there(&document, proposal),
        };
        if !laid {
            open.push(proposal);
        }
    }
    let mut out = document.to_string();
    append_open(&mut out, text, &open);
    Ok(out)
}

/// Whether a person, or `map` before, has a line for it.
fn is_there(document: &DocumentMut, proposal: &Proposal) -> bool {
    let mut table: &dyn TableLike = document.as_table();
    for name in &proposal.table {
        match table.get(name).and_then(Item::as_table_like) {
            Some(below) => table = below,
            None => return false,
        }
    }
    table.contains_key(&proposal.key)
}

/// Lays one line into its table, unless the key is there. False where the table is no table of its own lines.
fn lay(document: &mut DocumentMut, proposal: &Proposal, value: &str) -> bool {
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for name in &proposal.table {
        let item = table.entry_format(&key(name)).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        match item {
            Item::Table(below) => table = below,
            _ => return false,
        }
    }
    if table.contains_key(&proposal.key) {
        return true;
    }
    let mut value = string(value);
    value.decor_mut().set_prefix(" ");
    value.decor_mut().set_suffix(format!(" # {}", printable::line(&proposal.note)));
    table.entry_format(&key(&proposal.key)).or_insert(Item::Value(value));
    true
}

/// Lists below what is open, in a shape that only has to be uncommented. What stands there is not repeated.
fn append_open(out: &mut String, before: &str, open: &[&Proposal]) {
    let mut lines = Vec::new();
    let mut table: Option<&[String]> = None;
    for proposal in open {
        let key = format!("# {} = ", quoted(&proposal.key));
        let line = format!("{key}{}", basic(proposal.value.as_deref().unwrap_or_default()));
        let header = format!("# [{}]", proposal.table.iter().map(|name| quoted(name)).collect::<Vec<_>>().join("."));
        let said = before.split_once(&header).is_some_and(|(_, rest)| {
            rest.lines()
                .skip(1)
                .take_while(|l| l.starts_with("# ") && !l.starts_with("# ["))
                .any(|l| l.starts_with(&key))
        });
        if said {
            continue;
        }
        if table != Some(&proposal.table) {
            lines.push(header);
            table = Some(&proposal.table);
        }
        lines.push(format!("{line} # {}", printable::line(&proposal.note)));
    }
    if lines.is_empty() {
        return;
    }
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    if !before.contains(OPEN) {
        out.push_str(&format!("\n{OPEN}\n"));
    }
    out.extend(lines.iter().map(|line| format!("{line}\n")));
}

/// A key as TOML wants it.
fn quoted(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare { key.to_owned() } else { basic(key) }
}

/// A text as TOML writes it on one line, with what nobody sees spelled: no label of an account ends a line, or looks like another.
fn basic(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if !printable::is_hidden(c) => out.push(c),
            c => out.push_str(&format!("\\U{:08X}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

/// [`quoted`], for a table.
fn key(text: &str) -> Key {
    quoted(text).parse().unwrap_or_else(|_| Key::new(text))
}

/// [`basic`], as a value.
fn string(text: &str) -> Value {
    basic(text).parse().unwrap_or_else(|_| Value::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Mapping;
    use proptest::prelude::*;

    fn line(table: &[&str], key: &str, value: Option<&str>) -> Proposal {
        let table = table.iter().map(|name| (*name).to_owned()).collect();
        let (key, value, note) = (key.into(), value.map(str::to_owned), "likely; 3 tickets".into());
        Proposal { table, key, value, sure: Sure::Known, note }
    }

    #[test]
    fn a_new_mapping_has_a_line_and_a_comment_for_each_proposal() {
        let all = [
            line(&["ticket", "status", "values"], "New", Some("Open")),
            line(&["ticket", "custom", "Order no."], "to", Some("cf_order")),
            line(&["ticket", "custom", "Serial"], "to", None),
        ];
        let text = extend("", &all).unwrap();
        assert_eq!(
            text,
            "[ticket.status.values]\nNew = \"Open\" # likely; 3 tickets\n\n[ticket.custom.\"Order no.\"]\nto = \"cf_order\" \
             # likely; 3 tickets\n\n# Not decided yet, or to be added to a line of yours:\n# [ticket.custom.Serial]\n# to = \"\" # likely; 3 tickets\n"
        );
        assert!(Mapping::parse("mapping.toml", &text).is_ok());
    }

    const PERSON: &str = "# mine\n[people]\nagents = {'a@x.com'='b@x.com' }   # keep\n\n[ticket.status]   # states\nvalues = { \"New\" = \"Open\" }\nelse  = 'Open'\n[[example]]\nticket = { status = 'New' }\nexpect = { status = 'Open' }\n";

    #[test]
    fn what_a_person_wrote_stays_where_and_as_it_is() {
        let all = [
            line(&["ticket", "status", "values"], "New", Some("Pending")),
            line(&["ticket", "priority", "values"], "low", Some("Low")),
            line(&["people"], "missing", Some("placeholder")),
        ];
        let text = extend(PERSON, &all).unwrap();
        let mut written = text.lines();
        for line in PERSON.lines() {
            assert!(written.any(|have| have == line), "{line}\n---\n{text}");
        }
        assert!(Mapping::parse("mapping.toml", &text).is_ok(), "{text}");
        assert!(text.contains("low = \"Low\""));
    }

    #[test]
    fn what_belongs_into_a_line_of_a_person_is_said_below_it() {
        let text = extend(PERSON, &[line(&["ticket", "status", "values"], "Odd", Some("Open"))]).unwrap();
        assert!(text.starts_with(PERSON), "{text}");
        assert!(text.ends_with("# [ticket.status.values]\n# Odd = \"Open\" # likely; 3 tickets\n"), "{text}");
    }

    #[test]
    fn extending_twice_changes_nothing_more() {
        let all = [
            line(&["ticket", "status", "values"], "Odd", Some("Open")),
            line(&["ticket", "custom", "A b"], "to", Some("c")),
            line(&["ticket", "custom", "A b", "values"], "x", None),
            line(&["ticket", "custom", "Z"], "to", None),
        ];
        for start in ["", PERSON] {
            let once = extend(start, &all).unwrap();
            assert_eq!(extend(&once, &all).unwrap(), once);
        }
    }

    #[test]
    fn a_guess_is_laid_below_as_a_comment_until_a_person_takes_it() {
        let guess = Proposal { sure: Sure::Guess, ..line(&["ticket", "status", "values"], "Unsolved", Some("Solved")) };
        let text = extend("", std::slice::from_ref(&guess)).unwrap();
        assert!(text.ends_with("# [ticket.status.values]\n# Unsolved = \"Solved\" # likely; 3 tickets\n"), "{text}");
        assert!(Mapping::parse("mapping.toml", &text).unwrap().ticket.status.values.is_empty());
        let taken = "[ticket.status.values]\nUnsolved = \"Open\"\n";
        assert_eq!(extend(taken, &[guess]).unwrap(), taken);
    }

    /// A label, its value and a note of it stand in the file as what they are, and nothing else does.
    fn holds(label: &str, value: &str) {
        let of = |sure, field: &str| {
            let note = format!("nothing is like {label}");
            Proposal { sure, note, ..line(&["ticket", field, "values"], label, Some(value)) }
        };
        let text = extend("", &[of(Sure::Known, "priority"), of(Sure::Guess, "status")]).unwrap();
        let ticket = Mapping::parse("mapping.toml", &text).unwrap().ticket;
        let one = std::collections::BTreeMap::from([(label.to_owned(), value.to_owned())]);
        assert_eq!((&ticket.priority.values, ticket.status.values.len()), (&one, 0), "{text}");
        let below = text.split_once(OPEN).unwrap().1.lines();
        let taken: String = below.map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or_default())).collect();
        assert_eq!(Mapping::parse("mapping.toml", &taken).unwrap().ticket.status.values, one, "{text}");
        assert!(!text.contains(|c| printable::is_hidden(c) && c != '\n'), "{text:?}");
    }

    #[test]
    fn no_label_ends_its_line() {
        for label in [
            "\n[ticket.status.values]\nOpen = 'Closed'\n#",
            "two\nlines",
            "\r\nOpen = 1",
            "\"\"\"",
            "'\u{27}'",
            "a\u{2028}b",
            "\u{1b}[2J",
            "\u{202e}desolC",
            "",
            "# x",
            "\\",
            "\u{e0001}",
        ] {
            holds(label, "Open");
            holds("Open", label);
        }
    }

    proptest! {
        #[test]
        fn any_label_is_read_as_it_was_written(label in any::<String>(), value in any::<String>()) {
            holds(&label, &value);
        }
    }
}
