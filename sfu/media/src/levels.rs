//! Who speaks: audio levels (RFC 6464) smoothed per track, and the room's list of speakers.
//!
//! Hysteresis in three places keeps the list calm: a louder threshold to get in than to stay, a
//! minimum time on either side, and a margin before somebody else comes first.

use crate::limits::MAX_SPEAKERS;
use lectern_control::ParticipantId;
use std::time::{Duration, Instant};

/// Silence, in decibels below overload.
const SILENCE_DB: f32 = 127.0;
/// Whoever is louder than this for [`ENTER_AFTER`] speaks: the lower end of a calm voice.
const ENTER_DB: f32 = 42.0;
/// Whoever is quieter than this for [`LEAVE_AFTER`] has stopped.
const LEAVE_DB: f32 = 52.0;
/// Time to become a speaker: shorter than a word, longer than a knock on the table.
const ENTER_AFTER: Duration = Duration::from_millis(200);
/// Time to be one no longer: longer than a pause between sentences.
const LEAVE_AFTER: Duration = Duration::from_millis(700);
/// How fast the smoothed level follows the packets' levels.
const SMOOTHING: Duration = Duration::from_millis(120);
/// A track that sends nothing for this long is silent: discontinuous transmission, or mute.
const STALE_AFTER: Duration = Duration::from_millis(500);
/// How much louder somebody must be to take the first place.
const MARGIN_DB: f32 = 4.0;
/// How long somebody must stay louder to take the first place.
const HOLD: Duration = Duration::from_millis(900);
/// Levels are told in this many steps; a change below one step is no news.
const STEPS: f32 = 8.0;

/// The loudness of one track.
#[derive(Debug, Clone, Copy)]
pub struct Level {
    smoothed_db: f32,
    heard: Option<Instant>,
    speaking: bool,
    crossed: Option<Instant>,
}

impl Default for Level {
    fn default() -> Self {
        Level { smoothed_db: SILENCE_DB, heard: None, speaking: false, crossed: None }
    }
}

impl Level {
    /// A packet has come; `below_overload_db` is its level, 0 to 127.
    pub fn hear(&mut self, now: Instant, below_overload_db: u8) {
        let elapsed = self.heard.map_or(SMOOTHING, |heard| now.saturating_duration_since(heard));
        let weight = (elapsed.as_secs_f32() / SMOOTHING.as_secs_f32()).clamp(0.05, 1.0);
        self.smoothed_db += (f32::from(below_overload_db) - self.smoothed_db) * weight;
        self.heard = Some(now);
        self.judge(now);
    }

    /// The smoothed level in decibels below overload while the track speaks.
    pub fn speaking(&mut self, now: Instant) -> Option<f32> {
        let stale = |heard| now.saturating_duration_since(heard) > STALE_AFTER;
        if self.heard.is_none_or(stale) {
            self.smoothed_db = SILENCE_DB;
            self.judge(now);
        }
        self.speaking.then_some(self.smoothed_db)
    }

    /// Forgets what was heard: the track is muted.
    pub fn silence(&mut self) {
        *self = Level::default();
    }

    fn judge(&mut self, now: Instant) {
        let (beyond, wait) = match self.speaking {
            false => (self.smoothed_db < ENTER_DB, ENTER_AFTER),
            true => (self.smoothed_db > LEAVE_DB, LEAVE_AFTER),
        };
        if !beyond {
            self.crossed = None;
            return;
        }
        let since = *self.crossed.get_or_insert(now);
        if now.saturating_duration_since(since) >= wait {
            self.speaking = !self.speaking;
            self.crossed = None;
        }
    }
}

/// The list of a room's speakers as it was last told.
#[derive(Debug, Default)]
pub struct Speakers {
    told: Vec<(ParticipantId, u8)>,
    heard: Vec<(ParticipantId, f32)>,
    dominant: Option<ParticipantId>,
    challenger: Option<(ParticipantId, Instant)>,
}

impl Speakers {
    /// Who speaks most, where somebody does.
    pub fn dominant(&self) -> Option<ParticipantId> {
        self.dominant
    }

    /// Begins a look around.
    pub fn begin(&mut self) {
        self.heard.clear();
    }

    /// A participant speaks, at so many decibels below overload.
    pub fn add(&mut self, participant: ParticipantId, below_overload_db: f32) {
        let known = self.heard.iter_mut().find(|(id, _)| *id == participant);
        match known {
            Some((_, level)) => *level = level.min(below_overload_db),
            None => self.heard.push((participant, below_overload_db)),
        }
    }

    /// Ends a look around. Gives the list, loudest first, where it is not what was told last.
    pub fn finish(&mut self, now: Instant) -> Option<Vec<(ParticipantId, f32)>> {
        self.heard.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        self.choose_dominant(now);
        let dominant = self.dominant;
        self.heard.sort_by_key(|(id, _)| Some(*id) != dominant);
        self.heard.truncate(MAX_SPEAKERS);
        let steps = |db: f32| (loudness(db) * STEPS).ceil() as u8;
        let news = self.heard.iter().map(|(id, db)| (*id, steps(*db)));
        if news.clone().eq(self.told.iter().copied()) {
            return None;
        }
        self.told.clear();
        self.told.extend(news);
        Some(self.heard.iter().map(|(id, db)| (*id, loudness(*db))).collect())
    }

    /// The first place changes when its holder is silent, or when somebody has been louder by a
    /// margin for a while.
    fn choose_dominant(&mut self, now: Instant) {
        let Some((loudest, level)) = self.heard.first().copied() else {
            self.dominant = None;
            self.challenger = None;
            return;
        };
        let holder = self.dominant.filter(|id| *id != loudest);
        let holder_level = self.heard.iter().find(|(id, _)| Some(*id) == holder).map(|(_, l)| *l);
        match holder_level {
            Some(held) if level + MARGIN_DB > held => self.challenger = None,
            Some(_) => {
                let since = match self.challenger {
                    Some((challenger, since)) if challenger == loudest => since,
                    _ => now,
                };
                self.challenger = Some((loudest, since));
                if now.saturating_duration_since(since) >= HOLD {
                    self.dominant = Some(loudest);
                    self.challenger = None;
                }
            }
            None => {
                self.dominant = Some(loudest);
                self.challenger = None;
            }
        }
    }
}

/// The level shown: the amplitude, 0 (silence) to 1.
fn loudness(below_overload_db: f32) -> f32 {
    10f32.powf(-below_overload_db.clamp(0.0, SILENCE_DB) / 20.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ParticipantId = ParticipantId(1);
    const B: ParticipantId = ParticipantId(2);

    struct Room {
        now: Instant,
        levels: [Level; 2],
        speakers: Speakers,
        told: Vec<Vec<ParticipantId>>,
    }

    impl Room {
        fn new() -> Room {
            let levels = [Level::default(); 2];
            Room { now: Instant::now(), levels, speakers: Speakers::default(), told: Vec::new() }
        }

        /// Both send for a while, a packet each 20 ms, `None` is discontinuous transmission.
        fn speak(&mut self, milliseconds: u64, loudness: [Option<u8>; 2]) {
            for step in 0..milliseconds / 20 {
                self.now += Duration::from_millis(20);
                for (level, db) in self.levels.iter_mut().zip(loudness) {
                    if let Some(db) = db {
                        level.hear(self.now, db);
                    }
                }
                if step % 15 == 0 {
                    self.look();
                }
            }
        }

        fn look(&mut self) {
            self.speakers.begin();
            for (participant, level) in [A, B].into_iter().zip(&mut self.levels) {
                if let Some(db) = level.speaking(self.now) {
                    self.speakers.add(participant, db);
                }
            }
            if let Some(list) = self.speakers.finish(self.now) {
                assert!(list.iter().all(|(_, level)| (0.0..=1.0).contains(level)));
                self.told.push(list.iter().map(|(id, _)| *id).collect());
            }
        }
    }

    #[test]
    fn a_voice_is_told_once_and_its_end_once() {
        let mut room = Room::new();
        room.speak(1_000, [Some(127), Some(127)]);
        assert!(room.told.is_empty());
        room.speak(2_000, [Some(25), Some(127)]);
        room.speak(3_000, [Some(127), Some(127)]);
        room.told.dedup();
        assert_eq!(room.told, [vec![A], vec![]]);
    }

    #[test]
    fn a_knock_is_no_speaker_and_a_pause_no_end() {
        let mut room = Room::new();
        room.speak(80, [Some(10), None]);
        room.speak(1_000, [Some(100), None]);
        assert!(room.told.is_empty());
        room.speak(2_000, [Some(25), None]);
        for _ in 0..10 {
            room.speak(300, [Some(80), None]);
            room.speak(600, [Some(25), None]);
        }
        room.told.dedup();
        assert_eq!(room.told, [vec![A]]);
    }

    #[test]
    fn silence_by_sending_nothing_ends_a_speaker_too() {
        let mut room = Room::new();
        room.speak(1_000, [Some(20), Some(127)]);
        room.speak(3_000, [None, Some(127)]);
        room.told.dedup();
        assert_eq!(room.told, [vec![A], vec![]]);
    }

    #[test]
    fn the_first_place_changes_only_after_a_while() {
        let mut room = Room::new();
        room.speak(2_000, [Some(22), None]);
        room.speak(600, [Some(22), Some(25)]);
        assert_eq!(room.told.last(), Some(&vec![A, B]));
        // Louder by turns: nobody stays louder long enough.
        for _ in 0..8 {
            room.speak(400, [Some(30), Some(15)]);
            room.speak(400, [Some(15), Some(30)]);
        }
        assert!(room.told.iter().all(|list| list[0] == A));
        room.speak(3_000, [Some(35), Some(15)]);
        assert_eq!(room.told.last(), Some(&vec![B, A]));
    }
}
