//! The conversation: order, visibility, author, date, words and files of every message.

use super::target::{Issue, Message as Got, Target};
use super::text::{holds_in_order, squeezed, squeezed_line};
use super::{Dates, Findings, Images, PrivateFiles, Rules, What};
use crate::http::quoted;
use crate::seed::expected::{Expected, File, Kind, Message, Ticket};
use crate::seed::words::tokens;
use std::collections::{HashMap, HashSet};

pub fn compare(
    ticket: &Ticket,
    issue: &Issue,
    target: &Target,
    rules: &Rules,
    kept: &HashSet<String>,
    findings: &mut Findings,
) {
    for name in &issue.stray {
        findings.add(What::File, format!("{name:?} hangs on no message"));
    }
    let messages = whole(&ticket.messages, after_stub(ticket, issue, findings), rules);
    if messages.len() != ticket.messages.len() {
        let (got, want) = (messages.len(), ticket.messages.len());
        findings.add(What::MessageCount, format!("{got} messages, expected {want}"));
        return;
    }
    let mut room = rules.ticket_bytes;
    for (n, (want, got)) in ticket.messages.iter().zip(&messages).enumerate() {
        let at = format!("message {n}");
        for host in &rules.hosts {
            // the recording of a call lies with whoever migrated it: the look-alike lends it its host of files
            if got.body.replace(&format!("{host}/recording/"), "").contains(host.as_str()) {
                findings.add(What::Address, format!("{at} points at {host}"));
            }
        }
        let private = want.kind == Kind::Private;
        if got.private != private {
            findings.add(What::Leak, format!("{at} is private: {}, expected {private}", got.private));
        }
        header(want, got, rules, n == 0 && rules.first_by_requester, &at, findings);
        if let Err(phrase) = holds_in_order(&got.body, &want.text) {
            findings.add(What::Message, format!("{at} does not hold {phrase:?} in its place"));
        }
        let fits = |file: &&File| {
            let fits = file.size <= room && (file.size > 0 || rules.empty_files);
            room -= if fits { file.size } else { 0 };
            fits
        };
        let (mut on_it, mut off_it): (Vec<_>, Vec<_>) = want.files.iter().partition(fits);
        if private && rules.private_files == PrivateFiles::Kept {
            off_it.append(&mut on_it);
            for file in &got.files {
                findings.add(What::Leak, format!("{at} is private and shows {:?} to everyone", file.name));
            }
        } else {
            files_on(&on_it, got, rules, &at, findings);
        }
        kept_files(&off_it, private, got, target, kept, &at, findings);
    }
}

/// The messages that stand for those of the ticket. Everybody sees a ticket's first message: before a private one stands one
/// more, with nothing of it.
fn after_stub<'i>(ticket: &Ticket, issue: &'i Issue, findings: &mut Findings) -> &'i [Got] {
    let is_private = ticket.messages.first().is_some_and(|first| first.kind == Kind::Private);
    let Some((stub, others)) = issue.messages.split_first().filter(|_| is_private) else { return &issue.messages };
    let leaks = words_of_ours(&stub.body).next().is_some() || !stub.files.is_empty();
    if leaks || stub.private {
        findings.add(What::Leak, "what stands before its private first message is no stub");
    }
    others
}

/// The messages, those that had to be cut into several as one again.
fn whole(wanted: &[Message], there: &[Got], rules: &Rules) -> Vec<Got> {
    let mut left = there.iter().cloned();
    let mut all: Vec<Got> = vec![];
    for want in wanted {
        let Some(mut got) = left.next() else { break };
        let chars: usize = want.text.iter().map(|line| line.chars().count()).sum();
        while chars > rules.body_chars && holds_in_order(&got.body, &want.text).is_err() {
            let Some(part) = left.next() else { break };
            got.body.push_str(&part.body);
            got.files.extend(part.files);
        }
        all.push(got);
    }
    all.extend(left);
    all
}

/// The words messages are known by.
fn words_of_ours(body: &str) -> impl Iterator<Item = String> {
    tokens(body).map(str::to_owned).chain(super::promised::marks(body))
}

/// Who wrote it and when: the account that wrote it, and the first line of the body. `by_requester`: whoever wrote it, it stands
/// under the requester.
fn header(want: &Message, got: &Got, rules: &Rules, by_requester: bool, at: &str, findings: &mut Findings) {
    let email = want.author.email.as_deref();
    let native = match email {
        Some(email) => email.eq_ignore_ascii_case(&got.author),
        // Who has no address is known by name.
        None => want.author.names().contains(&got.author.as_str()),
    };
    if !native && !by_requester && !got.author.eq_ignore_ascii_case(&rules.api_user) {
        findings.add(What::Message, format!("{at} is by {}, expected {email:?} or the API user", got.author));
    }
    if let Some(other) = got.created.filter(|created| *created != want.created) {
        findings.add(What::Message, format!("{at} was written at {other}, expected {}", want.created));
    }
    if rules.dates == Dates::Own || rules.dates == Dates::Native && native {
        return;
    }
    let date = match rules.dates {
        Dates::Native => String::new(),
        _ => want.created.strftime(" on %Y-%m-%d %H:%M:%S UTC").to_string(),
    };
    let mut good = vec![];
    for name in want.author.names() {
        good.push(format!("Originally by {name}{date}"));
        if let Some(email) = email {
            good.push(format!("Originally by {name} <{email}>{date}"));
        }
    }
    // an address stands alone only where there is no name
    if want.author.name.is_some() && email.is_some() {
        good.remove(0);
    }
    // nobody the source knows: the words name them
    let is_stranger = want.author.names().iter().all(|name| name.is_empty());
    if native || is_stranger {
        good.push(format!("Originally{date}"));
    }
    let line = got.body.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
    if !good.iter().any(|g| squeezed_line(g) == squeezed_line(line)) {
        let last = &good[good.len() - 1];
        findings.add(
            What::Message,
            format!("{at} begins {:?}, expected {last:?}", line.chars().take(120).collect::<String>()),
        );
    }
}

fn files_on(want: &[&File], got: &Got, rules: &Rules, at: &str, findings: &mut Findings) {
    let mut left: Vec<_> = got.files.iter().collect();
    for file in want {
        let same = |f: &&super::target::File| f.sha256 == file.sha256 && same_name(&f.name, &file.name);
        let Some(n) = left.iter().position(same) else {
            findings.add(What::File, format!("{at} lacks {:?} of {} bytes, {}", file.name, file.size, file.sha256));
            continue;
        };
        let found = left.remove(n);
        let shown = match rules.images {
            Images::Shown => shows(&got.body, &found.name),
            Images::Named => squeezed(&got.body).contains(&squeezed(&found.name)),
        };
        if file.inline && !shown {
            findings.add(What::File, format!("{at} does not show {:?}, which is {:?} here", file.name, found.name));
        }
    }
    for file in left {
        findings.add(What::File, format!("{at} has {:?} of {} bytes, {}, too much", file.name, file.size, file.sha256));
    }
    if got.body.contains("cid:") {
        findings.add(What::Message, format!("{at} still refers to a part of its mail (cid:)"));
    }
}

/// Kept on this machine, named in the message, and, if private, nowhere in the target.
fn kept_files(
    want: &[&File],
    private: bool,
    got: &Got,
    target: &Target,
    kept: &HashSet<String>,
    at: &str,
    findings: &mut Findings,
) {
    for File { name, sha256, size, .. } in want {
        // many files are empty, or one letter
        if private && *size > 1 && target.files.contains(sha256) {
            findings.add(What::Leak, format!("{name:?} of the private {at} is in the target"));
        }
        if !kept.contains(sha256) {
            findings.add(What::File, format!("{name:?} of {at} was not kept"));
        }
        if !squeezed(&got.body).contains(&squeezed(name)) {
            findings.add(What::File, format!("{at} does not name {name:?}, which was kept"));
        }
    }
}

/// A name may lose the characters the target cannot hold, and a file without one may be given any. A second file
/// of one name on an issue may be told apart by something put to its name.
fn same_name(got: &str, want: &str) -> bool {
    let (got_stem, want_stem) = (squeezed(stem(got)), squeezed(stem(want)));
    want.is_empty() || squeezed(got) == squeezed(want) || (!want_stem.is_empty() && got_stem.starts_with(&want_stem))
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// `!name!` in Textile, `![…](name)` in Markdown, the name as it is or quoted.
fn shows(body: &str, name: &str) -> bool {
    let spaced = name.replace(' ', "%20");
    let readable = quoted(name).replace("%2E", ".").replace("%2D", "-");
    [name, &spaced, &quoted(name), &readable].iter().any(|name| {
        let found = |before: &str, after: &str| body.contains(&format!("{before}{name}{after}"));
        (body.contains('!') && (found("!", "!") || found(">", "!") || found("!", "(")))
            || found("](", ")")
            || found("](<", ">)")
    })
}

/// Every message's own word is in that message and nowhere else; words of deleted tickets are nowhere.
pub fn leaks(expected: &Expected, target: &Target, findings: &mut Findings) {
    let mut places: HashMap<String, Vec<(&Issue, &Got)>> = HashMap::new();
    for (issue, message) in target.issues.iter().flat_map(|i| i.messages.iter().map(move |m| (i, m))) {
        for token in words_of_ours(&message.body) {
            places.entry(token).or_default().push((issue, message));
        }
    }
    for (ticket, message) in expected.messages() {
        let found = message.token.as_ref().and_then(|token| places.remove(token)).unwrap_or_default();
        for (issue, got) in &found {
            if message.kind == Kind::Private && !got.private {
                let said = format!("private words of {:?} are public in issue {}", ticket.subject, issue.id);
                findings.add(What::Leak, said);
            }
            if issue.subject != ticket.subject {
                findings.add(What::Leak, format!("words of {:?} are in issue {}", ticket.subject, issue.id));
            }
        }
        if found.len() > 1 {
            findings.add(What::Twice, format!("a message of {:?} is there {} times", ticket.subject, found.len()));
        }
    }
    for absent in &expected.absent {
        if absent.tokens.iter().any(|token| places.contains_key(token)) {
            findings.add(What::Leak, format!("words of {:?}, which was {}, are there", absent.subject, absent.why));
        }
    }
}
