//! What helps with a date that cannot be read: the key of `columns.toml`, with the form that would read it, or that there is no such
//! day.

use super::dates::{self, Dates};
use jiff::civil::Date;

/// What to do about this text in a date of `field`.
pub fn of_date(dates: &Dates, field: &str, text: &str) -> String {
    let last = text.rsplit(' ').next().unwrap_or_default();
    if text.contains(':') && last.len() > 2 && last.chars().all(|c| c.is_ascii_uppercase()) {
        return format!(
            "`{last}` is the name of several zones, or of none: `date = \"… {last}\"` with `zone` in columns.toml says which"
        );
    }
    if let Some(numbers) = Numbers::of(text) {
        return numbers.hint(dates);
    }
    if let Some(epoch) = long_epoch(text) {
        return epoch;
    }
    if text.replace(',', ".").parse().is_ok_and(dates::is_serial) {
        return "`date = \"excel\"` in columns.toml reads days as a spreadsheet keeps them".into();
    }
    if text.contains(':') && text.chars().all(|c| c.is_ascii_digit() || ": .apmAPM".contains(c)) {
        return format!("it has no day: `{field} = [\"Date\", \"Time\"]` under `[TABLE.columns]` names both columns");
    }
    format!(
        "`date` in columns.toml says how dates are written, such as \"%d.%m.%Y %H:%M\"; `empty` lists words for no date; a column \
         that is no `{field}` goes under `[TABLE.custom]`"
    )
}

/// What helps with nanoseconds, or with `/Date(1714557600000)/`.
fn long_epoch(text: &str) -> Option<String> {
    let inner = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/"));
    let digits = inner.unwrap_or(text);
    let is_epoch = digits.bytes().all(|b| b.is_ascii_digit()) && (inner.is_some() || digits.len() > 16);
    is_epoch.then(|| {
        "it counts from 1970 in a form that is not read: export it as a date, or as seconds or milliseconds (10 or 13 digits)".into()
    })
}

/// A date of three numbers.
struct Numbers<'a> {
    parts: [&'a str; 3],
    between: char,
    /// The form of its time of day.
    time: &'static str,
}

impl<'a> Numbers<'a> {
    fn of(text: &'a str) -> Option<Numbers<'a>> {
        let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, ""));
        let between = date.chars().find(|c| "/-.".contains(*c))?;
        let parts: Vec<&str> = date.split(between).collect();
        let digits = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let time = match time {
            "" => "",
            time if time.to_lowercase().ends_with('m') && !is_of_24(time) => " %I:%M %p",
            time if time.matches(':').count() > 1 => " %H:%M:%S",
            _ => " %H:%M",
        };
        Some(Numbers {
            parts: parts.try_into().ok().filter(|parts: &[&str; 3]| parts.iter().all(digits))?,
            between,
            time,
        })
    }

    /// Whether there is such a day.
    fn is_day(&self, [year, month, day]: [usize; 3]) -> bool {
        let number = |at: usize| self.parts[at].parse::<i16>().ok();
        let year = number(year).map(|short| if short < 100 { 2000 + short } else { short });
        let small = |at: usize| number(at).and_then(|number| i8::try_from(number).ok());
        let date = year.zip(small(month)).zip(small(day)).map(|((year, month), day)| Date::new(year, month, day));
        date.is_some_and(|date| date.is_ok())
    }

    fn form(&self, first: &str, second: &str) -> String {
        let (between, year) = (self.between, if self.parts[2].len() == 4 { "%Y" } else { "%y" });
        format!("\"{first}{between}{second}{between}{year}{}\"", self.time)
    }

    fn hint(&self, dates: &Dates) -> String {
        let (day_first, month_first) = (self.is_day([2, 1, 0]), self.is_day([2, 0, 1]));
        let year_first = self.parts[0].len() == 4;
        match (day_first, month_first) {
            // The day is right, and what comes after it is not.
            _ if year_first && self.is_day([0, 1, 2]) => {
                "the time or the zone behind the day cannot be read: write it as `10:30` or `10:30 +02:00`, or say the form with `date` \
                 in columns.toml"
                    .into()
            }
            _ if year_first || !(day_first || month_first) => {
                "there is no such day or time: correct the cell, or list it in `empty` of columns.toml".into()
            }
            (true, true) if dates.orders_differ() => {
                "two forms of `date` in columns.toml read it as two days: leave the one that holds, under `[TABLE]` where tables differ"
                    .into()
            }
            _ if dates.are_said() => {
                "`date` in columns.toml says another form: correct the cell, or name its form there as well".into()
            }
            (true, false) => format!("`date = {}` in columns.toml says how dates are written", self.form("%d", "%m")),
            (false, true) => format!("`date = {}` in columns.toml says how dates are written", self.form("%m", "%d")),
            _ => format!(
                "`date` in columns.toml says which comes first: {} or {}",
                self.form("%d", "%m"),
                self.form("%m", "%d")
            ),
        }
    }
}

/// `22:00 PM`: an hour of 24, and a half of the day beside it.
fn is_of_24(time: &str) -> bool {
    time.split(':').next().and_then(|hour| hour.trim().parse::<u8>().ok()).is_some_and(|hour| hour > 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_that_cannot_be_read_comes_with_what_would_read_it() {
        let hint = |own: &[&str], text: &str| {
            let own: Vec<String> = own.iter().map(|form| (*form).to_owned()).collect();
            of_date(&Dates::new(&own, None).unwrap(), "created_at", text)
        };
        for (text, helps) in [
            ("31/12/2024 10:00", "`date = \"%d/%m/%Y %H:%M\"`"),
            ("12/31/24 3:26 PM", "`date = \"%m/%d/%y %I:%M %p\"`"),
            ("05-06-2024", "which comes first: \"%d-%m-%Y\" or \"%m-%d-%Y\""),
            ("30/02/2024", "no such day"),
            ("2024-02-30", "no such day"),
            ("45413.5", "`date = \"excel\"`"),
            ("3:26 PM", "`created_at = [\"Date\", \"Time\"]`"),
            ("2024-05-01 10:00 IST", "`date = \"… IST\"` with `zone`"),
            ("soon", "`empty` lists words"),
            ("2024-05-01 10h30", "the time or the zone behind the day"),
            ("2024-05-01 10:00 Pacific Standard Time", "the time or the zone behind the day"),
            ("1714557600000000000", "seconds or milliseconds"),
            ("/Date(1714557600000)/", "seconds or milliseconds"),
        ] {
            assert!(hint(&[], text).contains(helps), "{text}: {}", hint(&[], text));
        }
        assert!(hint(&["%d/%m/%Y"], "12/31/2024").contains("says another form"));
        assert!(hint(&["%d/%m/%Y", "%m/%d/%Y"], "05/06/2024").contains("as two days"));
    }
}
