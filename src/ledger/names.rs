//! The names of an account: every spelling of its address is one, and so is what the account calls itself.

use crate::error::labels;
use crate::project::Migration;
use std::collections::HashSet;
use url::{Host, Url};

/// What the name of a folder that goes by an id begins with. No address does.
pub const FOLDER: &str = "folder:";

labels! {
    /// How a name of an account came to be known as one of a migration's.
    pub(super) enum Learnt {
        /// It is a name the migration was made under, or another one of the same account.
        Made = "made",
        /// The project said which migration is meant.
        Said = "said",
    }
}

/// A name of an account as the ledger holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub text: String,
    /// Nothing where an earlier version noted it, whoever's name it was.
    pub learnt: Option<Learnt>,
}

impl Name {
    /// Whether it is what the account calls itself.
    pub fn is_own(&self) -> bool {
        self.text.starts_with(FOLDER)
    }
}

/// An account by all that it is known as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    address: String,
    own: Option<String>,
}

impl Named {
    /// An account by its address: a URL, or the path of a folder.
    pub fn at(address: &str) -> Named {
        Named { address: normal_address(address), own: None }
    }

    /// What it calls itself, which stays when its address changes.
    pub fn called(self, own: Option<String>) -> Named {
        Named { own, ..self }
    }

    /// In its normal spelling.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What it calls itself.
    pub fn own(&self) -> Option<&str> {
        self.own.as_deref()
    }

    /// Every name it has, its own first.
    pub(super) fn names(&self, learnt: Learnt) -> Vec<Name> {
        let all = self.own.iter().chain([&self.address]);
        all.map(|text| Name { text: text.clone(), learnt: Some(learnt) }).collect()
    }

    /// Whether one of these names is one of its own.
    pub(super) fn is_one_of<'a>(&self, mut names: impl Iterator<Item = &'a Name>) -> bool {
        names.any(|name| self.own.iter().chain([&self.address]).any(|own| key(own) == key(&name.text)))
    }

    /// Whether one of these names is what it calls itself.
    pub(super) fn calls_itself_one_of<'a>(&self, mut names: impl Iterator<Item = &'a Name>) -> bool {
        names.any(|name| self.own.as_ref() == Some(&name.text))
    }

    fn best(&self) -> String {
        self.own.clone().unwrap_or_else(|| canonical(&self.address))
    }
}

/// The two accounts of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts {
    pub source: Named,
    pub target: Named,
}

impl Accounts {
    pub fn at(source: &str, target: &str) -> Accounts {
        Accounts { source: Named::at(source), target: Named::at(target) }
    }

    /// Whether both are one.
    pub fn are_one(&self) -> bool {
        let keys = |account: &Named| account.own.iter().chain([&account.address]).map(|name| key(name)).collect();
        let (source, target): (HashSet<String>, HashSet<String>) = (keys(&self.source), keys(&self.target));
        !source.is_disjoint(&target)
    }

    /// The id of a migration that is noted for the first time.
    pub(super) fn id(&self) -> String {
        hashed(&self.source.best(), &self.target.best())
    }
}

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

/// The id of the migration between two addresses: ten hex characters.
pub fn link_id(source: &str, target: &str) -> String {
    hashed(&canonical(&normal_address(source)), &canonical(&normal_address(target)))
}

/// The ids a migration between these names may have been given: today's, and that of versions that knew no two names of this machine.
pub(super) fn ids(source: &str, target: &str) -> [String; 2] {
    [link_id(source, target), hashed(&normal_address(source), &normal_address(target))]
}

fn hashed(source: &str, target: &str) -> String {
    let mut id = blake3::hash(format!("{source}\n{target}").as_bytes()).to_hex().to_string();
    id.truncate(Migration::LENGTH);
    id
}

/// A normal address with one name for this machine, which has many.
fn canonical(address: &str) -> String {
    match Url::parse(address) {
        Ok(mut url) if is_this_machine(&url) => {
            let _ = url.set_host(Some("127.0.0.1"));
            normal_address(url.as_str())
        }
        _ => address.to_owned(),
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback()),
        None => false,
    }
}

/// What two names of one account have in common: neither the scheme nor a `www.` makes another account of an address.
fn key(name: &str) -> String {
    let address = canonical(&normal_address(name));
    match Url::parse(&address) {
        Ok(url) if url.has_host() => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            let host = url.host_str().unwrap_or_default();
            format!("{}{port}{}", host.strip_prefix("www.").unwrap_or(host), url.path().trim_end_matches('/'))
        }
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_called_the_same_on_every_machine_and_in_every_version() {
        assert_eq!(link_id("https://rt.example.com", "https://redmine.example.com"), "042fecf388");
    }

    #[test]
    fn the_spelling_of_an_address_does_not_change_the_link() {
        for spelling in ["https://RT.example.com/rt/", "https://rt.example.com:443/rt", " https://rt.example.com/rt "] {
            assert_eq!(normal_address(spelling), "https://rt.example.com/rt", "{spelling}");
        }
        assert_eq!(normal_address("https://me:secret@rt.example.com/rt?x=1#y"), "https://rt.example.com/rt");
        assert_eq!(normal_address("/srv/export/"), "/srv/export");
    }

    #[test]
    fn all_names_of_this_machine_are_one() {
        let id = link_id("http://127.0.0.1:8080/rt", "https://b.test");
        for spelling in [
            "http://localhost:8080/rt/",
            "http://LOCALHOST.:8080/rt",
            "http://[::1]:8080/rt",
            "http://127.0.0.2:8080/rt",
        ] {
            assert_eq!(link_id(spelling, "https://b.test"), id, "{spelling}");
        }
        assert_ne!(link_id("http://127.0.0.1:8081/rt", "https://b.test"), id);
    }

    #[test]
    fn an_account_is_known_again_by_any_of_its_names() {
        let known = ["https://help.acme.com/rt", "folder:1"].map(|text| Name { text: text.to_owned(), learnt: None });
        for name in ["http://help.acme.com/rt/", "https://www.help.acme.com/rt"] {
            assert!(Named::at(name).is_one_of(known.iter()), "{name}");
        }
        assert!(Named::at("/moved").called(Some("folder:1".into())).is_one_of(known.iter()));
        for other in ["https://help.acme.com", "https://help.acme.com:8443/rt", "https://help.acme.org/rt", "/moved"] {
            assert!(!Named::at(other).is_one_of(known.iter()), "{other}");
        }
    }

    #[test]
    fn other_accounts_are_other_links() {
        let id = link_id("https://a.test", "https://b.test");
        assert_eq!(id.len(), Migration::LENGTH);
        for (source, target) in [
            ("https://b.test", "https://a.test"),
            ("http://a.test", "https://b.test"),
            ("https://a.test:8443", "https://b.test"),
            ("https://a.test/Sub", "https://b.test"),
            ("https://a.test/sub", "https://b.test"),
        ] {
            assert_ne!(link_id(source, target), id, "{source} → {target}");
        }
        assert_ne!(link_id("https://a.test/Sub", "https://b.test"), link_id("https://a.test/sub", "https://b.test"));
    }

    #[test]
    fn an_account_is_the_same_under_every_spelling_of_its_address() {
        for (one, other, same) in [
            ("https://acme.zendesk.com", "HTTPS://ACME.zendesk.com:443/", true),
            ("http://localhost:8080/rt", "http://127.0.0.1:8080/rt/", true),
            ("https://acme.zendesk.com", "https://acme2.zendesk.com", false),
            ("https://desk.example/a", "https://desk.example/b", false),
        ] {
            assert_eq!(Accounts::at(one, other).are_one(), same, "{one} {other}");
        }
    }
}
