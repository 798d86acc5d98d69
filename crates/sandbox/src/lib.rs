//! In-process look-alikes of help desks, to rehearse a migration without an account. They import nothing of the engine:
//! what they know of a vendor they know from the vendor.
//!
//! [`start`] gives a desk two addresses on this machine: its own, and the host its files are downloaded from. Below
//! `/__sandbox/` of the first, `state`, `mails` and `calls` show what is there and what happened.

pub mod clock;
pub mod desk;
pub mod faults;
pub mod freshdesk;
mod html;
mod late;
pub mod limits;
pub mod log;
pub mod platform;
pub mod proof;
pub mod random;
mod server;
#[cfg(test)]
mod tests;
mod wire;
pub mod words;
pub mod zendesk;

use clock::Clock;
use desk::{Desk, Mail};
use faults::Faults;
use jiff::Timestamp;
use late::Late;
use limits::{Limits, Rate};
use log::{Log, Logged};
use serde_json::Value;
use server::{Inside, Shared};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use wire::{Cord, Wires};

/// How hard a desk is to live with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Of the desk's own address; 0 takes any that is free.
    pub port: u16,
    /// From which faults by chance are drawn.
    pub seed: u64,
    /// The vendor's name of the plan; its middle one when left out.
    pub plan: Option<String>,
    /// Stands in place of the account's limit of the plan.
    pub rate: Option<Rate>,
    /// Rules of [`faults`], and the file they came from.
    pub faults: Option<(PathBuf, String)>,
    pub clock: Clock,
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("there is no plan `{0}`")]
    Plan(String),
    /// Told with file and line.
    #[error("{0}")]
    Faults(String),
    #[error("port {port} of 127.0.0.1 cannot be listened on: {source}")]
    Port { port: u16, source: std::io::Error },
}

/// A sandbox that is up, until it is dropped.
pub struct Running {
    /// Where the desk answers, without a slash at its end.
    pub address: String,
    /// Where its files are downloaded from: another origin.
    pub files_address: String,
    shared: Shared,
    tasks: [JoinHandle<()>; 2],
}

/// Puts a desk on 127.0.0.1, in tasks of the current runtime.
///
/// # Errors
/// An unknown plan, a wrong file of faults, a port that is taken.
pub async fn start(desk: Box<dyn Desk>, options: &Options) -> Result<Running, Refused> {
    let unknown = || Refused::Plan(options.plan.clone().unwrap_or_default());
    let limits = desk.limits(options.plan.as_deref()).ok_or_else(unknown)?;
    let faults = match &options.faults {
        None => Faults::default(),
        Some((file, text)) => Faults::parse(text, file, options.seed).map_err(Refused::Faults)?,
    };
    let (listener, address) = listen(options.port).await?;
    let (files_listener, files_address) = listen(0).await?;
    let limits = Limits::new(limits, options.rate);
    let inside = Inside { desk, limits, faults, late: Late::default(), log: Log::default() };
    let (inside, base, files) = (Arc::new(Mutex::new(inside)), address.clone(), files_address.clone());
    let shared = Shared { inside, base, files, clock: options.clock };
    let routes = server::desk_routes(shared.clone()).into_make_service_with_connect_info::<Cord>();
    let files_routes = server::file_routes(shared.clone()).into_make_service_with_connect_info::<Cord>();
    // Both serve until they are stopped.
    let tasks = [
        tokio::spawn(async move { drop(axum::serve(Wires(listener), routes).await) }),
        tokio::spawn(async move { drop(axum::serve(Wires(files_listener), files_routes).await) }),
    ];
    Ok(Running { address, files_address, shared, tasks })
}

async fn listen(port: u16) -> Result<(TcpListener, String), Refused> {
    let refused = |source| Refused::Port { port, source };
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.map_err(refused)?;
    let address = format!("http://{}", listener.local_addr().map_err(refused)?);
    Ok((listener, address))
}

impl Running {
    /// What a client logs in with.
    pub fn credentials(&self) -> Vec<(String, String)> {
        self.shared.lock().desk.credentials()
    }

    /// All contents, as `GET /__sandbox/state`.
    pub fn state(&self) -> Value {
        let mut inside = self.shared.lock();
        inside.pass(self.shared.clock.now());
        inside.desk.state()
    }

    /// Mails the vendor would have sent.
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.lock().desk.mails()
    }

    /// Every call so far, at both addresses.
    pub fn calls(&self) -> Vec<Logged> {
        self.shared.lock().log.calls()
    }

    /// Has a person answer the `nth` ticket (from 0) at `at`; what was added.
    pub fn touch(&self, nth: usize, at: Timestamp) -> Option<Value> {
        self.shared.lock().desk.touch(nth, at)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
