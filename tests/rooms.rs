//! Imports only ever point down the list of rooms, so that each can be read without the ones above it.

use std::path::Path;

/// From the top to the bottom. A room may import itself and what stands after it.
const ROOMS: [&str; 18] = [
    "cli",
    "report",
    "sandbox",
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

/// Rooms named in a file of `room` that stand above it.
fn wrong_ways(room: &str, text: &str) -> Vec<String> {
    let place = |name: &str| ROOMS.iter().position(|r| *r == name);
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

fn check(folder: &Path, room: Option<&str>, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let room = room.unwrap_or(&stem);
        if path.is_dir() {
            check(&path, Some(room), found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.extend(wrong_ways(room, &text).iter().map(|up| format!("{} imports {up}", path.display())));
        }
    }
}

#[test]
fn imports_only_point_down() {
    let mut found = Vec::new();
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), None, &mut found);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The look-alikes share nothing with what is tried on them.
#[test]
fn the_sandbox_imports_nothing_of_the_engine() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sandbox")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let outside = text.split("crate::").skip(1).find(|after| !after.starts_with("sandbox"));
            assert!(outside.is_none(), "{} imports the engine", path.display());
        }
    }
}

#[test]
fn an_import_that_points_up_is_noticed() {
    assert_eq!(wrong_ways("ledger", "use crate::pipeline::Job;\nuse crate::error::Reason;"), ["pipeline"]);
    assert_eq!(wrong_ways("expr", "use crate::{error, http};"), ["http"]);
    assert!(wrong_ways("cli", "use crate::ledger::Ledger;").is_empty());
}

#[test]
fn every_room_of_the_crate_is_on_the_list() {
    let lib = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let modules = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    for module in modules {
        assert!(ROOMS.contains(&module), "`{module}` has no place in the list of rooms");
    }
}
