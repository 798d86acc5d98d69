//! Lays proposed lines into the text of a mapping. What a person wrote is never changed, moved or taken out: what belongs into
//! a table that stands on one line of theirs is laid below as a comment.

use super::propose::Proposal;
use crate::error::{Problem, Reason, Result};
use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

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
        let laid = proposal.value.as_ref().is_some_and(|value| lay(&mut document, proposal, value));
        if !laid {
            open.push(proposal);
        }
    }
    let mut out = document.to_string();
    append_open(&mut out, text, &open);
    Ok(out)
}

/// Lays one line into its table, unless the key is there. False where the table is no table of its own lines.
fn lay(document: &mut DocumentMut, proposal: &Proposal, value: &str) -> bool {
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for name in &proposal.table {
        let item = table.entry(name).or_insert_with(|| {
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
    let mut value = Value::from(value);
    value.decor_mut().set_prefix(" ");
    value.decor_mut().set_suffix(format!(" # {}", proposal.note.replace(['\n', '\r'], " ")));
    table.insert(&proposal.key, Item::Value(value));
    true
}

/// Lists below what is open, in a shape that only has to be uncommented. What stands there is not repeated.
fn append_open(out: &mut String, before: &str, open: &[&Proposal]) {
    let mut lines = Vec::new();
    let mut table: Option<&[String]> = None;
    for proposal in open {
        let key = format!("# {} = ", quoted(&proposal.key));
        let line = format!("{key}{}", Value::from(proposal.value.as_deref().unwrap_or_default()));
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
        lines.push(format!("{line} # {}", proposal.note));
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
    if bare { key.to_owned() } else { Value::from(key).to_string().trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Mapping;

    fn line(table: &[&str], key: &str, value: Option<&str>) -> Proposal {
        let table = table.iter().map(|name| (*name).to_owned()).collect();
        Proposal { table, key: key.into(), value: value.map(str::to_owned), note: "likely; 3 tickets".into() }
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
}
