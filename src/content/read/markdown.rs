//! Markdown into cleaned HTML: CommonMark with tables, strike-through and task lists, where a line end
//! shows as one, as the help desks that take Markdown do.

use crate::content::JOINER;
use pulldown_cmark::{Event, Options, Parser, html::push_html};

pub(in crate::content) fn html(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let events = Parser::new_ext(markdown, options).map(|event| match event {
        Event::SoftBreak => Event::HardBreak,
        Event::TaskListMarker(done) => Event::Text(if done { "[x] " } else { "[ ] " }.into()),
        event => event,
    });
    let mut html = String::with_capacity(markdown.len() * 2);
    push_html(&mut html, events);
    crate::content::clean(&html.replace(JOINER, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_end_shows_as_one() {
        assert_eq!(html("a\nb"), "<p>a<br>\nb</p>\n");
    }

    #[test]
    fn html_in_markdown_is_cleaned() {
        assert_eq!(html("a <script>x</script><b onclick=x>b</b>"), "<p>a <b>b</b></p>\n");
    }
}
