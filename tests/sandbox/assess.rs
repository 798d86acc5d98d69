//! `assess`: what the source holds, and what no move carries.

use crate::moving::{Move, Trouble};
use serde_json::{Value, json};

#[test]
fn what_no_move_carries_is_listed_by_name_to_be_rebuilt_and_asked_for_once() {
    let all = Move::new(25, Trouble::default());
    assert_eq!(all.run(&["assess"]), 0, "{}", all.said("stderr.txt"));
    let file = |name: &str| std::fs::read_to_string(all.project.path().join(name)).unwrap();
    let report: Value = serde_json::from_str(&file("assess.json")).unwrap();
    let left = report["inventory"]["left"].as_array().unwrap();
    let of =
        |what: &str| left.iter().find(|left| left["what"] == what).unwrap_or_else(|| panic!("no {what}: {left:?}"));
    assert_eq!(of("macros")["many"], 4);
    assert_eq!(of("macros")["names"][3], "Garantie: Teile bestellt");
    assert_eq!(of("automations")["names"][1], "Pending notification 24 hours (off)");
    assert_eq!(of("SLA policies")["names"], json!(["Incidents"]));
    assert!(file("assess.html").contains("<li>Old: tag &lt;vip&gt; customers (off)</li>"));
    let told = all.said("stdout.txt");
    assert!(told.contains("Not migrated, rebuild by hand:"), "{told}");
    assert!(told.contains("  automations (2): Close ticket 4 days after status is set to solved, Pending"), "{told}");
    let calls = all.source.calls();
    for path in ["/api/v2/macros.json", "/api/v2/slas/policies.json"] {
        assert_eq!(calls.iter().filter(|call| call["path"] == path).count(), 1, "{path}");
    }
    assert!(all.target.writes_after(0).is_empty());
}
