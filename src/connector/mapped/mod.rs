//! The mapped record: a record in the target's ids, labels and bodies, as translation makes it and everything after it reads it.
//!
//! It becomes a JSON value in one place alone, where the jq of a manifest looks at it ([`Mapped::to_value`]). The table of
//! `docs/connectors.md` is drawn from these types and what is said of their fields; `tests/connectors/mapped.rs` keeps it so.

mod library;
mod ticket;

pub use library::{ArticleTranslation, FolderTranslation, FolderVariant, MappedArticle, MappedFolder};
pub use ticket::{MappedComment, MappedCustom, MappedRating, MappedTicket, MappedTimeEntry};

use crate::error::{Problem, Reason, Result};
use crate::ledger::Remote;
use crate::record::{Company, FieldOption, FieldType, Kind, LinkType, Outputs, Person, Record};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// A record ready to be planned.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Mapped {
    Group(MappedGroup),
    Company(MappedCompany),
    Contact(Box<MappedContact>),
    Field(MappedField),
    Ticket(Box<MappedTicket>),
    Category(MappedFolder),
    Section(MappedFolder),
    Article(Box<MappedArticle>),
    Link(MappedLink),
    /// As the source has it, for a target that takes any record as it is.
    Verbatim(Box<Verbatim>),
}

impl Mapped {
    pub fn kind(&self) -> Kind {
        match self {
            Mapped::Group(_) => Kind::Group,
            Mapped::Company(_) => Kind::Company,
            Mapped::Contact(_) => Kind::Contact,
            Mapped::Field(_) => Kind::Field,
            Mapped::Ticket(_) => Kind::Ticket,
            Mapped::Category(_) => Kind::Category,
            Mapped::Section(_) => Kind::Section,
            Mapped::Article(_) => Kind::Article,
            Mapped::Link(_) => Kind::Link,
            Mapped::Verbatim(verbatim) => verbatim.record.kind(),
        }
    }

    /// The source's id.
    pub fn id(&self) -> &str {
        match self {
            Mapped::Group(group) => &group.id,
            Mapped::Company(company) => &company.id,
            Mapped::Contact(contact) => &contact.id,
            Mapped::Field(field) => &field.id,
            Mapped::Ticket(ticket) => &ticket.id,
            Mapped::Category(folder) | Mapped::Section(folder) => &folder.id,
            Mapped::Article(article) => &article.id,
            Mapped::Link(link) => &link.id,
            Mapped::Verbatim(verbatim) => &verbatim.record.id,
        }
    }

    /// As jq sees it.
    ///
    /// Errors: `internal`; no type here has a value that JSON cannot hold.
    pub fn to_value(&self) -> Result<Value> {
        let wrong = |e| Problem::new(Reason::Internal, format!("the mapped {} cannot be written: {e}", self.kind()));
        serde_json::to_value(self).map_err(wrong)
    }
}

/// Names of the fields of a mapped record that hold something, in the order of its type.
///
/// Errors: `internal`, where it cannot be written as JSON.
pub fn filled(mapped: &impl Serialize) -> Result<Vec<String>> {
    let value = serde_json::to_value(mapped).map_err(|e| Problem::new(Reason::Internal, e.to_string()))?;
    let Value::Object(fields) = value else { return Ok(vec![]) };
    Ok(fields.into_iter().filter(|(_, value)| !is_empty(value)).map(|(name, _)| name).collect())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A label of a vocabulary of the target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Word {
    pub id: String,
    pub label: String,
}

/// A record of the target that this one refers to, with the outputs or fields of the target's row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reference {
    pub id: String,
    #[serde(flatten)]
    pub outputs: Outputs,
}

impl From<&Remote> for Reference {
    fn from(remote: &Remote) -> Reference {
        let mut outputs = remote.outputs.clone();
        outputs.remove("id");
        Reference { id: remote.id.clone(), outputs }
    }
}

/// A person of the target, with the outputs or fields of the target's row: a `login`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MappedPerson {
    pub id: String,
    /// Their address in the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `agent` or `contact`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    #[serde(flatten)]
    pub outputs: Outputs,
}

impl MappedPerson {
    /// What the source says of a person, and what the target's row says beside that.
    pub fn known(remote: &Remote, address: Option<String>, name: Option<String>, kind: Kind) -> MappedPerson {
        let Reference { id, mut outputs } = Reference::from(remote);
        for own in ["address", "name", "kind"] {
            outputs.remove(own);
        }
        MappedPerson { id, address, name, kind: Some(kind), outputs }
    }
}

impl From<&Remote> for MappedPerson {
    /// A person of whom only the target's row is known.
    fn from(remote: &Remote) -> MappedPerson {
        let Reference { id, outputs } = Reference::from(remote);
        MappedPerson { id, outputs, ..MappedPerson::default() }
    }
}

/// A file. Each step sees the outputs of the step that brings it beside these: a `token`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MappedFile {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Safe, and unique in the ticket.
    pub name: String,
    pub mime: Option<String>,
    pub bytes: u64,
    /// BLAKE3.
    pub hash: String,
    /// Where the bytes are on this machine.
    pub path: PathBuf,
    /// The message it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Of an article: whether a body shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline: Option<bool>,
    /// Of an article: what bodies have for its address until it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// A contact that is made: the canonical person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MappedContact {
    #[serde(flatten)]
    pub person: Person,
    pub id: String,
    /// What they are matched by.
    pub address: Option<String>,
}

/// A company that is made: the canonical company.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MappedCompany {
    #[serde(flatten)]
    pub company: Company,
    pub id: String,
}

/// A group that is made: only with `[run] create_groups`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MappedGroup {
    /// Of the source.
    pub id: String,
    /// The target's, by the mapping.
    pub name: String,
    pub description: Option<String>,
    /// Ids of agents of the target.
    pub members: Vec<String>,
}

/// A custom field that is made, or that gets options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MappedField {
    /// Of the source.
    pub id: String,
    pub title: String,
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Of a new field all, else those it lacks.
    pub options: Vec<FieldOption>,
    /// The target's row of a field that is there.
    pub target: Option<Map<String, Value>>,
}

/// A relation between two tickets of the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MappedLink {
    pub id: String,
    /// The target's id, like `to`.
    pub from: String,
    pub to: String,
    #[serde(rename = "type")]
    pub link_type: LinkType,
}

/// A record as the source has it, whose attachments name where their bytes come to lie, and where those bytes are now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verbatim {
    pub record: Record,
    pub files: Vec<MappedFile>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_lists_its_own_fields_that_hold_something_in_their_order() {
        let mut ticket = MappedTicket { id: "1".into(), subject: "Help".into(), ..MappedTicket::default() };
        assert_eq!(filled(&ticket).unwrap(), ["id", "subject"]);
        ticket.ticket_type = Some(Word { id: "7".into(), label: "Problem".into() });
        ticket.tags = vec!["vip".into()];
        assert_eq!(filled(&ticket).unwrap(), ["id", "subject", "type", "tags"]);
    }

    #[test]
    fn jq_sees_what_a_row_of_the_target_says_beside_its_id_and_no_second_id() {
        let remote = Remote {
            id: "7".into(),
            outputs: [("id".to_owned(), json!(8)), ("login".to_owned(), json!("ann"))].into_iter().collect(),
            ..Remote::default()
        };
        assert_eq!(serde_json::to_value(Reference::from(&remote)).unwrap(), json!({ "id": "7", "login": "ann" }));
        let person = MappedPerson::known(&remote, Some("ann@x.y".into()), None, Kind::Agent);
        let seen = json!({ "id": "7", "address": "ann@x.y", "kind": "agent", "login": "ann" });
        assert_eq!(serde_json::to_value(person).unwrap(), seen);
    }
}
