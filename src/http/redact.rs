//! What may be shown of an address: enough to find the call, nothing that opens a door.

use url::Url;

/// Words in the name of a query parameter whose value is never shown.
const SECRET_WORDS: [&str; 10] =
    ["token", "key", "secret", "pass", "sig", "auth", "credential", "session", "code", "jwt"];

/// Path segments after which a secret follows: `/attachments/token/abc/`.
const BEFORE_SECRET: [&str; 3] = ["token", "tokens", "key"];

/// Longer values are not shown either.
const LONGEST_VALUE: usize = 60;

/// The address as logs show it: path and query of the account's own origin, only the host of others, whose
/// addresses are often keys themselves.
pub(super) fn shown(url: &Url, base: &Url) -> String {
    if url.origin() != base.origin() {
        return format!("{}://{}/…", url.scheme(), url.host_str().unwrap_or_default());
    }
    let mut text = path(url.path());
    for (at, (name, value)) in url.query_pairs().enumerate() {
        text.push(if at == 0 { '?' } else { '&' });
        let lower = name.to_lowercase();
        let hide = value.chars().count() > LONGEST_VALUE || SECRET_WORDS.iter().any(|word| lower.contains(word));
        let value = if hide { "***".into() } else { value.escape_debug().to_string() };
        text.push_str(&format!("{}={value}", name.escape_debug()));
    }
    text
}

/// A path without the secrets some platforms put there.
pub(super) fn path(path: &str) -> String {
    let mut hide = false;
    let segments = path.split('/').map(|segment| {
        let shown = if hide && !segment.is_empty() { "***" } else { segment };
        hide = BEFORE_SECRET.contains(&segment.to_ascii_lowercase().as_str());
        shown
    });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_opens_a_door_is_shown() {
        let base = Url::parse("https://acme.example/desk/").unwrap();
        for (url, expected) in [
            ("https://acme.example/desk/issues.json?limit=100&key=abc", "/desk/issues.json?limit=100&key=***"),
            ("https://acme.example/attachments/token/s3cret/?name=a.png", "/attachments/token/***/?name=a.png"),
            (
                "https://acme.example/x?X-Amz-Signature=s3cret&access_token=s3cret",
                "/x?X-Amz-Signature=***&access_token=***",
            ),
            ("https://s3.example/s3cret/file?sig=s3cret", "https://s3.example/…"),
            ("http://acme.example/s3cret", "http://acme.example/…"),
        ] {
            assert_eq!(shown(&Url::parse(url).unwrap(), &base), expected);
        }
    }
}
