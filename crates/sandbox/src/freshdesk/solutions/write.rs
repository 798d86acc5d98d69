//! What is written, and what is refused.

use super::store::{Article, Category, Folder, PRIMARY, Text, Texts};
use crate::freshdesk::Ask;
use crate::freshdesk::attributes::Attributes;
use crate::freshdesk::files;
use crate::freshdesk::form::Form;
use crate::freshdesk::html;
use crate::freshdesk::refusal::{Fault, Refusal};
use crate::freshdesk::store::Account;

const FOLDER: [&str; 7] = [
    "name",
    "description",
    "parent_folder_id",
    "visibility",
    "company_ids",
    "contact_segment_ids",
    "company_segment_ids",
];
const ARTICLE: [&str; 7] = ["title", "description", "status", "seo_data", "tags", "type", "agent_id"];

impl Account {
    pub fn create_solution_category(&mut self, ask: &Ask<'_>) -> Result<u64, Refusal> {
        let taken = |name: &str| self.solutions.categories.values().any(|c| is_named(&c.texts, name));
        let text = named(&Form::of(ask.call)?, &["name", "description"], None, taken)?;
        let id = self.next_id();
        let texts = Texts::from([(PRIMARY.to_owned(), text)]);
        let category = Category { id, texts, created_at: ask.now, updated_at: ask.now };
        self.solutions.categories.insert(id, category);
        Ok(id)
    }

    pub fn name_category(&mut self, id: u64, language: &str, new: bool, ask: &Ask<'_>) -> Result<(), Refusal> {
        let category = self.solutions.categories.get(&id).ok_or(Refusal::NotFound)?;
        let known = present(&category.texts, language, new)?;
        let taken = |name: &str| {
            let mut others = self.solutions.categories.values().filter(|c| c.id != id);
            language == PRIMARY && others.any(|c| is_named(&c.texts, name))
        };
        let text = named(&Form::of(ask.call)?, &["name", "description"], known, taken)?;
        if let Some(category) = self.solutions.categories.get_mut(&id) {
            category.texts.insert(language.to_owned(), text);
            category.updated_at = ask.now;
        }
        Ok(())
    }

    pub fn create_folder(&mut self, category: u64, ask: &Ask<'_>) -> Result<u64, Refusal> {
        if !self.solutions.categories.contains_key(&category) {
            return Err(Refusal::NotFound);
        }
        let id = self.next_id();
        let folder = Folder {
            id,
            category_id: category,
            parent_id: None,
            visibility: 1,
            chosen: Vec::new(),
            texts: Texts::new(),
            created_at: ask.now,
            updated_at: ask.now,
        };
        let folder = self.read_folder(folder, ask)?;
        self.solutions.folders.insert(id, folder);
        Ok(id)
    }

    pub fn update_folder(&mut self, id: u64, ask: &Ask<'_>) -> Result<(), Refusal> {
        let folder = self.solutions.folders.get(&id).cloned().ok_or(Refusal::NotFound)?;
        let folder = self.read_folder(folder, ask)?;
        self.solutions.folders.insert(id, folder);
        Ok(())
    }

    fn read_folder(&self, mut folder: Folder, ask: &Ask<'_>) -> Result<Folder, Refusal> {
        let form = Form::of(ask.call)?;
        let others =
            || self.solutions.folders.values().filter(|f| f.id != folder.id && f.category_id == folder.category_id);
        let taken = |name: &str| others().any(|f| is_named(&f.texts, name));
        let text = named(&form, &FOLDER, folder.texts.get(PRIMARY), taken)?;
        let mut sent = Attributes::of(&form, &FOLDER)?;
        if let Some(visibility) = sent.id("visibility") {
            folder.visibility = visibility.unwrap_or(1);
            if folder.visibility > 7 {
                sent.fault(Fault::invalid("visibility", "It should be one of these values: '1,2,3,4,5,6,7'"));
            }
        }
        if let Some(parent) = sent.id("parent_folder_id") {
            if parent.is_some_and(|parent| !others().any(|f| f.id == parent)) {
                sent.fault(Fault::absent("parent_folder_id", "folder"));
            }
            folder.parent_id = parent;
        }
        for name in ["company_ids", "contact_segment_ids", "company_segment_ids"] {
            folder.chosen = sent.ids(name).flatten().unwrap_or(folder.chosen);
        }
        sent.done()?;
        folder.texts.insert(PRIMARY.to_owned(), text);
        folder.updated_at = ask.now;
        Ok(folder)
    }

    pub fn name_folder(&mut self, id: u64, language: &str, new: bool, ask: &Ask<'_>) -> Result<(), Refusal> {
        let folder = self.solutions.folders.get(&id).ok_or(Refusal::NotFound)?;
        let known = present(&folder.texts, language, new)?;
        let text = named(&Form::of(ask.call)?, &["name", "description"], known, |_| false)?;
        if let Some(folder) = self.solutions.folders.get_mut(&id) {
            folder.texts.insert(language.to_owned(), text);
            folder.updated_at = ask.now;
        }
        Ok(())
    }

    pub fn create_article(&mut self, folder: u64, ask: &Ask<'_>) -> Result<u64, Refusal> {
        if !self.solutions.folders.contains_key(&folder) {
            return Err(Refusal::NotFound);
        }
        let form = Form::of(ask.call)?;
        let (text, agent) = self.read_article(&form, None)?;
        let id = self.next_id();
        let mut article = Article {
            id,
            folder_id: folder,
            agent_id: agent.unwrap_or(ask.caller),
            texts: Texts::from([(PRIMARY.to_owned(), text)]),
            files: Vec::new(),
            created_at: ask.now,
            updated_at: ask.now,
        };
        self.add_files(&mut article, form, ask)?;
        self.solutions.articles.insert(id, article);
        Ok(id)
    }

    pub fn update_article(&mut self, id: u64, language: &str, new: bool, ask: &Ask<'_>) -> Result<(), Refusal> {
        let mut article = self.solutions.articles.get(&id).cloned().ok_or(Refusal::NotFound)?;
        let known = present(&article.texts, language, new)?;
        let form = Form::of(ask.call)?;
        let (text, agent) = self.read_article(&form, known)?;
        article.texts.insert(language.to_owned(), text);
        article.agent_id = agent.unwrap_or(article.agent_id);
        article.updated_at = ask.now;
        self.add_files(&mut article, form, ask)?;
        self.solutions.articles.insert(id, article);
        Ok(())
    }

    fn add_files(&mut self, article: &mut Article, form: Form, ask: &Ask<'_>) -> Result<(), Refusal> {
        let attached = article.files.iter().map(|file| file.size).sum();
        if let Some(fault) = files::too_much(attached, &form.files) {
            return Err(fault.into());
        }
        for upload in form.files {
            let file = self.keep(upload, ask.now);
            article.files.push(file);
        }
        Ok(())
    }

    /// A text over the one that is `known`, and the agent it names.
    fn read_article(&self, form: &Form, known: Option<&Text>) -> Result<(Text, Option<u64>), Refusal> {
        let known_names: Vec<&str> = ARTICLE.into_iter().chain(["attachments"]).collect();
        let mut sent = Attributes::of(form, &known_names)?;
        let mut text = known.cloned().unwrap_or_default();
        for name in ["title", "description", "status"] {
            if known.is_none() && !sent.has(name) {
                sent.fault(Fault::missing(name));
            }
        }
        for name in ["title", "description"] {
            if sent.is_blank(name) {
                sent.fault(Fault::blank(name));
            }
        }
        text.name = sent.line("title").flatten().unwrap_or(text.name);
        if let Some(Some(description)) = sent.text("description") {
            text.description = Some(html::clean(&description));
        }
        match sent.id("status").flatten() {
            Some(status @ 1..=2) => text.published = status == 2,
            Some(_) => sent.fault(Fault::invalid("status", "It should be one of these values: '1,2'")),
            None => {}
        }
        text.tags = sent.tags().flatten().unwrap_or(text.tags);
        text.seo = sent.object("seo_data").flatten().unwrap_or(text.seo);
        let agent = sent.id("agent_id").flatten();
        if agent.is_some_and(|agent| !self.is_agent(agent)) {
            sent.fault(Fault::absent("agent_id", "agent"));
        }
        sent.done()?;
        Ok((text, agent))
    }
}

fn is_named(texts: &Texts, name: &str) -> bool {
    texts.get(PRIMARY).is_some_and(|text| text.name.to_lowercase() == name.to_lowercase())
}

/// The text that is written over; none where it is `new`.
fn present<'a>(texts: &'a Texts, language: &str, new: bool) -> Result<Option<&'a Text>, Refusal> {
    match (texts.get(language), new) {
        (Some(_), true) => Err(Fault::taken("language", None).into()),
        (None, false) => Err(Refusal::NotFound),
        (known, _) => Ok(known),
    }
}

fn named(form: &Form, names: &[&str], known: Option<&Text>, taken: impl Fn(&str) -> bool) -> Result<Text, Refusal> {
    let mut sent = Attributes::of(form, names)?;
    let mut text = known.cloned().unwrap_or_default();
    if known.is_none() && !sent.has("name") {
        sent.fault(Fault::missing("name"));
    } else if sent.is_blank("name") {
        sent.fault(Fault::blank("name"));
    }
    text.name = sent.line("name").flatten().unwrap_or(text.name);
    if let Some(description) = sent.text("description") {
        text.description = description;
    }
    sent.done()?;
    if taken(&text.name) {
        return Err(Fault::taken("name", None).into());
    }
    Ok(text)
}
