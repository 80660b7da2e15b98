//! What the agent sends by itself: checks, their repetition, claims, consent.

use super::pair::{Pair, State};
use super::session::Session;
use super::{Agent, CLAIM_INTERVAL, Claim, Phase};
use lectern_control::transport::IceRole;
use lectern_wire::stun::{Builder, Kind, MAX_BUILT_LEN, Role, TransactionId};
use rand::RngExt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The pace of checks nobody asked for (RFC 8445 section 14.2 asks at least 5 ms).
const PACE: Duration = Duration::from_millis(20);
/// The mean interval of consent checks; each is between 0.8 and 1.2 of it (RFC 7675 section 5.1).
const CONSENT_INTERVAL: Duration = Duration::from_secs(5);
/// The mean interval of a standby's checks: NATs forget a UDP mapping after 30 s at the earliest.
const STANDBY_INTERVAL: Duration = Duration::from_secs(15);

impl Agent {
    /// Does what has become due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Mute | Phase::Silent) {
            return;
        }
        self.continue_claim(now);
        self.continue_checks(now);
        if self.next_keepalive.is_some_and(|next| next <= now) {
            self.keep_alive(now);
        }
        if self.previous.as_ref().is_some_and(|(_, until)| until.is_some_and(|u| u <= now)) {
            self.previous = None;
        }
        if self.consent_end().is_some_and(|end| end <= now) {
            self.expire();
        }
    }

    /// When [`Self::handle_timeout`] is next needed.
    pub fn deadline(&self) -> Option<Instant> {
        if matches!(self.phase, Phase::Mute | Phase::Silent) {
            return None;
        }
        let next_check = self.current.pairs().iter().filter_map(|pair| {
            let next = pair.next_check?;
            Some(if is_repeated(pair) { next } else { next.max(self.next_paced) })
        });
        let others = [
            self.claim.map(|claim| claim.next),
            self.next_keepalive,
            self.previous.as_ref().and_then(|(_, until)| *until),
            self.consent_end(),
        ];
        next_check.chain(others.into_iter().flatten()).min()
    }

    fn continue_claim(&mut self, now: Instant) {
        // A late call makes up for no more than one check.
        let Some(Claim { target, next, until }) = self.claim else { return };
        if next > now {
            return;
        }
        self.check_with(now, target, self.role == IceRole::Controlling);
        self.claim = Some(Claim { target, next: now + CLAIM_INTERVAL, until })
            .filter(|claim| claim.next <= claim.until);
    }

    fn continue_checks(&mut self, now: Instant) {
        for place in 0..self.current.pairs().len() {
            let Some(pair) = self.current.pairs_mut().get_mut(place) else { break };
            if pair.next_check.is_none_or(|next| next > now) {
                continue;
            }
            if pair.is_exhausted() {
                pair.give_up();
                continue;
            }
            if !is_repeated(pair) {
                if self.next_paced > now {
                    continue;
                }
                self.next_paced = now + PACE;
            }
            let remote = pair.remote;
            self.check(now, remote);
        }
    }

    /// Checks a pair, nominating it where that is its turn.
    pub(super) fn check(&mut self, now: Instant, remote: SocketAddr) {
        let nominating = self.phase == Phase::Active
            && self.role == IceRole::Controlling
            && self.current.nominee == Some(remote)
            && self.current.nominated != Some(remote);
        self.check_with(now, remote, nominating);
    }

    fn check_with(&mut self, now: Instant, remote: SocketAddr, nominating: bool) {
        let transaction = self.new_transaction();
        let role = self.stun_role();
        let names_former = self.current.pair(remote).is_some_and(|pair| pair.names_former);
        let ours = match &self.former {
            Some(former) if names_former => &former.ufrag,
            _ => &self.current.local.ufrag,
        };
        let check = Check { transaction, role, priority: self.priority, nominating };
        let message = check.build(&self.current, ours);
        let Some((buffer, len)) = message else {
            // The client's credentials are not known yet: its description will trigger the check.
            if let Some(pair) = self.current.pair_mut(remote) {
                pair.next_check = None;
            }
            return;
        };
        if let Some(pair) = self.current.pair_mut(remote) {
            pair.sent(now, transaction, nominating, self.role == IceRole::Controlling);
            self.send(remote, &buffer, Some(len));
        }
    }

    fn stun_role(&self) -> Role {
        match self.role {
            IceRole::Controlling => Role::Controlling(self.tie_breaker),
            IceRole::Controlled => Role::Controlled(self.tie_breaker),
        }
    }

    fn new_transaction(&mut self) -> TransactionId {
        let mut id = [0; 12];
        let (tag, rest) = id.split_at_mut(8);
        tag.copy_from_slice(&self.check_tag.to_be_bytes());
        rest.copy_from_slice(&self.random.random::<[u8; 4]>());
        TransactionId(id)
    }

    /// Checks the selected pair for consent, or the address a standby has learned.
    fn keep_alive(&mut self, now: Instant) {
        self.schedule_keepalive(now);
        let remote = match self.phase {
            Phase::Warm => self.learned,
            _ => self.current.selected,
        };
        if let Some(remote) = remote {
            self.check(now, remote);
            return;
        }
        // Until a restart has led to a new pair the old one is kept.
        let transaction = self.new_transaction();
        let role = self.stun_role();
        let is_controlling = self.role == IceRole::Controlling;
        let Some((session, _)) = &mut self.previous else { return };
        let Some(remote) = session.selected else { return };
        let check = Check { transaction, role, priority: self.priority, nominating: false };
        let message = check.build(session, &session.local.ufrag);
        if let (Some((buffer, len)), Some(pair)) = (message, session.pair_mut(remote)) {
            pair.sent(now, transaction, false, is_controlling);
            self.send(remote, &buffer, Some(len));
        }
    }

    pub(super) fn schedule_keepalive(&mut self, now: Instant) {
        let mean = match self.phase {
            Phase::Warm => STANDBY_INTERVAL,
            _ => CONSENT_INTERVAL,
        };
        self.next_keepalive = Some(now + mean.mul_f64(self.random.random_range(0.8..1.2)));
    }

    /// When the consent for what is in use ends.
    fn consent_end(&self) -> Option<Instant> {
        if self.phase != Phase::Active {
            return None;
        }
        let session = match &self.previous {
            Some((previous, _)) if self.current.selected.is_none() => previous,
            _ => &self.current,
        };
        session.selected_pair()?.consent_until
    }
}

/// Whether the pair's next check repeats one, or answers the client: such are not paced.
fn is_repeated(pair: &Pair) -> bool {
    pair.last_sent.is_some() || pair.heard.is_some() || pair.state() != State::Checking
}

/// A check before it is written.
struct Check {
    transaction: TransactionId,
    role: Role,
    priority: u32,
    nominating: bool,
}

impl Check {
    /// Writes it for a client whose credentials are known, in the name of `ours`.
    fn build(&self, session: &Session, ours: &str) -> Option<([u8; MAX_BUILT_LEN], usize)> {
        let remote = session.remote.as_ref()?;
        let mut buffer = [0; MAX_BUILT_LEN];
        let mut builder = Builder::new(&mut buffer, Kind::Request, self.transaction)
            .and_then(|b| b.username(remote.ufrag.as_bytes(), ours.as_bytes()))
            .and_then(|b| b.priority(self.priority))
            .and_then(|b| b.role(self.role))
            .ok()?;
        if self.nominating {
            builder = builder.use_candidate().ok()?;
        }
        let len = builder.finish(&remote.key).ok()?;
        Some((buffer, len))
    }
}
