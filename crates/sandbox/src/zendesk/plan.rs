//! What a plan allows: calls a minute, and which features answer at all.
//!
//! Numbers are those of Zendesk's page on rate limits; which features a plan lacks is *unverified* and takes the stricter
//! reading, so that a client learns to live without (reported at zammad/zammad#2262: `user_fields` and
//! `organization_fields` answer 403 below "Team").

use crate::desk::{Answer, Limit, Standing};
use serde_json::json;

const PLANS: [(&str, u32); 5] =
    [("team", 200), ("growth", 400), ("professional", 400), ("enterprise", 700), ("enterprise-plus", 2500)];

const LACKED: [(&str, &[&str]); 2] = [
    (
        "team",
        &[
            "ticket_forms",
            "custom_statuses",
            "satisfaction_ratings",
            "user_fields",
            "organization_fields",
            "side_conversations",
            "slas",
        ],
    ),
    ("growth", &["custom_statuses", "side_conversations", "slas"]),
];

/// What is said where a plan lacks something.
pub const NO_ACCESS: &str = "You do not have access to this page. Please contact the account owner of this help desk.";

/// The middle one when none is named.
pub const USUAL: &str = "professional";

/// The account's limit; that of exports by time, 10 a minute; that of exports by cursor, 20 a minute (recorded of users; that
/// tickets count with them is unverified); and that of updates of tickets: 100 a minute, of which 20 were recorded. That of a
/// single ticket (30 in 10 minutes) is not kept.
pub fn limits(plan: &str) -> Option<Vec<Limit>> {
    let (_, calls) = PLANS.iter().find(|(name, _)| *name == plan)?;
    let account =
        Limit { name: "account".into(), covers: |_, path| path.starts_with("/api/"), calls: *calls, per_seconds: 60 };
    let exports = Limit {
        name: "incremental-exports".into(),
        covers: |_, path| path.starts_with("/api/v2/incremental/") && !is_by_cursor(path),
        calls: 10,
        per_seconds: 60,
    };
    let cursors = Limit {
        name: "incremental-exports-cursor".into(),
        covers: |_, path| path.starts_with("/api/v2/incremental/") && is_by_cursor(path),
        calls: 20,
        per_seconds: 60,
    };
    let updates = Limit {
        name: "tickets-update".into(),
        covers: |method, path| method == "PUT" && path.starts_with("/api/v2/tickets/"),
        calls: 100,
        per_seconds: 60,
    };
    Some(vec![account, exports, cursors, updates])
}

fn is_by_cursor(path: &str) -> bool {
    path.trim_end_matches(".json").ends_with("/cursor")
}

/// The vendor's support team enables it on request; here the larger plans have it.
pub fn takes_users_in_bulk(plan: &str) -> bool {
    plan.starts_with("enterprise")
}

pub fn lacks(plan: &str, resource: &str) -> bool {
    LACKED.iter().any(|(name, lacked)| *name == plan && lacked.contains(&resource))
}

/// As recorded: the account's in five headers, an endpoint's own in one.
pub fn headers(standing: &[Standing<'_>]) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for Standing { limit, left, reset } in standing {
        let (all, left, reset) = (limit.calls.to_string(), left.to_string(), reset.to_string());
        if limit.name != "account" {
            let value = format!("total={all}; remaining={left}; resets={reset}");
            headers.push((format!("zendesk-ratelimit-{}", limit.name), value));
            continue;
        }
        let names =
            ["x-rate-limit", "x-rate-limit-remaining", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"];
        let values = [all.clone(), left.clone(), all, left, reset];
        headers.extend(names.map(str::to_owned).into_iter().zip(values));
    }
    headers
}

/// The wording is unverified, the header is not.
pub fn refusal(retry_after_seconds: u32) -> Answer {
    let description = "Number of allowed API requests per minute exceeded";
    Answer::json(429, &json!({ "error": "APIRateLimitExceeded", "description": description }))
        .header("retry-after", retry_after_seconds.to_string())
}
