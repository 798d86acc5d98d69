//! Groups the target lacks: made before the tickets that are theirs, with those of their agents who are there, where
//! `[run] create_groups` asks for it. Steps of the ledger like those of any other record.

use super::migrate::Run;
use super::{Event, Job, Stop, stage};
use crate::connector::ChildRows;
use crate::error::Result;
use crate::record::{Body, Kind, Person};
use std::collections::BTreeMap;

/// Agents of the target by the source's id of their group.
pub type Members = BTreeMap<String, Vec<String>>;

impl Job {
    /// Whether groups are made.
    pub(super) fn makes_groups(&self) -> bool {
        self.project.run.create_groups && self.target.writes(Kind::Group)
    }
}

impl Run<'_> {
    /// Finds out who works in the groups, before they are made: the source's agents are staged for that, if they are not. Tells
    /// where what was asked for cannot be done.
    pub(super) async fn begin_groups(&self) -> Result<(), Stop> {
        if self.job.makes_groups() {
            self.members.get_or_try_init(|| self.all_members()).await?;
        } else if self.job.project.run.create_groups {
            let what = "the target's API makes no groups: `create_groups` has no effect".to_owned();
            (self.job.tell)(Event::Note { what });
        }
        Ok(())
    }

    /// Who of the target works in a group of the source that is made.
    pub(super) fn members_of(&self, group: &str) -> &[String] {
        self.members.get().and_then(|members| members.get(group)).map_or(&[], Vec::as_slice)
    }

    async fn all_members(&self) -> Result<Members, Stop> {
        let mut all = Members::new();
        if !self.job.source.reads(Kind::Agent) {
            return Ok(all);
        }
        stage::kind(self.job, Kind::Agent).await?;
        for raw in self.job.staging.rows(Kind::Agent.code()).await? {
            let record = self.job.source.assemble(Kind::Agent, &raw, &ChildRows::new());
            let Ok(Body::Agent(person)) = record.map(|record| record.body) else { continue };
            let Some(id) = self.there(&person) else { continue };
            for group in &person.groups {
                all.entry(group.clone()).or_default().push(id.clone());
            }
        }
        Ok(all)
    }

    /// The id of an agent in the target.
    fn there(&self, person: &Person) -> Option<String> {
        let address = self.translator.mapping.people.agent_email(person.emails.first()?);
        Some(self.translator.target_metadata.person(address)?.id)
    }
}
