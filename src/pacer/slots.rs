//! How many calls may be under way at once: a semaphore that shrinks. One more after a success that filled it,
//! half as many after a push-back, never less than one. It is a plain count under the pacer's lock, since a
//! fair semaphore hands its slot to a waiter that may not be polled.

use std::num::NonZeroU32;

#[derive(Debug)]
pub(super) struct Slots {
    /// The vendor's own bound.
    most: Option<u32>,
    /// The bound of now. `None` until a push-back taught one.
    allowed: Option<u32>,
    busy: u32,
    /// Calls up to this one were sent before the last cut and say nothing about the bound after it.
    cut_at: u64,
}

impl Slots {
    pub fn new(most: Option<NonZeroU32>) -> Self {
        let most = most.map(NonZeroU32::get);
        Self { most, allowed: most, busy: 0, cut_at: 0 }
    }

    pub fn allowed(&self) -> Option<u32> {
        self.allowed
    }

    pub fn busy(&self) -> u32 {
        self.busy
    }

    pub fn full(&self) -> bool {
        self.allowed.is_some_and(|n| self.busy >= n)
    }

    pub fn enter(&mut self) {
        self.busy += 1;
    }

    pub fn leave(&mut self) {
        self.busy = self.busy.saturating_sub(1);
    }

    /// A call that is still counted as busy went well.
    pub fn grow(&mut self) {
        if let Some(n) = self.allowed
            && self.busy >= n
            && self.most.is_none_or(|most| n < most)
        {
            self.allowed = Some(n + 1);
        }
    }

    /// The vendor pushed call `seq` back; `last` is the newest call sent so far. True where this is the first of
    /// a volley: the calls that were under way together are one lesson.
    pub fn cut(&mut self, seq: u64, last: u64) -> bool {
        if seq <= self.cut_at {
            return false;
        }
        self.cut_at = last;
        self.allowed = Some((self.allowed.unwrap_or(self.busy).min(self.busy.max(1)) / 2).max(1));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volley_of_refusals_halves_once() {
        let mut slots = Slots::new(NonZeroU32::new(16));
        (0..16).for_each(|_| slots.enter());
        assert!(slots.full());
        for seq in 1..=16 {
            slots.cut(seq, 16);
            slots.leave();
        }
        assert_eq!(slots.allowed(), Some(8));
        slots.enter();
        assert!(slots.cut(17, 17));
        assert_eq!(slots.allowed(), Some(1));
    }

    #[test]
    fn success_at_the_bound_grows_it_up_to_the_vendors_own() {
        let mut slots = Slots::new(NonZeroU32::new(3));
        slots.enter();
        slots.cut(1, 1);
        for _ in 0..10 {
            slots.grow();
            while !slots.full() {
                slots.enter();
            }
        }
        assert_eq!(slots.allowed(), Some(3));
    }

    #[test]
    fn a_push_back_teaches_a_bound_where_the_vendor_names_none() {
        let mut slots = Slots::new(None);
        (0..10).for_each(|_| slots.enter());
        assert!(!slots.full());
        slots.cut(10, 10);
        assert_eq!(slots.allowed(), Some(5));
    }
}
