//! Lists in pages, by cursor or by number. <https://developer.zendesk.com/api-reference/introduction/pagination/>

use super::refusal;
use crate::desk::{Answer, Call};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// Rows a page, at most; also of one by number that did not ask for fewer.
const MOST: usize = 100;
/// Pages by number end here; wording unverified.
const LAST_PAGE: usize = 100;

/// Rows of `name` as a call asks for them: by cursor with `page[size]`, else by number.
pub fn answer(name: &str, rows: Vec<Value>, call: &Call) -> Answer {
    if call.param("page[size]").is_some() || call.param("page[after]").is_some() {
        return by_cursor(name, &rows, call);
    }
    by_number(name, &rows, call)
}

/// All rows at once, as the lists do that are not in pages.
pub fn whole(name: &str, rows: &[Value]) -> Answer {
    Answer::json(200, &json!({ name: rows, "next_page": null, "previous_page": null, "count": rows.len() }))
}

/// Rows of a list that is in pages by cursor alone.
pub fn by_cursor(name: &str, rows: &[Value], call: &Call) -> Answer {
    let size = match call.param("page[size]").map_or(Ok(MOST), str::parse::<usize>) {
        Ok(size) if (1..=MOST).contains(&size) => size,
        _ => return refusal::invalid("page[size]", "is not a valid page size"),
    };
    let from = match call.param("page[after]").map(read_cursor) {
        None => 0,
        Some(Some(from)) if from <= rows.len() => from,
        Some(_) => return refusal::invalid("page[after]", "is not valid"),
    };
    let to = (from + size).min(rows.len());
    let has_more = to < rows.len();
    let cursor = |at: usize| (from < to).then(|| STANDARD.encode(format!("o:{at}")));
    // The last page has an address too: only `has_more` tells that it is the last.
    let next = cursor(to).map(|after| with(call, &[("page[after]", &after), ("page[size]", &size.to_string())]));
    let body = json!({
        name: rows[from..to],
        "meta": { "has_more": has_more, "after_cursor": cursor(to), "before_cursor": cursor(from) },
        "links": { "next": next, "prev": null },
    });
    Answer::json(200, &body)
}

fn read_cursor(text: &str) -> Option<usize> {
    String::from_utf8(STANDARD.decode(text).ok()?).ok()?.strip_prefix("o:")?.parse().ok()
}

fn by_number(name: &str, rows: &[Value], call: &Call) -> Answer {
    let number = |name: &str, otherwise: usize| call.param(name).map_or(Some(otherwise), |n| n.parse().ok());
    let (Some(page), Some(size)) = (number("page", 1), number("per_page", MOST)) else {
        return refusal::invalid("page", "is not a number");
    };
    let (page, size) = (page.max(1), size.clamp(1, MOST));
    if page > LAST_PAGE {
        return refusal::invalid("page", "Number of pages exceeds the maximum of 100");
    }
    let from = ((page - 1) * size).min(rows.len());
    let to = (from + size).min(rows.len());
    let at = |page: usize| with(call, &[("page", &page.to_string()), ("per_page", &size.to_string())]);
    let body = json!({
        name: rows[from..to],
        "next_page": (to < rows.len()).then(|| at(page + 1)),
        "previous_page": (page > 1).then(|| at(page - 1)),
        "count": rows.len(),
    });
    Answer::json(200, &body)
}

/// The address of this call with `changed` parameters.
pub fn with(call: &Call, changed: &[(&str, &str)]) -> String {
    let kept = call.query.iter().map(|(n, v)| (n.as_str(), v.as_str()));
    let kept = kept.filter(|(name, _)| !changed.iter().any(|(other, _)| other == name));
    let written = |(name, value): (&str, &str)| {
        format!("{}={}", utf8_percent_encode(name, NON_ALPHANUMERIC), utf8_percent_encode(value, NON_ALPHANUMERIC))
    };
    let query: Vec<_> = kept.chain(changed.iter().copied()).map(written).collect();
    format!("{}{}?{}", call.base, call.path, query.join("&"))
}
