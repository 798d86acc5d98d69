//! Choices in levels: `Hardware::Printer`, whether the platform writes the levels into the label or hangs options below each
//! other.

use super::label;
use crate::record::FieldOption;

/// Between two levels, as labels with levels are written.
const BETWEEN: &str = "::";
/// Levels an option may have; a circle of parents ends here.
const DEEPEST: usize = 8;

/// The option's label with those of the options above it.
pub fn path(option: &FieldOption, all: &[FieldOption]) -> String {
    let mut levels = vec![option.label.as_str()];
    let mut above = option.parent.as_deref();
    while let Some(parent) = above.filter(|_| levels.len() < DEEPEST) {
        let Some(option) = all.iter().find(|o| o.value == parent).or_else(|| all.iter().find(|o| o.label == parent))
        else {
            break;
        };
        levels.push(&option.label);
        above = option.parent.as_deref();
    }
    levels.reverse();
    levels.join(BETWEEN)
}

/// Whether two paths name the same levels, whatever stands around the marks between them.
pub fn same(a: &str, b: &str) -> bool {
    levels(a) == levels(b)
}

fn levels(path: &str) -> Vec<String> {
    path.split(BETWEEN).map(label::key).collect()
}

/// The value of the option that stands for a path the target does not have: the only one with its last level, else the
/// lowest level above. None for a label without levels.
pub fn nearest<'a>(path: &str, options: &'a [FieldOption]) -> Option<&'a str> {
    let wanted = levels(path);
    let last = wanted.last().filter(|_| wanted.len() > 1)?;
    let mut leaves = options.iter().filter(|option| levels(&self::path(option, options)).last() == Some(last));
    if let (Some(only), None) = (leaves.next(), leaves.next()) {
        return Some(&only.value);
    }
    (1..wanted.len()).rev().find_map(|depth| {
        let above = options.iter().find(|option| levels(&self::path(option, options)) == wanted[..depth]);
        above.map(|option| option.value.as_str())
    })
}
