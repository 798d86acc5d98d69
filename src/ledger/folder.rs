//! The project's private folder `.deskferry/`, and the permissions of what lies in it.

use crate::error::{Problem, Result};
use std::fs::{DirBuilder, File, OpenOptions};
use std::path::{Path, PathBuf};

/// Where a project keeps what Deskferry writes for itself.
pub(crate) fn of(project: &Path) -> PathBuf {
    project.join(".deskferry")
}

/// Makes the folder, readable by its owner only, and returns its path.
pub(crate) fn make(project: &Path) -> Result<PathBuf> {
    let folder = of(project);
    private_folder(&folder)?;
    Ok(folder)
}

/// The folder stays closed to others even if it was made by hand.
pub(crate) fn private_folder(folder: &Path) -> Result<()> {
    let at = |e: std::io::Error| Problem::from(e).at(folder.display());
    if !folder.try_exists().map_err(at)? {
        match create(folder) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(at(e)),
            _ => {}
        }
    }
    close_to_others(folder, 0o700)
}

/// Makes a folder for its owner only, where nothing is.
pub(super) fn create(folder: &Path) -> std::io::Result<()> {
    let mut made = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut made, 0o700);
    made.create(folder)
}

/// Makes an empty file that only its owner can read, or closes an existing one to others.
/// SQLite gives the files beside a database the permissions of the database.
pub(crate) fn private_file(path: &Path) -> Result<()> {
    if !path.try_exists().map_err(|e| Problem::from(e).at(path.display()))? {
        open_private(path)?;
    }
    close_to_others(path, 0o600)
}

pub(super) fn open_private(path: &Path) -> Result<File> {
    let mut open = OpenOptions::new();
    open.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    open.open(path).map_err(|e| Problem::from(e).at(path.display()))
}

#[cfg(unix)]
fn close_to_others(path: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let at = |e: std::io::Error| Problem::from(e).at(path.display());
    let now = std::fs::metadata(path).map_err(at)?.permissions();
    if now.mode() & 0o077 == 0 {
        return Ok(());
    }
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).map_err(at)
}

/// Closes an opened folder to others.
pub(super) fn close(folder: &File) -> std::io::Result<()> {
    #[cfg(unix)]
    folder.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

#[cfg(not(unix))]
fn close_to_others(_: &Path, _: u32) -> Result<()> {
    Ok(())
}

/// Makes the names in the folder of `path` outlive a power cut.
pub(crate) fn sync(path: &Path) -> Result<()> {
    #[cfg(unix)]
    File::open(home(path)).and_then(|folder| folder.sync_all()).map_err(|e| Problem::from(e).at(path.display()))?;
    Ok(())
}

/// The folder that holds `path`.
pub(crate) fn home(path: &Path) -> &Path {
    path.parent().filter(|home| !home.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// `path` with `ending` after its whole name.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
