//! A folder as a [`Target`].
//!
//! A record is its files (uploads: copied under a name no other content has, so that copying again changes nothing), one
//! line that makes it, and one that sets its present content. All of it is on disk before a step is applied. The
//! folder's lock is held while we write and let go by the system when the process dies: what a killed process was
//! doing is over, so that "not there" needs no waiting.

use super::planner::verbatim;
use super::store::Store;
use super::{Form, Place, export, folder, line};
use crate::clock::{Doubt, VendorClock};
use crate::connector::mapped::{Mapped, MappedFile, Verbatim};
use crate::connector::plan::{Content, FilePart, LateValues, Node, Step};
use crate::connector::profile::{Authors, Profile, Silence};
use crate::connector::seen::Among;
use crate::connector::{CheckLine, Differs, Eraser, Found, Marked, Outcome, ReadBack, Said, Target, Written};
use crate::error::{Problem, Reason, Result};
use crate::ledger::{Origin, Remote};
use crate::record::{Kind, Record, Visibility};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Where a CSV folder keeps the records its tables are written from.
pub const RECORDS: &str = ".records";
/// Copies of files under way side by side.
const WRITERS: usize = 4;

#[derive(Clone)]
pub struct FilesTarget(pub(super) Arc<Inner>);

pub(super) struct Inner {
    place: Place,
    address: String,
    pub profile: Profile,
    /// Nothing is asked by time.
    clock: VendorClock,
    open: Mutex<Option<Open>>,
}

struct Open {
    store: Store,
    _lock: folder::FolderLock,
}

impl FilesTarget {
    pub fn new(place: Place) -> FilesTarget {
        let profile = Profile {
            silence: Silence::Always,
            comment_dates: true,
            authors: Authors::Anyone,
            ccs: true,
            tags: true,
            private_comments: true,
            private_files: true,
            empty_files: true,
            inline_images: true,
            settle_seconds: Some(0),
            writers: WRITERS,
            verbatim: true,
            ..Profile::default()
        };
        let address = place.address();
        FilesTarget(Arc::new(Inner { place, address, profile, clock: VendorClock::default(), open: Mutex::default() }))
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Inner) -> Result<T> + Send + 'static) -> Result<T> {
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or_else(|e| {
            Err(Problem::new(Reason::Internal, format!("writing the files failed inside Deskferry: {e}")))
        })
    }
}

#[async_trait]
impl Target for FilesTarget {
    fn address(&self) -> &str {
        &self.0.address
    }

    fn clock(&self) -> &VendorClock {
        &self.0.clock
    }

    async fn may_be_assigned(&self, _person: &Remote, _group: Option<&Remote>) -> Result<bool> {
        Ok(true)
    }

    async fn prepare(&self) -> Result<()> {
        self.blocking(|inner| inner.begin()).await
    }

    async fn probe(&self) -> Result<()> {
        self.blocking(|inner| inner.can_be_written()).await.map(drop)
    }

    async fn check(&self) -> Vec<CheckLine> {
        let found = self.blocking(|inner| inner.can_be_written()).await;
        vec![CheckLine { proves: "the folder can be written".into(), found }]
    }

    async fn target_metadata(&self, _stream: &str) -> Result<Vec<Map<String, Value>>> {
        Ok(vec![])
    }

    async fn agent_at(&self, _address: &str) -> Result<Option<Map<String, Value>>> {
        Ok(None)
    }

    async fn may_write_as(&self, _person: &Remote, _group: Option<&Remote>, _visibility: Visibility) -> Result<bool> {
        Ok(true)
    }

    async fn apply(&self, step: &Step, _late: &LateValues) -> Outcome {
        let step = step.clone();
        match self.blocking(move |inner| inner.write(&step)).await {
            Ok(remote) => Outcome::Applied { remote, origin: Origin::Created },
            Err(problem) if matches!(problem.reason, Reason::Conflict | Reason::TooLarge) => Outcome::Rejected(problem),
            Err(problem) => Outcome::NotSent(problem),
        }
    }

    async fn apply_otherwise(&self, step: &Step, late: &LateValues) -> Outcome {
        self.apply(step, late).await
    }

    async fn find(&self, step: &Step, _late: &LateValues, _among: &Among<'_>) -> Result<Found> {
        let step = step.clone();
        self.blocking(move |inner| inner.look_for(&step)).await
    }

    async fn there_before(&self, _step: &Step, _late: &LateValues) -> Result<Vec<Remote>> {
        Ok(vec![])
    }

    async fn at_work(&self, _step: &Step, _doubt: &Doubt) -> Result<bool> {
        Ok(false)
    }

    async fn scan(
        &self,
        _kind: Kind,
        _prefix: &str,
        _since: Option<Timestamp>,
        _cursor: Option<&str>,
    ) -> Result<Option<Marked>> {
        Ok(None)
    }

    async fn said(&self, _section: &str, _target: &str) -> Result<Option<Vec<Said>>> {
        Ok(None)
    }

    async fn have_marker(&self, _kind: Kind, _markers: &[String]) -> Result<Option<Vec<(String, Remote)>>> {
        Ok(None)
    }

    async fn markers_of(&self, _kind: Kind, _id: &str) -> Result<Option<Vec<String>>> {
        Ok(None)
    }

    async fn lost(&self, kind: Kind, written: Vec<Written>) -> Result<Vec<String>> {
        self.blocking(move |inner| inner.with_store(|store| Ok(store.lost(kind, written)))).await
    }

    async fn lost_files(&self, names: Vec<String>) -> Result<Vec<String>> {
        self.blocking(move |inner| Ok(names.into_iter().filter(|name| !inner.holds_file(name)).collect())).await
    }

    async fn read_back(&self, mapped: &Mapped, steps: &[Step], _late: &LateValues) -> Result<Option<ReadBack>> {
        let marker = steps.iter().find_map(|step| step.marker.clone()).unwrap_or_default();
        let Verbatim { record, files } = verbatim(mapped)?.clone();
        let names = self.blocking(move |inner| inner.compare(&record, &files, &marker)).await?;
        let differs = names.into_iter().map(|name| Differs { name, loss: None, once: false }).collect();
        Ok(Some(ReadBack { differs, ..ReadBack::default() }))
    }

    async fn held(&self, _kind: Kind, _remote: &Remote) -> Result<Option<Map<String, Value>>> {
        Ok(None)
    }

    fn eraser(&self) -> Option<&dyn Eraser> {
        None
    }

    async fn finish(&self) -> Result<()> {
        self.blocking(|inner| inner.end()).await
    }

    fn calls(&self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }
}

impl Inner {
    /// Where the records are.
    fn home(&self) -> PathBuf {
        match self.place.form {
            Form::Csv => self.place.folder.join(RECORDS),
            _ => self.place.folder.clone(),
        }
    }

    fn can_be_written(&self) -> Result<String> {
        let folder = &self.place.folder;
        let there = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
        if !there.is_dir() {
            return Err(Problem::new(Reason::Refused, format!("{} is not a folder", there.display())));
        }
        // Its making is the proof; it is gone at once.
        tempfile::tempfile_in(there).map_err(|e| Problem::from(e).at(there.display()))?;
        Ok(if there == folder { folder.display().to_string() } else { format!("{} will be made", folder.display()) })
    }

    fn begin(&self) -> Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.is_none() {
            folder::make(&self.place.folder)?;
            let lock = folder::FolderLock::take(&self.place.folder)?;
            folder::sweep(&self.place.folder)?;
            folder::make(&self.home())?;
            *open = Some(Open { store: Store::open(&self.home())?, _lock: lock });
        }
        Ok(())
    }

    fn end(&self) -> Result<()> {
        let Some(open) = self.open.lock().unwrap_or_else(PoisonError::into_inner).take() else { return Ok(()) };
        open.store.finish()?;
        if self.place.form == Form::Csv {
            export::tables(&self.home(), &self.place.folder)?;
        }
        Ok(())
    }

    fn with_store<T>(&self, work: impl FnOnce(&mut Store) -> Result<T>) -> Result<T> {
        match &mut *self.open.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(open) => work(&mut open.store),
            None => Err(Problem::new(Reason::Internal, "the folder is not open")),
        }
    }

    fn write(&self, step: &Step) -> Result<Remote> {
        match &step.request.body {
            Some(Content::File(file)) => self.copy(file),
            Some(Content::Json(Node::Leaf(record))) => {
                let (kind, id) = named(step, record);
                let marker = step.marker.as_deref().unwrap_or_default();
                let text = line::written(record, marker);
                if text.len() as u64 > line::LONGEST {
                    let what = format!("the record is longer than {} MiB", line::LONGEST >> 20);
                    return Err(Problem::new(Reason::TooLarge, what));
                }
                self.with_store(|store| {
                    let held = store.get(kind, id)?;
                    if held.is_some_and(|held| held.marker.as_deref() != Some(marker)) {
                        let what = format!("the folder holds a {kind} {id} that is not of this migration");
                        return Err(
                            Problem::new(Reason::Conflict, what).hint("use a folder of its own for each source")
                        );
                    }
                    store.put(kind, id, &text)
                })?;
                Ok(remote(record))
            }
            _ => Err(Problem::new(Reason::Internal, "a step that a folder does not support")),
        }
    }

    fn holds_file(&self, name: &str) -> bool {
        std::fs::symlink_metadata(self.place.folder.join(name)).is_ok_and(|meta| meta.is_file())
    }

    fn copy(&self, file: &FilePart) -> Result<Remote> {
        let path = self.place.folder.join(&file.name);
        if !self.holds_file(&file.name) {
            folder::make(path.parent().unwrap_or(&self.place.folder))?;
            let mut from = File::open(&file.path).map_err(|e| Problem::from(e).at(file.path.display()))?;
            folder::write_whole(&path, |to| {
                std::io::copy(&mut from, to)?;
                Ok(())
            })?;
        }
        Ok(Remote { id: file.name.clone(), ..Remote::default() })
    }

    fn look_for(&self, step: &Step) -> Result<Found> {
        let Some(Content::Json(Node::Leaf(record))) = &step.request.body else { return Ok(Found::CannotTell) };
        let (kind, id) = named(step, record);
        let held = self.with_store(|store| store.get(kind, id))?;
        let ours = held.is_some_and(|held| held.marker.is_some() && held.marker == step.marker);
        Ok(if ours { Found::Yes(remote(record)) } else { Found::No })
    }

    /// What of a record is not as it was sent: its line, or a file by its name.
    fn compare(&self, record: &Record, files: &[MappedFile], marker: &str) -> Result<Vec<String>> {
        let held = self.with_store(|store| store.get(record.kind(), &record.id))?;
        let mut differs = Vec::new();
        let wanted = line::written(&line::value(record)?, marker);
        if held.is_none_or(|held| held.line != wanted) {
            differs.push("record".to_owned());
        }
        for file in files {
            let bytes = std::fs::metadata(self.place.folder.join(&file.name)).map(|meta| meta.len()).ok();
            if bytes != Some(file.bytes) {
                differs.push(file.name.clone());
            }
        }
        Ok(differs)
    }
}

fn named<'a>(step: &Step, record: &'a Value) -> (Kind, &'a str) {
    (Kind::from_code(&step.rule.0).unwrap_or(Kind::Ticket), record["id"].as_str().unwrap_or_default())
}

fn remote(record: &Value) -> Remote {
    let text = |key: &str| record[key].as_str().map(str::to_owned);
    Remote { id: text("id").unwrap_or_default(), number: text("number"), ..Remote::default() }
}
