//! Dates whose day and year do not look different: in which orders they could be read.

use super::calendar::{self, month};
use super::dates::day;

/// In which orders a date can be read whose day, month and year are not told apart by their look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// The day first, which is how it is read. Otherwise it would be read by this form.
    Either {
        form: String,
    },
    DayFirst,
    /// Only with the year first.
    Otherwise,
}

/// The order of `24-May-01` and `24.05.01`; none of a date whose parts do not change places.
pub fn order(text: &str) -> Option<Order> {
    let text = calendar::plain(text);
    let text = calendar::without_weekday(&text);
    let is_between = |c: char| "-/. ,".contains(c);
    let mut parts = text.splitn(4, ['-', '/', '.', ' ']);
    let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
    let between = |after: usize| text[after..].chars().next().filter(|c| is_between(*c)).map(String::from);
    let (first, second) = (between(a.len())?, between(a.len() + 1 + b.len())?);
    let is_short = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let named = month(b);
    if !is_short(a) || (named.is_none() && !(is_short(b) && first == "." && second == ".")) {
        return None;
    }
    if !is_short(c) || c.len() != 2 {
        return None;
    }
    let (letter, month) = if named.is_some() { ("%b", named) } else { ("%m", b.parse().ok()) };
    Some(match (day(c, month, a).is_some(), day(a, month, c).is_some()) {
        (true, true) => Order::Either { form: format!("%y{first}{letter}{second}%d") },
        (true, false) => Order::DayFirst,
        (false, _) => Order::Otherwise,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_whose_parts_could_change_places_is_known_as_one() {
        let either = |form: &str| Some(Order::Either { form: form.to_owned() });
        assert_eq!(order("24-May-01"), either("%y-%b-%d"));
        assert_eq!(order("24/May/01 10:31 AM"), either("%y/%b/%d"));
        assert_eq!(order("24.05.01 10:00"), either("%y.%m.%d"));
        assert_eq!(order("24-May-79"), Some(Order::DayFirst));
        assert_eq!(order("79-May-24"), Some(Order::Otherwise));
        for certain in ["2024-05-01", "01-May-2024", "05.06.2024", "1714550400", "May 1, 2024", "soon", ""] {
            assert_eq!(order(certain), None, "{certain}");
        }
    }
}
