//! Sender and receiver reports (RFC 3550 sections 6.4.1 and 6.4.2).

use super::{Writer, packet_type};
use crate::cursor::{self, Reader};
use crate::{Error, NtpTime, RtpTime, Ssrc};
use std::time::Duration;

const BLOCK_LEN: usize = 24;
/// 24 bits, signed.
const CUMULATIVE_LOST: std::ops::RangeInclusive<i32> = -0x80_0000..=0x7f_ffff;

/// What a sender says of its own stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// The sender's wall clock now.
    pub ntp: NtpTime,
    /// The same moment on the stream's clock.
    pub rtp: RtpTime,
    /// Packets sent, modulo 2^32.
    pub packets: u32,
    /// Bytes of payload sent, modulo 2^32.
    pub payload_bytes: u32,
}

/// How one stream is received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportBlock {
    /// Which stream.
    pub ssrc: Ssrc,
    /// Lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Lost since the beginning; negative with duplicates. Written within 24 bits.
    pub cumulative_lost: i32,
    /// Highest sequence number, with the low 16 bits of the rollovers above.
    pub highest_sequence: u32,
    /// Variance of the time between packets, in ticks.
    pub jitter: u32,
    /// The middle of the NTP time of the last sender report, 0 for none.
    pub last_sender_report: u32,
    /// From that report's arrival to this one's departure, in 65536ths of a second.
    pub delay_since_last: u32,
}

impl ReportBlock {
    fn parse(bytes: &[u8; BLOCK_LEN]) -> Result<ReportBlock, Error> {
        let mut reader = Reader::new(bytes);
        let ssrc = Ssrc(reader.u32()?);
        let fraction_lost = reader.u8()?;
        let lost = reader.u24()?;
        Ok(ReportBlock {
            ssrc,
            fraction_lost,
            cumulative_lost: (lost << 8).cast_signed() >> 8,
            highest_sequence: reader.u32()?,
            jitter: reader.u32()?,
            last_sender_report: reader.u32()?,
            delay_since_last: reader.u32()?,
        })
    }

    fn write(&self, writer: &mut cursor::Writer<'_>) -> Result<(), Error> {
        let lost = self.cumulative_lost.clamp(*CUMULATIVE_LOST.start(), *CUMULATIVE_LOST.end());
        writer.u32(self.ssrc.0)?;
        writer.u8(self.fraction_lost)?;
        writer.u24(lost.cast_unsigned())?;
        writer.u32(self.highest_sequence)?;
        writer.u32(self.jitter)?;
        writer.u32(self.last_sender_report)?;
        writer.u32(self.delay_since_last)
    }

    /// The round trip, if `now` is this side's clock when the block arrived; `None` without a
    /// sender report or where the block claims more than has passed.
    pub fn round_trip(&self, now: NtpTime) -> Option<Duration> {
        if self.last_sender_report == 0 {
            return None;
        }
        let passed = now.middle().wrapping_sub(self.last_sender_report);
        let trip = passed.wrapping_sub(self.delay_since_last).cast_signed();
        let trip = u64::try_from(trip).ok()?;
        Some(Duration::from_nanos(trip.saturating_mul(1_000_000_000) >> 16))
    }
}

/// A duration as [`ReportBlock::delay_since_last`] counts it.
pub fn delay_units(delay: Duration) -> u32 {
    let units = (delay.as_nanos() << 16).checked_div(1_000_000_000).unwrap_or_default();
    u32::try_from(units).unwrap_or(u32::MAX)
}

/// A sender report.
#[derive(Debug, Clone, Copy)]
pub struct SenderReport<'a> {
    /// The sender.
    pub ssrc: Ssrc,
    /// What it has sent.
    pub info: SenderInfo,
    blocks: &'a [u8],
}

/// A receiver report.
#[derive(Debug, Clone, Copy)]
pub struct ReceiverReport<'a> {
    /// Who receives.
    pub ssrc: Ssrc,
    blocks: &'a [u8],
}

impl<'a> SenderReport<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<SenderReport<'a>, Error> {
        let mut reader = Reader::new(body);
        let ssrc = Ssrc(reader.u32()?);
        let info = SenderInfo {
            ntp: NtpTime(reader.u64()?),
            rtp: RtpTime(reader.u32()?),
            packets: reader.u32()?,
            payload_bytes: reader.u32()?,
        };
        Ok(SenderReport { ssrc, info, blocks: take_blocks(&mut reader, count)? })
    }

    /// How the sender receives others.
    pub fn blocks(&self) -> impl Iterator<Item = ReportBlock> + use<'a> {
        blocks(self.blocks)
    }
}

impl<'a> ReceiverReport<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<ReceiverReport<'a>, Error> {
        let mut reader = Reader::new(body);
        let ssrc = Ssrc(reader.u32()?);
        Ok(ReceiverReport { ssrc, blocks: take_blocks(&mut reader, count)? })
    }

    /// How it receives.
    pub fn blocks(&self) -> impl Iterator<Item = ReportBlock> + use<'a> {
        blocks(self.blocks)
    }
}

/// What follows the blocks is a profile's extension and is left alone.
fn take_blocks<'a>(reader: &mut Reader<'a>, count: u8) -> Result<&'a [u8], Error> {
    reader.take(usize::from(count).saturating_mul(BLOCK_LEN))
}

fn blocks(bytes: &[u8]) -> impl Iterator<Item = ReportBlock> + use<'_> {
    bytes.as_chunks::<BLOCK_LEN>().0.iter().filter_map(|block| ReportBlock::parse(block).ok())
}

impl Writer<'_> {
    /// Adds a sender report. More than 31 blocks is [`Error::TooMany`].
    pub fn sender_report(
        &mut self,
        ssrc: Ssrc,
        info: &SenderInfo,
        blocks: &[ReportBlock],
    ) -> Result<(), Error> {
        self.packet(blocks.len(), packet_type::SENDER_REPORT, |writer| {
            writer.u32(ssrc.0)?;
            writer.u64(info.ntp.0)?;
            writer.u32(info.rtp.0)?;
            writer.u32(info.packets)?;
            writer.u32(info.payload_bytes)?;
            blocks.iter().try_for_each(|block| block.write(writer))
        })
    }

    /// Adds a receiver report. More than 31 blocks is [`Error::TooMany`].
    pub fn receiver_report(&mut self, ssrc: Ssrc, blocks: &[ReportBlock]) -> Result<(), Error> {
        self.packet(blocks.len(), packet_type::RECEIVER_REPORT, |writer| {
            writer.u32(ssrc.0)?;
            blocks.iter().try_for_each(|block| block.write(writer))
        })
    }
}
