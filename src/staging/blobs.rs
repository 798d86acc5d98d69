//! Files of the source, and what is known of those it no longer has.

use super::Staging;
use crate::error::Result;
use rusqlite::{OptionalExtension, params};
use std::path::{Path, PathBuf};

/// Bytes of one file of the source.
#[derive(Clone, Debug, PartialEq)]
pub struct StagedBlob {
    pub hash: String,
    pub bytes: u64,
    pub mime: Option<String>,
}

/// `hash, bytes, mime, problem`
type BlobRow = (Option<String>, Option<i64>, Option<String>, Option<String>);

impl Staging {
    pub fn blob_dir(&self) -> &Path {
        &self.blobs
    }

    pub fn blob_path(&self, hash: &str) -> PathBuf {
        self.blobs.join(hash)
    }

    /// The file a source address was read into. An error that will not pass (the source no longer has it) is kept too.
    pub async fn blob(&self, source: &str) -> Result<Option<Result<StagedBlob>>> {
        let source = source.to_owned();
        let row: Option<BlobRow> = self
            .store
            .read(move |db| {
                let sql = "SELECT hash, bytes, mime, problem FROM blob WHERE source = ?1";
                Ok(db.query_row(sql, [&source], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))).optional()?)
            })
            .await?;
        Ok(match row {
            Some((Some(hash), bytes, mime, _)) if self.blob_path(&hash).is_file() => {
                let bytes = bytes.and_then(|n| u64::try_from(n).ok()).unwrap_or_default();
                Some(Ok(StagedBlob { hash, bytes, mime }))
            }
            Some((None, _, _, Some(problem))) => serde_json::from_str(&problem).ok().map(Err),
            _ => None,
        })
    }

    pub async fn put_blob(&self, source: &str, blob: &Result<StagedBlob>) -> Result<()> {
        let source = source.to_owned();
        let row = match blob {
            Ok(b) => (Some(b.hash.clone()), i64::try_from(b.bytes).ok(), b.mime.clone(), None),
            Err(problem) => (None, None, None, serde_json::to_string(problem).ok()),
        };
        self.store
            .write(move |db| {
                let sql = "INSERT INTO blob (source, hash, bytes, mime, problem) VALUES (?1, ?2, ?3, ?4, ?5) \
                           ON CONFLICT (source) DO UPDATE SET hash = excluded.hash, bytes = excluded.bytes, \
                           mime = excluded.mime, problem = excluded.problem";
                db.prepare_cached(sql)?.execute(params![source, row.0, row.1, row.2, row.3])?;
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
