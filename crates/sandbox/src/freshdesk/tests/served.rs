//! The desk behind the server.

use super::*;
use crate::{Options as Served, start};

/// Status, total told, seconds to wait.
fn ask(address: &str) -> (u16, Option<String>, Option<String>) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let got = agent.get(format!("{address}/api/v2/agents/me")).call().unwrap();
    let header = |name: &str| got.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
    (got.status().as_u16(), header("x-ratelimit-total"), header("retry-after"))
}

#[tokio::test]
async fn invalid_calls_count_and_the_fifty_first_of_a_trial_is_refused() {
    let served = Served { plan: Some("trial".to_owned()), ..Served::default() };
    let running = start(Box::new(room().desk), &served).await.unwrap();
    let address = running.address.clone();
    let answers =
        tokio::task::spawn_blocking(move || (0..51).map(|_| ask(&address)).collect::<Vec<_>>()).await.unwrap();
    assert!(answers[..50].iter().all(|(status, total, _)| (*status, total.as_deref()) == (401, Some("50"))));
    let (status, _, wait) = &answers[50];
    assert_eq!(*status, 429);
    assert!((1..=60).contains(&wait.as_deref().unwrap().parse::<u32>().unwrap()));
    assert!(running.mails().is_empty());
}
