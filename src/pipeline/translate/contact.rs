//! People and the other records a ticket refers to: matched with what the target has, or made.

use super::{Held, Translated, Translator, held};
use crate::connector::mapped::{self, MappedCompany, MappedContact, MappedGroup};
use crate::error::{Loss, Problem, Reason};
use crate::ledger::{Link, Lost, Remote};
use crate::mapping::{Mapped, ValueField, label};
use crate::record::{Company, Group, Kind, Person, address_key};
use std::sync::PoisonError;

/// What a record that is only referred to became.
pub enum Matched {
    /// There, and not to be touched; with what the source has beside it.
    There(Remote, Vec<Lost>),
    /// To be written.
    Write(Translated),
}

impl Translator {
    /// An agent: matched by e-mail address, never made.
    pub async fn agent(&self, person: &Person) -> Result<Matched, Held> {
        let Some(email) = person.emails.first() else {
            return Err(Held::Skip(Problem::new(Reason::NoEmail, "the agent has no e-mail address"), None));
        };
        let wanted = self.mapping.people.agent_email(email);
        match self.target_metadata.seek(self.target.as_ref(), wanted).await? {
            Some(entry) => Ok(Matched::There(entry.remote(), vec![])),
            None => Err(Held::Skip(
                Problem::new(Reason::MissingPerson, format!("no agent in the target has the e-mail address {wanted}"))
                    .hint("make the agent in the target, or name another in `[people] agents`, and run again"),
                None,
            )),
        }
    }

    /// A contact: matched when a person of the target has the address, else to be made. One whose making was `begun`
    /// by an earlier run may be in the target by that: its step is settled, not matched away.
    pub async fn contact(&self, id: &str, person: &Person, begun: bool, link: &Link) -> Result<Matched, Held> {
        let email = person.emails.iter().find(|e| e.contains('@'));
        if email.is_none() && !self.target.profile().contacts_without_address {
            return Err(Held::Skip(Problem::new(Reason::NoEmail, "the contact has no e-mail address"), None));
        }
        let address = email.map(|email| address_key(self.mapping.people.contact_email(email)));
        let mut companies = Vec::new();
        for company in &person.companies {
            companies.extend(link.target_of(Kind::Company, company).await?.map(|there| there.id));
        }
        let there = address.as_ref().and_then(|address| self.target_metadata.person(address));
        let person = Person { companies, ..person.clone() };
        let mut mapped = MappedContact { person, id: id.to_owned(), address };
        if let Some(entry) = there.filter(|_| !begun) {
            return Ok(Matched::There(entry.remote(), held::lost(&mapped, &entry.fields)));
        }
        let (emails, losses) = self.own_addresses(id, &mapped.person).await?;
        mapped.person.emails = emails;
        Ok(Matched::Write(Translated { mapped: mapped::Mapped::Contact(Box::new(mapped)), losses }))
    }

    /// The addresses of a person without those by which somebody else of the source is known: these are theirs in the target, too. Those
    /// are lost.
    async fn own_addresses(&self, id: &str, person: &Person) -> Result<(Vec<String>, Vec<Lost>), Held> {
        let (mut own, mut lost) = (Vec::new(), Vec::new());
        for (nth, email) in person.emails.iter().enumerate() {
            let other = match nth {
                0 => None,
                _ => self.people.known_by(email, id).await?,
            };
            match other {
                Some((kind, other)) => {
                    lost.push(Lost::new(
                        "",
                        Loss::PersonValue,
                        format!("address {email}: it is that of {kind} {other}"),
                    ));
                }
                None => own.push(email.clone()),
            }
        }
        Ok((own, lost))
    }

    /// A company: matched when the target has one of its name, else to be made. One whose making was `begun` is settled.
    pub fn company(&self, id: &str, company: &Company, begun: bool) -> Result<Matched, Held> {
        if !self.target.writes(Kind::Company) {
            return Err(Held::Skip(Problem::new(Reason::Unsupported, "the target has no companies"), None));
        }
        match self.target_metadata.company(&company.name).filter(|_| !begun) {
            Some(entry) => Ok(Matched::There(entry.remote(), vec![])),
            None => {
                let made = MappedCompany { company: company.clone(), id: id.to_owned() };
                Ok(Matched::Write(Translated { mapped: mapped::Mapped::Company(made), losses: vec![] }))
            }
        }
    }

    /// A group: matched by name or by the mapping; made, where the run may. Tickets of one that is not there take the account's
    /// default. One whose making was `begun` by an earlier run is settled. `members`: who of the target works in it.
    pub fn group(&self, id: &str, group: &Group, begun: bool, members: &[String]) -> Result<Matched, Held> {
        let rule = &self.mapping.ticket.group;
        let label = match rule.apply(ValueField::Group, &group.name, &self.target_metadata.group_labels()) {
            Mapped::To(label) => label,
            Mapped::Drop => return Err(Held::Skip(Problem::new(Reason::Mapping, "left out by the mapping"), None)),
            Mapped::Fail(problem) if rule.values.contains_key(&group.name) => return Err(Held::Fail(problem)),
            Mapped::Fail(_) | Mapped::Unknown if self.making.is_some() => group.name.clone(),
            Mapped::Fail(_) | Mapped::Unknown => {
                return Err(Held::Skip(
                    Problem::new(Reason::Unresolved, format!("the target has no group `{}`", group.name)).hint(
                        "its tickets go to the default group; `[ticket.group] values` can say another, `[run] create_groups` makes it",
                    ),
                    None,
                ));
            }
        };
        match (self.target_metadata.group(&label).filter(|_| !begun), &self.making) {
            (Some(entry), _) => Ok(Matched::There(entry.remote(), vec![])),
            (None, Some(making)) => {
                let mut making = making.lock().unwrap_or_else(PoisonError::into_inner);
                let first = making.entry(label::key(&label)).or_insert_with(|| id.to_owned());
                if first != id {
                    let problem = Problem::new(Reason::Duplicate, format!("another group is made as `{label}`"));
                    return Err(Held::Skip(problem, Some((Kind::Group, first.clone()))));
                }
                let (id, description) = (id.to_owned(), group.description.clone());
                let made = MappedGroup { id, name: label, description, members: members.to_vec() };
                Ok(Matched::Write(Translated { mapped: mapped::Mapped::Group(made), losses: vec![] }))
            }
            (None, None) => {
                Err(Held::Skip(Problem::new(Reason::Unresolved, format!("the target has no group `{label}`")), None))
            }
        }
    }
}
