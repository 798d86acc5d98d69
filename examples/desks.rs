//! Fills, joins and compares the two desks of `examples/rt-to-redmine.sh`, with the end-to-end tests' own code.
//!
//!     desks seed RT_CONN_ENV EXPECTED_JSON [NUMBER]
//!         fills a Request Tracker, reads it back and writes down what a move must carry
//!     desks project DIR RT_CONN_ENV REDMINE_CONN_ENV
//!         writes `migration.toml` and `mapping.toml`
//!     desks compare DIR EXPECTED_JSON REDMINE_CONN_ENV
//!         says how the target differs from what was seeded
// the tests use the rest
#![allow(dead_code)]

#[path = "../tests/e2e/compare/mod.rs"]
mod compare;
#[path = "../tests/e2e/harness.rs"]
mod harness;
#[path = "../tests/e2e/http.rs"]
mod http;
#[path = "../tests/e2e/project.rs"]
mod project;
#[path = "../tests/e2e/seed/mod.rs"]
mod seed;

use seed::expected::Expected;
use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: desks seed RT_CONN_ENV EXPECTED_JSON [NUMBER]\n       desks project DIR RT_CONN_ENV REDMINE_CONN_ENV\n       desks compare DIR EXPECTED_JSON REDMINE_CONN_ENV";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        ["seed", conn, out] => fill(conn, out, "1"),
        ["seed", conn, out, number] => fill(conn, out, number),
        ["project", dir, rt, redmine] => join(dir, rt, redmine),
        ["compare", dir, expected, redmine] => compare(dir, expected, redmine),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

fn env(path: &str) -> Result<HashMap<String, String>, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    Ok(text.lines().filter_map(|l| l.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect())
}

fn fill(conn: &str, out: &str, number: &str) -> Result<String, String> {
    let desk = seed::rt::Desk::new(env(conn)?);
    let plan = seed::plan::plan(number.parse().map_err(|e| format!("{number}: {e}"))?);
    let expected = seed::rt::write(&desk, &plan)?;
    expected.save(Path::new(out))?;
    let differences = seed::verify::differences(&desk, &expected)?;
    if !differences.is_empty() {
        return Err(differences.join("\n"));
    }
    let files = expected.messages().map(|(_, m)| m.files.len()).sum::<usize>();
    Ok(format!("{} tickets, {} messages, {files} files", expected.tickets.len(), expected.messages().count()))
}

fn join(dir: &str, rt: &str, redmine: &str) -> Result<String, String> {
    let (rt, redmine) = (env(rt)?, env(redmine)?);
    project::write(Path::new(dir), &rt["RT_BASE_URL"], &redmine["REDMINE_BASE_URL"], "textile")?;
    Ok(format!("{dir}/migration.toml and {dir}/mapping.toml are written"))
}

fn compare(dir: &str, expected: &str, redmine: &str) -> Result<String, String> {
    let env = env(redmine)?;
    let client = compare::redmine::client(&env["REDMINE_BASE_URL"], &env["REDMINE_API_KEY"]);
    let rules = project::rules(compare::redmine::api_user(&client)?);
    let kept = compare::kept(&Path::new(dir).join(".deskferry/kept"))?;
    let expected = Expected::load(Path::new(expected))?;
    let found = compare::differences(&expected, &compare::redmine::read(&client)?, &rules, &kept);
    let mails = seed::rt::mails(Path::new(&env["REDMINE_MAILS"]))?;
    match found.len() {
        0 if mails == 0 => {
            Ok(format!("{} tickets are the same on both desks; 0 mails were sent", expected.tickets.len()))
        }
        n => {
            let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
            Err(format!("{}\n{n} differences, {mails} mails sent", lines.join("\n")))
        }
    }
}
