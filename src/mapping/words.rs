//! Words of `mapping.toml` that name nothing: labels, fields, options and people that the account they are of does not have. Pure.
//!
//! Of the target all is known, and what it does not have fails every ticket that needs it. Of the source only what was staged is known:
//! a rule for a label that no ticket has is no mistake, unless another label is spelled almost like it.

use super::seen::{Observed, SeenLabel, There};
use super::{CustomRule, Mapping, Missing, Otherwise, ValueField, ValueRule, label};
use crate::project::spelling;
use crate::record::{Field, same_address};
use std::collections::BTreeSet;

/// A word that names nothing, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The keys that lead to it.
    pub path: Vec<String>,
    /// Whether it is the last of these, or the value there.
    pub at: At,
    pub what: String,
    pub hint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Key,
    Value,
}

/// All words of the mapping that name nothing, in the order of its sections.
pub fn unknown(mapping: &Mapping, observed: &Observed, there: &There) -> Vec<Unknown> {
    let mut words = Words { observed, there, all: Vec::new() };
    let seen = [
        (ValueField::Status(None), &observed.statuses),
        (ValueField::Priority, &observed.priorities),
        (ValueField::Type, &observed.types),
        (ValueField::Group, &observed.groups),
        (ValueField::Channel, &observed.channels),
    ];
    for (field, seen) in seen {
        words.labels(field.key(), mapping.ticket.value_rule(field), seen);
    }
    for (name, rule) in &mapping.ticket.custom.0 {
        words.custom(name, rule);
    }
    words.people(mapping);
    words.all
}

struct Words<'a> {
    observed: &'a Observed,
    there: &'a There,
    all: Vec<Unknown>,
}

impl Words<'_> {
    /// The labels of a vocabulary, on both sides.
    fn labels(&mut self, key: &'static str, rule: &ValueRule, seen: &[SeenLabel]) {
        let path =
            |more: &[&str]| ["ticket", key].iter().chain(more).map(|part| (*part).to_owned()).collect::<Vec<_>>();
        let of_source: Vec<&str> = seen.iter().map(|seen| seen.label.as_str()).collect();
        for (from, to) in &rule.values {
            self.in_source(path(&["values", from]), &format!("{key} `{from}`"), from, &of_source);
            self.in_vocabulary(path(&["values", from]), key, to);
        }
        if let Some(Otherwise::Label(to)) = &rule.otherwise {
            self.in_vocabulary(path(&["else"]), key, to);
        }
        if let Some(to) = &rule.default {
            self.in_vocabulary(path(&["default"]), key, to);
        }
    }

    fn in_vocabulary(&mut self, path: Vec<String>, key: &str, to: &str) {
        let labels = self.there.labels(key);
        let is_open = self.there.takes_any || self.there.open.iter().any(|open| open == key);
        if labels.is_empty() || is_open || label::find(to, labels).is_some() {
            return;
        }
        let hint = spelling::hint(to, labels.iter().map(String::as_str));
        self.say(path, At::Value, format!("the target has no {key} `{to}`"), hint);
    }

    fn custom(&mut self, name: &str, rule: &CustomRule) {
        let path = |more: &[&str]| {
            ["ticket", "custom", name].iter().chain(more).map(|part| (*part).to_owned()).collect::<Vec<_>>()
        };
        if rule.value.is_none() {
            let fields = &self.observed.fields;
            let titles: Vec<&str> = fields.iter().flat_map(|seen| [seen.title(), seen.field.key.as_str()]).collect();
            self.in_source(path(&[]), &format!("field `{name}`"), name, &titles);
            if let Some(seen) = fields.iter().find(|seen| is_called(&seen.field, name)) {
                let values: Vec<String> =
                    seen.values.keys().cloned().chain(seen.field.options.iter().map(|o| o.label.clone())).collect();
                let values: Vec<&str> = values.iter().map(String::as_str).collect();
                for from in rule.values.keys() {
                    self.in_source(path(&["values", from]), &format!("value `{from}` of `{name}`"), from, &values);
                }
            }
        }
        if rule.drop || rule.create || self.there.takes_any || self.there.on_paper {
            return;
        }
        let fields = &self.there.fields;
        let wanted = rule.to.as_deref().unwrap_or(name);
        let Some(field) = fields.iter().find(|field| is_called(field, wanted)) else {
            if rule.to.is_some() || rule.value.is_some() {
                let hint = spelling::nearest(wanted, fields.iter().map(|field| field.title.as_str()));
                let hint = hint
                    .map_or_else(|| "`create = true` makes it".to_owned(), |near| format!("did you mean `{near}`?"));
                let (path, at) = if rule.to.is_some() { (path(&["to"]), At::Value) } else { (path(&[]), At::Key) };
                self.say(path, at, format!("the target has no field `{wanted}`"), Some(hint));
            }
            return;
        };
        for (from, to) in &rule.values {
            self.in_options(path(&["values", from]), field, to);
        }
        if let Some(Otherwise::Label(to)) = &rule.otherwise {
            self.in_options(path(&["else"]), field, to);
        }
        if let Some(to) = rule.default.as_ref().and_then(serde_json::Value::as_str) {
            self.in_options(path(&["default"]), field, to);
        }
    }

    fn in_options(&mut self, path: Vec<String>, field: &Field, to: &str) {
        let is_there =
            |option: &crate::record::FieldOption| label::same(&option.label, to) || label::same(&option.value, to);
        if field.options.is_empty() || field.options.iter().any(is_there) {
            return;
        }
        let hint = spelling::hint(to, field.options.iter().map(|option| option.label.as_str()));
        self.say(path, At::Value, format!("the field `{}` of the target has no option `{to}`", field.title), hint);
    }

    fn people(&mut self, mapping: &Mapping) {
        let emails: Vec<&str> = self.observed.agents.iter().map(|agent| agent.email.as_str()).collect();
        for (from, to) in &mapping.people.agents {
            let path = ["people", "agents", from].map(str::to_owned).to_vec();
            self.in_source(path.clone(), &format!("agent {from}"), from, &emails);
            self.in_agents(path, to);
        }
        if let Missing::Default(address) = &mapping.people.missing {
            self.in_agents(vec!["people".into(), "missing".into()], address);
        }
    }

    fn in_agents(&mut self, path: Vec<String>, address: &str) {
        let There { agents, takes_any, on_paper, .. } = self.there;
        if *takes_any || *on_paper || agents.iter().any(|(_, email)| same_address(email, address)) {
            return;
        }
        let near = spelling::nearest(address, agents.iter().map(|(_, email)| email.as_str()));
        let hint = near.map_or_else(
            || "make the agent there, or name another".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        self.say(path, At::Value, format!("no agent in the target has the e-mail address {address}"), Some(hint));
    }

    /// A word of the source that is spelled almost like one it has.
    fn in_source(&mut self, path: Vec<String>, what: &str, word: &str, known: &[&str]) {
        if known.iter().any(|own| label::same(own, word)) {
            return;
        }
        if let Some(near) = spelling::nearest(word, known.iter().copied()) {
            self.say(path, At::Key, format!("the source has no {what}"), Some(format!("did you mean `{near}`?")));
        }
    }

    fn say(&mut self, path: Vec<String>, at: At, what: String, hint: Option<String>) {
        self.all.push(Unknown { path, at, what, hint });
    }
}

fn is_called(field: &Field, name: &str) -> bool {
    field.key == name || label::same(&field.title, name)
}

/// Addresses of the target's agents that the mapping names.
pub fn agents(mapping: &Mapping) -> BTreeSet<&str> {
    let missing = match &mapping.people.missing {
        Missing::Default(address) => Some(address.as_str()),
        Missing::Placeholder => None,
    };
    mapping.people.agents.values().map(|to| to.trim()).chain(missing).collect()
}
