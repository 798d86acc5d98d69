//! Number formats of a workbook that write zeros in front of a number, or signs between its digits: ids, zip codes, phone numbers. What
//! such a cell shows is a text, and everybody knows the thing by that text; the number alone is another.
//!
//! Any other format is passed over: what it shows (thousands, decimals, a currency) is the number.

use calamine::Style;

/// Sections of a format, and the numbers each is for.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask(Vec<Section>);

#[derive(Clone, Debug, PartialEq)]
struct Section {
    /// `[<=9999999]`.
    holds: Option<(Is, f64)>,
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Is {
    Below,
    AtMost,
    Above,
    AtLeast,
    Equal,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    /// A digit that is written where there is none, as `0`.
    Zero,
    /// A digit that is not.
    Digit,
    Sign(char),
}

/// The masks of a workbook's styles, by their place; none where the format shows a number as it is.
pub fn of_styles(styles: &[Style]) -> Vec<Option<Mask>> {
    let code = |style: &Style| style.number_format.as_ref().and_then(|format| Mask::of(&format.format_code));
    styles.iter().map(code).collect()
}

impl Mask {
    /// None where a section shows anything but digits, or no format shows other digits than the number has.
    fn of(format: &str) -> Option<Mask> {
        let sections = sections(format)?;
        // One for texts alone says nothing of numbers.
        let of_numbers = sections.iter().filter(|section| !section.contains(&('@', false)));
        let sections: Vec<Section> = of_numbers.map(|section| parts(section)).collect::<Option<_>>()?;
        sections.first().is_some_and(Section::shows_more).then_some(Mask(sections))
    }

    /// What a cell shows of a number; none where that is not known.
    pub fn shown(&self, number: f64) -> Option<String> {
        if number.fract() != 0.0 || number.abs() >= 1e15 {
            return None;
        }
        let sections = &self.0;
        let by_condition = || sections.iter().find(|section| section.holds.is_none_or(|(is, of)| is.holds(number, of)));
        let (section, sign) = match sections.len() {
            _ if sections.iter().any(|section| section.holds.is_some()) => (by_condition()?, ""),
            1 => (&sections[0], if number < 0.0 { "-" } else { "" }),
            _ if number < 0.0 => (&sections[1], ""),
            3 if number == 0.0 => (&sections[2], ""),
            _ => (&sections[0], ""),
        };
        let mut digits: Vec<char> = format!("{:.0}", number.abs()).chars().collect();
        if number == 0.0 {
            digits.clear();
        }
        let first = section.parts.iter().position(|part| !matches!(part, Part::Sign(_)))?;
        let mut shown = Vec::new();
        for (at, part) in section.parts.iter().enumerate().rev() {
            match part {
                Part::Sign(sign) => shown.push(*sign),
                Part::Zero => shown.push(digits.pop().unwrap_or('0')),
                Part::Digit => shown.extend(digits.pop()),
            }
            if at == first {
                shown.extend(digits.drain(..).rev());
            }
        }
        let text: String = shown.into_iter().rev().collect();
        Some(format!("{sign}{}", text.trim()))
    }
}

impl Section {
    /// Whether it writes zeros in front, or signs between digits.
    fn shows_more(&self) -> bool {
        let is_digit = |part: &Part| !matches!(part, Part::Sign(_));
        let zeros = self.parts.iter().filter(|part| **part == Part::Zero).count();
        let first = self.parts.iter().position(is_digit).unwrap_or_default();
        let last = self.parts.iter().rposition(is_digit).unwrap_or_default();
        zeros > 1 || self.parts[first..last].iter().any(|part| matches!(part, Part::Sign(_)))
    }
}

impl Is {
    fn holds(self, number: f64, of: f64) -> bool {
        match self {
            Is::Below => number < of,
            Is::AtMost => number <= of,
            Is::Above => number > of,
            Is::AtLeast => number >= of,
            Is::Equal => number == of,
            Is::Other => number != of,
        }
    }
}

/// The sections of a format, which `;` parts, each with its signs and whether they are meant as they stand.
fn sections(format: &str) -> Option<Vec<Vec<(char, bool)>>> {
    let (mut all, mut quoted, mut letters) = (vec![vec![]], false, format.chars());
    while let Some(letter) = letters.next() {
        let section = all.last_mut()?;
        match letter {
            '"' => quoted = !quoted,
            letter if quoted => section.push((letter, true)),
            '\\' => section.push((letters.next()?, true)),
            // As wide as the next sign, and filled with it.
            '_' | '*' => drop(letters.next()),
            ';' => all.push(vec![]),
            letter => section.push((letter, false)),
        }
    }
    // A fourth section is for texts.
    all.truncate(3);
    Some(all)
}

fn parts(section: &[(char, bool)]) -> Option<Section> {
    let (mut holds, mut parts, mut signs) = (None, Vec::new(), section.iter());
    while let Some(&(sign, as_it_stands)) = signs.next() {
        match sign {
            sign if as_it_stands => parts.push(Part::Sign(sign)),
            '[' => {
                let inside: String =
                    signs.by_ref().take_while(|(sign, _)| *sign != ']').map(|(sign, _)| *sign).collect();
                holds = holds.or(condition(&inside));
            }
            '0' => parts.push(Part::Zero),
            '#' => parts.push(Part::Digit),
            ' ' | '-' | '+' | '(' | ')' | ':' => parts.push(Part::Sign(sign)),
            _ => return None,
        }
    }
    Some(Section { holds, parts })
}

/// A condition; none of a colour or a language.
fn condition(text: &str) -> Option<(Is, f64)> {
    let words = [
        ("<=", Is::AtMost),
        (">=", Is::AtLeast),
        ("<>", Is::Other),
        ("<", Is::Below),
        (">", Is::Above),
        ("=", Is::Equal),
    ];
    words.into_iter().find_map(|(word, is)| Some((is, text.strip_prefix(word)?.trim().parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(format: &str, number: f64) -> Option<String> {
        Mask::of(format)?.shown(number)
    }

    #[test]
    fn a_number_is_read_as_its_format_writes_it() {
        let phone = "[<=9999999]###\\-####;\\(###\\)\\ ###\\-####";
        for (format, number, text) in [
            ("00000", 1067.0, "01067"),
            ("00000", 0.0, "00000"),
            ("00000", 123_456.0, "123456"),
            ("00000", -7.0, "-00007"),
            ("[$-407]00000", 7.0, "00007"),
            ("\"INC\"0000000", 42.0, "INC0000042"),
            ("\\I\\N\\C0000000", 42.0, "INC0000042"),
            ("00000\\-0000", 123_456_789.0, "12345-6789"),
            ("000-00-0000", 12_345_678.0, "012-34-5678"),
            ("0000_);(0000)", -42.0, "(0042)"),
            (phone, 5_551_234.0, "555-1234"),
            (phone, 2_125_551_234.0, "(212) 555-1234"),
            ("00000;@", 12.0, "00012"),
        ] {
            assert_eq!(shown(format, number).as_deref(), Some(text), "{format}");
        }
    }

    #[test]
    fn a_format_that_shows_the_number_alone_is_none() {
        for format in
            ["General", "0", "#,##0", "0.00", "0%", "0.00E+00", "# ?/?", "\"EUR \"0", "0 \"kg\"", "#", "@", "yyyy"]
        {
            assert_eq!(Mask::of(format), None, "{format}");
        }
        assert_eq!(shown("00000", 1.5), None);
    }
}
