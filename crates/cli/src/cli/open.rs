//! Opens a project: reads its files, connects both accounts, takes the locks, opens ledger and stage.

use super::accounts::{account, accounts, address, copies, is_on_paper, url_of, which};
use super::draw::Screen;
use deskferry::connector::files::{self, FilesSource, FilesTarget, Find, Form, Place};
use deskferry::connector::manifest::Manifest;
use deskferry::connector::registry::{self, Entry};
use deskferry::connector::rest::{MarkerField, Offline, Rest, Role};
use deskferry::connector::{Assemble, Source, Target};
use deskferry::error::{Problem, Reason, Result};
use deskferry::expr::Jq;
use deskferry::http::{self, Client, ClientConfig, Credentials};
use deskferry::ledger::{Ledger, Link, MigrationLock, ProjectLock, Which, state_home};
use deskferry::mapping::Mapping;
use deskferry::pacer::{Clock, Pacer};
use deskferry::pipeline::{Approval, Choice, Event, Halt, Job, Retry, pair};
use deskferry::project::{Account, Answers, Project, Question};
use deskferry::staging::Staging;
use secrecy::SecretString;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use url::Url;

/// Of one call, unless `timeout` of the account says otherwise.
const TIMEOUT: Duration = Duration::from_secs(120);

/// An opened project. The locks are held as long as it lives.
pub struct Opened {
    pub job: Arc<Job>,
    /// Version of each manifest, by platform.
    pub manifests: BTreeMap<String, String>,
    /// Hash of scope, mapping and manifests.
    pub rules: String,
    _locks: (ProjectLock, Vec<MigrationLock>),
}

/// How far a command goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aim {
    /// Everything is left as it is, ledger and stage too.
    Look,
    /// Records of the source are read into the stage.
    #[default]
    Read,
    /// Records will be written, or taken for written: by one process at a time.
    Write,
}

/// What the command line adds to the project.
#[derive(Default)]
pub struct Wanted {
    pub choice: Choice,
    pub max_failures: Option<u64>,
    /// What is taken up again.
    pub retry: Retry,
    /// Nothing will be written.
    pub dry: bool,
    pub aim: Aim,
    /// The mapping may not be written yet.
    pub to_be_mapped: bool,
    /// The target may be a platform without an account.
    pub on_paper: bool,
}

impl Wanted {
    /// For what needs no more than a source: neither the target's account nor the mapping must be there.
    pub fn source_alone() -> Wanted {
        Wanted { to_be_mapped: true, on_paper: true, ..Wanted::default() }
    }
}

pub async fn open(directory: &Path, wanted: Wanted, screen: &Arc<Screen>) -> Result<Opened> {
    let project = Project::load(directory)?;
    let mapping = Mapping::load(mapping_of(&project, wanted.to_be_mapped).as_deref())?;
    let scope_filter = scope_filter(&project)?;
    let (source, source_version) = connect_source(&project)?;
    let (target, target_version) = connect_target(&project, &wanted)?;
    let lock = ProjectLock::take(directory)?;
    files::sweep_copies(directory)?;
    let ledger = Ledger::open(directory)?;
    let staging = Staging::open(directory)?;
    let (link, migration_locks) = bound(&project, &ledger, wanted.aim).await?;
    copies(&project, &link)?.iter().for_each(|what| screen.tell(&Event::Note { what: what.clone() }));
    let resuming = link.last_run().await?.is_some_and(|run| !matches!(run.exit_code, Some(0 | 3)));
    let max_failures = wanted.max_failures.or(project.run.max_failures);
    let manifests = BTreeMap::from([
        (project.source.connector.clone(), source_version),
        (project.target.connector.clone(), target_version),
    ]);
    let agreed = rules(&project, mapping_of(&project, wanted.to_be_mapped).as_deref())?;
    let rules = blake3::hash(format!("{agreed}{manifests:?}").as_bytes()).to_hex()[..32].to_owned();
    let rules_changed = link.last_rules().await?.is_none_or(|last| last != rules);
    let approval = if project.run.approval { Approval::load(&project.state_dir())? } else { None };
    let job = Job {
        state_dir: project.state_dir(),
        mapping,
        source,
        target,
        ledger,
        link,
        staging,
        choice: wanted.choice,
        scope_filter,
        halt: Halt::new(max_failures),
        tell: screen.listener(),
        resuming,
        rules_changed,
        rules: agreed,
        approval,
        retry: wanted.retry,
        listed: Mutex::default(),
        noted: Mutex::default(),
        project,
    };
    if wanted.aim != Aim::Look {
        pair(&job).await?;
    }
    Ok(Opened { job: Arc::new(job), manifests, rules, _locks: (lock, migration_locks) })
}

/// The migration that is meant, and the locks of one that will be written.
async fn bound(project: &Project, ledger: &Ledger, aim: Aim) -> Result<(Link, Vec<MigrationLock>)> {
    let which = which(project);
    let accounts = match aim {
        Aim::Look => accounts(project, Place::known_as)?,
        Aim::Read | Aim::Write => accounts(project, Place::name)?,
    };
    if accounts.are_one() {
        let what = format!("[source] and [target] are the same account: {}", accounts.target.address());
        return Err(
            Problem::new(Reason::Refused, what).hint("put the address of the other account into `url` of one of them")
        );
    }
    if aim == Aim::Look {
        return Ok((ledger.migration(&accounts, &which).await?, vec![]));
    }
    if aim == Aim::Read {
        return Ok((ledger.begin(&accounts, &which).await?, vec![]));
    }
    if which == Which::ByAccounts {
        ledger.is_alone(&ledger.migration(&accounts, &which).await?).await?;
    }
    let link = ledger.begin(&accounts, &which).await?;
    let home = state_home(project.folder())?;
    // A copy may know it by another of its ids.
    let locks = link.marks().iter().map(|mark| MigrationLock::take(&home, mark)).collect::<Result<_>>()?;
    Ok((link, locks))
}

impl Opened {
    /// Notes what the accounts are called now, after a command that wrote and was not refused: the checks have seen that the target
    /// is the migration's own.
    pub async fn learn_names(&self) -> Result<()> {
        self.job.link.learn(&accounts(&self.job.project, Place::name)?).await
    }
}

/// The file of the rules; one that is to be written may be missing.
fn mapping_of(project: &Project, to_be_mapped: bool) -> Option<PathBuf> {
    project.mapping_path().filter(|path| !to_be_mapped || path.exists())
}

/// `[scope] jq`; one that does not compile is shown in the file.
fn scope_filter(project: &Project) -> Result<Option<Jq>> {
    let Some(text) = project.scope.jq.clone() else { return Ok(None) };
    let filter = Jq::new(text);
    filter.check().map_err(|wrong| project.error_within(&["scope", "jq"], &format!("jq: {}", wrong.why)))?;
    Ok(Some(filter))
}

/// Hash of what the user says of which records are migrated and how.
fn rules(project: &Project, mapping: Option<&Path>) -> Result<String> {
    let mapping = mapping.map(std::fs::read).transpose()?.unwrap_or_default();
    let mut hash = blake3::Hasher::new();
    hash.update(&mapping).update(format!("{:?}", project.scope).as_bytes());
    if !project.source.leave_out.is_empty() {
        hash.update(format!("{:?}", project.source.leave_out).as_bytes());
    }
    Ok(hash.finalize().to_hex()[..32].to_owned())
}

fn connect_source(project: &Project) -> Result<(Arc<dyn Source>, String)> {
    if project.source.connector == files::NAME {
        if !project.source.leave_out.is_empty() {
            return Err(project
                .source
                .error_at("leave_out", "nothing can be left out of a folder of files")
                .hint("delete the line: a file or a column that is not wanted is left out in columns.toml"));
        }
        // A folder keeps whom a ticket names as it is; any other target needs somebody to stand there.
        let find = if project.target.connector == files::NAME { Find::Named } else { Find::Made };
        let source = FilesSource::new(Place::of(project.folder(), &project.source)?, find)?;
        let version = source.version().to_owned();
        return Ok((Arc::new(source), version));
    }
    connect(project, Role::Source).map(|(rest, version)| (Arc::new(rest) as Arc<dyn Source>, version))
}

fn connect_target(project: &Project, wanted: &Wanted) -> Result<(Arc<dyn Target>, String)> {
    let account = &project.target;
    if wanted.on_paper && is_on_paper(project) {
        return on_paper(project);
    }
    if account.connector != files::NAME {
        let (rest, version) = connect(project, Role::Target)?;
        let marker_field = match (project.run.create_marker, wanted.dry) {
            (false, false) => MarkerField::Needed,
            (false, true) => MarkerField::Noted,
            (true, false) => MarkerField::Made,
            (true, true) => MarkerField::Imagined,
        };
        return Ok((Arc::new(rest.with_marker_field(marker_field)), version));
    }
    let place = Place::of(project.folder(), account)?;
    if place.form == Form::Xlsx {
        let problem = account.error_at("format", "Deskferry reads XLSX but does not write it");
        return Err(problem.hint("write `format = \"csv\"`: a spreadsheet opens it"));
    }
    if project.source.connector == files::NAME {
        files::must_differ(&Place::of(project.folder(), &project.source)?, &place)?;
    }
    Ok((Arc::new(FilesTarget::new(place)), files::NAME.to_owned()))
}

fn connect(project: &Project, role: Role) -> Result<(Rest, String)> {
    let account = account(project, role);
    let entry = entry_of(project, role)?;
    let answers = account.answers(&questions(&entry.manifest, role))?;
    let url = url_of(account)?;
    let credentials = credentials(&entry.manifest, &answers)?;
    let rest = rest(project, role, &entry, &answers, (&url, &url), credentials)?;
    Ok((rest.leaving_out(left_out(account, role, &entry.manifest)?), entry.version()))
}

/// The lists of a source that are left out on purpose; each is one that the platform may not show.
fn left_out<'a>(account: &'a Account, role: Role, manifest: &Manifest) -> Result<&'a [String]> {
    let known = if role == Role::Source { manifest.can_be_left_out() } else { vec![] };
    match account.leave_out.iter().find(|name| !known.contains(name)) {
        None => Ok(&account.leave_out),
        Some(unknown) => {
            let problem = account.error_at("leave_out", format!("`{unknown}` cannot be left out"));
            Err(match known.is_empty() {
                true => problem,
                false => problem.hint(format!("what can be left out: {}", known.join(", "))),
            })
        }
    }
}

/// The target's platform without an account. Its address leads nowhere, and nothing is ever sent there.
fn on_paper(project: &Project) -> Result<(Arc<dyn Target>, String)> {
    let entry = entry_of(project, Role::Target)?;
    let asked = questions(&entry.manifest, Role::Target).into_iter();
    let asked: Vec<Question> = asked.map(|question| Question { required: false, ..question }).collect();
    let answers = project.target.answers(&asked)?;
    let (address, url) = (address(project, Role::Target)?, format!("https://{}.invalid", entry.manifest.name));
    let rest = rest(project, Role::Target, &entry, &answers, (&address, &url), Credentials::default())?;
    Ok((Arc::new(Offline::of(rest)), entry.version()))
}

fn entry_of(project: &Project, role: Role) -> Result<Entry> {
    let connector = &account(project, role).connector;
    registry::find(connector, Some(&registry::overrides(project.folder()))).map_err(|p| match p.reason {
        Reason::Config => at_connector(project, role, p),
        _ => p,
    })
}

/// `address` is the link's, `url` where calls go.
fn rest(
    project: &Project,
    role: Role,
    entry: &Entry,
    answers: &Answers,
    (address, url): (&str, &str),
    credentials: Credentials,
) -> Result<Rest> {
    let account = account(project, role);
    let plain = plain_answers(answers, url);
    let base = entry.manifest.base.replace("${url}", url.trim_end_matches('/'));
    let base = Url::parse(&base).map_err(|_| {
        Problem::new(Reason::Config, format!("`{base}` is not an address"))
            .hint("`url` looks like https://desk.example.com")
    })?;
    let mut config = ClientConfig::new(base, credentials);
    config.headers = entry.manifest.headers.clone().into_iter().collect();
    config.timeout = account.timeout.unwrap_or(TIMEOUT);
    config.ca_file = account.ca_file.clone();
    config.insecure_http = account.insecure;
    if let Some(proxy) = &account.proxy {
        let wrong = || Problem::new(Reason::Config, format!("`proxy` is not an address: {proxy}"));
        config.proxy = Some(Url::parse(proxy).map_err(|_| wrong())?);
    }
    let pacer = Pacer::new(entry.manifest.limit.clone(), project.run.reserve, Clock::system());
    Rest::new(entry, role, address.to_owned(), plain, Client::new(config, pacer)?)
}

/// The header that authenticates calls, from the account's answers.
fn credentials(manifest: &Manifest, answers: &Answers) -> Result<Credentials> {
    let mut known = http::Answers::new();
    for name in manifest.auth.names() {
        let secret = answers.secret(name)?.or_else(|| answers.text(name).map(SecretString::from));
        known.extend(secret.map(|secret| (name.to_owned(), secret)));
    }
    manifest.auth.fill(&known)
}

fn at_connector(project: &Project, role: Role, problem: Problem) -> Problem {
    let table = match role {
        Role::Source => "source",
        Role::Target => "target",
    };
    let place = project.error_at(&[table, "connector"], &problem.what);
    Problem { hint: problem.hint, ..place }
}

fn questions(manifest: &Manifest, role: Role) -> Vec<Question> {
    let question = |(key, of): (&String, &deskferry::connector::manifest::Question)| {
        let asked = of.asked(key);
        Question { required: asked.required && (role == Role::Target || !of.target_only), ..asked }
    };
    manifest.account.iter().map(question).collect()
}

/// What expressions may see of the account: everything but its secrets.
fn plain_answers(answers: &Answers, url: &str) -> serde_json::Map<String, Value> {
    let mut plain = answers.values().clone();
    plain.insert("url".into(), url.trim_end_matches('/').into());
    plain
}

/// The ledger of a project for reading only, beside a run or on a read-only disk. Needs no credentials.
pub async fn view(directory: &Path) -> Result<Link> {
    let project = Project::load(directory)?;
    let ledger = Ledger::view(directory)?;
    ledger.migration(&accounts(&project, Place::known_as)?, &which(&project)).await
}
