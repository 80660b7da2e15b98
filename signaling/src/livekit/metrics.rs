//! What the signaling counts. No name, token or address stands in a label.

use super::message::Outcome;
use prometheus::{IntCounterVec, IntGauge, Opts, Registry};

/// Why a socket was closed by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// It did not take what we sent.
    SlowReader,
    /// It sent too many messages.
    Flood,
    /// It sent a message that is too long.
    TooLong,
    /// It said nothing for too long.
    Idle,
    /// Another socket took its place.
    Replaced,
    /// The session was over.
    SessionOver,
}

impl Closed {
    fn name(self) -> &'static str {
        match self {
            Closed::SlowReader => "slow_reader",
            Closed::Flood => "flood",
            Closed::TooLong => "too_long",
            Closed::Idle => "idle",
            Closed::Replaced => "replaced",
            Closed::SessionOver => "session_over",
        }
    }
}

/// How an attempt to come in went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A session began.
    Joined,
    /// A session went on.
    Resumed,
    /// The token was refused.
    BadToken,
    /// The page that has the token may not use it.
    ForeignPage,
    /// The controller refused.
    Refused,
    /// The session to resume is not known.
    Unknown,
    /// Too many sockets.
    Full,
    /// The address or the person connects too often.
    TooOften,
}

impl Entry {
    fn name(self) -> &'static str {
        match self {
            Entry::Joined => "joined",
            Entry::Resumed => "resumed",
            Entry::BadToken => "bad_token",
            Entry::ForeignPage => "foreign_page",
            Entry::Refused => "refused",
            Entry::Unknown => "unknown_session",
            Entry::Full => "full",
            Entry::TooOften => "too_often",
        }
    }
}

/// The counters.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Sessions, with or without a socket.
    pub sessions: IntGauge,
    /// Sockets.
    pub sockets: IntGauge,
    messages: IntCounterVec,
    entries: IntCounterVec,
    closed: IntCounterVec,
}

impl Metrics {
    /// Registers the counters.
    pub fn new(registry: &Registry) -> Result<Metrics, prometheus::Error> {
        let counters = |name: &str, help: &str, label: &str| {
            let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        Ok(Metrics {
            sessions: gauge("lectern_edge_sessions", "Participants, connected or coming back")?,
            sockets: gauge("lectern_edge_sockets", "WebSockets of participants")?,
            messages: counters(
                "lectern_edge_messages_total",
                "Messages of clients by what became of them",
                "outcome",
            )?,
            entries: counters(
                "lectern_edge_entries_total",
                "Attempts to join or to resume by how they went",
                "result",
            )?,
            closed: counters(
                "lectern_edge_sockets_closed_total",
                "WebSockets closed by the edge by reason",
                "reason",
            )?,
        })
    }

    /// A message came.
    pub fn message(&self, outcome: Outcome) {
        self.messages.with_label_values(&[outcome.name()]).inc();
    }

    /// Somebody wanted in.
    pub fn entry(&self, entry: Entry) {
        self.entries.with_label_values(&[entry.name()]).inc();
    }

    /// We closed a socket.
    pub fn closed(&self, why: Closed) {
        self.closed.with_label_values(&[why.name()]).inc();
    }
}
