//! What a file is by what is told of it: its name and its type. Never looks at its bytes.

use crate::record::Attachment;

/// Endings of files that are pages, or may be.
const PAGES: [&str; 8] = ["htm", "html", "xhtml", "shtml", "mht", "mhtml", "eml", "php"];
/// Endings of other texts.
const TEXTS: [&str; 20] = [
    "txt", "text", "log", "md", "xml", "svg", "js", "css", "json", "csv", "vue", "tpl", "tsv", "ics", "vcf", "yml",
    "yaml", "ini", "sql", "har",
];
/// Endings of files whose every format begins with a signature, and is never a text.
const SIGNED: [&str; 39] = [
    "png", "jpg", "jpeg", "jpe", "jfif", "gif", "bmp", "webp", "tif", "tiff", "heic", "heif", "avif", "ico", "pdf",
    "zip", "gz", "tgz", "bz2", "xz", "7z", "rar", "docx", "xlsx", "pptx", "odt", "ods", "odp", "msg", "mp3", "mp4",
    "m4a", "mov", "avi", "wav", "ogg", "webm", "mkv", "exe",
];
/// Media types of such files, by their beginnings.
const SIGNED_TYPES: [&str; 10] = [
    "image/",
    "audio/",
    "video/",
    "application/pdf",
    "application/zip",
    "application/gzip",
    "application/x-7z",
    "application/vnd.openxmlformats",
    "application/vnd.oasis",
    "application/vnd.ms-outlook",
];
/// Endings of files that one program writes in its own format and another as a page or a table.
const OFFICE: [&str; 5] = ["xls", "doc", "ppt", "dot", "xlt"];
/// Media types of such files.
const OFFICE_TYPES: [&str; 3] = ["application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"];

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sort {
    /// Of a format that begins with a signature.
    Signed,
    /// A picture that may be one in XML as well.
    Drawing,
    Office,
    Page,
    Text,
    /// Known, and none of these.
    Other,
    Unknown,
}

pub(super) fn of(file: &Attachment) -> Sort {
    let mime = file.mime.as_deref().unwrap_or_default().to_ascii_lowercase();
    let ending = ending(file);
    let ends = |endings: &[&str]| endings.contains(&ending.as_str());
    if mime.contains("html") || ends(&PAGES) {
        return Sort::Page;
    }
    if is_called(file, "svg") || (is_of_a_body(file) && !ends(&SIGNED)) {
        return Sort::Drawing;
    }
    if ends(&OFFICE) || (!ends(&SIGNED) && OFFICE_TYPES.contains(&mime.as_str())) {
        return Sort::Office;
    }
    let is_text =
        mime.starts_with("text/") || mime.contains("json") || (mime.contains("xml") && !mime.contains("openxml"));
    if is_text || ends(&TEXTS) {
        return Sort::Text;
    }
    if ends(&SIGNED) || SIGNED_TYPES.iter().any(|kind| mime.starts_with(kind)) {
        return Sort::Signed;
    }
    match mime.is_empty() && ending.is_empty() {
        true => Sort::Unknown,
        false => Sort::Other,
    }
}

/// Whether a file is of this form by its name or its type.
pub(super) fn is_called(file: &Attachment, form: &str) -> bool {
    ending(file).ends_with(form) || file.mime.as_deref().is_some_and(|mime| mime.to_ascii_lowercase().contains(form))
}

fn ending(file: &Attachment) -> String {
    file.name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default()
}

/// A picture that a body shows and no list names.
fn is_of_a_body(file: &Attachment) -> bool {
    file.inline && file.mime.is_none() && file.content_id.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sort(name: &str, mime: Option<&str>, inline: bool) -> Sort {
        let picture = Attachment::picture("1".into(), name.into(), "s".into(), crate::record::NamedBy::Message);
        of(&Attachment { mime: mime.map(str::to_owned), inline, ..picture })
    }

    #[test]
    fn a_file_is_of_the_sort_its_name_or_type_tells() {
        assert_eq!(sort("a.PNG", None, false), Sort::Signed);
        assert_eq!(sort("photo", Some("image/png"), false), Sort::Signed);
        assert_eq!(sort("a.xlsx", Some("application/vnd.ms-excel"), false), Sort::Signed);
        assert_eq!(sort("shot", None, true), Sort::Drawing);
        assert_eq!(sort("shot.png", None, true), Sort::Signed);
        assert_eq!(sort("plan.svg", None, false), Sort::Drawing);
        assert_eq!(sort("report.xls", None, false), Sort::Office);
        assert_eq!(sort("saved.htm", None, false), Sort::Page);
        assert_eq!(sort("app.log", None, false), Sort::Text);
        assert_eq!(sort("a.dat", None, false), Sort::Other);
        assert_eq!(sort("noname", None, false), Sort::Unknown);
    }
}
