//! What a refusal below a row means: that the plan lacks such things, or that the record is gone. Neither is believed on the word of one
//! call, which may have failed for another reason.

use crate::connector::manifest::{Denied, ReadStream};
use crate::connector::rest::Rest;
use crate::connector::rest::api::listed::{Above, Listed};
use crate::connector::{Again, ChildRows, Row};
use crate::error::{Problem, Reason, Result};
use crate::expr::{self, Scope, plain};
use crate::record::{Kind, State};
use jiff::Timestamp;
use serde_json::Value;

/// What a plan lacks is a 403, what an account has not switched on a 404; in the platform's own words.
pub(crate) fn refuses(problem: &Problem) -> bool {
    is_not_shown(problem) && !problem.foreign
}

/// Whoever refused it.
pub(crate) fn is_not_shown(problem: &Problem) -> bool {
    matches!(problem.reason, Reason::Forbidden | Reason::NotFound)
}

impl Rest {
    /// Whether what was refused below a row is something that the account's plan lacks: the list of all says so as well, or, where the
    /// platform has none, the one below another row.
    pub(super) async fn is_lacked(&self, name: &str, stream: &ReadStream, refused: &Problem, root: &Value) -> bool {
        if stream.denied != Denied::Plan || !refuses(refused) {
            return false;
        }
        let _one = self.asking_plan.lock().await;
        let lacked = match &stream.bulk {
            _ if self.plan_lacks(name) || self.is_refused_in_bulk(name) => true,
            None => refused.reason == Reason::Forbidden && self.is_refused_elsewhere(name, stream, root).await,
            Some(bulk) => {
                let listed = Listed::from(bulk);
                let asked = self.one_page(name, &listed, Above::NONE, None, Some(Timestamp::UNIX_EPOCH)).await;
                asked.is_err_and(|problem| refuses(&problem))
            }
        };
        if lacked {
            self.tell_denied(name, stream.denied, refused);
        }
        lacked
    }

    /// Whether a list is shown that was refused below these rows: as the list of all says or, where the platform has none, the one below
    /// the first of them that may have it. None where no row of them may.
    pub(super) async fn shows_again(&self, name: &str, rows: &[Value]) -> Result<Option<bool>> {
        // The manifest reads it no more: nothing keeps these rows.
        let Ok(stream) = self.stream(name) else { return Ok(Some(true)) };
        let Some(row) = rows.iter().find(|row| self.may_have(stream, row)) else { return Ok(None) };
        let asked = match &stream.bulk {
            Some(bulk) => {
                let listed = Listed::from(bulk);
                self.one_page(name, &listed, Above::NONE, None, Some(Timestamp::UNIX_EPOCH)).await.map(drop)
            }
            None => self.part_page(name, stream, Above::of(row, row), None, None).await.map(drop),
        };
        match asked {
            Ok(()) => Ok(Some(true)),
            Err(problem) if is_not_shown(&problem) => Ok(Some(false)),
            Err(problem) => Err(problem),
        }
    }

    /// Whether a list may have something of this row, below it or among those of all.
    fn may_have(&self, stream: &ReadStream, row: &Value) -> bool {
        let scope = Scope { parent: row, root: row, ..self.scope(row) };
        let below = || stream.when.as_ref().is_none_or(|when| when.holds(&scope).unwrap_or(false));
        let alone = stream.bulk.as_ref().and_then(|bulk| bulk.alone.as_ref());
        stream.path.is_some() && below() || alone.is_some_and(|alone| alone.holds(&scope).unwrap_or(false))
    }

    /// Whether the list below another row is refused as well; there may be no other row.
    async fn is_refused_elsewhere(&self, name: &str, stream: &ReadStream, root: &Value) -> bool {
        let Some((parent, above)) =
            stream.parent.as_deref().and_then(|parent| Some((parent, self.stream(parent).ok()?)))
        else {
            return false;
        };
        let Ok(leaf) = self.part_page(parent, above, Above::NONE, None, None).await else { return false };
        for other in leaf.rows.iter().filter(|row| plain(&row["id"]) != plain(&root["id"])) {
            if self.may_have(stream, other) {
                let asked = self.part_page(name, stream, Above::of(other, other), None, None).await;
                return asked.is_err_and(|problem| refuses(&problem));
            }
        }
        true
    }

    /// A record by itself. It is gone where its own view says so, and nothing below it says otherwise.
    pub(super) async fn viewed(&self, kind: Kind, row: &Value) -> Result<Again> {
        let stream = self.stream(kind.code())?;
        let Some(view) = &stream.view else { return Ok(Again::There) };
        let scope = Scope { parent: row, root: row, ..self.scope(row) };
        let path = self.native.address(view.path.render_path(&scope)?, row);
        let at = |answer: &Value| view.item.as_deref().map_or(answer, |item| expr::path(answer, item)).clone();
        match (self.get(&path, &[]).await, self.native.elsewhere(&path)) {
            (Ok(answer), _) => {
                let record = self.assemble_record(kind, &at(&answer), &ChildRows::new());
                let gone = record.is_ok_and(|record| record.state == State::Deleted);
                Ok(if gone { Again::Gone } else { Again::There })
            }
            (Err(problem), Some(other)) if problem.reason == Reason::NotFound => match self.get(&other, &[]).await {
                Ok(answer) => {
                    let mut row = at(&answer);
                    let refused = self.look_up(stream, std::slice::from_mut(&mut row)).await?;
                    let unread = refused.into_iter().flatten().next();
                    Ok(Again::Moved(Box::new(Row { unread, ..self.row(stream, row)? })))
                }
                Err(problem) => self.gone_unless_shown(kind, row, problem).await,
            },
            (Err(problem), _) => self.gone_unless_shown(kind, row, problem).await,
        }
    }

    async fn gone_unless_shown(&self, kind: Kind, row: &Value, problem: Problem) -> Result<Again> {
        match problem.reason {
            Reason::NotFound if self.shows_more(kind, row).await? => Ok(Again::There),
            Reason::NotFound => Ok(Again::NotFound),
            _ => Err(problem),
        }
    }

    /// Whether a listing below a row answers.
    async fn shows_more(&self, kind: Kind, row: &Value) -> Result<bool> {
        for (name, stream) in self.manifest.read.iter().filter(|(_, s)| s.is_below(kind.code()) && s.path.is_some()) {
            let scope = Scope { parent: row, root: row, ..self.scope(row) };
            if stream.when.as_ref().map_or(Ok(true), |when| when.holds(&scope))?
                && self.part_page(name, stream, Above::of(row, row), None, None).await.is_ok()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
