//! A repeatable source of chance (SplitMix64): the same seed gives the same desk on every machine.

#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A stream of its own for each `path` below a seed, so that what is drawn for one record does not move another.
    pub fn of(seed: u64, path: &[u64]) -> Self {
        let mut own = Self(seed);
        for part in path {
            own = Self(own.draw() ^ part.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        }
        own
    }

    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 when there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        self.draw() % end.max(1)
    }

    /// At least 0, less than 1.
    pub fn fraction(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of `from`, which is not empty.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}
