//! Relations between tickets: none is deleted by itself. It goes with either of its tickets, and its writing changed both.

use super::super::{Job, Stop};
use super::judge::Span;
use crate::ledger::State;
use crate::record::{Kind, LinkType};
use std::collections::HashMap;

/// Read at a time.
const PAGE: usize = 1000;

/// The relations that were written, by the source id of each of their tickets.
#[derive(Default)]
pub(super) struct Relations(HashMap<String, Vec<String>>);

impl Relations {
    pub async fn read(job: &Job) -> Result<Relations, Stop> {
        let (mut all, mut after) = (HashMap::<String, Vec<String>>::new(), None);
        loop {
            let rows = job.link.next(Kind::Link, State::ALL, after, PAGE).await?;
            let Some(last) = rows.last() else { return Ok(Relations(all)) };
            after = Some(last.seq);
            for row in rows.iter().filter(|row| row.has_steps || row.state == State::Done) {
                for ticket in tickets_of(&row.id) {
                    all.entry(ticket.to_owned()).or_default().push(row.id.clone());
                }
            }
        }
    }

    /// Those of a record; only tickets have any.
    pub fn of(&self, kind: Kind, id: &str) -> Vec<String> {
        if kind == Kind::Ticket { self.0.get(id).cloned().unwrap_or_default() } else { vec![] }
    }

    /// When the relations of a record were written.
    pub async fn spans(&self, job: &Job, kind: Kind, id: &str) -> Result<Vec<Span>, Stop> {
        let mut spans = Vec::new();
        for relation in self.of(kind, id) {
            let Some(row) = job.link.record(Kind::Link, &relation).await? else { continue };
            let steps = job.link.steps(Kind::Link, &relation).await?;
            spans.extend(steps.iter().filter_map(|step| Span::of(step, row.changed_at)));
        }
        Ok(spans)
    }
}

/// The two tickets of a relation `FROM:TYPE:TO`. An id may have colons of its own: wherever a type may stand, both sides count.
fn tickets_of(relation: &str) -> Vec<&str> {
    let splits = LinkType::ALL.iter().flat_map(|link_type| {
        let between = format!(":{}:", link_type.code());
        relation.split_once(&between).map(|(from, to)| [from, to])
    });
    splits.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relation_is_known_by_both_its_tickets() {
        assert_eq!(tickets_of("7:problem_of:9"), ["7", "9"]);
        assert_eq!(tickets_of("INC:7:related:PRB:9"), ["INC:7", "PRB:9"]);
        assert!(tickets_of("7").is_empty());
    }
}
