//! What is left of a text that others must not read: its shape.

use serde_json::Value;
use url::Url;

/// Letters become `x`, digits `0`; the rest shows where words, lines and addresses were.
pub fn text(text: &str) -> String {
    let shape = |c: char| match c {
        c if c.is_numeric() => '0',
        c if c.is_alphabetic() => 'x',
        c => c,
    };
    text.chars().map(shape).collect()
}

/// A message of ours: only what it quotes from the account and the addresses it names are masked.
pub fn quoted(message: &str) -> String {
    let plain = |part: &str| {
        part.split_inclusive(' ').map(|w| if w.contains('@') { text(w) } else { w.to_owned() }).collect::<String>()
    };
    let parts = message.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { text(part) } else { plain(part) }).collect::<Vec<_>>().join("`")
}

/// An address without the account's own name.
pub fn host(address: &str) -> String {
    match Url::parse(address) {
        Ok(url) => format!("{}://{}", url.scheme(), text(url.host_str().unwrap_or_default())),
        Err(_) => text(address),
    }
}

/// A request: names of its fields, methods and paths stay, values do not. Placeholders stay.
pub fn request(request: &Value) -> Value {
    match request {
        Value::String(word) if is_name(word) => request.clone(),
        Value::String(value) => text(value).into(),
        Value::Array(items) => items.iter().map(self::request).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| match key.as_str() {
                "method" | "path" | "mime" => (key.clone(), value.clone()),
                _ => (key.clone(), self::request(value)),
            })
            .collect(),
        other => other.clone(),
    }
}

/// Whether a value is nothing but the name of one that is not known yet.
fn is_name(text: &str) -> bool {
    text.strip_prefix('<').and_then(|t| t.strip_suffix('>')).is_some_and(|name| !name.contains(['<', '>']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_of_a_text_stays_but_its_shape() {
        assert_eq!(text("Ann <ann@acme.com> 42 Größe"), "xxx <xxx@xxxx.xxx> 00 xxxxx");
        assert_eq!(quoted("no agent has `ann@acme.com` there"), "no agent has `xxx@xxxx.xxx` there");
        assert_eq!(quoted("nobody has the address ann@acme.com there"), "nobody has the address xxx@xxxx.xxx there");
        assert_eq!(host("https://acme.zendesk.com/x"), "https://xxxx.xxxxxxx.xxx");
    }

    #[test]
    fn a_request_keeps_its_call_and_its_placeholders() {
        let sent = json!({"method": "POST", "path": "/tickets", "body": {"json": {"subject": "Help", "requester_id": "<#contact 5.id>", "body": "<p>Ann</p>"}}});
        let masked = request(&sent);
        assert_eq!(masked["path"], "/tickets");
        assert_eq!(
            masked["body"]["json"],
            json!({"subject": "xxxx", "requester_id": "<#contact 5.id>", "body": "<x>xxx</x>"})
        );
    }
}
