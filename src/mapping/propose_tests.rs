use super::*;
use crate::mapping::seen::SeenAgent;
use crate::record::{FieldType, Kind};
use std::collections::BTreeMap;

fn field(key: &str, title: &str, field_type: FieldType, options: &[&str]) -> Field {
    let option = |label: &&str| FieldOption { label: (*label).into(), value: label.to_lowercase(), parent: None };
    let options = options.iter().map(option).collect();
    Field { scope: Kind::Ticket, key: key.into(), title: title.into(), field_type, required: false, options }
}

fn seen() -> Observed {
    let label = |label: &str, category, tickets| SeenLabel { label: label.into(), category, tickets };
    let of = |field| SeenField { field, defined: true, tickets: 8, values: BTreeMap::new() };
    Observed {
        tickets: 20,
        statuses: vec![
            label("New", Some(Category::New), 4),
            label("Open", Some(Category::Open), 5),
            label("Solved", Some(Category::Solved), 6),
        ],
        groups: vec![label("2nd level", None, 3), label("Buchhaltung", None, 2)],
        fields: vec![
            of(field("1", "Order no.", FieldType::Text, &[])),
            of(field("2", "Gebiet", FieldType::Select, &["Asia", "Europe", "Amerika"])),
            of(field("3", "Serial", FieldType::Text, &[])),
            of(field("4", "Same", FieldType::Text, &[])),
        ],
        agents: vec![
            SeenAgent { name: "Ann Lee".into(), email: "ann@old.com".into(), tickets: 7 },
            SeenAgent { name: "Bob".into(), email: "bob@new.com".into(), tickets: 1 },
        ],
        ..Observed::default()
    }
}

fn there() -> There {
    There {
        labels: BTreeMap::from([
            ("status", vec!["Open".into(), "Resolved".into()]),
            ("group", vec!["Second level".into(), "2nd  Level Support".into()]),
        ]),
        fields: vec![
            field("cf_order", "Order number", FieldType::Text, &[]),
            field("cf_region", "Region", FieldType::Select, &["Asia", "Europe", "America"]),
            field("cf_same", "Same", FieldType::Text, &[]),
        ],
        agents: vec![("Ann Lee".into(), "a.lee@new.com".into()), ("Bob".into(), "bob@new.com".into())],
        ..There::default()
    }
}

fn proposed(mapping: &str) -> Vec<String> {
    let mapping = Mapping::parse("m", mapping).unwrap();
    let shown = |p: &Proposal| {
        let open = if p.sure == Sure::Guess { "# " } else { "" };
        format!("{open}{} {} = {:?} # {}", p.table.join("."), p.key, p.value, p.note)
    };
    propose(&mapping, &seen(), &there()).iter().map(shown).collect()
}

#[test]
fn only_what_the_defaults_do_not_give_is_proposed_with_how_sure_it_is() {
    assert_eq!(
        proposed(""),
        [
            "ticket.status.values New = Some(\"Open\") # the nearest state; 4 tickets",
            "ticket.status.values Solved = Some(\"Resolved\") # sure: the same meaning; 6 tickets",
            "# ticket.group.values 2nd level = Some(\"2nd  Level Support\") # a guess: similar words (91%); 3 tickets",
            "# ticket.group.values Buchhaltung = None # nothing similar; there are Second level, 2nd  Level Support; 2 tickets",
            "ticket.custom.Order no. to = Some(\"cf_order\") # likely: the same words; text, on 8 tickets",
            "# ticket.custom.Gebiet to = Some(\"cf_region\") # a guess: the same options (2 of 3); select, on 8 tickets",
            "# ticket.custom.Gebiet.values Amerika = Some(\"America\") # a guess: similar words (94%); 0 tickets",
            "# ticket.custom.Serial to = None # text, on 8 tickets: nothing similar; name a field, or write `drop = true`",
            "people.agents ann@old.com = Some(\"a.lee@new.com\") # likely: the same name; 7 tickets",
        ]
    );
}

#[test]
fn what_a_person_decided_is_not_proposed_again() {
    let rules = r#"
[ticket.status]
values = { New = "Open", Solved = "Resolved" }
[ticket.group]
values = { "2nd level" = "Second level", Buchhaltung = "Second level" }
[ticket.custom]
"Order no." = { drop = true }
Gebiet = { to = "cf_region", else = "drop" }
Serial = { create = true }
[people]
agents = { "ann@old.com" = "bob@new.com" }
"#;
    assert_eq!(proposed(rules), Vec::<String>::new());
}

#[test]
fn each_field_of_the_target_is_taken_once() {
    let twice = Observed {
        fields: vec![
            SeenField {
                field: field("1", "Order no", FieldType::Text, &[]),
                defined: true,
                tickets: 1,
                values: BTreeMap::new(),
            },
            SeenField {
                field: field("2", "Orders number", FieldType::Text, &[]),
                defined: true,
                tickets: 1,
                values: BTreeMap::new(),
            },
        ],
        ..Observed::default()
    };
    let all = propose(&Mapping::default(), &twice, &there());
    let to: Vec<_> = all.iter().map(|p| (p.table[2].as_str(), p.value.as_deref())).collect();
    assert_eq!(to, [("Order no", Some("cf_order")), ("Orders number", None)]);
}

#[test]
fn what_is_alike_by_its_letters_is_never_more_than_a_guess() {
    let opposite = [
        ("Unresolved", "Resolved"),
        ("Un-resolved", "Resolved"),
        ("Closed - reopened", "Closed"),
        ("Open/Closed", "Open"),
        ("Unsolved", "Solved"),
        ("Slow", "Low"),
        ("Support 2", "Support"),
        ("Inactive", "Active"),
        ("C++", "C"),
        ("-1", "1"),
        ("VIP", "Non-VIP"),
        ("1.5", "15"),
    ];
    for (label, other) in opposite {
        let known = [other.to_owned(), "Something else".to_owned()];
        assert!(alike(label, &known).is_none_or(|(_, sure, _)| sure == Sure::Guess), "{label}");
    }
    for (label, other) in [("on_hold", "On-hold"), ("2nd level", "2nd  Level"), ("Order no.", "Order number")] {
        let found = alike(label, &[other.to_owned()]).map(|(to, sure, _)| (to, sure));
        assert_eq!(found, Some((other.to_owned(), Sure::Known)), "{label}");
    }
    let two = ["On hold".to_owned(), "On-hold".to_owned()];
    assert_eq!(alike("on_hold", &two).map(|(_, sure, _)| sure), Some(Sure::Guess), "which of them?");
}
