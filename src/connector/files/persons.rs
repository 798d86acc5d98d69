//! Whom the columns of one reference name: columns with the parts of a name and an address are one person; each line of a cell that
//! stands alone is another.

use super::dressed;
use super::values::Rules;
use crate::record::address_key;
use crate::record::mailbox::{self, Mailbox};
use std::borrow::Cow;

/// The people of the texts of a reference's columns, at least one.
pub fn named(rules: &Rules, texts: &[&str]) -> Vec<String> {
    let plain: Vec<Cow<'_, str>> = texts.iter().map(|text| dressed::plain(text)).collect();
    let texts: Vec<&str> = plain.iter().map(AsRef::as_ref).collect();
    let mut people = match texts.as_slice() {
        [alone] => of_cell(rules, alone),
        several => of_columns(rules, several),
    };
    people.dedup();
    people
}

fn of_cell(rules: &Rules, text: &str) -> Vec<String> {
    let people = rules.people(text);
    if !people.is_empty() && people.iter().all(|one| mailbox::read(one).is_some()) {
        return people;
    }
    // A list may end with what parts it.
    let lines = text.lines().map(|line| rules.key(line.trim_end_matches([';', ',', ' '])));
    let mut lines: Vec<String> = lines.filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if lines.is_empty() {
        lines.push(rules.key(text).to_owned());
    }
    lines
}

/// One person, unless there are as many addresses as names. Further addresses are further people.
fn of_columns(rules: &Rules, texts: &[&str]) -> Vec<String> {
    let cells: Vec<Vec<Mailbox>> = texts.iter().map(|text| addresses(rules, text)).collect();
    // `Bob@Work` is a name beside a real address.
    let is_whole = |all: &[Mailbox]| !all.is_empty() && all.iter().all(|one| one.address.contains('.'));
    let some_whole = cells.iter().any(|all| is_whole(all));
    let (mut people, mut names): (Vec<Mailbox>, Vec<&str>) = (Vec::new(), Vec::new());
    for (text, all) in texts.iter().zip(cells) {
        if all.is_empty() || (some_whole && !is_whole(&all)) {
            names.push(text);
        } else {
            all.into_iter().for_each(|one| add(&mut people, one));
        }
    }
    if people.is_empty() {
        return without_address(rules, &names);
    }
    let listed = match names.as_slice() {
        [all] => rules.people(all),
        _ => vec![],
    };
    let is_list = people.len() > 1 && listed.len() == people.len() && listed.iter().all(|name| name.contains(' '));
    let names = if is_list { listed } else { vec![whole(rules, &names)] };
    for (one, name) in people.iter_mut().zip(names).filter(|(_, name)| !name.is_empty()) {
        one.name = Some(name);
    }
    people.iter().map(Mailbox::to_string).collect()
}

/// The parts of a name are one; ids, logins and lists beside a name are what they are.
fn without_address(rules: &Rules, names: &[&str]) -> Vec<String> {
    let is_part = |name: &&str| !name.trim().contains(|c: char| c.is_ascii_digit() || "@,;|\n".contains(c));
    if names.iter().all(is_part) {
        return vec![whole(rules, names)];
    }
    names.iter().flat_map(|name| of_cell(rules, name)).collect()
}

fn whole(rules: &Rules, parts: &[&str]) -> String {
    let words = parts.iter().flat_map(|part| rules.key(part).split_whitespace());
    words.collect::<Vec<_>>().join(" ")
}

/// Whom a cell of addresses names; nobody, where it holds anything else.
fn addresses(rules: &Rules, text: &str) -> Vec<Mailbox> {
    let all: Option<Vec<Mailbox>> = rules.people(text).iter().map(|one| mailbox::read(one)).collect();
    all.unwrap_or_default()
}

/// Each address once, with the name that stands beside it anywhere.
fn add(people: &mut Vec<Mailbox>, one: Mailbox) {
    match people.iter_mut().find(|there| address_key(&there.address) == address_key(&one.address)) {
        Some(there) => there.name = there.name.take().or(one.name),
        None => people.push(one),
    }
}

#[cfg(test)]
mod tests {
    use super::super::columns::Columns;
    use super::*;

    #[test]
    fn a_name_and_an_address_in_columns_of_their_own_are_one_person() {
        let rules = Rules::new(&Columns::default(), "ticket").unwrap();
        let cases: &[(&[&str], &[&str])] = &[
            (&["Ann Roe", "ann@x.example"], &["\"Ann Roe\" <ann@x.example>"]),
            (&["Ann Roe", "ann@x.example; a.roe@y.example"], &["\"Ann Roe\" <ann@x.example>", "a.roe@y.example"]),
            (&["ANN@X.EXAMPLE", "ann@x.example"], &["ANN@X.EXAMPLE"]),
            (&["Help @ ACME", "help@acme.example"], &["\"Help @ ACME\" <help@acme.example>"]),
            (&["Bob@Work", "bob@acme.example"], &["\"Bob@Work\" <bob@acme.example>"]),
            (&["Fay\nLow", "fay@x.example"], &["\"Fay Low\" <fay@x.example>"]),
            (&["Low, Eve", "eve@x.example"], &["\"Low, Eve\" <eve@x.example>"]),
            (&["Low, Eve", "eve@x.example; eve@y.example"], &["\"Low, Eve\" <eve@x.example>", "eve@y.example"]),
            (&["Cy Low <cy@x.example>", "cy@x.example"], &["\"Cy Low\" <cy@x.example>"]),
            (&["Thomas", "Thomas", "thomas@x.example"], &["\"Thomas Thomas\" <thomas@x.example>"]),
            (&["Thomas", "Thomas"], &["Thomas Thomas"]),
            (&["Ann", "Roe"], &["Ann Roe"]),
            (&["17", "Ann Roe"], &["17", "Ann Roe"]),
            (
                &["Ann Roe, Ben Low", "ann@x.example, ben@x.example"],
                &["\"Ann Roe\" <ann@x.example>", "\"Ben Low\" <ben@x.example>"],
            ),
            (&["Ann\nBen"], &["Ann", "Ben"]),
            (&["b@x.example;"], &["b@x.example"]),
            (&["Low, Cat <c@x.example>, "], &["Low, Cat <c@x.example>"]),
            (&["Ann Roe;"], &["Ann Roe"]),
            (&[";"], &[";"]),
            (&["Ann\n<ann@x.example>"], &["Ann <ann@x.example>"]),
            (&["=?utf-8?q?J=C3=BCrgen?= <j@x.example>"], &["Jürgen <j@x.example>"]),
            (&["=?utf-8?q?J=C3=BCrgen?=", "j@x.example"], &["\"Jürgen\" <j@x.example>"]),
            (&["[ann@x.example](mailto:ann@x.example)"], &["<ann@x.example>"]),
            (&["Ann <ann@x.example> <ann@y.example>"], &["Ann <ann@x.example>", "<ann@y.example>"]),
        ];
        for (texts, expected) in cases {
            assert_eq!(named(&rules, texts), *expected, "{texts:?}");
        }
    }
}
