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
use crate::record::same_address;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Calls spent on accounts that may well be customers: members of groups, watchers of queues, accounts with a login name, accounts
/// that reply to tickets, accounts that people made.
const GUESSES: usize = 500;
/// Distinct people a walk goes through at most. More do not work at one desk: customers change tickets there themselves.
const WALKED: usize = 2_000;
const PAGE: usize = 100;
/// Rows of a walk asked for at a time: an agent may have thousands of them, a customer has few.
const STRIDE: usize = 20;
/// RT's own account, which makes one of everybody who writes.
const SYSTEM: u64 = 1;
/// Names in one search.
const NAMES: usize = 20;

/// What an agent does to a ticket, and a customer who writes or mails does not.
const WORK: [&str; 8] = ["Comment", "Status", "Set", "Take", "Steal", "Give", "AddWatcher", "AddLink"];

/// Accounts by number, with their names where a listing told them: one whose own page cannot be read is known by it all the same.
type People = BTreeMap<u64, Value>;

/// RT's internal group of agents, by its name: ids differ between databases. None where RT does not show it.
pub(super) async fn privileged_group(api: &Rest) -> Result<Option<Value>> {
    let query = filter(&[("Domain", "=", "SystemInternal".into())]);
    let answer = api.get("/groups", &[query, fields("Name")]).await?;
    Ok(rows(&answer["items"]).iter().find(|g| g["Name"] == "Privileged").map(|group| group["id"].clone()))
}

/// Rows `{id, Name}` of accounts that may be agents'. Those the user named, if they named any.
pub(super) async fn candidates(api: &Rest, account: &Account) -> Result<Vec<Value>> {
    let named = account.get("agents").and_then(Value::as_str).unwrap_or_default();
    let named: Vec<String> = named.split(',').map(|name| name.trim().to_owned()).filter(|n| !n.is_empty()).collect();
    if !named.is_empty() {
        return Ok(as_rows(by_name(api, &named).await?));
    }
    let mut guesses = Guesses { api, found: owners(api).await?, left: GUESSES, unseen: Vec::new() };
    guesses.join(workers(api).await?);
    guesses.join(promoted(api).await?);
    guesses.watchers().await?;
    guesses.members().await?;
    guesses.logins().await?;
    guesses.correspondents().await?;
    guesses.made_by_people().await?;
    Ok(as_rows(guesses.end()))
}

/// The row of the person with this address, if they are an agent.
pub(super) async fn at_address(api: &Rest, address: &str) -> Result<Option<Value>> {
    let query = filter(&[("EmailAddress", "=", address.into())]);
    let answer = api.get("/users", &[query, fields("id,EmailAddress")]).await?;
    // Who may not administer users has the search ignored, and is shown everybody.
    let theirs = |row: &&Value| row["EmailAddress"].as_str().is_some_and(|theirs| same_address(theirs, address));
    for row in rows(&answer["items"]).iter().filter(theirs) {
        let user = api.get(&format!("/user/{}", number(&row["id"])?), &[]).await?;
        if user["Privileged"] == 1 {
            return Ok(Some(json!({ "id": user["id"], "user": user })));
        }
    }
    Ok(None)
}

/// Whoever owns a ticket, or did last.
async fn owners(api: &Rest) -> Result<People> {
    let query = |after: u64| ("query".to_owned(), format!("Owner.id > {after}"));
    Ok(noted(api, walk(api, "/tickets", ("Owner.id", "Owner"), WALKED, query).await?))
}

/// Whoever did what agents do.
async fn workers(api: &Rest) -> Result<People> {
    Ok(noted(api, walk(api, "/transactions", ("Creator", "Creator"), WALKED, |after| done(&WORK, after)).await?))
}

/// The search for what people numbered behind `after` did to tickets.
fn done(what: &[&str], after: u64) -> (String, String) {
    let only = [("ObjectType", "=", "RT::Ticket".into()), ("Creator", ">", after.into())];
    let types = what.iter().map(|what| ("Type", "=", (*what).into()));
    filter(&only.into_iter().chain(types).collect::<Vec<_>>())
}

/// Who a walk found, and a note where there are more.
fn noted(api: &Rest, walked: Walked) -> People {
    if !walked.ended {
        api.note(format!(
            "more than {WALKED} people work on tickets of this RT: agents among the rest are migrated as contacts, unless you \
             name all agents in `agents`"
        ));
    }
    walked.found
}

/// Accounts that were made privileged after they were made.
async fn promoted(api: &Rest) -> Result<People> {
    let query = filter(&[
        ("ObjectType", "=", "RT::User".into()),
        ("Type", "=", "Set".into()),
        ("Field", "=", "Privileged".into()),
    ]);
    let pages = pages(api, "/transactions", &[query, fields("ObjectId")], None).await?;
    pages.into_iter().flatten().map(|row| Ok((number(&row["ObjectId"])?, Value::Null))).collect()
}

struct Walked {
    found: People,
    /// Nobody is left.
    ended: bool,
}

/// The numbers of the people in `field` of the rows of a listing, by the `order` of these numbers; each page begins behind the last
/// one found, so that it costs a call at most for each person, however many rows they have. Ends at `most` people.
async fn walk(
    api: &Rest,
    path: &str,
    (order, field): (&str, &str),
    most: usize,
    query: impl Fn(u64) -> (String, String),
) -> Result<Walked> {
    let (mut found, mut after) = (People::new(), 0);
    let stride = STRIDE.to_string();
    loop {
        let rest =
            [("orderby", order), ("per_page", &stride), ("fields", field), (&format!("fields[{field}]"), "id,Name")];
        let rest = rest.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let answer = api.get(path, &[&[query(after)], &rest[..]].concat()).await?;
        let page = rows(&answer["items"]);
        if page.is_empty() {
            if answer["total"].is_null() {
                api.note(format!(
                    "RT does not show everything at {path} to the token's owner, who lacks the right SuperUser: agents may \
                     be missing, unless you name all of them in `agents`"
                ));
            }
            return Ok(Walked { found, ended: true });
        }
        let before = after;
        for row in page {
            let next = number(&row[field]["id"])?;
            if next <= before || next < after {
                return Err(Problem::new(Reason::BadAnswer, format!("GET {path} ignores the search by {order}")));
            }
            if found.len() == most && !found.contains_key(&next) {
                return Ok(Walked { found, ended: false });
            }
            found.insert(next, row[field]["Name"].clone());
            after = next;
        }
    }
}

/// Accounts looked at on weaker grounds, while calls are left for them.
struct Guesses<'a> {
    api: &'a Rest,
    found: People,
    left: usize,
    /// What is known of those that were too many.
    unseen: Vec<&'static str>,
}

impl Guesses<'_> {
    /// Everybody found, and a note where some were too many.
    fn end(mut self) -> People {
        self.unseen.sort_unstable();
        self.unseen.dedup();
        if !self.unseen.is_empty() {
            self.api.note(format!(
                "RT does not list its agents, and more accounts {} than are looked at one by one: an agent among them who never \
                 owned or changed a ticket is migrated as a contact, unless you name all agents in `agents`",
                self.unseen.join(" or ")
            ));
        }
        self.found
    }

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
            self.join(there);
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
                    self.unseen.push("are members of a group it does not show");
                }
                taken => taken?,
            }
        }
        Ok(())
    }

    /// Whoever replies: one who does nothing else cannot be told from a customer but by their page. Half of what is left is spent on
    /// them at most, since every customer may be among them.
    async fn correspondents(&mut self) -> Result<()> {
        let order = ("Creator", "Creator");
        let query = |after| done(&["Correspond"], after);
        let walked = walk(self.api, "/transactions", order, self.left / 2, query).await?;
        if !walked.ended {
            self.unseen.push("reply to tickets");
        }
        self.look_at(walked.found);
        Ok(())
    }

    /// Accounts that RT did not make by itself of who writes.
    async fn made_by_people(&mut self) -> Result<()> {
        let query = filter(&[("Creator", ">", SYSTEM.into())]);
        self.take("/users", &[query, everybody(), fields("id,Name")], "were made by people").await
    }

    /// Accounts with a name that is not an e-mail address: those RT makes by itself of who writes have their address for a name.
    async fn logins(&mut self) -> Result<()> {
        let query = filter(&[("Name", "NOT LIKE", "@".into())]);
        self.take("/users", &[query, everybody(), fields("id,Name")], "have a login name").await
    }

    async fn take(&mut self, path: &str, query: &[(String, String)], who: &'static str) -> Result<()> {
        match pages(self.api, path, query, Some(self.left + self.found.len())).await? {
            Some(rows) => {
                let people = rows
                    .iter()
                    .map(|row| Ok((number(&row["id"])?, row["Name"].clone())))
                    .collect::<Result<People>>()?;
                if self.afford(people.keys().filter(|number| !self.found.contains_key(number)).count(), who) {
                    self.join(people);
                }
            }
            None => self.unseen.push(who),
        }
        Ok(())
    }

    /// Takes people in, whose pages are spent.
    fn look_at(&mut self, people: People) {
        let known = self.found.len();
        self.join(people);
        self.left = self.left.saturating_sub(self.found.len() - known);
    }

    fn join(&mut self, people: People) {
        for (number, name) in people {
            let known = self.found.entry(number).or_default();
            if known.is_null() {
                *known = name;
            }
        }
    }

    /// Whether this many calls are left; they are spent then.
    fn afford(&mut self, calls: usize, who: &'static str) -> bool {
        match self.left.checked_sub(calls) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.unseen.push(who);
                false
            }
        }
    }
}

/// Of people, those who are switched off too.
fn everybody() -> (String, String) {
    ("find_disabled_rows".to_owned(), "1".to_owned())
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
        let size = answer["per_page"].as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0).unwrap_or(PAGE);
        let total = answer["total"].as_u64().and_then(|n| usize::try_from(n).ok());
        let is_last = total.map_or(rows.is_empty(), |total| page * size >= total);
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
async fn by_name(api: &Rest, names: &[String]) -> Result<People> {
    let mut found = People::new();
    for some in names.chunks(NAMES) {
        let names: Vec<_> = some.iter().map(|name| ("Name", "=", name.as_str().into())).collect();
        let there = pages(api, "/users", &[filter(&names), everybody(), fields("id,Name")], Some(PAGE)).await?;
        for row in there.into_iter().flatten().filter(|row| some.contains(&plain(&row["Name"]))) {
            found.insert(number(&row["id"])?, row["Name"].clone());
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

fn as_rows(people: People) -> Vec<Value> {
    people.into_iter().map(|(id, name)| json!({ "id": id, "Name": name })).collect()
}

/// An account's number; RT writes some as texts.
fn number(id: &Value) -> Result<u64> {
    let number = id.as_u64().or_else(|| id.as_str()?.parse().ok());
    number.ok_or_else(|| Problem::new(Reason::BadAnswer, "RT names an account without its number"))
}

pub(super) fn rows(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}
