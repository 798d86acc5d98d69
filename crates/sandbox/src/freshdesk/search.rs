//! `GET /search/tickets`: a query of its own grammar over an index that lags.
//!
//! <https://developers.freshdesk.com/api/#filter_tickets>. The page says that updates take "a few minutes" to be indexed: a ticket
//! that changed within the lag is not found at all, by its new values or its old ones.

use super::Ask;
use super::attributes::is_day;
use super::custom;
use super::pages::only;
use super::refusal::{Fault, Refusal};
use super::store::{Account, Field, Ticket};
use crate::desk::Answer;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const LONGEST: usize = 512;
const SIZE: usize = 30;
const LAST_PAGE: usize = 10;

/// A query as it nests.
#[derive(Clone, Debug, PartialEq)]
enum Query {
    All(Vec<Query>),
    Any(Vec<Query>),
    Is { field: String, order: Order, value: Word },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    Same,
    NotBelow,
    NotAbove,
}

#[derive(Clone, Debug, PartialEq)]
enum Word {
    Null,
    Truth(bool),
    Number(i64),
    Text(String),
}

impl Account {
    pub fn search_tickets(&self, ask: &Ask<'_>, lag: SignedDuration) -> Result<Answer, Refusal> {
        only(ask.call, &["query", "page"])?;
        let text = ask.call.param("query").ok_or_else(|| Fault::missing("query"))?;
        let query = parse(text).ok_or_else(|| Fault::invalid("query", "Given query is invalid"))?;
        let faults = self.unsearchable(&query);
        if !faults.is_empty() {
            return Err(Refusal::Validation(faults));
        }
        let page = match ask.call.param("page").unwrap_or("1").parse::<usize>() {
            Ok(page) if (1..=LAST_PAGE).contains(&page) => page,
            _ => return Err(Fault::invalid("page", "It should be a Positive Integer less than or equal to 10").into()),
        };
        let indexed = |t: &&Ticket| !t.deleted && !t.spam && t.updated_at + lag <= ask.now;
        let mut found: Vec<&Ticket> =
            self.tickets.values().filter(indexed).filter(|t| self.matches(t, &query)).collect();
        found.sort_by_key(|t| std::cmp::Reverse((t.created_at, t.id)));
        let rows = found.iter().skip((page - 1) * SIZE).take(SIZE);
        let results: Vec<Value> = rows.map(|t| self.whole_ticket(t, ask)).collect();
        Ok(Answer::json(200, &json!({"total": found.len(), "results": results})))
    }

    /// Fields that are none, and values that are not of the field's type.
    fn unsearchable(&self, query: &Query) -> Vec<Fault> {
        let (field, order, value) = match query {
            Query::All(parts) | Query::Any(parts) => return parts.iter().flat_map(|p| self.unsearchable(p)).collect(),
            Query::Is { field, order, value } => (field, order, value),
        };
        let Some(kind) = self.kind_of(field) else { return vec![Fault::unexpected(field)] };
        let fits = match (kind, value) {
            (_, Word::Null) => *order == Order::Same,
            ("number", Word::Number(_)) => true,
            ("date", Word::Text(text)) => is_day(text),
            ("text", Word::Text(_) | Word::Number(_)) => *order == Order::Same,
            ("truth", Word::Truth(_)) => *order == Order::Same,
            _ => false,
        };
        if fits { Vec::new() } else { vec![Fault::invalid(field, format!("It should be a {kind}"))] }
    }

    /// How a field is compared; paragraphs, decimals and dependent fields cannot be searched.
    fn kind_of(&self, name: &str) -> Option<&'static str> {
        match name {
            "agent_id" | "group_id" | "priority" | "status" => Some("number"),
            "tag" | "type" | "custom_string" => Some("text"),
            "due_by" | "fr_due_by" | "created_at" | "updated_at" => Some("date"),
            _ => match self.ticket_fields.iter().find(|f| f.is_custom() && f.name == name)?.kind.as_str() {
                "custom_text" | "custom_dropdown" => Some("text"),
                "custom_number" => Some("number"),
                "custom_checkbox" => Some("truth"),
                "custom_date" => Some("date"),
                _ => None,
            },
        }
    }

    fn matches(&self, ticket: &Ticket, query: &Query) -> bool {
        match query {
            Query::All(parts) => parts.iter().all(|p| self.matches(ticket, p)),
            Query::Any(parts) => parts.iter().any(|p| self.matches(ticket, p)),
            Query::Is { field, order, value } => match (self.values(ticket, field), value) {
                (values, Word::Null) => values.is_empty(),
                (values, value) => values.iter().any(|v| compare(v, *order, value)),
            },
        }
    }

    fn values(&self, ticket: &Ticket, field: &str) -> Vec<Value> {
        let day = |moment: Option<Timestamp>| moment.map(|m| json!(m.strftime("%Y-%m-%d").to_string()));
        let one = match field {
            "agent_id" => ticket.responder_id.map(Value::from),
            "group_id" => ticket.group_id.map(Value::from),
            "priority" => Some(ticket.priority.into()),
            "status" => Some(ticket.status.into()),
            "type" => ticket.kind.clone().map(Value::from),
            "tag" => return ticket.tags.iter().map(|t| json!(t)).collect(),
            "custom_string" => {
                let lines = self.ticket_fields.iter().filter(|f: &&Field| f.kind == "custom_text");
                return lines.flat_map(custom::names).filter_map(|name| ticket.custom.get(name).cloned()).collect();
            }
            "due_by" => day(ticket.due_by),
            "fr_due_by" => day(ticket.fr_due_by),
            "created_at" => day(Some(ticket.created_at)),
            "updated_at" => day(Some(ticket.updated_at)),
            name => ticket.custom.get(name).cloned(),
        };
        one.into_iter().collect()
    }
}

fn compare(found: &Value, order: Order, wanted: &Word) -> bool {
    let ordering = match wanted {
        Word::Null => return found.is_null(),
        Word::Truth(truth) => return found.as_bool() == Some(*truth),
        Word::Number(number) => match found {
            Value::String(text) => text.to_lowercase().cmp(&number.to_string()),
            other => match other.as_i64() {
                Some(n) => n.cmp(number),
                None => return false,
            },
        },
        Word::Text(text) => found.as_str().unwrap_or_default().to_lowercase().cmp(&text.to_lowercase()),
    };
    match order {
        Order::Same => ordering.is_eq(),
        Order::NotBelow => ordering.is_ge(),
        Order::NotAbove => ordering.is_le(),
    }
}

/// Reads `"(field:1 OR field:'text') AND field:true"`, its double quotes included.
fn parse(text: &str) -> Option<Query> {
    let inner = text.trim().strip_prefix('"')?.strip_suffix('"')?;
    if inner.chars().count() > LONGEST {
        return None;
    }
    let mut rest = inner;
    let query = any(&mut rest)?;
    rest.trim().is_empty().then_some(query)
}

fn any(rest: &mut &str) -> Option<Query> {
    joined(rest, "OR", all, Query::Any)
}

fn all(rest: &mut &str) -> Option<Query> {
    joined(rest, "AND", one, Query::All)
}

fn joined(
    rest: &mut &str,
    word: &str,
    part: fn(&mut &str) -> Option<Query>,
    join: fn(Vec<Query>) -> Query,
) -> Option<Query> {
    let mut parts = vec![part(rest)?];
    while let Some(after) = rest.trim_start().strip_prefix(word).filter(|a| a.starts_with([' ', '('])) {
        *rest = after;
        parts.push(part(rest)?);
    }
    if parts.len() == 1 { parts.pop() } else { Some(join(parts)) }
}

fn one(rest: &mut &str) -> Option<Query> {
    let text = rest.trim_start();
    if let Some(inner) = text.strip_prefix('(') {
        *rest = inner;
        let query = any(rest)?;
        *rest = rest.trim_start().strip_prefix(')')?;
        return Some(query);
    }
    let (field, after) = text.split_once(':')?;
    if field.is_empty() || !field.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return None;
    }
    let after = after.trim_start();
    let (order, after) = match (after.strip_prefix('>'), after.strip_prefix('<')) {
        (Some(after), _) => (Order::NotBelow, after),
        (_, Some(after)) => (Order::NotAbove, after),
        _ => (Order::Same, after),
    };
    let (value, after) = word(after)?;
    *rest = after;
    Some(Query::Is { field: field.to_owned(), order, value })
}

fn word(text: &str) -> Option<(Word, &str)> {
    if let Some(quoted) = text.strip_prefix('\'') {
        let (inner, after) = quoted.split_once('\'')?;
        return Some((Word::Text(inner.to_owned()), after));
    }
    let end = text.find([' ', ')', '(', '\'']).unwrap_or(text.len());
    let (bare, after) = text.split_at(end);
    let value = match bare {
        "" => return None,
        "null" => Word::Null,
        "true" => Word::Truth(true),
        "false" => Word::Truth(false),
        other => other.parse().map_or_else(|_| Word::Text(other.to_owned()), Word::Number),
    };
    Some((value, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_page_are_queries() {
        for inner in [
            "priority:4 OR priority:3",
            "priority:>3 AND group_id:11 AND status:2",
            "(cf_sector:'finance' OR cf_sector:'marketing') AND cf_locked:true",
            "(type:'Question' OR type:'Problem') AND (due_by:>'2017-10-01' AND due_by:<'2017-10-07')",
            "custom_string: finance",
            "type:null AND priority:4",
        ] {
            assert!(parse(&format!("\"{inner}\"")).is_some(), "{inner}");
        }
    }

    #[test]
    fn a_query_without_quotes_or_with_loose_ends_is_none() {
        for text in ["priority:4", "\"priority:4", "\"priority:4 OR\"", "\"(priority:4\"", "\"priority\"", "\"\""] {
            assert!(parse(text).is_none(), "{text}");
        }
        assert!(parse(&format!("\"tag:'{}'\"", "x".repeat(510))).is_none());
    }

    #[test]
    fn and_binds_closer_than_or() {
        let Some(Query::Any(parts)) = parse("\"status:2 OR status:3 AND priority:4\"") else { panic!("no OR") };
        assert!(matches!(parts[1], Query::All(_)));
    }
}
