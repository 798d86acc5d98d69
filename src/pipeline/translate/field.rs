//! A custom field: matched with one of the target, or made there where a rule says `create = true`.

use super::{Held, Lost, Matched, Translated, Translator};
use crate::connector::mapped::{Mapped, MappedField};
use crate::connector::profile::{Profile, Wanted};
use crate::error::{Loss, Problem, Reason};
use crate::ledger::Remote;
use crate::mapping::{CustomRule, Otherwise, Place, convert, label, labels, makeable};
use crate::record::{Field, FieldOption, FieldType, Kind};
use serde_json::{Value, json};

impl Translator {
    /// A custom field: matched by title, key or the mapping; made, or given the options it lacks, where a rule says
    /// `create = true`. One whose `making` was begun by an earlier run is settled, not matched away.
    pub fn field(&self, own: &str, field: &Field, making: bool) -> Result<Matched, Held> {
        if self.target.marker_field() == Some(field.title.as_str()) {
            return Err(Held::Skip(Problem::new(Reason::Mapping, "marks the records of an earlier move"), None));
        }
        let rules = &self.mapping.ticket.custom;
        let rule = rules.rule(&field.key, Some(&field.title));
        let rule = rule.filter(|rule| rule.create && self.target.writes(Kind::Field) && field.scope == Kind::Ticket);
        match (rules.place(&field.key, Some(&field.title), self.target_metadata.fields()), rule) {
            (Place::To(_), Some(rule)) if making => self.new_field(own, field, rule, rules.title(field)),
            (Place::To(target), rule) => {
                let is_free = |value: &str| rules.is_free(value, self.target_metadata.fields());
                let lacks = rule.map(|rule| options(field, rule, Some(target), &is_free)).unwrap_or_default();
                let can_be_added = self.target.profile().field_types.contains(&target.field_type);
                match has_options(target.field_type) && can_be_added && !lacks.is_empty() {
                    true => Ok(Matched::Write(self.more_options(own, target, lacks))),
                    false => Ok(Matched::There(
                        Remote { id: self.target_metadata.field_id(target), ..Remote::default() },
                        vec![],
                    )),
                }
            }
            (Place::Drop, _) => Err(Held::Skip(Problem::new(Reason::Mapping, "left out by the mapping"), None)),
            (Place::Create(title), Some(rule)) => match rules.made_with(&field.key) {
                Some(first) => {
                    let problem = Problem::new(Reason::Duplicate, format!("another field is made as `{title}`"));
                    Err(Held::Skip(problem, Some((Kind::Field, first.to_owned()))))
                }
                None => self.new_field(own, field, rule, title),
            },
            (Place::Nowhere | Place::Create(_), _) => Err(Held::Skip(
                Problem::new(Reason::Unresolved, format!("the target has no custom field `{}`", field.title))
                    .hint("make it in the target and run again, or name another in `[ticket.custom]`"),
                None,
            )),
            (Place::Wrong(problem), _) => Err(Held::Fail(problem)),
        }
    }

    /// A field that is not there.
    fn new_field(&self, own: &str, field: &Field, rule: &CustomRule, title: &str) -> Result<Matched, Held> {
        let is_free = |value: &str| self.mapping.ticket.custom.is_free(value, self.target_metadata.fields());
        let Some(made) = to_be_made(field, rule, title, self.target.profile(), &is_free) else {
            let what = format!("the target has no type of field that holds `{}`", field.title);
            return Err(Held::Skip(Problem::new(Reason::Unsupported, what), None));
        };
        let Field { title, field_type, options, .. } = made;
        let renamed = (rule.to.is_none() && title != field.title).then(|| Lost::new("", Loss::Renamed, &title));
        let mapped = Mapped::Field(MappedField { id: own.to_owned(), title, field_type, options, target: None });
        Ok(Matched::Write(Translated { mapped, losses: renamed.into_iter().collect() }))
    }

    /// One that is there, with the options it lacks. `own` is the id in the source.
    fn more_options(&self, own: &str, target: &Field, lacks: Vec<Wanted>) -> Translated {
        let mut row = self.target_metadata.field_row(target).cloned().unwrap_or_default();
        row.insert("id".into(), self.target_metadata.field_id(target).into());
        let lacks = self.target.profile().options(&target.title, lacks);
        let mapped = MappedField {
            id: own.to_owned(),
            title: target.title.clone(),
            field_type: target.field_type,
            options: lacks,
            target: Some(row),
        };
        Translated { mapped: Mapped::Field(mapped), losses: vec![] }
    }
}

fn has_options(of: FieldType) -> bool {
    matches!(of, FieldType::Select | FieldType::MultiSelect | FieldType::Tree)
}

/// The field of this title that a rule makes in a target; none where no type it has holds the values. Options keep the source's
/// values that are free.
pub fn to_be_made(
    field: &Field,
    rule: &CustomRule,
    title: &str,
    profile: &Profile,
    is_free: &dyn Fn(&str) -> bool,
) -> Option<Field> {
    let wanted = options(field, rule, None, is_free);
    // A list without options takes nothing.
    let from = if has_options(field.field_type) && wanted.is_empty() { FieldType::Text } else { field.field_type };
    let field_type = makeable(from, &profile.field_types)?;
    let title = title.to_owned();
    let options = if has_options(field_type) { profile.options(&title, wanted) } else { vec![] };
    Some(Field { scope: Kind::Ticket, key: title.clone(), title, field_type, required: false, options })
}

/// What the values of a field become by its rule, each label once; of a field that is there, what it lacks. A label of one value alone
/// keeps that value.
fn options(field: &Field, rule: &CustomRule, target: Option<&Field>, is_free: &dyn Fn(&str) -> bool) -> Vec<Wanted> {
    let mut all: Vec<Wanted> = Vec::new();
    let labels_of = |option: &FieldOption| labels(&json!(option.value), Some(field), Some(rule));
    let of_options = field
        .options
        .iter()
        .flat_map(|option| labels_of(option).into_iter().map(|label| (label, Some(option.value.clone()))));
    let named = match &rule.otherwise {
        Some(Otherwise::Label(label)) => Some(label.clone()),
        _ => None,
    };
    let default = rule.default.as_ref().and_then(Value::as_str).map(str::to_owned);
    for (label, own) in of_options.chain(named.into_iter().chain(default).map(|label| (label, None))) {
        let is_there = target.is_some_and(|target| {
            convert(&json!(label), None, target, None).is_ok_and(|converted| converted.losses.is_empty())
        });
        if is_there {
            continue;
        }
        match all.iter_mut().find(|have| label::same(&have.label, &label)) {
            Some(have) if own.is_some() => have.own = None,
            Some(_) => {}
            None => all.push(Wanted { label, own: own.filter(|own| is_free(own)) }),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(field_type: FieldType, options: &[&str]) -> Field {
        let option = |label: &&str| FieldOption { label: (*label).into(), value: label.to_lowercase(), parent: None };
        let options = options.iter().map(option).collect();
        Field { scope: Kind::Ticket, key: "1".into(), title: "Region".into(), field_type, required: false, options }
    }

    fn rule(toml: &str) -> CustomRule {
        toml::from_str(toml).unwrap()
    }

    fn makes() -> Profile {
        Profile { field_types: vec![FieldType::Text, FieldType::LongText, FieldType::Select], ..Profile::default() }
    }

    #[test]
    fn a_field_is_made_with_the_options_its_values_become() {
        let rule = rule("create = true\nto = 'Area'\nvalues = { EMEA = 'Europe', UK = 'Europe' }\nelse = 'Other'");
        let made =
            to_be_made(&field(FieldType::Select, &["EMEA", "UK", "Asia"]), &rule, "Area", &makes(), &|_| true).unwrap();
        let labels: Vec<_> = made.options.iter().map(|o| o.label.as_str()).collect();
        assert_eq!((made.title.as_str(), made.field_type), ("Area", FieldType::Select));
        assert_eq!(labels, ["Europe", "Asia", "Other"]);
    }

    #[test]
    fn several_choices_become_a_text_where_there_is_no_list_of_several() {
        let made =
            to_be_made(&field(FieldType::MultiSelect, &["A"]), &rule("create = true"), "Region", &makes(), &|_| true)
                .unwrap();
        assert_eq!((made.field_type, made.options.len()), (FieldType::LongText, 0));
        assert!(
            to_be_made(&field(FieldType::File, &[]), &rule("create = true"), "Region", &makes(), &|_| true).is_none()
        );
    }

    #[test]
    fn an_option_that_is_a_tag_has_one_of_its_own() {
        let rule = rule("create = true");
        let profile = Profile { option_tags: true, ..makes() };
        let made = to_be_made(&field(FieldType::Select, &["A (b)", "A B"]), &rule, "Region", &profile, &|_| true);
        let values: Vec<_> = made.unwrap().options.into_iter().map(|o| o.value).collect();
        assert_eq!(values, ["region_a_b", "region_a_b_2"]);
    }

    #[test]
    fn an_option_keeps_the_tag_that_triggers_of_the_source_look_for_where_it_is_free() {
        let option = |label: &str, value: &str| FieldOption { label: label.into(), value: value.into(), parent: None };
        let options = vec![
            option("Billing", "topic_billing"),
            option("sales", "sales"),
            option("Other", "other"),
            option("UK", "uk"),
            option("EMEA", "emea"),
            option("Größe / L", "größe:l"),
            option("Shouted", "SHOUTED"),
        ];
        let source = Field { options, title: "Topics".into(), ..field(FieldType::Select, &[]) };
        let rule = rule("create = true\nvalues = { UK = 'Europe', EMEA = 'Europe', Billing = 'Invoices' }");
        let profile = Profile { option_tags: true, ..makes() };
        let made = to_be_made(&source, &rule, "Topics", &profile, &|value| value != "other").unwrap();
        let made: Vec<_> = made.options.iter().map(|o| (o.label.as_str(), o.value.as_str())).collect();
        let expected = [
            ("Invoices", "topic_billing"),
            ("sales", "sales"),
            ("Other", "topics_other"),
            ("Europe", "topics_europe"),
            ("Größe / L", "größe:l"),
            ("Shouted", "topics_shouted"),
        ];
        assert_eq!(made, expected);
        // Elsewhere an option is its label.
        let made = to_be_made(&source, &rule, "Topics", &makes(), &|_| true).unwrap();
        assert!(made.options.iter().all(|option| option.value == option.label));
    }

    #[test]
    fn only_the_options_a_field_lacks_are_added() {
        let there = field(FieldType::Select, &["Asia", "Europe"]);
        let lacks =
            options(&field(FieldType::Select, &["asia", "Africa"]), &rule("create = true"), Some(&there), &|_| true);
        assert_eq!(lacks, [Wanted { label: "Africa".into(), own: Some("africa".into()) }]);
    }
}
