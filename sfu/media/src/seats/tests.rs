//! Tests of who gets a seat, who keeps it, and what liars get.

use super::*;
use crate::arena::Key;
use crate::voice::{Heard, Voice};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Steps of 20 ms.
const STEP: Duration = Duration::from_millis(20);
const NOISE: u8 = 80;

/// A room in which everybody sends all the time.
struct Room {
    now: Instant,
    voices: Vec<Voice>,
    seats: Seats,
    told: Vec<(Instant, Vec<Option<SoundSeat>>)>,
    looks: usize,
    changes: usize,
}

impl Room {
    fn new(people: usize, slots: usize) -> Room {
        let mut seats = Seats::default();
        seats.set_slots(slots);
        let voices = vec![Voice::default(); people];
        let (told, looks, changes) = (Vec::new(), 0, 0);
        Room { now: Instant::now(), voices, seats, told, looks, changes }
    }

    fn step(&mut self, level: impl Fn(usize) -> u8) {
        self.now += STEP;
        for (place, voice) in self.voices.iter_mut().enumerate() {
            let below_overload_db = Some(level(place));
            voice.hear(self.now, &Heard { below_overload_db, is_voice: true, payload_len: 80 });
            if voice.is_voiced(self.now) && !self.seats.has_slot(key(place)) {
                self.seats.call(self.now);
            }
        }
        if self.seats.is_due(self.now) {
            self.look();
        }
        if let Some(seats) = self.seats.news(self.now) {
            self.told.push((self.now, seats));
        }
    }

    fn look(&mut self) {
        self.looks += 1;
        self.seats.begin(self.now);
        for (place, voice) in self.voices.iter().enumerate() {
            self.seats.add(contender(place, voice, self.now));
        }
        self.changes += usize::from(self.seats.finish(self.now));
    }

    /// For so long some speak, each at a level.
    fn speak(&mut self, milliseconds: u64, who: &[(usize, u8)]) {
        for _ in 0..milliseconds / 20 {
            self.step(|place| {
                who.iter().find(|(one, _)| *one == place).map_or(NOISE, |(_, level)| *level)
            });
        }
    }

    fn holders(&self) -> Vec<Option<usize>> {
        let seats = self.seats.holders();
        seats.map(|held| held.map(|key| key.index() as usize)).collect()
    }

    fn heard_by(&self, place: usize) -> Vec<Option<usize>> {
        let slots = 0..self.seats.slots();
        let heard = slots.map(|slot| self.seats.for_slot(slot, participant(place)));
        heard.map(|held| held.map(|key| key.index() as usize)).collect()
    }
}

fn key(place: usize) -> TrackKey {
    TrackKey::from_index(place as u32)
}

fn participant(place: usize) -> ParticipantId {
    ParticipantId(1 + place as u64)
}

fn contender(place: usize, voice: &Voice, now: Instant) -> Contender {
    Contender {
        track: key(place),
        id: TrackId(place as u64),
        participant: participant(place),
        strength_db: voice.strength_db(now),
        is_voiced: voice.is_voiced(now),
    }
}

#[test]
fn who_speaks_has_a_seat_at_once_and_keeps_it_through_silence() {
    let mut room = Room::new(20, 3);
    room.speak(1_000, &[]);
    assert_eq!(room.holders(), [None; 4]);
    room.speak(120, &[(7, 30)]);
    assert_eq!(room.holders(), [Some(7), None, None, None]);
    room.speak(30_000, &[]);
    assert_eq!(room.holders(), [Some(7), None, None, None]);
    assert_eq!(room.changes, 1);
    room.speak(120, &[(3, 40)]);
    assert_eq!(room.holders(), [Some(7), Some(3), None, None]);
}

#[test]
fn seats_are_sticky_and_the_one_who_has_been_silent_gives_way() {
    let mut room = Room::new(20, 3);
    for place in [4, 5, 6] {
        room.speak(1_000, &[(place, 30)]);
    }
    room.speak(1_000, &[(4, 30), (6, 30)]);
    room.speak(200, &[(4, 30), (6, 30), (9, 34)]);
    assert_eq!(room.holders()[..3], [Some(4), Some(9), Some(6)]);
}

#[test]
fn who_speaks_is_displaced_only_by_somebody_clearly_louder() {
    let mut room = Room::new(20, 3);
    let three = [(0, 30), (1, 34), (2, 32)];
    room.speak(2_000, &three);
    let with = |level| [three[0], three[1], three[2], (3, level)];
    room.speak(2_000, &with(30));
    assert_eq!(room.holders(), [Some(0), Some(2), Some(1), Some(3)], "the next one");
    room.speak(200, &with(24));
    assert_eq!(room.holders(), [Some(0), Some(2), Some(3), Some(1)], "for the quietest");
}

#[test]
fn a_seat_changes_hands_only_so_often() {
    let mut room = Room::new(60, 3);
    let mut random = StdRng::seed_from_u64(5);
    for _ in 0..1_000 {
        let who: Vec<_> =
            (0..12).map(|_| (random.random_range(0..60), random.random_range(15..40))).collect();
        room.speak(100, &who);
    }
    // 100 s, four seats, each for half a second at least.
    assert!(room.changes <= 100 * 2 * 4, "{}", room.changes);
    assert!(room.looks <= 100 * 50);
    let gaps = room.told.windows(2).map(|pair| pair[1].0 - pair[0].0);
    assert!(gaps.min() >= Some(TELL_INTERVAL));
}

#[test]
fn nobody_hears_himself_and_hears_the_next_instead() {
    let mut room = Room::new(20, 3);
    room.speak(2_000, &[(0, 20), (1, 22), (2, 24), (3, 26)]);
    assert_eq!(room.heard_by(9), [Some(0), Some(1), Some(2)]);
    assert_eq!(room.heard_by(1), [Some(0), Some(3), Some(2)]);
    assert_eq!(room.heard_by(3), [Some(0), Some(1), Some(2)]);
}

#[test]
fn one_who_is_muted_leaves_a_free_seat() {
    let mut room = Room::new(20, 2);
    room.speak(1_000, &[(0, 20), (1, 22)]);
    assert!(room.seats.vacate(key(0)));
    assert!(!room.seats.vacate(key(0)));
    assert_eq!(room.holders(), [None, Some(1), None]);
    room.voices[0].silence();
    room.speak(200, &[(1, 22), (5, 45)]);
    assert_eq!(room.holders(), [Some(5), Some(1), None]);
}

#[test]
fn one_participant_has_one_seat() {
    let mut seats = Seats::default();
    seats.set_slots(3);
    let now = Instant::now();
    let mine = |place: usize, strength_db| Contender {
        track: key(place),
        id: TrackId(place as u64),
        participant: ParticipantId(1),
        strength_db,
        is_voiced: true,
    };
    seats.begin(now);
    for place in 0..10 {
        seats.add(mine(place, 40.0 - place as f32));
    }
    assert!(seats.finish(now));
    assert_eq!(seats.holders().flatten().collect::<Vec<_>>(), [key(9)]);
}

#[test]
fn more_slots_and_fewer_keep_who_is_there() {
    let mut room = Room::new(20, 2);
    room.speak(1_000, &[(0, 20), (1, 22), (2, 24)]);
    assert_eq!(room.holders(), [Some(0), Some(1), Some(2)]);
    room.seats.set_slots(3);
    assert_eq!(room.holders(), [Some(0), Some(1), None, Some(2)]);
    room.speak(100, &[(0, 20), (1, 22), (2, 24)]);
    assert_eq!(room.holders(), [Some(0), Some(1), Some(2), None]);
    room.seats.set_slots(1);
    assert_eq!(room.holders(), [Some(0), None]);
    room.seats.set_slots(0);
    assert!(!room.seats.is_used());
}

#[test]
fn a_seat_is_resumed_where_it_was() {
    let mut room = Room::new(20, 0);
    let voice = Voice::default();
    room.seats.resume(room.now, 2, contender(7, &voice, room.now));
    assert_eq!(room.holders(), [None, None, Some(7), None]);
    room.seats.resume(room.now, 2, contender(8, &voice, room.now));
    room.seats.resume(room.now, MAX_SOUND_SLOTS, contender(9, &voice, room.now));
    assert_eq!(room.holders(), [None, None, Some(7), None]);
}

/// A talker: phrases with breaths, as a function of the step.
fn phrase(step: u64, level: u8) -> u8 {
    match step % 100 {
        0..90 if step % 10 < 7 => level,
        0..90 => level + 12,
        _ => 75,
    }
}

/// A minute with a liar who claims something, and so many people at once who take turns of three
/// seconds. Gives for how much of their time those were heard, and for how much the liar was.
fn with_liar(claims: impl Fn(u64) -> u8, at_once: u64, people_level: u8) -> (f64, f64) {
    let mut room = Room::new(40, 3);
    let (mut spoken, mut heard, mut held) = (0, 0, 0);
    for step in 0..3_000_u64 {
        let talkers: Vec<usize> =
            (0..at_once).map(|nth| 1 + ((step / 150 + nth * 7) % 39) as usize).collect();
        room.step(|place| match place {
            0 => claims(step),
            _ if talkers.contains(&place) => phrase(step, people_level),
            _ => NOISE,
        });
        // After the 200 ms that it may take.
        if step % 150 >= 10 {
            spoken += talkers.len();
            heard += talkers.iter().filter(|place| room.seats.has_slot(key(**place))).count();
        }
        held += usize::from(room.seats.has_slot(key(0)));
        let liars = room.holders().iter().flatten().filter(|place| **place == 0).count();
        assert!(liars <= 1, "one seat at most");
    }
    (heard as f64 / spoken as f64, held as f64 / 3_000.0)
}

#[test]
fn a_claim_without_a_breath_costs_people_no_seat() {
    let claims: [fn(u64) -> u8; 2] = [|_| 0, |step| if step % 2 == 0 { 0 } else { 40 }];
    for claims in claims {
        let (heard, _) = with_liar(claims, 2, 30);
        assert!(heard > 0.99, "two are heard {heard} of their time");
        let (heard, held) = with_liar(claims, 3, 30);
        assert!(heard > 0.9, "three are heard {heard}, all but the first ten seconds");
        assert!(held < 0.25, "the liar for {held}");
    }
}

#[test]
fn a_liar_who_speaks_as_people_do_has_one_seat() {
    for level in [25, 30, 45] {
        let (heard, held) = with_liar(|step| phrase(step, 0), 2, level);
        assert!(heard > 0.98, "two are heard {heard} of their time");
        assert!(held > 0.9, "the liar for {held}");
        let (heard, _) = with_liar(|step| phrase(step, 0), 3, level);
        assert!(heard > 0.6, "three share what is left: {heard}");
    }
}
