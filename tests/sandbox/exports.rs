//! Exports of other desks and tools, each with the project an admin would make of it (`tests/files/exports`): `check`, `stage`,
//! `map`, `preview` and `run` into a Freshdesk, and what that holds afterwards as a snapshot.

use crate::desks::{Desk, Options};
use crate::held::{Held, Message, Ticket};
use crate::report;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

const ADDRESS: &str = "https://acme.freshdesk.com";

struct Project {
    desk: Desk,
    dir: TempDir,
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

impl Project {
    fn new(name: &str) -> Self {
        let desk = Desk::start(&Options { platform: "freshdesk", tickets: 0, faults: None, flags: &["--silenced"] });
        let dir = tempfile::tempdir().unwrap();
        copy(&crate::root::root().join("tests/files/exports").join(name), dir.path());
        if name == "excel" {
            report::save(&dir.path().join("export/report.xlsx"));
        }
        let project = dir.path().join("migration.toml");
        let text = std::fs::read_to_string(&project).unwrap();
        assert!(text.contains(ADDRESS));
        std::fs::write(&project, text.replace(ADDRESS, &desk.told("url"))).unwrap();
        Self { desk, dir }
    }

    /// Runs a command that must end well. Gives what it says.
    #[track_caller]
    fn says(&self, args: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deskferry"));
        command.arg("-C").arg(self.dir.path()).args(args).env("FRESHDESK_KEY", self.desk.key()).stdin(Stdio::null());
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {told}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// What the desk holds, and what the report names as lost.
fn moved(name: &str) -> String {
    let all = Project::new(name);
    all.says(&["check"]);
    // `check` makes the field of our markers, as the project allows it to.
    let seen = all.desk.calls().len();
    all.says(&["stage"]);
    all.says(&["map"]);
    let coverage = all.says(&["map", "--coverage"]);
    assert!(coverage.contains("0 fail, "), "{coverage}");
    all.says(&["preview", "--all"]);
    assert_eq!(all.desk.writes_after(seen), Vec::<String>::new(), "nothing was written yet");
    all.says(&["run"]);
    let report = all.says(&["report"]);
    let lost = report.split("Changed or lost:").nth(1).map_or("", |rest| rest.trim_end());
    let held = Held::of("freshdesk", &all.desk.state());
    format!("{}{}\nlost or changed:{lost}\n", people(&held), tickets(&held))
}

fn people(held: &Held) -> String {
    let mut all: Vec<String> = held
        .people
        .values()
        .filter(|person| !person.is_agent)
        .map(|person| {
            let addresses: Vec<&str> = person.addresses.iter().map(String::as_str).collect();
            format!("contact {} <{}>\n", person.name, addresses.join(", "))
        })
        .collect();
    all.sort();
    all.concat()
}

fn tickets(held: &Held) -> String {
    let mut all: Vec<&Ticket> = held.tickets.iter().collect();
    all.sort_by(|a, b| a.subject.cmp(&b.subject));
    all.into_iter().map(|ticket| self::ticket(held, ticket)).collect()
}

fn name(held: &Held, id: u64) -> String {
    held.people.get(&id).map_or_else(|| "nobody".to_owned(), |person| person.name.clone())
}

fn ticket(held: &Held, ticket: &Ticket) -> String {
    let mut told = format!("\n{:?}, {}, {}", ticket.subject, ticket.status, ticket.priority);
    let _ = write!(told, ", of {}", name(held, ticket.requester));
    if let Some(assignee) = ticket.assignee {
        let _ = write!(told, ", for {}", name(held, assignee));
    }
    if let Some(group) = &ticket.group {
        let _ = write!(told, ", in {group}");
    }
    for copied in &ticket.copied {
        let _ = write!(told, "\n  copy {:?}", copied.person.addresses);
    }
    if !ticket.tags.is_empty() {
        let _ = write!(told, "\n  tags {:?}", ticket.tags);
    }
    for (field, value) in ticket.custom.iter().filter(|(field, value)| !value.is_null() && *field != "cf_deskferry") {
        let _ = write!(told, "\n  {field} {value}");
    }
    told.push('\n');
    ticket.messages.iter().for_each(|message| told += &self::message(held, message));
    told
}

fn message(held: &Held, message: &Message) -> String {
    let readers = if message.is_public { "public" } else { "private" };
    let files: String = message.files.iter().map(|file| format!(" [{}]", file.name)).collect();
    format!("  {readers} {}{files}: {}\n", name(held, message.author), message.body.replace('\n', "\\n"))
}

macro_rules! exports {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            insta::assert_snapshot!(moved(stringify!($name)));
        }
    )*};
}

exports!(jira servicenow osticket glpi freshdesk excel remedy parts zendesk kayako outlook homemade);
