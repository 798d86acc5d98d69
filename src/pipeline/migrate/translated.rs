//! A record in the words of the target, by its kind.

use super::{Run, begun};
use crate::error::{Problem, Reason};
use crate::ledger::{Lost, RecordRow};
use crate::pipeline::translate::{Held, Late, Lists, Matched, Translated};
use crate::record::{Body, Record};
use std::sync::Arc;

impl Run<'_> {
    /// A record for the target. What is not read of it is lost wherever it goes.
    pub(in crate::pipeline) async fn translated(&self, record: &Arc<Record>, row: &RecordRow) -> Result<Matched, Held> {
        let mut matched = self.matched(record, row).await?;
        if let Matched::Write(translated) = &mut matched {
            translated.losses.extend(record.unread.iter().map(|unread| Lost::new("", unread.loss, &unread.detail)));
        }
        Ok(matched)
    }

    async fn matched(&self, record: &Arc<Record>, row: &RecordRow) -> Result<Matched, Held> {
        if self.job.target.profile().verbatim {
            return Ok(Matched::Write(self.translator.verbatim(record).await?));
        }
        match &record.body {
            Body::Group(group) => self.translator.group(&row.id, group, begun(row), self.members_of(&row.id)),
            Body::Agent(person) => self.translator.agent(person).await,
            Body::Contact(person) => self.translator.contact(&row.id, person, begun(row), &self.job.link).await,
            Body::Field(field) => self.translator.field(&row.id, field, self.is_making(row).await?),
            Body::Ticket(ticket) => {
                let late = Late::of(&self.job.link, row, ticket, self.lists()).await?;
                self.translated_ticket(record.clone(), late).await.map(Matched::Write)
            }
            Body::Company(company) => self.translator.company(&row.id, company, begun(row)),
            Body::Category(category) => {
                Ok(Matched::Write(self.translator.category(record, category, self.library().await?)?))
            }
            Body::Section(section) => {
                let library = self.library().await?;
                Ok(Matched::Write(self.translator.section(record, section, library, &self.job.link).await?))
            }
            Body::Article(article) => {
                let library = self.library().await?;
                Ok(Matched::Write(self.translator.article(record, article, library, &self.job.link).await?))
            }
        }
    }

    /// How the source knows the files of tickets. A folder takes each ticket whole.
    pub(super) fn lists(&self) -> Lists {
        match self.job.source.is_called() || self.job.target.profile().verbatim {
            true => Lists::ById,
            false => Lists::ByPath,
        }
    }

    /// A ticket takes its time: it is translated on whatever core is free.
    async fn translated_ticket(&self, record: Arc<Record>, late: Late) -> Result<Translated, Held> {
        let fields = self.source_fields().await?;
        let (translator, link) = (self.translator.clone(), self.job.link.clone());
        let work = async move {
            match &record.body {
                Body::Ticket(ticket) => translator.ticket(&record, ticket, &late, &link, &fields).await,
                _ => Err(Held::Fail(Problem::new(Reason::Internal, "not a ticket"))),
            }
        };
        let broke = |e| Held::Trouble(Problem::new(Reason::Internal, format!("a translation broke: {e}")));
        tokio::spawn(work).await.map_err(broke)?
    }
}
