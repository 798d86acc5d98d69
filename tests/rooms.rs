//! Imports only ever point down the list of rooms, so that each can be read without the ones above it.

use std::path::Path;

/// Rooms of the engine from the top to the bottom. A room may import itself and what comes after it.
const ENGINE: [&str; 15] = [
    "pipeline",
    "connector",
    "mapping",
    "staging",
    "ledger",
    "http",
    "content",
    "pacer",
    "expr",
    "project",
    "clock",
    "record",
    "error",
    "naive",
    "printable",
];

/// Rooms of the command line, in the same way.
const COMMAND_LINE: [&str; 2] = ["cli", "report"];

/// Rooms named in a file of `room` that are above it.
fn wrong_ways(rooms: &[&str], room: &str, text: &str) -> Vec<String> {
    let place = |name: &str| rooms.iter().position(|r| *r == name);
    let own = place(room);
    let mut wrong = Vec::new();
    for after in text.split("crate::").skip(1) {
        let names = match after.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap_or_default().split(',').map(str::trim).collect(),
            None => vec![after],
        };
        for name in names {
            let name: String = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if place(&name).is_some_and(|there| own.is_some_and(|here| there < here)) {
                wrong.push(name);
            }
        }
    }
    wrong
}

fn check(rooms: &[&str], folder: &Path, room: Option<&str>, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let room = room.unwrap_or(&stem);
        if path.is_dir() {
            check(rooms, &path, Some(room), found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.extend(wrong_ways(rooms, room, &text).iter().map(|up| format!("{} imports {up}", path.display())));
        }
    }
}

#[test]
fn imports_only_point_down() {
    let mut found = Vec::new();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    check(&ENGINE, &here.join("src"), None, &mut found);
    check(&COMMAND_LINE, &here.join("crates/cli/src"), None, &mut found);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The look-alikes share nothing with what is tried on them.
#[test]
fn the_sandbox_depends_on_no_crate_of_the_workspace() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/sandbox/Cargo.toml");
    let manifest: toml::Table = std::fs::read_to_string(manifest).unwrap().parse().unwrap();
    let dependencies = ["dependencies", "dev-dependencies"].map(|table| manifest[table].as_table().unwrap());
    let own: Vec<&String> =
        dependencies.iter().flat_map(|d| d.keys()).filter(|name| name.starts_with("deskferry")).collect();
    assert!(own.is_empty(), "{own:?}");
}

/// Methods of the contracts in a text that have a body: who decorates one could forget them.
fn with_a_body(text: &str) -> Vec<&str> {
    let of_traits = text.split("\npub trait ").skip(1).filter_map(|rest| rest.split("\n}").next());
    let methods =
        of_traits.flat_map(|body| body.split("\n    fn ").flat_map(|part| part.split("\n    async fn ")).skip(1));
    methods.filter(|method| method.split(';').next().is_some_and(|head| head.contains('{'))).collect()
}

#[test]
fn a_decorator_of_a_contract_that_forgets_a_method_does_not_compile() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/connector");
    for file in ["planner.rs", "source.rs", "target.rs"] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        assert!(text.contains("\npub trait "), "{file}");
        assert_eq!(with_a_body(&text), [""; 0], "{file}");
    }
    let forgetful = "\npub trait A {\n    fn a(&self);\n\n    async fn b(&self) -> bool {\n        false\n    }\n}\n";
    assert_eq!(with_a_body(forgetful).len(), 1);
}

#[test]
fn an_import_that_points_up_is_noticed() {
    assert_eq!(wrong_ways(&ENGINE, "ledger", "use crate::pipeline::Job;\nuse crate::error::Reason;"), ["pipeline"]);
    assert_eq!(wrong_ways(&ENGINE, "expr", "use crate::{error, http};"), ["http"]);
    assert!(wrong_ways(&ENGINE, "pipeline", "use crate::ledger::Ledger;").is_empty());
}

#[test]
fn every_room_of_the_engine_is_on_the_list() {
    let lib = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let modules = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    for module in modules {
        assert!(ENGINE.contains(&module), "`{module}` has no place in the list of rooms");
    }
}
