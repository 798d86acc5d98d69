//! A real desk at one end, a look-alike at the other: a Request Tracker moves into a Freshdesk and into a Zendesk, both of them
//! into a Redmine. Plain, and killed while the look-alike misbehaves.

mod from_rt;
mod spoil;
mod to_redmine;

use crate::compare::{Difference, What};
use crate::desks::{Desk, Options};
use crate::http::Result;
use crate::kill::Kills;
use crate::seed::random::Random;
use crate::{Failed, MINUTES, moves, report};
use from_rt::FromRt;
use std::collections::HashMap;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use to_redmine::{Scope, ToRedmine};

pub fn trials() -> Vec<libtest_mimic::Trial> {
    crate::harness::trials![Servers:
        a_request_tracker_moves_into_a_freshdesk,
        a_request_tracker_moves_into_a_failing_freshdesk_though_killed,
        a_request_tracker_moves_into_a_zendesk,
        a_request_tracker_moves_into_a_failing_zendesk_though_killed,
        a_zendesk_moves_into_a_redmine,
        a_failing_zendesk_moves_into_a_redmine_though_killed,
        a_freshdesk_moves_into_a_redmine,
        a_failing_freshdesk_moves_into_a_redmine_though_killed,
    ]
}

/// What a look-alike looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    Freshdesk,
    Zendesk,
}

impl Platform {
    pub fn name(self) -> &'static str {
        if self == Self::Zendesk { "zendesk" } else { "freshdesk" }
    }
}

fn a_request_tracker_moves_into_a_freshdesk() -> Result<(), Failed> {
    from_rt(Platform::Freshdesk)
}

fn a_request_tracker_moves_into_a_failing_freshdesk_though_killed() -> Result<(), Failed> {
    from_rt_killed(Platform::Freshdesk, FAILING_FRESHDESK)
}

fn a_request_tracker_moves_into_a_zendesk() -> Result<(), Failed> {
    from_rt(Platform::Zendesk)
}

fn a_request_tracker_moves_into_a_failing_zendesk_though_killed() -> Result<(), Failed> {
    from_rt_killed(Platform::Zendesk, FAILING_ZENDESK)
}

fn a_zendesk_moves_into_a_redmine() -> Result<(), Failed> {
    to_redmine(Platform::Zendesk)
}

fn a_failing_zendesk_moves_into_a_redmine_though_killed() -> Result<(), Failed> {
    // each of 230 messages takes a Redmine a while
    let without_the_long_one = Scope { jq: ".id != \"2\"", leaves_out: 2 };
    to_redmine_killed(Platform::Zendesk, without_the_long_one)
}

fn a_freshdesk_moves_into_a_redmine() -> Result<(), Failed> {
    to_redmine(Platform::Freshdesk)
}

fn a_failing_freshdesk_moves_into_a_redmine_though_killed() -> Result<(), Failed> {
    let without_the_long_one = Scope { jq: ".id != \"13\"", leaves_out: 13 };
    to_redmine_killed(Platform::Freshdesk, without_the_long_one)
}

/// Those who work at the real desk.
const AGENTS: [&str; 3] = ["agent1@rt.test", "agent2@rt.test", "agent3@rt.test"];
const KILLS: usize = 12;
/// Tickets of a look-alike that is a source: the odd ones, and some drawn.
const TICKETS: usize = 40;

const FAILING_FRESHDESK: &str = r#"
fault = [
  { method = "POST", at = 60, calls = 3, does = "too_many", retry_after = 1 },
  { method = "POST", every = 41, does = "reset_after" },
  { method = "POST", every = 37, does = "reset_before" },
  { method = "POST", every = 53, does = "error_after" },
  { method = "POST", every = 59, does = "truncated" },
  { method = "GET", every = 31, does = "cut" },
]
"#;

const FAILING_ZENDESK: &str = r#"
fault = [
  { method = "POST", path = "/api/v2/imports/**", at = 1, does = "job_killed", rows = 5 },
  { method = "POST", path = "/api/v2/imports/**", at = 2, does = "error_after" },
  { method = "POST", path = "/api/v2/imports/**", at = 4, does = "job_vanished", rows = 7 },
  { method = "POST", path = "/api/v2/imports/**", at = 6, does = "job_stuck", rows = 3 },
  { method = "POST", path = "/api/v2/imports/**", at = 7, does = "reset_after" },
  { method = "POST", path = "/api/v2/uploads*", every = 7, does = "reset_after" },
  { method = "POST", path = "/api/v2/uploads*", every = 11, does = "error_before" },
  { method = "POST", path = "/api/v2/users/**", every = 5, does = "reset_after" },
  { method = "GET", path = "/api/v2/job_statuses/**", every = 3, does = "error_before", status = 502 },
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

fn from_rt(to: Platform) -> Result<(), Failed> {
    let _turn = moves::turn();
    let all = FromRt::new(to, "rt", "")?;
    let start = Instant::now();
    all.binary.succeed(&["check"], 2 * MINUTES)?;
    all.binary.succeed(&["run"], 6 * MINUTES)?;
    println!("into {}: moved after {:.1} s", to.name(), start.elapsed().as_secs_f32());
    none(&all.differences()?)?;
    let seen = all.desk.calls().len();
    all.binary.succeed(&["run"], 3 * MINUTES)?;
    assert_eq!(all.desk.writes_after(seen), [""; 0], "a second run wrote");
    all.spoiled_is_noticed()?;
    Ok(())
}

fn from_rt_killed(to: Platform, faults: &str) -> Result<(), Failed> {
    killed(
        || FromRt::new(to, "rt-killed", faults),
        |all, random| {
            let plan = Kills { kills: KILLS, deadline: Instant::now() + 8 * MINUTES };
            plan.endure(&all.binary, all.written_whole(), &|| Ok(all.written()), random)?;
            none(&all.differences()?)
        },
    )
}

fn to_redmine(from: Platform) -> Result<(), Failed> {
    let _turn = moves::turn();
    let all = ToRedmine::new(from, "redmine", TICKETS, "", None)?;
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
    let before = all.written()?;
    all.binary.succeed(&["run"], 3 * MINUTES)?;
    assert_eq!(all.written()?, before, "a second run wrote");
    none(&all.differences()?)?;
    Ok(())
}

fn to_redmine_killed(from: Platform, scope: Scope) -> Result<(), Failed> {
    killed(
        || ToRedmine::new(from, "redmine-killed", 30, FAILING_SOURCE, Some(scope)),
        |all, random| {
            all.allow_relations_between_projects()?;
            let whole = all.expected.messages().count() as i64;
            let plan = Kills { kills: KILLS, deadline: Instant::now() + 8 * MINUTES };
            let before = all.written()?;
            plan.endure(&all.binary, whole, &|| Ok(all.written()? - before), random)?;
            none(&all.differences()?)
        },
    )
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
fn sandbox(project: &Path, platform: Platform, tickets: usize, faults: &str, flags: &[&str]) -> Result<Desk> {
    let file = project.join("faults.toml");
    save(&file, faults)?;
    Ok(Desk::start(&Options { platform: platform.name(), tickets, faults: Some(&file), flags }))
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

fn pairs(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect()
}

fn none(differences: &[Difference]) -> Result<()> {
    if differences.is_empty() { Ok(()) } else { Err(report(differences)) }
}

fn mailed(at: &str, said: String) -> Difference {
    Difference { what: What::Mail, at: at.into(), said }
}

/// Calls that took a credential to the host of files.
fn migrated_keys(desk: &Desk) -> Vec<Difference> {
    let calls = desk.calls();
    let migrated = calls.iter().filter(|call| call["at"] == "files" && call["credential"] == true);
    let at = || "the host of files".to_owned();
    migrated.map(|call| Difference { what: What::Credential, at: at(), said: call.to_string() }).collect()
}
