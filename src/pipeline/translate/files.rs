//! Files of a message: named safely, sent or kept, and found again by the body that shows them.

use super::blobs::{Fetched, head};
use super::kept::{Kept, NAME_BYTES, names};
use super::late::Late;
use super::{Held, Lost, Translator, pack};
use crate::connector::mapped::MappedFile;
use crate::connector::plan::picture;
use crate::connector::profile::{ImagesBy, Profile};
use crate::content::file_name::Names;
use crate::content::{self, ImagePlace, ImageRef, notes};
use crate::error::{Loss, Problem, Result};
use crate::mapping::Oversize;
use crate::record::{Attachment, Body, Comment, Record, Visibility};
use crate::staging::StagedBlob;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;

/// What the files of one ticket may still take of the target.
pub struct FileBudget {
    /// Names given so far: each is there once.
    names: Names,
    /// Largest file.
    most: u64,
    /// Bytes left for all files together.
    left: u64,
}

impl FileBudget {
    pub fn new(profile: &Profile) -> Self {
        let or = |limit: u64, none: u64| if limit == 0 { none } else { limit };
        let name_bytes = if profile.file_name_bytes == 0 { NAME_BYTES } else { profile.file_name_bytes };
        Self {
            names: Names::new(name_bytes),
            most: or(profile.file_bytes, u64::MAX),
            left: or(profile.ticket_file_bytes, u64::MAX),
        }
    }

    /// Of an article.
    pub fn of_article(profile: &Profile) -> Self {
        Self::new(&Profile { file_bytes: profile.article_file_bytes, ticket_file_bytes: 0, ..profile.clone() })
    }

    fn fits(&self, bytes: u64) -> bool {
        bytes <= self.most && bytes <= self.left
    }

    fn take(&mut self, bytes: u64) {
        self.left = self.left.saturating_sub(bytes);
    }
}

/// The files of one message.
pub struct Migrated {
    pub sent: Vec<MappedFile>,
    /// Files kept on this machine.
    pub kept: Vec<Kept>,
    /// Names of files that could not be had.
    pub lost: Vec<String>,
    hidden: bool,
    /// Kept files lie in a folder of their message.
    kept_names: Names,
    by_cid: HashMap<String, Named>,
    by_source: HashMap<String, Named>,
    /// By [`name_key`] of the source's own name; of two with one name, the later.
    by_name: HashMap<String, Named>,
}

/// The name of a file, and whether the target has it.
#[derive(Clone, Debug)]
struct Named {
    name: String,
    /// What a body that shows it names: the name again, or what stands for the address of its upload.
    shown: String,
    sent: bool,
}

impl Migrated {
    /// What is said below a body of files that are not with it.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let kept: Vec<_> = self.kept.iter().map(Kept::note).collect();
        notes::kept(&kept).into_iter().chain(notes::lost(&self.lost))
    }

    pub(super) fn new(hidden: bool) -> Self {
        Migrated {
            sent: vec![],
            kept: vec![],
            lost: vec![],
            hidden,
            kept_names: names(),
            by_cid: HashMap::new(),
            by_source: HashMap::new(),
            by_name: HashMap::new(),
        }
    }

    /// The name under which a file of the message goes along, or is kept here.
    pub fn name_of(&self, source: &str) -> Option<&str> {
        self.by_source.get(source).map(|named| named.name.as_str())
    }
}

impl Translator {
    /// Fetches the files of a message. `hidden`: the target would show them to people the message is hidden from.
    pub(super) async fn files(
        &self,
        record: &Record,
        comment: &Comment,
        late: &Late,
        hidden: bool,
        file_budget: &mut FileBudget,
        losses: &mut Vec<Lost>,
    ) -> Result<Migrated, Held> {
        let mut migrated = Migrated::new(hidden);
        // Its message stands in the target without it.
        migrated
            .lost
            .extend(comment.attachments.iter().filter(|file| late.was_lost(file)).map(|file| file.name.clone()));
        for file in comment.attachments.iter().filter(|file| !late.has(file)) {
            let blob = match self.blobs.fetch(file).await? {
                Fetched::Here(blob) => blob,
                Fetched::Unlike(blob) => {
                    losses.push(Lost::new(&file.id, Loss::FileUnlike, &file.name));
                    blob
                }
                Fetched::Lost(loss) => {
                    losses.push(Lost::new(&file.id, loss, &file.name));
                    migrated.lost.push(file.name.clone());
                    continue;
                }
                Fetched::Doubtful(problem) => return Err(Held::Later(problem)),
                Fetched::Missing(problem) => return Err(Held::Fail(problem)),
            };
            self.place(record, comment, file, &blob, file_budget, losses, &mut migrated)?;
        }
        Ok(migrated)
    }

    #[expect(clippy::too_many_arguments, reason = "one file with all that decides where it goes")]
    pub(super) fn place(
        &self,
        record: &Record,
        comment: &Comment,
        file: &Attachment,
        blob: &StagedBlob,
        file_budget: &mut FileBudget,
        losses: &mut Vec<Lost>,
        migrated: &mut Migrated,
    ) -> Result<(), Held> {
        let empty = blob.bytes == 0 && !self.target.profile().empty_files;
        let mut original = with_extension(file, blob.mime.as_deref());
        let mut blob = Cow::Borrowed(blob);
        if !migrated.hidden && !file_budget.fits(blob.bytes) && self.mapping.files.over == Oversize::Zip {
            let packed = pack::zip(&self.blobs.staging, &blob, &original)?;
            if file_budget.fits(packed.bytes) {
                losses.push(Lost::new(&file.id, Loss::FileZipped, &original));
                original.push_str(".zip");
                blob = Cow::Owned(packed);
            }
        }
        let refused = !file_budget.fits(blob.bytes) || empty;
        let keeps = migrated.hidden || (refused && self.mapping.files.over != Oversize::Skip);
        let name = if keeps { migrated.kept_names.give(&original) } else { file_budget.names.give(&original) };
        if name != original {
            losses.push(Lost::new(&file.id, Loss::FileName, format!("{original:?} → {name}")));
        }
        let named = Named { shown: self.shown(&name, &file.id), name: name.clone(), sent: !keeps && !refused };
        migrated.by_source.insert(file.source.to_string(), named.clone());
        migrated.by_name.insert(name_key(&file.name), named.clone());
        if let Some(cid) = &file.content_id {
            migrated.by_cid.insert(cid.clone(), named);
        }
        if keeps {
            let loss = if migrated.hidden { Loss::PrivateFile } else { Loss::FileKept };
            let kept = self.keep(record, comment, &name, &blob.hash)?;
            losses.push(Lost::new(&file.id, loss, &name));
            migrated.kept.push(kept);
            return Ok(());
        }
        if refused {
            losses.push(Lost::new(&file.id, Loss::FileSkipped, &name));
            return Ok(());
        }
        file_budget.take(blob.bytes);
        let path = self.blobs.staging.blob_path(&blob.hash);
        let mime = content::mime::sniff(file.mime.as_deref().or(blob.mime.as_deref()), &name, &head(&path)?);
        migrated.sent.push(MappedFile {
            id: file.id.clone(),
            name,
            mime: Some(mime),
            bytes: blob.bytes,
            hash: blob.hash.clone(),
            path,
            comment: Some(comment.id.clone()),
            ..MappedFile::default()
        });
        Ok(())
    }

    /// Finds every picture a body shows among the message's files; pictures written into the body become files.
    pub(super) fn gallery(
        &self,
        record: &Record,
        comment: &Comment,
        images: &[ImageRef],
        migrated: &mut Migrated,
        file_budget: &mut FileBudget,
        losses: &mut Vec<Lost>,
    ) -> Result<Gallery, Held> {
        let mut gallery = Gallery::default();
        for (at, image) in images.iter().enumerate() {
            if gallery.0.contains_key(image) {
                continue;
            }
            let named = match image {
                ImageRef::Cid(cid) => migrated.by_cid.get(cid).cloned(),
                ImageRef::Url(url) => migrated.by_source.get(url).cloned(),
                ImageRef::Name(name) => {
                    let own = migrated.by_name.get(&name_key(name)).or_else(|| migrated.by_source.get(name));
                    own.cloned().or_else(|| self.of_another_message(record, name))
                }
                ImageRef::Data { mime, bytes } => {
                    let named = self.data_image(record, comment, at, mime, bytes, migrated, file_budget);
                    Some(named?)
                }
            };
            if let (ImageRef::Data { .. }, Some(Named { name, sent: false, .. })) = (image, &named) {
                let loss = if migrated.hidden { Loss::PrivateFile } else { Loss::FileKept };
                losses.push(Lost::new(&comment.id, loss, name));
            }
            gallery.0.insert(image.clone(), named);
        }
        Ok(gallery)
    }

    #[expect(clippy::too_many_arguments, reason = "one picture with all that decides where it goes")]
    fn data_image(
        &self,
        record: &Record,
        comment: &Comment,
        at: usize,
        mime: &str,
        bytes: &[u8],
        migrated: &mut Migrated,
        file_budget: &mut FileBudget,
    ) -> Result<Named> {
        let hash = blake3::hash(bytes).to_hex().to_string();
        let path = self.blobs.staging.blob_path(&hash);
        if !path.is_file() {
            let mut file = tempfile::NamedTempFile::new_in(self.blobs.staging.blob_dir())?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|e| Problem::from(e.error))?;
        }
        let extension = mime.rsplit('/').next().and_then(|t| t.split('+').next()).unwrap_or("png");
        let original = format!("image-{}.{extension}", at + 1);
        let name =
            if migrated.hidden { migrated.kept_names.give(&original) } else { file_budget.names.give(&original) };
        let size = bytes.len() as u64;
        if migrated.hidden || !file_budget.fits(size) {
            migrated.kept.push(self.keep(record, comment, &name, &hash)?);
            return Ok(Named { shown: name.clone(), name, sent: false });
        }
        file_budget.take(size);
        let id = format!("{}-image-{at}", comment.id);
        let shown = self.shown(&name, &id);
        migrated.sent.push(MappedFile {
            id,
            name: name.clone(),
            mime: Some(mime.to_owned()),
            bytes: size,
            hash,
            path,
            comment: Some(comment.id.clone()),
            ..MappedFile::default()
        });
        Ok(Named { name, shown, sent: true })
    }

    /// By what a body shows a file.
    pub(super) fn shown(&self, name: &str, file: &str) -> String {
        match self.target.profile().images_by {
            ImagesBy::Name => name.to_owned(),
            ImagesBy::Upload => picture(file),
        }
    }

    /// A picture that a message shows by name may have come with another one, if everyone sees that one.
    fn of_another_message(&self, record: &Record, name: &str) -> Option<Named> {
        let Body::Ticket(ticket) = &record.body else { return None };
        let shown = ticket.comments.iter().filter(|comment| comment.visibility == Visibility::Public);
        let mut files = shown.flat_map(|comment| &comment.attachments);
        let file = files.find(|file| name_key(&file.name) == name_key(name))?;
        let name = content::file_name::safe(&with_extension(file, None), NAME_BYTES);
        Some(Named { shown: name.clone(), name, sent: self.target.profile().images_by == ImagesBy::Name })
    }
}

/// Where the pictures of one body are.
#[derive(Default)]
pub struct Gallery(HashMap<ImageRef, Option<Named>>);

impl Gallery {
    /// `inline`: the target's bodies can show a file of the ticket in place.
    pub fn place(&self, image: &ImageRef, inline: bool) -> ImagePlace {
        match (self.0.get(image).cloned().flatten(), image) {
            (Some(Named { shown, sent: true, .. }), _) if inline => ImagePlace::Inline { name: shown },
            (Some(Named { name, .. }), _) => ImagePlace::Attached { name },
            (None, ImageRef::Url(url)) => ImagePlace::Url(url.clone()),
            (None, _) => ImagePlace::Gone,
        }
    }
}

/// Names are compared as Redmine does: in any case. Two spellings of an accent are one.
fn name_key(name: &str) -> String {
    content::normalise(name).to_lowercase()
}

/// A picture without a name is shown only if its name tells that it is one. `found` is its type as it arrived.
fn with_extension(file: &Attachment, found: Option<&str>) -> String {
    let kind = file.mime.as_deref().or(found).and_then(|m| m.strip_prefix("image/"));
    match kind {
        Some(kind) if !file.name.contains('.') => {
            let extension = kind.split(['+', ';']).next().unwrap_or(kind).replace("jpeg", "jpg");
            let stem = if file.name.trim().is_empty() { "image" } else { &file.name };
            format!("{stem}.{extension}")
        }
        _ => file.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::NamedBy;

    #[test]
    fn a_picture_without_a_name_gets_one_that_tells_what_it_is() {
        let file = |name: &str, mime: &str| Attachment {
            id: "1".into(),
            name: name.into(),
            mime: Some(mime.into()),
            size: None,
            source: "s".into(),
            hash: None,
            inline: true,
            content_id: None,
            named_by: NamedBy::Platform,
        };
        let named = |name, mime| content::file_name::safe(&with_extension(&file(name, mime), None), NAME_BYTES);
        assert_eq!(named("", "image/gif"), "image.gif");
        assert_eq!(named("logo", "image/svg+xml"), "logo.svg");
        assert_eq!(named("photo.png", "image/jpeg"), "photo.png");
    }
}
