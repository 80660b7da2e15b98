//! The lobby: who waits to be admitted, in the order in which they came.
//!
//! Sans-IO. Knows neither rules nor roles; see [`super::door`].

use lectern_control::access::{Admission, Waiting};
use lectern_control::edge::RequestError;
use lectern_control::limits::{MAX_WAITING, MAX_WAITING_SHOWN};
use lectern_control::room::KNOCK_EVERY;
use lectern_control::{EdgeId, LinkId};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Silent for so long, and the page is closed or the machine asleep.
const GONE_AFTER: Duration = KNOCK_EVERY.saturating_mul(4);
/// How long a decision waits to be heard of: the page may just be reconnecting.
const REMEMBERED_FOR: Duration = Duration::from_secs(600);

/// Somebody at the door.
#[derive(Debug, Clone)]
pub(super) struct Waiter {
    pub(super) shown: Waiting,
    pub(super) link: Option<LinkId>,
    /// Where it asks, and hears of the decision.
    pub(super) edge: EdgeId,
    pub(super) knocked_at: Instant,
}

#[derive(Debug, Default)]
pub(super) struct Lobby {
    waiters: Vec<Waiter>,
    /// Who was admitted, and until when that may be used.
    admitted: BTreeMap<String, Instant>,
    /// What moderators said to whom they refused, for whoever was not listening just then.
    last_words: BTreeMap<String, (String, Instant)>,
}

impl Lobby {
    pub(super) fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.waiters.len()).unwrap_or(u32::MAX)
    }

    /// The first in the line, as moderators see them.
    pub(super) fn shown(&self) -> Vec<Waiting> {
        self.waiters.iter().take(MAX_WAITING_SHOWN).map(|waiter| waiter.shown.clone()).collect()
    }

    pub(super) fn is_admitted(&self, identity: &str, now: Instant) -> bool {
        self.admitted.get(identity).is_some_and(|until| *until > now)
    }

    /// Puts somebody at the end of the line, or keeps its place; true where it is new.
    pub(super) fn knock(&mut self, waiter: Waiter) -> Result<bool, RequestError> {
        let identity = &waiter.shown.identity;
        if let Some(known) = self.waiters.iter_mut().find(|one| one.shown.identity == *identity) {
            let former = std::mem::replace(known, waiter);
            known.shown.since_unix_ms = former.shown.since_unix_ms;
            // Who only asks how it stands has nothing new to say.
            if known.shown.message.is_empty() {
                known.shown.message = former.shown.message;
            }
            return Ok(false);
        }
        if self.waiters.len() >= MAX_WAITING {
            return Err(RequestError::Limit("people in the lobby".to_owned()));
        }
        self.waiters.push(waiter);
        Ok(true)
    }

    /// Where somebody stands in the line.
    pub(super) fn place(&self, identity: &str) -> Admission {
        let before = self.waiters.iter().take_while(|one| one.shown.identity != identity).count();
        let position = u32::try_from(before + 1).unwrap_or(u32::MAX);
        let message = self.waiters.get(before).map(|one| one.shown.message.clone());
        let message = message.unwrap_or_default();
        Admission::Waiting { position, waiting: self.len(), message }
    }

    /// Takes somebody out of the line.
    pub(super) fn take(&mut self, identity: &str) -> Option<Waiter> {
        let index = self.waiters.iter().position(|one| one.shown.identity == identity)?;
        Some(self.waiters.remove(index))
    }

    /// Takes all out of the line of whom this holds.
    pub(super) fn take_if(&mut self, wanted: impl Fn(&Waiter) -> bool) -> Vec<Waiter> {
        let (taken, kept) = std::mem::take(&mut self.waiters).into_iter().partition(wanted);
        self.waiters = kept;
        taken
    }

    /// Notes that somebody may come in.
    pub(super) fn admit(&mut self, now: Instant, identity: &str) {
        self.admitted.insert(identity.to_owned(), now + REMEMBERED_FOR);
    }

    /// Notes what somebody was told who is refused.
    pub(super) fn refuse(&mut self, now: Instant, identity: &str, message: &str) {
        if self.last_words.len() < MAX_WAITING && !message.is_empty() {
            let until = now + REMEMBERED_FOR;
            self.last_words.insert(identity.to_owned(), (message.to_owned(), until));
        }
    }

    pub(super) fn last_word(&self, identity: &str, now: Instant) -> Option<String> {
        let (message, until) = self.last_words.get(identity)?;
        (*until > now).then(|| message.clone())
    }

    /// Forgets whoever does not ask any more; true where the line is another one then.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        self.admitted.retain(|_, until| *until > now);
        self.last_words.retain(|_, (_, until)| *until > now);
        let before = self.waiters.len();
        self.waiters.retain(|one| now < one.knocked_at + GONE_AFTER);
        before != self.waiters.len()
    }
}
