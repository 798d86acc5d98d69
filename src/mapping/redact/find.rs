//! Where numbers and addresses stand among letters. Linear in the text, whatever it holds.

use std::ops::Range;

/// Fewest and most digits of a card number (ISO/IEC 7812).
const CARD: Range<usize> = 12..20;

/// Letters and digits of an IBAN by country (ISO 13616; the registry's release 99).
const IBAN: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HN", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SO", 23),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
    ("YE", 30),
];

fn separates(letter: char) -> bool {
    matches!(letter, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '-' | '\u{2010}' | '\u{2011}' | '\u{2013}')
}

/// Whether a number may begin at `at`: nothing runs into it.
fn is_free_before(letters: &[char], at: usize) -> bool {
    at.checked_sub(1).is_none_or(|before| !letters[before].is_alphanumeric() && letters[before] != '_')
}

fn is_free_after(letters: &[char], at: usize) -> bool {
    letters.get(at).is_none_or(|after| !after.is_alphanumeric() && *after != '_')
}

/// Groups of digits with one separator between them, as one run after the other.
fn runs(letters: &[char]) -> Vec<Vec<Range<usize>>> {
    let mut all: Vec<Vec<Range<usize>>> = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        if !letters[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        while at < letters.len() && letters[at].is_ascii_digit() {
            at += 1;
        }
        let joined = start.checked_sub(1).filter(|before| separates(letters[*before]));
        match all.last_mut() {
            Some(run) if run.last().map(|group| Some(group.end)) == Some(joined) => run.push(start..at),
            _ => all.push(std::iter::once(start..at).collect()),
        }
    }
    all
}

/// Card numbers: the longest whole groups whose digits are one.
pub fn cards(letters: &[char]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for run in runs(letters) {
        let mut first = 0;
        while first < run.len() {
            match card_from(letters, &run[first..]) {
                Some(groups) => {
                    found.push(run[first].start..run[first + groups - 1].end);
                    first += groups;
                }
                None => first += 1,
            }
        }
    }
    found
}

/// How many groups from the first are one card number.
fn card_from(letters: &[char], groups: &[Range<usize>]) -> Option<usize> {
    let dialled = groups[0].start.checked_sub(1).is_some_and(|before| letters[before] == '+');
    if dialled || !is_free_before(letters, groups[0].start) {
        return None;
    }
    let mut digits: Vec<u32> = Vec::new();
    let mut best = None;
    for (n, group) in groups.iter().enumerate() {
        if digits.len() + group.len() >= CARD.end {
            break;
        }
        digits.extend(letters[group.clone()].iter().filter_map(|letter| letter.to_digit(10)));
        if CARD.contains(&digits.len()) && is_free_after(letters, group.end) && is_issued(&digits) && luhn(&digits) {
            best = Some(n + 1);
        }
    }
    best
}

/// Whether a card scheme gives out numbers that begin so, of this length.
fn is_issued(digits: &[u32]) -> bool {
    let first = |n: usize| digits[..n].iter().fold(0, |number, digit| number * 10 + digit);
    let (two, three, four) = (first(2), first(3), first(4));
    match digits.len() {
        13 | 19 if two / 10 == 4 => true,
        14 => matches!(three, 300..=305) || matches!(two, 36 | 38 | 39),
        15 => matches!(two, 34 | 37),
        16 => {
            two / 10 == 4
                || matches!(two, 36 | 38 | 39 | 50..=59 | 60..=69 | 81)
                || matches!(four, 2200..=2720 | 3528..=3589)
        }
        12 | 13 => matches!(two, 50 | 56..=58 | 67),
        17..=19 => matches!(two, 50 | 56..=69 | 81),
        _ => false,
    }
}

fn luhn(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = digits.iter().rev().enumerate().map(|(n, d)| if n % 2 == 1 { doubled(*d) } else { *d }).sum();
    sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != 0)
}

/// Bank account numbers, with single separators between any two letters.
pub fn ibans(letters: &[char]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        match iban_at(letters, at) {
            Some(end) => {
                found.push(at..end);
                at = end;
            }
            None => at += 1,
        }
    }
    found
}

/// The end of the number that begins at `at`.
fn iban_at(letters: &[char], at: usize) -> Option<usize> {
    let country: String = letters.get(at..at + 2)?.iter().map(char::to_ascii_uppercase).collect();
    let (_, length) = IBAN.iter().find(|(code, _)| *code == country)?;
    if !is_free_before(letters, at) {
        return None;
    }
    let mut number = Vec::with_capacity(*length);
    let mut end = at;
    while number.len() < *length {
        let letter = *letters.get(end)?;
        if letter.is_ascii_alphanumeric() {
            number.push(letter.to_ascii_uppercase());
        } else if !separates(letter) || !letters[end - 1].is_ascii_alphanumeric() {
            return None;
        }
        end += 1;
    }
    let checked =
        number[2..4].iter().all(char::is_ascii_digit) && is_free_after(letters, end) && remainder(&number) == 1;
    checked.then_some(end)
}

/// The number modulo 97 with its first four letters last, as ISO 7064 wants.
fn remainder(number: &[char]) -> u32 {
    number[4..].iter().chain(&number[..4]).fold(0, |rest, letter| {
        let value = letter.to_digit(36).unwrap_or_default();
        (rest * if value > 9 { 100 } else { 10 } + value) % 97
    })
}

/// E-mail addresses.
pub fn addresses(letters: &[char]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for at in (0..letters.len()).filter(|at| letters[*at] == '@') {
        let floor = found.last().map_or(0, |before| before.end);
        let local =
            letters[floor..at].iter().rev().take_while(|c| c.is_alphanumeric() || "._%+-'".contains(**c)).count();
        let domain = letters[at + 1..].iter().take_while(|c| c.is_alphanumeric() || ".-".contains(**c)).count();
        let mut end = at + 1 + domain;
        while end > at + 1 && !letters[end - 1].is_alphanumeric() {
            end -= 1;
        }
        let dotted =
            letters[at + 1..end].iter().rposition(|c| *c == '.').is_some_and(|dot| dot > 0 && end - at - 2 - dot > 1);
        if local > 0 && dotted {
            found.push(at - local..end);
        }
    }
    found
}
