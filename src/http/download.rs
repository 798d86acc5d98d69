//! Streams a file of the platform to the disk, under the hash of its bytes.

use super::call::Call;
use super::client::{Broke, Client, Opened, problem_of};
use super::field::FieldScanner;
use crate::error::{Problem, Reason, Result};
use std::path::Path;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

const TRIES: u32 = 5;
/// Bytes of an error answer that are looked at.
const SAID: usize = 4 << 10;

/// How the bytes are wrapped.
#[derive(Clone, Debug, PartialEq)]
pub enum Decode {
    Raw,
    /// In base64 at this top-level key of a JSON object.
    Base64Field(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Downloaded {
    /// BLAKE3, lower-case hex.
    pub blake3: String,
    pub bytes: u64,
    pub content_type: Option<String>,
}

enum Failed {
    /// May pass: the network, a 5xx, a truncated answer.
    Again(Problem),
    Final(Problem),
}

impl From<std::io::Error> for Failed {
    fn from(e: std::io::Error) -> Self {
        Failed::Final(e.into())
    }
}

impl Client {
    /// Streams an answer to `dir/<blake3>`. A file is there whole or not at all. No credential goes to another origin.
    ///
    /// Errors: `not_found` when the platform no longer has it; `disk`; `network`, `timeout`, `bad_answer` after some tries.
    pub async fn download_to(&self, call: Call, decode: Decode, dir: &Path) -> Result<Downloaded> {
        let mut tries = 0;
        loop {
            match self.download_once(&call, &decode, dir).await {
                Ok(downloaded) => return Ok(downloaded),
                Err(Failed::Final(problem)) => return Err(problem),
                Err(Failed::Again(problem)) if tries + 1 >= TRIES => return Err(problem),
                Err(Failed::Again(_)) => {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(250 << tries)).await;
                }
            }
        }
    }

    async fn download_once(&self, call: &Call, decode: &Decode, dir: &Path) -> std::result::Result<Downloaded, Failed> {
        let Opened { mut response, permit } = self.open(call).await.map_err(|broke| match broke {
            Broke::NotSent(problem) | Broke::Unknown(problem) => Failed::Again(problem),
        })?;
        let url = response.url().clone();
        let status = response.status().as_u16();
        if status != 200 {
            return Err(refused(status, &mut response).await);
        }
        let content_type = response.headers().get("content-type").and_then(|v| v.to_str().ok()).map(str::to_owned);
        let part = tempfile::NamedTempFile::new_in(dir)?;
        let mut file = tokio::fs::File::from_std(part.reopen()?);
        let mut hash = blake3::Hasher::new();
        let mut bytes = 0;
        let mut scanner = match decode {
            Decode::Raw => None,
            Decode::Base64Field(key) => Some(FieldScanner::new(key)),
        };
        while let Some(chunk) = response.chunk().await.map_err(|e| Failed::Again(problem_of(&e, &url)))? {
            let unwrapped = match &mut scanner {
                None => chunk,
                Some(scanner) => scanner.push(&chunk).map_err(Failed::Again)?.into(),
            };
            hash.update(&unwrapped);
            bytes += unwrapped.len() as u64;
            file.write_all(&unwrapped).await?;
        }
        if let Some(scanner) = scanner {
            scanner.end().map_err(Failed::Again)?;
        }
        drop(permit);
        file.flush().await?;
        file.sync_all().await?;
        let blake3 = hash.finalize().to_hex().to_string();
        part.persist(dir.join(&blake3)).map_err(|e| Failed::Final(e.error.into()))?;
        let content_type = content_type.filter(|_| *decode == Decode::Raw);
        Ok(Downloaded { blake3, bytes, content_type })
    }
}

async fn refused(status: u16, response: &mut reqwest::Response) -> Failed {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > SAID {
            break;
        }
    }
    let problem = |reason| Problem::new(reason, format!("the file's address answered {status}"));
    match status {
        404 | 410 => Failed::Final(problem(Reason::NotFound)),
        401 => Failed::Final(problem(Reason::Auth)),
        403 => Failed::Final(problem(Reason::FileUnreadable)),
        429 | 503 => Failed::Again(problem(Reason::RateLimited)),
        500.. => Failed::Again(problem(Reason::FileUnreadable)),
        _ => Failed::Final(problem(Reason::BadAnswer)),
    }
}
