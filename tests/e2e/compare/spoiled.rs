//! The comparison compared: a faithful desk held in memory, spoiled in one way at a time.

use super::target::{File, Issue, Message, Target};
use super::{Difference, Rules, What, differences};

use crate::seed::expected::{Body, Expected, Kind, Ticket};
use crate::seed::plan::plan;
use std::collections::HashSet;
use std::sync::OnceLock;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    crate::harness::trials![Nothing:
        a_faithful_desk_has_no_differences,
        a_missing_ticket_is_noticed,
        a_doubled_ticket_is_noticed_even_with_a_marker_of_its_own,
        a_merged_or_deleted_ticket_that_appears_is_noticed,
        one_marker_on_two_issues_or_none_is_noticed,
        a_deleted_note_is_noticed,
        a_doubled_note_is_noticed,
        notes_that_changed_places_are_noticed,
        a_flipped_private_flag_is_noticed_either_way,
        private_words_quoted_in_public_are_noticed,
        a_private_file_on_the_issue_or_on_nothing_is_noticed,
        a_changed_byte_is_noticed,
        a_file_on_another_message_is_noticed,
        an_image_that_is_only_attached_is_noticed,
        another_author_date_or_name_is_noticed,
        another_value_status_assignee_or_project_is_noticed,
        a_forgotten_requester_or_link_is_noticed,
    ]
}

const API_USER: &str = "admin@example.net";

fn expected() -> &'static Expected {
    static EXPECTED: OnceLock<Expected> = OnceLock::new();
    EXPECTED.get_or_init(|| {
        let plan = plan(7);
        plan.expected(&(1..=plan.tickets.len() as i64).collect::<Vec<_>>())
    })
}

fn rules() -> Rules {
    crate::project::rules(API_USER.into())
}

fn marker_field() -> String {
    rules().marker.expect("the rules name it")
}

/// What a perfect move would leave: agents write as themselves where they may.
fn faithful(expected: &Expected) -> (Target, HashSet<String>) {
    let number = |subject: &String| expected.tickets.iter().position(|t| t.subject == *subject).map(|n| n as i64 + 1);
    let mut kept = HashSet::new();
    let mut issues: Vec<Issue> =
        expected.tickets.iter().enumerate().map(|(n, t)| issue(t, n as i64 + 1, &mut kept)).collect();
    for (issue, ticket) in issues.iter_mut().zip(&expected.tickets) {
        issue.relations = ticket.refers_to.iter().filter_map(number).collect();
    }
    let files = issues.iter().flat_map(|i| &i.messages).flat_map(|m| &m.files).map(|f| f.sha256.clone()).collect();
    (Target { issues, files }, kept)
}

fn issue(ticket: &Ticket, id: i64, kept: &mut HashSet<String>) -> Issue {
    let rules = rules();
    let mut custom: std::collections::BTreeMap<_, _> =
        ticket.custom.iter().map(|(title, c)| (title.clone(), c.values.clone())).collect();
    custom.insert(rules.marker.expect("the rules name it"), vec![format!("link:{id}")]);
    let mut messages: Vec<Message> = ticket.messages.iter().map(|m| message(m, kept)).collect();
    for person in ticket.requesters.iter().chain(&ticket.ccs) {
        let called = person.email.clone().unwrap_or_else(|| person.names()[0].to_string());
        messages[0].body += &format!("\n\nIn copy: {called}");
    }
    Issue {
        id,
        subject: ticket.subject.clone(),
        project: rules.project[&ticket.queue].clone(),
        status: rules.status[&ticket.status].clone(),
        created: None,
        requesters: vec![],
        assignee: ticket.owner.as_ref().and_then(|o| o.email.clone()),
        custom,
        watchers: vec![],
        relations: vec![],
        messages,
        stray: vec![],
    }
}

fn message(message: &crate::seed::expected::Message, kept: &mut HashSet<String>) -> Message {
    let date = message.created.strftime("%Y-%m-%d %H:%M:%S UTC");
    let author = &message.author;
    let (account, header) = match &author.email {
        Some(email) if email.ends_with("@rt.test") => (email.as_str(), format!("_Originally on {date}_")),
        Some(email) => (API_USER, format!("_Originally by {} &lt;{email}&gt; on {date}_", author.names()[0])),
        None => (API_USER, format!("Originally by {} on {date}", author.names()[0])),
    };
    let mut body = match message.body {
        Body::Text(_) => {
            format!("{header}\n\n<notextile>{}</notextile>", crate::seed::words::escaped(&message.text.join("\n")))
        }
        _ => format!("{header}\n\n{}", message.text.join("\n* ")),
    };
    let private = message.kind == Kind::Private;
    let mut files = vec![];
    for (n, file) in message.files.iter().enumerate() {
        let name = if file.name.is_empty() { format!("inline-{n}.gif") } else { file.name.replace('"', "_") };
        if file.inline {
            body += &format!("\n!{name}!");
        }
        if private {
            kept.insert(file.sha256.clone());
            body += &format!("\nKept on this machine: {name}");
        } else {
            files.push(File { name, sha256: file.sha256.clone(), size: file.size });
        }
    }
    Message { author: account.into(), private, body, created: None, files }
}

/// The differences after `spoil` was done to a faithful desk.
fn after(spoil: impl FnOnce(&mut Target, &mut HashSet<String>)) -> Vec<Difference> {
    let (mut target, mut kept) = faithful(expected());
    spoil(&mut target, &mut kept);
    differences(expected(), &target, &rules(), &kept)
}

#[track_caller]
fn notices(what: What, spoil: impl FnOnce(&mut Target, &mut HashSet<String>)) {
    let found = after(spoil);
    assert!(found.iter().any(|d| d.what == what), "no {what:?} among {found:#?}");
}

/// The first message for which `wanted` holds.
fn first(target: &mut Target, wanted: impl Fn(&Message) -> bool) -> &mut Message {
    let mut messages = target.issues.iter_mut().flat_map(|i| i.messages.iter_mut().skip(1));
    messages.find(|m| wanted(m)).expect("the seed holds such a message")
}

fn a_faithful_desk_has_no_differences() {
    assert_eq!(after(|_, _| {}), []);
}

fn a_missing_ticket_is_noticed() {
    notices(What::Missing, |t, _| drop(t.issues.remove(3)));
}

fn a_doubled_ticket_is_noticed_even_with_a_marker_of_its_own() {
    notices(What::Twice, |t, _| {
        let mut copy = t.issues[3].clone();
        copy.id = 999;
        copy.custom.insert(marker_field(), vec!["another".into()]);
        t.issues.push(copy);
    });
}

fn a_merged_or_deleted_ticket_that_appears_is_noticed() {
    for absent in &expected().absent {
        notices(What::Twice, |t, _| {
            let mut extra = t.issues[3].clone();
            (extra.id, extra.subject) = (999, absent.subject.clone());
            t.issues.push(extra);
        });
    }
}

fn one_marker_on_two_issues_or_none_is_noticed() {
    notices(What::Marker, |t, _| {
        let marker = t.issues[3].custom[&marker_field()].clone();
        t.issues[4].custom.insert(marker_field(), marker);
    });
    notices(What::Marker, |t, _| drop(t.issues[3].custom.insert(marker_field(), vec![])));
}

fn a_deleted_note_is_noticed() {
    notices(What::MessageCount, |t, _| drop(t.issues[3].messages.pop()));
}

fn a_doubled_note_is_noticed() {
    notices(What::MessageCount, |t, _| {
        let note = t.issues[3].messages[1].clone();
        t.issues[3].messages.push(note);
    });
}

fn notes_that_changed_places_are_noticed() {
    notices(What::Message, |t, _| {
        let issue = t.issues.iter_mut().find(|i| i.subject.contains("a long conversation"));
        issue.expect("is there").messages.swap(2, 6);
    });
}

fn a_flipped_private_flag_is_noticed_either_way() {
    notices(What::Leak, |t, _| first(t, |m| m.private).private = false);
    notices(What::Leak, |t, _| first(t, |m| !m.private).private = true);
}

fn private_words_quoted_in_public_are_noticed() {
    notices(What::Leak, |t, _| {
        let words = first(t, |m| m.private).body.clone();
        first(t, |m| !m.private).body += &words;
    });
}

fn a_private_file_on_the_issue_or_on_nothing_is_noticed() {
    let private = expected().messages().filter(|(_, m)| m.kind == Kind::Private).flat_map(|(_, m)| &m.files);
    let sha256 = private.map(|f| f.sha256.clone()).next().expect("the seed holds one");
    notices(What::Leak, |t, _| t.files.push(sha256.clone()));
    notices(What::Leak, |t, _| {
        first(t, |m| m.private).files.push(File { name: "x".into(), sha256: sha256.clone(), size: 1 });
    });
    notices(What::File, |_, kept| assert!(kept.remove(&sha256)));
}

fn a_changed_byte_is_noticed() {
    notices(What::File, |t, _| first(t, |m| !m.files.is_empty()).files[0].sha256 = "0".repeat(64));
}

fn a_file_on_another_message_is_noticed() {
    notices(What::File, |t, _| {
        let issue =
            t.issues.iter_mut().find(|i| i.messages.iter().skip(1).any(|m| !m.files.is_empty())).expect("is there");
        let files: Vec<File> = issue.messages.iter_mut().skip(1).flat_map(|m| m.files.drain(..)).collect();
        issue.messages[0].files.extend(files);
    });
}

fn an_image_that_is_only_attached_is_noticed() {
    notices(What::File, |t, _| {
        for message in t.issues.iter_mut().flat_map(|i| &mut i.messages) {
            message.body = message.body.replace("!picture.gif!", "picture.gif");
        }
    });
    notices(What::Message, |t, _| t.issues[0].messages[0].body += "\n!cid:picture@img.example!");
}

fn another_author_date_or_name_is_noticed() {
    notices(What::Message, |t, _| first(t, |m| m.author.contains("agent1")).author = "agent2@rt.test".into());
    notices(What::Message, |t, _| first(t, |m| m.author.contains("agent1")).author = API_USER.into());
    for (from, to) in [("Originally", "Written"), (" on 20", " on 10"), (":", "."), ("UTC", "CET")] {
        notices(What::Message, |t, _| {
            let message = &mut t.issues[0].messages[0];
            message.body = message.body.replacen(from, to, 1);
        });
    }
    notices(What::Message, |t, _| {
        let message = &mut t.issues[0].messages[0];
        message.body = message.body.replacen("Archer", "Bowman", 1);
    });
}

fn another_value_status_assignee_or_project_is_noticed() {
    notices(What::Value, |t, _| t.issues[3].status = "Feedback".into());
    notices(What::Value, |t, _| t.issues[3].project = "elsewhere".into());
    notices(What::Value, |t, _| t.issues[3].assignee = Some("admin@example.net".into()));
    for (title, value) in [("Seats", "1001"), ("Products", "Delta"), ("Callback At", "1999-01-01 00:00")] {
        notices(What::Value, |t, _| {
            for issue in &mut t.issues {
                issue.custom.insert(title.into(), vec![value.into()]);
            }
        });
    }
    notices(What::Value, |t, _| {
        for issue in &mut t.issues {
            issue.custom.remove("Network");
        }
    });
}

fn a_forgotten_requester_or_link_is_noticed() {
    notices(What::Person, |t, _| {
        for message in t.issues.iter_mut().flat_map(|i| &mut i.messages) {
            message.body = message.body.split("\n\nIn copy:").next().unwrap_or_default().to_string();
        }
    });
    notices(What::Link, |t, _| {
        for issue in &mut t.issues {
            issue.relations.clear();
        }
    });
}
