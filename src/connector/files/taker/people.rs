//! What the rows of people have to do with one another, when all are read.

use super::Taker;
use crate::connector::files::faults::Fault;
use crate::connector::files::fields::COMMENT;
use crate::connector::files::marks::Marks;
use crate::connector::files::named::{self, Named};
use crate::connector::files::repeats::Repeats;
use crate::connector::files::same_address::{self, Someone};
use crate::connector::files::table::Table;
use crate::connector::files::{rows, twins};
use crate::error::Result;
use crate::record::Kind;

impl Taker<'_> {
    /// Contacts with the id of an agent who is somebody else: tickets cannot say which of them they mean, and neither is taken.
    pub(super) fn twins(&mut self, contacts: &Marks, table: &mut Table<'_>, repeats: &mut Repeats) -> Result<()> {
        let Some(layout) = self.census.tables.get("agent") else { return Ok(()) };
        let mut agents = Table::open(layout)?;
        for (spot, others) in contacts.shared(&self.agents) {
            let Some(contact) = table.at(spot)? else { continue };
            for other in others {
                let Some(agent) = agents.at(other)? else { continue };
                let Some(id) = twins::id(&agent.fields, &contact.fields) else { continue };
                let (here, there) = (table.place(spot, None), agents.place(other, None));
                self.census.faults.take(&[twins::fault(Kind::Contact, here.clone(), &id, &there)]);
                self.census.faults.take(&[twins::fault(Kind::Agent, there.clone(), &id, &here)]);
                repeats.twins.insert(spot, there);
                self.census.repeats.entry(Kind::Agent).or_default().twins.insert(other, here);
            }
        }
        Ok(())
    }

    /// Contacts with the address of an earlier one.
    pub(super) fn same_addresses(&mut self, table: &mut Table<'_>) -> Result<()> {
        self.addresses.sort();
        let (later, note) = same_address::of(&self.addresses, |spot| {
            let Some(row) = table.at(spot)? else { return Ok(None) };
            let (known, address) =
                (rows::known(Kind::Contact, &row.fields), same_address::address(row.fields.get("emails")));
            let someone = |(known, address): (rows::Known, &str)| Someone {
                id: known.id,
                address: address.to_owned(),
                place: table.place(spot, None),
            };
            Ok(known.zip(address).map(someone))
        })?;
        self.census.same_address = later;
        self.census.notes.extend(note);
        Ok(())
    }

    /// Tells the cells whose names may be one person or several.
    pub(super) fn unclear(&mut self, named: &Named) -> Result<()> {
        for name in ["contact", "agent", "ticket", COMMENT, "article"] {
            let Some(layout) = self.census.tables.get(name) else { continue };
            let mut table = Table::open(layout)?;
            while let Some(row) = table.next()? {
                let wrong = named.unclear_in(name, &row.fields).into_iter();
                let faults: Vec<Fault> = wrong.map(|(field, wrong)| table.named(row.spot, field, wrong)).collect();
                self.census.faults.take(&faults);
            }
        }
        Ok(())
    }

    /// Looks for those who are named by their name.
    pub(super) fn look_for_names(&mut self) -> Result<()> {
        for name in ["group", "company", "agent", "contact"] {
            let (Some(layout), Some(of), Some(kind)) =
                (self.census.tables.get(name), named::of_table(name), Kind::from_code(name))
            else {
                continue;
            };
            let mut table = Table::open(layout)?;
            while let Some(row) = table.next()? {
                self.register.look_at(of, kind, &row.fields);
            }
        }
        Ok(())
    }
}
