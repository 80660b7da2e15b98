//! Channels as plain data: given away here, taken over elsewhere.

use super::guard::Guard;
use super::handover::Association;
use super::{Channel, Channels, PPID_DCEP, dcep};
use crate::DropReason;
use dcsctp::api::{Message, PpId, SendOptions, StreamId};
use lectern_control::limits::MAX_CHANNELS_PER_PEER;
use lectern_control::transport::DtlsRole;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Channels as plain data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    role: DtlsRole,
    channels: Vec<Channel>,
    association: Option<Association>,
}

impl Channels {
    /// Whether nothing is half received: only then does an export carry the association.
    pub fn is_export_ready(&self) -> bool {
        self.socket.get_handover_readiness().is_ready()
    }

    /// Everything needed to go on elsewhere; here the association is over.
    ///
    /// Where something is half received the association is not carried over: it begins anew under
    /// the same channels, and messages under way are lost.
    pub fn export(&mut self, now: Instant) -> State {
        self.advance(now);
        let association = self.socket.get_handover_state_and_close();
        let mut association = association.ok().map(|state| Association::new(&state));
        if let Some(association) = &mut association {
            association.keep_streams(|stream| self.channel(stream).is_some());
        }
        State { role: self.role, channels: self.channels.clone(), association }
    }

    /// Goes on where another node stopped.
    pub fn restore(now: Instant, state: &State) -> Channels {
        let mut channels = Channels::new(now, state.role, &[]);
        channels.channels = state.channels.iter().take(MAX_CHANNELS_PER_PEER).cloned().collect();
        let restored = state.association.as_ref().filter(|association| {
            channels.socket.restore_from_state(&association.to_library()).is_ok()
        });
        if restored.is_none() {
            channels.begin_anew();
        }
        // The library says now that it is connected, and goes on with the numbers there were.
        channels.collect();
        channels.guard = Guard::new(now, restored.map(Association::acked));
        channels
    }

    /// A new association under the channels there are. The other side restarts its own (RFC 9260
    /// section 5.2.2) and knows the channels that are open.
    fn begin_anew(&mut self) {
        if self.channels.is_empty() {
            return;
        }
        self.socket.connect();
        for channel in self.channels.iter().filter(|channel| !channel.open) {
            let open = dcep::Message::Open(channel.parameters.clone()).build();
            let message = Message::new(StreamId(channel.stream), PpId(PPID_DCEP), open);
            if self.socket.send(message, &SendOptions::default()).is_err() {
                self.dropped = Some(DropReason::DataBufferFull);
            }
        }
    }
}
