//! What each column of a table is, by its header: as `columns.toml` says, else by name. What a name alone says is never enough to
//! leave a record out, or to show a message to more people.

use super::cells::Cells;
use super::columns::{self, Columns, Many};
use super::faults::list;
use super::fields::{self, ATTACHMENT, COMMENT, Cell, FILES, MESSAGES, NOTES, Of};
use super::header_words::{self, also, spoken};
use crate::error::{Problem, Reason};
use crate::mapping::label;

/// What one column of a table is.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    Field {
        name: &'static str,
        cell: Cell,
        /// Its name alone says so: where a cell holds another thing, the column is a custom field.
        guess: bool,
    },
    Custom {
        key: String,
    },
    /// Without a header, in a table that has no custom fields: nothing may stand in it.
    Unnamed,
    Ignored,
}

/// The columns of one file or sheet. A column may be several things.
#[derive(Clone, Debug, Default)]
pub struct Bound {
    pub columns: Vec<Vec<Column>>,
    /// As people call them: the header, or the place of a column that has none.
    pub names: Vec<String>,
}

/// One thing a row says, and the columns that say it together.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    pub what: Column,
    pub columns: Vec<usize>,
}

impl Bound {
    /// The column of a field.
    pub fn of(&self, field: &str) -> Option<usize> {
        self.columns.iter().position(|here| here.iter().any(|column| is(column, field)))
    }

    /// As it is called in messages.
    pub fn name_of(&self, field: &str) -> String {
        self.of(field).map_or_else(|| field.to_owned(), |at| self.names[at].clone())
    }

    /// What a row says, each with all of its columns, in the order of the first.
    pub fn slots(&self) -> Vec<Slot> {
        let mut slots: Vec<Slot> = Vec::new();
        for (at, here) in self.columns.iter().enumerate() {
            for what in here.iter().filter(|what| **what != Column::Ignored) {
                match slots.iter_mut().find(|slot| slot.what == *what && *what != Column::Unnamed) {
                    Some(slot) => slot.columns.push(at),
                    None => slots.push(Slot { what: what.clone(), columns: vec![at] }),
                }
            }
        }
        slots
    }

    /// Whether a row says the headers again, with or without the mark of a file that was joined.
    pub fn repeated_by(&self, cells: &Cells) -> bool {
        let says = |at: usize| match cells.text(at).unwrap_or_default().trim_start_matches('\u{feff}').trim() {
            "" => by_place(at),
            text => text.to_owned(),
        };
        let first = self.names.first().is_some_and(|name| says(0) == *name);
        first && self.names.len() > 1 && (1..self.names.len()).all(|at| says(at) == self.names[at])
    }

    /// Makes a column that was taken for a field a custom one.
    pub fn make_custom(&mut self, at: usize) {
        let key = self.names[at].clone();
        for column in &mut self.columns[at] {
            if matches!(column, Column::Field { guess: true, .. }) {
                *column = Column::Custom { key: key.clone() };
            }
        }
    }
}

pub fn is(column: &Column, field: &str) -> bool {
    matches!(column, Column::Field { name, .. } if *name == field)
}

/// Whether a word of `columns.toml` is this column: its header, or `column 5`.
fn names(word: &str, name: &str, at: usize) -> bool {
    label::same(word, name) || label::same(word, &by_place(at))
}

fn by_place(at: usize) -> String {
    format!("column {}", at + 1)
}

/// How much a row looks like the headers of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Looks {
    Unlike,
    /// So many of its cells are named by `columns.toml` or like a field.
    Partly(usize),
    /// It has all that `columns.toml` names, or else what says who or what a row is.
    Right,
}

/// Longest text that is a header, in bytes: others are not looked at letter by letter for each word.
const LONGEST: usize = 1024;

pub fn looks(table: &str, said: &Columns, cells: &[String]) -> Looks {
    let headers: Vec<&String> = cells.iter().filter(|cell| cell.len() <= LONGEST).collect();
    let rules = said.table(table);
    let many = rules.columns.values().chain(rules.custom.values()).flat_map(|many| &many.0);
    let named: Vec<&String> = many.filter(|word| !label::key(word).starts_with("column ")).collect();
    let there = |word: &str| headers.iter().any(|header| label::same(header, word));
    let found = named.iter().filter(|word| there(word)).count();
    if !named.is_empty() && found == named.len() {
        return Looks::Right;
    }
    let means = |header: &String, field: &str| {
        *header == header_words::spoken(field) || also(table).any(|(word, meant)| word == header && *meant == field)
    };
    let keys = key_fields(table);
    let spoken: Vec<String> = headers.iter().map(|header| spoken(header)).collect();
    if named.is_empty() && spoken.iter().any(|header| keys.iter().any(|key| means(header, key))) {
        return Looks::Right;
    }
    let known = known(table);
    let like = spoken.iter().filter(|header| known.iter().any(|(field, _)| means(header, field))).count();
    if found + like > 0 { Looks::Partly(found + like) } else { Looks::Unlike }
}

/// The fields of which a table needs one, so that its rows can be told apart.
pub fn key_fields(table: &str) -> &'static [&'static str] {
    match table {
        COMMENT | ATTACHMENT => &["ticket"],
        "agent" | "contact" => &["id", "emails", "login", "name", "phones"],
        "group" | "company" => &["id", "name"],
        "field" => &["id", "key"],
        "ticket" => &["id", "number"],
        _ => &["id"],
    }
}

/// What each column is. All that is wrong is told at once.
pub fn bind(table: &str, said: &Columns, headers: &[String]) -> (Bound, Vec<Problem>) {
    let mut binder = Binder { table, said, known: known(table), headers, wrong: vec![] };
    let names = binder.names();
    let mut columns: Vec<Vec<Column>> = names.iter().enumerate().map(|(at, name)| binder.said(name, at)).collect();
    binder.missing(&names);
    binder.by_name(&mut columns);
    binder.rest(&mut columns, &names);
    let bound = Bound { columns, names };
    binder.twice(&bound);
    (bound, binder.wrong)
}

fn known(table: &str) -> Vec<(&'static str, Cell)> {
    fields::of(table).into_iter().chain(fields::by_hand(table).iter().copied()).collect()
}

struct Binder<'a> {
    table: &'a str,
    said: &'a Columns,
    known: Vec<(&'static str, Cell)>,
    headers: &'a [String],
    wrong: Vec<Problem>,
}

impl Binder<'_> {
    fn names(&self) -> Vec<String> {
        let name = |(at, header): (usize, &String)| match header.trim() {
            "" => by_place(at),
            header => header.to_owned(),
        };
        self.headers.iter().enumerate().map(name).collect()
    }

    /// What `columns.toml` says of a column.
    fn said(&self, name: &str, at: usize) -> Vec<Column> {
        let rules = self.said.table(self.table);
        let here = |many: &Many| many.0.iter().any(|word| names(word, name, at));
        let field = |(field, _): (&String, &Many)| {
            let (name, cell) = self.known.iter().find(|(known, _)| known == field)?;
            Some(Column::Field { name, cell: *cell, guess: false })
        };
        let fields = rules.columns.iter().filter(|(_, many)| here(many)).filter_map(field);
        let custom = rules.custom.iter().filter(|(_, many)| here(many));
        let mut columns: Vec<Column> =
            fields.chain(custom.map(|(key, _)| Column::Custom { key: key.clone() })).collect();
        if columns.is_empty() && rules.ignore.iter().any(|word| names(word, name, at)) {
            columns.push(Column::Ignored);
        }
        columns
    }

    /// Columns that are named and not there.
    fn missing(&mut self, there: &[String]) {
        let rules = self.said.table(self.table);
        let named = rules.columns.values().chain(rules.custom.values()).flat_map(|many| &many.0).chain(&rules.ignore);
        for word in named {
            if !there.iter().enumerate().any(|(at, name)| names(word, name, at)) {
                let hint = crate::project::spelling::hint(word, there.iter().map(String::as_str));
                let hint = hint.or_else(|| Some(format!("the columns are {}", list(there))));
                let what = format!("there is no column `{word}`, which `[{}]` of {} names", self.table, columns::FILE);
                self.wrong.push(Problem { hint, ..Problem::new(Reason::Config, what) });
            }
        }
    }

    /// Columns called like a field that nothing was said of; then those called by another word for it.
    fn by_name(&self, columns: &mut [Vec<Column>]) {
        let rules = &self.said.table(self.table).columns;
        for also_words in [false, true] {
            // A word for a field that has its column already is a column of its own, unless both are one list or one person.
            let taken: Vec<&str> = columns.iter().flatten().filter_map(single).collect();
            for (at, header) in self.headers.iter().enumerate().filter(|(_, header)| !header.trim().is_empty()) {
                if !columns[at].is_empty() {
                    continue;
                }
                let means = |field: &str| match also_words {
                    false => spoken(header) == spoken(field),
                    true => also(self.table).any(|(word, meant)| *word == spoken(header) && *meant == field),
                };
                let free = |field: &str| !(rules.contains_key(field) || also_words && taken.contains(&field));
                let found = self.known.iter().find(|(field, _)| means(field) && free(field));
                if let Some((name, cell)) =
                    found.filter(|(name, _)| !(self.table == "ticket" && [MESSAGES, NOTES, FILES].contains(name)))
                {
                    columns[at].push(Column::Field { name, cell: *cell, guess: self.is_guess(*cell) });
                }
            }
        }
    }

    /// Whether a column may as well be the export's own.
    fn is_guess(&self, cell: Cell) -> bool {
        let doubtful = matches!(cell, Cell::Word(_) | Cell::Json);
        doubtful && !self.said.is_ours() && self.holds_custom()
    }

    fn holds_custom(&self) -> bool {
        self.known.iter().any(|(field, _)| *field == "custom")
    }

    /// All other columns are custom fields where there are any.
    fn rest(&mut self, columns: &mut [Vec<Column>], names: &[String]) {
        for (at, here) in columns.iter_mut().enumerate().filter(|(_, here)| here.is_empty()) {
            let name = &names[at];
            here.push(match self.headers[at].trim() {
                _ if self.holds_custom() => Column::Custom { key: name.clone() },
                "" => Column::Unnamed,
                _ => {
                    let hint = format!(
                        "name its field under `[{0}.columns]` in {1}, or list it in `ignore` of `[{0}]`",
                        self.table,
                        columns::FILE
                    );
                    let what = format!("column `{name}`: a {} has no such field", self.table);
                    self.wrong.push(Problem::new(Reason::Config, what).hint(hint));
                    Column::Ignored
                }
            });
        }
    }

    /// Fields of one value that several columns say.
    fn twice(&mut self, bound: &Bound) {
        for (field, _) in &self.known {
            let here: Vec<String> = bound
                .columns
                .iter()
                .enumerate()
                .filter(|(_, columns)| columns.iter().any(|c| is(c, field) && single(c).is_some()))
                .map(|(at, _)| match self.headers[at].trim() {
                    "" => by_place(at),
                    header => format!("`{header}` (column {})", at + 1),
                })
                .collect();
            let joined = self.said.table(self.table).columns.get(*field).is_some_and(|many| many.0.len() >= here.len());
            if here.len() > 1 && !joined {
                let what = format!("{} both say `{field}` of a {}", here.join(" and "), self.table);
                self.wrong.push(Problem::new(Reason::Config, what).hint(format!(
                    "name the one that counts under `[{}.columns]` in {}: {field} = \"column N\"",
                    self.table,
                    columns::FILE
                )));
            }
        }
    }
}

/// The field of a column, where a record has one value of it.
fn single(column: &Column) -> Option<&'static str> {
    match column {
        Column::Field { name, cell, .. } if !cell.is_list() && !matches!(cell, Cell::Ref(Of::Person)) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[&str]) -> Vec<String> {
        of.iter().map(|h| (*h).to_owned()).collect()
    }

    fn bound(table: &str, toml: &str, of: &[&str]) -> Vec<Vec<Column>> {
        let (bound, wrong) = bind(table, &Columns::parse(toml).unwrap(), &headers(of));
        assert!(wrong.is_empty(), "{wrong:?}");
        bound.columns
    }

    fn wrong(table: &str, toml: &str, of: &[&str]) -> Vec<String> {
        let (_, wrong) = bind(table, &Columns::parse(toml).unwrap(), &headers(of));
        wrong.into_iter().map(|problem| problem.what).collect()
    }

    fn field(name: &'static str, cell: Cell) -> Vec<Column> {
        vec![Column::Field { name, cell, guess: false }]
    }

    fn custom(key: &str) -> Vec<Column> {
        vec![Column::Custom { key: key.into() }]
    }

    #[test]
    fn a_header_named_like_its_field_needs_no_mapping() {
        let found = bound("contact", "", &["ID", "E-Mail", "Created at", "Shoe size"]);
        let expected = [
            field("id", Cell::Text),
            field("emails", Cell::Emails),
            field("created_at", Cell::Time),
            custom("Shoe size"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_custom_field_is_called_what_the_file_calls_it() {
        let found = bound("ticket", "[ticket.custom]\n'Order Number' = 'Bestellnummer'\n", &["Bestellnummer"]);
        assert_eq!(found, [custom("Order Number")]);
    }

    #[test]
    fn one_column_may_be_two_fields_and_two_columns_one_list() {
        let found = bound("contact", "[contact.columns]\nid = 'Mail'\nemails = 'Mail'\n", &["Mail"]);
        assert_eq!(found, [[field("emails", Cell::Emails), field("id", Cell::Text)].concat()]);
        let found = bound("contact", "", &["Name", "Full name", "Work phone", "Mobile"]);
        let phones = field("phones", Cell::List);
        assert_eq!(found, [field("name", Cell::Text), custom("Full name"), phones.clone(), phones]);
        let found = bound("contact", "[contact.columns]\nname = ['First', 'Last']\n", &["First", "Last", "Name"]);
        assert_eq!(found, [field("name", Cell::Text), field("name", Cell::Text), custom("Name")]);
    }

    #[test]
    fn a_column_without_a_header_is_known_by_its_place() {
        let found = bound("ticket", "[ticket.columns]\nsubject = 'column 3'\n", &["id", "", ""]);
        assert_eq!(found, [field("id", Cell::Text), custom("column 2"), field("subject", Cell::Text)]);
        assert_eq!(bound("comment", "", &["ticket", " "])[1], [Column::Unnamed]);
    }

    #[test]
    fn columns_that_say_one_thing_twice_are_told_both() {
        let told = wrong("ticket", "", &["id", "Created at", "created_at"]);
        assert_eq!(told, ["`Created at` (column 2) and `created_at` (column 3) both say `created_at` of a ticket"]);
    }

    #[test]
    fn a_column_nobody_knows_is_told_where_it_would_be_lost() {
        assert_eq!(wrong("comment", "", &["ticket", "mood"]), ["column `mood`: a comment has no such field"]);
        assert_eq!(bound("comment", "[comment]\nignore = ['Mood']\n", &["mood"]), [vec![Column::Ignored]]);
        let columns = Columns::parse("[ticket.columns]\nsubject = 'Sbuject'\n").unwrap();
        let (_, told) = bind("ticket", &columns, &headers(&["Subject"]));
        assert_eq!(told[0].hint.as_deref(), Some("did you mean `Subject`?"));
    }

    #[test]
    fn no_name_alone_makes_messages_of_a_column() {
        let found = bound("ticket", "", &["id", "Notes", "Messages", "Comment"]);
        assert_eq!(found[1..], [custom("Notes"), custom("Messages"), custom("Comment")]);
    }

    #[test]
    fn the_row_of_headers_is_the_one_that_can_say_what_a_row_is() {
        let said = Columns::parse("[contact.columns]\nemails = 'Courriel'\nname = 'Nom'").unwrap();
        let look = |table: &str, said: &Columns, of: &[&str]| looks(table, said, &headers(of));
        assert_eq!(look("contact", &said, &["Report of May"]), Looks::Unlike);
        assert_eq!(look("contact", &said, &["Nom", "Couriel"]), Looks::Partly(1));
        assert_eq!(look("contact", &said, &["Nom", "courriel"]), Looks::Right);
        let plain = Columns::default();
        assert_eq!(look("ticket", &plain, &["Ticket ID"]), Looks::Right);
        assert_eq!(look("ticket", &plain, &["17", "Subject"]), Looks::Partly(1));
    }
}
