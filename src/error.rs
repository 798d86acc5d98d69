//! What can go wrong, in words a report can group and an admin can act on.
//!
//! [`Reason`] is a closed list: every row that says why a record was skipped, failed or is in doubt
//! carries one of these codes, and `docs/interface.md` lists them. A [`Problem`] is one occurrence:
//! the reason, what failed, and a hint. Neither ever holds a secret or a message body.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A list of names, each with the code that files, reports and events know it by.
#[macro_export]
macro_rules! labels {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        $vis enum $name { $($(#[$doc])* #[serde(rename = $code)] $variant),+ }

        impl $name {
            /// Every member, in the order the documentation lists them.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The stable code used in files, reports and events.
            pub const fn code(self) -> &'static str {
                match self { $($name::$variant => $code),+ }
            }

            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|label| label.code() == code)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.code()) }
        }
    };
}
pub use labels;

/// Labels that also have a sentence for people.
#[macro_export]
macro_rules! closed_list {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal: $says:literal),+ $(,)? }) => {
        $crate::labels! { $(#[$meta])* pub enum $name { $($(#[$doc])* $variant = $code),+ } }

        impl $name {
            /// One sentence for people.
            pub const fn says(self) -> &'static str {
                match self { $($name::$variant => $says),+ }
            }
        }
    };
}
pub use closed_list;

closed_list! {
    /// Why a record is not done, or a command did not go on.
    Reason {
        // the account or the network
        Auth = "auth": "the platform does not accept the credentials",
        Account = "account": "the platform refuses the account as it is: trial over, suspended, closed",
        Forbidden = "forbidden": "the credentials lack a right",
        NotFound = "not_found": "the platform does not know this address or record",
        Network = "network": "the platform could not be reached",
        Timeout = "timeout": "the platform did not answer in time",
        ServerError = "server_error": "the platform failed to answer",
        RateLimited = "rate_limited": "the platform asked to slow down for too long",
        BadAnswer = "bad_answer": "the platform sent an answer that the connector does not understand",
        // the target refused
        Invalid = "invalid": "the target refused the record",
        Conflict = "conflict": "the target holds another record in this place",
        TooLarge = "too_large": "the target refused the size",
        NotStored = "not_stored": "the target reported success but did not store the data",
        Differs = "differs": "the record in the target differs from what was written, so nothing was sent",
        // doubt
        InDoubt = "in_doubt": "it is unknown whether the record was written",
        Ambiguous = "ambiguous": "several target records look like this one",
        // references
        Unresolved = "unresolved": "it refers to a record that is not in the target: migrate or create that record first, or change the mapping",
        MissingPerson = "missing_person": "it needs a person who is not in the target: create the person there, or map the address",
        NoEmail = "no_email": "the target needs an e-mail address and the person has none",
        ListRefused = "list_refused": "the source does not show the list that contains a name used in the record",
        NotListed = "not_listed": "the source counts messages of the record that it does not list",
        // the user's rules
        Scope = "scope": "left out by the scope",
        Mapping = "mapping": "left out by the mapping",
        UnmappedValue = "unmapped_value": "the mapping has no target value for it",
        Demanded = "demanded": "the target requires a value that the record does not have",
        Expression = "expression": "an expression failed on this record",
        Duplicate = "duplicate": "another record of the source is migrated in its place",
        RepeatedId = "repeated_id": "several rows of the source have its id and differ",
        // states in the source
        Merged = "merged": "merged into another record, which contains its messages",
        Deleted = "deleted": "deleted in the source",
        Spam = "spam": "spam in the source",
        Suspended = "suspended": "suspended in the source: not migrated as a ticket",
        Unsupported = "unsupported": "the target does not support this kind of record",
        // files
        FileUnreadable = "file_unreadable": "a file could not be read from the source",
        // this machine
        Disk = "disk": "a file could not be written on this machine",
        Config = "config": "a file of the project is wrong",
        BadExport = "bad_export": "a row or a file of the export cannot be read",
        Manifest = "manifest": "a connector's manifest is wrong",
        Refused = "refused": "a check failed, so the command stopped",
        Interrupted = "interrupted": "stopped before it was done",
        TooManyFailures = "too_many_failures": "stopped by --max-failures",
        Internal = "internal": "a defect in Deskferry",
    }
}

closed_list! {
    /// What a pair of platforms cannot migrate of a record that is migrated otherwise.
    Loss {
        Date = "date_in_header": "the target cannot store this date: written in the first line of the message",
        Author = "author_in_header": "shown as the API user; the real author is named in the first line of the message",
        PrivateMessage = "private_message_kept": "the target does not support private messages: saved on this machine",
        PrivateFile = "private_file_kept": "a file of a private message that the target would show to everyone: saved on this machine and named in the message",
        FileKept = "file_kept": "a file the target does not accept: saved on this machine and named in the message",
        FileZipped = "file_zipped": "a file too large for the target: packed into a zip file",
        FileSkipped = "file_skipped": "a file the target does not accept: left out by the mapping",
        FileName = "file_name": "a file name the target does not allow: stored under a changed name",
        FileUnreadable = "file_unreadable": "a file that could not be read from the source, in two runs: named in the message",
        FileGone = "file_gone": "a file the source lists but can no longer deliver",
        FileUnlike = "file_unlike_its_name": "the content of a file does not match its name, also after a second download: stored unchanged",
        FileLate = "file_added_later": "a file that could not be read, or was not listed, when its message was written: added in a message of its own",
        InlineImage = "inline_image_attached": "an inline image the target cannot show in the text: attached",
        ImageGone = "inline_image_gone": "an inline image the source can no longer deliver",
        Cc = "cc_in_note": "the target cannot store these people in copy: named in the message",
        CcDropped = "cc_dropped": "people in copy that the target did not accept",
        Tag = "tag_dropped": "the target does not support tags",
        TagCut = "tag_cut": "a tag too long for the target: shortened",
        Field = "field_dropped": "a custom field the target does not have",
        Value = "value_dropped": "a value the target does not have",
        Assignee = "assignee_dropped": "the assignee is not in the target",
        AssigneeReplaced = "assignee_replaced": "the target requires an assignee for solved or closed tickets: another person was used",
        Group = "group_default": "the group is not in the target: the default group was used",
        LinkType = "link_type": "the target does not have this type of link: stored as a plain link",
        Link = "link_dropped": "a link the target cannot store",
        Markup = "markup_simplified": "formatting the target cannot show",
        Silenced = "notifications_off": "notifications are off for the people of an open ticket: switch them on again in the target",
        Due = "due_date_dropped": "the target does not accept the due date",
        Company = "company_dropped": "the company of a ticket whose requester does not belong to it",
        Solved = "solved_date_dropped": "the target sets the solved date itself",
        Requester = "requester_replaced": "the requester is not in the target: another person was used",
        PersonValue = "person_value_dropped": "a name, address, phone number or other value of a person that differs or is missing in the target",
        AgentAsContact = "agent_as_contact": "an agent of the source is not an agent in the target: a contact is used as the requester of their tickets",
        Rating = "rating_dropped": "the target does not accept satisfaction ratings",
        Time = "time_dropped": "the target cannot store time entries",
        ConversationLog = "conversation_not_read": "messages of a chat that are only in its conversation log, which Deskferry does not read",
        LinkToSource = "link_to_source": "a link to a file of the source: it stops working when the source account is closed",
        NotListed = "messages_not_listed": "the source counts these messages but does not list them: left out, as set under [source]",
        NameLeftOut = "name_left_out": "a name from a list that the source does not show: left out, as set under [source]",
        Redacted = "redacted": "removed from the text by a rule of the mapping",
        // the knowledge base
        ArticleDate = "article_date_dropped": "the target sets the date of an article itself",
        ArticleAuthor = "article_author_replaced": "the author of an article is not an agent in the target: shown as the API user",
        ArticleLink = "article_link_kept": "a link to an article that is not in the target: it still points to the source",
        Audience = "audience_narrowed": "the target does not support this audience: fewer people can read it",
        AudienceFolder = "audience_folder": "the target cannot restrict a single article: placed in a separate section",
        Language = "language_dropped": "a translation into a language that is switched off in the target",
        MainLanguage = "language_replaced": "the language is switched off in the target: stored as the main language",
        Position = "position_dropped": "the target does not accept the position in the list",
        Promoted = "promoted_dropped": "the target has no \"promoted\" flag",
        Renamed = "renamed": "name already taken in the target: a number was added",
        TitleCut = "title_cut": "a title, subject or name too long for the target: shortened",
        Flattened = "section_flattened": "the target does not support nested sections: placed at the same level",
    }
}

/// One thing that went wrong: grouped by [`Reason`], explained to a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{what}")]
pub struct Problem {
    pub reason: Reason,
    /// What failed, in one line without a full stop. Never holds a secret or a message body.
    pub what: String,
    /// The lines of the file that is wrong, with a caret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whom a refusal is about, as far as its words tell. Not kept.
    #[serde(skip)]
    pub about: About,
    /// Whether the answer has not the form of the platform's own: somebody between may have given it. Not kept.
    #[serde(skip)]
    pub foreign: bool,
}

/// Whom a refusal is about, as far as its words tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum About {
    /// The record: the refusal names a field, or its status says so; or it is no refusal at all.
    #[default]
    Record,
    /// Nobody in particular: it may be the account that is refused.
    Nobody,
}

impl Problem {
    pub fn new(reason: Reason, what: impl Into<String>) -> Self {
        Self { reason, what: what.into(), excerpt: None, hint: None, about: About::default(), foreign: false }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub fn excerpt(mut self, lines: impl Into<String>) -> Self {
        self.excerpt = Some(lines.into());
        self
    }

    /// Puts `place: ` before what failed: the record, the file, the step.
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.what = format!("{place}: {}", self.what);
        self
    }
}

pub type Result<T, E = Problem> = std::result::Result<T, E>;

impl From<std::io::Error> for Problem {
    fn from(e: std::io::Error) -> Self {
        use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let problem = Problem::new(Reason::Disk, e.to_string());
        match e.kind() {
            StorageFull | QuotaExceeded => {
                problem.hint("free some space and run the same command again: nothing is lost")
            }
            ReadOnlyFilesystem | PermissionDenied => problem.hint("the project folder must be writable by you"),
            _ => problem,
        }
    }
}
