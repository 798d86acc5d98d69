//! Whether one library is what another was. Nothing here comes from the engine; of its report only counts of losses are taken.

use super::Way;
use super::plain::{Article, FileBudget, Library, Page};
use crate::text::squeezed;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone)]
pub struct Found {
    pub way: Way,
    pub source: Library,
    pub target: Library,
    /// Of the source.
    pub host: String,
    pub mails: Vec<Value>,
    pub report: String,
}

/// The code of a language in the target; none where it is switched off there.
fn language(way: Way, locale: &str) -> Option<&'static str> {
    match (way, locale) {
        (Way::ToFreshdesk, "en-us") => Some("en"),
        (Way::ToZendesk, "en") => Some("en-us"),
        (_, "de") => Some("de"),
        _ => None,
    }
}

/// What is expected in each language of the target.
fn in_the_target<'a, T>(way: Way, own: &str, texts: &'a BTreeMap<String, T>) -> BTreeMap<&'static str, &'a T> {
    let mut expected: BTreeMap<&str, &T> =
        texts.iter().filter_map(|(locale, text)| Some((language(way, locale)?, text))).collect();
    // Freshdesk wants everything in its main language first, Zendesk takes any that is switched on.
    if !expected.contains_key(main_language(way)) && (way == Way::ToFreshdesk || expected.is_empty()) {
        language(way, own).map(|own| expected.remove(own));
        expected.insert(main_language(way), &texts[own]);
    }
    expected
}

fn main_language(way: Way) -> &'static str {
    if way == Way::ToFreshdesk { "en" } else { "en-us" }
}

/// The word by which an article is known on both sides.
fn mark(article: &Article) -> String {
    let texts = article.pages.values().map(|page| page.html.as_str());
    let marks = texts.filter_map(|html| {
        let at = ["kb", "fd"].into_iter().find_map(|start| html.find(&format!("<h2>{start}")))?;
        html[at + 4..].split('<').next()
    });
    marks.map(str::to_owned).next().unwrap_or_default()
}

pub fn differences(found: &Found) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    let Found { way, source, target, .. } = found;
    if !found.mails.is_empty() {
        said.push(format!("{} mails: {:?}", found.mails.len(), found.mails[0]));
    }
    let mut there: BTreeMap<String, Vec<&Article>> = BTreeMap::new();
    for article in &target.articles {
        there.entry(mark(article)).or_default().push(article);
    }
    let ids: BTreeMap<u64, u64> =
        source.articles.iter().filter_map(|a| Some((a.id, there.get(&mark(a))?.first()?.id))).collect();
    let mut folders: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for article in &source.articles {
        let name = mark(article);
        match there.remove(&name).as_deref() {
            Some([one]) => {
                folders.entry(article.section).or_default().insert(one.section);
                one_article(found, article, one, &ids, &mut said);
            }
            other => said.push(format!("{name} is there {} times", other.map_or(0, <[_]>::len))),
        }
    }
    said.extend(there.into_keys().map(|name| format!("an article `{name}` that was not in the source")));
    // A folder holds articles of one section only.
    let held: Vec<&u64> = folders.values().flatten().collect();
    if held.iter().collect::<BTreeSet<_>>().len() != held.len() {
        said.push("two sections share a folder".into());
    }
    shelves(found, &folders, &mut said);
    for file_budget in target.categories.iter().chain(&target.sections) {
        for (locale, (name, description)) in &file_budget.names {
            if name.contains("deskferry") || description.contains("deskferry") {
                said.push(format!("our marker is left in `{}` ({locale})", file_budget.name));
            }
        }
    }
    if *way == Way::ToFreshdesk && !found.report.contains("position_dropped") {
        said.push("the report does not tell of positions".into());
    }
    said
}

/// Names from the category down.
fn path(library: &Library, section: u64) -> Vec<String> {
    let (mut names, mut at, mut category) = (Vec::new(), Some(section), None);
    while let Some(file_budget) = library.sections.iter().find(|s| Some(s.id) == at) {
        names.push(file_budget.name.clone());
        category = file_budget.category;
        at = file_budget.parent;
    }
    names.extend(library.categories.iter().find(|c| Some(c.id) == category).map(|c| c.name.clone()));
    names.reverse();
    names
}

fn shelves(found: &Found, folders: &BTreeMap<u64, BTreeSet<u64>>, said: &mut Vec<String>) {
    let Found { way, source, target, .. } = found;
    if source.categories.len() != target.categories.len() {
        said.push(format!("{} categories became {}", source.categories.len(), target.categories.len()));
    }
    let more: usize = folders.values().map(|there| there.len() - 1).sum();
    if source.sections.len() + more != target.sections.len() {
        said.push(format!("{} sections and {more} more became {}", source.sections.len(), target.sections.len()));
    }
    for file_budget in &source.sections {
        for folder in folders.get(&file_budget.id).into_iter().flatten() {
            let (was, is) = (path(source, file_budget.id), path(target, *folder));
            let alike = was.len() == is.len() && was.iter().zip(&is).all(|(was, is)| named(was, is));
            if !alike {
                said.push(format!("{was:?} became {is:?}"));
            }
        }
    }
    for (of, to) in [(&source.categories, &target.categories), (&source.sections, &target.sections)] {
        for file_budget in of {
            translated(*way, file_budget, to, said);
        }
    }
}

/// Whether a name is the other, but for what makes it one's alone.
fn named(was: &str, is: &str) -> bool {
    is == was || is.strip_prefix(was).is_some_and(|rest| rest.starts_with(" (") && rest.ends_with(')'))
}

fn translated(way: Way, file_budget: &FileBudget, to: &[FileBudget], said: &mut Vec<String>) {
    let expected = in_the_target(way, &file_budget.main, &file_budget.names);
    let holds = |there: &&FileBudget| {
        expected.iter().all(|(locale, (name, description))| {
            there.names.get(*locale).is_some_and(|(n, d)| named(name, n) && squeezed(d) == squeezed(description))
        })
    };
    if !to.iter().any(|there| holds(&there)) {
        said.push(format!("`{}` is not there in all its languages", file_budget.name));
    }
}

fn one_article(found: &Found, was: &Article, is: &Article, ids: &BTreeMap<u64, u64>, said: &mut Vec<String>) {
    let name = mark(was);
    let way = found.way;
    let readers = if was.readers == "segment" { "agents" } else { &was.readers };
    if is.readers != readers {
        said.push(format!("{name}: readers {} became {}", was.readers, is.readers));
    }
    if was.tags != is.tags {
        said.push(format!("{name}: tags {:?} became {:?}", was.tags, is.tags));
    }
    if found.target.agents.contains(&was.author) && was.author != is.author {
        said.push(format!("{name}: author {} became {}", was.author, is.author));
    }
    if was.files != is.files {
        said.push(format!("{name}: {} files became {}", was.files.len(), is.files.len()));
    }
    let expected = in_the_target(way, &was.main, &was.pages);
    if expected.keys().copied().collect::<Vec<_>>() != is.pages.keys().map(String::as_str).collect::<Vec<_>>() {
        said.push(format!("{name}: languages {:?} became {:?}", expected.keys(), is.pages.keys()));
    }
    for (locale, was) in expected {
        if let Some(is) = is.pages.get(locale) {
            one_page(found, &format!("{name} ({locale})"), was, is, ids, said);
        }
    }
}

/// A title that is too long is cut, and told.
fn titled(found: &Found, was: &str, is: &str) -> bool {
    let (was, is) = (squeezed(was), squeezed(is));
    was == is || (found.report.contains("title_cut") && is.len() > 150 && was.starts_with(&is))
}

fn one_page(found: &Found, at: &str, was: &Page, is: &Page, ids: &BTreeMap<u64, u64>, said: &mut Vec<String>) {
    let same = [
        ("title", titled(found, &was.title, &is.title)),
        ("text", was.text == is.text),
        ("draft", was.draft == is.draft),
        ("pictures", was.pictures == is.pictures),
        ("count of links", was.links.len() == is.links.len()),
        ("marker", !is.html.contains("deskferry")),
        ("script", !is.html.contains("<script") && !is.html.contains("onclick")),
    ];
    for (what, _) in same.iter().filter(|(_, same)| !same) {
        said.push(format!("{at}: {what} differs\n  {:?}\n  {:?}", was, is));
    }
    for (was, is) in was.links.iter().zip(&is.links) {
        let number = |href: &str| {
            let after = href.split("/articles/").nth(1)?;
            after.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
        };
        let holds = match number(was).and_then(|id| ids.get(&id)) {
            Some(there) => number(is) == Some(*there) && !is.contains(&found.host),
            None => is.ends_with(was.trim_start_matches("zendesk:").trim_start_matches("freshdesk:")),
        };
        if !holds {
            said.push(format!("{at}: the link {was} became {is}"));
        }
    }
    let mut rest = is.html.clone();
    for link in &is.links {
        rest = rest.replace(&link.replace('&', "&amp;"), "");
    }
    if rest.contains(&found.host) {
        said.push(format!("{at}: still points at the source"));
    }
}
