//! What comes out of a transport, and how its layers feed each other.

use super::{Channels, Phase, Transport, data, dtls, ice, srtp};
use crate::DropReason;
use bytes::Bytes;
use lectern_control::node::{DisconnectReason, Security};
use std::net::SocketAddr;
use std::time::Instant;

/// A datagram to send: STUN or DTLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// Where to.
    pub remote: SocketAddr,
    /// What.
    pub bytes: Bytes,
}

/// A packet that was authenticated and decrypted in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// The packet's length without its tag.
    pub len: usize,
    /// The extended sequence number: rollover counter and sequence number (RFC 3711 section 3.3.1).
    pub index: u64,
}

/// What a transport tells its engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// ICE and DTLS are done: media may flow.
    Connected(Security),
    /// After a takeover, the first authenticated STUN message has come from the client: the path
    /// is open, a keyframe sent from now on arrives.
    FirstCheck,
    /// Media goes to another address from now on.
    Moved(SocketAddr),
    /// The transport is over; nothing more comes from it.
    Disconnected(DisconnectReason),
    /// A data channel is open, whoever opened it.
    ChannelOpen {
        /// Its label.
        label: String,
    },
    /// A data channel is gone.
    ChannelClosed {
        /// Its label.
        label: String,
    },
    /// A data message has come.
    Message {
        /// The label of its channel.
        label: String,
        /// Bytes, not text.
        binary: bool,
        /// The message.
        payload: Bytes,
    },
}

impl From<data::Event> for Event {
    fn from(event: data::Event) -> Event {
        match event {
            data::Event::Opened(label) => Event::ChannelOpen { label },
            data::Event::Closed(label) => Event::ChannelClosed { label },
            data::Event::Message { label, binary, payload } => {
                Event::Message { label, binary, payload }
            }
        }
    }
}

impl Transport {
    /// Carries what one layer has to say to the next, until none has anything.
    pub(super) fn settle(&mut self, now: Instant) -> Result<(), DropReason> {
        let mut outcome = Ok(());
        loop {
            if let Some(event) = self.agent.poll_event() {
                self.handle_ice_event(now, event);
            } else if let Some(event) = self.dtls.as_mut().and_then(|dtls| dtls.poll_event()) {
                outcome = outcome.and(self.handle_dtls_event(now, event));
            } else if let Some(event) = self.channels.as_mut().and_then(Channels::poll_event) {
                self.events.push_back(event.into());
            } else if let Some(packet) = self.channels.as_mut().and_then(Channels::poll_packet) {
                outcome = outcome.and(match &mut self.dtls {
                    Some(dtls) => dtls.write(now, &packet),
                    None => Err(DropReason::NotConnected),
                });
            } else {
                return outcome;
            }
        }
    }

    /// As [`Self::settle`], where no datagram of the client's is at hand that could be dropped.
    pub(super) fn settle_at_ease(&mut self, now: Instant) {
        // Only datagrams are counted; a message that found no way was counted when it was sent.
        self.settle(now).unwrap_or(());
    }

    fn handle_ice_event(&mut self, now: Instant, event: ice::Event) {
        match event {
            ice::Event::Selected(remote) if self.phase == Phase::Connected => {
                self.events.push_back(Event::Moved(remote));
            }
            ice::Event::Selected(_) => {
                if let Some(dtls) = &mut self.dtls {
                    dtls.start(now);
                }
            }
            ice::Event::FirstCheck => self.events.push_back(Event::FirstCheck),
            ice::Event::ConsentExpired => self.end(DisconnectReason::ConsentExpired),
        }
    }

    fn handle_dtls_event(&mut self, now: Instant, event: dtls::Event) -> Result<(), DropReason> {
        match event {
            dtls::Event::Established(established) => self.connect(now, *established),
            dtls::Event::Data(packet) => {
                let channels = self.channels.as_mut().ok_or(DropReason::NotConnected)?;
                return channels.handle(now, &packet);
            }
            dtls::Event::Closed => self.end(DisconnectReason::Closed),
            dtls::Event::Failed(reason) => self.end(reason),
        }
        Ok(())
    }

    fn connect(&mut self, now: Instant, established: dtls::Established) {
        let profile = established.keys.profile;
        let (Some(srtp), Some(remote)) = (srtp::Session::new(established.keys), self.remote) else {
            return self.end(DisconnectReason::HandshakeFailed);
        };
        self.srtp = Some(srtp);
        self.channels = Some(Channels::new(now, remote.role, &self.wanted_channels));
        self.phase = Phase::Connected;
        self.connect_until = None;
        self.events.push_back(Event::Connected(Security {
            dtls: established.version.to_owned(),
            srtp: profile.name().to_owned(),
        }));
    }

    /// Gives DTLS what came before the client's description.
    pub(super) fn take_early(&mut self, now: Instant) {
        for datagram in std::mem::take(&mut self.early) {
            if let Some(dtls) = &mut self.dtls {
                // It was counted as taken when it came; the client will repeat what was lost.
                dtls.handle(now, &datagram).unwrap_or(());
            }
        }
        self.settle_at_ease(now);
    }

    pub(super) fn end(&mut self, reason: DisconnectReason) {
        if self.phase == Phase::Over {
            return;
        }
        self.phase = Phase::Over;
        self.agent.silence();
        self.channels = None;
        self.events.push_back(Event::Disconnected(reason));
    }
}
