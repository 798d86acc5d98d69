//! The knowledge base: categories, then sections from the root down, then articles, then the links between articles.
//!
//! What a section needs to know of its articles is known before any is written: all three kinds are staged first. Of articles only who
//! may read them is held in memory. An article is translated once more when all are through, since its links lead to others: its
//! steps are known by then, and only the one whose text changed is sent.

use super::migrate::{BATCH, Run};
use super::taken::{Read, Reading, Taken};
use super::translate::{Held, Matched};
use super::turn::Turn;
use super::write::Broken;
use super::written::Past;
use super::{Event, Job, Stop, stage};
use crate::connector::ChildRows;
use crate::content::links;
use crate::error::Result;
use crate::ledger::{RecordRow, State};
use crate::record::library::{Article, Audience, Section};
use crate::record::{Body, Kind, Record, Ref};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub const KINDS: [Kind; 3] = [Kind::Category, Kind::Section, Kind::Article];

/// Who may read something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Readers {
    pub audience: Audience,
    /// In the source the name of a segment, in the target its id.
    pub segment: Option<String>,
}

impl Readers {
    const ALL: Readers = Readers { audience: Audience::Everyone, segment: None };

    fn of(audience: Option<Audience>, segment: Option<&String>) -> Self {
        let audience = audience.unwrap_or(Audience::Everyone);
        Readers { audience, segment: segment.filter(|_| audience == Audience::Segment).cloned() }
    }

    /// Those who are among both.
    fn and(self, other: &Readers) -> Readers {
        match self.audience.cmp(&other.audience) {
            std::cmp::Ordering::Less => other.clone(),
            std::cmp::Ordering::Equal if self.segment != other.segment => {
                Readers { audience: Audience::Agents, segment: None }
            }
            _ => self,
        }
    }

    /// Names it in the ledger.
    pub fn key(&self) -> String {
        match &self.segment {
            Some(segment) => format!("{}:{segment}", self.audience),
            None => self.audience.code().to_owned(),
        }
    }
}

/// The tree of the source.
#[derive(Default)]
pub struct Library {
    sections: HashMap<Ref, FileBudget>,
    /// How many before it have the name of a category or section.
    twins: HashMap<(Kind, Ref), usize>,
    /// By section, of all its articles.
    readers: HashMap<Ref, BTreeSet<Readers>>,
    /// Articles that were in the target before this run wrote any.
    there: HashSet<Ref>,
    /// Whether all articles are through.
    all_through: AtomicBool,
}

struct FileBudget {
    parent: Option<Ref>,
    readers: Readers,
}

impl Library {
    async fn read(job: &Job) -> Result<Library> {
        let mut library = Library::default();
        let mut names: HashMap<String, usize> = HashMap::new();
        for kind in [Kind::Category, Kind::Section] {
            for raw in job.staging.rows(kind.code()).await? {
                // One that cannot be read fails later, with its reason.
                let Ok(record) = job.source.assemble(kind, &raw, &ChildRows::new()) else { continue };
                let (place, name) = match &record.body {
                    Body::Category(category) => (String::new(), &category.name),
                    Body::Section(section) => (section.category.clone().unwrap_or_default(), &section.name),
                    _ => continue,
                };
                let name = format!("{kind}\0{place}\0{}", crate::mapping::label::key(name));
                let before = *names.entry(name).and_modify(|n| *n += 1).or_insert(1);
                if before > 1 {
                    library.twins.insert((kind, record.id.clone()), before);
                }
                if let Body::Section(Section { parent, audience, segment, .. }) = &record.body {
                    let file_budget =
                        FileBudget { parent: parent.clone(), readers: Readers::of(*audience, segment.as_ref()) };
                    library.sections.insert(record.id.clone(), file_budget);
                }
            }
        }
        let mut after = None;
        loop {
            let rows = job.link.next(Kind::Article, State::ALL, after, BATCH).await?;
            let Some(last) = rows.last() else { return Ok(library) };
            after = Some(last.seq);
            for row in rows {
                if row.remote.is_some() {
                    library.there.insert(row.id.clone());
                }
                let Some(raw) = job.staging.item(Kind::Article.code(), &row.id).await? else { continue };
                let Ok(record) = job.source.assemble(Kind::Article, &raw, &ChildRows::new()) else { continue };
                let Body::Article(article) = record.body else { continue };
                let readers = library.readers_of_article(&article);
                library.readers.entry(article.section.clone().unwrap_or_default()).or_default().insert(readers);
            }
        }
    }

    /// Who may read a section: nobody who may not read those it is in.
    pub fn readers_of(&self, section: &str) -> Readers {
        let (mut readers, mut at, mut seen) = (Readers::ALL, Some(section), HashSet::new());
        while let Some(file_budget) = at.filter(|id| seen.insert(*id)).and_then(|id| self.sections.get(id)) {
            readers = readers.and(&file_budget.readers);
            at = file_budget.parent.as_deref();
        }
        readers
    }

    pub fn readers_of_article(&self, article: &Article) -> Readers {
        let own = Readers::of(article.audience, article.segment.as_ref());
        own.and(&article.section.as_deref().map_or(Readers::ALL, |section| self.readers_of(section)))
    }

    /// The readers of all articles of a section.
    pub fn readers_in(&self, section: &str) -> impl Iterator<Item = &Readers> {
        self.readers.get(section).into_iter().flatten()
    }

    /// Whether links lead to an article now: until all are through only to those that were there before, so that what is sent does
    /// not hang on which of several was written first.
    pub fn leads_to(&self, article: &str) -> bool {
        self.all_through() || self.there.contains(article)
    }

    pub fn all_through(&self) -> bool {
        self.all_through.load(Ordering::Relaxed)
    }

    /// Which one of its name a category is, or a section of its category, where it is not the first.
    pub fn twin(&self, kind: Kind, id: &str) -> Option<usize> {
        self.twins.get(&(kind, id.to_owned())).copied()
    }
}

impl Run<'_> {
    /// Carries one of the kinds of a knowledge base.
    pub(super) async fn library_kind(&self, kind: Kind) -> Result<(), Stop> {
        if !self.job.source.reads(kind) {
            return Ok(());
        }
        for kind in KINDS.into_iter().filter(|kind| self.job.stages(*kind)) {
            stage::kind(self.job, kind).await?;
        }
        if !self.job.target.writes(kind) {
            let count = self.job.staging.count(kind.code()).await?;
            if count > 0 {
                let what = format!("the target does not support {kind} records: {count} stay in the source");
                (self.job.tell)(Event::Note { what });
            }
        }
        if kind == Kind::Section {
            self.folders_again().await?;
        }
        self.write_kind(kind, &Reading::over()).await?;
        match kind {
            Kind::Section => self.sections_in_sections().await,
            Kind::Article => self.article_links().await,
            _ => Ok(()),
        }
    }

    pub(super) async fn library(&self) -> Result<&Library> {
        self.library.get_or_try_init(|| Library::read(self.job)).await
    }

    /// Takes up sections that wait for the one they are in, as long as that brings more.
    async fn sections_in_sections(&self) -> Result<(), Stop> {
        let mut waiting = u64::MAX;
        loop {
            let counts = self.job.link.counts().await?;
            let parked = counts.iter().filter(|c| c.kind == Kind::Section && c.state == State::Parked);
            let parked: u64 = parked.map(|c| c.records).sum();
            if parked == 0 || parked >= waiting {
                return Ok(());
            }
            waiting = parked;
            self.pass(Kind::Section, &[State::Parked], Read::Whole, &mut HashSet::new()).await?;
        }
    }

    /// Sections that are there may need one more folder for an article that came since.
    async fn folders_again(&self) -> Result<(), Stop> {
        if self.job.target.profile().article_audiences || !self.job.target.writes(Kind::Section) {
            return Ok(());
        }
        self.again(Kind::Section, |_| true).await
    }

    async fn article_links(&self) -> Result<(), Stop> {
        if self.job.target.profile().verbatim || !self.job.target.writes(Kind::Article) {
            return Ok(());
        }
        self.library().await?.all_through.store(true, Ordering::Relaxed);
        self.again(Kind::Article, |record| {
            let Body::Article(article) = &record.body else { return false };
            let mut bodies = article.translations.iter().map(|t| &t.body).chain([&article.body]);
            bodies.any(|body| {
                body.contains("/articles/") && links::hrefs(body).iter().any(|h| links::article(h).is_some())
            })
        })
        .await
    }

    /// Goes over what is there: steps whose request is another now are sent, all else costs no call.
    async fn again(&self, kind: Kind, concerned: impl Fn(&Record) -> bool) -> Result<(), Stop> {
        let mut after = None;
        loop {
            let rows = self.job.link.next(kind, &[State::Done], after, BATCH).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.seq);
            for row in rows.iter().filter(|row| self.job.choice.wants_id(kind, &row.id)) {
                self.one_again(row, &concerned).await?;
            }
        }
    }

    async fn one_again(&self, row: &RecordRow, concerned: &impl Fn(&Record) -> bool) -> Result<(), Stop> {
        self.halt().check()?;
        let Taken::Whole(record) = self.job.take(row.kind, &row.id).await? else { return Ok(()) };
        let record = Arc::new(record);
        if !concerned(&record) {
            return Ok(());
        }
        let end = match self.translated(&record, row).await {
            Ok(Matched::Write(translated)) => {
                let past = Past { rebuilt_at: None, ..Past::of(row) };
                self.write(&record, translated, past, &mut Turn::free()).await
            }
            Ok(Matched::There(..)) | Err(Held::Skip(..) | Held::Park(_) | Held::Fail(_) | Held::Later(_)) => {
                return Ok(());
            }
            Err(Held::Trouble(problem)) => Err(Broken::Trouble(problem)),
        };
        let named = |stop| super::migrate::named(stop, row.kind, &row.id);
        let end = self.ended(row.kind, &row.id, end).await.map_err(named)?;
        self.close(row.kind, &row.id, end).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readers(audience: Audience, segment: Option<&str>) -> Readers {
        Readers { audience, segment: segment.map(str::to_owned) }
    }

    #[test]
    fn nobody_reads_an_article_who_may_not_read_the_sections_around_it() {
        let file_budget = |parent: Option<&str>, audience| FileBudget {
            parent: parent.map(str::to_owned),
            readers: readers(audience, None),
        };
        let sections = [
            ("1", file_budget(None, Audience::Everyone)),
            ("2", file_budget(Some("1"), Audience::Agents)),
            ("3", file_budget(Some("2"), Audience::SignedIn)),
            // A circle, as damaged exports have it.
            ("4", file_budget(Some("5"), Audience::SignedIn)),
            ("5", file_budget(Some("4"), Audience::Everyone)),
        ];
        let sections = sections.map(|(id, file_budget)| (id.to_owned(), file_budget)).into();
        let library = Library { sections, ..Library::default() };
        let of = |section: &str, audience| {
            let article = Article { section: Some(section.into()), audience, ..Article::default() };
            library.readers_of_article(&article).audience
        };
        assert_eq!(of("3", None), Audience::Agents);
        assert_eq!(of("1", Some(Audience::SignedIn)), Audience::SignedIn);
        assert_eq!(of("4", None), Audience::SignedIn);
    }

    #[test]
    fn two_segments_have_only_agents_in_common() {
        let both = readers(Audience::Segment, Some("a")).and(&readers(Audience::Segment, Some("b")));
        assert_eq!(both, readers(Audience::Agents, None));
        let same = readers(Audience::Segment, Some("a"));
        assert_eq!(same.clone().and(&same), same);
    }
}
