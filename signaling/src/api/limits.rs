//! How often the API may be called: by an address, by a person, and with what is wrong.

use super::Problem;
use crate::bucket::Quota;
use crate::config::Config;
use crate::failures::{Failures, Try, UNDER_WAY};
use crate::rates::{Network, PersonRates, Rates};
use lectern_control::RoomId;
use lectern_control::edge::{RequestError, Response};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// Wrong PINs of one address before it is blocked for a while; the controller bounds what all may try.
const WRONG_PINS: NonZeroU32 = NonZeroU32::new(5).expect("not zero");
/// How long a PIN waits for others that are under way: the controller takes milliseconds for each.
const PIN_PATIENCE: Duration = Duration::from_secs(2);
/// How often it looks whether it may.
const PIN_LOOK_EVERY: Duration = Duration::from_millis(20);
/// Minutes' worth of connections that one address may open entries or sessions for at once: with the
/// default, a room of the largest kind behind one NAT comes in together.
const MINUTES_AT_ONCE: NonZeroU32 = NonZeroU32::new(5).expect("not zero");
/// In the long run one address opens so many times fewer entries and sessions than connections, 120 a
/// minute with the default: clients connect again, and who has a session needs no other.
const CONNECTS_PER_SESSION: u32 = 5;
/// Calls of one person about one meeting a minute: twice as many as hands on a page come to.
const CALLS_A_MINUTE: NonZeroU32 = NonZeroU32::new(120).expect("not zero");
/// As many at once: a host goes through the lobby one by one.
const CALLS_AT_ONCE: NonZeroU32 = NonZeroU32::new(60).expect("not zero");
/// Parts of one file a minute for whoever has its address: a player that looks for a moment asks for a
/// few of them each second.
const READS_A_MINUTE: NonZeroU32 = NonZeroU32::new(300).expect("not zero");
/// As many at once.
const READS_AT_ONCE: NonZeroU32 = NonZeroU32::new(60).expect("not zero");

/// The budgets.
#[derive(Debug)]
pub struct Limits {
    /// Bounds guessing of links and of owners' keys.
    guesses: Rates<Network>,
    /// Wrong links and keys, by address.
    failures: Failures<Network>,
    /// Wrong PINs, by address.
    pins: Failures<Network>,
    /// Bounds the making of meetings.
    creations: Rates<Network>,
    entries: Rates<Network>,
    sessions: Rates<Network>,
    people: PersonRates,
    /// Parts of files, by media token.
    reads: Rates<u64>,
}

impl Limits {
    /// As configured; the configuration has been checked.
    pub fn new(config: &Config) -> Limits {
        let number = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let wrong = number(config.guesses_per_minute);
        let tries = Quota::per_minute(wrong, wrong);
        let connects = number(config.connects_per_minute);
        let at_once = connects.saturating_mul(MINUTES_AT_ONCE);
        let opened =
            Quota::per_minute(number(config.connects_per_minute / CONNECTS_PER_SESSION), at_once);
        Limits {
            guesses: Rates::new(tries),
            failures: Failures::new(wrong),
            pins: Failures::new(WRONG_PINS),
            creations: Rates::new(tries),
            entries: Rates::new(opened),
            sessions: Rates::new(opened),
            people: PersonRates::new(Quota::per_minute(CALLS_A_MINUTE, CALLS_AT_ONCE)),
            reads: Rates::new(Quota::per_minute(READS_A_MINUTE, READS_AT_ONCE)),
        }
    }

    /// Takes a guess before it is known to be one, so that many at once are counted as well.
    pub fn guess(&self, network: Network) -> Result<Guess<'_>, Problem> {
        let now = Instant::now();
        let begun = self.failures.begin(network, now).map_err(Problem::too_many)?;
        if let Err(wait) = self.guesses.take(network, now) {
            begun.was_right();
            return Err(Problem::too_many(wait));
        }
        Ok(Guess { limits: self, network, begun })
    }

    /// Takes a try of a PIN: a wrong one unless it is said to have been right. Where others of the same
    /// address are under way it waits a little for them, so that an office comes in together.
    pub async fn pin(&self, network: Network) -> Result<Try<'_, Network>, Problem> {
        let until = Instant::now() + PIN_PATIENCE;
        loop {
            let now = Instant::now();
            match self.pins.begin(network, now) {
                Err(wait) if wait == UNDER_WAY && now < until => {
                    tokio::time::sleep(PIN_LOOK_EVERY).await;
                }
                begun => return begun.map_err(Problem::too_many),
            }
        }
    }

    /// Takes the making of a meeting.
    pub fn creation(&self, network: Network) -> Result<(), Problem> {
        self.creations.take(network, Instant::now()).map_err(Problem::too_many)
    }

    /// Takes an entry by a link.
    pub fn entry(&self, network: Network) -> Result<(), Problem> {
        self.entries.take(network, Instant::now()).map_err(Problem::too_many)
    }

    /// Takes the opening of a session.
    pub fn session(&self, network: Network) -> Result<(), Problem> {
        self.sessions.take(network, Instant::now()).map_err(Problem::too_many)
    }

    /// Takes a part of a file, by the token in its address.
    pub fn read(&self, token: u64) -> Result<(), Problem> {
        self.reads.take(token, Instant::now()).map_err(Problem::too_many)
    }

    /// Takes a call of somebody about a room: of an identity, or of whoever shows a key.
    pub fn call(&self, room: RoomId, who: &str) -> Result<(), Problem> {
        self.people.take(room, who, Instant::now()).map_err(Problem::too_many)
    }
}

/// A try that counts as a guess unless the controller knows what was shown: an office behind one
/// address may open as many good links as it has people.
#[derive(Debug)]
pub struct Guess<'a> {
    limits: &'a Limits,
    network: Network,
    begun: Try<'a, Network>,
}

impl Guess<'_> {
    /// Gives the try back where it was no wrong guess, and passes the answer on. Who shows the right
    /// key and asks for something that is not there has guessed nothing.
    pub fn judge(self, answer: Result<Response, RequestError>) -> Result<Response, RequestError> {
        if !matches!(answer, Err(RequestError::NotFound)) {
            self.give_back();
        }
        answer
    }

    /// It was no wrong guess, or nothing was asked.
    pub fn give_back(self) {
        self.limits.guesses.give_back(&self.network);
        self.begun.was_right();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_control::limits::MAX_PARTICIPANTS_PER_ROOM;

    fn network() -> Network {
        Network::of(([192, 0, 2, 1]).into())
    }

    #[test]
    fn a_full_room_behind_one_address_comes_in_and_a_loop_does_not_go_on() {
        let limits = Limits::new(&Config::default());
        for open in [Limits::entry, Limits::session] {
            let opened = (0..10_000).take_while(|_| open(&limits, network()).is_ok()).count();
            assert!((MAX_PARTICIPANTS_PER_ROOM..4_000).contains(&opened), "{opened}");
        }
    }

    #[test]
    fn one_person_s_loop_of_calls_is_slowed_and_nobody_else_s() {
        let limits = Limits::new(&Config::default());
        let calls = (0..200).take_while(|_| limits.call(RoomId(1), "ana").is_ok()).count();
        assert!((60..=62).contains(&calls), "{calls}");
        assert!(limits.call(RoomId(1), "bob").is_ok());
        assert!(limits.call(RoomId(2), "ana").is_ok());
    }

    #[test]
    fn only_what_is_wrong_is_a_guess() {
        let limits = Limits::new(&Config { guesses_per_minute: 3, ..Config::default() });
        for right in
            [Ok(Response::Done), Err(RequestError::Absent), Err(RequestError::NotPermitted)]
        {
            for _ in 0..10 {
                let _ = limits.guess(network()).expect("free").judge(right.clone());
            }
        }
        let at_once: Vec<_> = (0..10).filter_map(|_| limits.guess(network()).ok()).collect();
        assert_eq!(at_once.len(), 3, "before any is known to be wrong");
        for guess in at_once {
            let _ = guess.judge(Err(RequestError::NotFound));
        }
        assert!(limits.guess(network()).is_err());
    }

    #[tokio::test]
    async fn pins_are_tried_five_at_once_and_the_right_ones_of_an_office_all_pass() {
        let limits = Limits::new(&Config::default());
        let right = || async {
            let begun = limits.pin(network()).await.expect("waits for the others");
            tokio::time::sleep(Duration::from_millis(5)).await;
            begun.was_right();
        };
        let office: Vec<_> = (0..60).map(|_| right()).collect();
        futures_util::future::join_all(office).await;
        let mut wrong = Vec::new();
        for _ in 0..5 {
            wrong.push(limits.pin(network()).await.expect("free"));
        }
        assert!(limits.pins.begin(network(), Instant::now()).is_err(), "before any is known");
        drop(wrong);
        assert!(limits.pin(network()).await.is_err(), "and for a while");
    }
}
