//! The records of a folder we write: each kind a finished file, and beside it the records of this run, appended and on
//! disk before they count. Finishing makes one of both.
//!
//! A record written again replaces its earlier line. After a kill the last line may be torn: it is cut off, since
//! nobody was told that it is there. The place of every record is kept in memory (24 bytes each), no record is.

use super::line::{Lines, MARKER_KEY};
use super::{KINDS, folder};
use crate::connector::Written;
use crate::error::{Problem, Reason, Result};
use crate::record::Kind;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What names a line.
#[derive(Deserialize)]
struct Head {
    id: String,
    #[serde(rename = "deskferry")]
    marker: Option<String>,
    updated_at: Option<Value>,
}

impl Head {
    /// When the source changed it last, in seconds since 1970; 0 where it does not say.
    fn changed(&self) -> u32 {
        let at = self.updated_at.as_ref().and_then(Value::as_str).and_then(|at| at.parse().ok());
        at.map_or(0, seconds)
    }
}

fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_second()).unwrap_or(0)
}

/// Which of the two files of a kind.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Which {
    Finished,
    /// What this run wrote.
    Part,
}

/// Where a record's line begins, and when the source changed it last.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Slot {
    which: Which,
    offset: u64,
    changed: u32,
}

impl Slot {
    fn is_at(&self, which: Which, offset: u64) -> bool {
        self.which == which && self.offset == offset
    }
}

type Key = [u8; 16];

fn key(id: &str) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(&blake3::hash(id.as_bytes()).as_bytes()[..16]);
    key
}

struct KindFile {
    path: PathBuf,
    part_path: PathBuf,
    finished: Option<File>,
    part: File,
    part_bytes: u64,
    index: HashMap<Key, Slot>,
}

/// All kinds of one folder.
pub struct Store {
    kinds: HashMap<Kind, KindFile>,
}

/// A record as the folder has it.
pub struct Held {
    /// Whole, with its end.
    pub line: Vec<u8>,
    /// Whose it is; none if a person wrote it.
    pub marker: Option<String>,
}

impl Store {
    /// Opens or begins the records of a folder that exists and is locked.
    ///
    /// Errors: `config` when a line cannot be read; `disk`.
    pub fn open(home: &Path) -> Result<Store> {
        folder::sweep(home)?;
        let mut kinds = HashMap::new();
        for kind in KINDS {
            kinds.insert(kind, KindFile::open(home, kind)?);
        }
        Ok(Store { kinds })
    }

    /// The record with this id.
    pub fn get(&self, kind: Kind, id: &str) -> Result<Option<Held>> {
        let Some(file) = self.kinds.get(&kind) else { return Ok(None) };
        let Some(slot) = file.index.get(&key(id)) else { return Ok(None) };
        let line = file.line(*slot)?;
        let marker = head(&line).map_err(|p| p.at(file.path.display()))?.marker;
        Ok(Some(Held { line, marker }))
    }

    /// Writes a line for a record, and is back when it is on disk. The same line again is not written.
    ///
    /// Errors: `disk`, and then nothing is written.
    pub fn put(&mut self, kind: Kind, id: &str, line: &[u8]) -> Result<()> {
        let Some(file) = self.kinds.get_mut(&kind) else {
            return Err(Problem::new(Reason::Internal, format!("a folder does not support {kind} records")));
        };
        match file.index.get(&key(id)) {
            Some(slot) if file.line(*slot)? == line => Ok(()),
            _ => file.append(id, line),
        }
    }

    /// Those of these records that are not there, or only from before the source changed them last.
    pub fn lost(&self, kind: Kind, written: Vec<Written>) -> Vec<String> {
        let Some(file) = self.kinds.get(&kind) else { return vec![] };
        let is_old =
            |slot: &Slot, at: Option<Timestamp>| slot.changed > 0 && at.is_some_and(|at| seconds(at) > slot.changed);
        let is_there = |one: &Written| file.index.get(&key(&one.id)).is_some_and(|slot| !is_old(slot, one.updated_at));
        written.into_iter().filter(|one| !is_there(one)).map(|one| one.id).collect()
    }

    /// Makes each kind one file: finished records in their order, each as it was written last, new ones after them.
    /// Can be killed at any point, and done again.
    pub fn finish(self) -> Result<()> {
        self.kinds.into_values().try_for_each(KindFile::finish)
    }
}

impl KindFile {
    fn open(home: &Path, kind: Kind) -> Result<KindFile> {
        let path = home.join(format!("{kind}.jsonl"));
        let part_path = home.join(format!("{kind}.jsonl.part"));
        let finished = match File::open(&path) {
            Ok(file) => Some(file),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(Problem::from(e).at(path.display())),
        };
        let part = folder::appending(&part_path)?;
        folder::sync(home)?;
        let mut file = KindFile { path, part_path, finished, part, part_bytes: 0, index: HashMap::new() };
        let mut index = HashMap::new();
        if let Some(finished) = &file.finished {
            each_line(finished, &file.path, |offset, head, _| {
                index.insert(key(&head.id), Slot { which: Which::Finished, offset, changed: head.changed() });
                Ok(())
            })?;
        }
        file.part_bytes = whole_bytes(&file.part)?;
        file.part.set_len(file.part_bytes)?;
        file.part.sync_all()?;
        each_line(&file.part, &file.part_path, |offset, head, _| {
            index.insert(key(&head.id), Slot { which: Which::Part, offset, changed: head.changed() });
            Ok(())
        })?;
        file.index = index;
        Ok(file)
    }

    fn line(&self, slot: Slot) -> Result<Vec<u8>> {
        let (file, path) = match (slot.which, &self.finished) {
            (Which::Finished, Some(finished)) => (finished, &self.path),
            (Which::Finished | Which::Part, _) => (&self.part, &self.part_path),
        };
        let line = Lines::from(file, slot.offset, 1)?.next().map_err(|p| p.at(path.display()))?;
        let mut line = line.unwrap_or_default();
        line.push(b'\n');
        Ok(line)
    }

    fn append(&mut self, id: &str, line: &[u8]) -> Result<()> {
        let written = self.part.write_all(line).and_then(|()| self.part.sync_data());
        if let Err(e) = written {
            // What stands behind the last whole line is nobody's.
            let _ = self.part.set_len(self.part_bytes);
            return Err(Problem::from(e).at(self.part_path.display()));
        }
        let changed = head(line).map_or(0, |head| head.changed());
        self.index.insert(key(id), Slot { which: Which::Part, offset: self.part_bytes, changed });
        self.part_bytes += line.len() as u64;
        Ok(())
    }

    fn finish(self) -> Result<()> {
        let gone = |e: std::io::Error| Problem::from(e).at(self.part_path.display());
        if self.part_bytes > 0 {
            folder::write_whole(&self.path, |to| {
                let mut to = std::io::BufWriter::new(to);
                let mut replaced = HashSet::new();
                if let Some(finished) = &self.finished {
                    each_line(finished, &self.path, |offset, head, line| match self.index.get(&key(&head.id)) {
                        Some(slot) if slot.which == Which::Finished && slot.offset != offset => Ok(()),
                        Some(slot) if slot.which == Which::Part => {
                            if replaced.insert(key(&head.id)) {
                                to.write_all(&self.line(*slot)?)?;
                            }
                            Ok(())
                        }
                        _ => Ok(to.write_all(line).and_then(|()| to.write_all(b"\n"))?),
                    })?;
                }
                each_line(&self.part, &self.part_path, |offset, head, line| {
                    let newest = self.index.get(&key(&head.id)).is_some_and(|slot| slot.is_at(Which::Part, offset));
                    if newest && !replaced.contains(&key(&head.id)) {
                        to.write_all(line).and_then(|()| to.write_all(b"\n"))?;
                    }
                    Ok(())
                })?;
                Ok(to.flush()?)
            })?;
        }
        std::fs::remove_file(&self.part_path).map_err(gone)?;
        folder::sync(self.path.parent().unwrap_or(Path::new(".")))
    }
}

/// Bytes up to the end of the last whole line.
fn whole_bytes(file: &File) -> Result<u64> {
    let mut lines = Lines::from(file, 0, 0)?;
    let mut whole = 0;
    loop {
        let before = lines.offset;
        if lines.next()?.is_none() {
            return Ok(whole);
        }
        let mut last = [0];
        std::os::unix::fs::FileExt::read_exact_at(file, &mut last, lines.offset - 1)?;
        whole = if last == *b"\n" { lines.offset } else { before };
    }
}

/// Gives the offset, what names it and the text of every line.
fn each_line(file: &File, path: &Path, mut with: impl FnMut(u64, &Head, &[u8]) -> Result<()>) -> Result<()> {
    let mut lines = Lines::from(file, 0, 0)?;
    loop {
        let offset = lines.offset;
        let Some(line) = lines.next().map_err(|p| p.at(path.display()))? else { return Ok(()) };
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let head = head(&line).map_err(|p| p.at(format!("{} line {}", path.display(), lines.number)))?;
        with(offset, &head, &line)?;
    }
}

fn head(line: &[u8]) -> Result<Head> {
    serde_json::from_slice(line).map_err(|_| {
        Problem::new(Reason::Config, format!("a line without `id`, or not a record (our own have `{MARKER_KEY}` too)"))
            .hint("use an empty folder as target, or put the file back as it was")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, text: &str) -> Vec<u8> {
        format!("{{\"id\":\"{id}\",\"deskferry\":\"m{id}\",\"t\":\"{text}\"}}\n").into_bytes()
    }

    fn text(home: &Path) -> String {
        std::fs::read_to_string(home.join("ticket.jsonl")).unwrap()
    }

    fn put(store: &mut Store, id: &str, word: &str) {
        store.put(Kind::Ticket, id, &line(id, word)).unwrap();
    }

    #[test]
    fn a_record_written_again_stands_once_and_in_its_place() {
        let home = tempfile::tempdir().unwrap();
        let mut store = Store::open(home.path()).unwrap();
        for (id, word) in [("1", "a"), ("2", "b"), ("1", "c")] {
            put(&mut store, id, word);
        }
        store.finish().unwrap();
        let first = [line("2", "b"), line("1", "c")].concat();
        assert_eq!(text(home.path()).into_bytes(), first);
        let mut store = Store::open(home.path()).unwrap();
        for (id, word) in [("3", "new"), ("2", "again"), ("1", "c")] {
            put(&mut store, id, word);
        }
        assert_eq!(store.get(Kind::Ticket, "2").unwrap().unwrap().line, line("2", "again"));
        store.finish().unwrap();
        let second = [line("2", "again"), line("1", "c"), line("3", "new")].concat();
        assert_eq!(text(home.path()).into_bytes(), second);
        assert!(!home.path().join("ticket.jsonl.part").exists());
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_the_others_stay() {
        let whole = [line("1", "a"), line("2", "b")].concat();
        for cut in 0..=whole.len() {
            let home = tempfile::tempdir().unwrap();
            std::fs::write(home.path().join("ticket.jsonl.part"), &whole[..cut]).unwrap();
            let mut store = Store::open(home.path()).unwrap();
            let there = |store: &Store, id: &str| store.get(Kind::Ticket, id).unwrap().is_some();
            assert_eq!(there(&store, "1"), cut >= line("1", "a").len(), "cut at {cut}");
            assert_eq!(there(&store, "2"), cut == whole.len(), "cut at {cut}");
            put(&mut store, "1", "a");
            put(&mut store, "2", "b");
            store.finish().unwrap();
            assert_eq!(text(home.path()).into_bytes(), whole, "cut at {cut}");
        }
    }

    #[test]
    fn what_is_gone_or_from_before_is_lost_and_what_people_changed_is_not() {
        let home = tempfile::tempdir().unwrap();
        let at = |id: &str, day: u32, word: &str| {
            format!("{{\"id\":\"{id}\",\"updated_at\":\"2024-01-0{day}T00:00:00Z\",\"t\":\"{word}\"}}\n")
        };
        let lines = [at("1", 2, "a"), at("2", 1, "old"), at("3", 2, "by hand")].concat() + "{\"id\":\"4\"}\n";
        std::fs::write(home.path().join("ticket.jsonl"), lines).unwrap();
        let store = Store::open(home.path()).unwrap();
        let written = |id: &str| Written { id: id.into(), updated_at: "2024-01-02T00:00:00Z".parse().ok() };
        let all = ["1", "2", "3", "4", "5"].map(written).to_vec();
        assert_eq!(store.lost(Kind::Ticket, all.clone()), ["2", "5"]);
        assert_eq!(store.lost(Kind::Company, all).len(), 5);
    }

    #[test]
    fn finishing_twice_is_finishing_once() {
        let home = tempfile::tempdir().unwrap();
        let mut store = Store::open(home.path()).unwrap();
        put(&mut store, "1", "a");
        let part = std::fs::read(home.path().join("ticket.jsonl.part")).unwrap();
        store.finish().unwrap();
        // As if it had been killed between the two.
        std::fs::write(home.path().join("ticket.jsonl.part"), part).unwrap();
        Store::open(home.path()).unwrap().finish().unwrap();
        assert_eq!(text(home.path()).into_bytes(), line("1", "a"));
    }
}
