//! Fetches the files of records. What came is believed only where it is what was listed: of the size the source told, and no answer of
//! somebody who wants a login in the place of the file.
//!
//! A file that cannot be had fails its record once, so that nothing is lost for a passing reason; where a later run cannot have it
//! either, it is a loss by its name. One that the source says is gone, or that does not look like its name, is asked for once more when
//! all other records are through, or by the next run: what is gone is a loss then, and what came the same is what the file is.

use super::Held;
use super::instead::{self, Judged};
use crate::connector::Source;
use crate::error::{Loss, Problem, Reason, Result};
use crate::naive::{self, Naive};
use crate::pipeline::aside;
use crate::pipeline::failure::{Reach, reach};
use crate::pipeline::migrate::LATER;
use crate::record::Attachment;
use crate::staging::{BlobRow, StagedBlob, Staging};
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// Bytes looked at to tell what a file is.
const HEAD: usize = 4096;
/// Times a file is asked for whose bytes are not what was listed.
const TRIES: usize = 2;

/// Fetches files of the source once.
#[derive(Clone)]
pub struct Blobs {
    pub source: Arc<dyn Source>,
    pub staging: Staging,
    /// Names this run, among those that tried to have a file; none where that does not count.
    pub run: Option<Arc<str>>,
    /// When this run was answered oddly for a file, by its address.
    odd: Arc<Mutex<HashMap<String, Instant>>>,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Fetched {
    /// On this disk.
    Here(StagedBlob),
    /// The same, and it does not look like its name.
    Unlike(StagedBlob),
    /// The record goes without it.
    Lost(Loss),
    /// The source says that it is gone, or shows something odd, and is asked once more.
    Doubtful(Problem),
    /// The record waits for it.
    Missing(Problem),
}

impl Blobs {
    pub fn new(source: Arc<dyn Source>, staging: Staging, run: Option<Arc<str>>) -> Blobs {
        Blobs { source, staging, run, odd: Arc::default() }
    }

    /// Has all files of a record, so that each was asked for before one of them fails the record.
    pub async fn have(&self, files: &[&Attachment]) -> Result<(), Held> {
        let mut missing: Option<(Problem, usize)> = None;
        let mut doubtful = None;
        for file in files {
            match self.fetch(file).await? {
                Fetched::Missing(problem) => {
                    missing = Some(missing.map_or((problem, 0), |(first, more)| (first, more + 1)));
                }
                Fetched::Doubtful(problem) => doubtful = Some(problem),
                Fetched::Here(_) | Fetched::Unlike(_) | Fetched::Lost(_) => {}
            }
        }
        let Some((first, more)) = missing else {
            return doubtful.map_or(Ok(()), |problem| Err(Held::Later(problem)));
        };
        let others = if more > 0 { format!(", and {more} more of its files") } else { String::new() };
        let hint = "`deskferry retry` asks for it again, and migrates the record without it where it cannot be had then either";
        let hint = first.hint.map_or_else(|| hint.to_owned(), |own| format!("{own}; {hint}"));
        Err(Held::Fail(Problem::new(Reason::FileUnreadable, format!("{}{others}", first.what)).hint(hint)))
    }

    /// A file, from this disk where it is there and good.
    ///
    /// Errors: those of this disk and of the account.
    pub async fn fetch(&self, file: &Attachment) -> Result<Fetched> {
        let mut before = Before::default();
        match self.staging.blob(file.source.as_str()).await? {
            Some(BlobRow::Here(blob))
                if self.is_kept(&blob).await? && self.differs(file, file.size, &blob)?.is_none() =>
            {
                return Ok(Fetched::Here(blob));
            }
            Some(BlobRow::Twice(blob, _)) if self.is_kept(&blob).await? => return Ok(Fetched::Unlike(blob)),
            Some(BlobRow::Failed { problem, run: None, .. }) if problem.reason == Reason::NotFound => {
                return Ok(Fetched::Lost(Loss::FileGone));
            }
            Some(BlobRow::Failed { problem, .. }) if problem.reason == Reason::NotFound => {
                if self.was_told_lately(file.source.as_str()) {
                    return Ok(Fetched::Doubtful(problem));
                }
                before.was_gone = true;
            }
            Some(BlobRow::Failed { problem, run: Some(run), came }) => {
                let is_this_run = self.run.as_deref() == Some(&*run);
                if is_this_run && came.is_none() {
                    return Ok(Fetched::Missing(problem));
                }
                if is_this_run && self.was_told_lately(file.source.as_str()) {
                    return Ok(Fetched::Doubtful(problem));
                }
                before = Before { failed_in: Some(run), came, was_gone: false };
            }
            _ => {}
        }
        if file.source.is_withheld() {
            return Ok(Fetched::Lost(Loss::FileGone));
        }
        match self.ask(file).await? {
            Ok(blob) => {
                self.staging.put_blob(file.source.as_str(), &BlobRow::Here(blob.clone())).await?;
                Ok(Fetched::Here(blob))
            }
            Err(not_had) => self.not_had(file, not_had, before).await,
        }
    }

    /// What becomes of a file that did not come as it should.
    async fn not_had(&self, file: &Attachment, not_had: NotHad, before: Before) -> Result<Fetched> {
        let NotHad { problem, came } = not_had;
        if problem.reason == Reason::NotFound {
            return self.gone(file, problem, before.was_gone).await;
        }
        let this_run = self.run.as_deref().map(str::to_owned);
        let is_second = before.failed_in.is_some() && before.failed_in == this_run;
        if let Some(run) = before.failed_in {
            // What comes the same twice is what the file is, whatever it is called.
            if let Some(came) = came.as_ref().filter(|came| before.came.as_ref() == Some(&came.hash)) {
                self.staging.put_blob(file.source.as_str(), &BlobRow::Twice(came.clone(), run)).await?;
                return Ok(Fetched::Unlike(came.clone()));
            }
            if !is_second {
                return Ok(Fetched::Lost(Loss::FileUnreadable));
            }
        }
        // What came otherwise the second time is left to the next run.
        let came = came.map(|came| came.hash).filter(|_| !is_second);
        let is_odd = came.is_some() && this_run.is_some();
        let failed = BlobRow::Failed { problem: problem.clone(), run: this_run, came };
        self.staging.put_blob(file.source.as_str(), &failed).await?;
        if is_odd {
            self.told().insert(file.source.to_string(), Instant::now());
            return Ok(Fetched::Doubtful(problem));
        }
        Ok(Fetched::Missing(problem))
    }

    /// What it means that the source says a file is gone: one such answer may pass.
    async fn gone(&self, file: &Attachment, problem: Problem, was_gone: bool) -> Result<Fetched> {
        // What does not count is asked for again by a run.
        let Some(run) = self.run.as_deref() else { return Ok(Fetched::Lost(Loss::FileGone)) };
        let run = Some(run.to_owned()).filter(|_| !was_gone);
        self.staging
            .put_blob(file.source.as_str(), &BlobRow::Failed { problem: problem.clone(), run, came: None })
            .await?;
        if was_gone {
            return Ok(Fetched::Lost(Loss::FileGone));
        }
        self.told().insert(file.source.to_string(), Instant::now());
        Ok(Fetched::Doubtful(problem))
    }

    fn told(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.odd.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn was_told_lately(&self, source: &str) -> bool {
        self.told().get(source).is_some_and(|at| at.elapsed() < LATER)
    }

    /// Whether the bytes on this disk are still the ones that came.
    async fn is_kept(&self, blob: &StagedBlob) -> Result<bool> {
        let (path, hash) = (self.staging.blob_path(&blob.hash), blob.hash.clone());
        aside(move || {
            let Ok(mut file) = std::fs::File::open(path) else { return false };
            let mut hasher = blake3::Hasher::new();
            std::io::copy(&mut file, &mut hasher).is_ok() && hasher.finalize().to_hex().as_str() == hash
        })
        .await
    }

    /// Asks the source. The inner error is the file's alone.
    async fn ask(&self, file: &Attachment) -> Result<Result<StagedBlob, NotHad>> {
        let mut last = NotHad::of(Problem::new(Reason::FileUnreadable, format!("file {} was not asked for", file.id)));
        for left in (0..TRIES).rev() {
            last = match self.source.fetch(file, self.staging.blob_dir()).await {
                Ok(blob) => {
                    let size = file.size.or(blob.told);
                    let blob = StagedBlob { hash: blob.hash, bytes: blob.bytes, mime: blob.mime };
                    match self.differs(file, size, &blob)? {
                        None => return Ok(Ok(blob)),
                        Some(Wrong::Unlike(what)) => NotHad { problem: wrong(file, &what), came: Some(blob) },
                        Some(Wrong::Other(what)) => NotHad::of(wrong(file, &what)),
                    }
                }
                // Whether the account answers is asked once.
                Err(problem) if problem.reason == Reason::NotFound && left > 0 => NotHad::of(problem),
                Err(problem) => match reach(&problem, self.source.probe()).await {
                    Reach::Record if problem.reason == Reason::NotFound => NotHad::of(problem),
                    Reach::Record => {
                        return Ok(Err(NotHad::of(Problem { reason: Reason::FileUnreadable, ..problem })));
                    }
                    Reach::Account | Reach::Machine => return Err(problem),
                },
            };
        }
        Ok(Err(last))
    }

    /// What is wrong with the bytes of a file.
    fn differs(&self, file: &Attachment, size: Option<u64>, blob: &StagedBlob) -> Result<Option<Wrong>> {
        if naive::is(Naive::Whole) {
            return Ok(None);
        }
        let head = if size.is_none() { head(&self.staging.blob_path(&blob.hash))? } else { vec![] };
        Ok(what_is_wrong(file, size, blob, &head))
    }
}

/// What an earlier try came to.
#[derive(Default)]
struct Before {
    failed_in: Option<String>,
    /// The hash of what came then, and did not look like the file.
    came: Option<String>,
    was_gone: bool,
}

/// Why a file is not there. `came`: what came in its place, where that may be the file all the same.
struct NotHad {
    problem: Problem,
    came: Option<StagedBlob>,
}

impl NotHad {
    fn of(problem: Problem) -> NotHad {
        NotHad { problem, came: None }
    }
}

/// What is wrong with bytes that came.
#[derive(Debug, PartialEq)]
enum Wrong {
    /// They do not look like the file, and may be it.
    Unlike(String),
    Other(String),
}

fn wrong(file: &Attachment, what: &str) -> Problem {
    Problem::new(Reason::FileUnreadable, format!("file {} ({:?}) {what}", file.id, file.name))
}

/// What is wrong with a file that came, by what was listed of it and by the size that the source tells; `head` is looked at where none
/// is told.
fn what_is_wrong(file: &Attachment, size: Option<u64>, blob: &StagedBlob, head: &[u8]) -> Option<Wrong> {
    match size {
        Some(size) if size != blob.bytes => {
            Some(Wrong::Other(format!("has {size} bytes in the source, but {} came", blob.bytes)))
        }
        Some(_) => None,
        None if blob.bytes == 0 => {
            Some(Wrong::Other("came empty, and the source does not say that it is empty".to_owned()))
        }
        None => match instead::judged(file, blob.mime.as_deref(), head) {
            Judged::Fits => None,
            Judged::Unlike(came) => Some(Wrong::Unlike(format!("does not look like its name: {came} came"))),
            Judged::Refusal(came) => Some(Wrong::Other(format!("is something else: {came} came"))),
        },
    }
}

/// The first bytes of a file.
pub(super) fn head(path: &Path) -> Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD);
    std::fs::File::open(path)?.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::NamedBy;

    #[test]
    fn a_file_that_came_empty_is_believed_only_where_it_is_said_to_be_empty() {
        let came = |bytes| StagedBlob { hash: "h".into(), bytes, mime: None };
        let picture = Attachment::picture("1".into(), "shot".into(), "s".into(), NamedBy::Message);
        assert!(what_is_wrong(&picture, None, &came(0), b"").is_some(), "200 without a body");
        assert_eq!(what_is_wrong(&picture, Some(0), &came(0), b""), None);
        assert_eq!(what_is_wrong(&picture, None, &came(4), b"%PDF"), None);
        assert!(what_is_wrong(&picture, Some(9), &came(4), b"%PDF").is_some());
    }
}
