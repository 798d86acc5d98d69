//! The comparison on real desks that were spoiled on purpose: each test takes a copy of the good move and breaks one
//! promise in the running target.

use crate::Failed;
use crate::compare::What;
use crate::http::{Client, Result, sha256};
use crate::moves::Move;
use crate::seed::expected::Kind;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

pub fn trials() -> Vec<libtest_mimic::Trial> {
    crate::harness::trials![Servers:
        an_untouched_copy_has_no_differences,
        one_deleted_note_is_noticed,
        one_flipped_private_flag_is_noticed,
        one_private_file_made_public_is_noticed,
        one_changed_byte_of_a_file_is_noticed,
        one_doubled_ticket_is_noticed,
        one_mail_is_noticed,
    ]
}

/// Fails unless the comparison is content before `spoil` and says `what` after it.
fn notices(name: &str, what: What, spoil: impl FnOnce(&Move, &Client) -> Result<()>) -> Result<(), Failed> {
    let copy = crate::moved()?.copy(name)?;
    let client = copy.target_client()?;
    spoil(&copy, &client)?;
    let found = copy.target_differences()?;
    if found.iter().any(|d| d.what == what) {
        Ok(())
    } else {
        Err(format!("no {what:?} was noticed: {}", crate::report(&found)).into())
    }
}

fn an_untouched_copy_has_no_differences() -> Result<(), Failed> {
    let found = crate::moved()?.copy("untouched")?.target_differences()?;
    if found.is_empty() { Ok(()) } else { Err(crate::report(&found).into()) }
}

fn one_deleted_note_is_noticed() -> Result<(), Failed> {
    notices("one_deleted_note_is_noticed", What::MessageCount, |_, client| {
        let (_, note) = journal(client, false)?;
        client.json("PUT", &format!("/journals/{note}.json"), Some(&json!({ "journal": { "notes": "" } })))?;
        Ok(())
    })
}

fn one_flipped_private_flag_is_noticed() -> Result<(), Failed> {
    notices("one_flipped_private_flag_is_noticed", What::Leak, |_, client| {
        let (_, note) = journal(client, true)?;
        client.json(
            "PUT",
            &format!("/journals/{note}.json"),
            Some(&json!({ "journal": { "private_notes": false } })),
        )?;
        Ok(())
    })
}

/// The other way for a private file to become public: it is uploaded to the issue of its note.
fn one_private_file_made_public_is_noticed() -> Result<(), Failed> {
    notices("one_private_file_made_public_is_noticed", What::Leak, |copy, client| {
        let private = copy.expected.messages().filter(|(_, m)| m.kind == Kind::Private);
        // many files are empty, or one letter: those are in the target anyway
        let wanted = private.flat_map(|(_, m)| &m.files).find(|f| f.size > 1).map(|f| f.sha256.clone());
        let path = below(&copy.project.join(".deskferry/kept"), |bytes| Some(sha256(bytes)) == wanted)?;
        let bytes = std::fs::read(&path).map_err(|e| e.to_string())?;
        let upload =
            client.send("POST", "/uploads.json?filename=leak.bin", Some(("application/octet-stream", &bytes)))?;
        let upload: Value = serde_json::from_slice(&upload.body).map_err(|e| e.to_string())?;
        let (issue, _) = journal(client, true)?;
        let change =
            json!({ "issue": { "uploads": [{ "token": upload["upload"]["token"], "filename": "leak.bin" }] } });
        client.json("PUT", &format!("/issues/{issue}.json"), Some(&change))?;
        Ok(())
    })
}

fn one_changed_byte_of_a_file_is_noticed() -> Result<(), Failed> {
    notices("one_changed_byte_of_a_file_is_noticed", What::File, |copy, _| {
        let public = copy.expected.messages().filter(|(_, m)| m.kind == Kind::Public);
        let wanted = public.flat_map(|(_, m)| &m.files).find(|f| f.size > 0).map(|f| f.sha256.clone());
        let files = Path::new(copy.redmine.var("REDMINE_FILES")?);
        let path = below(files, |bytes| Some(sha256(bytes)) == wanted)?;
        let mut bytes = std::fs::read(&path).map_err(|e| e.to_string())?;
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&path, bytes).map_err(|e| e.to_string())
    })
}

fn one_doubled_ticket_is_noticed() -> Result<(), Failed> {
    notices("one_doubled_ticket_is_noticed", What::Twice, |_, client| {
        let first = client.get("/issues.json?status_id=*&sort=id&limit=1")?["issues"][0].clone();
        let marker = first["custom_fields"].as_array().into_iter().flatten().find(|f| f["name"] == "Deskferry");
        let marker = marker.ok_or("the first issue carries no marker")?;
        let again = json!({ "issue": {
            "project_id": first["project"]["id"], "tracker_id": first["tracker"]["id"], "subject": first["subject"],
            "priority_id": first["priority"]["id"], "description": first["description"],
            "custom_fields": [{ "id": marker["id"], "value": format!("{}-again", marker["value"].as_str().unwrap_or_default()) }],
        }});
        client.json("POST", "/issues.json", Some(&again))?;
        Ok(())
    })
}

/// Also the proof that the sink swallows and counts: the running server is made to send one mail, and it is there.
fn one_mail_is_noticed() -> Result<(), Failed> {
    notices("one_mail_is_noticed", What::Mail, |copy, _| {
        let sink = Path::new(copy.redmine.var("REDMINE_MAILS")?);
        let before = crate::seed::rt::mails(sink)?;
        send_a_mail(copy.redmine.var("REDMINE_BASE_URL")?, "agent1@rt.test")?;
        let start = Instant::now();
        // its file is there before its words are
        let is_there = || below(sink, |bytes| bytes.windows(14).any(|w| w == b"agent1@rt.test")).is_ok();
        while crate::seed::rt::mails(sink)? == before || !is_there() {
            if start.elapsed() > Duration::from_secs(30) {
                return Err("the mail never came".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    })
}

/// Asks for a new password, as a person at the login page would.
pub fn send_a_mail(base: &str, address: &str) -> Result<()> {
    let page = Client::new(base, &[("Accept", "text/html")]).send("GET", "/account/lost_password", None)?;
    let cookies: Vec<&str> = page.header("set-cookie").filter_map(|c| c.split(';').next()).collect();
    let html = String::from_utf8_lossy(&page.body).into_owned();
    let token = html.split_once("name=\"authenticity_token\" value=\"").and_then(|(_, rest)| rest.split_once('"'));
    let token = token.map(|(token, _)| token).ok_or("the page holds no form token")?;
    let form = format!("authenticity_token={}&mail={}", crate::http::quoted(token), crate::http::quoted(address));
    let browser = Client::new(base, &[("Accept", "text/html"), ("Cookie", &cookies.join("; "))]);
    let kind = "application/x-www-form-urlencoded";
    let answer = browser.send("POST", "/account/lost_password", Some((kind, form.as_bytes())))?;
    if answer.status == 302 { Ok(()) } else { Err(format!("lost_password: {} {}", answer.status, answer.text())) }
}

/// Number of an issue, and of a note of it that changes nothing else.
fn journal(client: &Client, private: bool) -> Result<(i64, i64)> {
    let issues = client.get("/issues.json?status_id=*&sort=id&limit=100")?;
    for issue in issues["issues"].as_array().into_iter().flatten() {
        let whole = client.get(&format!("/issues/{}.json?include=journals", issue["id"]))?;
        let journals = whole["issue"]["journals"].as_array().into_iter().flatten();
        let fits = |j: &&Value| {
            j["private_notes"] == private && j["notes"] != "" && j["details"].as_array().is_some_and(Vec::is_empty)
        };
        if let Some(note) = journals.into_iter().find(fits) {
            return Ok((issue["id"].as_i64().unwrap_or_default(), note["id"].as_i64().unwrap_or_default()));
        }
    }
    Err("no such note in the target".into())
}

/// The first file below `dir` whose bytes are `wanted`.
fn below(dir: &Path, wanted: impl Fn(&[u8]) -> bool) -> Result<std::path::PathBuf> {
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read(&path).is_ok_and(|bytes| wanted(&bytes)) {
                return Ok(path);
            }
        }
    }
    Err(format!("no such file below {}", dir.display()))
}
