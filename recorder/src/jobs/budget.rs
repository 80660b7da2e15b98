//! How many processor cores jobs may use together, and one of them alone. Pure.

use super::class::Class;

/// Cores that are not in use.
#[derive(Debug)]
pub(super) struct Budget {
    free: usize,
}

impl Budget {
    /// Of so many, and of one at least.
    pub(super) fn new(cores: usize) -> Budget {
        Budget { free: cores.max(1) }
    }

    /// Whether something more may run.
    pub(super) fn is_left(&self) -> bool {
        self.free > 0
    }

    /// Cores for one more: a film takes half of what is free, so that a short one does not wait for a
    /// long one; all else works on one.
    pub(super) fn take(&mut self, class: Class) -> usize {
        let cores = match class {
            Class::FirstFilm | Class::Film => self.free.div_ceil(2),
            Class::Tracks | Class::Keep => 1,
        };
        self.free = self.free.saturating_sub(cores);
        cores
    }

    /// Something has ended.
    pub(super) fn give_back(&mut self, cores: usize) {
        self.free = self.free.saturating_add(cores);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_leaves_room_for_the_next() {
        let mut budget = Budget::new(8);
        let taken: Vec<usize> = (0..4).map(|_| budget.take(Class::FirstFilm)).collect();
        assert_eq!(taken, [4, 2, 1, 1]);
        assert!(!budget.is_left());
        budget.give_back(2);
        assert_eq!(budget.take(Class::Tracks), 1);
        assert!(budget.is_left());
    }

    #[test]
    fn there_is_always_one_core() {
        let mut budget = Budget::new(0);
        assert_eq!((budget.is_left(), budget.take(Class::Film)), (true, 1));
        assert!(!budget.is_left());
    }
}
