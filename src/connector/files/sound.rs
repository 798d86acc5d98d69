//! Whether the attached files of a folder are what their records say: there, no folders, not empty, of the size and the sum that is
//! said of them. A run finds each of these when it fetches the file; `check` finds them before.

use super::census::Census;
use super::columns::Columns;
use super::faults::{Fault, Faults, Place as Where};
use super::fields::ATTACHMENT;
use super::spelled::Spelled;
use super::table::Table;
use super::{Form, KINDS, Place, children, line, lines, rows};
use crate::error::{Problem, Reason, Result};
use crate::record::{Attachment, Kind, Record};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::fs::File;

/// Why a file cannot be attached.
pub struct Unsound {
    /// The field that says it.
    pub field: &'static str,
    pub what: String,
    pub hint: String,
    /// Its record is migrated without it, and a later run attaches it.
    pub is_missing: bool,
}

impl Unsound {
    fn of(field: &'static str, what: String, hint: &str) -> Unsound {
        Unsound { field, what, hint: hint.to_owned(), is_missing: false }
    }
}

/// A row of the table of files as a file.
pub fn attachment(mut row: Map<String, Value>) -> serde_json::Result<Attachment> {
    row.shift_remove("comment");
    Attachment::deserialize(&Value::Object(row))
}

/// Opens a file a record names.
///
/// Errors: `bad_export` when it would leave the folder, or is no file; `not_found`; `disk`.
pub fn open(folder: &Spelled, name: &str) -> Result<File> {
    let file = File::open(folder.found(name)?).map_err(|e| Problem::from(e).at(name))?;
    if !file.metadata()?.is_file() {
        return Err(Problem::new(Reason::BadExport, format!("{name:?} is not a file")));
    }
    Ok(file)
}

/// Looks at a file without reading it.
pub fn look(folder: &Spelled, file: &Attachment) -> Result<(), Unsound> {
    let path = folder.found(file.source.as_str()).map_err(|problem| Unsound {
        is_missing: problem.reason == Reason::NotFound,
        ..Unsound::of("source", problem.what, problem.hint.as_deref().unwrap_or_default())
    })?;
    let found = std::fs::metadata(&path).map_err(|e| Unsound::of("source", e.to_string(), ""))?;
    if !found.is_file() {
        let what = format!("{:?} is a folder, not a file", file.source.as_str());
        return Err(Unsound::of("source", what, "name the file in it, each in a row of its own"));
    }
    match file.size {
        Some(said) if said != found.len() => {
            let what = format!("{:?} has {} bytes, but its row says {said}", file.source.as_str(), found.len());
            return Err(Unsound::of("size", what, "put the whole file there, or correct the size or leave it out"));
        }
        None if found.len() == 0 => {
            let what = format!("the file {:?} is empty", file.source.as_str());
            return Err(Unsound::of(
                "source",
                what,
                "put the whole file there; where it is empty, write 0 as its `size`",
            ));
        }
        _ => {}
    }
    match &file.hash {
        Some(hash) if !is_sum(hash) => {
            let what = format!("the hash of {:?} is not a BLAKE3 sum", file.source.as_str());
            Err(Unsound::of("hash", what, "`b3sum FILE` prints the 64 digits; leave sums of another sort out"))
        }
        _ => Ok(()),
    }
}

fn is_sum(hash: &str) -> bool {
    hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The files of a record that cannot be attached, and those that are missing.
pub fn of_record(folder: &Spelled, record: &Record, place: &Where) -> (Vec<Fault>, Vec<Fault>) {
    let (mut faults, mut missing) = (Vec::new(), Vec::new());
    for file in line::files(record) {
        let Err(wrong) = look(folder, file) else { continue };
        let fault = Fault { place: place.clone(), what: wrong.what, hint: wrong.hint };
        if wrong.is_missing { missing.push(fault) } else { faults.push(fault) }
    }
    (faults, missing)
}

/// Reads all files of which a sum is said, and finds those that differ.
///
/// Errors: `disk`.
pub fn sums(census: &Census, place: &Place, said: &Columns) -> Result<Faults> {
    let mut faults = Faults::default();
    if place.form == Form::Jsonl {
        for kind in KINDS.into_iter().filter(|kind| census.counts.contains_key(kind.code())) {
            if !matches!(kind, Kind::Ticket | Kind::Article) {
                continue;
            }
            let mut reader = lines::Reader::open(&place.folder, kind, None)?;
            while let Some(line) = reader.next()? {
                let Ok(record) = &line.record else { continue };
                faults.take(&differing(&census.folder, record, &reader.place(line.spot))?);
            }
        }
        return Ok(faults);
    }
    if let Some(layout) =
        census.tables.get(ATTACHMENT).filter(|layout| layout.parts.iter().any(|part| part.bound.of("hash").is_some()))
    {
        let mut table = Table::open(layout)?;
        while let Some(row) = table.next()? {
            let Ok(files) = children::files(&row.fields, "1", said, Some(&census.folder)) else { continue };
            for file in files.into_iter().filter_map(|file| attachment(file).ok()) {
                if let Some(what) = differs(&census.folder, &file)? {
                    faults.take(&[table.fault(row.spot, "hash", what, SUM_HINT.into())]);
                }
            }
        }
    }
    if let Some(layout) = census.tables.get("article") {
        let mut table = Table::open(layout)?;
        while let Some(row) = table.next()? {
            let mut fields = row.fields.clone();
            fields.entry("id").or_insert_with(|| "1".into());
            let Ok(record) = rows::record(Kind::Article, fields) else { continue };
            faults.take(&differing(&census.folder, &record, &table.place(row.spot, None))?);
        }
    }
    Ok(faults)
}

const SUM_HINT: &str = "put the right file there, or correct its sum (`b3sum FILE` prints it) or leave it out";

fn differing(folder: &Spelled, record: &Record, place: &Where) -> Result<Vec<Fault>> {
    let mut all = Vec::new();
    for file in line::files(record) {
        if let Some(what) = differs(folder, file)? {
            all.push(Fault { place: place.clone(), what, hint: SUM_HINT.into() });
        }
    }
    Ok(all)
}

/// Reads a file of which a sum is said. What is wrong with it otherwise is found without reading it.
fn differs(folder: &Spelled, file: &Attachment) -> Result<Option<String>> {
    let Some(hash) = file.hash.as_ref().filter(|_| look(folder, file).is_ok()) else { return Ok(None) };
    let mut hasher = blake3::Hasher::new();
    let mut open = open(folder, file.source.as_str())?;
    std::io::copy(&mut open, &mut hasher).map_err(|e| Problem::from(e).at(file.source.as_str()))?;
    let is_same = hasher.finalize().to_hex().eq_ignore_ascii_case(hash);
    Ok((!is_same)
        .then(|| format!("{:?} is not the file its record names: its BLAKE3 sum differs", file.source.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(source: &str, size: Option<u64>, hash: Option<&str>) -> Attachment {
        let row = serde_json::json!({ "id": "1", "name": "a", "source": source, "size": size, "hash": hash });
        attachment(row.as_object().cloned().unwrap()).unwrap()
    }

    #[test]
    fn each_thing_that_a_run_would_fail_for_is_found_before() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("f")).unwrap();
        std::fs::write(home.path().join("f/a"), "abc").unwrap();
        std::fs::write(home.path().join("f/empty"), "").unwrap();
        let folder = Spelled::of(home.path());
        let sum = blake3::hash(b"abc").to_hex().to_uppercase();
        let other = blake3::hash(b"x").to_hex();
        let field = |file: &Attachment| look(&folder, file).err().map(|wrong| (wrong.field, wrong.is_missing));
        assert_eq!(field(&file("f/a", Some(3), Some(&sum))), None);
        assert_eq!(field(&file("f/a", Some(4), None)), Some(("size", false)));
        assert_eq!(field(&file("f", None, None)), Some(("source", false)));
        assert_eq!(field(&file("f/empty", None, None)), Some(("source", false)));
        assert_eq!(field(&file("f/empty", Some(0), None)), None);
        assert_eq!(field(&file("f/b", None, None)), Some(("source", true)));
        assert_eq!(field(&file("f/a", None, Some("900150983cd24fb0d6963f7d28e17f72"))), Some(("hash", false)));
        assert!(differs(&folder, &file("f/a", None, Some(&other))).unwrap().is_some());
        assert!(differs(&folder, &file("f/a", None, Some(&sum))).unwrap().is_none());
    }
}
