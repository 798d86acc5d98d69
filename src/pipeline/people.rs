//! The people behind references: who they are in the source, and whom the target knows for them.

use super::addresses::Addresses;
use super::roster::Roster;
use crate::connector::{ChildRows, Source};
use crate::error::Result;
use crate::ledger::{Link, Remote, State};
use crate::record::mailbox::{self, Mailbox};
use crate::record::{Body, Kind, Person, Ref};
use crate::staging::Staging;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// People kept in memory; more are read again from the stage.
const REMEMBERED: usize = 20_000;

/// A person of the source.
#[derive(Clone, Debug)]
pub struct Known {
    pub name: String,
    pub email: Option<String>,
    /// As they stand in the source; a contact where that is not known.
    pub kind: Kind,
    pub companies: Vec<Ref>,
    /// In the target.
    pub remote: Option<Remote>,
    /// Their own record is still on its way into the target.
    pub pending: bool,
}

impl Known {
    /// `NAME <EMAIL>`, or what there is of it.
    pub fn label(&self) -> String {
        match &self.email {
            Some(email) if *email != self.name => format!("{} <{email}>", self.name),
            Some(email) => email.clone(),
            None => self.name.clone(),
        }
    }
}

pub struct People {
    source: Arc<dyn Source>,
    staging: Staging,
    link: Link,
    roster: Arc<Roster>,
    addresses: Addresses,
    known: Mutex<HashMap<String, Arc<Known>>>,
}

impl People {
    pub fn new(source: Arc<dyn Source>, staging: Staging, link: Link, roster: Arc<Roster>) -> Self {
        let addresses = Addresses::new(Arc::clone(&source), staging.clone());
        Self { source, staging, link, roster, addresses, known: Mutex::default() }
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

    /// Forgets people looked up before their own records were carried.
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
        let Some(Mailbox { name, address }) = mailbox::read(id) else {
            let (name, companies) = (id.to_owned(), vec![]);
            return Ok(Known { name, email: None, kind: Kind::Contact, companies, remote: None, pending: false });
        };
        if let Some((kind, id, person)) = self.addresses.owner(&address).await? {
            return self.known_as(kind, &id, &person).await;
        }
        let remote = self.roster.person(&address).map(|entry| entry.remote());
        let name = name.unwrap_or_else(|| address.clone());
        Ok(Known { name, email: Some(address), kind: Kind::Contact, companies: vec![], remote, pending: false })
    }
}

impl People {
    async fn known_as(&self, kind: Kind, id: &str, person: &Person) -> Result<Known> {
        let remote = self.link.target_of(kind, id).await?;
        let pending = remote.is_none() && self.is_pending(kind, id).await?;
        Ok(Known { pending, ..known(kind, id, person, remote) })
    }

    /// A person whose record failed or was left out will not come: others stand for them.
    async fn is_pending(&self, kind: Kind, id: &str) -> Result<bool> {
        let row = self.link.record(kind, id).await?;
        Ok(row.is_some_and(|row| !matches!(row.state, State::Done | State::Skipped | State::Failed)))
    }
}

fn known(kind: Kind, id: &str, person: &Person, remote: Option<Remote>) -> Known {
    let email = person.emails.first().cloned();
    let name = person.name.clone().filter(|n| !n.trim().is_empty());
    let name = name.or_else(|| email.clone()).or_else(|| person.login.clone()).unwrap_or_else(|| id.to_owned());
    Known { name, email, kind, companies: person.companies.clone(), remote, pending: false }
}
