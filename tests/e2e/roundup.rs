//! A real Roundup moves into a real Redmine: the worked example of `docs/new-platform.md`.

use crate::compare::{self, Difference, Rules, What, redmine};
use crate::http::Result;
use crate::moves::{self, Ended};
use crate::seed::expected::Expected;
use crate::seed::plan;
use crate::seed::roundup::{self as seed, Desk, PROPERTIES};
use crate::seed::rt::mails;
use crate::servers::{self, Product, Server};
use crate::{Failed, MINUTES, project, report};
use std::path::{Path, PathBuf};
use std::time::Instant;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    crate::harness::trials![Servers: roundup_moves_into_redmine]
}

const SEED: u64 = 1;
const STATUSES: [(&str, &str); 5] = [
    ("unread", "New"),
    ("in-progress", "In Progress"),
    ("deferred", "Feedback"),
    ("resolved", "Resolved"),
    ("done-cbb", "Rejected"),
];

fn roundup_moves_into_redmine() -> Result<(), Failed> {
    let _turn = moves::turn();
    let mut all = Move::new()?;
    let before = all.mails()?;
    assert!(before[0] > 0, "Roundup mailed nobody while it was seeded: its sink does not work");
    let start = Instant::now();
    for args in ["check", "run"] {
        let ended = all.run(args)?;
        assert!(ended.status.success(), "{args} ended with {}\n{}\n{}", ended.status, ended.stdout, ended.stderr);
        println!("{args} ended after {:.1} s", start.elapsed().as_secs_f32());
    }
    let mut differences = all.target_differences(before)?;
    let source = seed::differences(&Desk::new(all.roundup.env.clone()), &all.expected)?;
    differences.extend(source.into_iter().map(|said| Difference { what: What::Source, at: "the source".into(), said }));
    assert!(differences.is_empty(), "{}", report(&differences));

    // later: what came since is migrated, and nothing twice
    seed::write_once_more(&Desk::new(all.roundup.env.clone()), &mut all.expected)?;
    let before = all.mails()?;
    let again = all.run("run")?;
    assert!(again.status.success(), "a second run ended with {}\n{}", again.status, again.stderr);
    let differences = all.target_differences(before)?;
    assert!(differences.is_empty(), "after a second run: {}", report(&differences));
    Ok(())
}

/// A filled Roundup, stopped; what it holds is in its `expected.json`.
fn source() -> Result<PathBuf> {
    servers::prepared("roundup", &SEED.to_string(), |dir| {
        let server = Server::start(Product::Roundup, dir, &[])?;
        let expected = seed::write(&Desk::new(server.env.clone()), &seed::fitting(plan::plan(SEED)))?;
        expected.save(&dir.join("expected.json"))
    })
}

struct Move {
    roundup: Server,
    redmine: Server,
    project: PathBuf,
    expected: Expected,
}

impl Move {
    fn new() -> Result<Self> {
        let roundup = Server::start(Product::Roundup, &servers::copy(&source()?, "roundup")?, &[])?;
        let target = servers::copy(&moves::target("textile")?, "roundup-redmine")?;
        let redmine = Server::start(Product::Redmine, &target, &[])?;
        let expected = Expected::load(&roundup.dir.join("expected.json"))?;
        let project = servers::folder("roundup-project")?;
        write_project(&project, roundup.var("ROUNDUP_BASE_URL")?, redmine.var("REDMINE_BASE_URL")?)?;
        Ok(Self { roundup, redmine, project, expected })
    }

    fn run(&self, command: &str) -> Result<Ended> {
        let key = |server: &Server, name: &'static str| server.var(name).map(|value| (name, value.to_owned()));
        let secrets = [key(&self.roundup, "ROUNDUP_PASSWORD")?, key(&self.redmine, "REDMINE_API_KEY")?];
        let secrets: Vec<(&str, &str)> = secrets.iter().map(|(name, value)| (*name, value.as_str())).collect();
        moves::finish(moves::spawn(&self.project, &secrets, &[command])?, &self.project, &[command], 10 * MINUTES)
    }

    /// Bytes in the mailbox of the source, mails in the sink of the target.
    fn mails(&self) -> Result<[usize; 2]> {
        let mailbox = std::fs::metadata(self.roundup.var("ROUNDUP_MAILS")?).map_or(0, |file| file.len());
        Ok([mailbox as usize, mails(Path::new(self.redmine.var("REDMINE_MAILS")?))?])
    }

    fn target_differences(&self, mails_before: [usize; 2]) -> Result<Vec<Difference>> {
        let client = redmine::client(self.redmine.var("REDMINE_BASE_URL")?, self.redmine.var("REDMINE_API_KEY")?);
        let rules = Rules {
            status: STATUSES.map(|(from, to)| (from.into(), to.into())).into(),
            ..project::rules(redmine::api_user(&client)?)
        };
        let kept = compare::kept(&self.project.join(".deskferry/kept"))?;
        let mut all = compare::differences(&self.expected, &redmine::read(&client)?, &rules, &kept);
        let mails = self.mails()?;
        if mails != mails_before {
            let said = format!("mails: {mails:?}, before the move {mails_before:?}");
            all.push(Difference { what: What::Mail, at: "the desks".into(), said });
        }
        Ok(all)
    }
}

fn write_project(dir: &Path, roundup_url: &str, redmine_url: &str) -> Result<()> {
    let migration = format!(
        r#"[source]
connector   = "roundup"
url         = "{roundup_url}"
user        = "admin"
password    = {{ env = "ROUNDUP_PASSWORD" }}
agent_roles = "Admin, Agent"

[target]
connector = "redmine"
url       = "{redmine_url}"
api_key   = {{ env = "REDMINE_API_KEY" }}
project   = "support"
tracker   = "Support"
silenced  = true             # the administrator switched Redmine's e-mail notifications off

[run]
settle = "2s"

[mapping]
file = "mapping.toml"
"#
    );
    let values: Vec<String> = STATUSES.map(|(from, to)| format!("{from} = {to:?}")).into();
    let mut mapping = format!("[ticket.status]\nvalues = {{ {} }}\n\n[ticket.custom]\n", values.join(", "));
    for (title, property) in PROPERTIES {
        mapping.push_str(&format!("{property} = {{ to = {title:?} }}\n"));
    }
    let save = |name: &str, text: String| std::fs::write(dir.join(name), text).map_err(|e| format!("{name}: {e}"));
    save("migration.toml", migration)?;
    save("mapping.toml", mapping)
}
