//! Files that only a body names: pictures, links and players at the account's own address, which no row lists.
//!
//! Nothing is fetched here, and nothing of another host is taken for the account's. A text is nobody's word for what may be seen: what it
//! names is fetched with the credentials only at the places of files of `blob.trusted` ([`Rest::trust_in`]), else as a stranger would.

use super::Rest;
use crate::content::{self, ImageRef};
use crate::record::{Attachment, Comment, Format, NamedBy};
use std::collections::{HashMap, HashSet};
use url::Url;

impl Rest {
    /// Pictures of bodies at the account's own address that no file covers become files.
    pub(super) fn own_images(&self, comment: &mut Comment) {
        let images = self.manifest.read.get("attachment").and_then(|s| s.blob.as_ref()).is_some_and(|b| b.images);
        let Ok(home) = Url::parse(&self.address) else { return };
        if !images || comment.format != Format::Html {
            return;
        }
        let mut seen = HashSet::new();
        let mut known: HashSet<String> = comment.attachments.iter().map(|file| file.source.to_string()).collect();
        for image in content::images(&comment.body, comment.format) {
            let ImageRef::Url(address) = image else { continue };
            if !seen.insert(address.clone()) {
                continue;
            }
            let Ok(url) = home.join(&address) else { continue };
            if url.origin() != home.origin() {
                continue;
            }
            let source = if Url::parse(&address).is_ok() {
                address
            } else {
                // A relative address means nothing in the target.
                comment.body = comment.body.replace(&format!("\"{address}\""), &format!("\"{url}\""));
                url.to_string()
            };
            if known.insert(source.clone()) {
                comment.attachments.push(own_image(&comment.id, &url, source, NamedBy::Message));
            }
        }
    }

    /// What bodies link to, play or name of the files that the account keeps, and no message lists, becomes a file of its message.
    /// Each once.
    pub(super) fn linked_files(&self, comments: &mut [Comment]) {
        let blob = self.manifest.read.get("attachment").and_then(|stream| stream.blob.as_ref());
        let Some(blob) = blob.filter(|blob| !blob.links.is_empty()) else { return };
        let Ok(home) = Url::parse(&self.address) else { return };
        // Credentials are for the account alone: what lies at another host is somebody else's.
        let own = |address: &str| {
            let url = home.join(address).ok().filter(|url| url.origin() == home.origin())?;
            blob.links.iter().any(|place| is_at(url.path(), place)).then_some(url)
        };
        let wanted = |address: &str| own(address).is_some();
        let mut known: HashSet<String> =
            comments.iter().flat_map(|comment| &comment.attachments).map(|file| file.source.to_string()).collect();
        for comment in comments {
            if comment.format == Format::Html {
                comment.body = content::embedded::linked(&comment.body, &wanted);
            }
            let mut absolute = HashMap::new();
            for address in content::links::found(&comment.body, comment.format, &wanted) {
                let Some(url) = own(&address) else { continue };
                let source = if comment.format == Format::Html { url.to_string() } else { address.clone() };
                if known.insert(source.clone()) {
                    let file = own_image(&comment.id, &url, source.clone(), NamedBy::Message);
                    comment.attachments.push(Attachment { inline: false, ..file });
                }
                if address != source {
                    absolute.insert(address, source);
                }
            }
            if !absolute.is_empty() {
                comment.body = content::links::redirect(&comment.body, &mut |href| absolute.get(href).cloned());
            }
        }
    }
}

/// A picture that stands in no list: named by its address.
pub(super) fn own_image(comment: &str, url: &Url, source: String, named_by: NamedBy) -> Attachment {
    let named = url.query_pairs().find(|(key, _)| key == "name").map(|(_, name)| name.into_owned());
    let last = || url.path_segments().and_then(|mut s| s.next_back()).map(str::to_owned);
    let name = named.or_else(last).filter(|n| !n.is_empty()).unwrap_or_else(|| "image".into());
    let hash = blake3::hash(url[url::Position::BeforePath..].as_bytes()).to_hex();
    Attachment::picture(format!("{comment}-{}", &hash[..12]), name, source.into(), named_by)
}

/// Whether a path begins as a place says, in which `*` is any one part.
fn is_at(path: &str, place: &str) -> bool {
    match place.split_once('*') {
        None => path.starts_with(place),
        Some((before, after)) => {
            let rest = path.strip_prefix(before).and_then(|rest| rest.find('/').map(|at| &rest[at..]));
            rest.is_some_and(|rest| is_at(rest, after))
        }
    }
}

/// A file is inline when the body names its content id.
pub(super) fn mark_inline(comment: &mut Comment) {
    for file in &mut comment.attachments {
        file.inline |= file.content_id.as_ref().is_some_and(|cid| comment.body.contains(&format!("cid:{cid}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_place_may_be_any() {
        let at = |path: &str| is_at(path, "/hc/*/article_attachments/");
        assert!(at("/hc/en-us/article_attachments/360/manual.pdf") && at("/hc/de/article_attachments/1"));
        assert!(
            !at("/hc/article_attachments/1") && !at("/hc/en-us/articles/1") && !at("/x/hc/de/article_attachments/1")
        );
        assert!(is_at("/attachments/token/x", "/attachments/token/"));
    }
}
