//! Texts without their markup: what must be the same after any honest conversion.

/// Letters and digits only, entities read.
pub fn squeezed(text: &str) -> String {
    plain(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Letters, digits and what addresses and times are made of; for header lines.
pub fn squeezed_line(text: &str) -> String {
    plain(text).chars().filter(|c| c.is_alphanumeric() || "@.:-+".contains(*c)).collect()
}

fn plain(text: &str) -> String {
    entities(&text.replace("<notextile>", "").replace("</notextile>", ""))
}

pub fn without_tags(html: &str) -> String {
    let (mut out, mut inside) = (String::new(), false);
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            _ if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

/// With every entity read.
pub fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match rest.find(';').filter(|end| *end <= 10).and_then(|end| Some((entity(&rest[1..end])?, end))) {
            Some((c, end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}

/// `YYYY-MM-DD HH:MM` of any common spelling of an instant in UTC; seconds are not what a field is about.
pub fn instant(value: &str) -> String {
    value.replace('T', " ").trim_end_matches('Z').chars().take(16).collect()
}

/// Whether `body` holds the phrases one after the other; else the first that is not there.
pub fn holds_in_order<'p>(body: &str, phrases: &'p [String]) -> Result<(), &'p str> {
    let body = squeezed(body);
    let mut rest = body.as_str();
    for phrase in phrases {
        let wanted = squeezed(phrase);
        let at = rest.find(&wanted).ok_or(phrase.as_str())?;
        rest = &rest[at + wanted.len()..];
    }
    Ok(())
}

#[test]
fn markup_and_entities_do_not_hide_the_words() {
    let phrases = ["Login <b>fails</b> & more".to_string(), "not bold".to_string()];
    let body = "h2. x\n\nLogin &lt;b&gt;fails&#60;/b&gt; &amp; more\n\n* \\*not *bold*\\*";
    assert_eq!(holds_in_order(body, &phrases), Ok(()));
    assert_eq!(holds_in_order("not bold Login fails more", &phrases), Err("Login <b>fails</b> & more"));
}

#[test]
fn an_instant_is_the_same_in_every_spelling() {
    assert_eq!(instant("2020-05-06T07:08:00Z"), instant("2020-05-06 07:08"));
    assert_ne!(instant("2020-05-06T07:08:00Z"), instant("2020-05-06 07:09"));
}
