//! Where rows stand, by the hash of what they are found by: 24 bytes a row, so that a million of them stay small. A hash only
//! points somewhere: what it finds is looked at letter by letter where it counts.

use super::cells::Spot;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    hash: u64,
    part: u32,
    row: u32,
    byte: u64,
}

/// Places by hash. Taken in first, then sorted, then asked.
#[derive(Debug, Default)]
pub struct Marks(Vec<Mark>);

/// The hash of a text.
pub fn hash(text: &str) -> u64 {
    let bytes = blake3::hash(text.as_bytes());
    u64::from_le_bytes(bytes.as_bytes()[..8].try_into().unwrap_or_default())
}

impl Marks {
    pub fn push(&mut self, text: &str, spot: Spot) {
        let row = u32::try_from(spot.row).unwrap_or(u32::MAX);
        self.0.push(Mark { hash: hash(text), part: spot.part, row, byte: spot.byte });
    }

    pub fn sort(&mut self) {
        self.0.sort_unstable();
        self.0.shrink_to_fit();
    }

    pub fn has(&self, text: &str) -> bool {
        self.has_hash(hash(text))
    }

    fn has_hash(&self, hash: u64) -> bool {
        self.0.binary_search_by_key(&hash, |mark| mark.hash).is_ok()
    }

    /// The places of a text, in the order of their rows; others may be among them.
    pub fn of(&self, text: &str) -> Vec<Spot> {
        self.of_hash(hash(text))
    }

    fn of_hash(&self, hash: u64) -> Vec<Spot> {
        let from = self.0.partition_point(|mark| mark.hash < hash);
        self.0[from..].iter().take_while(|mark| mark.hash == hash).map(spot).collect()
    }

    /// Places that share a hash, two or more each.
    pub fn repeats(&self) -> impl Iterator<Item = Vec<Spot>> {
        self.0
            .chunk_by(|a, b| a.hash == b.hash)
            .filter(|same| same.len() > 1)
            .map(|same| same.iter().map(spot).collect())
    }

    /// Places whose hash `others` does not have, and how many hashes there are of them and in all.
    pub fn strangers<'a>(&'a self, others: &'a Marks) -> impl Iterator<Item = Spot> + 'a {
        self.0.iter().filter(|mark| !others.has_hash(mark.hash)).map(spot)
    }

    /// Places whose hash `others` has, and where it has it.
    pub fn shared<'a>(&'a self, others: &'a Marks) -> impl Iterator<Item = (Spot, Vec<Spot>)> + 'a {
        self.0.iter().filter(|mark| others.has_hash(mark.hash)).map(|mark| (spot(mark), others.of_hash(mark.hash)))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

fn spot(mark: &Mark) -> Spot {
    Spot { part: mark.part, byte: mark.byte, row: u64::from(mark.row) }
}
