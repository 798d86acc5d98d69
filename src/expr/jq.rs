//! jq in value position, by jaq. Filters that reach out of the record (`env`, `input`, `debug`, `halt` …) do not exist.

use super::Scope;
use crate::error::{Problem, Reason, Result};
use jaq_core::data::JustLut;
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Vars, load};
use jaq_json::Val;
use serde_json::Value;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Names of the variables a filter sees, in the order of [`Jq::eval`].
const VARIABLES: [&str; 4] = ["$parent", "$root", "$page", "$account"];
const REACH_OUT: [&str; 11] = [
    "env",
    "input",
    "inputs",
    "debug",
    "debug_empty",
    "stderr",
    "stderr_empty",
    "halt",
    "halt_error",
    "input_filename",
    "now",
];

/// A filter that does not compile: where in its text, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrong {
    pub filter: String,
    pub range: Range<usize>,
    pub why: String,
}

#[derive(Clone)]
pub struct Jq {
    text: Arc<str>,
    compiled: Arc<OnceLock<Result<Filter<JustLut<Val>>, Wrong>>>,
}

impl std::fmt::Debug for Jq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Jq({:?})", self.text)
    }
}

impl Jq {
    pub fn new(text: String) -> Jq {
        Jq { text: text.into(), compiled: Arc::default() }
    }

    pub fn check(&self) -> Result<(), Wrong> {
        self.filter().as_ref().map(|_| ()).map_err(Clone::clone)
    }

    fn filter(&self) -> &Result<Filter<JustLut<Val>>, Wrong> {
        self.compiled.get_or_init(|| compile(&self.text))
    }

    /// The first output; null when there is none.
    pub fn eval(&self, scope: &Scope<'_>) -> Result<Value> {
        let filter = self
            .filter()
            .as_ref()
            .map_err(|wrong| Problem::new(Reason::Expression, format!("`{}` is not jq: {}", self.text, wrong.why)))?;
        let vars = [scope.parent, scope.root, scope.page, scope.account].map(value_in);
        let ctx = Ctx::<JustLut<Val>>::new(&filter.lut, Vars::new(vars));
        let first = filter.id.run((ctx, value_in(scope.item))).next();
        match first.map(jaq_core::unwrap_valr) {
            None => Ok(Value::Null),
            Some(Ok(value)) => Ok(value_out(&value)),
            // jaq's message quotes the record: it stays here.
            Some(Err(_)) => Err(Problem::new(Reason::Expression, format!("`{}` fails on this record", self.text))
                .hint(
                    "a value has another type than the filter expects: try it with `// empty`, `arrays` or `strings`",
                )),
        }
    }
}

fn compile(text: &str) -> Result<Filter<JustLut<Val>>, Wrong> {
    let wrong = |part: &str, why: String| Wrong { filter: text.to_owned(), range: load::span(text, part), why };
    let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let funs = funs.filter(|(name, ..)| !REACH_OUT.contains(name));
    let arena = Arena::default();
    // Library definitions built on what we left out go with it.
    let defs = defs.filter(|def| !REACH_OUT.contains(&def.name) && !def.name.starts_with("input"));
    let modules = Loader::new(defs).load(&arena, File { code: text, path: () }).map_err(|errors| {
        let error = errors.into_iter().next().map(|(_, error)| error);
        match error {
            Some(load::Error::Lex(e)) => {
                e.into_iter().next().map(|(expect, part)| wrong(part, format!("expected {}", expect.as_str())))
            }
            Some(load::Error::Parse(e)) => {
                e.into_iter().next().map(|(expect, part)| wrong(part, format!("expected {}", expect.as_str())))
            }
            _ => None,
        }
        .unwrap_or_else(|| wrong(text, "it cannot be read".into()))
    })?;
    Compiler::default().with_funs(funs).with_global_vars(VARIABLES).compile(modules).map_err(|errors| {
        let error = errors.into_iter().flat_map(|(_, errors)| errors).next();
        error.map_or_else(
            || wrong(text, "it cannot be compiled".into()),
            |(name, undefined)| wrong(name, format!("undefined {} `{name}`", undefined.as_str())),
        )
    })
}

fn value_in(value: &Value) -> Val {
    serde_json::from_value(value.clone()).unwrap_or_default()
}

/// jaq writes a superset of JSON; what JSON cannot say (NaN, bytes, odd keys) becomes null or text.
fn value_out(value: &Val) -> Value {
    match value {
        Val::Null => Value::Null,
        Val::Bool(b) => Value::Bool(*b),
        Val::TStr(text) | Val::BStr(text) => Value::String(String::from_utf8_lossy(text).into_owned()),
        Val::Num(number) => serde_json::from_str(&number.to_string()).unwrap_or_default(),
        Val::Arr(items) => items.iter().map(value_out).collect(),
        Val::Obj(map) => {
            let key = |key: &Val| match value_out(key) {
                Value::String(text) => text,
                other => other.to_string(),
            };
            Value::Object(map.iter().map(|(k, v)| (key(k), value_out(v))).collect())
        }
    }
}
