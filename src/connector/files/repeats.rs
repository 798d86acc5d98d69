//! Rows that share an id. Rows that say the same, or that add up to one person, group or company, are one; any other is told with
//! both places and is nobody's: nothing of it is dropped in silence.

use super::cells::Spot;
use super::faults::Place;
use super::marks::Marks;
use super::rows::{self, Known};
use super::table::{Row, Table};
use crate::error::Result;
use crate::mapping::label;
use crate::record::{Kind, address_key};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// What becomes of the rows of one kind that share an id.
#[derive(Debug, Default)]
pub struct Repeats {
    /// Rows that add to the one of this place.
    pub added: HashMap<Spot, Vec<Spot>>,
    /// Rows that are part of an earlier one.
    pub absorbed: HashSet<Spot>,
    /// Rows that are not, and the row with their id.
    pub refused: HashMap<Spot, Spot>,
    /// People whose id somebody else of the other table of people has, and where that one stands.
    pub twins: HashMap<Spot, Place>,
}

impl Repeats {
    /// Looks at all rows that share an id.
    pub fn of(kind: Kind, marks: &Marks, table: &mut Table<'_>) -> Result<Repeats> {
        let mut repeats = Repeats::default();
        for spots in marks.repeats() {
            // By what they are known by, letter by letter: the first of each, and what it has become.
            let mut firsts: Vec<(Spot, Known, Row)> = Vec::new();
            for spot in spots {
                let Some(row) = table.at(spot)? else { continue };
                let Some(known) = rows::known(kind, &row.fields) else { continue };
                let Some((first, _, whole)) = firsts.iter_mut().find(|(_, other, _)| other.key == known.key) else {
                    firsts.push((spot, known, row));
                    continue;
                };
                let readable = whole.faults.is_empty() && row.faults.is_empty();
                let adds_up = readable && (!known.by_name || whole.fields == row.fields);
                match adds_up.then(|| added(kind, &whole.fields, &row.fields)).flatten() {
                    Some(sum) => {
                        whole.fields = sum;
                        repeats.added.entry(*first).or_default().push(spot);
                        repeats.absorbed.insert(spot);
                    }
                    None => drop(repeats.refused.insert(spot, *first)),
                }
            }
        }
        Ok(repeats)
    }

    /// Adds to the fields of a row what other rows say of the same record.
    pub fn complete(&self, kind: Kind, row: &mut Row, table: &mut Table<'_>) -> Result<()> {
        for &spot in self.added.get(&row.spot).into_iter().flatten() {
            let more = table.at(spot)?.unwrap_or_default();
            if let Some(sum) = added(kind, &row.fields, &more.fields) {
                row.fields = sum;
            }
        }
        Ok(())
    }
}

/// What two rows of one id say together; none where they contradict each other.
pub fn added(kind: Kind, one: &Map<String, Value>, other: &Map<String, Value>) -> Option<Map<String, Value>> {
    if one == other {
        return Some(one.clone());
    }
    if !matches!(kind, Kind::Agent | Kind::Contact | Kind::Company | Kind::Group) {
        return None;
    }
    let mut sum = one.clone();
    for (field, value) in other {
        let is_name = field == "name" && matches!(kind, Kind::Company | Kind::Group);
        match (sum.get_mut(field), value) {
            (None, value) => drop(sum.insert(field.clone(), value.clone())),
            (Some(Value::Array(there)), Value::Array(more)) if field == "custom" => {
                for value in more {
                    match there.iter().find(|have| have["key"] == value["key"]) {
                        Some(have) if have == value => {}
                        Some(_) => return None,
                        None => there.push(value.clone()),
                    }
                }
            }
            (Some(Value::Array(there)), Value::Array(more)) => {
                let same = |a: &Value, b: &Value| match (a.as_str(), b.as_str()) {
                    (Some(a), Some(b)) if field == "emails" => address_key(a) == address_key(b),
                    _ => a == b,
                };
                let new: Vec<Value> =
                    more.iter().filter(|v| !there.iter().any(|have| same(have, v))).cloned().collect();
                there.extend(new);
            }
            (Some(there), value) if there == value || field == "id" => {}
            (Some(Value::String(a)), Value::String(b)) if a.trim() == b.trim() => {}
            // A company or a group is known by its name however it is spelled.
            (Some(Value::String(a)), Value::String(b)) if is_name && label::same(a, b) => {}
            _ => return None,
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sum(kind: Kind, one: Value, other: Value) -> Option<Value> {
        added(kind, one.as_object().unwrap(), other.as_object().unwrap()).map(Value::Object)
    }

    #[test]
    fn rows_of_one_person_add_up_unless_they_contradict_each_other() {
        let one = json!({ "id": "a@x", "name": "Ann", "emails": ["a@x"], "phones": ["1"] });
        let both = json!({ "id": "a@x", "name": "Ann", "emails": ["a@x"], "phones": ["1", "2"], "locale": "de" });
        let other = json!({ "id": "a@x", "emails": ["A@x"], "phones": ["2"], "locale": "de" });
        assert_eq!(sum(Kind::Contact, one.clone(), other), Some(both));
        assert_eq!(sum(Kind::Contact, one, json!({ "id": "a@x", "name": "Bob" })), None);
    }

    #[test]
    fn companies_of_one_id_and_two_names_are_not_one() {
        let one = json!({ "id": "1", "name": "ACME" });
        assert_eq!(sum(Kind::Company, one.clone(), json!({ "id": "1", "name": " acme" })), Some(one.clone()));
        assert_eq!(sum(Kind::Company, one, json!({ "id": "1", "name": "Globex" })), None);
    }

    #[test]
    fn rows_of_one_ticket_are_one_only_if_they_say_the_same() {
        let one = json!({ "id": "1", "subject": "a" });
        assert_eq!(sum(Kind::Ticket, one.clone(), one.clone()), Some(one.clone()));
        assert_eq!(sum(Kind::Ticket, one, json!({ "id": "1", "subject": "a", "status": "Closed" })), None);
    }
}
