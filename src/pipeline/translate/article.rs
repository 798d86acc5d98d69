//! An article: its bodies with re-hosted pictures and links, its files, its author, and who may read it.
//!
//! Nothing is shown to more people than in the source: where the target cannot say who may read, fewer may.

use super::files::{FileBudget, Migrated};
use super::languages::{Version, Versions};
use super::late::Late;
use super::{Held, Lost, Translated, Translator};
use crate::connector::mapped::{ArticleTranslation, Mapped, MappedArticle, MappedFile, Reference};
use crate::connector::plan::scrub;
use crate::content::{self, ImagePlace, ImageRef, links, notes};
use crate::error::{Loss, Problem, Reason};
use crate::ledger::Link;
use crate::pipeline::library::{Library, Readers};
use crate::record::library::{Article, Audience, Translation};
use crate::record::{Comment, Format, Kind, Record};
use std::collections::{HashMap, HashSet};

/// Every help center keeps its articles so.
const FORMAT: Format = Format::Html;
/// The folder of an article's files below `.deskferry/kept/article.ARTICLE/`.
const FILES: &str = "article";

impl Translator {
    pub async fn article(
        &self,
        record: &Record,
        article: &Article,
        library: &Library,
        link: &Link,
    ) -> Result<Translated, Held> {
        let mut losses = Vec::new();
        let own = Translation {
            locale: article.locale.clone().unwrap_or_default(),
            title: article.title.clone(),
            body: article.body.clone(),
            draft: article.draft,
        };
        let Versions { main, others } = self.versions(own, &article.translations, &mut losses)?;
        let mut pages = Pages::new(self, record, article, library, &mut losses).await?;
        let (title, body) = pages.page(&main, link, &mut losses).await?;
        let mut translations = Vec::new();
        for version in &others {
            let (title, body) = pages.page(version, link, &mut losses).await?;
            let (locale, draft) = (version.locale.clone(), version.text.draft);
            translations.push(ArticleTranslation { id: locale.clone(), locale, title, body, draft });
        }
        let attachments = pages.attachments(&body, &translations);
        let author = self.writer_of(article, &mut losses).await?;
        let place = self.place_of(article, library, link, &mut losses).await?;
        if place.for_nobody {
            translations.iter_mut().for_each(|translation| translation.draft = true);
        }
        let mapped = MappedArticle {
            id: record.id.clone(),
            number: record.number.clone(),
            url: record.url.clone(),
            locale: main.locale,
            title,
            body,
            draft: main.text.draft || place.for_nobody,
            translations,
            attachments,
            position: article.position,
            promoted: article.promoted,
            tags: article.tags.clone(),
            author,
            editors: self.target_metadata.words("editors").first().map(|entry| entry.id.clone()),
            section: place.section,
            audience: place.readers.audience,
            segment: place.readers.segment,
        };
        if record.created_at.is_some() && !self.target.profile().article_dates {
            losses.push(Lost::new("", Loss::ArticleDate, ""));
        }
        Ok(Translated { mapped: Mapped::Article(Box::new(mapped)), losses })
    }

    /// Where the article goes, and who may read it there.
    async fn place_of(
        &self,
        article: &Article,
        library: &Library,
        link: &Link,
        losses: &mut Vec<Lost>,
    ) -> Result<Place, Held> {
        let Some(section) = &article.section else {
            return Err(Held::Fail(Problem::new(Reason::Unresolved, "the article names no section")));
        };
        let wanted = library.readers_of_article(article);
        let (readers, narrowed) = self.readers(&wanted);
        if narrowed {
            losses.push(Lost::new("", Loss::Audience, wanted.label()));
        }
        let there = self.file_budget(Kind::Section, section, link).await?;
        if self.target.profile().article_audiences {
            // Without a segment it would be everyone's.
            let for_nobody = readers.audience != Audience::Everyone && readers.segment.is_none();
            if for_nobody {
                losses.push(Lost::new("", Loss::Audience, "nobody: a draft"));
            }
            return Ok(Place { section: there, readers, for_nobody });
        }
        if self.folder_of(section, link).await?.as_ref() == Some(&readers) {
            return Ok(Place { section: there, readers, for_nobody: false });
        }
        let rows = link.steps(Kind::Section, section).await?;
        let variant = rows.into_iter().filter(|row| row.key.child == readers.key()).find_map(|row| row.remote);
        let Some(variant) = variant.filter(|remote| !remote.id.is_empty()) else {
            let what = "the section has no folder in the target that only its readers see";
            return Err(Held::Park(Problem::new(Reason::Unresolved, what)));
        };
        losses.push(Lost::new("", Loss::AudienceFolder, readers.audience.code()));
        Ok(Place { section: variant.id, readers, for_nobody: false })
    }

    /// The author, where they are an agent of the target.
    async fn writer_of(&self, article: &Article, losses: &mut Vec<Lost>) -> Result<Option<Reference>, Held> {
        let Some(id) = &article.author else { return Ok(None) };
        let person = self.person(id).await?;
        let listed =
            || person.email.as_deref().and_then(|email| self.target_metadata.person(email)).map(|entry| entry.remote());
        let there = person.remote.clone().filter(|_| person.kind == Kind::Agent).or_else(listed);
        if there.is_none() {
            losses.push(Lost::new("", Loss::ArticleAuthor, person.label()));
        }
        Ok(there.as_ref().map(Reference::from))
    }
}

/// Where an article goes, and who may read it there.
struct Place {
    /// The target's id.
    section: String,
    readers: Readers,
    /// It has to be a draft: the target cannot say who may read it.
    for_nobody: bool,
}

/// All versions of one article share its files.
struct Pages<'a> {
    translator: &'a Translator,
    record: &'a Record,
    article: &'a Article,
    library: &'a Library,
    /// The article as a message with files.
    comment: Comment,
    files: Migrated,
    file_budget: FileBudget,
}

impl<'a> Pages<'a> {
    async fn new(
        translator: &'a Translator,
        record: &'a Record,
        article: &'a Article,
        library: &'a Library,
        losses: &mut Vec<Lost>,
    ) -> Result<Pages<'a>, Held> {
        let comment = Comment::of_files(FILES, article.format, article.attachments.clone());
        translator.blobs.have(&article.attachments.iter().collect::<Vec<_>>()).await?;
        let mut file_budget = FileBudget::of_article(translator.target.profile());
        let files = translator.files(record, &comment, &Late::none(), false, &mut file_budget, losses).await?;
        Ok(Pages { translator, record, article, library, comment, files, file_budget })
    }

    /// Title and body of one version.
    async fn page(&mut self, version: &Version, link: &Link, losses: &mut Vec<Lost>) -> Result<(String, String), Held> {
        let text = scrub(&version.text.body);
        let images = content::images(&text, self.article.format);
        let of_version = Comment { id: format!("{FILES}-{}", version.text.locale), ..self.comment.clone() };
        let gallery = self.translator.gallery(
            self.record,
            &of_version,
            &images,
            &mut self.files,
            &mut self.file_budget,
            losses,
        )?;
        let shows = self.translator.target.profile().article_images;
        let place = |image: &ImageRef| match gallery.place(image, shows) {
            ImagePlace::Inline { name } => self.hosted(&name),
            place => place,
        };
        let converted = content::convert(&text, self.article.format, FORMAT, &place);
        losses.extend(converted.losses.iter().map(|loss| Lost::new(&version.text.locale, *loss, "")));
        let mut body = self.relinked(converted.text, version, link, losses).await?;
        for line in self.files.lines() {
            body = notes::append(&body, FORMAT, &line);
        }
        Ok((scrub(&version.text.title), body))
    }

    /// A picture at the address its file will have in the target, and marked as shown by a body.
    fn hosted(&self, name: &str) -> ImagePlace {
        let is_it = |file: &&MappedFile| self.translator.shown(&file.name, &file.id) == name;
        match self.files.sent.iter().find(is_it) {
            Some(file) => ImagePlace::Url(self.token(file)),
            None => ImagePlace::Attached { name: name.to_owned() },
        }
    }

    /// What stands in bodies for the address a file will have in the target.
    fn token(&self, file: &MappedFile) -> String {
        let whose = [self.record.id.as_str(), &file.id].join("\0");
        format!("https://deskferry.invalid/{}", &blake3::hash(whose.as_bytes()).to_hex()[..32])
    }

    /// The files as the steps see them: with the token that stands for their address, and whether a body shows them.
    fn attachments(&self, body: &str, translations: &[ArticleTranslation]) -> Vec<MappedFile> {
        let bodies: Vec<&str> = translations.iter().map(|t| t.body.as_str()).chain([body]).collect();
        let file = |file: &MappedFile| {
            let token = self.token(file);
            let inline = Some(bodies.iter().any(|body| body.contains(&token)));
            MappedFile { inline, token: Some(token), ..file.clone() }
        };
        self.files.sent.iter().map(file).collect()
    }

    /// The body with links to articles of the source leading to those of the target, as far as they are there.
    async fn relinked(
        &self,
        body: String,
        version: &Version,
        link: &Link,
        losses: &mut Vec<Lost>,
    ) -> Result<String, Held> {
        let home = link.source();
        let mut there: HashMap<String, Option<String>> = HashMap::new();
        let mut to_come: HashSet<String> = HashSet::new();
        for href in links::hrefs(&body) {
            let Some(id) = links::article(&href) else { continue };
            let known = link.record(Kind::Article, id).await?;
            let ours = href.starts_with('/') || (!home.is_empty() && href.starts_with(home));
            if known.is_none() && !ours {
                continue;
            }
            let remote = match self.library.leads_to(id) {
                true => link.target_of(Kind::Article, id).await?,
                false => None,
            };
            if remote.is_none() && known.is_some() && !self.library.all_through() {
                to_come.insert(href.clone());
            }
            there.insert(href.clone(), remote.and_then(|remote| remote.url));
        }
        let mut lost = 0;
        let body = links::redirect(&body, &mut |href| match there.get(href)? {
            Some(url) => Some(url.clone()),
            None => {
                // A link to an article that may still come is looked at once more.
                lost += usize::from(!to_come.contains(href));
                let whole = href.starts_with('/') && home.starts_with("http");
                whole.then(|| format!("{}{href}", home.trim_end_matches('/')))
            }
        });
        if lost > 0 {
            losses.push(Lost::new(&version.text.locale, Loss::ArticleLink, format!("{lost} links")));
        }
        Ok(body)
    }
}

impl Readers {
    fn label(&self) -> String {
        match (&self.audience, &self.segment) {
            (Audience::Segment, Some(name)) => name.clone(),
            (audience, _) => audience.code().to_owned(),
        }
    }
}
