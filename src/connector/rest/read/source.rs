//! A manifest as a [`Source`].

use super::assemble_library::FILES;
use crate::clock::VendorClock;
use crate::connector::manifest::Denied;
use crate::connector::rest::{Rest, asking, asking_address};
use crate::connector::{
    Again, Assemble, Blob, BulkPage, BulkRows, BulkWay, CheckLine, ChildRows, Fetch, LeftBehind, Page, Row, Source,
};
use crate::error::{Problem, Reason, Result};
use crate::http::{Call, Decode, Places, Target, Trust};
use crate::record::{Attachment, FilePlace, Kind, NamedBy, Record};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::PoisonError;
use url::Url;

impl Assemble for Rest {
    fn version(&self) -> &str {
        &self.version
    }

    fn reads(&self, kind: Kind) -> bool {
        self.manifest.read.get(kind.code()).is_some_and(|stream| stream.parent.is_none())
    }

    fn is_called(&self) -> bool {
        true
    }

    fn bulk(&self, kind: Kind) -> Vec<BulkWay> {
        self.bulk_ways(kind)
    }

    fn only_in_bulk(&self, kind: Kind, row: &Value, bulk: &BulkRows) -> Result<Vec<String>> {
        self.alone_in_bulk(kind, row, bulk)
    }

    fn assemble(&self, kind: Kind, row: &Value, children: &ChildRows) -> Result<Record> {
        self.assemble_record(kind, row, children)
    }
}

#[async_trait]
impl Fetch for Rest {
    async fn there_now(&self, _files: Vec<Attachment>) -> Result<Vec<Attachment>> {
        Ok(vec![])
    }

    async fn fetch(&self, attachment: &Attachment, dir: &Path) -> Result<Blob> {
        let at = |problem: Problem| problem.at(format!("file {}", attachment.id));
        let (list, id) = match attachment.source.place() {
            FilePlace::Withheld => {
                return Err(at(Problem::new(Reason::FileUnreadable, "the source does not give access to this file")));
            }
            FilePlace::At(address) => return self.download(attachment, address, dir).await.map_err(at),
            FilePlace::Listed(list, id) => (list, id),
        };
        let wrong = || Problem::new(Reason::Manifest, "a file that is known by its listing needs a `blob`");
        let blob = self.stream_of_file(Some(list))?.blob.as_ref().ok_or_else(wrong)?;
        let address = self.fresh_address(list, id, blob, false).await.map_err(at)?;
        match self.download(attachment, &address, dir).await {
            // It may have expired while it waited its turn.
            Err(refused) if matches!(refused.reason, Reason::Forbidden | Reason::FileUnreadable) => {
                let address = self.fresh_address(list, id, blob, true).await.map_err(at)?;
                self.download(attachment, &address, dir).await.map_err(at)
            }
            other => other.map_err(at),
        }
    }
}

#[async_trait]
impl Source for Rest {
    fn address(&self) -> &str {
        &self.address
    }

    fn clock(&self) -> &VendorClock {
        self.client.clock()
    }

    async fn check(&self, kinds: &[Kind]) -> Vec<CheckLine> {
        let mut lines = self.check_calls().await;
        if lines.iter().all(|line| line.found.is_ok()) {
            lines.extend(self.questions(kinds).await);
            lines.extend(self.tables_refused(kinds).await);
            lines.extend(self.elsewhere().await);
        }
        lines
    }

    async fn probe(&self) -> Result<()> {
        self.probe_account().await
    }

    async fn read(&self, kind: Kind, cursor: Option<&str>, since: Option<Timestamp>) -> Result<Page> {
        self.prepare().await?;
        if kind == Kind::Ticket && cursor.is_none() && since.is_none() {
            self.tell_left().await?;
        }
        self.read_page(kind.code(), cursor, since).await
    }

    async fn read_one(&self, kind: Kind, id: &str) -> Result<Option<Row>> {
        self.prepare().await?;
        self.row_by_id(kind, id).await
    }

    fn recall(&self, kind: Kind, ids: &[String]) {
        if self.has_gaps(kind.code()) {
            self.saw_numbers(kind.code(), ids.iter().filter_map(|id| id.parse().ok()));
        }
    }

    async fn complete(&self, kind: Kind, row: &Value) -> Result<Option<Row>> {
        self.prepare().await?;
        self.completed(kind.code(), row).await
    }

    async fn look_again(&self, kind: Kind, row: &Value) -> Result<Again> {
        self.prepare().await?;
        self.viewed(kind, row).await
    }

    async fn read_children(&self, kind: Kind, row: &Value, bulk: &BulkRows) -> Result<ChildRows> {
        self.children_with(kind, row, bulk).await
    }

    async fn read_bulk(
        &self,
        kind: Kind,
        stream: &str,
        cursor: Option<&str>,
        since: Option<Timestamp>,
    ) -> Result<BulkPage> {
        self.prepare().await?;
        self.bulk_page(kind, stream, cursor, since).await
    }

    async fn join_bulk(&self, kind: Kind, row: &Value, bulk: &BulkRows) -> Result<Option<ChildRows>> {
        self.bulk_children(kind, row, bulk).await
    }

    fn refused(&self) -> Vec<String> {
        self.refused_by_plan()
    }

    async fn shows(&self, list: &str, rows: &[Value]) -> Result<Option<bool>> {
        self.prepare().await?;
        self.shows_again(list, rows).await
    }

    async fn left(&self) -> Result<Vec<LeftBehind>> {
        self.prepare().await?;
        self.list_left().await
    }

    async fn faults(&self) -> Result<Vec<Problem>> {
        Ok(vec![])
    }

    /// An account knows one person by an address.
    fn ahead_of(&self, _kind: Kind, _id: &str) -> Option<String> {
        None
    }

    fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner).0)
    }

    fn calls(&self) -> BTreeMap<String, u64> {
        self.counted_calls()
    }
}

impl Rest {
    /// `source` is where to ask now: the attachment's own or a fresh one.
    async fn download(&self, attachment: &Attachment, source: &str, dir: &Path) -> Result<Blob> {
        let stream = self.stream_of_file(None)?;
        let decode = stream.blob.as_ref().and_then(|b| b.decode.as_ref());
        let decode = decode.map_or(Decode::Raw, |d| Decode::Base64Field(d.base64.clone()));
        let call = if source.starts_with("http") { asking_address(source)? } else { asking(source, vec![]) };
        let call = Call { trust: self.trust_in(attachment.named_by), ..call };
        let as_stranger = matches!(&call.target, Target::Absolute(url) if !call.trust.covers(url));
        let got = self.client.download_to(&call, &decode, dir).await.map_err(|p| match p.reason {
            // It is not shown to strangers: no later run is shown it either.
            Reason::Auth | Reason::Forbidden if as_stranger && self.is_at_home(&call) => {
                Problem { reason: Reason::NotFound, ..p }
            }
            Reason::Forbidden if stream.denied != Denied::Fail => Problem { reason: Reason::FileUnreadable, ..p },
            _ => p,
        })?;
        // What only a text links to stands in no list with its size, so the host is asked for it: a gateway may cut a file and say
        // that this is all.
        let is_listed = attachment.size.is_some() || !source.starts_with("http");
        let told = if is_listed { None } else { self.client.length_of(&call).await };
        // Some hosts answer such a question with 0.
        let told = told.filter(|told| *told > got.bytes);
        Ok(Blob { hash: got.hash, bytes: got.bytes, told, mime: got.content_type })
    }

    /// With what rights a file is fetched, by who named its address.
    fn trust_in(&self, named_by: NamedBy) -> Trust {
        let stream = match named_by {
            NamedBy::Platform => return Trust::Account,
            NamedBy::Message => Kind::Attachment.code(),
            NamedBy::Article => FILES,
        };
        let blob = self.manifest.read.get(stream).and_then(|stream| stream.blob.as_ref());
        Trust::Places(blob.map(|blob| Places::parse(&blob.trusted)).unwrap_or_default().into())
    }

    fn is_at_home(&self, call: &Call) -> bool {
        let Target::Absolute(url) = &call.target else { return true };
        Url::parse(&self.address).is_ok_and(|home| home.origin() == url.origin())
    }
}
