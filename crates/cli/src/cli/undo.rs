//! `deskferry undo`: shows what would be deleted, asks, and deletes.

use super::args::{Global, UndoArgs};
use super::draw::Screen;
use super::open::{Aim, Opened, Wanted, open};
use super::run::{ended, started, stopping, work};
use deskferry::error::{Problem, Reason, Result};
use deskferry::ledger::{OpenUndo, Origin};
use deskferry::pipeline::undo::{Left, Plan, plan_undo, undo};
use deskferry::pipeline::{Ending, Event, Job};
use deskferry::printable;
use deskferry::record::Kind;
use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write};
use std::sync::Arc;

const NAME: &str = "undo";
/// Records that are left and shown one by one.
const SHOWN: usize = 20;

pub async fn command(global: &Global, args: &UndoArgs, screen: &Arc<Screen>) -> Result<u8> {
    // `dry`: the marker field is not made, and need not be there. `to_be_mapped`: nothing is mapped.
    let wanted = Wanted { choice: args.choice(), aim: Aim::Write, dry: true, to_be_mapped: true, ..Wanted::default() };
    let opened = open(&global.directory, wanted, screen).await?;
    let choice = spelled(args);
    match opened.job.link.open_undo().await?.filter(|open| open.choice == choice) {
        Some(open) => goes_on(&opened, args, &open, screen).await,
        None => begins(&opened, args, &choice, screen).await,
    }
}

/// What was asked for, as it is kept with the plan.
fn spelled(args: &UndoArgs) -> String {
    let mut only: Vec<&str> = args.only.iter().map(|kind| kind.code()).collect();
    let mut ids: Vec<String> = args.ids.iter().map(|(kind, id)| format!("{kind}:{id}")).collect();
    only.sort_unstable();
    ids.sort_unstable();
    format!("only={} ids={} trial={}", only.join(","), ids.join(","), args.trial)
}

async fn begins(opened: &Opened, args: &UndoArgs, choice: &str, screen: &Arc<Screen>) -> Result<u8> {
    let job = &opened.job;
    started(NAME, job);
    let planned = stopping(job, plan_undo(job, args.trial), |_| Err(deskferry::pipeline::Stop::Interrupted)).await;
    let plan = match planned {
        Ok(plan) => plan,
        Err(stop) => return Ok(ended(NAME, job, &stop.into(), screen)),
    };
    show(job, &plan, screen);
    let many = plan.doomed.len() as u64;
    if many == 0 {
        screen.line("nothing to delete");
        return Ok(ended(NAME, job, &Ending::Complete, screen));
    }
    if !agreed(args, many, screen)? {
        screen.line("nothing was deleted");
        return Ok(ended(NAME, job, &Ending::Complete, screen));
    }
    let number = job.link.agree_to_undo(choice, plan.doomed).await?;
    carry_out(opened, number, screen).await
}

/// Goes on with what was agreed to and is not at its end.
async fn goes_on(opened: &Opened, args: &UndoArgs, open: &OpenUndo, screen: &Arc<Screen>) -> Result<u8> {
    let deleted = open.agreed - open.open;
    screen.line(&format!(
        "an earlier `deskferry undo` was stopped: {deleted} of {} records are done, {} are left to do",
        open.agreed, open.open
    ));
    if !agreed(args, open.agreed, screen)? {
        screen.line("nothing was deleted now");
        return Ok(ended(NAME, &opened.job, &Ending::Complete, screen));
    }
    carry_out(opened, open.plan, screen).await
}

async fn carry_out(opened: &Opened, plan: i64, screen: &Arc<Screen>) -> Result<u8> {
    let code = work(NAME, opened, screen, |job| async move { undo(&job, plan).await }).await?;
    if code == 0 {
        screen.line("what was deleted waits for a later run: `deskferry run` migrates it again");
    }
    Ok(code)
}

/// Whether a person, or the command line, agrees to delete so many records.
fn agreed(args: &UndoArgs, many: u64, screen: &Screen) -> Result<bool> {
    if let Some(yes) = args.yes {
        if yes == many {
            return Ok(true);
        }
        let what = format!("`--yes {yes}` does not agree: {many} records would be deleted");
        let hint = format!("look at what `deskferry undo` shows, then say `--yes {many}`");
        return Err(Problem::new(Reason::Refused, what).hint(hint));
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        screen.line(&format!("hint: `deskferry undo … --yes {many}` deletes them"));
        return Ok(false);
    }
    screen.clear();
    eprint!("Type {many} to delete {many} records for good, or press Enter to leave them: ");
    std::io::stderr().flush()?;
    let mut typed = String::new();
    std::io::stdin().lock().read_line(&mut typed)?;
    Ok(typed.trim() == many.to_string())
}

fn show(job: &Job, plan: &Plan, screen: &Screen) {
    for doomed in &plan.doomed {
        let (kind, id, target_id) = (doomed.kind, doomed.id.clone(), doomed.target_id.clone());
        screen.tell(&Event::Undo { kind, id, target_id, outcome: "delete", why: None });
    }
    for Left { kind, id, target_id, why } in &plan.left {
        let (kind, id, target_id) = (*kind, id.clone(), target_id.clone());
        screen.tell(&Event::Undo { kind, id, target_id, outcome: "leave", why: Some(why.clone()) });
    }
    let address = job.target.address();
    let mut kinds: Vec<(Kind, u64)> = Vec::new();
    for doomed in &plan.doomed {
        match kinds.last_mut().filter(|(kind, _)| *kind == doomed.kind) {
            Some((_, many)) => *many += 1,
            None => kinds.push((doomed.kind, 1)),
        }
    }
    for (kind, many) in kinds {
        screen.line(&format!("delete  {many:>6} {kind} in {address}"));
        if let Some(after) = job.target.eraser().and_then(|eraser| eraser.after(kind)) {
            screen.line(&format!("               {after}"));
        }
    }
    for ((kind, origin), many) in &plan.others {
        let why = match origin {
            Origin::Adopted => "was there before, and got values of the source",
            _ => "was there before",
        };
        screen.line(&format!("keep    {many:>6} {kind}: {why}"));
    }
    left(&plan.left, screen);
}

/// The reasons, each with its records; the first of them by their ids.
fn left(all: &[Left], screen: &Screen) {
    let mut counts: BTreeMap<Kind, u64> = BTreeMap::new();
    all.iter().for_each(|left| *counts.entry(left.kind).or_default() += 1);
    for (kind, many) in counts {
        screen.line(&format!("keep    {many:>6} {kind}: made by this migration, and left:"));
        for left in all.iter().filter(|left| left.kind == kind).take(SHOWN) {
            let named = if left.target_id.is_empty() { String::new() } else { format!(" (there {})", left.target_id) };
            screen.line(&printable::line(&format!("               {kind} {}{named}: {}", left.id, left.why)));
        }
        if many > SHOWN as u64 {
            screen.line(&format!("               … and {} more: `--json` lists them all", many - SHOWN as u64));
        }
    }
}
