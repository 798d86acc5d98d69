//! The ready-made mappings of `mappings/`: what the defaults cannot know of a pair of platforms.

use include_dir::{Dir, include_dir};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/mappings");

/// The text of the mapping for a pair.
pub fn find(source: &str, target: &str) -> Option<&'static str> {
    FILES.get_file(format!("{source}-{target}.toml"))?.contents_utf8()
}

/// Names of the pairs, `zendesk-freshdesk`, in the order of the alphabet.
pub fn names() -> Vec<String> {
    let stem = |file: &include_dir::File<'_>| Some(file.path().file_stem()?.to_str()?.to_owned());
    let mut names: Vec<String> = FILES.files().filter_map(stem).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Mapping;

    #[test]
    fn every_ready_made_mapping_reads_and_its_examples_hold() {
        for name in names() {
            let (source, target) = name.split_once('-').unwrap();
            let text = find(source, target).unwrap();
            assert!(text.starts_with('#'), "{name}: a comment says what it is for");
            let mapping = Mapping::parse(&name, text).unwrap_or_else(|p| panic!("{name}: {}", p.what));
            assert!(!mapping.example.is_empty(), "{name} has no example");
            for example in &mapping.example {
                let differences = example.run(&mapping).unwrap_or_else(|p| panic!("{name}: {}", p.what));
                assert!(differences.is_empty(), "{name}, {:?}: {differences:?}", example.name);
            }
        }
    }
}
