//! A server that gives recorded answers: the one whose path and query fit the call best.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

pub struct Server {
    pub address: String,
}

impl Server {
    /// `answers`: `[{ call, query?, status?, body }]`, `{base}` in it is the server's own address.
    pub fn start(answers: &str) -> Server {
        let answers = answers.to_owned();
        let address = serve(move |address| {
            let answers: Vec<Value> = serde_json::from_str(&answers.replace("{base}", address)).unwrap();
            Router::new().fallback(answer).with_state(Arc::new(answers))
        });
        Server { address }
    }
}

/// Serves on loopback for as long as the process lives. Gives the address.
pub fn serve(router: impl FnOnce(&str) -> Router + Send + 'static) -> String {
    let (address, where_it_is) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let here = format!("http://{}", listener.local_addr().unwrap());
            let router = router(&here);
            address.send(here).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    where_it_is.recv().unwrap()
}

pub fn json(status: u16, body: &Value) -> Response<Body> {
    let builder = Response::builder().status(status).header("content-type", "application/json");
    builder.body(Body::from(body.to_string())).unwrap()
}

pub fn query_of(request: &Request<Body>) -> HashMap<String, String> {
    let uri = format!("http://h{}", request.uri());
    url::Url::parse(&uri).unwrap().query_pairs().map(|(k, v)| (k.into_owned(), v.into_owned())).collect()
}

async fn answer(State(answers): State<Arc<Vec<Value>>>, request: Request<Body>) -> Response<Body> {
    let call = format!("{} {}", request.method(), request.uri().path());
    let query = query_of(&request);
    let wanted = |a: &&Value| {
        let all = a["query"].as_object();
        a["call"] == call.as_str()
            && all.is_none_or(|q| q.iter().all(|(k, v)| query.get(k).map(String::as_str) == v.as_str()))
    };
    let best = answers.iter().filter(wanted).max_by_key(|a| a["query"].as_object().map_or(0, |q| q.len()));
    match best {
        Some(one) => json(one["status"].as_u64().unwrap_or(200) as u16, &one["body"]),
        None => {
            json(404, &serde_json::json!({"error": "RecordNotFound", "description": format!("no answer for {call}")}))
        }
    }
}
