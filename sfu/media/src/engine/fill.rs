//! Holes in a publisher's sound that the redundancy of the packet after them fills (RFC 2198).

use super::Engine;
use crate::arena::PeerKey;
use crate::encoding::Arrival;
use crate::ingress::Binding;
use crate::packet::Packet;
use crate::rewrite::Moment;
use lectern_control::media::CodecName;
use lectern_wire::SeqNo;
use lectern_wire::red::{Block, Blocks, MAX_BLOCKS};
use smallvec::SmallVec;
use std::time::Instant;

/// Packets that are missing right before one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gap {
    /// The number of the packet after them, as it was sent.
    pub sent: SeqNo,
    /// The first of theirs.
    pub from: SeqNo,
    /// The packet before them.
    pub before: Moment,
}

impl Engine {
    /// Brings back what is missing before a packet, as far as it carries copies, and forwards it: then
    /// nobody lacks it, whether redundancy is known there or not.
    pub(super) fn fill(
        &mut self,
        now: Instant,
        key: PeerKey,
        binding: Binding,
        gap: &Gap,
        (packet, bytes): (&Packet, &[u8]),
    ) {
        for (back, block) in copies_in(gap, packet, bytes) {
            let Some(track) = self.router.tracks.get_mut(binding.track) else { return };
            let format = track.format(block.payload_type).map(|(format, _)| format);
            let Some(format) = format.filter(|format| format.codec == CodecName::Opus) else {
                continue;
            };
            let Some(encoding) = track.encodings.get_mut(binding.encoding) else { return };
            let Some(sent) = gap.sent.0.checked_sub(back).map(SeqNo) else { continue };
            let Some(mut restored) = packet.of_copy(sent, &block, bytes) else { continue };
            let timestamp = restored.timestamp;
            let arrival = Arrival { sent, timestamp, padding: false, repair: true };
            let Ok(place) = encoding.receive(now, &arrival, format.nack) else { continue };
            restored.number = place.number;
            self.counters.restored += 1;
            self.keep(now, key, binding, &restored, bytes);
            self.forward(now, binding, &restored, bytes);
        }
    }
}

/// The copies of packets that are missing, oldest first, each with how many numbers it lies before
/// the packet. A block tells its time and not its number: where it cannot be told which of the missing
/// ones it is, it is left to those who get the packet as it came.
fn copies_in<'a>(
    gap: &Gap,
    packet: &Packet,
    bytes: &'a [u8],
) -> SmallVec<[(u64, Block<'a>); MAX_BLOCKS]> {
    let missing = gap.sent.since(gap.from).unwrap_or(0);
    let Ok(blocks) = Blocks::parse(packet.payload(bytes)) else { return SmallVec::new() };
    let time = |block: &Block<'_>| packet.timestamp.plus(-i32::from(block.timestamp_offset));
    let is_missing = |block: &Block<'_>| {
        let is_between = block.timestamp_offset > 0 && time(block).since(gap.before.timestamp) > 0;
        is_between && !block.data.is_empty()
    };
    let found: SmallVec<[Block<'a>; MAX_BLOCKS]> = blocks.filter(is_missing).collect();
    let count = found.len() as u64;
    let is_in_order =
        found.windows(2).all(|pair| pair[0].timestamp_offset > pair[1].timestamp_offset);
    let is_clear = count == missing || count < missing && is_even(gap, missing, packet, &found);
    if !is_in_order || !is_clear {
        return SmallVec::new();
    }
    found.into_iter().enumerate().map(|(place, block)| (count - place as u64, block)).collect()
}

/// Whether packets follow each other in equal steps over the whole gap, and the copies are of the last
/// ones in it.
fn is_even(gap: &Gap, missing: u64, packet: &Packet, found: &[Block<'_>]) -> bool {
    let Some(step) = found.last().map(|block| u64::from(block.timestamp_offset)) else {
        return false;
    };
    let passed = packet.timestamp.since(gap.before.timestamp);
    let steps = (1u64..).map(|count| step.saturating_mul(count));
    u64::try_from(passed).is_ok_and(|passed| passed == step.saturating_mul(missing + 1))
        && found
            .iter()
            .rev()
            .zip(steps)
            .all(|(block, age)| u64::from(block.timestamp_offset) == age)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_wire::{PayloadType, RtpTime, red};

    /// Numbers before the packet at 10 and 48,000 ticks of which copies are found, where copies of so
    /// many ticks of age go with it and the last packet before had these number and time.
    fn found(ages: &[i32], number: u64, timestamp: u32) -> Vec<u64> {
        let opus = PayloadType::from_low_bits(111);
        let blocks: Vec<Block<'_>> =
            ages.iter().filter_map(|age| Block::redundant(opus, *age, &[7, 7])).collect();
        let mut bytes = vec![0; 200];
        let len = red::write(&mut bytes, &blocks, (opus, &[9])).expect("room");
        let mut packet = Packet { timestamp: RtpTime(48_000), ..Packet::default() };
        packet.payload_end = len as u16;
        let before = Moment { number: SeqNo(number), timestamp: RtpTime(timestamp) };
        let gap = Gap { sent: SeqNo(10), from: SeqNo(number + 1), before };
        copies_in(&gap, &packet, &bytes).into_iter().map(|(back, _)| 10 - back).collect()
    }

    #[test]
    fn copies_of_what_is_missing_are_found_oldest_first() {
        assert_eq!(found(&[1_920, 960], 7, 48_000 - 2_880), [8, 9]);
        assert_eq!(found(&[1_920, 960], 8, 48_000 - 1_920), [9], "the other one has come");
        assert_eq!(found(&[960], 7, 48_000 - 2_880), [9], "in equal steps");
        assert_eq!(found(&[1_920, 960], 6, 48_000 - 3_840), [8, 9]);
    }

    #[test]
    fn a_copy_that_could_be_of_any_of_them_is_left_alone() {
        assert_eq!(found(&[960], 7, 48_000 - 9_600), [0; 0], "after a silence");
        assert_eq!(found(&[1_920], 7, 48_000 - 2_880), [0; 0], "one of the middle");
        assert_eq!(found(&[1_920, 960], 8, 48_000 - 3_840), [0; 0], "more than are missing");
        assert_eq!(found(&[960, 1_920], 7, 48_000 - 2_880), [0; 0], "the wrong order");
        assert_eq!(found(&[], 8, 48_000 - 1_920), [0; 0]);
    }
}
