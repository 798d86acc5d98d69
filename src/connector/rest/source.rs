//! A manifest as a [`Source`].

use super::Rest;
use crate::connector::{Blob, CheckLine, ChildRows, Page, Source};
use crate::error::Result;
use crate::http::{Call, Decode};
use crate::record::{Attachment, Kind, Record};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

#[async_trait]
impl Source for Rest {
    fn address(&self) -> &str {
        &self.address
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn reads(&self, kind: Kind) -> bool {
        self.manifest.read.get(kind.code()).is_some_and(|stream| stream.parent.is_none())
    }

    async fn check(&self) -> Vec<CheckLine> {
        self.check_calls(super::check::Role::Source).await
    }

    async fn read(&self, kind: Kind, cursor: Option<&str>, since: Option<Timestamp>) -> Result<Page> {
        self.read_page(kind.code(), cursor, since).await
    }

    async fn read_children(&self, kind: Kind, row: &Value) -> Result<ChildRows> {
        self.children(kind.code(), row).await
    }

    async fn read_detail(&self, kind: Kind, row: &mut Value) -> Result<()> {
        let root = row.clone();
        self.detail(self.stream(kind.code())?, row, &root).await
    }

    fn assemble(&self, kind: Kind, row: &Value, children: &ChildRows) -> Result<Record> {
        self.assemble_record(kind, row, children)
    }

    async fn fetch(&self, attachment: &Attachment, dir: &Path) -> Result<Blob> {
        let blob = self.stream("attachment")?.blob.as_ref();
        let decode = blob.and_then(|b| b.decode.as_ref());
        let decode = decode.map_or(Decode::Raw, |d| Decode::Base64Field(d.base64.clone()));
        let source = attachment.source.as_str();
        let call = if source.starts_with("http") { Call::get_address(source)? } else { Call::get(source) };
        let got =
            self.client.download_to(call, decode, dir).await.map_err(|p| p.at(format!("file {}", attachment.id)))?;
        Ok(Blob { hash: got.blake3, bytes: got.bytes, mime: got.content_type })
    }

    fn calls(&self) -> BTreeMap<String, u64> {
        self.client.calls()
    }
}
