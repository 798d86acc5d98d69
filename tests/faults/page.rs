//! The page the tables stand on, and what is drawn of them where not all of it is tried.

use std::sync::{Mutex, PoisonError};

/// The draw of every `cargo test`, so that each run tries the same.
const SEED: u64 = 11;

/// Whether all of a table is tried, and written into the page.
pub fn whole() -> bool {
    std::env::var("DESKFERRY_TABLES").is_ok_and(|tables| tables == "write")
}

/// Held by whoever writes the page: tables are tried side by side.
static WRITTEN: Mutex<()> = Mutex::new(());

/// Writes a table between its two comments on the page.
pub fn write(name: &str, table: &str) {
    let _alone = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let path = crate::root::root().join("docs/reliability.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let begin = format!("<!-- table: {name} -->\n");
    let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("the page has no table {name}"));
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    std::fs::write(&path, format!("{before}{begin}{table}<!-- end -->{after}")).unwrap();
}

/// So many places of so many, each once, by `DESKFERRY_TABLE_SEED` where that is set; the seed is printed.
pub fn drawn(of: usize, many: usize) -> Vec<usize> {
    let seed = std::env::var("DESKFERRY_TABLE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    println!("DESKFERRY_TABLE_SEED={seed} is this draw");
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut places: Vec<usize> = (0..of).collect();
    for at in (1..of).rev() {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        places.swap(at, (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % (at + 1));
    }
    places.truncate(many);
    places
}
