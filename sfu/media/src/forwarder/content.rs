//! What of a packet of sound a subscriber is sent: the packet as it came, its own sound alone, or that
//! with copies of what was sent right before it (RFC 2198).

use super::{Forwarder, Source};
use crate::DropReason;
use crate::cache::{Cache, Pool};
use crate::limits::MAX_REDUNDANT_BYTES;
use crate::packet::Packet;
use crate::redundancy::MAX_DISTANCE;
use crate::rewrite::Segment;
use lectern_control::media::{CodecName, MediaKind};
use lectern_wire::red::{self, Block};
use lectern_wire::{PayloadType, SeqNo};
use smallvec::SmallVec;

/// Room for the header of a packet with redundancy: fixed fields, transport-wide number, mid, loudness
/// and capture time.
const HEADER_BYTES: usize = 72;

/// The packets right before one, the newest first, as far as they are kept.
#[derive(Debug, Clone, Copy, Default)]
pub struct Earlier<'a> {
    packets: [Option<(&'a Packet, &'a [u8])>; MAX_DISTANCE],
}

/// Copies that go with a packet, oldest first.
pub(super) type Copies<'a> = SmallVec<[Block<'a>; MAX_DISTANCE]>;

/// What stands in the payload.
#[derive(Debug)]
pub(super) enum Content<'a> {
    /// All that came.
    Whole,
    /// The packet's own, without the redundancy it came with.
    Primary,
    /// The packet's own, of the payload type, and copies of earlier ones.
    WithCopies(PayloadType, Copies<'a>),
}

impl<'a> Earlier<'a> {
    /// What is kept of the packets before a number.
    pub fn recall(pool: &'a Pool, cache: &'a Cache, number: SeqNo) -> Earlier<'a> {
        let mut earlier = Earlier::default();
        for (place, distance) in earlier.packets.iter_mut().zip(1..) {
            let before = number.0.checked_sub(distance).map(SeqNo);
            *place = before.and_then(|before| cache.find(pool, before));
        }
        earlier
    }

    /// No more than so many.
    #[inline]
    pub fn within(mut self, distance: usize) -> Earlier<'a> {
        self.packets.iter_mut().skip(distance).for_each(|place| *place = None);
        self
    }
}

impl<'a> Source<'a> {
    /// The same with the packets before a number, where that is sound.
    #[inline]
    pub fn with_earlier(self, pool: &'a Pool, number: SeqNo) -> Source<'a> {
        match self.kind {
            MediaKind::Video => self,
            MediaKind::Audio => {
                let earlier = Earlier::recall(pool, &self.encoding.cache, number);
                Source { earlier, ..self }
            }
        }
    }
}

impl Forwarder {
    /// Whether copies of earlier packets may be needed for the subscriber.
    pub fn takes_redundancy(&self) -> bool {
        self.red.is_some()
    }

    /// What of a packet is sent, and under which payload type. Redundancy that came is passed on where
    /// the subscriber knows it, and made anew where more is wanted than came.
    pub(super) fn content<'a>(
        &self,
        segment: &Segment,
        packet: &Packet,
        bytes: &[u8],
        earlier: &Earlier<'a>,
    ) -> Result<(u8, Content<'a>), DropReason> {
        let came_with_copies = packet.codec == Some(CodecName::Red);
        if self.red.is_none() && !came_with_copies {
            return Ok((self.payload_type(packet)?.to, Content::Whole));
        }
        let as_it_came = self.payload_type(packet).ok().map(|mapping| mapping.to);
        let red = self.red.or(as_it_came.filter(|_| came_with_copies));
        let plain = self.mapping(packet.primary_type).map(|mapping| mapping.to);
        if let (Some(red), Some(plain)) = (self.red, plain.and_then(PayloadType::new)) {
            let copies = self.copies(segment, packet, bytes, earlier);
            if copies.len() > usize::from(packet.copies) {
                return Ok((red, Content::WithCopies(plain, copies)));
            }
        }
        let unmapped = DropReason::UnmappedPayloadType;
        match red {
            Some(red) if came_with_copies => Ok((red, Content::Whole)),
            _ if came_with_copies => Ok((plain.ok_or(unmapped)?, Content::Primary)),
            _ => Ok((as_it_came.ok_or(unmapped)?, Content::Whole)),
        }
    }

    /// Copies of what the subscriber was sent before, as far as a header can tell their age and the
    /// packet stays short enough. Nothing from before the subscriber's part of the stream is among them.
    fn copies<'a>(
        &self,
        segment: &Segment,
        packet: &Packet,
        bytes: &[u8],
        earlier: &Earlier<'a>,
    ) -> Copies<'a> {
        let mut copies = Copies::new();
        for (before, kept) in earlier.packets.iter().flatten() {
            let payload_type = self.mapping(before.primary_type).map(|mapping| mapping.to);
            let Some(payload_type) = payload_type.and_then(PayloadType::new) else { continue };
            let age = packet.timestamp.since(before.timestamp);
            let block = Block::redundant(payload_type, age, before.primary(kept));
            let Some(block) = block.filter(|_| segment.number(before.number).is_some()) else {
                continue;
            };
            copies.insert(0, block);
            let len = red::written_len(&copies, packet.primary(bytes).len());
            if len + HEADER_BYTES > MAX_REDUNDANT_BYTES {
                copies.remove(0);
                break;
            }
        }
        copies
    }

    /// Writes a payload; gives its length.
    pub(super) fn write_payload(
        &self,
        content: &Content<'_>,
        packet: &Packet,
        bytes: &[u8],
        place: &mut [u8],
    ) -> Result<usize, DropReason> {
        let payload = match content {
            Content::Whole => packet.payload(bytes),
            Content::Primary => packet.primary(bytes),
            Content::WithCopies(payload_type, copies) => {
                let primary = (*payload_type, packet.primary(bytes));
                return red::write(place, copies, primary).map_err(|_| DropReason::TooLarge);
            }
        };
        let place = place.get_mut(..payload.len()).ok_or(DropReason::TooLarge)?;
        place.copy_from_slice(payload);
        if packet.codec == Some(CodecName::Red) && matches!(content, Content::Whole) {
            let map = |from: PayloadType| PayloadType::new(self.mapping(from)?.to);
            red::map_payload_types(place, map).map_err(|_| DropReason::UnmappedPayloadType)?;
        }
        Ok(payload.len())
    }
}
