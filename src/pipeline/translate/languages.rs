//! The languages of a record of the knowledge base: which version is written first, and which as translations.

use super::{Held, Lost, Translator};
use crate::error::{Loss, Problem, Reason};
use crate::pipeline::target_metadata::Entry;
use crate::record::library::Translation;

/// A version under the target's own code of its language.
pub struct Version {
    pub locale: String,
    pub text: Translation,
}

/// All versions that the target can hold.
pub struct Versions {
    pub main: Version,
    pub others: Vec<Version>,
}

impl Translator {
    /// Sorts the versions of a record: `own` is the one it was written in, without a locale where the source has one language.
    pub(super) fn versions(
        &self,
        own: Translation,
        others: &[Translation],
        losses: &mut Vec<Lost>,
    ) -> Result<Versions, Held> {
        let known = self.target_metadata.words("language");
        let default = known.iter().find(|entry| entry.fields.get("default") == Some(&true.into())).or(known.first());
        let Some(default) = default else {
            let problem = Problem::new(Reason::NotFound, "the target names no language for its knowledge base");
            return Err(Held::Fail(problem.hint("switch its help center on, and run again")));
        };
        let all: Vec<&Translation> =
            std::iter::once(&own).chain(others.iter().filter(|other| other.locale != own.locale)).collect();
        let mut places: Vec<Option<&str>> = vec![None; all.len()];
        // A language that is there as it is written comes before one that is only near it.
        for find in [exact, near] {
            for (at, one) in all.iter().enumerate().filter(|(_, one)| !one.locale.is_empty()) {
                let there = find(known, &one.locale).filter(|there| !places.contains(&Some(&there.id)));
                places[at] = places[at].or(there.map(|there| there.id.as_str()));
            }
        }
        if own.locale.is_empty() && !places.contains(&Some(&default.id)) {
            places[0] = Some(&default.id);
        }
        let of_default = places.iter().position(|place| *place == Some(&default.id));
        let first = match self.target.profile().main_language {
            true => of_default,
            false => places[0].map(|_| 0).or(of_default).or(places.iter().position(Option::is_some)),
        };
        let main = first.unwrap_or(0);
        if first.is_none() {
            losses.push(Lost::new("", Loss::MainLanguage, &own.locale));
            places[0] = Some(&default.id);
        }
        let version = |at: usize| {
            places[at].map(|locale| Version { locale: locale.to_owned(), text: Translation::clone(all[at]) })
        };
        let mut rest = Vec::new();
        for at in (0..all.len()).filter(|at| *at != main) {
            match version(at) {
                Some(version) => rest.push(version),
                None => losses.push(Lost::new(&all[at].locale, Loss::Language, &all[at].locale)),
            }
        }
        let main = version(main).unwrap_or(Version { locale: default.id.clone(), text: own.clone() });
        Ok(Versions { main, others: rest })
    }
}

fn code(locale: &str) -> String {
    locale.trim().replace('_', "-").to_lowercase()
}

fn exact<'a>(known: &'a [Entry], locale: &str) -> Option<&'a Entry> {
    known.iter().find(|entry| code(&entry.id) == code(locale))
}

/// The same language in another country, where there is one such.
fn near<'a>(known: &'a [Entry], locale: &str) -> Option<&'a Entry> {
    let language = |locale: &str| code(locale).split('-').next().unwrap_or_default().to_owned();
    let mut there = known.iter().filter(|entry| language(&entry.id) == language(locale));
    there.next().filter(|_| there.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Map;

    fn known(codes: &[&str]) -> Vec<Entry> {
        codes.iter().map(|c| Entry { id: (*c).into(), label: (*c).into(), fields: Map::new() }).collect()
    }

    #[test]
    fn a_language_is_known_by_its_code_or_as_the_only_one_near_it() {
        let target = known(&["en", "pt-BR", "pt-PT", "de"]);
        let found = |locale| exact(&target, locale).or_else(|| near(&target, locale)).map(|e| e.id.as_str());
        assert_eq!(found("en-us"), Some("en"));
        assert_eq!(found("pt_br"), Some("pt-BR"));
        assert_eq!(found("pt"), None, "which of the two cannot be told");
        assert_eq!(found("fr"), None);
    }
}
