//! The words of dates, and what stands around them: months and days of the week in a few languages, hours, and zones.

use jiff::civil::Time;
use jiff::tz::{Offset, TimeZone};

/// Names of months, as English, German, French, Spanish, Italian, Portuguese, Dutch,
/// Swedish and Danish exports write them.
const MONTHS: [&[&str]; 12] = [
    &["january", "januar", "jänner", "janvier", "enero", "gennaio", "janeiro", "januari"],
    &["february", "februar", "février", "fevrier", "febrero", "febbraio", "fevereiro", "februari"],
    &["march", "märz", "maerz", "mrz", "mars", "marzo", "março", "marts", "maart", "mrt"],
    &["april", "avril", "abril", "aprile"],
    &["may", "mai", "mayo", "maggio", "maio", "mei", "maj"],
    &["june", "juni", "juin", "junio", "giugno", "junho"],
    &["july", "juli", "juillet", "julio", "luglio", "julho"],
    &["august", "août", "aout", "agosto", "augustus", "augusti"],
    &["september", "septembre", "septiembre", "settembre", "setembro"],
    &["october", "oktober", "octobre", "octubre", "ottobre", "outubro"],
    &["november", "novembre", "noviembre", "novembro"],
    &["december", "dezember", "décembre", "decembre", "diciembre", "dicembre", "dezembro"],
];
const DAYS: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "montag",
    "dienstag",
    "mittwoch",
    "donnerstag",
    "freitag",
    "samstag",
    "sonnabend",
    "sonntag",
    "lundi",
    "mardi",
    "mercredi",
    "jeudi",
    "vendredi",
    "samedi",
    "dimanche",
    "lunes",
    "martes",
    "miércoles",
    "jueves",
    "viernes",
    "sábado",
    "domingo",
    "lunedì",
    "martedì",
    "mercoledì",
    "giovedì",
    "venerdì",
    "sabato",
    "domenica",
    "maandag",
    "dinsdag",
    "woensdag",
    "donderdag",
    "vrijdag",
    "zaterdag",
    "zondag",
];
/// Words between a day, its year and its hour, which say nothing.
const FILLERS: [&str; 10] = ["at", "@", "um", "à", "às", "de", "del", "uhr", "kl", "om"];
/// Zones that RFC 2822 and common exports write by their letters, in minutes. Letters of several zones are left out.
const ZONES: [(&str, i32); 17] = [
    ("z", 0),
    ("ut", 0),
    ("utc", 0),
    ("gmt", 0),
    ("wet", 0),
    ("cet", 60),
    ("cest", 120),
    ("eet", 120),
    ("eest", 180),
    ("edt", -240),
    ("est", -300),
    ("cdt", -300),
    ("mdt", -360),
    ("pdt", -420),
    ("pst", -480),
    ("akst", -540),
    ("akdt", -480),
];

/// A date in which blanks are single, and words that say nothing are left out.
pub fn plain(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| !FILLERS.contains(&word.to_lowercase().as_str()));
    let mut text = words.collect::<Vec<_>>().join(" ");
    for (half, said) in [("AM", ["a.m.", "a. m."]), ("PM", ["p.m.", "p. m."])] {
        for ending in said {
            let cut = text.len().saturating_sub(ending.len());
            if text.get(cut..).is_some_and(|end| end.eq_ignore_ascii_case(ending)) {
                text.replace_range(cut.., half);
            }
        }
    }
    text
}

pub fn is_year(text: &str) -> bool {
    text.len() == 4 && (text.starts_with("19") || text.starts_with("20")) && text.bytes().all(|b| b.is_ascii_digit())
}

/// The month of a name, or of its first letters where no other month begins so.
pub fn month(text: &str) -> Option<i8> {
    let text = text.to_lowercase();
    let is = |name: &&str| *name == text || (text.chars().count() >= 3 && name.starts_with(&text));
    let mut found =
        (1..).zip(MONTHS).filter(|(_, names)| names.iter().any(is) || (text == "sept" && names[0] == "september"));
    let (month, _) = found.next()?;
    found.next().is_none().then_some(month)
}

pub fn without_weekday(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let word = text[..end].to_lowercase();
    let short = text[end..].starts_with(['.', ',']) || word.chars().count() >= 3;
    let is_day = !word.is_empty() && short && DAYS.iter().any(|day| day.starts_with(&word)) && month(&word).is_none();
    if is_day { text[end..].trim_start_matches(['.', ',', ' ']) } else { text }
}

/// `10:00`, `10:00:00.123`, `3:26 PM`.
pub fn time(text: &str) -> Option<Time> {
    let lower = text.to_lowercase();
    let (clock, half) = match lower.strip_suffix("m").and_then(|rest| rest.char_indices().last()) {
        Some((at, half @ ('a' | 'p'))) => (lower[..at].trim_end(), Some(half)),
        _ => (lower.as_str(), None),
    };
    let mut parts = clock.split(':');
    let number = |text: Option<&str>| text.filter(|t| (1..=2).contains(&t.len()))?.parse::<i8>().ok();
    // `9.5` may be half past nine and five past: minutes have two digits.
    let (hour, minute) = (number(parts.next())?, number(parts.next().filter(|minute| minute.len() == 2))?);
    let (second, nanos) = match parts.next() {
        None => (0, 0),
        Some(second) => {
            let (second, fraction) = second.split_once(['.', ',']).unwrap_or((second, "0"));
            let digits: String = format!("{fraction:0<9}").chars().take(9).collect();
            (number(Some(second))?.min(59), digits.parse().ok()?)
        }
    };
    if parts.next().is_some() {
        return None;
    }
    let hour = match half {
        None => hour,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some('p') => hour % 12 + 12,
        Some(_) => hour % 12,
    };
    Time::new(hour, minute, second, nanos).ok()
}

/// A text without its zone, and the zone.
pub fn zoned(text: &str) -> (String, Option<TimeZone>) {
    // `(CEST)` behind an offset only says it again.
    let Some((rest, name)) = text.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (")) else {
        return in_brackets(text);
    };
    match in_brackets(rest.trim_end()) {
        (rest, Some(offset)) => (rest, Some(offset)),
        (rest, None) => zone(name).map_or_else(|| (text.to_owned(), None), |zone| (rest, Some(zone))),
    }
}

/// A text without the name of a zone in brackets, one at most: what stands in further ones is no date.
fn in_brackets(text: &str) -> (String, Option<TimeZone>) {
    let Some((rest, name)) = text.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) else {
        return with_offset(text);
    };
    let (rest, offset) = with_offset(rest.trim_end());
    (rest, offset.or_else(|| TimeZone::get(name).ok()))
}

/// A text without the offset or the name of a zone that ends it.
fn with_offset(text: &str) -> (String, Option<TimeZone>) {
    if !text.contains(':') {
        return (text.to_owned(), None);
    }
    // The zone comes last, or before a year that comes last.
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let last = words.len() - 1;
    for at in [Some(last), last.checked_sub(1).filter(|_| is_year(words[last]))].into_iter().flatten() {
        if let Some(zone) = zone(words[at]) {
            words.remove(at);
            return (words.join(" "), Some(zone));
        }
    }
    let tail = text.rfind(':').map_or(0, |colon| text[..colon].rfind(':').unwrap_or(colon));
    if let Some(at) = text[tail..].find(['+', '-', 'Z', 'z'])
        && let Some(zone) = zone(&text[tail + at..])
    {
        return (text[..tail + at].to_owned(), Some(zone));
    }
    (text.to_owned(), None)
}

/// `+02:00`, `+0200`, `GMT+2`, `CEST`, `Europe/Berlin`.
fn zone(word: &str) -> Option<TimeZone> {
    let lower = word.to_lowercase();
    if let Some((_, minutes)) = ZONES.iter().find(|(name, _)| *name == lower) {
        return Offset::from_seconds(minutes * 60).ok().map(TimeZone::fixed);
    }
    if word.contains('/') {
        return TimeZone::get(word).ok();
    }
    let offset = lower.strip_prefix("gmt").or_else(|| lower.strip_prefix("utc")).unwrap_or(&lower);
    let sign = match offset.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = offset[1..].chars().filter(|c| *c != ':').collect();
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = match digits.len() {
        1 | 2 => (digits.parse().ok()?, 0),
        4 => (digits[..2].parse().ok()?, digits[2..].parse().ok()?),
        _ => return None,
    };
    Offset::from_seconds(sign * (hours * 60 + minutes) * 60).ok().map(TimeZone::fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_known_by_its_first_letters_where_they_are_no_other_month_s() {
        let of = |words: &[&str]| words.iter().map(|word| month(word).unwrap_or_default()).collect::<Vec<_>>();
        assert_eq!(
            of(&["Mär", "MÄRZ", "avr", "okt", "Dez", "déc", "juil", "set", "ago", "Sept"]),
            [3, 3, 4, 10, 12, 12, 7, 9, 8, 9]
        );
        assert_eq!(of(&["ju", "jui", "ma", "17", "", "smarch"]), [0; 6]);
    }

    #[test]
    fn a_day_of_the_week_says_nothing_and_a_month_is_none() {
        assert_eq!(without_weekday("Mi., 1. Mai 2024"), "1. Mai 2024");
        assert_eq!(without_weekday("mar 5 mars 2024"), "mar 5 mars 2024");
        assert_eq!(plain("1 May  2024 at 3:26 p.m."), "1 May 2024 3:26 PM");
    }
}
