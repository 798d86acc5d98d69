//! Files in other encodings than UTF-8: known by their mark or by what `encoding` in `columns.toml` says, and made UTF-8
//! once, piece by piece, into a file of our own. A file that is UTF-8 is read where it lies.

use super::columns;
use crate::error::{Problem, Reason, Result};
use encoding_rs::{DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

const CHUNK: usize = 64 << 10;

/// What files begin with that are called `.csv` and are none.
const NO_TEXT: [(&[u8], &str, &str); 4] = [
    (
        b"PK\x03\x04",
        "a workbook (.xlsx, .ods) or a ZIP archive",
        "name it `.xlsx` and say `format = \"xlsx\"` under `[source]`, or save it as \"CSV UTF-8\"; unpack an archive first",
    ),
    (
        b"\xd0\xcf\x11\xe0",
        "a workbook of an old Excel (.xls)",
        "open it in Excel or LibreOffice and save it as \"CSV UTF-8\"",
    ),
    (b"\x1f\x8b", "packed (gzip)", "unpack it with `gunzip`"),
    (b"%PDF", "a PDF", "export the table itself"),
];

/// What a page of HTML or XML begins with, in small letters.
const MARKUP: [&str; 7] = ["<html", "<!doctype", "<table", "<meta", "<?xml", "<head", "<style"];
/// Bytes by which it is told what a file is.
const START: usize = 64;

/// Whether a file begins like a page: programs call a table in HTML `.xls` or `.csv`.
pub fn is_markup(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(start).trim_start_matches('\u{feff}').trim_start().to_lowercase();
    MARKUP.iter().any(|begins| text.starts_with(begins))
}

/// The encoding of a name such as `windows-1252`, `latin1` or `utf-16`.
pub fn named(name: &str) -> Option<&'static Encoding> {
    Encoding::for_label(name.trim().as_bytes())
}

/// The file to read in the place of this one: itself, or its copy in UTF-8 in `home`. Also the bytes of its mark.
///
/// Errors: `config`, for what is no text of its encoding; `disk`.
pub fn in_utf8(path: &Path, said: Option<&str>, home: &Path, name: &str) -> Result<(PathBuf, u64)> {
    let mut file = File::open(path)?;
    let mut start = [0; START];
    let mut have = 0;
    while have < start.len() {
        match file.read(&mut start[have..])? {
            0 => break,
            read => have += read,
        }
    }
    let start = &start[..have];
    if is_markup(start) {
        let hint = "open it in Excel or LibreOffice and save it as \"CSV UTF-8\"; a sign-in page is not an export";
        return Err(
            Problem::new(Reason::BadExport, "is an HTML or XML page and not CSV, although its name says so").hint(hint)
        );
    }
    if let Some((_, what, hint)) = NO_TEXT.iter().find(|(begins, ..)| start.starts_with(begins)) {
        return Err(
            Problem::new(Reason::BadExport, format!("is {what} and not CSV, although its name says so")).hint(*hint)
        );
    }
    if start.starts_with(&[0xff, 0xfe, 0, 0]) || start.starts_with(&[0, 0, 0xfe, 0xff]) {
        return Err(Problem::new(Reason::BadExport, "is in UTF-32").hint("save it as \"CSV UTF-8\""));
    }
    let (marked, mark) = match (Encoding::for_bom(start), &start[..have.min(4)]) {
        (Some((encoding, mark)), _) => (Some(encoding), mark),
        (None, [_, 0, _, 0]) => (Some(UTF_16LE), 0),
        (None, [0, _, 0, _]) => (Some(UTF_16BE), 0),
        (None, _) => (None, 0),
    };
    let encoding = marked.or_else(|| said.and_then(named)).unwrap_or(UTF_8);
    // No text of another encoding is UTF-8 by chance: of an export in parts, some may be in it.
    let is_utf8 =
        || Ok::<_, Problem>(marked.is_none() && encoding.is_ascii_compatible() && is_utf8_beyond_ascii(path)?);
    if encoding == UTF_8 || is_utf8()? {
        return Ok((path.to_owned(), mark as u64));
    }
    let to = home.join(format!("{name}.utf8"));
    convert(path, mark as u64, encoding, &to)?;
    Ok((to, 0))
}

/// Whether a file is UTF-8 and has letters that tell it from other encodings.
fn is_utf8_beyond_ascii(path: &Path) -> Result<bool> {
    let mut file = File::open(path)?;
    let (mut bytes, mut kept, mut beyond) = (vec![0; CHUNK], 0, false);
    loop {
        let read = file.read(&mut bytes[kept..])?;
        let all = kept + read;
        beyond |= !bytes[..all].is_ascii();
        let whole = match std::str::from_utf8(&bytes[..all]) {
            Ok(_) => all,
            // A letter that goes on in the next piece.
            Err(e) if e.error_len().is_none() && read > 0 => e.valid_up_to(),
            Err(_) => return Ok(false),
        };
        if read == 0 {
            return Ok(beyond);
        }
        bytes.copy_within(whole..all, 0);
        kept = all - whole;
    }
}

fn convert(from: &Path, mark: u64, encoding: &'static Encoding, to: &Path) -> Result<()> {
    let mut file = File::open(from)?;
    std::io::copy(&mut (&mut file).take(mark), &mut std::io::sink())?;
    let mut out = BufWriter::new(File::create(to)?);
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let (mut bytes, mut text) = (vec![0; CHUNK], vec![0; CHUNK * 3]);
    let mut done = mark;
    loop {
        let read = file.read(&mut bytes)?;
        let (mut at, last) = (0, read == 0);
        loop {
            let (result, used, wrote) = decoder.decode_to_utf8_without_replacement(&bytes[at..read], &mut text, last);
            out.write_all(&text[..wrote])?;
            at += used;
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    let what = format!(
                        "is not valid {} text: byte {} is not part of any character",
                        encoding.name(),
                        done + at as u64
                    );
                    return Err(Problem::new(Reason::BadExport, what).hint(format!(
                        "a file that was cut off is exported again; `encoding` in {} names another encoding",
                        columns::FILE
                    )));
                }
            }
        }
        done += read as u64;
        if last {
            return Ok(out.flush()?);
        }
    }
}

/// What helps with a cell that is no UTF-8.
pub const HINT: &str = "`encoding = \"windows-1252\"` in columns.toml reads what Western versions of Excel and older systems \
                        write; other encodings are named in the same way";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], said: Option<&str>) -> Result<String> {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("in.csv");
        std::fs::write(&path, bytes).unwrap();
        let (path, mark) = in_utf8(&path, said, home.path(), "in")?;
        Ok(String::from_utf8(std::fs::read(path).unwrap().split_off(mark as usize)).unwrap())
    }

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    #[test]
    fn a_part_that_is_utf_8_is_read_as_such_whatever_is_said() {
        assert_eq!(read("Grüße".as_bytes(), Some("windows-1252")).unwrap(), "Grüße");
        assert_eq!(read(b"Gr\xfc\xdfe", Some("windows-1252")).unwrap(), "Grüße");
        assert_eq!(read(b"plain", Some("windows-1252")).unwrap(), "plain");
        let long = format!("{}ü", "x".repeat(CHUNK - 1));
        assert_eq!(read(long.as_bytes(), Some("latin1")).unwrap(), long, "a letter over two pieces");
        assert_eq!(read(&utf16("Grüße", false), Some("utf-16le")).unwrap(), "Grüße");
    }

    #[test]
    fn a_file_is_read_in_the_encoding_its_mark_or_the_admin_names() {
        let text = "id,Grüße\n1,𝄞\n";
        for big in [false, true] {
            assert_eq!(read(&utf16(&format!("\u{feff}{text}"), big), None).unwrap(), text);
            assert_eq!(read(&utf16(text, big), None).unwrap(), text);
        }
        assert_eq!(read(format!("\u{feff}{text}").as_bytes(), None).unwrap(), text);
        assert_eq!(read(b"Gr\xfc\xdfe", Some("windows-1252")).unwrap(), "Grüße");
        let long = format!("\u{feff}{}", "ü,".repeat(CHUNK));
        assert_eq!(read(&utf16(&long, false), None).unwrap(), long[3..]);
    }

    #[test]
    fn a_file_that_is_no_text_is_called_what_it_is() {
        for (bytes, what) in [
            (b"PK\x03\x04\x14\0".as_slice(), "workbook"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel"),
            (b"\x1f\x8b\x08\0", "gzip"),
            (b"\xef\xbb\xbf\r\n<HTML><body>", "an HTML or XML page"),
            (b"<?xml version=\"1.0\"?>", "an HTML or XML page"),
        ] {
            let wrong = read(bytes, Some("windows-1252")).unwrap_err();
            assert!(wrong.what.contains(what) && wrong.hint.is_some(), "{}", wrong.what);
        }
    }

    #[test]
    fn a_file_that_is_cut_within_a_letter_is_told() {
        let mut cut = utf16("\u{feff}id,subject\n1,abc", false);
        cut.pop();
        assert!(read(&cut, None).unwrap_err().what.contains("UTF-16LE"));
    }
}
