//! Takes the [`Census`] of a folder of tables: each table is read once, people first, then what its rows have to do with one another.

mod attached;
mod people;

use super::books::Books;
use super::cells::Spot;
use super::census::{Census, Find};
use super::children;
use super::columns::Columns;
use super::emptiness;
use super::faults::{Fault, many};
use super::fields::{ATTACHMENT, COMMENT, Of, TABLES};
use super::footer::{self, Ending};
use super::layout::Layout;
use super::marks::Marks;
use super::named::{self, Named};
use super::register::Register;
use super::remarks;
use super::repeats::Repeats;
use super::rows;
use super::same_address;
use super::table::{Row, Seen, Table};
use super::tables::Tables;
use super::values::Wrong;
use super::{Place, sound};
use crate::error::{Problem, Reason, Result};
use crate::record::{Kind, State, address_key};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What is told of one table that cannot be trusted: so many places.
const DAMAGES: usize = 20;

/// Reads all tables of a folder.
///
/// Errors: `config`, where the folder cannot be read at all; `disk`.
pub fn census(place: &Place, said: &Columns, find: Find) -> Result<Census> {
    let mut tables = Tables::of(place, said)?;
    let mut taker = Taker::new(&place.folder, said, std::mem::take(&mut tables.layouts));
    taker.census.wrong.append(&mut tables.wrong);
    taker.census.unread = std::mem::take(&mut tables.unread);
    taker.census.copies = Some(tables);
    taker.take(find)
}

struct Taker<'a> {
    said: &'a Columns,
    census: Census,
    register: Register,
    /// Ids of tickets.
    tickets: Marks,
    /// What agents are known by.
    agents: Marks,
    /// The first address of each contact.
    addresses: Marks,
    books: Books,
    /// Columns that were found to name files, and are no field.
    unattached: BTreeSet<String>,
}

impl<'a> Taker<'a> {
    fn new(folder: &'a Path, said: &'a Columns, tables: BTreeMap<&'static str, Layout>) -> Taker<'a> {
        let census = Census { tables, ..Census::empty(folder) };
        let register = if said.is_ours() { Register::of_ids() } else { Register::default() };
        Taker {
            said,
            census,
            register,
            tickets: Marks::default(),
            agents: Marks::default(),
            addresses: Marks::default(),
            books: Books::default(),
            unattached: BTreeSet::new(),
        }
    }

    /// People, groups and companies first, so that it is known whom tickets name.
    fn take(mut self, find: Find) -> Result<Census> {
        debug_assert_eq!(TABLES[..2], ["group", "agent"]);
        for table in [
            "group", "company", "agent", "contact", "ticket", COMMENT, ATTACHMENT, "field", "category", "section",
            "article",
        ] {
            self.table(table, find)?;
        }
        if find == Find::Made {
            self.books.faults().iter().for_each(|fault| self.census.faults.take(std::slice::from_ref(fault)));
        }
        self.join()?;
        if self.register.asks_for_names() {
            self.look_for_names()?;
        }
        let tables: BTreeSet<Of> = self.census.tables.keys().filter_map(|table| named::of_table(table)).collect();
        let mut found = std::mem::take(&mut self.register).named(|of| tables.contains(&of));
        if !found.unclear.is_empty() {
            self.unclear(&found)?;
        }
        if find == Find::Named {
            (found.people, found.groups, found.companies) = Default::default();
        }
        for (of, names) in &found.unknown {
            self.census.notes.extend(unknown(*of, names));
        }
        for (of, names) in &found.shared {
            self.census.notes.extend(shared(*of, names));
        }
        self.census.named = found;
        self.census.wrong.extend(emptiness::wordless(&self.census));
        Ok(self.census)
    }

    /// Reads all of one table.
    fn table(&mut self, name: &'static str, find: Find) -> Result<()> {
        let Some(layout) = self.census.tables.remove(name) else { return Ok(()) };
        let kind = Kind::from_code(name);
        let mut table = Table::open(&layout)?;
        let (mut marks, mut count, mut left_out, mut damages) = (Marks::default(), 0, BTreeMap::new(), 0);
        let mut ending = Ending::default();
        while let Some(mut row) = table.next()? {
            count += 1;
            if let Some(damage) = &row.damage {
                damages += 1;
                if damages <= DAMAGES {
                    self.census.wrong.push(damage.problem());
                }
                continue;
            }
            match kind {
                Some(Kind::Comment | Kind::Attachment) | None => self.child(name, &mut row, &table, &mut marks),
                Some(kind) => {
                    leaves_out(&layout, &row, &mut left_out);
                    self.record((name, kind), find, &mut row, &table, &mut marks)?;
                }
            }
            if let Some(id) = row.fields.get("id").and_then(Value::as_str) {
                ending.take(id, &row);
            }
            self.census.faults.take(&row.faults);
        }
        if !self.said.is_ours() && self.said.table(name).footer.is_none() {
            self.footers(name, ending, &table);
        }
        if damages > DAMAGES {
            let what = format!("{}: {} more rows like these", layout.parts[0].origin.shown, damages - DAMAGES);
            self.census.wrong.push(Problem::new(Reason::BadExport, what));
        }
        marks.sort();
        let seen = std::mem::take(&mut table.seen);
        drop(table);
        let layout = self.settled(layout, seen, left_out);
        self.place(name, kind, &layout, marks)?;
        self.census.counts.insert(name, count);
        self.census.tables.insert(name, layout);
        Ok(())
    }

    /// Rows at the end of a table that look like none of it.
    fn footers(&mut self, name: &'static str, ending: Ending, table: &Table<'_>) {
        for (spot, id) in ending.footers() {
            let column = table.layout.parts[spot.part as usize].bound.name_of("id");
            let fault = footer::fault(table.place(spot, Some(&column)), name, &id);
            self.census.faults.take(std::slice::from_ref(&fault));
            self.census.footers.entry(name).or_default().insert(spot, fault);
        }
    }

    /// A row of a kind.
    fn record(
        &mut self,
        (name, kind): (&'static str, Kind),
        find: Find,
        row: &mut Row,
        table: &Table<'_>,
        marks: &mut Marks,
    ) -> Result<()> {
        let Some(known) = rows::known(kind, &row.fields) else {
            if row.faults.is_empty() {
                row.faults.push(rows::nameless(kind, table.place(row.spot, None)));
            }
            return Ok(());
        };
        marks.push(&known.key, row.spot);
        if kind == Kind::Ticket {
            self.tickets.push(&known.id, row.spot);
        }
        if kind == Kind::Contact
            && row.faults.is_empty()
            && let Some(address) = same_address::address(row.fields.get("emails"))
        {
            self.addresses.push(&address_key(address), row.spot);
        }
        if let Some(of) = named::of_table(name) {
            // Of a row that cannot be read the id is taken, and what else would be known of it is still to be had.
            if row.faults.is_empty() {
                self.register.add(of, &known.id, &row.fields);
            } else if !known.is_free() {
                self.register.add(of, &known.id, &Map::new());
            }
        }
        let broken = self.register.mention(name, &row.fields);
        row.faults.extend(broken.into_iter().map(|(field, text)| table.named(row.spot, field, Wrong::address(&text))));
        if kind == Kind::Ticket {
            self.own_files(row, table);
        }
        if row.faults.is_empty() {
            let mut fields = row.fields.clone();
            fields.insert("id".into(), known.id.into());
            children::strip(&mut fields);
            match rows::record(kind, fields) {
                Ok(record) => {
                    let place = table.place(row.spot, None);
                    let (faults, missing) = sound::of_record(&self.census.folder, &record, &place);
                    row.faults.extend(faults);
                    self.census.missing.take(&missing);
                    let bound = &table.layout.parts[row.spot.part as usize].bound;
                    let at = |field: &str| table.place(row.spot, Some(&bound.name_of(field)));
                    let lost = self.books.take(&record, at).filter(|_| find == Find::Made);
                    row.faults.extend(lost);
                }
                Err(what) => {
                    let hint = "docs/files.md lists the fields of each table and how they are written".into();
                    row.faults.push(Fault { place: table.place(row.spot, None), what, hint });
                }
            }
        }
        Ok(())
    }

    /// A row of a ticket.
    fn child(&mut self, name: &'static str, row: &mut Row, table: &Table<'_>, marks: &mut Marks) {
        let broken = self.register.mention(name, &row.fields);
        row.faults.extend(broken.into_iter().map(|(field, text)| table.named(row.spot, field, Wrong::address(&text))));
        if let Some(ticket) = row.fields.get("ticket").and_then(Value::as_str) {
            marks.push(ticket, row.spot);
        }
        if row.faults.is_empty() {
            let complaint = children::complaint(name, &row.fields, self.said, &self.census.folder);
            let of_row = complaint.map(|(field, what, hint)| table.fault(row.spot, field, what, hint));
            match of_row {
                Some(fault) => row.faults.push(fault),
                None if name == ATTACHMENT => self.files_of(row, table),
                None => {}
            }
        }
        if !row.fields.contains_key("ticket") {
            self.census.of_no_ticket.push(row.faults.clone());
        }
    }

    /// Takes in where the rows of a table stand.
    fn place(&mut self, name: &'static str, kind: Option<Kind>, layout: &Layout, marks: Marks) -> Result<()> {
        match (name, kind) {
            (COMMENT, _) => self.census.children.comments = marks,
            (ATTACHMENT, _) => self.census.children.files = marks,
            (_, Some(kind)) => {
                if kind == Kind::Ticket {
                    self.tickets.sort();
                }
                self.register.sort();
                let mut table = Table::open(layout)?;
                let mut repeats = Repeats::of(kind, &marks, &mut table)?;
                if kind == Kind::Contact {
                    self.twins(&marks, &mut table, &mut repeats)?;
                    self.same_addresses(&mut table)?;
                } else if kind == Kind::Agent {
                    self.agents = marks;
                }
                let mut refused: Vec<(&Spot, &Spot)> = repeats.refused.iter().collect();
                refused.sort();
                for (spot, first) in refused {
                    let Some(row) = table.at(*spot)? else { continue };
                    let Some(known) = rows::known(kind, &row.fields) else { continue };
                    let column =
                        known.key.starts_with("id ").then(|| layout.parts[spot.part as usize].bound.name_of("id"));
                    let place = table.place(*spot, column.as_deref());
                    self.census.faults.take(&[rows::repeated(place, &known.id, &table.place(*first, None))]);
                }
                self.census.repeats.insert(kind, repeats);
            }
            _ => {}
        }
        Ok(())
    }

    /// Columns that were taken for a field by their name, and hold another thing, are custom fields.
    fn settled(&mut self, mut layout: Layout, seen: Seen, left_out: BTreeMap<String, (u64, String)>) -> Layout {
        let names = |layout: &Layout, (part, at): (u32, usize)| layout.parts[part as usize].bound.names[at].clone();
        let odd: BTreeSet<String> = seen.odd.iter().map(|&at| names(&layout, at)).collect();
        for part in &mut layout.parts {
            for at in 0..part.bound.names.len() {
                if odd.contains(&part.bound.names[at]) {
                    part.bound.make_custom(at);
                }
            }
            part.slots = part.bound.slots();
        }
        self.census.notes.extend(remarks::notes(&layout, &seen));
        for spoken in remarks::orders(&layout, &seen, &odd) {
            match spoken {
                Ok(note) => self.census.notes.push(note),
                Err(wrong) => self.census.wrong.push(wrong),
            }
        }
        let is_state = layout.parts.iter().any(|part| part.bound.of("state").is_some());
        for (word, (count, first)) in left_out.into_iter().filter(|_| is_state) {
            let column = layout.parts[0].bound.name_of("state");
            let what = format!(
                "{first}: column `{column}` says `{word}`, which would leave {} out: the name of the column alone is not enough for that",
                many(count, "record")
            );
            self.census.wrong.push(Problem::new(Reason::BadExport, what).hint(format!(
                "`state = \"{column}\"` under `[{0}.columns]` in columns.toml says so; `{column} = \"{column}\"` under \
                 `[{0}.custom]` makes it a field of its own",
                layout.table
            )));
        }
        layout
    }

    /// Messages and files of tickets: those of none are counted, and what a file says of its message is looked at.
    fn join(&mut self) -> Result<()> {
        for (name, marks) in [(COMMENT, &self.census.children.comments), (ATTACHMENT, &self.census.children.files)] {
            let Some(layout) = self.census.tables.get(name) else { continue };
            if marks.len() == 0 && self.census.counts.get(name).is_some_and(|rows| *rows > 0) {
                let what = format!("not one {name} names its ticket");
                self.census.wrong.push(Problem::new(Reason::BadExport, what).hint(whose(name)));
                continue;
            }
            let mut strays = marks.strangers(&self.tickets);
            let Some(first) = strays.next() else { continue };
            let without = strays.count() + 1;
            let row = Table::open(layout)?.at(first)?.unwrap_or_default();
            let example = row.fields.get("ticket").and_then(Value::as_str).unwrap_or_default();
            if without == marks.len() {
                let what = format!("not one {name} belongs to a ticket: no ticket has an id like {example:?}");
                self.census.wrong.push(Problem::new(Reason::BadExport, what).hint(whose(name)));
            } else {
                let part = &layout.parts[first.part as usize];
                let place =
                    format!("{} row {}, column `{}`", part.origin.shown, first.row + 1, part.bound.name_of("ticket"));
                let strays = many(without as u64, name);
                self.census.notes.push(format!(
                    "{strays} of tickets that are not here ({place}: {example:?}): left out, unless the tickets are added"
                ));
            }
        }
        self.files()
    }

    /// Looks whether each file finds its message.
    fn files(&mut self) -> Result<()> {
        if self.census.children.files.len() == 0 {
            return Ok(());
        }
        let Some(tickets) = self.census.tables.get("ticket") else { return Ok(()) };
        let (mut table, mut readers) = (Table::open(tickets)?, self.census.readers()?);
        let mut found = Vec::new();
        while let Some(mut row) = table.next()? {
            let Some(known) = rows::known(Kind::Ticket, &row.fields) else { continue };
            if self.census.children.files.of(&known.id).is_empty() {
                continue;
            }
            row.faults.clear();
            row.fields.insert("id".into(), known.id.into());
            self.census.children.join(&mut row, self.said, &mut readers, &Named::default())?;
            found.extend(row.faults.into_iter().filter(|fault| fault.what.starts_with(children::NO_MESSAGE)));
        }
        found.iter().for_each(|fault| self.census.faults.take(std::slice::from_ref(fault)));
        Ok(())
    }
}

fn whose(table: &str) -> String {
    format!("`ticket` under `[{table}.columns]` names the column with the ids of the tickets")
}

/// Counts rows that a column called `State` would leave out.
fn leaves_out(layout: &Layout, row: &Row, counts: &mut BTreeMap<String, (u64, String)>) {
    let Some(word) = row.fields.get("state").and_then(Value::as_str) else { return };
    let leaves = [State::Deleted, State::Spam, State::Suspended, State::Merged].iter().any(|s| s.code() == word);
    let part = &layout.parts[row.spot.part as usize];
    let said = &layout.rules.said;
    if leaves && !said.is_ours() && !said.table(layout.table).columns.contains_key("state") {
        let first = || (0, format!("{} row {}", part.origin.shown, row.spot.row + 1));
        counts.entry(word.to_owned()).or_insert_with(first).0 += 1;
    }
}

/// A word about names that several have.
fn shared(of: Of, names: &[String]) -> Option<String> {
    let (what, way) = match of {
        Of::Person => ("people", "the address or the id"),
        Of::Group => ("groups", "the id"),
        Of::Company => ("companies", "the id"),
    };
    let (first, count) = (names.first()?, names.len());
    let names = if count == 1 { "1 name is".to_owned() } else { format!("{count} names are") };
    Some(format!(
        "{names} that of several {what}, such as {first:?}: Deskferry uses none of them unless the cell contains {way}"
    ))
}

/// A word about names nobody has.
fn unknown(of: Of, names: &[String]) -> Option<String> {
    let what = match of {
        Of::Person => "people",
        Of::Group => "groups",
        Of::Company => "companies",
    };
    let way = match of {
        Of::Person => "a row with the name and the address of each makes them known",
        _ => "a row with the name of each makes them known",
    };
    let first = names.first()?;
    Some(format!("{} {what} are named and have no row, such as {first:?}: {way}", names.len()))
}
