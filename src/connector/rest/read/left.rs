//! What a platform holds and no record carries: listed once, told, and a list to rebuild.

use crate::connector::manifest::Left;
use crate::connector::rest::Rest;
use crate::connector::rest::api::listed::{Above, Listed};
use crate::connector::{CheckLine, LeftBehind};
use crate::error::{Reason, Result};
use crate::expr::plain;

/// Pages that are listed; of more it is told that there are more.
const MOST_PAGES: usize = 20;

impl Rest {
    /// Tells how many things of each kind stay where they are.
    pub(super) async fn tell_left(&self) -> Result<()> {
        for left in self.list_left().await? {
            let at_least = if left.whole { "" } else { "more than " };
            let more = left.hint.as_ref().map(|hint| format!(": {}; {hint}", left.names.join(", ")));
            self.note(format!("not migrated: {} ({at_least}{}){}", left.what, left.many, more.unwrap_or_default()));
        }
        Ok(())
    }

    /// Everything of each kind that has some. What the account does not have, or does not show, is nothing to tell.
    pub(super) async fn list_left(&self) -> Result<Vec<LeftBehind>> {
        let listed = self.left.get_or_try_init(|| async {
            let mut all = Vec::new();
            for left in self.manifest.left.values() {
                match self.listed(left).await {
                    Ok(listed) if listed.many > 0 => all.push(listed),
                    Ok(_) => {}
                    Err(problem) if matches!(problem.reason, Reason::Forbidden | Reason::NotFound) => {}
                    // What is only counted stops nobody: an account that fails is met where records are read.
                    Err(problem) => {
                        self.note(format!("the {} of the source could not be counted: {}", left.what, problem.what));
                    }
                }
            }
            Ok(all)
        });
        listed.await.cloned()
    }

    /// What is in reach of the account and needs a project of its own: a line for each kind of it. What cannot be listed stops nobody.
    pub(super) async fn elsewhere(&self) -> Vec<CheckLine> {
        let mut lines = Vec::new();
        for left in self.manifest.left.values() {
            let Some(hint) = &left.hint else { continue };
            let Ok(listed) = self.listed(left).await else { continue };
            if listed.many > 0 {
                let found = Ok(format!("not read: {}; {hint}", listed.names.join(", ")));
                lines.push(CheckLine { proves: left.what.clone(), found });
            }
        }
        lines
    }

    async fn listed(&self, left: &Left) -> Result<LeftBehind> {
        let (what, hint) = (left.what.clone(), left.hint.clone());
        let mut all = LeftBehind { what, hint, many: 0, whole: false, names: Vec::new() };
        let (rows, whole) = self.first_rows(&left.what, &Listed::from(left), Above::NONE, MOST_PAGES).await?;
        for row in &rows {
            let sees = self.scope(row);
            let many = match &left.count {
                Some(count) => count.eval(&sees)?.as_u64().unwrap_or(0),
                None => 1,
            };
            let name = left.name.as_ref().map(|name| name.eval(&sees)).transpose()?;
            all.names.extend(name.map(|name| plain(&name)).filter(|name| many > 0 && !name.is_empty()));
            all.many += many;
        }
        Ok(LeftBehind { whole, ..all })
    }
}
