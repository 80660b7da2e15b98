//! Whether what is written of a video track can be decoded, or needs a new keyframe. Pure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a hole may wait for its repair: publishers answer a NACK within a round trip, and two
/// tries of that are over on any path that can carry a meeting.
const REPAIR_PATIENCE: Duration = Duration::from_millis(500);
/// The least time between two wishes: a keyframe is many times as big as what it replaces.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// A track that sends nothing is muted: a keyframe would not come.
const SILENT_AFTER: Duration = Duration::from_secs(2);
/// Packets missed at once; more of them are not repaired in time.
const MAX_HOLES: usize = 256;

/// What is known of one video track.
#[derive(Debug)]
pub(crate) struct Picture {
    stream: Option<u32>,
    highest: u64,
    /// Missing packets, and since when.
    holes: BTreeMap<u64, Instant>,
    /// A keyframe after this packet makes it decodable again.
    broken: Option<Broken>,
    asked: Option<Instant>,
    heard: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Broken {
    after: u64,
    since: Instant,
}

impl Picture {
    /// A track of which nothing has come.
    pub(crate) fn new(now: Instant) -> Picture {
        Picture {
            stream: None,
            highest: 0,
            holes: BTreeMap::new(),
            broken: Some(Broken { after: 0, since: now }),
            asked: None,
            heard: now,
        }
    }

    /// A packet is written.
    pub(crate) fn packet(&mut self, now: Instant, stream: u32, number: u64, keyframe: bool) {
        self.heard = now;
        match self.stream {
            Some(current) if stream < current => return,
            Some(current) if stream == current => self.count(now, number),
            _ => {
                self.stream = Some(stream);
                self.holes.clear();
                self.highest = number;
                let after = number.saturating_sub(1);
                self.broken = Some(Broken { after, since: now });
            }
        }
        if keyframe {
            self.holes = self.holes.split_off(&number);
            self.broken = self.broken.filter(|broken| number <= broken.after && number > 0);
        }
    }

    fn count(&mut self, now: Instant, number: u64) {
        if number <= self.highest {
            self.holes.remove(&number);
            return;
        }
        let missing = number - self.highest - 1;
        if missing > MAX_HOLES as u64 || self.holes.len() > MAX_HOLES {
            self.holes.clear();
            self.breaks(now, number - 1);
        } else {
            self.holes.extend((self.highest + 1..number).map(|hole| (hole, now)));
        }
        self.highest = number;
    }

    /// Packets are lost for good.
    pub(crate) fn lost(&mut self, now: Instant) {
        self.breaks(now, self.highest);
    }

    fn breaks(&mut self, now: Instant, after: u64) {
        let since = self.broken.map_or(now, |broken| broken.since);
        self.broken = Some(Broken { after, since });
    }

    /// Whether a keyframe is to be asked for now.
    pub(crate) fn wants_keyframe(&mut self, now: Instant) -> bool {
        let patience = |since: Instant| now.saturating_duration_since(since) >= REPAIR_PATIENCE;
        let given_up = self.holes.iter().rev().find(|(_, since)| patience(**since));
        if let Some((&number, &since)) = given_up {
            self.holes = self.holes.split_off(&(number + 1));
            self.breaks(since, number);
        }
        let broken = self.broken.is_some_and(|broken| patience(broken.since));
        let recently = |asked: Instant| now.saturating_duration_since(asked) < ASK_EVERY;
        let silent = now.saturating_duration_since(self.heard) >= SILENT_AFTER;
        let wants = broken && !silent && self.stream.is_some() && !self.asked.is_some_and(recently);
        if wants {
            self.asked = Some(now);
        }
        wants
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scene {
        picture: Picture,
        now: Instant,
    }

    impl Scene {
        fn new() -> Scene {
            let now = Instant::now();
            Scene { picture: Picture::new(now), now }
        }

        fn packets(&mut self, numbers: impl IntoIterator<Item = u64>) {
            for number in numbers {
                self.picture.packet(self.now, 0, number, false);
            }
        }

        fn keyframe(&mut self, number: u64) {
            self.picture.packet(self.now, 0, number, true);
        }

        fn wants_after(&mut self, ms: u64) -> bool {
            self.now += Duration::from_millis(ms);
            self.picture.wants_keyframe(self.now)
        }
    }

    #[test]
    fn a_track_that_begins_with_a_keyframe_and_misses_nothing_asks_for_none() {
        let mut scene = Scene::new();
        scene.keyframe(7);
        for number in 8..40 {
            scene.packets([number]);
            assert!(!scene.wants_after(100));
        }
    }

    #[test]
    fn a_track_without_a_keyframe_asks_once_a_second() {
        let mut scene = Scene::new();
        let mut asked = 0;
        for number in 0..50 {
            scene.packets([number]);
            asked += usize::from(scene.wants_after(100));
        }
        assert_eq!(asked, 5);
        scene.keyframe(50);
        assert!(!scene.wants_after(1_500));
    }

    #[test]
    fn a_hole_that_is_repaired_in_time_asks_for_nothing() {
        let mut scene = Scene::new();
        scene.keyframe(1);
        scene.packets([2, 3, 6]);
        assert!(!scene.wants_after(400));
        scene.packets([5, 4]);
        assert!(!scene.wants_after(400));
    }

    #[test]
    fn a_hole_that_stays_asks_and_a_repair_that_comes_late_changes_nothing() {
        let mut scene = Scene::new();
        scene.keyframe(1);
        scene.packets([2, 4]);
        assert!(scene.wants_after(500));
        scene.packets([3, 5]);
        assert!(scene.wants_after(1_000));
        scene.keyframe(6);
        assert!(!scene.wants_after(1_000));
    }

    #[test]
    fn a_keyframe_from_before_the_loss_does_not_mend_it() {
        let mut scene = Scene::new();
        scene.keyframe(10);
        scene.packets([11, 14]);
        assert!(scene.wants_after(600));
        scene.keyframe(10);
        scene.packets([15]);
        assert!(scene.wants_after(1_000));
    }

    #[test]
    fn a_new_stream_needs_a_keyframe_of_its_own_and_the_old_one_is_over() {
        let mut scene = Scene::new();
        scene.keyframe(1);
        scene.picture.packet(scene.now, 1, 0, false);
        scene.keyframe(2);
        assert!(scene.wants_after(500));
        scene.picture.packet(scene.now, 1, 1, true);
        assert!(!scene.wants_after(1_000));
        scene.picture.packet(scene.now, 2, 0, true);
        assert!(!scene.wants_after(1_000));
    }

    #[test]
    fn a_track_that_is_silent_asks_for_nothing() {
        let mut scene = Scene::new();
        scene.packets([1]);
        assert!(!scene.wants_after(3_000));
    }

    #[test]
    fn holes_are_bounded_whatever_numbers_come() {
        let mut scene = Scene::new();
        scene.keyframe(0);
        let mut number = 0_u64;
        for step in 0..10_000_u64 {
            number = number.saturating_add(step % 9);
            scene.packets([number]);
        }
        scene.packets([u64::MAX, 0, u64::MAX - 1, u64::MAX]);
        assert!(scene.picture.holes.len() <= 2 * MAX_HOLES);
        assert!(scene.wants_after(600));
        scene.picture.lost(scene.now);
        assert!(scene.wants_after(1_000));
    }
}
