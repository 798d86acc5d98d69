//! What a migration is called: the same two accounts give the same id on every machine, so that a lost ledger can be made anew
//! from the markers in the target, and the ledger knows an account again under each name it ever had.

use super::names::{self, Accounts, Named};
use super::{Ledger, Link, query};
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

/// A migration as the ledger holds it.
struct Held {
    id: String,
    source: String,
    target: String,
    /// The id in its markers.
    mark: Option<String>,
    sources: Vec<String>,
    targets: Vec<String>,
    /// Whether it made anything in the target.
    wrote: bool,
}

impl Held {
    fn is_of(&self, accounts: &Accounts) -> bool {
        accounts.source.is_one_of(&self.sources) && accounts.target.is_one_of(&self.targets)
    }

    /// The ids under which markers of it may stand in the target: that of its own, then those it would have had under each
    /// pair of names.
    fn marks(&self) -> Vec<Arc<str>> {
        let own = self.mark.as_ref().unwrap_or(&self.id);
        let pairs = self.sources.iter().flat_map(|source| self.targets.iter().map(move |target| (source, target)));
        let former: BTreeSet<String> = pairs.flat_map(|(source, target)| names::ids(source, target)).collect();
        std::iter::once(own).chain(former.iter().filter(|id| *id != own)).map(|id| Arc::from(id.as_str())).collect()
    }
}

impl Ledger {
    /// The migration between two accounts by their addresses.
    pub async fn link(&self, source: &str, target: &str) -> Result<Link> {
        self.migration(&Accounts::at(source, target), &Which::ByAccounts).await
    }

    /// The migration between two accounts. Noted on first use, and under each new name, unless the ledger is opened to
    /// [view](Ledger::view) only.
    ///
    /// Errors: [`Config`](Reason::Config) when there is none of the id that is named.
    pub async fn migration(&self, accounts: &Accounts, which: &Which) -> Result<Link> {
        let held = self.held().await?;
        let known = match which {
            Which::Id(id) => {
                let known = held.iter().find(|one| one.id == *id);
                if known.is_none() && held.iter().any(|one| one.wrote) {
                    return Err(no_such(id, &held));
                }
                known
            }
            // Of several that earlier versions took for different ones, the one that wrote.
            Which::ByAccounts | Which::Another => {
                let mut of_these = held.iter().filter(|one| one.is_of(accounts));
                let first = of_these.clone().next();
                of_these.find(|one| one.wrote).or(first)
            }
        };
        let id = match (known, which) {
            (Some(known), _) => known.id.clone(),
            (None, Which::Id(id)) => id.clone(),
            (None, _) => accounts.id(),
        };
        if self.store.writable() {
            self.note(id.clone(), accounts).await?;
        }
        let noted = self.held().await?.into_iter().find(|one| one.id == id);
        // A ledger that is only looked at may not hold it.
        Ok(self.bound(noted.unwrap_or_else(|| Held {
            id,
            source: accounts.source.address().to_owned(),
            target: accounts.target.address().to_owned(),
            mark: None,
            sources: accounts.source.all().collect(),
            targets: accounts.target.all().collect(),
            wrote: false,
        })))
    }

    /// Every migration the ledger holds, in the order they were made.
    pub async fn links(&self) -> Result<Vec<Link>> {
        Ok(self.held().await?.into_iter().map(|held| self.bound(held)).collect())
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
            "the ledger of this project is that of another migration, {} → {}, and [source] and [target] name {} → {}",
            other.source, other.target, link.source, link.target
        );
        Err(Problem::new(Reason::Refused, what).hint(format!(
            "if these are the same accounts under other names, write `migration = \"{}\"` under [run]; if not, use a project \
             folder of its own, or write `migration = \"new\"`",
            other.id
        )))
    }

    async fn note(&self, id: String, accounts: &Accounts) -> Result<()> {
        let now = self.now().as_millisecond();
        let accounts = accounts.clone();
        self.store
            .write(move |db| {
                db.prepare_cached(
                    "INSERT INTO link (id, source, target, made_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING",
                )?
                .execute(params![id, accounts.source.address(), accounts.target.address(), now])?;
                let mut alias = db.prepare_cached(
                    "INSERT INTO alias (link, side, name) VALUES (?1, ?2, ?3) ON CONFLICT (link, side, name) DO NOTHING",
                )?;
                for (side, named) in [("source", &accounts.source), ("target", &accounts.target)] {
                    for name in named.all() {
                        alias.execute(params![id, side, name])?;
                    }
                }
                Ok(())
            })
            .await
    }

    async fn held(&self) -> Result<Vec<Held>> {
        self.store
            .read(|db| {
                let sql = "SELECT id, source, target, mark, EXISTS (SELECT 1 FROM record WHERE record.link = link.id \
                             AND record.origin = 'created') AS wrote FROM link ORDER BY made_at, id";
                query::all(db, sql, [], |row| {
                    let id: String = row.get("id")?;
                    let (sources, targets) = (aliases(db, &id, "source")?, aliases(db, &id, "target")?);
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

    fn bound(&self, held: Held) -> Link {
        Link {
            ledger: self.clone(),
            sources: held.sources.as_slice().into(),
            marks: held.marks().into(),
            id: Arc::from(held.id),
            source: Arc::from(held.source),
            target: Arc::from(held.target),
        }
    }
}

fn aliases(db: &Connection, link: &str, side: &str) -> Result<Vec<String>, super::Fault> {
    let sql = "SELECT name FROM alias WHERE link = ?1 AND side = ?2 ORDER BY name";
    query::all(db, sql, params![link, side], |row| Ok(row.get(0)?))
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
        Named::at(name).is_one_of(&self.sources)
    }

    /// The same migration in a copy of its ledger.
    pub fn in_copy(&self, copy: &Ledger) -> Link {
        Link { ledger: copy.clone(), ..self.clone() }
    }

    /// From now on its markers carry this id: that of those which stand in the target already.
    pub async fn mark_as(&self, mark: &str) -> Result<()> {
        let (link, mark) = (self.id.clone(), mark.to_owned());
        let sql = "UPDATE link SET mark = ?2 WHERE id = ?1";
        self.ledger.store.write(move |db| Ok(db.prepare_cached(sql)?.execute(params![link, mark]).map(|_| ())?)).await
    }
}
