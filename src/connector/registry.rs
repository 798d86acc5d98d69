//! Finds a platform's manifest by name: embedded in the binary, or a file that overrides it.

use super::manifest::Manifest;
use crate::error::{Problem, Reason, Result};
use crate::project::spelling;
use include_dir::{Dir, include_dir};
use std::path::{Path, PathBuf};

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/connectors");

/// A manifest with where it came from.
#[derive(Clone, Debug)]
pub struct Entry {
    pub manifest: Manifest,
    pub text: String,
    /// Shown in messages: the embedded name or the file's path.
    pub origin: String,
}

impl Entry {
    /// Name and content hash: changes whenever a character of the manifest does.
    pub fn version(&self) -> String {
        format!("{}-{}", self.manifest.name, &blake3::hash(self.text.as_bytes()).to_hex()[..12])
    }
}

/// Names of the embedded manifests, in order.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> =
        EMBEDDED.files().filter_map(|f| f.path().file_stem()?.to_str().map(str::to_owned)).collect();
    names.sort();
    names
}

/// Names of everything that can stand as `connector`, in order: the manifests, and folders of files.
pub fn all_names() -> Vec<String> {
    let mut names = names();
    names.push(super::files::NAME.to_owned());
    names.sort();
    names
}

/// `NAME.toml` in `overrides` (the project's `connectors/`) if there is one, else the embedded manifest.
pub fn find(name: &str, overrides: Option<&Path>) -> Result<Entry> {
    if let Some(file) = overrides.map(|dir| dir.join(format!("{name}.toml"))).filter(|file| file.is_file()) {
        return load(&file);
    }
    let file_name = format!("{name}.toml");
    let Some(text) = EMBEDDED.get_file(&file_name).and_then(|f| f.contents_utf8()) else {
        return Err(Problem::new(Reason::Config, format!("no connector is named `{name}`")).hint(named_instead(name)));
    };
    entry(format!("connectors/{file_name}"), text.to_owned())
}

/// What to write where no connector has this name.
fn named_instead(name: &str) -> String {
    let all = all_names();
    let listed = format!("there are: {}", all.join(", "));
    match spelling::nearest(name, all.iter().map(|known| &**known)) {
        Some(near) => format!("did you mean `{near}`? {listed}"),
        None => listed,
    }
}

/// Reads a manifest from a file of the user's.
pub fn load(file: &Path) -> Result<Entry> {
    let origin = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|e| Problem::new(Reason::Config, e.to_string()).at(&origin))?;
    entry(origin, text)
}

fn entry(origin: String, text: String) -> Result<Entry> {
    let manifest = Manifest::parse(&origin, &text)?;
    super::lint::check(&manifest, &origin, &text)?;
    Ok(Entry { manifest, text, origin })
}

/// The folder of overriding manifests below a project.
pub fn overrides(project: &Path) -> PathBuf {
    project.join("connectors")
}
