//! A requester whom the target has nobody for: an agent of the source whose address no agent of the target has becomes a customer
//! there, before the first ticket they asked is written. Steps of the ledger like those of any other contact. A ticket whose requester
//! was refused waits for `retry`: one refusal may pass, and a ticket that was written for another person stays with that person.
//!
//! They stand there for what they asked and for nothing else: who answers for a ticket is an agent or nobody.

use super::migrate::{Run, begun};
use super::people::Known;
use super::stage;
use super::translate::Matched;
use super::turn::Turn;
use super::write::Broken;
use super::written::{Past, done};
use crate::error::{Loss, Problem, Reason};
use crate::ledger::{End, Lost, Origin, RecordRow, Seen, State};
use crate::record::{Body, Kind, Record, State as Shown, Ticket};
use serde_json::json;
use std::sync::Arc;

impl Run<'_> {
    /// Sees to it that the target has somebody for who asked this ticket. Gives why the ticket has to wait, where it does. One whose
    /// requester is refused by a `retry` does not, since another person stands for them.
    pub(super) async fn place_requester(
        &self,
        record: &Record,
        ticket: &Ticket,
        turn: &mut Turn,
    ) -> Result<Option<Problem>, Broken> {
        let (job, people) = (self.job, &self.translator.people);
        let makes = job.target.writes(Kind::Contact) && job.in_scope(Kind::Contact) && !job.target.profile().verbatim;
        if !makes || record.state == Shown::Merged {
            return Ok(None);
        }
        let fields = self.source_fields().await?;
        // What a rule cannot compute fails the ticket when it is translated.
        let Ok(Some(id)) = self.translator.requester_of(ticket, &fields) else { return Ok(None) };
        let known = people.of(&id).await?;
        if !known.unplaced {
            return Ok(self.waits_for(&known).await?);
        }
        turn.come().await;
        let _one = self.placing.lock().await;
        let known = people.of(&id).await?;
        if !known.unplaced {
            return Ok(self.waits_for(&known).await?);
        }
        let Some(record) = people.as_contact(&id).await? else { return Ok(None) };
        let row = self.row_of(&record).await?;
        let ended = self.as_customer(Arc::new(record), &row, &mut Turn::free()).await;
        let end = self.ended(Kind::Contact, &id, ended).await.map_err(Broken::Run)?;
        self.close(Kind::Contact, &id, end).await.map_err(Broken::Run)?;
        people.forget_one(&id);
        let row = job.link.record(Kind::Contact, &id).await?;
        match row.map(|row| row.state) {
            Some(State::Done | State::Skipped) => Ok(None),
            Some(State::Failed) => Ok(self.waits_for(&*people.of(&id).await?).await?),
            _ => {
                let what = format!("its requester {} is not in the target yet", known.label());
                Ok(Some(Problem::new(Reason::Unresolved, what)))
            }
        }
    }

    /// Why a ticket waits for a requester who was refused: whoever tries again may have mended what was wrong with them.
    async fn waits_for(&self, requester: &Known) -> Result<Option<Problem>, Problem> {
        if requester.remote.is_some() || requester.customer.is_some() || !self.job.retry.reasons.is_empty() {
            return Ok(None);
        }
        let row = self.job.link.record(Kind::Contact, &requester.id).await?;
        Ok(row.is_some_and(|row| row.state == State::Failed).then(|| {
            let what = format!("its requester {} could not be migrated", requester.label());
            Problem::new(Reason::Unresolved, what).hint(
                "see why that contact failed, mend it, and run `deskferry retry`; if the contact fails again, that run writes the ticket \
                 with another requester and says so",
            )
        }))
    }

    /// Writes somebody as a contact who is none in the source.
    pub(super) async fn as_customer(
        &self,
        mut record: Arc<Record>,
        row: &RecordRow,
        turn: &mut Turn,
    ) -> Result<End, Broken> {
        let Body::Contact(person) = &mut Arc::make_mut(&mut record).body else {
            return Ok(End::Failed { problem: Problem::new(Reason::Internal, "not a contact") });
        };
        for email in &mut person.emails {
            *email = self.translator.mapping.people.agent_email(email).to_owned();
        }
        let shown = [person.name.clone(), person.emails.first().map(|email| format!("<{email}>"))];
        let shown: Vec<String> = shown.into_iter().flatten().collect();
        match self.translator.contact(&row.id, person, begun(row), &self.job.link).await {
            Ok(Matched::There(remote, losses)) => {
                self.job.link.lose_anew(Kind::Contact, &row.id, losses).await?;
                Ok(done(remote, Origin::Matched, None))
            }
            Ok(Matched::Write(mut translated)) => {
                translated.losses.push(Lost::new("", Loss::AgentAsContact, shown.join(" ")));
                self.write(&record, translated, Past::of(row), turn).await
            }
            Err(held) => Ok(held.into_end()?),
        }
    }

    /// Their row in the ledger as a contact.
    async fn row_of(&self, record: &Record) -> Result<RecordRow, Problem> {
        let link = &self.job.link;
        if let Some(row) = link.record(Kind::Contact, &record.id).await? {
            return Ok(row);
        }
        let content_hash = stage::hash(&json!(record));
        let (id, updated_at) = (record.id.clone(), record.updated_at);
        link.see(vec![Seen { kind: Kind::Contact, id, number: None, updated_at, content_hash }]).await?;
        let row = link.record(Kind::Contact, &record.id).await?;
        row.ok_or_else(|| Problem::new(Reason::Internal, format!("contact {}: the ledger does not know it", record.id)))
    }
}
