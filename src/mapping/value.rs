//! Which label of the target a label of the source becomes.

use super::filter::Filter;
use super::label;
use crate::error::{Problem, Reason};
use crate::project::spelling;
use crate::record::Category;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The rules for one field whose values are labels.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ValueRule {
    /// Source label → target label.
    pub values: BTreeMap<String, String>,
    /// What becomes of a label nothing else maps: a label of the target, `"drop"` or `"fail"`. Fails unless said.
    #[serde(rename = "else")]
    pub otherwise: Option<Otherwise>,
    /// The target label of a ticket that has none.
    pub default: Option<String>,
    /// A jq filter over the canonical ticket that gives the source label the rules above start from.
    pub jq: Option<Filter>,
}

/// What becomes of a value no rule maps.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(from = "String")]
#[schemars(with = "String")]
pub enum Otherwise {
    /// This label of the target.
    Label(String),
    /// The value is left out, as a loss.
    Drop,
    /// The record fails.
    Fail,
}

impl From<String> for Otherwise {
    fn from(text: String) -> Self {
        match text.as_str() {
            "drop" => Self::Drop,
            "fail" => Self::Fail,
            _ => Self::Label(text),
        }
    }
}

/// The fields of a ticket whose values are labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueField {
    /// With the category the source gives the label, where it gives one.
    Status(Option<Category>),
    Priority,
    Type,
    Group,
    Channel,
}

impl ValueField {
    /// The key of the field's section under `[ticket]`.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Priority => "priority",
            Self::Type => "type",
            Self::Group => "group",
            Self::Channel => "channel",
        }
    }

    pub(super) fn words(self, label: &str) -> &'static [&'static str] {
        match self {
            Self::Status(category) => label::status_words(label, category),
            Self::Priority => label::priority_words(label),
            Self::Type => label::type_words(label),
            Self::Group | Self::Channel => &[],
        }
    }
}

/// What a label became.
#[derive(Clone, Debug, PartialEq)]
pub enum Mapped {
    /// This label, in the target's own spelling.
    To(String),
    /// Nothing: the rules leave it out.
    Drop,
    /// The record cannot be migrated (`unmapped_value`).
    Fail(Problem),
    /// Neither the rules nor the target's labels say anything: the target lists none.
    Unknown,
}

impl ValueRule {
    /// Maps one label. The first that answers: `values` (exact spelling, then any), the same label in the target,
    /// the target's word for the same category or priority, `else`. Never changes a label for any other reason.
    ///
    /// `known` are the labels the target has; empty when it does not say, and then a rule is taken at its word.
    pub fn apply(&self, field: ValueField, label: &str, known: &[String]) -> Mapped {
        if let Some(to) = self.explicit(label) {
            return self.in_target(field, label, to, known);
        }
        if let Some(same) = label::find(label, known).or_else(|| label::find_word(field.words(label), known)) {
            return Mapped::To(same.to_owned());
        }
        match &self.otherwise {
            Some(Otherwise::Label(to)) => self.in_target(field, label, to, known),
            Some(Otherwise::Drop) => Mapped::Drop,
            Some(Otherwise::Fail) => Mapped::Fail(unmapped(field, label, known)),
            None if known.is_empty() => Mapped::Unknown,
            None => Mapped::Fail(unmapped(field, label, known)),
        }
    }

    /// The label of a ticket that has none: `default`, else [`Mapped::Unknown`], which leaves the target its own.
    pub fn apply_to_none(&self, field: ValueField, known: &[String]) -> Mapped {
        match &self.default {
            Some(to) => self.in_target(field, "", to, known),
            None => Mapped::Unknown,
        }
    }

    /// The source label its jq gives for a ticket, given as canonical JSON; none where it has none, or gives nothing.
    ///
    /// Errors: `expression`.
    pub fn label(&self, ticket: &serde_json::Value) -> crate::error::Result<Option<String>> {
        let computed = self.jq.as_ref().map(|filter| filter.eval(ticket, ticket)).transpose()?;
        Ok(computed.map(|value| crate::expr::plain(&value)).filter(|label| !label.is_empty()))
    }

    fn explicit(&self, label: &str) -> Option<&str> {
        explicit(&self.values, label)
    }

    fn in_target(&self, field: ValueField, label: &str, to: &str, known: &[String]) -> Mapped {
        if known.is_empty() {
            return Mapped::To(to.to_owned());
        }
        match label::find(to, known) {
            Some(to) => Mapped::To(to.to_owned()),
            None => {
                let key = field.key();
                let what = format!("[ticket.{key}] turns `{label}` into `{to}`, which the target does not have");
                let problem = Problem::new(Reason::UnmappedValue, what);
                Mapped::Fail(match spelling::hint(to, known.iter().map(String::as_str)) {
                    Some(hint) => problem.hint(hint),
                    None => problem,
                })
            }
        }
    }
}

/// The rule for a label: its exact spelling, then any spelling of it.
pub(super) fn explicit<'a>(values: &'a BTreeMap<String, String>, label: &str) -> Option<&'a str> {
    let similar = || values.iter().find(|(from, _)| label::same(from, label)).map(|(_, to)| to);
    values.get(label).or_else(similar).map(String::as_str)
}

fn unmapped(field: ValueField, label: &str, known: &[String]) -> Problem {
    let key = field.key();
    let has = known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
    let has = if has.is_empty() { String::new() } else { format!("; the target has {has}") };
    Problem::new(Reason::UnmappedValue, format!("the {key} `{label}` has no value in the target"))
        .hint(format!("add it to `values` of [ticket.{key}] in the mapping, or set `else`{has}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(toml: &str) -> ValueRule {
        toml::from_str(toml).unwrap()
    }

    fn labels(labels: &[&str]) -> Vec<String> {
        labels.iter().map(|l| (*l).to_owned()).collect()
    }

    fn to(label: &str) -> Mapped {
        Mapped::To(label.to_owned())
    }

    const STATUS: ValueField = ValueField::Status(None);

    #[test]
    fn a_rule_wins_over_the_same_label_in_the_target() {
        let rule = rule("values = { 'On-hold' = 'pending' }");
        let known = labels(&["On-hold", "Pending"]);
        assert_eq!(rule.apply(STATUS, "On-hold", &known), to("Pending"));
        assert_eq!(rule.apply(STATUS, " ON-HOLD", &known), to("Pending"));
    }

    #[test]
    fn without_a_rule_the_same_label_then_the_same_meaning_is_taken() {
        let none = ValueRule::default();
        let redmine = labels(&["New", "In Progress", "Resolved", "Feedback", "Closed", "Rejected"]);
        for (from, into) in [("new", "New"), ("open", "In Progress"), ("solved", "Resolved"), ("REJECTED", "Rejected")]
        {
            assert_eq!(none.apply(STATUS, from, &redmine), to(into), "{from}");
        }
        let hold = labels(&["On-hold"]);
        assert_eq!(none.apply(STATUS, "stalled", &hold), to("On-hold"));
        assert_eq!(none.apply(ValueField::Priority, "Medium", &labels(&["Low", "Normal"])), to("Normal"));
    }

    #[test]
    fn the_category_the_source_gives_decides_for_labels_of_its_own() {
        let field = ValueField::Status(Some(Category::Pending));
        assert_eq!(ValueRule::default().apply(field, "Ask Bob", &labels(&["Open", "Pending"])), to("Pending"));
    }

    #[test]
    fn a_status_no_rule_knows_is_never_changed_in_silence() {
        let known = labels(&["Open", "Closed"]);
        for unknown in ["Rejected", "Pending", "solved", ""] {
            let Mapped::Fail(problem) = ValueRule::default().apply(STATUS, unknown, &known) else {
                panic!("{unknown} was changed")
            };
            assert_eq!(problem.reason, Reason::UnmappedValue);
            assert!(problem.hint.unwrap().contains("`Open`, `Closed`"));
        }
    }

    #[test]
    fn else_is_a_label_a_drop_or_a_failure() {
        let known = labels(&["Open"]);
        assert_eq!(rule("else = 'open'").apply(STATUS, "odd", &known), to("Open"));
        assert_eq!(rule("else = 'drop'").apply(STATUS, "odd", &known), Mapped::Drop);
        assert!(matches!(rule("else = 'fail'").apply(STATUS, "odd", &[]), Mapped::Fail(_)));
    }

    #[test]
    fn a_rule_that_names_a_label_the_target_lacks_fails_with_the_one_that_was_meant() {
        let rule = rule("values = { 'hold' = 'Pendng' }\nelse = 'Opn'");
        for label in ["hold", "odd"] {
            let Mapped::Fail(problem) = rule.apply(STATUS, label, &labels(&["Pending", "Open"])) else {
                panic!("{label} was mapped")
            };
            assert!(problem.hint.unwrap().starts_with("did you mean"));
        }
    }

    #[test]
    fn a_target_that_lists_no_labels_takes_a_rule_at_its_word_and_leaves_the_rest_open() {
        let rule = rule("values = { 'Support' = 'Tier 1' }");
        assert_eq!(rule.apply(ValueField::Group, "support", &[]), to("Tier 1"));
        assert_eq!(rule.apply(ValueField::Group, "Sales", &[]), Mapped::Unknown);
    }

    #[test]
    fn groups_are_not_mapped_by_words_of_statuses() {
        let mapped = ValueRule::default().apply(ValueField::Group, "Done", &labels(&["Solved"]));
        assert!(matches!(mapped, Mapped::Fail(_)));
    }

    #[test]
    fn a_ticket_without_a_label_gets_the_default_and_nothing_else() {
        let known = labels(&["Normal"]);
        assert_eq!(rule("default = 'normal'").apply_to_none(ValueField::Priority, &known), to("Normal"));
        assert_eq!(rule("else = 'normal'").apply_to_none(ValueField::Priority, &known), Mapped::Unknown);
    }
}
