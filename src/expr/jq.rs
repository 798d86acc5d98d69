//! jq in value position, by jaq. Filters that reach out of the record (`env`, `input`, `debug`, `halt` …) do not exist.

use super::Scope;
use crate::error::{Problem, Reason, Result};
use jaq_core::data::JustLut;
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Vars, load};
use jaq_json::{Num, Val};
use serde_json::{Map, Value};
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
    /// Which of the variables it may look at.
    names: [bool; VARIABLES.len()],
    compiled: Arc<OnceLock<Result<Filter<JustLut<Val>>, Wrong>>>,
}

/// An object that many expressions see, in both forms: paths read the one, filters the other.
pub struct EvalContext {
    value: Value,
    form: Val,
}

impl EvalContext {
    pub fn new(object: Map<String, Value>) -> EvalContext {
        let value = Value::Object(object);
        EvalContext { form: value_in(&value), value }
    }

    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The same with a value by this name.
    pub fn put(&mut self, name: &str, value: Value) {
        if let (Value::Object(object), Val::Obj(form)) = (&mut self.value, &mut self.form) {
            // The values are shared: of a form that filters hold on to, only the outermost object is copied.
            Arc::make_mut(form).insert(text_in(name), value_in(&value));
            object.insert(name.to_owned(), value);
        }
    }

    /// The same without a value by this name.
    pub fn take(&mut self, name: &str) {
        if let (Value::Object(object), Val::Obj(form)) = (&mut self.value, &mut self.form) {
            Arc::make_mut(form).shift_remove(&text_in(name));
            object.shift_remove(name);
        }
    }
}

impl std::fmt::Debug for Jq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Jq({:?})", self.text)
    }
}

impl Jq {
    pub fn new(text: String) -> Jq {
        let names = VARIABLES.map(|name| text.contains(name));
        Jq { text: text.into(), names, compiled: Arc::default() }
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
        let vars = [scope.parent, scope.root, scope.page, scope.account].into_iter().zip(self.names);
        let vars = vars.map(|(value, named)| if named { value_in(value) } else { Val::Null });
        let ctx = Ctx::<JustLut<Val>>::new(&filter.lut, Vars::new(vars));
        let item = match scope.eval_context.filter(|eval_context| std::ptr::eq(&eval_context.value, scope.item)) {
            Some(eval_context) => eval_context.form.clone(),
            None => value_in(scope.item),
        };
        let first = filter.id.run((ctx, item)).next();
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
    match value {
        Value::Null => Val::Null,
        Value::Bool(b) => Val::Bool(*b),
        Value::String(text) => text_in(text),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(n), _) => Val::Num(Num::from_integral(n)),
            (None, Some(n)) => Val::Num(Num::from_integral(n)),
            (None, None) => Val::Num(Num::Float(number.as_f64().unwrap_or(f64::NAN))),
        },
        Value::Array(items) => items.iter().map(value_in).collect(),
        Value::Object(map) => Val::obj(map.iter().map(|(key, value)| (text_in(key), value_in(value))).collect()),
    }
}

fn text_in(text: &str) -> Val {
    Val::utf8_str(text.to_owned())
}

/// jaq writes a superset of JSON; what JSON cannot say (NaN, bytes, odd keys) becomes null or text.
fn value_out(value: &Val) -> Value {
    match value {
        Val::Null => Value::Null,
        Val::Bool(b) => Value::Bool(*b),
        Val::TStr(text) | Val::BStr(text) => Value::String(String::from_utf8_lossy(text).into_owned()),
        Val::Num(Num::Int(number)) => Value::from(*number as i64),
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
