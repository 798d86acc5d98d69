//! What becomes of HTML that is sent to a vendor: scripts, handlers and odd schemes go, the words stay.
//!
//! *Unverified:* which elements a vendor's cleaning keeps. The stricter reading is taken: a `src` by `cid:` or `data:`
//! does not survive, so an image that is not hosted anywhere is lost.

use std::sync::LazyLock;

static CLEANER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = ammonia::Builder::default();
    cleaner
        .add_generic_attributes(["class", "dir", "style"])
        .add_tags(["font", "section"])
        .add_tag_attributes("font", ["color", "face", "size"])
        .add_tag_attributes("img", ["data-id"])
        .add_tag_attributes("table", ["border", "cellpadding", "cellspacing"])
        .link_rel(Some("noreferrer"))
        .url_schemes(["http", "https", "mailto", "tel"].into());
    cleaner
});

static STRIPPER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(ammonia::Builder::empty);

pub fn cleaned(html: &str) -> String {
    CLEANER.clean(html).to_string()
}

/// The words without markup.
pub fn text(html: &str) -> String {
    let lines = ["<br>", "</p>", "</div>", "</li>", "</tr>"]
        .iter()
        .fold(html.to_owned(), |text, end| text.replace(end, &format!("{end}\n")));
    let bare = STRIPPER.clean(&lines).to_string();
    let plain = bare
        .replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&");
    plain.trim().to_owned()
}

/// Whether anyone would see anything: words, or an image.
pub fn is_blank(html: &str) -> bool {
    text(html).trim().is_empty() && !html.contains("<img")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_handlers_and_unhosted_images_do_not_survive() {
        let stored = cleaned(
            "<p onclick=x()>Hi</p><script>bad()</script><img src=\"cid:1\"><img src=\"data:image/png;base64,AA\">",
        );
        assert!(stored.contains("<p>Hi</p>"), "{stored}");
        assert!(["bad", "onclick", "cid:", "data:"].iter().all(|gone| !stored.contains(gone)), "{stored}");
    }

    #[test]
    fn the_text_of_a_body_is_its_words() {
        assert_eq!(text("<div>a &amp; b<br>1 &lt; 2&nbsp;!</div>"), "a & b\n1 < 2 !");
        assert!(is_blank("<div> <br>&nbsp;</div>") && !is_blank("<img src=x>"));
    }
}
