//! A desk that answers what it was told to, and can be told otherwise between two readings.

use crate::account::{Opened, open_with};
use crate::answers::{json, serve};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response};
use deskferry::connector::registry::Entry;
use deskferry::connector::rest::Rest;
use deskferry::connector::{Assemble, BulkRows, ChildRows, Source, Target};
use deskferry::record::Kind;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// What is answered where: a path below the base, perhaps with a piece of the query, and the body. The longest that fits counts.
pub type Answers = Vec<(String, Value)>;

#[derive(Clone)]
pub struct Desk {
    address: String,
    answers: Arc<Mutex<Answers>>,
}

impl Desk {
    pub fn start() -> Desk {
        let answers = Arc::new(Mutex::new(Answers::new()));
        let shared = Arc::clone(&answers);
        let address = serve(move |_| Router::new().fallback(answer).with_state(shared));
        Desk { address, answers }
    }

    pub fn tell(&self, answers: Answers) {
        *self.answers.lock().unwrap() = answers;
    }

    pub fn open(&self, entry: &Entry, account: &[(&str, &str)]) -> Rest {
        let source = open_with(entry, &self.address, Opened { answers: account, ..Opened::default() });
        // Of lists of names few answers are recorded: what they name is not what is tried here. Fields are.
        let mut not_recorded = entry.manifest.can_be_left_out();
        not_recorded.retain(|name| !name.ends_with("_fields"));
        source.leaving_out(&not_recorded)
    }
}

/// All records of a kind, or why they cannot be read.
pub async fn read(source: &Rest, kind: Kind) -> Result<Vec<Value>, String> {
    let mut all = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = source.read(kind, cursor.as_deref(), None).await.map_err(|problem| problem.to_string())?;
        for row in page.rows {
            if let Some(problem) = row.unread {
                return Err(problem.to_string());
            }
            let children = match kind {
                Kind::Ticket | Kind::Article => source
                    .read_children(kind, &row.raw, &BulkRows::new())
                    .await
                    .map_err(|problem| problem.to_string())?,
                _ => ChildRows::new(),
            };
            let record = source.assemble(kind, &row.raw, &children).map_err(|problem| problem.to_string())?;
            all.push(serde_json::to_value(record).map_err(|e| e.to_string())?);
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    if kind == Kind::Field {
        // What it is to a target.
        let rows = source.target_metadata(kind.code()).await.map_err(|problem| problem.to_string())?;
        all.extend(rows.into_iter().map(|row| serde_json::json!({ "of_a_target": row })));
    }
    Ok(all)
}

async fn answer(State(answers): State<Arc<Mutex<Answers>>>, request: Request<Body>) -> Response<Body> {
    let path = request.uri().path().strip_prefix("/api/v2").unwrap_or_default().trim_end_matches(".json");
    let query = percent_decode_str(request.uri().query().unwrap_or_default()).decode_utf8_lossy();
    let fits = |place: &str| match place.split_once('?') {
        Some((at, part)) => at == path && query.contains(part),
        None => place == path,
    };
    let answers = answers.lock().unwrap();
    match answers.iter().filter(|(place, _)| fits(place)).max_by_key(|(place, _)| place.len()) {
        Some((_, body)) => json(200, body),
        None => json(403, &serde_json::json!({"error": format!("nothing is said of {path}")})),
    }
}
