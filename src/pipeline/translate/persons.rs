//! The people of a ticket: who asked, who answers for it, who is in copy.

use super::ticket::remote_json;
use super::{Held, Lost, Translator};
use crate::content::header;
use crate::error::Loss;
use crate::ledger::Remote;
use crate::mapping::Missing;
use crate::pipeline::people::Known;
use crate::record::{Kind, Ref, Ticket, address_key};
use serde_json::{Value, json};
use std::sync::Arc;

/// Whom the target can hold on a ticket, and the names of the others.
#[derive(Default)]
pub struct Persons {
    pub requester: Option<Arc<Known>>,
    /// Whether the target shows the requester as such.
    pub is_shown: bool,
    asked: Value,
    submitter: Value,
    requesters: Vec<Value>,
    ccs: Vec<Value>,
    followers: Vec<Value>,
    watchers: Vec<Value>,
    /// People in copy without a place in the target.
    pub without_place: Vec<Arc<Known>>,
}

impl Persons {
    /// Lays them into the mapped ticket: `requester` and `submitter`; `requesters` (further ones), `ccs` and `followers`;
    /// and `watchers`, all of these at once, each once, for targets that know only one sort of copy.
    pub fn put(&self, mapped: &mut Value) {
        mapped["requester"] = self.asked.clone();
        mapped["submitter"] = self.submitter.clone();
        mapped["requesters"] = json!(self.requesters);
        mapped["ccs"] = json!(self.ccs);
        mapped["followers"] = json!(self.followers);
        mapped["watchers"] = json!(self.watchers);
    }

    /// Those without a place, as a text of the ticket names them.
    pub fn named(&self) -> Vec<String> {
        let mut named: Vec<String> = self.without_place.iter().filter_map(|person| person.named()).collect();
        if named.len() < self.without_place.len() {
            named.push(header::SOMEBODY.to_owned());
        }
        named
    }
}

fn add_once(people: &mut Vec<Value>, person: &Value) {
    if !people.iter().any(|there| there["id"] == person["id"]) {
        people.push(person.clone());
    }
}

impl Translator {
    pub(super) async fn people_of(&self, ticket: &Ticket) -> Result<Persons, Held> {
        let mut persons = Persons::default();
        if let Some(id) = &ticket.submitter {
            persons.submitter = self.in_target(&*self.person_on(ticket, id).await?);
        }
        let profile = self.target.profile();
        if let Some(id) = &ticket.requester {
            let requester = self.person_on(ticket, id).await?;
            persons.asked = self.in_target(&requester);
            persons.is_shown = !persons.asked.is_null() && profile.requesters;
            let begun = match ticket.comments.first().and_then(|comment| comment.author.as_ref()) {
                Some(author) => self.person(author).await?.is(&requester),
                None => false,
            };
            if !begun && !persons.is_shown && !persons.asked.is_null() && profile.ccs {
                add_once(&mut persons.watchers, &persons.asked);
            }
            persons.requester = Some(requester);
        }
        let held = |of: &'static str, ids: &[Ref]| ids.iter().map(|id| (of, id.clone())).collect::<Vec<_>>();
        let copies =
            [held("requesters", &ticket.requesters), held("ccs", &ticket.ccs), held("followers", &ticket.followers)];
        for (of, id) in copies.concat() {
            let person = self.person(&id).await?;
            if persons.is_shown && persons.requester.as_ref().is_some_and(|requester| requester.is(&person)) {
                continue;
            }
            let there = self.in_target(&person);
            let unreachable = profile.ccs_by_address && there["address"].is_null();
            if there.is_null() || !profile.ccs || unreachable {
                if !persons.without_place.iter().any(|other| other.is(&person)) {
                    persons.without_place.push(person);
                }
                continue;
            }
            add_once(&mut persons.watchers, &there);
            add_once(
                match of {
                    "requesters" => &mut persons.requesters,
                    "ccs" => &mut persons.ccs,
                    _ => &mut persons.followers,
                },
                &there,
            );
        }
        Ok(persons)
    }

    /// A person as the steps see them: `{id, …}` with their address in the target and their name, or null if they are not there.
    pub(super) fn in_target(&self, person: &Known) -> Value {
        let Some(remote) = &person.remote else { return Value::Null };
        let mut json = remote_json(remote);
        let people = &self.mapping.people;
        let address = person.email.as_deref().map(|email| address_key(people.contact_email(people.agent_email(email))));
        json["address"] = json!(address);
        json["name"] = json!(person.name);
        json["kind"] = json!(person.kind);
        json
    }

    pub(super) async fn assignee(
        &self,
        ticket: &Ticket,
        group: Option<&Remote>,
        losses: &mut Vec<Lost>,
    ) -> Result<Value, Held> {
        let Some(id) = &ticket.assignee else { return Ok(Value::Null) };
        let person = self.person(id).await?;
        // A customer of the target answers for nothing, even if they were an agent in the source.
        let there = match &person.remote {
            Some(remote) if person.kind == Kind::Agent => Some((remote.clone(), self.in_target(&person))),
            _ => {
                let listed = match person.email.as_deref() {
                    Some(email) => self.roster.seek(self.target.as_ref(), email).await?.map(|entry| entry.remote()),
                    None => None,
                };
                listed.or_else(|| self.stand_in()).map(|remote| (remote.clone(), remote_json(&remote)))
            }
        };
        if let Some((remote, json)) = there
            && self.target.may_be_assigned(&remote, group).await?
        {
            return Ok(json);
        }
        losses.push(Lost::new("", Loss::Assignee, person.label()));
        Ok(Value::Null)
    }

    /// The person of `[people] missing = "default:…"`.
    fn stand_in(&self) -> Option<Remote> {
        match &self.mapping.people.missing {
            Missing::Default(address) => self.roster.person(address).map(|entry| entry.remote()),
            Missing::Placeholder => None,
        }
    }
}
