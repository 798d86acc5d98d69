//! Which custom field of the target holds a custom field of the source.

use super::OwnFields;
use super::filter::Filter;
use super::label;
use super::value::Otherwise;
use crate::error::{Problem, Reason, Result};
use crate::project::spelling;
use crate::record::Field;
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// The rule for one custom field of the source.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CustomRule {
    /// The field of the target, by key or title; the one of the same title unless said.
    pub to: Option<String>,
    /// Source label → target label.
    pub values: BTreeMap<String, String>,
    /// What becomes of a value the target does not have: a label of the target, `"drop"` or `"fail"`. Dropped, as a
    /// loss, unless said.
    #[serde(rename = "else")]
    pub otherwise: Option<Otherwise>,
    /// Leave the field out.
    pub drop: bool,
    /// Make the field in the target when it has none.
    pub create: bool,
    /// The value of a record that has none.
    pub default: Option<Value>,
    /// A jq filter over the field's value (the canonical ticket is `$root`); what it gives is taken instead.
    pub jq: Option<Filter>,
    /// What every ticket gets, whatever the source holds: a fixed value, or `{ jq = "…" }` over the canonical ticket.
    /// So a field of the target is filled that none of the source stands for.
    pub value: Option<Given>,
}

/// A value that does not come from a field of its own.
#[derive(Clone, Debug)]
pub enum Given {
    Fixed(Value),
    /// Over the canonical ticket.
    Jq(Filter),
}

impl Given {
    /// The value for a ticket, given as canonical JSON.
    ///
    /// Errors: `expression`.
    pub fn of(&self, ticket: &Value) -> Result<Value> {
        match self {
            Given::Fixed(value) => Ok(value.clone()),
            Given::Jq(filter) => filter.eval(ticket, ticket),
        }
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Object(map) => {
                let text = map.get("jq").and_then(Value::as_str).filter(|_| map.len() == 1);
                let text =
                    text.ok_or_else(|| D::Error::custom("a value is a text, a number, a list or { jq = \"…\" }"))?;
                Filter::try_from(text.to_owned()).map(Given::Jq).map_err(D::Error::custom)
            }
            fixed => Ok(Given::Fixed(fixed)),
        }
    }
}

impl JsonSchema for Given {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Given".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let filter = schemars::json_schema!({ "type": "object", "required": ["jq"], "additionalProperties": false,
            "properties": { "jq": { "type": "string", "description": "Over the canonical ticket." } } });
        schemars::json_schema!({ "anyOf": [{ "type": ["string", "number", "boolean", "array"] }, filter] })
    }
}

/// `[ticket.custom."Title or key"]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CustomRules(pub BTreeMap<String, CustomRule>, #[serde(skip)] OwnFields);

/// Where the values of a custom field go.
#[derive(Debug, PartialEq)]
pub enum Place<'a> {
    /// This field of the target.
    To(&'a Field),
    /// A field of this title that has to be made first.
    Create(&'a str),
    /// Nowhere: a rule leaves it out.
    Drop,
    /// Nowhere: the target has no such field and no rule names one ([`Loss::Field`](crate::error::Loss::Field)).
    Nowhere,
    /// The rules do not fit the target's fields (`config`).
    Wrong(Problem),
}

impl CustomRules {
    /// The rule for a field of the source: by its key, else by its title.
    pub fn rule(&self, key: &str, title: Option<&str>) -> Option<&CustomRule> {
        let by = |name: &str| self.0.iter().find(|(of, _)| label::same(of, name)).map(|(_, rule)| rule);
        self.0.get(key).or_else(|| title.and_then(by)).or_else(|| by(key))
    }

    /// Where a rule puts its value that stands for no field of the source: the field `to` names, else the one of the rule's name.
    pub fn place_of_rule<'a>(&'a self, name: &'a str, targets: &'a [Field]) -> Place<'a> {
        self.place(name, Some(name), targets)
    }

    /// Learns of the fields themselves: the source's by their ids, and the keys of those that were made for them, by the source's keys.
    pub fn know(&mut self, source: &[(String, Field)], made: BTreeMap<String, String>) {
        self.1 = OwnFields::of(self, source, made);
    }

    /// The id of the field of the source that is made, and holds the values of this one too.
    pub fn made_with(&self, key: &str) -> Option<&str> {
        self.1.made_with(key)
    }

    /// Whether an option that is made can have this value of the source: no other of its fields has it, and none of these.
    pub fn is_free(&self, value: &str, targets: &[Field]) -> bool {
        let has = |field: &Field| field.options.iter().any(|option| option.value == value);
        self.1.is_of_one(value) && !targets.iter().any(has)
    }

    /// The title a field is made under, where the target has none for it.
    pub fn title<'a>(&'a self, field: &'a Field) -> &'a str {
        let named = self.rule(&field.key, Some(&field.title)).and_then(|rule| rule.to.as_deref());
        named.or_else(|| self.1.title(&field.key, Some(&field.title))).unwrap_or(&field.title)
    }

    /// Fields of the target that hold the values of several of the source, with these: by title and key.
    pub fn shared<'a>(&'a self, source: &'a [Field], targets: &'a [Field]) -> Vec<(&'a Field, Vec<&'a Field>)> {
        let mut held: Vec<(&Field, Vec<&Field>)> = Vec::new();
        for field in source {
            let Place::To(to) = self.place(&field.key, Some(&field.title), targets) else { continue };
            match held.iter_mut().find(|(there, _)| there.key == to.key) {
                Some((_, fields)) => fields.push(field),
                None => held.push((to, vec![field])),
            }
        }
        held.retain(|(_, fields)| fields.len() > 1);
        held
    }

    /// Where the values of a field go. `targets` are the fields of the same kind of record in the target.
    pub fn place<'a>(&'a self, key: &'a str, title: Option<&'a str>, targets: &'a [Field]) -> Place<'a> {
        let rule = self.rule(key, title);
        if rule.is_some_and(|rule| rule.drop) {
            return Place::Drop;
        }
        let shown = title.unwrap_or(key);
        let named = rule.and_then(|rule| rule.to.as_deref());
        let own = &self.1;
        let made = own.made(key).and_then(|made| targets.iter().find(|field| field.key == made));
        let title = own.title(key, title);
        let found = match (named, made) {
            (Some(to), _) => find(to, targets),
            (None, Some(made)) => Found::One(made),
            (None, None) => find_like(key, title, targets.iter().filter(|field| !own.is_anothers(field, key))),
        };
        match (found, made) {
            (Found::One(field), _) => Place::To(field),
            // The name a rule gives is that under which it was made: what was made is called otherwise since, or others are called so.
            (Found::None | Found::Several, Some(made)) => Place::To(made),
            (Found::Several, None) => {
                let what = format!("several fields of the target are called `{}`", named.unwrap_or(shown));
                let hint = format!("name the right one by its key: `to` of [ticket.custom.\"{shown}\"]");
                Place::Wrong(Problem::new(Reason::Config, what).hint(hint))
            }
            (Found::None, None) if rule.is_some_and(|rule| rule.create) => {
                Place::Create(named.or(title).unwrap_or(shown))
            }
            (Found::None, None) => named.map_or(Place::Nowhere, |to| {
                let what = format!("[ticket.custom.\"{shown}\"] names `{to}`, a field the target does not have");
                let problem = Problem::new(Reason::Config, what);
                Place::Wrong(match spelling::nearest(to, targets.iter().flat_map(|f| [f.key.as_str(), &f.title])) {
                    Some(near) => problem.hint(format!("did you mean `{near}`?")),
                    None => problem.hint("make it by hand, or say `create = true`"),
                })
            }),
        }
    }
}

enum Found<'a> {
    None,
    One(&'a Field),
    Several,
}

fn find<'a>(name: &str, targets: &'a [Field]) -> Found<'a> {
    match targets.iter().find(|field| field.key == name) {
        Some(field) => Found::One(field),
        None => match only(targets.iter().filter(|field| label::same(&field.title, name))) {
            Found::None => only(targets.iter().filter(|field| label::same(&field.key, name))),
            found => found,
        },
    }
}

/// Without a rule: the field of the same title, else of the same key.
fn find_like<'a>(key: &str, title: Option<&str>, targets: impl Iterator<Item = &'a Field> + Clone) -> Found<'a> {
    let titled = title.map(|title| only(targets.clone().filter(|field| label::same(&field.title, title))));
    match titled {
        None | Some(Found::None) => only(targets.filter(|field| label::same(&field.key, key))),
        Some(found) => found,
    }
}

fn only<'a>(mut fields: impl Iterator<Item = &'a Field>) -> Found<'a> {
    match (fields.next(), fields.next()) {
        (None, _) => Found::None,
        (Some(field), None) => Found::One(field),
        (Some(_), Some(_)) => Found::Several,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{FieldType, Kind};

    fn field(key: &str, title: &str) -> Field {
        let (key, title) = (key.to_owned(), title.to_owned());
        Field { scope: Kind::Ticket, key, title, field_type: FieldType::Text, required: false, options: vec![] }
    }

    fn rules(toml: &str) -> CustomRules {
        toml::from_str(toml).unwrap()
    }

    #[test]
    fn without_a_rule_the_field_of_the_same_title_or_key_is_taken() {
        let targets = [field("cf_1", "Order  Number"), field("region", "Gebiet")];
        let none = CustomRules::default();
        assert_eq!(none.place("77", Some("order number"), &targets), Place::To(&targets[0]));
        assert_eq!(none.place("region", Some("Region"), &targets), Place::To(&targets[1]));
        assert_eq!(none.place("9", Some("Other"), &targets), Place::Nowhere);
    }

    #[test]
    fn a_rule_names_source_and_target_by_title_or_key() {
        let targets = [field("cf_order", "Order"), field("cf_x", "X")];
        for rule in ["['Order number']\nto = 'cf_order'", "['77']\nto = ' ORDER '"] {
            let rules = rules(rule);
            assert_eq!(rules.place("77", Some("Order Number"), &targets), Place::To(&targets[0]), "{rule}");
        }
    }

    #[test]
    fn a_field_is_dropped_or_made_only_when_a_rule_says_so() {
        let rules = rules("[Legacy]\ndrop = true\n[Size]\ncreate = true\n[Color]\nto = 'Farbe'\ncreate = true");
        assert_eq!(rules.place("1", Some("Legacy"), &[field("l", "Legacy")]), Place::Drop);
        assert_eq!(rules.place("2", Some("Size"), &[]), Place::Create("Size"));
        assert_eq!(rules.place("3", Some("Color"), &[]), Place::Create("Farbe"));
    }

    #[test]
    fn a_rule_that_names_no_field_of_the_target_is_wrong_and_not_forgotten() {
        let rules = rules("[Size]\nto = 'cf_szie'");
        let targets = [field("cf_size", "Größe")];
        let Place::Wrong(problem) = rules.place("2", Some("Size"), &targets) else { panic!("it was placed") };
        assert_eq!(problem.hint.as_deref(), Some("did you mean `cf_size`?"));
    }

    #[test]
    fn two_fields_of_one_title_are_never_guessed_between() {
        let targets = [field("a", "Size"), field("b", "size")];
        assert!(matches!(CustomRules::default().place("2", Some("Size"), &targets), Place::Wrong(_)));
        assert_eq!(rules("[Size]\nto = 'b'").place("2", Some("Size"), &targets), Place::To(&targets[1]));
    }
}
