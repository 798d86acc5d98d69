//! Files of the source, and what is known of those it did not hand out.

use super::Staging;
use crate::error::{Problem, Result};
use rusqlite::{OptionalExtension, params};
use std::path::{Path, PathBuf};

/// Bytes of one file of the source.
#[derive(Clone, Debug, PartialEq)]
pub struct StagedBlob {
    pub hash: String,
    pub bytes: u64,
    pub mime: Option<String>,
}

/// What the stage knows of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum BlobRow {
    /// It is on this disk.
    Here(StagedBlob),
    /// The same, of what does not look like its name and came twice, for the first time in this run.
    Twice(StagedBlob, String),
    /// It could not be had: why, in which run, and the hash of what came in its place.
    Failed { problem: Problem, run: Option<String>, came: Option<String> },
}

/// `hash, bytes, mime, problem, failed_in`
type Columns = (Option<String>, Option<i64>, Option<String>, Option<String>, Option<String>);

impl Staging {
    pub fn blob_dir(&self) -> &Path {
        &self.blobs
    }

    pub fn blob_path(&self, hash: &str) -> PathBuf {
        self.blobs.join(hash)
    }

    /// What is known of the file a source address leads to.
    pub async fn blob(&self, source: &str) -> Result<Option<BlobRow>> {
        let source = source.to_owned();
        let row: Option<Columns> = self
            .store
            .read(move |db| {
                let sql = "SELECT hash, bytes, mime, problem, failed_in FROM blob WHERE source = ?1";
                let columns = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?));
                Ok(db.query_row(sql, [&source], columns).optional()?)
            })
            .await?;
        Ok(match row {
            Some((came, _, _, Some(problem), run)) => {
                serde_json::from_str(&problem).ok().map(|problem| BlobRow::Failed { problem, run, came })
            }
            Some((Some(hash), bytes, mime, None, run)) if self.blob_path(&hash).is_file() => {
                let bytes = bytes.and_then(|n| u64::try_from(n).ok()).unwrap_or_default();
                let blob = StagedBlob { hash, bytes, mime };
                Some(run.map_or_else(|| BlobRow::Here(blob.clone()), |run| BlobRow::Twice(blob.clone(), run)))
            }
            _ => None,
        })
    }

    pub async fn put_blob(&self, source: &str, blob: &BlobRow) -> Result<()> {
        let source = source.to_owned();
        let row: Columns = match blob {
            BlobRow::Here(b) => (Some(b.hash.clone()), i64::try_from(b.bytes).ok(), b.mime.clone(), None, None),
            BlobRow::Twice(b, run) => {
                (Some(b.hash.clone()), i64::try_from(b.bytes).ok(), b.mime.clone(), None, Some(run.clone()))
            }
            BlobRow::Failed { problem, run, came } => {
                (came.clone(), None, None, serde_json::to_string(problem).ok(), run.clone())
            }
        };
        self.store
            .write(move |db| {
                let sql = "INSERT INTO blob (source, hash, bytes, mime, problem, failed_in) \
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                           ON CONFLICT (source) DO UPDATE SET hash = excluded.hash, bytes = excluded.bytes, \
                           mime = excluded.mime, problem = excluded.problem, failed_in = excluded.failed_in";
                db.prepare_cached(sql)?.execute(params![source, row.0, row.1, row.2, row.3, row.4])?;
                Ok(())
            })
            .await
    }
}

/// Removes what a killed process left of files it had not read to their end.
pub(super) fn sweep(blobs: &Path) -> Result<()> {
    for entry in std::fs::read_dir(blobs)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("tmp-") || name.starts_with(".tmp") {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
