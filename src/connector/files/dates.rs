//! Dates as exports write them, made instants. What can be read in one way only is read without a word to say; days and months
//! that could change places (`05/06/2024`) need `date` in `columns.toml`. The words of calendars and clocks are in
//! [`super::calendar`].

use super::calendar::{self, month, time, zoned};
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// Below it a number counts seconds since 1970, from it on milliseconds: 1973, or the year 5138.
const MILLISECONDS: i64 = 100_000_000_000;
/// Years before it are two digits read as four.
const YEAR: i16 = 1000;
/// Bytes of the longest text that may be a date.
const LONGEST: usize = 100;

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
    /// Days since the end of 1899, as a spreadsheet keeps them.
    Serial,
    Strftime(String),
}

/// What stands where no date is, in exports of databases and spreadsheets: an epoch, a year and a day of zero among them.
const NOTHING: [&str; 11] = ["-", "--", "?", "null", "(null)", "\\n", "n/a", "na", "none", "nil", "0"];
const ZEROS: [&str; 7] =
    ["0000-00-00", "0000/00/00", "0001-01-01", "00.00.0000", "00/00/0000", "1/1/0001", "00/01/1900"];

impl Dates {
    /// `own`: forms in the letters of strftime, or `unix`, `unix_ms`, `excel`.
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
                "excel" => forms.push(Form::Serial),
                "rfc3339" => {}
                form if !form.contains('%') => {
                    return Err(format!("`{form}` is not a strftime format, such as \"%d.%m.%Y %H:%M\""));
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
        ZEROS.iter().any(|zeros| text.starts_with(zeros)) || NOTHING.iter().any(|word| word.eq_ignore_ascii_case(text))
    }

    /// Whether `date` says how dates are written.
    pub fn are_said(&self) -> bool {
        !self.own.is_empty()
    }

    /// The instant a text names; none where it names none, or several by the forms that are said.
    pub fn read(&self, text: &str) -> Option<Timestamp> {
        if text.trim().len() > LONGEST {
            return None;
        }
        let (written, text) = (text.trim(), calendar::plain(text));
        let (civil, zone) = zoned(&text);
        let zone = zone.unwrap_or_else(|| self.zone.clone());
        let instant = |civil: DateTime| Some(civil.to_zoned(zone.clone()).ok()?.timestamp());
        let by_form = |form: &Form| {
            let whole = form.instant(written).or_else(|| form.instant(&text));
            let by_parts = || [written, text.as_str(), civil.as_str()].into_iter().find_map(|text| form.civil(text));
            whole.or_else(|| by_parts().and_then(instant))
        };
        // A number that is a day by another form is no second of 1970.
        for counted in [false, true] {
            let mut own = self.own.iter().filter(|form| form.is_counted() == counted).filter_map(by_form);
            if let Some(at) = own.next() {
                return own.all(|other| other == at).then_some(at);
            }
        }
        epoch(&text).or_else(|| self.civil(&civil).and_then(instant))
    }

    /// Whether the forms that are said put days and months in several orders.
    pub fn orders_differ(&self) -> bool {
        let place = |form: &str, letters: [&str; 2]| letters.iter().filter_map(|letter| form.find(letter)).min();
        let day_first = self.own.iter().filter_map(|form| match form {
            Form::Strftime(form) => Some(place(form, ["%d", "%e"])? < place(form, ["%m", "%-m"])?),
            _ => None,
        });
        let (mut first, mut last) = (false, false);
        day_first.for_each(|is_first| if is_first { first = true } else { last = true });
        first && last
    }

    /// Whether a form that is said has the day between year and month: then the month is not there without it.
    fn puts_the_day_second(&self) -> bool {
        self.own.iter().any(|form| {
            let Form::Strftime(form) = form else { return false };
            let places = ["%Y", "%d", "%m"].map(|letters| form.find(letters));
            matches!(places, [Some(year), Some(day), Some(month)] if year < day && day < month)
        })
    }

    /// Date and time without a zone.
    fn civil(&self, text: &str) -> Option<DateTime> {
        let text = calendar::without_weekday(text);
        if let Some(compact) = compact(text) {
            return Some(compact);
        }
        // `01-MAY-24 10.30.00 AM`: the clock is written with dots, which a date has none of there.
        if let (Some((date, clock)), false) = (text.split_once(' '), text.contains(':'))
            && let (Some(date), Some(time)) =
                (self.date(date), part_of_a_day(clock).or_else(|| time(&clock.replacen('.', ":", 2))))
        {
            return Some(date.to_datetime(time));
        }
        // `May 1 10:00:00 2024`: the year comes last.
        let (text, year) = match text.rsplit_once(' ') {
            Some((rest, year)) if calendar::is_year(year) && rest.contains(':') => (rest, Some(year)),
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
        let parts: Vec<&str> = text.split(['-', '/', '.', ' ', ',']).filter(|part| !part.is_empty()).collect();
        let [a, b, c] = parts.as_slice() else { return None };
        if let Some(month) = month(b) {
            return day(c, Some(month), a).or_else(|| day(a, Some(month), c));
        }
        if let Some(month) = month(a) {
            return day(c, Some(month), b);
        }
        if a.len() == 4 {
            return if self.puts_the_day_second() { None } else { day(a, b.parse().ok(), c) };
        }
        // With dots the day comes first wherever people write dots; where the admin says how dates are written, that counts.
        if text.matches('.').count() == 2 && self.own.is_empty() {
            return day(c, b.parse().ok(), a);
        }
        None
    }
}

impl Form {
    /// Whether it counts from 1970: any number is a date by it.
    fn is_counted(&self) -> bool {
        matches!(self, Form::Seconds | Form::Milliseconds)
    }

    /// The instant of a text that names its zone.
    fn instant(&self, text: &str) -> Option<Timestamp> {
        let number = || text.parse::<i64>().ok().filter(|number| *number != 0);
        match self {
            Form::Seconds => Timestamp::from_second(number().filter(|n| n.abs() < MILLISECONDS)?).ok(),
            Form::Milliseconds => Timestamp::from_millisecond(number().filter(|n| n.abs() >= MILLISECONDS)?).ok(),
            Form::Serial => None,
            Form::Strftime(form) => strtime::parse(form, text).ok()?.to_timestamp().ok(),
        }
    }

    /// Date and time of a text that names none.
    fn civil(&self, text: &str) -> Option<DateTime> {
        match self {
            Form::Seconds | Form::Milliseconds => None,
            Form::Serial => serial(text),
            Form::Strftime(form) => {
                let time = strtime::parse(form, text).ok()?;
                let civil = time.to_datetime().ok().or_else(|| Some(time.to_date().ok()?.at(0, 0, 0, 0)))?;
                // `%Y` reads the year 24 of `24`.
                (civil.year() >= YEAR).then_some(civil)
            }
        }
    }
}

/// The same form with seconds, with a time of day and without one: exports mix them.
fn alike(form: &str) -> Vec<String> {
    let hour = ["%H", "%I", "%k", "%l", "%T", "%R"].iter().filter_map(|letter| form.find(letter)).min();
    let Some(hour) = hour else {
        return [" %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S"].map(|time| format!("{form}{time}")).into();
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

/// `0.4375`: the part of a day that has passed, as a spreadsheet keeps a time without a format.
fn part_of_a_day(text: &str) -> Option<Time> {
    let text = text.replace(',', ".");
    let part: f64 =
        text.strip_prefix("0.").filter(|digits| digits.bytes().all(|b| b.is_ascii_digit())).and(text.parse().ok())?;
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a day")]
    let millis = (part * 86_400_000.0).round() as i64;
    Time::midnight().checked_add(millis.milliseconds()).ok()
}

/// `45413.5`: a day and the part of it that has passed.
fn serial(text: &str) -> Option<DateTime> {
    let number = |text: &str| text.replace(',', ".").parse::<f64>().ok();
    let days = match text.split_once(' ') {
        // Of two columns, the day and the part of it.
        Some((day, part)) => number(day)? + number(part).filter(|part| (0.0..1.0).contains(part))?,
        None => number(text)?,
    };
    if !is_serial(days) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of two centuries")]
    let millis = (days * 86_400_000.0).round() as i64;
    Date::constant(1899, 12, 30).at(0, 0, 0, 0).checked_add(millis.milliseconds()).ok()
}

/// Whether a number may be a day of a spreadsheet: one between 1927 and 2173.
pub fn is_serial(days: f64) -> bool {
    (10_000.0..100_000.0).contains(&days)
}

/// `20240501`, `20240501T100000`, `20240501100000`.
fn compact(text: &str) -> Option<DateTime> {
    let digits: String = text.chars().filter(|c| !"Tt ".contains(*c)).collect();
    let number = |from: usize, to: usize| digits.get(from..to).unwrap_or("0").parse::<i8>().ok();
    if !matches!(digits.len(), 8 | 12 | 14)
        || !digits.bytes().all(|b| b.is_ascii_digit())
        || !calendar::is_year(&digits[..4])
    {
        return None;
    }
    let second = if digits.len() == 14 { number(12, 14)? } else { 0 };
    let (hour, minute) = if digits.len() == 8 { (0, 0) } else { (number(8, 10)?, number(10, 12)?) };
    DateTime::new(digits[..4].parse().ok()?, number(4, 6)?, number(6, 8)?, hour, minute, second, 0).ok()
}

pub(super) fn day(year: &str, month: Option<i8>, day: &str) -> Option<Date> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_of_nothing_but_brackets_is_no_date() {
        let dates = Dates::new(&[], None).unwrap();
        zoned(&"[a]".repeat(20_000));
        for cell in
            ["[a]".repeat(20_000), format!("2024-05-01 10:00{}", "[Europe/Berlin]".repeat(20_000)), "1".repeat(101)]
        {
            assert_eq!(dates.read(&cell), None);
        }
        let civil = "2024-05-01T10:00:00";
        assert_eq!(zoned(&format!("{civil}[a][UTC]")).0, format!("{civil}[a]"), "one bracket is a zone");
        assert!(dates.read(&format!("{civil}+02:00[Europe/Berlin]")).is_some());
    }

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
            "01-MAY-24 10.00.00.000000000 AM",
            "01.05.2024 10.00 Uhr",
            "2024-05-01 08:00 (UTC)",
            "2024-05-01 09:00 (GMT+1)",
            "2024-05-01T10:00:00.000+0200",
            "May 01, 2024 @ 10:00 AM",
            "1. Mai 2024 10:00 Uhr",
            "Mittwoch, 1. Mai 2024 um 10:00",
            "mercredi 1er mai 2024 à 10:00",
            "1 de mayo de 2024 10:00 a. m.",
            "1 maj 2024 10:00",
            "1 May 2024, 10:00\u{202f}a.m.",
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
            "1 jui 2024",
            "10:00",
            "17",
            "45413.5",
            "2024-05-01 25:00",
            "2024-05-01 10:00 (IST)",
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
        assert_eq!(read("0"), "", "a column of epochs has 0 where nothing is");
        assert!(Dates::new(&["dd.mm.yyyy".into()], None).is_err() && Dates::new(&[], Some("Mars")).is_err());
    }

    #[test]
    fn a_date_that_two_said_forms_read_as_two_days_is_none() {
        let dates = Dates::new(&["%d/%m/%Y".into(), "%m/%d/%Y %H:%M".into()], None).unwrap();
        let read = |text: &str| dates.read(text).map(|at| at.to_string()).unwrap_or_default();
        assert!(dates.orders_differ());
        assert_eq!(
            (read("31/12/2024").as_str(), read("12/31/2024").as_str()),
            ("2024-12-31T00:00:00Z", "2024-12-31T00:00:00Z")
        );
        assert_eq!((read("05/06/2024").as_str(), read("06/06/2024").as_str()), ("", "2024-06-06T00:00:00Z"));
    }

    #[test]
    fn a_number_or_a_day_is_read_by_one_form_alone() {
        let read = |own: &[&str], text: &str| {
            let own: Vec<String> = own.iter().map(|form| (*form).to_owned()).collect();
            Dates::new(&own, None).unwrap().read(text).map(|at| at.to_string()).unwrap_or_default()
        };
        let day = "2024-05-01T00:00:00Z";
        assert_eq!(read(&["unix", "%Y%m%d"], "20240501"), day, "no second of 1970");
        assert_eq!(read(&["unix_ms"], "1714521600"), day, "seconds, by their size");
        assert_eq!(read(&["unix", "unix_ms"], "1714521600000"), day);
        assert_eq!(read(&["%Y-%d-%m"], "2024-01-05"), day);
        for text in ["2024-05-13", "2024-13-13"] {
            assert_eq!(read(&["%Y-%d-%m"], text), "", "{text} is read as no other form has it");
        }
        assert_eq!(read(&["%Y-%d-%m"], "2024-01-05T00:00"), day);
        assert_eq!(read(&["%d/%m/%Y"], "01/05/24"), "", "the year 24");
        assert_eq!(read(&["%d/%m/%Y", "%d/%m/%y"], "01/05/24"), day);
    }

    #[test]
    fn a_time_without_a_format_is_a_part_of_its_day() {
        for (text, hour) in [("2024-05-01 0.5", "12:00"), ("2024-05-01 0,25", "06:00"), ("2024-05-01 9.30", "09:30")] {
            let at = Dates::new(&[], None).unwrap().read(text).map(|at| at.to_string());
            assert_eq!(at.unwrap_or_default(), format!("2024-05-01T{hour}:00Z"), "{text}");
        }
        for text in ["2024-05-01 9.5", "2024-05-01 9,5", "2024-05-01 10.3", "2024-05-01 9:5"] {
            assert_eq!(read(text), "none", "{text}");
        }
        let days = Dates::new(&["excel".into()], None).unwrap();
        assert_eq!(days.read("45413 0.4375").map(|at| at.to_string()).unwrap_or_default(), "2024-05-01T10:30:00Z");
    }

    #[test]
    fn days_as_a_spreadsheet_keeps_them_are_read_where_it_is_said() {
        let dates = Dates::new(&["excel".into()], Some("Europe/Berlin")).unwrap();
        let read = |text: &str| dates.read(text).map(|at| at.to_string()).unwrap_or_default();
        assert_eq!(
            (read("45413").as_str(), read("45413,416666667").as_str()),
            ("2024-04-30T22:00:00Z", "2024-05-01T08:00:00Z")
        );
        assert_eq!((read("2024-05-01").as_str(), read("17").as_str()), ("2024-04-30T22:00:00Z", ""));
    }

    #[test]
    fn a_year_of_two_digits_is_none_of_four() {
        let of = |form: &str, text: &str| Dates::new(&[form.into()], None).unwrap().read(text).map(|at| at.to_string());
        assert_eq!(of("%d/%m/%Y", "05/06/24"), None, "the year 24");
        assert_eq!(of("%d/%m/%Y", "05/06/2024").as_deref(), Some("2024-06-05T00:00:00Z"));
        assert_eq!(of("%d/%m/%y", "05/06/24").as_deref(), Some("2024-06-05T00:00:00Z"));
        assert_eq!(of("%d/%m/%Y %H:%M", "05/06/24 10:00"), None);
    }

    #[test]
    fn words_for_no_date_are_none() {
        assert!(
            ["0000-00-00 00:00:00", "?", "NULL", "-", " n/a ", "0", "1/1/0001 12:00:00 AM"]
                .iter()
                .all(|text| Dates::is_nothing(text))
        );
        assert!(["2024-05-01", "soon", "10"].iter().all(|text| !Dates::is_nothing(text)));
    }
}
