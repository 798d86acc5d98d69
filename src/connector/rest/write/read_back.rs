//! Reads a record back from the target and compares it with what its steps sent.

use super::places;
use crate::connector::manifest::{Children, Verb, Verify};
use crate::connector::plan::{LateValues, Node, Step, Text};
use crate::connector::rest::{Rest, asking};
use crate::connector::{Child, Differs, ReadBack, Said};
use crate::content;
use crate::error::{Problem, Reason, Result};
use crate::expr::{self, Scope, plain};
use crate::record::Kind;
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

/// The name of what is expected of a record's marker.
const MARKED: &str = "marker";

impl Rest {
    pub(super) async fn compare_stored(
        &self,
        kind: Kind,
        mapped: Value,
        steps: &[Step],
        late: &LateValues,
    ) -> Result<Option<ReadBack>> {
        let Some(rule) = self.manifest.verify.get(kind.code()) else { return Ok(None) };
        let marker = steps.iter().find_map(|s| s.scope["marker"].as_str()).unwrap_or_default();
        let sent = Node::from_value(Value::Object(self.base(kind, mapped, marker))).fill_known(late);
        let sees = self.scope(&sent);
        let mut stored = self.stored(rule, &sees, late).await?;
        for stream in &rule.with {
            let row = json!({ "id": sent["target"] });
            stored[stream] = self.read_all(stream, Some(&row)).await?.into();
        }

        let mut differs = Vec::new();
        for expect in &rule.expect {
            let is = expect.is.eval(&sees)?;
            let at = expect.at.eval(&self.scope(&stored))?;
            let holds = match expect.text {
                true => says,
                false if expect.more => within,
                false => holds,
            };
            if !is.is_null() && !holds(&at, &is) {
                differs.push(Differs { name: expect.name.clone(), loss: expect.loss, once: expect.once });
            }
        }
        let below = match &rule.children {
            Some(children) => self.stored_children(children, &stored, steps, late, &mut differs)?,
            None => ReadBack::default(),
        };
        let updated_at =
            rule.updated_at.as_deref().map(|path| plain(expr::path(&stored, path))).filter(|t| !t.is_empty());
        self.showed(updated_at.as_deref());
        Ok(Some(ReadBack { differs, updated_at, ..below }))
    }

    /// The record of a verify rule as the target shows it.
    async fn stored(&self, rule: &Verify, sees: &Scope<'_>, late: &LateValues) -> Result<Value> {
        let call = rule.call.render_path(sees)?;
        let path = call
            .strip_prefix("GET ")
            .ok_or_else(|| Problem::new(Reason::Manifest, "`call` of a verify rule is `GET /path`"))?;
        let mut query = Vec::new();
        for (name, expr) in &rule.query {
            query.push((name.clone(), plain(&expr.eval(sees)?)));
        }
        let answer = self.ask(asking(&Text::parse(path).fill(late)?, query)).await?.json()?;
        let stored = rule.item.as_deref().map_or(&answer, |path| expr::path(&answer, path)).clone();
        if !stored.is_object() {
            return Err(Problem::new(Reason::BadAnswer, "the target does not show the record that was written"));
        }
        Ok(stored)
    }

    /// The markers that a record carries: as it is compared, else as it is found.
    pub(super) async fn markers_at(&self, kind: Kind, id: &str) -> Result<Option<Vec<String>>> {
        let Some(rule) = self.manifest.verify.get(kind.code()) else { return Ok(None) };
        let compared = rule.expect.iter().find(|expect| expect.name == MARKED).map(|expect| &expect.at);
        let found = || self.manifest.find.get(kind.code()).and_then(|find| find.mark.as_ref());
        let Some(mark) = compared.or_else(found) else { return Ok(None) };
        let sees = json!({ "target": id });
        let stored = self.stored(rule, &self.scope(&sees), &LateValues::default()).await?;
        Ok(Some(match mark.eval(&self.scope(&stored))? {
            // Where a row of a search shows its marker, one that is read by its id may not.
            Value::Null if compared.is_none() => return Ok(None),
            Value::Null => vec![],
            Value::Array(all) => all.iter().map(plain).collect(),
            one => vec![plain(&one)],
        }))
    }

    /// What of a read-back is about messages; what the target holds of one with less of its text differs.
    fn stored_children(
        &self,
        rule: &Children,
        stored: &Value,
        steps: &[Step],
        late: &LateValues,
        differs: &mut Vec<Differs>,
    ) -> Result<ReadBack> {
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
        let appends: Vec<&Step> = steps.iter().filter(|s| s.is_message()).collect();
        // The record's own id is none of a message.
        let first_of_all = first.map(|step| self.ours(step, &LateValues::default()));
        let ours = first_of_all.into_iter().chain(appends.iter().map(|step| self.ours(step, late)));
        let (ours, before) = (ours.collect::<Result<Vec<_>>>()?, usize::from(first.is_some()));
        let places = places::of(&ours, &ids, &texts);
        for ((place, ours), step) in places.iter().zip(&ours).skip(before).zip(&appends) {
            let is_whole = |at: usize| ours.texts.is_empty() || ours.texts.iter().any(|sent| has_all(&texts[at], sent));
            if rule.text.is_some() && place.is_some_and(|at| !is_whole(at)) {
                let name = format!("text of message {}", step.key.child);
                differs.push(Differs { name, loss: None, once: true });
            }
        }
        let looked_for = self.manifest.find.get(Kind::Comment.code());
        let print = |row: &Value| looked_for.map_or(Ok(None), |rule| self.print(rule, row));
        let others = (0..rows.len()).filter(|at| !places.contains(&Some(*at)));
        let others =
            others.map(|at| Ok(Said { id: ids[at].clone(), print: print(&rows[at])? })).collect::<Result<_>>()?;
        let (first, later) = places.split_at(before);
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

/// Whether one of the stored texts has all of one that was sent.
fn says(stored: &Value, sent: &Value) -> bool {
    let texts = |value: &Value| match value {
        Value::Array(all) => all.iter().map(plain).collect(),
        one => vec![plain(one)],
    };
    let stored: Vec<String> = texts(stored);
    texts(sent).iter().any(|sent| stored.iter().any(|stored| has_all(stored, sent)))
}

/// Whether a text has the letters and digits of another one, in their order. Platforms set marks, entities and blanks their own way, and add to what
/// they store.
fn has_all(stored: &str, sent: &str) -> bool {
    let letters = |text: &str| text.nfkc().filter(|c| c.is_alphanumeric()).collect::<String>();
    letters(stored).contains(&letters(sent))
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
    fn a_text_is_whole_whatever_the_platform_does_to_its_marks() {
        let sent = json!("Printer (2nd floor): it smokes – “badly” © ﬁre");
        assert!(says(&json!("Printer 2nd floor it smokes badly fire"), &sent));
        assert!(says(&json!("[Ticket 7] Printer (2nd floor): it smokes - badly fire. Sent by mail"), &sent));
        assert!(!says(&json!("Printer (2nd floor): it smo"), &sent), "cut");
        assert!(!says(&json!(""), &sent) && !says(&Value::Null, &sent), "not there");
        assert!(!says(&json!("smokes it: Printer (2nd floor) badly fire"), &sent));
        assert!(says(&json!(["other", "by us"]), &json!(["by them", "by us"])), "one of several");
        assert!(says(&json!("…"), &json!("!")) && says(&Value::Null, &json!("")), "nothing is said");
    }

    #[test]
    fn a_list_that_may_grow_must_hold_each_element_as_often_as_it_was_sent() {
        assert!(within(&json!([3, 1, 1]), &json!([1, 1])));
        assert!(!within(&json!([3, 1]), &json!([1, 1])));
    }
}
