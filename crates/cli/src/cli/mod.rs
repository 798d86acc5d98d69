//! The commands: one file each. They read arguments, draw what happens and choose the exit code; they never decide
//! what is migrated.

mod accounts;
mod args;
mod assess;
mod check;
mod connectors;
mod demo;
mod diff;
mod draw;
mod ids;
mod map;
mod open;
mod out;
mod preview;
mod report;
mod run;
mod sandbox;
mod status;
mod trace;
mod undo;

use args::{Args, Command};
use clap::Parser;
use deskferry::error::{Problem, Reason};
use draw::Screen;
use std::process::ExitCode;
use std::sync::Arc;

/// Exit code of a wrong command line or a wrong file of the project.
const USAGE: u8 = 2;

/// Threads that read from the disk and compute beside those that wait: each holds on to some memory of its own.
const BESIDE: usize = 8;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(e) => {
            let code = if e.use_stderr() { USAGE } else { 0 };
            // Nothing can be told when even the terminal is gone.
            let _ = e.print();
            return ExitCode::from(code);
        }
    };
    let screen = Arc::new(Screen::new(&args.global));
    let code =
        trace::start(&args.global).and_then(|()| runtime()).map(|runtime| runtime.block_on(dispatch(&args, &screen)));
    ExitCode::from(match code {
        Ok(Ok(code)) => code,
        Ok(Err(problem)) | Err(problem) => {
            screen.problem(&problem);
            exit_code(&problem)
        }
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, Problem> {
    Ok(tokio::runtime::Builder::new_multi_thread().max_blocking_threads(BESIDE).enable_all().build()?)
}

async fn dispatch(args: &Args, screen: &Arc<Screen>) -> Result<u8, Problem> {
    let global = &args.global;
    match &args.command {
        Command::Check => check::command(global, screen).await,
        Command::Stage(choice) => run::stage(global, choice, screen).await,
        Command::Assess(args) => assess::command(global, args, screen).await,
        Command::Map(args) => map::command(global, args, screen).await,
        Command::Preview(args) => preview::command(global, args, screen).await,
        Command::Run(args) => run::command(global, args, screen).await,
        Command::Retry(args) => run::retry(global, args, screen).await,
        Command::Undo(args) => undo::command(global, args, screen).await,
        Command::Status => status::command(global).await,
        Command::Report(wanted) => report::command(global, wanted).await,
        Command::Ids(args) => ids::command(global, args, screen).await,
        Command::Connectors { action } => connectors::command(global, action),
        Command::Demo(args) => demo::command(args, screen).await,
        Command::Sandbox(wanted) => sandbox::command(global, wanted).await,
    }
}

/// The exit code of a command that could not do its work.
fn exit_code(problem: &Problem) -> u8 {
    match problem.reason {
        Reason::Config | Reason::Manifest => USAGE,
        Reason::Refused | Reason::BadExport => 6,
        Reason::Interrupted | Reason::TooManyFailures => 5,
        _ => 1,
    }
}
