//! A row of a table as a row of the source: known by its id, with the records it refers to, or with why it cannot be read.

use super::cells::Spot;
use super::census::Census;
use super::children::{self, Readers};
use super::columns::Columns;
use super::faults::{Fault, Place};
use super::fields;
use super::line;
use super::table::{Row, Table};
use super::twins;
use crate::connector;
use crate::error::{Problem, Reason, Result};
use crate::mapping::label;
use crate::record::{Kind, Record, address_key};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The key of a staged row that says why there is no record of it.
const UNREADABLE: &str = "unreadable";

/// What a row is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub id: String,
    /// What two rows of one record share: the id to the letter, else the address or the name however it is spelled.
    pub key: String,
    /// It has no id, and an address.
    pub by_address: bool,
    /// It has neither an id nor an address: two people may be called alike.
    pub by_name: bool,
}

impl Known {
    /// Whether others may have its id where the row cannot be read: whoever has an address can be made of that, so that their
    /// tickets need not wait.
    pub fn is_free(&self) -> bool {
        self.by_address || self.by_name
    }
}

/// What a row is known by: its id, or what stands in for it.
pub fn known(kind: Kind, row: &Map<String, Value>) -> Option<Known> {
    let text = |field: &str| match row.get(field)? {
        Value::Array(all) => all.first()?.as_str(),
        other => other.as_str(),
    };
    if let Some(id) = text("id") {
        return Some(Known { id: id.to_owned(), key: format!("id {id}"), by_address: false, by_name: false });
    }
    let field = fields::stand_ins(kind).iter().find(|field| text(field).is_some_and(|text| !text.trim().is_empty()))?;
    let said = text(field)?.trim();
    Some(match *field {
        "emails" => {
            Known { id: address_key(said), key: format!("as {}", address_key(said)), by_address: true, by_name: false }
        }
        "number" | "key" | "login" => {
            Known { id: said.to_owned(), key: format!("as {said}"), by_address: false, by_name: false }
        }
        _ => {
            let by_name = matches!(kind, Kind::Agent | Kind::Contact);
            Known { id: said.to_owned(), key: format!("as {}", label::key(said)), by_address: false, by_name }
        }
    })
}

/// Why nobody can say what a row is.
pub fn nameless(kind: Kind, place: Place) -> Fault {
    let ways = fields::stand_ins(kind);
    let (what, hint) = match ways {
        [] | ["key"] => ("has no `id`".to_owned(), "every row of this table needs one".to_owned()),
        ["number"] => {
            let hint = "every ticket needs one: `id` under `[ticket.columns]` of columns.toml names its column";
            ("has no `id`".to_owned(), hint.to_owned())
        }
        ways => {
            let ways = ways.iter().map(|way| format!("`{way}`")).collect::<Vec<_>>().join(", ");
            ("it has neither a name nor an address".to_owned(), format!("fill one of `id`, {ways}"))
        }
    };
    Fault { place, what, hint }
}

/// The record of a row whose fields are complete.
///
/// Errors: what is wrong with it, without its text.
pub fn record(kind: Kind, mut fields: Map<String, Value>) -> Result<Record, String> {
    fields.insert("kind".into(), kind.code().into());
    Record::deserialize(&Value::Object(fields)).map_err(|e| line::said(&e.to_string()))
}

/// A record as a row of the source, and where it stands.
pub fn row(record: &Record, place: Option<&Place>) -> Result<connector::Row> {
    let raw = serde_json::to_value(record).map_err(|e| Problem::new(Reason::Internal, e.to_string()))?;
    let updated_at = record.updated_at.map(|at| at.to_string());
    let place = place.map(Place::to_string);
    Ok(connector::Row { id: record.id.clone(), number: record.number.clone(), updated_at, place, raw, unread: None })
}

/// A row that fails alone, under its id where it has one that no other row has, else under its place.
pub fn unreadable(id: Option<&str>, faults: &[Fault]) -> connector::Row {
    let place = faults.first().map(|fault| Place { column: None, ..fault.place.clone() }.to_string());
    let (id, first) = match (id, faults.first()) {
        (Some(id), first) => (id.to_owned(), first.map(Fault::problem)),
        (None, Some(first)) => {
            let problem = Problem::new(Reason::BadExport, &first.what).hint(&first.hint);
            let column = first.place.column.as_ref().map(|column| format!("column `{column}`"));
            (
                place.clone().unwrap_or_default(),
                Some(match column {
                    Some(column) => problem.at(column),
                    None => problem,
                }),
            )
        }
        (None, None) => (String::new(), None),
    };
    let problem = first.map(|mut problem| {
        if faults.len() > 1 {
            problem.what.push_str(&format!(" (and {} more of this record)", faults.len() - 1));
        }
        problem
    });
    let raw = json!({ "id": id, UNREADABLE: problem });
    connector::Row { id, number: None, updated_at: None, place, raw, unread: None }
}

/// A person whose id somebody else has: the agent holds it, so that whoever names it waits.
pub fn unreadable_twin(kind: Kind, id: &str, fault: &Fault) -> connector::Row {
    unreadable(Some(id).filter(|_| kind == Kind::Agent), std::slice::from_ref(fault))
}

/// Why a staged row gives no record; none where it does.
pub fn why_unreadable(row: &Value) -> Option<Problem> {
    let said = row.get(UNREADABLE)?;
    let problem = Problem::deserialize(said).ok();
    Some(problem.unwrap_or_else(|| Problem::new(Reason::BadExport, "cannot be read")))
}

/// Makes rows of the source of the rows of one table.
pub struct Reader<'a> {
    kind: Kind,
    census: &'a Census,
    said: &'a Columns,
    children: Readers<'a>,
    /// The same table again, for rows that add to an earlier one.
    others: Option<Table<'a>>,
}

impl<'a> Reader<'a> {
    pub fn new(kind: Kind, census: &'a Census, said: &'a Columns) -> Result<Reader<'a>> {
        let children = if kind == Kind::Ticket { census.readers()? } else { Readers::default() };
        let others = census.tables.get(kind.code()).map(Table::open).transpose()?;
        Ok(Reader { kind, census, said, children, others })
    }

    /// A row of the source; none where an earlier row holds it.
    pub fn row(&mut self, mut row: Row, table: &Table<'_>) -> Result<Option<connector::Row>> {
        let kind = self.kind;
        let repeats = self.census.repeats.get(&kind);
        if repeats.is_some_and(|repeats| repeats.absorbed.contains(&row.spot)) {
            return Ok(None);
        }
        if let (Some(repeats), Some(others)) = (repeats, self.others.as_mut()) {
            repeats.complete(kind, &mut row, others)?;
        }
        let Some(known) = known(kind, &row.fields) else {
            if row.faults.is_empty() {
                row.faults.push(nameless(kind, table.place(row.spot, None)));
            }
            return Ok(Some(unreadable(None, &row.faults)));
        };
        let place = table.place(row.spot, None);
        if let Some(there) = repeats.and_then(|repeats| repeats.twins.get(&row.spot)) {
            let fault = twins::fault(kind, place, &known.id, there);
            return Ok(Some(unreadable_twin(kind, &known.id, &fault)));
        }
        let footers = self.census.footers.get(kind.code());
        if let Some(fault) = footers.and_then(|footers| footers.get(&row.spot)) {
            return Ok(Some(unreadable(Some(&known.id), std::slice::from_ref(fault))));
        }
        row.fields.insert("id".into(), known.id.clone().into());
        let wrong = self.census.named.wrong_in(kind.code(), &row.fields);
        row.faults.extend(wrong.into_iter().map(|(field, wrong)| table.named(row.spot, field, wrong)));
        self.census.named.resolve(kind.code(), &mut row.fields);
        if kind == Kind::Ticket {
            if let Err((field, what, hint)) =
                children::own_files(&row.fields, "1", self.said, Some(&self.census.folder))
            {
                row.faults.push(table.fault(row.spot, field, what, hint));
            }
            self.census.children.join(&mut row, self.said, &mut self.children, &self.census.named)?;
        }
        if row.faults.is_empty() {
            match record(kind, row.fields) {
                Ok(record) => return self::row(&record, Some(&place)).map(Some),
                Err(what) => {
                    let hint = "docs/files.md lists the fields of each table and how they are written".to_owned();
                    row.faults.push(Fault { place: place.clone(), what, hint });
                }
            }
        }
        Ok(Some(unreadable(Some(known.id.as_str()).filter(|_| !known.is_free()), &row.faults)))
    }
}

/// The fault of a row whose id another row has.
pub fn repeated(place: Place, id: &str, first: &Place) -> Fault {
    let spot: Place = Place { column: None, ..first.clone() };
    Fault {
        place,
        what: format!("the id {id:?} is already in {spot}, and the rows differ"),
        hint: "give each record an id of its own, or make one row of them".into(),
    }
}

/// A spot as part of a cursor.
pub fn spot_text(spot: Spot) -> String {
    format!("{}:{}:{}", spot.part, spot.byte, spot.row)
}

pub fn spot_of(text: &str) -> Option<Spot> {
    let mut parts = text.split(':');
    let spot =
        Spot { part: parts.next()?.parse().ok()?, byte: parts.next()?.parse().ok()?, row: parts.next()?.parse().ok()? };
    parts.next().is_none().then_some(spot)
}
