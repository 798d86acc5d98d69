//! A folder of tickets that moves into a sandbox, by the real binary, and what stands in the target after it.

use crate::desks::{Desk, Options};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// Tickets a folder holds before anything goes wrong.
pub const TICKETS: usize = 10;
const PEOPLE: usize = 3;

/// One migration with its target.
pub struct Moved {
    pub target: Desk,
    home: TempDir,
    pub project: PathBuf,
    platform: &'static str,
    settle: String,
    /// Of each ticket.
    pub messages: usize,
    /// What a process is told by its environment.
    env: Vec<(&'static str, String)>,
    pub said: String,
}

/// How one is set up.
pub struct Setup<'a> {
    pub platform: &'static str,
    /// How long after a lost answer "not there" is believed.
    pub settle: &'a str,
    /// Further arguments of the sandbox.
    pub flags: &'a [&'a str],
    /// What goes wrong there.
    pub faults: &'a str,
    /// Replacements in the manifest of the target.
    pub manifest: &'a [(&'a str, &'a str)],
}

impl Setup<'_> {
    /// An export of a Zendesk holds nothing back.
    pub fn hasty(platform: &'static str) -> Setup<'static> {
        let manifest: &[_] = if platform == "zendesk" { &[("lag = 61", "lag = 0")] } else { &[] };
        Setup { platform, settle: "1s", flags: &["--lag", "0"], faults: "", manifest }
    }
}

impl Moved {
    pub fn new(platform: &'static str) -> Moved {
        Self::set_up(&Setup::hasty(platform))
    }

    pub fn at_rate(platform: &'static str, rate: &str) -> Moved {
        Self::set_up(&Setup { flags: &["--lag", "0", "--rate", rate], ..Setup::hasty(platform) })
    }

    pub fn set_up(setup: &Setup<'_>) -> Moved {
        let Setup { platform, settle, flags, faults, manifest } = *setup;
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("faults.toml");
        std::fs::write(&file, faults).unwrap();
        let options = Options { platform, tickets: 0, faults: Some(&file), flags: &["--silenced"] };
        let target = Desk::start_with(&options, flags);
        let project = home.path().join("project");
        let settle = settle.to_owned();
        let moved =
            Moved { target, home, project, platform, settle, messages: 2, env: Vec::new(), said: String::new() };
        std::fs::create_dir_all(moved.project.join("src")).unwrap();
        moved.configure(&moved.target.told("url"), "");
        std::fs::write(moved.project.join("mapping.toml"), "[ticket.status]\ndefault = \"Open\"\n").unwrap();
        if !manifest.is_empty() {
            let name = format!("connectors/{platform}.toml");
            let own = std::fs::read_to_string(crate::root::root().join(&name)).unwrap();
            let replaced = manifest.iter().fold(own, |text, (from, to)| {
                assert!(text.contains(from), "the manifest has no `{from}`");
                text.replace(from, to)
            });
            std::fs::create_dir(moved.project.join("connectors")).unwrap();
            std::fs::write(moved.project.join(name), replaced).unwrap();
        }
        moved.fill(TICKETS);
        moved
    }

    /// Later processes have this in their environment.
    pub fn with_env(mut self, name: &'static str, value: &str) -> Moved {
        self.set_env(name, value);
        self
    }

    pub fn set_env(&mut self, name: &'static str, value: &str) {
        self.env.push((name, value.to_owned()));
    }

    /// Looks as often as that, as `RECORDS/SECONDS`.
    pub fn looking(self, looks: &'static str) -> Moved {
        self.with_env("DESKFERRY_LOOKS", looks)
    }

    /// From now on the target is an account that nothing was written to.
    pub fn names_another_account(&mut self) {
        let options = Options { platform: self.platform, tickets: 0, faults: None, flags: &["--silenced"] };
        self.target = Desk::start_with(&options, &["--lag", "0"]);
    }

    /// Writes `migration.toml` with the target at this address, and further lines of `[run]`.
    pub fn configure(&self, url: &str, run: &str) {
        let account = self.target.account("KEY").replace(&self.target.told("url"), url);
        let text = format!(
            "[source]\nconnector = \"files\"\npath = \"src\"\n[target]\n{account}silenced = true\n\
             [run]\nsettle = \"{}\"\ncreate_marker = true\n{run}\n[mapping]\nfile = \"mapping.toml\"\n",
            self.settle
        );
        std::fs::write(self.project.join("migration.toml"), text).unwrap();
    }

    /// Writes so many tickets into the folder: each with its messages, asked by one of three people.
    pub fn fill(&self, tickets: usize) {
        let lines = |rows: Vec<Value>| rows.iter().map(|row| format!("{row}\n")).collect::<String>();
        let person = |n: usize| json!({ "id": format!("p{n}"), "name": format!("Person {n}"), "emails": [address(n)] });
        let ticket = |n: usize| {
            let message = |m: usize| {
                json!({ "id": format!("{n}-{m}"), "format": "text", "body": text(n, m),
                "author": format!("p{}", n % PEOPLE), "created_at": format!("2024-01-01T0{m}:00:00Z") })
            };
            json!({ "id": n.to_string(), "subject": format!("T{n}"), "requester": format!("p{}", n % PEOPLE),
                "created_at": "2024-01-01T01:00:00Z", "comments": (1..=self.messages).map(message).collect::<Vec<_>>() })
        };
        let put = |name: &str, text: String| std::fs::write(self.project.join("src").join(name), text).unwrap();
        put("contact.jsonl", lines((0..PEOPLE).map(person).collect()));
        put("ticket.jsonl", lines((1..=tickets).map(ticket).collect()));
    }

    pub fn state_dir(&self) -> PathBuf {
        self.project.join(".deskferry")
    }

    /// A path beside the project.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Starts a command on a copy of the project, as on the machine of that name.
    pub fn start(&self, project: &Path, machine: &str, args: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deskferry"));
        command.arg("-C").arg(project).args(args).env("KEY", self.target.key());
        command.env("XDG_STATE_HOME", self.home.path().join(machine)).env("NO_COLOR", "1");
        for name in ["DESKFERRY_LOOKS", "DESKFERRY_CLOCK", "DESKFERRY_NAIVE"] {
            command.env_remove(name);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Its exit code; what it said is kept.
    pub fn run(&mut self, args: &[&str]) -> i32 {
        let project = self.project.clone();
        let Output { status, stdout, stderr } = self.start(&project, "here", args).wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.said = format!("{}{}", text(&stdout), text(&stderr));
        status.code().unwrap_or(-1)
    }

    #[track_caller]
    pub fn succeeds(&mut self, args: &[&str]) {
        let code = self.run(args);
        assert_eq!(code, 0, "{args:?}: {}", self.said);
    }

    /// Runs, and where that is refused does what the hint says. How often it was refused.
    #[track_caller]
    pub fn comes_to_its_end(&mut self) -> usize {
        match self.run(&["run"]) {
            0 => 0,
            6 => {
                assert!(self.said.contains("`deskferry ids --rebuild`"), "{}", self.said);
                self.succeeds(&["ids", "--rebuild"]);
                self.succeeds(&["run"]);
                1
            }
            code => panic!("{code}: {}", self.said),
        }
    }

    /// The tickets of the target that migrate a marker, by the id they had in the folder.
    pub fn held(&self) -> BTreeMap<String, Vec<Value>> {
        let mut held: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let state = self.target.state();
        for ticket in state["tickets"].as_array().unwrap().iter().filter(|ticket| ticket["deleted"] != true) {
            if let Some((_, id)) = marker(ticket).and_then(|marker| marker.split_once(":ticket:")) {
                held.entry(id.to_owned()).or_default().push(ticket.clone());
            }
        }
        held
    }

    /// Source ids of tickets that are there more than once.
    pub fn twice(&self) -> Vec<String> {
        self.held().into_iter().filter(|(_, there)| there.len() > 1).map(|(id, _)| id).collect()
    }

    /// Each of so many tickets is there once, with each message once, and for the person who asked.
    #[track_caller]
    pub fn holds(&self, tickets: usize) {
        let held = self.held();
        let wanted: Vec<String> = (1..=tickets).map(|n| n.to_string()).collect();
        let mut ids: Vec<String> = held.keys().cloned().collect();
        ids.sort_by_key(|id| id.parse::<usize>().unwrap());
        assert_eq!(ids, wanted, "which tickets are there; the last command said: {}", self.said);
        assert_eq!(self.twice(), Vec::<String>::new(), "twice; the last command said: {}", self.said);
        let people = self.people();
        for n in 1..=tickets {
            let ticket = &held[&n.to_string()][0];
            let whole = ticket.to_string();
            for m in 1..=self.messages {
                // Of a first message the ticket holds a copy in another form.
                let times = messages_of(ticket).iter().filter(|body| body.contains(&text(n, m))).count();
                assert_eq!(times, 1, "message {n}-{m}: {whole}");
            }
            let asked = people.get(&ticket["requester_id"].to_string()).map(String::as_str);
            assert_eq!(asked, Some(address(n % PEOPLE).as_str()), "who asked ticket {n}: {whole}");
        }
    }

    /// Of so many tickets and their messages, how many are there more than once, and how many are not there.
    pub fn counted(&self, tickets: usize) -> (usize, usize) {
        let (held, mut twice, mut lost) = (self.held(), 0, 0);
        let mut count = |times: usize| {
            twice += usize::from(times > 1);
            lost += usize::from(times == 0);
        };
        for n in 1..=tickets {
            let there = held.get(&n.to_string()).map(Vec::as_slice).unwrap_or_default();
            count(there.len());
            for ticket in there.iter().take(1) {
                let bodies = messages_of(ticket);
                (1..=self.messages)
                    .for_each(|m| count(bodies.iter().filter(|body| body.contains(&text(n, m))).count()));
            }
        }
        (twice, lost)
    }

    /// Addresses by id.
    fn people(&self) -> BTreeMap<String, String> {
        let state = self.target.state();
        let all = state["contacts"].as_array().or(state["users"].as_array()).cloned().unwrap_or_default();
        let of = |row: &Value| {
            let row = if row["row"].is_object() { &row["row"] } else { row };
            Some((row["id"].to_string(), row["email"].as_str()?.to_owned()))
        };
        all.iter().filter_map(of).collect()
    }

    /// Does something in the target as its admin.
    pub fn admin(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        use base64::Engine;
        let user = match self.platform {
            "zendesk" => format!("{}/token:{}", self.target.told("email"), self.target.key()),
            _ => format!("{}:X", self.target.key()),
        };
        let key = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(user));
        let agent = ureq::Agent::config_builder().proxy(None).build().new_agent();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.target.told("url")))
            .header("Authorization", key)
            .header("Content-Type", "application/json")
            .body(body.map(|body| body.to_string()).unwrap_or_default())
            .unwrap();
        let answer = agent.run(request).unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        serde_json::from_reader(answer.into_body().into_reader()).unwrap_or_default()
    }

    pub fn delete(&self, ticket: &str) {
        match self.platform {
            "zendesk" => self.admin("DELETE", &format!("/api/v2/tickets/{ticket}.json"), None),
            _ => self.admin("DELETE", &format!("/api/v2/tickets/{ticket}"), None),
        };
    }
}

pub fn marker(ticket: &Value) -> Option<&str> {
    let custom = ticket["custom_fields"].as_object().into_iter().flat_map(|fields| fields.values());
    custom.chain([&ticket["external_id"]]).filter_map(Value::as_str).find(|text| text.starts_with("deskferry:"))
}

/// The texts of all messages of a ticket.
pub fn messages_of(ticket: &Value) -> Vec<String> {
    let rows = ticket["conversations"].as_array().or(ticket["comments"].as_array()).cloned().unwrap_or_default();
    let body = |row: &Value| ["body", "html_body", "text"].iter().find_map(|key| row[*key].as_str().map(str::to_owned));
    // Of a Freshdesk's first message.
    let first = if ticket["conversations"].is_array() { ticket["description"].as_str() } else { None };
    first.map(str::to_owned).into_iter().chain(rows.iter().filter_map(body)).collect()
}

fn address(n: usize) -> String {
    format!("p{n}@example.com")
}

fn text(n: usize, m: usize) -> String {
    format!("message {m} of ticket {n}.")
}

/// Copies a folder with all below it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let there = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &there),
            false => std::fs::copy(entry.path(), there).map(|_| ()).unwrap(),
        }
    }
}
