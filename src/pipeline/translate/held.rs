//! What a person of the source has and the one who stands for them in the target has not.
//!
//! Two people of the source may be one in the target: they have one address, or the target knew them before. Nothing of them goes in
//! silence: what the target's person does not have is a loss of theirs, by name.

use crate::connector::mapped::MappedContact;
use crate::error::Loss;
use crate::expr::is_blank;
use crate::ledger::Lost;
use crate::record::{Person, address_key};
use serde_json::{Map, Value};

/// What of a mapped contact is not `there`: the fields of a `[held]` rule, or of an agent's row. A name, and companies, are compared only
/// where the target tells them.
pub fn lost(contact: &MappedContact, there: &Map<String, Value>) -> Vec<Lost> {
    let Person { name, emails, phones, companies, tags, custom, .. } = &contact.person;
    let first = contact.address.as_deref().map(address_key).unwrap_or_default();
    let mut details = Vec::new();
    if let (Some(name), Some(other)) = (name, there.get("name").and_then(Value::as_str))
        && !plain(name).is_empty()
        && plain(name) != plain(other)
        && address_key(name) != first
    {
        details.push(format!("name {}: the target has {}", name.trim(), other.trim()));
    }
    let has = |key: &str, of: fn(&str) -> String, text: &str| texts(there.get(key)).any(|own| of(own) == of(text));
    let further = filled(emails).filter(|email| email.contains('@') && address_key(email) != first);
    details.extend(further.filter(|email| !has("emails", address_key, email)).map(|email| format!("address {email}")));
    let phones = filled(phones).filter(|phone| !has("phones", digits, phone));
    details.extend(phones.map(|phone| format!("phone {phone}")));
    if there.contains_key("companies") {
        let companies = filled(companies).filter(|id| !has("companies", str::to_owned, id));
        details.extend(companies.map(|id| format!("company {id}")));
    }
    details.extend(filled(tags).filter(|tag| !has("tags", plain, tag)).map(|tag| format!("tag {tag}")));
    let custom = custom.iter().filter(|value| !is_blank(&value.value));
    let titles = custom.map(|value| value.title.as_deref().unwrap_or(&value.key));
    details.extend(titles.map(|title| format!("custom value {title}")));
    details.into_iter().map(|detail| Lost::new("", Loss::PersonValue, detail)).collect()
}

fn filled(list: &[String]) -> impl Iterator<Item = &str> {
    list.iter().map(String::as_str).filter(|text| !text.trim().is_empty())
}

fn texts(list: Option<&Value>) -> impl Iterator<Item = &str> {
    list.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|text| !text.trim().is_empty())
}

fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// A phone number as it is compared: `+49 30 1` and `0049-30/1` are one.
fn digits(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.trim_start_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn details(contact: &Value, there: &Value) -> Vec<String> {
        let mut contact = contact.clone();
        contact["id"] = "1".into();
        let contact: MappedContact = serde_json::from_value(contact).unwrap();
        lost(&contact, there.as_object().unwrap()).into_iter().map(|lost| lost.detail).collect()
    }

    #[test]
    fn whatever_the_one_who_stands_for_them_has_not_is_named() {
        let contact = json!({
            "name": "Ann Two", "address": "ann@x.example", "emails": ["ANN@x.example", "two@x.example", "one@x.example"],
            "phones": ["+49 30 1", "0170 2"], "companies": ["7", "8"], "tags": ["VIP"],
            "custom": [{ "key": "c", "title": "Level", "value": "gold" }, { "key": "empty", "value": "" }],
        });
        let there = json!({ "name": "Ann One", "emails": ["ann@x.example", "One@x.example"], "phones": ["0049301"],
            "companies": ["7"], "tags": [] });
        let all = [
            "name Ann Two: the target has Ann One",
            "address two@x.example",
            "phone 0170 2",
            "company 8",
            "tag VIP",
            "custom value Level",
        ];
        assert_eq!(details(&contact, &there), all);
    }

    #[test]
    fn what_is_there_in_another_spelling_is_not_lost() {
        let contact = json!({ "name": " ann  ROE", "address": "ann@x.example", "emails": ["Ann@X.example"],
            "phones": ["(030) 12-34"], "custom": [] });
        let there = json!({ "name": "Ann Roe", "emails": ["ann@x.example"], "phones": ["0301234"] });
        assert_eq!(details(&contact, &there), Vec::<String>::new());
        let named_by_address = json!({ "name": "ANN@x.example", "address": "ann@x.example" });
        assert_eq!(details(&named_by_address, &there), Vec::<String>::new());
    }

    #[test]
    fn of_somebody_the_target_does_not_show_the_name_and_companies_are_not_compared() {
        let contact = json!({ "name": "Ann", "address": "a@x.example", "emails": ["a@x.example", "b@x.example"],
            "phones": ["1"], "companies": ["7"] });
        assert_eq!(details(&contact, &json!({})), ["address b@x.example", "phone 1"]);
    }
}
