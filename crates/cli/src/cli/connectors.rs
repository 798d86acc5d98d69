//! `deskferry connectors list|show|lint|schema`

use super::args::{ConnectorAction, Global, SchemaOf};
use super::out;
use deskferry::connector::files;
use deskferry::connector::manifest::{Evidence, Manifest};
use deskferry::connector::registry;
use deskferry::error::{Problem, Reason, Result};
use deskferry::mapping::Mapping;
use deskferry::project::Project;
use deskferry::record::Kind;
use std::fmt::Write;
use std::io::IsTerminal;

pub fn command(global: &Global, action: &ConnectorAction) -> Result<u8> {
    let overrides = registry::overrides(&global.directory);
    match action {
        ConnectorAction::List => list(global.json),
        ConnectorAction::Show { name, .. } if name == files::NAME => {
            out::text(files::PAGE)?;
            Ok(0)
        }
        ConnectorAction::Show { name, manifest, summary: is_short } => {
            let found = registry::find(name, Some(&overrides))?;
            match *is_short || (!*manifest && std::io::stdout().is_terminal()) {
                true => out::text(&summary(&found.manifest))?,
                false => out::text(&found.text)?,
            }
            Ok(0)
        }
        ConnectorAction::Lint { files } => {
            if files.is_empty() {
                for name in registry::names() {
                    registry::find(&name, None)?;
                    out::text(&format!("ok connectors/{name}.toml\n"))?;
                }
            }
            for file in files {
                let entry = registry::load(file)?;
                out::text(&format!("ok {}\n", entry.origin))?;
            }
            Ok(0)
        }
        ConnectorAction::Schema { of } => {
            let schema = match of {
                SchemaOf::Connector => schemars::schema_for!(Manifest),
                SchemaOf::Migration => Project::schema(),
                SchemaOf::Mapping => Mapping::schema(),
            };
            let text = serde_json::to_string_pretty(&schema)
                .map_err(|e| Problem::new(Reason::Internal, format!("the schema cannot be written: {e}")))?;
            out::text(&format!("{text}\n"))?;
            Ok(0)
        }
    }
}

/// What a ticket has beside its messages.
const BESIDE: [&str; 2] = ["rating", "time_entry"];

fn list(json: bool) -> Result<u8> {
    let mut rows = String::new();
    for name in registry::all_names() {
        if name == files::NAME {
            let kinds = proven(files::KINDS.iter().map(|kind| (kind.code(), files::EVIDENCE)));
            let docs = "docs/files.md";
            entry(&mut rows, json, &Entry { name: &name, title: files::TITLE, versions: "", docs }, &kinds, &kinds);
            continue;
        }
        let manifest = registry::find(&name, None)?.manifest;
        let (reads, writes) = kinds_of(&manifest);
        let Manifest { title, versions, docs, .. } = &manifest;
        entry(&mut rows, json, &Entry { name: &name, title, versions, docs }, &reads, &writes);
    }
    out::text(&rows)?;
    Ok(0)
}

/// What a connector is, reads and writes, and what its account is asked.
fn summary(manifest: &Manifest) -> String {
    let Manifest { name, title, versions, docs, .. } = manifest;
    let mut text = String::new();
    let (reads, writes) = kinds_of(manifest);
    entry(&mut text, false, &Entry { name, title, versions, docs }, &reads, &writes);
    let _ = writeln!(text, "  docs   {docs}\n\nkeys of the account, under [source] or [target]:");
    let _ = writeln!(text, "  url\n      its address");
    for (key, question) in &manifest.account {
        let asked = question.asked(key);
        let words = [
            (asked.answer_type.code() == "secret", "secret: from { env }, { file } or { command }"),
            (question.optional, "may be left out"),
            (question.target_only, "of a target"),
        ];
        let words: Vec<&str> = words.into_iter().filter(|(holds, _)| *holds).map(|(_, word)| word).collect();
        let default = question.default.as_ref().map(|value| format!("`{value}` unless said"));
        let words: Vec<&str> = words.into_iter().chain(default.as_deref()).collect();
        let about = if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) };
        let _ = writeln!(text, "  {key}{about}\n      {}", question.ask);
        if let Some(hint) = &question.hint {
            let _ = writeln!(text, "      {hint}");
        }
    }
    let _ = writeln!(text, "\nthe whole manifest: deskferry connectors show {name} --manifest");
    text
}

/// The kinds a connector reads and writes.
fn kinds_of(manifest: &Manifest) -> (Vec<Proven>, Vec<Proven>) {
    let reads = proven(manifest.read.iter().map(|(kind, s)| (kind.as_str(), s.evidence)));
    let is_named = |section: &&String| Kind::from_code(section).is_some() || BESIDE.contains(&section.as_str());
    let kinds = manifest.write.keys().filter(is_named);
    let writes = kinds.filter_map(|kind| Some((kind.as_str(), manifest.evidence_write(kind)?)));
    (reads, proven(writes))
}

/// What the list says of a connector beside its kinds.
struct Entry<'a> {
    name: &'a str,
    title: &'a str,
    versions: &'a str,
    docs: &'a str,
}

fn entry(out: &mut String, json: bool, entry: &Entry<'_>, reads: &[Proven], writes: &[Proven]) {
    let Entry { name, title, versions, docs } = entry;
    if json {
        let row = serde_json::json!({
            "name": name, "title": title, "versions": versions, "docs": docs,
            "reads": reads.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "writes": writes.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        });
        let _ = writeln!(out, "{row}");
    } else {
        let _ = writeln!(out, "{}", format!("{name}: {title} {versions}").trim_end());
        let _ = writeln!(out, "  reads  {}", shown(reads));
        let _ = writeln!(out, "  writes {}", shown(writes));
    }
}

/// A kind and its evidence.
type Proven = (String, &'static str);

fn proven<'a>(kinds: impl Iterator<Item = (&'a str, Evidence)>) -> Vec<Proven> {
    kinds.map(|(kind, evidence)| (kind.to_owned(), evidence.code())).collect()
}

fn shown(kinds: &[Proven]) -> String {
    if kinds.is_empty() {
        return "nothing".into();
    }
    kinds.iter().map(|(kind, evidence)| format!("{kind} ({evidence})")).collect::<Vec<_>>().join(", ")
}
