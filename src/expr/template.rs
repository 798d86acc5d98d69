//! Texts with values in them: `/ticket/${.id}/history`.

use super::{Path, Scope, plain};
use crate::error::{Problem, Reason, Result};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

/// What may stand unescaped in one segment of a path or in a query's value.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'/')
    .add(b'\\')
    .add(b'^')
    .add(b'|')
    .add(b'[')
    .add(b']')
    .add(b'&')
    .add(b'+')
    .add(b'=')
    .add(b';');

#[derive(Clone, Debug, PartialEq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Value(Path),
}

impl Template {
    /// Errors: what is wrong, in words.
    pub fn parse(text: &str) -> Result<Template, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            if at > 0 {
                pieces.push(Piece::Text(rest[..at].to_owned()));
            }
            let after = &rest[at + 2..];
            let end = after.find('}').ok_or_else(|| format!("`{text}` has a `${{` without `}}`"))?;
            pieces.push(Piece::Value(Path::parse(&after[..end])?));
            rest = &after[end + 1..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Template(pieces))
    }

    /// The text with values as they are; what is missing is nothing.
    pub fn render(&self, scope: &Scope<'_>) -> Result<String> {
        self.fill(scope, Ok)
    }

    /// The text with `:id` for its values: how calls of one sort are counted.
    pub fn shape(&self) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Value(_) => ":id",
            })
            .collect()
    }

    /// Whether it is one value alone, and there is none.
    pub fn is_missing(&self, scope: &Scope<'_>) -> bool {
        matches!(self.0.as_slice(), [Piece::Value(path)] if path.of(scope).is_null())
    }

    /// Whether the value at `path` is in it.
    pub fn names(&self, path: &str) -> bool {
        Path::parse(path).is_ok_and(|path| self.0.contains(&Piece::Value(path)))
    }

    /// The text as an address: values are escaped so that they stay within their segment. A template that is one
    /// value alone is taken as a whole address.
    ///
    /// Errors: `expression` when a value is missing: the address would mean something else.
    pub fn render_path(&self, scope: &Scope<'_>) -> Result<String> {
        if let [Piece::Value(path)] = self.0.as_slice() {
            return Ok(plain(&path.of(scope)));
        }
        self.fill(scope, |value| match value.as_str() {
            "" => Err(Problem::new(Reason::Expression, "a value for an address is missing")),
            value => Ok(segment(value)),
        })
    }

    fn fill(&self, scope: &Scope<'_>, escape: impl Fn(String) -> Result<String>) -> Result<String> {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Value(path) => out.push_str(&escape(plain(&path.of(scope)))?),
            }
        }
        Ok(out)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Template::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl JsonSchema for Template {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
    }
}

/// A value as one segment of a path.
pub fn segment(value: &str) -> String {
    utf8_percent_encode(value, SEGMENT).to_string()
}
