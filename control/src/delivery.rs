//! Delivery over links that break: what is said is numbered, and kept until it is confirmed. Sans-IO.
//!
//! What was on its way when a link broke is said again on the next one. Where that is not all there
//! any more, both sides begin anew: part of the news is no news.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A message's place among all that one process says to another, over all links between them.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Number(pub u64);

/// What was said and is not known to have been heard.
#[derive(Debug)]
pub struct Unconfirmed<M> {
    last: Number,
    kept: VecDeque<M>,
    limit: usize,
}

impl<M> Unconfirmed<M> {
    /// Nothing yet. The first message comes after the number `before`; a start that nobody can guess
    /// keeps what is remembered of another process from being taken for something of this one. At
    /// most `limit` messages are kept.
    pub fn new(before: Number, limit: usize) -> Unconfirmed<M> {
        Unconfirmed { last: before, kept: VecDeque::new(), limit }
    }

    /// The number of the next message.
    pub fn next_number(&self) -> Number {
        Number(self.last.0.wrapping_add(1))
    }

    /// Keeps a message under [`Unconfirmed::next_number`]. Gives back the oldest one where there are
    /// too many: without it nothing older can be gone on from.
    pub fn push(&mut self, message: M) -> Option<M> {
        self.last = self.next_number();
        self.kept.push_back(message);
        if self.kept.len() > self.limit { self.kept.pop_front() } else { None }
    }

    /// The number of the last message.
    pub fn last(&self) -> Number {
        self.last
    }

    /// Everything after this number is kept.
    pub fn kept_after(&self) -> Number {
        Number(self.last.0.wrapping_sub(self.kept.len() as u64))
    }

    /// The other side has heard everything up to this number. A number that was never said is
    /// ignored.
    pub fn confirm(&mut self, heard: Number) {
        if let Some(count) = self.count_to(heard) {
            self.kept.drain(..count);
        }
    }

    /// What follows on a number, oldest first; `None` where that is not all there.
    pub fn after(&self, heard: Number) -> Option<impl Iterator<Item = &M>> {
        self.count_to(heard).map(|count| self.kept.range(count..))
    }

    /// How many of those kept come no later than a number.
    fn count_to(&self, heard: Number) -> Option<usize> {
        if heard > self.last {
            return None;
        }
        let count = heard.0.checked_sub(self.kept_after().0)?;
        usize::try_from(count).ok().filter(|count| *count <= self.kept.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(count: u64) -> Unconfirmed<u64> {
        let mut said = Unconfirmed::new(Number(100), 4);
        for _ in 0..count {
            let number = said.next_number().0;
            said.push(number);
        }
        said
    }

    fn after(said: &Unconfirmed<u64>, heard: u64) -> Option<Vec<u64>> {
        said.after(Number(heard)).map(|rest| rest.copied().collect())
    }

    #[test]
    fn what_was_not_heard_is_said_again_and_nothing_else() {
        let mut said = said(3);
        assert_eq!(after(&said, 100), Some(vec![101, 102, 103]));
        said.confirm(Number(102));
        assert_eq!((after(&said, 102), after(&said, 103)), (Some(vec![103]), Some(vec![])));
        said.confirm(Number(101));
        assert_eq!(said.kept_after(), Number(102), "what is confirmed stays so");
    }

    #[test]
    fn a_number_of_another_process_or_of_what_is_gone_is_told_apart() {
        let mut said = said(3);
        said.confirm(Number(102));
        for heard in [0, 99, 101, 104, u64::MAX] {
            assert_eq!(after(&said, heard), None, "{heard}");
            said.confirm(Number(heard));
        }
        assert_eq!(after(&said, 102), Some(vec![103]));
    }

    #[test]
    fn what_is_over_the_limit_is_gone_with_everything_before_it() {
        let mut said = said(4);
        assert_eq!(said.push(105), Some(101));
        assert_eq!(after(&said, 100), None);
        assert_eq!(after(&said, 101), Some(vec![102, 103, 104, 105]));
    }
}
