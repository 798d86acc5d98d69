//! `map` between the two sandboxes: what it proposes, that it writes nothing, and that what it makes is made once.

use crate::moving::{Move, Trouble};
use crate::pairs::{self, Pair};
use serde_json::Value;

fn write(all: &Move, mapping: &str) {
    std::fs::write(all.project.path().join("mapping.toml"), mapping).unwrap();
}

fn mapping(all: &Move) -> String {
    std::fs::read_to_string(all.project.path().join("mapping.toml")).unwrap()
}

/// Runs a command and gives what it says on stdout.
#[track_caller]
fn says(all: &Move, args: &[&str]) -> String {
    assert_eq!(all.run(args), 0, "{args:?}: {}", all.said("stderr.txt"));
    all.said("stdout.txt")
}

#[test]
fn a_mapping_is_proposed_from_both_accounts_and_nothing_is_written_to_the_target() {
    let all = Move::new(60, Trouble::default());
    let mine = "# mine\n[ticket.status]\nvalues = { \"New\" = \"Pending\" }   # not what map would say\n";
    write(&all, mine);
    says(&all, &["stage"]);
    let read = all.source.calls().len();
    let diff = says(&all, &["map", "--diff"]);
    assert!(diff.contains("+Normal = \"Medium\" # sure: the same meaning"), "{diff}");
    assert!(!diff.lines().any(|line| line.starts_with('-')), "{diff}");
    assert_eq!(mapping(&all), mine);
    says(&all, &["map", "--write"]);
    let once = mapping(&all);
    assert!(once.starts_with(mine), "{once}");
    assert!(once.contains("# Solved = \"Resolved\""), "what belongs into a line of a person is said below: {once}");
    assert!(
        once.contains("[ticket.custom.\"Order no.\"]\nto = \"cf_order_number\" # likely: the same words"),
        "{once}"
    );
    says(&all, &["map", "--write"]);
    assert_eq!(mapping(&all), once, "a second time it has nothing to add");
    assert_eq!(says(&all, &["map", "--diff"]), "");
    let table = says(&all, &["map", "--coverage"]);
    assert!(table.lines().any(|line| line.contains("Serial <no>") && line.ends_with("lost")), "{table}");
    assert_eq!(all.source.calls().len(), read, "what is staged is not read again");
    assert_eq!(all.target.writes_after(0), Vec::<String>::new());
}

#[test]
fn a_ready_made_mapping_is_the_start_of_a_new_one_and_never_takes_the_place_of_yours() {
    let all = Move::new(20, Trouble::default());
    assert_eq!(all.run(&["map", "--ready", "--write"]), 2);
    assert!(all.said("stderr.txt").contains("is there already"));
    std::fs::remove_file(all.project.path().join("mapping.toml")).unwrap();
    says(&all, &["map", "--ready", "--write"]);
    let ready = include_str!("../../mappings/zendesk-freshdesk.toml");
    assert!(mapping(&all).starts_with(&format!("#:schema ./mapping.schema.json\n{}", &ready[..200])));
    assert!(all.project.path().join("mapping.schema.json").exists());
    assert!(says(&all, &["map", "--test"]).ends_with("2 hold\n"));
}

/// The fields of the target with this label.
fn fields(all: &Move, label: &str) -> Vec<Value> {
    let state = all.target.state();
    state["ticket_fields"].as_array().unwrap().iter().filter(|f| f["label"] == label).cloned().collect()
}

const MAKES: &str = r#"
[ticket.status]
values = { "New" = "Open" }
[ticket.custom."Serial <no>"]
create = true
[ticket.custom."Heard of us by"]
create = true
[ticket.custom.Product]
to = "Product line"
create = true
values = { "Übriges" = "Other" }
[ticket.custom."Origin"]
to = "cf_order_number"
value = "Zendesk"
"#;

/// Values of a custom field in the target, without those that are not set.
fn values(all: &Move, name: &str) -> Vec<Value> {
    let state = all.target.state();
    let tickets = state["tickets"].as_array().unwrap().iter();
    tickets.map(|ticket| ticket["custom_fields"][name].clone()).filter(|value| !value.is_null()).collect()
}

#[test]
fn missing_fields_are_made_once_though_an_answer_is_lost_and_hold_their_values() {
    // The first call makes the field of our markers.
    let lost = "[[fault]]\nmethod = \"POST\"\npath = \"/api/v2/admin/ticket_fields\"\nat = 2\ndoes = \"error_after\"\n";
    let all = Move::new(40, Trouble { target: lost, ..Trouble::default() });
    write(&all, MAKES);
    let table = says(&all, &["map", "--coverage"]);
    assert!(table.lines().any(|line| line.contains("Product line") && line.ends_with("is made")), "{table}");
    assert_eq!(all.target.writes_after(0), Vec::<String>::new());
    all.succeeds();
    for (label, kind) in
        [("Serial <no>", "custom_text"), ("Heard of us by", "custom_paragraph"), ("Product line", "custom_dropdown")]
    {
        let made = fields(&all, label);
        assert_eq!(made.len(), 1, "{label}: {made:?}");
        assert_eq!(made[0]["type"], kind);
        assert!(!values(&all, made[0]["name"].as_str().unwrap()).is_empty(), "{label} holds nothing");
    }
    let products = values(&all, "cf_product_line");
    assert!(products.contains(&"Other".into()) && products.contains(&"Hardware::Printer".into()), "{products:?}");
    assert!(values(&all, "cf_order_number").iter().all(|value| value == "Zendesk"));
    let seen = all.target.calls().len();
    all.succeeds();
    assert_eq!(all.target.writes_after(seen), Vec::<String>::new());
    let ids = says(&all, &["report", "--format", "csv"]);
    let created = ids.lines().filter(|line| line.starts_with("field,") && line.contains(",created,")).count();
    assert_eq!(created, 3, "an undo finds what was made\n{ids}");
}

#[test]
fn missing_options_are_added_to_a_field_that_is_there() {
    let all = Move::new(40, Trouble::default());
    let rules = "[ticket.status]\nvalues = { \"New\" = \"Open\" }\n[ticket.custom.Product]\nto = \"cf_product\"\n";
    write(&all, rules);
    says(&all, &["stage"]);
    // Whatever drop-down the target has.
    let state = all.target.state();
    let list = state["ticket_fields"].as_array().unwrap().iter().find(|f| f["type"] == "custom_dropdown").cloned();
    let name = list.expect("the sandbox has a drop-down")["name"].as_str().unwrap().to_owned();
    let rules = rules.replace("cf_product", &name);
    write(&all, &rules);
    let without = says(&all, &["map", "--coverage"]);
    assert!(without.contains("Hardware::Printer") && without.contains("lost"), "{without}");
    write(&all, &format!("{rules}create = true\n"));
    all.succeeds();
    assert!(values(&all, &name).contains(&"Hardware::Printer".into()), "{:?}", values(&all, &name));
}

#[test]
fn what_the_mapping_redacts_reaches_nobody() {
    let all = Move::small(Trouble::default());
    write(
        &all,
        "[ticket.status]\nvalues = { \"New\" = \"Open\" }\n[redact]\nbody = [{ jq = 'gsub(\"[A-Za-z]\"; \"x\")' }, \"email\"]\nsubject = [{ jq = '\"subject\"' }]\n",
    );
    all.succeeds();
    let state = all.target.state();
    let tickets = state["tickets"].as_array().unwrap();
    assert!(!tickets.is_empty() && tickets.iter().all(|ticket| ticket["subject"] == "subject"), "{tickets:?}");
    assert!(all.said("stdout.txt").is_empty());
    let report = says(&all, &["report", "--format", "csv"]);
    assert!(report.contains("redacted="), "{report}");
}

#[test]
fn a_zendesk_is_given_fields_and_options_whose_tags_are_their_own() {
    let all = Move::new(30, Trouble::none(Pair { custom: &[], ..pairs::ZENDESK_ZENDESK }));
    write(
        &all,
        "[ticket.custom.\"Heard of us by\"]\nto = \"Found us by\"\ncreate = true\n\
         [ticket.custom.Product]\ncreate = true\nvalues = { \"Übriges\" = \"Anything else\" }\n",
    );
    assert_eq!(all.run(&["run", "--only", "field"]), 0, "{}", all.said("stderr.txt"));
    let state = all.target.state();
    let fields = state["tables"]["ticket_fields"].as_array().unwrap();
    let options = |title: &str| -> Vec<&str> {
        let field = fields.iter().filter(|field| field["title"] == title).collect::<Vec<_>>();
        assert_eq!(field.len(), 1, "{title}");
        field[0]["custom_field_options"].as_array().unwrap().iter().filter_map(|o| o["value"].as_str()).collect()
    };
    assert_eq!(options("Found us by"), ["found_us_by_web", "found_us_by_a_friend", "found_us_by_other"]);
    assert!(options("Product").contains(&"product_anything_else"), "{:?}", options("Product"));
    assert!(options("Product").contains(&"product_printer"), "those that were there stay");
    let seen = all.target.calls().len();
    assert_eq!(all.run(&["run", "--only", "field"]), 0, "{}", all.said("stderr.txt"));
    assert_eq!(all.target.writes_after(seen), Vec::<String>::new());
}
