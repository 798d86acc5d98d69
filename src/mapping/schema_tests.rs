//! What editors complete is what the parser takes, key for key.

use super::Mapping;
use serde_json::Value;
use std::collections::BTreeSet;

/// The keys the parser takes in a table, by its complaint about one that nobody uses. `None`: any key.
fn parsed(table: &str) -> Option<BTreeSet<String>> {
    let text = match table {
        "" => "zzz = 1\n".to_owned(),
        "example" => "[[example]]\nticket = {}\nexpect = {}\nzzz = 1\n".to_owned(),
        table => format!("[{table}]\nzzz = 1\n"),
    };
    let said = toml::from_str::<Mapping>(&text).err()?.message().to_owned();
    let (_, expected) = said.split_once("unknown field `zzz`, expected ")?;
    Some(expected.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

fn resolved<'a>(root: &'a Value, node: &'a Value) -> &'a Value {
    let at = node["$ref"].as_str().and_then(|path| root.pointer(path.strip_prefix('#')?));
    at.unwrap_or(node)
}

/// Compares a table and all below it; gives how many tables were compared.
fn compare(root: &Value, node: &Value, table: &str) -> usize {
    let node = resolved(root, node);
    if let Some(item) = node.get("items").filter(|_| table == "example") {
        return compare(root, item, table);
    }
    let mut compared = 0;
    if let Some(properties) = node["properties"].as_object() {
        let keys: BTreeSet<String> = properties.keys().cloned().collect();
        assert_eq!(node["additionalProperties"], false, "[{table}]: an editor takes any key");
        assert_eq!(parsed(table), Some(keys), "[{table}]");
        compared = 1;
        for (key, below) in properties {
            let name = if table.is_empty() { key.clone() } else { format!("{table}.{key}") };
            compared += compare(root, below, &name);
        }
    } else if let Some(any) = node.get("additionalProperties").filter(|any| any["$ref"].is_string()) {
        compared += compare(root, any, &format!("{table}.Any"));
    }
    compared
}

#[test]
fn an_editor_is_told_of_every_key_the_parser_takes_and_of_no_other() {
    let schema = serde_json::to_value(Mapping::schema()).unwrap();
    let tables = compare(&schema, &schema, "");
    assert!(tables >= 19, "only {tables} tables were compared");
    assert!(parsed("ticket.custom.Any").unwrap().contains("create"), "the parser's keys can be read");
}
