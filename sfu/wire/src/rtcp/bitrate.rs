//! REMB (draft-alvestrand-rmcat-remb-03): the bitrate a receiver says it can take.

use super::{Writer, packet_type, payload_format, ssrcs};
use crate::cursor::Reader;
use crate::{Bitrate, Error, Ssrc};

const NAME: [u8; 4] = *b"REMB";
const MANTISSA_BITS: u32 = 18;

/// A receiver's estimate for all of a sender's streams together.
#[derive(Debug, Clone, Copy)]
pub struct BitrateEstimate<'a> {
    /// Who receives.
    pub sender: Ssrc,
    /// How much, at most [`u64::MAX`] bits a second.
    pub bitrate: Bitrate,
    sources: &'a [u8],
}

impl<'a> BitrateEstimate<'a> {
    /// `None` for application-layer feedback of another name.
    pub(super) fn parse(body: &'a [u8]) -> Result<Option<BitrateEstimate<'a>>, Error> {
        let mut reader = Reader::new(body);
        let sender = Ssrc(reader.u32()?);
        reader.u32()?;
        if !reader.rest().starts_with(&NAME) {
            return Ok(None);
        }
        reader.u32()?;
        let count = reader.u8()?;
        let bits = reader.u24()?;
        let exponent = bits >> MANTISSA_BITS;
        let mantissa = u128::from(bits & 0x3_ffff);
        let bitrate = Bitrate::bps(u64::try_from(mantissa << exponent).unwrap_or(u64::MAX));
        let sources = reader.take(usize::from(count).saturating_mul(4))?;
        Ok(Some(BitrateEstimate { sender, bitrate, sources }))
    }

    /// The streams it is about.
    pub fn sources(&self) -> impl Iterator<Item = Ssrc> + use<'a> {
        ssrcs(self.sources)
    }
}

impl Writer<'_> {
    /// Adds an estimate for up to 255 streams; the rate is rounded down to 18 bits.
    pub fn bitrate_estimate(
        &mut self,
        sender: Ssrc,
        bitrate: Bitrate,
        sources: &[Ssrc],
    ) -> Result<(), Error> {
        let count = u8::try_from(sources.len()).map_err(|_| Error::TooMany)?;
        let used_bits = u64::BITS.saturating_sub(bitrate.as_bps().leading_zeros());
        let exponent = used_bits.saturating_sub(MANTISSA_BITS);
        let mantissa = (bitrate.as_bps() >> exponent & 0x3_ffff) as u32;
        let format = usize::from(payload_format::APPLICATION);
        self.packet(format, packet_type::PAYLOAD_FEEDBACK, |writer| {
            writer.u32(sender.0)?;
            writer.u32(0)?;
            writer.put(&NAME)?;
            writer.u8(count)?;
            writer.u24(exponent << MANTISSA_BITS | mantissa)?;
            sources.iter().try_for_each(|ssrc| writer.u32(ssrc.0))
        })
    }
}
