//! A real desk at one end, a look-alike at the other: a Request Tracker moves into a Freshdesk, a Zendesk into a Redmine. Plain,
//! and killed while the look-alike misbehaves.

use crate::binary::Binary;
use crate::compare::freshdesk::Known;
use crate::compare::{self, Difference, Images, PrivateFiles, Rules, What, freshdesk, zendesk};
use crate::desks::{Desk, Options};
use crate::http::{Client, Result, sha256};
use crate::journey::{self, Product};
use crate::kill::{self, Kills};
use crate::seed::expected::{Alike, Expected};
use crate::seed::random::Random;
use crate::seed::{rt, verify};
use crate::servers::{self, Server};
use crate::{Failed, MINUTES, later, moves, project, report};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

const KILLS: usize = 12;
/// Tickets of the Zendesk: the twenty odd ones, and some drawn.
const TICKETS: usize = 40;
/// Behind the ticket with 230 messages, each of which takes a Redmine a while.
const AFTER_THE_LONG_ONE: &str = "2021-03-01T08:00:00Z";

#[test]
fn a_request_tracker_moves_into_a_freshdesk() -> Result<(), Failed> {
    if !crate::wanted("a_request_tracker_moves_into_a_freshdesk") {
        return Ok(());
    }
    let _turn = moves::turn();
    let all = ToFreshdesk::new("rt-freshdesk", "")?;
    moved(&all.binary, "rt-freshdesk")?;
    none(&all.differences()?)?;
    let seen = all.freshdesk.calls().len();
    all.binary.succeed(&["run"], 3 * MINUTES)?;
    assert_eq!(all.freshdesk.writes_after(seen), [""; 0], "a second run wrote");
    all.spoiled_is_noticed()?;
    Ok(())
}

#[test]
fn a_request_tracker_moves_into_a_failing_freshdesk_though_killed() -> Result<(), Failed> {
    if !crate::wanted("a_request_tracker_moves_into_a_failing_freshdesk_though_killed") {
        return Ok(());
    }
    killed(
        || ToFreshdesk::new("rt-freshdesk-killed", FAILING_TARGET),
        |all, random| {
            let plan = Kills { kills: KILLS, deadline: Instant::now() + 6 * MINUTES };
            plan.endure(&all.binary, all.expected.messages().count() as i64, &|| Ok(all.messages()), random)?;
            none(&all.differences()?)
        },
    )
}

#[test]
fn a_zendesk_moves_into_a_redmine() -> Result<(), Failed> {
    if !crate::wanted("a_zendesk_moves_into_a_redmine") {
        return Ok(());
    }
    let _turn = moves::turn();
    let all = FromZendesk::new("zendesk-redmine", TICKETS, "", None)?;
    // relations between projects are refused until the administrator allows them; then a retry writes them
    let refused = all.binary.run(&["run"], 6 * MINUTES)?;
    let failed: Vec<&str> = refused.stderr.lines().filter(|line| line.starts_with("failed ")).collect();
    let links = failed.iter().filter(|line| line.starts_with("failed link ")).count();
    let is_told =
        refused.stderr.contains("hint: check Administration › Settings › Issue tracking › Allow cross-project");
    assert!(links > 0 && links == failed.len() && is_told, "{}", refused.stderr);
    all.allow_relations_between_projects()?;
    all.binary.succeed(&["retry"], 3 * MINUTES)?;
    none(&all.differences()?)?;
    let before = all.messages()?;
    all.binary.succeed(&["run"], 3 * MINUTES)?;
    assert_eq!(all.messages()?, before, "a second run wrote");
    none(&all.differences()?)?;
    Ok(())
}

#[test]
fn a_failing_zendesk_moves_into_a_redmine_though_killed() -> Result<(), Failed> {
    if !crate::wanted("a_failing_zendesk_moves_into_a_redmine_though_killed") {
        return Ok(());
    }
    killed(
        || FromZendesk::new("zendesk-redmine-killed", 30, FAILING_SOURCE, Some(AFTER_THE_LONG_ONE)),
        |all, random| {
            all.allow_relations_between_projects()?;
            let whole = all.expected.messages().count() as i64;
            let plan = Kills { kills: KILLS, deadline: Instant::now() + 6 * MINUTES };
            let before = all.messages()?;
            plan.endure(&all.binary, whole, &|| Ok(all.messages()? - before), random)?;
            none(&all.differences()?)
        },
    )
}

const FAILING_TARGET: &str = r#"
fault = [
  { method = "POST", at = 60, calls = 3, does = "too_many", retry_after = 1 },
  { method = "POST", every = 41, does = "reset_after" },
  { method = "POST", every = 37, does = "reset_before" },
  { method = "POST", every = 53, does = "error_after" },
  { method = "POST", every = 59, does = "truncated" },
  { method = "GET", every = 31, does = "cut" },
]
"#;

const FAILING_SOURCE: &str = r#"
fault = [
  { path = "/api/**", every = 19, does = "reset_before" },
  { path = "/api/**", every = 23, does = "truncated" },
  { path = "/api/**", every = 29, does = "error_before" },
  { path = "/attachments/**", every = 7, does = "reset_after" },
  { path = "/attachments/**", every = 11, does = "too_many", retry_after = 1 },
]
"#;

fn moved(binary: &Binary, name: &str) -> Result<()> {
    let start = Instant::now();
    binary.succeed(&["check"], 2 * MINUTES)?;
    binary.succeed(&["run"], 6 * MINUTES)?;
    println!("{name} moved after {:.1} s", start.elapsed().as_secs_f32());
    Ok(())
}

fn killed<M>(made: impl Fn() -> Result<M>, endured: impl Fn(&M, &mut Random) -> Result<()>) -> Result<(), Failed> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| e.to_string())?.as_secs();
    let seed = std::env::var("DESKFERRY_KILL_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(now);
    println!("DESKFERRY_KILL_SEED={seed} repeats these moments");
    let _turn = moves::turn();
    let all = made()?;
    endured(&all, &mut Random::new(seed)).map_err(|e| format!("DESKFERRY_KILL_SEED={seed}: {e}").into())
}

/// A look-alike that fails by the rules in `faults`.
fn look_alike(project: &Path, platform: &str, tickets: usize, faults: &str) -> Result<Desk> {
    let file = project.join("faults.toml");
    save(&file, faults)?;
    Ok(Desk::start(&Options { platform, tickets, faults: Some(&file), flags: &["--silenced"] }))
}

fn save(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}

fn write_project(project: &Path, source: &str, target: &str, run: &str, mapping: &str) -> Result<()> {
    let migration = format!(
        "[source]\n{source}\n[target]\n{target}silenced = true\n\n[run]\nsettle = \"2s\"\n{run}\n[mapping]\nfile = \"mapping.toml\"\n"
    );
    save(&project.join("migration.toml"), &migration)?;
    save(&project.join("mapping.toml"), mapping)
}

fn table(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(from, to)| format!("{from:?} = {to:?}")).collect();
    format!("{{ {} }}", pairs.join(", "))
}

fn pairs(pairs: &[(&str, &str)]) -> std::collections::HashMap<String, String> {
    pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect()
}

fn none(differences: &[Difference]) -> Result<()> {
    if differences.is_empty() { Ok(()) } else { Err(report(differences)) }
}

fn mailed(at: &str, said: String) -> Difference {
    Difference { what: What::Mail, at: at.into(), said }
}

/// Losses of each ticket, by the report.
fn losses(binary: &Binary) -> Result<BTreeMap<u64, String>> {
    let said = binary.succeed(&["report", "--format", "csv"], MINUTES)?.stdout;
    let mut rows = csv::Reader::from_reader(said.as_bytes());
    let tickets = rows.records().flatten().filter(|row| &row[0] == "ticket");
    tickets.map(|row| Ok((row[1].parse().map_err(|_| format!("ticket {}?", &row[1]))?, row[10].to_owned()))).collect()
}

const RT_STATUSES: [(&str, &str); 5] =
    [("new", "Open"), ("open", "Open"), ("stalled", "Pending"), ("resolved", "Resolved"), ("rejected", "Closed")];
const RT_QUEUES: [(&str, &str); 3] = [("Support", "Support"), ("Billing", "Billing"), ("General", "Tier 2")];
/// Fields made in the Freshdesk for those of the Request Tracker: by title, with the type of Freshdesk.
const RT_FIELDS: [(&str, &str); 15] = [
    ("Serial Numbers", "custom_text"),
    ("Seats", "custom_number"),
    ("Weight", "custom_decimal"),
    ("Severity", "custom_dropdown"),
    ("Products", "custom_text"),
    ("Details", "custom_paragraph"),
    ("Runbook", "custom_paragraph"),
    ("Memo", "custom_paragraph"),
    ("Purchase Date", "custom_date"),
    ("Callback At", "custom_text"),
    ("Area", "custom_text"),
    ("Keywords", "custom_text"),
    ("Channel", "custom_text"),
    ("Host", "custom_text"),
    ("Network", "custom_text"),
];

struct ToFreshdesk {
    rt: &'static Server,
    freshdesk: Desk,
    binary: Binary,
    project: PathBuf,
    expected: Expected,
    /// Addresses in the Freshdesk, and the agents of the Request Tracker they stand for.
    agents: Vec<(String, &'static str)>,
    mails: usize,
}

impl ToFreshdesk {
    fn new(name: &str, faults: &str) -> Result<Self> {
        let rt = moves::running_source()?;
        let project = servers::folder(&format!("{name}-project"))?;
        let freshdesk = look_alike(&project, "freshdesk", 0, faults)?;
        let key = freshdesk.told("api_key");
        let login = BASE64_STANDARD.encode(format!("{key}:X"));
        let admin = Client::new(&freshdesk.told("url"), &[("Authorization", &format!("Basic {login}"))]);
        let field = |(title, kind): (&str, &str)| {
            let mut field = json!({ "label": title, "label_for_customers": title, "type": kind });
            if kind == "custom_dropdown" {
                field["choices"] = ["Low", "Medium", "High"]
                    .into_iter()
                    .enumerate()
                    .map(|(n, v)| json!({ "value": v, "position": n + 1 }))
                    .collect();
            }
            admin.json("POST", "/api/v2/admin/ticket_fields", Some(&field)).map(drop)
        };
        RT_FIELDS.into_iter().try_for_each(field)?;
        let state = freshdesk.state();
        let there = state["agents"].as_array().into_iter().flatten().filter(|a| a["deactivated"] != true).skip(1);
        let there = there.filter_map(|a| a["email"].as_str()).map(str::to_lowercase);
        let agents: Vec<_> = there.zip(["agent1@rt.test", "agent2@rt.test", "agent3@rt.test"]).collect();
        let mapped: Vec<_> = agents.iter().map(|(there, own)| (*own, there.as_str())).collect();
        let mapping = format!(
            "[ticket.status]\nvalues = {}\n[ticket.priority]\ndefault = \"Medium\"\nelse = \"Medium\"\n[ticket.group]\nvalues = {}\n\
             [ticket.custom]\n\"Order Number\" = {{ to = \"cf_order_number\" }}\nRegion = {{ to = \"Area\" }}\n\
             [people]\nagents = {}\n",
            table(&RT_STATUSES),
            table(&RT_QUEUES),
            table(&mapped),
        );
        let target = format!(
            "connector = \"freshdesk\"\nurl = {:?}\napi_key = {{ env = \"TARGET_KEY\" }}\n",
            freshdesk.told("url")
        );
        let source = journey::account(rt, Product::RequestTracker, "SOURCE_KEY")?;
        write_project(&project, &source, &target, "create_marker = true", &mapping)?;
        let env = vec![("SOURCE_KEY", rt.var("RT_TOKEN")?.to_owned()), ("TARGET_KEY", key)];
        let binary = Binary { project: project.clone(), env };
        let expected = Expected::load(&rt.dir.join("expected.json"))?;
        let mails = rt::mails(Path::new(rt.var("RT_MAILS")?))?;
        Ok(Self { rt, freshdesk, binary, project, expected, agents, mails })
    }

    /// Everything that is not as it was promised, at both ends.
    fn differences(&self) -> Result<Vec<Difference>> {
        let mut all = self.compared(&self.freshdesk.state())?;
        all.extend(self.freshdesk.mails().iter().map(|mail| mailed("the target", mail.to_string())));
        let now = rt::mails(Path::new(self.rt.var("RT_MAILS")?))?;
        if now != self.mails {
            all.push(mailed("the source", format!("{} mails since the move began", now - self.mails)));
        }
        let source = verify::differences(&rt::Desk::new(self.rt.env.clone()), &self.expected)?;
        all.extend(source.into_iter().map(|said| Difference { what: What::Source, at: "the source".into(), said }));
        Ok(all)
    }

    fn compared(&self, state: &Value) -> Result<Vec<Difference>> {
        let fields = [("cf_order_number", "Order Number"), ("cf_area", "Region")];
        let lists = ["Serial Numbers", "Products", "Keywords"];
        let target = freshdesk::read(state, &Known { agents: &self.agents, fields: &fields, lists: &lists });
        let rules = Rules {
            status: pairs(&RT_STATUSES),
            project: pairs(&RT_QUEUES),
            private_files: PrivateFiles::Hidden,
            images: Images::Named,
            empty_files: false,
            ticket_bytes: 20_000_000,
            first_by_requester: true,
            links: false,
            hosts: vec![self.rt.var("RT_BASE_URL")?.to_owned()],
            ..project::rules("admin@acme.example".into())
        };
        let kept = compare::kept(&self.project.join(".deskferry/kept"))?;
        Ok(compare::differences(&self.expected, &target, &rules, &kept))
    }

    /// Messages the Freshdesk holds.
    fn messages(&self) -> i64 {
        let written = self.freshdesk.writes_after(0);
        written.iter().filter(|write| write.contains("/tickets")).count() as i64
    }

    /// What the look-alike holds, spoiled in memory in ways that only this reading of it could miss.
    fn spoiled_is_noticed(&self) -> Result<()> {
        let whole = self.freshdesk.state();
        let host = self.rt.var("RT_BASE_URL")?.to_owned();
        type Spoiling<'a> = (What, Box<dyn Fn(&mut Value) + 'a>);
        let cases: [Spoiling; 6] = [
            (What::MessageCount, Box::new(|s| drop(notes(s).remove(0)))),
            (What::Leak, Box::new(flip)),
            (What::File, Box::new(|s| file(s)["sha256"] = json!(sha256(b"another")))),
            (What::Address, Box::new(|s| notes(s)[0]["body"] = json!(format!("{} {host}/x", notes(s)[0]["body"])))),
            (What::Value, Box::new(|s| s["tickets"][3]["custom_fields"]["cf_seats"] = json!(1001))),
            (What::Value, Box::new(|s| s["tickets"][3]["status"] = json!(6))),
        ];
        for (n, (what, spoil)) in cases.iter().enumerate() {
            let mut state = whole.clone();
            spoil(&mut state);
            let found = self.compared(&state)?;
            if !found.iter().any(|d| d.what == *what) {
                return Err(format!("case {n}: no {what:?} was noticed: {}", report(&found)));
            }
        }
        Ok(())
    }
}

fn all_notes(state: &mut Value) -> impl Iterator<Item = &mut Vec<Value>> {
    let tickets = state["tickets"].as_array_mut().into_iter().flatten();
    tickets.filter_map(|ticket| ticket["conversations"].as_array_mut())
}

fn notes(state: &mut Value) -> &mut Vec<Value> {
    all_notes(state).find(|notes| notes.len() > 2).expect("a ticket has several")
}

fn flip(state: &mut Value) {
    let note = all_notes(state).flatten().find(|note| note["private"] == true).expect("one is private");
    note["private"] = json!(false);
}

fn file(state: &mut Value) -> &mut Value {
    let note = all_notes(state).flatten().find(|note| note["files"][0].is_object());
    &mut note.expect("one has a file")["files"][0]
}

const ZENDESK_STATUSES: [(&str, &str); 8] = [
    ("New", "New"),
    ("Open", "In Progress"),
    ("Pending", "Feedback"),
    ("On-hold", "Feedback"),
    ("Solved", "Resolved"),
    ("Closed", "Closed"),
    ("Waiting for parts", "Feedback"),
    ("In der Werkstatt", "In Progress"),
];
const ZENDESK_GROUPS: [(&str, &str); 3] =
    [("Support", "Support"), ("Buchhaltung", "Billing"), ("2nd level", "General")];
const ZENDESK_FIELDS: [(&str, zendesk::Field); 9] = [
    ("Order no.", (360_000_000_411, "Order Number", Alike::Exactly)),
    ("What was tried", (360_000_000_412, "Details", Alike::Exactly)),
    ("Under warranty?", (360_000_000_413, "Network", Alike::Exactly)),
    ("Bought on", (360_000_000_414, "Purchase Date", Alike::Exactly)),
    ("Pieces", (360_000_000_415, "Seats", Alike::Number)),
    ("Price (€)", (360_000_000_416, "Weight", Alike::Number)),
    ("Product", (360_000_000_417, "Region", Alike::Exactly)),
    ("Heard of us by", (360_000_000_418, "Channel", Alike::Exactly)),
    ("Serial <no>", (360_000_000_419, "Host", Alike::Exactly)),
];

struct FromZendesk {
    zendesk: Desk,
    redmine: Server,
    binary: Binary,
    project: PathBuf,
    expected: Expected,
    state: Value,
    /// Addresses in the Zendesk, and the members of the Redmine that stand for them.
    agents: Vec<(String, &'static str)>,
    mails: usize,
}

impl FromZendesk {
    /// `since`: only tickets made then or later are asked for.
    fn new(name: &str, tickets: usize, faults: &str, since: Option<&str>) -> Result<Self> {
        let project = servers::folder(&format!("{name}-project"))?;
        let zendesk = look_alike(&project, "zendesk", tickets, faults)?;
        let redmine = journey::empty(&format!("{name}-target"), Product::Redmine)?;
        let state = zendesk.state();
        let staff = state["users"].as_array().into_iter().flatten().filter(|u| u["role"] == "agent");
        let staff = staff.filter_map(|u| u["email"].as_str()).map(str::to_owned);
        // the third may not write private notes, and the fourth is nobody there
        let agents: Vec<_> = staff.zip(["agent1@rt.test", "agent2@rt.test", "agent3@rt.test"]).collect();
        let mapped: Vec<_> = agents.iter().map(|(own, there)| (own.as_str(), *there)).collect();
        let custom: String = ZENDESK_FIELDS
            .iter()
            .fold(String::new(), |all, (title, (_, to, _))| all + &format!("{title:?} = {{ to = {to:?} }}\n"));
        let mapping = format!(
            "[ticket.status]\nvalues = {}\n[ticket.group]\nvalues = {}\n[ticket.custom]\n{custom}[people]\nagents = {}\n",
            table(&ZENDESK_STATUSES),
            table(&ZENDESK_GROUPS),
            table(&mapped),
        );
        let source = format!(
            "connector = \"zendesk\"\nurl = {:?}\nemail = {:?}\ntoken = {{ env = \"SOURCE_KEY\" }}\n",
            zendesk.told("url"),
            zendesk.told("email"),
        );
        let target = format!(
            "{}project = \"support\"\ntracker = \"Support\"\n",
            journey::account(&redmine, Product::Redmine, "TARGET_KEY")?
        );
        let scope = since.map(|since| format!("[scope]\ncreated_after = {since:?}\n")).unwrap_or_default();
        write_project(&project, &source, &target, &scope, &mapping)?;
        let env =
            vec![("SOURCE_KEY", zendesk.told("token")), ("TARGET_KEY", redmine.var("REDMINE_API_KEY")?.to_owned())];
        let binary = Binary { project: project.clone(), env };
        let assignable: Vec<&str> = agents.iter().map(|(own, _)| own.as_str()).collect();
        let mut expected = zendesk::expected(&state, &ZENDESK_FIELDS.map(|(_, field)| field), &assignable)?;
        let since = since.map(|since| since.parse()).transpose().map_err(|e| format!("since: {e}"))?;
        expected.tickets.retain(|ticket| since.is_none_or(|since: jiff::Timestamp| ticket.created >= since));
        let mails = rt::mails(Path::new(redmine.var("REDMINE_MAILS")?))?;
        Ok(Self { zendesk, redmine, binary, project, expected, state, agents, mails })
    }

    /// Everything that is not as it was promised.
    fn differences(&self) -> Result<Vec<Difference>> {
        let client = journey::client(Product::Redmine, &self.redmine)?;
        let mut target = compare::redmine::read(&client)?;
        zendesk::numbered(&mut target, "Deskferry");
        let own = |address: &mut String| {
            if let Some((own, _)) = self.agents.iter().find(|(_, there)| there == address) {
                address.clone_from(own);
            }
        };
        for issue in &mut target.issues {
            issue.assignee.as_mut().map(own);
            issue.watchers.iter_mut().chain(issue.messages.iter_mut().map(|m| &mut m.author)).for_each(own);
        }
        let rules = Rules {
            status: pairs(&ZENDESK_STATUSES),
            project: ZENDESK_GROUPS.map(|(group, project)| (group.into(), project.to_lowercase())).into(),
            hosts: vec![self.zendesk.told("url"), self.zendesk.told("files")],
            ..project::rules(compare::redmine::api_user(&client)?)
        };
        let kept = compare::kept(&self.project.join(".deskferry/kept"))?;
        let mut all = compare::differences(&self.expected, &target, &rules, &kept);
        let now = rt::mails(Path::new(self.redmine.var("REDMINE_MAILS")?))?;
        if now != self.mails {
            all.push(mailed("the target", format!("{} mails since the move began", now - self.mails)));
        }
        for call in self.zendesk.calls().iter().filter(|call| call["at"] == "files" && call["credential"] == true) {
            let at = "the host of files".into();
            all.push(Difference { what: What::Credential, at, said: call.to_string() });
        }
        all.extend(self.untold()?);
        Ok(all)
    }

    /// What Redmine has no place for, and the report does not tell.
    fn untold(&self) -> Result<Vec<Difference>> {
        let told = losses(&self.binary)?;
        let tells = |id: &u64, loss: &str, times: usize| {
            let wanted = if times == 0 { format!("{loss}=") } else { format!("{loss}={times}") };
            told.get(id)
                .is_some_and(|losses| losses.split(';').any(|l| l == wanted || times == 0 && l.starts_with(&wanted)))
        };
        let asked = |id: &u64| self.expected.tickets.iter().any(|ticket| ticket.id == *id as i64);
        let tags = zendesk::tags(&self.state)
            .into_iter()
            .filter(|(id, _)| asked(id))
            .filter(|(id, tags)| !tells(id, "tag_dropped", tags.len()));
        let files = zendesk::withholding(&self.state).into_iter().filter(asked).filter(|id| !tells(id, "file_gone", 0));
        let said = |id: u64, what: String| Difference { what: What::Value, at: format!("ticket {id}"), said: what };
        let tags =
            tags.map(|(id, tags)| said(id, format!("the report does not tell of {tags:?}: {:?}", told.get(&id))));
        let files = files.map(|id| said(id, "the report does not tell of a file that is gone".into()));
        Ok(tags.chain(files).collect())
    }

    fn allow_relations_between_projects(&self) -> Result<()> {
        let db = later::open(self.redmine.var("REDMINE_DB")?)?;
        let allow = "INSERT INTO settings (name, value, updated_on) VALUES ('cross_project_issue_relations', '1', datetime('now'))";
        db.execute(allow, []).map(drop).map_err(|e| e.to_string())
    }

    fn messages(&self) -> Result<i64> {
        kill::written_to_redmine(&self.redmine)
    }
}
