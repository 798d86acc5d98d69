//! What a target without an account is taken to hold: the people, groups, fields and languages the source's records name.
//!
//! Whether they are there only an account can tell. So that a preview shows tickets as they will be, and no loss that is
//! not certain, they are taken for there, each under a provisional id, and told as what is to be made or checked. Labels
//! of statuses, priorities and types are not assumed: the platform ships with its own.

use super::migrate::BATCH;
use super::survey::is_nothing;
use super::target_metadata::{Entry, TargetMetadata};
use super::translate::to_be_made;
use super::{Job, Stop};
use crate::connector::profile::{Authors, Silence};
use crate::connector::provisional::provisional;
use crate::error::Result;
use crate::ledger::State;
use crate::mapping::{CustomRule, Mapped, Missing, Place, ValueField};
use crate::record::{Body, Field, FieldType, Kind, Record, address_key};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// One sort of thing that is to be made or checked in the account.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ToCheck {
    pub what: &'static str,
    /// Which of them.
    pub names: Vec<String>,
    /// What to do.
    pub hint: String,
}

/// What was assumed.
#[derive(Debug, Default)]
pub struct Assumed {
    pub to_check: Vec<ToCheck>,
    /// Names of the values that stand as provisional ids, in their order.
    pub names: Vec<String>,
}

/// Completes the target metadata of a target without an account; that of any other stays as it is.
pub async fn complete(job: &Job, target_metadata: &mut TargetMetadata) -> Result<Assumed, Stop> {
    let mut assumed = Assumed::default();
    if !job.target.is_on_paper() {
        return Ok(assumed);
    }
    target_metadata.each_word(|vocabulary, entry| {
        if entry.id.is_empty() {
            entry.id = assumed.called(format!("{vocabulary} {}.id", entry.label));
        }
    });
    assumed.labels(target_metadata);
    assumed.groups(job, target_metadata).await?;
    assumed.agents(job, target_metadata).await?;
    assumed.fields(job, target_metadata).await?;
    if job.target.writes(Kind::Article) {
        assumed.languages(job, target_metadata).await?;
    }
    assumed.account(job);
    Ok(assumed)
}

impl Assumed {
    fn called(&mut self, name: String) -> String {
        self.names.push(name);
        provisional(self.names.len() - 1)
    }

    fn tell(&mut self, what: &'static str, names: Vec<String>, hint: impl Into<String>) {
        if !names.is_empty() {
            self.to_check.push(ToCheck { what, names, hint: hint.into() });
        }
    }

    fn labels(&mut self, target_metadata: &TargetMetadata) {
        for (what, vocabulary) in [("statuses", "status"), ("types", "type")] {
            self.tell(what, target_metadata.labels(vocabulary), "as the platform comes: the account may have others");
        }
    }

    async fn groups(&mut self, job: &Job, target_metadata: &mut TargetMetadata) -> Result<(), Stop> {
        let rule = &job.mapping.ticket.group;
        let mut names = BTreeSet::new();
        for record in staged(job, Kind::Group).await? {
            let Body::Group(group) = record.body else { continue };
            match rule.apply(ValueField::Group, &group.name, &[]) {
                Mapped::To(name) => names.insert(name),
                Mapped::Unknown => names.insert(group.name),
                Mapped::Drop | Mapped::Fail(_) => false,
            };
        }
        names.extend(rule.default.clone());
        for name in &names {
            let id = self.called(format!("group {name}.id"));
            let fields = Map::from_iter([("id".to_owned(), json!(id)), ("name".to_owned(), json!(name))]);
            target_metadata.learn_group(Entry { id, label: name.clone(), fields });
        }
        self.tell("groups", names.into_iter().collect(), "`[ticket.group] values` names others");
        Ok(())
    }

    async fn agents(&mut self, job: &Job, target_metadata: &mut TargetMetadata) -> Result<(), Stop> {
        let people = &job.mapping.people;
        // By address; with the name they have in the source.
        let mut agents = BTreeMap::new();
        for record in staged(job, Kind::Agent).await? {
            let (Body::Agent(person), id) = (record.body, record.id) else { continue };
            let Some(email) = person.emails.first() else { continue };
            agents.insert(address_key(people.agent_email(email)), person.name.unwrap_or(id));
        }
        if let Missing::Default(address) = &people.missing {
            agents.entry(address_key(address)).or_insert_with(|| address.clone());
        }
        for (address, name) in &agents {
            let mut of = |what: &str| self.called(format!("agent {address}.{what}"));
            let (id, login, principal) = (of("id"), of("login"), of("principal"));
            let fields = json!({ "id": id, "name": name, "emails": [address], "login": login, "principal": principal });
            let Value::Object(fields) = fields else { continue };
            target_metadata.learn_agent(address, Entry { id, label: name.clone(), fields });
        }
        self.tell("agents", agents.into_keys().collect(), "by these addresses; `[people] agents` names others");
        Ok(())
    }

    async fn fields(&mut self, job: &Job, target_metadata: &mut TargetMetadata) -> Result<(), Stop> {
        let rules = &job.rules_of_fields(&*target_metadata).await?;
        let (mut told, mut defined) = (Vec::new(), BTreeSet::new());
        let makes = job.target.writes(Kind::Field);
        for record in staged(job, Kind::Field).await? {
            let Body::Field(field) = record.body else { continue };
            defined.insert(field.key.clone());
            let is_marker = job.target.marker_field() == Some(field.title.as_str());
            if field.scope != Kind::Ticket || is_marker {
                continue;
            }
            match rules.place(&field.key, Some(&field.title), target_metadata.fields()) {
                Place::To(_) | Place::Drop => continue,
                Place::Create(_) if makes => continue,
                Place::Create(_) | Place::Nowhere | Place::Wrong(_) => {}
            }
            let rule = rules.rule(&field.key, Some(&field.title)).cloned().unwrap_or_default();
            self.field(job, target_metadata, &field, &rule, rules.title(&field), &mut told);
        }
        for field in undefined(job, &defined, target_metadata).await? {
            if rules.place(&field.key, Some(&field.title), target_metadata.fields()) == Place::Nowhere {
                self.field(job, target_metadata, &field, &CustomRule::default(), &field.title, &mut told);
            }
        }
        for (name, rule) in rules.0.iter().filter(|(_, rule)| rule.value.is_some() || rule.default.is_some()) {
            if matches!(rules.place_of_rule(name, target_metadata.fields()), Place::Nowhere | Place::Wrong(_)) {
                let field = text_field(name);
                self.field(job, target_metadata, &field, rule, rules.title(&field), &mut told);
            }
        }
        let hint = match makes {
            true => "`create = true` under [ticket.custom.\"…\"] has the run make them; `to` names others",
            false => "make them by hand; `to` under [ticket.custom.\"…\"] names others",
        };
        self.tell("custom fields", told, hint);
        Ok(())
    }

    /// A field as it would be made for the source's. One whose values no type of the platform holds is not assumed.
    fn field(
        &mut self,
        job: &Job,
        target_metadata: &mut TargetMetadata,
        field: &Field,
        rule: &CustomRule,
        title: &str,
        told: &mut Vec<String>,
    ) {
        let profile = job.target.profile();
        let same = || {
            let by_hand = profile.field_types.is_empty();
            let holds = !matches!(field.field_type, FieldType::User | FieldType::Lookup | FieldType::File);
            let (key, title) = (title.to_owned(), title.to_owned());
            (by_hand && holds).then(|| Field { key, title, required: false, ..field.clone() })
        };
        let Some(there) = to_be_made(field, rule, title, profile, &|_| true).or_else(same) else { return };
        let id = self.called(format!("field {}.id", there.title));
        told.push(format!("{} ({})", there.title, there.field_type));
        target_metadata.learn(there, &id);
    }

    /// The languages of the knowledge base: the one most of it is written in is taken for the account's main one.
    async fn languages(&mut self, job: &Job, target_metadata: &mut TargetMetadata) -> Result<(), Stop> {
        let mut written: BTreeMap<String, u64> = BTreeMap::new();
        let mut some = false;
        for kind in [Kind::Category, Kind::Section, Kind::Article] {
            let mut after = None;
            loop {
                let rows = job.link.next(kind, State::ALL, after, BATCH).await?;
                let Some(last) = rows.last() else { break };
                (after, some) = (Some(last.seq), true);
                for row in rows {
                    let Some(Ok(record)) = job.staged(kind, &row.id).await? else { continue };
                    let (own, others) = match record.body {
                        Body::Category(one) => (one.locale, one.translations),
                        Body::Section(one) => (one.locale, one.translations),
                        Body::Article(one) => (one.locale, one.translations),
                        _ => continue,
                    };
                    own.into_iter().for_each(|locale| *written.entry(locale).or_default() += 1);
                    others.into_iter().for_each(|other| *written.entry(other.locale).or_default() += 0);
                }
            }
        }
        if !some {
            return Ok(());
        }
        if written.is_empty() {
            written.insert("en".into(), 1);
        }
        let main = written.iter().max_by_key(|(_, n)| **n).map(|(code, _)| code.clone());
        for code in written.keys() {
            let fields = Map::from_iter([("default".to_owned(), json!(main.as_ref() == Some(code)))]);
            target_metadata.learn_word("language", Entry { id: code.clone(), label: code.clone(), fields });
        }
        self.tell("languages", written.into_keys().collect(), "switch them on for the knowledge base");
        Ok(())
    }

    /// What the account itself must be like.
    fn account(&mut self, job: &Job) {
        let profile = job.target.profile();
        if let Some(field) = job.target.marker_field() {
            let hint = "by it tickets are found again; `deskferry check` says how it is made";
            self.tell("ticket field of our own", vec![field.to_owned()], hint);
        }
        if profile.authors == Authors::Asked {
            let hint = "all others are named in the first line of their message";
            self.tell("right of the account", vec!["to write under their own name".into()], hint);
        }
        if profile.silence == Silence::Declared && !job.project.target.silenced {
            self.tell("switch for outgoing mail", vec!["off while a run writes".into()], job.target.how_to_silence());
        }
    }
}

/// The staged definitions of a kind.
pub(super) async fn staged(job: &Job, kind: Kind) -> Result<Vec<Record>> {
    let rows = job.staging.rows(kind.code()).await?;
    Ok(rows.iter().filter_map(|row| job.source.assemble(kind, row, &Default::default()).ok()).collect())
}

/// What tickets hold custom values of that no definition names. Their messages are not looked at.
async fn undefined(
    job: &Job,
    defined: &BTreeSet<String>,
    target_metadata: &TargetMetadata,
) -> Result<Vec<Field>, Stop> {
    let (mut found, mut after) = (BTreeMap::new(), None);
    let marker = job.target.marker_field();
    loop {
        job.halt.check()?;
        let rows = job.link.next(Kind::Ticket, State::ALL, after, BATCH).await?;
        let Some(last) = rows.last() else { return Ok(found.into_values().collect()) };
        after = Some(last.seq);
        for row in rows {
            let Some(raw) = job.staging.item(Kind::Ticket.code(), &row.id).await? else { continue };
            let Ok(record) = job.source.assemble(Kind::Ticket, &raw, &Default::default()) else { continue };
            let Body::Ticket(ticket) = record.body else { continue };
            for value in ticket.custom.into_iter().filter(|v| !is_nothing(&v.value) && !defined.contains(&v.key)) {
                let title = value.title.unwrap_or_else(|| value.key.clone());
                let known = job.mapping.ticket.custom.place(&value.key, Some(&title), target_metadata.fields());
                if known == Place::Nowhere && marker != Some(title.as_str()) {
                    found.entry(value.key.clone()).or_insert_with(|| Field { key: value.key, ..text_field(&title) });
                }
            }
        }
    }
}

fn text_field(name: &str) -> Field {
    let (key, title) = (name.to_owned(), name.to_owned());
    Field { scope: Kind::Ticket, key, title, field_type: FieldType::Text, required: false, options: vec![] }
}
