//! Deadlines of many owners in one heap, one entry for each owner.
//!
//! An owner is a slab key. Moving a deadline costs a few swaps and allocates nothing.

use std::time::Instant;

/// Not in the heap.
const NOWHERE: u32 = u32::MAX;

/// The next deadline of each owner; a binary heap that knows where everybody is.
#[derive(Debug, Default)]
pub struct Timers {
    heap: Vec<(Instant, u32)>,
    places: Vec<u32>,
}

impl Timers {
    /// The earliest deadline.
    pub fn first(&self) -> Option<Instant> {
        self.heap.first().map(|(at, _)| *at)
    }

    /// Sets or clears an owner's deadline.
    pub fn set(&mut self, owner: u32, at: Option<Instant>) {
        match (at, self.place(owner)) {
            (None, None) => {}
            (None, Some(place)) => self.remove(place),
            (Some(at), None) => self.push(at, owner),
            (Some(at), Some(place)) => {
                self.heap[place].0 = at;
                self.sift(place);
            }
        }
    }

    /// Makes an owner's deadline earlier; a later one changes nothing.
    #[inline]
    pub fn advance(&mut self, owner: u32, at: Instant) {
        let current = self.place(owner).and_then(|place| self.heap.get(place));
        if current.is_none_or(|(current, _)| at < *current) {
            self.set(owner, Some(at));
        }
    }

    /// Takes out an owner whose deadline has come.
    pub fn pop(&mut self, now: Instant) -> Option<u32> {
        let (at, owner) = *self.heap.first()?;
        if at > now {
            return None;
        }
        self.remove(0);
        Some(owner)
    }

    fn place(&self, owner: u32) -> Option<usize> {
        self.places.get(owner as usize).filter(|place| **place != NOWHERE).map(|p| *p as usize)
    }

    fn push(&mut self, at: Instant, owner: u32) {
        let index = owner as usize;
        if self.places.len() <= index {
            self.places.resize(index + 1, NOWHERE);
        }
        self.heap.push((at, owner));
        let place = self.heap.len() - 1;
        self.places[index] = place as u32;
        self.sift(place);
    }

    fn remove(&mut self, place: usize) {
        let (_, owner) = self.heap.swap_remove(place);
        self.places[owner as usize] = NOWHERE;
        if let Some((_, moved)) = self.heap.get(place) {
            self.places[*moved as usize] = place as u32;
            self.sift(place);
        }
    }

    /// Moves one entry up or down to where it belongs.
    fn sift(&mut self, mut place: usize) {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap[parent].0 <= self.heap[place].0 {
                break;
            }
            self.swap(place, parent);
            place = parent;
        }
        loop {
            let left = 2 * place + 1;
            let children = left..(left + 2).min(self.heap.len());
            let Some(least) = children.min_by_key(|child| self.heap[*child].0) else { return };
            if self.heap[place].0 <= self.heap[least].0 {
                return;
            }
            self.swap(place, least);
            place = least;
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.places[self.heap[a].1 as usize] = a as u32;
        self.places[self.heap[b].1 as usize] = b as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};
    use std::collections::BTreeMap;
    use std::time::Duration;

    #[test]
    fn owners_come_out_in_the_order_of_their_deadlines() {
        let start = Instant::now();
        let mut rng = StdRng::from_seed([3; 32]);
        let mut timers = Timers::default();
        let mut expected = BTreeMap::new();
        for _ in 0..10_000 {
            let owner = rng.random_range(0..200u32);
            let at = start + Duration::from_millis(rng.random_range(0..10_000));
            match rng.random_range(0..4) {
                0 => {
                    timers.set(owner, None);
                    expected.remove(&owner);
                }
                1 => {
                    timers.advance(owner, at);
                    let earlier = expected.get(&owner).is_none_or(|current| at < *current);
                    if earlier {
                        expected.insert(owner, at);
                    }
                }
                _ => {
                    timers.set(owner, Some(at));
                    expected.insert(owner, at);
                }
            }
            assert_eq!(timers.first(), expected.values().min().copied());
        }
        let mut previous = start;
        while let Some(owner) = timers.pop(start + Duration::from_secs(60)) {
            let at = expected.remove(&owner).expect("each owner once");
            assert!(at >= previous);
            previous = at;
        }
        assert!(expected.is_empty());
    }

    #[test]
    fn nobody_comes_out_early() {
        let start = Instant::now();
        let mut timers = Timers::default();
        timers.set(5, Some(start + Duration::from_millis(2)));
        assert_eq!(timers.pop(start + Duration::from_millis(1)), None);
        assert_eq!(timers.pop(start + Duration::from_millis(2)), Some(5));
        assert_eq!(timers.first(), None);
    }
}
