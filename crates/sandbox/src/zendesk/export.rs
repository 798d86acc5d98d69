//! Incremental exports. <https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/>
//!
//! Ordered by `generated_timestamp` and id; what came after the `border`, a minute ago, is held back. Of both styles a page may bring rows again
//! that were there before: by time those of the border's second, as the vendor says; by cursor the border's own row, as
//! may happen when it changed meanwhile (here always: the stricter reading).

use super::pages::with;
use super::refusal;
use crate::desk::{Answer, Call};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// Rows a page, at most and unless asked otherwise.
const MOST: usize = 1000;

/// A row that may be exported; shown only when it is.
pub struct Row<'a> {
    pub generated: i64,
    pub id: u64,
    pub show: Box<dyn Fn() -> Value + 'a>,
}

fn wanted<'a>(mut rows: Vec<Row<'a>>, border: i64) -> Vec<Row<'a>> {
    rows.retain(|row| row.generated <= border);
    rows.sort_by_key(|row| (row.generated, row.id));
    rows
}

fn start_time(call: &Call, border: i64) -> Result<i64, Answer> {
    let start = call.param("start_time").and_then(|text| text.parse::<i64>().ok());
    let start = start.ok_or_else(|| refusal::invalid("start_time", "is missing or not a number"))?;
    if start > border { Err(refusal::too_recent()) } else { Ok(start) }
}

fn page_size(call: &Call) -> Result<usize, Answer> {
    match call.param("per_page").map_or(Ok(MOST), str::parse::<usize>) {
        Ok(size) if (1..=MOST).contains(&size) => Ok(size),
        _ => Err(refusal::invalid("per_page", "is not between 1 and 1000")),
    }
}

fn write_cursor(generated: i64, id: u64) -> String {
    STANDARD.encode(format!("{generated}.0||{id}|"))
}

fn read_cursor(text: &str) -> Option<(i64, u64)> {
    let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    let (generated, id) = text.strip_suffix('|')?.split_once(".0||")?;
    Some((generated.parse().ok()?, id.parse().ok()?))
}

/// `/incremental/NAME/cursor`: `rows` of `name` after the call's cursor, or from its `start_time`.
pub fn by_cursor(name: &str, rows: Vec<Row<'_>>, call: &Call, border: i64) -> Result<Map<String, Value>, Answer> {
    let rows = wanted(rows, border);
    let size = page_size(call)?;
    let from = match call.param("cursor").map(read_cursor) {
        Some(Some(after)) => {
            let next = rows.partition_point(|row| (row.generated, row.id) <= after);
            let is_border = |n: &usize| (rows[*n].generated, rows[*n].id) == after && size > 1;
            if next < rows.len() { next.checked_sub(1).filter(is_border).unwrap_or(next) } else { next }
        }
        Some(None) => return Err(refusal::invalid("cursor", "is not valid")),
        None => {
            let start = start_time(call, border)?;
            rows.partition_point(|row| row.generated < start)
        }
    };
    let to = (from + size).min(rows.len());
    let given = || call.param("cursor").map(str::to_owned);
    let after = rows[from..to].last().map(|row| write_cursor(row.generated, row.id)).or_else(given);
    let address = |cursor: &String| {
        let plain =
            Call { query: call.query.iter().filter(|(n, _)| n != "start_time").cloned().collect(), ..call.clone() };
        with(&plain, &[("cursor", cursor)])
    };
    let mut page = Map::new();
    page.insert(name.to_owned(), rows[from..to].iter().map(|row| (row.show)()).collect());
    page.insert("after_url".to_owned(), json!(after.as_ref().map(address)));
    page.insert("before_url".to_owned(), Value::Null);
    page.insert("after_cursor".to_owned(), json!(after));
    page.insert("before_cursor".to_owned(), Value::Null);
    page.insert("end_of_stream".to_owned(), json!(to == rows.len()));
    Ok(page)
}

/// `/incremental/NAME`: `rows` of `name` from the call's `start_time` on.
pub fn by_time(name: &str, rows: Vec<Row<'_>>, call: &Call, border: i64) -> Result<Map<String, Value>, Answer> {
    let (rows, end, more) = past(rows, call, border, page_size(call)?)?;
    let next = with(call, &[("start_time", &end.to_string())]);
    let mut page = Map::new();
    page.insert("count".to_owned(), json!(rows.len()));
    page.insert(name.to_owned(), rows.into());
    page.insert("next_page".to_owned(), json!(next));
    page.insert("end_of_stream".to_owned(), json!(!more));
    page.insert("end_time".to_owned(), json!(end));
    Ok(page)
}

/// A page of `size` rows from the call's `start_time` on, the time it ends at, and whether there are more.
pub fn past(rows: Vec<Row<'_>>, call: &Call, border: i64, size: usize) -> Result<(Vec<Value>, i64, bool), Answer> {
    let rows = wanted(rows, border);
    let start = start_time(call, border)?;
    let from = rows.partition_point(|row| row.generated < start);
    let to = (from + size).min(rows.len());
    let end = rows[from..to].last().map_or(start, |row| row.generated);
    Ok((rows[from..to].iter().map(|row| (row.show)()).collect(), end, to < rows.len()))
}
