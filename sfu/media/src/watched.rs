//! Which encodings of a track anybody watches: one that nobody could make use of is not worth sending,
//! once that has been so for a while; one that somebody can make use of is wanted at once.

use crate::limits::UNWATCHED_FOR;
use lectern_control::limits::MAX_ENCODINGS_PER_TRACK;
use std::time::Instant;

/// What the publisher was told of each encoding, lowest quality first.
#[derive(Debug, Clone, Copy)]
pub struct Watched {
    told: [bool; MAX_ENCODINGS_PER_TRACK],
    /// Since when nobody watches, where that was not told.
    idle_since: [Option<Instant>; MAX_ENCODINGS_PER_TRACK],
    /// All is to be told, whatever was told before.
    tells_again: bool,
}

impl Default for Watched {
    /// All are wanted, as is understood where nothing was told.
    fn default() -> Watched {
        let (told, idle_since) = ([true; MAX_ENCODINGS_PER_TRACK], Default::default());
        Watched { told, idle_since, tells_again: false }
    }
}

impl Watched {
    /// The publisher negotiated again: what it was told may be forgotten.
    pub fn tell_again(&mut self) {
        self.tells_again = true;
    }

    /// Somebody can make use of the lowest `count` encodings. Says whether the publisher has to be
    /// told.
    #[must_use]
    pub fn want(&mut self, count: usize) -> bool {
        let mut is_news = false;
        for (told, idle) in self.told.iter_mut().zip(&mut self.idle_since).take(count) {
            is_news |= !std::mem::replace(told, true);
            *idle = None;
        }
        is_news
    }

    /// Nobody can make use of more than the lowest `count` of `all` encodings. Says whether the
    /// publisher has to be told.
    #[must_use]
    pub fn look(&mut self, now: Instant, count: usize, all: usize) -> bool {
        let mut is_news = self.want(count) | std::mem::take(&mut self.tells_again);
        for (told, idle) in self.told.iter_mut().zip(&mut self.idle_since).take(all).skip(count) {
            let since = *idle.get_or_insert(now);
            if *told && now.saturating_duration_since(since) >= UNWATCHED_FOR {
                *told = false;
                is_news = true;
            }
        }
        is_news
    }

    /// Whether an encoding is wanted, as was told.
    pub fn is_wanted(&self, place: usize) -> bool {
        self.told.get(place).copied().unwrap_or(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn wanted(watched: &Watched) -> [bool; 3] {
        [0, 1, 2].map(|place| watched.is_wanted(place))
    }

    #[test]
    fn what_nobody_watches_is_switched_off_late_and_on_at_once() {
        let (start, mut watched) = (Instant::now(), Watched::default());
        let at = |millis| start + Duration::from_millis(millis);
        assert!(!watched.look(start, 1, 3), "not at once");
        assert!(!watched.look(at(1_000), 3, 3), "somebody looked");
        assert!(!watched.look(at(1_300), 1, 3));
        assert!(!watched.look(at(1_300) + UNWATCHED_FOR - Duration::from_millis(1), 1, 3));
        assert!(watched.look(at(1_300) + UNWATCHED_FOR, 1, 3));
        assert_eq!(wanted(&watched), [true, false, false]);
        assert!(!watched.look(at(9_000), 1, 3), "told once");
        assert!(watched.want(2));
        assert_eq!(wanted(&watched), [true, true, false]);
        assert!(!watched.want(2));
        assert!(watched.look(at(20_000), 3, 3));
        assert_eq!(wanted(&watched), [true; 3]);
    }

    #[test]
    fn all_is_told_again_after_a_negotiation() {
        let (start, mut watched) = (Instant::now(), Watched::default());
        watched.tell_again();
        assert!(watched.look(start, 3, 3));
        assert!(!watched.look(start, 3, 3));
    }
}
