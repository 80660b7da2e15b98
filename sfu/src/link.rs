//! The controller link: what is said on it, and in which order. Sans-IO.
//!
//! A link is a pair of channels of encoded messages; who carries them is not known here.

use lectern_control::frame::{self, FrameError};
use lectern_control::node::{Command, Event, FromNode, Heartbeat, Hello, ToNode};
use lectern_control::{RequestId, Revision, RoomId, Version};
use std::collections::VecDeque;

use bytes::Bytes;

/// Events kept while there is no link or it is slow: every peer of a node may connect or go once
/// more. Then the oldest is lost, and counted.
const MAX_PENDING: usize = 16_384;

/// A message of the controller, read.
#[derive(Debug, PartialEq)]
pub(crate) enum Received {
    /// It knows us.
    Welcomed,
    /// It speaks another version: the link is of no use.
    Incompatible(Version),
    /// Something to do.
    Command {
        /// Names it in a failure.
        request: RequestId,
        /// The room.
        room: RoomId,
        /// The lease's revision.
        revision: Revision,
        /// What to do.
        command: Box<Command>,
    },
    /// Nothing of use; counted.
    Ignored,
}

/// What is counted on the link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Links taken up.
    pub(crate) links: u64,
    /// Messages that are damaged, of an unknown kind, or too early.
    pub(crate) ignored: u64,
    /// Links given up because the controller speaks another version.
    pub(crate) incompatible: u64,
    /// Events lost because nobody took them.
    pub(crate) events_lost: u64,
}

/// The state of the link's protocol.
#[derive(Debug, Default)]
pub(crate) struct Protocol {
    linked: bool,
    welcomed: bool,
    beats: u64,
    pending: VecDeque<(RoomId, Event)>,
    counts: Counts,
}

impl Protocol {
    /// A new link: what to say first.
    pub(crate) fn begin(&mut self, hello: Hello) -> Result<Bytes, FrameError> {
        self.linked = true;
        self.welcomed = false;
        self.beats = 0;
        self.counts.links += 1;
        // Requests are numbered by link: these answers would be taken for others.
        self.pending.retain(|(_, event)| !matches!(event, Event::CommandFailed { .. }));
        frame::encode(&FromNode::Hello(hello))
    }

    /// The link is gone.
    pub(crate) fn end(&mut self) {
        self.linked = false;
        self.welcomed = false;
    }

    /// Whether there is a link.
    pub(crate) fn is_linked(&self) -> bool {
        self.linked
    }

    /// Reads a message.
    pub(crate) fn receive(&mut self, message: &[u8]) -> Received {
        match frame::decode(message) {
            Ok(ToNode::Welcome { version }) if version.is_compatible(Version::CURRENT) => {
                self.welcomed = true;
                Received::Welcomed
            }
            Ok(ToNode::Welcome { version }) => {
                self.counts.incompatible += 1;
                Received::Incompatible(version)
            }
            Ok(ToNode::Command { request, room, revision, command }) if self.welcomed => {
                let command = Box::new(command);
                Received::Command { request, room, revision, command }
            }
            Ok(ToNode::Command { .. }) | Err(_) => {
                self.counts.ignored += 1;
                Received::Ignored
            }
        }
    }

    /// A sign of life.
    pub(crate) fn heartbeat(&mut self, beat: Heartbeat) -> Result<Bytes, FrameError> {
        self.beats += 1;
        frame::encode(&FromNode::Heartbeat(Heartbeat { sequence: self.beats, ..beat }))
    }

    /// Keeps an event until it can be sent. What is stale after a moment is not kept for a link
    /// that does not exist.
    pub(crate) fn keep(&mut self, room: RoomId, event: Event) {
        let momentary = matches!(
            event,
            Event::Speakers { .. } | Event::Quality { .. } | Event::CommandFailed { .. }
        );
        if momentary && !self.linked {
            return;
        }
        if self.pending.len() >= MAX_PENDING {
            self.pending.pop_front();
            self.counts.events_lost += 1;
        }
        self.pending.push_back((room, event));
    }

    /// Whether an event waits and may be sent.
    pub(crate) fn has_news(&self) -> bool {
        self.welcomed && !self.pending.is_empty()
    }

    /// The next event to send.
    pub(crate) fn next_event(&mut self) -> Option<Result<Bytes, FrameError>> {
        let (room, event) = if self.welcomed { self.pending.pop_front()? } else { return None };
        Some(frame::encode(&FromNode::Event { room, event }))
    }

    /// What was counted.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }
}

#[cfg(test)]
mod tests;
