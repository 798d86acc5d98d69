//! The comparison itself: each sort of damage to a whole target is noticed.

use super::compare::{Found, differences};
use super::plain::Article;
use serde_json::json;

type Damage = &'static dyn Fn(&mut Found);

#[track_caller]
fn first(found: &mut Found, which: impl Fn(&Article) -> bool) -> &mut Article {
    found.target.articles.iter_mut().find(|a| which(a)).expect("the seed has such an article")
}

pub fn each_is_noticed(whole: &Found) {
    assert!(differences(whole).is_empty());
    let damages: [(&str, Damage); 14] = [
        ("an article is gone", &|f| f.target.articles.truncate(f.target.articles.len() - 1)),
        ("an article is there twice", &|f| f.target.articles.push(f.target.articles[3].clone())),
        ("a category is there twice", &|f| f.target.categories.push(f.target.categories[0].clone())),
        ("an empty section is gone", &|f| f.target.sections.retain(|s| !s.name.starts_with("Nothing"))),
        ("an article is in another section", &|f| {
            let section = f.target.articles[0].section;
            let other = f.target.articles.iter().position(|a| a.section != section).unwrap();
            (f.target.articles[0].section, f.target.articles[other].section) =
                (f.target.articles[other].section, section);
        }),
        ("a section is in another", &|f| {
            let parent = f.target.sections.iter().find(|s| s.parent.is_some()).map(|s| s.id);
            f.target.sections.iter_mut().filter(|s| Some(s.id) == parent).for_each(|s| s.parent = None);
        }),
        ("readers are more", &|f| first(f, |a| a.readers == "agents").readers = "everyone".into()),
        ("a draft is published", &|f| {
            let one = first(f, |a| a.pages.values().any(|p| p.draft));
            one.pages.values_mut().for_each(|p| p.draft = false);
        }),
        ("a translation is gone", &|f| {
            let one = first(f, |a| a.pages.len() > 1);
            one.pages.remove("de");
        }),
        ("a word is gone", &|f| {
            f.target.articles[2].pages.values_mut().for_each(|p| p.text.truncate(p.text.len() - 2))
        }),
        ("a file is gone", &|f| first(f, |a| !a.files.is_empty()).files.clear()),
        ("a picture is another", &|f| {
            let one = first(f, |a| a.pages.values().any(|p| !p.pictures.is_empty()));
            one.pages.values_mut().flat_map(|p| &mut p.pictures).for_each(|p| p.push('x'));
        }),
        ("a link leads back", &|f| {
            let host = f.host.clone();
            let one = first(f, |a| a.pages.values().any(|p| p.links.iter().any(|l| !l.contains("example.com"))));
            one.pages.values_mut().flat_map(|p| &mut p.links).for_each(|l| *l = format!("{host}/articles/1"));
        }),
        ("somebody was mailed", &|f| f.mails.push(json!({ "to": "ann@customers.example" }))),
    ];
    for (name, damage) in damages {
        let mut found = whole.clone();
        damage(&mut found);
        assert!(!differences(&found).is_empty(), "not noticed: {name}");
    }
}
