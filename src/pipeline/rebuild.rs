//! A lost or older ledger: the id map of this migration, read off the markers in the target.
//!
//! Which messages a ticket found so has is not known. A later run looks for each of them before it writes any.

use super::{Job, Stop};
use crate::connector::plan::MARKER;
use crate::error::{Problem, Reason};
use crate::ledger::{Origin, Restored, StepKey};
use crate::record::Kind;

impl Job {
    /// Restores every kind whose marker can be listed. Gives the number of records that were not known to be there.
    ///
    /// Errors: `unsupported` when the target has no listing of markers, and those of reading it.
    pub async fn rebuild(&self) -> Result<u64, Stop> {
        self.target.prepare().await?;
        let (mut found, mut listed) = (0, false);
        for &kind in Kind::ALL {
            let prefix = format!("{MARKER}{}:{kind}:", self.link.mark());
            let mut cursor: Option<String> = None;
            let Some(create) = self.target.creates(kind).map(|step| StepKey::new(step, "", 0)) else { continue };
            while let Some(page) = self.target.scan(kind, &prefix, None, cursor.as_deref()).await? {
                listed = true;
                self.halt.check()?;
                for (marker, remote) in page.rows {
                    let Some(id) = marker.strip_prefix(&prefix) else { continue };
                    let restored = self.link.restore(kind, id, &create, &marker, (remote, Origin::Created)).await?;
                    found += u64::from(restored == Restored::New);
                }
                match page.next {
                    Some(next) => cursor = Some(next),
                    None => break,
                }
            }
        }
        if !listed {
            let what = "the target cannot list the records that carry our markers";
            return Err(Problem::new(Reason::Unsupported, what).into());
        }
        Ok(found)
    }
}
