//! A jq filter in a rule, refused with its place in the file when it does not compile.

use crate::error::Result;
use crate::expr::{Jq, Scope};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// A jq filter of the mapping.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Filter(Jq);

impl Filter {
    /// The value over `item`, with the canonical ticket as `$root`.
    ///
    /// Errors: `expression`, without any value of the record.
    pub fn eval(&self, item: &Value, ticket: &Value) -> Result<Value> {
        self.0.eval(&Scope { root: ticket, ..Scope::of(item) })
    }
}

impl TryFrom<String> for Filter {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let jq = Jq::new(text);
        jq.check().map_err(|wrong| format!("jq: {}", wrong.why))?;
        Ok(Self(jq))
    }
}
