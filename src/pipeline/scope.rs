//! Which tickets are migrated: `[scope]` of `migration.toml`. What is left out gets a row that says why.

use super::Job;
use crate::error::{Problem, Reason, Result};
use crate::expr::{Scope as EvalContext, truthy};
use crate::mapping::label;
use crate::record::{Body, Kind, Record, State, Ticket};

impl Job {
    /// Whether records of this kind are migrated. Definitions of fields only serve tickets, and categories and sections articles.
    pub(super) fn in_scope(&self, kind: Kind) -> bool {
        let kinds = &self.project.scope.kinds;
        if matches!(kind, Kind::Category | Kind::Section) && kinds.contains(&Kind::Article) {
            return true;
        }
        let for_tickets = matches!(kind, Kind::Link | Kind::Field) && kinds.contains(&Kind::Ticket);
        kinds.is_empty() || for_tickets || kinds.contains(&kind)
    }

    /// Whether the scope leaves out every ticket of this state.
    pub(super) fn has_no_place(&self, state: State) -> bool {
        let scope = &self.project.scope;
        match state {
            State::Deleted => !scope.deleted,
            State::Spam => !scope.spam,
            State::Suspended => !scope.suspended,
            State::Archived => !scope.archived,
            State::Live | State::Merged => false,
        }
    }

    /// Why a ticket is left out; none when it is migrated.
    ///
    /// Errors: `config` and `expression`, from `[scope] jq`.
    pub(super) async fn left_out(&self, record: &Record, ticket: &Ticket) -> Result<Option<Problem>> {
        let scope = &self.project.scope;
        let out = |why: &str| Ok(Some(Problem::new(Reason::Scope, why.to_owned())));
        if scope.created_after.zip(record.created_at).is_some_and(|(after, at)| at < after) {
            return out("created before `created_after`");
        }
        if scope.created_before.zip(record.created_at).is_some_and(|(before, at)| at >= before) {
            return out("created after `created_before`");
        }
        if scope.updated_after.zip(record.updated_at).is_some_and(|(after, at)| at < after) {
            return out("not changed since `updated_after`");
        }
        if !scope.ids.is_empty() && !scope.ids.iter().any(|one| one.kind == Kind::Ticket && one.id == record.id) {
            return out("not among `ids`");
        }
        let has = |wanted: &[String], label: &str| wanted.iter().any(|one| label::same(one, label));
        if !scope.statuses.is_empty() && !ticket.status.as_ref().is_some_and(|s| has(&scope.statuses, s)) {
            return out("not in one of `statuses`");
        }
        if !scope.tags.is_empty() && !ticket.tags.iter().any(|tag| has(&scope.tags, tag)) {
            return out("has none of `tags`");
        }
        let group = match &ticket.group {
            Some(id) if !scope.groups.is_empty() => self.group_name(id).await?,
            _ => None,
        };
        if !scope.groups.is_empty() && !group.is_some_and(|g| has(&scope.groups, &g)) {
            return out("not in one of `groups`");
        }
        match record.state {
            State::Deleted if !scope.deleted => {
                return Ok(Some(Problem::new(Reason::Deleted, "deleted in the source")));
            }
            State::Spam if !scope.spam => {
                return Ok(Some(Problem::new(Reason::Spam, "spam in the source")));
            }
            State::Suspended if !scope.suspended => {
                return Ok(Some(Problem::new(Reason::Suspended, "suspended in the source, and `suspended = false`")));
            }
            State::Archived if !scope.archived => return out("archived, and `archived = false`"),
            _ => {}
        }
        if let Some(filter) = &self.scope_filter {
            let canonical = serde_json::to_value(record).unwrap_or_default();
            if !truthy(&filter.eval(&EvalContext::of(&canonical))?) {
                return out("`jq` of the scope says no");
            }
        }
        Ok(None)
    }

    /// What a group of the source is called.
    pub(super) async fn group_name(&self, id: &str) -> Result<Option<String>> {
        let Some(staged) = self.staged(Kind::Group, id).await? else { return Ok(None) };
        Ok(match staged?.body {
            Body::Group(group) => Some(group.name),
            _ => None,
        })
    }
}
