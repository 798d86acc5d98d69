//! Fields as the API lists them, and the making and changing of ticket fields.
//!
//! <https://developers.freshdesk.com/api/#ticket-fields>. Sections are not modelled.

use super::attributes::Attributes;
use super::form::Form;
use super::refusal::{Fault, Refusal};
use super::store::{Account, Choice, Field, Status, stamp};
use serde_json::{Map, Value, json};

const KNOWN: [&str; 12] = [
    "customers_can_edit",
    "label_for_customers",
    "displayed_to_customers",
    "label",
    "type",
    "position",
    "required_for_closure",
    "required_for_agents",
    "required_for_customers",
    "choices",
    "dependent_fields",
    "section_mappings",
];

const TYPES: [&str; 8] = [
    "custom_text",
    "custom_paragraph",
    "custom_checkbox",
    "custom_number",
    "custom_decimal",
    "custom_date",
    "custom_dropdown",
    "nested_field",
];

impl Account {
    /// `GET /ticket_fields`: choices in the shapes agents' forms use, another for nearly every field.
    pub fn show_field(&self, place: usize, field: &Field) -> Value {
        let mut shown = self.common(place, field);
        shown["description"] = json!("");
        let labelled =
            |rows: Vec<(String, u64)>| -> Value { rows.into_iter().map(|(name, id)| (name, json!(id))).collect() };
        let choices = match field.kind.as_str() {
            "default_ticket_type" => json!(self.types),
            "default_source" => labelled(sources()),
            "default_priority" => labelled(priorities()),
            "default_status" => {
                self.statuses.iter().map(|s| (s.id.to_string(), json!([s.label, s.for_customers]))).collect()
            }
            "default_group" => labelled(self.groups.values().map(|g| (g.name.clone(), g.id)).collect()),
            "default_agent" => {
                let active = self.agents.values().filter(|a| !a.deactivated);
                labelled(active.map(|a| (a.name.clone(), a.id)).collect())
            }
            "default_product" => labelled(self.products.iter().map(|p| (p.name.clone(), p.id)).collect()),
            "custom_dropdown" => field.choices.iter().map(|c| json!(c.value)).collect(),
            "nested_field" => {
                let level = |(n, (id, name, label)): (usize, &(u64, String, String))| {
                    json!({
                        "id": id, "name": name, "label": label, "label_in_portal": label, "level": n + 2,
                        "description": "", "ticket_field_id": field.id,
                        "created_at": stamp(field.created_at), "updated_at": stamp(field.created_at),
                    })
                };
                shown["nested_ticket_fields"] = field.levels.iter().enumerate().map(level).collect();
                tree(&field.choices)
            }
            _ => return shown,
        };
        shown["choices"] = choices;
        shown
    }

    fn common(&self, place: usize, field: &Field) -> Value {
        json!({
            "id": field.id,
            "name": field.name,
            "label": field.label,
            "label_for_customers": field.label,
            "position": place + 1,
            "type": field.kind,
            "default": !field.is_custom(),
            "customers_can_edit": true,
            "required_for_closure": field.required_for_closure,
            "required_for_agents": field.required_for_agents,
            "required_for_customers": false,
            "displayed_to_customers": true,
            "created_at": stamp(field.created_at),
            "updated_at": stamp(field.created_at),
        })
    }

    /// `GET /admin/ticket_fields`: without choices.
    pub fn show_admin_row(&self, place: usize) -> Value {
        let mut row = self.common(place, &self.ticket_fields[place]);
        row["archived"] = json!(false);
        row
    }

    /// `GET /admin/ticket_fields/[id]`: choices as objects with ids. *Unverified:* those of the status.
    pub fn show_admin_field(&self, place: usize) -> Value {
        let field = &self.ticket_fields[place];
        let mut shown = self.show_admin_row(place);
        if field.kind == "default_status" {
            let row = |(n, s): (usize, &Status)| {
                json!({"id": s.id, "position": n + 1, "value": s.label, "label_for_customers": s.for_customers,
                       "parent_choice_id": field.id, "choices": []})
            };
            shown["choices"] = self.statuses.iter().enumerate().map(row).collect();
        }
        if !field.choices.is_empty() {
            shown["choices"] = with_ids(&field.choices, field.id);
        }
        if !field.levels.is_empty() {
            let level = |(n, (id, name, label)): (usize, &(u64, String, String))| {
                json!({
                    "id": id, "name": name, "label": label, "label_for_customers": label, "level": n + 2,
                    "ticket_field_id": field.id,
                    "created_at": stamp(field.created_at), "updated_at": stamp(field.created_at),
                })
            };
            shown["dependent_fields"] = field.levels.iter().enumerate().map(level).collect();
            // The page shows dependent fields alone in a wrapper.
            return json!({"ticket_field": shown});
        }
        shown
    }

    /// `POST /admin/ticket_fields`; the place of the new field.
    pub fn create_field(&mut self, form: &Form, now: jiff::Timestamp) -> Result<usize, Refusal> {
        let mut sent = Attributes::of(form, &KNOWN)?;
        let label = sent.line("label").flatten();
        let kind = sent.line("type").flatten();
        for name in ["label", "label_for_customers", "type"].into_iter().filter(|n| !sent.has(n)).collect::<Vec<_>>() {
            sent.fault(Fault::missing(name));
        }
        if kind.as_deref().is_some_and(|k| !TYPES.contains(&k)) {
            sent.fault(Fault::not_in("type", &TYPES.map(str::to_owned)));
        }
        // Unverified: that two fields of one label are refused.
        if self.ticket_fields.iter().any(|f| label.as_ref().is_some_and(|l| f.label.eq_ignore_ascii_case(l))) {
            sent.fault(Fault::taken("label", None));
        }
        let flags =
            ["required_for_closure", "required_for_agents"].map(|name| sent.flag(name).flatten().unwrap_or(false));
        let choices = sent.objects("choices").flatten().unwrap_or_default();
        let levels = sent.objects("dependent_fields").flatten().unwrap_or_default();
        if choices.is_empty() && matches!(kind.as_deref(), Some("custom_dropdown" | "nested_field")) {
            sent.fault(Fault::missing("choices"));
        }
        if kind.as_deref() == Some("nested_field") && !(1..=2).contains(&levels.len()) {
            sent.fault(Fault::missing("dependent_fields"));
        }
        sent.done()?;
        let label = label.unwrap_or_default();
        let field = Field {
            id: self.next_id(),
            name: self.name_for(&label),
            label,
            kind: kind.unwrap_or_default(),
            required_for_closure: flags[0],
            required_for_agents: flags[1],
            choices: self.choices(&choices)?,
            levels: levels.iter().map(|level| self.level(level)).collect::<Result<_, _>>()?,
            created_at: now,
        };
        self.ticket_fields.push(field);
        Ok(self.ticket_fields.len() - 1)
    }

    /// `PUT /admin/ticket_fields/[id]`: flags, label and further choices. *Unverified:* that a status is made here.
    pub fn update_field(&mut self, place: usize, form: &Form) -> Result<(), Refusal> {
        let mut sent = Attributes::of(form, &KNOWN)?;
        let label = sent.line("label").flatten();
        let agents = sent.flag("required_for_agents").flatten();
        let closure = sent.flag("required_for_closure").flatten();
        let choices = sent.objects("choices").flatten().unwrap_or_default();
        sent.done()?;
        let added: Vec<Map<String, Value>> = choices.into_iter().filter(|c| !c.contains_key("id")).collect();
        if self.ticket_fields[place].kind == "default_status" {
            for choice in &added {
                let label =
                    choice.get("value").and_then(Value::as_str).ok_or_else(|| Fault::missing("choices.value"))?;
                let id = self.statuses.iter().map(|s| s.id + 1).max().unwrap_or(2);
                let shown = choice.get("label_for_customers").and_then(Value::as_str).unwrap_or(label).to_owned();
                self.statuses.push(Status { id, label: label.to_owned(), for_customers: shown });
            }
        } else {
            let added = self.choices(&added)?;
            self.ticket_fields[place].choices.extend(added);
        }
        let field = &mut self.ticket_fields[place];
        field.label = label.unwrap_or_else(|| field.label.clone());
        field.required_for_agents = agents.unwrap_or(field.required_for_agents);
        field.required_for_closure = closure.unwrap_or(field.required_for_closure);
        Ok(())
    }

    /// `cf_` and the label in small letters; a number follows where a field, even a deleted one, had the name.
    pub fn name_for(&mut self, label: &str) -> String {
        let letters: String =
            label.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let words: Vec<&str> = letters.split('_').filter(|w| !w.is_empty()).collect();
        let mut name = format!("cf_{}", words.join("_"));
        if words.is_empty() || self.spent_names.contains(&name) {
            name = format!("{name}{}", 100_000 + self.next_id() % 900_000);
        }
        self.spent_names.insert(name.clone());
        name
    }

    fn level(&mut self, level: &Map<String, Value>) -> Result<(u64, String, String), Refusal> {
        let label =
            level.get("label").and_then(Value::as_str).ok_or_else(|| Fault::missing("dependent_fields.label"))?;
        Ok((self.next_id(), self.name_for(label), label.to_owned()))
    }

    fn choices(&mut self, sent: &[Map<String, Value>]) -> Result<Vec<Choice>, Refusal> {
        let mut made: Vec<Choice> = Vec::new();
        for choice in sent {
            let value = choice.get("value").and_then(Value::as_str).ok_or_else(|| Fault::missing("choices.value"))?;
            if made.iter().any(|c| c.value == value) {
                return Err(Fault::taken("choices", None).into());
            }
            let below: Vec<Map<String, Value>> = choice
                .get("choices")
                .and_then(Value::as_array)
                .map(|list| list.iter().filter_map(|c| c.as_object().cloned()).collect())
                .unwrap_or_default();
            let id = self.next_id();
            made.push(Choice { id, value: value.to_owned(), below: self.choices(&below)? });
        }
        Ok(made)
    }
}

/// Fields of contacts and companies.
pub fn show_plain(place: usize, field: &Field) -> Value {
    let mut shown = json!({
        "id": field.id,
        "name": field.name,
        "label": field.label,
        "position": place + 1,
        "required_for_agents": field.required_for_agents,
        "agents_can_edit": true,
        "displayed_for_agents": true,
        "unique": matches!(field.name.as_str(), "mobile" | "email" | "unique_external_id"),
        "type": field.kind,
        "default": !field.is_custom(),
        "created_at": stamp(field.created_at),
        "updated_at": stamp(field.created_at),
    });
    if !field.choices.is_empty() {
        let row = |(n, c): (usize, &Choice)| json!({"id": c.id, "label": c.value, "value": c.value, "position": n + 1});
        shown["choices"] = field.choices.iter().enumerate().map(row).collect();
    }
    shown
}

/// The sources the page names as values of a ticket.
pub fn sources() -> Vec<(String, u64)> {
    let rows = [("Email", 1), ("Portal", 2), ("Phone", 3), ("Chat", 7), ("Feedback Widget", 9), ("Outbound Email", 10)];
    rows.map(|(name, id)| (name.to_owned(), id)).to_vec()
}

fn priorities() -> Vec<(String, u64)> {
    [("Low", 1), ("Medium", 2), ("High", 3), ("Urgent", 4)].map(|(name, id)| (name.to_owned(), id)).to_vec()
}

/// Dependent choices as the page shows them: an object of one key each, the last level plain words.
fn tree(choices: &[Choice]) -> Value {
    let one = |c: &Choice| if c.below.is_empty() { json!(c.value) } else { json!({c.value.as_str(): tree(&c.below)}) };
    choices.iter().map(one).collect()
}

fn with_ids(choices: &[Choice], parent: u64) -> Value {
    let row = |(n, c): (usize, &Choice)| json!({"id": c.id, "position": n + 1, "value": c.value, "parent_choice_id": parent, "choices": with_ids(&c.below, c.id)});
    choices.iter().enumerate().map(row).collect()
}
