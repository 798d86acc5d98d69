//! Files whose address is good for a short while: what they are listed in is read again just before they are fetched.
//!
//! Such an address is never kept. A file is known by its id and the listing that names it ([`FileSource::listed`]). The addresses of
//! one reading serve while they are good, so that all files of a ticket cost one call more.

use super::assemble_library::FILES;
use crate::connector::manifest::{Blob, ReadStream};
use crate::connector::rest::Rest;
use crate::connector::rest::api::listed::{Above, Listed};
use crate::error::{Problem, Reason, Result};
use crate::expr::{self, Scope, Template, plain};
use crate::record::{FileList, FileSource, Kind};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Listings whose addresses are remembered.
const LISTINGS: usize = 16;

/// Addresses by id, of listings by their name, and when these were read.
#[derive(Default)]
pub(crate) struct Addresses(HashMap<String, (Instant, Arc<HashMap<String, String>>)>);

impl Addresses {
    fn of(&mut self, listing: &str, good_for: Duration) -> Option<Arc<HashMap<String, String>>> {
        self.0.retain(|_, (read, _)| read.elapsed() < good_for);
        self.0.get(listing).map(|(_, addresses)| Arc::clone(addresses))
    }

    fn keep(&mut self, listing: String, addresses: Arc<HashMap<String, String>>) {
        if self.0.len() >= LISTINGS {
            let oldest = self.0.iter().min_by_key(|(_, (read, _))| *read).map(|(name, _)| name.clone());
            oldest.and_then(|name| self.0.remove(&name));
        }
        self.0.insert(listing, (Instant::now(), addresses));
    }
}

/// The part of an address's life in which it is still used.
fn good_for(seconds: u64) -> Duration {
    Duration::from_secs(seconds) * 2 / 3
}

impl Rest {
    /// The stream that says how a file is fetched, by the listing that names its address.
    pub(super) fn stream_of_file(&self, list: Option<FileList<'_>>) -> Result<&ReadStream> {
        let of_article = list.is_some_and(|list| list.stream == FILES);
        match self.manifest.read.get(Kind::Attachment.code()).filter(|_| !of_article) {
            Some(stream) => Ok(stream),
            // A platform may have files of articles alone.
            None => self.stream(FILES),
        }
    }

    /// The source of a file that stands in a row below `parent`.
    pub(super) fn fresh_source(
        &self,
        stream: &ReadStream,
        id: &str,
        parent: &Value,
        root: &Value,
    ) -> Result<FileSource> {
        let in_message = stream.in_messages().is_some() && !std::ptr::eq(parent, root);
        let of_article = self.manifest.read.get(FILES).is_some_and(|files| std::ptr::eq(files, stream));
        let name = match (of_article, in_message) {
            (true, _) => FILES,
            (false, true) => Kind::Comment.code(),
            (false, false) => Kind::Attachment.code(),
        };
        let lists = self.stream(name)?;
        let wrong = || Problem::new(Reason::Manifest, format!("`expires` needs a `path` of `[read.{name}]`"));
        let path = lists.path.as_ref().ok_or_else(wrong)?;
        let path = path.render_path(&Scope { parent: root, root, ..self.scope(root) })?;
        Ok(FileSource::listed(FileList { stream: name, path: &self.native.address(path, root) }, id))
    }

    /// The address of such a file, read now or a moment ago; `anew` when that one was refused.
    ///
    /// Errors: `not_found` when the listing no longer names the file; those of reading it.
    pub(super) async fn fresh_address(&self, list: FileList<'_>, id: &str, blob: &Blob, anew: bool) -> Result<String> {
        let gone = || Problem::new(Reason::NotFound, "the source no longer lists it");
        let listing = format!("{}:{}", list.stream, list.path);
        let mut known = self.fresh.lock().await;
        let good_for = good_for(blob.expires.unwrap_or_default());
        if let Some(addresses) = known.of(&listing, good_for).filter(|_| !anew) {
            return addresses.get(id).cloned().ok_or_else(gone);
        }
        let addresses = Arc::new(self.addresses(list, blob).await?);
        known.keep(listing, Arc::clone(&addresses));
        addresses.get(id).cloned().ok_or_else(gone)
    }

    /// Reads a listing again: the addresses of all its files.
    async fn addresses(&self, list: FileList<'_>, blob: &Blob) -> Result<HashMap<String, String>> {
        let wrong = || Problem::new(Reason::Manifest, "a file that expires has no listing");
        let name = list.stream;
        let path = Template::parse(list.path).map_err(|_| wrong())?;
        let files = self.stream(if name == FILES { FILES } else { Kind::Attachment.code() })?;
        let listed = Listed::of(self.stream(name)?).ok_or_else(wrong)?.at(&path);
        let inside = files.in_messages().filter(|_| name == Kind::Comment.code());
        let mut addresses = HashMap::new();
        let rows = self.all_rows(name, &listed, Above::NONE).await?;
        let rows = rows.iter().flat_map(|row| match inside {
            Some(inside) => expr::path(row, inside).as_array().map_or(&[][..], Vec::as_slice),
            None => std::slice::from_ref(row),
        });
        for row in rows {
            let scope = self.scope(row);
            let id = files.fields.get("id").map(|id| id.eval(&scope)).transpose()?.map(|id| plain(&id));
            addresses.extend(id.zip(blob.path.render_path(&scope).ok()));
        }
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_forgotten_when_they_are_old_and_when_there_are_many() {
        let mut known = Addresses::default();
        let one = Arc::new(HashMap::from([("1".to_owned(), "https://files.example/1".to_owned())]));
        known.keep("a".into(), Arc::clone(&one));
        assert!(known.of("a", Duration::from_secs(60)).is_some());
        assert!(known.of("b", Duration::from_secs(60)).is_none());
        (0..LISTINGS).for_each(|n| known.keep(n.to_string(), Arc::clone(&one)));
        assert_eq!(known.0.len(), LISTINGS);
        assert!(known.of("a", Duration::from_secs(60)).is_none(), "the oldest went");
        assert!(known.of("1", Duration::ZERO).is_none());
    }
}
