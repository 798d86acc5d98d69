//! Whether a move was faithful: two desks, read through their own APIs, held against what the seed promised.
//!
//! Imports nothing of the engine and shares none of its opinions. [`target`] is what the target was found to hold,
//! [`redmine`], [`rt`], [`freshdesk`] and [`zendesk`] read it there, [`promised`] is what a look-alike promises,
//! [`differences`] is pure; so the comparison itself can be tried on desks that were spoiled on purpose, in memory ([`spoiled`]) and for real.
//!
//! Declared behaviour it holds the engine to: where the target cannot hold the date, the first line of a body says
//! `Originally on DATE`, or `Originally by NAME <EMAIL> on DATE` where it cannot hold the author either; a file of a
//! private message is never uploaded (the target would show it to everyone) but kept on this machine and named there.

pub mod files;
pub mod freshdesk;
mod json;
mod messages;
pub mod promised;
pub mod redmine;
pub mod rt;
mod spoiled;
pub mod target;
mod text;
pub mod zendesk;

use crate::http::{Result, sha256};
use crate::seed::expected::{Alike, Custom, Expected, Ticket};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::Path;
use target::{Issue, Target};

/// The comparison tried on desks in memory.
pub fn trials() -> Vec<libtest_mimic::Trial> {
    spoiled::trials().into_iter().chain(promised::trials()).collect()
}

/// What the admin decided, as the mapping has it, and what this target can hold.
pub struct Rules {
    /// Source status to target status.
    pub status: HashMap<String, String>,
    /// Queue to project identifier.
    pub project: HashMap<String, String>,
    /// The title of the field by which the engine recognises its own records; none on a desk it never wrote to.
    pub marker: Option<String>,
    /// The address of the account the engine writes with.
    pub api_user: String,
    pub dates: Dates,
    /// Whether the ticket itself keeps the date it was made on.
    pub created: bool,
    /// Whether those who asked are told from those in copy.
    pub requesters: bool,
    pub private_files: PrivateFiles,
    pub images: Images,
    /// Whether a file of no bytes is taken; otherwise it is kept on this machine and named.
    pub empty_files: bool,
    /// Bytes all files of a ticket may have; what comes when they are used up is kept on this machine and named.
    pub ticket_bytes: u64,
    /// Characters a message may have; a longer one is cut into several.
    pub body_chars: usize,
    /// Whether a ticket's first message always stands under its requester.
    pub first_by_requester: bool,
    /// Whether tickets can be related.
    pub links: bool,
    /// Addresses of the source, at which no body may point.
    pub hosts: Vec<String>,
}

/// Where the date (and, if need be, the author) of a message is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dates {
    /// In the first line of its body.
    Header,
    /// On the message, under its own author: a desk as it was seeded.
    Own,
    /// On the message; who cannot be its author there is named in the first line of its body.
    Native,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PrivateFiles {
    /// On this machine: the target would show them to everyone.
    Kept,
    /// On their message, as private as it is.
    Hidden,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Images {
    /// In their place in the body.
    Shown,
    /// As a name in the body, and a file of the message.
    Named,
}

/// One way in which the two desks are not alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub what: What,
    /// The ticket's subject, or the place.
    pub at: String,
    pub said: String,
}

/// What kind of promise was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Missing,
    Twice,
    Marker,
    Value,
    Person,
    MessageCount,
    Message,
    Leak,
    File,
    Link,
    Address,
    Credential,
    Mail,
    Source,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}: {}", self.what, self.at, self.said)
    }
}

/// Collects the differences of one place.
pub struct Findings<'a> {
    at: &'a str,
    all: &'a mut Vec<Difference>,
}

impl Findings<'_> {
    pub fn add(&mut self, what: What, said: impl Into<String>) {
        self.all.push(Difference { what, at: self.at.to_string(), said: said.into() });
    }
}

/// `kept`: SHA-256 of every file the engine kept on this machine.
pub fn differences(expected: &Expected, target: &Target, rules: &Rules, kept: &HashSet<String>) -> Vec<Difference> {
    let mut all = vec![];
    let mut by_subject: BTreeMap<&str, Vec<&Issue>> = BTreeMap::new();
    for issue in &target.issues {
        by_subject.entry(&issue.subject).or_default().push(issue);
    }
    for ticket in &expected.tickets {
        let mut findings = Findings { at: &ticket.subject, all: &mut all };
        match by_subject.remove(ticket.subject.as_str()).as_deref() {
            None | Some([]) => findings.add(What::Missing, "not in the target"),
            Some([issue]) => {
                values(ticket, issue, rules, &mut findings);
                people(ticket, issue, rules, &mut findings);
                if rules.links {
                    links(ticket, issue, target, &mut findings);
                }
                messages::compare(ticket, issue, target, rules, kept, &mut findings);
            }
            Some(more) => findings.add(What::Twice, format!("{} times in the target", more.len())),
        }
    }
    for (subject, _) in by_subject {
        let absent = expected.absent.iter().find(|a| a.subject == subject);
        let said = absent.map_or("nobody asked for it".into(), |a| format!("was {} in the source", a.why));
        Findings { at: subject, all: &mut all }.add(What::Twice, said);
    }
    markers(target, rules, &mut Findings { at: "the target", all: &mut all });
    messages::leaks(expected, target, &mut Findings { at: "the target", all: &mut all });
    all
}

fn values(ticket: &Ticket, issue: &Issue, rules: &Rules, findings: &mut Findings) {
    let mut same = |what: &str, got: Option<&str>, want: Option<&str>| {
        if got != want {
            findings.add(What::Value, format!("{what} is {got:?}, expected {want:?}"));
        }
    };
    same("project", Some(&issue.project), rules.project.get(&ticket.queue).map(String::as_str));
    same("status", Some(&issue.status), rules.status.get(&ticket.status).map(String::as_str));
    let owner = ticket.owner.as_ref().and_then(|o| o.email.as_deref());
    same("assignee", issue.assignee.as_deref(), owner);
    let (got, want) = (issue.created.map(|at| at.to_string()), ticket.created.to_string());
    if rules.created {
        same("creation date", got.as_deref(), Some(&want));
    }
    for (title, got) in &issue.custom {
        if Some(title) == rules.marker.as_ref() {
            continue;
        }
        let nothing = Custom { values: vec![], alike: Alike::Exactly };
        let want = ticket.custom.get(title).unwrap_or(&nothing);
        if !alike(want, got) {
            findings.add(What::Value, format!("{title} is {got:?}, expected {:?}", want.values));
        }
    }
    for title in ticket.custom.keys().filter(|title| !issue.custom.contains_key(*title)) {
        findings.add(What::Value, format!("the target has no field {title}"));
    }
}

fn alike(want: &Custom, got: &[String]) -> bool {
    let form = |value: &String| match want.alike {
        Alike::Exactly => value.replace("\r\n", "\n"),
        Alike::Number => value.parse::<f64>().map_or(value.clone(), |n| n.to_string()),
        Alike::Instant => text::instant(value),
        Alike::Words => text::squeezed(&text::without_tags(value)),
    };
    let sorted = |values: &[String]| {
        let mut values: Vec<String> = values.iter().filter(|v| !v.is_empty()).map(form).collect();
        values.sort();
        values
    };
    sorted(&want.values) == sorted(got)
}

/// Whoever asked, and whoever was in copy, is a watcher, the author, or named by address (or, having none, by name).
fn people(ticket: &Ticket, issue: &Issue, rules: &Rules, findings: &mut Findings) {
    for address in ticket.requesters.iter().filter_map(|p| p.email.as_deref()).filter(|_| rules.requesters) {
        if !issue.requesters.iter().any(|there| there.eq_ignore_ascii_case(address)) {
            findings.add(What::Person, format!("{address} is no requester of it"));
        }
    }
    let everything: String = issue.messages.iter().map(|m| m.body.as_str()).collect::<Vec<_>>().join("\n");
    let everything = text::squeezed_line(&everything).to_lowercase();
    for person in ticket.requesters.iter().chain(&ticket.ccs) {
        let called = person.email.as_deref().unwrap_or_else(|| person.names()[0]);
        let known = issue.watchers.iter().chain(issue.messages.iter().map(|m| &m.author));
        let held = known.into_iter().any(|a| a.to_lowercase() == called.to_lowercase());
        if !held && !everything.contains(&text::squeezed_line(called).to_lowercase()) {
            findings.add(What::Person, format!("{called} is nowhere on it"));
        }
    }
}

fn links(ticket: &Ticket, issue: &Issue, target: &Target, findings: &mut Findings) {
    let related = |subject: &String| {
        let other = target.issues.iter().find(|i| i.subject == *subject);
        other.is_some_and(|other| issue.relations.contains(&other.id))
    };
    for subject in ticket.refers_to.iter().filter(|subject| !related(subject)) {
        findings.add(What::Link, format!("is not related to {subject:?}"));
    }
}

fn markers(target: &Target, rules: &Rules, findings: &mut Findings) {
    let Some(title) = &rules.marker else { return };
    let mut seen: HashMap<&str, i64> = HashMap::new();
    for issue in &target.issues {
        match issue.custom.get(title).map(Vec::as_slice) {
            Some([marker]) if !marker.is_empty() => {
                if let Some(other) = seen.insert(marker, issue.id) {
                    findings.add(What::Marker, format!("issues {other} and {} carry the same marker", issue.id));
                }
            }
            _ => findings.add(What::Marker, format!("issue {} carries no marker", issue.id)),
        }
    }
}

/// SHA-256 of every file below `dir`: what the engine kept on this machine.
pub fn kept(dir: &Path) -> Result<HashSet<String>> {
    let mut found = HashSet::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(sha256(&std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?));
            }
        }
    }
    Ok(found)
}
