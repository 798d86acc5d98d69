//! `deskferry map`: proposes, shows and tries a mapping. Writes nothing to the target.

use super::args::{Global, MapArgs, at_file};
use super::diff;
use super::draw::Screen;
use super::open::{Opened, Wanted, open};
use super::out;
use super::run::ended;
use deskferry::connector::files;
use deskferry::error::{Problem, Reason, Result};
use deskferry::mapping::{Coverage, Goes, Mapping, Proposal, Sure, coverage, draft, propose, ready};
use deskferry::pipeline::{Ending, Event, Survey, survey};
use deskferry::printable;
use deskferry::project::Project;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Exit code where an example does not hold.
const DIFFERENT: u8 = 4;
/// What editors complete the mapping by, beside it.
const SCHEMA: &str = "mapping.schema.json";

pub async fn command(global: &Global, args: &MapArgs, screen: &Arc<Screen>) -> Result<u8> {
    if args.schema {
        out::text(&schema()?)?;
        return Ok(0);
    }
    if args.test {
        return test(global);
    }
    let wanted = Wanted { dry: true, ..Wanted::source_alone() };
    let opened = open(&global.directory, wanted, screen).await?;
    let job = &opened.job;
    (job.tell)(Event::Started {
        command: "map",
        source: job.source.address().to_owned(),
        target: job.target.address().to_owned(),
        link: job.link.id().to_owned(),
    });
    let ending = match survey(job).await {
        Ok(survey) => {
            told(global, args, &opened, &survey, screen)?;
            Ending::Complete
        }
        Err(stop) => stop.into(),
    };
    Ok(ended("map", job, &ending, screen))
}

/// Says, or writes, what was asked for.
fn told(global: &Global, args: &MapArgs, opened: &Opened, survey: &Survey, screen: &Screen) -> Result<()> {
    let draft = Draft::of(args, opened, survey)?;
    let rows = coverage(&draft.mapping, &survey.observed, &survey.there);
    if global.json {
        rows.iter().try_for_each(|row| event("coverage", json!(row)))?;
        draft.proposals.iter().try_for_each(|p| event("proposal", proposal(p)))?;
    }
    let counted = match survey.observed.tickets {
        0 => "no tickets are staged, so nothing is proposed for their labels and values: run `deskferry stage`, then this command again"
            .to_owned(),
        n => format!("counted over {n} staged tickets in scope"),
    };
    let table = format!("{}\n{}", table(&rows), summary(&rows));
    if args.write {
        draft.write(screen)?;
    }
    screen.clear();
    match (global.json, args.diff, args.coverage || args.write) {
        (true, ..) => {}
        (_, true, _) => out::text(&diff::lines(&draft.before, &draft.after))?,
        (_, _, true) => out::text(&format!("{table}\n"))?,
        _ => {
            table.lines().for_each(|row| screen.line(row));
            out::text(&draft.after.replace("\r\n", "\n"))?;
        }
    }
    screen.line(&counted);
    Ok(())
}

/// The mapping as it is, and as it would be.
struct Draft {
    path: PathBuf,
    before: String,
    after: String,
    /// By which the coverage is told: what is written, with `--write` the new lines too.
    mapping: Mapping,
    proposals: Vec<Proposal>,
}

impl Draft {
    fn of(args: &MapArgs, opened: &Opened, survey: &Survey) -> Result<Draft> {
        let project = &opened.job.project;
        let path = project.mapping_path().unwrap_or_else(|| project.folder().join(Project::MAPPING_FILE));
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let before =
            if path.exists() { std::fs::read_to_string(&path).map_err(at_file(&path))? } else { String::new() };
        let (source, target) = (&project.source.connector, &project.target.connector);
        let base = match args.ready {
            true if !before.trim().is_empty() => {
                let problem = Problem::new(Reason::Config, format!("`{name}` is there already"));
                return Err(problem.hint("`--ready` begins a new mapping: leave it out to extend yours"));
            }
            true => format!("#:schema ./{SCHEMA}\n{}", ready_made(source, target)?),
            false if before.trim().is_empty() => header(source, target, survey.observed.tickets),
            false => before.clone(),
        };
        let mut mapping = Mapping::parse(&name, &base)?;
        mapping.ticket.custom.know(&survey.fields, survey.made.clone());
        let proposals = propose(&mapping, &survey.observed, &survey.there);
        let after = draft::extend(&base, &proposals)?;
        let mut extended = Mapping::parse(&name, &after)
            .map_err(|p| Problem::new(Reason::Internal, format!("the proposal is not a valid mapping: {}", p.what)))?;
        extended.ticket.custom.know(&survey.fields, survey.made.clone());
        let mapping = if args.write { extended } else { mapping };
        Ok(Draft { path, before, after, mapping, proposals })
    }

    fn write(&self, screen: &Screen) -> Result<()> {
        let name = self.path.display();
        if self.before == self.after {
            screen.line(&format!("{name} has all of it"));
            return Ok(());
        }
        replace(&self.path, &self.after)?;
        if self.after.contains(SCHEMA) {
            replace(&self.path.with_file_name(SCHEMA), &schema()?)?;
        }
        let (rules, comments) = diff::added(&self.before, &self.after);
        let lines = |many: usize| if many == 1 { "1 line".to_owned() } else { format!("{many} lines") };
        let new = match (rules, comments) {
            (0, comments) => format!("{} of comments new, no rule: take the `#` from what you decide", lines(comments)),
            (rules, 0) => format!("{} new", lines(rules)),
            (rules, comments) => format!("{} new, and {} of comments", lines(rules), lines(comments)),
        };
        screen.line(&format!("{name}: {new}; your own lines are unchanged"));
        Ok(())
    }
}

fn header(source: &str, target: &str, tickets: u64) -> String {
    format!(
        "#:schema ./{SCHEMA}\n# {source} → {target}, proposed over {tickets} tickets. Change what is wrong: `deskferry map --write` adds \
         lines and never changes one.\n"
    )
}

fn ready_made(source: &str, target: &str) -> Result<&'static str> {
    ready::find(source, target).ok_or_else(|| {
        let what = format!("there is no ready-made mapping from {source} to {target}");
        Problem::new(Reason::Config, what).hint(match source {
            files::NAME => {
                "there is no ready-made mapping for a folder of files: leave out `--ready`, and a mapping is proposed from your files"
                    .to_owned()
            }
            _ => {
                let names = ready::names().join(", ");
                format!("there are {names}; without `--ready` a mapping is proposed from what both accounts hold")
            }
        })
    })
}

/// Puts the file in its place whole, with the rights of the one that was there.
fn replace(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(at_file(folder))?;
    file.write_all(text.as_bytes())?;
    if let Ok(there) = std::fs::metadata(path) {
        file.as_file().set_permissions(there.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| at_file(path)(e.error))?;
    Ok(())
}

fn schema() -> Result<String> {
    let text = serde_json::to_string_pretty(&Mapping::schema())
        .map_err(|e| Problem::new(Reason::Internal, format!("the schema cannot be written: {e}")))?;
    Ok(format!("{text}\n"))
}

/// `map --test`: the examples of the mapping. Asks neither account.
fn test(global: &Global) -> Result<u8> {
    let project = Project::load(&global.directory)?;
    let mapping = Mapping::load(project.mapping_path().as_deref())?;
    let mut failed = 0;
    for (n, example) in mapping.example.iter().enumerate() {
        let name = example.name.clone().unwrap_or_else(|| format!("example {}", n + 1));
        let differences = example.run(&mapping).map_err(|p| p.at(&name))?;
        failed += usize::from(!differences.is_empty());
        if global.json {
            let differences: Vec<Value> = differences
                .iter()
                .map(|d| json!({ "path": d.path, "expected": d.expected, "found": d.found }))
                .collect();
            event("example", json!({ "name": name, "ok": differences.is_empty(), "differences": differences }))?;
            continue;
        }
        out::text(&format!("{} {name}\n", if differences.is_empty() { "ok" } else { "no" }))?;
        for d in differences {
            out::text(&format!("   {}\n   - expected {}\n   + found    {}\n", d.path, d.expected, d.found))?;
        }
    }
    if !global.json {
        out::text(&match (mapping.example.len(), failed) {
            (0, _) => "the mapping has no [[example]]\n".to_owned(),
            (all, 0) => format!("{all} hold\n"),
            (all, failed) => format!("{failed} of {all} do not hold\n"),
        })?;
    }
    Ok(if failed == 0 { 0 } else { DIFFERENT })
}

fn proposal(proposal: &Proposal) -> Value {
    let Proposal { table, key, value, sure, note } = proposal;
    let guess = *sure == Sure::Guess && value.is_some();
    json!({ "table": table, "key": key, "value": value, "guess": guess, "note": note })
}

fn event(name: &str, fields: Value) -> Result<()> {
    let mut line = json!({ "event": name });
    if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
        line.extend(fields);
    }
    out::json(&line)
}

fn table(rows: &[Coverage]) -> String {
    const HEAD: [&str; 5] = ["tickets", "field", "value", "goes to", "by"];
    let cells: Vec<[String; 5]> = rows
        .iter()
        .map(|row| {
            let note = row.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
            let by = format!("{}{note}", row.goes.says());
            let [value, to] = [&row.value, &row.to].map(|text| text.clone().unwrap_or_else(|| "–".into()));
            [row.tickets.to_string(), row.field.clone(), value, to, by].map(|cell| printable::line(&cell).into_owned())
        })
        .collect();
    let mut widths = HEAD.map(|head| head.chars().count());
    for row in &cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: [&str; 5]| {
        let [tickets, field, value, to, by] = cells;
        let [a, b, c, d, _] = widths;
        format!("{tickets:>a$}  {field:<b$}  {value:<c$}  {to:<d$}  {by}").trim_end().to_owned()
    };
    let rows = cells.iter().map(|row| line([&row[0], &row[1], &row[2], &row[3], &row[4]]));
    std::iter::once(line(HEAD)).chain(rows).collect::<Vec<_>>().join("\n")
}

fn summary(rows: &[Coverage]) -> String {
    let count = |goes: fn(Goes) -> bool| rows.iter().filter(|row| goes(row.goes)).count();
    format!(
        "{} fail, {} are lost, {} are made, {} are mapped or left out",
        count(|goes| goes == Goes::Fails),
        count(|goes| goes == Goes::Lost),
        count(|goes| goes == Goes::Made),
        count(|goes| !goes.is_open() && goes != Goes::Made),
    )
}
