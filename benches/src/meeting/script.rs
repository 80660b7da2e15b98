//! What happens in the meeting, and when. Pure.

use super::cast::{CYCLE_US, Person};
use lectern_control::media::MediaKind;

/// Clients need so long to connect to another node.
const MOVE_US: f64 = 1.8e6;
/// Chapters are so long, that a short meeting has some as well.
const CHAPTERS: f64 = 12.0;
const LEAST_CHAPTER_US: f64 = 150e6;
const MOST_CHAPTER_US: f64 = 1_200e6;

/// The course of a meeting; all times are microseconds of the recorder's clock from its beginning.
#[derive(Debug, Clone)]
pub struct Script {
    /// How long it is.
    pub duration_us: f64,
    /// When the room moves to another node.
    pub moved_us: f64,
    /// Of all chances.
    pub seed: u64,
    chapter_us: f64,
}

/// A stretch of time.
pub type Stretch = (f64, f64);

impl Script {
    /// Of a meeting of so many hours.
    pub fn new(hours: f64, seed: u64) -> Script {
        let duration_us = hours.max(0.05) * 3_600e6;
        let chapter_us = (duration_us / CHAPTERS).clamp(LEAST_CHAPTER_US, MOST_CHAPTER_US);
        Script { duration_us, moved_us: (duration_us / 2.0).round(), seed, chapter_us }
    }

    fn chapters(&self) -> impl Iterator<Item = f64> {
        let (chapter_us, duration_us) = (self.chapter_us, self.duration_us);
        let starts = (0..).map(move |number| f64::from(number) * chapter_us);
        starts.take_while(move |start| start + chapter_us <= duration_us)
    }

    /// When somebody's camera or microphone is muted: in each chapter one of the two people's.
    pub fn mutes(&self, person: &Person, kind: MediaKind) -> Vec<Stretch> {
        let (at, length_us) = match (person.dtx, kind) {
            (true, MediaKind::Video) => (0.3, 40e6),
            (false, MediaKind::Audio) => (0.7, 30e6),
            _ => return Vec::new(),
        };
        let mute = |start: f64| {
            // Whole milliseconds, as events are written.
            let from = ((start + at * self.chapter_us) / 1e3).round() * 1e3;
            (from, from + length_us)
        };
        self.chapters().map(mute).collect()
    }

    /// When nothing of somebody comes through.
    pub fn outages(&self, person: &Person) -> Vec<Stretch> {
        let (at, length_us) = if person.dtx { (0.5, 5e6) } else { (0.1, 8e6) };
        let outage = |start| {
            let from = start + at * self.chapter_us;
            (from, from + length_us)
        };
        self.chapters().map(outage).collect()
    }

    /// Which size pictures have in a cycle.
    pub fn size(&self, cycle: u64, sizes: usize) -> usize {
        let in_chapter = (self.chapter_us / CYCLE_US / 2.0).max(1.0) as u64;
        (cycle / in_chapter) as usize % sizes.max(1)
    }

    /// The node that somebody is connected to.
    pub fn node(&self, at_us: f64) -> Option<u16> {
        match at_us {
            at_us if at_us < self.moved_us => Some(0),
            at_us if at_us < self.moved_us + MOVE_US => None,
            _ => Some(1),
        }
    }
}

/// Whether a time is in one of some stretches.
pub fn is_in(stretches: &[Stretch], at_us: f64) -> bool {
    stretches.iter().any(|(from, until)| (*from..*until).contains(&at_us))
}
