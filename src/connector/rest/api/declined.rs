//! The second way of a listing whose question the platform declines: without a parameter that it refuses by name, or not
//! at all where a manifest says that records can do without the list.
//!
//! Nothing that is read so counts for more than it is. Where rows may be missing, the list is one that was not read to its end: it has
//! no watermark, and the next run asks for it as it should be.

use super::listed::{Above, Listed};
use crate::connector::manifest::Denied;
use crate::connector::rest::Rest;
use crate::connector::rest::read::pages::Leaf;
use crate::error::{Problem, Reason};
use crate::expr::Template;
use serde_json::Value;
use std::sync::PoisonError;

impl Rest {
    /// Whether a page that was refused may be had without one of its parameters: a refusal that names it. It is asked without from
    /// here on, until the run ends.
    pub(super) fn declines(&self, name: &str, listed: &Listed<'_>, refused: &Problem) -> bool {
        if refused.reason != Reason::Invalid || refused.foreign {
            return false;
        }
        let said = words(&refused.what);
        let mut declined = self.declined.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = |key: &String| !declined.contains(&(name.to_owned(), key.clone()));
        let mut named = listed.optional.iter().filter(|(key, _)| is_new(key) && said.contains(&key.as_str()));
        let Some((key, optional)) = named.next() else { return false };
        declined.insert((name.to_owned(), key.clone()));
        drop(declined);
        let (title, lacks) = (&self.manifest.title, &optional.lacks);
        let how = if optional.instead.is_some() { "with another value" } else { "without it" };
        let name = name.replace('_', " ");
        let again = if optional.fewer { "; the next run reads it whole once more" } else { "" };
        self.note(format!(
            "{title} refuses `{key}` of its {name} list ({}): the list is read {how}, and {lacks}{again}",
            refused.what
        ));
        true
    }

    /// What is sent for a parameter; nothing for one that was refused and has no other value.
    pub(crate) fn sent<'a>(
        &self,
        name: &str,
        listed: &Listed<'a>,
        key: &str,
        usual: &'a Template,
    ) -> Option<&'a Template> {
        let Some(optional) = listed.optional.get(key) else { return Some(usual) };
        match self.is_declined(name, key) {
            true => optional.instead.as_ref(),
            false => Some(usual),
        }
    }

    /// A page of a list that may lack rows for a parameter that was refused has no bookmark, and is read whole once more.
    pub(super) fn as_far_as_read(&self, name: &str, listed: &Listed<'_>, leaf: Leaf) -> Leaf {
        match listed.optional.iter().any(|(key, optional)| optional.fewer && self.is_declined(name, key)) {
            true => Leaf { in_part: true, bookmark: None, ..leaf },
            false => leaf,
        }
    }

    fn is_declined(&self, name: &str, key: &str) -> bool {
        let declined = self.declined.lock().unwrap_or_else(PoisonError::into_inner);
        declined.iter().any(|(stream, own)| stream == name && own == key)
    }

    /// Instead of a list that the platform does not make, where records can do without it: none, which the next run asks for again.
    pub(super) fn not_made(
        &self,
        name: &str,
        listed: &Listed<'_>,
        above: Above<'_>,
        refused: &Problem,
    ) -> Option<Leaf> {
        let is_told = listed.refused != Denied::Fail && above.root.is_null();
        if !is_told || refused.reason != Reason::Invalid || refused.foreign {
            return None;
        }
        let (title, what, name) = (&self.manifest.title, &refused.what, name.replace('_', " "));
        let filter = listed.query.get("filter").and_then(|filter| filter.render(&self.scope(&Value::Null)).ok());
        let list = filter.map(|filter| format!(" with the filter `{filter}`")).unwrap_or_default();
        self.note(format!(
            "{title} refuses its {name} list{list} ({what}): its records are not read now; the next run asks again"
        ));
        Some(Leaf { in_part: true, ..Leaf::default() })
    }
}

/// The words of a refusal, in which a parameter may be named.
fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_named_by_its_whole_name_alone() {
        let said =
            words("answered 400: Validation failed; include: It should be one of `requester`, not updated_since_x");
        assert!(said.contains(&"include") && said.contains(&"requester"));
        assert!(!said.contains(&"updated_since") && !said.contains(&"clude"));
    }
}
