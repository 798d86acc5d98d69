use super::*;
use crate::mapping::seen::SeenAgent;
use crate::record::{Category, FieldOption, FieldType, Kind};

fn field(key: &str, title: &str, field_type: FieldType, options: &[&str]) -> Field {
    let option = |label: &&str| FieldOption { label: (*label).into(), value: label.to_lowercase(), parent: None };
    let options = options.iter().map(option).collect();
    Field { scope: Kind::Ticket, key: key.into(), title: title.into(), field_type, required: false, options }
}

fn label(label: &str, tickets: u64, category: Option<Category>) -> SeenLabel {
    SeenLabel { label: label.into(), category, tickets }
}

fn seen() -> Observed {
    let of = |field, tickets, values: &[(&str, u64)]| SeenField {
        field,
        defined: true,
        tickets,
        values: values.iter().map(|(value, n)| ((*value).to_owned(), *n)).collect(),
    };
    Observed {
        tickets: 100,
        statuses: vec![
            label("Open", 60, Some(Category::Open)),
            label("Solved", 30, Some(Category::Solved)),
            label("Frozen", 10, None),
        ],
        priorities: vec![label("Odd", 3, None)],
        fields: vec![
            of(field("1", "Region", FieldType::Select, &["EMEA", "Asia"]), 80, &[("emea", 70), ("asia", 10)]),
            of(field("2", "Serial", FieldType::Text, &[]), 40, &[]),
        ],
        agents: vec![SeenAgent { name: "Ann".into(), email: "ann@old.com".into(), tickets: 9 }],
        tags: vec![label("vip", 5, None)],
        ..Observed::default()
    }
}

fn there() -> There {
    There {
        labels: BTreeMap::from([("status", vec!["Open".into(), "Resolved".into()]), ("priority", vec!["Low".into()])]),
        fields: vec![field("cf_region", "Region", FieldType::Select, &["Asia", "Europe"])],
        tags: true,
        ..There::default()
    }
}

fn found(mapping: &str, there: &There) -> Vec<String> {
    let mapping = Mapping::parse("m", mapping).unwrap();
    let shown = |row: &Coverage| {
        let value = row.value.as_deref().map(|value| format!(" {value}")).unwrap_or_default();
        let to = row.to.as_deref().map(|to| format!(" → {to}")).unwrap_or_default();
        format!("{}{value} {}{to}: {}", row.field, row.tickets, row.goes.says())
    };
    coverage(&mapping, &seen(), there).iter().map(shown).collect()
}

#[test]
fn what_goes_nowhere_stands_first_and_every_value_has_its_count() {
    assert_eq!(
        found("", &there()),
        [
            "status Frozen 10: fails",
            "Region EMEA 70: lost",
            "Serial 40: lost",
            "agent ann@old.com 9: lost",
            "priority Odd 3: lost",
            "status Open 60 → Open: same name",
            "status Solved 30 → Resolved: same meaning",
            "Region 80 → Region (cf_region): same name",
            "Region Asia 10 → Asia: same name",
            "tag vip 5 → vip: same name",
        ]
    );
}

#[test]
fn rules_show_where_they_lead() {
    let rules = r#"
[ticket.status]
values = { "Frozen" = "Open" }
[ticket.priority]
else = "drop"
[ticket.custom.Region]
values = { "EMEA" = "Europe" }
[ticket.custom.Serial]
drop = true
[ticket.tags]
rename = { "vip" = "VIP" }
[people]
missing = "default:ops@new.com"
"#;
    let found = found(rules, &there());
    for line in [
        "status Frozen 10 → Open: rule",
        "priority Odd 3: left out",
        "Region EMEA 70 → Europe: rule",
        "Serial 40: left out",
        "agent ann@old.com 9 → ops@new.com: else",
        "tag vip 5 → VIP: rule",
    ] {
        assert!(found.contains(&line.to_owned()), "{line}\n{found:#?}");
    }
    assert!(found.iter().all(|line| !line.ends_with(": lost") && !line.ends_with(": fails")), "{found:#?}");
}

#[test]
fn a_field_the_target_demands_is_open_until_a_rule_gives_it_a_value() {
    let demanded = |of: Field| There { fields: vec![Field { required: true, ..of }], ..there() };
    let unknown = demanded(field("cf_tier", "Tier", FieldType::Text, &[]));
    assert!(found("", &unknown).contains(&"Tier 100: fails".to_owned()));
    assert!(!found("[ticket.custom.Tier]\nvalue = 'Gold'", &unknown).join("\n").contains("Tier"));
    // Twenty tickets have no region: they need a default.
    let partly = demanded(field("cf_region", "Region", FieldType::Select, &["Asia", "EMEA"]));
    assert!(found("", &partly).contains(&"Region 20: fails".to_owned()));
    assert!(!found("[ticket.custom.Region]\ndefault = 'Asia'", &partly).contains(&"Region 20: fails".to_owned()));
}

#[test]
fn what_is_to_be_made_is_listed_only_where_it_can_be_made() {
    let makes = There { makes: vec![FieldType::Text, FieldType::Select], ..there() };
    let rules = "[ticket.custom.Serial]\ncreate = true\n[ticket.custom.Region]\ncreate = true";
    let lines = found(rules, &makes);
    assert!(lines.contains(&"Serial 40 → Serial: is made".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"Region EMEA 70 → EMEA: is made".to_owned()), "{lines:#?}");
    let whole = There { fields: vec![], ..makes.clone() };
    assert!(found(rules, &whole).contains(&"Region Asia 10 → Asia: is made".to_owned()));
    assert!(found("", &whole).contains(&"Region Asia 10: lost".to_owned()), "every value is listed");
    assert!(found(rules, &there()).contains(&"Serial 40: lost".to_owned()));
}

#[test]
fn a_lossy_conversion_is_declared_before_it_happens() {
    let mapping = Mapping::parse("m", "[ticket.custom.Serial]\nto = 'cf_n'").unwrap();
    let there = There { fields: vec![field("cf_n", "N", FieldType::Number, &[])], ..there() };
    let rows = coverage(&mapping, &seen(), &there);
    let serial = rows.iter().find(|row| row.field == "Serial").unwrap();
    assert_eq!(serial.note.as_deref(), Some("lost: values that are not numbers"));
}
