//! The path of an attached file as an export spells it: with the separators of Windows, with `%20` for a blank, in capitals or in
//! letters that are composed otherwise than on this disk. Finds the one file that is meant, and never one outside the folder.

use super::columns::{Columns, JSON};
use super::folder::{self, missing};
use crate::error::{Problem, Reason, Result};
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use unicode_normalization::UnicodeNormalization;

/// Names of folders that are held at once.
const HELD: usize = 200_000;

/// The readings of a path, the plainest first: as it stands, with `/` for `\`, and with `%20` read as programs of the web write it.
pub fn ways(said: &str) -> Vec<String> {
    let slashed = |text: &str| text.replace('\\', "/");
    let mut all = vec![said.to_owned(), slashed(said)];
    if let Ok(decoded) = percent_encoding::percent_decode_str(said).decode_utf8() {
        all.push(slashed(&decoded));
    }
    all.dedup();
    all
}

/// What a file is called whose path is spelled so.
pub fn name(said: &str) -> String {
    let plain = ways(said).pop().unwrap_or_default();
    plain.rsplit('/').next().unwrap_or_default().to_owned()
}

/// A folder in which files are looked for as exports spell them.
#[derive(Debug)]
pub struct Spelled {
    folder: PathBuf,
    listed: Mutex<HashMap<PathBuf, Listed>>,
}

/// What a folder holds, and when it was changed last.
#[derive(Clone, Debug)]
struct Listed {
    changed: Option<SystemTime>,
    names: Arc<HashMap<String, Vec<OsString>>>,
}

impl Spelled {
    pub fn of(folder: &Path) -> Spelled {
        Spelled { folder: folder.to_owned(), listed: Mutex::default() }
    }

    /// The path of a file a record names. Symbolic links are not followed, at no level.
    ///
    /// Errors: `bad_export` when it would leave the folder, or may be one of several; `not_found` when it is not there; `disk`.
    pub fn found(&self, said: &str) -> Result<PathBuf> {
        folder::stays_inside(said)?;
        for way in ways(said) {
            if let Some(path) = self.walk(&way, said)? {
                return Ok(path);
            }
        }
        Err(missing(std::io::ErrorKind::NotFound.into(), said))
    }

    /// The files a cell names: one, or those it lists where no file is called like all of it.
    pub fn several(&self, said: &str, columns: &Columns) -> Vec<String> {
        let parts = |separators: &[&str]| -> Vec<String> {
            let mut parts = vec![said];
            for separator in separators {
                parts = parts.into_iter().flat_map(|part| part.split(separator)).collect();
            }
            parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let is_there = |said: &String| self.found(said).is_ok();
        let one = vec![said.to_owned()];
        if columns.is_ours() || is_there(&one[0]) {
            return one;
        }
        let listed = match columns.separator.as_deref() {
            Some(separator) if separator != JSON => parts(&[separator]),
            _ => parts(&[";", "|", "\n"]),
        };
        // A comma is a part of many names.
        let by_commas = if listed.len() == 1 { parts(&[","]) } else { vec![] };
        match by_commas.len() > 1 && by_commas.iter().any(is_there) {
            true => by_commas,
            false if listed.len() > 1 => listed,
            false => one,
        }
    }

    fn walk(&self, way: &str, said: &str) -> Result<Option<PathBuf>> {
        let mut path = self.folder.clone();
        for part in Path::new(way).components() {
            let Component::Normal(part) = part else { continue };
            let next = path.join(part);
            let found = match std::fs::symlink_metadata(&next) {
                Ok(found) => Some((next, found)),
                Err(e) if is_absent(&e) => match self.alike(&path, &part.to_string_lossy(), said)? {
                    Some(next) => Some((next.clone(), std::fs::symlink_metadata(&next).map_err(|e| missing(e, said))?)),
                    None => None,
                },
                Err(e) => return Err(missing(e, said)),
            };
            let Some((next, found)) = found else { return Ok(None) };
            if found.is_symlink() {
                let what = format!("the file {said:?} is, or lies behind, a symbolic link");
                return Err(Problem::new(Reason::BadExport, what).hint("put the file itself into the folder"));
            }
            path = next;
        }
        Ok(Some(path))
    }

    /// The one entry of a folder whose name is the same but for capitals and the composition of its letters.
    fn alike(&self, folder: &Path, name: &str, said: &str) -> Result<Option<PathBuf>> {
        let names = self.names(folder, said)?;
        match names.get(&key(name)).map_or(&[][..], Vec::as_slice) {
            [] => Ok(None),
            [one] => Ok(Some(folder.join(one))),
            [one, other, ..] => {
                let what = format!("{said:?} may be {one:?} or {other:?}");
                Err(Problem::new(Reason::BadExport, what).hint("write the name as the folder has it, letter by letter"))
            }
        }
    }

    fn names(&self, folder: &Path, said: &str) -> Result<Arc<HashMap<String, Vec<OsString>>>> {
        let changed = match std::fs::metadata(folder) {
            Ok(meta) if meta.is_dir() => meta.modified().ok(),
            Ok(_) => return Ok(Arc::default()),
            Err(e) => return Err(missing(e, said)),
        };
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = listed.get(folder).filter(|known| changed.is_some() && known.changed == changed) {
            return Ok(Arc::clone(&known.names));
        }
        let mut names: HashMap<String, Vec<OsString>> = HashMap::new();
        for entry in std::fs::read_dir(folder).map_err(|e| missing(e, said))? {
            let name = entry.map_err(|e| missing(e, said))?.file_name();
            names.entry(key(&name.to_string_lossy())).or_default().push(name);
        }
        names.values_mut().for_each(|alike| alike.sort());
        if listed.values().map(|known| known.names.len()).sum::<usize>() > HELD {
            listed.clear();
        }
        let names = Arc::new(names);
        listed.insert(folder.to_owned(), Listed { changed, names: Arc::clone(&names) });
        Ok(names)
    }
}

fn is_absent(e: &std::io::Error) -> bool {
    use std::io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    matches!(e.kind(), NotFound | NotADirectory | InvalidFilename)
}

/// What two spellings of a name share.
fn key(name: &str) -> String {
    name.nfc().collect::<String>().to_lowercase().nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for name in files {
            let path = home.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        home
    }

    #[test]
    fn a_file_is_found_however_its_path_is_spelled() {
        let files =
            ["files/a b.txt", "files/u\u{308}.txt", "files/100%25.txt", "files/sub/e\u{301}t\u{e9}.PDF", "a\\b.txt"];
        let home = folder(&files);
        let spelled = Spelled::of(home.path());
        for (said, there) in [
            ("files/a b.txt", files[0]),
            ("files\\a b.txt", files[0]),
            (".\\Files\\A%20B.TXT", files[0]),
            ("./files//a b.txt", files[0]),
            ("files/\u{fc}.txt", files[1]),
            ("FILES/\u{dc}.TXT", files[1]),
            ("files/%C3%BC.txt", files[1]),
            ("files/100%25.txt", files[2]),
            ("files\\SUB\\\u{e9}t\u{e9}.pdf", files[3]),
            ("a\\b.txt", files[4]),
        ] {
            assert_eq!(spelled.found(said).unwrap(), home.path().join(there), "{said}");
        }
        assert_eq!(spelled.found("files/a+b.txt").unwrap_err().reason, Reason::NotFound);
        assert_eq!(spelled.found("files/a b.txt/x").unwrap_err().reason, Reason::NotFound);
    }

    #[test]
    fn no_spelling_leaves_the_folder_and_none_is_guessed() {
        let home = folder(&["a/One.txt", "a/ONE.TXT"]);
        symlink("/etc", home.path().join("Way")).unwrap();
        let spelled = Spelled::of(home.path());
        for said in [
            "..\\a",
            "a\\..\\..\\x",
            "%2e%2e/x",
            "a/%2E%2E%5Cx",
            "\\\\server\\share\\a",
            "C:\\a\\One.txt",
            "%2fetc%2fpasswd",
            "https://desk.example/a",
            "way/passwd",
            "a/one.txt",
            "a%00b",
        ] {
            assert_eq!(spelled.found(said).unwrap_err().reason, Reason::BadExport, "{said}");
        }
        assert_eq!(spelled.found("a/ONE.TXT").unwrap(), home.path().join("a/ONE.TXT"));
    }

    #[test]
    fn a_file_that_comes_later_is_found_then() {
        let home = folder(&["a/x.txt"]);
        let spelled = Spelled::of(home.path());
        assert!(spelled.found("a/B.txt").is_err());
        std::fs::write(home.path().join("a/b.txt"), "x").unwrap();
        let back = SystemTime::now() - std::time::Duration::from_secs(9);
        std::fs::File::open(home.path().join("a")).unwrap().set_modified(back).unwrap();
        assert!(spelled.found("a/B.txt").is_ok());
    }

    #[test]
    fn a_cell_of_several_files_is_parted_where_none_is_called_like_all_of_it() {
        let home = folder(&["a.txt", "b;c.txt", "d, e.txt"]);
        let spelled = Spelled::of(home.path());
        let parts = |said: &str| spelled.several(said, &Columns::default());
        assert_eq!(parts("a.txt; x.txt |y.txt"), ["a.txt", "x.txt", "y.txt"]);
        assert_eq!(parts("b;c.txt"), ["b;c.txt"]);
        assert_eq!(parts("d, e.txt"), ["d, e.txt"]);
        assert_eq!(parts("a.txt, x.txt"), ["a.txt", "x.txt"]);
        assert_eq!(parts("x, y.txt"), ["x, y.txt"], "none of them is there");
        let by = Columns::parse("separator = '#'\n").unwrap();
        assert_eq!(spelled.several("a.txt#b;c.txt", &by), ["a.txt", "b;c.txt"]);
    }

    #[test]
    fn a_file_is_called_by_the_last_part_of_its_path() {
        assert_eq!(["a/b c.txt", "a\\b%20c.txt", "b c.txt"].map(name), ["b c.txt"; 3]);
        assert_eq!(name("100%.txt"), "100%.txt");
    }
}
