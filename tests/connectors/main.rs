//! One suite for all connectors. `tests/connectors/NAME/answers.json` holds answers in the shape the vendor sends them, and
//! `records.snap` the canonical records they must become; a connector without the folder is only checked for its form.

mod account;
mod answers;
mod declined;
mod freshdesk;
mod freshservice;
mod lists;
mod mapped;
mod own_files;
mod rebuild;
mod redmine;
mod refusals;
#[path = "../root.rs"]
mod root;
mod rt;
mod zendesk;

use account::{Opened, open_with};
use answers::Server;
use deskferry::connector::registry::{self, Entry};
use deskferry::connector::rest::Rest;
use deskferry::connector::{Assemble, BulkRows, ChildRows, Source};
use deskferry::record::Kind;
use serde_json::{Value, json};
use std::path::PathBuf;

/// The standard of `docs/connectors.md`: a reader finds the same thing at the same place in each manifest.
const SECTIONS: [&str; 19] = [
    "account", "auth", "limit", "error", "check", "marker", "left", "lookup", "read", "write", "find", "scan",
    "verify", "delete", "values", "held", "labels", "loss", "profile",
];
const KINDS: [Kind; 9] = [
    Kind::Group,
    Kind::Agent,
    Kind::Company,
    Kind::Contact,
    Kind::Field,
    Kind::Ticket,
    Kind::Category,
    Kind::Section,
    Kind::Article,
];

fn folder() -> PathBuf {
    root::root().join("tests/connectors")
}

/// The manifest's sections in the order they stand in, each once.
fn sections(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('[')) {
        let name = line.trim_start_matches('[').split(['.', ']']).next().unwrap_or_default();
        if found.last() != Some(&name) {
            found.push(name);
        }
    }
    found
}

#[test]
fn sections_stand_in_the_standard_order() {
    let manifests = std::fs::read_dir(root::root().join("connectors")).unwrap();
    for file in manifests.map(|file| file.unwrap().path()) {
        let (name, text) = (file.display(), std::fs::read_to_string(&file).unwrap());
        let found = sections(&text);
        let places: Vec<Option<usize>> = found.iter().map(|s| SECTIONS.iter().position(|one| one == s)).collect();
        assert!(places.iter().all(Option::is_some), "{name}: a section of no name: {found:?}");
        assert!(places.is_sorted(), "{name}: {found:?}");
    }
    assert!(!sections("[read.a]\n[account.b]\n[read.c]\n").is_sorted(), "the order can be seen to be wrong");
}

fn open(entry: &Entry, address: &str) -> Rest {
    open_with(entry, address, Opened::default())
}

async fn records(source: &Rest) -> Vec<Value> {
    let mut all = Vec::new();
    for kind in KINDS.into_iter().filter(|kind| source.reads(*kind)) {
        let mut cursor: Option<String> = None;
        loop {
            let page = source.read(kind, cursor.as_deref(), None).await.unwrap();
            for row in page.rows {
                let children = match kind {
                    Kind::Ticket | Kind::Article => {
                        source.read_children(kind, &row.raw, &BulkRows::new()).await.unwrap()
                    }
                    _ => ChildRows::new(),
                };
                all.push(serde_json::to_value(source.assemble(kind, &row.raw, &children).unwrap()).unwrap());
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
    }
    all
}

#[tokio::test]
async fn answers_become_the_records_expected() {
    for name in registry::names() {
        let at = folder().join(&name);
        let Ok(text) = std::fs::read_to_string(at.join("answers.json")) else { continue };
        let server = Server::start(&text);
        let source = open(&registry::find(&name, None).unwrap(), &server.address);
        let records = records(&source).await;
        let seen = json!({ "records": records, "notes": source.take_notes() });
        let shown = serde_json::to_string_pretty(&seen).unwrap().replace(&server.address, "{base}");
        insta::with_settings!({snapshot_path => at, prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!("records", shown);
        });
    }
}
