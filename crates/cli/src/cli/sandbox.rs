//! `deskferry sandbox`

use super::args::{Global, SandboxArgs};
use deskferry::error::{Problem, Reason, Result};
use deskferry_sandbox::clock::Clock;
use deskferry_sandbox::platform::{Platform, Setup};
use deskferry_sandbox::{self as sandbox, Options, Refused};
use std::io::Write;

/// What an administrator of a real account has to do as well.
const MARKER_FIELD: &str = "to be migrated into it needs the ticket field `Deskferry`: start it with --marker-field, or say `create_marker = true` under [run]\n";

pub async fn command(global: &Global, wanted: &SandboxArgs) -> Result<u8> {
    let faults = match &wanted.faults {
        None => None,
        Some(file) => {
            let text = std::fs::read_to_string(file);
            let wrong = |e| Problem::new(Reason::Config, format!("{}: {e}", file.display()));
            Some((file.clone(), text.map_err(wrong)?))
        }
    };
    let seconds = |seconds: u32| jiff::SignedDuration::from_secs(seconds.into());
    let clock = Clock::ahead(jiff::SignedDuration::from_secs(wanted.clock.into()));
    let plan = wanted.plan.clone();
    let options = Options { port: wanted.port, seed: wanted.seed, plan, rate: wanted.rate, faults, clock };
    let desk = wanted.platform.desk(&Setup {
        seed: wanted.seed,
        tickets: wanted.tickets,
        plan: wanted.plan.clone(),
        silenced: wanted.silenced,
        heavy: wanted.heavy,
        lag: wanted.lag.map(seconds),
        job_waits: wanted.job_waits.map(seconds),
        clock,
        wall_pages: wanted.wall_pages,
        archived: wanted.archived,
        link_seconds: wanted.link_seconds,
        marker_field: wanted.marker_field,
    });
    let running = sandbox::start(desk, &options).await.map_err(problem)?;
    let mut settings = vec![
        ("platform".to_owned(), wanted.platform.name().to_owned()),
        ("url".to_owned(), running.address.clone()),
        ("files".to_owned(), running.files_address.clone()),
    ];
    settings.extend(running.credentials());
    let mut out = std::io::stdout();
    let told = if global.json {
        let event: serde_json::Map<_, _> = settings.into_iter().map(|(name, value)| (name, value.into())).collect();
        writeln!(out, "{}", serde_json::Value::Object(event))
    } else {
        let lines: String = settings.iter().map(|(name, value)| format!("{name:9} {value}\n")).collect();
        let marker = match (wanted.platform, wanted.marker_field) {
            (Platform::Freshdesk, false) => MARKER_FIELD,
            _ => "",
        };
        write!(out, "{lines}{marker}look at   {}/__sandbox/state, mails, calls\nCtrl-C ends it\n", running.address)
    };
    // It serves whether or not anybody reads where.
    let _ = told.and_then(|()| out.flush());
    tokio::signal::ctrl_c().await?;
    Ok(0)
}

fn problem(refused: Refused) -> Problem {
    let reason = match refused {
        Refused::Port { .. } => Reason::Network,
        Refused::Plan(_) | Refused::Faults(_) => Reason::Config,
    };
    Problem::new(reason, refused.to_string())
}

/// The platform called `text`.
pub fn platform(text: &str) -> std::result::Result<Platform, String> {
    Platform::ALL.iter().copied().find(|p| p.name() == text).ok_or_else(|| {
        let known: Vec<&str> = Platform::ALL.iter().map(|p| p.name()).collect();
        format!("no sandbox; there are {}", known.join(", "))
    })
}
