use crate::content::{ImagePlace, ImageRef, convert};
use crate::record::Format;

fn place(image: &ImageRef) -> ImagePlace {
    match image {
        ImageRef::Cid(id) => ImagePlace::Inline { name: format!("{id}.png") },
        ImageRef::Url(url) | ImageRef::Name(url) if url.contains("gone") => ImagePlace::Gone,
        ImageRef::Url(url) | ImageRef::Name(url) => ImagePlace::Url(url.clone()),
        ImageRef::Data { .. } => ImagePlace::Attached { name: "a \"b\".svg".into() },
    }
}

fn html(html: &str) -> String {
    convert(html, Format::Html, Format::Textile, &place).text
}

fn text(text: &str) -> String {
    convert(text, Format::Text, Format::Textile, &place).text
}

#[test]
fn html_becomes_the_textile_redmine_shows_alike() {
    let cases = [
        ("<p>a <b>bold</b>, <i>it</i> <s>x</s></p><p>b</p>", "a *bold*, _it_ -x-\n\nb"),
        ("<h3>T<br>u</h3>x<br>y", "h3. T u\n\nx\ny"),
        (r#"<a href="https://x.y/a b">the (docs)</a>, ok"#, "\"the (docs)\u{2060}\":https://x.y/a%20b, ok"),
        (r#"<a href="https://x.y/a">x.y/a</a>"#, "x.y/a"),
        (r#"<a href="mailto:ann@x.y">ann@x.y</a>"#, "ann@x.y"),
        (r#"<a href="tel:+491">call</a> <a href="/r">rel</a>"#, "call (tel:+491) rel (/r)"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>c", "> a\n>\n>> b\n\nc"),
        ("<blockquote><pre>x\n y</pre></blockquote>", "> <pre>\nx\n y\n</pre>"),
        ("<pre>&lt;/pre&gt; *x*</pre>", "<pre>\n<\u{2060}/pre> *x*\n</pre>"),
        ("<ul><li>a<ol><li>b</li></ol></li><li>c<p>d</p></li></ul>", "* a\n*# b\n* c\nd"),
        (
            "<table><tr><th>a</th><th>b</th></tr><tr><td colspan=2>c|d</td></tr></table>",
            "|_. a |_. b |\n|\\2. c&#124;d |",
        ),
        (r#"x<img src="cid:my pic">y"#, "x !my%20pic.png! y"),
        (r#"<img src="https://gone/x" alt="Logo">"#, "[image: Logo]"),
        (r#"<img src="data:image/svg+xml,x">"#, "attachment:\"a 'b'.svg\""),
        (r#"<a href="https://x.y"><img src="cid:i"></a>"#, "!i.png!:https://x.y"),
        ("a<hr>b", "a\n\n---\n\nb"),
        ("run <code>rm @ann *</code>.", "run <code>rm @\u{2060}ann *</code>."),
        ("<b>(x) y</b>", "*\u{2060}(x) y*"),
        ("f<b>o</b>o", "foo"),
    ];
    for (given, expected) in cases {
        assert_eq!(html(given), expected, "{given}");
    }
}

#[test]
fn what_redmine_would_eat_is_kept_and_ordinary_prose_is_untouched() {
    for prose in [
        "Hello Ann,\nthank you - it works. 5 * 3 = 15, see foo_bar_baz, a<b, C++ and +49 30 1234!",
        "From: Ann <ann@example.com>",
        "-- \nBob\nhttps://x.y/_a_/(b)?q=1&c=2",
        "50% of 100%, 3 < 4 > 2, R&D, \"quoted\": yes, a @ b",
        "-----Original Message-----",
        "> quoted\n>> deeper\n\nanswer",
    ] {
        let expected = prose.replace("\n>> deeper", "\n>\n>> deeper").replace("-- \n", "--\n");
        assert_eq!(text(prose), expected);
    }
    let cases = [
        ("a *b* c", "a |*b* c"),
        ("_x_ and (-y-)", "|_x_ and (|-y-)"),
        ("@ann and @bob", "&#64;ann and &#64;bob"),
        ("5 @ 3 @ 2", "5 &#64; 3 @ 2"),
        ("see \"docs\":http://x", "see \"docs\"|:http://x"),
        ("wow !great! news", "wow |!great! news"),
        ("#12 r12 user#2 version:1", "|#12 |r12 |user#2 |version:1"),
        ("# a\n* b", "|# a\n|* b"),
        ("h1. x\np. 5\np.s. x", "|h1. x\n|p. 5\np.s. x"),
        ("<pre> <b> <!-- x --> <?php", "&lt;pre> <b> &lt;!-- x --> &lt;?php"),
        ("a &copy; b", "a &|copy; b"),
        ("HTML(Hyper) a[1]", "HTML|(Hyper) a|[1]"),
        ("[[page]] {{toc}}", "[|[page]] {|{toc}}"),
        ("https://x/@ann", "\"https://x/&#64;ann\":https://x/%40ann"),
        ("==x== y", "|==x== y"),
    ];
    for (given, expected) in cases {
        assert_eq!(text(given).replace('\u{2060}', "|"), expected, "{given}");
    }
    assert_eq!(text("| a | b |"), "\u{2060}| a | b |");
    assert_eq!(text("  indented"), "\u{a0}\u{a0}indented");
}
