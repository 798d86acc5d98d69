//! The user's rules: `mapping.toml`, and what they make of a value.
//!
//! Owns the file's shape (these types and their comments are its reference) and the rules as pure functions over
//! labels, custom values, addresses and tags. It never looks anything up and never writes. An empty mapping is
//! a whole one: every rule has a default, and no default changes a value in silence.

mod apply;
mod convert;
mod coverage;
mod custom;
pub mod draft;
mod example;
mod filter;
mod fit;
pub mod label;
mod own_fields;
mod people;
mod propose;
pub mod ready;
mod redact;
pub mod seen;
pub mod tree;
mod value;
pub mod words;

pub use apply::{Applied, KnownLabels, canonical};
pub use convert::{Converted, convert, labels};
pub use coverage::{Coverage, Goes, coverage};
pub use custom::{CustomRule, CustomRules, Given, Place};
pub use example::{Difference, Example};
pub use filter::Filter;
pub use fit::{Fit, fit, makeable};
use own_fields::OwnFields;
pub use people::{Missing, PeopleRule, TagRule};
pub use propose::{Proposal, Sure, propose};
pub use redact::{RedactRules, Redacted, Redaction, redact};
pub use value::{Mapped, Otherwise, ValueField, ValueRule};

use crate::error::{Problem, Reason, Result};
use crate::project::{self, TomlText};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use std::path::Path;

/// `mapping.toml`: only what differs from the defaults.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "mapping.toml")]
pub struct Mapping {
    /// What becomes of the fields of a ticket.
    pub ticket: TicketRules,
    /// Who stands for whom.
    pub people: PeopleRule,
    /// How dates and authors are migrated.
    pub dates: Dates,
    /// What becomes of files the target does not take.
    pub files: Files,
    /// What is taken out of texts before they are migrated.
    pub redact: RedactRules,
    /// Tickets and what must become of them: `deskferry map --test` runs them.
    pub example: Vec<Example>,
}

/// `[ticket.*]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TicketRules {
    pub status: ValueRule,
    pub priority: ValueRule,
    #[serde(rename = "type")]
    pub ticket_type: ValueRule,
    /// Where a group is a queue or a project, that is where the ticket goes.
    pub group: ValueRule,
    pub channel: ValueRule,
    pub tags: TagRule,
    /// Custom fields, by the title or key of the source.
    pub custom: CustomRules,
    pub subject: FieldRule,
    /// Gives the source's id of a person.
    pub requester: FieldRule,
    /// Gives the source's id of a person.
    pub assignee: FieldRule,
    /// Gives the source's id of a company.
    pub company: FieldRule,
    pub brand: FieldRule,
    pub due_at: FieldRule,
}

impl TicketRules {
    pub fn value_rule(&self, field: ValueField) -> &ValueRule {
        match field {
            ValueField::Status(_) => &self.status,
            ValueField::Priority => &self.priority,
            ValueField::Type => &self.ticket_type,
            ValueField::Group => &self.group,
            ValueField::Channel => &self.channel,
        }
    }

    /// The fields a rule computes anew, by their names in the canonical ticket.
    pub fn computed(&self) -> impl Iterator<Item = (&'static str, &Filter)> {
        [
            ("subject", &self.subject),
            ("requester", &self.requester),
            ("assignee", &self.assignee),
            ("company", &self.company),
            ("brand", &self.brand),
            ("due_at", &self.due_at),
        ]
        .into_iter()
        .filter_map(|(name, rule)| rule.jq.as_ref().map(|jq| (name, jq)))
    }
}

/// The rule for a field that is no label.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FieldRule {
    /// A jq filter over the canonical ticket; what it gives is taken instead.
    pub jq: Option<Filter>,
}

/// `[dates]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Dates {
    pub style: DateStyle,
}

/// Where dates and authors are written.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum DateStyle {
    /// In the body only where the target cannot hold them.
    #[default]
    Native,
    /// Always in the body.
    Header,
}

/// `[files]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Files {
    pub over: Oversize,
}

/// What becomes of a file that is too big for the target.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Oversize {
    /// Kept on this machine and named in a note.
    #[default]
    Keep,
    /// Packed; kept like the others when that does not help.
    Zip,
    /// Left out, as a loss.
    Skip,
}

impl Mapping {
    /// Reads the rules at `path`; without one, the defaults. A file that is named has to be there.
    pub fn load(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => {
                let hint =
                    "`deskferry map --write` makes one; without `file` under [mapping] the built-in rules hold alone";
                Problem::new(Reason::Config, format!("there is no mapping `{}`", path.display())).hint(hint)
            }
            _ => project::unreadable(&format!("the mapping `{}`", path.display()), &e),
        })?;
        Self::parse(&path.file_name().unwrap_or(path.as_os_str()).to_string_lossy(), &text)
    }

    /// Reads the text of a mapping; `file` is the name its errors show.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let text = TomlText::new(file, text, Reason::Config);
        let mapping: Self = text.parse()?;
        let rules = &mapping.ticket.custom.0;
        for (name, rule) in rules {
            let place = ["ticket", "custom", name.as_str()];
            if rule.drop && (rule.to.is_some() || rule.create) {
                return Err(text.error_at_key(&place, format!("`{name}` is both dropped and migrated")));
            }
            if rule.value.is_some() && (rule.drop || rule.jq.is_some() || rule.default.is_some()) {
                let message = format!("`{name}` has a `value`, beside which `drop`, `jq` and `default` have no effect");
                return Err(text.error_at_key(&place, message));
            }
            if let Some(other) = rules.keys().find(|other| *other < name && label::same(other, name)) {
                return Err(text.error_at_key(&place, format!("`{name}` has a second rule, as `{other}`")));
            }
        }
        for (n, example) in mapping.example.iter().enumerate() {
            let place = ["example", &n.to_string(), "ticket"];
            example.ticket().map_err(|p| Problem { hint: p.hint, ..text.error_at_value(&place, p.what) })?;
        }
        Ok(mapping)
    }

    /// The JSON schema of `mapping.toml`.
    pub fn schema() -> Schema {
        schema_for!(Mapping)
    }
}

#[cfg(test)]
mod schema_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const WHOLE: &str = r#"
[ticket.status]
values = { "On-hold" = "Pending" }
else   = "Open"
[ticket.group]
values = { "Support" = "Tier 1" }
[ticket.custom."Order number"]
to = "cf_order_number"
[ticket.custom."Region"]
to = "cf_region"
values = { "EMEA" = "Europe" }
else = "drop"
[ticket.custom."Legacy id"]
drop = true
[ticket.subject]
jq = '.subject | ltrimstr("[EXT] ")'
[ticket.tags]
add = ["from-zendesk"]
[people]
agents  = { "ann@old.com" = "ann@new.com" }
missing = "placeholder"
[dates]
style = "header"
[files]
over = "zip"
"#;

    fn complaint(text: &str) -> Problem {
        Mapping::parse("mapping.toml", text).unwrap_err()
    }

    #[test]
    fn a_whole_mapping_reads_as_it_is_written() {
        let mapping = Mapping::parse("mapping.toml", WHOLE).unwrap();
        assert_eq!(mapping.ticket.status.otherwise, Some(Otherwise::Label("Open".into())));
        assert_eq!(mapping.ticket.custom.0["Region"].otherwise, Some(Otherwise::Drop));
        assert_eq!((mapping.dates.style, mapping.files.over), (DateStyle::Header, Oversize::Zip));
        let ticket = json!({"subject": "[EXT] Help"});
        let computed: Vec<_> =
            mapping.ticket.computed().map(|(n, jq)| (n, jq.eval(&ticket, &ticket).unwrap())).collect();
        assert_eq!(computed, [("subject", json!("Help"))]);
    }

    #[test]
    fn no_mapping_is_the_default_one_and_a_named_one_has_to_be_there() {
        let mapping = Mapping::load(None).unwrap();
        assert_eq!((mapping.dates.style, mapping.files.over), (DateStyle::Native, Oversize::Keep));
        assert_eq!(mapping.people.missing, Missing::Placeholder);
        assert!(Mapping::load(Some(Path::new("/nowhere/rules.toml"))).unwrap_err().what.contains("rules.toml"));
    }

    #[test]
    fn a_wrong_key_or_word_is_shown_with_its_line() {
        let problem = complaint("[ticket.status]\nvalue = {}\n");
        assert!(problem.what.starts_with("mapping.toml:2:1: unknown key `value`"), "{}", problem.what);
        assert_eq!(problem.hint.as_deref(), Some("did you mean `values`?"));
        let problem = complaint("[ticket.statsu]\n");
        assert_eq!(problem.hint.as_deref(), Some("did you mean `status`?"));
        let problem = complaint("[dates]\nstyle = \"haeder\"\n");
        assert!(problem.what.starts_with("mapping.toml:2:10: unknown value `haeder`"), "{}", problem.what);
    }

    #[test]
    fn a_filter_that_does_not_compile_is_pointed_at() {
        let problem = complaint("[ticket.subject]\njq = '.subject | ltrimst(\"x\")'\n");
        assert!(problem.what.starts_with("mapping.toml:2:18: jq: undefined filter `ltrimst`"), "{}", problem.what);
        assert!(problem.excerpt.unwrap().ends_with("|                  ^^^^^^^"));
    }

    #[test]
    fn rules_that_contradict_each_other_are_refused() {
        assert!(complaint("[ticket.custom.A]\ndrop = true\nto = 'b'\n").what.contains("both dropped and migrated"));
        assert!(complaint("[ticket.custom.A]\n[ticket.custom.a]\n").what.contains("a second rule"));
        assert!(complaint("[ticket.custom.A]\nvalue = 1\njq = '.'\n").what.contains("have no effect"));
    }

    #[test]
    fn a_custom_rule_may_compute_its_value_from_the_ticket() {
        let mapping = Mapping::parse("m", "[ticket.custom.A]\njq = '. + $root.subject'\n").unwrap();
        let jq = mapping.ticket.custom.0["A"].jq.as_ref().unwrap();
        assert_eq!(jq.eval(&json!("a "), &json!({"subject": "b"})).unwrap(), json!("a b"));
    }

    #[test]
    fn the_schema_carries_the_comments() {
        let schema = serde_json::to_string(&Mapping::schema()).unwrap();
        assert!(schema.contains("Source label → target label"));
        assert!(schema.contains("else"));
        assert!(schema.contains("Luhn") && schema.contains("dotted path"));
    }
}
