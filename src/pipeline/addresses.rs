//! People by their e-mail address, where a source names somebody by that alone: in copy, for one.
//!
//! The index is made when it is first asked: some forty bytes an address. What it finds is looked at before it counts.

use crate::connector::{ChildRows, Source};
use crate::error::Result;
use crate::record::{Body, Kind, Person, address_key, same_address};
use crate::staging::Staging;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Rows read together.
const BATCH: u32 = 500;

/// Whose an address is. Who is known by it goes before who only has it, too.
struct Owner {
    kind: Kind,
    id: Box<str>,
    is_first: bool,
}

pub struct Addresses {
    source: Arc<dyn Source>,
    staging: Staging,
    hashes: RandomState,
    index: OnceCell<HashMap<u64, Owner>>,
}

impl Addresses {
    pub fn new(source: Arc<dyn Source>, staging: Staging) -> Self {
        Self { source, staging, hashes: RandomState::new(), index: OnceCell::new() }
    }

    /// The agent or else the contact of the stage that is known by this address, or else has it, by its id. All people must be staged.
    pub async fn owner(&self, address: &str) -> Result<Option<(Kind, String, Person)>> {
        let index = self.index.get_or_try_init(|| self.read()).await?;
        let Some(Owner { kind, id, .. }) = index.get(&self.hash(address)) else { return Ok(None) };
        let person = self.person(*kind, id).await?;
        let person = person.filter(|person| person.emails.iter().any(|own| same_address(own, address)));
        Ok(person.map(|person| (*kind, id.to_string(), person)))
    }

    fn hash(&self, address: &str) -> u64 {
        self.hashes.hash_one(address_key(address))
    }

    async fn read(&self) -> Result<HashMap<u64, Owner>> {
        let mut index: HashMap<u64, Owner> = HashMap::new();
        for kind in [Kind::Agent, Kind::Contact] {
            let mut after = None;
            loop {
                let ids = self.staging.ids(kind.code(), after, BATCH).await?;
                let Some(last) = ids.last() else { break };
                after = Some(last.0);
                for (_, id) in ids {
                    let emails = self.person(kind, &id).await?.map(|person| person.emails).unwrap_or_default();
                    for (nth, address) in emails.iter().enumerate() {
                        let owner = Owner { kind, id: id.as_str().into(), is_first: nth == 0 };
                        let there = index.get(&self.hash(address));
                        if there.is_none_or(|there| owner.is_first && !there.is_first) {
                            index.insert(self.hash(address), owner);
                        }
                    }
                }
            }
        }
        Ok(index)
    }

    /// None where the row is gone, or cannot be read.
    async fn person(&self, kind: Kind, id: &str) -> Result<Option<Person>> {
        let Some(row) = self.staging.item(kind.code(), id).await? else { return Ok(None) };
        Ok(match self.source.assemble(kind, &row, &ChildRows::new()).map(|record| record.body) {
            Ok(Body::Agent(person) | Body::Contact(person)) => Some(person),
            _ => None,
        })
    }
}
