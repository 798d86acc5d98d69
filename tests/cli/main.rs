//! What a user sees: exit code, stdout and stderr of whole commands. Needs no help desk: where one must answer, a few
//! lines of a server on loopback do.

mod interface;
mod map;
mod mistakes;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

const PROJECT: &str = r#"[source]
connector = "rt"
url = "http://127.0.0.1:1"
token = { env = "RT_TOKEN" }
[target]
connector = "redmine"
url = "http://127.0.0.1:1/redmine"
api_key = { env = "REDMINE_API_KEY" }
project = "support"
silenced = true
"#;

fn project(text: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("migration.toml"), text).unwrap();
    dir
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deskferry"));
    command.arg("-C").arg(dir).args(args).env("RT_TOKEN", "1-14-s3cr3t").env("REDMINE_API_KEY", "s3cr3t");
    command.env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

/// Exit code, stdout and stderr, with what changes from machine to machine taken out.
fn seen(dir: &Path, mut command: Command) -> String {
    let output = command.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let text = format!("exit {}\n--- stdout\n{stdout}--- stderr\n{stderr}", output.status.code().unwrap_or(-1));
    let text = text.replace(&dir.display().to_string(), "DIR");
    assert!(!text.contains("s3cr3t"), "a secret is shown: {text}");
    text
}

fn run(dir: &Path, args: &[&str]) -> String {
    seen(dir, command(dir, args))
}

/// A server that gives every request the same answer. Its address.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

#[test]
fn help_names_every_command() {
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(run(dir.path(), &["--help"]));
    insta::assert_snapshot!("run_help", run(dir.path(), &["run", "--help"]));
}

#[test]
fn a_folder_without_a_project_is_said_so() {
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(run(dir.path(), &["check"]));
}

#[test]
fn an_unknown_key_is_shown_with_its_place_and_the_right_word() {
    let dir = project(&PROJECT.replace("project =", "projcet ="));
    insta::assert_snapshot!(run(dir.path(), &["check"]));
}

#[test]
fn an_answer_that_is_no_yes_and_no_no_is_shown_and_not_taken_for_a_no() {
    let source = "connector = \"freshdesk\"\nurl = \"http://127.0.0.1:1\"\napi_key = { env = \"RT_TOKEN\" }\narchived = \"ja\"\n";
    let (_, target) = PROJECT.split_once("[target]").unwrap();
    let dir = project(&format!("[source]\n{source}[target]{target}"));
    insta::assert_snapshot!("odd_answer", run(dir.path(), &["check"]));
}

#[test]
fn a_literal_secret_is_refused_and_not_shown() {
    let dir = project(&PROJECT.replace("{ env = \"RT_TOKEN\" }", "\"1-14-s3cr3t\""));
    insta::assert_snapshot!(run(dir.path(), &["check"]));
}

#[test]
fn a_missing_variable_is_named() {
    let dir = project(PROJECT);
    let mut command = command(dir.path(), &["check"]);
    command.env_remove("RT_TOKEN");
    insta::assert_snapshot!(seen(dir.path(), command));
}

#[test]
fn an_unknown_connector_is_told_with_those_there_are() {
    let dir = project(&PROJECT.replace("\"rt\"", "\"rtt\""));
    insta::assert_snapshot!(run(dir.path(), &["check"]));
}

#[test]
fn a_half_broken_manifest_is_told_with_file_and_line() {
    let dir = project(PROJECT);
    std::fs::create_dir(dir.path().join("connectors")).unwrap();
    let manifest = include_str!("../../connectors/rt.toml");
    let file = dir.path().join("connectors/rt.toml");
    std::fs::write(&file, manifest.replace("evidence = \"live\"\nparent", "evidance = \"live\"\nparent")).unwrap();
    insta::assert_snapshot!("unknown_key", run(dir.path(), &["check"]));
    std::fs::write(
        &file,
        manifest.replace(".EffectiveId != .id then \"merged\"", ".EffectiveId != .id thn \"merged\""),
    )
    .unwrap();
    insta::assert_snapshot!("broken_filter", run(dir.path(), &["check"]));
}

#[test]
fn a_condition_of_the_scope_that_does_not_compile_is_shown_in_the_file() {
    let dir = project(&format!("{PROJECT}[scope]\njq = '.subject | tst(\"x\")'\n"));
    for name in ["check", "preview", "run"] {
        let output = run(dir.path(), &[name]);
        assert!(output.starts_with("exit 2\n"), "{output}");
        assert!(output.contains("migration.toml:12:18: jq: undefined filter `tst`"), "{output}");
        assert!(output.contains("   |                  ^^^\n"), "{output}");
    }
}

#[test]
fn a_ledger_that_is_gone_while_its_project_was_used_is_told_as_lost() {
    let dir = project(PROJECT);
    std::fs::create_dir(dir.path().join(".deskferry")).unwrap();
    std::fs::write(dir.path().join(".deskferry/staging.db"), "").unwrap();
    for name in ["status", "report", "ids"] {
        let output = run(dir.path(), &[name]);
        assert!(output.contains("is the ledger lost? `deskferry ids --rebuild` restores it"), "{output}");
        assert!(!output.contains("does not exist yet"), "{output}");
    }
}

#[test]
fn a_wrong_mapping_is_told_with_file_and_line() {
    let dir = project(PROJECT);
    std::fs::write(dir.path().join("mapping.toml"), "[ticket.status]\nvalue = { new = \"New\" }\n").unwrap();
    insta::assert_snapshot!(run(dir.path(), &["run"]));
}

#[test]
fn a_wrong_kind_on_the_command_line_is_told() {
    let dir = project(PROJECT);
    insta::assert_snapshot!(run(dir.path(), &["run", "--only", "parcels"]));
}

#[test]
fn a_wrong_token_is_refused_with_a_hint() {
    let denied = "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: 26\r\n\
                  connection: close\r\n\r\n{\"message\":\"Unauthorized\"}";
    let address = answering(denied);
    let dir = project(&PROJECT.replace("http://127.0.0.1:1", &address));
    insta::assert_snapshot!(run(dir.path(), &["check"]).replace(&address, "ADDRESS"));
    assert!(run(dir.path(), &["run"]).starts_with("exit 5\n"));
}

#[test]
fn a_wrong_address_is_refused_with_a_hint() {
    let page =
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\nconnection: close\r\n\r\n<html></html>";
    let address = answering(page);
    let dir = project(&PROJECT.replace("http://127.0.0.1:1", &address));
    insta::assert_snapshot!(run(dir.path(), &["check"]).replace(&address, "ADDRESS"));
}

/// What is said follows from the refusal: the vendor's own words, and no word of the address where the platform is in trouble.
#[test]
fn a_platform_in_trouble_is_not_taken_for_a_wrong_address() {
    let down = "HTTP/1.1 501 Not Implemented\r\ncontent-type: application/json\r\ncontent-length: 68\r\nconnection: close\r\n\r\n\
                {\"message\":\"down\\u001b[2J\",\"errors\":[{\"field\":\"all\",\"detail\":\"no\"}]}";
    let address = answering(down);
    let dir = project(&PROJECT.replace("http://127.0.0.1:1", &address));
    insta::assert_snapshot!(run(dir.path(), &["check"]).replace(&address, "ADDRESS"));
}

#[test]
fn a_target_that_may_mail_is_refused() {
    let dir = project(&PROJECT.replace("silenced = true\n", ""));
    let output = run(dir.path(), &["check", "--only-never"]);
    assert!(output.starts_with("exit 2\n"), "an unknown flag is a wrong usage: {output}");
    let denied = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let address = answering(denied);
    let dir = project(&PROJECT.replace("silenced = true\n", "").replace("http://127.0.0.1:1", &address));
    let output = run(dir.path(), &["check"]);
    assert!(output.starts_with("exit 6\n") && output.contains("no e-mail notifications"), "{output}");
}

#[test]
fn connectors_are_listed_with_their_evidence() {
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(run(dir.path(), &["connectors", "list"]));
    insta::assert_snapshot!("lint", run(dir.path(), &["connectors", "lint"]));
    let schema = command(dir.path(), &["connectors", "schema"]).output().unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&schema.stdout).unwrap();
    assert_eq!(schema["title"], "Manifest");
    let shown = command(dir.path(), &["connectors", "show", "rt"]).output().unwrap();
    assert_eq!(shown.stdout, include_bytes!("../../connectors/rt.toml"));
    let shown = run(dir.path(), &["connectors", "show", "freshdesk", "--summary"]);
    assert!(shown.starts_with("exit 0\n") && shown.lines().count() < 40, "{shown}");
    for line in ["freshdesk: Freshdesk API v2 (docs)", "  api_key (secret: from { env }, { file } or { command })"] {
        assert!(shown.lines().any(|there| there == line), "{shown}");
    }
    assert!(shown.contains("deskferry connectors show freshdesk --manifest"), "{shown}");
}

#[test]
fn nothing_run_yet_is_said_so_and_nothing_is_made() {
    let dir = project(PROJECT);
    for name in ["status", "report", "ids"] {
        let output = run(dir.path(), &[name]);
        assert!(output.starts_with("exit 2\n") && output.contains("does not exist yet"), "{output}");
    }
    assert!(!dir.path().join(".deskferry").exists());
}

#[test]
fn json_events_are_one_object_a_line_on_stdout() {
    let dir = project(&PROJECT.replace("project =", "projcet ="));
    let output = command(dir.path(), &["--json", "run"]).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let events: Vec<serde_json::Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(
        (events.len(), events[0]["event"].as_str(), events[0]["reason"].as_str()),
        (1, Some("error"), Some("config"))
    );
    assert!(output.stderr.is_empty());
}

#[test]
fn the_project_is_closed_to_others() {
    let denied = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let dir = project(&PROJECT.replace("http://127.0.0.1:1", &answering(denied)));
    run(dir.path(), &["run"]);
    let mode = |name: &str| std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode(".deskferry"), mode(".deskferry/ledger.db"), mode(".deskferry/staging.db")),
        (0o700, 0o600, 0o600)
    );
}

/// Mounts something at the folder, runs, and unmounts. None where this user may not mount.
fn mounted<T>(folder: &Path, mount: &[&[&str]], then: impl FnOnce() -> T) -> Option<T> {
    for args in mount {
        let done = Command::new("mount").args(*args).stderr(Stdio::null()).status();
        if !done.is_ok_and(|status| status.success()) {
            println!("skipped: this user may not mount");
            let _ = Command::new("umount").arg(folder).stderr(Stdio::null()).status();
            return None;
        }
    }
    let result = then();
    let _ = Command::new("umount").arg(folder).status();
    Some(result)
}

#[test]
fn a_read_only_project_is_told_and_nothing_is_lost() {
    let dir = project(PROJECT);
    let path = dir.path().display().to_string();
    let bind: &[&[&str]] = &[&["--bind", &path, &path], &["-o", "remount,ro,bind", &path]];
    if let Some(output) = mounted(dir.path(), bind, || run(dir.path(), &["run"])) {
        insta::assert_snapshot!(output);
        assert_eq!(std::fs::read_to_string(dir.path().join("migration.toml")).unwrap(), PROJECT);
    }
}

#[test]
fn a_full_disk_is_told_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().display().to_string();
    let small: &[&[&str]] = &[&["-t", "tmpfs", "-o", "size=64k", "tmpfs", &path]];
    let output = mounted(dir.path(), small, || {
        std::fs::write(dir.path().join("migration.toml"), PROJECT).unwrap();
        let _ = std::fs::write(dir.path().join("filler"), vec![0; 60 << 10]);
        run(dir.path(), &["run"])
    });
    if let Some(output) = output {
        assert!(output.starts_with("exit 1\n"), "{output}");
        assert!(output.contains("full") || output.contains("No space left"), "{output}");
        assert!(output.contains("nothing is lost"), "{output}");
    }
}
