//! Which path and verb is which call. A path without the verb is a 405, any other path a 404 without a body.

use super::Ask;
use super::fields::show_plain;
use super::form::Form;
use super::pages::{Page, only};
use super::past;
use super::people;
use super::ratings;
use super::refusal::Refusal;
use super::solutions;
use super::store::{Account, Named, stamp};
use crate::desk::Answer;
use serde_json::{Value, json};

type Answered = Result<Answer, Refusal>;

pub fn answer(account: &mut Account, ask: &Ask<'_>) -> Answered {
    let segments = ask.call.segments();
    let verb = ask.call.method.as_str();
    match segments.get(2..).unwrap_or_default() {
        ["tickets", rest @ ..] => tickets(account, ask, verb, rest),
        ["search", "tickets"] => match verb {
            "GET" => account.search_tickets(ask, ask.search_lag),
            _ => Err(Refusal::Verb(&["GET"])),
        },
        ["conversations", id] => conversation(account, ask, verb, number(id)?),
        ["attachments", id] => match verb {
            "DELETE" => account.delete_attachment(number(id)?, ask.now).map(|()| gone()),
            _ => Err(Refusal::Verb(&["DELETE"])),
        },
        ["contacts", rest @ ..] => contacts(account, ask, verb, rest),
        ["companies", rest @ ..] => companies(account, ask, verb, rest),
        ["agents", "me"] if verb == "GET" => Ok(Answer::json(200, &account.agent(ask.caller)?)),
        ["solutions", rest @ ..] => solutions::answer(account, ask, rest),
        ["settings", "helpdesk"] if verb == "GET" => Ok(solutions::settings()),
        ["admin", "ticket_fields", rest @ ..] => ticket_fields(account, ask, verb, rest),
        ["ticket_fields"] if verb == "GET" => {
            only(ask.call, &["type"])?;
            let wanted = |kind: &str| ask.call.param("type").is_none_or(|t| t == kind);
            let rows = account.ticket_fields.iter().enumerate().filter(|(_, f)| wanted(&f.kind));
            Ok(Answer::json(200, &rows.map(|(n, f)| account.show_field(n, f)).collect()))
        }
        ["groups"] if verb == "POST" => {
            administrator(account, ask)?;
            let id = account.create_group(ask)?;
            let group = account.groups.get(&id).ok_or(Refusal::NotFound)?;
            Ok(created(&people::group(group, true), ask, "groups", id))
        }
        ["ticket_fields" | "agents" | "groups" | "roles" | "products" | "email_configs", ..]
        | ["contact_fields" | "company_fields"]
            if verb != "GET" =>
        {
            Err(Refusal::Verb(&["GET"]))
        }
        ["surveys"] if verb == "GET" => {
            only(ask.call, &["state"])?;
            Ok(Answer::json(200, &ratings::surveys()))
        }
        ["surveys", "satisfaction_ratings"] if verb == "GET" => account.list_ratings(None, ask),
        ["time_entries"] if verb == "GET" => account.list_time_entries(None, ask),
        listed => settings(account, ask, listed),
    }
}

fn tickets(account: &mut Account, ask: &Ask<'_>, verb: &str, rest: &[&str]) -> Answered {
    match rest {
        [] => match verb {
            "GET" => account.list_tickets(ask),
            "POST" => {
                let id = account.create_ticket(ask)?;
                let ticket = account.tickets.get(&id).ok_or(Refusal::NotFound)?;
                Ok(created(&account.whole_ticket(ticket, ask), ask, "tickets", id))
            }
            _ => Err(Refusal::Verb(&["GET", "POST"])),
        },
        [id] => {
            let id = number(id)?;
            match verb {
                "GET" => account.view_ticket(id, ask),
                "PUT" => {
                    account.update_ticket(id, ask)?;
                    let ticket = account.tickets.get(&id).ok_or(Refusal::NotFound)?;
                    Ok(Answer::json(200, &account.whole_ticket(ticket, ask)))
                }
                "DELETE" => account.delete_ticket(id, ask.now).map(|()| gone()),
                _ => Err(Refusal::Verb(&["GET", "PUT", "DELETE"])),
            }
        }
        ["archived", id, rest @ ..] if verb == "GET" => account.archived(number(id)?, rest, ask),
        [id, "associated_tickets"] if verb == "GET" => account.list_associates(number(id)?),
        [id, "satisfaction_ratings"] if verb == "GET" => account.list_ratings(Some(number(id)?), ask),
        [id, "time_entries"] if verb == "GET" => account.list_time_entries(Some(number(id)?), ask),
        [id, "satisfaction_ratings"] if verb == "POST" => {
            account.add_rating(number(id)?, ask).map(|shown| Answer::json(201, &shown))
        }
        [id, "time_entries"] if verb == "POST" => {
            let entry = account.add_time_entry(number(id)?, ask)?;
            Ok(created(&account.time_entry(entry)?, ask, "time_entries", entry))
        }
        [id, "restore"] if verb == "PUT" => account.restore_ticket(number(id)?, ask.now).map(|()| gone()),
        [id, "conversations"] if verb == "GET" => account.list_conversations(number(id)?, ask),
        [id, "notes"] if verb == "POST" => {
            let note = account.add_note(number(id)?, ask)?;
            Ok(created(&account.conversation_made(note, ask)?, ask, "conversations", note))
        }
        [id, "reply"] if verb == "POST" => {
            let reply = account.add_reply(number(id)?, ask)?;
            Ok(created(&account.conversation_made(reply, ask)?, ask, "conversations", reply))
        }
        [_, "notes" | "reply"] => Err(Refusal::Verb(&["POST"])),
        [_, "satisfaction_ratings" | "time_entries"] => Err(Refusal::Verb(&["GET", "POST"])),
        [_, "conversations"] => Err(Refusal::Verb(&["GET"])),
        [_, "restore"] => Err(Refusal::Verb(&["PUT"])),
        _ => Err(Refusal::NotFound),
    }
}

fn conversation(account: &mut Account, ask: &Ask<'_>, verb: &str, id: u64) -> Answered {
    match verb {
        "PUT" => {
            account.edit_conversation(id, ask)?;
            Ok(Answer::json(200, &account.conversation_made(id, ask)?))
        }
        "DELETE" => account.delete_conversation(id, ask).map(|()| gone()),
        _ => Err(Refusal::Verb(&["PUT", "DELETE"])),
    }
}

fn contacts(account: &mut Account, ask: &Ask<'_>, verb: &str, rest: &[&str]) -> Answered {
    let shown = |account: &Account, id: u64| {
        let contact = account.contacts.get(&id).ok_or(Refusal::NotFound)?;
        Ok::<Value, Refusal>(account.contact(contact, ask))
    };
    match (rest, verb) {
        ([], "GET") => account.list_contacts(ask),
        ([], "POST") => {
            let id = account.create_contact(ask)?;
            Ok(created(&shown(account, id)?, ask, "contacts", id))
        }
        ([], _) => Err(Refusal::Verb(&["GET", "POST"])),
        ([id], "GET") => Ok(Answer::json(200, &shown(account, number(id)?)?)),
        ([id], "PUT") => {
            account.update_contact(number(id)?, ask)?;
            Ok(Answer::json(200, &shown(account, number(id)?)?))
        }
        ([id], "DELETE") => account.bin_contact(number(id)?, true, ask.now).map(|()| gone()),
        ([_], _) => Err(Refusal::Verb(&["GET", "PUT", "DELETE"])),
        ([id, "hard_delete"], "DELETE") => {
            only(ask.call, &["force"])?;
            account.erase_contact(number(id)?, ask.call.param("force") == Some("true")).map(|()| gone())
        }
        ([id, "restore"], "PUT") => account.bin_contact(number(id)?, false, ask.now).map(|()| gone()),
        _ => Err(Refusal::NotFound),
    }
}

fn companies(account: &mut Account, ask: &Ask<'_>, verb: &str, rest: &[&str]) -> Answered {
    let shown = |account: &Account, id: u64| {
        let company = account.companies.get(&id).ok_or(Refusal::NotFound)?;
        Ok::<Value, Refusal>(account.company_json(company))
    };
    match (rest, verb) {
        ([], "GET") => account.list_companies(ask),
        ([], "POST") => {
            let id = account.create_company(ask)?;
            Ok(created(&shown(account, id)?, ask, "companies", id))
        }
        ([], _) => Err(Refusal::Verb(&["GET", "POST"])),
        ([id], "GET") => Ok(Answer::json(200, &shown(account, number(id)?)?)),
        ([id], "PUT") => {
            account.update_company(number(id)?, ask)?;
            Ok(Answer::json(200, &shown(account, number(id)?)?))
        }
        ([id], "DELETE") => account.delete_company(number(id)?).map(|()| gone()),
        ([_], _) => Err(Refusal::Verb(&["GET", "PUT", "DELETE"])),
        _ => Err(Refusal::NotFound),
    }
}

/// Administrators only.
fn ticket_fields(account: &mut Account, ask: &Ask<'_>, verb: &str, rest: &[&str]) -> Answered {
    administrator(account, ask)?;
    match (rest, verb) {
        ([], "GET") => {
            only(ask.call, &["include"])?;
            let rows = (0..account.ticket_fields.len()).map(|n| account.show_admin_row(n));
            Ok(Answer::json(200, &rows.collect()))
        }
        ([], "POST") => {
            let place = account.create_field(&Form::of(ask.call)?, ask.now)?;
            let id = account.ticket_fields[place].id;
            Ok(created(&account.show_admin_field(place), ask, "admin/ticket_fields", id))
        }
        ([], _) => Err(Refusal::Verb(&["GET", "POST"])),
        ([id], verb) => {
            let id = number(id)?;
            let place = account.ticket_fields.iter().position(|f| f.id == id).ok_or(Refusal::NotFound)?;
            match verb {
                "GET" => {}
                "PUT" => account.update_field(place, &Form::of(ask.call)?)?,
                _ => return Err(Refusal::Verb(&["GET", "PUT"])),
            }
            Ok(Answer::json(200, &account.show_admin_field(place)))
        }
        _ => Err(Refusal::NotFound),
    }
}

/// Lists and single records nobody writes here. All but the fields are an administrator's.
fn settings(account: &Account, ask: &Ask<'_>, path: &[&str]) -> Answered {
    let alone = |value: Value| Ok(Answer::json(200, &value));
    let named = |rows: &[Named], id: &str, show: fn(&Account, &Named) -> Value| {
        let id = number(id)?;
        rows.iter().find(|row| row.id == id).map(|row| Answer::json(200, &show(account, row))).ok_or(Refusal::NotFound)
    };
    let all = |rows: &[Named], show: fn(&Account, &Named) -> Value| {
        only(ask.call, &["page", "per_page"])?;
        Ok(Page::of(ask.call)?.answer(ask.call, rows, |row| show(account, row)))
    };
    match path {
        ["canned_response_folders"] => alone(past::canned_folders()),
        ["automations", kind, "rules"] => Ok(Answer::json(200, &past::rules(number(kind)?))),
        ["contact_fields"] => alone(account.contact_fields.iter().enumerate().map(|(n, f)| show_plain(n, f)).collect()),
        ["company_fields"] => alone(account.company_fields.iter().enumerate().map(|(n, f)| show_plain(n, f)).collect()),
        ["agents" | "groups" | "roles" | "products" | "email_configs", rest @ ..] if rest.len() < 2 => {
            administrator(account, ask)?;
            match (path[0], rest) {
                ("agents", []) => account.list_agents(ask),
                ("agents", [id]) => alone(account.agent(number(id)?)?),
                ("groups", []) => {
                    only(ask.call, &["page", "per_page"])?;
                    let mut groups: Vec<_> = account.groups.values().collect();
                    groups.sort_by_key(|g| g.name.to_lowercase());
                    Ok(Page::of(ask.call)?.answer(ask.call, &groups, |g| people::group(g, false)))
                }
                ("groups", [id]) => {
                    let group = account.groups.get(&number(id)?).ok_or(Refusal::NotFound)?;
                    alone(people::group(group, true))
                }
                ("roles", []) => all(&account.roles, role),
                ("roles", [id]) => named(&account.roles, id, role),
                ("products", []) => all(&account.products, product),
                ("products", [id]) => named(&account.products, id, product),
                (_, []) => all(&account.email_configs, email_config),
                (_, [id]) => named(&account.email_configs, id, email_config),
                _ => Err(Refusal::NotFound),
            }
        }
        _ => Err(Refusal::NotFound),
    }
}

fn administrator(account: &Account, ask: &Ask<'_>) -> Result<(), Refusal> {
    let rights = |id: &u64| account.roles.iter().take(2).any(|role| role.id == *id);
    let is = account.agents.get(&ask.caller).is_some_and(|a| a.role_ids.iter().any(rights));
    if is { Ok(()) } else { Err(Refusal::Denied) }
}

fn role(account: &Account, row: &Named) -> Value {
    dated(account, json!({"id": row.id, "name": row.name, "description": row.detail, "default": true}))
}

fn product(account: &Account, row: &Named) -> Value {
    dated(account, json!({"id": row.id, "name": row.name, "description": row.detail}))
}

fn email_config(account: &Account, row: &Named) -> Value {
    let first = account.email_configs.first().is_some_and(|c| c.id == row.id);
    dated(
        account,
        json!({
            "id": row.id, "name": row.name, "product_id": null, "to_email": row.detail, "reply_email": row.detail,
            "group_id": null, "primary_role": first, "active": true,
        }),
    )
}

fn dated(account: &Account, mut row: Value) -> Value {
    row["created_at"] = json!(stamp(account.created_at));
    row["updated_at"] = json!(stamp(account.created_at));
    row
}

fn created(shown: &Value, ask: &Ask<'_>, kind: &str, id: u64) -> Answer {
    Answer::json(201, shown).header("location", format!("{}/api/v2/{kind}/{id}", ask.call.base))
}

fn gone() -> Answer {
    Answer { status: 204, ..Answer::default() }
}

/// An id of a path; values that are not numbers is no record.
fn number(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| Refusal::NotFound)
}
