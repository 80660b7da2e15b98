//! How often one address, and one person in one room, may connect. Each join is told to everybody
//! in the room and written to the audit log for good, so that a loop of them must be slow.

use crate::bucket::Quota;
use crate::config::Config;
use crate::rates::{Network, PersonRates, Rates};
use lectern_control::RoomId;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// Minutes' worth of connections that one address may open at once: with the default, a room of the
/// largest kind behind one NAT comes back together after a cut.
const MINUTES_AT_ONCE: NonZeroU32 = NonZeroU32::new(5).expect("not zero");
/// Connections of one person to one room a minute, and as many at once: clients on a bad network try
/// ten times in a row and then begin anew; more would be a flicker in everybody's list.
const PER_PERSON: NonZeroU32 = NonZeroU32::new(20).expect("not zero");

/// The budgets.
#[derive(Debug)]
pub struct Admission {
    networks: Rates<Network>,
    people: PersonRates,
}

impl Admission {
    /// As configured; the configuration has been checked.
    pub fn new(config: &Config) -> Admission {
        let a_minute = NonZeroU32::new(config.connects_per_minute).unwrap_or(NonZeroU32::MIN);
        let at_once = a_minute.saturating_mul(MINUTES_AT_ONCE);
        Admission {
            networks: Rates::new(Quota::per_minute(a_minute, at_once)),
            people: PersonRates::new(Quota::per_minute(PER_PERSON, PER_PERSON)),
        }
    }

    /// Takes a connection of a network; otherwise says how long to wait.
    pub fn network(&self, network: Network, now: Instant) -> Result<(), Duration> {
        self.networks.take(network, now)
    }

    /// Takes a connection of a person; otherwise says how long to wait.
    pub fn person(&self, room: RoomId, identity: &str, now: Instant) -> Result<(), Duration> {
        self.people.take(room, identity, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_control::limits::MAX_PARTICIPANTS_PER_ROOM;

    #[test]
    fn a_full_room_behind_one_address_comes_back_at_once_and_a_loop_does_not_go_on() {
        let (admission, now) = (Admission::new(&Config::default()), Instant::now());
        let office = Network::of(([192, 0, 2, 1]).into());
        let back = (0..10_000).take_while(|_| admission.network(office, now).is_ok()).count();
        assert!(back >= MAX_PARTICIPANTS_PER_ROOM, "{back}");
        let minute = now + Duration::from_secs(60);
        let more = (0..10_000).take_while(|_| admission.network(office, minute).is_ok()).count();
        assert!(more * 4 < back, "{more}");
    }

    #[test]
    fn one_person_s_loop_is_slowed_in_its_room_and_nobody_else_s() {
        let (admission, now) = (Admission::new(&Config::default()), Instant::now());
        let loops = (0..100).take_while(|_| admission.person(RoomId(1), "ana", now).is_ok());
        assert_eq!(loops.count(), PER_PERSON.get() as usize);
        assert!(admission.person(RoomId(1), "bob", now).is_ok());
        assert!(admission.person(RoomId(2), "ana", now).is_ok());
        let wait = admission.person(RoomId(1), "ana", now).expect_err("spent");
        assert!(admission.person(RoomId(1), "ana", now + wait).is_ok());
    }
}
