//! Pages for a browser or a printer: one file each that holds all it shows.

use deskferry::error::{Problem, Reason, Result};
use minijinja::{AutoEscape, Environment, Value, context};

const STYLE: &str = include_str!("style.css");

/// Draws a template over values. Everything is escaped but what the template calls safe.
pub fn draw(template: &str, values: Value) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("bytes", bytes);
    environment.add_filter("duration", duration);
    environment.add_filter("thousands", thousands);
    environment.add_filter("code", |text: String| Value::from_safe_string(code(&text)));
    environment.add_filter("words", |code: String| code.replace('_', " "));
    let wrong = |e: minijinja::Error| Problem::new(Reason::Internal, format!("the page cannot be drawn: {e:#}"));
    environment.add_template("page.html", template).map_err(wrong)?;
    let page = environment.get_template("page.html").map_err(wrong)?;
    page.render(context! { style => STYLE, ..values }).map_err(wrong)
}

/// A message with what stands between backticks set as code, escaped for HTML.
fn code(text: &str) -> String {
    let escape = |part: &str| part.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, quoted, after)) = rest
        .split_once('`')
        .and_then(|(before, rest)| rest.split_once('`').map(|(quoted, after)| (before, quoted, after)))
    {
        out.push_str(&format!("{}<code>{}</code>", escape(before), escape(quoted)));
        rest = after;
    }
    out + &escape(rest)
}

/// A size as people say it.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KB", "MB", "GB", "TB"];
    let mut size = n as f64;
    let mut unit = 0;
    while size >= 1000.0 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{n} bytes"),
        _ if size < 10.0 => format!("{size:.1} {}", UNITS[unit]),
        _ => format!("{size:.0} {}", UNITS[unit]),
    }
}

/// A time as people plan it.
pub fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).ceil() as u64;
    match minutes {
        0 | 1 => "a minute".to_owned(),
        n if n < 90 => format!("{n} minutes"),
        n if n < 48 * 60 => format!("{:.1} hours", seconds / 3600.0),
        _ => format!("{:.1} days", seconds / 86_400.0),
    }
}

/// A number with its thousands apart.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_set_as_code_and_nothing_becomes_markup() {
        assert_eq!(code("say `a = \"<b>\"` & run"), "say <code>a = \"&lt;b&gt;\"</code> &amp; run");
        assert_eq!(code("one ` alone <i>"), "one ` alone &lt;i&gt;");
    }

    #[test]
    fn sizes_times_and_numbers_are_said_as_people_say_them() {
        assert_eq!(
            [bytes(0), bytes(999), bytes(1_500), bytes(20_971_520)],
            ["0 bytes", "999 bytes", "1.5 KB", "21 MB"]
        );
        assert_eq!([duration(5.0), duration(600.0), duration(36_000.0)], ["a minute", "10 minutes", "10.0 hours"]);
        assert_eq!([thousands(7), thousands(1_000), thousands(1_234_567)], ["7", "1,000", "1,234,567"]);
    }
}
