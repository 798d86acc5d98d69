//! What becomes of what a target does not take: files beyond its limit, bodies that are too long, private messages where there
//! are none. And a part of an account, before the rest.

use crate::desks::{Desk, Options};
use crate::moving::{Hurry, Move, Trouble};
use crate::pairs::{FRESHDESK_ZENDESK, ZENDESK_FRESHDESK};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// Ticket 16 has four files of 6 MB, each on a message of its own: Freshdesk takes three.
#[test]
fn files_beyond_what_a_ticket_may_have_are_kept_and_named() {
    let heavy = Trouble { desk: &["--heavy"], ..Trouble::default() };
    let mut all = Move::new(16, heavy);
    all.only = [16].into();
    all.succeeds();
    all.is_whole();
    let found = all.found();
    assert!(found.losses[&16].contains("file_kept=1"), "{:?}", found.losses);
    let size = |file: &Value| file["size"].as_u64().unwrap();
    let there: Vec<u64> = files(&found.target["tickets"][0]).map(size).collect();
    assert_eq!(there.iter().filter(|size| **size == 6_000_000).count(), 3, "{there:?}");
    let mut forgotten = found.clone();
    forgotten.kept.clear();
    assert!(!crate::compare::differences(&forgotten).is_empty(), "a file that was not kept is not noticed");
}

#[test]
fn a_sample_is_carried_first_and_the_rest_later() {
    let all = Move::new(30, Trouble::default());
    assert_eq!(all.run(&["run", "--sample", "5"]), 0, "{}", all.said("stderr.txt"));
    let there = all.target.state()["tickets"].as_array().map_or(0, Vec::len);
    assert!((1..=5).contains(&there), "{there} tickets of a sample of 5");
    all.succeeds();
    all.is_whole();
}

/// What the source held back is told, and migrated only for who asks for it.
#[test]
fn what_was_held_back_is_carried_on_demand_and_else_told() {
    let all = Move::new(12, Trouble::default());
    all.succeeds();
    assert_eq!(all.run(&["report", "--format", "csv"]), 0);
    let report = all.said("stdout.txt");
    let held: Vec<&str> = report.lines().filter(|line| line.contains("suspended-")).collect();
    assert!(held.len() == 2 && held.iter().all(|line| line.contains("skipped,suspended")), "{report}");
    let before = all.target.state()["tickets"].as_array().unwrap().len();

    let file = all.project.path().join("migration.toml");
    let wider = std::fs::read_to_string(&file).unwrap() + "[scope]\nsuspended = true\n";
    std::fs::write(&file, wider).unwrap();
    all.succeeds();
    let state = all.target.state();
    let tickets = state["tickets"].as_array().unwrap();
    assert_eq!(tickets.len(), before + 2);
    let held = |mark: &str| tickets.iter().find(|t| t["description"].as_str().unwrap().contains(mark)).unwrap();
    for mark in ["zdheld3436", "zdheld3437"] {
        assert!(held(mark)["tags"].as_array().unwrap().contains(&json!("suspended")), "{}", held(mark));
    }
    let stranger = held("zdheld3436")["description"].as_str().unwrap();
    assert!(stranger.contains("nobody@else.example") && stranger.contains("Buy &lt;now&gt; &amp; here"), "{stranger}");
}

/// Groups the target lacks are made once, with their agents, where the run may, and their tickets go there.
#[test]
fn groups_are_made_on_demand_and_once() {
    for pair in [ZENDESK_FRESHDESK, FRESHDESK_ZENDESK] {
        let all = Move::new(40, Trouble { hurry: Hurry::Desks, ..Trouble::none(pair) });
        let file = all.project.path().join("migration.toml");
        let asked = std::fs::read_to_string(&file).unwrap().replace("[run]\n", "[run]\ncreate_groups = true\n");
        std::fs::write(&file, asked).unwrap();
        let before = groups(&all.target);
        assert_eq!(all.run(&["preview", "--all"]) & !3, 0, "{}", all.said("stderr.txt"));
        assert_eq!(groups(&all.target), before, "a preview makes none");
        all.succeeds();
        all.is_whole();
        let (there, wanted) = (groups(&all.target), groups(&all.source));
        let lacked: Vec<&String> = wanted.iter().filter(|name| !before.contains(*name)).collect();
        assert!(!lacked.is_empty() && wanted.iter().all(|name| there.contains(name)), "{there:?} for {wanted:?}");
        assert_eq!(there.len(), before.len() + lacked.len(), "each once");
        let seen = all.target.calls().len();
        all.succeeds();
        assert_eq!(all.target.writes_after(seen), Vec::<String>::new(), "{}", pair.target);
    }
}

/// Names of a desk's groups.
fn groups(desk: &Desk) -> Vec<String> {
    let state = desk.state();
    let table = if state["platform"] == "zendesk" { &state["tables"]["groups"] } else { &state["groups"] };
    table.as_array().unwrap().iter().map(|group| group["name"].as_str().unwrap().to_owned()).collect()
}

/// Brand and form stand among the custom values, for the mapping to place.
#[test]
fn brands_and_forms_go_where_the_mapping_says() {
    let all = Move::new(20, Trouble::default());
    let file = all.project.path().join("mapping.toml");
    let mapping = std::fs::read_to_string(&file).unwrap();
    let placed = mapping.replace("\"Order no.\"", "\"Brand\"").replace("\"What was tried\"", "\"Form\"");
    assert_ne!(placed, mapping);
    std::fs::write(&file, placed).unwrap();
    all.succeeds();
    let state = all.target.state();
    let held = |field: &str, value: &str| {
        let tickets = state["tickets"].as_array().unwrap().iter();
        tickets.filter(|ticket| ticket["custom_fields"][field] == value).count()
    };
    let named = |key: &str, table: &str| {
        let source = all.source.state();
        let row =
            source["tables"][table].as_array().unwrap().iter().find(|row| row["default"] != true).cloned().unwrap();
        let of = source["tickets"].as_array().unwrap().iter();
        let many = of.filter(|ticket| ticket["deleted"] != true && ticket[key] == row["id"]).count();
        (row["name"].as_str().unwrap().to_owned(), many)
    };
    for (key, table, field) in
        [("brand_id", "brands", "cf_order_number"), ("ticket_form_id", "ticket_forms", "cf_steps_to_reproduce")]
    {
        let (name, many) = named(key, table);
        assert!(many > 2, "{many} tickets of {name}");
        assert_eq!(held(field, &name), many, "{name}");
    }
}

#[test]
fn a_file_too_large_for_the_target_is_packed_where_that_helps() {
    let big = vec![b'a'; 21_000_000];
    let ticket = ticket(&[json!({ "id": "1", "author": "7", "format": "text", "body": "See the log",
        "attachments": [{ "id": "1", "name": "big.log", "source": "attachments/big.log" }] })]);
    let all = Folder::new(&ticket, Some(("big.log", &big)), "[files]\nover = \"zip\"\n", &[]);
    all.succeeds();
    let state = all.target.state();
    let [packed] = &files(&state["tickets"][0]).collect::<Vec<_>>()[..] else { panic!("{state}") };
    assert_eq!(packed["name"], "big.log.zip");
    let mut archive = zip::ZipArchive::new(all.staged(packed["sha256"].as_str().unwrap())).unwrap();
    let mut unpacked = Vec::new();
    archive.by_name("big.log").unwrap().read_to_end(&mut unpacked).unwrap();
    assert!(unpacked == big, "it is not the same when it is unpacked");
    assert!(all.report().contains("file_zipped=1"), "{}", all.report());
}

#[test]
fn a_body_too_long_for_the_target_becomes_several_messages_as_private_as_it_was() {
    let words = |of: &str| (0..1500).map(|n| format!("{of}{n:04}")).collect::<Vec<_>>();
    let body = |of: &str| words(of).chunks(10).map(|line| line.join(" ")).collect::<Vec<_>>().join("\n");
    let ticket = ticket(&[
        json!({ "id": "1", "author": "7", "format": "text", "body": body("open") }),
        json!({ "id": "2", "author": "7", "format": "text", "visibility": "private", "body": body("secret") }),
    ]);
    let short = ("ticket_file_bytes        = 20000000", "ticket_file_bytes        = 20000000\nbody_chars = 5000");
    let all = Folder::new(&ticket, None, "", &[short]);
    all.succeeds();
    let ticket = &all.target.state()["tickets"][0];
    let notes = ticket["conversations"].as_array().unwrap();
    let first = [(ticket["description"].as_str().unwrap(), false)].into_iter();
    let parts: Vec<(&str, bool)> =
        first.chain(notes.iter().map(|n| (n["body"].as_str().unwrap(), n["private"] == true))).collect();
    assert!(parts.len() > 4, "{} parts", parts.len());
    for (of, private) in [("open", false), ("secret", true)] {
        let said = |is_private: bool| parts.iter().filter(move |(_, p)| *p == is_private).map(|(body, _)| *body);
        let found: Vec<String> = said(private)
            .flat_map(|body| body.split(|c: char| !c.is_alphanumeric()))
            .filter(|word| word.len() == of.len() + 4 && word.starts_with(of))
            .map(str::to_owned)
            .collect();
        assert_eq!(found, words(of), "{of}");
        assert!(!said(!private).any(|body| body.contains(&format!("{of}0"))), "{of} is in the other");
    }
    assert!(parts.iter().all(|(body, _)| body.len() <= 5_500), "{:?}", parts.iter().map(|p| p.0.len()).max());
}

#[test]
fn a_private_message_is_kept_here_where_the_target_has_none() {
    let ticket = ticket(&[
        json!({ "id": "1", "author": "7", "format": "text", "body": "Good morning" }),
        json!({ "id": "2", "author": "7", "format": "text", "visibility": "private", "body": "The zebra is out" }),
        json!({ "id": "3", "author": "7", "format": "text", "body": "Good night" }),
    ]);
    let none = ("private_comments         = true", "private_comments         = false");
    let all = Folder::new(&ticket, None, "", &[none]);
    all.succeeds();
    let state = all.target.state();
    assert!(!state.to_string().contains("zebra"), "{state}");
    assert_eq!(state["tickets"][0]["conversations"].as_array().map(Vec::len), Some(1));
    let kept = std::fs::read_to_string(all.project.path().join(".deskferry/kept/1/2/message.html")).unwrap();
    assert!(kept.contains("The zebra is out"), "{kept}");
    assert!(all.report().contains("private_message_kept=1"), "{}", all.report());
    let seen = all.target.calls().len();
    all.succeeds();
    assert_eq!(all.target.writes_after(seen), Vec::<String>::new());
}

/// Zendesk refuses a message that shows nothing.
#[test]
fn a_message_that_shows_nothing_says_so() {
    let message = |id: &str, body: &str| json!({ "id": id, "author": "7", "format": "html", "body": body });
    let contact = json!({ "id": "7", "name": "Ann", "emails": ["ann@example.com"] });
    let of = ticket(&[message("1", "<div><br>&nbsp;</div>"), message("2", ""), message("3", "<p>\u{200b}</p>")]);
    for platform in ["zendesk", "freshdesk"] {
        let all = Folder::of(
            platform,
            &[("ticket", std::slice::from_ref(&of)), ("contact", std::slice::from_ref(&contact))],
            "",
        );
        all.succeeds();
        let shown = all.target.state()["tickets"].to_string();
        assert_eq!(shown.matches("<p>(no text)</p>").count(), 3, "{platform}: {shown}");
    }
}

fn files(ticket: &Value) -> impl Iterator<Item = &Value> {
    let notes = ticket["conversations"].as_array().into_iter().flatten();
    std::iter::once(ticket).chain(notes).flat_map(|message| message["files"].as_array().into_iter().flatten())
}

fn ticket(comments: &[Value]) -> Value {
    json!({ "id": "1", "subject": "One", "status": "Open", "priority": "Medium", "requester": "7", "comments": comments })
}

/// A folder of records, moved into a desk.
pub struct Folder {
    pub target: Desk,
    project: TempDir,
}

impl Folder {
    /// One ticket of one contact into a Freshdesk, with a file and changes of the target's manifest where there are some.
    fn new(ticket: &Value, file: Option<(&str, &[u8])>, mapping: &str, manifest: &[(&str, &str)]) -> Self {
        let contact = json!({ "id": "7", "name": "Ann", "emails": ["ann@example.com"] });
        let all = Self::of("freshdesk", &[("ticket", std::slice::from_ref(ticket)), ("contact", &[contact])], mapping);
        if let Some((name, bytes)) = file {
            all.put(&format!("in/attachments/{name}"), bytes);
        }
        if !manifest.is_empty() {
            let own = crate::root::root().join("connectors/freshdesk.toml");
            let text = manifest.iter().fold(std::fs::read_to_string(own).unwrap(), |text, (from, to)| {
                assert!(text.contains(from), "the manifest has no `{from}`");
                text.replace(from, to)
            });
            all.put("connectors/freshdesk.toml", text.as_bytes());
        }
        all
    }

    /// Records by kind, into an empty desk of this platform.
    pub fn of(platform: &str, records: &[(&str, &[Value])], mapping: &str) -> Self {
        let target = Desk::start(&Options { platform, tickets: 0, faults: None, flags: &["--silenced"] });
        Self::into(target, records, mapping)
    }

    /// The same into this desk.
    pub fn into(target: Desk, records: &[(&str, &[Value])], mapping: &str) -> Self {
        let migration = format!(
            "[source]\nconnector = \"files\"\npath = \"in\"\n[target]\n{}silenced = true\n\
             [run]\nsettle = \"1s\"\ncreate_marker = true\n[mapping]\nfile = \"mapping.toml\"\n",
            target.account("TARGET_KEY"),
        );
        let all = Self { target, project: tempfile::tempdir().unwrap() };
        for (kind, rows) in records {
            let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
            all.put(&format!("in/{kind}.jsonl"), lines.as_bytes());
        }
        all.put("migration.toml", migration.as_bytes());
        all.put("mapping.toml", mapping.as_bytes());
        all
    }

    /// The folder of the project.
    pub fn home(&self) -> &Path {
        self.project.path()
    }

    pub fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.project.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub fn succeeds(&self) {
        self.said(&["run"]);
    }

    pub fn report(&self) -> String {
        self.said(&["report", "--format", "csv"])
    }

    /// What a command that ends well prints.
    pub fn said(&self, args: &[&str]) -> String {
        self.ends(args, 0)
    }

    /// What a command prints that ends with this code.
    pub fn ends(&self, args: &[&str], code: i32) -> String {
        String::from_utf8_lossy(&self.output(args, code).stdout).into_owned()
    }

    /// What a command that ends with this code tells people.
    pub fn heard(&self, args: &[&str], code: i32) -> String {
        String::from_utf8_lossy(&self.output(args, code).stderr).into_owned()
    }

    fn output(&self, args: &[&str], code: i32) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deskferry"));
        command.arg("-C").arg(self.project.path()).args(args).env("TARGET_KEY", self.target.key()).stdin(Stdio::null());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// The file with this SHA-256, as it was sent: the look-alike keeps no bytes.
    fn staged(&self, sha256: &str) -> File {
        let blobs = std::fs::read_dir(self.project.path().join(".deskferry/blobs")).unwrap();
        let is_it = |path: &std::path::PathBuf| {
            let digest = Sha256::digest(std::fs::read(path).unwrap());
            digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>() == sha256
        };
        File::open(blobs.map(|blob| blob.unwrap().path()).find(is_it).unwrap()).unwrap()
    }
}
