//! Forwarders of sound slots: they carry tracks of all publishers, one after another, and know
//! codecs instead of payload types.

use super::Forwarder;
use crate::DropReason;
use crate::arena::PeerKey;
use crate::packet::Packet;
use lectern_control::media::{
    CodecName, PayloadMapping, SlotCodec, SoundSlot, SubscriptionParameters,
};
use lectern_wire::{PayloadType, SeqNo};
use smallvec::SmallVec;

impl Forwarder {
    /// A sound slot of which nothing has been sent; it carries one track after another.
    pub fn slot(peer: PeerKey, slot: &SoundSlot, first: [SeqNo; 2]) -> Forwarder {
        let codecs = SmallVec::from_slice(&slot.codecs);
        Forwarder { codecs, ..Forwarder::new(peer, &of_slot(slot), first) }
    }

    /// How a sound slot was asked for; `None` for a subscription to one track.
    pub fn slot_parameters(&self) -> Option<SoundSlot> {
        let SubscriptionParameters { mid, ssrc, rtx_ssrc, repeats, .. } = self.parameters();
        let codecs = self.codecs.to_vec();
        self.is_slot().then_some(SoundSlot { mid, ssrc, rtx_ssrc, codecs, repeats })
    }

    /// Whether it is a sound slot.
    pub fn is_slot(&self) -> bool {
        !self.codecs.is_empty()
    }

    /// A sound slot's subscriber negotiated again: see [`Self::set_parameters`].
    pub fn set_slot(&mut self, slot: &SoundSlot, first: SeqNo) {
        self.set_parameters(&of_slot(slot), first);
        self.codecs = SmallVec::from_slice(&slot.codecs);
    }

    pub(super) fn payload_type(&self, packet: &Packet) -> Result<PayloadMapping, DropReason> {
        let mapping = match self.is_slot() {
            true => packet.codec.and_then(|codec| self.codec_mapping(packet.payload_type, codec)),
            false => self.mapping(packet.payload_type),
        };
        mapping.ok_or(DropReason::UnmappedPayloadType)
    }

    /// A sound slot knows codecs, whatever their payload types are at the publisher.
    fn codec_mapping(&self, from: PayloadType, codec: CodecName) -> Option<PayloadMapping> {
        let known = self.codecs.iter().find(|known| known.name == codec)?;
        let SlotCodec { payload_type: to, rtx_payload_type: rtx, .. } = *known;
        Some(PayloadMapping { from: from.value(), to, rtx })
    }

    pub(super) fn mapping(&self, from: PayloadType) -> Option<PayloadMapping> {
        if self.is_slot() {
            // Only what is within redundant sound asks: that is Opus.
            return self.codec_mapping(from, CodecName::Opus);
        }
        self.payloads.iter().find(|mapping| mapping.from == from.value()).copied()
    }
}

/// A sound slot as a subscription that maps no payload types: it knows codecs.
fn of_slot(slot: &SoundSlot) -> SubscriptionParameters {
    let red = slot.codecs.iter().find(|known| known.name == CodecName::Red);
    SubscriptionParameters {
        mid: slot.mid.clone(),
        ssrc: slot.ssrc,
        rtx_ssrc: slot.rtx_ssrc,
        payloads: Vec::new(),
        red: red.map(|known| known.payload_type),
        repeats: slot.repeats,
    }
}
