//! The recorded exchanges of a platform, as far as answers are read.

use flate2::read::GzDecoder;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

/// An answer that holds something.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Below the API's base, with `:id` for numbers, without `.json`.
    pub shape: String,
    pub body: Value,
}

fn folder() -> PathBuf {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/recorded");
    std::env::var_os("DESKFERRY_RECORDED").map_or_else(beside, PathBuf::from)
}

fn file(platform: &str) -> PathBuf {
    folder().join(platform).join("exchanges.jsonl.gz")
}

/// Why the tests of a platform cannot run here.
pub fn lacking(platform: &str) -> Option<String> {
    let at = file(platform);
    (!at.is_file()).then(|| {
        format!("there is no recording {platform}/exchanges.jsonl.gz: DESKFERRY_RECORDED names the folder that has it")
    })
}

/// The answers that succeeded. Made-up ones are none.
pub fn load(platform: &str) -> Result<Vec<Exchange>, String> {
    let file = File::open(file(platform)).map_err(|e| e.to_string())?;
    let mut all = Vec::new();
    for line in BufReader::new(GzDecoder::new(file)).lines() {
        let mut line: Value = serde_json::from_str(&line.map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
        let succeeded = line["status"].as_u64().is_none_or(|status| (200..300).contains(&status));
        let holds = line["body"].is_object() || line["body"].is_array();
        if line["kind"] == "mock" || !succeeded || !holds || line["body"]["binary_bytes"].is_number() {
            continue;
        }
        let shape = shape(line["url"].as_str().unwrap_or_default());
        all.push(Exchange { shape, body: line["body"].take() });
    }
    Ok(all)
}

/// `https://acme.example/api/v2/tickets/7.json?page=1` is `/tickets/:id`.
fn shape(url: &str) -> String {
    let below = url.split_once("/api/v2").map_or(url, |(_, below)| below);
    let path = below.split(['?', '&']).next().unwrap_or_default();
    let part = |part: &str| {
        let part = part.trim_end_matches(".json");
        let is_number = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if is_number { ":id".to_owned() } else { part.to_owned() }
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}
