//! How far a track's claims to be loud are believed.
//!
//! A level is whatever its publisher writes into the packet (RFC 6464 section 6). It counts no
//! further than a loud voice does, not in packets too small to carry one, and not for long without
//! a breath. What that leaves to a liar stands in `sfu/docs/sound-slots.md`.

use std::time::{Duration, Instant};

/// Silence, in decibels below overload.
const SILENCE_DB: f32 = 127.0;
/// Claims beyond this count as this: a loud voice. Nobody is heard better for shouting.
const LOUDEST_DB: f32 = 20.0;
/// Whoever is louder than this may be a voice: a soft one, or one far from its microphone.
pub const VOICE_DB: f32 = 55.0;
/// How much louder one must be than another to be heard instead: more than one voice varies.
pub const MARGIN_DB: f32 = 6.0;
/// The level of packets that tell none: a soft voice. Who sends levels comes first.
const UNTOLD_DB: f32 = 45.0;
/// How much quieter a packet counts that is said to be no voice, where others are said to be one.
const NOISE_DB: f32 = 10.0;
/// Payloads shorter than this carry no voice, whatever they claim: 4 kbit/s in frames of 20 ms.
const LEAST_VOICE_BYTES: usize = 10;
/// How fast the quick level follows the packets' levels: two frames.
const SMOOTHING: Duration = Duration::from_millis(40);
/// How long somebody must be loud to be a voice: longer than a click, shorter than a syllable.
const VOICED_AFTER: Duration = Duration::from_millis(40);
/// How fast a voice that has ended is forgotten, in decibels a second: a pause between two words
/// costs no more than [`MARGIN_DB`].
const DECAY_DB_PER_SECOND: f32 = 20.0;
/// Who has been quiet for longer makes a pause, not a syllable...
const PAUSE: Duration = Duration::from_millis(100);
/// ...and gives way to somebody as loud who speaks.
const PAUSE_DB: f32 = MARGIN_DB;
/// A breath: quieter for so long...
const BREATH: Duration = Duration::from_millis(160);
/// ...by so much than the voice.
const BREATH_DB: f32 = 10.0;
/// Nobody speaks for longer without a breath: it is a machine, or a claim.
const BREATHLESS_AFTER: Duration = Duration::from_secs(10);
/// How much quieter it counts from then on: below any voice.
const BREATHLESS_DB: f32 = 50.0;

/// What one packet tells of its loudness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// 0 to 127 below overload; `None` where it does not tell.
    pub below_overload_db: Option<u8>,
    /// It is said to be a voice.
    pub is_voice: bool,
    /// How long its payload is.
    pub payload_len: usize,
}

/// The voice of one track.
#[derive(Debug, Clone, Copy)]
pub struct Voice {
    quick_db: f32,
    heard: Option<Instant>,
    /// Since when it has been loud enough.
    loud_since: Option<Instant>,
    /// When it was so last.
    loud_at: Option<Instant>,
    /// The loudest lately, and when that was so.
    peak_db: f32,
    peak_at: Option<Instant>,
    /// Some packets were said to be a voice.
    is_flagged: bool,
    quiet_since: Option<Instant>,
    /// Since when it has been loud without a breath.
    unbroken_since: Option<Instant>,
}

impl Default for Voice {
    fn default() -> Self {
        Voice {
            quick_db: SILENCE_DB,
            heard: None,
            loud_since: None,
            loud_at: None,
            peak_db: SILENCE_DB,
            peak_at: None,
            is_flagged: false,
            quiet_since: None,
            unbroken_since: None,
        }
    }
}

impl Voice {
    /// A packet has come.
    #[inline]
    pub fn hear(&mut self, now: Instant, heard: &Heard) {
        self.is_flagged |= heard.is_voice;
        let level = self.believed(heard);
        let elapsed = self.heard.map(|at| now.saturating_duration_since(at));
        if elapsed.is_none_or(|elapsed| elapsed >= BREATH) {
            // Sent nothing meanwhile: discontinuous transmission.
            (self.quick_db, self.loud_since, self.unbroken_since) = (SILENCE_DB, None, None);
        }
        let elapsed = elapsed.unwrap_or(SMOOTHING).min(SMOOTHING);
        let weight = (elapsed.as_secs_f32() / SMOOTHING.as_secs_f32()).clamp(0.05, 0.5);
        self.quick_db += (level - self.quick_db) * weight;
        self.heard = Some(now);
        self.breathe(now, level);
        match self.quick_db < VOICE_DB {
            true => {
                (self.loud_since, self.loud_at) = (self.loud_since.or(Some(now)), Some(now));
            }
            false => self.loud_since = None,
        }
        let faded = self.faded(now);
        if self.quick_db <= faded {
            (self.peak_db, self.peak_at) = (self.quick_db, Some(now));
        }
    }

    /// Whether it has been loud enough for long enough to be a voice.
    #[inline]
    pub fn is_voiced(&self, now: Instant) -> bool {
        let is_fresh = self.heard.is_some_and(|at| now.saturating_duration_since(at) < BREATH);
        let since = self.loud_since.filter(|_| is_fresh);
        since.is_some_and(|since| now.saturating_duration_since(since) >= VOICED_AFTER)
    }

    /// How loud it is and lately was, in decibels below overload: less is louder.
    pub fn strength_db(&self, now: Instant) -> f32 {
        let pauses = |at: Instant| now.saturating_duration_since(at) >= PAUSE;
        let pause = if self.loud_at.is_some_and(pauses) { PAUSE_DB } else { 0.0 };
        let breath = if self.is_breathless(now) { BREATHLESS_DB } else { 0.0 };
        (self.faded(now) + pause + breath).min(SILENCE_DB)
    }

    /// It has been loud for longer than anybody speaks without a breath.
    pub fn is_breathless(&self, now: Instant) -> bool {
        let since = self.unbroken_since;
        since.is_some_and(|since| now.saturating_duration_since(since) >= BREATHLESS_AFTER)
    }

    /// What a speaker's level is to count in the room's list of speakers.
    pub fn counted_db(&self, now: Instant, smoothed_db: f32) -> f32 {
        if self.is_breathless(now) { smoothed_db + BREATHLESS_DB } else { smoothed_db }
    }

    /// Forgets what was heard: the track is muted.
    pub fn silence(&mut self) {
        *self = Voice { is_flagged: self.is_flagged, ..Voice::default() };
    }

    /// What a packet's claim comes to.
    fn believed(&self, heard: &Heard) -> f32 {
        if heard.payload_len < LEAST_VOICE_BYTES {
            return SILENCE_DB;
        }
        let Some(claimed) = heard.below_overload_db else { return UNTOLD_DB };
        let noise = if self.is_flagged && !heard.is_voice { NOISE_DB } else { 0.0 };
        (f32::from(claimed) + noise).clamp(LOUDEST_DB, SILENCE_DB)
    }

    /// A breath ends what is unbroken, and so does a voice that rises out of a steady noise.
    fn breathe(&mut self, now: Instant, level: f32) {
        let before = self.faded(now);
        let rises = level < before - BREATH_DB;
        let is_quiet = level > before + BREATH_DB || level >= VOICE_DB;
        if !is_quiet {
            self.quiet_since = None;
            let restart = rises.then_some(now);
            self.unbroken_since = restart.or(self.unbroken_since).or(Some(now));
            return;
        }
        let since = *self.quiet_since.get_or_insert(now);
        if now.saturating_duration_since(since) >= BREATH {
            self.unbroken_since = None;
        }
    }

    fn faded(&self, now: Instant) -> f32 {
        let Some(at) = self.peak_at else { return SILENCE_DB };
        let passed = now.saturating_duration_since(at).as_secs_f32();
        (self.peak_db + passed * DECAY_DB_PER_SECOND).min(SILENCE_DB)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A track that sends a packet each 20 ms.
    struct Sender {
        now: Instant,
        voice: Voice,
    }

    impl Sender {
        fn new() -> Sender {
            Sender { now: Instant::now(), voice: Voice::default() }
        }

        fn send(&mut self, milliseconds: u64, level: u8) {
            let heard = Heard { below_overload_db: Some(level), is_voice: true, payload_len: 80 };
            self.send_as(milliseconds, &heard);
        }

        fn send_as(&mut self, milliseconds: u64, heard: &Heard) {
            for _ in 0..milliseconds / 20 {
                self.now += Duration::from_millis(20);
                self.voice.hear(self.now, heard);
            }
        }

        /// As people speak: phrases of about two seconds, of syllables, with breaths in between.
        fn speak(&mut self, seconds: u64, level: u8) {
            for _ in 0..seconds / 2 {
                for _ in 0..9 {
                    self.send(140, level);
                    self.send(60, level + 15);
                }
                self.send(200, 75);
            }
        }

        fn strength(&self) -> f32 {
            self.voice.strength_db(self.now)
        }
    }

    #[test]
    fn a_voice_is_known_within_a_syllable_and_a_click_is_none() {
        let mut sender = Sender::new();
        sender.send(2_000, 90);
        assert!(!sender.voice.is_voiced(sender.now));
        sender.send(40, 20);
        assert!(!sender.voice.is_voiced(sender.now), "a click");
        sender.send(60, 20);
        assert!(sender.voice.is_voiced(sender.now), "100 ms of a voice");
        sender.send(1_000, 90);
        assert!(!sender.voice.is_voiced(sender.now));
    }

    #[test]
    fn a_voice_goes_on_for_minutes_and_a_pause_costs_little() {
        let mut sender = Sender::new();
        for _ in 0..30 {
            sender.speak(4, 30);
            assert!((29.0..42.0).contains(&sender.strength()), "{}", sender.strength());
        }
        sender.send(200, 80);
        assert!(sender.strength() < 47.0, "460 ms: {}", sender.strength());
        sender.send(3_000, 80);
        assert!(sender.strength() > 70.0);
    }

    #[test]
    fn nobody_is_louder_than_a_loud_voice() {
        let mut sender = Sender::new();
        sender.send(500, 0);
        assert!((20.0..21.0).contains(&sender.strength()));
    }

    #[test]
    fn who_never_takes_a_breath_is_no_voice_whatever_the_claim() {
        for levels in [[0, 0], [0, 30], [20, 27]] {
            let mut sender = Sender::new();
            for _ in 0..300 {
                sender.send(20, levels[0]);
                sender.send(20, levels[1]);
            }
            assert!(sender.voice.is_breathless(sender.now), "{levels:?}");
            assert!(sender.strength() > VOICE_DB, "{levels:?}");
            sender.send(200, 80);
            sender.speak(2, 25);
            assert!(sender.strength() < 37.0, "a breath, and it is one again");
        }
    }

    #[test]
    fn silence_and_steady_noise_cost_nobody_his_voice() {
        for noise in [50, 60, 90] {
            let mut sender = Sender::new();
            sender.send(60_000, noise);
            sender.send(120, 25);
            assert!(sender.strength() < 35.0, "noise at {noise}: {}", sender.strength());
            assert!(sender.voice.is_voiced(sender.now));
        }
    }

    #[test]
    fn small_packets_and_those_said_to_be_noise_claim_less() {
        let mut sender = Sender::new();
        let tiny = Heard { below_overload_db: Some(0), is_voice: true, payload_len: 3 };
        sender.send_as(2_000, &tiny);
        assert!(!sender.voice.is_voiced(sender.now));
        let mut sender = Sender::new();
        sender.send(100, 30);
        sender.send(3_000, 90);
        let noise = Heard { below_overload_db: Some(48), is_voice: false, payload_len: 80 };
        sender.send_as(1_000, &noise);
        assert!(!sender.voice.is_voiced(sender.now));
    }

    #[test]
    fn who_tells_no_level_is_a_soft_voice_until_it_is_breathless() {
        let untold = Heard { below_overload_db: None, is_voice: false, payload_len: 80 };
        let mut sender = Sender::new();
        sender.send_as(400, &untold);
        assert!(sender.voice.is_voiced(sender.now));
        sender.send_as(12_000, &untold);
        assert!(sender.strength() > VOICE_DB);
        sender.now += Duration::from_secs(1);
        sender.send_as(400, &untold);
        assert!(sender.strength() < VOICE_DB, "it sent nothing meanwhile: a breath");
    }
}
