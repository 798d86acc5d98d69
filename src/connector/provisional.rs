//! Ids of what a dry run would make: numbers that stand for names such as `<contact 55.id>`, which a request shows in their place.

use serde_json::Value;

/// Provisional ids begin here: exact in a double, and far beyond what a platform counts up to.
const FIRST: u64 = 7_700_000_000_000_000;
/// And end here, all of one length.
pub(super) const LAST: u64 = 7_799_999_999_999_999;
const DIGITS: usize = 16;

/// The provisional id of the value that is known as the n-th, from 0.
pub fn provisional(nth: usize) -> String {
    (FIRST + nth as u64).to_string()
}

/// Whether an id stands for a record that is not there yet.
pub fn is_provisional(id: &str) -> bool {
    id.len() == DIGITS && id.parse().is_ok_and(|n: u64| (FIRST..=LAST).contains(&n))
}

/// Names by number, one behind the other in one text.
#[derive(Default)]
pub(super) struct Names {
    text: String,
    ends: Vec<usize>,
}

impl Names {
    /// The provisional id of what has this name.
    pub fn give(&mut self, name: &str) -> String {
        self.text.push_str(name);
        self.ends.push(self.text.len());
        provisional(self.ends.len() - 1)
    }

    fn get(&self, number: u64) -> Option<&str> {
        let at = usize::try_from(number.checked_sub(FIRST)?).ok()?;
        let from = at.checked_sub(1).map_or(0, |before| self.ends.get(before).copied().unwrap_or_default());
        self.text.get(from..*self.ends.get(at)?)
    }

    /// A request with names for provisional ids.
    pub fn named(&self, request: Value) -> Value {
        match request {
            Value::Number(n) => match n.as_u64().and_then(|n| self.get(n)) {
                Some(name) => format!("<#{name}>").into(),
                None => n.into(),
            },
            Value::String(text) => self.named_text(&text).map_or(Value::String(text), Value::String),
            Value::Array(items) => items.into_iter().map(|item| self.named(item)).collect(),
            Value::Object(map) => {
                map.into_iter().map(|(key, value)| (self.named_text(&key).unwrap_or(key), self.named(value))).collect()
            }
            other => other,
        }
    }

    /// The text with names for the provisional ids in it; none where there are none.
    fn named_text(&self, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, number, after)) = next_number(rest) {
            out.push_str(before);
            match number.parse().ok().filter(|_| number.len() == DIGITS).and_then(|n| self.get(n)) {
                Some(name) => out.push_str(&format!("<{name}>")),
                None => out.push_str(number),
            }
            rest = after;
        }
        if out.is_empty() {
            return None;
        }
        out.push_str(rest);
        (out != text).then_some(out)
    }
}

/// The next run of digits that may be a provisional id, with what stands around it.
fn next_number(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(at) = text[from..].find("77").map(|at| at + from) {
        let inside = text[..at].ends_with(|c: char| c.is_ascii_digit());
        let end = text[at..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |n| at + n);
        if !inside && end - at == DIGITS {
            return Some((&text[..at], &text[at..end], &text[end..]));
        }
        from = end;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_known_yet_stands_in_a_request_by_name() {
        let mut names = Names::default();
        let id = names.give("contact 55.id");
        assert!(is_provisional(&id));
        let number: u64 = id.parse().unwrap();
        let sent =
            json!({"path": format!("/users/{id}/tags"), "id": number, "text": format!("{id}, 77, {id}0"), "n": 77});
        assert_eq!(
            names.named(sent),
            json!({"path": "/users/<contact 55.id>/tags", "id": "<#contact 55.id>", "text": format!("<contact 55.id>, 77, {id}0"), "n": 77})
        );
    }

    #[test]
    fn names_are_told_apart_by_their_numbers() {
        let mut names = Names::default();
        let ids: Vec<String> = ["contact 5.id", "", "ticket ü.url"].iter().map(|name| names.give(name)).collect();
        let back: Vec<_> = ids.iter().map(|id| names.get(id.parse().unwrap())).collect();
        assert_eq!(back, [Some("contact 5.id"), Some(""), Some("ticket ü.url")]);
        assert_eq!((names.get(FIRST + 3), names.get(LAST), names.get(7)), (None, None, None));
    }

    #[test]
    fn an_id_of_a_real_account_is_never_taken_for_one_that_is_not_there() {
        for id in ["", "77", "7699999999999999", "7800000000000000", "77000000000000001", "77000000000000ab"] {
            assert!(!is_provisional(id), "{id}");
        }
        let beyond = (FIRST + 7).to_string();
        assert_eq!(Names::default().named(json!([beyond])), json!([beyond]), "a number nobody gave out has no name");
    }
}
