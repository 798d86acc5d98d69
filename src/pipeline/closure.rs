//! What a part of the tickets needs: where the scope or the command line leaves tickets out, only the people and
//! companies that the others name are migrated with them.
//!
//! Tickets are read first then, and what they refer to is noted in the stage, one batch in memory at a time.

use super::addresses::Addresses;
use super::migrate::BATCH;
use super::{Job, Stop, stage};
use crate::error::{Problem, Reason, Result};
use crate::ledger::State;
use crate::record::{Body, Kind, Ref, Ticket};

const PERSON: &str = "person";
const COMPANY: &str = "company";
const TICKET: &str = "ticket";
/// Ids named of those that the source does not have.
const UNKNOWN_SHOWN: usize = 20;

impl Job {
    /// Whether some tickets are left out on purpose.
    pub(super) fn narrows(&self) -> bool {
        let scope = &self.project.scope;
        let filters = [
            scope.created_after.is_some() || scope.created_before.is_some() || scope.updated_after.is_some(),
            !(scope.statuses.is_empty() && scope.groups.is_empty() && scope.tags.is_empty() && scope.ids.is_empty()),
            scope.jq.is_some() || !scope.archived,
            self.choice.sample.is_some() || self.choice.ids.contains_key(&Kind::Ticket),
        ];
        filters.contains(&true)
    }

    /// Why a record is left out because no ticket that is migrated names it; none when it is migrated.
    pub(super) async fn unnamed(&self, kind: Kind, id: &str) -> Result<Option<Problem>> {
        let of = match kind {
            Kind::Contact => PERSON,
            Kind::Company => COMPANY,
            _ => return Ok(None),
        };
        let asked_for = self.choice.ids.get(&kind).is_some_and(|ids| ids.contains(id));
        if !self.narrows() || asked_for || self.staging.is_referred(of, id).await? {
            return Ok(None);
        }
        Ok(Some(Problem::new(Reason::Scope, "no ticket in scope names it")))
    }

    /// Tells of records that the command line asked for and the source does not have.
    ///
    /// Errors: [`Config`](Reason::Config) when it has none of them.
    pub(super) async fn know_what_is_asked_for(&self) -> Result<()> {
        let (mut known, mut unknown) = (false, Vec::new());
        for (kind, ids) in &self.choice.ids {
            for id in ids {
                match self.link.record(*kind, id).await? {
                    Some(_) => known = true,
                    None => unknown.push(format!("{kind}:{id}")),
                }
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        unknown.truncate(UNKNOWN_SHOWN);
        let what = format!("the source has no record {}", unknown.join(", "));
        if !known {
            let hint = "`--ids` takes the source's own ids; `deskferry ids` lists those that were read";
            return Err(Problem::new(Reason::Config, what).hint(hint));
        }
        self.note_once("asked for", || what);
        Ok(())
    }

    /// Whether a sample includes the ticket.
    pub(super) async fn is_sampled(&self, id: &str) -> Result<bool> {
        Ok(self.choice.sample.is_none() || self.staging.is_referred(TICKET, id).await?)
    }
}

/// Reads the tickets, and notes what those that are migrated refer to.
pub async fn note(job: &Job) -> Result<(), Stop> {
    if !job.narrows() || !job.choice.wants(Kind::Ticket) {
        return Ok(());
    }
    for kind in [Kind::Group, Kind::Contact, Kind::Ticket] {
        if job.stages(kind) {
            stage::kind(job, kind).await?;
        }
    }
    job.staging.clear_references().await?;
    let most = job.choice.sample.unwrap_or(u64::MAX);
    let addresses = Addresses::new(job.source.clone(), job.staging.clone());
    let (mut after, mut migrated) = (None, 0);
    loop {
        job.halt.check()?;
        let rows = job.link.next(Kind::Ticket, State::ALL, after, BATCH).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(last.seq);
        let mut references = Vec::new();
        for row in rows.iter().filter(|row| job.choice.wants_id(Kind::Ticket, &row.id)) {
            if migrated < most && note_one(job, &addresses, &row.id, &mut references).await? {
                migrated += 1;
            }
        }
        job.staging.refer(references).await?;
        if migrated >= most {
            return Ok(());
        }
    }
}

/// What one ticket refers to; false when it is not migrated. One that cannot be read fails later, with its reason.
async fn note_one(
    job: &Job,
    addresses: &Addresses,
    id: &str,
    references: &mut Vec<(&'static str, String)>,
) -> Result<bool> {
    let Some(staged) = job.staged(Kind::Ticket, id).await? else { return Ok(false) };
    let Ok(record) = staged else { return Ok(true) };
    let Body::Ticket(ticket) = &record.body else { return Ok(false) };
    if !matches!(job.left_out(&record, ticket).await, Ok(None)) {
        return Ok(false);
    }
    references.push((TICKET, id.to_owned()));
    references.extend(ticket.company.iter().map(|company| (COMPANY, company.clone())));
    for person in people(ticket) {
        let owner = match person.contains('@') {
            true => addresses.owner(person).await?.map(|(_, id, _)| id),
            false => None,
        };
        let person = owner.as_ref().unwrap_or(person);
        references.push((PERSON, person.clone()));
        references.extend(companies(job, person).await?.into_iter().map(|company| (COMPANY, company)));
    }
    Ok(true)
}

fn people(ticket: &Ticket) -> impl Iterator<Item = &Ref> {
    let single = [&ticket.requester, &ticket.submitter, &ticket.assignee];
    let several = [&ticket.requesters, &ticket.ccs, &ticket.followers];
    let authors = ticket.comments.iter().filter_map(|comment| comment.author.as_ref());
    single.into_iter().flatten().chain(several.into_iter().flatten()).chain(authors)
}

async fn companies(job: &Job, person: &str) -> Result<Vec<Ref>> {
    let Some(staged) = job.staged(Kind::Contact, person).await? else { return Ok(vec![]) };
    Ok(match staged.map(|record| record.body) {
        Ok(Body::Contact(person)) => person.companies,
        _ => vec![],
    })
}
