//! What an earlier run left out or failed, and this one may carry: the rules changed, or the target has what was missing.
//!
//! Looking again costs no call where nothing changed. What the target itself refused is sent again only when
//! asked for (`retry`), or when the source changed it.

use super::{Job, Stop};
use crate::error::Reason;
use crate::ledger::State;
use crate::record::Kind;

/// Left out, or failed before anything was sent, for want of something in the target.
const MISSING_THERE: &[Reason] = &[Reason::MissingPerson, Reason::Unresolved];
/// Failed before anything was sent, by a rule or for want of one, or of something that the source shows today or not.
const UNRULED: &[Reason] = &[
    Reason::UnmappedValue,
    Reason::Config,
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

/// Puts such records back to work, before anything else is done.
pub async fn take_up(job: &Job) -> Result<(), Stop> {
    job.link.take_up(&[State::Skipped], MISSING_THERE).await?;
    job.link.take_up(&[State::Failed], UNRULED).await?;
    // A ticket that came since may name somebody who was left out, and this run may be asked for more than the last.
    job.link.take_up(&[State::Skipped], &[Reason::Scope]).await?;
    // A run that was killed may have noted its rules and not gone by them yet.
    if job.rules_changed || job.resuming {
        job.link.take_up(&[State::Skipped], RULED_OUT).await?;
        // A rule may name another field now, or make options in the one it named.
        job.link.match_again(Kind::Field).await?;
    }
    job.link.take_up(&[State::Failed, State::InDoubt], &job.retry).await?;
    // The source said that they are gone; whoever asks again may know better.
    if job.retry.contains(&Reason::Deleted) {
        job.staging.forget_gone().await?;
        job.link.take_up(&[State::Skipped], &[Reason::Deleted]).await?;
    }
    Ok(())
}
