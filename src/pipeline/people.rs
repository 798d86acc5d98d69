//! The people behind references: who they are in the source, and whom the target knows for them.

use super::Job;
use super::addresses::Addresses;
use super::assumed::staged;
use super::target_metadata::TargetMetadata;
use crate::connector::{ChildRows, Row, Source};
use crate::content::header::{Author, SOMEBODY};
use crate::error::{Problem, Reason, Result};
use crate::ledger::{Link, RecordRow, Remote, State};
use crate::record::mailbox::{self, Mailbox};
use crate::record::{Body, Kind, Person, Record, Ref, same_address};
use crate::staging::Staging;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// People kept in memory; more are read again from the stage.
const REMEMBERED: usize = 20_000;

/// A person of the source.
#[derive(Clone, Debug)]
pub struct Known {
    /// As the source knows them.
    pub id: String,
    /// None where nothing is known of them that is a name.
    pub name: Option<String>,
    pub email: Option<String>,
    /// As they stand in the source; a contact where that is not known.
    pub kind: Kind,
    pub companies: Vec<Ref>,
    /// In the target.
    pub remote: Option<Remote>,
    /// Their own record is still on its way into the target.
    pub pending: bool,
    /// The customer of the target who stands for them as a requester, where they are an agent of the source and none of the target.
    pub customer: Option<Remote>,
    /// The target has nobody for them, and nothing was tried yet: as a requester they become a customer there.
    pub unplaced: bool,
}

impl Known {
    /// `NAME <EMAIL>`, or what there is of it; their id where there is nothing. For reports, never for a text of a ticket.
    pub fn label(&self) -> String {
        self.named().unwrap_or_else(|| format!("person {}", self.id))
    }

    /// `NAME <EMAIL>`, or what there is of it. An id says nothing to a customer.
    pub fn named(&self) -> Option<String> {
        match (&self.name, &self.email) {
            (Some(name), Some(email)) if !same_address(name, email) => Some(format!("{name} <{email}>")),
            (_, Some(email)) => Some(email.clone()),
            (name, None) => name.clone(),
        }
    }

    /// Whether both references name one person, however each is written: by id, by address, by any spelling of that.
    pub fn is(&self, other: &Known) -> bool {
        let both = |a: Option<&str>, b: Option<&str>| a.zip(b).is_some_and(|(a, b)| same_address(a, b));
        self.id == other.id || both(self.email.as_deref(), other.email.as_deref())
    }

    /// As the requester of a ticket.
    pub fn asking(known: Arc<Known>) -> Arc<Known> {
        match (&known.remote, &known.customer) {
            (None, Some(customer)) => {
                let remote = Some(customer.clone());
                Arc::new(Known { kind: Kind::Contact, remote, ..Known::clone(&known) })
            }
            _ => known,
        }
    }

    /// As a text of a ticket calls them.
    pub fn author(&self) -> Author<'_> {
        let nobody = if self.email.is_some() { "" } else { SOMEBODY };
        // An address that stands for a name says nothing twice.
        let name =
            self.name.as_deref().filter(|name| self.email.as_deref().is_none_or(|email| !same_address(name, email)));
        Author { name: name.unwrap_or(nobody), email: self.email.as_deref() }
    }
}

/// Asks the target for those agents of the source that it does not list.
pub async fn seek_agents(job: &Job, target_metadata: &TargetMetadata) -> Result<()> {
    let agents = staged(job, Kind::Agent).await?;
    let emails = agents.iter().filter_map(|record| match &record.body {
        Body::Agent(person) => person.emails.first(),
        _ => None,
    });
    target_metadata.seek_all(job.target.as_ref(), emails.map(|email| job.mapping.people.agent_email(email))).await
}

pub struct People {
    source: Arc<dyn Source>,
    staging: Staging,
    link: Link,
    target_metadata: Arc<TargetMetadata>,
    addresses: Addresses,
    known: Mutex<HashMap<String, Arc<Known>>>,
}

impl People {
    pub fn new(source: Arc<dyn Source>, staging: Staging, link: Link, target_metadata: Arc<TargetMetadata>) -> Self {
        let addresses = Addresses::new(Arc::clone(&source), staging.clone());
        Self { source, staging, link, target_metadata, addresses, known: Mutex::default() }
    }

    /// The person a reference names. One the stage does not know is still named by their id.
    pub async fn of(&self, id: &str) -> Result<Arc<Known>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let known = Arc::new(self.look_up(id).await?);
        if known.pending {
            return Ok(known);
        }
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(id.to_owned(), Arc::clone(&known));
        Ok(known)
    }

    /// Somebody else of the source who is known by this address, beside the person `id`. All people must be staged.
    pub async fn known_by(&self, address: &str, id: &str) -> Result<Option<(Kind, String)>> {
        let owner = self.addresses.owner(address).await?;
        let is_first = |person: &Person| person.emails.first().is_some_and(|first| same_address(first, address));
        Ok(owner.filter(|(_, other, person)| other != id && is_first(person)).map(|(kind, other, _)| (kind, other)))
    }

    /// Forgets one whose record was migrated since.
    pub fn forget_one(&self, id: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// A person who is no contact of the source, as the contact they would be in the target. None where the source does not know them.
    pub async fn as_contact(&self, id: &str) -> Result<Option<Record>> {
        let record = match self.staging.item(Kind::Agent.code(), id).await? {
            Some(row) => self.source.assemble(Kind::Agent, &row, &ChildRows::new())?,
            None => match self.shown_alone(id).await? {
                Some(row) => self.source.assemble(Kind::Contact, &row.raw, &ChildRows::new())?,
                None => return Ok(None),
            },
        };
        let (Body::Agent(person) | Body::Contact(person)) = record.body else { return Ok(None) };
        // As the ticket names them, whatever else the source calls them.
        Ok(Some(Record { id: id.to_owned(), body: Body::Contact(person), ..record }))
    }

    /// Somebody whom no listing showed. That the source refuses to show one of them to us is no matter of the account, where it takes us
    /// otherwise.
    async fn shown_alone(&self, id: &str) -> Result<Option<Row>> {
        match self.source.read_one(Kind::Contact, id).await {
            Err(problem) if problem.reason == Reason::Auth && self.source.probe().await.is_ok() => {
                Err(Problem { reason: Reason::Forbidden, ..problem })
            }
            read => read,
        }
    }

    /// Forgets people looked up before their own records were migrated.
    pub fn forget(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn look_up(&self, id: &str) -> Result<Known> {
        for kind in [Kind::Agent, Kind::Contact] {
            let Some(row) = self.staging.item(kind.code(), id).await? else { continue };
            let record = self.source.assemble(kind, &row, &ChildRows::new())?;
            let (Body::Agent(person) | Body::Contact(person)) = record.body else { continue };
            return self.known_as(kind, id, &person).await;
        }
        if let Some(known) = self.not_staged(id).await? {
            return Ok(known);
        }
        let Some(Mailbox { name, address }) = mailbox::read(id) else {
            return Ok(Known { name: is_name(id).then(|| id.to_owned()), ..nobody(id) });
        };
        if let Some((kind, id, person)) = self.addresses.owner(&address).await? {
            return self.known_as(kind, &id, &person).await;
        }
        let remote = self.target_metadata.person(&address).map(|entry| entry.remote());
        let name = name.or_else(|| Some(address.clone()));
        Ok(Known { name, email: Some(address), remote, ..nobody(id) })
    }
}

impl People {
    /// Somebody of whom the stage has no row, since it was made anew or lists only what changed: the ledger knows who they are in the
    /// target, and the source who they are. Who is known by their address alone has no id to ask by.
    async fn not_staged(&self, id: &str) -> Result<Option<Known>> {
        let mut kind = None;
        for one in [Kind::Contact, Kind::Agent] {
            if self.link.record(one, id).await?.is_some() {
                kind = Some(one);
            }
        }
        if kind.is_none() && mailbox::read(id).is_some() {
            return Ok(None);
        }
        if let Some(row) = self.shown_alone(id).await?
            && let Body::Contact(person) = self.source.assemble(Kind::Contact, &row.raw, &ChildRows::new())?.body
        {
            return self.known_as(kind.unwrap_or(Kind::Contact), id, &person).await.map(Some);
        }
        let Some(kind) = kind else { return Ok(None) };
        // The source has them no more.
        self.known_as(kind, id, &Person::default()).await.map(Some)
    }

    async fn known_as(&self, kind: Kind, id: &str, person: &Person) -> Result<Known> {
        let remote = self.link.target_of(kind, id).await?;
        let pending = remote.is_none() && self.is_pending(kind, id).await?;
        if remote.is_some() || pending {
            return Ok(Known { pending, ..known(kind, id, person, remote) });
        }
        let made = self.link.record(Kind::Contact, id).await?;
        let unplaced = made.as_ref().is_none_or(may_be_made);
        Ok(Known { unplaced, customer: made.and_then(|row| row.remote), ..known(kind, id, person, remote) })
    }

    /// A person whose record failed or was left out will not come: others stand for them.
    async fn is_pending(&self, kind: Kind, id: &str) -> Result<bool> {
        let row = self.link.record(kind, id).await?;
        Ok(row.is_some_and(|row| !matches!(row.state, State::Done | State::Skipped | State::Failed)))
    }
}

/// Whether a contact may still come of a record that has none in the target.
fn may_be_made(row: &RecordRow) -> bool {
    let is_agent = || row.problem.as_ref().is_some_and(|problem| problem.reason == Reason::Duplicate);
    row.remote.is_none()
        && match row.state {
            State::Failed => false,
            State::Skipped => is_agent(),
            _ => true,
        }
}

fn known(kind: Kind, id: &str, person: &Person, remote: Option<Remote>) -> Known {
    let email = person.emails.first().cloned();
    let name = person.name.clone().filter(|n| !n.trim().is_empty());
    let name = name.or_else(|| email.clone()).or_else(|| person.login.clone());
    let name = name.or_else(|| is_name(id).then(|| id.to_owned()));
    Known { name, email, kind, companies: person.companies.clone(), remote, ..nobody(id) }
}

fn nobody(id: &str) -> Known {
    let (id, companies) = (id.to_owned(), vec![]);
    let (remote, customer) = (None, None);
    let (pending, unplaced) = (false, false);
    Known { id, name: None, email: None, kind: Kind::Contact, companies, remote, pending, customer, unplaced }
}

/// Whether people may know somebody by this id: some platforms refer to people by their login. A number or a key of a program is
/// nobody's name.
fn is_name(id: &str) -> bool {
    let (letters, digits) =
        (id.chars().filter(|c| c.is_alphabetic()).count(), id.chars().filter(char::is_ascii_digit).count());
    let is_key = id.len() >= 16 && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    letters > digits && !is_key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_a_name_and_a_number_or_a_key_is_none() {
        assert!(["ann", "ann.b2", "Ann Miller", "安娜"].into_iter().all(is_name));
        let keys = ["-1", "380000000001", "", "deadbeef-dead-beef-feed-facade000000", "5f3a9c1be4b0", "c1", "#"];
        assert!(!keys.into_iter().any(is_name));
    }

    #[test]
    fn a_person_nobody_knows_is_named_by_id_in_reports_and_never_in_a_text() {
        let known = nobody("-1");
        assert_eq!((known.label().as_str(), known.named(), known.author().name), ("person -1", None, SOMEBODY));
        let remote = |id: &str| Some(Remote { id: id.into(), ..Remote::default() });
        let agent = Known { kind: Kind::Agent, customer: remote("55"), ..nobody("9") };
        let asking = Known::asking(Arc::new(agent.clone()));
        assert_eq!(
            (asking.kind, &asking.remote),
            (Kind::Contact, &remote("55")),
            "their own tickets get a customer as requester"
        );
        let there = Known::asking(Arc::new(Known { remote: remote("1"), ..agent }));
        assert_eq!((there.kind, &there.remote), (Kind::Agent, &remote("1")), "who is an agent there is no customer");
        let by_address = Known { email: Some("a@b.c".into()), ..nobody("7") };
        assert_eq!((by_address.named().as_deref(), by_address.author().name), (Some("a@b.c"), ""));
        let named_so = Known { name: Some("A@b.c".into()), ..by_address };
        assert_eq!((named_so.named().as_deref(), named_so.author().name), (Some("a@b.c"), ""), "not said twice");
    }

    #[test]
    fn an_address_is_one_person_in_every_spelling_and_two_without_one_are_two() {
        let by = |id: &str, email: Option<&str>| Known { email: email.map(str::to_owned), ..nobody(id) };
        let ann = by("7", Some("Ann@x.example"));
        for id in ["Ann <a@x>", "\"Ann\" <a@x>", "mailto:a@x"] {
            assert!(ann.is(&by(id, Some("ann@X.example"))), "{id}");
        }
        assert!(by("7", None).is(&by("7", None)));
        for (a, b) in
            [(by("7", None), by("8", None)), (ann.clone(), by("8", None)), (ann, by("8", Some("b@x.example")))]
        {
            assert!(!a.is(&b) && !b.is(&a), "{a:?} {b:?}");
        }
    }
}
