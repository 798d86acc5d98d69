//! Whole messages in each format, and what becomes of them: every word, in order, through all conversions and cuts.

use super::*;
use proptest::prelude::*;

const FORMATS: [Format; 4] = [Format::Html, Format::Text, Format::Markdown, Format::Textile];
/// Stands in code, where it is no markup.
const MARKUP: &str = "<b>&amp;*x*</b>";

#[derive(Clone, Copy, Debug)]
enum Shape {
    Paragraph,
    Heading,
    Nested,
    Quotes,
    Table,
    Code,
    Styled,
    Less,
}

/// Four words in the shape, as `format` writes it.
fn write(shape: Shape, [a, b, c, d]: &[String; 4], format: Format) -> String {
    use Format::*;
    match (shape, format) {
        (Shape::Paragraph, Html) => format!("<p>{a} {b}<br>{c} {d}</p>"),
        (Shape::Paragraph, _) => format!("{a} {b}\n{c} {d}"),
        (Shape::Heading, Html) => format!("<h2>{a} {b}</h2><p>{c} {d}</p>"),
        (Shape::Heading, Markdown) => format!("## {a} {b}\n\n{c} {d}"),
        (Shape::Heading, Textile) => format!("h2. {a} {b}\n\n{c} {d}"),
        (Shape::Nested, Html) => format!("<ul><li>{a}<ol><li>{b}</li><li>{c}</li></ol></li><li>{d}</li></ul>"),
        (Shape::Nested, Markdown) => format!("* {a}\n  1. {b}\n  2. {c}\n* {d}"),
        (Shape::Nested, Textile) => format!("* {a}\n## {b}\n## {c}\n* {d}"),
        (Shape::Quotes, Html) => {
            format!("<blockquote>{a}<blockquote><p>{b}</p><p>{c}</p></blockquote></blockquote><p>{d}</p>")
        }
        (Shape::Quotes, Textile) => format!("bq. {a}\n\n> {b}\n> > {c}\n\n{d}"),
        (Shape::Quotes, _) => format!("> {a}\n>\n> > {b}\n> > {c}\n\n{d}"),
        (Shape::Table, Html) => {
            format!("<table><tr><th>{a}</th><th>{b}</th></tr><tr><td>{c}</td><td>{d}</td></tr></table>")
        }
        (Shape::Table, Markdown) => format!("| {a} | {b} |\n|---|---|\n| {c} | {d} |"),
        (Shape::Table, Textile) => format!("|_. {a}|_. {b}|\n|{c}|{d}|"),
        (Shape::Code, Html) => {
            format!("<pre><code>{a} &lt;b&gt;&amp;amp;*x*&lt;/b&gt;\n  {b}</code></pre><p>{c} {d}</p>")
        }
        (Shape::Code, Markdown) => format!("```\n{a} {MARKUP}\n  {b}\n```\n\n{c} {d}"),
        (Shape::Code, Textile) => format!("<pre>\n{a} {MARKUP}\n  {b}\n</pre>\n\n{c} {d}"),
        (Shape::Styled, Html) => format!("<p><b>{a}</b> <i>{b}</i> <code>{c}</code> @{d}</p>"),
        (Shape::Styled, Markdown) => format!("**{a}** _{b}_ `{c}` @{d}"),
        (Shape::Styled, Textile) => format!("*{a}* _{b}_ @{c}@ @{d}"),
        (Shape::Less, Html) => format!("<p>{a} &lt; {b} &lt;{c}&gt; &amp;lt; {d}</p>"),
        (Shape::Less, Markdown) => format!("{a} < {b} \\<{c}> &amp;lt; {d}"),
        (Shape::Less, _) => format!("{a} < {b} <{c}> &lt; {d}"),
        (_, Text) => format!("{a} {b} {MARKUP}\n{c} {d}"),
    }
}

fn message(shapes: &[Shape], format: Format) -> String {
    let word = |n: usize| format!("w{n}q");
    let four = |at: usize| [word(4 * at), word(4 * at + 1), word(4 * at + 2), word(4 * at + 3)];
    let blocks = shapes.iter().enumerate().map(|(at, shape)| write(*shape, &four(at), format));
    blocks.collect::<Vec<_>>().join("\n\n")
}

/// The numbers of the words, as a reader meets them.
fn numbers(text: &str, format: Format) -> Vec<usize> {
    let shown = match format {
        Format::Html => text.split('<').map(|part| part.split_once('>').map_or(part, |(_, shown)| shown)).collect(),
        _ => text.replace(JOINER, ""),
    };
    let words = shown.match_indices('w').filter_map(|(at, _)| shown[at + 1..].split_once('q'));
    words.filter_map(|(number, _)| number.parse().ok()).collect()
}

fn converted(body: &str, from: Format, to: Format) -> String {
    convert(body, from, to, &|_| ImagePlace::Gone).text
}

fn shapes() -> impl Strategy<Value = Vec<Shape>> {
    use Shape::*;
    let one = prop::sample::select(vec![Paragraph, Heading, Nested, Quotes, Table, Code, Styled, Less]);
    prop::collection::vec(one, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_word_of_every_shape_comes_through_in_order_and_outlives_a_cut(shapes in shapes(), limit in 200usize..400) {
        let all: Vec<usize> = (0..4 * shapes.len()).collect();
        for from in FORMATS {
            let body = message(&shapes, from);
            for to in FORMATS {
                let written = converted(&body, from, to);
                prop_assert_eq!(numbers(&written, to), all.clone(), "{} to {}: {}", from, to, written);
                let parts = split(&written, limit, to);
                prop_assert!(parts.iter().all(|part| part.chars().count() <= limit), "{}: {:?}", to, parts);
                prop_assert_eq!(numbers(&parts.concat(), to), all.clone(), "{} cut: {:?}", to, parts);
            }
        }
    }

    #[test]
    fn a_body_written_again_in_its_own_format_does_not_change(text in tests::body(), shapes in shapes()) {
        for format in FORMATS {
            for body in [&text, &message(&shapes, format)] {
                let once = converted(body, format, format);
                prop_assert_eq!(converted(&once, format, format), once, "{}", format);
            }
        }
    }
}

#[test]
fn markup_in_code_is_shown_and_not_obeyed() {
    for from in [Format::Html, Format::Markdown, Format::Textile] {
        let body = message(&[Shape::Code], from);
        assert!(converted(&body, from, Format::Text).contains(&format!("w0q {MARKUP}\n  w1q")), "{from}");
        let html = converted(&body, from, Format::Html);
        assert!(html.contains("w0q &lt;b&gt;&amp;amp;*x*&lt;/b&gt;\n  w1q") && html.contains("<pre>"), "{html}");
        assert_eq!(clean(&html), html, "{from}");
    }
}

/// Without a clock: quadratic time on these keeps the test from ending; quadratic room fails it. Nothing but `&` is
/// left out: html5ever's serialiser looks for the next bracket anew at each one, which is quadratic, if fast.
#[test]
fn three_hundred_kilobytes_take_linear_room() {
    for unit in ["<code ", "```x", "~~~`", "@a ", "<pre", "!a ", "](", "\\", "<kbd a=\"", "[[", "x@y "] {
        for format in FORMATS {
            let written = |bytes: usize| converted(&unit.repeat(bytes / unit.len()), format, format).len();
            let (half, whole) = (written(150_000), written(300_000));
            assert!(whole <= 2 * half + 1_000, "{format} {unit}: {half}, then {whole}");
        }
    }
}
