//! Data messages: from one participant to all others, or from the server.

use super::Engine;
use crate::DropReason;
use crate::arena::{Key, PeerKey, RoomKey};
use crate::data::{HeldMessage, Message, packets};
use crate::limits::{DATA_REST, MAX_LABEL_BYTES};
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
        let room = self.router.rooms.get(peer.room).ok_or(DropReason::UnknownAddress)?;
        if room.data_rests.is_some() {
            let (label, payload) = (label.to_owned(), payload.to_vec());
            return peer.held.push(HeldMessage { label, binary, payload });
        }
        self.pass_on(now, key, label, binary, &message)
    }

    /// A message that may be passed on goes to its receivers, and is paid for.
    fn pass_on(
        &mut self,
        now: Instant,
        key: PeerKey,
        label: &str,
        binary: bool,
        message: &Message<'_>,
    ) -> Result<(), DropReason> {
        let peer = self.router.peers.get(key).ok_or(DropReason::UnknownAddress)?;
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

    /// The room takes a step of its move: messages rest a while longer.
    pub(super) fn rest_data(&mut self, now: Instant, key: RoomKey) {
        let Some(room) = self.router.rooms.get_mut(key) else { return };
        let until = now + DATA_REST;
        room.data_rests = Some(until);
        self.room_timers.advance(key.index(), until);
    }

    /// The room is where it is to be: what rested is passed on, each peer's in its order.
    pub(super) fn release_data(&mut self, now: Instant, key: RoomKey) {
        let Some(room) = self.router.rooms.get_mut(key) else { return };
        room.data_rests = None;
        for peer in room.peers.clone() {
            let held = self.router.peers.get_mut(peer).map(|peer| peer.held.take());
            for message in held.into_iter().flatten() {
                if let Err(reason) = self.pass_on_held(now, peer, &message) {
                    self.counters.drop(reason);
                }
            }
        }
    }

    /// Permissions may have changed since it came.
    fn pass_on_held(
        &mut self,
        now: Instant,
        key: PeerKey,
        held: &HeldMessage,
    ) -> Result<(), DropReason> {
        let peer = self.router.peers.get(key).ok_or(DropReason::UnknownAddress)?;
        if !peer.permissions.publish_data {
            return Err(DropReason::DataNotPermitted);
        }
        let envelope = peer.data.envelope.as_ref().ok_or(DropReason::DataNotPermitted)?;
        let message = Message::sign(&held.payload, envelope)?;
        self.pass_on(now, key, &held.label, held.binary, &message)
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
