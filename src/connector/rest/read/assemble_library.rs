//! Articles out of staged rows: their files, and the pictures their bodies show that no list names.

use super::assemble::canonical;
use super::own_files::own_image;
use crate::connector::ChildRows;
use crate::connector::rest::Rest;
use crate::content::{self, ImageRef, links};
use crate::error::Result;
use crate::record::library::Article;
use crate::record::{Attachment, FileSource, Format, NamedBy};
use serde_json::Value;
use std::borrow::Cow;
use url::Url;

/// The stream of the files of an article.
pub(super) const FILES: &str = "article_file";

impl Rest {
    /// Hangs the files below an article.
    pub(super) fn fold_article(&self, article: &mut Article, row: &Value, children: &ChildRows) -> Result<()> {
        if let Some(stream) = self.manifest.read.get(FILES) {
            for file in children.get(FILES).into_iter().flatten() {
                let mut fields = self.fields(FILES, file, row, row)?;
                fields.insert("source".into(), self.source_of(stream, file, row, row, &fields)?.as_str().into());
                article.attachments.push(canonical("file of an article", fields)?);
            }
        }
        if article.format == Format::Html {
            self.pictures(&mut article.body, &mut article.attachments);
            for translation in &mut article.translations {
                self.pictures(&mut translation.body, &mut article.attachments);
            }
        }
        Ok(())
    }

    /// Pictures that the platform keeps become files, unless they are; a relative address becomes a whole one.
    fn pictures(&self, body: &mut String, files: &mut Vec<Attachment>) {
        if let Cow::Owned(pictured) = content::embedded::pictured(body) {
            *body = pictured;
        }
        let Ok(home) = Url::parse(&self.address) else { return };
        for image in content::images(body, Format::Html) {
            let ImageRef::Url(address) = image else { continue };
            let Ok(url) = home.join(&address) else { continue };
            // One file has several addresses: with its name or without, in a language or in none.
            if let Some(file) = files.iter_mut().find(|file| same_file(&file.source, &url)) {
                // What has no lasting address is shown as a part of its message is.
                let part = file.source.listed_id().map(|id| format!("file-{id}"));
                file.content_id = file.content_id.take().or(part);
                let shown = file.content_id.as_ref().map(|id| format!("cid:{id}"));
                *body = links::readdress(body, &address, shown.as_deref().unwrap_or(file.source.as_str()));
                continue;
            }
            if url.origin() != home.origin() && number(url.path()).is_none() {
                continue;
            }
            *body = links::readdress(body, &address, url.as_str());
            files.push(own_image("article", &url, url.to_string(), NamedBy::Article));
        }
    }
}

/// What stands before the number of a file in an address of either vendor's help center.
const KEPT_AT: [&str; 3] = ["/article_attachments/", "/helpdesk/attachments/production/", "/helpdesk/attachments/"];

/// Whether two addresses name one file: by its number, where they have one.
fn same_file(source: &FileSource, url: &Url) -> bool {
    source.as_str() == url.as_str()
        || source.listed_id().or_else(|| number(source.as_str())).is_some_and(|own| number(url.path()) == Some(own))
}

fn number(address: &str) -> Option<&str> {
    let after = KEPT_AT.iter().find_map(|start| address.split_once(start))?.1;
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then(|| &after[..digits])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_is_known_under_all_its_addresses() {
        let same = |a: &str, b: &str| same_file(&a.into(), &Url::parse(b).unwrap());
        let zendesk = "https://acme.zendesk.com/hc/article_attachments/4711";
        assert!(same(zendesk, "https://help.acme.com/hc/de/article_attachments/4711/shot.png"));
        assert!(!same(zendesk, "https://acme.zendesk.com/hc/article_attachments/47110"));
        let stored =
            "https://s3.amazonaws.com/cdn.freshdesk.com/data/helpdesk/attachments/production/12/original/a.png?X=1";
        assert!(same(stored, "https://acme.freshdesk.com/helpdesk/attachments/12"));
        assert!(!same(stored, "https://acme.freshdesk.com/attachments/12"));
    }
}
