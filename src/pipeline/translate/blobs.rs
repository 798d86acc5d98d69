//! Fetches the files of records. What came is believed only where it is what was listed: of the size the source told, and no answer of
//! somebody who wants a login in the place of the file.
//!
//! A file that cannot be had fails its record once, so that nothing is lost for a passing reason; where a later run cannot have it
//! either, it is a loss by its name. One that the source says is gone is a loss at once.

use super::{Held, instead};
use crate::connector::{Source, is_withheld};
use crate::error::{Loss, Problem, Reason, Result};
use crate::naive::{self, Naive};
use crate::pipeline::aside;
use crate::pipeline::failure::{Reach, reach};
use crate::record::Attachment;
use crate::staging::{BlobRow, StagedBlob, Staging};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// Bytes looked at to tell what a file is.
const HEAD: usize = 1024;
/// Times a file is asked for whose bytes are not what was listed.
const TRIES: usize = 2;

/// Fetches files of the source once.
#[derive(Clone)]
pub struct Blobs {
    pub source: Arc<dyn Source>,
    pub staging: Staging,
    /// Names this run, among those that tried to have a file; none where that does not count.
    pub run: Option<Arc<str>>,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Fetched {
    /// On this disk.
    Here(StagedBlob),
    /// The record goes without it.
    Lost(Loss),
    /// The record waits for it.
    Missing(Problem),
}

impl Blobs {
    /// Has all files of a record, so that each was asked for before one of them fails the record.
    pub async fn have(&self, files: &[&Attachment]) -> Result<(), Held> {
        let mut missing: Option<(Problem, usize)> = None;
        for file in files {
            if let Fetched::Missing(problem) = self.fetch(file).await? {
                missing = Some(missing.map_or((problem, 0), |(first, more)| (first, more + 1)));
            }
        }
        let Some((first, more)) = missing else { return Ok(()) };
        let others = if more > 0 { format!(", and {more} more of its files") } else { String::new() };
        let hint = "`deskferry retry` asks for it again, and migrates the record without it where it cannot be had then either";
        let hint = first.hint.map_or_else(|| hint.to_owned(), |own| format!("{own}; {hint}"));
        Err(Held::Fail(Problem::new(Reason::FileUnreadable, format!("{}{others}", first.what)).hint(hint)))
    }

    /// A file, from this disk where it is there and good.
    ///
    /// Errors: those of this disk and of the account.
    pub async fn fetch(&self, file: &Attachment) -> Result<Fetched> {
        let mut failed_before = false;
        match self.staging.blob(&file.source).await? {
            Some(BlobRow::Here(blob))
                if self.is_kept(&blob).await? && self.differs(file, file.size, &blob)?.is_none() =>
            {
                return Ok(Fetched::Here(blob));
            }
            Some(BlobRow::Failed { problem, .. }) if problem.reason == Reason::NotFound => {
                return Ok(Fetched::Lost(Loss::FileGone));
            }
            Some(BlobRow::Failed { problem, run: Some(run) }) => match self.run.as_deref() == Some(&*run) {
                true => return Ok(Fetched::Missing(problem)),
                false => failed_before = true,
            },
            _ => {}
        }
        if is_withheld(file) {
            return Ok(Fetched::Lost(Loss::FileGone));
        }
        let problem = match self.ask(file).await? {
            Ok(blob) => {
                self.staging.put_blob(&file.source, &BlobRow::Here(blob.clone())).await?;
                return Ok(Fetched::Here(blob));
            }
            Err(problem) => problem,
        };
        if problem.reason == Reason::NotFound {
            self.staging.put_blob(&file.source, &BlobRow::Failed { problem, run: None }).await?;
            return Ok(Fetched::Lost(Loss::FileGone));
        }
        if failed_before {
            return Ok(Fetched::Lost(Loss::FileUnreadable));
        }
        let failed = BlobRow::Failed { problem: problem.clone(), run: self.run.as_deref().map(str::to_owned) };
        self.staging.put_blob(&file.source, &failed).await?;
        Ok(Fetched::Missing(problem))
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
    async fn ask(&self, file: &Attachment) -> Result<Result<StagedBlob>> {
        let mut last = Problem::new(Reason::FileUnreadable, format!("file {} was not asked for", file.id));
        for left in (0..TRIES).rev() {
            last = match self.source.fetch(file, self.staging.blob_dir()).await {
                Ok(blob) => {
                    let size = file.size.or(blob.told);
                    let blob = StagedBlob { hash: blob.hash, bytes: blob.bytes, mime: blob.mime };
                    match self.differs(file, size, &blob)? {
                        None => return Ok(Ok(blob)),
                        Some(problem) => problem,
                    }
                }
                // Whether the account answers is asked once.
                Err(problem) if problem.reason == Reason::NotFound && left > 0 => problem,
                Err(problem) => match reach(&problem, self.source.probe()).await {
                    Reach::Record if problem.reason == Reason::NotFound => problem,
                    Reach::Record => return Ok(Err(Problem { reason: Reason::FileUnreadable, ..problem })),
                    Reach::Account | Reach::Machine => return Err(problem),
                },
            };
        }
        Ok(Err(last))
    }

    /// What is wrong with the bytes of a file.
    fn differs(&self, file: &Attachment, size: Option<u64>, blob: &StagedBlob) -> Result<Option<Problem>> {
        if naive::is(Naive::Whole) {
            return Ok(None);
        }
        let head = if size.is_none() { head(&self.staging.blob_path(&blob.hash))? } else { vec![] };
        let problem =
            |what: String| Problem::new(Reason::FileUnreadable, format!("file {} ({:?}) {what}", file.id, file.name));
        Ok(what_is_wrong(file, size, blob, &head).map(problem))
    }
}

/// What is wrong with a file that came, by what was listed of it and by the size that the source tells; `head` is looked at where none
/// is told.
fn what_is_wrong(file: &Attachment, size: Option<u64>, blob: &StagedBlob, head: &[u8]) -> Option<String> {
    match size {
        Some(size) if size != blob.bytes => Some(format!("has {size} bytes in the source, and {} came", blob.bytes)),
        Some(_) => None,
        None if blob.bytes == 0 => Some("came without a byte, and nothing says that it is empty".to_owned()),
        None => instead::what_came_instead(file, blob.mime.as_deref(), head)
            .map(|came| format!("is something else, and {came} came")),
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

    #[test]
    fn a_file_that_came_empty_is_believed_only_where_it_is_said_to_be_empty() {
        let came = |bytes| StagedBlob { hash: "h".into(), bytes, mime: None };
        let picture = Attachment::picture("1".into(), "shot".into(), "s".into());
        assert!(what_is_wrong(&picture, None, &came(0), b"").is_some(), "200 without a body");
        assert_eq!(what_is_wrong(&picture, Some(0), &came(0), b""), None);
        assert_eq!(what_is_wrong(&picture, None, &came(4), b"%PDF"), None);
        assert!(what_is_wrong(&picture, Some(9), &came(4), b"%PDF").is_some());
    }
}
