mod custody;
mod disk;
mod identity;
mod promises;
mod undo;

use super::*;
use crate::record::Kind;
use std::path::PathBuf;
use std::process::{Command, Stdio};

fn project() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

async fn link(project: &Path) -> Link {
    Ledger::open(project).unwrap().link("https://old.test", "https://new.test").await.unwrap()
}

fn seen(id: &str, hash: &str) -> Seen {
    Seen { kind: Kind::Ticket, id: id.into(), number: None, updated_at: None, content_hash: hash.into() }
}

fn remote(id: &str) -> Remote {
    Remote { id: id.into(), url: Some(format!("https://new.test/{id}")), ..Remote::default() }
}

fn done(id: &str) -> End {
    End::Done { remote: remote(id), origin: Origin::Created, target_hash: None, target_updated_at: None }
}

/// Takes from a ledger what its last version added.
const WITHOUT_UNDO: &str = "DROP INDEX record_by_other; DROP TABLE undo; DROP TABLE undo_plan; \
     ALTER TABLE run DROP COLUMN trial; ALTER TABLE run DROP COLUMN after_step;";

fn create() -> StepKey {
    StepKey::new("create", "", 0)
}

fn ids(rows: &[RecordRow]) -> Vec<&str> {
    rows.iter().map(|row| row.id.as_str()).collect()
}

/// The migration between two accounts in a ledger that is only looked at.
async fn viewed(project: &Path, source: &str, target: &str) -> Link {
    let ledger = Ledger::view(project).unwrap();
    ledger.migration(&Accounts::at(source, target), &Which::ByAccounts).await.unwrap()
}

/// A small disk of its own, if this machine lets us have one.
pub(crate) struct SmallDisk(pub PathBuf, tempfile::TempDir);

impl SmallDisk {
    pub fn mount(bytes: u64) -> Option<SmallDisk> {
        let home = tempfile::tempdir().unwrap();
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(home.path())
            .stderr(Stdio::null())
            .status();
        if done.is_ok_and(|status| status.success()) {
            return Some(SmallDisk(home.path().to_owned(), home));
        }
        eprintln!("SKIPPED: no right to mount a small tmpfs here");
        None
    }

    pub fn remount(&self, option: &str) {
        let done = Command::new("mount").args(["-o", &format!("remount,{option}")]).arg(&self.0).status();
        assert!(done.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.1.path()).status();
    }
}
