//! Cells that name one or several people, groups or companies: `Globex, Inc.`, `Support, Billing`, `Low, Cat`. Whether a comma or a
//! semicolon is part of a name is known when all names are.

use super::fields::Of;

/// What a cell says.
#[derive(Debug, PartialEq, Eq)]
pub enum Says {
    These(Vec<String>),
    /// It may be one person or several, and one of them is somebody: whoever is taken may be a stranger.
    Unclear,
}

const SEPARATORS: [char; 4] = [',', ';', '|', '\n'];

/// Whether a text may be several.
pub fn may_be(of: Of, text: &str) -> bool {
    let is_name = of != Of::Person || !text.contains(['@', '<']);
    is_name && text.trim().contains(SEPARATORS)
}

/// Whether a text in a cell of one names several, unless a row is called so. In names of people `|` parts a name and its house.
pub fn are(of: Of, text: &str) -> bool {
    match of {
        Of::Person => !text.contains(['@', '<']) && super::exchange::name(text).is_none() && text.trim().contains(';'),
        Of::Group | Of::Company => text.trim().contains(&SEPARATORS[1..]),
    }
}

/// All names a text may hold.
pub fn candidates(of: Of, text: &str) -> Vec<String> {
    let mut all: Vec<String> = vec![text.trim().to_owned()];
    let pieces = parts(text, &SEPARATORS[1..]);
    all.extend(pieces.iter().flat_map(|piece| parts(piece, &SEPARATORS[..1])));
    all.extend(pieces);
    if of == Of::Person {
        all.extend(turned(text));
    }
    all
}

/// Reads a text, knowing who has a name. `known`: whether somebody is called so, or tickets call somebody so.
pub fn read(of: Of, text: &str, known: &dyn Fn(&str) -> bool) -> Says {
    let whole = text.trim().to_owned();
    if known(&whole) {
        return Says::These(vec![whole]);
    }
    if of != Of::Person {
        return Says::These(parts(text, &SEPARATORS[1..]).iter().flat_map(|piece| by_commas(piece, known)).collect());
    }
    if let Some(turned) = turned(text).filter(|name| known(name)) {
        return Says::These(vec![turned]);
    }
    let names = parts(text, &SEPARATORS);
    let is_full = |name: &String| name.contains(char::is_whitespace);
    let somebody = names.iter().filter(|name| known(name)).count();
    if somebody == names.len() || names.iter().all(is_full) {
        return Says::These(names);
    }
    if somebody > 0 { Says::Unclear } else { Says::These(vec![whole]) }
}

/// A comma parts groups or companies only where each part is one.
fn by_commas(piece: &str, known: &dyn Fn(&str) -> bool) -> Vec<String> {
    let names = parts(piece, &SEPARATORS[..1]);
    if !known(piece) && names.iter().all(|name| known(name)) { names } else { vec![piece.to_owned()] }
}

/// `Low, Cat` is Cat Low.
fn turned(text: &str) -> Option<String> {
    let (last, first) = text.split_once(',').filter(|(_, first)| !first.contains(SEPARATORS))?;
    Some(format!("{} {}", first.trim(), last.trim()))
}

fn parts(text: &str, separators: &[char]) -> Vec<String> {
    text.split(separators).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn these(of: Of, text: &str, known: &[&str]) -> Vec<String> {
        match read(of, text, &|name| known.contains(&name)) {
            Says::These(all) => all,
            Says::Unclear => vec!["?".to_owned()],
        }
    }

    #[test]
    fn a_name_with_a_comma_is_one_company_and_known_names_are_several() {
        let all = |text: &str, known: &[&str]| these(Of::Company, text, known);
        assert_eq!(all("Globex, Inc.", &[]), ["Globex, Inc."]);
        assert_eq!(all("Globex, Inc.", &["Globex, Inc.", "Globex", "Inc."]), ["Globex, Inc."]);
        assert_eq!(all("Support, Billing", &["Support", "Billing"]), ["Support", "Billing"]);
        assert_eq!(all("Support, Tier 1", &["Support"]), ["Support, Tier 1"]);
        assert_eq!(all("Smith; Globex, Inc.", &[]), ["Smith", "Globex, Inc."]);
        assert_eq!(all("Smith & Co; Partners", &["Smith & Co; Partners"]), ["Smith & Co; Partners"]);
    }

    #[test]
    fn names_that_may_be_one_person_are_nobody_else() {
        let all = |text: &str, known: &[&str]| these(Of::Person, text, known);
        assert_eq!(all("Low, Cat", &["Low, Cat", "Cat"]), ["Low, Cat"]);
        assert_eq!(all("Low, Cat", &["Cat Low", "Cat"]), ["Cat Low"]);
        assert_eq!(all("Low, Cat", &["Cat"]), ["?"]);
        assert_eq!(all("Low, Cat", &[]), ["Low, Cat"]);
        assert_eq!(all("bob, cat", &["bob", "cat"]), ["bob", "cat"]);
        assert_eq!(all("Bob Berg, Ann Roe", &["Ann Roe"]), ["Bob Berg", "Ann Roe"]);
    }
}
