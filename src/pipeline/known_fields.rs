//! The source's fields of tickets, and those of the target that runs made for them: known by id, never by title again.

use super::Job;
use super::target_metadata::TargetMetadata;
use crate::connector::ChildRows;
use crate::error::Result;
use crate::ledger::{Origin, Remote, State};
use crate::mapping::CustomRules;
use crate::record::{Body, Field, FieldType, Kind};
use std::collections::BTreeMap;

/// Records taken from the ledger at a time.
const BATCH: usize = 500;

impl Job {
    /// The source's definitions of fields of tickets, by their ids.
    pub async fn fields_of_tickets(&self) -> Result<Vec<(String, Field)>> {
        let marker = self.target.marker_field();
        let mut all = Vec::new();
        for raw in self.staging.rows(Kind::Field.code()).await? {
            // One that cannot be read fails alone, when it is its turn.
            let Ok(record) = self.source.assemble(Kind::Field, &raw, &ChildRows::new()) else { continue };
            match record.body {
                Body::Field(field) if field.scope == Kind::Ticket && marker != Some(field.title.as_str()) => {
                    all.push((record.id, field));
                }
                _ => {}
            }
        }
        Ok(all)
    }

    /// The rules for custom fields, with what is known of the fields themselves.
    pub async fn rules_of_fields(&self, target_metadata: &TargetMetadata) -> Result<CustomRules> {
        let mut rules = self.mapping.ticket.custom.clone();
        let source = self.fields_of_tickets().await?;
        rules.know(&source, self.keys_of_made(&source, target_metadata).await?);
        Ok(rules)
    }

    /// Keys of the target's fields that runs made, by the keys of the source's they were made for.
    pub async fn keys_of_made(
        &self,
        source: &[(String, Field)],
        target_metadata: &TargetMetadata,
    ) -> Result<BTreeMap<String, String>> {
        let made = self.made_fields().await?;
        let key = |(id, field): &(String, Field)| {
            let remote = made.get(id)?;
            let there = target_metadata.fields().iter().find(|there| target_metadata.field_id(there) == remote.id)?;
            Some((field.key.clone(), there.key.clone()))
        };
        Ok(source.iter().filter_map(key).collect())
    }

    /// What runs made, by the source's ids.
    async fn made_fields(&self) -> Result<BTreeMap<String, Remote>> {
        let (mut made, mut after) = (BTreeMap::new(), None);
        loop {
            let rows = self.link.next(Kind::Field, State::ALL, after, BATCH).await?;
            let Some(last) = rows.last() else { return Ok(made) };
            after = Some(last.seq);
            let created = rows.into_iter().filter(|row| row.origin == Some(Origin::Created));
            made.extend(created.filter_map(|row| Some((row.id, row.remote?))));
        }
    }

    /// Tells of fields of the target that hold the values of several of the source, before a ticket is written.
    pub async fn tell_shared_fields(&self, rules: &CustomRules, target_metadata: &TargetMetadata) -> Result<()> {
        let source: Vec<Field> = self.fields_of_tickets().await?.into_iter().map(|(_, field)| field).collect();
        for (there, fields) in rules.shared(&source, target_metadata.fields()) {
            let names: Vec<String> = fields.iter().map(|field| format!("`{}` ({})", field.title, field.key)).collect();
            let becomes = match there.field_type {
                FieldType::Text | FieldType::LongText | FieldType::MultiSelect => "values of one ticket are joined",
                _ => "of several values of one ticket the first is kept, the others are reported as `value_dropped`",
            };
            self.note_once(&format!("shared field {}", there.key), || {
                format!("{} all go to the field `{}` of the target: {becomes}", names.join(", "), there.title)
            });
        }
        Ok(())
    }
}
