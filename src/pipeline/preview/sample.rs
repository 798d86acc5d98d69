//! The ugly-case sample: the fewest tickets that show every kind of thing the account holds.
//!
//! Each ticket in scope is looked at once and described by *traits*: a status it has, a field it fills, a missing person,
//! a message that begins in private. The tickets that brought a trait up first are kept with their traits, and of these
//! as few are chosen as together have them all. Memory grows with the traits, not with the tickets.

use super::Totals;
use crate::error::Result;
use crate::ledger::State as Step;
use crate::pipeline::migrate::BATCH;
use crate::pipeline::requirements::Fills;
use crate::pipeline::target_metadata::TargetMetadata;
use crate::pipeline::translate::SourceFields;
use crate::pipeline::{Job, Stop};
use crate::record::{Body, Format, Kind, Record, State, Ticket, Visibility, address_key};
use futures_util::TryStreamExt;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::pin;

/// Values told apart in one field.
const VALUES: usize = 60;
/// People kept in memory; more are looked up again.
const REMEMBERED: usize = 20_000;

/// The chosen tickets, in the order of the account, with what each is shown for.
pub type Sample = Vec<(String, Vec<String>)>;

/// What a look at the staged tickets found.
pub struct Look {
    pub sample: Sample,
    /// Of the sample alone.
    pub sampled: Totals,
    /// Of all tickets in scope.
    pub totals: Totals,
    /// The first tickets in scope, as many as were asked for.
    pub first: Vec<String>,
    pub of_first: Totals,
}

#[derive(Default)]
struct Seen {
    /// The ticket that brought up a trait.
    first: BTreeMap<String, String>,
    /// All traits of such tickets.
    traits: HashMap<String, BTreeSet<String>>,
    /// Distinct values by field.
    values: HashMap<String, usize>,
    /// The largest by some measure, and the ticket that has it.
    largest: BTreeMap<&'static str, (u64, String)>,
    order: Vec<String>,
    sizes: HashMap<String, Totals>,
}

/// Looks at every staged ticket in scope. With `most`, only the first so many are shown.
pub async fn look(job: &Job, target_metadata: &TargetMetadata, most: Option<u64>) -> Result<Look, Stop> {
    let (mut seen, mut totals) = (Seen::default(), Totals::default());
    let (mut first, mut of_first) = (Vec::new(), Totals::default());
    let fields = job.source_fields().await?;
    let fills = Fills::of(&job.mapping, target_metadata, &fields);
    let mut people = People { job, target_metadata, known: HashMap::new() };
    let mut after = None;
    loop {
        job.halt.check()?;
        let rows = job.link.next(Kind::Ticket, Step::ALL, after, BATCH).await?;
        let Some(last) = rows.last() else { break };
        after = Some(last.seq);
        let wanted: Vec<_> = rows.into_iter().filter(|row| job.choice.wants_id(Kind::Ticket, &row.id)).collect();
        let mut records = pin!(job.staged_each(Kind::Ticket, &wanted));
        while let Some((row, staged)) = records.try_next().await? {
            let Some(staged) = staged else { continue };
            let Ok(record) = staged else {
                seen.had(&row.id, BTreeSet::from(["cannot be read".to_owned()]));
                continue;
            };
            let Body::Ticket(ticket) = &record.body else { continue };
            if !matches!(job.left_out(&record, ticket).await, Ok(None)) {
                continue;
            }
            let this = Totals::of(ticket);
            totals.add(this);
            if let Some(most) = most {
                if first.len() as u64 >= most {
                    continue;
                }
                first.push(record.id.clone());
                of_first.add(this);
            }
            let mut traits = seen.traits_of(&record, ticket, &fields);
            traits.extend(fills.left_empty(ticket).map(|title| format!("without {title}, which the target requires")));
            people.describe(ticket, &mut traits).await?;
            seen.measure(&record.id, ticket);
            seen.had(&record.id, traits);
            if seen.traits.contains_key(&record.id) {
                seen.sizes.insert(record.id.clone(), this);
            }
        }
    }
    let sizes = std::mem::take(&mut seen.sizes);
    let sample = seen.chosen();
    let mut sampled = Totals::default();
    sample.iter().filter_map(|(id, _)| sizes.get(id)).for_each(|size| sampled.add(*size));
    Ok(Look { sample, sampled, totals, first, of_first })
}

/// What there is to say of people, each looked up once.
struct People<'a> {
    job: &'a Job,
    target_metadata: &'a TargetMetadata,
    known: HashMap<String, Option<String>>,
}

impl People<'_> {
    /// People the stage or the target does not know, or who cannot be reached.
    async fn describe(&mut self, ticket: &Ticket, traits: &mut BTreeSet<String>) -> Result<()> {
        let named = [("requester", ticket.requester.as_ref()), ("assignee", ticket.assignee.as_ref())];
        let authors = ticket.comments.iter().map(|c| ("author", c.author.as_ref()));
        let copies = ticket.ccs.iter().chain(&ticket.followers).map(|id| ("person in copy", Some(id)));
        for (part, id) in named.into_iter().chain(authors).chain(copies) {
            match id {
                None => {
                    traits.insert(format!("without {part}"));
                }
                Some(id) => traits.extend(self.of(id).await?.map(|what| format!("{part} {what}"))),
            }
        }
        Ok(())
    }

    async fn of(&mut self, id: &str) -> Result<Option<String>> {
        if let Some(known) = self.known.get(id) {
            return Ok(known.clone());
        }
        let what = self.look_up(id).await?;
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(id.to_owned(), what.clone());
        Ok(what)
    }

    async fn look_up(&self, id: &str) -> Result<Option<String>> {
        let mapping = &self.job.mapping;
        let (kind, staged) = match self.job.staged(Kind::Agent, id).await? {
            Some(staged) => (Kind::Agent, Some(staged)),
            None => (Kind::Contact, self.job.staged(Kind::Contact, id).await?),
        };
        let Some(staged) = staged else { return Ok(Some("the source does not list".into())) };
        let Ok(record) = staged else { return Ok(None) };
        let (Body::Agent(person) | Body::Contact(person)) = &record.body else { return Ok(None) };
        Ok(match person.emails.first() {
            None => Some("without an e-mail address".into()),
            Some(email) if kind == Kind::Agent => {
                let wanted = mapping.people.agent_email(email);
                self.target_metadata
                    .person(wanted)
                    .is_none()
                    .then(|| format!("{} the target lacks", address_key(wanted)))
            }
            Some(_) => (!person.active).then(|| "who is switched off".into()),
        })
    }
}

impl Seen {
    fn traits_of(&mut self, record: &Record, ticket: &Ticket, fields: &SourceFields) -> BTreeSet<String> {
        let mut traits = BTreeSet::new();
        let mut label = |what: &str, label: Option<&str>| {
            traits.insert(match label {
                Some(label) => format!("{what} {label}"),
                None => format!("without {what}"),
            });
        };
        label("status", ticket.status.as_deref());
        label("priority", ticket.priority.as_deref());
        label("type", ticket.ticket_type.as_deref());
        label("channel", ticket.channel.as_deref());
        label("group", ticket.group.as_deref());
        label("brand", ticket.brand.as_deref());
        if record.state != State::Live {
            traits.insert(format!("{} in the source", record.state));
        }
        for value in &ticket.custom {
            let field = fields.get(&value.key);
            let name = value.title.as_deref().or(field.map(|f| f.title.as_str())).unwrap_or(&value.key);
            traits.insert(format!("field {name}"));
            // Of a field that offers values each is a case; of a text none is.
            let options = field.map_or(&[][..], |field| field.options.as_slice());
            for text in texts(&value.value).into_iter().filter(|_| !options.is_empty()) {
                let label = options.iter().find(|option| option.value == text).map_or(&text, |option| &option.label);
                let known = format!("field {name} = {label}");
                let many = self.values.entry(name.to_owned()).or_default();
                if self.first.contains_key(&known) || *many < VALUES {
                    *many += usize::from(!self.first.contains_key(&known));
                    traits.insert(known);
                }
            }
        }
        traits.extend(ticket.links.iter().map(|link| format!("link {}", link.link_type)));
        let some = [
            ("people in copy", !ticket.ccs.is_empty()),
            ("followers", !ticket.followers.is_empty()),
            ("several requesters", !ticket.requesters.is_empty()),
            ("tags", !ticket.tags.is_empty()),
            ("a due date", ticket.due_at.is_some()),
            ("a rating", ticket.satisfaction.is_some()),
            ("time spent", !ticket.time_entries.is_empty()),
            ("a company", ticket.company.is_some()),
            ("no subject", ticket.subject.trim().is_empty()),
            ("no message", ticket.comments.is_empty()),
            ("a private first message", ticket.comments.first().is_some_and(|c| c.visibility == Visibility::Private)),
            ("a private message", ticket.comments.iter().any(|c| c.visibility == Visibility::Private)),
        ];
        traits.extend(some.iter().filter(|(_, has)| *has).map(|(what, _)| format!("with {what}")));
        for comment in &ticket.comments {
            traits.insert(format!("messages in {}", comment.format));
            let image = comment.format == Format::Html && comment.body.contains("<img");
            let some = [
                ("an inline image", image),
                ("an empty message", comment.body.trim().is_empty()),
                ("a table", comment.body.contains("<table")),
                ("text from right to left", comment.body.chars().any(is_right_to_left)),
                ("characters beyond the basic plane", comment.body.chars().any(|c| c > '\u{FFFF}')),
                ("a file", !comment.attachments.is_empty()),
                (
                    "a file of a private message",
                    comment.visibility == Visibility::Private && !comment.attachments.is_empty(),
                ),
                ("a file the source holds back", comment.attachments.iter().any(|file| file.source.is_withheld())),
                ("an empty file", comment.attachments.iter().any(|f| f.size == Some(0))),
                ("a file name beyond ASCII", comment.attachments.iter().any(|f| !f.name.is_ascii())),
                ("a file shown in a message", comment.attachments.iter().any(|f| f.inline)),
            ];
            traits.extend(some.iter().filter(|(_, has)| *has).map(|(what, _)| format!("with {what}")));
        }
        traits
    }

    fn measure(&mut self, id: &str, ticket: &Ticket) {
        let files = ticket.comments.iter().flat_map(|c| &c.attachments);
        let sizes: Vec<u64> = files.filter_map(|f| f.size).collect();
        let longest = ticket.comments.iter().map(|c| c.body.len()).max().unwrap_or_default();
        let measures = [
            ("the longest thread", ticket.comments.len() as u64),
            ("the largest file", sizes.iter().copied().max().unwrap_or_default()),
            ("the most bytes in files", sizes.iter().sum()),
            ("the most files", sizes.len() as u64),
            ("the most people in copy", (ticket.ccs.len() + ticket.followers.len()) as u64),
            ("the most tags", ticket.tags.len() as u64),
            ("the longest message", longest as u64),
            ("the longest subject", ticket.subject.len() as u64),
        ];
        for (what, size) in measures {
            if size > self.largest.get(what).map_or(0, |(most, _)| *most) {
                self.largest.insert(what, (size, id.to_owned()));
            }
        }
    }

    fn had(&mut self, id: &str, traits: BTreeSet<String>) {
        let new: Vec<&String> = traits.iter().filter(|t| !self.first.contains_key(*t)).collect();
        let kept = self.largest.values().any(|(_, of)| of == id);
        if new.is_empty() && !kept {
            return;
        }
        for one in new {
            self.first.insert(one.clone(), id.to_owned());
        }
        self.order.push(id.to_owned());
        self.traits.insert(id.to_owned(), traits);
    }

    /// The fewest a greedy choice finds: each time the ticket that shows most of what is not shown yet.
    fn chosen(mut self) -> Sample {
        for (what, (_, id)) in &self.largest {
            self.first.insert((*what).to_owned(), id.clone());
            self.traits.entry(id.clone()).or_default().insert((*what).to_owned());
        }
        let mut open: BTreeSet<&str> = self.first.keys().map(String::as_str).collect();
        let mut chosen: HashMap<&str, Vec<String>> = HashMap::new();
        while !open.is_empty() {
            let shows = |id: &&String| self.traits[*id].iter().filter(|t| open.contains(t.as_str())).count();
            // Of equals the earliest in the account.
            let Some(best) = self.order.iter().rev().max_by_key(shows) else { break };
            let new: Vec<String> = self.traits[best].iter().filter(|t| open.contains(t.as_str())).cloned().collect();
            if new.is_empty() {
                break;
            }
            new.iter().for_each(|t| {
                open.remove(t.as_str());
            });
            chosen.insert(best, new);
        }
        self.order.iter().filter_map(|id| Some((id.clone(), chosen.remove(id.as_str())?))).collect()
    }
}

/// The values of a field.
fn texts(value: &Value) -> Vec<String> {
    let list = match value {
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    };
    list.into_iter().map(crate::expr::plain).filter(|text| !text.is_empty()).collect()
}

fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(tickets: &[(&str, &[&str])]) -> Seen {
        let mut seen = Seen::default();
        for (id, traits) in tickets {
            seen.had(id, traits.iter().map(|t| (*t).to_owned()).collect());
        }
        seen
    }

    fn ids(sample: &Sample) -> Vec<&str> {
        sample.iter().map(|(id, _)| id.as_str()).collect()
    }

    #[test]
    fn as_few_tickets_as_show_everything_are_chosen() {
        let sample = seen(&[("1", &["a"]), ("2", &["b"]), ("3", &["a", "b", "c"]), ("4", &["d", "a"])]).chosen();
        assert_eq!(ids(&sample), ["3", "4"]);
        assert_eq!(sample[1].1, ["d"], "each is shown for what the others do not show");
    }

    #[test]
    fn the_largest_is_shown_even_if_it_has_nothing_else() {
        let mut seen = seen(&[("1", &["a"])]);
        seen.largest.insert("the longest thread", (9, "7".into()));
        seen.had("7", BTreeSet::from(["a".to_owned()]));
        assert_eq!(ids(&seen.chosen()), ["7"], "it shows what the first shows, too");
    }

    #[test]
    fn a_ticket_that_shows_nothing_new_costs_no_memory() {
        let seen = seen(&[("1", &["a", "b"]), ("2", &["a"]), ("3", &["b"])]);
        assert_eq!(seen.traits.len(), 1);
    }

    #[test]
    fn a_value_of_a_choice_is_a_case_and_a_text_is_none() {
        let field = |key: &str, options: serde_json::Value| {
            let json =
                serde_json::json!({"scope": "ticket", "key": key, "title": key, "type": "select", "options": options});
            (key.to_owned(), serde_json::from_value(json).unwrap())
        };
        let fields = SourceFields::from([
            field("size", serde_json::json!([{"label": "L", "value": "l"}])),
            field("order", serde_json::json!([])),
        ]);
        let json = serde_json::json!({"kind": "ticket", "id": "1", "custom": [{"key": "size", "value": "l"}, {"key": "order", "value": "77"}]});
        let record: Record = serde_json::from_value(json).unwrap();
        let Body::Ticket(ticket) = &record.body else { panic!("no ticket") };
        let traits = Seen::default().traits_of(&record, ticket, &fields);
        let of_fields: Vec<&String> = traits.iter().filter(|t| t.starts_with("field")).collect();
        assert_eq!(of_fields, ["field order", "field size", "field size = L"]);
    }
}
