//! Folders of files moved into the desks and out of them: a hostile desk as JSONL, a desk that becomes a folder and a
//! desk again, exports of other products by hand.

mod elsewhere;
mod seed;

use crate::binary::Binary;
use crate::compare::{self, Difference, Images, PrivateFiles, Rules};
use crate::http::{Client, Result};
use crate::journey::{self, Product};
use crate::kill::Kills;
use crate::project::{self, STATUSES};
use crate::seed::expected::Expected;
use crate::seed::random::Random;
use crate::seed::{plan, rt};
use crate::servers::{self, Server};
use crate::{Failed, MINUTES, moves, report};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

pub fn trials() -> Vec<libtest_mimic::Trial> {
    crate::harness::trials![Servers:
        a_folder_moves_into_a_redmine_and_back_into_a_folder,
        a_request_tracker_becomes_a_folder_though_killed_and_the_folder_another,
        exports_of_other_help_desks_arrive_in_a_redmine,
    ]
}

const KILLS: usize = 10;

fn a_folder_moves_into_a_redmine_and_back_into_a_folder() -> Result<(), Failed> {
    let start = Instant::now();
    let into = Project::new("files-redmine")?;
    let expected = seed::write(&plan::plan(moves::SEED), &into.folder("in")?)?;
    let before = bytes(&into.path.join("in"))?;
    let redmine = empty_redmine("files-redmine")?;
    let mails = mails(&redmine)?;
    into.write(&folder("in", "jsonl"), &redmine_target(&redmine)?, &STATUSES)?;
    into.run(&redmine)?;
    println!("files-redmine moved after {:.1} s", start.elapsed().as_secs_f32());

    let client = client(&redmine)?;
    let there = compare::redmine::read(&client)?;
    let kept = compare::kept(&into.path.join(".deskferry/kept"))?;
    let rules = project::rules(compare::redmine::api_user(&client)?);
    none(&compare::differences(&expected, &there, &rules, &kept))?;
    assert_eq!(bytes(&into.path.join("in"))?, before, "the source is not as it was");
    assert_eq!(self::mails(&redmine)?, mails, "somebody was mailed");
    println!("files-redmine compared after {:.1} s", start.elapsed().as_secs_f32());

    // what Redmine holds of it, and no more: dates and foreign authors in first lines, private files on this machine
    let back = Project::new("redmine-files")?;
    back.write(&journey::account(&redmine, Product::Redmine, "REDMINE_API_KEY")?, &folder("out", "jsonl"), &[])?;
    back.run(&redmine)?;
    println!("redmine-files moved after {:.1} s", start.elapsed().as_secs_f32());
    let out = back.path.join("out");
    let read = compare::files::read(&out, &out)?;
    // its own marks are no part of what it holds
    let rules = Rules { project: itself(&plan::QUEUES), marker: None, ..rules };
    none(&compare::differences(&expected, &read.target, &rules, &kept))?;
    for issue in &there.issues {
        let row = read.target.issues.iter().find(|row| row.id == issue.id);
        assert_eq!(row.map(|row| row.created), Some(issue.created), "when issue {} was made", issue.id);
    }
    Ok(())
}

fn a_request_tracker_becomes_a_folder_though_killed_and_the_folder_another() -> Result<(), Failed> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| e.to_string())?.as_secs();
    let seed = std::env::var("DESKFERRY_KILL_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(now);
    println!("DESKFERRY_KILL_SEED={seed} repeats these moments");
    there_and_on(&mut Random::new(seed)).map_err(|e| Failed(format!("DESKFERRY_KILL_SEED={seed}: {e}")))
}

fn there_and_on(random: &mut Random) -> Result<()> {
    let source = moves::running_source()?;
    let start = Instant::now();
    let expected = Expected::load(&source.dir.join("expected.json"))?;
    let to = Project::new("rt-files")?;
    to.write(&journey::account(source, Product::RequestTracker, "RT_TOKEN")?, &folder("out", "csv"), &[])?;
    let out = to.path.join("out");
    let kills = Kills { kills: KILLS, deadline: start + 10 * MINUTES };
    let whole = expected.messages().count() as i64;
    kills.endure(&to.binary(source)?, whole, &|| written(&out.join(".records")), random)?;
    println!("rt-files moved after {:.1} s", start.elapsed().as_secs_f32());

    let read = compare::files::read(&out.join(".records"), &out)?;
    let same = STATUSES.map(|(status, _)| status);
    let rules = Rules {
        status: itself(&same),
        project: itself(&plan::QUEUES),
        marker: None,
        dates: compare::Dates::Own,
        created: true,
        requesters: true,
        private_files: PrivateFiles::Hidden,
        images: Images::Named,
        ..project::rules(String::new())
    };
    none(&compare::differences(&expected, &read.target, &rules, &HashSet::new()))?;
    none(&read.differences(&expected))?;

    let target = journey::empty("files-rt-target", Product::RequestTracker)?;
    let on = Project::new("files-rt")?;
    let path = out.display().to_string();
    on.write(&folder(&path, "csv"), &journey::target(&target, Product::RequestTracker, "RT_TOKEN")?, &[])?;
    let mails = mails(&target)?;
    on.run(&target)?;
    println!("files-rt moved after {:.1} s", start.elapsed().as_secs_f32());
    let kept = compare::kept(&on.path.join(".deskferry/kept"))?;
    let rules = journey::rules(Product::RequestTracker, &target, itself(&same))?;
    let there = journey::read(Product::RequestTracker, &target)?;
    none(&compare::differences(&expected, &there, &rules, &kept))?;
    println!("files-rt compared after {:.1} s", start.elapsed().as_secs_f32());
    if self::mails(&target)? == mails { Ok(()) } else { Err("somebody was mailed".into()) }
}

fn exports_of_other_help_desks_arrive_in_a_redmine() -> Result<(), Failed> {
    let start = Instant::now();
    let redmine = empty_redmine("exports-redmine")?;
    let (mut tickets, mut kept) = (vec![], HashSet::new());
    let csv: Export = elsewhere::csv;
    for (format, write) in [("csv", csv), ("xlsx", elsewhere::xlsx)] {
        let project = Project::new(&format!("{format}-redmine"))?;
        tickets.extend(write(&project.folder("export")?)?);
        project.write(&folder("export", format), &redmine_target(&redmine)?, &elsewhere::STATUSES)?;
        project.run(&redmine)?;
        kept.extend(compare::kept(&project.path.join(".deskferry/kept"))?);
        println!("{format} moved after {:.1} s", start.elapsed().as_secs_f32());
    }
    let client = client(&redmine)?;
    let status = elsewhere::STATUSES.map(|(from, to)| (from.to_owned(), to.to_owned())).into();
    let rules = Rules { status, ..project::rules(compare::redmine::api_user(&client)?) };
    let there = compare::redmine::read(&client)?;
    none(&compare::differences(&elsewhere::expected(tickets), &there, &rules, &kept))?;
    Ok(())
}

/// Writes an export into a folder, and says what must come of it.
type Export = fn(&Path) -> Result<Vec<crate::seed::expected::Ticket>>;

/// A project folder of the binary.
struct Project {
    path: PathBuf,
}

impl Project {
    fn new(name: &str) -> Result<Self> {
        Ok(Self { path: servers::folder(&format!("{name}-project"))? })
    }

    /// A folder in it.
    fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        std::fs::create_dir_all(&path).map_err(|e| format!("{name}: {e}"))?;
        Ok(path)
    }

    fn write(&self, source: &str, target: &str, statuses: &[(&str, &str)]) -> Result<()> {
        let migration = format!(
            "[source]\n{source}\n[target]\n{target}\n[run]\nsettle = \"2s\"\n\n[mapping]\nfile = \"mapping.toml\"\n"
        );
        let values: Vec<String> = statuses.iter().map(|(from, to)| format!("{from:?} = {to:?}")).collect();
        let mapping = match values.is_empty() {
            true => String::new(),
            false => format!("[ticket.status]\nvalues = {{ {} }}\n", values.join(", ")),
        };
        let save = |name: &str, text| std::fs::write(self.path.join(name), text).map_err(|e| format!("{name}: {e}"));
        save("migration.toml", migration)?;
        save("mapping.toml", mapping)
    }

    /// With the keys of the one desk at either end.
    fn binary(&self, desk: &Server) -> Result<Binary> {
        let keys = ["RT_TOKEN", "REDMINE_API_KEY"].into_iter();
        let env = keys.filter_map(|name| desk.env.get(name).map(|key| (name, key.clone()))).collect();
        Ok(Binary { project: self.path.clone(), env })
    }

    fn run(&self, desk: &Server) -> Result<()> {
        let binary = self.binary(desk)?;
        binary.succeed(&["check"], MINUTES)?;
        binary.succeed(&["run"], 10 * MINUTES).map(drop)
    }
}

fn folder(path: &str, format: &str) -> String {
    format!("connector = \"files\"\npath = {path:?}\nformat = {format:?}\n")
}

fn empty_redmine(name: &str) -> Result<Server> {
    journey::empty(&format!("{name}-target"), Product::Redmine)
}

fn redmine_target(server: &Server) -> Result<String> {
    journey::target(server, Product::Redmine, "REDMINE_API_KEY")
}

fn client(redmine: &Server) -> Result<Client> {
    journey::client(Product::Redmine, redmine)
}

fn mails(server: &Server) -> Result<usize> {
    let sink = server.env.get("RT_MAILS").or_else(|| server.env.get("REDMINE_MAILS"));
    rt::mails(Path::new(sink.ok_or("conn.env names no sink of mails")?))
}

/// Labels that stay what they are.
fn itself(labels: &[&str]) -> HashMap<String, String> {
    labels.iter().map(|label| (label.to_string(), label.to_string())).collect()
}

/// What every file of a folder holds, but the one by which the folder is known wherever it lies.
fn bytes(folder: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|e| e.to_string())?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if entry.file_name() != ".deskferry-id" {
                let bytes = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
                all.insert(path, crate::http::sha256(&bytes));
            }
        }
    }
    Ok(all)
}

/// Messages in the records of a folder, those of an unfinished run too.
fn written(records: &Path) -> Result<i64> {
    let mut tickets = BTreeMap::new();
    for name in ["ticket.jsonl", "ticket.jsonl.part"] {
        let whole = std::fs::read_to_string(records.join(name)).unwrap_or_default();
        let lines = whole.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        for line in lines {
            let messages = line["comments"].as_array().map_or(0, Vec::len);
            tickets.insert(line["id"].to_string(), messages as i64);
        }
    }
    Ok(tickets.values().sum())
}

fn none(differences: &[Difference]) -> Result<()> {
    if differences.is_empty() { Ok(()) } else { Err(report(differences)) }
}
