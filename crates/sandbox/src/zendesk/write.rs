//! Which path and verb writes what. Reading is in [`super::reads`].

use super::imports::Shelf;
use super::jobs::{MOST_ROWS, Wanted, Work};
use super::sent::{Fault, Invalid, Sent, number};
use super::store::{Account, Cause};
use super::users::Made;
use super::{Zendesk, plan, refusal, uploads};
use crate::desk::{Answer, Call, Fate};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

/// What a call's `fate` is for.
pub fn answer(desk: &mut Zendesk, call: &Call, path: &[&str], fate: Option<Fate>, now: Timestamp) -> Answer {
    let at = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let cause = Cause { at, call: format!("{} {}", call.method, call.path) };
    if let (["uploads"], "POST") = (path, call.method.as_str()) {
        return uploads::upload(&mut desk.account, call, desk.seed, &cause);
    }
    let Some(body) = body(call) else { return refusal::not_an_object("body") };
    if let Some(work) = work(path, &call.method, call) {
        return many(desk, work, &body, call, Wanted { now, call: cause.call, fate });
    }
    let account = &mut desk.account;
    match path {
        ["imports", "tickets"] | ["tickets", ..] => tickets(account, call, path, &body, &cause),
        ["uploads", token] if call.method == "DELETE" => uploads::forget(account, token),
        ["users", rest @ ..] => users(account, call, rest, &body, &cause),
        ["organizations", rest @ ..] => organizations(account, call, rest, &body, &cause),
        _ => small(account, call, path, &body, &cause),
    }
}

/// The body as an object; an empty one has nothing in it.
fn body(call: &Call) -> Option<Object> {
    if call.body.is_empty() {
        return Some(Object::new());
    }
    // Addresses of this desk's own are kept as such.
    let text = String::from_utf8_lossy(&call.body);
    let placed = text.replace(&format!("{}/", call.base), &format!("{}/", super::store::HERE));
    match serde_json::from_str(&placed) {
        Ok(Value::Object(values)) => Some(values),
        _ => None,
    }
}

fn work(path: &[&str], verb: &str, call: &Call) -> Option<Work> {
    Some(match (path, verb) {
        (["imports", "tickets", "create_many"], "POST") => Work::Import(shelf(call)),
        (["tickets", "create_many"], "POST") => Work::CreateTickets,
        (["tickets", "update_many"], "PUT") => Work::UpdateTickets,
        (["users", "create_many"], "POST") => Work::CreateUsers,
        (["users", "create_or_update_many"], "POST") => Work::CreateOrUpdateUsers,
        (["organizations", "create_many"], "POST") => Work::CreateOrganizations,
        _ => return None,
    })
}

fn shelf(call: &Call) -> Shelf {
    if call.param("archive_immediately") == Some("true") { Shelf::Archive } else { Shelf::Active }
}

fn many(desk: &mut Zendesk, work: Work, body: &Object, call: &Call, wanted: Wanted) -> Answer {
    let name = match work {
        Work::Import(_) | Work::CreateTickets | Work::UpdateTickets => "tickets",
        Work::CreateUsers | Work::CreateOrUpdateUsers => "users",
        Work::CreateOrganizations => "organizations",
    };
    if name == "users" && !plan::takes_users_in_bulk(&desk.plan) {
        return refusal::no_bulk_users();
    }
    let mut rows = match body.get(name) {
        Some(Value::Array(rows)) => rows.iter().filter_map(|row| row.as_object().cloned()).collect(),
        _ => Vec::new(),
    };
    // `ids` beside one `ticket`: the same change to each.
    if let (Work::UpdateTickets, Some(ids), Some(Value::Object(change))) = (work, call.param("ids"), body.get("ticket"))
    {
        let row = |id: &str| change.clone().into_iter().chain([("id".to_owned(), json!(id))]).collect::<Object>();
        rows = ids.split(',').map(row).collect();
    }
    if rows.is_empty() {
        return refusal::not_an_object(name);
    }
    if rows.len() > MOST_ROWS {
        return refusal::too_many_rows(name);
    }
    desk.account.start(work, rows, wanted)
}

/// The object `name` of a body.
fn object<'a>(body: &'a Object, name: &str) -> Result<&'a Object, Answer> {
    body.get(name).and_then(Value::as_object).ok_or_else(|| refusal::not_an_object(name))
}

/// A row that was written; made anew it is a 201 that says where it is.
fn written(made: Made, name: &str, row: Option<Value>) -> Answer {
    let status = if made == Made::New { 201 } else { 200 };
    let row = row.unwrap_or_default();
    let answer = Answer::json(status, &json!({ name: row }));
    match row["url"].as_str() {
        // Headers are not placed by the desk: the path alone, as the page shows it.
        Some(url) => answer.header("location", url.trim_start_matches(super::store::HERE)),
        None => answer,
    }
}

/// A refusal of any kind is an answer.
fn told(result: Result<Answer, Invalid>) -> Answer {
    result.unwrap_or_else(|invalid| invalid.answer())
}

fn tickets(account: &mut Account, call: &Call, path: &[&str], body: &Object, cause: &Cause) -> Answer {
    let id = path.get(1).and_then(|id| id.parse::<u64>().ok());
    let here = id.filter(|id| account.ticket(*id).is_some_and(|ticket| !ticket.deleted));
    let own = |account: &Account, id: u64| account.ticket(id).map(|ticket| ticket.row.clone());
    match (path, call.method.as_str()) {
        (["tickets", _], "DELETE") => match here {
            Some(id) => {
                account.delete_ticket(id, cause);
                Answer { status: 204, ..Answer::default() }
            }
            None => refusal::not_found(),
        },
        (["imports", "tickets"] | ["tickets"], "POST") => {
            let values = match object(body, "ticket") {
                Ok(values) => values,
                Err(refused) => return refused,
            };
            let made = match path {
                ["tickets"] => account.create_ticket(values, cause),
                _ => account.import_ticket(values, shelf(call), cause),
            };
            told(made.map(|id| written(Made::New, "ticket", own(account, id))))
        }
        (["tickets", _], "PUT") => {
            let values = match object(body, "ticket") {
                Ok(values) => values,
                Err(refused) => return refused,
            };
            let Some(id) = here else { return refusal::not_found() };
            if is_stale(account, id, values) {
                return refusal::conflict();
            }
            // An archived one is closed for good.
            if account.ticket(id).is_some_and(|ticket| ticket.archived) {
                return Invalid::from(Fault::invalid("status", "closed prevents ticket update")).answer();
            }
            told(account.update_ticket(id, values, cause).map(|()| written(Made::Known, "ticket", own(account, id))))
        }
        _ => refusal::invalid_endpoint(),
    }
}

/// `safe_update` with the moment of another update.
fn is_stale(account: &Account, id: u64, values: &Object) -> bool {
    values.get("safe_update") == Some(&json!(true))
        && account.ticket(id).is_some_and(|ticket| values.get("updated_stamp") != Some(&ticket.row["updated_at"]))
}

fn users(account: &mut Account, call: &Call, path: &[&str], body: &Object, cause: &Cause) -> Answer {
    let id = path.first().and_then(|id| id.parse::<u64>().ok());
    let here = id.filter(|id| account.user(*id).is_some_and(|user| user.row["permanently_deleted"] != true));
    let own = |account: &Account, id: u64| account.user(id).map(|user| user.row.clone());
    match (path, call.method.as_str()) {
        ([] | ["create_or_update"], "POST") => {
            let values = match object(body, "user") {
                Ok(values) => values,
                Err(refused) => return refused,
            };
            let made = match path {
                [] => account.create_user(values, cause).map(|id| (id, Made::New)),
                _ => account.create_or_update_user(values, cause),
            };
            told(made.map(|(id, made)| written(made, "user", own(account, id))))
        }
        ([_], "PUT") => match (here, object(body, "user")) {
            (None, _) => refusal::not_found(),
            (_, Err(refused)) => refused,
            (Some(id), Ok(values)) => {
                told(account.update_user(id, values, cause).map(|()| written(Made::Known, "user", own(account, id))))
            }
        },
        ([_], "DELETE") => match here {
            Some(id) if account.has_open_tickets(id) => {
                refusal::invalid("requester", "has tickets that are not closed")
            }
            Some(id) => {
                account.delete_user(id, cause);
                written(Made::Known, "user", own(account, id))
            }
            None => refusal::not_found(),
        },
        ([_, "identities"], "POST") => match (here, object(body, "identity")) {
            (None, _) => refusal::not_found(),
            (_, Err(refused)) => refused,
            (Some(id), Ok(values)) => {
                told(account.create_identity(id, values, cause).map(|row| written(Made::New, "identity", Some(row))))
            }
        },
        _ => refusal::invalid_endpoint(),
    }
}

fn organizations(account: &mut Account, call: &Call, path: &[&str], body: &Object, cause: &Cause) -> Answer {
    let id = path.first().and_then(|id| id.parse::<u64>().ok());
    let here = id.filter(|id| account.organization(*id).is_some());
    let own = |account: &Account, id: u64| account.organization(id).map(|own| own.row.clone());
    if let ([_], "DELETE") = (path, call.method.as_str()) {
        return match here {
            Some(id) => {
                account.delete_organization(id);
                Answer { status: 204, ..Answer::default() }
            }
            None => refusal::not_found(),
        };
    }
    let values = match object(body, "organization") {
        Ok(values) => values,
        Err(refused) => return refused,
    };
    match (path, call.method.as_str()) {
        ([], "POST") => told(
            account.create_organization(values, cause).map(|id| written(Made::New, "organization", own(account, id))),
        ),
        (["create_or_update"], "POST") => told(
            account
                .create_or_update_organization(values, cause)
                .map(|(id, made)| written(made, "organization", own(account, id))),
        ),
        ([_], "PUT") => match here {
            Some(id) => told(
                account
                    .update_organization(id, values, cause)
                    .map(|()| written(Made::Known, "organization", own(account, id))),
            ),
            None => refusal::not_found(),
        },
        _ => refusal::invalid_endpoint(),
    }
}

/// Groups, memberships, fields and statuses.
fn small(account: &mut Account, call: &Call, path: &[&str], body: &Object, cause: &Cause) -> Answer {
    let made = match (path, call.method.as_str()) {
        (["groups"], "POST") => object(body, "group").map(|values| group(account, values, cause)),
        (["group_memberships"], "POST") => {
            object(body, "group_membership").map(|v| group_membership(account, v, cause))
        }
        (["organization_memberships"], "POST") => {
            object(body, "organization_membership").map(|values| organization_membership(account, values, cause))
        }
        (["custom_statuses"], "POST") => object(body, "custom_status").map(|values| status(account, values, cause)),
        (["user_fields"], "POST") => object(body, "user_field").map(|values| {
            let made = account.create_party_field("user_fields", values, cause);
            made.map(|row| written(Made::New, "user_field", Some(row)))
        }),
        (["organization_fields"], "POST") => object(body, "organization_field").map(|values| {
            let made = account.create_party_field("organization_fields", values, cause);
            made.map(|row| written(Made::New, "organization_field", Some(row)))
        }),
        (["ticket_fields"], "POST") => object(body, "ticket_field")
            .map(|values| account.create_field(values, cause).map(|row| written(Made::New, "ticket_field", Some(row)))),
        (["ticket_fields", field, rest @ ..], _) => {
            let id = field.parse::<u64>().ok().filter(|id| account.has("ticket_fields", *id));
            let Some(id) = id else { return refusal::not_found() };
            match (rest, call.method.as_str()) {
                ([], "PUT") => object(body, "ticket_field").map(|values| {
                    account.update_field(id, values, cause).map(|row| written(Made::Known, "ticket_field", Some(row)))
                }),
                (["options"], "POST") => object(body, "custom_field_option").map(|values| {
                    let made = account.set_option(id, values, cause);
                    made.map(|(made, row)| written(made, "custom_field_option", Some(row)))
                }),
                _ => return refusal::invalid_endpoint(),
            }
        }
        _ => return refusal::invalid_endpoint(),
    };
    match made {
        Ok(made) => told(made),
        Err(refused) => refused,
    }
}

/// *Unverified:* that the name of a group is taken once.
fn group(account: &mut Account, values: &Object, cause: &Cause) -> Result<Answer, Invalid> {
    let mut sent = Sent::of(values);
    let name = sent.line("name").unwrap_or_default();
    if name.is_empty() {
        sent.fault(Fault::blank("name"));
    }
    let same = |own: &Value| own["name"].as_str().is_some_and(|own| own.to_lowercase() == name.to_lowercase());
    if account.table("groups").iter().any(same) {
        sent.fault(Fault::taken("name", name));
    }
    let description = sent.text("description").unwrap_or_default();
    let public = sent.flag("is_public").unwrap_or(true);
    sent.done()?;
    let rest =
        json!({ "name": name, "description": description, "default": false, "deleted": false, "is_public": public });
    Ok(written(Made::New, "group", Some(account.add_row("groups", rest, cause))))
}

fn group_membership(account: &mut Account, values: &Object, cause: &Cause) -> Result<Answer, Invalid> {
    let mut sent = Sent::of(values);
    numbers(&mut sent, values, &["user_id", "group_id"]);
    let (user, group) = (sent.id("user_id").unwrap_or_default(), sent.id("group_id").unwrap_or_default());
    if !account.is_staff(user) {
        sent.fault(Fault::invalid("user_id", "is invalid"));
    }
    if !account.has("groups", group) {
        sent.fault(Fault::invalid("group_id", "is invalid"));
    }
    if account.table("group_memberships").iter().any(|own| own["user_id"] == user && own["group_id"] == group) {
        sent.fault(Fault::taken("user_id", &user.to_string()));
    }
    sent.done()?;
    let rest = json!({ "user_id": user, "group_id": group, "default": false });
    Ok(written(Made::New, "group_membership", Some(account.add_row("group_memberships", rest, cause))))
}

/// The specification has ids of memberships as integers. *Unverified:* that a text with digits in it is refused.
fn numbers(sent: &mut Sent<'_>, values: &Object, names: &[&str]) {
    for name in names.iter().filter(|name| values.get(**name).is_some_and(|id| !id.is_u64())) {
        sent.fault(Fault::invalid(name, "is invalid"));
    }
}

fn organization_membership(account: &mut Account, values: &Object, cause: &Cause) -> Result<Answer, Invalid> {
    let mut sent = Sent::of(values);
    numbers(&mut sent, values, &["user_id", "organization_id"]);
    sent.done()?;
    let number = |name: &str| values.get(name).and_then(number);
    let user = number("user_id").filter(|id| account.user(*id).is_some());
    let organization = number("organization_id").filter(|id| account.organization(*id).is_some());
    let (Some(user), Some(organization)) = (user, organization) else {
        return Err(Fault::invalid("user_id", "or the organization is invalid").into());
    };
    match account.join(user, organization, cause) {
        Some(row) => Ok(written(Made::New, "organization_membership", Some(row))),
        None => Err(Fault::taken("user_id", &user.to_string()).into()),
    }
}

fn status(account: &mut Account, values: &Object, cause: &Cause) -> Result<Answer, Invalid> {
    let mut sent = Sent::of(values);
    let category = sent.one_of("status_category", &["new", "open", "pending", "hold", "solved"]).unwrap_or_default();
    let label = sent.line("agent_label").unwrap_or_default();
    for (name, value) in [("status_category", category), ("agent_label", label)] {
        if value.is_empty() {
            sent.fault(Fault::blank(name));
        }
    }
    let same = |own: &Value| own["status_category"] == *category && own["agent_label"] == *label;
    if account.table("custom_statuses").iter().any(same) {
        sent.fault(Fault::taken("agent_label", label));
    }
    let shown = sent.line("end_user_label").unwrap_or(label);
    sent.done()?;
    let row = super::tables::status(category, label, shown, false);
    Ok(written(Made::New, "custom_status", Some(account.add_row("custom_statuses", row, cause))))
}
