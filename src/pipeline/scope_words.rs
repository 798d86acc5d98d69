//! What is wrong with `[scope]` that only the source shows: it names records, statuses, tags or groups the source does not have, or
//! leaves no ticket at all. Asked at the end of a run and of a preview, when everything is staged; writes nothing.

use super::migrate::BATCH;
use super::{Event, Job};
use crate::connector::ChildRows;
use crate::error::{Problem, Reason, Result};
use crate::ledger::State as Step;
use crate::mapping::label;
use crate::project::spelling;
use crate::record::{Body, Kind, Record};
use futures_util::TryStreamExt;
use std::collections::BTreeSet;
use std::pin::pin;

/// Words of the source that one of the scope is compared with.
const COMPARED: usize = 2_000;
/// Words of the source that are named where none is like it.
const NAMED: usize = 20;

/// The words of one list of the scope, and what the source has of them.
struct Words<'a> {
    /// What one of them is called, and the key of the list.
    what: (&'static str, &'static str),
    unknown: Vec<&'a str>,
    known: BTreeSet<String>,
}

impl<'a> Words<'a> {
    fn of(what: &'static str, key: &'static str, wanted: &'a [String]) -> Self {
        Self { what: (what, key), unknown: wanted.iter().map(String::as_str).collect(), known: BTreeSet::new() }
    }

    fn see(&mut self, word: &str) {
        if self.unknown.is_empty() {
            return;
        }
        self.unknown.retain(|wanted| !label::same(wanted, word));
        if self.known.len() < COMPARED && !self.known.contains(word) {
            self.known.insert(word.to_owned());
        }
    }

    fn problems(&self) -> impl Iterator<Item = Problem> {
        let (what, key) = self.what;
        self.unknown.iter().map(move |word| {
            let known = || self.known.iter().map(String::as_str);
            let hint = match spelling::nearest(word, known()) {
                Some(_) => spelling::hint(word, known()),
                None => spelling::hint(word, known().take(NAMED)),
            };
            let hint = hint.unwrap_or_else(|| format!("correct or remove it in `{key}` of [scope] in migration.toml"));
            Problem::new(Reason::Scope, format!("[scope] {key}: the source has no {what} \"{word}\"")).hint(hint)
        })
    }
}

impl Job {
    /// Reports what is wrong with the scope after a run. Whether anything is.
    pub(super) async fn report_scope(&self) -> Result<bool> {
        let counts = self.link.counts().await?;
        let tickets = || counts.iter().filter(|count| count.kind == Kind::Ticket);
        let is_out = |reason| {
            matches!(reason, Reason::Scope | Reason::Merged | Reason::Deleted | Reason::Spam | Reason::Suspended)
        };
        let leaves_some = tickets().any(|count| !count.reason.is_some_and(is_out));
        let wrong = self.wrong_scope(leaves_some).await?;
        for Problem { what, hint, .. } in &wrong {
            let what = hint.iter().fold(what.clone(), |what, hint| format!("{what}; {hint}"));
            (self.tell)(Event::Note { what });
        }
        Ok(!wrong.is_empty())
    }

    /// What is wrong with the scope, each with what to do. `leaves_some`: whether a ticket of the source is in it.
    pub(super) async fn wrong_scope(&self, leaves_some: bool) -> Result<Vec<Problem>> {
        let mut wrong = Vec::new();
        for one in &self.project.scope.ids {
            if self.in_scope(one.kind)
                && self.choice.wants(one.kind)
                && self.link.record(one.kind, &one.id).await?.is_none()
            {
                let what = format!("[scope] ids: the source has no {} {}", one.kind, one.id);
                let hint = "correct or remove it in `ids` of [scope] in migration.toml";
                wrong.push(Problem::new(Reason::Scope, what).hint(hint));
            }
        }
        // Of a sample or of records that were asked for, not every ticket is read.
        let is_whole = self.choice.sample.is_none() && self.choice.ids.is_empty();
        if !is_whole || !self.in_scope(Kind::Ticket) || !self.choice.wants(Kind::Ticket) {
            return Ok(wrong);
        }
        let counts = self.link.counts().await?;
        let all: u64 = counts.iter().filter(|count| count.kind == Kind::Ticket).map(|count| count.records).sum();
        if all == 0 {
            return Ok(wrong);
        }
        wrong.extend(self.unknown_words().await?);
        if wrong.is_empty() && !leaves_some {
            let what = format!("[scope] leaves none of the {all} tickets of the source");
            wrong.push(Problem::new(Reason::Scope, what).hint("correct [scope] in migration.toml"));
        }
        Ok(wrong)
    }

    /// Words of `statuses`, `tags` and `groups` that the source does not have. Tickets are looked through as far as it takes.
    async fn unknown_words(&self) -> Result<Vec<Problem>> {
        let scope = &self.project.scope;
        let mut statuses = Words::of("status", "statuses", &scope.statuses);
        let mut tags = Words::of("tag", "tags", &scope.tags);
        let mut groups = Words::of("group", "groups", &scope.groups);
        for row in self.definitions(Kind::Group, &groups).await? {
            if let Body::Group(group) = row {
                groups.see(&group.name);
            }
        }
        // A status may be one of the account without a ticket that has it.
        for row in self.definitions(Kind::Field, &statuses).await? {
            if let Body::Field(field) = row
                && label::same(&field.key, "status")
            {
                field.options.iter().for_each(|option| statuses.see(&option.label));
            }
        }
        let mut after = None;
        while !(statuses.unknown.is_empty() && tags.unknown.is_empty()) {
            let rows = self.link.next(Kind::Ticket, Step::ALL, after, BATCH).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.seq);
            let mut records = pin!(self.staged_each(Kind::Ticket, &rows));
            while let Some((_, staged)) = records.try_next().await? {
                if let Some(Ok(Record { body: Body::Ticket(ticket), .. })) = staged {
                    ticket.status.iter().for_each(|status| statuses.see(status));
                    ticket.tags.iter().for_each(|tag| tags.see(tag));
                }
            }
        }
        Ok([&statuses, &tags, &groups].into_iter().flat_map(Words::problems).collect())
    }

    /// What is staged of a kind, where a word may name one of it. One that cannot be read is none.
    async fn definitions(&self, kind: Kind, words: &Words<'_>) -> Result<Vec<Body>> {
        if words.unknown.is_empty() {
            return Ok(vec![]);
        }
        let rows = self.staging.rows(kind.code()).await?;
        let body = |row| self.source.assemble(kind, row, &ChildRows::new()).ok().map(|record| record.body);
        Ok(rows.iter().filter_map(body).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_known_in_any_spelling_of_a_label_and_others_are_named_with_what_was_meant() {
        let wanted = ["open".to_owned(), "Pendnig".to_owned(), "x".to_owned()];
        let mut words = Words::of("status", "statuses", &wanted);
        ["Open", "Pending"].into_iter().for_each(|word| words.see(word));
        let said: Vec<_> = words.problems().map(|p| (p.what, p.hint.unwrap())).collect();
        assert_eq!(
            said[0],
            ("[scope] statuses: the source has no status \"Pendnig\"".into(), "did you mean `Pending`?".into())
        );
        assert_eq!(said[1].1, "one of `Open`, `Pending`");
        assert_eq!(said.len(), 2);
        let none = Words::of("tag", "tags", &wanted).problems().next().unwrap();
        assert_eq!(none.hint.unwrap(), "correct or remove it in `tags` of [scope] in migration.toml");
    }
}
