//! Paths into a JSON value: `.a.b`, `.a[0]`, `.a[-1]`, `.a[].b`, `."odd key"`, `$parent.id`.

use super::Scope;
use serde_json::Value;
use std::borrow::Cow;

/// Where a path may start besides the row.
const ROOTS: [&str; 8] = ["parent", "root", "page", "account", "key", "since", "time", "mark"];

#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// `parent`, `account` …; empty is the row itself.
    root: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Key(String),
    /// Negative counts from the end.
    At(i64),
    /// All elements: the rest of the path goes over each.
    Each,
}

impl Path {
    /// Errors: what is wrong, in words.
    pub fn parse(text: &str) -> Result<Path, String> {
        let wrong = || format!("`{text}` is not a path: write `.name`, `.a.b[0]`, `.\"odd key\"` or `$parent.id`");
        let (root, mut rest) = match text.strip_prefix('$') {
            Some(named) => named.split_at(named.find(['.', '[']).unwrap_or(named.len())),
            None => ("", text),
        };
        if text.is_empty() || (text.starts_with('$') && root.is_empty()) {
            return Err(wrong());
        }
        if !root.is_empty() && !ROOTS.contains(&root) {
            return Err(format!("there is no `${root}`: there are ${}", ROOTS.join(", $")));
        }
        let mut steps = Vec::new();
        if rest == "." {
            rest = "";
        }
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix(".\"") {
                let end = after.find('"').ok_or_else(wrong)?;
                steps.push(Step::Key(after[..end].to_owned()));
                rest = &after[end + 1..];
            } else if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').unwrap_or(after.len());
                if end == 0 {
                    return Err(wrong());
                }
                steps.push(Step::Key(after[..end].to_owned()));
                rest = &after[end..];
            } else if let Some(after) = rest.strip_prefix('[') {
                let end = after.find(']').ok_or_else(wrong)?;
                steps.push(match &after[..end] {
                    "" => Step::Each,
                    number => Step::At(number.parse().map_err(|_| wrong())?),
                });
                rest = &after[end + 1..];
            } else {
                return Err(wrong());
            }
        }
        Ok(Path { root: root.to_owned(), steps })
    }

    /// The value; null where nothing is.
    pub fn of<'a>(&self, scope: &Scope<'a>) -> Cow<'a, Value> {
        if let Some(root) = scope.root_of(&self.root) {
            return walk(root, &self.steps);
        }
        let var = scope.vars.iter().find(|(name, _)| *name == self.root);
        Cow::Owned(var.map_or(Value::Null, |(_, text)| Value::String((*text).to_owned())))
    }
}

fn walk<'a>(value: &'a Value, steps: &[Step]) -> Cow<'a, Value> {
    let mut now = value;
    for (at, step) in steps.iter().enumerate() {
        now = match step {
            Step::Key(key) => &now[key.as_str()],
            Step::At(index) => {
                let list = now.as_array().map_or(&[][..], Vec::as_slice);
                let from_end = usize::try_from(index.unsigned_abs()).ok().and_then(|n| list.len().checked_sub(n));
                let index = if *index < 0 { from_end } else { usize::try_from(*index).ok() };
                index.and_then(|i| list.get(i)).unwrap_or(&Value::Null)
            }
            Step::Each => {
                let rest = &steps[at + 1..];
                let each = now.as_array().into_iter().flatten().map(|v| walk(v, rest).into_owned());
                return Cow::Owned(each.collect());
            }
        };
    }
    Cow::Borrowed(now)
}

/// A plain path into a value, for places that need no scope; null where nothing is or the path is none.
pub fn path<'a>(value: &'a Value, text: &str) -> &'a Value {
    text.trim_start_matches('.').split('.').filter(|key| !key.is_empty()).fold(value, |now, key| &now[key])
}
