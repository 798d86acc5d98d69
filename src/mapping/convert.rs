//! The value of a custom field in the type of its target field.
//!
//! A value is migrated whole, or it is a [`Loss`]; it never becomes another value in silence.

use super::custom::CustomRule;
use super::label;
use super::tree;
use super::value::{Otherwise, explicit};
use crate::error::{Loss, Problem, Reason, Result};
use crate::record::{Field, FieldType};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde_json::Value;

/// A value as the target field takes it, and what could not be migrated.
///
/// By the target's type: text, long text, URL and select are a string (a select's is its option's `value`); date is
/// `2024-05-01`; date-time is RFC 3339 in UTC; number is an integer; decimal a number; bool a bool; multi-select a
/// list of option values; a reference the option's `value`. Null when there is nothing to write.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    pub value: Value,
    pub losses: Vec<Loss>,
}

impl Converted {
    fn whole(value: impl Into<Value>) -> Self {
        Self { value: value.into(), losses: vec![] }
    }

    fn lost() -> Self {
        Self { value: Value::Null, losses: vec![Loss::Value] }
    }

    fn or_lost(value: Option<impl Into<Value>>) -> Self {
        value.map_or_else(Self::lost, Self::whole)
    }
}

/// Turns a value of the source field into one of the target field by the rule. The rule's `jq` is the caller's to
/// run first; a value without text is the rule's `default`.
///
/// `source` gives the labels of option values; without it a value is its own label.
///
/// Errors: `unmapped_value` when the rule says `else = "fail"`, or names an option the target does not have.
pub fn convert(value: &Value, source: Option<&Field>, target: &Field, rule: Option<&CustomRule>) -> Result<Converted> {
    let given = match rule.and_then(|rule| rule.default.as_ref()) {
        Some(default) if is_empty(value) => default,
        _ => value,
    };
    if is_empty(given) {
        return Ok(Converted::whole(Value::Null));
    }
    // What refers to something of the source, and says nothing without it.
    let refers = |field: &Field| matches!(field.field_type, FieldType::User | FieldType::Lookup | FieldType::File);
    if source.is_some_and(|field| refers(field) && field.options.is_empty() && rule.is_none_or(|r| r.values.is_empty()))
    {
        return Ok(Converted::lost());
    }
    let labels = labels(given, source, rule);
    match target.field_type {
        FieldType::MultiSelect => options(&labels, target, rule),
        FieldType::Select | FieldType::Tree => options(&labels, target, rule).map(first),
        // A reference is migrated where the target lists what can be referred to.
        FieldType::User | FieldType::Lookup if !target.options.is_empty() => options(&labels, target, rule).map(first),
        FieldType::User | FieldType::Lookup | FieldType::File => Ok(Converted::lost()),
        FieldType::Text | FieldType::LongText => Ok(Converted::whole(labels.join(", "))),
        simple => Ok(match labels.as_slice() {
            [one] => scalar(one, simple),
            _ => Converted::lost(),
        }),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.iter().all(is_empty),
        _ => false,
    }
}

/// The labels a value stands for, after the rule's `values`.
pub fn labels(value: &Value, source: Option<&Field>, rule: Option<&CustomRule>) -> Vec<String> {
    let list = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let label = |value: &Value| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let options = source.map_or(&[][..], |field| &field.options);
        let option = options.iter().find(|option| option.value == text);
        let label = option.map_or_else(|| text.clone(), |option| tree::path(option, options));
        let leaf = option.map_or(text.as_str(), |option| &option.label);
        let by = |name: &str| rule.and_then(|rule| explicit(&rule.values, name));
        let to = by(&label).or_else(|| by(leaf)).or_else(|| by(&text));
        to.map_or(label, str::to_owned)
    };
    list.iter().filter(|value| !is_empty(value)).map(label).collect()
}

fn options(labels: &[String], target: &Field, rule: Option<&CustomRule>) -> Result<Converted> {
    let mut values: Vec<Value> = vec![];
    let mut losses = vec![];
    for label in labels {
        match (option(label, target), rule.and_then(|rule| rule.otherwise.as_ref())) {
            (Some(value), _) => values.push(value.into()),
            (None, _) if let Some(value) = tree::nearest(label, &target.options) => {
                values.push(value.into());
                losses.push(Loss::Value);
            }
            (None, Some(Otherwise::Label(to))) => {
                values.push(option(to, target).ok_or_else(|| lacks(to, target))?.into())
            }
            (None, Some(Otherwise::Fail)) => return Err(lacks(label, target)),
            (None, Some(Otherwise::Drop) | None) => losses.push(Loss::Value),
        }
    }
    let value = if values.is_empty() { Value::Null } else { Value::Array(values) };
    Ok(Converted { value, losses })
}

fn first(several: Converted) -> Converted {
    let Value::Array(mut values) = several.value else { return several };
    let mut losses = several.losses;
    losses.extend(values.iter().skip(1).map(|_| Loss::Value));
    Converted { value: values.swap_remove(0), losses }
}

/// The value of the option with this label or value. A field that lists no options takes any.
fn option<'a>(text: &'a str, target: &'a Field) -> Option<&'a str> {
    if target.options.is_empty() {
        return Some(text);
    }
    let spoken: &[&str] = match text {
        "true" => &["true", "yes"],
        "false" => &["false", "no"],
        other => &[other],
    };
    let find = |text: &str| {
        let at_path = target.options.iter().find(|o| tree::same(&tree::path(o, &target.options), text));
        let labelled = || target.options.iter().find(|o| label::same(&o.label, text));
        at_path.or_else(labelled).or_else(|| target.options.iter().find(|o| label::same(&o.value, text)))
    };
    spoken.iter().find_map(|text| find(text)).map(|o| o.value.as_str())
}

fn lacks(label: &str, target: &Field) -> Problem {
    let title = &target.title;
    Problem::new(Reason::UnmappedValue, format!("the field `{title}` of the target has no option `{label}`"))
        .hint("add the value to `values` of the field's rule in the mapping")
}

fn scalar(text: &str, to: FieldType) -> Converted {
    let text = text.trim();
    match to {
        FieldType::Number => Converted::or_lost(integer(text)),
        FieldType::Decimal => Converted::or_lost(
            integer(text)
                .map(Value::from)
                .or_else(|| text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Value::from)),
        ),
        FieldType::Bool => Converted::or_lost(truth(text)),
        FieldType::Url => Converted::or_lost(url::Url::parse(text).ok().map(|_| text)),
        FieldType::Date => match instant(text) {
            Some((at, _)) if at.time() == Time::midnight() => Converted::whole(at.date().to_string()),
            Some((at, _)) => Converted { losses: vec![Loss::Value], ..Converted::whole(at.date().to_string()) },
            None => Converted::lost(),
        },
        FieldType::DateTime => Converted::or_lost(instant(text).map(|(_, at)| at.to_string())),
        _ => Converted::lost(),
    }
}

fn integer(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| {
        let number = text.parse::<f64>().ok()?;
        // Up to here every integer is exact in a double.
        (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
    })
}

fn truth(text: &str) -> Option<bool> {
    match label::key(text).as_str() {
        "true" | "yes" | "1" | "on" => Some(true),
        "false" | "no" | "0" | "off" => Some(false),
        _ => None,
    }
}

/// A day or a time, as its wall clock in UTC and its instant. A time without offset is UTC.
fn instant(text: &str) -> Option<(DateTime, Timestamp)> {
    let civil = || text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(Date::into)).ok();
    let at = match text.parse::<Timestamp>() {
        Ok(at) => at,
        Err(_) => civil()?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
    };
    Some((at.to_zoned(TimeZone::UTC).datetime(), at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{FieldOption, Kind};
    use serde_json::json;

    fn field(field_type: FieldType, options: &[(&str, &str)]) -> Field {
        let option = |(label, value): &(&str, &str)| {
            let (label, value) = ((*label).to_owned(), (*value).to_owned());
            FieldOption { label, value, parent: None }
        };
        let options = options.iter().map(option).collect();
        Field { scope: Kind::Ticket, key: "k".into(), title: "Size".into(), field_type, required: false, options }
    }

    fn rule(toml: &str) -> CustomRule {
        toml::from_str(toml).unwrap()
    }

    fn plain(value: Value, to: FieldType) -> Converted {
        convert(&value, None, &field(to, &[]), None).unwrap()
    }

    #[test]
    fn a_value_that_fits_is_carried_whole() {
        use FieldType::{Bool, Date, DateTime, Decimal, MultiSelect, Number, Text, Url};
        for (from, to, into) in [
            (json!(7), Text, json!("7")),
            (json!(["a", "b"]), Text, json!("a, b")),
            (json!(true), Text, json!("true")),
            (json!("42"), Number, json!(42)),
            (json!(3.0), Number, json!(3)),
            (json!(["5"]), Number, json!(5)),
            (json!("1.5"), Decimal, json!(1.5)),
            (json!("2"), Decimal, json!(2)),
            (json!("Yes"), Bool, json!(true)),
            (json!(0), Bool, json!(false)),
            (json!("2024-05-01"), Date, json!("2024-05-01")),
            (json!("2024-05-01T00:00:00Z"), Date, json!("2024-05-01")),
            (json!("2024-05-01 10:00:00"), DateTime, json!("2024-05-01T10:00:00Z")),
            (json!("2024-05-01"), DateTime, json!("2024-05-01T00:00:00Z")),
            (json!("https://a.example/x"), Url, json!("https://a.example/x")),
            (json!("one"), MultiSelect, json!(["one"])),
        ] {
            assert_eq!(plain(from.clone(), to), Converted::whole(into), "{from} as {to}");
        }
    }

    #[test]
    fn a_value_that_does_not_fit_is_a_loss_and_never_another_value() {
        use FieldType::{Bool, Date, Number, Url, User};
        for (from, to) in [
            (json!(1.5), Number),
            (json!("many"), Number),
            (json!(["1", "2"]), Number),
            (json!("perhaps"), Bool),
            (json!("soon"), Date),
            (json!("not a link"), Url),
            (json!("17"), User),
        ] {
            assert_eq!(plain(from.clone(), to), Converted::lost(), "{from} as {to}");
        }
    }

    #[test]
    fn a_time_in_a_date_field_keeps_the_day_and_counts_the_loss() {
        let converted = plain(json!("2024-05-01T23:30:00-02:00"), FieldType::Date);
        assert_eq!(converted, Converted { value: json!("2024-05-02"), losses: vec![Loss::Value] });
    }

    #[test]
    fn nothing_stays_nothing_unless_there_is_a_default() {
        for nothing in [json!(null), json!(""), json!([]), json!([""])] {
            assert_eq!(plain(nothing, FieldType::Number), Converted::whole(Value::Null));
        }
        let target = field(FieldType::Text, &[]);
        let with = convert(&Value::Null, None, &target, Some(&rule("default = 'none'"))).unwrap();
        assert_eq!(with, Converted::whole("none"));
    }

    #[test]
    fn an_option_is_found_by_the_label_of_the_source_value() {
        let source = field(FieldType::Select, &[("Large", "size_l"), ("Europa", "emea")]);
        let target = field(FieldType::Select, &[("large", "20"), ("Europe", "21")]);
        let values = rule("values = { 'Europa' = 'Europe' }");
        let convert = |value| convert(&json!(value), Some(&source), &target, Some(&values)).unwrap();
        assert_eq!(convert("size_l"), Converted::whole("20"));
        assert_eq!(convert("emea"), Converted::whole("21"));
    }

    #[test]
    fn an_option_the_target_lacks_is_lost_replaced_or_fails_by_the_rule() {
        let target = field(FieldType::MultiSelect, &[("A", "1"), ("B", "2")]);
        let with = |rule: Option<&CustomRule>| convert(&json!(["a", "c"]), None, &target, rule);
        let lost = Converted { value: json!(["1"]), losses: vec![Loss::Value] };
        assert_eq!(with(None).unwrap(), lost);
        assert_eq!(with(Some(&rule("else = 'drop'"))).unwrap(), lost);
        assert_eq!(with(Some(&rule("else = 'B'"))).unwrap(), Converted::whole(json!(["1", "2"])));
        for fails in ["else = 'fail'", "else = 'D'", "values = { 'c' = 'D' }\nelse = 'fail'"] {
            assert_eq!(with(Some(&rule(fails))).unwrap_err().reason, Reason::UnmappedValue, "{fails}");
        }
    }

    #[test]
    fn a_single_choice_takes_the_first_of_several_and_counts_the_others() {
        let target = field(FieldType::Select, &[("A", "1"), ("B", "2")]);
        let converted = convert(&json!(["B", "A"]), None, &target, None).unwrap();
        assert_eq!(converted, Converted { value: json!("2"), losses: vec![Loss::Value] });
    }

    fn tree(options: &[(&str, &str, Option<&str>)]) -> Field {
        let option = |(label, value, parent): &(&str, &str, Option<&str>)| FieldOption {
            label: (*label).to_owned(),
            value: (*value).to_owned(),
            parent: parent.map(str::to_owned),
        };
        Field { options: options.iter().map(option).collect(), ..field(FieldType::Tree, &[]) }
    }

    #[test]
    fn a_choice_of_a_tree_keeps_its_path() {
        let paths = field(FieldType::Select, &[("Hardware::Printer", "printer"), ("Software::Printer", "spooler")]);
        let levels = tree(&[
            ("Hardware", "1", None),
            ("Printer", "2", Some("1")),
            ("Software", "3", None),
            ("Printer", "4", Some("3")),
        ]);
        assert_eq!(convert(&json!("spooler"), Some(&paths), &levels, None).unwrap(), Converted::whole("4"));
        assert_eq!(convert(&json!("2"), Some(&levels), &paths, None).unwrap(), Converted::whole("printer"));
        let text = field(FieldType::Text, &[]);
        assert_eq!(convert(&json!("2"), Some(&levels), &text, None).unwrap(), Converted::whole("Hardware::Printer"));
    }

    #[test]
    fn a_choice_the_target_has_no_leaf_for_takes_the_level_above_and_counts_the_loss() {
        let paths = field(FieldType::Select, &[("Hardware::Printer::Laser", "laser")]);
        let above = field(FieldType::Select, &[("Hardware", "h"), ("Software", "s")]);
        let part = |value: &str| Converted { value: json!(value), losses: vec![Loss::Value] };
        assert_eq!(convert(&json!("laser"), Some(&paths), &above, None).unwrap(), part("h"));
        let leaves = field(FieldType::Select, &[("Laser", "l"), ("Ink", "i")]);
        assert_eq!(convert(&json!("laser"), Some(&paths), &leaves, None).unwrap(), part("l"));
        let neither = field(FieldType::Select, &[("Other", "o")]);
        assert_eq!(convert(&json!("laser"), Some(&paths), &neither, None).unwrap(), Converted::lost());
    }

    #[test]
    fn a_reference_is_carried_by_the_name_the_target_lists() {
        let source = field(FieldType::Lookup, &[("Berlin", "81")]);
        let target = field(FieldType::Lookup, &[("berlin", "7")]);
        assert_eq!(convert(&json!("81"), Some(&source), &target, None).unwrap(), Converted::whole("7"));
        let named = rule("values = { '82' = 'Berlin' }");
        let unnamed = field(FieldType::Lookup, &[]);
        assert_eq!(convert(&json!("82"), Some(&unnamed), &target, Some(&named)).unwrap(), Converted::whole("7"));
        assert_eq!(convert(&json!("82"), Some(&unnamed), &target, None).unwrap(), Converted::lost());
    }

    #[test]
    fn a_tick_box_becomes_yes_or_no() {
        let target = field(FieldType::Select, &[("Yes", "y"), ("No", "n")]);
        assert_eq!(convert(&json!(true), None, &target, None).unwrap(), Converted::whole("y"));
        assert_eq!(convert(&json!(false), None, &target, None).unwrap(), Converted::whole("n"));
    }
}
