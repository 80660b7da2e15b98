//! The controller link: what is said on it, and in which order. Sans-IO.
//!
//! A link is a pair of channels of encoded messages; who carries them is not known here. Events are
//! kept until the controller has heard them: a link loses what was on its way when it broke.

use bytes::Bytes;
use lectern_control::delivery::{Number, Unconfirmed};
use lectern_control::frame::{self, FrameError};
use lectern_control::node::{Command, Event, FromNode, Heartbeat, Hello, ToNode};
use lectern_control::{RequestId, Revision, RoomId, Version};

/// Events kept until the controller has heard them: every peer of a node may connect or go once more.
/// Then the oldest is lost, and counted; a controller that misses it ends what it has here.
const MAX_UNCONFIRMED: usize = 16_384;

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
    /// It has heard events: they are kept no longer.
    Confirmed,
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
#[derive(Debug)]
pub(crate) struct Protocol {
    linked: bool,
    welcomed: bool,
    beats: u64,
    /// The last command heard, over all links.
    heard: Option<Number>,
    events: Unconfirmed<(RoomId, Event)>,
    /// The last event said on this link.
    said: Number,
    counts: Counts,
}

impl Default for Protocol {
    fn default() -> Self {
        Protocol {
            linked: false,
            welcomed: false,
            beats: 0,
            heard: None,
            events: Unconfirmed::new(Number::default(), MAX_UNCONFIRMED),
            said: Number::default(),
            counts: Counts::default(),
        }
    }
}

impl Protocol {
    /// A new link: what to say first.
    pub(crate) fn begin(&mut self, hello: Hello) -> Result<Bytes, FrameError> {
        self.linked = true;
        self.welcomed = false;
        self.beats = 0;
        self.counts.links += 1;
        let (heard, kept_after) = (self.heard, self.events.kept_after());
        frame::encode(&FromNode::Hello(Hello { heard, kept_after, ..hello }))
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
            Ok(ToNode::Welcome { version, heard, said })
                if version.is_compatible(Version::CURRENT) =>
            {
                self.welcomed = true;
                self.heard = Some(said);
                self.events.confirm(heard);
                // What it asks for and is no longer here, it knows to be lost.
                self.said = heard.clamp(self.events.kept_after(), self.events.last());
                Received::Welcomed
            }
            Ok(ToNode::Heard { event }) if self.welcomed => {
                self.events.confirm(event);
                Received::Confirmed
            }
            Ok(ToNode::Welcome { version, .. }) => {
                self.counts.incompatible += 1;
                Received::Incompatible(version)
            }
            Ok(ToNode::Command { request, room, revision, command, number }) if self.welcomed => {
                self.heard = Some(number);
                let command = Box::new(command);
                Received::Command { request, room, revision, command }
            }
            Ok(ToNode::Command { .. } | ToNode::Heard { .. }) | Err(_) => {
                self.counts.ignored += 1;
                Received::Ignored
            }
        }
    }

    /// A sign of life.
    pub(crate) fn heartbeat(&mut self, beat: Heartbeat) -> Result<Bytes, FrameError> {
        self.beats += 1;
        let heard = self.heard.filter(|_| self.welcomed).unwrap_or_default();
        frame::encode(&FromNode::Heartbeat(Heartbeat { sequence: self.beats, heard, ..beat }))
    }

    /// Keeps an event until it has been heard. What is stale after a moment is not kept for a link
    /// that does not exist.
    pub(crate) fn keep(&mut self, room: RoomId, event: Event) {
        let momentary = matches!(event, Event::Speakers { .. } | Event::Quality { .. });
        if momentary && !self.linked {
            return;
        }
        if self.events.push((room, event)).is_some() {
            self.counts.events_lost += 1;
            self.said = self.said.max(self.events.kept_after());
        }
    }

    /// Whether an event waits and may be sent.
    pub(crate) fn has_news(&self) -> bool {
        self.welcomed && self.said < self.events.last()
    }

    /// The next event to send.
    pub(crate) fn next_event(&mut self) -> Option<Result<Bytes, FrameError>> {
        if !self.welcomed {
            return None;
        }
        let (room, event) = self.events.after(self.said)?.next()?.clone();
        let number = Number(self.said.0.wrapping_add(1));
        self.said = number;
        Some(frame::encode(&FromNode::Event { room, event, number }))
    }

    /// What was counted.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }
}

#[cfg(test)]
mod tests;
