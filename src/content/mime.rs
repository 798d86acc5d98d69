//! What a file really is: its declared type against its first bytes.

/// The type to send a file under.
///
/// A declared type stands unless it says nothing (absent, malformed, `application/octet-stream` and its
/// like) or names a picture that the bytes are not. `first_bytes` should be the first 64 or more.
pub fn sniff(declared: Option<&str>, name: &str, first_bytes: &[u8]) -> String {
    let real = infer::get(first_bytes).map(|kind| kind.mime_type());
    let declared = declared.map(str::trim).filter(|mime| is_well_formed(mime) && !is_generic(mime));
    match (declared, real) {
        (Some(declared), Some(real)) if is_image(declared) && !declared_as(declared, real) => safe(real).to_owned(),
        (Some(declared), _) => declared.to_owned(),
        (None, Some(real)) => {
            let named = by_name(name);
            // Office files and the like are archives inside
            let archive = matches!(real, "application/zip" | "application/x-ole-storage" | "text/xml" | "text/plain");
            named.filter(|named| archive && !is_image(named)).unwrap_or_else(|| safe(real).to_owned())
        }
        (None, None) => by_name(name).filter(|named| !is_image(named)).unwrap_or_else(|| OCTETS.to_owned()),
    }
}

const OCTETS: &str = "application/octet-stream";

fn by_name(name: &str) -> Option<String> {
    mime_guess::from_path(name).first_raw().map(str::to_owned)
}

fn is_image(mime: &str) -> bool {
    mime.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("image/"))
}

/// Whether the declared type is a name of the real one.
fn declared_as(declared: &str, real: &str) -> bool {
    let bare = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let bare = match bare.as_str() {
        "image/jpg" | "image/pjpeg" => "image/jpeg",
        "image/x-png" | "image/apng" => "image/png",
        "image/x-icon" | "image/ico" => "image/vnd.microsoft.icon",
        "image/x-ms-bmp" | "image/x-bmp" => "image/bmp",
        "image/heic" | "image/heic-sequence" | "image/heif-sequence" => "image/heif",
        // Drawings are text inside
        "image/svg+xml" => return matches!(real, "text/xml" | "text/html" | "image/svg+xml"),
        other => other,
    };
    let real = if real == "image/x-icon" { "image/vnd.microsoft.icon" } else { real };
    bare == real
}

/// A file that claims to be a picture never turns into a page.
fn safe(real: &str) -> &str {
    if matches!(real, "text/html" | "text/xml") { OCTETS } else { real }
}

fn is_generic(mime: &str) -> bool {
    let bare = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(
        bare.as_str(),
        "application/octet-stream"
            | "binary/octet-stream"
            | "application/binary"
            | "application/download"
            | "application/x-download"
            | "application/force-download"
            | "application/unknown"
            | "application/x-unknown"
            | "unknown/unknown"
    )
}

/// `type/subtype`, perhaps with parameters, in characters a header may hold.
fn is_well_formed(mime: &str) -> bool {
    let bare = mime.split(';').next().unwrap_or_default().trim_end();
    let token =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b));
    let parts = bare.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype));
    parts && mime.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF";
    const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0";

    #[test]
    fn only_a_type_that_says_nothing_or_names_another_picture_is_replaced() {
        let cases: [(Option<&str>, &str, &[u8], &str); 14] = [
            (Some("image/png"), "a.png", JPEG, "image/jpeg"),
            (Some("image/jpg"), "a.jpg", JPEG, "image/jpg"),
            (Some("text/plain; charset=utf-8"), "a.png", PNG, "text/plain; charset=utf-8"),
            (Some("application/octet-stream"), "a.bin", PNG, "image/png"),
            (None, "a.docx", ZIP, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            (None, "a.png", ZIP, "application/zip"),
            (None, "a.csv", b"a,b", "text/csv"),
            (None, "a.png", b"", "application/octet-stream"),
            (None, "noname", b"", "application/octet-stream"),
            (Some("image/png"), "a.png", b"", "image/png"),
            (Some("image/png"), "a.png", b"<!DOCTYPE html><html>", "application/octet-stream"),
            (Some("image/svg+xml"), "a.svg", b"<?xml version=\"1.0\"?>", "image/svg+xml"),
            (Some("x\r\nX-Evil: 1"), "a.txt", b"", "text/plain"),
            (Some(""), "a", PNG, "image/png"),
        ];
        for (declared, name, bytes, expected) in cases {
            assert_eq!(sniff(declared, name, bytes), expected, "{declared:?} {name}");
        }
    }
}
