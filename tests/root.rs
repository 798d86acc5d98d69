//! Where the tests find the project, whichever of its crates declares them.

use std::path::Path;

/// The folder of the repository.
pub fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    if own.ends_with("crates/cli") { own.ancestors().nth(2).unwrap_or(own) } else { own }
}
