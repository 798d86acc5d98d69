//! What an earlier run left out or failed, and this one may migrate: the rules changed, or the target has what was missing.
//!
//! Looking again costs no call where nothing changed. What the target itself refused is sent again only when
//! asked for (`retry`), or when the source changed it.

use super::translate::{OF_FILES, late};
use super::{Job, ORDER, Stop};
use crate::error::{Loss, Reason};
use crate::ledger::State;
use crate::record::{Attachment, Body, Kind, Record};
use std::collections::BTreeSet;

/// Left out, or failed before anything was sent, for want of something in the target.
const MISSING_THERE: &[Reason] = &[Reason::MissingPerson, Reason::Unresolved];
/// Failed before anything was sent, by a rule or for want of one, or of something that the source shows today or not.
const UNRULED: &[Reason] = &[
    Reason::UnmappedValue,
    Reason::Config,
    Reason::BadExport,
    Reason::Expression,
    Reason::Unresolved,
    Reason::ListRefused,
    Reason::NotListed,
];
/// Left out by the scope, the mapping or what a manifest says the target can hold.
const RULED_OUT: &[Reason] = &[
    Reason::Scope,
    Reason::Mapping,
    Reason::Deleted,
    Reason::Spam,
    Reason::Suspended,
    Reason::Unsupported,
    Reason::NoEmail,
];

/// Rows of the stage that are looked at together.
const ROWS: u32 = 100;

/// What is left out because the project says so.
const LEFT_OUT: [Loss; 2] = [Loss::NameLeftOut, Loss::NotListed];

/// What is taken up again on request.
#[derive(Clone, Debug, Default)]
pub struct Retry {
    /// Of records that failed or are in doubt.
    pub reasons: Vec<Reason>,
    /// Of records that are done and lost something.
    pub losses: Vec<Loss>,
}

impl Retry {
    /// What failed for whatever reason, and what was migrated without a file that may be there now.
    pub fn everything() -> Retry {
        Retry { reasons: Reason::ALL.to_vec(), losses: OF_FILES.to_vec() }
    }

    /// By codes as a report shows them. One may name a reason and a loss.
    pub fn of(codes: &[Code]) -> Retry {
        let reasons = codes.iter().filter_map(|code| code.reason).collect();
        Retry { reasons, losses: codes.iter().filter_map(|code| code.loss).collect() }
    }
}

/// A code of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    reason: Option<Reason>,
    loss: Option<Loss>,
}

impl Code {
    pub fn parse(code: &str) -> Option<Code> {
        let (reason, loss) = (Reason::from_code(code), Loss::from_code(code));
        (reason.is_some() || loss.is_some()).then_some(Code { reason, loss })
    }
}

/// Puts such records back to work, before anything else is done.
pub async fn take_up(job: &Job) -> Result<(), Stop> {
    job.link.take_up(&[State::Skipped], MISSING_THERE).await?;
    job.link.take_up(&[State::Failed], UNRULED).await?;
    // A ticket that came since may name somebody who was left out, and this run may be asked for more than the last.
    job.link.take_up(&[State::Skipped], &[Reason::Scope]).await?;
    // A run that was killed may have noted its rules and not gone by them yet.
    if job.rules_changed || job.resuming {
        job.link.take_up(&[State::Skipped], RULED_OUT).await?;
        given_back(job).await?;
        // A rule may name another field now, or make options in the one it named.
        job.link.match_again(Kind::Field).await?;
    }
    files_that_came(job).await?;
    shown_by_now(job).await?;
    let Retry { reasons, losses } = &job.retry;
    job.link.take_up(&[State::Failed, State::InDoubt], reasons).await?;
    if !losses.is_empty() {
        job.link.take_up_losers(losses).await?;
    }
    // The source said that they are gone; whoever asks again may know better.
    if losses.contains(&Loss::FileGone) {
        job.staging.forget_gone_files().await?;
    }
    if reasons.contains(&Reason::Deleted) {
        job.staging.forget_gone().await?;
        job.link.take_up(&[State::Skipped], &[Reason::Deleted]).await?;
    }
    Ok(())
}

/// Puts back to work what was read without a list that the account's plan refused, and which it shows now. Only the platform tells whoever
/// reads it for the first time, and a refusal may pass.
async fn shown_by_now(job: &Job) -> Result<(), Stop> {
    for &kind in ORDER {
        for list in job.staging.refused_lists(kind.code()).await? {
            if !is_shown(job, kind, &list).await? {
                continue;
            }
            // The stage forgets last: a run that ends between finds the same records again.
            let mut after = 0;
            loop {
                let page = job.staging.without_list(kind.code(), &list, after, ROWS).await?;
                let Some((last, _)) = page.last() else { break };
                after = *last;
                for (_, id) in page {
                    if job.link.record(kind, &id).await?.is_some_and(|row| row.state == State::Done) {
                        job.link.take_up_one(kind, &id).await?;
                    }
                }
            }
            job.staging.open_refused(kind.code(), &list).await?;
        }
    }
    Ok(())
}

/// Whether the source shows a list today that it refused below rows of a kind. The first of them that may have it tells; where none may,
/// nothing is missing.
async fn is_shown(job: &Job, kind: Kind, list: &str) -> Result<bool, Stop> {
    let mut after = 0;
    loop {
        let page = job.staging.without_list(kind.code(), list, after, ROWS).await?;
        let Some((last, _)) = page.last() else { return Ok(false) };
        after = *last;
        let mut rows = Vec::with_capacity(page.len());
        for (_, id) in page {
            rows.extend(job.staging.item(kind.code(), &id).await?);
        }
        // What cannot be asked now is asked by the next run.
        match job.source.shows(list, &rows).await {
            Ok(None) => {}
            Ok(Some(shown)) => return Ok(shown),
            Err(_) => return Ok(false),
        }
    }
}

/// Takes up records that were migrated without what `[source] leave_out` named then and does not name now, and has them read again.
async fn given_back(job: &Job) -> Result<(), Stop> {
    for (kind, id) in job.link.losers(&LEFT_OUT).await? {
        let lost: BTreeSet<String> =
            details(job.link.losses_of(kind, &id).await?.into_iter().map(|l| (l.loss, l.detail)));
        let Some(Ok(record)) = job.staged(kind, &id).await? else { continue };
        let now = details(record.unread.into_iter().map(|unread| (unread.loss, unread.detail)));
        if !lost.is_subset(&now) {
            job.staging.open_again(kind.code(), &id).await?;
            job.link.take_up_one(kind, &id).await?;
        }
    }
    Ok(())
}

/// Takes up tickets that were migrated without a file which a folder has by now. Where looking would cost a call, `retry` asks.
async fn files_that_came(job: &Job) -> Result<(), Stop> {
    if job.source.is_called() {
        return Ok(());
    }
    let mut came = false;
    for (kind, id) in job.link.losers(&OF_FILES).await? {
        let lost: BTreeSet<String> = job.link.losses_of(kind, &id).await?.into_iter().map(|lost| lost.child).collect();
        let Some(Ok(Record { body: Body::Ticket(ticket), .. })) = job.staged(kind, &id).await? else { continue };
        let files = ticket.comments.into_iter().flat_map(|comment| comment.attachments);
        let is_lost = |file: &Attachment| lost.contains(&file.id) || lost.contains(&late::child_by_path(file));
        if !job.source.there_now(files.filter(is_lost).collect()).await?.is_empty() {
            job.link.take_up_one(kind, &id).await?;
            came = true;
        }
    }
    if came {
        job.staging.forget_gone_files().await?;
    }
    Ok(())
}

fn details(losses: impl Iterator<Item = (Loss, String)>) -> BTreeSet<String> {
    losses.filter(|(loss, _)| LEFT_OUT.contains(loss)).map(|(loss, detail)| format!("{loss} {detail}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_code_a_report_shows_can_be_retried() {
        for code in Reason::ALL.iter().map(|reason| reason.code()) {
            let retry = Retry::of(&[Code::parse(code).unwrap()]);
            assert_eq!(retry.reasons.iter().map(|reason| reason.code()).collect::<Vec<_>>(), [code]);
        }
        for code in Loss::ALL.iter().map(|loss| loss.code()) {
            let retry = Retry::of(&[Code::parse(code).unwrap()]);
            assert_eq!(retry.losses.iter().map(|loss| loss.code()).collect::<Vec<_>>(), [code]);
        }
        assert_eq!(Code::parse("nonsense"), None);
        let both = Retry::of(&[Code::parse("file_unreadable").unwrap()]);
        assert_eq!((both.reasons.len(), both.losses.len()), (1, 1));
    }
}
