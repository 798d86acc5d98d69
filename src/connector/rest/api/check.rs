//! Proves that an account can be used, before anything is written.

use crate::clock::BEGINNING;
use crate::connector::CheckLine;
use crate::connector::plan::{LateValues, MARKER};
use crate::connector::rest::{Rest, Role};
use crate::error::{Problem, Reason, Result};
use crate::expr::Predicate;
use crate::record::Kind;
use serde_json::Value;
use std::time::Duration;

/// How long an account may take to say that it is well.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is answered in time. While calls wait for their turn it is not the account that is slow.
async fn answered<T>(asked: impl Future<Output = Result<T>>, waits_its_turn: impl Fn() -> bool) -> Result<T> {
    tokio::pin!(asked);
    loop {
        match tokio::time::timeout(PATIENCE, &mut asked).await {
            Ok(found) => return found,
            Err(_) if waits_its_turn() => {}
            Err(_) => {
                let what = format!("the account did not answer in {} s", PATIENCE.as_secs());
                return Err(Problem::new(Reason::Timeout, what));
            }
        }
    }
}

impl Rest {
    pub(crate) async fn check_calls(&self) -> Vec<CheckLine> {
        let mut lines = Vec::new();
        for check in &self.manifest.check {
            if check.target_only && self.role == Role::Source {
                continue;
            }
            let found = self.check_call(&check.call, &check.query, check.ok.as_ref()).await;
            // A hint follows from the refusal. That of the check is for an account that is not what it was taken for.
            let found = found.map_err(|problem| match (&problem.hint, &check.hint) {
                (None, Some(hint)) if problem.reason != Reason::Timeout => problem.hint(hint.clone()),
                _ => problem,
            });
            let broken = found.is_err();
            lines.push(CheckLine { proves: check.proves.clone(), found });
            if broken {
                break;
            }
        }
        lines
    }

    /// The first of the checks: it asks for nothing that a record could be in the way of.
    pub(crate) async fn probe_account(&self) -> Result<()> {
        let unsaid = || Problem::new(Reason::Manifest, "the manifest has no `check` for the account");
        let check = self.manifest.check.iter().find(|check| !check.target_only || self.role == Role::Target);
        let check = check.ok_or_else(unsaid)?;
        let asked = self.check_call(&check.call, &check.query, check.ok.as_ref());
        answered(asked, || self.client.pacer().holds_calls_back()).await.map(drop)
    }

    async fn check_call(
        &self,
        call: &str,
        query: &std::collections::BTreeMap<String, String>,
        ok: Option<&Predicate>,
    ) -> Result<String> {
        let path = call.strip_prefix("GET ").unwrap_or(call);
        let query: Vec<_> = query.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        let answer = self.get(path, &query).await?;
        if !ok.map_or(Ok(true), |ok| ok.holds(&self.scope(&answer)))? {
            return Err(Problem::new(
                Reason::Forbidden,
                format!("{call}: the platform answered, but this account lacks the required rights"),
            ));
        }
        Ok(String::new())
    }

    /// The marker's field exists, and asking for a marker nobody has finds nobody.
    pub(crate) async fn check_marker(&self) -> Option<CheckLine> {
        let marker = self.manifest.marker.as_ref()?;
        let proves = format!("migrated tickets can be found by the field `{}`", marker.field);
        Some(CheckLine { proves, found: self.probe_marker().await.map_err(|p| p.hint(marker.make.clone())) })
    }

    async fn probe_marker(&self) -> Result<String> {
        self.prepare().await?;
        if let Some(problem) = self.refused.get() {
            return Err(problem.clone());
        }
        let Some(rule) = self.manifest.find.get("ticket").filter(|rule| !rule.lags) else {
            // Nothing is searched: the listing that is scanned shows each ticket with its marker.
            let since = Some(self.client.clock().now().unwrap_or(BEGINNING));
            return self.scan_page(Kind::Ticket, MARKER, since, None).await.map(|_| String::new());
        };
        let nobody = serde_json::json!({ "marker": "deskferry:probe:ticket:0", "account": self.account() });
        let answer = self.find_call(rule, &self.scope(&nobody), &LateValues::default()).await?;
        match crate::expr::path(&answer, rule.items.as_deref().unwrap_or(".")) {
            Value::Array(rows) if rows.is_empty() => Ok(String::new()),
            _ => Err(Problem::new(
                Reason::Refused,
                "the target ignores the search by our marker and returns other records",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_that_waits_for_its_turn_is_no_account_that_does_not_answer() {
        let late = || async {
            tokio::time::sleep(5 * PATIENCE).await;
            Ok(7)
        };
        assert_eq!(answered(late(), || true).await.unwrap(), 7);
        assert_eq!(answered(late(), || false).await.unwrap_err().reason, Reason::Timeout);
    }
}
