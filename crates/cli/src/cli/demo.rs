//! `deskferry demo`: a help desk that simulates Zendesk moves into one that simulates Freshdesk, on this machine.
//!
//! What arrived is then looked at in both desks without the engine. The project stays, so that its report can be read.

use super::args::{DemoArgs, at_file};
use super::draw::Screen;
use super::open::{Aim, Wanted, open};
use super::out;
use super::report::table;
use super::run::work;
use crate::report::{summary, write_report};
use deskferry::error::{Problem, Reason, Result};
use deskferry::record::Kind;
use deskferry_sandbox::platform::{Platform, Setup};
use deskferry_sandbox::proof::{self, Proof};
use deskferry_sandbox::{self as sandbox, Options, Running};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Exit code where the two desks differ.
const DIFFERENT: u8 = 4;
/// What the defaults cannot know of this pair, and what they cannot know of these two desks.
const MAPPING: &str = concat!(include_str!("../../../../mappings/zendesk-freshdesk.toml"), include_str!("demo.toml"));
/// A demo does not wait for limits; `deskferry sandbox` has those of the vendors' plans.
const RATE: &str = "600000/m";

pub async fn command(args: &DemoArgs, screen: &Arc<Screen>) -> Result<u8> {
    let dir = folder(args.dir.as_deref())?;
    let (zendesk, freshdesk) = (desk(Platform::Zendesk, args).await?, desk(Platform::Freshdesk, args).await?);
    screen.line(&format!("{} simulates Zendesk with {} tickets", zendesk.address, args.tickets));
    screen.line(&format!("{} simulates Freshdesk, its notifications are switched off", freshdesk.address));
    project(&dir, &zendesk, &freshdesk)?;

    let opened = open(&dir, Wanted { aim: Aim::Write, ..Wanted::default() }, screen).await?;
    let code = work("demo", &opened, screen, |job| async move { job.run().await }).await?;
    let link = opened.job.link.clone();
    let report = dir.join("report.csv");
    write_report(&link, Kind::ALL, private_file(&report)?).await?;
    let told = told(&table(&summary(&link).await?));
    drop(opened);

    let proof = proof::prove(&zendesk.state(), &freshdesk.state(), &kept(&dir.join(".deskferry/kept"))?);
    let shown = format!(
        "{told}\n{}\n\nReport with one row per record: {}\nList of old and new ticket numbers: deskferry -C {} ids\n",
        looked_at(&proof, freshdesk.mails().len()),
        report.display(),
        dir.display()
    );
    out::text(&shown)?;
    Ok(if proof.differences.is_empty() { code } else { DIFFERENT })
}

/// The report without the addresses of desks that are gone when it is read.
fn told(table: &str) -> String {
    table.lines().skip(2).map(|line| format!("{line}\n")).collect()
}

fn looked_at(proof: &Proof, mails: usize) -> String {
    let Proof { tickets, messages, private, files, kept, articles, texts, article_files, differences } = proof;
    let mut text = format!(
        "Independent check of both help desks: {tickets} tickets, each once; {messages} messages in their order, \
         {private} of them private and hidden; {files} files with the same SHA-256, {kept} more kept in the project; \
         {articles} articles, each once, with {texts} texts in all languages and {article_files} files; {mails} mails; {} differences",
        differences.len()
    );
    for difference in differences.iter().take(10) {
        text.push_str(&format!("\n  {difference}"));
    }
    text
}

async fn desk(platform: Platform, args: &DemoArgs) -> Result<Running> {
    let tickets = if platform == Platform::Zendesk { args.tickets } else { 0 };
    let setup = Setup { seed: args.seed, tickets, silenced: true, ..Setup::default() };
    let options = Options { seed: args.seed, rate: RATE.parse().ok(), ..Options::default() };
    let refused = |e: sandbox::Refused| Problem::new(Reason::Network, e.to_string());
    sandbox::start(platform.desk(&setup), &options).await.map_err(refused)
}

/// A new folder; one that is named must be new or empty.
fn folder(wanted: Option<&Path>) -> Result<PathBuf> {
    let Some(dir) = wanted else {
        return Ok(tempfile::Builder::new().prefix("deskferry-demo-").tempdir()?.keep());
    };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(at_file(dir))?;
    match std::fs::read_dir(dir).map_err(at_file(dir))?.next() {
        None => Ok(dir.to_owned()),
        Some(_) => Err(Problem::new(Reason::Config, format!("{} is not empty", dir.display()))
            .hint("name a new folder, or leave the name out")),
    }
}

fn project(dir: &Path, zendesk: &Running, freshdesk: &Running) -> Result<()> {
    let mut text = String::new();
    for (table, connector, desk) in [("source", "zendesk", zendesk), ("target", "freshdesk", freshdesk)] {
        text.push_str(&format!("[{table}]\nconnector = \"{connector}\"\nurl       = \"{}\"\n", desk.address));
        for (key, value) in desk.credentials().into_iter().filter(|(key, _)| key != "agent_key") {
            if key == "email" {
                text.push_str(&format!("{key}     = \"{value}\"\n"));
                continue;
            }
            let file = format!("{table}.secret");
            private_file(&dir.join(&file))?.write_all(value.as_bytes())?;
            text.push_str(&format!("{key} = {{ file = \"{file}\" }}\n"));
        }
    }
    text.push_str("silenced  = true\n[run]\ncreate_marker = true\n[mapping]\nfile = \"mapping.toml\"\n");
    private_file(&dir.join("migration.toml"))?.write_all(text.as_bytes())?;
    private_file(&dir.join("mapping.toml"))?.write_all(MAPPING.as_bytes())?;
    Ok(())
}

fn private_file(path: &Path) -> Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    file.map_err(at_file(path))
}

/// SHA-256 of every file that stayed on this machine.
fn kept(dir: &Path) -> Result<HashSet<String>> {
    let mut found = HashSet::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            found.insert(sha256(&path).map_err(at_file(&path))?);
        }
    }
    Ok(found)
}

fn sha256(path: &Path) -> std::io::Result<String> {
    let mut from = BufReader::new(File::open(path)?);
    let mut hash = Sha256::new();
    loop {
        let chunk = from.fill_buf()?;
        if chunk.is_empty() {
            return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(chunk);
        let read = chunk.len();
        from.consume(read);
    }
}
