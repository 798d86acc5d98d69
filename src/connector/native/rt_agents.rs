//! Request Tracker: who its agents are, where it lists them to nobody.
//!
//! Until its security fixes of November 2026 RT showed its internal group `Privileged` over REST 2.0, whose members are the
//! agents (seen on 5.0.3+dfsg-3~deb12u6). Since then it shows groups that people made and no others (…deb12u7), and whether
//! an account is privileged stands on its own page alone. So this asks for accounts that leave the marks of an agent; the
//! manifest then reads the page of each and keeps those that are privileged. What this costs does not grow with the number
//! of customers.

use crate::connector::rest::{Account, Rest};
use crate::error::{Problem, Reason, Result};
use crate::expr::plain;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Calls spent on accounts that may well be customers: members of groups, watchers of queues, accounts with a login name.
const GUESSES: usize = 500;
/// Distinct people a walk goes through at most. More do not work at one desk: customers change tickets there themselves.
const WALKED: usize = 2_000;
const PAGE: usize = 100;
/// Names in one search.
const NAMES: usize = 20;

/// What an agent does to a ticket, and a customer who writes or mails does not.
const WORK: [&str; 8] = ["Comment", "Status", "Set", "Take", "Steal", "Give", "AddWatcher", "AddLink"];

/// RT's internal group of agents, by its name: ids differ between databases. None where RT does not show it.
pub(super) async fn privileged_group(api: &Rest) -> Result<Option<Value>> {
    let query = filter(&[("Domain", "=", "SystemInternal".into())]);
    let answer = api.get("/groups", &[query, fields("Name")]).await?;
    Ok(rows(&answer["items"]).iter().find(|g| g["Name"] == "Privileged").map(|group| group["id"].clone()))
}

/// Rows `{id}` of accounts that may be agents'. Those the user named, if they named any.
pub(super) async fn candidates(api: &Rest, account: &Account) -> Result<Vec<Value>> {
    let named = account.get("agents").and_then(Value::as_str).unwrap_or_default();
    let named: Vec<String> = named.split(',').map(|name| name.trim().to_owned()).filter(|n| !n.is_empty()).collect();
    if !named.is_empty() {
        return Ok(as_rows(by_name(api, &named).await?));
    }
    let mut found = owners(api).await?;
    found.extend(workers(api).await?);
    found.extend(promoted(api).await?);
    let mut guesses = Guesses { api, found, left: GUESSES };
    guesses.watchers().await?;
    guesses.members().await?;
    guesses.logins().await?;
    Ok(as_rows(guesses.found))
}

/// Whoever owns a ticket, or did last.
async fn owners(api: &Rest) -> Result<BTreeSet<u64>> {
    let query = |after: u64| ("query".to_owned(), format!("Owner.id > {after}"));
    walk(api, "/tickets", "Owner.id", "Owner", query).await
}

/// Whoever did what agents do.
async fn workers(api: &Rest) -> Result<BTreeSet<u64>> {
    let query = |after: u64| {
        let work = WORK.map(|what| ("Type", "=", what.into()));
        let only = [("ObjectType", "=", "RT::Ticket".into()), ("Creator", ">", after.into())];
        filter(&[&only[..], &work[..]].concat())
    };
    walk(api, "/transactions", "Creator", "Creator", query).await
}

/// Accounts that were made privileged after they were made.
async fn promoted(api: &Rest) -> Result<BTreeSet<u64>> {
    let query = filter(&[
        ("ObjectType", "=", "RT::User".into()),
        ("Type", "=", "Set".into()),
        ("Field", "=", "Privileged".into()),
    ]);
    let pages = pages(api, "/transactions", &[query, fields("ObjectId")], None).await?;
    pages.into_iter().flatten().map(|row| number(&row["ObjectId"])).collect()
}

/// The numbers of the people in `field` of the rows of a listing, each asked for from behind the one before: a call a
/// person, however many rows they have.
async fn walk(
    api: &Rest,
    path: &str,
    order: &str,
    field: &str,
    query: impl Fn(u64) -> (String, String),
) -> Result<BTreeSet<u64>> {
    let mut found = BTreeSet::new();
    let mut after = 0;
    loop {
        let rest = [("orderby", order), ("per_page", "1"), ("fields", field), (&format!("fields[{field}]"), "id")];
        let rest = rest.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let answer = api.get(path, &[&[query(after)], &rest[..]].concat()).await?;
        let Some(row) = rows(&answer["items"]).first() else {
            if answer["total"].is_null() {
                api.note(format!(
                    "RT does not show everything at {path} to the token's owner, who lacks the right SuperUser: agents may \
                     be missing, unless you name all of them in `agents`"
                ));
            }
            return Ok(found);
        };
        let next = number(&row[field]["id"])?;
        if next <= after {
            return Err(Problem::new(Reason::BadAnswer, format!("GET {path} ignores the search by {order}")));
        }
        found.insert(next);
        after = next;
        if found.len() == WALKED {
            api.note(format!(
                "more than {WALKED} people work on tickets of this RT: agents among the rest are migrated as contacts, \
                 unless you name all agents in `agents`"
            ));
            return Ok(found);
        }
    }
}

/// Accounts looked at on weaker grounds, while calls are left for them.
struct Guesses<'a> {
    api: &'a Rest,
    found: BTreeSet<u64>,
    left: usize,
}

impl Guesses<'_> {
    /// Who watches a queue.
    async fn watchers(&mut self) -> Result<()> {
        let mut names = Vec::new();
        for queue in pages(self.api, "/queues/all", &[], None).await?.unwrap_or_default() {
            let queue = self.api.get(&format!("/queue/{}", plain(&queue["id"])), &[]).await?;
            let watchers = ["Cc", "AdminCc"].into_iter().flat_map(|role| rows(&queue[role]));
            names.extend(watchers.filter(|one| one["type"] == "user").map(|one| plain(&one["id"])));
        }
        names.sort();
        names.dedup();
        if self.afford(names.len(), "watch a queue") {
            let there = by_name(self.api, &names).await?;
            self.found.extend(there);
        }
        Ok(())
    }

    /// Members of the groups people made.
    async fn members(&mut self) -> Result<()> {
        let all = filter(&[("id", ">", 0.into())]);
        let groups = pages(self.api, "/groups", &[all], None).await?.unwrap_or_default();
        if !self.afford(groups.len(), "are members of one of many groups") {
            return Ok(());
        }
        for group in groups {
            let path = format!("/group/{}/members", plain(&group["id"]));
            let users = [("groups".to_owned(), "0".to_owned()), ("recursively".to_owned(), "1".to_owned())];
            match self.take(&path, &users, "are members of a large group").await {
                Err(problem) if problem.reason == Reason::Forbidden => {
                    self.tell("are members of a group it does not show")
                }
                taken => taken?,
            }
        }
        Ok(())
    }

    /// Accounts with a name that is no e-mail address: those RT makes by itself of who writes have their address for a name.
    async fn logins(&mut self) -> Result<()> {
        let query = filter(&[("Name", "NOT LIKE", "@".into())]);
        let disabled = ("find_disabled_rows".to_owned(), "1".to_owned());
        self.take("/users", &[query, disabled, fields("id")], "have a login name").await
    }

    async fn take(&mut self, path: &str, query: &[(String, String)], who: &str) -> Result<()> {
        match pages(self.api, path, query, Some(self.left)).await? {
            Some(rows) => {
                let numbers = rows.iter().map(|row| number(&row["id"])).collect::<Result<BTreeSet<u64>>>()?;
                let new: BTreeSet<u64> = numbers.difference(&self.found).copied().collect();
                self.left = self.left.saturating_sub(new.len());
                self.found.extend(new);
            }
            None => self.tell(who),
        }
        Ok(())
    }

    /// Whether this many calls are left; they are spent then.
    fn afford(&mut self, calls: usize, who: &str) -> bool {
        match self.left.checked_sub(calls) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.tell(who);
                false
            }
        }
    }

    fn tell(&self, who: &str) {
        self.api.note(format!(
            "RT does not list its agents, and more accounts {who} than are looked at one by one: an agent among them who \
             never owned or changed a ticket is migrated as a contact, unless you name all agents in `agents`"
        ));
    }
}

/// All rows of a listing, page by page; none where there are more than `most`.
async fn pages(api: &Rest, path: &str, query: &[(String, String)], most: Option<usize>) -> Result<Option<Vec<Value>>> {
    let mut all = Vec::new();
    for page in 1.. {
        let place = [("per_page".to_owned(), PAGE.to_string()), ("page".to_owned(), page.to_string())];
        let mut answer = api.get(path, &[query, &place].concat()).await?;
        let Value::Array(rows) = answer["items"].take() else {
            return Err(Problem::new(Reason::BadAnswer, format!("there are no `items` in the answer to GET {path}")));
        };
        let total = answer["total"].as_u64().and_then(|n| usize::try_from(n).ok());
        let is_last = total.map_or(rows.is_empty(), |total| page * PAGE >= total);
        all.extend(rows);
        if most.is_some_and(|most| total.unwrap_or_default().max(all.len()) > most) {
            return Ok(None);
        }
        if is_last {
            break;
        }
    }
    Ok(Some(all))
}

/// The numbers of accounts by their names: in an address, a name of digits would be taken for a number.
async fn by_name(api: &Rest, names: &[String]) -> Result<BTreeSet<u64>> {
    let mut found = BTreeSet::new();
    for some in names.chunks(NAMES) {
        let names: Vec<_> = some.iter().map(|name| ("Name", "=", name.as_str().into())).collect();
        let disabled = ("find_disabled_rows".to_owned(), "1".to_owned());
        let there = pages(api, "/users", &[filter(&names), disabled, fields("id,Name")], Some(PAGE)).await?;
        for row in there.into_iter().flatten().filter(|row| some.contains(&plain(&row["Name"]))) {
            found.insert(number(&row["id"])?);
        }
    }
    Ok(found)
}

/// A JSON search. Of several values for one field any will do.
fn filter(limits: &[(&str, &str, Value)]) -> (String, String) {
    let limits =
        limits.iter().map(|(field, operator, value)| json!({ "field": field, "operator": operator, "value": value }));
    ("query".to_owned(), Value::Array(limits.collect()).to_string())
}

fn fields(names: &str) -> (String, String) {
    ("fields".to_owned(), names.to_owned())
}

fn as_rows(numbers: BTreeSet<u64>) -> Vec<Value> {
    numbers.into_iter().map(|id| json!({ "id": id })).collect()
}

/// An account's number; RT writes some as texts.
fn number(id: &Value) -> Result<u64> {
    let number = id.as_u64().or_else(|| id.as_str()?.parse().ok());
    number.ok_or_else(|| Problem::new(Reason::BadAnswer, "RT names an account without its number"))
}

pub(super) fn rows(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}
