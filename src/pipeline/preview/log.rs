//! The requests of a preview, one JSON object a line, packed with zstd while they are told; and how many of each sort.

use crate::connector::dry_run::{Listener, Told};
use crate::connector::manifest::Verb;
use crate::connector::mapped::{Mapped, MappedTicket, Verbatim};
use crate::error::{Problem, Reason, Result};
use crate::pacer::shape;
use crate::record::Kind;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use zstd::stream::write::Encoder;

/// All requests, in the order they would be sent.
pub const REQUESTS: &str = "requests.jsonl.zst";
/// Shown tickets as the target would hold them: `{kind, mapped}` a line.
const MAPPED: &str = "mapped.jsonl.zst";
/// zstd's fastest: requests are written faster than they could be sent.
const LEVEL: i32 = 1;

/// What a call belongs to: by this its number grows with the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grows {
    /// With the records of this kind.
    With(Kind),
    /// With the messages behind a ticket's first.
    Messages,
    /// With the files.
    Files,
}

/// Records or messages by what they grow with and the call that writes them, with how many of them one call takes.
pub type CallCounts = BTreeMap<(Grows, String, u64), u64>;

type Packed = Encoder<'static, BufWriter<File>>;

pub struct Log {
    folder: PathBuf,
    shown: HashSet<String>,
    inner: Mutex<Inner>,
}

struct Inner {
    requests: Packed,
    /// By id: a few tickets, planned in any order.
    mapped: BTreeMap<String, Vec<u8>>,
    calls: CallCounts,
}

impl Log {
    /// `shown`: ids of the tickets whose mapped form is kept.
    pub fn new(folder: &Path, shown: HashSet<String>) -> Result<Log> {
        let requests = packed(&folder.join(REQUESTS))?;
        let inner = Inner { requests, mapped: BTreeMap::new(), calls: CallCounts::new() };
        Ok(Log { folder: folder.to_owned(), shown, inner: Mutex::new(inner) })
    }

    /// Ends both files, and says what was counted.
    pub fn close(&self) -> Result<CallCounts> {
        let mut inner = self.lock();
        let Inner { requests, mapped, calls } = &mut *inner;
        let mut shown = packed(&self.folder.join(MAPPED))?;
        std::mem::take(mapped).values().try_for_each(|line| shown.write_all(line))?;
        for file in [requests, &mut shown] {
            file.do_finish()?;
            file.get_mut().flush()?;
        }
        Ok(std::mem::take(calls))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for Log {
    fn request(&self, told: &Told) -> Result<()> {
        let line = line(told)?;
        let grows = match told.verb {
            Verb::Upload => Grows::Files,
            _ if told.kind == Kind::Ticket && !told.key.child.is_empty() => Grows::Messages,
            _ => Grows::With(told.kind),
        };
        let (call, takes) = told.with.clone().unwrap_or_else(|| {
            let method = told.request["method"].as_str().unwrap_or_default();
            let path = told.request["path"].as_str().unwrap_or_default();
            (format!("{method} {}", shape(&folded(path))), 1)
        });
        let mut inner = self.lock();
        inner.requests.write_all(&line)?;
        if told.only.is_some() {
            return Ok(());
        }
        *inner.calls.entry((grows, call, takes)).or_default() += 1;
        Ok(())
    }

    fn mapped(&self, mapped: &Mapped) -> Result<()> {
        if mapped.kind() == Kind::Ticket && self.shown.contains(mapped.id()) {
            let line = line(mapped)?;
            self.lock().mapped.insert(mapped.id().to_owned(), line);
        }
        Ok(())
    }
}

/// The path with `:id` for names of values nobody knows yet.
fn folded(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        out.push_str(":id");
        rest = after.split_once('>').map_or("", |(_, after)| after);
    }
    out + rest
}

fn line(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)
        .map_err(|e| Problem::new(Reason::Internal, format!("a request cannot be written: {e}")))?;
    line.push(b'\n');
    Ok(line)
}

fn packed(path: &Path) -> Result<Packed> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let file = file.map_err(|e| Problem::from(e).at(path.display()))?;
    Ok(Encoder::new(BufWriter::new(file), LEVEL)?)
}

/// The requests of a preview, one after the other.
pub fn requests(folder: &Path) -> Result<impl Iterator<Item = Result<Value>>> {
    lines(&folder.join(REQUESTS))
}

/// Those of them that belong to one of these tickets; the others are not taken apart.
pub fn requests_of(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<impl Iterator<Item = Result<Value>>> {
    #[derive(Deserialize)]
    struct Head<'a> {
        kind: Kind,
        #[serde(borrow)]
        id: Cow<'a, str>,
    }
    let path = folder.join(REQUESTS);
    let is_wanted = move |line: &str| {
        serde_json::from_str::<Head<'_>>(line).map_or(true, |head| head.kind == Kind::Ticket && wanted(&head.id))
    };
    let lines = texts(&path)?.filter(move |line| line.as_ref().map_or(true, |line| is_wanted(line)));
    Ok(lines.map(move |line| parsed(&line?, &path)))
}

/// The shown tickets of a preview as the target would hold them.
pub fn mapped(folder: &Path) -> Result<impl Iterator<Item = Result<Shown>>> {
    lines(&folder.join(MAPPED))
}

/// A ticket as the target would hold it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Shown {
    Verbatim(Box<Verbatim>),
    Ticket(Box<MappedTicket>),
}

impl Shown {
    /// The source's id.
    pub fn id(&self) -> &str {
        match self {
            Shown::Verbatim(verbatim) => &verbatim.record.id,
            Shown::Ticket(ticket) => &ticket.id,
        }
    }
}

fn lines<T: DeserializeOwned>(path: &Path) -> Result<impl Iterator<Item = Result<T>> + use<T>> {
    let path = path.to_owned();
    Ok(texts(&path)?.map(move |line| parsed(&line?, &path)))
}

fn texts(path: &Path) -> Result<impl Iterator<Item = Result<String>> + use<>> {
    let shown = path.display().to_string();
    let file = File::open(path).map_err(|e| Problem::from(e).at(&shown))?;
    let lines = BufReader::new(zstd::stream::read::Decoder::new(file)?).lines();
    Ok(lines.map(move |line| line.map_err(|e| Problem::from(e).at(&shown))))
}

fn parsed<T: DeserializeOwned>(line: &str, path: &Path) -> Result<T> {
    serde_json::from_str(line).map_err(|e| Problem::new(Reason::Disk, format!("{} is damaged: {e}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_one_sort_are_counted_together_whatever_their_ids() {
        for path in ["/tickets/<create.id>/notes", "/tickets/<contact 55.id>/notes", "/tickets/12/notes"] {
            assert_eq!(shape(&folded(path)), "/tickets/:id/notes", "{path}");
        }
    }
}
