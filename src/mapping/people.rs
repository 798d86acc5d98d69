//! Which person of the target stands for a person of the source, and which tags a ticket gets.

use super::label;
use crate::record::{address_key, same_address};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// `[people]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PeopleRule {
    /// E-mail address of an agent in the source → in the target.
    pub agents: BTreeMap<String, String>,
    /// E-mail address of a contact in the source → in the target.
    pub contacts: BTreeMap<String, String>,
    /// Who stands for a person the target lacks: `"placeholder"`, or `"default:ops@new.com"`. A placeholder unless said.
    pub missing: Missing,
}

/// Who stands for a person the target lacks.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub enum Missing {
    /// A person made for the purpose, to be reclaimed later.
    #[default]
    Placeholder,
    /// The person with this address.
    Default(String),
}

impl TryFrom<String> for Missing {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "placeholder" => Ok(Self::Placeholder),
            Some(("default", address)) if address.contains('@') => Ok(Self::Default(address.trim().to_owned())),
            _ => Err(format!("`{text}` is not a person\nhint: write \"placeholder\" or \"default:ops@new.com\"")),
        }
    }
}

impl PeopleRule {
    /// The target address of an agent: as mapped, else the same. Case does not matter.
    pub fn agent_email<'a>(&'a self, address: &'a str) -> &'a str {
        mapped(&self.agents, address)
    }

    /// The target address of a contact: as mapped, else the same. Case does not matter.
    pub fn contact_email<'a>(&'a self, address: &'a str) -> &'a str {
        mapped(&self.contacts, address)
    }
}

fn mapped<'a>(rules: &'a BTreeMap<String, String>, address: &'a str) -> &'a str {
    let similar = || rules.iter().find(|(from, _)| same_address(from, address)).map(|(_, to)| to);
    rules.get(&address_key(address)).or_else(similar).map_or(address, |to| to.trim())
}

/// `[ticket.tags]`: first `rename`, then `remove` or `drop`, then `add`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TagRule {
    /// Tags every ticket gets.
    pub add: Vec<String>,
    /// Tags left out.
    pub remove: Vec<String>,
    /// Source tag → target tag.
    pub rename: BTreeMap<String, String>,
    /// Leave out all tags of the source.
    pub drop: bool,
}

impl TagRule {
    /// The tags of the target, each once, in the order of the source with the added ones last.
    pub fn apply(&self, tags: &[String]) -> Vec<String> {
        let renamed = tags.iter().map(|tag| super::value::explicit(&self.rename, tag).unwrap_or(tag));
        let kept = renamed.filter(|tag| !self.drop && label::find(tag, &self.remove).is_none());
        let mut all: Vec<String> = Vec::new();
        for tag in kept.chain(self.add.iter().map(String::as_str)) {
            if label::find(tag, &all).is_none() {
                all.push(tag.to_owned());
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_found_whatever_the_case_and_stays_who_they_are_without_a_rule() {
        let rule: PeopleRule = toml::from_str("agents = { 'Ann@Old.com' = 'ann@new.com' }").unwrap();
        assert_eq!(rule.agent_email(" ann@old.COM"), "ann@new.com");
        assert_eq!(rule.agent_email("Bob@old.com"), "Bob@old.com");
        assert_eq!(rule.contact_email("ann@old.com"), "ann@old.com");
    }

    #[test]
    fn somebody_stands_for_a_missing_person() {
        let missing = |text: &str| toml::from_str::<PeopleRule>(&format!("missing = '{text}'")).map(|r| r.missing);
        assert_eq!(missing("placeholder").unwrap(), Missing::Placeholder);
        assert_eq!(missing("default:ops@new.com").unwrap(), Missing::Default("ops@new.com".into()));
        assert!(missing("nobody").is_err());
        assert!(missing("default:").is_err());
    }

    #[test]
    fn tags_are_renamed_removed_and_added_and_each_is_there_once() {
        let rule = "add = ['moved', 'VIP']\nremove = ['spam']\nrename = { 'gold' = 'vip', 'junk' = 'spam' }";
        let rule: TagRule = toml::from_str(rule).unwrap();
        let tags = ["Gold", "junk", "a", "A"].map(str::to_owned);
        assert_eq!(rule.apply(&tags), ["vip", "a", "moved"]);
        let drop: TagRule = toml::from_str("drop = true\nadd = ['moved']").unwrap();
        assert_eq!(drop.apply(&tags), ["moved"]);
    }
}
