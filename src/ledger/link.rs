//! What a link is called: the same two accounts give the same id on every machine, so that a lost
//! ledger can be rebuilt from the markers in the target.

use super::{Ledger, Link, query};
use crate::error::Result;
use rusqlite::params;
use std::sync::Arc;
use url::Url;

/// Hex characters of a link id.
const LENGTH: usize = 10;

/// The spelling of an account address that all its spellings share: scheme, host in lower case, port unless
/// it is the scheme's own, path without the last slash. What is no URL (a folder) only loses its last slash.
pub fn normal_address(address: &str) -> String {
    let address = address.trim();
    match Url::parse(address) {
        Ok(url) if url.has_host() => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            let host = url.host_str().unwrap_or_default().trim_end_matches('.');
            format!("{}://{host}{port}{}", url.scheme(), url.path().trim_end_matches('/'))
        }
        _ => address.trim_end_matches('/').to_owned(),
    }
}

/// Ten hex characters, derived from the two [normal addresses](normal_address).
pub fn link_id(source: &str, target: &str) -> String {
    let both = format!("{}\n{}", normal_address(source), normal_address(target));
    let mut id = blake3::hash(both.as_bytes()).to_hex().to_string();
    id.truncate(LENGTH);
    id
}

impl Ledger {
    /// The link between two account addresses. Noted on first use, unless the ledger is opened to
    /// [view](Ledger::view) only.
    pub async fn link(&self, source: &str, target: &str) -> Result<Link> {
        let (source, target) = (normal_address(source), normal_address(target));
        let link = self.bound(link_id(&source, &target), source, target);
        if self.store.writable() {
            let (id, source, target) = (link.id.clone(), link.source.clone(), link.target.clone());
            let now = self.now().as_millisecond();
            self.store
                .write(move |db| {
                    db.prepare_cached(
                        "INSERT INTO link (id, source, target, made_at) VALUES (?1, ?2, ?3, ?4) \
                         ON CONFLICT (id) DO NOTHING",
                    )?
                    .execute(params![id, source, target, now])?;
                    Ok(())
                })
                .await?;
        }
        Ok(link)
    }

    /// Every link the ledger holds, in the order they were made.
    pub async fn links(&self) -> Result<Vec<Link>> {
        let found = self
            .store
            .read(|db| {
                query::all(db, "SELECT id, source, target FROM link ORDER BY made_at, id", [], |row| {
                    Ok((row.get("id")?, row.get("source")?, row.get("target")?))
                })
            })
            .await?;
        Ok(found.into_iter().map(|(id, source, target)| self.bound(id, source, target)).collect())
    }

    fn bound(&self, id: String, source: String, target: String) -> Link {
        Link { ledger: self.clone(), id: Arc::from(id), source: Arc::from(source), target: Arc::from(target) }
    }
}

impl Link {
    pub fn id(&self) -> &str {
        &self.id
    }

    /// In its [normal](normal_address) spelling.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// In its [normal](normal_address) spelling.
    pub fn target(&self) -> &str {
        &self.target
    }
}
