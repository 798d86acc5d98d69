//! What can go wrong, in words a report can group and an admin can act on.
//!
//! [`Reason`] is a closed list: every row that says why a record was skipped, failed or is in doubt
//! carries one of these codes, and `docs/interface.md` lists them. A [`Problem`] is one occurrence:
//! the reason, what failed, and a hint. Neither ever holds a secret or a message body.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A closed list of names, each with a code for files and a sentence for people.
#[macro_export]
macro_rules! closed_list {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal: $says:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        pub enum $name { $($(#[$doc])* #[serde(rename = $code)] $variant),+ }

        impl $name {
            /// Every member, in the order the documentation lists them.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The stable code used in files, reports and events.
            pub const fn code(self) -> &'static str {
                match self { $($name::$variant => $code),+ }
            }

            /// One sentence for people.
            pub const fn says(self) -> &'static str {
                match self { $($name::$variant => $says),+ }
            }

            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|r| r.code() == code)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.code()) }
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
        BadAnswer = "bad_answer": "the platform answered something the connector does not understand",
        // the target refused
        Invalid = "invalid": "the target refused the record",
        Conflict = "conflict": "the target holds another record in this place",
        TooLarge = "too_large": "the target refused the size",
        NotStored = "not_stored": "the target answered yes and did not store what was sent",
        Differs = "differs": "the target holds something else than was written, and nothing was sent now",
        // doubt
        InDoubt = "in_doubt": "the record may or may not have been written",
        Ambiguous = "ambiguous": "several target records look like this one",
        // references
        Unresolved = "unresolved": "a record it refers to is not in the target",
        MissingPerson = "missing_person": "a person it needs is not in the target",
        NoEmail = "no_email": "the target needs an e-mail address and the person has none",
        ListRefused = "list_refused": "the source does not show the list in which a name of the record stands",
        NotListed = "not_listed": "the source counts messages of the record that it does not list",
        // the user's rules
        Scope = "scope": "left out by the scope",
        Mapping = "mapping": "left out by the mapping",
        UnmappedValue = "unmapped_value": "the mapping has no target value for it",
        Demanded = "demanded": "the target demands a value that the record does not have",
        Expression = "expression": "an expression failed on this record",
        Duplicate = "duplicate": "another record of the source stands for it",
        RepeatedId = "repeated_id": "several rows of the source have its id and differ",
        // states in the source
        Merged = "merged": "merged into another record, which carries its messages",
        Deleted = "deleted": "deleted in the source",
        Spam = "spam": "spam in the source",
        Suspended = "suspended": "suspended in the source: not taken for a ticket",
        Unsupported = "unsupported": "the target has no place for this kind",
        // files
        FileUnreadable = "file_unreadable": "a file could not be read from the source",
        // this machine
        Disk = "disk": "a file could not be written on this machine",
        Config = "config": "a file of the project is wrong",
        BadExport = "bad_export": "a row or a file of the export cannot be read as it stands",
        Manifest = "manifest": "a connector's manifest is wrong",
        Refused = "refused": "a check forbids to go on",
        Interrupted = "interrupted": "stopped before it was done",
        TooManyFailures = "too_many_failures": "stopped by --max-failures",
        Internal = "internal": "a defect in Deskferry",
    }
}

closed_list! {
    /// What a pair of platforms cannot carry of a record that is carried otherwise.
    Loss {
        Date = "date_in_header": "the target cannot hold the date: written as a header line",
        Author = "author_in_header": "the author cannot write in the target: written by the API user with a header line",
        PrivateMessage = "private_message_kept": "a private message, and the target has none: kept on this machine",
        PrivateFile = "private_file_kept": "a file of a private message that the target would show to everyone: kept on this machine and named in the message",
        FileKept = "file_kept": "a file the target does not take: kept on this machine and named in the message",
        FileZipped = "file_zipped": "a file too large for the target: packed into a zip file",
        FileSkipped = "file_skipped": "a file the target does not take: left out by the mapping",
        FileName = "file_name": "a file name the target cannot hold: stored under a safe name",
        FileUnreadable = "file_unreadable": "a file that could not be read from the source, in two runs: named in the message",
        FileGone = "file_gone": "a file the source lists and no longer serves",
        FileUnlike = "file_unlike_its_name": "a file that does not look like its name, and came the same twice: stored as it came",
        FileLate = "file_added_later": "a file that could not be read, or was not listed, when its message was written: added in a message of its own",
        InlineImage = "inline_image_attached": "an inline image the body cannot show in place: attached",
        ImageGone = "inline_image_gone": "an inline image the source no longer serves",
        Cc = "cc_in_note": "people in copy that the target cannot hold: named in the message",
        CcDropped = "cc_dropped": "people in copy that the target did not take",
        Tag = "tag_dropped": "a tag, and the target has no tags",
        TagCut = "tag_cut": "a tag longer than the target takes: cut",
        Field = "field_dropped": "a custom field the target does not have",
        Value = "value_dropped": "a value the target does not have",
        Assignee = "assignee_dropped": "the assignee is not in the target",
        AssigneeReplaced = "assignee_replaced": "a settled ticket needs an assignee in the target: another person stands for them",
        Group = "group_default": "the group is not in the target: the default one was used",
        LinkType = "link_type": "a kind of link the target does not have: written as a plain relation",
        Link = "link_dropped": "a link the target cannot hold",
        Markup = "markup_simplified": "formatting the target cannot show",
        Silenced = "notifications_off": "the people of an open ticket get no mail about it until that is switched on again in the target",
        Due = "due_date_dropped": "the time it is due, which the target does not take",
        Company = "company_dropped": "the company of a ticket whose requester does not belong to it",
        Solved = "solved_date_dropped": "the time it was solved, which the target sets itself",
        Requester = "requester_replaced": "the requester is not in the target: another person stands for them",
        PersonValue = "person_value_dropped": "a name, address, phone or other value of a person, which the one who stands for them in the target does not have",
        AgentAsContact = "agent_as_contact": "an agent of the source whom the target does not have: a contact there, who stands as the requester of their tickets",
        Rating = "rating_dropped": "how satisfied the requester was, which the target does not take",
        Time = "time_dropped": "time that was spent on a ticket, which the target has no place for",
        ConversationLog = "conversation_not_read": "messages of a chat that stand only in its conversation log, which is not read",
        LinkToSource = "link_to_source": "a link to a file of the source: it ends with the source's account",
        NotListed = "messages_not_listed": "messages that the source counts and does not list: left out, as [source] says",
        NameLeftOut = "name_left_out": "a name from a list that the source does not show: left out, as [source] says",
        Redacted = "redacted": "taken out of the text, as the mapping says",
        // the knowledge base
        ArticleDate = "article_date_dropped": "when an article was written, which the target sets itself",
        ArticleAuthor = "article_author_replaced": "the author of an article is no agent of the target: the API user stands for them",
        ArticleLink = "article_link_kept": "a link to an article that is not in the target: it still leads to the source",
        Audience = "audience_narrowed": "an audience the target does not know: shown to fewer people",
        AudienceFolder = "audience_folder": "the target knows no audience of single articles: placed in a section of its own",
        Language = "language_dropped": "a translation into a language that is switched off in the target",
        MainLanguage = "language_replaced": "written in a language that is switched off in the target, and stored as its main one",
        Position = "position_dropped": "the place in its list, which the target does not take",
        Promoted = "promoted_dropped": "an article that is promoted, which the target does not know",
        Renamed = "renamed": "a name that another record of the target has: numbered",
        TitleCut = "title_cut": "a title, subject or name longer than the target takes: cut",
        Flattened = "section_flattened": "a section within a section that the target does not nest: placed beside it",
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
