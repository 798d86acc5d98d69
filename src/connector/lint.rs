//! What a manifest must hold beyond its grammar: filters that compile, names that lead somewhere, steps that can be found again.

use super::manifest::{Body, Manifest, Nested, Refusal, Verb};
use super::rest::PARTS;
use crate::error::{Problem, Reason, Result};
use crate::expr::{Expr, Predicate, Wrong};
use crate::project::{AnswerType, TomlText};
use crate::record::Kind;
use std::collections::HashSet;

/// Streams that are not kinds: the vocabularies of a ticket, what is required of it, those of a knowledge base, and the files of an article.
const VOCABULARIES: [&str; 8] =
    ["status", "priority", "type", "demanded", "language", "segment", "editors", "article_file"];
/// Streams below a ticket that are not kinds: of some a native half makes messages.
const BELOW_TICKET: [&str; 3] = ["side_conversation", "time_entry", "rating"];
/// Sections of `write` that are not kinds.
const SECTIONS: [&str; 4] = ["finish", "repair", "time_entry", "rating"];

/// Whether a section of `write` is a part of a category, a section or an article.
fn is_part(section: &str) -> bool {
    let part = section.split_once('_').and_then(|(kind, part)| Some((Kind::from_code(kind)?, part)));
    part.is_some_and(|(kind, part)| kind.is_library() && PARTS.contains(&part))
}

/// What of a question can be answered by nobody.
fn wrong_question(manifest: &Manifest, key: &str) -> Option<String> {
    let question = manifest.account.get(key)?.asked(key);
    if (question.answer_type == AnswerType::Choice) == question.choices.is_empty() {
        return Some("`choices` are for a question with `type = \"choice\"`, which has some".into());
    }
    let default = question.default.as_ref()?;
    match question.is_secret() {
        true => Some("a secret has no default".into()),
        false => question.value(default).err().map(|unfit| format!("its default does not fit: {}", unfit.what)),
    }
}

/// Checks a manifest that was read from `text`. The first fault is told with file, line and caret where it has a place.
pub fn check(manifest: &Manifest, origin: &str, text: &str) -> Result<()> {
    let file = TomlText::new(origin, text, Reason::Manifest);
    for (place, one) in expressions(manifest) {
        one.check().map_err(|wrong| wrong_filter(&file, text, &place, &wrong))?;
    }
    let say = |path: &[&str], message: String| Err(file.error_at_key(path, message));
    for key in manifest.account.keys() {
        if let Some(message) = wrong_question(manifest, key) {
            return say(&["account", key], message);
        }
    }
    for (name, stream) in &manifest.read {
        let is_part = BELOW_TICKET.contains(&name.as_str()) && stream.parent.as_deref() == Some(Kind::Ticket.code());
        if Kind::from_code(name).is_none() && !VOCABULARIES.contains(&name.as_str()) && !is_part {
            return say(&["read", name], format!("`{name}` is neither a kind nor a vocabulary"));
        }
        if [stream.path.is_some(), stream.from.is_some(), stream.rows_of.is_some()].iter().filter(|x| **x).count() != 1
        {
            return say(&["read", name], "a stream has exactly one of `path`, `from`, `rows_of`".into());
        }
        let under = stream.under.as_ref().map(|under| &under.stream);
        let others = [stream.parent.as_ref(), stream.rows_of.as_ref(), stream.of.as_ref().map(|of| &of.stream), under];
        // A target that is no source still shows the messages of a ticket.
        let known = |other: &str| manifest.read.contains_key(other) || other == Kind::Ticket.code();
        if let Some(other) = others.into_iter().flatten().find(|other| !known(other)) {
            return say(&["read", name], format!("there is no `[read.{other}]`"));
        }
        if !stream.fields.contains_key("id") && stream.rows_of.is_none() {
            return say(&["read", name, "fields"], "a stream needs the field `id`".into());
        }
        if let Some(table) = stream.lookup.keys().find(|table| !manifest.lookup.contains_key(*table)) {
            return say(&["read", name], format!("there is no `[lookup.{table}]`"));
        }
        let below = stream.parent.is_some();
        if below && !(stream.lookup.is_empty() && stream.drop.is_empty() && stream.then.is_empty()) {
            return say(&["read", name], "`lookup`, `drop` and `then` are for streams without `parent`".into());
        }
        if stream.inside.is_some() && (name != Kind::Attachment.code() || stream.path.is_none()) {
            return say(&["read", name], "`inside` is for an `attachment` with a `path`".into());
        }
        if !below && (stream.bulk.is_some() || stream.when.is_some()) {
            return say(&["read", name], "`bulk` and `when` are for streams with a `parent`".into());
        }
        if stream.ignored.iter().any(|ignored| ignored.why.trim().is_empty() || ignored.keys.is_empty()) {
            return say(
                &["read", name, "ignored"],
                "what is ignored has `keys`, and `why` nothing is lost by it".into(),
            );
        }
        if stream.cites.trim().is_empty() {
            return say(&["read", name], "a stream cites the vendor's page that describes it".into());
        }
    }
    // The sections of a ticket make one plan: a step is known in the ledger by its name alone.
    let mut of_ticket = HashSet::new();
    for section in [Kind::Ticket.code()].iter().chain(&SECTIONS) {
        for step in manifest.write.get(*section).into_iter().flatten().filter(|step| step.each.is_none()) {
            if !of_ticket.insert(&step.step) {
                let message = format!("another section that writes tickets has a step `{}`", step.step);
                return say(&["write", section], message);
            }
        }
    }
    for (section, steps) in &manifest.write {
        if Kind::from_code(section).is_none() && !SECTIONS.contains(&section.as_str()) && !is_part(section) {
            return say(&["write", section], format!("`{section}` is not a kind"));
        }
        let mut names = HashSet::new();
        for step in steps {
            if !names.insert(&step.step) {
                return say(&["write", section], format!("two steps are named `{}`", step.step));
            }
            let found = manifest.find.contains_key(section) || manifest.scan.contains_key(section);
            if matches!(step.verb, Verb::Create | Verb::Append) && !found {
                let why = format!(
                    "step `{}` cannot be sent safely: there is no `[find.{section}]` or `[scan.{section}]`",
                    step.step
                );
                return say(&["write", section], why);
            }
            if let Some(batch) = &step.batch {
                let held = |key: &String| key.split('.').next() == Some(&batch.item);
                if !matches!(&step.body, Some(Body::Json(fields)) if !fields.is_empty() && fields.keys().all(held)) {
                    let why =
                        format!("step `{}` goes in batches: its `json` holds all below `{}`", step.step, batch.item);
                    return say(&["write", section], why);
                }
            }
            if step.fill && !(step.verb == Verb::Update && matches!(step.body, Some(Body::Json(_)))) {
                let why = format!("step `{}` fills what is empty: it is an `update` with `json`", step.step);
                return say(&["write", section], why);
            }
            if step.verb == Verb::Create && step.marker.is_none() {
                return say(&["write", section], format!("step `{}` creates and has no `marker`", step.step));
            }
        }
    }
    for (name, rule) in &manifest.find {
        let whole = [rule.call.is_some(), rule.items.is_some() != rule.rows.is_some(), rule.id.is_some()];
        match (rule.read, whole) {
            (false, [true, true, true]) if rule.stream.is_none() => {}
            (false, [false, false, true]) if rule.stream.as_ref().is_some_and(|s| manifest.read.contains_key(s)) => {}
            (true, [false, false, false]) if manifest.read.contains_key(name) => {}
            (true, _) => {
                let why = "`read = true` replaces `call`, `items` (or `rows`) and `id`, and needs the read stream";
                return say(&["find", name], why.into());
            }
            (false, _) => {
                return say(
                    &["find", name],
                    "a find rule has `call`, `items` (or `rows`) and `id`, or `stream` and `id`, or `read = true`"
                        .into(),
                );
            }
        }
    }
    for (name, stream) in &manifest.scan {
        let whole = stream.path.is_some() && ["id", "mark"].iter().all(|field| stream.fields.contains_key(*field));
        if Kind::from_code(name).is_none() || !whole {
            return say(&["scan", name], "a scan is of a kind, and has `path` and the fields `id` and `mark`".into());
        }
    }
    for (name, rule) in &manifest.verify {
        if let Some(stream) = rule.with.iter().find(|stream| !manifest.read.contains_key(*stream)) {
            return say(&["verify", name], format!("there is no `[read.{stream}]`"));
        }
    }
    super::native::by_name(manifest.native.as_deref()).map(|_| ())
}

fn wrong_filter(file: &TomlText, text: &str, place: &str, wrong: &Wrong) -> Problem {
    let message = format!("{place}: {}", wrong.why);
    match text.find(&wrong.filter) {
        Some(at) => file.error_at(at + wrong.range.start..at + wrong.range.end, message),
        None => Problem::new(Reason::Manifest, format!("{}: {message}", file.file())),
    }
}

/// Something that may hold a jq filter.
enum Checked<'a> {
    Expr(&'a Expr),
    Predicate(&'a Predicate),
}

impl Checked<'_> {
    fn check(&self) -> Result<(), Wrong> {
        match self {
            Checked::Expr(expr) => expr.check(),
            Checked::Predicate(predicate) => predicate.check(),
        }
    }
}

/// Every expression of a manifest, with its place.
fn expressions(manifest: &Manifest) -> Vec<(String, Checked<'_>)> {
    let mut all = Vec::new();
    for check in &manifest.check {
        all.extend(check.ok.iter().map(|p| (format!("check `{}`", check.call), Checked::Predicate(p))));
    }
    let forms = manifest.refusals.iter().filter_map(|refusal| match refusal {
        Refusal::Made(_) => None,
        Refusal::Says(form) => Some(("refusals".to_owned(), Checked::Predicate(&form.json))),
    });
    all.extend(forms);
    all.extend(manifest.loss.iter().map(|l| (format!("loss `{}`", l.loss), Checked::Predicate(&l.when))));
    for (name, table) in &manifest.lookup {
        all.extend(table.when.iter().map(|p| (format!("lookup.{name}.when"), Checked::Predicate(p))));
        all.extend(table.rows.iter().map(|e| (format!("lookup.{name}.rows"), Checked::Expr(e))));
    }
    for (name, left) in &manifest.left {
        let both = [("count", &left.count), ("name", &left.name), ("rows", &left.rows)];
        all.extend(
            both.into_iter().filter_map(|(key, e)| Some((format!("left.{name}.{key}"), Checked::Expr(e.as_ref()?)))),
        );
    }
    for (name, stream) in &manifest.read {
        let place = |what: &str| format!("read.{name}.{what}");
        all.extend(stream.filter.iter().map(|p| (place("filter"), Checked::Predicate(p))));
        let when = stream.detail.as_ref().and_then(|d| d.when.as_ref());
        all.extend(when.map(|p| (place("detail.when"), Checked::Predicate(p))));
        all.extend(stream.when.iter().map(|p| (place("when"), Checked::Predicate(p))));
        all.extend(stream.then.iter().filter_map(|l| Some((place("then.rows"), Checked::Expr(l.rows.as_ref()?)))));
        all.extend(stream.then.iter().filter_map(|l| Some((place("then.when"), Checked::Predicate(l.when.as_ref()?)))));
        let keep = stream.detail.as_ref().and_then(|d| d.keep.as_ref());
        all.extend(keep.map(|e| (place("detail.keep"), Checked::Expr(e))));
        let withheld = stream.blob.as_ref().and_then(|b| b.withheld.as_ref());
        all.extend(withheld.map(|p| (place("blob.withheld"), Checked::Predicate(p))));
        let hosts = stream.blob.as_ref().and_then(|b| b.hosts.as_ref());
        all.extend(hosts.map(|e| (place("blob.hosts"), Checked::Expr(e))));
        if let Some(bulk) = &stream.bulk {
            all.extend(
                [("bulk.rows", &bulk.rows), ("bulk.expect", &bulk.expect)].map(|(w, e)| (place(w), Checked::Expr(e))),
            );
            all.extend(bulk.when.iter().map(|p| (place("bulk.when"), Checked::Predicate(p))));
            all.extend(bulk.unsure.iter().map(|p| (place("bulk.unsure"), Checked::Predicate(p))));
        }
        all.extend(stream.rows.iter().map(|e| (place("rows"), Checked::Expr(e))));
        let fields = stream.fields.iter().chain(&stream.first);
        all.extend(fields.map(|(field, e)| (place(field), Checked::Expr(e))));
    }
    for (name, stream) in &manifest.scan {
        all.extend(stream.fields.iter().map(|(field, e)| (format!("scan.{name}.{field}"), Checked::Expr(e))));
    }
    for (section, steps) in &manifest.write {
        for step in steps {
            let place = |what: &str| format!("write.{section} step `{}`: {what}", step.step);
            all.extend(
                [&step.when, &step.ok, &step.adopted]
                    .into_iter()
                    .flatten()
                    .map(|p| (place("condition"), Checked::Predicate(p))),
            );
            all.extend(step.on.iter().filter_map(|on| Some((place("on"), Checked::Expr(on.id.as_ref()?)))));
            let single = [("id", &step.id), ("number", &step.number), ("marker", &step.marker), ("text", &step.text)];
            all.extend(single.into_iter().filter_map(|(what, e)| Some((place(what), Checked::Expr(e.as_ref()?)))));
            for many in [&step.query, &step.headers, &step.outputs] {
                all.extend(many.iter().map(|(key, e)| (place(key), Checked::Expr(e))));
            }
            if let Some(poll) = step.batch.as_ref().map(|batch| &batch.poll) {
                let conditions = [Some(&poll.done), Some(&poll.failed), poll.adopted.as_ref()];
                all.extend(conditions.into_iter().flatten().map(|p| (place("poll"), Checked::Predicate(p))));
                let read = [poll.index.as_ref(), poll.key.as_ref(), Some(&poll.error)];
                all.extend(read.into_iter().flatten().map(|e| (place("poll"), Checked::Expr(e))));
            }
            match &step.body {
                Some(Body::Json(fields) | Body::Form(fields) | Body::Nested(Nested { fields, .. })) => {
                    all.extend(fields.iter().map(|(key, e)| (place(key), Checked::Expr(e))));
                }
                Some(Body::Multipart(parts)) => {
                    let fields = parts.iter().flat_map(|p| p.json.iter().flatten());
                    all.extend(fields.map(|(key, e)| (place(key), Checked::Expr(e))));
                    let single = parts.iter().flat_map(|p| [(&p.name, &p.value), (&p.name, &p.content_type)]);
                    all.extend(single.filter_map(|(name, e)| Some((place(name), Checked::Expr(e.as_ref()?)))));
                }
                Some(Body::File(_)) | None => {}
            }
        }
    }
    for (name, rule) in &manifest.find {
        let single = [
            ("id", rule.id.as_ref()),
            ("mark", rule.mark.as_ref()),
            ("text", rule.text.as_ref()),
            ("number", rule.number.as_ref()),
        ];
        let place = |what: &str| format!("find.{name}.{what}");
        all.extend(single.into_iter().filter_map(|(what, e)| Some((place(what), Checked::Expr(e?)))));
        all.extend(rule.query.iter().chain(&rule.outputs).map(|(key, e)| (place(key), Checked::Expr(e))));
    }
    for (name, rule) in &manifest.held {
        let fields = rule.query.iter().chain(&rule.fields);
        all.extend(fields.map(|(key, e)| (format!("held.{name}.{key}"), Checked::Expr(e))));
    }
    for (name, rule) in &manifest.delete {
        all.push((format!("delete.{name}.mark"), Checked::Expr(&rule.mark)));
        all.extend(rule.gone.iter().map(|gone| (format!("delete.{name}.gone"), Checked::Predicate(gone))));
        let used = rule.used.iter().flat_map(|used| used.query.values().chain([&used.id]));
        all.extend(used.map(|e| (format!("delete.{name}.used"), Checked::Expr(e))));
    }
    for (name, rule) in &manifest.verify {
        for expect in &rule.expect {
            let place = format!("verify.{name} `{}`", expect.name);
            all.extend([&expect.at, &expect.is].map(|e| (place.clone(), Checked::Expr(e))));
        }
        if let Some(children) = &rule.children {
            let one = [Some(&children.id), children.text.as_ref()];
            let place = format!("verify.{name}.children");
            all.extend(one.into_iter().flatten().map(|e| (place.clone(), Checked::Expr(e))));
            all.extend(children.private.iter().map(|p| (place.clone(), Checked::Predicate(p))));
        }
    }
    all
}
