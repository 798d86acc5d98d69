//! Examples kept beside the rules: a ticket, and what must become of it. `deskferry map --test` runs them.

use super::apply::KnownLabels;
use super::{Mapping, ValueField};
use crate::error::{Problem, Reason, Result};
use crate::project::spelling;
use crate::record::Ticket;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// `[[example]]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// What it shows, in a few words.
    #[serde(default)]
    pub name: Option<String>,
    /// A ticket of the source, as far as it matters: `{ status = "New", tags = ["vip"], custom = { "Region" = "EMEA" } }`.
    /// Groups by name, people by address.
    pub ticket: Map<String, Value>,
    /// What must become of it, by dotted path: `{ status = "Open", "custom.cf_region" = "Europe" }`; or
    /// `{ fails = "unmapped_value" }`.
    pub expect: Map<String, Value>,
    /// Labels the target has, by vocabulary or custom field. Without them a rule is taken at its word and every other label stays.
    #[serde(default)]
    pub known: KnownLabels,
}

/// Where an example went another way.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The path in `expect`.
    pub path: String,
    pub expected: Value,
    pub found: Value,
}

impl Example {
    /// Runs the rules over the ticket; nothing when all is as expected.
    ///
    /// Errors: `config` where the ticket is none.
    pub fn run(&self, mapping: &Mapping) -> Result<Vec<Difference>> {
        let (found, why) = match self.mapped(mapping) {
            Ok(found) => (found, None),
            Err(problem) if problem.reason == Reason::Config => return Err(problem),
            Err(problem) => (json!({ "fails": problem.reason.code() }), Some(problem.what)),
        };
        let mut differences: Vec<Difference> = Vec::new();
        for (path, expected) in &self.expect {
            let there = at(&found, path).cloned().unwrap_or(Value::Null);
            if !is_same(expected, &there) {
                differences.push(Difference { path: path.clone(), expected: expected.clone(), found: there });
            }
        }
        if let Some(why) = why.filter(|_| !self.expect.contains_key("fails")) {
            differences.truncate(0);
            differences.push(Difference { path: "fails".into(), expected: Value::Null, found: json!(why) });
        }
        Ok(differences)
    }

    /// The ticket, as far as the example says it.
    ///
    /// Errors: `config`, without a place.
    pub fn ticket(&self) -> Result<Ticket> {
        let known = serde_json::to_value(Ticket::default()).unwrap_or_default();
        let known: Vec<&str> = known.as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect();
        if let Some(odd) = self.ticket.keys().find(|key| !known.contains(&key.as_str())) {
            let problem = Problem::new(Reason::Config, format!("a ticket has no `{odd}`"));
            return Err(Problem { hint: spelling::hint(odd, known), ..problem });
        }
        let wrong = |e| Problem::new(Reason::Config, format!("the ticket of an example is not valid: {e}"));
        serde_json::from_value(self.canonical()).map_err(wrong)
    }

    fn mapped(&self, mapping: &Mapping) -> Result<Value> {
        let ticket = self.ticket()?;
        let after = mapping.apply(&ticket, &self.known)?.ticket;
        let mut found = serde_json::to_value(&after).unwrap_or_default();
        let known = self.known.get("group").map_or(&[][..], Vec::as_slice);
        found["group"] = json!(mapping.label(ValueField::Group, ticket.group.as_deref(), &found, known)?);
        for role in ["assignee", "requester"] {
            if let Some(address) = found[role].as_str().filter(|a| a.contains('@')) {
                let people = &mapping.people;
                found[role] = match role {
                    "assignee" => json!(people.agent_email(address)),
                    _ => json!(people.contact_email(address)),
                };
            }
        }
        let named: BTreeMap<&str, &Value> =
            after.custom.iter().map(|v| (v.title.as_deref().unwrap_or(&v.key), &v.value)).collect();
        found["custom"] = json!(named);
        Ok(found)
    }

    /// The ticket with what an example may leave out: custom values by name, messages as plain texts.
    fn canonical(&self) -> Value {
        let mut ticket = Value::Object(self.ticket.clone());
        if let Some(custom) = self.ticket.get("custom").and_then(Value::as_object) {
            ticket["custom"] = custom.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
        }
        let comments = ticket.get_mut("comments").and_then(Value::as_array_mut);
        for (n, comment) in comments.into_iter().flatten().enumerate() {
            if let Value::String(body) = comment {
                *comment = json!({ "body": body });
            }
            if let Some(comment) = comment.as_object_mut() {
                comment.entry("id").or_insert_with(|| json!((n + 1).to_string()));
                comment.entry("format").or_insert_with(|| json!("text"));
            }
        }
        ticket
    }
}

/// The value at a dotted path; a key may hold dots itself, and lists are counted from 0.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    if let Some(whole) = value.get(path) {
        return Some(whole);
    }
    path.match_indices('.').find_map(|(dot, _)| {
        let (head, rest) = (&path[..dot], &path[dot + 1..]);
        let below = match value {
            Value::Array(list) => list.get(head.parse::<usize>().ok()?)?,
            other => other.get(head)?,
        };
        at(below, rest)
    })
}

/// An empty text expects that nothing is there, since TOML has no null.
fn is_same(expected: &Value, found: &Value) -> bool {
    let nothing = |value: &Value| value.is_null() || value.as_str() == Some("");
    expected == found || (nothing(expected) && nothing(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Vec<Vec<Difference>> {
        let mapping = Mapping::parse("mapping.toml", text).unwrap();
        mapping.example.iter().map(|example| example.run(&mapping).unwrap()).collect()
    }

    const RULES: &str = r#"
[ticket.status]
values = { "New" = "Open" }
[ticket.group]
values = { "Support" = "Tier 1" }
[ticket.custom."Order no."]
to = "cf_order"
[ticket.custom.City]
value = { jq = '.fields.Address // "" | split(", ")[1]' }
[ticket.custom.Origin]
value = "Zendesk"
[ticket.custom.Region]
values = { EMEA = "Europe" }
else = "Other"
[people]
agents = { "ann@old.com" = "ann@new.com" }
[redact]
body = ["card"]
"#;

    #[test]
    fn an_example_that_holds_says_nothing() {
        let example = r#"
[[example]]
ticket = { status = "New", group = "Support", assignee = "ann@old.com", comments = ["4111111111111111"], custom = { "Order no." = "7", Address = "Road 1, Bonn", Region = "Mars" } }
known = { Region = ["Europe", "Other"] }
expect = { status = "Open", group = "Tier 1", assignee = "ann@new.com", "comments.0.body" = "(card removed)", "custom.cf_order" = "7", "custom.City" = "Bonn", "custom.Origin" = "Zendesk", "custom.Region" = "Other", "custom.Order no." = "" }
"#;
        assert_eq!(run(&format!("{RULES}{example}")), [[]]);
    }

    #[test]
    fn an_example_that_does_not_hold_says_what_was_expected_and_found() {
        let example = "[[example]]\nticket = { status = 'New' }\nexpect = { status = 'Pending' }\n";
        let found = run(&format!("{RULES}{example}"));
        let difference = Difference { path: "status".into(), expected: json!("Pending"), found: json!("Open") };
        assert_eq!(found, [[difference]]);
    }

    #[test]
    fn a_failure_can_be_expected_and_is_told_when_it_was_not() {
        let example = "[[example]]\nticket = { status = 'Odd' }\nknown = { status = ['Open'] }\nexpect = { EXPECT }\n";
        let with = |expect: &str| run(&format!("{RULES}{}", example.replace("EXPECT", expect)));
        assert_eq!(with("fails = 'unmapped_value'"), [[]]);
        assert_eq!(with("status = 'Open'")[0][0].path, "fails");
    }
}
