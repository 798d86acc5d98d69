//! `@login` in a body mails that person on some platforms. Here it stops doing so and stays readable.
//!
//! Redmine reads mentions from the raw text (`lib/redmine/acts/mentionable.rb`): an `@` that follows no
//! word character, and letters, digits, `_`, `-`, `.` or `@` behind it; not inside `<pre>` or fenced code.
//!
//! Names are defused in every body written as Textile or Markdown. HTML and text keep their `@`: the targets that
//! take HTML mention by an element or a call of its own, which cleaning does not let through, never by the letters.

use super::JOINER;

/// What an `@` becomes in Textile: shown as itself, read as nothing.
pub(super) const AT: &str = "&#64;";

/// Whether an `@` between these two characters would mention someone.
pub(super) fn mentions(before: Option<char>, after: Option<char>) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    before.is_none_or(|c| !word(c)) && after.is_some_and(|c| word(c) || matches!(c, '-' | '.' | '@'))
}

/// Textile whose mentions notify no one. `@code@` becomes `<code>code</code>`, which shows the same.
pub fn defuse_textile(textile: &str) -> String {
    let mut out = String::with_capacity(textile.len());
    for (part, is_code) in textile_code(textile) {
        match is_code {
            true if part.starts_with("<pre>") => out.push_str(part),
            true => out.push_str(&defuse_code(part)),
            false => each_mention(part, &mut out, |rest, out| match inline_code(rest) {
                Some(code) => {
                    out.push_str(&format!("<code>{}</code>", defuse_code(code)));
                    code.len() + 2
                }
                None => {
                    out.push_str(AT);
                    1
                }
            }),
        }
    }
    out
}

/// Markdown whose mentions notify no one.
pub fn defuse_markdown(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some(open) = find_fence(rest) {
        out.push_str(&defuse_code(&rest[..open]));
        let close = find_fence(&rest[open + 3..]).map_or(rest.len(), |end| open + 3 + end + 3);
        out.push_str(&rest[open..close]);
        rest = &rest[close..];
    }
    out.push_str(&defuse_code(rest));
    out
}

/// Puts a joiner behind every `@` that would mention someone: for places where an entity would show.
pub(super) fn defuse_code(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    each_mention(code, &mut out, |_, out| {
        out.push('@');
        out.push(JOINER);
        1
    });
    out
}

/// Copies `text`, handing over to `replace` at each mention; it says how many bytes it stood in for.
fn each_mention(text: &str, out: &mut String, mut replace: impl FnMut(&str, &mut String) -> usize) {
    let mut kept_to = 0;
    while let Some(at) = text[kept_to..].find('@').map(|at| at + kept_to) {
        out.push_str(&text[kept_to..at]);
        kept_to = at;
        kept_to += match mentions(text[..at].chars().next_back(), text[at + 1..].chars().next()) {
            true => replace(&text[at..], out),
            false => {
                out.push('@');
                1
            }
        };
    }
    out.push_str(&text[kept_to..]);
}

fn inline_code(rest: &str) -> Option<&str> {
    let end = rest[1..].find(['@', '\n']).filter(|end| *end > 0)?;
    let code = &rest[1..=end];
    let after = rest[1 + end..].strip_prefix('@')?;
    let ends = after.chars().next().is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_');
    let safe = !code.contains(['<', '|']);
    (ends && safe).then_some(code)
}

fn find_fence(text: &str) -> Option<usize> {
    // One walk for both marks: to look for each to the end of the text, at every fence, takes quadratic time.
    let marks = text.match_indices(['`', '~']).map(|(at, _)| at);
    marks.into_iter().find(|at| text[*at..].starts_with("```") || text[*at..].starts_with("~~~"))
}

/// The tags whose content Redmine's Textile shows to the character.
const CODE_TAGS: [&str; 4] = ["pre", "code", "kbd", "notextile"];

/// Textile cut where `<pre>`, `<code>`, `<kbd>` and `<notextile>` begin and end, and whether each part is one
/// of these. A tag that is not closed reaches to the end, as in Redmine.
pub(super) fn textile_code(textile: &str) -> Vec<(&str, bool)> {
    let lower = textile.to_ascii_lowercase();
    let (mut parts, mut from, mut at) = (vec![], 0, 0);
    let mut tag_end = None;
    while let Some(start) = lower[at..].find('<').map(|start| start + at) {
        let opened = CODE_TAGS.iter().find(|tag| opens_tag(&lower, start + 1, tag, &mut tag_end));
        let Some(tag) = opened else {
            at = start + 1;
            continue;
        };
        let close = format!("</{tag}>");
        let end = lower[start..].find(&close).map_or(lower.len(), |end| start + end + close.len());
        parts.extend([(&textile[from..start], false), (&textile[start..end], true)]);
        (from, at) = (end, end);
    }
    parts.push((&textile[from..], false));
    parts.retain(|(part, _)| !part.is_empty());
    parts
}

/// Whether `tag` is opened at `at`. `end` remembers the next `>` or line end from call to call, so that a
/// thousand tags that none closes are no thousand walks to the end of the text.
fn opens_tag(text: &str, at: usize, tag: &str, end: &mut Option<usize>) -> bool {
    text[at..].strip_prefix(tag).is_some_and(|rest| {
        let inside = text.len() - rest.len();
        let apart = !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let known = end.filter(|end| *end >= inside);
        let next = known.unwrap_or_else(|| rest.find(['>', '\n']).map_or(text.len(), |to| inside + to));
        *end = Some(next);
        apart && text[next..].starts_with('>')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_after_an_at_sign_no_longer_notifies() {
        let cases = [
            ("@ann, see", "&#64;ann, see"),
            ("(@ann.b)", "(&#64;ann.b)"),
            ("mail ann@x.com @ noon", "mail ann@x.com @ noon"),
            ("run @make@ now", "run <code>make</code> now"),
            ("<pre>@ann</pre> @ann", "<pre>@ann</pre> &#64;ann"),
            ("<code>@ann</code>", "<code>@\u{2060}ann</code>"),
        ];
        for (textile, expected) in cases {
            assert_eq!(defuse_textile(textile), expected);
        }
        assert_eq!(
            defuse_markdown("@ann `@bob`\n```\n@cy\n```\n\\@dan"),
            "@\u{2060}ann `@\u{2060}bob`\n```\n@cy\n```\n\\@\u{2060}dan"
        );
    }
}
