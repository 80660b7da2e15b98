//! Wrong PINs in a row, by room: a few are mistyped, more are guesses, and then nobody's PIN is taken
//! for a while. Sans-IO.
//!
//! Edges bound what one address may try; this bounds what all addresses together may.

use lectern_control::RoomId;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Wrong PINs before the first block: a big meeting mistypes now and then, and right ones do not
/// count.
const FREE: u32 = 10;
/// How long a block lasts. Whoever is in the meeting, or has a session, does not notice it.
const BLOCK: Duration = Duration::from_secs(900);
/// Wrong PINs between one block and the next.
const AFTER_BLOCK: u32 = 3;
/// After so long without a wrong PIN all is forgotten.
const FORGET: Duration = Duration::from_secs(6 * 3_600);
/// Rooms that are remembered: as many as may be live at once. Beyond, the quietest is forgotten.
const MAX_ROOMS: usize = 5_000;

/// Tries at the PINs of all rooms.
#[derive(Debug, Default)]
pub struct Attempts {
    rooms: BTreeMap<RoomId, Tries>,
}

#[derive(Debug, Clone, Copy)]
struct Tries {
    left: u32,
    blocked_until: Option<Instant>,
    last: Instant,
}

/// What becomes of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Try {
    /// It may be made; it counts as wrong until [`Attempts::right`] says otherwise.
    Granted,
    /// The same, and it was the last one: if it is wrong, the room takes none for a while.
    Last,
    /// Not now.
    Blocked {
        /// For so long.
        wait: Duration,
    },
}

impl Attempts {
    /// Takes a try at a room's PIN before it is known to be right, so that many at once count.
    pub fn take(&mut self, room: RoomId, now: Instant) -> Try {
        self.rooms.retain(|_, tries| now < tries.last + FORGET);
        let tries =
            self.rooms.entry(room).or_insert(Tries { left: FREE, blocked_until: None, last: now });
        if let Some(until) = tries.blocked_until {
            if now < until {
                return Try::Blocked { wait: until - now };
            }
            tries.blocked_until = None;
            tries.left = AFTER_BLOCK;
        }
        tries.last = now;
        tries.left = tries.left.saturating_sub(1);
        let last = tries.left == 0;
        if last {
            tries.blocked_until = Some(now + BLOCK);
        }
        self.bound();
        if last { Try::Last } else { Try::Granted }
    }

    /// The try was right after all: it does not count.
    pub fn right(&mut self, room: RoomId) {
        if let Some(tries) = self.rooms.get_mut(&room) {
            tries.left = tries.left.saturating_add(1);
            tries.blocked_until = None;
        }
    }

    fn bound(&mut self) {
        if self.rooms.len() > MAX_ROOMS {
            let quietest = self.rooms.iter().max_by_key(|(_, tries)| tries.left);
            let quietest = quietest.map(|(room, _)| *room);
            quietest.and_then(|room| self.rooms.remove(&room));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: RoomId = RoomId(1);

    /// From many addresses, as fast as they can, at six digits: how likely is it to get in?
    #[test]
    fn an_hour_of_guessing_a_six_digit_pin_is_as_good_as_hopeless() {
        let (mut attempts, start) = (Attempts::default(), Instant::now());
        let hour = Duration::from_secs(3_600);
        let (mut made, mut refused) = (0_u32, 0_u32);
        let mut at = Duration::ZERO;
        while at < hour {
            match attempts.take(ROOM, start + at) {
                Try::Granted | Try::Last => made += 1,
                Try::Blocked { .. } => refused += 1,
            }
            at += Duration::from_millis(10);
        }
        let chance = f64::from(made) / 1e6;
        println!("{made} tries made, {refused} refused: success {chance:.1e} an hour");
        assert_eq!(made, FREE + 3 * AFTER_BLOCK);
        assert!(chance < 2e-5, "{chance}");
        // A day, in which the blocks do not get fewer.
        let day = (0..24 * 60).filter(|minute| {
            let at = start + hour + Duration::from_secs(60) * *minute;
            !matches!(attempts.take(RoomId(1), at), Try::Blocked { .. })
        });
        assert!(day.count() < 300);
    }

    #[test]
    fn right_pins_never_block_and_a_quiet_room_is_as_new() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        for _ in 0..2_000 {
            assert!(!matches!(attempts.take(ROOM, now), Try::Blocked { .. }));
            attempts.right(ROOM);
        }
        let wrong = (0..100).filter(|_| attempts.take(ROOM, now) != Try::Blocked { wait: BLOCK });
        assert_eq!(wrong.count(), FREE as usize);
        assert_eq!(attempts.take(RoomId(2), now), Try::Granted, "another room is not blocked");
        let later = now + FORGET + Duration::from_secs(1);
        let wrong = (0..100).filter(|_| attempts.take(ROOM, later) != Try::Blocked { wait: BLOCK });
        assert_eq!(wrong.count(), FREE as usize);
    }

    #[test]
    fn tries_at_once_all_count_before_any_is_judged() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        let at_once =
            (0..1_000).filter(|_| matches!(attempts.take(ROOM, now), Try::Granted | Try::Last));
        assert_eq!(at_once.count(), FREE as usize);
    }

    #[test]
    fn memory_has_a_bound_and_a_room_under_attack_is_kept() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        while !matches!(attempts.take(ROOM, now), Try::Blocked { .. }) {}
        for room in 0..2 * MAX_ROOMS as u64 {
            attempts.take(RoomId(room + 2), now);
        }
        assert!(attempts.rooms.len() <= MAX_ROOMS);
        assert!(matches!(attempts.take(ROOM, now), Try::Blocked { .. }));
    }
}
