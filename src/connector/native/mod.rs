//! Native halves: what one platform does that no manifest should have to say.
//!
//! A native half is asked only where its manifest names it (`native = "…"`). A quirk that a second
//! platform shares becomes a word of the manifest instead.

mod freshdesk;
mod freshservice;
mod redmine;
mod rt;
mod rt_agents;
mod side_conversation;
mod zendesk;

use super::ChildRows;
use super::rest::{Account, Rest};
use crate::error::{Problem, Reason, Result};
use crate::ledger::Remote;
use crate::record::{Record, Visibility};
use async_trait::async_trait;
use serde_json::Value;
use std::sync::Arc;

/// The hooks. Each has the meaning "nothing special" by default.
#[async_trait]
pub trait Native: Send + Sync {
    /// Completes a record from rows the manifest's fields cannot fold together. Pure.
    fn fold(&self, _record: &mut Record, _row: &Value, _children: &ChildRows) -> Result<()> {
        Ok(())
    }

    /// The path at which what stands below a root row is read, where that is not the manifest's for every row.
    fn address(&self, path: String, _root: &Value) -> String {
        path
    }

    /// Where what is not at this path may have gone meanwhile.
    fn elsewhere(&self, _path: &str) -> Option<String> {
        None
    }

    /// The rows of a stream without parent that the platform lists nowhere, as its `detail` calls need them. `None`: the
    /// manifest's listing is read.
    async fn rows(&self, _api: &Rest, _account: &Account, _stream: &str) -> Result<Option<Vec<Value>>> {
        Ok(None)
    }

    /// The row of the agent with this address, where the platform does not list all of its agents.
    async fn agent_at(&self, _api: &Rest, _account: &Account, _address: &str) -> Result<Option<Value>> {
        Ok(None)
    }

    /// Whether a message of this visibility may be written under this person; see `Target::may_write_as`.
    async fn may_write_as(
        &self,
        _api: &Rest,
        _person: &Remote,
        _group: Option<&Remote>,
        _visibility: Visibility,
    ) -> Result<bool> {
        Ok(true)
    }

    /// Whether a person can be the assignee in this group; see `Target::may_be_assigned`.
    async fn may_be_assigned(&self, _api: &Rest, _person: &Remote, _group: Option<&Remote>) -> Result<bool> {
        Ok(true)
    }

    /// Facts about the account that reading needs, asked once a run.
    async fn prepare_source(&self, _api: &Rest, _account: &mut Account) -> Result<()> {
        Ok(())
    }

    /// Facts about the account that writing needs, asked once a run (such as the marker field's id).
    async fn prepare_target(&self, _api: &Rest, _account: &mut Account) -> Result<()> {
        Ok(())
    }
}

struct Plain;
impl Native for Plain {}

/// The native half of this name.
pub fn by_name(name: Option<&str>) -> Result<Arc<dyn Native>> {
    match name {
        None => Ok(Arc::new(Plain)),
        Some("rt") => Ok(Arc::new(rt::Rt)),
        Some("redmine") => Ok(Arc::new(redmine::Redmine::default())),
        Some("freshservice") => Ok(Arc::new(freshservice::Freshservice)),
        Some("freshdesk") => Ok(Arc::new(freshdesk::Freshdesk)),
        Some("zendesk") => Ok(Arc::new(zendesk::Zendesk)),
        Some(other) => Err(Problem::new(Reason::Manifest, format!("there is no native part `{other}`"))),
    }
}
