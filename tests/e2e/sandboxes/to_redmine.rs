//! A look-alike that moves into a Redmine.

use super::{AGENTS, Platform, mailed, migrated_keys, pairs, sandbox, table, write_project};
use crate::binary::Binary;
use crate::compare::promised::{self, Field, freshdesk, zendesk};
use crate::compare::{self, Difference, Rules, What};
use crate::desks::Desk;
use crate::http::Result;
use crate::journey::{self, Product};
use crate::seed::expected::{Alike, Expected};
use crate::seed::rt;
use crate::servers::{self, Server};
use crate::{MINUTES, kill, later, project};
use csv::StringRecord;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const ZENDESK_STATUSES: [(&str, &str); 8] = [
    ("New", "New"),
    ("Open", "In Progress"),
    ("Pending", "Feedback"),
    ("On-hold", "Feedback"),
    ("Solved", "Resolved"),
    ("Closed", "Closed"),
    ("Waiting for parts", "Feedback"),
    ("In der Werkstatt", "In Progress"),
];
const ZENDESK_GROUPS: [(&str, &str); 3] =
    [("Support", "Support"), ("Buchhaltung", "Billing"), ("2nd level", "General")];
const ZENDESK_FIELDS: [Field; 9] = [
    ("Order no.", "Order Number", Alike::Exactly),
    ("What was tried", "Details", Alike::Exactly),
    ("Under warranty?", "Network", Alike::Exactly),
    ("Bought on", "Purchase Date", Alike::Exactly),
    ("Pieces", "Seats", Alike::Number),
    ("Price (€)", "Weight", Alike::Number),
    ("Product", "Region", Alike::Exactly),
    ("Heard of us by", "Channel", Alike::Exactly),
    ("Serial <no>", "Host", Alike::Exactly),
];

const FRESHDESK_STATUSES: [(&str, &str); 7] = [
    ("Open", "New"),
    ("Pending", "Feedback"),
    ("Resolved", "Resolved"),
    ("Closed", "Closed"),
    ("Waiting on Customer", "Feedback"),
    ("Waiting on Third Party", "In Progress"),
    ("On Hold", "Feedback"),
];
const FRESHDESK_GROUPS: [(&str, &str); 5] = [
    ("Support", "Support"),
    ("Tier 2", "General"),
    ("Billing", "Billing"),
    ("Ops & Infrastructure", "General"),
    ("Empty", "Support"),
];
const FRESHDESK_FIELDS: [Field; 7] = [
    ("cf_order_number", "Order Number", Alike::Exactly),
    ("cf_steps_to_reproduce", "Details", Alike::Exactly),
    ("cf_vip", "Network", Alike::Exactly),
    ("cf_purchased_on", "Purchase Date", Alike::Exactly),
    ("cf_quantity", "Seats", Alike::Number),
    ("cf_amount", "Weight", Alike::Number),
    ("cf_region", "Region", Alike::Exactly),
];

impl Platform {
    fn statuses_in_redmine(self) -> &'static [(&'static str, &'static str)] {
        if self == Self::Zendesk { &ZENDESK_STATUSES } else { &FRESHDESK_STATUSES }
    }

    fn projects(self) -> &'static [(&'static str, &'static str)] {
        if self == Self::Zendesk { &ZENDESK_GROUPS } else { &FRESHDESK_GROUPS }
    }

    fn fields(self) -> &'static [Field<'static>] {
        if self == Self::Zendesk { &ZENDESK_FIELDS } else { &FRESHDESK_FIELDS }
    }

    /// Addresses of those who work there, as they are told.
    fn staff(self, state: &Value) -> Vec<String> {
        let all = state[if self == Self::Zendesk { "users" } else { "agents" }].as_array().into_iter().flatten();
        let works = |row: &&Value| match self {
            Self::Zendesk => row["role"] == "agent",
            Self::Freshdesk => row["deactivated"] != true && row["email"] != "admin@acme.example",
        };
        all.filter(works).filter_map(|row| row["email"].as_str()).map(str::to_owned).collect()
    }

    fn expected(self, state: &Value, assignable: &[&str]) -> Result<Expected> {
        match self {
            Self::Zendesk => zendesk::expected(state, self.fields(), assignable),
            Self::Freshdesk => freshdesk::expected(state, self.fields(), assignable),
        }
    }
}

/// All tickets but one.
#[derive(Clone, Copy)]
pub struct Scope {
    /// As the project says it.
    pub jq: &'static str,
    pub leaves_out: i64,
}

pub struct ToRedmine {
    from: Platform,
    desk: Desk,
    redmine: Server,
    pub binary: Binary,
    project: PathBuf,
    pub expected: Expected,
    state: Value,
    /// Addresses there, and the members of the Redmine that stand for them.
    agents: Vec<(String, &'static str)>,
    mails: usize,
}

impl ToRedmine {
    pub fn new(from: Platform, name: &str, tickets: usize, faults: &str, scope: Option<Scope>) -> Result<Self> {
        let name = format!("{}-{name}", from.name());
        let project = servers::folder(&format!("{name}-project"))?;
        let desk = sandbox(&project, from, tickets, faults, &["--silenced"])?;
        let redmine = journey::empty(&format!("{name}-target"), Product::Redmine)?;
        let state = desk.state();
        // the third may not write private notes, and the fourth is nobody there
        let agents: Vec<_> = from.staff(&state).into_iter().zip(AGENTS).collect();
        let mapped: Vec<_> = agents.iter().map(|(own, there)| (own.as_str(), *there)).collect();
        let custom: String = from
            .fields()
            .iter()
            .fold(String::new(), |all, (own, to, _)| all + &format!("{own:?} = {{ to = {to:?} }}\n"));
        let mapping = format!(
            "[ticket.status]\nvalues = {}\n[ticket.group]\nvalues = {}\n[ticket.custom]\n{custom}[people]\nagents = {}\n",
            table(from.statuses_in_redmine()),
            table(from.projects()),
            table(&mapped),
        );
        let archived = if from == Platform::Freshdesk { "archived = \"yes\"\n" } else { "" };
        let source = desk.account("SOURCE_KEY") + archived;
        let account = journey::account(&redmine, Product::Redmine, "TARGET_KEY")?;
        let target = format!("{account}project = \"support\"\ntracker = \"Support\"\n");
        let part = scope.map(|scope| format!("[scope]\njq = '{}'\n", scope.jq)).unwrap_or_default();
        write_project(&project, &source, &target, &part, &mapping)?;
        let env = vec![("SOURCE_KEY", desk.key()), ("TARGET_KEY", redmine.var("REDMINE_API_KEY")?.to_owned())];
        let binary = Binary { project: project.clone(), env };
        let assignable: Vec<&str> = agents.iter().map(|(own, _)| own.as_str()).collect();
        let mut expected = from.expected(&state, &assignable)?;
        if let Some(Scope { leaves_out, .. }) = scope {
            expected.tickets.retain(|ticket| ticket.id != leaves_out);
            let number = format!("[{leaves_out}] ");
            expected.tickets.iter_mut().for_each(|t| t.refers_to.retain(|subject| !subject.starts_with(&number)));
        }
        let mails = rt::mails(Path::new(redmine.var("REDMINE_MAILS")?))?;
        Ok(Self { from, desk, redmine, binary, project, expected, state, agents, mails })
    }

    /// Everything that is not as it was promised.
    pub fn differences(&self) -> Result<Vec<Difference>> {
        let client = journey::client(Product::Redmine, &self.redmine)?;
        let mut target = compare::redmine::read(&client)?;
        promised::numbered(&mut target, "Deskferry");
        let own = |address: &mut String| {
            if let Some((own, _)) = self.agents.iter().find(|(_, there)| there == address) {
                address.clone_from(own);
            }
        };
        for issue in &mut target.issues {
            issue.assignee.as_mut().map(own);
            issue.watchers.iter_mut().chain(issue.messages.iter_mut().map(|m| &mut m.author)).for_each(own);
        }
        let projects = self.from.projects().iter().map(|(group, project)| ((*group).into(), project.to_lowercase()));
        let rules = Rules {
            status: pairs(self.from.statuses_in_redmine()),
            // who is in no group goes where the account says
            project: projects.chain([(String::new(), "support".into())]).collect(),
            hosts: vec![self.desk.told("url"), self.desk.told("files")],
            ..project::rules(compare::redmine::api_user(&client)?)
        };
        let kept = compare::kept(&self.project.join(".deskferry/kept"))?;
        let mut all = compare::differences(&self.expected, &target, &rules, &kept);
        let now = rt::mails(Path::new(self.redmine.var("REDMINE_MAILS")?))?;
        if now != self.mails {
            all.push(mailed("the target", format!("{} mails since the move began", now - self.mails)));
        }
        all.extend(migrated_keys(&self.desk));
        all.extend(self.untold()?);
        Ok(all)
    }

    /// What Redmine has no place for, and the report does not tell.
    fn untold(&self) -> Result<Vec<Difference>> {
        let report = self.report()?;
        let told = losses(&report)?;
        let counted = |id: u64, loss: &str| -> Option<usize> {
            told.get(&id)?.split(';').find_map(|told| told.strip_prefix(loss)?.strip_prefix('=')?.parse().ok())
        };
        let mut wanted: Vec<(u64, &str, Option<usize>)> = vec![];
        wanted.extend(promised::tags(&self.state).into_iter().map(|(id, tags)| (id, "tag_dropped", Some(tags.len()))));
        if self.from == Platform::Zendesk {
            wanted.extend(zendesk::withholding(&self.state).into_iter().map(|id| (id, "file_gone", None)));
        }
        for rating in self.state["satisfaction_ratings"].as_array().into_iter().flatten() {
            wanted.push((rating["ticket_id"].as_u64().unwrap_or_default(), "rating_dropped", None));
        }
        let mut spent: BTreeMap<u64, usize> = BTreeMap::new();
        for entry in self.state["time_entries"].as_array().into_iter().flatten() {
            *spent.entry(entry["ticket_id"].as_u64().unwrap_or_default()).or_default() += 1;
        }
        wanted.extend(spent.into_iter().map(|(id, entries)| (id, "time_dropped", Some(entries))));
        let asked = |id: u64| self.expected.tickets.iter().any(|ticket| ticket.id == id as i64);
        let untold = wanted.into_iter().filter(|(id, loss, times)| {
            let counted = counted(*id, loss);
            asked(*id) && (counted.is_none() || times.is_some_and(|times| counted != Some(times)))
        });
        let said = |(id, loss, times): (u64, &str, Option<usize>)| Difference {
            what: What::Value,
            at: format!("ticket {id}"),
            said: format!("the report does not tell of {loss} ({times:?}): {:?}", told.get(&id)),
        };
        let articles =
            self.state[if self.from == Platform::Zendesk { "library" } else { "solutions" }]["articles"].as_array();
        let skipped =
            report.iter().filter(|row| &row[0] == "article" && &row[3] == "skipped" && &row[4] == "unsupported");
        let (skipped, articles) = (skipped.count(), articles.map_or(0, Vec::len));
        let said_of_articles = (skipped != articles || articles == 0).then(|| Difference {
            what: What::Value,
            at: "the knowledge base".into(),
            said: format!("{skipped} articles are said to stay, of {articles}"),
        });
        Ok(untold.map(said).chain(said_of_articles).collect())
    }

    fn report(&self) -> Result<Vec<StringRecord>> {
        let said = self.binary.succeed(&["report", "--format", "csv"], MINUTES)?.stdout;
        csv::Reader::from_reader(said.as_bytes())
            .records()
            .collect::<Result<_, _>>()
            .map_err(|e| format!("the report: {e}"))
    }

    pub fn allow_relations_between_projects(&self) -> Result<()> {
        let db = later::open(self.redmine.var("REDMINE_DB")?)?;
        let allow = "INSERT INTO settings (name, value, updated_on) VALUES ('cross_project_issue_relations', '1', datetime('now'))";
        db.execute(allow, []).map(drop).map_err(|e| e.to_string())
    }

    /// Rows the Redmine holds.
    pub fn written(&self) -> Result<i64> {
        kill::written_to_redmine(&self.redmine)
    }
}

/// Losses of each ticket.
fn losses(report: &[StringRecord]) -> Result<BTreeMap<u64, String>> {
    // What the source held back is no ticket of it.
    let tickets = report.iter().filter(|row| &row[0] == "ticket" && &row[4] != "suspended");
    let losses = |row: &StringRecord| -> Result<(u64, String)> {
        Ok((row[1].parse().map_err(|_| format!("ticket {}?", &row[1]))?, row[10].to_owned()))
    };
    tickets.map(losses).collect()
}
