//! What a refusal means, in the manifest's words first, and what the vendor itself says of it: which field, and why.

use super::named_field::names_a_field;
use crate::connector::manifest::{ErrorWord, Refusal};
use crate::connector::rest::Rest;
use crate::error::{About, Problem, Reason};
use crate::expr::Scope;
use crate::http::{Class, Response, Shape};
use serde_json::{Map, Value};

/// Characters of a vendor's own words in a message.
const SAID: usize = 500;
/// Keys of an error body that hold a sentence, the most telling first.
pub(super) const SENTENCES: [&str; 11] = [
    "message",
    "msg",
    "description",
    "detail",
    "details",
    "error_description",
    "error",
    "err",
    "title",
    "reason",
    "text",
];
/// Keys that hold sentences of their own: a list of them, or one a field.
pub(super) const NESTED: [&str; 9] = [
    "error",
    "message",
    "errors",
    "details",
    "errorMessages",
    "error_messages",
    "messages",
    "validationResults",
    "validation_errors",
];
/// Keys that name the field a sentence is about.
const FIELDS: [&str; 4] = ["field", "attribute", "property", "name"];
/// Names of fields that stand for the whole record.
pub(super) const WHOLE: [&str; 4] = ["base", "__all__", "non_field_errors", "_"];
const TOO_LARGE: u16 = 413;
/// Lists within lists are not followed further.
pub(super) const DEPTH: usize = 6;

impl Rest {
    /// What an answer that is not a success means.
    pub(crate) fn refusal(&self, response: &Response) -> Problem {
        let text = text_of(response);
        self.refusal_of(response.status, &text, words(&text).as_deref())
    }

    /// What an answer proves. A 4xx proves that nothing was done only where it is the vendor's own, by what it is made of.
    pub(crate) fn class(&self, response: &Response) -> Class {
        match response.class() {
            Class::PushBack if response.pushes_back() => Class::PushBack,
            Class::PushBack => Class::Broken,
            Class::Refused | Class::AuthLost if !is_own(&self.manifest.refusals, response) => Class::Broken,
            class => class,
        }
    }

    /// Whether a refusal is a page or a text, as a proxy writes them, where the platform's own are none.
    pub(crate) fn is_foreign(&self, response: &Response) -> bool {
        let shape = response.shape();
        response.class() == Class::Refused
            && matches!(shape, Shape::Page | Shape::Text)
            && !is_own(&self.manifest.refusals, response)
    }

    /// A 4xx that is not provably the vendor's.
    pub(crate) fn denial(&self, response: &Response) -> Problem {
        // Whoever it is does not speak of the record's fields; its size they may.
        let about = if response.status == TOO_LARGE { About::Record } else { About::Nobody };
        Problem { about, ..denied(self.refusal(response)) }
    }

    /// `said`: the vendor's words for people in `text`, if there are any.
    pub(crate) fn refusal_of(&self, status: u16, text: &str, said: Option<&str>) -> Problem {
        let lower = text.to_lowercase();
        let word = self.manifest.error.iter().find(|w| w.matches(status, &lower));
        let reason = word.map_or_else(|| reason_of(status), |w: &ErrorWord| w.reason);
        let said = said.map(|said| format!(": {}", cut(&self.client.masked(said)))).unwrap_or_default();
        let about = if word.is_none_or(|w| w.text.is_none()) { about(status, text) } else { About::Record };
        let problem = Problem { about, ..Problem::new(reason, format!("answered {status}{said}")) };
        match word.and_then(|w| w.hint.as_deref()).or_else(|| hint_of(reason)) {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    }
}

/// A refusal that somebody between here and the platform may have answered.
pub(crate) fn denied(problem: Problem) -> Problem {
    let what = format!("{} (not in the form of the platform's own answers)", problem.what);
    Problem { what, foreign: true, ..problem }
        .hint("a proxy or firewall between here and the platform may have answered: look there")
}

/// Whether a refusal is in a form of the vendor's own.
fn is_own(forms: &[Refusal], response: &Response) -> bool {
    let shape = response.shape();
    let body = || Some(response.json().ok()?).filter(|_| shape == Shape::Json);
    forms.iter().any(|refusal| match refusal {
        Refusal::Made(made) => *made == shape,
        Refusal::Says(form) => body().is_some_and(|body| form.json.holds(&Scope::of(&body)).unwrap_or(false)),
    })
}

/// The vendor's words, to look for some in. Not for logs.
pub(crate) fn text_of(response: &Response) -> String {
    String::from_utf8_lossy(&response.body).into_owned()
}

fn reason_of(status: u16) -> Reason {
    match status {
        401 => Reason::Auth,
        402 => Reason::Account,
        403 => Reason::Forbidden,
        404 | 410 => Reason::NotFound,
        408 => Reason::Timeout,
        409 => Reason::Conflict,
        413 => Reason::TooLarge,
        429 => Reason::RateLimited,
        500.. => Reason::ServerError,
        _ => Reason::Invalid,
    }
}

/// Whom a refusal is about: the record where it names a field of it, or where its size is refused.
fn about(status: u16, text: &str) -> About {
    if !(400..500).contains(&status) || status == TOO_LARGE || names_a_field(status, text) {
        return About::Record;
    }
    About::Nobody
}

/// What to do where it is not the account's settings or the record that is wrong.
fn hint_of(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::ServerError => {
            Some("the platform has a problem: check its status page, and run the command again later")
        }
        Reason::RateLimited => Some("the platform's limit is used up: run again later, nothing is lost"),
        _ => None,
    }
}

fn cut(said: &str) -> String {
    match said.char_indices().nth(SAID) {
        Some((end, _)) => format!("{}…", &said[..end]),
        None => said.to_owned(),
    }
}

/// What a body says for people: of JSON every sentence with its field, of a page its title, else the text.
pub(crate) fn words(text: &str) -> Option<String> {
    let said = match serde_json::from_str::<Value>(text) {
        Ok(body) => words_in(&body),
        Err(_) if text.trim_start().starts_with('<') => title_of(text),
        Err(_) => squeezed(text),
    };
    (!said.is_empty()).then_some(said)
}

/// What an error body, or a part of one, says for people.
pub(crate) fn words_in(body: &Value) -> String {
    let mut said = Said::default();
    match body {
        // What stands at the top is said whole: a name, a sentence and the details.
        Value::Object(map) => {
            for text in SENTENCES.iter().filter_map(|key| map.get(*key)?.as_str()) {
                said.put(None, text);
            }
            said.nested(map, None, 0);
        }
        other => said.take(other, None, 0),
    }
    said.0.join("; ")
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn title_of(page: &str) -> String {
    let lower = page.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|at| Some(at + lower[at..].find('>')? + 1));
    let title = title.and_then(|from| Some(&page[from..from + lower[from..].find('<')?]));
    title.map(squeezed).unwrap_or_default()
}

/// Sentences, each once.
#[derive(Default)]
struct Said(Vec<String>);

impl Said {
    fn take(&mut self, value: &Value, field: Option<&str>, depth: usize) {
        if depth > DEPTH {
            return;
        }
        match value {
            Value::String(text) => self.put(field, text),
            Value::Array(all) => all.iter().for_each(|one| self.take(one, field, depth + 1)),
            Value::Object(map) => self.statement(map, field, depth),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// An object that says something, or has what each field is told.
    fn statement(&mut self, map: &Map<String, Value>, field: Option<&str>, depth: usize) {
        let text = |key: &str| map.get(key)?.as_str().filter(|text| !text.trim().is_empty());
        let pointer = || map.get("source")?.get("pointer")?.as_str();
        let own = FIELDS.iter().find_map(|key| text(key)).or_else(pointer).or(field);
        let before = self.0.len();
        if let Some(sentence) = SENTENCES.iter().find_map(|key| text(key)) {
            self.put(own, sentence);
        }
        self.nested(map, own, depth);
        if self.0.len() > before || map.contains_key("source") {
            return;
        }
        match text("code") {
            Some(code) => self.put(own, code),
            None => {
                // Below a field a text may be the field's own: a customer's words.
                let told = |value: &&Value| field.is_none() || !value.is_string();
                let told = map.iter().filter(|(_, value)| told(value));
                told.for_each(|(name, value)| self.take(value, Some(name), depth + 1));
            }
        }
    }

    fn nested(&mut self, map: &Map<String, Value>, field: Option<&str>, depth: usize) {
        for value in NESTED.iter().filter_map(|key| map.get(*key)) {
            if value.is_array() || value.is_object() {
                self.take(value, field, depth + 1);
            }
        }
    }

    fn put(&mut self, field: Option<&str>, text: &str) {
        let text = squeezed(text);
        let plain = |text: &str| text.to_lowercase().replace('_', " ");
        let named = field.filter(|field| !WHOLE.contains(field) && !plain(&text).starts_with(&plain(field)));
        let sentence = named.map_or_else(|| text.clone(), |field| format!("{field}: {text}"));
        if !text.is_empty() && !self.0.contains(&sentence) {
            self.0.push(sentence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::registry;

    #[test]
    fn a_refusal_says_which_field_and_why_in_the_vendors_words() {
        for (body, said) in [
            // Zendesk
            (
                r#"{"error":"RecordInvalid","description":"Record validation errors","details":{"requester":[{"description":"Requester: Name: is too short (minimum one characters)","error":"ValueTooShort"}],"base":[{"description":"Description: cannot be blank","error":"BlankValue"}]}}"#,
                "Record validation errors; RecordInvalid; Requester: Name: is too short (minimum one characters); Description: cannot be blank",
            ),
            (r#"{"error":{"title":"Forbidden","message":"You are not allowed"}}"#, "You are not allowed"),
            (
                r#"{"index":0,"error":"TicketCreateFailed","details":"Description: cannot be blank","status":"Failed"}"#,
                "Description: cannot be blank; TicketCreateFailed",
            ),
            // Freshdesk, Freshservice
            (
                r#"{"description":"Validation failed","errors":[{"field":"status","message":"It should be one of these values: '2,3'","code":"invalid_value"},{"field":"type","nested_field":"x","code":"missing_field"}]}"#,
                "Validation failed; status: It should be one of these values: '2,3'; type: missing_field",
            ),
            (r#"{"code":"invalid_credentials","message":"You have to be logged in"}"#, "You have to be logged in"),
            // Redmine, Request Tracker, GLPI
            (
                r#"{"errors":["Subject cannot be blank","Status is invalid"]}"#,
                "Subject cannot be blank; Status is invalid",
            ),
            (r#"["ERROR_GLPI_ADD","No right"]"#, "ERROR_GLPI_ADD; No right"),
            // Jira, GitHub, GitLab, HubSpot, JSON:API
            (
                r#"{"errorMessages":[],"errors":{"project":"Specify a valid project"}}"#,
                "project: Specify a valid project",
            ),
            (
                r#"{"message":"Validation Failed","errors":[{"resource":"Label","code":"invalid","field":"color"}]}"#,
                "Validation Failed; color: invalid",
            ),
            (r#"{"message":{"email":["has already been taken"]}}"#, "email: has already been taken"),
            (
                r#"{"validationResults":[{"isValid":false,"message":"a@ is invalid","error":"INVALID_EMAIL","name":"email"}],"status":"error","message":"not valid"}"#,
                "not valid; email: a@ is invalid",
            ),
            (
                r#"{"errors":[{"title":"Invalid","detail":"too long","source":{"pointer":"/data/name"}}]}"#,
                "/data/name: too long",
            ),
            // texts and pages
            ("The requested resource\n was not found.", "The requested resource was not found."),
            ("<html><head><TITLE>503  Service Unavailable</TITLE></head>", "503 Service Unavailable"),
        ] {
            assert_eq!(words(body).as_deref(), Some(said), "{body}");
        }
    }

    fn own_of(platform: &str, body: &str) -> bool {
        let (headers, url) = (reqwest::header::HeaderMap::new(), url::Url::parse("https://desk.example/").unwrap());
        let response = Response { status: 403, headers, body: bytes::Bytes::copy_from_slice(body.as_bytes()), url };
        is_own(&registry::find(platform, None).unwrap().manifest.refusals, &response)
    }

    #[test]
    fn a_vendors_own_refusal_is_known_and_a_gateways_json_is_not_taken_for_it() {
        const FRESH: &[&str] = &[
            r#"{"description":"Validation failed","errors":[{"field":"status","message":"no","code":"invalid_value"}]}"#,
            r#"{"description":"Validation failed","errors":[{"field":"email","additional_info":{"user_id":7},"message":"no","code":"duplicate_value"}]}"#,
            r#"{"code":"access_denied","message":"You are not authorized to perform this action."}"#,
        ];
        let own: [(&str, &[&str]); 5] = [
            ("freshdesk", FRESH),
            ("freshservice", FRESH),
            (
                "zendesk",
                &[
                    r#"{"error":"RecordInvalid","description":"Record validation errors","details":{"base":[{"description":"no"}]}}"#,
                    r#"{"error":"TooManyValues","description":"no","max_count":100}"#,
                    r#"{"error":{"title":"Forbidden","message":"no"}}"#,
                    r#"{"error":"Couldn't authenticate you"}"#,
                ],
            ),
            ("redmine", &[r#"{"errors":["Subject cannot be blank"]}"#, ""]),
            ("rt", &[r#"{"message":"Permission Denied"}"#]),
        ];
        let gateways = [
            r#"{"error":"Forbidden"}"#,
            r#"{"error":"forbidden","message":"Request blocked"}"#,
            r#"{"code":403,"message":"Forbidden"}"#,
            r#"{"code":"AccessDenied","message":"Forbidden"}"#,
            r#"{"statusCode":403,"message":"Forbidden","error":"Forbidden"}"#,
            r#"{"timestamp":"2024-01-01T00:00:00Z","status":405,"error":"Method Not Allowed","path":"/api/v2/tickets"}"#,
            r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"no"}"#,
            r#"{"success":false,"errors":[{"code":1020,"message":"Access denied"}],"messages":[],"result":null}"#,
            r#"{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED"}}"#,
            r#"{"fault":{"faultstring":"no","detail":{"errorcode":"x"}}}"#,
            r#"{"errors":[]}"#,
            r#"["no"]"#,
            r#""no""#,
            "{}",
        ];
        for (platform, bodies) in own {
            bodies.iter().for_each(|body| assert!(own_of(platform, body), "{platform}: {body}"));
            gateways.iter().for_each(|body| assert!(!own_of(platform, body), "{platform}: {body}"));
            let others = own.iter().filter(|(other, of)| *other != platform && *of != bodies);
            let others = others.flat_map(|(_, bodies)| bodies.iter());
            others.for_each(|body| assert!(body.is_empty() || !own_of(platform, body), "{platform}: {body}"));
            for body in ["Method Not Allowed", "<html><title>405</title></html>", "{\"error\":"] {
                assert!(!own_of(platform, body), "{platform}: {body}");
            }
        }
    }

    #[test]
    fn every_platform_that_is_written_to_says_how_it_refuses() {
        for entry in registry::names().into_iter().map(|name| registry::find(&name, None).unwrap()) {
            let any = entry.manifest.refusals.iter().any(|form| matches!(form, Refusal::Made(Shape::Json)));
            assert!(
                !any || entry.manifest.write.is_empty(),
                "{}: any JSON counts as its own word",
                entry.manifest.name
            );
        }
    }

    #[test]
    fn what_a_field_held_is_not_taken_for_what_is_said_of_it() {
        assert_eq!(words(r#"{"errors":{"comment":{"body":"a customer's words"}}}"#), None);
    }

    #[test]
    fn a_body_that_says_nothing_is_silent_and_a_deep_or_long_one_does_no_harm() {
        for body in ["", "  ", "null", "{}", "<p>x</p>", r#"{"id":7,"ok":false}"#, r#"{"errors":[]}"#] {
            assert_eq!(words(body), None, "{body}");
        }
        let deep = format!("{}\"x\"{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(words(&deep), None);
        assert_eq!(cut(&"é".repeat(600)).chars().count(), SAID + 1);
    }
}
