//! Custom fields by what they are, not by what they are called: titles are not unique, and people change them.
//!
//! A field that a run made is known by its id from then on. Of fields of one title that are to be made, the first has the title and
//! each further one a numbered one: a title is all by which a field is found again after a lost answer.

use super::{CustomRules, label};
use crate::content::notes::numbered;
use crate::record::Field;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of the source's fields beside the rules, by their keys.
#[derive(Clone, Debug, Default)]
pub struct OwnFields {
    /// Keys of the target's fields that were made for them.
    made: BTreeMap<String, String>,
    /// The titles they are made under, where that is not their own.
    titles: BTreeMap<String, String>,
    /// Ids of the fields of the source that are made under the name a rule gives both.
    shared: BTreeMap<String, String>,
    /// Values that options of one field alone have; none where no value is but its label once more.
    values: BTreeSet<String>,
}

impl OwnFields {
    /// `source`: the fields of tickets by their ids. `made`: the key of the target's field by that of the source's.
    pub(super) fn of(rules: &CustomRules, source: &[(String, Field)], made: BTreeMap<String, String>) -> OwnFields {
        let mut own = OwnFields { made, values: values(source), ..OwnFields::default() };
        let mut in_order: Vec<&(String, Field)> = source.iter().collect();
        // Lists of fields are often in an order that people change.
        in_order.sort_by(|(_, a), (_, b)| (a.key.len(), &a.key).cmp(&(b.key.len(), &b.key)));
        let (mut titled, mut named) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, String>::new());
        for (id, field) in in_order {
            let rule = rules.rule(&field.key, Some(&field.title)).filter(|rule| rule.create && !rule.drop);
            match rule.map(|rule| rule.to.as_deref()) {
                None => {}
                Some(Some(to)) => {
                    let first = named.entry(label::key(to)).or_insert_with(|| id.clone());
                    if first != id {
                        own.shared.insert(field.key.clone(), first.clone());
                    }
                }
                Some(None) => {
                    let nth = titled.entry(label::key(&field.title)).or_default();
                    *nth += 1;
                    if *nth > 1 {
                        own.titles.insert(field.key.clone(), numbered(field.title.trim(), *nth));
                    }
                }
            }
        }
        own
    }

    /// The key of the target's field that was made for a field.
    pub(super) fn made(&self, key: &str) -> Option<&str> {
        self.made.get(key).map(String::as_str)
    }

    /// Whether a field of the target was made for another one of the source.
    pub(super) fn is_anothers(&self, target: &Field, key: &str) -> bool {
        self.made.iter().any(|(of, made)| of != key && *made == target.key)
    }

    /// The title a field is looked for and made under.
    pub(super) fn title<'a>(&'a self, key: &str, title: Option<&'a str>) -> Option<&'a str> {
        self.titles.get(key).map(String::as_str).or(title)
    }

    /// Whether no other field of the source has an option of this value.
    pub(super) fn is_of_one(&self, value: &str) -> bool {
        self.values.contains(value)
    }

    pub(super) fn made_with(&self, key: &str) -> Option<&str> {
        self.shared.get(key).map(String::as_str)
    }
}

fn values(source: &[(String, Field)]) -> BTreeSet<String> {
    let mut fields: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let options = || source.iter().flat_map(|(id, field)| field.options.iter().map(move |option| (id, option)));
    if options().all(|(_, option)| option.value == option.label) {
        return BTreeSet::new();
    }
    options().for_each(|(id, option)| {
        fields.entry(&option.value).or_default().insert(id);
    });
    fields.into_iter().filter(|(_, of)| of.len() == 1).map(|(value, _)| value.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Place;
    use crate::record::{FieldOption, FieldType, Kind};

    fn field(key: &str, title: &str) -> Field {
        let (key, title) = (key.to_owned(), title.to_owned());
        Field { scope: Kind::Ticket, key, title, field_type: FieldType::Text, required: false, options: vec![] }
    }

    fn rules(toml: &str, source: &[Field], made: &[(&str, &str)]) -> CustomRules {
        let mut rules: CustomRules = toml::from_str(toml).unwrap();
        let source: Vec<_> = source.iter().map(|field| (format!("id-{}", field.key), field.clone())).collect();
        let made = made.iter().map(|(key, to)| ((*key).to_owned(), (*to).to_owned())).collect();
        rules.know(&source, made);
        rules
    }

    #[test]
    fn fields_of_one_title_are_made_under_titles_of_their_own_whatever_the_order_of_the_list() {
        let source = [field("12", "contract "), field("9", "Contract"), field("100", "Contract")];
        let rules = rules("[Contract]\ncreate = true", &source, &[]);
        let made = |key: &str, targets: &[Field]| match rules.place(key, Some("Contract"), targets) {
            Place::Create(title) => format!("make {title}"),
            Place::To(field) => format!("to {}", field.key),
            other => format!("{other:?}"),
        };
        assert_eq!(
            ["9", "12", "100"].map(|key| made(key, &[])),
            ["make Contract", "make contract (2)", "make Contract (3)"]
        );
        // After a lost answer each is found by the title it was made under.
        let there = [field("t1", "Contract"), field("t2", "Contract (3)")];
        assert_eq!(["9", "12", "100"].map(|key| made(key, &there)), ["to t1", "make contract (2)", "to t2"]);
    }

    #[test]
    fn what_was_made_is_known_by_its_key_whatever_it_is_called_since() {
        let source = [field("1", "Size"), field("2", "Other")];
        let rules = rules("[Size]\ncreate = true\n[Other]\ncreate = true", &source, &[("1", "t1")]);
        let there = [field("t1", "Other"), field("t9", "Size")];
        assert_eq!(rules.place("1", Some("Size"), &there), Place::To(&there[0]));
        assert_eq!(rules.place("2", Some("Other"), &there), Place::Create("Other"), "it is another field's");
        assert_eq!(rules.place("1", Some("Size"), &there[1..]), Place::To(&there[1]), "it was deleted");
    }

    #[test]
    fn a_value_of_one_field_alone_is_free() {
        let option = |value: &str, mark: &str| FieldOption {
            label: format!("{value}{mark}"),
            value: value.into(),
            parent: None,
        };
        let with = |key: &str, values: &[&str], mark: &str| Field {
            options: values.iter().map(|v| option(v, mark)).collect(),
            ..field(key, key)
        };
        let rules_of = |mark: &str| {
            rules("", &[with("1", &["yes", "maybe", "maybe"], mark), with("2", &["yes", "no"], mark)], &[])
        };
        let there = with("t", &["no"], "");
        let free = |rules: &CustomRules| {
            ["yes", "maybe", "no"].map(|value| rules.is_free(value, std::slice::from_ref(&there)))
        };
        assert_eq!(free(&rules_of("_")), [false, true, false]);
        assert_eq!(free(&rules_of("")), [false; 3], "labels are no values");
    }

    #[test]
    fn two_fields_that_a_rule_gives_one_name_are_made_once() {
        let rules =
            rules("[Size]\nto = 'Area'\ncreate = true", &[field("1", "Size"), field("2", "size")], &[("1", "t1")]);
        assert_eq!((rules.made_with("1"), rules.made_with("2")), (None, Some("id-1")));
        let there = [field("t1", "Area")];
        assert_eq!(rules.place("2", Some("size"), &there), Place::To(&there[0]));
    }
}
