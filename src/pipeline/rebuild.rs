//! A lost or older ledger: the id map of this migration, read off the markers in the target.
//!
//! Which messages a ticket found so has is not known. A later run looks for each of them before it writes any.

use super::custody::seen_until;
use super::marks::Marks;
use super::stage::AHEAD;
use super::twins::Twins;
use super::{Job, Stop, claim};
use crate::connector::{ChildRows, Mark};
use crate::error::{Problem, Reason, Result};
use crate::ledger::{Origin, RecordRow, Remote, Restored, State, StepKey, Stray};
use crate::record::{Body, Kind, address_key};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::{BTreeMap, HashMap};

/// Records of the ledger looked at at a time.
const PAGE: usize = 1000;
/// Records looked for between two looks at whether to go on.
const LOOKED_FOR: usize = 100;

impl Job {
    /// Restores every kind whose marker can be listed. Gives the number of records that were not known to be there.
    ///
    /// Errors: `unsupported` when the target has no listing of markers, and those of reading it.
    pub async fn rebuild(&self) -> Result<u64, Stop> {
        self.target.prepare().await?;
        claim::proved(self).await?;
        let (mut found, mut listed) = (0, false);
        let mut marks = BTreeMap::new();
        for &kind in Kind::ALL {
            let Some(create) = self.target.creates(kind).map(|step| StepKey::new(step, "", 0)) else { continue };
            let until = seen_until(self.target.as_ref(), kind);
            if let Some(restored) = self.rebuild_kind(kind, &create, &mut marks).await? {
                (found, listed) = (found + restored, true);
                if let Some(until) = until {
                    self.link.set_looked_until(kind, until).await?;
                }
            }
        }
        if !listed {
            let what = "the target cannot list the records that have our markers";
            return Err(Problem::new(Reason::Unsupported, what).into());
        }
        Twins::recheck(self.target.as_ref(), &self.link).await?;
        self.take_over_mark(&marks).await?;
        Ok(found)
    }

    /// Counts the ids of the migration in the markers. None where there is no listing of the kind.
    async fn rebuild_kind(
        &self,
        kind: Kind,
        create: &StepKey,
        marks: &mut BTreeMap<String, u64>,
    ) -> Result<Option<u64>, Stop> {
        let of_kind = Marks::of(&self.link, kind);
        let addresses = self.addresses(kind).await?;
        let prefix = if addresses.is_empty() { of_kind.prefix() } else { String::new() };
        let (mut found, mut listed) = (0, false);
        let mut cursor: Option<String> = None;
        while let Some(page) = self.target.scan(kind, &prefix, None, cursor.as_deref()).await? {
            if !std::mem::replace(&mut listed, true) {
                self.link.forget_strays(kind).await?;
            }
            self.halt.check()?;
            for Mark { marker, remote, .. } in page.rows {
                if let Some((mark, id)) = of_kind.read(&marker) {
                    *marks.entry(mark.to_owned()).or_default() += 1;
                    found += self.restored(kind, id, create, &marker, (remote, Origin::Created)).await?;
                } else if let Some(id) = addresses.get(&address_key(&marker)) {
                    // Whether it was there before nobody can tell: it stays whatever is undone.
                    found += self.restored(kind, id, create, &marker, (remote, Origin::Adopted)).await?;
                }
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        match listed {
            true => Ok(Some(found)),
            false => self.rebuild_by_looks(kind, create, marks).await,
        }
    }

    /// Where nothing lists the markers, each record that is not known to be there is looked for. None where that cannot be, either.
    async fn rebuild_by_looks(
        &self,
        kind: Kind,
        create: &StepKey,
        marks: &mut BTreeMap<String, u64>,
    ) -> Result<Option<u64>, Stop> {
        if !self.target.marks(kind) {
            return Ok(None);
        }
        let of_kind = Marks::of(&self.link, kind);
        let (mut found, mut after) = (0, None);
        loop {
            let rows = self.link.next(kind, State::ALL, after, LOOKED_FOR).await?;
            let Some(last) = rows.last() else { return Ok(Some(found)) };
            after = Some(last.seq);
            self.halt.check()?;
            let unknown = rows.iter().filter(|row| row.remote.is_none());
            let markers: Vec<String> = unknown.flat_map(|row| of_kind.each(&row.id)).collect();
            let Some(there) = self.target.have_marker(kind, &markers).await? else { return Ok(None) };
            for (marker, remote) in there {
                let Some((mark, id)) = of_kind.read(&marker) else { continue };
                *marks.entry(mark.to_owned()).or_default() += 1;
                found += self.restored(kind, id, create, &marker, (remote, Origin::Created)).await?;
            }
        }
    }

    async fn restored(
        &self,
        kind: Kind,
        id: &str,
        create: &StepKey,
        marker: &str,
        (remote, origin): (Remote, Origin),
    ) -> Result<u64> {
        match self.link.restore(kind, id, create, marker, (remote.clone(), origin)).await? {
            Restored::New => Ok(1),
            Restored::Known => Ok(0),
            Restored::Elsewhere => {
                self.link.note_stray(Stray { kind, id: id.to_owned(), remote }).await?;
                Ok(0)
            }
        }
    }

    /// The addresses of customers who are not known to be in the target: they are found there by these.
    async fn addresses(&self, kind: Kind) -> Result<HashMap<String, String>> {
        let mut addresses = HashMap::new();
        if kind != Kind::Contact {
            return Ok(addresses);
        }
        let mut after = None;
        loop {
            let rows = self.link.next(kind, State::ALL, after, PAGE).await?;
            let Some(last) = rows.last() else { return Ok(addresses) };
            after = Some(last.seq);
            let unknown = rows.iter().filter(|row| row.remote.is_none() && row.state != State::Skipped);
            let emails = stream::iter(unknown).map(|row| self.emails_of(row)).buffered(AHEAD);
            for (id, emails) in emails.try_collect::<Vec<_>>().await? {
                addresses.extend(emails.iter().map(|email| (address_key(email), id.clone())));
            }
        }
    }

    async fn emails_of(&self, row: &RecordRow) -> Result<(String, Vec<String>)> {
        let source = self.source.clone();
        let made = move |row| source.assemble(Kind::Contact, &row, &ChildRows::new()).ok();
        let record = self.staging.made_alone(Kind::Contact.code(), &row.id, made).await?.flatten();
        let emails = match record.map(|record| record.body) {
            Some(Body::Contact(person)) => person.emails,
            _ => vec![],
        };
        Ok((row.id.clone(), emails))
    }

    /// Where all that stands in the target carries an id that an earlier version gave, or that comes of another name of an account, what
    /// is written from now on carries it, too.
    async fn take_over_mark(&self, marks: &BTreeMap<String, u64>) -> Result<()> {
        match marks.iter().max_by_key(|(_, records)| **records) {
            Some((mark, _)) if !marks.contains_key(self.link.mark()) => self.link.mark_as(mark).await,
            _ => Ok(()),
        }
    }
}
