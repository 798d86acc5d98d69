//! The table of what write steps see, in `docs/connectors.md`, is drawn from the types that hold it.

use deskferry::connector::mapped;
use schemars::{JsonSchema, schema_for};
use serde_json::Value;
use std::fmt::Write;

/// A type under the name that manifests, or other rows of the page, have for it.
struct Shown {
    /// Of the type in Rust: what a reference in a schema ends with.
    own: String,
    page: &'static str,
    schema: Value,
}

fn shown<T: JsonSchema>(page: &'static str) -> Shown {
    Shown { own: T::schema_name().into_owned(), page, schema: schema_for!(T).to_value() }
}

/// In the order of the page: what an expression sees under its own name, then what that is made of.
fn all() -> Vec<Shown> {
    vec![
        shown::<mapped::MappedTicket>("`.ticket`"),
        shown::<mapped::MappedComment>("`.comment`"),
        shown::<mapped::MappedFile>("`.attachment`"),
        shown::<mapped::MappedTimeEntry>("`.time_entry`"),
        shown::<mapped::MappedRating>("`.rating`"),
        shown::<mapped::MappedContact>("`.contact`"),
        shown::<mapped::MappedCompany>("`.company`"),
        shown::<mapped::MappedGroup>("`.group`"),
        shown::<mapped::MappedField>("`.field`"),
        shown::<mapped::MappedFolder>("`.category`, `.section`"),
        shown::<mapped::MappedArticle>("`.article`"),
        shown::<mapped::MappedLink>("`.link`"),
        shown::<mapped::MappedPerson>("person"),
        shown::<mapped::Reference>("reference"),
        shown::<mapped::Word>("label"),
        shown::<mapped::MappedCustom>("custom value"),
        shown::<mapped::FolderTranslation>("translation of a category or section"),
        shown::<mapped::FolderVariant>("further folder"),
        shown::<mapped::ArticleTranslation>("translation of an article"),
    ]
}

/// What a schema lets be there, in a few words.
fn shape(schema: &Value, of: &Value, all: &[Shown]) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return match all.iter().find(|shown| shown.own == name) {
            Some(shown) => shown.page.to_owned(),
            None => shape(&of["$defs"][name], of, all),
        };
    }
    let codes = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(Value::as_str).map(|code| format!("`{code}`")).collect()
    };
    if let Some(either) = schema["anyOf"].as_array() {
        let either: Vec<String> = either.iter().map(|one| shape(one, of, all)).collect();
        return either.join(" or ");
    }
    if let Some(either) = schema["oneOf"].as_array() {
        let one = |one: &Value| match one["const"].as_str() {
            Some(code) => vec![format!("`{code}`")],
            None => codes(&one["enum"]),
        };
        return either.iter().flat_map(one).collect::<Vec<_>>().join(" ");
    }
    if schema.get("enum").is_some() {
        return codes(&schema["enum"]).join(" ");
    }
    let plain = |kind: &str| match kind {
        "string" if schema["format"] == "date-time" => "time".to_owned(),
        "string" => "text".to_owned(),
        "integer" | "number" => "number".to_owned(),
        "boolean" => "true or false".to_owned(),
        "array" => format!("list of {}", shape(&schema["items"], of, all)),
        "object" => match schema["properties"].as_object() {
            Some(fields) => fields.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" "),
            None => "object".to_owned(),
        },
        other => other.to_owned(),
    };
    match &schema["type"] {
        Value::String(kind) => plain(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).map(plain).collect::<Vec<_>>().join(" or "),
        _ => "any value".to_owned(),
    }
}

/// A doc comment in a cell.
fn says(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('\n', " ").trim_end_matches('.').to_owned()
}

fn page() -> String {
    let all = all();
    let mut text = String::new();
    for Shown { page, schema, .. } in &all {
        write!(text, "\n**{page}**: {}\n\n| field | is | |\n|---|---|---|\n", says(schema)).unwrap();
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            writeln!(text, "| `{name}` | {} | {} |", shape(field, schema, &all), says(field)).unwrap();
        }
    }
    text + "\n"
}

#[test]
fn the_page_has_the_names_and_shapes_of_the_types() {
    let path = crate::root::root().join("docs/connectors.md");
    let whole = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = whole.split_once("<!-- table: mapped -->\n").expect("the page has a place for the table");
    let (there, after) = rest.split_once("<!-- end -->").expect("the table ends");
    let table = page();
    if std::env::var("DESKFERRY_TABLES").is_ok_and(|tables| tables == "write") {
        std::fs::write(&path, format!("{before}<!-- table: mapped -->\n{table}<!-- end -->{after}")).unwrap();
        return;
    }
    assert!(
        there == table,
        "`DESKFERRY_TABLES=write cargo test --test connectors mapped` writes docs/connectors.md again"
    );
}
