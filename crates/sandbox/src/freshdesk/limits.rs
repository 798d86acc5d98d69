//! Calls a minute by plan, and what they cost: <https://developers.freshdesk.com/api/#ratelimit>.

use crate::desk::{Answer, Call, Limit, Standing};
use serde_json::json;

/// Account, ticket create, ticket update, ticket list, contact list.
type Plan = [u32; 5];

const PLANS: [(&str, Plan); 5] = [
    ("growth", [200, 80, 80, 20, 20]),
    ("pro", [400, 160, 160, 100, 100]),
    ("enterprise", [700, 280, 280, 200, 200]),
    ("1000", [1000, 400, 400, 300, 300]),
    ("2000", [2000, 800, 800, 400, 400]),
];

/// By method and path.
type Covers = fn(&str, &str) -> bool;

const ROWS: [(&str, Covers); 5] = [
    ("account", |_, path| path.starts_with("/api/")),
    ("ticket create", |method, path| method == "POST" && path == "/api/v2/tickets"),
    // Unverified: that a note is no update of its ticket. It counts against the account alone.
    ("ticket update", |method, path| method == "PUT" && is_ticket(path)),
    ("ticket list", |method, path| method == "GET" && path == "/api/v2/tickets"),
    ("contact list", |method, path| method == "GET" && path == "/api/v2/contacts"),
];

fn is_ticket(path: &str) -> bool {
    path.strip_prefix("/api/v2/tickets/").is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()))
}

/// `trial` (50 calls in all), `growth`, `pro`, `enterprise`, and the bought `1000` and `2000`; `pro` when none is named.
pub fn of(plan: Option<&str>) -> Option<Vec<Limit>> {
    let rows = |calls: &[u32]| -> Vec<Limit> {
        let named = ROWS.iter().zip(calls);
        named.map(|((name, covers), calls)| limit(name, *covers, *calls)).collect()
    };
    match plan.unwrap_or("pro") {
        "trial" => Some(rows(&[50])),
        name => PLANS.iter().find(|(n, _)| *n == name).map(|(_, calls)| rows(calls)),
    }
}

fn limit(name: &str, covers: Covers, calls: u32) -> Limit {
    Limit { name: name.to_owned(), covers, calls, per_seconds: 60 }
}

/// The narrowest of the limits that covered the call: a list of tickets was recorded telling the total of its own.
pub fn headers(standing: &[Standing<'_>]) -> Vec<(String, String)> {
    let Some(narrow) = standing.iter().min_by_key(|s| (s.left, s.limit.calls)) else { return Vec::new() };
    vec![
        ("x-ratelimit-total".to_owned(), narrow.limit.calls.to_string()),
        ("x-ratelimit-remaining".to_owned(), narrow.left.to_string()),
    ]
}

/// *Unverified:* the body; the page shows the status and `Retry-After`.
pub fn refuse(seconds: u32) -> Answer {
    let body = json!({"message": "You have exceeded the limit of requests per minute"});
    Answer::json(429, &body).header("retry-after", seconds.to_string())
}

/// One call, one more for each `include` of a ticket, two more for each of a list of tickets.
pub fn cost(call: &Call) -> u32 {
    let words = call.param("include").map_or(0, |text| text.split(',').filter(|w| !w.trim().is_empty()).count());
    let words = u32::try_from(words).unwrap_or(u32::MAX / 4);
    match call.path.as_str() {
        "/api/v2/tickets" => 1 + 2 * words,
        path if is_ticket(path) => 1 + words,
        _ => 1,
    }
}
