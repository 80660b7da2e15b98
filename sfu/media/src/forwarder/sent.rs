//! What was sent: found again by its number, withdrawn before it left, and told of in reports.

use super::Forwarder;
use crate::encoding::Encoding;
use crate::rewrite::Segment;
use lectern_wire::{NtpTime, RtpTime, SeqNo};
use std::time::Instant;

impl Forwarder {
    /// The packet behind a sequence number that a NACK names: its mapping and its number.
    pub fn find_sent(&self, sequence: u16) -> Option<(Segment, SeqNo)> {
        let latest = SeqNo(self.rewriter.next().0.checked_sub(1)?);
        self.find_numbered(latest.nearest(sequence)?)
    }

    /// A NACK names numbers: how many of them none has named before, nor a higher one, and how many
    /// packets were sent since that was last the case.
    pub fn note_asked(&mut self, sequences: impl Iterator<Item = u16>) -> (u32, u32) {
        let Some(latest) = self.rewriter.next().0.checked_sub(1).map(SeqNo) else { return (0, 0) };
        let (before, sent_before) = self.asked.unwrap_or_default();
        let numbers = sequences.filter_map(|sequence| latest.nearest(sequence));
        let fresh = numbers.filter(|number| *number > before && *number <= latest);
        let (lost, highest) = fresh.fold((0u32, None), |(lost, highest), number| {
            (lost.saturating_add(1), highest.max(Some(number)))
        });
        let sent = self.sent.packets.wrapping_sub(sent_before);
        if let Some(highest) = highest {
            self.asked = Some((highest, self.sent.packets));
        }
        (lost, sent)
    }

    /// The packet behind a number that was given: its mapping and the publisher's number.
    pub fn find_numbered(&self, out: SeqNo) -> Option<(Segment, SeqNo)> {
        let (segment, number) = self.rewriter.original(out)?;
        let Some(selection) = &self.selection else { return Some((*segment, number)) };
        let segment = segment.placed(&selection.made(segment.base(), out)?);
        Some((segment, segment.original(out)?))
    }

    /// The sender's clock as the subscriber is to be told it: the publisher's wall clock, and the
    /// same moment on the rewritten stream, so that lips stay in step over every switch.
    pub fn sender_clock(&self, now: Instant, encodings: &[Encoding]) -> Option<(NtpTime, RtpTime)> {
        let segment = self.rewriter.current()?;
        let source = encodings.iter().find(|encoding| encoding.stream == segment.stream)?;
        let (ntp, rtp) = source.clock?.at(now);
        Some((ntp, segment.live_timestamp(rtp)))
    }

    /// Notes a sender report that left at `now`.
    pub fn reported(&mut self, now: Instant, ntp: NtpTime) {
        self.reported = [Some((ntp.middle(), now)), self.reported[0]];
    }
}
