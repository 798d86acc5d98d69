//! What a ticket has beside its messages: the time spent on it, and how satisfied its requester was.

use super::ticket::redacted;
use super::{Held, Lost, Translator};
use crate::connector::mapped::{MappedRating, MappedTimeEntry};
use crate::connector::plan::scrub;
use crate::content::{self, ImagePlace, header};
use crate::error::Loss;
use crate::record::{Format, Kind, Ticket, TimeEntry};
use serde_json::Value;

/// The words for a rating that every platform's own are read as.
const SCORES: [&str; 3] = ["good", "neutral", "bad"];

impl Translator {
    /// The time spent on the ticket, as far as the target takes such.
    pub(super) async fn time_entries(
        &self,
        ticket: &Ticket,
        canonical: &Value,
        losses: &mut Vec<Lost>,
    ) -> Result<Vec<MappedTimeEntry>, Held> {
        let mut entries = Vec::new();
        for entry in &ticket.time_entries {
            if self.target.takes("time_entry") {
                entries.push(self.time_entry(entry, canonical, losses).await?);
            } else {
                losses.push(Lost::new(&entry.id, Loss::Time, format!("{} h", clock(entry.minutes))));
            }
        }
        Ok(entries)
    }

    /// The requester's rating, where the target takes one and the source's word says something to it.
    pub(super) fn rating(
        &self,
        ticket: &Ticket,
        canonical: &Value,
        losses: &mut Vec<Lost>,
    ) -> Result<Option<MappedRating>, Held> {
        let Some(rating) = &ticket.satisfaction else { return Ok(None) };
        let rating = self.known_rating(rating, ticket, canonical, losses)?;
        if rating.is_none() {
            losses.push(Lost::new("", Loss::Rating, ""));
        }
        Ok(rating)
    }

    async fn time_entry(
        &self,
        entry: &TimeEntry,
        canonical: &Value,
        losses: &mut Vec<Lost>,
    ) -> Result<MappedTimeEntry, Held> {
        let person = match &entry.agent {
            Some(id) => Some(self.person(id).await?),
            None => None,
        };
        let agent = person.as_ref().filter(|p| p.kind == Kind::Agent && p.remote.is_some());
        let mut note = scrub(entry.note.as_deref().unwrap_or_default());
        note = redacted(&self.mapping.redact.body, &note, canonical, losses)?;
        if let Some(person) = person.as_ref().filter(|_| agent.is_none()) {
            losses.push(Lost::new(&entry.id, Loss::Author, person.label()));
            let line = header::line(Some(&person.author()), None).unwrap_or_default();
            note = header::put(&note, Format::Text, &line);
        }
        Ok(MappedTimeEntry {
            id: entry.id.clone(),
            minutes: entry.minutes,
            clock: clock(entry.minutes),
            note,
            billable: entry.billable,
            at: entry.at,
            agent: agent.and_then(|agent| self.in_target(agent)),
        })
    }

    fn known_rating(
        &self,
        rating: &Value,
        ticket: &Ticket,
        canonical: &Value,
        losses: &mut Vec<Lost>,
    ) -> Result<Option<MappedRating>, Held> {
        let score = rating["score"].as_str().filter(|score| SCORES.contains(score));
        let Some(score) = score.filter(|_| self.target.takes("rating")) else { return Ok(None) };
        let feedback = scrub(rating["comment"].as_str().unwrap_or_default());
        // Some platforms show the words among the messages: they are not said twice.
        let words = content::normalise(&feedback);
        let plain = |body: &str, format| content::convert(body, format, Format::Text, &|_| ImagePlace::Gone).text;
        let is_said = || ticket.comments.iter().any(|c| content::normalise(&plain(&c.body, c.format)) == words);
        let feedback = match words.is_empty() || is_said() {
            true => None,
            false => Some(redacted(&self.mapping.redact.body, &feedback, canonical, losses)?),
        };
        let (id, value) = (rating["id"].clone(), rating["value"].clone());
        Ok(Some(MappedRating { id, score: score.to_owned(), value, feedback }))
    }
}

/// Minutes as `hh:mm`.
fn clock(minutes: u64) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_may_be_more_than_a_day() {
        assert_eq!([clock(0), clock(61), clock(6_000)], ["00:00", "01:01", "100:00"]);
    }
}
