//! How a later run asks a listing only for what changed.

use super::listed::{Above, Listed};
use crate::clock::BEGINNING;
use crate::connector::manifest::Since;
use crate::connector::rest::Rest;
use crate::connector::rest::read::pages::Leaf;
use crate::error::{Problem, Reason, Result};
use crate::expr::{self, Scope, TimeFormat};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::sync::PoisonError;

impl Rest {
    /// One page. Where the platform refuses to list only what changed, the whole list is read, from its beginning.
    pub(crate) async fn one_page(
        &self,
        name: &str,
        listed: &Listed<'_>,
        above: Above<'_>,
        cursor: Option<&str>,
        since: Option<Timestamp>,
    ) -> Result<Leaf> {
        let filter = since.filter(|_| listed.since.is_some() && !self.refuses_filter(name));
        let answered = loop {
            match self.asked_page(name, listed, above, cursor, filter).await {
                Err(problem) if self.declines(name, listed, &problem) => {}
                answered => break answered,
            }
        };
        let page = match answered {
            Err(problem) if filter.is_some() && problem.reason == Reason::Invalid => {
                let whole = self.asked_page(name, listed, above, None, None).await;
                whole.inspect(|_| self.note_filter(name, &problem))
            }
            answered => answered,
        };
        let page = match page {
            Err(problem) if cursor.is_none() => self.not_made(name, listed, above, &problem).ok_or(problem),
            page => page.map(|leaf| self.as_far_as_read(name, listed, leaf)),
        };
        let leaf = page?;
        self.goes_without(name, listed, since, &leaf)?;
        Ok(leaf)
    }

    fn refuses_filter(&self, name: &str) -> bool {
        self.unfiltered.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    fn note_filter(&self, name: &str, problem: &Problem) {
        self.unfiltered.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        let what = &problem.what;
        self.note(format!(
            "the source refuses to list only the {name} records that changed: the whole list is read ({what})"
        ));
    }

    /// The `$since` text of a stream for a time of the vendor's clock: in its format and zone, less the overlap.
    pub(crate) fn since_text(&self, since: &Since, at: Timestamp) -> Result<String> {
        let wrong = |e: String| Problem::new(Reason::Manifest, e);
        let zone = match &since.zone {
            None => None,
            Some(zone) => {
                let account = self.account();
                let template = zone.replace("${", "${$account.");
                let template = expr::Template::parse(&template).map_err(wrong)?;
                Some(template.render(&Scope { account, ..Scope::of(&Value::Null) })?)
            }
        };
        let format = TimeFormat::new(&since.format, zone.as_deref()).map_err(wrong)?;
        let overlap = SignedDuration::from_secs(i64::try_from(since.overlap).unwrap_or(i64::MAX));
        let lag = SignedDuration::from_secs(i64::try_from(since.lag).unwrap_or(i64::MAX));
        let latest = self.client.clock().now().and_then(|now| now.checked_sub(lag).ok()).unwrap_or(Timestamp::MAX);
        let from = at.checked_sub(overlap).unwrap_or(BEGINNING).min(latest);
        Ok(since.text.replace("${$time}", &format.write(from)))
    }
}
