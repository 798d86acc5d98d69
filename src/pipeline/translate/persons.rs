//! The people of a ticket: who asked, who answers for it, who is in copy.

use super::{Held, Lost, Translator};
use crate::connector::mapped::{MappedPerson, MappedTicket};
use crate::content::header;
use crate::error::Loss;
use crate::ledger::Remote;
use crate::mapping::Missing;
use crate::pipeline::people::Known;
use crate::record::{Kind, Ref, Ticket, address_key};
use std::sync::Arc;

/// Whom the target can hold on a ticket, and the names of the others.
#[derive(Default)]
pub struct Persons {
    pub requester: Option<Arc<Known>>,
    /// Whether the target shows the requester as such.
    pub is_shown: bool,
    asked: Option<MappedPerson>,
    submitter: Option<MappedPerson>,
    requesters: Vec<MappedPerson>,
    ccs: Vec<MappedPerson>,
    followers: Vec<MappedPerson>,
    watchers: Vec<MappedPerson>,
    /// People in copy without a place in the target.
    pub without_place: Vec<Arc<Known>>,
}

impl Persons {
    /// Lays them into the mapped ticket: `requester` and `submitter`; `requesters` (further ones), `ccs` and `followers`;
    /// and `watchers`, all of these at once, each once, for targets that know only one sort of copy.
    pub fn put(self, mapped: &mut MappedTicket) {
        mapped.requester = self.asked;
        mapped.submitter = self.submitter;
        mapped.requesters = self.requesters;
        mapped.ccs = self.ccs;
        mapped.followers = self.followers;
        mapped.watchers = self.watchers;
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

fn add_once(people: &mut Vec<MappedPerson>, person: &MappedPerson) {
    if !people.iter().any(|there| there.id == person.id) {
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
            persons.is_shown = persons.asked.is_some() && profile.requesters;
            let begun = match ticket.comments.first().and_then(|comment| comment.author.as_ref()) {
                Some(author) => self.person(author).await?.is(&requester),
                None => false,
            };
            if let Some(asked) = &persons.asked
                && !begun
                && !persons.is_shown
                && profile.ccs
            {
                add_once(&mut persons.watchers, asked);
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
            let reachable = |there: &MappedPerson| profile.ccs && (!profile.ccs_by_address || there.address.is_some());
            let Some(there) = self.in_target(&person).filter(reachable) else {
                if !persons.without_place.iter().any(|other| other.is(&person)) {
                    persons.without_place.push(person);
                }
                continue;
            };
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

    /// A person as the steps see them; none if they are not there.
    pub(super) fn in_target(&self, person: &Known) -> Option<MappedPerson> {
        let people = &self.mapping.people;
        let address = person.email.as_deref().map(|email| address_key(people.contact_email(people.agent_email(email))));
        Some(MappedPerson::known(person.remote.as_ref()?, address, person.name.clone(), person.kind))
    }

    pub(super) async fn assignee(
        &self,
        ticket: &Ticket,
        group: Option<&Remote>,
        losses: &mut Vec<Lost>,
    ) -> Result<Option<MappedPerson>, Held> {
        let Some(id) = &ticket.assignee else { return Ok(None) };
        let person = self.person(id).await?;
        // A customer of the target answers for nothing, even if they were an agent in the source.
        let there = match &person.remote {
            Some(remote) if person.kind == Kind::Agent => Some((remote.clone(), self.in_target(&person))),
            _ => {
                let listed = match person.email.as_deref() {
                    Some(email) => {
                        self.target_metadata.seek(self.target.as_ref(), email).await?.map(|entry| entry.remote())
                    }
                    None => None,
                };
                listed.or_else(|| self.stand_in()).map(|remote| (remote.clone(), Some(MappedPerson::from(&remote))))
            }
        };
        if let Some((remote, there)) = there
            && self.target.may_be_assigned(&remote, group).await?
        {
            return Ok(there);
        }
        losses.push(Lost::new("", Loss::Assignee, person.label()));
        Ok(None)
    }

    /// The person of `[people] missing = "default:…"`.
    fn stand_in(&self) -> Option<Remote> {
        match &self.mapping.people.missing {
            Missing::Default(address) => self.target_metadata.person(address).map(|entry| entry.remote()),
            Missing::Placeholder => None,
        }
    }
}
