//! The JSONL files of a folder: one record a line, each read strictly, and a line that cannot be read is nobody else's matter.

use super::books::Books;
use super::cells::Spot;
use super::census::{Census, Find};
use super::faults::{Fault, Place as Where};
use super::line::{self, Lines};
use super::marks::Marks;
use super::named;
use super::register::Register;
use super::repeats::Repeats;
use super::rows;
use super::same_address::{self, Someone};
use super::{KINDS, Place, sound, tables, twins};
use crate::connector;
use crate::error::{Problem, Reason, Result};
use crate::record::{Body, Kind, Record, address_key};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// The file of a kind.
pub fn file(folder: &Path, kind: Kind) -> PathBuf {
    folder.join(shown(kind))
}

fn shown(kind: Kind) -> String {
    format!("{kind}.jsonl")
}

/// A line and what it holds.
pub struct Line {
    pub spot: Spot,
    pub bytes: usize,
    /// Its id, as far as it can be read.
    id: Option<String>,
    pub record: Result<Record, Fault>,
}

pub struct Reader {
    kind: Kind,
    lines: Lines<BufReader<File>>,
}

impl Reader {
    pub fn open(folder: &Path, kind: Kind, spot: Option<Spot>) -> Result<Reader> {
        let file = File::open(file(folder, kind)).map_err(|e| Problem::from(e).at(shown(kind)))?;
        let (byte, number) = spot.map_or((0, 0), |spot| (spot.byte, spot.row));
        Ok(Reader { kind, lines: Lines::from(file, byte, number)? })
    }

    pub fn spot(&self) -> Spot {
        Spot { part: 0, byte: self.lines.offset, row: self.lines.number }
    }

    /// The next line that is not blank.
    ///
    /// Errors: `disk`.
    pub fn next(&mut self) -> Result<Option<Line>> {
        loop {
            let spot = self.spot();
            let text = match self.lines.next() {
                Ok(None) => return Ok(None),
                Ok(Some(text)) if text.iter().all(u8::is_ascii_whitespace) => continue,
                Ok(Some(text)) => text,
                Err(problem) if problem.reason == Reason::BadExport => {
                    return Ok(Some(Line { spot, bytes: 0, id: None, record: Err(self.fault(spot, problem)) }));
                }
                Err(problem) => return Err(problem.at(shown(self.kind))),
            };
            let raw = line::parse(&text);
            let id = raw.as_ref().ok().and_then(|raw| match raw.get("id")? {
                Value::String(id) if !id.is_empty() => Some(id.clone()),
                Value::Number(id) => Some(id.to_string()),
                _ => None,
            });
            let record = raw.and_then(|raw| line::record(self.kind, &raw)).map_err(|problem| self.fault(spot, problem));
            return Ok(Some(Line { spot, bytes: text.len(), id, record }));
        }
    }

    pub fn place(&self, spot: Spot) -> Where {
        Where { file: shown(self.kind), unit: "line", number: spot.row + 1, column: None }
    }

    fn fault(&self, spot: Spot, problem: Problem) -> Fault {
        Fault { place: self.place(spot), what: problem.what, hint: problem.hint.unwrap_or_default() }
    }

    fn at(&mut self, folder: &Path, spot: Spot) -> Result<Option<Line>> {
        *self = Reader::open(folder, self.kind, Some(spot))?;
        self.next()
    }

    /// A line as a row of the source; none where an earlier line says the same.
    pub fn row(&self, line: &Line, repeats: Option<&Repeats>) -> Result<Option<connector::Row>> {
        if repeats.is_some_and(|repeats| repeats.absorbed.contains(&line.spot)) {
            return Ok(None);
        }
        if let (Some(id), Some(there)) = (&line.id, repeats.and_then(|repeats| repeats.twins.get(&line.spot))) {
            let fault = twins::fault(self.kind, self.place(line.spot), id, there);
            return Ok(Some(rows::unreadable_twin(self.kind, id, &fault)));
        }
        match &line.record {
            Ok(record) => rows::row(record, Some(&self.place(line.spot))).map(Some),
            Err(fault) => Ok(Some(rows::unreadable(line.id.as_deref(), std::slice::from_ref(fault)))),
        }
    }
}

/// Reads all lines of a folder.
pub fn census(place: &Place, find: Find) -> Result<Census> {
    let mut census = Census::empty(&place.folder);
    let mut register = Register::default();
    // People first, so that it is known whom tickets name.
    let mut kinds = KINDS.to_vec();
    kinds.sort_by_key(|kind| *kind == Kind::Ticket);
    let (mut agents, mut books) = (Marks::default(), Books::default());
    for kind in kinds {
        if !file(&place.folder, kind).is_file() {
            continue;
        }
        if is_utf16(&file(&place.folder, kind))? {
            let what = format!("{} is written in UTF-16", shown(kind));
            let hint = format!("JSONL is UTF-8: `iconv -f UTF-16 -t UTF-8 {0} > new && mv new {0}`", shown(kind));
            census.wrong.push(Problem::new(Reason::BadExport, what).hint(hint));
            continue;
        }
        let marks = of_kind((&mut census, &mut register, &mut books), place, kind, find)?;
        match kind {
            Kind::Agent => agents = marks,
            Kind::Contact => twins(&mut census, &place.folder, &agents, &marks)?,
            _ => {}
        }
    }
    if find == Find::Made {
        books.faults().iter().for_each(|fault| census.faults.take(std::slice::from_ref(fault)));
        // Groups and companies are named by their ids here: one without a row is unknown.
        let named = register.named(|_| true);
        census.named.people = named.people;
    }
    let read: Vec<PathBuf> = KINDS.iter().map(|kind| file(&place.folder, *kind)).collect();
    census.unread = tables::unread(&place.folder, &read)?;
    Ok(census)
}

fn of_kind(
    (census, register, books): (&mut Census, &mut Register, &mut Books),
    Place { folder, .. }: &Place,
    kind: Kind,
    find: Find,
) -> Result<Marks> {
    let (mut reader, mut marks, mut count) = (Reader::open(folder, kind, None)?, Marks::default(), 0);
    let mut addresses = Marks::default();
    while let Some(line) = reader.next()? {
        count += 1;
        if let Some(id) = &line.id {
            marks.push(id, line.spot);
        }
        match &line.record {
            Err(fault) => census.faults.take(std::slice::from_ref(fault)),
            Ok(record) => {
                if let (Some(of), Body::Agent(_) | Body::Contact(_)) = (named::of_table(kind.code()), &record.body) {
                    let fields = serde_json::to_value(record).unwrap_or_default();
                    register.add(of, &record.id, fields.as_object().unwrap_or(&serde_json::Map::new()));
                }
                if let Some(address) = address_of(record) {
                    addresses.push(&address_key(address), line.spot);
                }
                register.mention_record(record);
                let (mut faults, missing) = sound::of_record(&census.folder, record, &reader.place(line.spot));
                let lost = books.take(record, |_| reader.place(line.spot));
                faults.extend(lost.filter(|_| find == Find::Made));
                census.faults.take(&faults);
                census.missing.take(&missing);
            }
        }
    }
    register.sort();
    marks.sort();
    let repeats = repeats(&marks, &mut reader, folder)?;
    let mut refused: Vec<(&Spot, &Spot)> = repeats.refused.iter().collect();
    refused.sort();
    for (spot, first) in refused {
        let id = reader.at(folder, *spot)?.and_then(|line| line.id).unwrap_or_default();
        census.faults.take(&[rows::repeated(reader.place(*spot), &id, &reader.place(*first))]);
    }
    addresses.sort();
    let (later, note) = same_address::of(&addresses, |spot| {
        let Some(line) = reader.at(folder, spot)? else { return Ok(None) };
        let Ok(record) = &line.record else { return Ok(None) };
        let (id, place) = (record.id.clone(), reader.place(spot));
        Ok(address_of(record).map(|address| Someone { id, address: address.to_owned(), place }))
    })?;
    census.same_address.extend(later);
    census.notes.extend(note);
    census.repeats.insert(kind, repeats);
    census.counts.insert(kind.code(), count);
    Ok(marks)
}

/// What a contact is known by.
fn address_of(record: &Record) -> Option<&str> {
    match &record.body {
        Body::Contact(person) => person.emails.first().map(String::as_str),
        _ => None,
    }
}

/// Contacts with the id of an agent who is somebody else.
fn twins(census: &mut Census, folder: &Path, agents: &Marks, contacts: &Marks) -> Result<()> {
    let fields = |line: &Line| -> Option<Map<String, Value>> {
        serde_json::to_value(line.record.as_ref().ok()?).ok()?.as_object().cloned()
    };
    for (spot, others) in contacts.shared(agents) {
        let mut here = Reader::open(folder, Kind::Contact, Some(spot))?;
        let Some(contact) = here.next()?.as_ref().and_then(fields) else { continue };
        for other in others {
            let mut there = Reader::open(folder, Kind::Agent, Some(other))?;
            let Some(agent) = there.next()?.as_ref().and_then(fields) else { continue };
            let Some(id) = twins::id(&agent, &contact) else { continue };
            let (here, there) = (here.place(spot), there.place(other));
            census.faults.take(&[twins::fault(Kind::Contact, here.clone(), &id, &there)]);
            census.faults.take(&[twins::fault(Kind::Agent, there.clone(), &id, &here)]);
            census.repeats.entry(Kind::Contact).or_default().twins.insert(spot, there);
            census.repeats.entry(Kind::Agent).or_default().twins.insert(other, here);
        }
    }
    Ok(())
}

/// Whether a file begins as programs of Windows write UTF-16.
fn is_utf16(path: &Path) -> Result<bool> {
    let mut first = Vec::new();
    File::open(path)
        .and_then(|file| file.take(2).read_to_end(&mut first))
        .map_err(|e| Problem::from(e).at(path.display()))?;
    Ok(matches!(first.as_slice(), b"\xff\xfe" | b"\xfe\xff" | [0, _] | [_, 0]))
}

/// Lines that share an id: the same record again, or another one.
fn repeats(marks: &Marks, reader: &mut Reader, folder: &Path) -> Result<Repeats> {
    let mut repeats = Repeats::default();
    for spots in marks.repeats() {
        let mut firsts: Vec<(Spot, Line)> = Vec::new();
        for spot in spots {
            let Some(line) = reader.at(folder, spot)? else { continue };
            let Some((first, there)) = firsts.iter().find(|(_, there)| there.id == line.id) else {
                firsts.push((spot, line));
                continue;
            };
            match (&there.record, &line.record) {
                (Ok(one), Ok(other)) if one == other => drop(repeats.absorbed.insert(spot)),
                _ => drop(repeats.refused.insert(spot, *first)),
            }
        }
    }
    Ok(repeats)
}
