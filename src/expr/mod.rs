//! One expression per field: `path | jq | const | concat | pairs`, in manifests and mappings.
//!
//! A bare path is read natively and costs nanoseconds; jq is compiled once, at its first use. Run-time errors
//! never hold values of a record: jaq's own messages do, and are not passed on.

mod jq;
mod path;
mod template;
mod time;

pub use jq::{EvalContext, Jq, Wrong};
pub use path::{Path, path};
pub use template::{Template, segment};
pub use time::Format as TimeFormat;

use crate::error::{Problem, Reason, Result};
use base64::Engine;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// Value tables by name.
pub type Tables = BTreeMap<String, BTreeMap<String, String>>;

/// What an expression sees. Absent parts are null.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// `.`
    pub item: &'a Value,
    /// `$parent`: the row above.
    pub parent: &'a Value,
    /// `$root`: the row at the top.
    pub root: &'a Value,
    /// `$page`: the answer the row stands in.
    pub page: &'a Value,
    /// `$account`: the answers of the account, never its secrets.
    pub account: &'a Value,
    /// Other names for templates, such as `$key`.
    pub vars: &'a [(&'a str, &'a str)],
    pub tables: Option<&'a Tables>,
    /// The item as filters see it, where many of them look at it.
    pub eval_context: Option<&'a EvalContext>,
}

impl<'a> Scope<'a> {
    pub fn of(item: &'a Value) -> Self {
        const NULL: &Value = &Value::Null;
        Scope { item, parent: NULL, root: NULL, page: NULL, account: NULL, vars: &[], tables: None, eval_context: None }
    }

    /// The value a path starts from.
    fn root_of(&self, name: &str) -> Option<&'a Value> {
        Some(match name {
            "" => self.item,
            "parent" => self.parent,
            "root" => self.root,
            "page" => self.page,
            "account" => self.account,
            _ => return None,
        })
    }
}

/// A value over a row.
#[derive(Clone, Debug)]
pub struct Expr {
    source: Origin,
    table: Option<String>,
    default: Option<Value>,
    decode: Option<Coding>,
    time: Option<time::Format>,
}

#[derive(Clone, Debug)]
enum Origin {
    Path(Path),
    Jq(Jq),
    Const(Value),
    Concat(Template),
    Pairs { of: Path, key: Path, value: Path, title: Option<Path> },
}

/// How a text is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Coding {
    Base64,
}

/// The table form of an expression. Exactly one of `path jq const concat pairs` says where the value comes from.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Form {
    /// A path such as `.a.b`, `.a[0]`, `.a[].b`, `."odd key"`, `$parent.id`; what is missing is null.
    path: Option<String>,
    /// A jq filter; its first output counts.
    jq: Option<String>,
    /// A fixed value.
    #[serde(rename = "const")]
    constant: Option<Value>,
    /// A text with `${.path}` in it.
    concat: Option<String>,
    /// Path of a list (or object) of custom values: makes `[{key, title, value}]`.
    pairs: Option<String>,
    /// With `pairs`: path of the key in an element.
    key: Option<String>,
    /// With `pairs`: path of the value in an element.
    value: Option<String>,
    /// With `pairs`: path of the title in an element.
    title: Option<String>,
    /// Looks the value up in this table of `[values]`; null when it is not there.
    table: Option<String>,
    /// Stands in for null.
    default: Option<Value>,
    /// The text is wrapped.
    decode: Option<Coding>,
    /// The text is a time: `rfc3339`, `unix` or a strftime format.
    format: Option<String>,
    /// With `format`: the IANA zone of times without offset. UTC unless told.
    zone: Option<String>,
}

impl Expr {
    /// A bare path.
    pub fn path(text: &str) -> Result<Expr, String> {
        Ok(Expr { source: Origin::Path(Path::parse(text)?), table: None, default: None, decode: None, time: None })
    }

    /// Whether it is this bare path and nothing else.
    pub fn is_path(&self, text: &str) -> bool {
        let bare = self.table.is_none() && self.default.is_none() && self.decode.is_none() && self.time.is_none();
        bare && matches!(&self.source, Origin::Path(path) if Path::parse(text).as_ref() == Ok(path))
    }

    fn build(form: Form) -> Result<Expr, String> {
        let sources = [
            form.path.is_some(),
            form.jq.is_some(),
            form.constant.is_some(),
            form.concat.is_some(),
            form.pairs.is_some(),
        ];
        if sources.iter().filter(|given| **given).count() != 1 {
            return Err("an expression has exactly one of `path`, `jq`, `const`, `concat`, `pairs`".into());
        }
        let Form { path, jq, constant, concat, pairs, key, value, title, .. } = form;
        if pairs.is_none() && (key.is_some() || value.is_some() || title.is_some()) {
            return Err("`key`, `value` and `title` go with `pairs`".into());
        }
        let source = if let Some(text) = path {
            Origin::Path(Path::parse(&text)?)
        } else if let Some(text) = jq {
            Origin::Jq(Jq::new(text))
        } else if let Some(text) = concat {
            Origin::Concat(Template::parse(&text)?)
        } else if let Some(text) = pairs {
            let part = |name: &str, path: Option<String>| {
                path.ok_or_else(|| format!("`pairs` needs `{name}`")).and_then(|p| Path::parse(&p))
            };
            Origin::Pairs {
                of: Path::parse(&text)?,
                key: part("key", key)?,
                value: part("value", value)?,
                title: title.map(|p| Path::parse(&p)).transpose()?,
            }
        } else {
            Origin::Const(constant.unwrap_or_default())
        };
        if form.zone.is_some() && form.format.is_none() {
            return Err("`zone` goes with `format`".into());
        }
        let time = form.format.map(|format| time::Format::new(&format, form.zone.as_deref())).transpose()?;
        Ok(Expr { source, table: form.table, default: form.default, decode: form.decode, time })
    }

    /// Compiles what is not compiled yet. The message has no place in a file: the caller knows it.
    pub fn check(&self) -> Result<(), jq::Wrong> {
        match &self.source {
            Origin::Jq(jq) => jq.check(),
            _ => Ok(()),
        }
    }

    /// The value over `scope`. Missing paths are null.
    ///
    /// Errors: `expression`, without any value of the record.
    pub fn eval(&self, scope: &Scope<'_>) -> Result<Value> {
        let value = match &self.source {
            Origin::Path(path) => path.of(scope).into_owned(),
            Origin::Jq(jq) => jq.eval(scope)?,
            Origin::Const(value) => value.clone(),
            Origin::Concat(template) => Value::String(template.render(scope)?),
            Origin::Pairs { of, key, value, title } => pairs(&of.of(scope), key, value, title.as_ref()),
        };
        let value = match (&self.table, value) {
            (Some(name), value) => look_up(scope, name, &value),
            (None, value) => value,
        };
        let value = match self.decode {
            Some(Coding::Base64) => decode(value)?,
            None => value,
        };
        let value = match &self.time {
            Some(format) => format.read(value)?,
            None => value,
        };
        Ok(match (&self.default, value) {
            (Some(default), Value::Null) => default.clone(),
            (_, value) => value,
        })
    }
}

fn pairs(of: &Value, key: &Path, value: &Path, title: Option<&Path>) -> Value {
    let pair = |element: &Value| {
        let mut pair = Map::new();
        let scope = Scope::of(element);
        pair.insert("key".into(), Value::String(plain(&key.of(&scope))));
        if let Some(title) = title {
            pair.insert("title".into(), title.of(&scope).into_owned());
        }
        pair.insert("value".into(), value.of(&scope).into_owned());
        Value::Object(pair)
    };
    match of {
        Value::Array(elements) => elements.iter().map(pair).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| serde_json::json!({ "key": key, "value": value })).collect()
        }
        _ => Value::Array(vec![]),
    }
}

fn look_up(scope: &Scope<'_>, name: &str, value: &Value) -> Value {
    let Some(table) = scope.tables.and_then(|tables| tables.get(name)) else { return Value::Null };
    let key = plain(value);
    let found = table.get(&key).or_else(|| table.iter().find(|(k, _)| k.eq_ignore_ascii_case(&key)).map(|(_, v)| v));
    found.map_or(Value::Null, |v| Value::String(v.clone()))
}

fn decode(value: Value) -> Result<Value> {
    let Value::String(text) = value else { return Ok(Value::Null) };
    let packed: String = text.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(packed)
        .map_err(|_| Problem::new(Reason::Expression, "a value that should be base64 is not"))?;
    Ok(Value::String(String::from_utf8_lossy(&bytes).into_owned()))
}

/// A value as plain text: a string without quotes, null as nothing.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Null, a text of nothing but spaces, or an empty list.
pub fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(all) => all.is_empty(),
        _ => false,
    }
}

/// Neither null, nor false, nor an empty text.
pub fn truthy(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false)) && value.as_str() != Some("")
}

impl<'de> Deserialize<'de> for Expr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Expr;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path such as `.id`, or a table such as `{ jq = \"…\" }`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Expr, E> {
                Expr::path(text).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Expr, A::Error> {
                Expr::build(Form::deserialize(MapAccessDeserializer::new(map))?).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// For the schema only: the two ways to write an expression.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what `Expr` reads")]
enum ExprForm {
    Path(String),
    Table(Box<Form>),
}

impl JsonSchema for Expr {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Expr".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        ExprForm::json_schema(generator)
    }
}

/// An expression whose truth counts: a text that starts with `.name` alone is a path, any other text is jq.
#[derive(Clone, Debug)]
pub struct Predicate(Expr);

impl Predicate {
    pub fn check(&self) -> Result<(), jq::Wrong> {
        self.0.check()
    }

    /// Whether it holds: not null, not false, not an empty text.
    pub fn holds(&self, scope: &Scope<'_>) -> Result<bool> {
        Ok(truthy(&self.0.eval(scope)?))
    }
}

impl<'de> Deserialize<'de> for Predicate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Predicate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a condition in jq, or a path")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Predicate, E> {
                let as_path = Expr::path(text);
                Ok(Predicate(as_path.unwrap_or_else(|_| Expr {
                    source: Origin::Jq(Jq::new(text.to_owned())),
                    table: None,
                    default: None,
                    decode: None,
                    time: None,
                })))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Predicate, A::Error> {
                Ok(Predicate(Expr::deserialize(MapAccessDeserializer::new(map))?))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Predicate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Predicate".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        ExprForm::json_schema(generator)
    }
}

#[cfg(test)]
mod tests;
