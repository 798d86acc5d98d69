//! Messages: bodies in the target's format, under their author or with a header line that names them.

use super::files::{FileBudget, Gallery, Migrated};
use super::late::Late;
use super::{Held, Lost, Translator};
use crate::connector::mapped::{MappedComment, MappedPerson};
use crate::content::{self, header, notes};
use crate::error::Loss;
use crate::ledger::Remote;
use crate::mapping::{DateStyle, redact};
use crate::pipeline::people::Known;
use crate::record::{Comment, Format, Record, Ticket, Visibility};
use serde_json::Value;
use std::cell::{LazyCell, RefCell};
use std::collections::{BTreeSet, HashMap};

/// Left free for the header line in a body that has to be cut, in characters.
const HEADER_CHARS: usize = 1_000;

/// The messages of one ticket.
pub struct Messages<'a> {
    pub translator: &'a Translator,
    pub record: &'a Record,
    pub ticket: &'a Ticket,
    pub late: &'a Late,
    /// As filters see it.
    pub canonical: &'a Value,
    pub group: Option<&'a Remote>,
}

/// Messages ready for the steps.
#[derive(Default)]
pub struct MigratedMessages {
    pub comments: Vec<MappedComment>,
    pub losses: Vec<Lost>,
}

impl Messages<'_> {
    /// All messages in order. The first is never a private one: a stub stands before it. It names `unshown`, the requester whom the
    /// target does not show as such, unless it is theirs, and who is in copy without a place there.
    pub async fn migrate(&self, unshown: Option<&Known>, in_copy: &[String]) -> Result<MigratedMessages, Held> {
        let mut all = MigratedMessages::default();
        let files = self.ticket.comments.iter().flat_map(|comment| &comment.attachments);
        let files: Vec<_> = files.filter(|file| !self.late.has(file)).collect();
        self.translator.blobs.have(&files).await?;
        let mut file_budget = FileBudget::new(self.translator.target.profile());
        let mut lines = Vec::new();
        let first = self.ticket.comments.first();
        if first.is_none_or(|c| c.visibility == Visibility::Private) {
            all.comments.push(self.stub(self.with_lines(String::new(), &lines_of(unshown, in_copy))));
        } else {
            let theirs = match first.and_then(|comment| comment.author.as_ref()) {
                Some(author) => self.translator.asks(self.ticket, &*self.translator.person(author).await?).await?,
                None => false,
            };
            lines = lines_of(unshown.filter(|_| !theirs), in_copy);
        }
        for (at, comment) in self.ticket.comments.iter().enumerate() {
            let lines = if at == 0 { std::mem::take(&mut lines) } else { vec![] };
            let first = all.comments.is_empty();
            all.comments.extend(self.message(comment, first, &lines, &mut file_budget, &mut all.losses).await?);
        }
        for comment in &self.ticket.comments {
            for file in comment.attachments.iter().filter(|file| self.late.has(file)) {
                all.comments.extend(self.late_file(comment, file, &mut file_budget, &mut all.losses).await?);
            }
        }
        Ok(all)
    }

    /// What is shown to everyone where the ticket's first message is private, or where there is none.
    fn stub(&self, body: String) -> MappedComment {
        let line = header::line(None, self.record.created_at);
        let body = match line {
            Some(line) => header::put(&body, self.translator.format, &line),
            None => body,
        };
        let body = self.worded(body);
        MappedComment { body_by_api: body.clone(), body_with_date: body.clone(), body, ..MappedComment::default() }
    }

    /// A message: in several parts where it is too long for the target, in none where it has to stay here.
    async fn message(
        &self,
        comment: &Comment,
        first: bool,
        lines: &[String],
        file_budget: &mut FileBudget,
        losses: &mut Vec<Lost>,
    ) -> Result<Vec<MappedComment>, Held> {
        let Translator { target, format, .. } = self.translator;
        let profile = target.profile();
        let private = comment.visibility == Visibility::Private;
        let hidden = self.hides_files(comment);
        let mut files = self.translator.files(self.record, comment, self.late, hidden, file_budget, losses).await?;
        let body = self.body(comment, &mut files, file_budget, losses).await?;
        let mut body = self.with_lines(body, lines);
        for line in files.lines() {
            body = notes::append(&body, *format, &line);
        }

        let author = match &comment.author {
            Some(id) => Some(self.translator.person_on(self.ticket, id).await?),
            None => None,
        };
        let theirs = match &author {
            Some(author) => self.translator.asks(self.ticket, author).await?,
            None => self.ticket.requester.is_none(),
        };
        let shown_as_another = first && profile.first_by_requester && !theirs;
        let native = match shown_as_another {
            true => None,
            false => self.native(author.as_deref(), comment.visibility).await?,
        };
        // The first message of a ticket is as old as the ticket, where it does not say itself.
        let written_at = comment.created_at.or(self.record.created_at.filter(|_| first));
        let date = written_at.filter(|_| !profile.comment_dates || self.always_headers());
        let named = author.as_ref().map(|author| author.author());
        let by_api = header::line(named.as_ref(), date);
        if private && !profile.private_comments {
            let whole = with(&body, *format, by_api);
            self.translator.keep_message(self.record, comment, &whole)?;
            losses.push(Lost::new(&comment.id, Loss::PrivateMessage, ""));
            return Ok(vec![]);
        }
        if date.is_some() {
            losses.push(Lost::new(&comment.id, Loss::Date, ""));
        }
        if native.is_none()
            && let Some(author) = &author
        {
            losses.push(Lost::new(&comment.id, Loss::Author, author.label()));
        }
        let as_author = header::line(named.as_ref().filter(|_| self.always_headers()), date);
        let with_date = header::line(named.as_ref().filter(|_| native.is_none()), written_at);
        let parts = match profile.body_chars {
            0 => vec![body],
            most => content::split(&body, most.saturating_sub(HEADER_CHARS), *format),
        };
        let part = |(at, body): (usize, &String)| {
            let head = |line: &Option<String>| self.worded(with(body, *format, line.clone().filter(|_| at == 0)));
            let by_api = head(&by_api);
            MappedComment {
                id: comment.id.clone(),
                part: at,
                body: if native.is_some() { head(&as_author) } else { by_api.clone() },
                body_by_api: by_api,
                body_with_date: head(&with_date),
                private,
                direction: comment.direction,
                author: native.clone(),
                created_at: comment.created_at,
                attachments: if at == 0 { files.sent.clone() } else { vec![] },
            }
        };
        Ok(parts.iter().enumerate().map(part).collect())
    }

    /// Whether the target would show files of a message to people it is hidden from.
    pub(super) fn hides_files(&self, comment: &Comment) -> bool {
        let profile = self.translator.target.profile();
        comment.visibility == Visibility::Private && !(profile.private_files && profile.private_comments)
    }

    fn always_headers(&self) -> bool {
        self.translator.mapping.dates.style == DateStyle::Header
    }

    /// The author in the target, if the message may be written under their name.
    async fn native(&self, author: Option<&Known>, visibility: Visibility) -> Result<Option<MappedPerson>, Held> {
        let Some((author, remote)) = author.and_then(|a| Some((a, a.remote.as_ref()?))) else { return Ok(None) };
        let may = self.translator.target.may_write_as(remote, self.group, visibility).await?;
        Ok(self.translator.in_target(author).filter(|_| may))
    }

    /// The body in the target's format, with inline images where the target has them.
    async fn body(
        &self,
        comment: &Comment,
        files: &mut Migrated,
        file_budget: &mut FileBudget,
        losses: &mut Vec<Lost>,
    ) -> Result<String, Held> {
        let text = crate::connector::plan::scrub(&comment.body);
        let redacted = redact(&self.translator.mapping.redact.body, &text, comment.format, self.canonical)?;
        if !redacted.what.is_empty() {
            losses.push(Lost::new(&comment.id, Loss::Redacted, redacted.what));
        }
        let text = self.linked(&redacted.text, comment, files, losses);
        let images = content::images(&text, comment.format);
        let gallery: Gallery = self.translator.gallery(self.record, comment, &images, files, file_budget, losses)?;
        let inline = self.translator.target.profile().inline_images;
        let converted =
            content::convert(&text, comment.format, self.translator.format, &|image| gallery.place(image, inline));
        losses.extend(converted.losses.iter().map(|loss| Lost::new(&comment.id, *loss, "")));
        Ok(converted.text)
    }

    /// The body with links to files of the source that go along as their names: the addresses end with the source's account.
    fn linked(&self, text: &str, comment: &Comment, files: &Migrated, losses: &mut Vec<Lost>) -> String {
        let gone = RefCell::new(BTreeSet::new());
        let all = LazyCell::new(|| {
            let all =
                self.ticket.comments.iter().flat_map(|other| other.attachments.iter().map(move |file| (other, file)));
            let linked =
                all.filter(|(_, file)| !file.inline).map(|(holder, file)| (file.source.as_str(), (holder, file)));
            // Of two with one address the first counts.
            linked.rev().collect::<HashMap<_, _>>()
        });
        let named = |href: &str| {
            let (holder, file) = *all.get(href)?;
            match holder.id == comment.id {
                false => Some(format!("attached to another message: {}", file.name)),
                true => {
                    let name = files.name_of(href).map(|name| format!("attached: {name}"));
                    if name.is_none() {
                        gone.borrow_mut().insert(file.name.clone());
                    }
                    name
                }
            }
        };
        let text = content::links::attached(text, comment.format, &named);
        losses.extend(gone.into_inner().into_iter().map(|name| Lost::new(&comment.id, Loss::LinkToSource, name)));
        text
    }

    /// The body, or what stands for one where the target takes none without words.
    pub(super) fn worded(&self, body: String) -> String {
        let Translator { target, format, .. } = self.translator;
        if content::is_blank(&body, *format) { target.profile().no_text.clone() } else { body }
    }

    fn with_lines(&self, body: String, lines: &[String]) -> String {
        lines.iter().fold(body, |body, line| notes::append(&body, self.translator.format, line))
    }
}

/// The body with a header line, if there is one.
fn with(body: &str, format: Format, line: Option<String>) -> String {
    line.map_or_else(|| body.to_owned(), |line| header::put(body, format, &line))
}

fn lines_of(requester: Option<&Known>, in_copy: &[String]) -> Vec<String> {
    let named = requester.and_then(Known::named);
    let requester = named.and_then(|named| notes::requesters([named.as_str()]));
    requester.into_iter().chain(notes::copies(in_copy.iter().map(String::as_str))).collect()
}
