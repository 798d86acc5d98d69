//! A mapping proposed from what both accounts hold: only lines the defaults do not give and no person wrote yet, each with
//! how sure it is and on how many tickets it stands. What is alike by its letters alone is a guess, and never more: `Unsolved` is
//! like `Solved`.

use super::Mapping;
use super::coverage::{Goes, of_label, vocabularies};
use super::custom::Place;
use super::fit::{Fit, fit, makeable};
use super::label;
use super::seen::{Observed, SeenField, SeenLabel, There};
use super::value::{ValueField, explicit};
use crate::record::{Category, Field, FieldOption};

/// From here on two names are taken for one thing, in parts of 1.
const ALIKE: f64 = 0.86;
/// Options two fields must share, and their part of the smaller list, to be taken for one.
const SHARED: usize = 2;
const SHARED_PART: f64 = 0.5;

/// One line of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The table it stands in: `["ticket", "status", "values"]`.
    pub table: Vec<String>,
    pub key: String,
    /// The value; none where nothing fits and a person has to say.
    pub value: Option<String>,
    pub sure: Sure,
    /// How sure it is, and the count.
    pub note: String,
}

/// Whether a person has to look at a line before it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sure {
    /// The same name, or words the field knows to mean the same.
    Known,
    /// It looks alike. Nothing goes by it.
    Guess,
}

impl Sure {
    /// Of what stands on two.
    fn and(self, other: Sure) -> Sure {
        if self == Sure::Known { other } else { self }
    }
}

/// All lines, in the order of the file.
pub fn propose(mapping: &Mapping, seen: &Observed, there: &There) -> Vec<Proposal> {
    if there.takes_any {
        return vec![];
    }
    let mut all = Vec::new();
    for (field, labels) in vocabularies(seen) {
        all.extend(labels.iter().filter_map(|label| for_label(mapping, field, label, there)));
    }
    let pairs = pairs(mapping, seen, there);
    for field in &seen.fields {
        let pair = pairs.iter().find(|pair| pair.source == field.field.key);
        for_field(mapping, field, pair, there, &mut all);
    }
    all.extend(seen.agents.iter().filter_map(|agent| {
        let wanted = mapping.people.agent_email(&agent.email);
        let is_there = there.agents.iter().any(|(_, email)| label::same(email, wanted));
        if is_there || wanted != agent.email {
            return None;
        }
        let (value, sure, why) = namesake(&agent.name, &agent.email, &there.agents);
        let note = format!("{why}; {}", tickets(agent.tickets));
        Some(Proposal { table: path(&["people", "agents"]), key: agent.email.clone(), value, sure, note })
    }));
    all
}

fn path(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn tickets(n: u64) -> String {
    if n == 1 { "1 ticket".into() } else { format!("{n} tickets") }
}

fn for_label(mapping: &Mapping, field: ValueField, seen: &SeenLabel, there: &There) -> Option<Proposal> {
    let rule = mapping.ticket.value_rule(field);
    let known = there.labels(field.key());
    if known.is_empty() || rule.jq.is_some() || explicit(&rule.values, &seen.label).is_some() {
        return None;
    }
    let goes = of_label(mapping, field, seen, there);
    let (value, sure, why) = match goes.goes {
        Goes::Meaning => (goes.to, Sure::Known, "sure: the same meaning".to_owned()),
        Goes::Fails | Goes::Lost => match (alike(&seen.label, known), nearest_state(field, seen, known)) {
            (Some((to, Sure::Known, why)), _) => (Some(to), Sure::Known, why),
            (_, Some(state)) => (Some(state), Sure::Known, "the nearest state".to_owned()),
            (Some((to, sure, why)), None) => (Some(to), sure, why),
            (None, None) => (None, Sure::Guess, format!("nothing similar; there are {}", known.join(", "))),
        },
        _ => return None,
    };
    let note = format!("{why}; {}", tickets(seen.tickets));
    Some(Proposal { table: path(&["ticket", field.key(), "values"]), key: seen.label.clone(), value, sure, note })
}

/// The member of `known` most like the label, if it is like it at all, with how sure that is.
fn alike(label: &str, known: &[String]) -> Option<(String, Sure, String)> {
    let scored = known.iter().map(|other| (other, Likeness::of(label, other)));
    let (to, likeness) = scored.filter(|(_, is)| is.score >= ALIKE).max_by(|a, b| a.1.score.total_cmp(&b.1.score))?;
    let same = known.iter().filter(|other| same_words(label, other)).count();
    Some((to.clone(), if same == 1 { Sure::Known } else { Sure::Guess }, likeness.why()))
}

/// The label of the state a ticket is nearest to, where the target does not have its own.
fn nearest_state(field: ValueField, seen: &SeenLabel, known: &[String]) -> Option<String> {
    use Category::{Closed, New, OnHold, Open, Pending, Solved};
    if !matches!(field, ValueField::Status(_)) {
        return None;
    }
    let chain: &[Category] = match seen.category.or_else(|| label::category(&seen.label))? {
        New => &[Open],
        Open => &[New],
        Pending => &[OnHold, Open],
        OnHold => &[Pending, Open],
        Solved => &[Closed],
        Closed => &[Solved],
    };
    let label = |category: &Category| label::find_word(label::status_words("", Some(*category)), known);
    chain.iter().find_map(label).map(str::to_owned)
}

/// A field of the source and the one of the target that holds the same.
struct Pair {
    source: String,
    target: Field,
    sure: Sure,
    why: String,
    score: f64,
}

/// Fields no rule and no name joins, each target taken once, the surest first.
fn pairs(mapping: &Mapping, seen: &Observed, there: &There) -> Vec<Pair> {
    let rules = &mapping.ticket.custom;
    let is_open = |field: &&SeenField| {
        rules.rule(&field.field.key, Some(field.title())).is_none()
            && rules.place(&field.field.key, Some(field.title()), &there.fields) == Place::Nowhere
    };
    let placed = |target: &Field| {
        let by_field = seen
            .fields
            .iter()
            .any(|field| rules.place(&field.field.key, Some(field.title()), &there.fields) == Place::To(target));
        by_field || rules.0.keys().any(|name| rules.place_of_rule(name, &there.fields) == Place::To(target))
    };
    let free: Vec<&Field> = there.fields.iter().filter(|target| !placed(target)).collect();
    let mut all: Vec<Pair> = Vec::new();
    for field in seen.fields.iter().filter(is_open) {
        all.extend(free.iter().filter_map(|target| pair(field, target)));
    }
    all.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut taken: Vec<Pair> = Vec::new();
    for pair in all {
        if !taken.iter().any(|have| have.source == pair.source || have.target.key == pair.target.key) {
            taken.push(pair);
        }
    }
    taken
}

fn pair(seen: &SeenField, target: &Field) -> Option<Pair> {
    if seen.defined && fit(seen.field.field_type, target.field_type) == Fit::Never {
        return None;
    }
    let of = |sure, why, score| Some(Pair { source: seen.field.key.clone(), target: target.clone(), sure, why, score });
    let likeness = Likeness::of(seen.title(), &target.title);
    if likeness.sure == Sure::Known {
        return of(likeness.sure, likeness.why(), 2.0 + likeness.score);
    }
    let shared = seen.field.options.iter().filter(|option| has(&target.options, option)).count();
    let least = seen.field.options.len().min(target.options.len());
    if shared >= SHARED && shared as f64 >= SHARED_PART * least as f64 {
        // Many fields that have nothing to do with one another have the options `Yes` and `No`.
        let why = format!("a guess: the same options ({shared} of {least})");
        return of(Sure::Guess, why, 1.0 + shared as f64 / least as f64);
    }
    if likeness.score < ALIKE {
        return None;
    }
    of(likeness.sure, likeness.why(), likeness.score)
}

fn has(options: &[FieldOption], wanted: &FieldOption) -> bool {
    options.iter().any(|option| label::same(&option.label, &wanted.label))
}

fn for_field(mapping: &Mapping, seen: &SeenField, pair: Option<&Pair>, there: &There, all: &mut Vec<Proposal>) {
    let rules = &mapping.ticket.custom;
    let title = seen.title();
    let rule = rules.rule(&seen.field.key, Some(title));
    let table = path(&["ticket", "custom", title]);
    let filled = format!("{}, on {}", seen.field.field_type, tickets(seen.tickets));
    let target = match rules.place(&seen.field.key, Some(title), &there.fields) {
        Place::To(target) => Some(target),
        Place::Nowhere => match pair {
            Some(pair) => {
                let note = format!("{}; {filled}", pair.why);
                let value = Some(pair.target.key.clone());
                all.push(Proposal { table, key: "to".into(), value, sure: pair.sure, note });
                there.fields.iter().find(|field| field.key == pair.target.key)
            }
            None => {
                let can_be_made = seen.defined && makeable(seen.field.field_type, &there.makes).is_some();
                let or = if can_be_made { "`drop = true` or `create = true`" } else { "`drop = true`" };
                let note = format!("{filled}: nothing similar; name a field, or write {or}");
                all.push(Proposal { table, key: "to".into(), value: None, sure: Sure::Guess, note });
                None
            }
        },
        Place::Create(_) | Place::Drop | Place::Wrong(_) => None,
    };
    let Some(target) = target.filter(|target| !target.options.is_empty()) else { return };
    if rule.is_some_and(|rule| rule.jq.is_some() || rule.value.is_some() || rule.otherwise.is_some() || rule.create) {
        return;
    }
    let known: Vec<String> = target.options.iter().map(|option| option.label.clone()).collect();
    for (label, tickets_with) in labels(seen) {
        let said = rule.is_some_and(|rule| explicit(&rule.values, &label).is_some());
        let converts = super::convert(&serde_json::json!(label), None, target, rule);
        if said || converts.is_ok_and(|converted| converted.losses.is_empty()) {
            continue;
        }
        let (value, sure, why) = match alike(&label, &known) {
            // What a value is in a field that is a guess is one too.
            Some((to, sure, why)) => (Some(to), pair.map_or(sure, |pair| pair.sure.and(sure)), why),
            None => (None, Sure::Guess, "nothing similar".to_owned()),
        };
        let table = path(&["ticket", "custom", title, "values"]);
        all.push(Proposal { table, key: label, value, sure, note: format!("{why}; {}", tickets(tickets_with)) });
    }
}

/// The labels of a field's options with their tickets; the values that were seen, where it defines no options.
fn labels(seen: &SeenField) -> Vec<(String, u64)> {
    if seen.field.options.is_empty() {
        return seen.values.iter().map(|(value, tickets)| (value.clone(), *tickets)).collect();
    }
    let count = |option: &FieldOption| seen.values.get(&option.value).copied().unwrap_or(0);
    seen.field.options.iter().map(|option| (super::tree::path(option, &seen.field.options), count(option))).collect()
}

/// The only agent of the target with this name, else with the same word before the `@`.
fn namesake(name: &str, email: &str, agents: &[(String, String)]) -> (Option<String>, Sure, &'static str) {
    let local = |email: &str| email.split('@').next().map(str::to_lowercase);
    let only = |is_it: &dyn Fn(&str, &str) -> bool| {
        let mut all = agents.iter().filter(|(name, email)| is_it(name, email));
        all.next().filter(|_| all.next().is_none()).map(|(_, email)| email.clone())
    };
    let by_name = only(&|other, _| !name.trim().is_empty() && label::same(other, name));
    if by_name.is_some() {
        return (by_name, Sure::Known, "likely: the same name");
    }
    match only(&|_, other| local(other) == local(email)) {
        Some(to) => (Some(to), Sure::Guess, "a guess: the same word before the `@`"),
        None => (None, Sure::Guess, "no agent with this address or name"),
    }
}

/// How alike two names are, 0 to 1, by their letters or by the words they share; and whether they are the same words.
#[derive(Clone, Copy)]
struct Likeness {
    score: f64,
    sure: Sure,
}

impl Likeness {
    fn of(a: &str, b: &str) -> Likeness {
        if same_words(a, b) {
            return Likeness { score: 1.0, sure: Sure::Known };
        }
        let (a, b) = (words(a), words(b));
        if a.is_empty() || b.is_empty() {
            return Likeness { score: 0.0, sure: Sure::Guess };
        }
        let shared = a.iter().filter(|word| b.contains(word)).count();
        let by_words = 2.0 * shared as f64 / (a.len() + b.len()) as f64;
        let by_letters = strsim::jaro_winkler(&a.join(" "), &b.join(" "));
        Likeness { score: by_letters.max(by_words), sure: Sure::Guess }
    }

    fn why(self) -> String {
        match self.sure {
            Sure::Known => "likely: the same words".into(),
            Sure::Guess => format!("a guess: similar words ({:.0}%)", self.score * 100.0),
        }
    }
}

/// Whether two names differ in case, blanks, punctuation and usual short forms alone.
fn same_words(a: &str, b: &str) -> bool {
    let (a, b) = (words(a), words(b));
    !a.is_empty() && a == b
}

/// The words of a name, with the usual short forms written out.
fn words(name: &str) -> Vec<String> {
    let spoken = label::key(name);
    // `C++` is not `C`, and `-1` not `1`.
    let counts = |c: char| c.is_alphanumeric() || "+#!?<>=%&*$\u{20ac}".contains(c);
    let minus = spoken.starts_with('-').then_some("-");
    let words = minus.into_iter().chain(spoken.split(|c: char| !counts(c)).filter(|word| !word.is_empty()));
    let long = |word: &str| {
        match word {
            "no" | "nr" | "num" | "nbr" => "number",
            "qty" | "pcs" | "pieces" => "quantity",
            "bought" => "purchased",
            "tel" => "phone",
            "cf" => "",
            other => other,
        }
        .to_owned()
    };
    words.map(long).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
#[path = "propose_tests.rs"]
mod tests;
