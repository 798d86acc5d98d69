//! A preview tells the truth: it writes nothing, asks for nothing twice, and the run that follows sends what it showed.

use crate::moving::{Move, Trouble};
use crate::pairs;
use rusqlite::Connection;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Kind, source id, step, child, part.
type Key = (String, String, String, String, u64);

pub fn requests(project: &Path) -> Vec<Value> {
    let file = std::fs::File::open(project.join(".deskferry/preview/requests.jsonl.zst")).unwrap();
    let lines = BufReader::new(zstd::stream::read::Decoder::new(file).unwrap()).lines();
    lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}

/// What a run booked: the hash of each step's request, and the target's ids by the names a preview has for them.
fn booked(project: &Path, marker_field: &str) -> (BTreeMap<Key, String>, BTreeMap<String, String>) {
    let db = Connection::open(project.join(".deskferry/ledger.db")).unwrap();
    let mut steps = BTreeMap::new();
    let sql = "SELECT kind, id, step.step, child, part, request_hash FROM step JOIN record ON record.seq = step.record";
    let mut rows = db.prepare(sql).unwrap();
    let rows = rows.query_map([], |r| {
        let key = (r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get::<_, u32>(4)?.into());
        Ok((key, r.get::<_, String>(5)?))
    });
    steps.extend(rows.unwrap().map(Result::unwrap));
    let mut ids = BTreeMap::from([("marker field".to_owned(), marker_field.to_owned())]);
    let mut records = db
        .prepare("SELECT kind, id, target_id, COALESCE(target_url, '') FROM record WHERE target_id IS NOT NULL")
        .unwrap();
    let rows = records.query_map([], |r| {
        let (kind, id): (String, String) = (r.get(0)?, r.get(1)?);
        Ok([(format!("{kind} {id}.id"), r.get(2)?), (format!("{kind} {id}.url"), r.get(3)?)])
    });
    ids.extend(rows.unwrap().flat_map(Result::unwrap));
    let sql = "SELECT kind, id, step.step, child, step.target_id FROM step JOIN record ON record.seq = step.record \
               WHERE child <> '' AND step.target_id IS NOT NULL";
    let mut children = db.prepare(sql).unwrap();
    let rows = children.query_map([], |r| {
        let (kind, id, step, child): (String, String, String, String) = (r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?);
        Ok((format!("{kind} {id} {step} {child}.id"), r.get(4)?))
    });
    ids.extend(rows.unwrap().map(Result::unwrap));
    (steps, ids)
}

/// The request with the target's ids in the place of their names.
fn filled(request: &Value, ids: &BTreeMap<String, String>) -> Value {
    match request {
        Value::String(text) => match text.strip_prefix("<#").and_then(|t| t.strip_suffix('>')).and_then(|n| ids.get(n))
        {
            Some(id) => id.parse::<u64>().map_or(json!(id), |n| json!(n)),
            None => {
                let mut text = text.clone();
                for (name, id) in ids {
                    if text.contains(name) {
                        text = text.replace(&format!("<{name}>"), id);
                    }
                }
                text.into()
            }
        },
        Value::Array(items) => items.iter().map(|item| filled(item, ids)).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(k, v)| (plain(k, ids), filled(v, ids))).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

fn plain(key: &str, ids: &BTreeMap<String, String>) -> String {
    let named = key.strip_prefix('<').and_then(|key| key.strip_suffix('>')).and_then(|name| ids.get(name));
    named.map_or_else(|| key.to_owned(), String::clone)
}

fn hash(request: &Value) -> String {
    blake3::hash(&serde_json::to_vec(request).unwrap()).to_hex()[..32].to_owned()
}

fn losses(report: &Value) -> Vec<(String, String, u64, u64)> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let rows = report["losses"].as_array().unwrap().iter();
    rows.map(|r| (text(r, "kind"), text(r, "loss"), r["records"].as_u64().unwrap(), r["times"].as_u64().unwrap()))
        .collect()
}

/// Without what is known only when somebody of the same address is found in the target: a preview asks for no customer.
fn foretold(report: &Value) -> Vec<(String, String, u64, u64)> {
    let mut all = losses(report);
    all.retain(|(kind, loss, ..)| (kind.as_str(), loss.as_str()) != ("contact", "person_value_dropped"));
    all
}

fn report(all: &Move) -> Value {
    assert_eq!(all.run(&["report", "--format", "json"]), 0);
    serde_json::from_str(&all.said("stdout.txt")).unwrap()
}

fn preview(all: &Move, args: &[&str]) -> Value {
    let code = all.run(&[&["preview"], args].concat());
    assert!(matches!(code, 0 | 3), "{code}: {}", all.said("stderr.txt"));
    serde_json::from_str(&std::fs::read_to_string(all.project.path().join("preview.json")).unwrap()).unwrap()
}

/// Compares every step the run booked with what the preview before it showed; how many there are.
#[track_caller]
fn sent_as_shown(all: &Move) -> usize {
    let project = all.project.path();
    let field = all.target.state()["ticket_fields"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|f| f["label"] == "Deskferry")
        .and_then(|f| f["name"].as_str())
        .map(str::to_owned);
    let (steps, ids) = booked(project, field.as_deref().unwrap_or("cf_deskferry"));
    // An article is set anew when a link of it leads to one that came later: then the last request counts.
    let mut shown: BTreeMap<Key, Value> = BTreeMap::new();
    // Sent only where the record was there before.
    let mut depends: BTreeSet<Key> = BTreeSet::new();
    for told in requests(project) {
        let text = |key: &str| told[key].as_str().unwrap().to_owned();
        let key = (text("kind"), text("id"), text("step"), text("child"), told["part"].as_u64().unwrap());
        if told["only"] == "adopted" {
            depends.insert(key.clone());
        }
        let before = shown.insert(key, told["request"].clone());
        assert!(before.is_none() || told["verb"] == "update", "shown twice: {told}");
    }
    for (key, request) in shown.iter().filter(|(key, _)| !depends.contains(*key) || steps.contains_key(*key)) {
        let request = filled(request, &ids);
        assert_eq!(steps.get(key), Some(&hash(&request)), "{key:?} was sent otherwise than it was shown:\n{request}");
    }
    // A step another one had the effect of is booked with that one's request: the messages a ticket is written with.
    let covered = |key: &Key| {
        let of_record = shown.keys().filter(|other| (&other.0, &other.1) == (&key.0, &key.1));
        of_record.filter_map(|other| steps.get(other)).any(|hash| hash == &steps[key])
    };
    let unshown: Vec<&Key> =
        steps.keys().filter(|key| !shown.contains_key(*key) && key.2 != "repair" && !covered(key)).collect();
    assert_eq!(unshown, Vec::<&Key>::new(), "sent and not shown");
    shown.len()
}

#[test]
fn the_run_that_follows_sends_what_was_shown_and_loses_what_was_foretold() {
    let all = Move::new(150, Trouble::default());
    let project = all.project.path();
    let first = preview(&all, &["--all"]);
    assert_eq!(all.target.writes_after(0), Vec::<String>::new(), "a preview writes nothing");
    let asked = all.source.calls().len();
    let again = preview(&all, &["--all", "--diff"]);
    assert_eq!(all.source.calls().len(), asked, "a second preview asks the source for nothing");
    assert!(all.said("stdout.txt").contains("nothing changed"), "{}", all.said("stdout.txt"));
    assert_eq!(again["losses"], first["losses"]);
    let page = std::fs::read_to_string(project.join("preview.html")).unwrap();
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("src="), "it shows what it holds");

    all.succeeds();
    all.is_whole();
    let shown = sent_as_shown(&all);
    assert!(shown > 900, "{shown} steps");
    let articles = requests(project).iter().filter(|told| told["kind"] == "article").count();
    assert!(articles > 100, "{articles} steps of articles");
    assert_eq!(foretold(&report(&all)), foretold(&first), "what is lost was foretold");
    let foretold =
        first["forecast"]["calls"].as_array().unwrap().iter().map(|c| c["total"].as_u64().unwrap()).sum::<u64>();
    assert_eq!(first["forecast"]["total"], foretold);
    let left = preview(&all, &["--all"]);
    let left: Vec<&str> =
        left["forecast"]["calls"].as_array().unwrap().iter().filter_map(|c| c["call"].as_str()).collect();
    assert!(left.iter().all(|call| call.starts_with("GET ")), "nothing is left but to read back: {left:?}");
}

#[test]
fn what_goes_into_a_zendesk_is_sent_as_it_was_shown() {
    let all = Move::new(60, Trouble::none(pairs::ZENDESK_ZENDESK));
    let first = preview(&all, &["--all"]);
    assert_eq!(all.target.writes_after(0), Vec::<String>::new(), "a preview writes nothing");
    all.succeeds();
    sent_as_shown(&all);
    assert_eq!(foretold(&report(&all)), foretold(&first), "what is lost was foretold");
}

#[test]
fn fields_that_a_run_makes_are_shown_before_with_the_values_they_get() {
    let all = Move::new(40, Trouble::default());
    let makes = "[ticket.status]\nvalues = { \"New\" = \"Open\" }\n[ticket.custom.\"Serial <no>\"]\ncreate = true\n\
                 [ticket.custom.Product]\nto = \"Product line\"\ncreate = true\n";
    std::fs::write(all.project.path().join("mapping.toml"), makes).unwrap();
    preview(&all, &["--all"]);
    assert_eq!(all.target.writes_after(0), Vec::<String>::new());
    let told = requests(all.project.path());
    let made = told.iter().filter(|told| told["kind"] == "field" && told["step"] == "create").count();
    assert_eq!(made, 2);
    all.succeeds();
    sent_as_shown(&all);
}

#[test]
fn a_sample_shows_every_kind_of_thing_with_few_tickets() {
    let all = Move::new(150, Trouble::default());
    let few = preview(&all, &[]);
    assert_eq!(all.target.writes_after(0), Vec::<String>::new());
    let of = |totals: &str| few[totals]["tickets"].as_u64().unwrap();
    assert!(of("previewed") < of("totals") / 2, "{} of {}", of("previewed"), of("totals"));
    let kinds =
        |report: &Value| losses(report).into_iter().map(|(kind, loss, ..)| (kind, loss)).collect::<BTreeSet<_>>();
    assert_eq!(kinds(&few), kinds(&preview(&all, &["--all"])), "each kind of loss is among the few");
}

#[test]
fn a_run_waits_for_an_approval_and_ends_where_it_would_lose_what_nobody_agreed_to() {
    let all = Move::new(30, Trouble::default());
    let at = |name: &str| all.project.path().join(name);
    let migration = std::fs::read_to_string(at("migration.toml")).unwrap();
    std::fs::write(at("migration.toml"), migration.replace("[run]\n", "[run]\napproval = true\n")).unwrap();
    assert_eq!(all.run(&["run"]), 6);
    assert!(all.said("stderr.txt").contains("--approve"), "{}", all.said("stderr.txt"));
    preview(&all, &["--sample", "1", "--approve"]);
    assert_eq!(all.run(&["run"]), 6, "one ticket does not lose what thirty do");
    assert!(all.said("stderr.txt").contains("that no approved preview showed"), "{}", all.said("stderr.txt"));
    preview(&all, &["--all", "--approve"]);
    all.succeeds();
    let mapping = std::fs::read_to_string(at("mapping.toml")).unwrap();
    std::fs::write(at("mapping.toml"), format!("{mapping}[dates]\nstyle = \"header\"\n")).unwrap();
    assert_eq!(all.run(&["run"]), 6, "another mapping is another agreement");
    std::fs::write(at("mapping.toml"), mapping).unwrap();
    assert!((0..30).any(|nth| all.source.touch(nth).is_some()));
    all.succeeds();
}

#[test]
fn a_redacted_page_names_nobody() {
    let all = Move::new(30, Trouble::default());
    preview(&all, &["--redacted"]);
    let page = std::fs::read_to_string(all.project.path().join("preview.html")).unwrap();
    let state = all.source.state();
    let users = state["users"].as_array().unwrap().iter().filter_map(|user| user["email"].as_str());
    let named: Vec<&str> = users.filter(|email| email.len() > 6 && page.contains(*email)).collect();
    assert_eq!(named, Vec::<&str>::new());
    let subjects = state["tickets"].as_array().unwrap().iter().filter_map(|ticket| ticket["subject"].as_str());
    let told: Vec<&str> = subjects.filter(|s| s.chars().count() > 12 && page.contains(*s)).collect();
    assert_eq!(told, Vec::<&str>::new());
}
