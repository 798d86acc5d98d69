//! A step that adds to a record somebody else made: only what is empty there is sent.

use crate::connector::rest::Rest;
use crate::error::{Reason, Result};
use crate::expr::is_blank;
use crate::http::{Call, Payload, Target};
use serde_json::{Map, Value};

impl Rest {
    /// The call with those of its values whose place in the target is empty; none where nothing is left to send. The record is read at
    /// the address that is written, and answers in the shape that is sent.
    pub(super) async fn left_to_fill(&self, call: Call) -> Result<Option<Call>> {
        let (Target::Path(path), Payload::Json(Value::Object(sent))) = (&call.target, &call.body) else {
            return Ok(Some(call));
        };
        if !has_any(sent) {
            return Ok(None);
        }
        let there = match self.get(path, &[]).await {
            Ok(there) => there,
            // Somebody of another sort, such as an agent, or not ours to look at: they stay as they are.
            Err(problem) if matches!(problem.reason, Reason::NotFound | Reason::Forbidden) => return Ok(None),
            Err(problem) => return Err(problem),
        };
        let left = lacking(sent, &there);
        Ok(has_any(&left).then_some(Call { body: Payload::Json(Value::Object(left)), ..call }))
    }
}

/// Of what is sent, what is not there.
fn lacking(sent: &Map<String, Value>, there: &Value) -> Map<String, Value> {
    let kept = |(key, value): (&String, &Value)| {
        let there = &there[key];
        match value {
            Value::Object(below) => Some((key.clone(), Value::Object(lacking(below, there)))),
            value => is_blank(there).then(|| (key.clone(), value.clone())),
        }
    };
    sent.iter().filter_map(kept).collect()
}

fn has_any(values: &Map<String, Value>) -> bool {
    values.values().any(|value| value.as_object().map_or(!value.is_null(), has_any))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_empty_in_the_target_is_sent() {
        let sent = json!({"user": {"name": "Ann", "phone": "1", "notes": "n", "tags": ["vip"], "organization_id": 7}});
        let there = json!({"user": {"name": "Dr. Ann", "phone": null, "notes": " ", "tags": [], "organization_id": 0}});
        let left = lacking(sent.as_object().unwrap(), &there);
        assert_eq!(Value::Object(left), json!({"user": {"phone": "1", "notes": "n", "tags": ["vip"]}}));
        let full = json!({"user": {"name": "A", "phone": "2", "notes": "x", "tags": ["a"], "organization_id": 1}});
        assert!(!has_any(&lacking(sent.as_object().unwrap(), &full)));
        assert!(!has_any(json!({"user": {"phone": null}}).as_object().unwrap()), "nothing is to be sent");
    }
}
