//! What a migration is called: the same two accounts give the same id on every machine, so that a lost ledger can be made anew
//! from the markers in the target, and the ledger knows an account again under each name it ever had.

use super::names::{self, Accounts, Learnt, Name, Named};
use super::{Fault, Ledger, Link, query};
use crate::error::{Problem, Reason, Result};
use rusqlite::{Connection, params};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Which migration of the ledger is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// The one between these accounts, whatever they are called now.
    #[default]
    ByAccounts,
    /// The one of this id: its accounts have other names now.
    Id(String),
    /// One beside those that are there.
    Another,
}

/// Whether the target is the account that a migration wrote to, by its names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Claim {
    /// It goes by a name it was known by when that was written, or nothing was written yet.
    #[default]
    Known,
    /// It has an address that the ledger never saw it by.
    Renamed(String),
    /// At this address lay a folder with an id of its own, and it has that id no more.
    Replaced(String),
}

/// A migration as the ledger holds it.
struct Held {
    id: String,
    source: String,
    target: String,
    /// The id in its markers.
    mark: Option<String>,
    sources: Vec<Name>,
    targets: Vec<Name>,
    /// Whether it made anything in the target.
    wrote: bool,
}

impl Held {
    /// One that the ledger does not hold yet.
    fn new(id: String, accounts: &Accounts, learnt: Learnt) -> Held {
        Held {
            id,
            source: accounts.source.address().to_owned(),
            target: accounts.target.address().to_owned(),
            mark: None,
            sources: accounts.source.names(learnt),
            targets: accounts.target.names(learnt),
            wrote: false,
        }
    }

    /// What is another migration is known by the names it was made under alone: what the accounts of this one were said to be called
    /// now may be theirs.
    fn is_of(&self, accounts: &Accounts, which: &Which) -> bool {
        let counts = |name: &&Name| *which != Which::Another || name.learnt == Some(Learnt::Made);
        accounts.source.is_one_of(self.sources.iter().filter(counts))
            && accounts.target.is_one_of(self.targets.iter().filter(counts))
    }

    /// The ids under which markers of it may stand in the target: that of its own, then those it would have had under each
    /// pair of names.
    fn marks(&self) -> Vec<Arc<str>> {
        let own = self.mark.as_ref().unwrap_or(&self.id);
        let sure = |names: &'_ [Name]| -> Vec<String> {
            names.iter().filter(|name| name.learnt.is_some()).map(|name| name.text.clone()).collect()
        };
        let (sources, targets) = (sure(&self.sources), sure(&self.targets));
        let pairs = sources.iter().flat_map(|source| targets.iter().map(move |target| (source, target)));
        let former: BTreeSet<String> = pairs.flat_map(|(source, target)| names::ids(source, target)).collect();
        std::iter::once(own).chain(former.iter().filter(|id| *id != own)).map(|id| Arc::from(id.as_str())).collect()
    }

    fn claim(&self, target: &Named) -> Claim {
        let sure = || self.targets.iter().filter(|name| name.learnt.is_some());
        let address = target.address().to_owned();
        match target.is_one_of(sure()) {
            _ if !self.wrote => Claim::Known,
            false => Claim::Renamed(address),
            true if sure().any(|name| name.is_own()) && !target.calls_itself_one_of(sure()) => Claim::Replaced(address),
            true => Claim::Known,
        }
    }
}

impl Ledger {
    /// The migration between two accounts by their addresses, [begun](Ledger::begin).
    pub async fn link(&self, source: &str, target: &str) -> Result<Link> {
        self.begin(&Accounts::at(source, target), &Which::ByAccounts).await
    }

    /// The migration between two accounts. Writes nothing: one that the ledger does not hold has to be [begun](Ledger::begin)
    /// before anything is noted of it.
    ///
    /// Errors: [`Config`](Reason::Config) when there is none of the id that is named.
    pub async fn migration(&self, accounts: &Accounts, which: &Which) -> Result<Link> {
        let mut held = self.held().await?;
        let known = match which {
            Which::Id(id) => {
                let known = held.iter().position(|one| one.id == *id);
                if known.is_none() && held.iter().any(|one| one.wrote) {
                    return Err(no_such(id, &held));
                }
                known
            }
            // Of several that earlier versions took for different ones, the one that wrote.
            Which::ByAccounts | Which::Another => {
                let of_these = |one: &Held| one.is_of(accounts, which);
                let wrote = held.iter().position(|one| one.wrote && of_these(one));
                wrote.or_else(|| held.iter().position(of_these))
            }
        };
        let held = match (known, which) {
            (Some(known), _) => held.swap_remove(known),
            (None, Which::Id(id)) => Held::new(id.clone(), accounts, Learnt::Said),
            (None, _) => Held::new(accounts.id(), accounts, Learnt::Made),
        };
        Ok(self.bound(held, accounts))
    }

    /// As [`Ledger::migration`], and one that is new is entered, with the names its accounts have. Those that a known one has
    /// now are [learnt](Link::learn) by whoever saw that they are its own.
    ///
    /// Errors: as [`Ledger::migration`].
    pub async fn begin(&self, accounts: &Accounts, which: &Which) -> Result<Link> {
        let link = self.migration(accounts, which).await?;
        let learnt = if matches!(which, Which::Id(_)) { Learnt::Said } else { Learnt::Made };
        let (id, now) = (link.id.to_string(), self.now().as_millisecond());
        let (source, target) = (link.source.to_string(), link.target.to_string());
        let names = accounts.clone();
        self.store
            .write(move |db| {
                let new = db
                    .prepare_cached(
                        "INSERT INTO link (id, source, target, made_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING",
                    )?
                    .execute(params![id, source, target, now])?;
                if new == 1 {
                    put_names(db, &id, "source", &names.source.names(learnt))?;
                    put_names(db, &id, "target", &names.target.names(learnt))?;
                }
                Ok(())
            })
            .await?;
        Ok(link)
    }

    /// Every migration the ledger holds, in the order they were made.
    pub async fn links(&self) -> Result<Vec<Link>> {
        let bound = |held: Held| {
            let accounts = Accounts::at(&held.source, &held.target);
            self.bound(held, &accounts)
        };
        Ok(self.held().await?.into_iter().map(bound).collect())
    }

    /// Refuses to begin a migration beside another one that wrote: it may be the same under a name nobody knows yet, and
    /// would be written a second time.
    ///
    /// Errors: [`Refused`](Reason::Refused).
    pub async fn is_alone(&self, link: &Link) -> Result<()> {
        let held = self.held().await?;
        if held.iter().any(|one| one.id == *link.id && one.wrote) {
            return Ok(());
        }
        let Some(other) = held.iter().find(|one| one.wrote) else { return Ok(()) };
        let what = format!(
            "the ledger of this project belongs to another migration, {} → {}, but [source] and [target] name {} → {}",
            other.source, other.target, link.source, link.target
        );
        Err(Problem::new(Reason::Refused, what).hint(format!(
            "if these are the same accounts under other names, write `migration = \"{}\"` under [run]; if not, use a project \
             folder of its own, or write `migration = \"new\"`",
            other.id
        )))
    }

    async fn held(&self) -> Result<Vec<Held>> {
        self.store
            .read(|db| {
                let sql = "SELECT id, source, target, mark, EXISTS (SELECT 1 FROM record WHERE record.link = link.id \
                             AND record.origin = 'created') AS wrote FROM link ORDER BY made_at, id";
                query::all(db, sql, [], |row| {
                    let id: String = row.get("id")?;
                    let (sources, targets) = (names_of(db, &id, "source")?, names_of(db, &id, "target")?);
                    Ok(Held {
                        source: row.get("source")?,
                        target: row.get("target")?,
                        mark: row.get("mark")?,
                        wrote: row.get("wrote")?,
                        sources,
                        targets,
                        id,
                    })
                })
            })
            .await
    }

    fn bound(&self, held: Held, accounts: &Accounts) -> Link {
        Link {
            ledger: self.clone(),
            claim: Arc::new(held.claim(&accounts.target)),
            marks: held.marks().into(),
            sources: held.sources.into(),
            targets: held.targets.into(),
            id: Arc::from(held.id),
            source: Arc::from(held.source),
            target: Arc::from(held.target),
        }
    }
}

fn names_of(db: &Connection, link: &str, side: &str) -> Result<Vec<Name>, Fault> {
    let sql = "SELECT name, learnt FROM alias WHERE link = ?1 AND side = ?2 ORDER BY name";
    query::all(db, sql, params![link, side], |row| {
        let learnt: Option<String> = row.get("learnt")?;
        Ok(Name { text: row.get("name")?, learnt: learnt.as_deref().and_then(Learnt::from_code) })
    })
}

/// A name that is known already stays what it is.
fn put_names(db: &Connection, link: &str, side: &str, names: &[Name]) -> Result<(), Fault> {
    let mut put = db.prepare_cached(
        "INSERT INTO alias (link, side, name, learnt) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (link, side, name) \
         DO UPDATE SET learnt = COALESCE(alias.learnt, excluded.learnt)",
    )?;
    for name in names {
        put.execute(params![link, side, name.text, name.learnt.map(Learnt::code)])?;
    }
    Ok(())
}

fn no_such(id: &str, held: &[Held]) -> Problem {
    let there: Vec<String> = held
        .iter()
        .filter(|one| one.wrote)
        .map(|one| format!("\"{}\" is {} → {}", one.id, one.source, one.target))
        .collect();
    let what = format!("`migration` under [run]: the ledger holds no migration `{id}`");
    Problem::new(Reason::Config, what).hint(format!("it holds: {}", there.join("; ")))
}

impl Link {
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id in the markers of its records.
    pub fn mark(&self) -> &str {
        self.marks.first().map_or(&self.id, |mark| mark)
    }

    /// All ids under which its markers may stand in the target, [its own](Link::mark) first: the others are those an earlier version,
    /// or another spelling of an address, would have given it.
    pub fn marks(&self) -> &[Arc<str>] {
        &self.marks
    }

    /// In its [normal](super::normal_address) spelling.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// In its [normal](super::normal_address) spelling.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Whether its source is an account of this name.
    pub fn is_from(&self, name: &str) -> bool {
        Named::at(name).is_one_of(self.sources.iter())
    }

    /// Every name its source ever had, and every one its target ever had.
    pub fn names(&self) -> [Vec<&str>; 2] {
        [&self.sources, &self.targets].map(|names| names.iter().map(|name| name.text.as_str()).collect())
    }

    /// Whether the target it was asked for by is the one it wrote to.
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Enters the names its accounts have now, for the time when nobody says which migration is meant. Only for who has seen that the
    /// target is its own.
    pub async fn learn(&self, accounts: &Accounts) -> Result<()> {
        let (id, accounts) = (self.id.clone(), accounts.clone());
        self.ledger
            .store
            .write(move |db| {
                for (side, named) in [("source", &accounts.source), ("target", &accounts.target)] {
                    let known = names_of(db, &id, side)?;
                    let made = named.is_one_of(known.iter().filter(|name| name.learnt == Some(Learnt::Made)));
                    put_names(db, &id, side, &named.names(if made { Learnt::Made } else { Learnt::Said }))?;
                }
                Ok(())
            })
            .await
    }

    /// The same migration in a copy of its ledger.
    pub fn in_copy(&self, copy: &Ledger) -> Link {
        Link { ledger: copy.clone(), ..self.clone() }
    }

    /// From now on its markers migrate this id: that of those which stand in the target already.
    pub async fn mark_as(&self, mark: &str) -> Result<()> {
        let (link, mark) = (self.id.clone(), mark.to_owned());
        let sql = "UPDATE link SET mark = ?2 WHERE id = ?1";
        self.ledger.store.write(move |db| Ok(db.prepare_cached(sql)?.execute(params![link, mark]).map(|_| ())?)).await
    }
}
