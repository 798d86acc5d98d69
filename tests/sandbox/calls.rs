//! Calls a move takes, counted by the desks.

use crate::moving::{Move, Trouble};
use std::collections::BTreeMap;

/// `cargo test --test sandbox calls_of_a_thousand_tickets -- --ignored --nocapture`
#[test]
#[ignore = "it measures: docs/performance.md says what"]
fn calls_of_a_thousand_tickets() {
    let all = Move::new(1_000, Trouble::default());
    all.succeeds();
    for (name, desk) in [("Zendesk", &all.source), ("Freshdesk", &all.target)] {
        let mut shapes: BTreeMap<String, usize> = BTreeMap::new();
        for call in desk.calls() {
            let path = call["path"].as_str().unwrap_or_default();
            let segment =
                |s: &str| if s.len() > 20 || s.parse::<u64>().is_ok() { "ID".to_owned() } else { s.to_owned() };
            let path: Vec<String> = path.split('/').map(segment).collect();
            let shape = format!("{} {} {}", call["at"], call["method"], path.join("/"));
            *shapes.entry(shape).or_default() += 1;
        }
        println!("{name}: {} calls", shapes.values().sum::<usize>());
        for (shape, times) in shapes {
            println!("{times:7} {shape}");
        }
    }
    let state = all.target.state();
    let tickets = state["tickets"].as_array().map_or(&[][..], Vec::as_slice);
    let notes: usize = tickets.iter().map(|t| t["conversations"].as_array().map_or(0, Vec::len)).sum();
    println!("{} tickets, {notes} notes, {} contacts", tickets.len(), state["contacts"].as_array().map_or(0, Vec::len));
}
