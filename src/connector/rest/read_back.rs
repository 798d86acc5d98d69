//! Reads a record back from the target and compares it with what its steps sent.

use super::{Rest, asking, places};
use crate::connector::manifest::{Children, Verb};
use crate::connector::plan::{LateValues, Node, Step, Text};
use crate::connector::{Child, Differs, ReadBack, Said};
use crate::content;
use crate::error::{Problem, Reason, Result};
use crate::expr::{self, plain};
use crate::record::Kind;
use serde_json::{Value, json};

impl Rest {
    pub(super) async fn compare_stored(
        &self,
        kind: Kind,
        mapped: &Value,
        steps: &[Step],
        late: &LateValues,
    ) -> Result<Option<ReadBack>> {
        let Some(rule) = self.manifest.verify.get(kind.code()) else { return Ok(None) };
        let marker = steps.iter().find_map(|s| s.scope["marker"].as_str()).unwrap_or_default();
        let sent = Node::from_value(Value::Object(self.base(kind, mapped, marker))).fill_known(late);
        let sees = self.scope(&sent);
        let call = rule.call.render_path(&sees)?;
        let path = call
            .strip_prefix("GET ")
            .ok_or_else(|| Problem::new(Reason::Manifest, "`call` of a verify rule is `GET /path`"))?;
        let mut query = Vec::new();
        for (name, expr) in &rule.query {
            query.push((name.clone(), plain(&expr.eval(&sees)?)));
        }
        let answer = self.ask(asking(&Text::parse(path).fill(late)?, query)).await?.json()?;
        let mut stored = rule.item.as_deref().map_or(&answer, |path| expr::path(&answer, path)).clone();
        if !stored.is_object() {
            return Err(Problem::new(
                Reason::BadAnswer,
                "the target shows no record where the one that was written stands",
            ));
        }
        for stream in &rule.with {
            let row = json!({ "id": sent["target"] });
            stored[stream] = self.read_all(stream, Some(&row)).await?.into();
        }

        let mut differs = Vec::new();
        for expect in &rule.expect {
            let is = expect.is.eval(&sees)?;
            let at = expect.at.eval(&self.scope(&stored))?;
            let holds = if expect.more { within } else { holds };
            if !is.is_null() && !holds(&at, &is) {
                differs.push(Differs { name: expect.name.clone(), loss: expect.loss });
            }
        }
        let below = match &rule.children {
            Some(children) => self.stored_children(children, &stored, steps, late)?,
            None => ReadBack::default(),
        };
        let updated_at =
            rule.updated_at.as_deref().map(|path| plain(expr::path(&stored, path))).filter(|t| !t.is_empty());
        self.showed(updated_at.as_deref());
        Ok(Some(ReadBack { differs, updated_at, ..below }))
    }

    /// What of a read-back is about messages.
    fn stored_children(&self, rule: &Children, stored: &Value, steps: &[Step], late: &LateValues) -> Result<ReadBack> {
        let rows = expr::path(stored, &rule.items).as_array().cloned().unwrap_or_default();
        let (mut ids, mut texts) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        for row in &rows {
            let scope = self.scope(row);
            ids.push(plain(&rule.id.eval(&scope)?));
            let text = rule.text.as_ref().map(|text| text.eval(&scope)).transpose()?;
            texts.push(text.map(|text| content::normalise(&plain(&text))).unwrap_or_default());
        }
        // The first message is among them where the ticket was written with all: the later ones come after it.
        let first = steps.iter().find(|s| s.verb == Verb::Create && !s.covers.is_empty() && self.is_known_by_text(s));
        let appends = steps.iter().filter(|s| s.is_message());
        // The record's own id is none of a message.
        let first_of_all = first.map(|step| self.ours(step, &LateValues::default()));
        let ours = first_of_all.into_iter().chain(appends.map(|step| self.ours(step, late)));
        let places = places::of(&ours.collect::<Result<Vec<_>>>()?, &ids, &texts);
        let looked_for = self.manifest.find.get(Kind::Comment.code());
        let print = |row: &Value| looked_for.map_or(Ok(None), |rule| self.print(rule, row));
        let others = (0..rows.len()).filter(|at| !places.contains(&Some(*at)));
        let others =
            others.map(|at| Ok(Said { id: ids[at].clone(), print: print(&rows[at])? })).collect::<Result<_>>()?;
        let (first, later) = places.split_at(usize::from(first.is_some()));
        let children = later.iter().map(|at| {
            let Some(at) = *at else { return Ok(None) };
            let private = rule.private.as_ref().map_or(Ok(false), |p| p.holds(&self.scope(&rows[at])))?;
            Ok(Some(Child { id: ids[at].clone(), private, print: print(&rows[at])? }))
        });
        let first = first.iter().flatten().map(|at| ids[*at].clone()).next();
        Ok(ReadBack { children: children.collect::<Result<_>>()?, first, others, ..ReadBack::default() })
    }
}

/// Whether the stored value holds what was sent: an object must hold at least the keys that were sent, all else must be equal.
fn holds(stored: &Value, sent: &Value) -> bool {
    match (stored, sent) {
        (Value::Object(stored), Value::Object(sent)) => {
            sent.iter().all(|(key, value)| empty(value) || stored.get(key).is_some_and(|s| holds(s, value)))
        }
        (stored, sent) => stored == sent || plain(stored) == plain(sent),
    }
}

/// Whether each element of the list that was sent is in the stored one, as often.
fn within(stored: &Value, sent: &Value) -> bool {
    let (Value::Array(stored), Value::Array(sent)) = (stored, sent) else { return holds(stored, sent) };
    let mut left: Vec<&Value> = stored.iter().collect();
    sent.iter().all(|one| left.iter().position(|there| holds(there, one)).map(|at| left.swap_remove(at)).is_some())
}

fn empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("") || value.as_array().is_some_and(Vec::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_sent_must_be_there_and_more_may_be() {
        assert!(holds(&json!({"1": "a", "2": "b"}), &json!({"1": "a"})));
        assert!(!holds(&json!({"1": "a"}), &json!({"1": "a", "2": "b"})));
        assert!(holds(&json!({}), &json!({"2": ""})));
        assert!(holds(&json!("7"), &json!(7)));
        assert!(!holds(&json!([1]), &json!([1, 2])));
    }

    #[test]
    fn a_list_that_may_grow_must_hold_each_element_as_often_as_it_was_sent() {
        assert!(within(&json!([3, 1, 1]), &json!([1, 1])));
        assert!(!within(&json!([3, 1]), &json!([1, 1])));
    }
}
