//! What vendors really do, and a look-alike that is as strict: whom a write would overwrite, how a job tells what it made, which
//! tickets a list leaves out.

use crate::desks::{Desk, Options};
use crate::moving::exit_code;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(180);

/// A project between a desk and a folder of files.
pub struct Project {
    folder: TempDir,
    pub desk: Desk,
}

impl Project {
    /// Out of tables of records, by kind, into a desk.
    pub fn into(desk: Desk, tables: &[(&str, Vec<Value>)]) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap(), desk };
        std::fs::create_dir(project.at("src")).unwrap();
        for (kind, rows) in tables {
            let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
            std::fs::write(project.at(&format!("src/{kind}.jsonl")), lines).unwrap();
        }
        let account = project.desk.account("KEY");
        project
            .settle(&format!("[source]\nconnector = \"files\"\npath = \"src\"\n[target]\n{account}silenced = true\n"));
        project
    }

    /// Out of a desk into files. `account`: further lines of `[source]`.
    pub fn out_of(desk: Desk, account: &str) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap(), desk };
        let desk = project.desk.account("KEY");
        project.settle(&format!("[source]\n{desk}{account}[target]\nconnector = \"files\"\npath = \"out\"\n"));
        project
    }

    fn settle(&self, accounts: &str) {
        let run = "[run]\nsettle = \"1s\"\ncreate_marker = true\ncreate_groups = true\n";
        std::fs::write(self.at("migration.toml"), format!("{accounts}{run}")).unwrap();
    }

    pub fn at(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// The exit code, and what was said.
    pub fn run(&self, args: &[&str]) -> (i32, String) {
        let log = std::fs::File::create(self.at("stderr.txt")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_deskferry"));
        command.arg("-C").arg(self.folder.path()).args(args).env("KEY", self.desk.key());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let said = || std::fs::read_to_string(self.at("stderr.txt")).unwrap_or_default();
        (exit_code(child, DEADLINE, &said), said())
    }

    /// What a command prints.
    pub fn told(&self, args: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deskferry"));
        let output = command.arg("-C").arg(self.folder.path()).args(args).env("KEY", self.desk.key()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Calls by method and path, ids folded.
    fn calls(&self) -> BTreeMap<String, usize> {
        let mut calls = BTreeMap::new();
        for call in self.desk.calls() {
            let path =
                call["path"].as_str().unwrap_or_default().trim_start_matches("/api/v2").trim_end_matches(".json");
            let fold = |part: &str| {
                if part.parse::<u64>().is_ok() || part.starts_with("V3-") { "ID".into() } else { part.to_owned() }
            };
            let path: Vec<String> = path.split('/').map(fold).collect();
            *calls.entry(format!("{} {}", call["method"].as_str().unwrap_or_default(), path.join("/"))).or_default() +=
                1;
        }
        calls
    }

    pub fn rows(&self, list: &str) -> Vec<Value> {
        self.desk.state()[list].as_array().cloned().unwrap_or_default()
    }

    /// The records the files hold.
    pub fn files(&self, kind: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.at(&format!("out/{kind}.jsonl"))).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn empty(platform: &str, more: &[&str]) -> Desk {
    let flags: &[&str] = if platform == "zendesk" { &["--silenced", "--lag", "0"] } else { &["--silenced"] };
    Desk::start_with(&Options { platform, tickets: 0, faults: None, flags }, more)
}

pub fn ticket(id: &str, requester: &str) -> Value {
    let message = json!({"id": "m", "author": requester, "format": "text", "body": "hello", "created_at": "2024-01-01T00:00:00Z"});
    json!({"id": id, "subject": "one", "status": "Open", "requester": requester, "comments": [message]})
}

#[test]
fn a_customer_who_is_in_the_target_keeps_what_they_have_and_only_gains() {
    let desk = empty("zendesk", &[]);
    let org = desk.sent("POST", "/api/v2/organizations.json", &json!({"organization": {"name": "Theirs"}}));
    let org = &org["organization"]["id"];
    let user = json!({"name": "Anna Maria Lang", "email": "anna@cust.example", "phone": "+49 30 555", "organization_id": org, "skip_verify_email": true});
    let anna = desk.sent("POST", "/api/v2/users.json", &json!({ "user": user }))["user"].clone();
    // Known there by an address beside her own.
    let further = json!({"identity": {"type": "email", "value": "bea@second.example", "verified": true}});
    let bea = json!({"name": "Beatrix", "email": "bea@cust.example", "skip_verify_email": true});
    let bea = desk.sent("POST", "/api/v2/users.json", &json!({ "user": bea }))["user"].clone();
    desk.sent("POST", &format!("/api/v2/users/{}/identities.json", bea["id"]), &further);
    let people = vec![
        json!({"id": "c1", "name": "anna", "emails": ["anna@cust.example", "anna@home.example"], "phones": ["+100"], "companies": ["o1"]}),
        json!({"id": "c2", "name": "bea", "emails": ["bea@second.example"], "phones": ["+200"]}),
        json!({"id": "c3", "name": "Carl", "emails": ["carl@cust.example"], "phones": ["+300"], "companies": ["o1"]}),
    ];
    let tables = [
        ("company", vec![json!({"id": "o1", "name": "Old Org"})]),
        ("contact", people),
        ("ticket", vec![ticket("1", "c1"), ticket("2", "c2"), ticket("3", "c3")]),
    ];
    let project = Project::into(desk, &tables);
    let (code, said) = project.run(&["run", "--only", "company,contact,ticket"]);
    assert_eq!(code, 0, "{said}");
    let users = project.rows("users");
    let now = |id: &Value| users.iter().find(|user| user["id"] == *id).unwrap().clone();
    for key in ["name", "email", "organization_id", "role"] {
        assert_eq!(now(&anna["id"])[key], anna[key], "{key}");
        assert_eq!(now(&bea["id"])[key], bea[key], "{key}");
    }
    assert_eq!(now(&anna["id"])["phone"], anna["phone"], "what they have stays");
    assert_eq!(
        (&bea["phone"], &now(&bea["id"])["phone"]),
        (&Value::Null, &json!("+200")),
        "what is empty is filled in"
    );
    let state = project.desk.state();
    let has = |list: &Value, what: &[(&str, &Value)]| {
        list.as_array().unwrap().iter().any(|row| what.iter().all(|(key, value)| row[*key] == **value))
    };
    let old = state["organizations"].as_array().unwrap().iter().find(|o| o["name"] == "Old Org").unwrap()["id"].clone();
    let memberships = &state["tables"]["organization_memberships"];
    assert!(has(memberships, &[("user_id", &anna["id"]), ("organization_id", &old)]), "the organization is added");
    assert!(has(&state["identities"], &[("user_id", &anna["id"]), ("value", &json!("anna@home.example"))]));
    let carl = users.iter().find(|user| user["email"] == "carl@cust.example").unwrap();
    assert_eq!((&carl["name"], &carl["phone"], &carl["organization_id"]), (&json!("Carl"), &json!("+300"), &old));
    let requesters: Vec<&Value> = state["tickets"].as_array().unwrap().iter().map(|t| &t["requester_id"]).collect();
    assert_eq!(requesters.len(), 3);
    assert!([&anna["id"], &bea["id"], &carl["id"]].iter().all(|id| requesters.contains(id)), "{requesters:?}");
}

#[test]
fn a_customer_who_is_in_a_freshdesk_gains_what_they_lack_and_keeps_the_rest() {
    let desk = empty("freshdesk", &[]);
    let add = |body: Value| desk.sent("POST", "/api/v2/contacts", &body);
    let anna = add(json!({"name": "Anna Maria Lang", "email": "anna@cust.example", "phone": "+49 30 555"}));
    let bea = add(json!({"name": "Beatrix", "email": "bea@cust.example"}));
    let people = vec![
        json!({"id": "c1", "name": "anna", "emails": ["anna@cust.example"], "phones": ["+100"]}),
        json!({"id": "c2", "name": "bea", "emails": ["bea@cust.example"], "phones": ["+200"]}),
    ];
    let tables = [("contact", people), ("ticket", vec![ticket("1", "c1"), ticket("2", "c2")])];
    let project = Project::into(desk, &tables);
    let (code, said) = project.run(&["run", "--only", "contact,ticket"]);
    assert_eq!(code, 0, "{said}");
    let now: BTreeMap<String, (Value, Value)> = project
        .rows("contacts")
        .into_iter()
        .map(|contact| (contact["id"].to_string(), (contact["name"].clone(), contact["phone"].clone())))
        .collect();
    let of = |contact: &Value| now[&contact["id"].to_string()].clone();
    assert_eq!(of(&anna), (json!("Anna Maria Lang"), json!("+49 30 555")));
    assert_eq!(of(&bea), (json!("Beatrix"), json!("+200")));
}

#[test]
fn customers_a_job_names_by_their_ids_alone_take_one_call_more_and_no_walk() {
    let people = (0..600).map(
        |n| json!({"id": format!("c{n}"), "name": format!("Customer {n}"), "emails": [format!("c{n}@ex.example")]}),
    );
    let tables = [("contact", people.collect()), ("ticket", vec![ticket("1", "c1")])];
    let project = Project::into(empty("zendesk", &["--plan", "enterprise"]), &tables);
    let (code, said) = project.run(&["run", "--only", "contact,ticket"]);
    assert_eq!(code, 0, "{said}");
    let made = project
        .rows("users")
        .iter()
        .filter(|user| user["email"].as_str().is_some_and(|e| e.ends_with("@ex.example")))
        .count();
    assert_eq!(made, 600);
    let calls = project.calls();
    let of = |call: &str| calls.get(call).copied().unwrap_or_default();
    let jobs = of("POST /users/create_many");
    assert!((6..=8).contains(&jobs), "{calls:?}");
    assert!((1..=jobs).contains(&of("GET /users/show_many")), "some jobs named their users by id alone: {calls:?}");
    assert_eq!(of("GET /incremental/users/cursor"), 0, "{calls:?}");
}

#[test]
fn tickets_of_ai_agents_are_read_with_the_others() {
    let options = Options { platform: "zendesk", tickets: 14, faults: None, flags: &["--lag", "0"] };
    let project = Project::out_of(Desk::start(&options), "");
    assert_eq!(project.run(&["run", "--only", "ticket"]).0, 0);
    let of_ai: Vec<String> = project
        .rows("tickets")
        .iter()
        .filter(|t| t["support_type"] == "ai_agent")
        .map(|t| t["id"].to_string())
        .collect();
    assert_eq!(of_ai.len(), 1);
    assert!(project.files("ticket").iter().any(|t| t["id"] == of_ai[0].as_str()));
}

#[test]
fn a_group_is_made_with_its_members_by_numbers() {
    let tables =
        [("group", vec![json!({"id": "g1", "name": "Brand new"})]), ("ticket", vec![ticket("1", "a@x.example")])];
    let project = Project::into(empty("zendesk", &[]), &tables);
    let (code, said) = project.run(&["run", "--only", "group"]);
    assert_eq!(code, 0, "{said}");
    let state = project.desk.state();
    let group =
        state["tables"]["groups"].as_array().unwrap().iter().find(|g| g["name"] == "Brand new").unwrap()["id"].clone();
    let members = state["tables"]["group_memberships"].as_array().unwrap();
    assert!(members.iter().any(|m| m["group_id"] == group));
}

#[test]
fn contacts_that_changed_are_asked_for_and_where_that_is_refused_the_whole_list_is_read() {
    let options = Options { platform: "freshdesk", tickets: 6, faults: None, flags: &[] };
    let project = Project::out_of(Desk::start(&options), "");
    for _ in 0..2 {
        let (code, said) = project.run(&["run", "--only", "contact"]);
        assert_eq!(code, 0, "{said}");
    }
    let asked = |desk: &Desk| desk.calls().into_iter().filter(|c| c["path"] == "/api/v2/contacts").collect::<Vec<_>>();
    let calls = asked(&project.desk);
    let filtered = |call: &&Value| call["query"].as_str().is_some_and(|q| q.contains("_updated_since="));
    assert_eq!(calls.iter().filter(filtered).count(), 3, "one a state in the later run: {calls:?}");
    assert!(calls.iter().all(|call| call["status"] == 200));
    // An account that knows another name of the filter.
    let manifest = crate::root::root().join("connectors/freshdesk.toml");
    let manifest = std::fs::read_to_string(manifest)
        .unwrap()
        .replace("_updated_since = \"${$since}\"", "changed_since = \"${$since}\"");
    std::fs::create_dir(project.at("connectors")).unwrap();
    std::fs::write(project.at("connectors/freshdesk.toml"), manifest).unwrap();
    for _ in 0..2 {
        let (code, said) = project.run(&["run", "--only", "contact"]);
        assert_eq!(code, 0, "{said}");
    }
    let (_, said) = project.run(&["run", "--only", "contact"]);
    assert!(said.contains("refuses to list only the contact records that changed"), "{said}");
    let refused = asked(&project.desk).iter().filter(|call| call["status"] == 400).count();
    assert!((1..=3).contains(&refused), "asked once a run: {refused}");
}

/// A desk most of whose history is archived, and one with a single archived ticket among many.
fn archived(many: usize) -> Project {
    let options = Options { platform: "freshdesk", tickets: 45, faults: None, flags: &[] };
    Project::out_of(Desk::start_with(&options, &["--archived", &many.to_string()]), "")
}

fn asks_before(project: &Project) {
    for command in [&["check"][..], &["run"], &["run", "--only", "ticket"]] {
        let (code, said) = project.run(command);
        assert_eq!(code, 6, "{command:?}: {said}");
        assert!(
            said.contains("Freshdesk has archived tickets (such as number ")
                && said.contains("`archived = false` leaves them out"),
            "{said}"
        );
    }
    assert!(project.files("ticket").is_empty(), "nothing was written before the answer");
    let probes = project.calls().iter().filter(|(call, _)| call.contains("/archived/")).map(|(_, n)| n).sum::<usize>();
    assert!(probes <= 3 * (8 + 8), "a handful of calls each time, not {probes}");
}

#[test]
fn an_account_all_of_whose_tickets_are_archived_asks_before() {
    asks_before(&archived(45));
}

#[test]
fn a_move_that_would_leave_out_much_of_a_history_asks_before() {
    let project = archived(30);
    asks_before(&project);
    let migration = std::fs::read_to_string(project.at("migration.toml")).unwrap();
    let tickets = project.rows("tickets");
    let kept = |archived: bool| {
        let live = tickets.iter().filter(|t| t["deleted"] == false && t["spam"] == false);
        live.filter(|t| archived || t["archived"] == false).count()
    };
    assert!(kept(true) >= kept(false) + 30);
    for (answer, expected) in [("no", kept(false)), ("yes", kept(true))] {
        let said = migration.replacen("[target]", &format!("archived = \"{answer}\"\n[target]"), 1);
        std::fs::write(project.at("migration.toml"), said).unwrap();
        std::fs::remove_dir_all(project.at(".deskferry")).unwrap();
        let _ = std::fs::remove_dir_all(project.at("out"));
        let (code, said) = project.run(&["run", "--only", "ticket"]);
        assert_eq!(code, 0, "{said}");
        assert_eq!(project.files("ticket").len(), expected, "archived = {answer}");
    }
}

#[test]
fn a_few_archived_tickets_are_named_and_stop_nobody() {
    let project = archived(0);
    let (code, said) = project.run(&["check"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("there are archived tickets (such as number 14)"), "{said}");
}

#[test]
fn the_help_centers_of_other_brands_are_named_with_the_way_to_move_them() {
    let options = Options { platform: "zendesk", tickets: 3, faults: None, flags: &["--lag", "0"] };
    let project = Project::out_of(Desk::start(&options), "");
    let (_, check) = project.run(&["check"]);
    let (_, run) = project.run(&["run", "--only", "article"]);
    let (_, assess) = project.run(&["assess"]);
    for said in [check, run, assess] {
        assert!(said.contains("Zubehör (https://acme-parts.zendesk.example)"), "{said}");
        assert!(said.contains("help centers of other brands") && said.contains("a project of its own"), "{said}");
    }
}
