//! Files that only a body names: pictures, links and players at the account's own address, which no row lists.
//!
//! Nothing is fetched here, and nothing of another host is taken for the account's. A text is nobody's word for what may be seen: what it
//! names is fetched with the credentials only at the places of files of `blob.trusted` ([`Rest::trust_in`]), else as a stranger would.

use crate::connector::manifest::Numbered;
use crate::connector::rest::Rest;
use crate::content::{self, ImageRef};
use crate::error::{Loss, Result};
use crate::record::{Attachment, Comment, Format, NamedBy, Unread};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use url::Url;

impl Rest {
    /// The addresses by which texts of a root row name files of the account.
    pub(super) fn home(&self, root: &Value) -> Result<Option<Home>> {
        let blob = self.manifest.read.get("attachment").and_then(|stream| stream.blob.as_ref());
        let hosts = blob.and_then(|blob| blob.hosts.as_ref()).map(|hosts| hosts.eval(&self.scope(root))).transpose()?;
        let hosts = hosts.iter().filter_map(Value::as_array).flatten().filter_map(Value::as_str);
        Ok(Home::of(&self.address, hosts))
    }

    /// Pictures of bodies at the account's own addresses that no file covers become files.
    pub(super) fn own_images(&self, home: &Home, comment: &mut Comment) {
        let images = self.manifest.read.get("attachment").and_then(|s| s.blob.as_ref()).is_some_and(|b| b.images);
        if !images || comment.format != Format::Html {
            return;
        }
        if let Cow::Owned(pictured) = content::embedded::pictured(&comment.body) {
            comment.body = pictured;
        }
        let mut known: HashSet<String> = comment.attachments.iter().map(|file| file.source.to_string()).collect();
        let mut elsewhere = HashMap::new();
        for image in content::images(&comment.body, comment.format) {
            let ImageRef::Url(address) = image else { continue };
            let Some(url) = home.at(&address).filter(|_| !elsewhere.contains_key(&address)) else { continue };
            // A relative address means nothing in the target, and the account is asked at its own.
            let source =
                if Url::parse(&address).is_ok_and(|own| own == url) { address.clone() } else { url.to_string() };
            if known.insert(source.clone()) {
                comment.attachments.push(own_image(&comment.id, &url, source.clone(), NamedBy::Message));
            }
            elsewhere.insert(address, source);
        }
        if elsewhere.iter().any(|(address, source)| address != source) {
            comment.body = content::readdress(&comment.body, "src", &mut |address, _| elsewhere.get(address).cloned());
        }
    }

    /// What bodies link to, play or name of the files that the account keeps, and no message lists, becomes a file of its message.
    /// Each once.
    pub(super) fn linked_files(&self, home: &Home, comments: &mut [Comment]) {
        let blob = self.manifest.read.get("attachment").and_then(|stream| stream.blob.as_ref());
        let Some(blob) = blob.filter(|blob| !blob.links.is_empty()) else { return };
        let own = |address: &str| {
            let url = home.at(address)?;
            blob.links.iter().any(|place| behind(url.path(), place).is_some()).then_some(url)
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

    /// Leads links and pictures that name a file by its number to the file of that number of the same ticket. One of another number
    /// stays a link to the source, and so does every relative link: in the target it would lead to something else.
    pub(super) fn numbered_files(&self, home: &Home, comments: &mut [Comment]) -> Vec<Unread> {
        let blob = self.manifest.read.get("attachment").and_then(|stream| stream.blob.as_ref());
        let numbered = blob.map_or(&[][..], |blob| &blob.numbered);
        let listed: HashMap<String, (usize, usize)> = comments
            .iter()
            .enumerate()
            .flat_map(|(at, comment)| comment.attachments.iter().enumerate().map(move |(n, file)| (at, n, file)))
            .map(|(at, n, file)| (file.id.clone(), (at, n)))
            .collect();
        let named = |address: &str| home.number(address, numbered);
        let mut gone = BTreeSet::new();
        for at in 0..comments.len() {
            if comments[at].format != Format::Html {
                let is_gone = |address: &str| named(address).is_some_and(|number| !listed.contains_key(&number));
                gone.extend(content::links::found(&comments[at].body, comments[at].format, &is_gone));
                continue;
            }
            let body = content::links::redirect(&comments[at].body, &mut |href| match named(href) {
                Some(number) => match listed.get(&number).map(|(at, n)| &comments[*at].attachments[*n]) {
                    Some(file) if !file.inline => Some(file.source.to_string()),
                    Some(_) => home.whole(href),
                    None => {
                        gone.insert(home.whole(href).unwrap_or_else(|| href.to_owned()));
                        home.whole(href)
                    }
                },
                None => home.whole(href),
            });
            let comment = &mut comments[at];
            let files = &mut comment.attachments;
            comment.body = content::readdress(&body, "src", &mut |source, _| {
                let number = named(source)?;
                match listed.get(&number).filter(|(own, _)| *own == at).and_then(|(_, n)| files.get_mut(*n)) {
                    Some(file) => {
                        file.inline = true;
                        let cid = file.content_id.get_or_insert_with(|| format!("{number}@inline"));
                        Some(format!("cid:{cid}"))
                    }
                    None => {
                        gone.insert(home.whole(source).unwrap_or_else(|| source.to_owned()));
                        home.whole(source)
                    }
                }
            });
        }
        let detail = |address: String| address.split(['?', '#']).next().unwrap_or_default().to_owned();
        gone.into_iter().map(|address| Unread { loss: Loss::LinkToSource, detail: detail(address) }).collect()
    }
}

/// The addresses of an account. Credentials are for the first alone: what is named at another is asked for there.
pub(super) struct Home {
    own: Url,
    /// Further hosts, in small letters.
    hosts: BTreeSet<String>,
}

impl Home {
    /// `hosts` are names, or addresses of which the name counts.
    fn of<'a>(address: &str, hosts: impl Iterator<Item = &'a str>) -> Option<Home> {
        let own = Url::parse(address).ok()?;
        let name = |host: &str| {
            let url = Url::parse(host).or_else(|_| Url::parse(&format!("https://{host}"))).ok()?;
            url.domain().filter(|name| name.contains('.')).map(str::to_owned)
        };
        let hosts = hosts.map(str::trim).filter_map(name).collect();
        Some(Home { own, hosts })
    }

    /// The address at the account's own origin. A link that was written when the account still answered by http counts, and one at
    /// another of its hosts.
    fn at(&self, address: &str) -> Option<Url> {
        let mut url = self.own.join(address).ok()?;
        // A text names no credentials.
        url.set_username("").ok().and_then(|()| url.set_password(None).ok())?;
        if url.origin() == self.own.origin() {
            return Some(url);
        }
        let is_web = matches!(url.scheme(), "http" | "https") && url.port().is_none();
        let is_older = url.scheme() == "http" && self.own.scheme() == "https" && url.host() == self.own.host();
        if !is_web || !(is_older || url.domain().is_some_and(|name| self.hosts.contains(name))) {
            return None;
        }
        let own = self.own.clone();
        url.set_scheme(own.scheme()).ok()?;
        url.set_host(own.host_str()).ok()?;
        url.set_port(own.port()).ok()?;
        (url.origin() == own.origin()).then_some(url)
    }

    /// A relative address that begins at the root, with the account's own before it.
    fn whole(&self, address: &str) -> Option<String> {
        let is_relative = address.starts_with('/') && !address.starts_with("//");
        self.own.join(address).ok().filter(|_| is_relative).map(|url| url.to_string())
    }

    /// The number by which an address names a file.
    fn number(&self, address: &str, places: &[Numbered]) -> Option<String> {
        let anywhere = || Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let below = |url: &Url| {
            let path = url.path();
            path.strip_prefix(self.own.path().trim_end_matches('/')).unwrap_or(path).to_owned()
        };
        places.iter().find_map(|place| {
            let after = match place.anywhere {
                true => anywhere()?.path().split_once(place.at.as_str())?.1.to_owned(),
                false => behind(&below(&self.at(address)?), &place.at)?.to_owned(),
            };
            let number = after.split('/').next()?;
            (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then(|| number.to_owned())
        })
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

/// What follows in a path that begins as a place says, in which `*` is any one part.
fn behind<'a>(path: &'a str, place: &str) -> Option<&'a str> {
    match place.split_once('*') {
        None => path.strip_prefix(place),
        Some((before, after)) => {
            let rest = path.strip_prefix(before)?;
            rest.find('/').and_then(|at| behind(&rest[at..], after))
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

    fn home(address: &str, hosts: &[&str]) -> Home {
        Home::of(address, hosts.iter().copied()).unwrap()
    }

    #[test]
    fn what_is_named_by_http_or_at_another_host_of_the_account_is_asked_for_at_its_own() {
        let home =
            home("https://acme.zendesk.example/", &["https://Parts.zendesk.example", "help.acme.example", "", "com"]);
        let at = |address: &str| home.at(address).map(|url| url.to_string());
        let own = Some("https://acme.zendesk.example/attachments/token/x?name=a".to_owned());
        for address in [
            "/attachments/token/x?name=a",
            "http://acme.zendesk.example/attachments/token/x?name=a",
            "//acme.zendesk.example/attachments/token/x?name=a",
            "https://parts.zendesk.example/attachments/token/x?name=a",
            "http://HELP.acme.example/attachments/token/x?name=a",
        ] {
            assert_eq!(at(address), own, "{address}");
        }
        for address in [
            "http://acme.zendesk.example:8080/x",
            "https://help.acme.example:8443/x",
            "http://other.example/x",
            "https://x.com/x",
            "https://acme.zendesk.example.evil/x",
            "https://help.acme.example.evil/x",
            "https://help.acme.example@evil.example/x",
            "ftp://acme.zendesk.example/x",
        ] {
            assert_eq!(at(address), None, "{address}");
        }
    }

    #[test]
    fn an_account_by_http_is_never_taken_for_one_by_https() {
        let plain = home("http://127.0.0.1:8301/", &["127.0.0.1"]);
        assert!(plain.at("https://127.0.0.1:8301/x").is_none());
        assert!(plain.at("http://127.0.0.1/x").is_none(), "an address of numbers is no host of an account");
    }

    #[test]
    fn a_file_is_named_by_its_number_at_the_places_of_files_alone() {
        let place = |at: &str, anywhere| Numbered { at: at.into(), anywhere };
        let places = [place("/helpdesk/attachments/", false), place("/data/helpdesk/attachments/production/", true)];
        let home = home("https://acme.freshdesk.example/", &["help.acme.example"]);
        let number = |address: &str| home.number(address, &places);
        for address in [
            "/helpdesk/attachments/123",
            "https://acme.freshdesk.example/helpdesk/attachments/123?download=true",
            "http://help.acme.example/helpdesk/attachments/123/manual.pdf",
            "https://s3.example/cdn.freshdesk.example/data/helpdesk/attachments/production/123/original/a.png?X=1",
        ] {
            assert_eq!(number(address).as_deref(), Some("123"), "{address}");
        }
        for address in [
            "/helpdesk/attachments/",
            "/helpdesk/attachments/123x",
            "/helpdesk/tickets/123",
            "https://other.example/helpdesk/attachments/123",
            "cid:/data/helpdesk/attachments/production/123",
        ] {
            assert_eq!(number(address), None, "{address}");
        }
        let redmine = super::tests::home("https://acme.example/redmine", &[]);
        let places = [place("/attachments/download/", false), place("/file", false)];
        assert_eq!(
            redmine.number("https://acme.example/redmine/attachments/download/5/a.pdf", &places).as_deref(),
            Some("5")
        );
        assert_eq!(redmine.number("https://acme.example/redmine/file12/a", &places).as_deref(), Some("12"));
    }

    #[test]
    fn a_part_of_a_place_may_be_any() {
        let at = |path: &str| behind(path, "/hc/*/article_attachments/").is_some();
        assert!(at("/hc/en-us/article_attachments/360/manual.pdf") && at("/hc/de/article_attachments/1"));
        assert!(
            !at("/hc/article_attachments/1") && !at("/hc/en-us/articles/1") && !at("/x/hc/de/article_attachments/1")
        );
        assert!(behind("/attachments/token/x", "/attachments/token/").is_some());
    }
}
