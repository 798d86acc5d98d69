//! Redmine: who may write what, where the marker is kept, and who the agents of a source are.
//!
//! `private_notes` under `X-Redmine-Switch-User` of a person without the right "Set notes as private" answers 204 and stores the
//! note publicly (seen on 5.0.4). So the right is read before such a note is written, from the person's roles in the project.

use super::Native;
use crate::connector::provisional::is_provisional;
use crate::connector::rest::{Account, Rest};
use crate::error::{Problem, Reason, Result};
use crate::ledger::Remote;
use crate::record::Visibility;
use async_trait::async_trait;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::Mutex;

/// The built-in role of people who are not members of a project.
const NON_MEMBER: u64 = 1;
/// Of projects.
const ACTIVE: &str = "1";
/// Projects are listed only while active unless their states are named; `*` finds none (5.0.4).
const ACTIVE_AND_CLOSED: &str = "1|5";

#[derive(Default)]
pub struct Redmine {
    people: Mutex<HashMap<String, Arc<Member>>>,
    roles: Mutex<HashMap<u64, Arc<Role>>>,
}

struct Role {
    /// Issues can be assigned to people who have it.
    assignable: bool,
    rights: HashSet<String>,
}

/// A person's roles by project id.
struct Member {
    admin: bool,
    roles: HashMap<String, Vec<u64>>,
}

#[async_trait]
impl Native for Redmine {
    async fn may_write_as(
        &self,
        api: &Rest,
        person: &Remote,
        group: Option<&Remote>,
        visibility: Visibility,
    ) -> Result<bool> {
        let member = self.member(api, &person.id).await?;
        if member.admin {
            return Ok(true);
        }
        let project = group.map(|g| g.id.as_str()).unwrap_or_default();
        let non_member = vec![NON_MEMBER];
        let mut rights = HashSet::new();
        for role in member.roles.get(project).unwrap_or(&non_member) {
            rights.extend(self.role(api, *role).await?.rights.iter().cloned());
        }
        let needed: &[&str] = match visibility {
            Visibility::Public => &["view_issues", "add_issues", "add_issue_notes"],
            Visibility::Private => &["view_issues", "add_issue_notes", "view_private_notes", "set_notes_private"],
        };
        Ok(needed.iter().all(|right| rights.contains(*right)))
    }

    /// Members only: an assignee who is none is answered with a 422.
    async fn may_be_assigned(&self, api: &Rest, person: &Remote, group: Option<&Remote>) -> Result<bool> {
        let member = self.member(api, &person.id).await?;
        Ok(member.roles.contains_key(group.map(|g| g.id.as_str()).unwrap_or_default()))
    }

    /// `agents`: whoever has an assignable role in some project, as `{user id: true}`.
    async fn prepare_source(&self, api: &Rest, account: &mut Account) -> Result<()> {
        account.insert("project_status".into(), ACTIVE_AND_CLOSED.into());
        let mut agents = Account::new();
        let query = [("status".to_owned(), ACTIVE_AND_CLOSED.to_owned())];
        for project in pages(api, "/projects.json", "projects", &query).await? {
            let path = format!("/projects/{}/memberships.json", project["id"]);
            for member in pages(api, &path, "memberships", &[]).await? {
                let user = member["user"]["id"].to_string();
                for role in member["roles"].as_array().into_iter().flatten().filter_map(|r| r["id"].as_u64()) {
                    if !member["user"].is_null() && self.role(api, role).await?.assignable {
                        agents.insert(user.clone(), Value::Bool(true));
                    }
                }
            }
        }
        account.insert("agents".into(), Value::Object(agents));
        Ok(())
    }

    async fn prepare_target(&self, api: &Rest, account: &mut Account) -> Result<()> {
        account.insert("project_status".into(), ACTIVE.into());
        let Some(marker) = api.marker() else { return Ok(()) };
        let answer = api.get("/custom_fields.json", &[]).await?;
        let fields = answer["custom_fields"].as_array().map_or(&[][..], Vec::as_slice);
        let field = fields.iter().find(|f| f["customized_type"] == "issue" && f["name"] == marker.field.as_str());
        let refuse = |why: &str| {
            Err(Problem::new(Reason::Refused, why.to_owned()).hint(format!("make it by hand: {}", marker.make)))
        };
        let Some(field) = field else { return refuse(&format!("there is no issue custom field `{}`", marker.field)) };
        if field["field_format"] != "string" {
            return refuse(&format!("the custom field `{}` is not of format Text", marker.field));
        }
        if field["is_filter"] != Value::Bool(true) {
            return refuse(&format!(
                "the custom field `{}` is not used as a filter: it could not be searched",
                marker.field
            ));
        }
        if field["visible"] == Value::Bool(false) {
            return refuse(&format!(
                "the custom field `{}` is not visible to any users: it would be dropped without a word",
                marker.field
            ));
        }
        account.insert("marker_field".into(), field["id"].clone());
        Ok(())
    }
}

impl Redmine {
    async fn member(&self, api: &Rest, id: &str) -> Result<Arc<Member>> {
        if is_provisional(id) {
            // Whoever we make is a member of nothing.
            return Ok(Arc::new(Member { admin: false, roles: HashMap::new() }));
        }
        let mut people = self.people.lock().await;
        if let Some(member) = people.get(id) {
            return Ok(Arc::clone(member));
        }
        let query = [("include".to_owned(), "memberships".to_owned())];
        let answer = api.get(&format!("/users/{id}.json"), &query).await?;
        let user = &answer["user"];
        let memberships = user["memberships"].as_array().map_or(&[][..], Vec::as_slice);
        let roles = memberships.iter().map(|m| {
            let ids = m["roles"].as_array().into_iter().flatten().filter_map(|r| r["id"].as_u64()).collect();
            (m["project"]["id"].to_string(), ids)
        });
        let member = Arc::new(Member { admin: user["admin"] == Value::Bool(true), roles: roles.collect() });
        people.insert(id.to_owned(), Arc::clone(&member));
        Ok(member)
    }

    async fn role(&self, api: &Rest, id: u64) -> Result<Arc<Role>> {
        let mut roles = self.roles.lock().await;
        if let Some(role) = roles.get(&id) {
            return Ok(Arc::clone(role));
        }
        let answer = api.get(&format!("/roles/{id}.json"), &[]).await?;
        let rights = answer["role"]["permissions"].as_array().into_iter().flatten();
        let rights = rights.filter_map(|r| r.as_str().map(str::to_owned)).collect();
        let role = Arc::new(Role { assignable: answer["role"]["assignable"] == Value::Bool(true), rights });
        roles.insert(id, Arc::clone(&role));
        Ok(role)
    }
}

/// All rows of a listing that is paged by offset.
async fn pages(api: &Rest, path: &str, items: &str, query: &[(String, String)]) -> Result<Vec<Value>> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let mut query = query.to_vec();
        query.extend([("limit".to_owned(), "100".to_owned()), ("offset".to_owned(), all.len().to_string())]);
        let mut answer = api.get(path, &query).await?;
        let Value::Array(rows) = answer[items].take() else {
            return Err(Problem::new(Reason::BadAnswer, format!("there are no `{items}` in the answer")));
        };
        let end = rows.is_empty();
        all.extend(rows);
        if end || answer["total_count"].as_u64().is_none_or(|total| all.len() as u64 >= total) {
            return Ok(all);
        }
    }
}
