//! Files below one folder: found without leaving it, written whole or not at all, and closed to others.

use super::spelled;
use crate::error::{Problem, Reason, Result};
use crate::ledger::private_folder;
use std::collections::hash_map::RandomState;
use std::fs::{File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, Hasher};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use tempfile::NamedTempFile;

/// What a file begins with while it is not whole.
const UNFINISHED: &str = ".deskferry-tmp-";
const LOCK: &str = ".deskferry.lock";
/// Holds the id of the folder.
const ID: &str = ".deskferry-id";

/// Whether a record's name for a file stays in the folder however it is read: relative, without `..`, no address of the web.
///
/// Errors: `bad_export`.
pub fn stays_inside(name: &str) -> Result<()> {
    if is_address(name) {
        let what = format!("{name:?} is a web address, and only files of the folder are attached");
        let hint = "download the file into the folder and name its path there, such as attachments/17/a.pdf, or take out the row";
        return Err(Problem::new(Reason::BadExport, what).hint(hint));
    }
    let is_plain = |way: &String| {
        let mut parts = Path::new(way).components();
        let has_name = parts.clone().any(|part| matches!(part, Component::Normal(_)));
        let has_drive = matches!(way.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
        let stays = parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        has_name && stays && !has_drive && !way.contains('\0')
    };
    if spelled::ways(name).iter().all(is_plain) {
        return Ok(());
    }
    let what = format!("the file {name:?} is not in the folder");
    Err(Problem::new(Reason::BadExport, what).hint("`source` is a path below the folder, such as attachments/17/a.pdf"))
}

/// `https://…`, `file://…`.
fn is_address(name: &str) -> bool {
    let scheme = name.trim_start().split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    })
}

/// Why a file that a record names cannot be had.
pub fn missing(e: std::io::Error, name: &str) -> Problem {
    match e.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            Problem::new(Reason::NotFound, format!("the folder has no file {name:?}"))
                .hint("put the file there, or take the row that names it out of the table")
        }
        _ => Problem::from(e).at(name),
    }
}

/// Writes a file that appears under its name whole, on disk and for its owner only, or not at all.
pub fn write_whole(path: &Path, fill: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let home = path.parent().unwrap_or(Path::new("."));
    let at = |e: std::io::Error| Problem::from(e).at(path.display());
    let mut file: NamedTempFile = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(home).map_err(at)?;
    fill(file.as_file_mut())?;
    file.as_file_mut().flush().map_err(at)?;
    file.as_file().sync_all().map_err(at)?;
    file.persist(path).map_err(|e| at(e.error))?;
    sync(home)
}

/// Makes the names in a folder outlive a power cut.
pub fn sync(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(|e| Problem::from(e).at(folder.display()))
}

/// Makes a folder for its owner only, and those above it that are missing.
pub fn make(folder: &Path) -> Result<()> {
    if let Some(home) = folder.parent().filter(|home| !home.as_os_str().is_empty() && !home.exists()) {
        make(home)?;
    }
    private_folder(folder)?;
    folder.parent().map_or(Ok(()), |home| if home.as_os_str().is_empty() { Ok(()) } else { sync(home) })
}

/// Opens a file for reading and appending, for its owner only.
pub fn appending(path: &Path) -> Result<File> {
    let open = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
    open.map_err(|e| Problem::from(e).at(path.display()))
}

/// The id a folder goes by wherever it is moved: that of a file in it. None where there is no such file, or no folder.
pub fn known_as(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join(ID)).ok()?;
    let id = text.lines().next()?.trim();
    let is_one = (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    is_one.then(|| id.to_owned())
}

/// [`known_as`], and the file is made where there is none. A folder that cannot be written goes by its path alone.
pub fn name(folder: &Path) -> Option<String> {
    if let Some(id) = known_as(folder) {
        return Some(id);
    }
    let id = format!(
        "{:016x}{:016x}",
        RandomState::new().build_hasher().finish(),
        RandomState::new().build_hasher().finish()
    );
    let text = format!("{id}\nDeskferry knows this folder again by this id. Keep the file where the other files go.\n");
    write_whole(&folder.join(ID), |file| Ok(file.write_all(text.as_bytes())?)).ok()?;
    Some(id)
}

/// Removes what a killed process left unfinished.
pub fn sweep(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Held by the one process that writes into a folder; the system lets it go when the process dies, and only then:
/// what a killed process was doing is over once the lock can be taken.
#[derive(Debug)]
pub struct FolderLock(#[expect(dead_code, reason = "the lock lives as long as the file")] File);

impl FolderLock {
    /// Errors: `refused` while another process has it; `disk`.
    pub fn take(folder: &Path) -> Result<FolderLock> {
        let path: PathBuf = folder.join(LOCK);
        let file = appending(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(FolderLock(file)),
            Err(TryLockError::WouldBlock) => {
                Err(Problem::new(Reason::Refused, format!("another process writes into {}", folder.display()))
                    .hint("wait for it to end, or stop it, and run the same command again: nothing is lost"))
            }
            Err(TryLockError::Error(e)) => Err(Problem::from(e).at(path.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn no_name_of_a_record_leaves_the_folder() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "x").unwrap();
        let folder = tempfile::tempdir().unwrap();
        symlink(outside.path(), folder.path().join("way")).unwrap();
        symlink(outside.path().join("secret"), folder.path().join("secret")).unwrap();
        std::fs::write(folder.path().join("mine"), "x").unwrap();
        let absolute = outside.path().join("secret").display().to_string();
        let spelled = spelled::Spelled::of(folder.path());
        for name in ["../secret", "a/../../x", &absolute, "", ".", "way/secret", "secret"] {
            assert_eq!(spelled.found(name).unwrap_err().reason, Reason::BadExport, "{name}");
        }
        assert_eq!(spelled.found("none").unwrap_err().reason, Reason::NotFound);
        assert!(spelled.found("mine").is_ok());
    }

    #[test]
    fn what_is_written_is_closed_to_others() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a/b");
        make(&folder).unwrap();
        write_whole(&folder.join("f"), |file| Ok(file.write_all(b"x")?)).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&home.path().join("a")), mode(&folder), mode(&folder.join("f"))), (0o700, 0o700, 0o600));
    }

    #[test]
    fn a_folder_is_known_again_where_it_was_moved() {
        let home = tempfile::tempdir().unwrap();
        let (here, there) = (home.path().join("a"), home.path().join("b"));
        assert_eq!(name(&here), None, "there is not a folder");
        std::fs::create_dir(&here).unwrap();
        assert_eq!(known_as(&here), None);
        let id = name(&here);
        assert!(id.is_some());
        std::fs::rename(&here, &there).unwrap();
        assert_eq!((known_as(&there), name(&there)), (id.clone(), id));
        std::fs::write(there.join(ID), "../x").unwrap();
        assert_eq!(known_as(&there), None);
    }

    #[test]
    fn a_file_that_was_not_written_whole_does_not_appear() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("f");
        let failed = write_whole(&path, |_| Err(Problem::new(Reason::Disk, "full")));
        assert!(failed.is_err() && !path.exists());
        std::fs::write(home.path().join(format!("{UNFINISHED}x")), "").unwrap();
        sweep(home.path()).unwrap();
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    }
}
