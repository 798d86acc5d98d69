//! `deskferry run`, `deskferry retry` and `deskferry stage`

use super::args::{ChoiceArgs, Global, RetryArgs, RunArgs};
use super::draw::Screen;
use super::open::{Aim, Opened, Wanted, open};
use deskferry::error::Result;
use deskferry::pipeline::{Ending, Event, Job, Retry, Stop};
use serde_json::json;
use std::sync::Arc;

pub async fn command(global: &Global, args: &RunArgs, screen: &Arc<Screen>) -> Result<u8> {
    let opened = open(&global.directory, wanted(args), screen).await?;
    work("run", &opened, screen, |job| async move { job.run().await }).await
}

pub async fn retry(global: &Global, args: &RetryArgs, screen: &Arc<Screen>) -> Result<u8> {
    let retry = if args.reason.is_empty() { Retry::everything() } else { Retry::of(&args.reason) };
    let opened = open(&global.directory, Wanted { retry, ..wanted(&args.run) }, screen).await?;
    work("retry", &opened, screen, |job| async move { job.run().await }).await
}

fn wanted(args: &RunArgs) -> Wanted {
    Wanted { choice: args.choice.choice(), max_failures: args.max_failures, aim: Aim::Write, ..Wanted::default() }
}

pub async fn stage(global: &Global, args: &ChoiceArgs, screen: &Arc<Screen>) -> Result<u8> {
    let opened = open(&global.directory, Wanted { choice: args.choice(), ..Wanted::source_alone() }, screen).await?;
    work("stage", &opened, screen, |job| async move { job.stage().await }).await
}

/// Restores a lost ledger; gives the exit code.
pub async fn restore(opened: &Opened, screen: &Arc<Screen>) -> Result<u8> {
    work("ids", opened, screen, |job| async move {
        match job.rebuild().await {
            Ok(found) => {
                (job.tell)(Event::Note { what: format!("{found} records were not known and are restored") });
                Ending::Complete
            }
            Err(stop) => stop.into(),
        }
    })
    .await
}

pub async fn work<F, W>(command: &'static str, opened: &Opened, screen: &Arc<Screen>, work: F) -> Result<u8>
where
    F: FnOnce(Arc<Job>) -> W,
    W: Future<Output = Ending>,
{
    let job = &opened.job;
    started(command, job);
    let ending = stopping(job, work_booked(command, opened, work), Ok).await?;
    Ok(ended(command, job, &ending, screen))
}

/// Tells that a command begins to work on a project.
pub fn started(command: &'static str, job: &Job) {
    (job.tell)(Event::Started {
        command,
        source: job.source.address().to_owned(),
        target: job.target.address().to_owned(),
        link: job.link.id().to_owned(),
    });
}

/// Does the work, and asks it to end when a signal comes. Work that does not end then is given up.
pub async fn stopping<T>(job: &Job, work: impl Future<Output = T>, given_up: impl FnOnce(Ending) -> T) -> T {
    let halt = job.halt.clone();
    let signals = tokio::spawn(async move {
        loop {
            stop_signal().await;
            halt.signal();
        }
    });
    let done = tokio::select! {
        done = work => done,
        () = job.halt.overdue() => given_up(Stop::Interrupted.into()),
    };
    signals.abort();
    done
}

/// Runs the work between its two rows in the ledger.
async fn work_booked<F, W>(command: &'static str, opened: &Opened, work: F) -> Result<Ending>
where
    F: FnOnce(Arc<Job>) -> W,
    W: Future<Output = Ending>,
{
    let job = &opened.job;
    let rules = matches!(command, "run" | "retry" | "demo").then_some(opened.rules.as_str());
    let run = job.link.run_started(command, &opened.manifests, rules).await?;
    if let Some(tickets) = job.choice.sample {
        job.link.is_trial(run, tickets).await?;
    }
    let ending = work(Arc::clone(job)).await;
    if command != "stage" && matches!(ending, Ending::Complete | Ending::Partial) {
        opened.learn_names().await?;
    }
    job.link.run_ended(run, i32::from(ending.exit_code()), &json!(job.calls())).await?;
    Ok(ending)
}

/// Ctrl-C or a polite kill.
async fn stop_signal() {
    let interrupted = tokio::signal::ctrl_c();
    let Ok(mut terminated) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        let _ = interrupted.await;
        return;
    };
    tokio::select! {
        _ = interrupted => {}
        _ = terminated.recv() => {}
    }
}

/// Tells how a command ended, and gives its exit code.
pub fn ended(command: &'static str, job: &Job, ending: &Ending, screen: &Screen) -> u8 {
    let calls = job.calls();
    let made: u64 = calls.values().sum();
    let (exit_code, outcome) = (ending.exit_code(), ending.outcome());
    screen.tell(&Event::Ended { command, exit_code, outcome, calls });
    match ending {
        Ending::Complete => screen.line(&format!("{command}: done, {made} calls")),
        Ending::Partial => {
            screen.line(&format!("{command}: finished, but some records were not migrated, {made} calls"));
            screen.line(match command {
                // A preview leaves the ledger, which `report` reads, as it was.
                super::preview::NAME => "hint: the preview's page says which and why",
                _ => "hint: `deskferry report` says which and why",
            });
        }
        Ending::Unlisted(problem) | Ending::Stopped(problem) | Ending::Failed(problem) | Ending::Refused(problem) => {
            screen.problem(problem);
        }
    }
    exit_code
}
