//! One candidate pair (RFC 8445 section 6.1.2): our port and one address of the client.

use lectern_wire::stun::TransactionId;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The first wait for an answer to a check; doubled each time (RFC 8445 section 14.3 asks 500 ms
/// where nothing is known; a lost first check should not cost that much).
const FIRST_RETRANSMIT: Duration = Duration::from_millis(250);
/// The longest wait between two checks of one pair.
const LAST_RETRANSMIT: Duration = Duration::from_secs(2);
/// Checks without an answer until a pair counts as failed: about eight seconds.
const MAX_TRIES: u8 = 7;
/// Checks whose answers are still awaited; an older one than these is forgotten.
const MAX_OUTSTANDING: usize = 32;
/// How long after an answer the client's consent lasts (RFC 7675 section 5.1).
pub const CONSENT: Duration = Duration::from_secs(30);

/// Where the checks of a pair stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A check is to be sent, or its answer awaited.
    Checking,
    /// A check was answered: the client consents.
    Succeeded,
    /// No check was answered.
    Failed,
}

#[derive(Debug, Clone, Copy)]
struct Check {
    transaction: TransactionId,
    sent: Instant,
    nominating: bool,
    controlling: bool,
}

/// What an answer says about its check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// The check carried USE-CANDIDATE.
    pub nominating: bool,
    /// We were controlling when it was sent.
    pub controlling: bool,
}

/// A pair, known by the client's address: ours is always the node's one port.
#[derive(Debug)]
pub struct Pair {
    /// The client's address.
    pub remote: SocketAddr,
    /// The priority of the client's candidate.
    pub priority: u32,
    /// The priority that the client's checks announce: the same for all that come from one
    /// candidate of its own.
    pub announced: Option<u32>,
    /// The client's latest check nominated the pair.
    pub nominated: bool,
    /// The client's latest check named our credentials of before the restart; so do our own then,
    /// or it would refuse them.
    pub names_former: bool,
    /// When an authenticated message last came from the client.
    pub heard: Option<Instant>,
    /// Until when the client consents to receive.
    pub consent_until: Option<Instant>,
    /// When the pair was made.
    pub made: Instant,
    /// The latest round trip.
    pub rtt: Option<Duration>,
    /// When the next check is due.
    pub next_check: Option<Instant>,
    /// When the latest check was sent.
    pub last_sent: Option<Instant>,
    state: State,
    tries: u8,
    outstanding: Vec<Check>,
}

impl Pair {
    /// A pair that was not checked yet.
    pub fn new(now: Instant, remote: SocketAddr, priority: u32) -> Pair {
        Pair {
            remote,
            priority,
            announced: None,
            nominated: false,
            names_former: false,
            heard: None,
            consent_until: None,
            made: now,
            rtt: None,
            next_check: None,
            last_sent: None,
            state: State::Checking,
            tries: 0,
            outstanding: Vec::new(),
        }
    }

    /// Where its checks stand.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether the client consents now.
    pub fn has_consent(&self, now: Instant) -> bool {
        self.consent_until.is_some_and(|until| now < until)
    }

    /// A check was sent.
    pub fn sent(
        &mut self,
        now: Instant,
        transaction: TransactionId,
        nominating: bool,
        controlling: bool,
    ) {
        if self.outstanding.len() >= MAX_OUTSTANDING {
            self.outstanding.remove(0);
        }
        self.outstanding.push(Check { transaction, sent: now, nominating, controlling });
        self.last_sent = Some(now);
        self.tries = self.tries.saturating_add(1);
        self.next_check = match self.state {
            State::Checking if self.tries < MAX_TRIES => {
                let wait = FIRST_RETRANSMIT * (1 << (self.tries - 1).min(6));
                Some(now + wait.min(LAST_RETRANSMIT))
            }
            // The last one gets its time to be answered; then the pair is given up.
            State::Checking => Some(now + LAST_RETRANSMIT),
            State::Succeeded | State::Failed => None,
        };
    }

    /// Whether all tries are used up and none was answered.
    pub fn is_exhausted(&self) -> bool {
        self.state == State::Checking && self.tries >= MAX_TRIES
    }

    /// No answer has come.
    pub fn give_up(&mut self) {
        self.state = State::Failed;
        self.next_check = None;
        self.outstanding.clear();
    }

    /// Begins checking anew, now.
    pub fn restart(&mut self, now: Instant) {
        self.state = State::Checking;
        self.tries = 0;
        self.next_check = Some(now);
    }

    /// Whether a check of this transaction awaits its answer.
    pub fn awaits(&self, transaction: TransactionId) -> bool {
        self.outstanding.iter().any(|check| check.transaction == transaction)
    }

    /// Takes the check of an authenticated answer.
    pub fn answered(&mut self, now: Instant, transaction: TransactionId) -> Option<Answered> {
        let place = self.outstanding.iter().position(|check| check.transaction == transaction)?;
        let check = self.outstanding.remove(place);
        self.heard = Some(now);
        self.rtt = Some(now.saturating_duration_since(check.sent));
        Some(Answered { nominating: check.nominating, controlling: check.controlling })
    }

    /// The client consents.
    pub fn succeed(&mut self, now: Instant) {
        self.state = State::Succeeded;
        self.tries = 0;
        self.next_check = None;
        self.consent_until = Some(now + CONSENT);
    }
}
