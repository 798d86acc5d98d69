//! Contacts that are known by one address. A help desk keeps one person of it: the first row of the file gives the name, and the others
//! come after it, so that which of them is first is no chance.

use super::cells::Spot;
use super::faults::{Place, many};
use super::marks::Marks;
use crate::error::Result;
use crate::record::address_key;
use std::collections::BTreeMap;

/// A contact, and where it stands.
pub struct Someone {
    pub id: String,
    pub address: String,
    pub place: Place,
}

/// Contacts by their ids, each with the id of the first one of its address.
pub type Later = BTreeMap<String, String>;

/// Looks at the places whose addresses have one hash. Gives a note where some have one address.
pub fn of(addresses: &Marks, mut read: impl FnMut(Spot) -> Result<Option<Someone>>) -> Result<(Later, Option<String>)> {
    let (mut later, mut example) = (Later::new(), None);
    for spots in addresses.repeats() {
        let mut firsts: Vec<Someone> = Vec::new();
        for spot in spots {
            let Some(here) = read(spot)? else { continue };
            let key = address_key(&here.address);
            match firsts.iter().find(|first| address_key(&first.address) == key) {
                None => firsts.push(here),
                Some(first) if first.id == here.id => {}
                Some(first) => {
                    example.get_or_insert_with(|| {
                        let first = &first.place;
                        format!("{} has {} of {} {}", here.place, here.address, first.unit, first.number)
                    });
                    later.insert(here.id, first.id.clone());
                }
            }
        }
    }
    let note = example.map(|example| {
        format!(
            "{} with the address of an earlier one ({example}): a help desk keeps one person of an address; the first row gives the \
             name, and the report lists what of the others is lost",
            many(later.len() as u64, "contact")
        )
    });
    Ok((later, note))
}

/// What a contact is known by.
pub fn address(emails: Option<&serde_json::Value>) -> Option<&str> {
    emails?.as_array()?.first()?.as_str()
}
