//! The two sandboxes as processes of the real binary, asked over plain HTTP.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Faster than any plan, so that a move takes seconds.
const RATE: &str = "60000/m";

pub struct Desk {
    platform: String,
    child: Child,
    told: Value,
    agent: ureq::Agent,
}

/// How one is started.
pub struct Options<'a> {
    pub platform: &'a str,
    pub tickets: usize,
    /// File with the faults to simulate, if anything.
    pub faults: Option<&'a Path>,
    /// Beside the usual ones.
    pub flags: &'a [&'a str],
}

impl Desk {
    pub fn start(options: &Options<'_>) -> Self {
        Self::start_with(options, &[])
    }

    /// With further arguments.
    pub fn start_with(options: &Options<'_>, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deskferry"));
        command.args(["sandbox", options.platform, "--json", "--port", "0", "--seed", "1"]);
        if !more.contains(&"--rate") {
            command.args(["--rate", RATE]);
        }
        command.args(["--tickets", &options.tickets.to_string()]).args(options.flags).args(more);
        if let Some(file) = options.faults {
            command.arg("--faults").arg(file);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let agent = ureq::Agent::config_builder().proxy(None).build().new_agent();
        Self { platform: options.platform.to_owned(), child, told, agent }
    }

    /// What it told of itself at its start: `url`, `files`, `token`, …
    pub fn told(&self, name: &str) -> String {
        self.told[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.told)).to_owned()
    }

    /// Its account in a project, the secret by way of the variable `key`.
    pub fn account(&self, key: &str) -> String {
        let account = format!("connector = \"{}\"\nurl = \"{}\"\n", self.platform, self.told("url"));
        match self.platform.as_str() {
            "zendesk" => format!("{account}email = \"{}\"\ntoken = {{ env = \"{key}\" }}\n", self.told("email")),
            _ => format!("{account}api_key = {{ env = \"{key}\" }}\n"),
        }
    }

    /// What it is entered with.
    pub fn key(&self) -> String {
        self.told(if self.platform == "zendesk" { "token" } else { "api_key" })
    }

    pub fn state(&self) -> Value {
        self.get("state")
    }

    pub fn mails(&self) -> Vec<Value> {
        self.get("mails")["mails"].as_array().cloned().unwrap_or_default()
    }

    /// Has the desk do what somebody else would by its API, who may.
    pub fn sent(&self, method: &str, path: &str, body: &Value) -> Value {
        let key = match self.platform.as_str() {
            "zendesk" => format!("{}/token:{}", self.told("email"), self.key()),
            _ => format!("{}:X", self.key()),
        };
        let request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.told("url")));
        let request = request.header("Authorization", format!("Basic {}", STANDARD.encode(key)));
        let request = request.header("Content-Type", "application/json").body(body.to_string()).unwrap();
        let answer = self.agent.run(request).unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        serde_json::from_reader(answer.into_body().into_reader()).unwrap_or_default()
    }

    /// Every call so far, in order.
    pub fn calls(&self) -> Vec<Value> {
        self.get("calls")["calls"].as_array().cloned().unwrap_or_default()
    }

    /// Writes that had their effect after the call numbered `seen`, as `METHOD /path`.
    pub fn writes_after(&self, seen: usize) -> Vec<String> {
        let said = |call: &Value, name: &str| call[name].as_str().unwrap_or_default().to_owned();
        let calls = self.calls();
        let writes = calls.iter().skip(seen).filter(|c| c["at"] == "api" && c["method"] != "GET");
        writes.map(|c| format!("{} {}", said(c, "method"), said(c, "path"))).collect()
    }

    /// Has somebody answer the `nth` ticket; what was added, unless nobody can answer it.
    pub fn touch(&self, nth: usize) -> Option<Value> {
        let address = format!("{}/__sandbox/touch?ticket={nth}", self.told("url"));
        let answer = self.agent.post(&address).send_empty().ok()?;
        serde_json::from_reader(answer.into_body().into_reader()).ok()
    }

    fn get(&self, what: &str) -> Value {
        let address = format!("{}/__sandbox/{what}", self.told("url"));
        let answer = self.agent.get(&address).call().unwrap();
        serde_json::from_reader(answer.into_body().into_reader()).unwrap()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
