//! Files from the platform to disk, named by their content. A file appears under its name whole and on disk, or not
//! at all.

use super::body::Body;
use super::call::Call;
use super::client::Client;
use super::exchange::{Head, Wants};
use super::fault::Fault;
use super::scan::Scanner;
use super::send::{PARTIAL, Tries};
use crate::error::{Problem, Reason, Result};
use crate::pacer::retry_after;
use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use std::path::Path;
use tempfile::NamedTempFile;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

/// How a platform hands out a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decode {
    /// The answer is the file.
    Raw,
    /// The answer is a JSON object with the file as base64 in a top-level field: `.Content`.
    Base64Field(String),
}

/// A file that is on disk as `<dir>/<hash>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downloaded {
    /// BLAKE3 of the bytes, in hex.
    pub hash: String,
    pub bytes: u64,
    /// As the answer says; `None` where the file came inside JSON.
    pub content_type: Option<String>,
    /// The first bytes, 512 at most.
    pub head: Vec<u8>,
}

const HEAD: usize = 512;

/// What ended a try.
enum Failure {
    /// On this machine: the disk. Never tried again.
    Local(Problem),
    Fault(Fault),
    Status(u16, bool, Option<std::time::Duration>),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Local(error.into())
    }
}

impl Client {
    /// Reads a file into `dir`, which exists and lies on one file system. The call must be one that only reads; it
    /// is tried again from the start when it breaks off. Errors tell by their reason whether the platform has no
    /// such file ([`Reason::NotFound`]).
    pub async fn download_to(&self, call: &Call, decode: &Decode, dir: &Path) -> Result<Downloaded> {
        let body = Body::of(&call.body).await?;
        let file = tempfile::Builder::new().prefix("tmp-").tempfile_in(dir)?;
        let mut tries = self.tries();
        let done = loop {
            match self.fetch(call, &body, decode, &file, &tries).await {
                Ok(done) => break done,
                Err(Failure::Local(problem)) => return Err(problem),
                Err(Failure::Fault(fault)) => {
                    if !self.again_after_fault(call, &fault, &mut tries).await {
                        return Err(self.on(call, fault.problem));
                    }
                }
                Err(Failure::Status(status, paced, wait)) => {
                    if !self.again_after_status(call, status, paced, wait, &mut tries).await {
                        return Err(self.on(call, refusal(status)));
                    }
                }
            }
        };
        file.persist(dir.join(&done.hash)).map_err(|e| e.error)?;
        File::open(dir).await?.sync_all().await?;
        Ok(done)
    }

    /// How many bytes a file has as the host says when only that is asked (`HEAD`); `None` where it does not say. Asked once: hosts
    /// that know no `HEAD` refuse it, and no file is lost by that.
    pub async fn length_of(&self, call: &Call) -> Option<u64> {
        let call = Call { method: Method::HEAD, ..call.clone() };
        let head =
            self.head(&call, &Body::of(&call.body).await.ok()?, Wants::File, 1, self.tries().deadline).await.ok()?;
        let told = head.response.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
        let status = head.response.status().as_u16();
        self.done(&call, head, 0);
        told.filter(|_| status == 200)
    }

    async fn fetch(
        &self,
        call: &Call,
        body: &Body,
        decode: &Decode,
        file: &NamedTempFile,
        tries: &Tries,
    ) -> Result<Downloaded, Failure> {
        let wants = if *decode == Decode::Raw { Wants::File } else { Wants::Answer };
        let mut head = self.head(call, body, wants, tries.number(), tries.deadline).await?;
        let status = head.response.status().as_u16();
        if !(200..300).contains(&status) || status == PARTIAL {
            let failure = Failure::Status(status, head.is_paced(), retry_after(head.response.headers()));
            self.done(call, head, 0);
            return Err(failure);
        }
        let mut sink = Sink::onto(file).await?;
        let written = sink.fill(&mut head, decode).await;
        let content_type = head.response.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).map(str::to_owned);
        self.done(call, head, sink.bytes);
        written?;
        let content_type = content_type.filter(|_| *decode == Decode::Raw);
        Ok(sink.close(content_type).await?)
    }
}

struct Sink {
    file: File,
    hasher: blake3::Hasher,
    bytes: u64,
    head: Vec<u8>,
}

impl Sink {
    async fn onto(file: &NamedTempFile) -> std::io::Result<Self> {
        let file = File::from_std(file.reopen()?);
        file.set_len(0).await?;
        Ok(Self { file, hasher: blake3::Hasher::new(), bytes: 0, head: vec![] })
    }

    async fn fill(&mut self, head: &mut Head, decode: &Decode) -> Result<(), Failure> {
        let mut scanner = match decode {
            Decode::Raw => None,
            Decode::Base64Field(path) => Some(Scanner::for_field(field(path).map_err(Fault::before_sending)?)),
        };
        let mut decoded = Vec::new();
        while let Some(chunk) = head.chunk().await? {
            match &mut scanner {
                None => self.write(&chunk).await?,
                Some(scanner) => {
                    decoded.clear();
                    scanner.push(&chunk, &mut decoded).map_err(|why| Fault::useless_answer(no_file(why)))?;
                    self.write(&decoded).await?;
                }
            }
        }
        if let Some(scanner) = scanner {
            decoded.clear();
            let ended = scanner.finish(&mut decoded);
            // It may be whole the next time.
            ended.map_err(|why| Fault { passing: true, ..Fault::useless_answer(no_file(why)) })?;
            self.write(&decoded).await?;
        }
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        let room = HEAD - self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.file.write_all(bytes).await
    }

    async fn close(mut self, content_type: Option<String>) -> std::io::Result<Downloaded> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        let hash = self.hasher.finalize().to_hex().to_string();
        Ok(Downloaded { hash, bytes: self.bytes, content_type, head: self.head })
    }
}

fn field(path: &str) -> Result<&str> {
    let name = path.strip_prefix('.').unwrap_or(path);
    if name.is_empty() || name.contains(['.', '[']) {
        let what = format!("`{path}` names no top-level field of the answer that holds a file");
        return Err(Problem::new(Reason::Manifest, what).hint("write it like `.Content`"));
    }
    Ok(name)
}

fn no_file(why: &str) -> Problem {
    Problem::new(Reason::BadAnswer, format!("the answer that should hold a file is not understood: {why}"))
}

fn refusal(status: u16) -> Problem {
    let reason = match status {
        401 => Reason::Auth,
        403 => Reason::Forbidden,
        404 | 410 => Reason::NotFound,
        429 => Reason::RateLimited,
        500..=599 => Reason::ServerError,
        _ => Reason::BadAnswer,
    };
    Problem::new(reason, format!("the platform answered {status}"))
}
