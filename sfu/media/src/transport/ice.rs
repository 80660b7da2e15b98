//! A small full ICE agent (RFC 8445): one port of ours, no gathering, no relays.
//!
//! Where we are controlling, the first pair the client's checks come over is nominated at once.
//! Consent is kept fresh (RFC 7675). A standby answers and learns, and nominates only in a claim.

pub mod candidate;
mod checks;
mod messages;
pub mod pair;
pub mod session;

use crate::DropReason;
use crate::transport::Transmit;
use candidate::Reach;
use lectern_control::limits::MAX_CANDIDATES_PER_PEER;
use lectern_control::transport::{Candidate, Duty, IceCredentials, IceRole};
use lectern_wire::stun::{Kind, Message};
use pair::State;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use session::{Former, Session};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long the pair of before an ICE restart is kept once a new one is selected.
const PREVIOUS_GRACE: Duration = Duration::from_secs(5);
/// Messages kept until they are fetched; the engine fetches after each call.
const MAX_TRANSMITS: usize = 256;
/// How long a claim lasts, and how often its checks are sent: measured in browsers, twenty-five of
/// them survive any loss under which a call is of use.
const CLAIM: Duration = Duration::from_millis(500);
const CLAIM_INTERVAL: Duration = Duration::from_millis(20);

/// What the agent tells its transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Media goes here from now on.
    Selected(SocketAddr),
    /// After a claim, the first authenticated message has come.
    FirstCheck,
    /// The client no longer consents to receive.
    ConsentExpired,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A standby before it is told to answer.
    Mute,
    /// A standby.
    Warm,
    /// In use.
    Active,
    /// Given away or over.
    Silent,
}

/// Checks in quick succession: nominating ones where we are controlling.
#[derive(Debug, Clone, Copy)]
struct Claim {
    target: SocketAddr,
    next: Instant,
    until: Instant,
}

/// How an agent is made.
pub struct Config<'a> {
    /// Active or standby.
    pub duty: Duty,
    /// Who nominates.
    pub role: IceRole,
    /// Our credentials.
    pub local: IceCredentials,
    /// The priority our checks announce.
    pub priority: u32,
    /// Our addresses.
    pub addresses: &'a [SocketAddr],
    /// Seeds transaction ids and timers.
    pub random: [u8; 32],
}

/// The agent.
pub struct Agent {
    phase: Phase,
    role: IceRole,
    tie_breaker: u64,
    role_changes: u8,
    priority: u32,
    reach: Reach,
    random: StdRng,
    check_tag: u64,
    named_candidates: usize,
    current: Session,
    /// The session of before a restart, and until when it is kept.
    previous: Option<(Session, Option<Instant>)>,
    /// Our credentials of before the restart. Chromium, where it selects a pair between its own
    /// restart and our answer, stays on that pair and goes on naming them.
    former: Option<Former>,
    claim: Option<Claim>,
    /// A standby's: the source of the latest valid check.
    learned: Option<SocketAddr>,
    awaits_first_check: bool,
    /// When a check that nobody asked for may be sent next (RFC 8445 section 14.2).
    next_paced: Instant,
    /// When the selected pair, or a standby's learned address, is checked next.
    next_keepalive: Option<Instant>,
    transmits: VecDeque<Transmit>,
    events: VecDeque<Event>,
}

impl Agent {
    /// An agent that knows nothing of the client yet.
    pub fn new(now: Instant, config: Config<'_>) -> Agent {
        let mut random = StdRng::from_seed(config.random);
        Agent {
            phase: match config.duty {
                Duty::Active => Phase::Active,
                Duty::Standby => Phase::Mute,
            },
            role: config.role,
            // Where we want to nominate we win every conflict (RFC 8445 section 7.3.1.1).
            tie_breaker: match config.role {
                IceRole::Controlling => u64::MAX,
                IceRole::Controlled => random.random::<u64>() >> 1,
            },
            role_changes: 0,
            priority: config.priority,
            reach: Reach::new(config.addresses),
            check_tag: random.random(),
            random,
            named_candidates: 0,
            current: Session::new(config.local),
            previous: None,
            former: None,
            claim: None,
            learned: None,
            awaits_first_check: false,
            next_paced: now,
            next_keepalive: None,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// The first eight bytes of the transaction id of each check.
    pub fn check_tag(&self) -> u64 {
        self.check_tag
    }

    /// Our credentials.
    pub fn local(&self) -> &IceCredentials {
        &self.current.local
    }

    /// The client's credentials, once known.
    pub fn remote(&self) -> Option<&IceCredentials> {
        self.current.remote_credentials.as_ref()
    }

    /// Who nominates.
    pub fn role(&self) -> IceRole {
        self.role
    }

    /// The client's description has come; pairs its checks came over before are checked now.
    pub fn set_remote(&mut self, now: Instant, remote: IceCredentials, candidates: &[Candidate]) {
        self.current.set_remote(remote);
        for candidate in candidates {
            self.add_candidate(now, *candidate);
        }
        for place in 0..self.current.pairs().len() {
            let Some(pair) = self.current.pairs_mut().get_mut(place) else { break };
            let remote = pair.remote;
            if pair.heard.is_some() {
                self.trigger(now, remote);
            } else if pair.last_sent.is_none() && self.phase == Phase::Active {
                // A candidate that came before the description.
                pair.next_check = Some(now);
            }
        }
    }

    /// The client named a candidate.
    pub fn add_candidate(&mut self, now: Instant, candidate: Candidate) {
        let is_over_limit = self.named_candidates >= MAX_CANDIDATES_PER_PEER;
        if is_over_limit || !self.reach.allows(candidate.address) {
            return;
        }
        self.named_candidates += 1;
        let is_active = self.phase == Phase::Active;
        if let Some(pair) = self.current.pair_or_new(now, candidate.address, candidate.priority)
            && pair.state() == State::Checking
            && is_active
        {
            pair.next_check.get_or_insert(now);
        }
    }

    /// New credentials (RFC 8445 section 2.4). The old pair stays until a new one is selected.
    pub fn restart(
        &mut self,
        now: Instant,
        local: IceCredentials,
        remote: IceCredentials,
        candidates: &[Candidate],
    ) {
        let old = std::mem::replace(&mut self.current, Session::new(local));
        self.former = Some(old.former());
        if old.selected.is_some() || self.previous.is_none() {
            self.previous = Some((old, None));
        }
        self.named_candidates = 0;
        self.claim = None;
        self.set_remote(now, remote, candidates);
    }

    /// A standby may answer now.
    pub fn warm(&mut self) {
        if self.phase == Phase::Mute {
            self.phase = Phase::Warm;
        }
    }

    /// Takes the credentials and the priority of a transport that is taken over. What was learned
    /// under the same credentials is kept.
    pub fn adopt(&mut self, local: IceCredentials, remote: IceCredentials, priority: u32) {
        if self.current.local != local {
            self.current = Session::new(local);
            self.learned = None;
        }
        if self.current.remote_credentials.as_ref() != Some(&remote) {
            self.current.set_remote(remote);
        }
        self.previous = None;
        self.priority = priority;
    }

    /// Takes a path over from another node: from a standby's own address for the client where it
    /// has one, else from the exported one. Media may go there at once: the client consented
    /// towards the former node.
    pub fn claim(&mut self, now: Instant, role: IceRole, exported: SocketAddr) {
        self.phase = Phase::Active;
        self.role = role;
        let target = self.learned.unwrap_or(exported);
        if let Some(pair) = self.current.pair_or_new(now, target, 0) {
            pair.succeed(now);
        }
        self.current.nominee = Some(target);
        self.current.selected = Some(target);
        self.awaits_first_check = true;
        self.claim = Some(Claim { target, next: now, until: now + CLAIM });
        self.schedule_keepalive(now);
        self.handle_timeout(now);
    }

    /// Sends nothing any more.
    pub fn silence(&mut self) {
        self.phase = Phase::Silent;
        self.transmits.clear();
        self.claim = None;
    }

    /// Where media goes now.
    pub fn send_to(&self) -> Option<SocketAddr> {
        let previous = self.previous.as_ref().and_then(|(session, _)| session.selected);
        self.current.selected.or(previous)
    }

    /// Whether an authenticated message has come from the address.
    pub fn accepts(&self, remote: SocketAddr) -> bool {
        let previous = self.previous.as_ref().is_some_and(|(session, _)| session.has_heard(remote));
        previous || self.current.has_heard(remote)
    }

    /// Whether the client has consented to receive at the address.
    pub fn consents(&self, now: Instant, remote: SocketAddr) -> bool {
        let previous = self.previous.as_ref().map(|(session, _)| session);
        let sessions = previous.into_iter().chain([&self.current]);
        sessions.filter_map(|session| session.pair(remote)).any(|pair| pair.has_consent(now))
    }

    /// The latest round trip on the selected pair.
    pub fn rtt(&self) -> Option<Duration> {
        self.current.selected_pair()?.rtt
    }

    /// Takes a message.
    pub fn handle(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        message: &Message<'_>,
    ) -> Result<(), DropReason> {
        match self.phase {
            Phase::Mute => return Err(DropReason::Mute),
            Phase::Silent => return Err(DropReason::NotConnected),
            Phase::Warm | Phase::Active => {}
        }
        match message.kind {
            Kind::Request => self.handle_request(now, remote, message),
            Kind::Success | Kind::Error => self.handle_response(now, remote, message),
            Kind::Indication => Err(DropReason::StunUnexpected),
        }
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn first_check(&mut self) {
        if std::mem::take(&mut self.awaits_first_check) {
            self.events.push_back(Event::FirstCheck);
        }
    }

    fn select(&mut self, now: Instant, remote: SocketAddr) {
        if self.current.selected == Some(remote) {
            return;
        }
        let before = self.send_to();
        self.current.selected = Some(remote);
        if let Some((_, until)) = &mut self.previous {
            until.get_or_insert(now + PREVIOUS_GRACE);
        }
        self.schedule_keepalive(now);
        if before != Some(remote) {
            self.events.push_back(Event::Selected(remote));
        }
    }
}
