//! What a person must decide before a source is read: whether records that no list shows are asked for one by one.
//!
//! Whether an account has such records, and how many, is found out with a handful of calls: the oldest records that a list shows, its
//! newest one, a few of the numbers between that it lacks, and a few above all that it shows, each twice as far. Nothing is decided here, and nothing but numbers is looked at.

use crate::connector::CheckLine;
use crate::connector::manifest::{Asks, Listing, Paging, ReadStream};
use crate::connector::rest::{Rest, asking};
use crate::error::{Problem, Reason, Result};
use crate::expr::{self, Template, plain};
use crate::record::Kind;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Numbers that are asked for among those a list lacks, and above those it shows.
const PROBES: usize = 8;
/// Of all numbers, the part that may be in no list without a question: one in so many.
const FEW: u64 = 5;

/// What was found.
struct Hidden {
    /// The number of one such record.
    example: u64,
    /// Numbers that no list shows, at least.
    many: u64,
    /// The newest number.
    newest: u64,
}

impl Rest {
    /// A line for each stream whose account does not say what is to become of records no list shows, and that has some.
    pub(super) async fn questions(&self, kinds: &[Kind]) -> Vec<CheckLine> {
        let mut lines = Vec::new();
        for stream in kinds.iter().filter_map(|kind| self.manifest.read.get(kind.code())) {
            for listing in &stream.then {
                let (Some(asks), Paging::Gaps { key, .. }) = (&listing.asks, &listing.page) else { continue };
                if self.account()[&asks.key].is_null()
                    && let Some(found) = self.question(stream, listing, asks, key).await.transpose()
                {
                    lines.push(CheckLine { proves: format!("it is decided whether {} are read", asks.what), found });
                }
            }
        }
        lines
    }

    async fn question(&self, stream: &ReadStream, listing: &Listing, asks: &Asks, key: &str) -> Result<Option<String>> {
        let Some(hidden) = self.hidden(stream, listing, asks, key).await? else { return Ok(None) };
        let Hidden { example, many, newest } = hidden;
        let (what, key) = (&asks.what, &asks.key);
        if many < newest / FEW {
            return Ok(Some(format!(
                "there are {what} (such as number {example}): write `{key} = true` or `{key} = false` under [source]"
            )));
        }
        let call = self.path_of_number(listing, example)?;
        let time = self.client.pacer().time_for(&BTreeMap::from([(format!("GET {call}"), many)]));
        let time = time.map(|time| format!(", {} minutes or more", time.as_secs().div_ceil(60))).unwrap_or_default();
        let title = &self.manifest.title;
        let what = format!(
            "{title} has {what} (such as number {example}): at least {many} of {newest} numbers are in no list"
        );
        Err(Problem::new(Reason::Refused, what).hint(format!(
            "decide under [source]: `{key} = true` asks for each number that no list shows, at least {many} calls{time}; `{key} = false` leaves them out"
        )))
    }

    async fn hidden(&self, stream: &ReadStream, listing: &Listing, asks: &Asks, key: &str) -> Result<Option<Hidden>> {
        let oldest = self.numbers_listed(stream, asks, &asks.oldest, key).await?;
        let last = oldest.last().copied().unwrap_or(0);
        let lacking: Vec<u64> = (1..last).filter(|number| !oldest.contains(number)).collect();
        let spread = lacking.len().div_ceil(PROBES).max(1);
        let mut example = None;
        for number in lacking.iter().step_by(spread) {
            if self.is_hidden(listing, *number).await? {
                example = Some(*number);
                break;
            }
        }
        let newest = match last {
            0 => 0,
            last => {
                self.numbers_listed(stream, asks, &asks.newest, key).await?.last().copied().unwrap_or(last).max(last)
            }
        };
        let many = if example.is_some() { lacking.len() as u64 } else { 0 };
        if let Some(example) = example.filter(|_| many >= newest / FEW) {
            return Ok(Some(Hidden { example, many, newest }));
        }
        let above = self.above(listing, newest).await?;
        let highest = above.last().copied().unwrap_or(newest);
        let example = example.or(above.first().copied());
        Ok(example.map(|example| Hidden { example, many: many + highest - newest, newest: highest }))
    }

    /// Numbers above the newest one that a list shows.
    async fn above(&self, listing: &Listing, newest: u64) -> Result<Vec<u64>> {
        let mut found = Vec::new();
        let mut far = 1;
        for asked in 1..=u64::BITS as usize / 2 {
            let number = newest + far;
            far *= 2;
            match self.is_hidden(listing, number).await? {
                true => found.push(number),
                false if asked >= PROBES => break,
                false => {}
            }
        }
        Ok(found)
    }

    async fn is_hidden(&self, listing: &Listing, number: u64) -> Result<bool> {
        match self.get(&self.path_of_number(listing, number)?, &[]).await {
            Ok(_) => Ok(true),
            Err(problem) if problem.reason == Reason::NotFound => Ok(false),
            Err(problem) => Err(problem),
        }
    }

    /// The numbers on the first page of a listing.
    async fn numbers_listed(
        &self,
        stream: &ReadStream,
        asks: &Asks,
        query: &BTreeMap<String, Template>,
        key: &str,
    ) -> Result<BTreeSet<u64>> {
        let scope = self.scope(&Value::Null);
        let query =
            query.iter().map(|(name, value)| Ok((name.clone(), value.render(&scope)?))).collect::<Result<_>>()?;
        let answer = self.ask(asking(&asks.path.render_path(&scope)?, query)).await?.json()?;
        let rows = stream.items.as_deref().map_or(&answer, |path| expr::path(&answer, path));
        Ok(rows.as_array().into_iter().flatten().filter_map(|row| plain(expr::path(row, key)).parse().ok()).collect())
    }

    fn path_of_number(&self, listing: &Listing, number: u64) -> Result<String> {
        let number = number.to_string();
        let vars = [("key", number.as_str())];
        listing.path.render_path(&crate::expr::Scope { vars: &vars, ..self.scope(&Value::Null) })
    }
}
