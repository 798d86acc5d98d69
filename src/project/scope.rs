//! Which records a run carries, and how it runs.

use super::literal;
use crate::record::Kind;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// Which records are migrated. What is left out is counted, never forgotten.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Scope {
    /// The kinds to migrate; all that both platforms have when empty. People a ticket names are always migrated.
    pub kinds: Vec<Kind>,
    /// Only tickets made at or after this day (midnight UTC) or instant.
    #[serde(deserialize_with = "literal::instant")]
    #[schemars(with = "Option<String>")]
    pub created_after: Option<Timestamp>,
    /// Only tickets made before this day or instant.
    #[serde(deserialize_with = "literal::instant")]
    #[schemars(with = "Option<String>")]
    pub created_before: Option<Timestamp>,
    /// Only tickets changed at or after this day or instant.
    #[serde(deserialize_with = "literal::instant")]
    #[schemars(with = "Option<String>")]
    pub updated_after: Option<Timestamp>,
    /// Only tickets with one of these status labels of the source.
    pub statuses: Vec<String>,
    /// Only tickets of these groups, queues or projects, by name.
    pub groups: Vec<String>,
    /// Only tickets with at least one of these tags.
    pub tags: Vec<String>,
    /// Only these records: `"ticket:12"`, or `"12"` for a ticket.
    pub ids: Vec<RecordId>,
    /// Carry deleted records too, where the source still shows them.
    pub deleted: bool,
    /// Carry spam too.
    pub spam: bool,
    /// Carry what the source holds back before it is a ticket (suspended tickets of Zendesk).
    pub suspended: bool,
    /// Carry archived records; true unless said otherwise.
    pub archived: bool,
    /// A jq condition over the canonical ticket; tickets for which it gives false or null are left out.
    pub jq: Option<String>,
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            kinds: vec![],
            created_after: None,
            created_before: None,
            updated_after: None,
            statuses: vec![],
            groups: vec![],
            tags: vec![],
            ids: vec![],
            deleted: false,
            spam: false,
            suspended: false,
            archived: true,
            jq: None,
        }
    }
}

/// One record of the source, written `kind:id`; without a kind it is a ticket.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Hash)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct RecordId {
    pub kind: Kind,
    pub id: String,
}

impl std::str::FromStr for RecordId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, id) = text.split_once(':').unwrap_or(("ticket", text));
        let kind = Kind::from_code(kind.trim()).ok_or_else(|| {
            let hint = super::spelling::hint(kind, Kind::ALL.iter().map(|k| k.code())).unwrap_or_default();
            format!("unknown kind `{kind}`\nhint: {hint}")
        })?;
        match id.trim() {
            "" => Err(format!("`{text}` is not an id\nhint: write it like \"ticket:12\"")),
            id => Ok(Self { kind, id: id.to_owned() }),
        }
    }
}

impl TryFrom<String> for RecordId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Which migration of the ledger is meant.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub enum Migration {
    /// Another one than those it holds.
    New,
    /// The one of this id: ten hex characters, as part of a marker and of a file's name.
    Id(String),
}

impl Migration {
    /// Characters of an id.
    pub const LENGTH: usize = 10;

    pub fn is_id(text: &str) -> bool {
        text.len() == Self::LENGTH && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    }
}

impl TryFrom<String> for Migration {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "new" => Ok(Self::New),
            id if Self::is_id(id) => Ok(Self::Id(text)),
            _ => Err(format!(
                "`{text}` is not the id of a migration\nhint: an id has {} characters, 0-9 and a-f, as `deskferry status` shows it in its \
                 first line; `\"new\"` begins another migration",
                Self::LENGTH
            )),
        }
    }
}

/// How a run goes about it.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Run {
    /// The share of each platform's call budget left to the people at work: `"20%"`. None unless said.
    #[serde(deserialize_with = "literal::share")]
    #[schemars(with = "String")]
    pub reserve: f64,
    /// How long after the answer of a write was lost "it is not there" is not believed: the server may still be at work on it. As the
    /// connector says unless given here.
    #[serde(deserialize_with = "some_duration")]
    #[schemars(with = "Option<String>")]
    pub settle: Option<Duration>,
    /// Make the field that marks our records in the target, where its API can.
    pub create_marker: bool,
    /// Make groups the target lacks, with those of their agents who are there. Never unless said.
    pub create_groups: bool,
    /// The migration of this ledger that is gone on with, by its id, where the accounts have other names now; `"new"` for one beside
    /// it. Only needed where `run` asks for it.
    pub migration: Option<Migration>,
    /// Stop after so many failed records; never unless said.
    pub max_failures: Option<u64>,
    /// Refuse to write until a preview under the same mapping was approved.
    pub approval: bool,
}

impl Run {
    /// The default of `settle`, where neither the project nor the connector says otherwise.
    pub const SETTLE: Duration = Duration::from_secs(30);
}

impl Default for Run {
    fn default() -> Self {
        Self {
            reserve: 0.0,
            settle: None,
            create_marker: false,
            create_groups: false,
            migration: None,
            max_failures: None,
            approval: false,
        }
    }
}

fn some_duration<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    literal::duration(from).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_scope_takes_archived_records_and_leaves_deleted_and_spam() {
        let scope: Scope = toml::from_str("").unwrap();
        assert!(scope.archived && !scope.deleted && !scope.spam && !scope.suspended);
        assert_eq!(scope, Scope::default());
    }

    #[test]
    fn a_bare_id_is_a_ticket() {
        let scope: Scope = toml::from_str("ids = ['12', 'contact:a:b']").unwrap();
        assert_eq!(scope.ids[0], RecordId { kind: Kind::Ticket, id: "12".into() });
        assert_eq!(scope.ids[1], RecordId { kind: Kind::Contact, id: "a:b".into() });
        assert!("tickt:1".parse::<RecordId>().unwrap_err().contains("did you mean `ticket`?"));
        assert!("ticket:".parse::<RecordId>().is_err());
    }

    #[test]
    fn a_migration_is_named_by_its_id_or_is_new() {
        let run = |value: &str| toml::from_str::<Run>(&format!("migration = {value:?}")).map(|run| run.migration);
        assert_eq!(run("new").unwrap(), Some(Migration::New));
        assert_eq!(run("042fecf388").unwrap(), Some(Migration::Id("042fecf388".into())));
        for odd in [
            "",
            "New",
            "/tmp/h1/Cargo",
            "../../x",
            "a:b",
            "042fecf38",
            "042fecf3880",
            "042FECF388",
            "042fecf38g",
            "é2fecf388",
        ] {
            let refused = run(odd).unwrap_err().to_string();
            assert!(refused.contains("is not the id of a migration") && refused.contains("hint: "), "{odd}: {refused}");
        }
    }
}
