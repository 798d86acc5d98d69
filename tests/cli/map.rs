//! `map` where no help desk is needed: examples and the schema.

use super::{PROJECT, project, run};

const MAPPING: &str = r#"#:schema ./mapping.schema.json
[ticket.status.values]
"new" = "New"
[redact]
body = ["card"]
[[example]]
name   = "a new ticket is new"
ticket = { status = "new", comments = ["my card: 4111 1111 1111 1111"] }
expect = { status = "New", "comments.0.body" = "my card: (card removed)" }
[[example]]
name   = "a stalled ticket waits"
ticket = { status = "stalled" }
expect = { status = "Feedback" }
"#;

#[test]
fn an_example_that_does_not_hold_is_shown_with_what_was_expected_and_found() {
    let dir = project(PROJECT);
    std::fs::write(dir.path().join("mapping.toml"), MAPPING).unwrap();
    insta::assert_snapshot!(run(dir.path(), &["map", "--test"]));
    insta::assert_snapshot!("examples_json", run(dir.path(), &["--json", "map", "--test"]));
    let holds = MAPPING.replace("Feedback", "stalled");
    std::fs::write(dir.path().join("mapping.toml"), holds).unwrap();
    assert!(run(dir.path(), &["map", "--test"]).starts_with("exit 0\n"));
}

#[test]
fn a_wrong_line_of_the_mapping_is_shown_with_its_place() {
    let dir = project(PROJECT);
    let wrong = [
        ("redaction", MAPPING.replace("[\"card\"]", "[\"crad\"]")),
        ("example", MAPPING.replace("ticket = { status = \"stalled\" }", "ticket = { staus = \"stalled\" }")),
    ];
    for (name, text) in wrong {
        std::fs::write(dir.path().join("mapping.toml"), text).unwrap();
        insta::assert_snapshot!(name, run(dir.path(), &["map", "--test"]));
    }
}

#[test]
fn the_schema_is_one_that_editors_read() {
    let dir = project(PROJECT);
    let said = run(dir.path(), &["map", "--schema"]);
    let text = said.split("--- stdout\n").nth(1).unwrap().split("--- stderr").next().unwrap();
    let schema: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(schema["title"], "mapping.toml");
    for table in ["ticket", "people", "dates", "files", "redact", "example"] {
        assert!(schema["properties"][table].is_object(), "{table}");
    }
}
