//! A move between any two of the desks, filled source to empty target, and the look at what it did.

use crate::binary::Binary;
use crate::compare::target::Target;
use crate::compare::{self, Dates, Difference, Images, PrivateFiles, Rules, What};
use crate::http::{Client, Result};
use crate::moves::{self, SEED};
use crate::project::STATUSES;
use crate::seed::expected::Expected;
use crate::seed::{plan, redmine, rt, verify};
use crate::servers::{self, Server};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The desks that can be either end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    RequestTracker,
    Redmine,
}

impl Product {
    fn server(self) -> servers::Product {
        match self {
            Product::RequestTracker => servers::Product::RequestTracker,
            Product::Redmine => servers::Product::Redmine,
        }
    }
}

pub struct Journey {
    pub source: &'static Server,
    pub target: Server,
    products: [Product; 2],
    pub project: PathBuf,
    pub expected: Expected,
    mails: [usize; 2],
}

/// A filled Redmine, stopped; what it holds is in its `expected.json`.
pub fn filled_redmine() -> Result<PathBuf> {
    servers::prepared("redmine-source", &SEED.to_string(), |dir| {
        let server = Server::start(servers::Product::Redmine, dir, &[("REDMINE_TEXT", "textile")])?;
        let plan = redmine::adapted(plan::plan(SEED));
        redmine::write(redmine::Desk::new(server.env.clone())?, &plan)?.save(&dir.join("expected.json"))
    })
}

/// The filled Redmine all moves of this process read; nothing ever writes to it.
pub fn running_redmine() -> Result<&'static Server> {
    static SOURCE: OnceLock<Result<Server>> = OnceLock::new();
    let start = || Server::start(servers::Product::Redmine, &servers::copy(&filled_redmine()?, "redmine-source")?, &[]);
    SOURCE.get_or_init(start).as_ref().map_err(String::clone)
}

/// An empty Request Tracker, stopped. Its scrips stay on: the move itself has to keep people from being mailed.
fn empty_rt() -> Result<PathBuf> {
    servers::prepared("rt-target", "empty", |dir| Server::start(servers::Product::RequestTracker, dir, &[]).map(drop))
}

/// An empty desk of its own, running.
pub fn empty(name: &str, product: Product) -> Result<Server> {
    let from = match product {
        Product::RequestTracker => empty_rt()?,
        Product::Redmine => moves::target("textile")?,
    };
    Server::start(product.server(), &servers::copy(&from, name)?, &[])
}

impl Journey {
    /// Both desks running, nothing moved yet.
    pub fn new(name: &str, from: Product, to: Product) -> Result<Self> {
        let source = match from {
            Product::RequestTracker => moves::running_source()?,
            Product::Redmine => running_redmine()?,
        };
        Self::of(name, source, from, to)
    }

    pub fn of(name: &str, source: &'static Server, from: Product, to: Product) -> Result<Self> {
        let target = empty(&format!("{name}-target"), to)?;
        let project = servers::folder(&format!("{name}-project"))?;
        let expected = Expected::load(&source.dir.join("expected.json"))?;
        let mut this = Self { source, target, products: [from, to], project, expected, mails: [0, 0] };
        this.write_project()?;
        this.mails = this.mails()?;
        Ok(this)
    }

    pub fn binary(&self) -> Result<Binary> {
        let key = |server: &Server, product| server.var(key_of(product)).map(str::to_owned);
        let [from, to] = self.products;
        let env = vec![("SOURCE_KEY", key(self.source, from)?), ("TARGET_KEY", key(&self.target, to)?)];
        Ok(Binary { project: self.project.clone(), env })
    }

    fn write_project(&self) -> Result<()> {
        let [from, to] = self.products;
        let source = account(self.source, from, "SOURCE_KEY")?;
        let target = target(&self.target, to, "TARGET_KEY")?;
        let migration = format!(
            "[source]\n{source}\n[target]\n{target}\n[run]\nsettle = \"2s\"\n\n[mapping]\nfile = \"mapping.toml\"\n"
        );
        let statuses: Vec<String> = statuses(from, to).iter().map(|(from, to)| format!("{from:?} = {to:?}")).collect();
        let mapping = format!("[ticket.status]\nvalues = {{ {} }}\n", statuses.join(", "));
        let save = |name: &str, text| std::fs::write(self.project.join(name), text).map_err(|e| format!("{name}: {e}"));
        save("migration.toml", migration)?;
        save("mapping.toml", mapping)
    }

    pub fn rules(&self) -> Result<Rules> {
        let [from, to] = self.products;
        let status = |(from, to): (&str, &str)| (from.to_owned(), to.to_owned());
        let status = statuses(from, to).map(status).into();
        rules(to, &self.target, status)
    }

    /// Everything that is not as it was promised, on both desks and on this machine.
    pub fn differences(&self) -> Result<Vec<Difference>> {
        let mut all = self.target_differences()?;
        all.extend(as_seeded(self.products[0], self.source, &self.expected)?);
        Ok(all)
    }

    /// The same without reading the source again.
    pub fn target_differences(&self) -> Result<Vec<Difference>> {
        let kept = compare::kept(&self.project.join(".deskferry/kept"))?;
        let target = read(self.products[1], &self.target)?;
        let mut all = compare::differences(&self.expected, &target, &self.rules()?, &kept);
        for ((desk, before), now) in ["source", "target"].iter().zip(self.mails).zip(self.mails()?) {
            if now != before {
                let said = format!("{} mails since the move began", now - before);
                all.push(Difference { what: What::Mail, at: format!("the {desk}"), said });
            }
        }
        Ok(all)
    }

    fn mails(&self) -> Result<[usize; 2]> {
        let count = |server: &Server, product| {
            let sink = if product == Product::Redmine { "REDMINE_MAILS" } else { "RT_MAILS" };
            rt::mails(Path::new(server.var(sink)?))
        };
        let [from, to] = self.products;
        Ok([count(self.source, from)?, count(&self.target, to)?])
    }
}

/// What a desk holds otherwise than it was seeded.
pub fn as_seeded(product: Product, server: &Server, expected: &Expected) -> Result<Vec<Difference>> {
    let source = |said| Difference { what: What::Source, at: "the source".into(), said };
    if product == Product::RequestTracker {
        let found = verify::differences(&rt::Desk::new(server.env.clone()), expected)?;
        return Ok(found.into_iter().map(source).collect());
    }
    let same = STATUSES.map(|(_, status)| (status.to_owned(), status.to_owned())).into();
    let rules = Rules { dates: Dates::Own, created: true, marker: None, ..rules(product, server, same)? };
    let mut desk = read(product, server)?;
    desk.issues.iter_mut().for_each(|issue| drop(issue.custom.remove("Deskferry")));
    let found = compare::differences(expected, &desk, &rules, &Default::default());
    Ok(found.into_iter().map(|difference| source(difference.to_string())).collect())
}

pub fn read(product: Product, server: &Server) -> Result<Target> {
    match product {
        Product::RequestTracker => compare::rt::read(&client(product, server)?),
        Product::Redmine => compare::redmine::read(&client(product, server)?),
    }
}

pub fn client(product: Product, server: &Server) -> Result<Client> {
    let key = server.var(key_of(product))?;
    Ok(match product {
        Product::RequestTracker => compare::rt::client(server.var("RT_API_URL")?, key),
        Product::Redmine => compare::redmine::client(server.var("REDMINE_BASE_URL")?, key),
    })
}

pub fn rules(product: Product, server: &Server, status: std::collections::HashMap<String, String>) -> Result<Rules> {
    let client = client(product, server)?;
    let queues = plan::QUEUES.map(String::from);
    Ok(match product {
        Product::Redmine => {
            let project = queues.map(|queue| (queue.clone(), queue.to_lowercase())).into();
            Rules { status, project, ..crate::project::rules(compare::redmine::api_user(&client)?) }
        }
        Product::RequestTracker => Rules {
            status,
            project: queues.map(|queue| (queue.clone(), queue)).into(),
            requesters: true,
            created: compare::rt::keeps_dates(&client)?,
            private_files: PrivateFiles::Hidden,
            images: Images::Named,
            empty_files: false,
            ..crate::project::rules(compare::rt::address(&client, "root")?)
        },
    })
}

fn key_of(product: Product) -> &'static str {
    match product {
        Product::RequestTracker => "RT_TOKEN",
        Product::Redmine => "REDMINE_API_KEY",
    }
}

/// What `[target]` says of a desk, its key in the environment variable `key`.
pub fn target(server: &Server, product: Product, key: &str) -> Result<String> {
    let more = match product {
        Product::RequestTracker => "queue = \"General\"\nsquelch = \"yes\"\n",
        Product::Redmine => "project = \"support\"\ntracker = \"Support\"\nsilenced = true\n",
    };
    Ok(account(server, product, key)? + more)
}

/// What `[source]` says of it.
pub fn account(server: &Server, product: Product, key: &str) -> Result<String> {
    Ok(match product {
        Product::RequestTracker => {
            format!("connector = \"rt\"\nurl = {:?}\ntoken = {{ env = {key:?} }}\n", server.var("RT_BASE_URL")?)
        }
        Product::Redmine => {
            let url = server.var("REDMINE_BASE_URL")?;
            format!(
                "connector = \"redmine\"\nurl = {url:?}\napi_key = {{ env = {key:?} }}\ntext_format = \"textile\"\n"
            )
        }
    })
}

/// Source status to target status.
fn statuses(from: Product, to: Product) -> [(&'static str, &'static str); 5] {
    let of = |product, (rt, redmine)| if product == Product::Redmine { redmine } else { rt };
    STATUSES.map(|pair| (of(from, pair), of(to, pair)))
}
