//! Data messages: from one participant to all others, or from the server.

use super::Engine;
use crate::DropReason;
use crate::arena::{PeerKey, RoomKey};
use crate::data::{Message, packets};
use crate::limits::MAX_LABEL_BYTES;
use crate::peer::Peer;
use lectern_control::ParticipantId;
use lectern_control::limits::MAX_DATA_MESSAGE_BYTES;
use lectern_control::node::CommandError;
use std::time::Instant;

impl Engine {
    /// A message of a peer goes to the channels of the same label of the peers of all others, or of
    /// those that it names, with the sender's identity at its end.
    pub(super) fn route_message(
        &mut self,
        now: Instant,
        key: PeerKey,
        label: &str,
        binary: bool,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        self.counters.messages_in += 1;
        let peer = self.router.peers.get_mut(key).ok_or(DropReason::UnknownAddress)?;
        if !peer.permissions.publish_data {
            return Err(DropReason::DataNotPermitted);
        }
        let envelope = peer.data.envelope.as_ref().ok_or(DropReason::DataNotPermitted)?;
        peer.allowance.admit(now, label, payload)?;
        let message = Message::sign(payload, envelope)?;
        let (room, sender) = (peer.room, peer.participant);
        let of_room = self.router.rooms.get_mut(room).ok_or(DropReason::UnknownAddress)?;
        if !of_room.deliveries.is_positive(now) {
            return Err(DropReason::DataRate);
        }
        let receivers = self.spread(now, room, label, binary, &message.bytes, |peer| {
            peer.participant != sender && message.is_for(&peer.data.address)
        });
        let cost = receivers * packets(&message.bytes);
        if let Some(room) = self.router.rooms.get_mut(room) {
            room.deliveries.owe(cost);
        }
        if let Some(peer) = self.router.peers.get_mut(key) {
            peer.allowance.deliveries.owe(cost);
        }
        Ok(())
    }

    /// A message of the server's own.
    pub(super) fn send_data(
        &mut self,
        now: Instant,
        room: RoomKey,
        label: &str,
        to: &[ParticipantId],
        payload: &[u8],
    ) -> Result<(), CommandError> {
        if label.len() > MAX_LABEL_BYTES || payload.len() > MAX_DATA_MESSAGE_BYTES {
            return Err(CommandError::Limit("data message".to_owned()));
        }
        self.spread(now, room, label, true, payload, |peer| {
            to.is_empty() || to.contains(&peer.participant)
        });
        Ok(())
    }

    /// Sends a message to those who want it, and gives their number.
    fn spread(
        &mut self,
        now: Instant,
        room: RoomKey,
        label: &str,
        binary: bool,
        message: &[u8],
        wants: impl Fn(&Peer) -> bool,
    ) -> usize {
        let mut receivers = 0;
        let count = self.router.rooms.get(room).map_or(0, |room| room.peers.len());
        for place in 0..count {
            let key = self.router.rooms.get(room).and_then(|room| room.peers.get(place)).copied();
            let Some((key, peer)) =
                key.and_then(|key| Some((key, self.router.peers.get_mut(key)?)))
            else {
                continue;
            };
            if !peer.data.receives || !wants(peer) {
                continue;
            }
            if peer.sends_to().is_err() {
                // Who is not connected yet misses nothing; who is elsewhere by now does.
                if peer.is_exported {
                    self.counters.drop(DropReason::DataMoved);
                }
                continue;
            }
            receivers += 1;
            match peer.transport.send_message(now, label, binary, message) {
                Ok(()) => self.counters.messages_out += 1,
                Err(reason) => self.counters.drop(reason),
            }
            self.transmit(key);
            self.arm(now, key);
        }
        receivers
    }
}
