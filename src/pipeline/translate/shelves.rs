//! Categories and sections: names, descriptions, languages, and who may read.

use super::languages::{Version, Versions};
use super::{Held, Lost, Translated, Translator};
use crate::connector::mapped::{FolderTranslation, FolderVariant, Mapped, MappedFolder};
use crate::connector::plan::scrub;
use crate::content::notes;
use crate::error::{Loss, Problem, Reason};
use crate::ledger::{Link, State, StepState};
use crate::pipeline::library::{Library, Readers};
use crate::record::library::{Audience, Category, Section, Translation};
use crate::record::{Kind, Record, Ref};
use serde_json::Value;
use std::collections::BTreeSet;

impl Translator {
    pub fn category(&self, record: &Record, category: &Category, library: &Library) -> Result<Translated, Held> {
        let mut losses = Vec::new();
        let own = version(&category.name, category.description.as_deref(), category.locale.as_deref());
        let versions = self.versions(own, &category.translations, &mut losses)?;
        let mut mapped = described(record, versions);
        mapped.position = category.position;
        self.named(record, library, &mut mapped, &mut losses);
        Ok(Translated { mapped: Mapped::Category(mapped), losses })
    }

    /// A section, with the further folders that its articles need in a target where only folders have an audience.
    pub async fn section(
        &self,
        record: &Record,
        section: &Section,
        library: &Library,
        link: &Link,
    ) -> Result<Translated, Held> {
        let mut losses = Vec::new();
        let own = version(&section.name, section.description.as_deref(), section.locale.as_deref());
        let versions = self.versions(own, &section.translations, &mut losses)?;
        let mut mapped = described(record, versions);
        mapped.position = section.position;
        self.named(record, library, &mut mapped, &mut losses);
        let Some(category) = &section.category else {
            return Err(Held::Fail(Problem::new(Reason::Unresolved, "the section names no category")));
        };
        mapped.category = Some(self.file_budget(Kind::Category, category, link).await?);
        if let Some(parent) = &section.parent {
            mapped.parent = Some(self.file_budget(Kind::Section, parent, link).await?);
        }
        if self.target.profile().article_audiences {
            return Ok(Translated { mapped: Mapped::Section(mapped), losses });
        }
        let asked: BTreeSet<Readers> = library.readers_in(&record.id).map(|r| self.readers(r).0).collect();
        let made = self.folder_of(&record.id, link).await?;
        let base =
            made.or_else(|| asked.first().cloned()).unwrap_or_else(|| self.readers(&library.readers_of(&record.id)).0);
        let others = asked.into_iter().filter(|readers| *readers != base);
        let variant = |readers: Readers| FolderVariant {
            id: readers.key(),
            name: notes::folder_for(&mapped.name, readers.audience),
            audience: readers.audience,
            segment: readers.segment,
        };
        mapped.variants = others.map(variant).collect();
        (mapped.audience, mapped.segment) = (Some(base.audience), base.segment);
        Ok(Translated { mapped: Mapped::Section(mapped), losses })
    }

    /// Whom the target shows something to that these may read, and whether they are fewer.
    pub(super) fn readers(&self, readers: &Readers) -> (Readers, bool) {
        let known = &self.target.profile().audiences;
        let segment = readers.segment.as_deref().and_then(|name| self.target_metadata.word("segment", name));
        match (readers.audience, segment) {
            (Audience::Everyone, _) => (readers.clone(), false),
            (Audience::Segment, Some(there)) if known.contains(&Audience::Segment) => {
                (Readers { audience: Audience::Segment, segment: Some(there.id.clone()) }, false)
            }
            (Audience::SignedIn | Audience::Agents, _) if known.contains(&readers.audience) => {
                (self.built_in(readers.audience), false)
            }
            _ => (self.built_in(Audience::Agents), true),
        }
    }

    /// An audience that the target may know as one of its segments.
    fn built_in(&self, audience: Audience) -> Readers {
        let code = Value::from(audience.code());
        let there =
            self.target_metadata.words("segment").iter().find(|entry| entry.fields.get("audience") == Some(&code));
        Readers { audience, segment: there.map(|entry| entry.id.clone()) }
    }

    /// The target's id of a category or section. One that is not there yet is waited for.
    pub(super) async fn file_budget(&self, kind: Kind, id: &Ref, link: &Link) -> Result<String, Held> {
        match link.target_of(kind, id).await? {
            Some(there) => Ok(there.id),
            None => {
                let row = link.record(kind, id).await?;
                let problem = Problem::new(Reason::Unresolved, format!("its {kind} {id} is not in the target"));
                Err(match row.is_some_and(|row| !matches!(row.state, State::Skipped | State::Failed)) {
                    true => Held::Park(problem),
                    false => Held::Fail(problem.hint(format!("see why the {kind} is not there, then run again"))),
                })
            }
        }
    }

    /// Who may read the folder that a section became, as the target told.
    pub(super) async fn folder_of(&self, section: &str, link: &Link) -> Result<Option<Readers>, Held> {
        let create = self.target.creates(Kind::Section).unwrap_or_default();
        let rows = link.steps(Kind::Section, section).await?;
        let row = rows.into_iter().find(|row| row.key.step == create && row.state == StepState::Applied);
        let Some(remote) = row.and_then(|row| row.remote) else { return Ok(None) };
        let audience = remote.outputs.get("audience").and_then(Value::as_str).and_then(Audience::from_code);
        let segment = remote.outputs.get("segment").filter(|s| !s.is_null()).map(crate::expr::plain);
        Ok(audience.map(|audience| Readers { audience, segment }))
    }

    /// Gives a record the name that the target can tell from others.
    fn named(&self, record: &Record, library: &Library, mapped: &mut MappedFolder, losses: &mut Vec<Lost>) {
        let Some(number) = library.twin(record.kind(), &record.id).filter(|_| self.target.profile().unique_names)
        else {
            return;
        };
        mapped.name = notes::numbered(&mapped.name, number);
        losses.push(Lost::new("", Loss::Renamed, &mapped.name));
    }
}

fn version(name: &str, description: Option<&str>, locale: Option<&str>) -> Translation {
    Translation {
        locale: locale.unwrap_or_default().to_owned(),
        title: name.to_owned(),
        body: description.unwrap_or_default().to_owned(),
        draft: false,
    }
}

fn described(record: &Record, versions: Versions) -> MappedFolder {
    let Versions { main, others } = versions;
    let translation = |version: Version| FolderTranslation {
        id: version.locale.clone(),
        locale: version.locale,
        name: scrub(&version.text.title),
        description: scrub(&version.text.body),
    };
    MappedFolder {
        id: record.id.clone(),
        number: record.number.clone(),
        url: record.url.clone(),
        locale: main.locale,
        name: scrub(&main.text.title),
        description: scrub(&main.text.body),
        translations: others.into_iter().map(translation).collect(),
        ..MappedFolder::default()
    }
}
