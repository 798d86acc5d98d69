//! The locks that keep a second writer out: one for the project folder, one for the migration wherever its folder lies.
//!
//! The system lets a lock go when its process dies, however it dies.

use super::folder::{self, open_private, private_folder};
use crate::error::{Problem, Reason, Result};
use crate::project::Migration;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

const ELSEWHERE: &str = "`XDG_STATE_HOME` names another folder for the locks";

/// Held by the one process that may write in a project. Let go when dropped.
#[derive(Debug)]
pub struct ProjectLock {
    _file: File,
}

impl ProjectLock {
    /// Refused, with the process id of the holder, while another process has it.
    pub fn take(project: &Path) -> Result<ProjectLock> {
        let path = folder::make(project)?.join("lock");
        let mut file = open_private(&path)?;
        if !locked(&file, &path)? {
            return Err(held(&mut file, &format!("in {}", project.display())));
        }
        sign(&mut file, &path)?;
        Ok(ProjectLock { _file: file })
    }
}

/// Held by the one process of this user and machine that may write a migration, so that a copy of its project folder does not write
/// beside it. Let go, and its file removed, when dropped.
#[derive(Debug)]
pub struct MigrationLock {
    file: File,
    path: PathBuf,
}

impl MigrationLock {
    /// `home`: the [folder](state_home) where the locks of this user lie. Refused, with the process id of the holder, while
    /// another process has it.
    pub fn take(home: &Path, migration: &str) -> Result<MigrationLock> {
        if !Migration::is_id(migration) {
            let what = format!("`{migration}` is not the id of a migration");
            return Err(Problem::new(Reason::Refused, what)
                .hint("the ledger names it: put back a copy of .deskferry/ from before"));
        }
        make_all(home)?;
        let path = home.join(format!("{migration}.lock"));
        loop {
            let mut file = open_private(&path)?;
            if !locked(&file, &path)? {
                let problem = held(&mut file, &format!("on this migration ({migration}), from another project folder"));
                return Err(problem.hint(
                    "two copies of a project would write everything twice: wait for the other one to end, or stop it, and \
                     delete the copy that is behind",
                ));
            }
            // Who had it before may have removed the file we opened.
            if is_still(&file, &path) {
                sign(&mut file, &path)?;
                return Ok(MigrationLock { file, path });
            }
        }
    }
}

impl Drop for MigrationLock {
    /// The file goes while the lock is held: who opened it meanwhile sees that it is not the one of that name.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

/// Where Deskferry keeps what belongs to this user on this machine, and to no project: `$XDG_STATE_HOME/deskferry`, by default
/// `~/.local/state/deskferry`; without a home, a folder of the user's own among the temporary ones. `project` is a folder of the user's.
///
/// Errors: `refused` when that folder among the temporary ones is somebody else's.
pub fn state_home(project: &Path) -> Result<PathBuf> {
    let whole = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = whole("XDG_STATE_HOME").or_else(|| whole("HOME").map(|home| home.join(".local/state")));
    if let Some(home) = state.map(|state| state.join("deskferry"))
        && make_all(&home).is_ok()
    {
        return Ok(home);
    }
    let user = owner(&folder::of(project));
    let home = std::env::temp_dir().join(format!("deskferry-{}", user.unwrap_or_default()));
    make_own(&home, user)?;
    Ok(home)
}

/// Makes a folder among those of others, or closes one that is there: only where it is `user`'s own, and no link to another one.
fn make_own(home: &Path, user: Option<u32>) -> Result<()> {
    let at = |e: std::io::Error| Problem::from(e).at(home.display());
    match folder::create(home) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(at(e)),
        _ => {}
    }
    let not_yours = || Problem::new(Reason::Refused, format!("{} is not yours", home.display())).hint(ELSEWHERE);
    if owner(home) != user {
        return Err(not_yours());
    }
    // What is closed is what was opened, whatever comes to lie under the name meanwhile.
    let folder = File::open(home).map_err(at)?;
    match is_still(&folder, home) && owner(home) == user {
        true => folder::close(&folder).map_err(at),
        false => Err(not_yours()),
    }
}

/// Nothing where it is no folder, but a link to one.
#[cfg(unix)]
fn owner(folder: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    std::fs::symlink_metadata(folder).ok().filter(std::fs::Metadata::is_dir).map(|meta| meta.uid())
}

#[cfg(not(unix))]
fn owner(_: &Path) -> Option<u32> {
    None
}

/// Makes a folder for its owner only; those above it that are missing too.
fn make_all(home: &Path) -> Result<()> {
    let above = home.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(above).map_err(|e| Problem::from(e).at(above.display()))?;
    private_folder(home).map_err(|problem| problem.hint(ELSEWHERE))
}

/// False while another process has it.
fn locked(file: &File, path: &Path) -> Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) => Err(Problem::from(e).at(path.display())),
    }
}

#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let both = file.metadata().and_then(|ours| std::fs::metadata(path).map(|there| (ours, there)));
    both.is_ok_and(|(ours, there)| (ours.dev(), ours.ino()) == (there.dev(), there.ino()))
}

#[cfg(not(unix))]
fn is_still(_: &File, path: &Path) -> bool {
    path.exists()
}

fn sign(file: &mut File, path: &Path) -> Result<()> {
    let at = |e: std::io::Error| Problem::from(e).at(path.display());
    file.set_len(0).and_then(|()| file.rewind()).map_err(at)?;
    writeln!(file, "{}", std::process::id()).map_err(at)
}

fn held(file: &mut File, at_work: &str) -> Problem {
    let mut pid = String::new();
    let _ = file.take(20).read_to_string(&mut pid);
    let holder = match pid.trim() {
        pid if !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit()) => format!("process {pid}"),
        _ => "another process".to_owned(),
    };
    Problem::new(Reason::Refused, format!("{holder} is running {at_work}"))
        .hint("wait for it to end, or stop it, and run the same command again: nothing is lost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_is_told_who_holds_the_project() {
        let project = tempfile::tempdir().unwrap();
        let first = ProjectLock::take(project.path()).unwrap();
        let refused = ProjectLock::take(project.path()).unwrap_err();
        assert_eq!(refused.reason, Reason::Refused);
        assert!(refused.what.contains(&format!("process {}", std::process::id())), "{refused}");
        drop(first);
        ProjectLock::take(project.path()).unwrap();
    }

    #[test]
    fn a_migration_is_written_by_one_process_wherever_its_folder_lies() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().join("state/deskferry");
        let (one, two) = ("0a0a0a0a0a", "0b0b0b0b0b");
        let first = MigrationLock::take(&home, one).unwrap();
        let refused = MigrationLock::take(&home, one).unwrap_err();
        assert!(refused.what.contains(&format!("process {}", std::process::id())), "{refused}");
        let other = MigrationLock::take(&home, two).unwrap();
        drop(first);
        let _again = MigrationLock::take(&home, one).unwrap();
        drop(other);
        let left: Vec<_> = std::fs::read_dir(&home).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["0a0a0a0a0a.lock"], "a lock that is let go leaves nothing behind");
    }

    #[test]
    fn a_lock_is_a_file_of_its_folder_whatever_a_ledger_calls_a_migration() {
        let home = tempfile::tempdir().unwrap();
        let precious = home.path().join("Cargo.lock");
        std::fs::write(&precious, "x").unwrap();
        let climbing = home.path().join("Cargo").display().to_string();
        for id in [climbing.as_str(), "../Cargo", "a/b", ""] {
            assert_eq!(
                MigrationLock::take(&home.path().join("locks"), id).unwrap_err().reason,
                Reason::Refused,
                "{id}"
            );
        }
        assert_eq!(std::fs::read_to_string(precious).unwrap(), "x");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_somebody_laid_among_temporary_files_is_not_followed() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let all = tempfile::tempdir().unwrap();
        let (theirs, home) = (all.path().join("theirs"), all.path().join("deskferry-0"));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let open = |path: &Path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::create_dir(&theirs).unwrap();
        open(&theirs);
        let user = owner(&theirs);
        symlink(&theirs, &home).unwrap();
        assert_eq!(make_own(&home, user).unwrap_err().reason, Reason::Refused);
        assert_eq!(mode(&theirs), 0o755, "what it leads to stays as it was");
        assert_eq!(make_own(&theirs, user.map(|user| user + 1)).unwrap_err().reason, Reason::Refused);
        assert_eq!(mode(&theirs), 0o755, "what is another user's stays as it was");
        std::fs::remove_file(&home).unwrap();
        make_own(&home, user).unwrap();
        open(&home);
        make_own(&home, user).unwrap();
        assert_eq!(mode(&home), 0o700, "one's own is closed again");
    }
}
