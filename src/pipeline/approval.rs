//! What somebody agreed to: a mapping, a scope, and the kinds of loss a preview under them showed.
//!
//! With `[run] approval = true` a run is refused without it, and stops before the first record that would lose what nobody
//! agreed to lose. A schedule keeps running until one of the three changes.

use super::Job;
use crate::error::{Loss, Problem, Reason, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// In the project's private folder.
const FILE: &str = "approval.json";

/// `.deskferry/approval.json`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// Hash of scope and mapping.
    pub rules: String,
    /// The kinds of loss that were shown.
    pub losses: BTreeSet<Loss>,
    pub approved_at: Timestamp,
}

impl Approval {
    /// The one of a project; none where nobody approved anything.
    ///
    /// Errors: `disk`.
    pub fn load(state_dir: &Path) -> Result<Option<Approval>> {
        let path = state_dir.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|e| Problem::from(e).at(path.display()))?,
        };
        let damaged = |e| Problem::new(Reason::Disk, format!("{} is damaged: {e}", path.display()));
        serde_json::from_str(&text).map(Some).map_err(damaged)
    }

    /// Takes the place of an older one at once or not at all.
    pub fn save(&self, state_dir: &Path) -> Result<()> {
        let (path, new) = (state_dir.join(FILE), state_dir.join("approval.json.new"));
        let text = serde_json::to_vec_pretty(self)
            .map_err(|e| Problem::new(Reason::Internal, format!("an approval cannot be written: {e}")))?;
        let at = |e: std::io::Error| Problem::from(e).at(path.display());
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new).map_err(at)?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(at)?;
        std::fs::rename(&new, &path).map_err(at)
    }
}

/// Why a run has to wait for somebody's word; none where it need not.
pub(super) fn missing(job: &Job) -> Option<Problem> {
    if !job.project.run.approval {
        return None;
    }
    let refused = |what: &str| {
        Some(
            Problem::new(Reason::Refused, what)
                .hint("look at `deskferry preview`, then say `deskferry preview --approve`"),
        )
    };
    match &job.approval {
        None => refused("`approval = true` requires an approved preview, and there is none"),
        Some(approval) if approval.rules != job.rules => {
            refused("the mapping or the scope is not the one that was approved")
        }
        Some(_) => None,
    }
}

impl Job {
    /// Errors: `refused` where nobody agreed to lose this.
    pub(super) fn agreed(&self, loss: Loss) -> Result<()> {
        match self.approval.as_ref().filter(|_| self.project.run.approval) {
            // What comes late is no loss that anybody would refuse.
            Some(approval) if !approval.losses.contains(&loss) && loss != Loss::FileLate => {
                let what = format!("it would lose something that no approved preview showed: {} ({loss})", loss.says());
                let hint = "`deskferry preview --all` shows all of it; `deskferry preview --all --approve` approves it";
                Err(Problem::new(Reason::Refused, what).hint(hint))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_reads_as_it_was_saved_and_none_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Approval::load(folder.path()).unwrap(), None);
        let approval = Approval {
            rules: "r".into(),
            losses: BTreeSet::from([Loss::Cc]),
            approved_at: Timestamp::from_second(1_800_000_000).unwrap(),
        };
        approval.save(folder.path()).unwrap();
        assert_eq!(Approval::load(folder.path()).unwrap(), Some(approval));
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        assert_eq!(Approval::load(folder.path()).unwrap_err().reason, Reason::Disk);
    }
}
