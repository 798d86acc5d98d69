//! A Request Tracker that moves into a look-alike.

use super::{AGENTS, Platform, mailed, migrated_keys, pairs, sandbox, save, spoil, table, write_project};
use crate::binary::Binary;
use crate::compare::target::{Known, Target};
use crate::compare::{self, Dates, Difference, Images, PrivateFiles, Rules, What, freshdesk, zendesk};
use crate::desks::Desk;
use crate::http::{Client, Result};
use crate::journey::{self, Product};
use crate::seed::expected::Expected;
use crate::seed::{rt, verify};
use crate::servers::{self, Server};
use crate::{moves, project, report};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Fields made in the Freshdesk for those of the Request Tracker: by title, with the type of Freshdesk.
const FIELDS: [(&str, &str); 15] = [
    ("Serial Numbers", "custom_text"),
    ("Seats", "custom_number"),
    ("Weight", "custom_decimal"),
    ("Severity", "custom_dropdown"),
    ("Products", "custom_text"),
    ("Details", "custom_paragraph"),
    ("Runbook", "custom_paragraph"),
    ("Memo", "custom_paragraph"),
    ("Purchase Date", "custom_date"),
    ("Callback At", "custom_text"),
    ("Area", "custom_text"),
    ("Keywords", "custom_text"),
    ("Channel", "custom_text"),
    ("Host", "custom_text"),
    ("Network", "custom_text"),
];
/// Those that hold several values.
const LISTS: [&str; 3] = ["Serial Numbers", "Products", "Keywords"];

impl Platform {
    fn statuses(self) -> [(&'static str, &'static str); 5] {
        let [new, open, stalled, resolved] = match self {
            Self::Freshdesk => ["Open", "Open", "Pending", "Resolved"],
            Self::Zendesk => ["New", "Open", "Pending", "Solved"],
        };
        [("new", new), ("open", open), ("stalled", stalled), ("resolved", resolved), ("rejected", "Closed")]
    }

    fn groups(self) -> [(&'static str, &'static str); 3] {
        let [billing, general] = match self {
            Self::Freshdesk => ["Billing", "Tier 2"],
            Self::Zendesk => ["Buchhaltung", "2nd level"],
        };
        [("Support", "Support"), ("Billing", billing), ("General", general)]
    }

    /// What fields of the Request Tracker are called there: a Zendesk gets those it does not have.
    fn renamed(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Freshdesk => &[("cf_order_number", "Order Number"), ("cf_area", "Region")],
            Self::Zendesk => &[("Order no.", "Order Number"), ("Area", "Region")],
        }
    }

    fn custom(self) -> String {
        if self == Self::Freshdesk {
            return "\"Order Number\" = { to = \"cf_order_number\" }\nRegion = { to = \"Area\" }\n".into();
        }
        let made = FIELDS.iter().filter(|(title, _)| *title != "Area");
        let made: String = made.map(|(title, _)| format!("{title:?} = {{ create = true }}\n")).collect();
        format!("\"Order Number\" = {{ to = \"Order no.\" }}\nRegion = {{ to = \"Area\", create = true }}\n{made}")
    }

    fn read(self, state: &Value, known: &Known) -> Target {
        match self {
            Self::Freshdesk => freshdesk::read(state, known),
            Self::Zendesk => zendesk::read(state, known),
        }
    }
}

pub struct FromRt {
    to: Platform,
    rt: &'static Server,
    pub desk: Desk,
    pub binary: Binary,
    project: PathBuf,
    expected: Expected,
    /// Addresses there, and the agents of the Request Tracker they stand for.
    agents: Vec<(String, &'static str)>,
    /// Mails the Request Tracker had sent before.
    mails: usize,
}

impl FromRt {
    pub fn new(to: Platform, name: &str, faults: &str) -> Result<Self> {
        let rt = moves::running_source()?;
        let project = servers::folder(&format!("{name}-{}-project", to.name()))?;
        let flags: &[&str] = if to == Platform::Zendesk { &["--lag", "1"] } else { &["--silenced"] };
        let desk = sandbox(&project, to, 0, faults, flags)?;
        match to {
            Platform::Freshdesk => make_fields(&desk)?,
            Platform::Zendesk => in_a_hurry(&project)?,
        }
        let agents: Vec<_> = agents(to, &desk.state()).into_iter().zip(AGENTS).collect();
        let mapped: Vec<_> = agents.iter().map(|(there, own)| (*own, there.as_str())).collect();
        let mapping = format!(
            "[ticket.status]\nvalues = {}\n[ticket.priority]\nelse = {normal:?}\ndefault = {normal:?}\n[ticket.group]\nvalues = {}\n[ticket.custom]\n{}[people]\nagents = {}\n",
            table(&to.statuses()),
            table(&to.groups()),
            to.custom(),
            table(&mapped),
            normal = if to == Platform::Zendesk { "Normal" } else { "Medium" },
        );
        let source = journey::account(rt, Product::RequestTracker, "SOURCE_KEY")?;
        write_project(&project, &source, &desk.account("TARGET_KEY"), "create_marker = true", &mapping)?;
        let env = vec![("SOURCE_KEY", rt.var("RT_TOKEN")?.to_owned()), ("TARGET_KEY", desk.key())];
        let binary = Binary { project: project.clone(), env };
        let mut expected = Expected::load(&rt.dir.join("expected.json"))?;
        if to == Platform::Zendesk {
            as_zendesk_has_it(&mut expected, &desk.state(), &agents);
        }
        let mails = rt::mails(Path::new(rt.var("RT_MAILS")?))?;
        Ok(Self { to, rt, desk, binary, project, expected, agents, mails })
    }

    /// Everything that is not as it was promised, at both ends.
    pub fn differences(&self) -> Result<Vec<Difference>> {
        let mut all = self.compared(&self.desk.state())?;
        all.extend(self.desk.mails().iter().map(|mail| mailed("the target", mail.to_string())));
        all.extend(migrated_keys(&self.desk));
        let now = rt::mails(Path::new(self.rt.var("RT_MAILS")?))?;
        if now != self.mails {
            all.push(mailed("the source", format!("{} mails since the move began", now - self.mails)));
        }
        let seeded = Expected::load(&self.rt.dir.join("expected.json"))?;
        let source = verify::differences(&rt::Desk::new(self.rt.env.clone()), &seeded)?;
        all.extend(source.into_iter().map(|said| Difference { what: What::Source, at: "the source".into(), said }));
        Ok(all)
    }

    fn compared(&self, state: &Value) -> Result<Vec<Difference>> {
        let known = Known { agents: &self.agents, fields: self.to.renamed(), lists: &LISTS };
        let mut target = self.to.read(state, &known);
        let common = Rules {
            status: pairs(&self.to.statuses()),
            project: pairs(&self.to.groups()),
            private_files: PrivateFiles::Hidden,
            empty_files: false,
            links: false,
            hosts: vec![self.rt.var("RT_BASE_URL")?.to_owned()],
            ..project::rules("admin@acme.example".into())
        };
        let rules = match self.to {
            Platform::Freshdesk => {
                Rules { images: Images::Named, ticket_bytes: 20_000_000, first_by_requester: true, ..common }
            }
            Platform::Zendesk => {
                self.without_those_zendesk_chose(&mut target);
                self.without_fields_of_its_own(&mut target);
                Rules { dates: Dates::Native, created: true, body_chars: 60_000, ..common }
            }
        };
        let kept = compare::kept(&self.project.join(".deskferry/kept"))?;
        Ok(compare::differences(&self.expected, &target, &rules, &kept))
    }

    /// A settled ticket must have somebody in Zendesk: where nobody was promised, anybody will do.
    fn without_those_zendesk_chose(&self, target: &mut Target) {
        let nobody = self.expected.tickets.iter().filter(|ticket| ticket.owner.is_none());
        let nobody: BTreeSet<&str> = nobody.map(|ticket| ticket.subject.as_str()).collect();
        let settled = |status: &str| ["Solved", "Closed"].contains(&status);
        for issue in target.issues.iter_mut().filter(|i| settled(&i.status) && nobody.contains(i.subject.as_str())) {
            issue.assignee = None;
        }
    }

    /// Fields the Zendesk came with are empty, and stay so.
    fn without_fields_of_its_own(&self, target: &mut Target) {
        let known = |title: &str| self.expected.tickets.iter().any(|ticket| ticket.custom.contains_key(title));
        for issue in &mut target.issues {
            issue.custom.retain(|title, values| title == "Deskferry" || known(title) || !values.is_empty());
        }
    }

    /// Calls that wrote something, so far.
    pub fn written(&self) -> i64 {
        let what = if self.to == Platform::Zendesk { "/uploads" } else { "/tickets" };
        self.desk.writes_after(0).iter().filter(|write| write.contains(what)).count() as i64
    }

    /// How many of these there will be, or so.
    pub fn written_whole(&self) -> i64 {
        let messages = self.expected.messages().map(|(_, message)| message);
        match self.to {
            Platform::Freshdesk => messages.count() as i64,
            Platform::Zendesk => messages.map(|m| m.files.iter().filter(|file| file.size > 0).count() as i64).sum(),
        }
    }

    /// What the look-alike holds, spoiled in memory in ways that only this reading of it could miss.
    pub fn spoiled_is_noticed(&self) -> Result<()> {
        let whole = self.desk.state();
        let host = self.rt.var("RT_BASE_URL")?;
        for (n, (what, spoil)) in spoil::WAYS.iter().enumerate() {
            let mut state = whole.clone();
            spoil(self.to, &mut state, host);
            let found = self.compared(&state)?;
            if !found.iter().any(|d| d.what == *what) {
                return Err(format!("case {n}: no {what:?} was noticed: {}", report(&found)));
            }
        }
        Ok(())
    }
}

fn make_fields(freshdesk: &Desk) -> Result<()> {
    let login = BASE64_STANDARD.encode(format!("{}:X", freshdesk.key()));
    let admin = Client::new(&freshdesk.told("url"), &[("Authorization", &format!("Basic {login}"))]);
    FIELDS.into_iter().try_for_each(|(title, kind)| {
        let mut field = json!({ "label": title, "label_for_customers": title, "type": kind });
        if kind == "custom_dropdown" {
            let choices = ["Low", "Medium", "High"].into_iter().enumerate();
            field["choices"] = choices.map(|(n, value)| json!({ "value": value, "position": n + 1 })).collect();
        }
        admin.json("POST", "/api/v2/admin/ticket_fields", Some(&field)).map(drop)
    })
}

/// A manifest of Zendesk that waits seconds where the vendor's wants minutes, and imports a few tickets a job, so that there are
/// several.
fn in_a_hurry(project: &Path) -> Result<()> {
    let own = "connectors/zendesk.toml";
    let whole = crate::root::root().join(own);
    let mut manifest = std::fs::read_to_string(&whole).map_err(|e| format!("{}: {e}", whole.display()))?;
    let hurried = [("lag = 61", "lag = 2"), ("deadline = 900", "deadline = 6")];
    let ticket = ("item     = \"ticket\"\nmax      = 100", "item     = \"ticket\"\nmax      = 12");
    for (from, to) in hurried.into_iter().chain([ticket]) {
        assert!(manifest.contains(from), "the manifest has no `{from}`");
        manifest = manifest.replace(from, to);
    }
    std::fs::create_dir(project.join("connectors")).map_err(|e| format!("connectors: {e}"))?;
    save(&project.join(own), &manifest)
}

/// Addresses of those who work there, without its administrator.
fn agents(platform: Platform, state: &Value) -> Vec<String> {
    let rows = |list: &str| state[list].as_array().cloned().unwrap_or_default();
    let mut people = match platform {
        Platform::Freshdesk => rows("agents").split_off(1),
        Platform::Zendesk => rows("users"),
    };
    people.retain(|person| match platform {
        Platform::Freshdesk => person["deactivated"] != true,
        Platform::Zendesk => person["role"] == "agent" && person["suspended"] != true,
    });
    people.iter().filter_map(|person| person["email"].as_str()).map(str::to_lowercase).collect()
}

/// What a Zendesk makes of what was promised: only members of a group work on its tickets, and a new ticket somebody works on is
/// open.
fn as_zendesk_has_it(expected: &mut Expected, state: &Value, agents: &[(String, &str)]) {
    let rows = |list: &'static str| state["tables"][list].as_array().into_iter().flatten();
    let groups: HashMap<&str, &Value> =
        rows("groups").filter_map(|group| Some((group["name"].as_str()?, &group["id"]))).collect();
    let users = || state["users"].as_array().into_iter().flatten();
    let works_in = |own: &str, group: &str| {
        let there = agents.iter().find(|(_, agent)| *agent == own).map(|(there, _)| there.as_str());
        let user = users().find(|u| u["email"].as_str().map(str::to_lowercase).as_deref() == there);
        user.is_some_and(|user| {
            let both = |m: &&Value| m["user_id"] == user["id"] && Some(&m["group_id"]) == groups.get(group).copied();
            rows("group_memberships").any(|membership| both(&membership))
        })
    };
    let group: HashMap<&str, &str> = Platform::Zendesk.groups().into();
    for ticket in &mut expected.tickets {
        let address = ticket.owner.as_ref().and_then(|owner| owner.email.as_deref()).unwrap_or_default();
        if !works_in(address, group[ticket.queue.as_str()]) {
            ticket.owner = None;
        }
        if ticket.status == "new" && ticket.owner.is_some() {
            ticket.status = "open".into();
        }
    }
}
