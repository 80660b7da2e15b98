//! The replay window of RFC 3711 section 3.3.2: which indices were seen. Used for SRTP, SRTCP, DTLS.

use serde::{Deserialize, Serialize};

/// Indices seen, up to `64 * WORDS` below the highest one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window<const WORDS: usize> {
    highest: u64,
    /// Bit `n` (of word `n / 64`) stands for `highest - n`.
    seen: [u64; WORDS],
}

impl<const WORDS: usize> Window<WORDS> {
    /// How far below the highest index a late one may come.
    pub const WIDTH: u64 = 64 * WORDS as u64;

    /// A window whose first index is `index`.
    pub fn new(index: u64) -> Self {
        let mut seen = [0; WORDS];
        if let Some(word) = seen.first_mut() {
            *word = 1;
        }
        Window { highest: index, seen }
    }

    /// A window in which `index` and all below it count as seen.
    pub fn closed(index: u64) -> Self {
        Window { highest: index, seen: [u64::MAX; WORDS] }
    }

    /// The highest index seen.
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// Whether the index is new: neither seen nor older than the window.
    pub fn is_new(&self, index: u64) -> bool {
        let Some(age) = self.highest.checked_sub(index) else { return true };
        let word = usize::try_from(age / 64).ok().and_then(|word| self.seen.get(word));
        word.is_some_and(|word| word & (1 << (age % 64)) == 0)
    }

    /// Marks an authenticated index as seen.
    pub fn accept(&mut self, index: u64) {
        if index > self.highest {
            self.shift(index - self.highest);
            self.highest = index;
        }
        let age = self.highest - index;
        if let Some(word) = usize::try_from(age / 64).ok().and_then(|word| self.seen.get_mut(word))
        {
            *word |= 1 << (age % 64);
        }
    }

    fn shift(&mut self, distance: u64) {
        if distance >= Self::WIDTH {
            self.seen = [0; WORDS];
            return;
        }
        let words = (distance / 64) as usize;
        let bits = (distance % 64) as u32;
        self.seen.copy_within(..WORDS - words, words);
        self.seen.iter_mut().take(words).for_each(|word| *word = 0);
        if bits > 0 {
            let mut carry = 0;
            for word in self.seen.iter_mut().skip(words) {
                let out = *word >> (64 - bits);
                *word = (*word << bits) | carry;
                carry = out;
            }
        }
    }

    /// The window as plain data.
    pub fn export(&self) -> State {
        State { highest: self.highest, seen: self.seen.to_vec() }
    }

    /// The window that was exported; words that are missing count as seen.
    pub fn restore(state: &State) -> Self {
        let mut seen = [u64::MAX; WORDS];
        for (word, exported) in seen.iter_mut().zip(&state.seen) {
            *word = *exported;
        }
        Window { highest: state.highest, seen }
    }
}

/// A window as plain data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The highest index seen.
    pub highest: u64,
    /// Which indices below it were seen, 64 in a word.
    pub seen: Vec<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_window_agrees_with_a_set_of_all_indices() {
        let mut window = Window::<4>::new(1000);
        let mut seen = BTreeSet::from([1000_u64]);
        let mut random = 12345_u64;
        for _ in 0..50_000 {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let highest = window.highest();
            let index = match (random >> 33) % 20 {
                0 => highest + (random >> 40) % 700,
                1..8 => highest + (random >> 40) % 4,
                _ => highest.saturating_sub((random >> 40) % 300),
            };
            let inside = index > highest || highest - index < Window::<4>::WIDTH;
            assert_eq!(window.is_new(index), inside && !seen.contains(&index), "{index}");
            if window.is_new(index) {
                window.accept(index);
                seen.insert(index);
            }
        }
    }

    #[test]
    fn an_exported_window_refuses_the_same_indices() {
        let mut window = Window::<16>::new(70_000);
        for index in (69_100..70_500).step_by(3) {
            window.accept(index);
        }
        let restored = Window::<16>::restore(&window.export());
        assert_eq!(window, restored);
        let short = State { seen: vec![1], ..window.export() };
        assert!(!Window::<16>::restore(&short).is_new(70_300));
    }
}
