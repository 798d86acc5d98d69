//! Agents and contacts of one id. Tickets name people by their id alone: where the two are not one person, nobody can say whom a
//! ticket means, so that both rows are told and neither is taken.

use super::faults::{Fault, Place};
use super::repeats::added;
use super::rows;
use crate::record::{Kind, address_key};
use serde_json::{Map, Value};

/// The id that an agent and a contact share; none where they have none in common, or are one person.
pub fn id(agent: &Map<String, Value>, contact: &Map<String, Value>) -> Option<String> {
    let (one, other) = (rows::known(Kind::Agent, agent)?, rows::known(Kind::Contact, contact)?);
    (one.id == other.id && !is_one(agent, contact)).then_some(other.id)
}

/// Whether both have an address in common, or one has none and they contradict each other in nothing.
fn is_one(agent: &Map<String, Value>, contact: &Map<String, Value>) -> bool {
    let (one, other) = (addresses(agent), addresses(contact));
    one.iter().any(|address| other.contains(address))
        || ((one.is_empty() || other.is_empty()) && added(Kind::Contact, agent, contact).is_some())
}

fn addresses(row: &Map<String, Value>) -> Vec<String> {
    row.get("emails")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(address_key)
        .collect()
}

/// What is told of a row of `kind` whose id somebody of the other table has.
pub fn fault(kind: Kind, place: Place, id: &str, there: &Place) -> Fault {
    let other = if kind == Kind::Agent { Kind::Contact } else { Kind::Agent };
    let there = Place { column: None, ..there.clone() };
    Fault {
        place,
        what: format!("the id {id:?} is also that of another {other}, in {there}"),
        hint: "tickets name agents and contacts by their ids: give the two different ones, such as c-1 in the contacts and in the \
               tickets that mean them"
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shared(agent: Value, contact: Value) -> Option<String> {
        id(agent.as_object().unwrap(), contact.as_object().unwrap())
    }

    #[test]
    fn an_agent_and_a_contact_of_one_id_are_two_people_unless_they_add_up_to_one() {
        let bob = json!({ "id": "1", "name": "Bob", "emails": ["bob@desk.example"] });
        for contact in [
            json!({ "id": "1", "name": "Ann", "emails": ["ann@x.example"] }),
            json!({ "id": "1", "emails": ["ann@x.example"] }),
            json!({ "id": "1", "name": "Ann" }),
        ] {
            assert_eq!(shared(bob.clone(), contact.clone()).as_deref(), Some("1"), "{contact}");
        }
        for contact in [
            json!({ "id": "1", "name": "Robert", "emails": ["BOB@desk.example"] }),
            json!({ "id": "1", "name": "Bob" }),
            json!({ "id": "2", "name": "Ann" }),
        ] {
            assert_eq!(shared(bob.clone(), contact.clone()), None, "{contact}");
        }
    }
}
