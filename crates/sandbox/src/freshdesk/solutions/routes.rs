//! Which path and verb is which call.

use super::store::{PRIMARY, SUPPORTED};
use crate::desk::Answer;
use crate::freshdesk::Ask;
use crate::freshdesk::pages::{Page, only};
use crate::freshdesk::refusal::{Fault, Refusal};
use crate::freshdesk::store::Account;
use serde_json::{Value, json};

type Answered = Result<Answer, Refusal>;

/// A call below `/api/v2/solutions`.
pub fn answer(account: &mut Account, ask: &Ask<'_>, path: &[&str]) -> Answered {
    let verb = ask.call.method.as_str();
    match path {
        ["categories"] if verb == "GET" => categories(account, ask, PRIMARY),
        ["categories"] if verb == "POST" => {
            let id = account.create_solution_category(ask)?;
            Ok(made(account.solution_category(id, PRIMARY)?))
        }
        ["categories", language] if verb == "GET" && SUPPORTED.contains(language) => categories(account, ask, language),
        ["categories", id] => {
            let id = number(id)?;
            match verb {
                "GET" => {}
                "PUT" => account.name_category(id, PRIMARY, false, ask)?,
                _ => return Err(Refusal::Verb(&["GET", "PUT"])),
            }
            Ok(Answer::json(200, &account.solution_category(id, PRIMARY)?))
        }
        ["categories", id, "folders"] if verb == "GET" => {
            folders(account, ask, PRIMARY, |f| f == number(id).ok(), |_| true)
        }
        ["categories", id, "folders"] if verb == "POST" => {
            let id = account.create_folder(number(id)?, ask)?;
            Ok(made(account.solution_folder(id, PRIMARY)?))
        }
        ["categories", id, "folders", language] if verb == "GET" => {
            folders(account, ask, enabled(language)?, |f| f == number(id).ok(), |_| true)
        }
        ["categories", id, language] => {
            let (id, language) = (number(id)?, enabled(language)?);
            if verb != "GET" {
                account.name_category(id, language, verb == "POST", ask)?;
            }
            Ok(told(verb, account.solution_category(id, language)?))
        }
        ["folders", id, "subfolders"] if verb == "GET" => {
            let id = number(id)?;
            folders(account, ask, PRIMARY, |_| true, |parent| parent == Some(id))
        }
        ["folders", id, "articles"] if verb == "GET" => articles(account, ask, number(id)?, PRIMARY),
        ["folders", id, "articles"] if verb == "POST" => {
            let id = account.create_article(number(id)?, ask)?;
            Ok(made(account.solution_article(id, PRIMARY, ask)?))
        }
        ["folders", id, "articles", language] if verb == "GET" => {
            articles(account, ask, number(id)?, enabled(language)?)
        }
        ["folders", id] => {
            let id = number(id)?;
            match verb {
                "GET" => {}
                "PUT" => account.update_folder(id, ask)?,
                _ => return Err(Refusal::Verb(&["GET", "PUT"])),
            }
            Ok(Answer::json(200, &account.solution_folder(id, PRIMARY)?))
        }
        ["folders", id, language] => {
            let (id, language) = (number(id)?, enabled(language)?);
            if verb != "GET" {
                account.name_folder(id, language, verb == "POST", ask)?;
            }
            Ok(told(verb, account.solution_folder(id, language)?))
        }
        ["articles", id] => {
            let id = number(id)?;
            match verb {
                "GET" => {}
                "PUT" => account.update_article(id, PRIMARY, false, ask)?,
                _ => return Err(Refusal::Verb(&["GET", "PUT"])),
            }
            Ok(Answer::json(200, &account.solution_article(id, PRIMARY, ask)?))
        }
        ["articles", id, language] => {
            let (id, language) = (number(id)?, enabled(language)?);
            if verb != "GET" {
                account.update_article(id, language, verb == "POST", ask)?;
            }
            Ok(told(verb, account.solution_article(id, language, ask)?))
        }
        _ => Err(Refusal::NotFound),
    }
}

pub fn settings() -> Answer {
    Answer::json(
        200,
        &json!({ "primary_language": PRIMARY, "supported_languages": SUPPORTED, "portal_languages": [SUPPORTED[0]] }),
    )
}

fn categories(account: &Account, ask: &Ask<'_>, language: &str) -> Answered {
    only(ask.call, &["page", "per_page"])?;
    let all = &account.solutions;
    let rows: Vec<Value> = all.categories.values().filter_map(|c| all.show_category(c, language)).collect();
    Ok(Page::of(ask.call)?.answer(ask.call, &rows, Value::clone))
}

fn folders(
    account: &Account,
    ask: &Ask<'_>,
    language: &str,
    category: impl Fn(Option<u64>) -> bool,
    parent: impl Fn(Option<u64>) -> bool,
) -> Answered {
    only(ask.call, &["page", "per_page"])?;
    let all = &account.solutions;
    let wanted = all.folders.values().filter(|f| category(Some(f.category_id)) && parent(f.parent_id));
    let rows: Vec<Value> = wanted.filter_map(|f| all.show_folder(f, language)).collect();
    Ok(Page::of(ask.call)?.answer(ask.call, &rows, Value::clone))
}

fn articles(account: &Account, ask: &Ask<'_>, folder: u64, language: &str) -> Answered {
    only(ask.call, &["page", "per_page"])?;
    let all = &account.solutions;
    if !all.folders.contains_key(&folder) {
        return Err(Refusal::NotFound);
    }
    let wanted = all.articles.values().filter(|a| a.folder_id == folder);
    let rows: Vec<Value> = wanted.filter_map(|a| all.show_article(a, language, ask)).collect();
    Ok(Page::of(ask.call)?.answer(ask.call, &rows, Value::clone))
}

impl Account {
    fn solution_category(&self, id: u64, language: &str) -> Result<Value, Refusal> {
        let found = self.solutions.categories.get(&id).and_then(|c| self.solutions.show_category(c, language));
        found.ok_or(Refusal::NotFound)
    }

    fn solution_folder(&self, id: u64, language: &str) -> Result<Value, Refusal> {
        let found = self.solutions.folders.get(&id).and_then(|f| self.solutions.show_folder(f, language));
        found.ok_or(Refusal::NotFound)
    }

    fn solution_article(&self, id: u64, language: &str, ask: &Ask<'_>) -> Result<Value, Refusal> {
        let found = self.solutions.articles.get(&id).and_then(|a| self.solutions.show_article(a, language, ask));
        found.ok_or(Refusal::NotFound)
    }
}

fn made(row: Value) -> Answer {
    Answer::json(201, &row)
}

fn told(verb: &str, row: Value) -> Answer {
    Answer::json(if verb == "POST" { 201 } else { 200 }, &row)
}

fn enabled(language: &str) -> Result<&str, Refusal> {
    match SUPPORTED.contains(&language) {
        true => Ok(language),
        false => Err(Fault::invalid("language", "It should be one of the supported languages").into()),
    }
}

fn number(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| Refusal::NotFound)
}
