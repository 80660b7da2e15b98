//! What a client was told and may not have heard, to be told again when it comes back.
//!
//! A broken connection swallows what was on its way, so that only what the other end has acknowledged
//! counts as heard: a pong (RFC 6455 section 5.5.3) does so for all that was written before its ping.
//! Sans-IO. Keeps events; what is but the latest state of something is told anew by the adapter.

use super::reply::told;
use crate::news::News;
use lectern_control::ParticipantId;
use lectern_control::edge::Notice;
use livekit_protocol as proto;
use prost::Message as _;
use proto::signal_response::Message;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Events kept for one client: a room of a thousand may leave and come back meanwhile. What is news to
/// all is kept once for all of them.
const MAX_EVENTS: usize = 2_048;
/// Their bytes: half of what may wait for a slow reader, so that all of it can be told at once.
const MAX_BYTES: usize = 1 << 20;
/// A client that does not hear us gives up after 15 seconds: what was said this long before it was
/// heard of has arrived, also where somebody on the way answers no pings.
const HEARD_AFTER: Duration = Duration::from_secs(20);

/// Something a client was told.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// News of the room, in the same words for everybody.
    News(Arc<News>),
    /// Its own affair.
    Own(Box<Message>),
}

/// What a client that is back must be told.
#[derive(Debug, Clone, PartialEq)]
pub enum Missed {
    /// This, in this order.
    Events(Vec<Said>),
    /// More than is kept: the room as it is now.
    Snapshot,
    /// So much that not even those who left are all remembered: it must begin anew.
    Everything,
}

/// What one client may not have heard. Everything it is told has a number.
#[derive(Debug)]
pub struct Replay {
    events: VecDeque<Said>,
    bytes: usize,
    /// The number of what is told next.
    next: u64,
    /// Events with lower numbers were written to a socket: they may have arrived.
    written: u64,
    /// What was said up to a number has arrived if the client is heard of so late.
    checkpoint: (Instant, u64),
    dropped: Option<Dropped>,
}

/// Events that are no longer kept and may not have been heard.
#[derive(Debug, Clone, Copy)]
struct Dropped {
    /// They, or the state of the room that was told instead, have lower numbers.
    before: u64,
    /// Those who left since the first of them.
    leaves: usize,
}

impl Replay {
    /// Nothing was said yet.
    pub fn new(now: Instant) -> Replay {
        Replay {
            events: VecDeque::new(),
            bytes: 0,
            next: 0,
            written: 0,
            checkpoint: (now, 0),
            dropped: None,
        }
    }

    /// The client is told something of its own; kept where it is an event.
    pub fn keep_own(&mut self, message: &Message) {
        if is_event(message) {
            self.keep(Said::Own(Box::new(message.clone())));
        }
    }

    /// The client is told news.
    pub fn keep_news(&mut self, news: &Arc<News>) {
        self.keep(Said::News(news.clone()));
    }

    fn keep(&mut self, said: Said) {
        self.next += 1;
        if let Some(dropped) = &mut self.dropped {
            dropped.leaves += usize::from(said.is_leave());
        }
        self.bytes += said.bytes();
        self.events.push_back(said);
        if self.events.len() > MAX_EVENTS || self.bytes > MAX_BYTES {
            let leaves = self.events.iter().filter(|said| said.is_leave()).count();
            let leaves = self.dropped.map_or(leaves, |dropped| dropped.leaves);
            self.dropped = Some(Dropped { before: self.next, leaves });
            self.clear();
        }
    }

    fn clear(&mut self) {
        self.events = VecDeque::new();
        self.bytes = 0;
    }

    /// The number up to which something is still to be acknowledged.
    pub fn unheard(&self) -> Option<u64> {
        (self.dropped.is_some() || !self.events.is_empty()).then_some(self.next)
    }

    /// The client has heard everything with a lower number.
    pub fn acknowledge(&mut self, number: u64) {
        self.dropped.take_if(|dropped| dropped.before <= number);
        for _ in self.oldest()..number.min(self.next) {
            let heard = self.events.pop_front();
            self.bytes -= heard.map_or(0, |said| said.bytes());
        }
        if self.events.is_empty() {
            // A burst is over: its memory is given back.
            self.clear();
        }
    }

    fn oldest(&self) -> u64 {
        self.next - self.events.len() as u64
    }

    /// The client said something.
    pub fn heard_of(&mut self, now: Instant) {
        let (since, number) = self.checkpoint;
        if now.saturating_duration_since(since) >= HEARD_AFTER {
            self.acknowledge(number);
            self.checkpoint = (now, self.next);
        }
    }

    /// The socket is gone, and with it what was on its way.
    pub fn cut(&mut self) {
        self.written = self.next;
    }

    /// The client is back; so many `leavers` are remembered. What is told now may be lost as well, and
    /// stays until it is acknowledged.
    pub fn missed(&mut self, now: Instant, leavers: usize) -> Missed {
        let missed = match self.dropped {
            None => Missed::Events(self.events()),
            Some(Dropped { leaves, .. }) if leaves > leavers => return Missed::Everything,
            Some(Dropped { leaves, .. }) => {
                self.next += 1;
                self.dropped = Some(Dropped { before: self.next, leaves });
                self.clear();
                Missed::Snapshot
            }
        };
        self.checkpoint = (now, self.next);
        missed
    }

    /// What is kept. Clients know people by identity, so that news of a former stay would undo what
    /// they have heard of a later one: where they may have, it is left out.
    fn events(&self) -> Vec<Said> {
        let written = usize::try_from(self.written.saturating_sub(self.oldest()));
        let written = written.unwrap_or(usize::MAX).min(self.events.len());
        let latest = latest(self.events.range(..written));
        let is_current = |said: &Said| {
            said.about().is_none_or(|(id, identity)| latest.get(identity) == Some(&id))
        };
        let maybe_heard = self.events.range(..written).filter(|said| is_current(said));
        maybe_heard.chain(self.events.range(written..)).cloned().collect()
    }
}

/// Under which id each identity was spoken of last.
fn latest<'a>(events: impl Iterator<Item = &'a Said>) -> BTreeMap<&'a str, ParticipantId> {
    events.filter_map(Said::about).map(|(id, identity)| (identity, id)).collect()
}

impl Said {
    fn bytes(&self) -> usize {
        match self {
            Said::News(news) => told(news).len(),
            Said::Own(message) => {
                proto::SignalResponse { message: Some((**message).clone()) }.encoded_len()
            }
        }
    }

    fn is_leave(&self) -> bool {
        matches!(self, Said::News(news) if matches!(news.notice, Notice::ParticipantLeft { .. }))
    }

    fn about(&self) -> Option<(ParticipantId, &str)> {
        let Said::News(news) = self else { return None };
        match &news.notice {
            Notice::Participant(participant) => Some((participant.id, &participant.identity)),
            Notice::ParticipantLeft { participant, identity, .. } => Some((*participant, identity)),
            _ => None,
        }
    }
}

/// What happened once and is not said again by itself. A request to come back is no event: whoever is
/// back has done so.
fn is_event(message: &Message) -> bool {
    matches!(
        message,
        Message::Update(_)
            | Message::TrackPublished(_)
            | Message::TrackUnpublished(_)
            | Message::TrackSubscribed(_)
            | Message::Mute(_)
            | Message::SubscriptionPermissionUpdate(_)
            | Message::SubscriptionResponse(_)
            | Message::RequestResponse(_)
    )
}

#[cfg(test)]
mod tests;
