//! What comes from the client: requests and answers, role conflicts, nomination.

use super::pair::State;
use super::{Agent, Event, Phase};
use crate::DropReason;
use crate::transport::Transmit;
use bytes::Bytes;
use lectern_control::transport::IceRole;
use lectern_wire::stun::{
    Builder, ErrorCode, Key, Kind, MAX_BUILT_LEN, Message, Role, TransactionId,
};
use rand::RngExt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The priority of a client's candidate whose check names none (some clients leave it out): that
/// of a peer-reflexive one (RFC 8445 section 5.1.2.1).
const PEER_REFLEXIVE_PRIORITY: u32 = (110 << 24) | (0xffff << 8) | 255;
/// A check that answers a client's check is sent at most this often for one pair.
const MIN_TRIGGERED_INTERVAL: Duration = Duration::from_millis(50);
/// Times the role may change: two honest sides need one (RFC 8445 section 7.3.1.1).
const MAX_ROLE_CHANGES: u8 = 8;
/// How long the selected pair may be silent before another one the client checks takes its place:
/// browsers check the pair they use every 2.5 s.
const MAX_SILENCE: Duration = Duration::from_secs(6);

/// The credentials that a request names.
#[derive(Debug, Clone, Copy)]
enum Generation {
    /// Both sides' present ones.
    Current,
    /// Ours of before the restart, and the client's present ones.
    Former,
    /// Both sides' ones of before the restart.
    Previous,
}

impl Agent {
    pub(super) fn handle_request(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        message: &Message<'_>,
    ) -> Result<(), DropReason> {
        let (ours, theirs) = message.username_fragments().ok_or(DropReason::StunUnauthenticated)?;
        let (generation, key) = self.generation(ours, theirs).ok_or(DropReason::UnknownUfrag)?;
        let key = key.clone();
        if !message.verify(&key) {
            return Err(DropReason::StunUnauthenticated);
        }
        if message.unknown_attribute.is_some() {
            let error = ErrorCode { code: 420, reason: b"Unknown Attribute" };
            self.refuse(remote, message.transaction, &key, error);
            return Err(DropReason::StunUnexpected);
        }
        if !self.settle_role(message.role) {
            let error = ErrorCode { code: 487, reason: b"Role Conflict" };
            self.refuse(remote, message.transaction, &key, error);
            return Ok(());
        }
        self.accept(remote, message.transaction, &key);
        self.first_check();
        match generation {
            Generation::Current => self.note_request(now, remote, message, false),
            Generation::Former => self.note_request(now, remote, message, true),
            Generation::Previous => {
                let session = self.previous.as_mut().map(|(session, _)| session);
                if let Some(pair) = session.and_then(|session| session.pair_mut(remote)) {
                    pair.heard = Some(now);
                }
            }
        }
        Ok(())
    }

    /// To which credentials a request belongs, and our key of that time.
    fn generation(&self, ours: &[u8], theirs: &[u8]) -> Option<(Generation, &Key)> {
        if ours == self.current.local.ufrag.as_bytes() {
            return Some((Generation::Current, &self.current.local_key));
        }
        if let Some(former) = &self.former
            && ours == former.ufrag.as_bytes()
            && self.current.is_client(theirs)
        {
            return Some((Generation::Former, &former.key));
        }
        let (session, _) = self.previous.as_ref()?;
        let is_previous = ours == session.local.ufrag.as_bytes();
        is_previous.then_some((Generation::Previous, &session.local_key))
    }

    /// RFC 8445 section 7.3.1.1. Whether the request may be answered well.
    fn settle_role(&mut self, theirs: Option<Role>) -> bool {
        match (self.role, theirs) {
            (IceRole::Controlling, Some(Role::Controlling(theirs))) => {
                self.tie_breaker < theirs && self.change_role(IceRole::Controlled)
            }
            (IceRole::Controlled, Some(Role::Controlled(theirs))) => {
                self.tie_breaker >= theirs && self.change_role(IceRole::Controlling)
            }
            _ => true,
        }
    }

    fn change_role(&mut self, role: IceRole) -> bool {
        if self.role_changes >= MAX_ROLE_CHANGES {
            return false;
        }
        self.role_changes += 1;
        self.role = role;
        true
    }

    /// An authenticated request has come under the client's current credentials.
    fn note_request(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        message: &Message<'_>,
        names_former: bool,
    ) {
        let priority = message.priority.unwrap_or(PEER_REFLEXIVE_PRIORITY);
        let Some(pair) = self.current.pair_or_new(now, remote, priority) else { return };
        let is_first = pair.heard.is_none();
        pair.heard = Some(now);
        if std::mem::replace(&mut pair.names_former, names_former) != names_former {
            // What we have sent so far named the other credentials, and was refused.
            pair.restart(now);
        }
        pair.announced = message.priority;
        pair.nominated = message.use_candidate && self.role == IceRole::Controlled;
        self.learned = Some(remote);
        if self.phase == Phase::Warm && self.next_keepalive.is_none() {
            self.schedule_keepalive(now);
        }
        if self.phase == Phase::Active && self.role == IceRole::Controlling {
            self.renominate(now, remote, is_first);
        }
        self.trigger(now, remote);
        if self.phase == Phase::Active && self.role == IceRole::Controlled {
            self.follow_nomination(now, remote);
        }
    }

    /// Controlling: nominates the first pair that is heard. Later another one only where the
    /// selected pair has fallen silent, or where a NAT has given the client another port: then the
    /// same candidate is suddenly heard from elsewhere.
    fn renominate(&mut self, now: Instant, remote: SocketAddr, is_first: bool) {
        let Some(selected) = self.current.selected_pair() else {
            self.current.nominee.get_or_insert(remote);
            return;
        };
        // After a claim nothing was heard on the selected pair at first.
        let is_silent = selected.heard.is_none_or(|heard| now - heard >= MAX_SILENCE);
        let announced = selected.announced;
        if selected.remote == remote {
            return;
        }
        let pair = self.current.pair_mut(remote).filter(|pair| {
            let has_moved = is_first && announced.is_some() && pair.announced == announced;
            is_silent || has_moved
        });
        if let Some(pair) = pair {
            pair.restart(now);
            self.current.nominee = Some(remote);
        }
    }

    /// Controlled: selects the pair the client nominates, once it has answered a check of ours.
    fn follow_nomination(&mut self, now: Instant, remote: SocketAddr) {
        let Some(pair) = self.current.pair(remote) else { return };
        if pair.state() != State::Succeeded || !pair.has_consent(now) {
            return;
        }
        let wins = match self.current.selected_pair() {
            None => true,
            // A client that nominates every pair it checks means the best of them.
            Some(selected) => {
                pair.nominated
                    && (!selected.nominated || {
                        let silent = selected.heard.is_none_or(|heard| now - heard >= MAX_SILENCE);
                        pair.priority > selected.priority || silent
                    })
            }
        };
        if wins {
            self.select(now, remote);
        }
    }

    /// Checks the pair a client's check came over (RFC 8445 section 7.3.1.4).
    pub(super) fn trigger(&mut self, now: Instant, remote: SocketAddr) {
        let Some(pair) = self.current.pair_mut(remote) else { return };
        let recently = pair.last_sent.is_some_and(|sent| now - sent < MIN_TRIGGERED_INTERVAL);
        if recently || (pair.state() == State::Succeeded && pair.has_consent(now)) {
            return;
        }
        if pair.state() != State::Checking {
            pair.restart(now);
        }
        self.check(now, remote);
    }

    pub(super) fn handle_response(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        message: &Message<'_>,
    ) -> Result<(), DropReason> {
        let awaits = |session: &super::Session| {
            session.pair(remote).is_some_and(|pair| pair.awaits(message.transaction))
        };
        let is_current = awaits(&self.current);
        let session = match &mut self.previous {
            _ if is_current => &mut self.current,
            Some((session, _)) if awaits(session) => session,
            _ => return Err(DropReason::StunUnexpected),
        };
        if !session.remote.as_ref().is_some_and(|remote| message.verify(&remote.key)) {
            return Err(DropReason::StunUnauthenticated);
        }
        let pair = session.pair_mut(remote).ok_or(DropReason::StunUnexpected)?;
        let answered = pair.answered(now, message.transaction).ok_or(DropReason::StunUnexpected)?;
        self.first_check();
        if message.kind == Kind::Error {
            if message.error.is_some_and(|error| error.code == 487) {
                self.lose_role(now, remote, answered.controlling);
            }
            return Ok(());
        }
        let session = if is_current {
            &mut self.current
        } else {
            &mut self.previous.as_mut().ok_or(DropReason::StunUnexpected)?.0
        };
        if answered.nominating {
            session.nominated = Some(remote);
        }
        if let Some(pair) = session.pair_mut(remote) {
            pair.succeed(now);
        }
        if is_current && self.phase == Phase::Active {
            self.use_success(now, remote);
        }
        Ok(())
    }

    /// RFC 8445 section 7.2.5.1: the client keeps its role, we take the other one than the check
    /// had, and try again.
    fn lose_role(&mut self, now: Instant, remote: SocketAddr, was_controlling: bool) {
        let other = if was_controlling { IceRole::Controlled } else { IceRole::Controlling };
        let has_changed = self.role != other;
        if !self.change_role(other) {
            return;
        }
        if has_changed {
            self.tie_breaker = self.random.random();
        }
        if let Some(pair) = self.current.pair_mut(remote) {
            pair.restart(now);
        }
        self.check(now, remote);
    }

    /// A check of a pair was answered: the pair can be used.
    fn use_success(&mut self, now: Instant, remote: SocketAddr) {
        match self.role {
            IceRole::Controlled => self.follow_nomination(now, remote),
            IceRole::Controlling => {
                let is_nominee = self.current.nominee == Some(remote);
                if self.current.selected.is_some() && !is_nominee {
                    return;
                }
                self.current.nominee = Some(remote);
                if self.current.nominated != Some(remote) {
                    self.check(now, remote);
                }
                self.select(now, remote);
            }
        }
    }

    fn accept(&mut self, remote: SocketAddr, transaction: TransactionId, key: &Key) {
        let mut buffer = [0; MAX_BUILT_LEN];
        let built = Builder::new(&mut buffer, Kind::Success, transaction)
            .and_then(|builder| builder.mapped_address(remote))
            .and_then(|builder| builder.finish(key));
        self.send(remote, &buffer, built.ok());
    }

    fn refuse(
        &mut self,
        remote: SocketAddr,
        transaction: TransactionId,
        key: &Key,
        error: ErrorCode<'_>,
    ) {
        let mut buffer = [0; MAX_BUILT_LEN];
        let built = Builder::new(&mut buffer, Kind::Error, transaction)
            .and_then(|builder| builder.error_code(error))
            .and_then(|builder| builder.finish(key));
        self.send(remote, &buffer, built.ok());
    }

    /// Queues a built message; all of ours fit, so that one that does not is none.
    pub(super) fn send(&mut self, remote: SocketAddr, buffer: &[u8], len: Option<usize>) {
        if let Some(message) = len.and_then(|len| buffer.get(..len))
            && self.transmits.len() < super::MAX_TRANSMITS
        {
            self.transmits.push_back(Transmit { remote, bytes: Bytes::copy_from_slice(message) });
        }
    }

    pub(super) fn expire(&mut self) {
        self.silence();
        self.events.push_back(Event::ConsentExpired);
    }
}
