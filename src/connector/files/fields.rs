//! The fields of every table of a folder, and what a cell of each holds.

use crate::record::Kind;

/// What a cell holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    Text,
    List,
    Time,
    Flag,
    Whole,
    Json,
    /// A record of another table, and several.
    Ref(Of),
    Refs(Of),
    /// E-mail addresses.
    Emails,
    /// One of a few words.
    Word(Words),
    /// Who may read a message.
    Readers(Says),
    /// A message with its date and author in one cell: `date;author;text`.
    Journal,
}

impl Cell {
    /// Whether several columns, or several values of one, are one list.
    pub fn is_list(self) -> bool {
        matches!(self, Cell::List | Cell::Refs(_) | Cell::Emails | Cell::Journal)
    }
}

/// What a reference is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Of {
    Person,
    Group,
    Company,
}

/// The words a cell may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    Category,
    State,
    Direction,
    Format,
    Audience,
    Scope,
    FieldType,
}

/// How a column says who may read a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// In words: `public`, `internal`.
    Word,
    /// Yes: only agents.
    Private,
    /// Yes: everyone.
    Public,
}

/// The tables that are no kind of their own: rows of a ticket.
pub const COMMENT: &str = "comment";
pub const ATTACHMENT: &str = "attachment";
/// All tables of a folder.
pub const TABLES: [&str; 11] =
    ["group", "agent", "company", "field", "contact", "ticket", "category", "section", "article", COMMENT, ATTACHMENT];
/// Column of a ticket that holds its first message.
pub const DESCRIPTION: &str = "description";
/// Columns of a ticket with a message a cell: for everyone, and for agents.
pub const MESSAGES: &str = "messages";
pub const NOTES: &str = "notes";
/// Column of a ticket that names files of its first message.
pub const FILES: &str = "attachments";

const HEAD: &[(&str, Cell)] = &[
    ("id", Cell::Text),
    ("number", Cell::Text),
    ("url", Cell::Text),
    ("created_at", Cell::Time),
    ("updated_at", Cell::Time),
    ("state", Cell::Word(Words::State)),
];
const GROUP: &[(&str, Cell)] = &[("name", Cell::Text), ("description", Cell::Text)];
const PERSON: &[(&str, Cell)] = &[
    ("name", Cell::Text),
    ("login", Cell::Text),
    ("emails", Cell::Emails),
    ("phones", Cell::List),
    ("locale", Cell::Text),
    ("time_zone", Cell::Text),
    ("role", Cell::Text),
    ("active", Cell::Flag),
    ("companies", Cell::Refs(Of::Company)),
    ("groups", Cell::Refs(Of::Group)),
    ("tags", Cell::List),
    ("custom", Cell::Json),
];
const COMPANY: &[(&str, Cell)] = &[("name", Cell::Text), ("domains", Cell::List), ("custom", Cell::Json)];
const FIELD: &[(&str, Cell)] = &[
    ("scope", Cell::Word(Words::Scope)),
    ("key", Cell::Text),
    ("title", Cell::Text),
    ("type", Cell::Word(Words::FieldType)),
    ("required", Cell::Flag),
    ("options", Cell::Json),
];
const TICKET: &[(&str, Cell)] = &[
    ("subject", Cell::Text),
    ("status", Cell::Text),
    ("category", Cell::Word(Words::Category)),
    ("priority", Cell::Text),
    ("type", Cell::Text),
    ("channel", Cell::Text),
    ("requester", Cell::Ref(Of::Person)),
    ("submitter", Cell::Ref(Of::Person)),
    ("assignee", Cell::Ref(Of::Person)),
    ("group", Cell::Ref(Of::Group)),
    ("company", Cell::Ref(Of::Company)),
    ("brand", Cell::Text),
    ("requesters", Cell::Refs(Of::Person)),
    ("ccs", Cell::Refs(Of::Person)),
    ("followers", Cell::Refs(Of::Person)),
    ("tags", Cell::List),
    ("custom", Cell::Json),
    ("links", Cell::Json),
    ("due_at", Cell::Time),
    ("solved_at", Cell::Time),
    ("closed_at", Cell::Time),
    ("satisfaction", Cell::Json),
    ("time_entries", Cell::Json),
];
const CATEGORY: &[(&str, Cell)] = &[
    ("name", Cell::Text),
    ("description", Cell::Text),
    ("locale", Cell::Text),
    ("position", Cell::Whole),
    ("translations", Cell::Json),
];
const SECTION: &[(&str, Cell)] = &[
    ("name", Cell::Text),
    ("description", Cell::Text),
    ("locale", Cell::Text),
    ("category", Cell::Text),
    ("parent", Cell::Text),
    ("position", Cell::Whole),
    ("audience", Cell::Word(Words::Audience)),
    ("segment", Cell::Text),
    ("translations", Cell::Json),
];
const ARTICLE: &[(&str, Cell)] = &[
    ("title", Cell::Text),
    ("format", Cell::Word(Words::Format)),
    ("body", Cell::Text),
    ("locale", Cell::Text),
    ("section", Cell::Text),
    ("author", Cell::Ref(Of::Person)),
    ("draft", Cell::Flag),
    ("audience", Cell::Word(Words::Audience)),
    ("segment", Cell::Text),
    ("position", Cell::Whole),
    ("promoted", Cell::Flag),
    ("tags", Cell::List),
    ("translations", Cell::Json),
    ("attachments", Cell::Json),
];
const MESSAGE: &[(&str, Cell)] = &[
    ("ticket", Cell::Text),
    ("id", Cell::Text),
    ("author", Cell::Ref(Of::Person)),
    ("visibility", Cell::Readers(Says::Word)),
    ("direction", Cell::Word(Words::Direction)),
    ("format", Cell::Word(Words::Format)),
    ("body", Cell::Text),
    ("channel", Cell::Text),
    ("created_at", Cell::Time),
    ("message_id", Cell::Text),
    ("to", Cell::Refs(Of::Person)),
    ("cc", Cell::Refs(Of::Person)),
];
const FILE_ROW: &[(&str, Cell)] = &[
    ("ticket", Cell::Text),
    ("comment", Cell::Text),
    ("id", Cell::Text),
    ("name", Cell::Text),
    ("mime", Cell::Text),
    ("size", Cell::Whole),
    ("source", Cell::Text),
    ("hash", Cell::Text),
    ("inline", Cell::Flag),
    ("content_id", Cell::Text),
];

/// The fields of a table's rows, in the order in which they are written.
pub fn of(table: &str) -> Vec<(&'static str, Cell)> {
    let own = match table {
        COMMENT => return MESSAGE.to_vec(),
        ATTACHMENT => return FILE_ROW.to_vec(),
        "group" => GROUP,
        "agent" | "contact" => PERSON,
        "company" => COMPANY,
        "field" => FIELD,
        "category" => CATEGORY,
        "section" => SECTION,
        "article" => ARTICLE,
        _ => TICKET,
    };
    [HEAD, own].concat()
}

/// Fields that only a table written by hand has.
pub fn by_hand(table: &str) -> &'static [(&'static str, Cell)] {
    match table {
        "ticket" => {
            &[(DESCRIPTION, Cell::Text), (MESSAGES, Cell::Journal), (NOTES, Cell::Journal), (FILES, Cell::Text)]
        }
        COMMENT => &[("private", Cell::Readers(Says::Private)), ("public", Cell::Readers(Says::Public))],
        _ => &[],
    }
}

/// The fields by which a row without an id is known, the first that is there.
pub fn stand_ins(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Agent | Kind::Contact => &["emails", "login", "name", "phones"],
        Kind::Group | Kind::Company => &["name"],
        Kind::Ticket => &["number"],
        Kind::Field => &["key"],
        _ => &[],
    }
}
