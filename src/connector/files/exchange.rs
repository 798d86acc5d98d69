//! Addresses within Exchange, which Outlook exports of senders of the own house: `/O=EXCH/OU=A/CN=RECIPIENTS/CN=ANN`. No mail
//! reaches anybody by them; the name beside one may be known.

/// The name beside such an address, which may be empty; none for any other text.
pub fn name(text: &str) -> Option<&str> {
    let small = text.to_ascii_lowercase();
    let start = small.find("/o=")?;
    small[start..].contains("/cn=").then_some(())?;
    let before = text[..start].trim_end_matches([' ', '<', '"', '(', '[', '\'']);
    let label =
        before.len().checked_sub(3).filter(|at| small.is_char_boundary(*at) && small[*at..before.len()] == *"ex:");
    let before = label.map_or(before, |at| &before[..at]);
    Some(before.trim_matches([' ', '<', '"', '(', '[', '\'', ',', ';', '\t', '\n']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_within_exchange_is_told_from_a_name() {
        for (text, expected) in [
            ("/O=EXCH/OU=A/CN=RECIPIENTS/CN=ANN", Some("")),
            ("Ann Roe /o=ExchangeLabs/ou=x/cn=Recipients/cn=ann", Some("Ann Roe")),
            ("\"Ann Roe\" <EX:/O=EXCH/CN=ANN>", Some("Ann Roe")),
            ("J\u{fc}rgen [/O=EXCH/CN=J]", Some("J\u{fc}rgen")),
            ("Ann Roe", None),
            ("ann@x.example", None),
            ("R&D/O=ps", None),
        ] {
            assert_eq!(name(text), expected, "{text}");
        }
    }
}
