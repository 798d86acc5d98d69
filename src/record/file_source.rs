//! Where the bytes of a file are, as the source connector finds them again.
//!
//! It is kept as one text, in stages and ledgers; only here is it known what a text means.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

const LISTED: &str = "fresh:";
const WITHHELD: &str = "withheld:";

/// Where the bytes of a file are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct FileSource(String);

/// What a [`FileSource`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilePlace<'a> {
    /// An address, or a path that the source connector can open.
    At(&'a str),
    /// Its address is good for a short while, and never kept: the listing that names it, and its id there.
    Listed(FileList<'a>, &'a str),
    /// The platform lists it and does not hand it out.
    Withheld,
}

/// A listing that names the addresses of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileList<'a> {
    /// The stream of the manifest that has it.
    pub stream: &'a str,
    pub path: &'a str,
}

impl FileSource {
    pub fn withheld(id: &str) -> FileSource {
        FileSource(format!("{WITHHELD}{id}"))
    }

    pub fn listed(list: FileList<'_>, id: &str) -> FileSource {
        FileSource(format!("{LISTED}{}:{}#{id}", list.stream, list.path))
    }

    pub fn place(&self) -> FilePlace<'_> {
        if self.0.starts_with(WITHHELD) {
            return FilePlace::Withheld;
        }
        let listed = self.0.strip_prefix(LISTED).and_then(|rest| rest.rsplit_once('#'));
        let listed = listed.and_then(|(list, id)| Some((list.split_once(':')?, id)));
        match listed {
            Some(((stream, path), id)) => FilePlace::Listed(FileList { stream, path }, id),
            None => FilePlace::At(&self.0),
        }
    }

    /// Its id in the listing that names its address.
    pub fn listed_id(&self) -> Option<&str> {
        match self.place() {
            FilePlace::Listed(_, id) => Some(id),
            FilePlace::At(_) | FilePlace::Withheld => None,
        }
    }

    pub fn is_withheld(&self) -> bool {
        self.place() == FilePlace::Withheld
    }

    /// As it is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for FileSource {
    fn from(text: String) -> FileSource {
        FileSource(text)
    }
}

impl From<&str> for FileSource {
    fn from(text: &str) -> FileSource {
        FileSource(text.to_owned())
    }
}

impl From<FileSource> for String {
    fn from(source: FileSource) -> String {
        source.0
    }
}

impl fmt::Display for FileSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stages_and_ledgers_hold_is_understood() {
        let place = |text: &str| format!("{:?}", FileSource::from(text).place());
        let list = FileList { stream: "comment", path: "/tickets/7/conversations" };
        assert_eq!(FileSource::listed(list, "9").as_str(), "fresh:comment:/tickets/7/conversations#9");
        assert_eq!(FileSource::listed(list, "9").place(), FilePlace::Listed(list, "9"));
        assert_eq!(FileSource::listed(FileList { path: "/a#b:c", ..list }, "9").listed_id(), Some("9"));
        assert_eq!(FileSource::withheld("9").as_str(), "withheld:9");
        assert!(FileSource::withheld("9").is_withheld());
        for address in ["", "https://desk.example/a#b", "/attachments/7", "attachments/a:b", "fresh:comment"] {
            assert_eq!(place(address), format!("At({address:?})"));
        }
        let stored: FileSource = serde_json::from_str("\"withheld:9\"").unwrap();
        assert_eq!(serde_json::to_string(&stored).unwrap(), "\"withheld:9\"");
    }
}
