//! One move: two desks, a project folder between them, the binary that is tested, and the look at what it did.

use crate::binary::Binary;
use crate::compare::{self, Difference, What, redmine};
use crate::http::{Client, Result};
use crate::project;
use crate::seed::expected::Expected;
use crate::seed::rt::{self, Desk};
use crate::seed::{plan, verify};
use crate::servers::{self, Product, Server};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The number all desks of the suite are made from.
pub const SEED: u64 = 1;

/// A filled Request Tracker, stopped; what it holds is in its `expected.json`.
pub fn source() -> Result<PathBuf> {
    servers::prepared("rt", &SEED.to_string(), |dir| {
        let server = Server::start(Product::RequestTracker, dir, &[])?;
        let expected = rt::write(&Desk::new(server.env.clone()), &plan::plan(SEED))?;
        expected.save(&dir.join("expected.json"))
    })
}

/// An empty Redmine with projects, agents and fields, stopped.
pub fn target(text_format: &str) -> Result<PathBuf> {
    servers::prepared(&format!("redmine-{text_format}"), text_format, |dir| {
        Server::start(Product::Redmine, dir, &[("REDMINE_TEXT", text_format)]).map(drop)
    })
}

/// The filled Request Tracker all moves of this process read; nothing ever writes to it.
pub fn running_source() -> Result<&'static Server> {
    static SOURCE: OnceLock<Result<Server>> = OnceLock::new();
    let start = || Server::start(Product::RequestTracker, &servers::copy(&source()?, "rt")?, &[]);
    SOURCE.get_or_init(start).as_ref().map_err(String::clone)
}

/// Moves at a time, however many tests run side by side: each keeps two desks busy.
const AT_ONCE: usize = 2;
static UNDER_WAY: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

/// The right to move, until it is dropped.
pub struct Turn;

pub fn turn() -> Turn {
    let (under_way, ended) = &UNDER_WAY;
    let count = under_way.lock().unwrap_or_else(PoisonError::into_inner);
    let count = ended.wait_while(count, |count| *count >= AT_ONCE);
    *count.unwrap_or_else(PoisonError::into_inner) += 1;
    Turn
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (under_way, ended) = &UNDER_WAY;
        *under_way.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ended.notify_one();
    }
}

pub struct Move {
    pub rt: &'static Server,
    pub redmine: Server,
    pub project: PathBuf,
    pub expected: Expected,
    mails: [usize; 2],
}

/// What a run of the binary ended with.
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Move {
    /// Both desks running, nothing moved yet.
    pub fn new(name: &str, text_format: &str) -> Result<Self> {
        let target = servers::copy(&target(text_format)?, &format!("{name}-redmine"))?;
        let project = servers::folder(&format!("{name}-project"))?;
        Self::between(Server::start(Product::Redmine, &target, &[])?, project, text_format)
    }

    fn between(redmine: Server, project: PathBuf, text_format: &str) -> Result<Self> {
        let rt = running_source()?;
        let expected = Expected::load(&rt.dir.join("expected.json"))?;
        project::write(&project, rt.var("RT_BASE_URL")?, redmine.var("REDMINE_BASE_URL")?, text_format)?;
        let mut this = Self { rt, redmine, project, expected, mails: [0, 0] };
        this.mails = this.mails()?;
        Ok(this)
    }

    pub fn binary(&self) -> Result<Binary> {
        let env = vec![
            ("RT_TOKEN", self.rt.var("RT_TOKEN")?.to_string()),
            ("REDMINE_API_KEY", self.redmine.var("REDMINE_API_KEY")?.to_string()),
        ];
        Ok(Binary { project: self.project.clone(), env })
    }

    /// Runs to the end, or kills it and fails at the deadline.
    pub fn run(&self, args: &[&str], deadline: Duration) -> Result<Ended> {
        self.binary()?.run(args, deadline)
    }

    pub fn target_client(&self) -> Result<Client> {
        Ok(redmine::client(self.redmine.var("REDMINE_BASE_URL")?, self.redmine.var("REDMINE_API_KEY")?))
    }

    fn mails(&self) -> Result<[usize; 2]> {
        let count = |sink: &str| rt::mails(Path::new(sink));
        Ok([count(self.rt.var("RT_MAILS")?)?, count(self.redmine.var("REDMINE_MAILS")?)?])
    }

    /// Everything that is not as it was promised, on both desks and on this machine.
    pub fn differences(&self) -> Result<Vec<Difference>> {
        let mut all = self.target_differences()?;
        let source = verify::differences(&Desk::new(self.rt.env.clone()), &self.expected)?;
        all.extend(source.into_iter().map(|said| Difference { what: What::Source, at: "the source".into(), said }));
        Ok(all)
    }

    /// The same without reading the source again.
    pub fn target_differences(&self) -> Result<Vec<Difference>> {
        let client = self.target_client()?;
        let rules = project::rules(redmine::api_user(&client)?);
        let kept = compare::kept(&self.project.join(".deskferry/kept"))?;
        let mut all = compare::differences(&self.expected, &redmine::read(&client)?, &rules, &kept);
        for ((desk, before), now) in ["source", "target"].iter().zip(self.mails).zip(self.mails()?) {
            if now != before {
                let said = format!("{} mails since the move began", now - before);
                all.push(Difference { what: What::Mail, at: format!("the {desk}"), said });
            }
        }
        Ok(all)
    }

    /// Stops the target and keeps all data, to be copied by [`Moved::copy`].
    pub fn stop(self) -> Result<Moved> {
        let port = self.redmine.var("REDMINE_BASE_URL")?.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let port = port.ok_or("the target has no port")?;
        Ok(Moved { redmine: self.redmine.dir.clone(), project: self.project.clone(), port })
    }
}

/// A finished move at rest.
pub struct Moved {
    redmine: PathBuf,
    project: PathBuf,
    port: u16,
}

impl Moved {
    /// The target of the finished move running again, as a copy that may be spoiled.
    pub fn copy(&self, name: &str) -> Result<Move> {
        let redmine = servers::copy(&self.redmine, &format!("{name}-redmine"))?;
        let project = servers::copy(&self.project, &format!("{name}-project"))?;
        Move::between(Server::start(Product::Redmine, &redmine, &[])?, project, "textile")
    }

    /// The same at the address it was moved to, so that the project knows it again. One at a time.
    pub fn resumed(&self, name: &str) -> Result<Move> {
        let redmine = servers::copy(&self.redmine, &format!("{name}-redmine"))?;
        let project = servers::copy(&self.project, &format!("{name}-project"))?;
        Move::between(Server::start_at(self.port, Product::Redmine, &redmine, &[])?, project, "textile")
    }
}

/// `deskferry -C PROJECT ARGS` with its secrets, its output going to files of the project folder.
pub fn spawn(project: &Path, secrets: &[(&str, &str)], args: &[&str]) -> Result<Child> {
    let file = |name: &str| std::fs::File::create(project.join(name)).map_err(|e| format!("{name}: {e}"));
    Command::new(env!("CARGO_BIN_EXE_deskferry"))
        .arg("-C")
        .arg(project)
        .args(args)
        .envs(secrets.iter().copied())
        .stdin(Stdio::null())
        .stdout(file("stdout.txt")?)
        .stderr(file("stderr.txt")?)
        .spawn()
        .map_err(|e| format!("deskferry: {e}"))
}

/// Waits for what [`spawn`] started, or kills it and fails at the deadline.
pub fn finish(mut child: Child, project: &Path, args: &[&str], deadline: Duration) -> Result<Ended> {
    let status = wait(&mut child, deadline)?;
    let ended = |status| {
        let read = |name: &str| std::fs::read_to_string(project.join(name)).unwrap_or_default();
        Ended { status, stdout: read("stdout.txt"), stderr: read("stderr.txt") }
    };
    match status {
        Some(status) => Ok(ended(status)),
        None => {
            child.kill().map_err(|e| e.to_string())?;
            let said = ended(child.wait().map_err(|e| e.to_string())?).stderr;
            Err(format!("deskferry {args:?} did not end within {deadline:?}\n{said}"))
        }
    }
}

/// The exit status, or none when the deadline passed first.
pub fn wait(child: &mut Child, deadline: Duration) -> Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
            return Ok(Some(status));
        }
        let Some(left) = deadline.checked_sub(start.elapsed()) else { return Ok(None) };
        std::thread::sleep(left.min(Duration::from_millis(10)));
    }
}
