//! What a platform can hold: the abilities by which the pipeline decides what is migrated how.

use crate::record::library::Audience;
use crate::record::{FieldOption, FieldType, Format, LinkType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The platform's abilities as a target. What is not said is not there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// What becomes of outgoing mail while we write.
    pub silence: Silence,
    /// What an admin does so that nothing is mailed, shown when `silence` needs their word.
    pub how_to_silence: String,
    /// Account question, a `bool`, whose yes keeps mail back as the admin's word does.
    pub silenced_by: Option<String>,
    /// Account key that holds the label of tickets the mapping gives none: by vocabulary (`group`, `type` …).
    pub defaults: BTreeMap<String, String>,
    /// Whether a message keeps its date.
    pub comment_dates: bool,
    /// Whether a message can be written under its author.
    pub authors: Authors,
    /// Whether a ticket's first message is always shown as its requester's.
    pub first_by_requester: bool,
    /// Whether a ticket shows who asked it, whoever wrote its messages. Without it, the first message names them.
    pub requesters: bool,
    /// Whether people in copy are held.
    pub ccs: bool,
    /// Whether people in copy are known by their e-mail address alone; one without is named in the first message.
    pub ccs_by_address: bool,
    pub tags: bool,
    /// Vocabularies (`status priority type`) whose labels are taken as they are, where the platform has no list of them.
    pub open: Vec<String>,
    /// Types of custom fields `write.field` can make; options are added to those of `select`, `multiselect` and `tree`.
    pub field_types: Vec<FieldType>,
    /// Whether an option has a value beside its label, a tag that no other option of the account has.
    pub option_tags: bool,
    /// Kinds of links between tickets it knows beside the plain one.
    pub link_types: Vec<LinkType>,
    /// Whether a contact may be without an e-mail address.
    pub contacts_without_address: bool,
    /// Whether there are private messages. Without them, private messages stay on this machine.
    pub private_comments: bool,
    /// Whether the files of a private message are hidden too.
    pub private_files: bool,
    /// Whether an empty file is taken.
    pub empty_files: bool,
    /// How message bodies are written. `text_format` of the account may say otherwise.
    pub format: Option<Format>,
    /// Whether a body can show one of the ticket's files in place.
    pub inline_images: bool,
    /// How a body names a file it shows.
    pub images_by: ImagesBy,
    /// How a ticket gets its messages.
    pub messages: MessagesGo,
    /// What stands for a message without words where the target takes none such, in its format.
    pub no_text: String,
    /// Largest file, in bytes; 0 = not known.
    pub file_bytes: u64,
    /// Most bytes of all files of a ticket together; 0 = not known.
    pub ticket_file_bytes: u64,
    /// Longest file name, in bytes of UTF-8; 0 = 255.
    pub file_name_bytes: usize,
    /// Longest body, in characters; longer ones are cut into several messages. 0 = no limit known.
    pub body_chars: usize,
    /// Who may read an article or a section, of those the platform can tell apart. One it does not know is shown to fewer people.
    pub audiences: Vec<Audience>,
    /// Whether each article has an audience; otherwise its section has.
    pub article_audiences: bool,
    /// Whether everything is first written in the account's main language.
    pub main_language: bool,
    /// Whether the name of a category, and of a section in its category, is no other one's.
    pub unique_names: bool,
    /// Whether an article keeps the time it was written.
    pub article_dates: bool,
    /// Whether an article can show its own files in place.
    pub article_images: bool,
    /// Largest file of an article, in bytes; 0 = not known.
    pub article_file_bytes: u64,
    /// Seconds a request of a client that is gone may still be at work in the server.
    pub settle_seconds: Option<u64>,
    /// Tickets written side by side.
    pub writers: usize,
    /// Whether records are taken as the source has them: any label and field, bodies as they are written, people and groups
    /// by the source's ids. Then only the user's rules change a record.
    #[serde(skip)]
    pub verbatim: bool,
}

/// How a body names a file it shows in place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImagesBy {
    /// By its name in the ticket.
    #[default]
    Name,
    /// By the address its upload step answers as the output `content_url`: only files of the same message.
    Upload,
}

/// How a ticket gets its messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessagesGo {
    /// The first with the ticket, each later one by a step of its own.
    #[default]
    One,
    /// All with the ticket, as far as they are there when it is written; `write.comment` is for those that come later.
    WithTicket,
}

/// An option that a field lacks.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub label: String,
    /// The value the source has for it, and nobody else: what triggers and views of the source look for.
    pub own: Option<String>,
}

impl Profile {
    /// These options for a field of this title, with the values they are given.
    pub fn options(&self, title: &str, wanted: Vec<Wanted>) -> Vec<FieldOption> {
        let mut options: Vec<FieldOption> = Vec::new();
        for Wanted { label, own } in wanted {
            let mut value = match own.filter(|own| self.option_tags && is_tag(own)) {
                Some(own) => own,
                None if self.option_tags => tag(&format!("{title} {label}")),
                None => label.clone(),
            };
            let alike = options.iter().filter(|have| have.value == value).count();
            if alike > 0 {
                value = format!("{value}_{}", options.len() + 1);
            }
            options.push(FieldOption { label, value, parent: None });
        }
        options
    }
}

/// Whether a value can be a tag as it is.
fn is_tag(value: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | ':' | '.');
    !value.is_empty() && value.chars().all(fits) && value.to_lowercase() == value
}

/// Words as a tag: small letters and digits of any script, joined by `_`.
fn tag(words: &str) -> String {
    let words = words.to_lowercase();
    let words = words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

/// Why no e-mail notifications.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Silence {
    /// Only if the admin switched mail off: `silenced = true` in `[target]` says so, or `run` refuses.
    #[default]
    Declared,
    /// The calls used never mail.
    Always,
}

/// Under whose name messages can be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Authors {
    /// Everything is written by the API user.
    #[default]
    ApiUser,
    /// Under any person of the target.
    Anyone,
    /// Under a person who has the right: asked from the native half before writing.
    Asked,
}
