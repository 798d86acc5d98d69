//! Dates as exports write them, made instants. What can be read in one way only is read without a word to say; days and months
//! that could change places (`05/06/2024`) need `date` in `columns.toml`.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone};

/// How the dates of a table are read.
#[derive(Clone, Debug)]
pub struct Dates {
    /// As `date` says, tried first.
    own: Vec<Form>,
    /// Of dates that name none.
    zone: TimeZone,
}

#[derive(Clone, Debug)]
enum Form {
    Seconds,
    Milliseconds,
    Strftime(String),
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
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
/// What stands where no date is, in exports of databases and spreadsheets.
const NOTHING: [&str; 10] = ["-", "--", "?", "null", "(null)", "\\n", "n/a", "na", "none", "nil"];

impl Dates {
    /// `own`: forms in the letters of strftime, or `unix`, `unix_ms`.
    ///
    /// Errors: what is wrong with one of them, or with the zone.
    pub fn new(own: &[String], zone: Option<&str>) -> Result<Dates, String> {
        let zone = match zone {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| format!("`{name}` is not a time zone"))?,
        };
        let mut forms = Vec::new();
        for form in own {
            match form.as_str() {
                "unix" => forms.push(Form::Seconds),
                "unix_ms" => forms.push(Form::Milliseconds),
                "rfc3339" => {}
                form if !form.contains('%') => {
                    return Err(format!("`{form}` has no letters of strftime, such as \"%d.%m.%Y %H:%M\""));
                }
                form => {
                    forms.push(Form::Strftime(form.to_owned()));
                    forms.extend(alike(form).into_iter().map(Form::Strftime));
                }
            }
        }
        Ok(Dates { own: forms, zone })
    }

    /// Whether the text stands for no date at all: `0000-00-00`, `NULL`, `-`.
    pub fn is_nothing(text: &str) -> bool {
        let text = text.trim();
        let zeros = text.starts_with("0000-00-00") || text.starts_with("0001-01-01") || text.starts_with("00.00.0000");
        zeros || NOTHING.iter().any(|word| word.eq_ignore_ascii_case(text))
    }

    /// The instant a text names.
    pub fn read(&self, text: &str) -> Option<Timestamp> {
        let text = text.trim();
        if let Some(at) = self.own.iter().find_map(|form| self.by(form, text)) {
            return Some(at);
        }
        if let Some(at) = epoch(text) {
            return Some(at);
        }
        let (civil, zone) = zoned(text);
        let civil = self.own.iter().find_map(|form| form.civil(&civil)).or_else(|| self.civil(&civil))?;
        Some(civil.to_zoned(zone.unwrap_or_else(|| self.zone.clone())).ok()?.timestamp())
    }

    fn by(&self, form: &Form, text: &str) -> Option<Timestamp> {
        match form {
            Form::Seconds => Timestamp::from_second(text.parse().ok()?).ok(),
            Form::Milliseconds => Timestamp::from_millisecond(text.parse().ok()?).ok(),
            Form::Strftime(form) => strtime::parse(form, text).ok()?.to_timestamp().ok(),
        }
    }

    /// Date and time without a zone.
    fn civil(&self, text: &str) -> Option<DateTime> {
        let text = without_weekday(text);
        if let Some(compact) = compact(text) {
            return Some(compact);
        }
        // `May 1 10:00:00 2024`: the year comes last.
        let (text, year) = match text.rsplit_once(' ') {
            Some((rest, year)) if is_year(year) && rest.contains(':') => (rest, Some(year)),
            _ => (text, None),
        };
        let at = text.find(':').and_then(|colon| text[..colon].rfind(|c: char| !c.is_ascii_digit()));
        let (date, time) = match at {
            Some(at) => {
                let cut = at + text[at..].chars().next().map_or(1, char::len_utf8);
                (text[..at].trim_end_matches([' ', ',']), time(text[cut..].trim())?)
            }
            None if text.contains(':') => return None,
            None => (text, Time::midnight()),
        };
        let date = match year {
            Some(year) => self.date(&format!("{date} {year}"))?,
            None => self.date(date)?,
        };
        Some(date.to_datetime(time))
    }

    fn date(&self, text: &str) -> Option<Date> {
        let text = text.trim().trim_end_matches(" at").trim_end_matches(',');
        let parts: Vec<&str> = text.split(['-', '/', '.', ' ', ',']).filter(|part| !part.is_empty()).collect();
        let [a, b, c] = parts.as_slice() else { return None };
        if let Some(month) = month(b) {
            return day(c, Some(month), a).or_else(|| day(a, Some(month), c));
        }
        if let Some(month) = month(a) {
            return day(c, Some(month), b);
        }
        if a.len() == 4 {
            return day(a, b.parse().ok(), c);
        }
        // With dots the day comes first wherever people write dots; where the admin says how dates are written, that counts.
        if text.matches('.').count() == 2 && self.own.is_empty() {
            return day(c, b.parse().ok(), a);
        }
        None
    }
}

impl Form {
    fn civil(&self, text: &str) -> Option<DateTime> {
        let Form::Strftime(form) = self else { return None };
        let time = strtime::parse(form, text).ok()?;
        time.to_datetime().ok().or_else(|| Some(time.to_date().ok()?.at(0, 0, 0, 0)))
    }
}

/// The same form with seconds, with a time of day and without one: exports mix them.
fn alike(form: &str) -> Vec<String> {
    let hour = ["%H", "%I", "%k", "%l", "%T", "%R"].iter().filter_map(|letter| form.find(letter)).min();
    let Some(hour) = hour else {
        return [" %H:%M", " %H:%M:%S"].map(|time| format!("{form}{time}")).into();
    };
    let seconds = (form.contains("%M") && !form.contains("%S")).then(|| form.replacen("%M", "%M:%S", 1));
    let date = form[..hour].trim_end_matches([' ', ',', 'T', '-', '_']);
    seconds.into_iter().chain((!date.is_empty()).then(|| date.to_owned())).collect()
}

/// Seconds, milliseconds or microseconds since 1970, by their length.
fn epoch(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !(whole.bytes().all(|b| b.is_ascii_digit()) && fraction.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    match whole.len() {
        9 | 10 => Timestamp::from_second(number).ok(),
        13 => Timestamp::from_millisecond(number).ok(),
        16 => Timestamp::from_microsecond(number).ok(),
        _ => None,
    }
}

/// `20240501`, `20240501T100000`, `20240501100000`.
fn compact(text: &str) -> Option<DateTime> {
    let digits: String = text.chars().filter(|c| !"Tt ".contains(*c)).collect();
    let number = |from: usize, to: usize| digits.get(from..to).unwrap_or("0").parse::<i8>().ok();
    if !matches!(digits.len(), 8 | 12 | 14) || !digits.bytes().all(|b| b.is_ascii_digit()) || !is_year(&digits[..4]) {
        return None;
    }
    let second = if digits.len() == 14 { number(12, 14)? } else { 0 };
    let (hour, minute) = if digits.len() == 8 { (0, 0) } else { (number(8, 10)?, number(10, 12)?) };
    DateTime::new(digits[..4].parse().ok()?, number(4, 6)?, number(6, 8)?, hour, minute, second, 0).ok()
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && (text.starts_with("19") || text.starts_with("20")) && text.bytes().all(|b| b.is_ascii_digit())
}

fn day(year: &str, month: Option<i8>, day: &str) -> Option<Date> {
    let day = day.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let year: i16 = match (year.len(), year.parse().ok()?) {
        (4, year) => year,
        (2, year @ 0..70) => 2000 + year,
        (2, year) => 1900 + year,
        _ => return None,
    };
    if !(1..=2).contains(&day.len()) {
        return None;
    }
    Date::new(year, month?, day.parse().ok()?).ok()
}

fn month(text: &str) -> Option<i8> {
    let text = text.to_lowercase();
    let at = MONTHS
        .iter()
        .position(|name| text.len() >= 3 && (name.starts_with(&text) || text == "sept" && *name == "september"))?;
    i8::try_from(at + 1).ok()
}

fn without_weekday(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let word = text[..end].to_lowercase();
    let is_day = word.len() >= 3 && DAYS.iter().any(|day| day.starts_with(&word));
    if is_day { text[end..].trim_start_matches(['.', ',', ' ']) } else { text }
}

/// `10:00`, `10:00:00.123`, `3:26 PM`.
fn time(text: &str) -> Option<Time> {
    let lower = text.to_lowercase();
    let (clock, half) = match lower.strip_suffix("m").and_then(|rest| rest.char_indices().last()) {
        Some((at, half @ ('a' | 'p'))) => (lower[..at].trim_end(), Some(half)),
        _ => (lower.as_str(), None),
    };
    let mut parts = clock.split(':');
    let number = |text: Option<&str>| text.filter(|t| (1..=2).contains(&t.len()))?.parse::<i8>().ok();
    let (hour, minute) = (number(parts.next())?, number(parts.next())?);
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
fn zoned(text: &str) -> (String, Option<TimeZone>) {
    // `(CEST)` behind an offset only says it again.
    let text = match text.strip_suffix(')').and_then(|rest| rest.rfind(" (")) {
        Some(at) => text[..at].trim_end(),
        None => text,
    };
    if let Some((rest, name)) = text.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        let (rest, offset) = zoned(rest.trim_end());
        return (rest, offset.or_else(|| TimeZone::get(name).ok()));
    }
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

    fn read(text: &str) -> String {
        let dates = Dates::new(&[], Some("Europe/Berlin")).unwrap();
        dates.read(text).map_or_else(|| "none".to_owned(), |at| at.to_string())
    }

    #[test]
    fn what_exports_write_and_can_be_read_in_one_way_is_read() {
        let cases = [
            "2024-05-01 08:00:00Z",
            "2024-05-01T10:00:00+02:00",
            "2024-05-01 10:00:00 +0200",
            "2024-05-01T10:00",
            "2024-05-01 10:00:00.000",
            "2024-05-01 08:00:00 UTC",
            "2024-05-01 08:00:00 GMT",
            "2024/05/01 10:00",
            "2024-05-01T03:00:00-0500",
            "2024-05-01T10:00+02",
            "2024-05-01T10:00:00+02:00[Europe/Berlin]",
            "2024-05-01 04:00 America/New_York",
            "01.05.2024 10:00",
            "1.5.24 10:00",
            "20240501T100000",
            "20240501100000",
            "1714550400",
            "1714550400000",
            "1714550400.0",
            "1714550400000000",
            "01/May/24 10:00 AM",
            "1-May-2024 10:00",
            "May 1, 2024 10:00 AM",
            "1 May 2024, 10:00",
            "Wed, 01 May 2024 10:00:00 +0200",
            "Wed May  1 10:00:00 2024",
            "Wed May 01 08:00:00 UTC 2024",
            "Wed May 01 2024 10:00:00 GMT+0200 (CEST)",
            "Wednesday, May 1, 2024 at 10:00 AM",
            "2024-05-01 10:00:00 CEST",
            "1st May 2024 10:00",
        ];
        for text in cases {
            assert_eq!(read(text), "2024-05-01T08:00:00Z", "{text}");
        }
        assert_eq!(read("2024-05-01"), "2024-04-30T22:00:00Z");
        assert_eq!(read("11/May/24"), "2024-05-10T22:00:00Z");
        assert_eq!(read("12:30 PM, 1 May 2024"), "none");
        assert_eq!(read("1 May 2024 12:30 AM"), "2024-04-30T22:30:00Z");
        assert_eq!(read("2024-03-31 02:30:00"), "2024-03-31T01:30:00Z");
    }

    #[test]
    fn what_could_be_two_days_or_none_is_not_read() {
        for text in [
            "05/06/2024",
            "31/12/2024 10:00",
            "2024-13-01",
            "2024-02-30",
            "tomorrow",
            "1. Mai 2024",
            "10:00",
            "17",
            "45413.5",
            "2024-05-01 25:00",
        ] {
            assert_eq!(read(text), "none", "{text}");
        }
    }

    #[test]
    fn a_form_that_is_said_is_read_with_seconds_zones_and_without_time_too() {
        let dates = Dates::new(&["%d/%m/%Y %H:%M".into(), "%m-%d-%Y".into(), "unix".into()], None).unwrap();
        let read = |text: &str| dates.read(text).map(|at| at.to_string()).unwrap_or_default();
        assert_eq!(read("31/12/2024 10:00"), "2024-12-31T10:00:00Z");
        assert_eq!(read("31/12/2024 10:00:05"), "2024-12-31T10:00:05Z");
        assert_eq!(read("31/12/2024"), "2024-12-31T00:00:00Z");
        assert_eq!(read("31/12/2024 10:00 +0200"), "2024-12-31T08:00:00Z");
        assert_eq!(read("12-31-2024 07:00"), "2024-12-31T07:00:00Z");
        assert_eq!(
            (read("60").as_str(), read("1714550400000").as_str()),
            ("1970-01-01T00:01:00Z", "2024-05-01T08:00:00Z")
        );
        assert_eq!(read("31.12.2024"), "", "dots are read by what is said alone");
        assert!(Dates::new(&["dd.mm.yyyy".into()], None).is_err() && Dates::new(&[], Some("Mars")).is_err());
    }

    #[test]
    fn words_for_no_date_are_none() {
        assert!(["0000-00-00 00:00:00", "?", "NULL", "-", " n/a "].iter().all(|text| Dates::is_nothing(text)));
        assert!(["2024-05-01", "soon", "0"].iter().all(|text| !Dates::is_nothing(text)));
    }
}
