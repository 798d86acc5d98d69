//! Brings stage and ledger together before anything else is done: one of them may have been put back, lost or taken from a copy.
//!
//! A stage that knows more gives its rows to the ledger, which costs no call. One that is older, or of another account, is read anew:
//! a row of it could be an older version of what the ledger knows. Neither is ever an error.

use super::stage::AHEAD;
use super::{Event, Job, ORDER};
use crate::connector::ChildRows;
use crate::error::Result;
use crate::ledger::{Paired, Seen};
use crate::record::Kind;
use crate::staging::Pairing;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::hash::{BuildHasher, Hasher, RandomState};

/// Keys compared at a time.
const COMPARED: u32 = 1000;

/// Makes ledger and stage of a job partners, and gives both a new token.
pub async fn pair(job: &Job) -> Result<()> {
    let known = match job.staging.pairing().await? {
        Some(pairing) if !job.link.is_from(&pairing.source) => None,
        Some(pairing) => Some(job.link.paired_by(&pairing.token).await?),
        // A stage of a version that gave no tokens, or a new one.
        None => Some(Paired::Never),
    };
    match known {
        Some(Paired::Last) => {}
        Some(Paired::Never) => enter(job).await?,
        Some(Paired::Earlier) | None => job.staging.clear().await?,
    }
    // Once the stage has it and the ledger does not, the stage is the one that knows more.
    let token = format!("{:016x}{:016x}", random(), random());
    let source = job.link.source().to_owned();
    job.staging.pair(Pairing { token: token.clone(), source }).await?;
    job.link.pair(&token).await
}

/// Enters in the ledger what the stage holds and the ledger does not know, or knows otherwise.
async fn enter(job: &Job) -> Result<()> {
    let mut entered = 0;
    for &kind in ORDER.iter().filter(|&&kind| kind != Kind::Link) {
        let mut after = None;
        loop {
            let keys = job.staging.keys(kind.code(), after, COMPARED).await?;
            let Some(last) = keys.last() else { break };
            after = Some(last.0);
            let keys: Vec<(String, String)> = keys.into_iter().map(|(_, id, hash)| (id, hash)).collect();
            let other = job.link.other_than(kind, keys).await?;
            let seen = stream::iter(other).map(|(id, hash)| seen(job, kind, id, hash)).buffered(AHEAD);
            let seen: Vec<Seen> = seen.try_collect().await?;
            entered += seen.len();
            job.link.see(seen).await?;
        }
    }
    if entered > 0 && job.link.last_run().await?.is_some() {
        let what =
            format!("the ledger is older than the stage: {entered} records that were read before are entered in it");
        (job.tell)(Event::Note { what });
    }
    Ok(())
}

/// A row that cannot be read is seen all the same: it fails when its turn comes.
async fn seen(job: &Job, kind: Kind, id: String, content_hash: String) -> Result<Seen> {
    let source = job.source.clone();
    let made = move |row| source.assemble(kind, &row, &ChildRows::new()).ok();
    let record = job.staging.made_alone(kind.code(), &id, made).await?.flatten();
    let (number, updated_at) = record.map(|record| (record.number, record.updated_at)).unwrap_or_default();
    Ok(Seen { kind, id, number, updated_at, content_hash })
}

fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
