//! Generic NACK (RFC 4585 section 6.2.1): packets to send again.

use super::{Writer, packet_type, transport_format};
use crate::cursor::Reader;
use crate::{Error, Ssrc};

/// Pairs in one NACK: what fits a datagram of 1,400 bytes. Each pair can ask for 17 packets.
pub const MAX_PAIRS: usize = 345;

/// Asks for packets of one stream.
#[derive(Debug, Clone, Copy)]
pub struct Nack<'a> {
    /// Who asks.
    pub sender: Ssrc,
    /// The stream.
    pub media: Ssrc,
    pairs: &'a [u8],
}

impl<'a> Nack<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Nack<'a>, Error> {
        let mut reader = Reader::new(body);
        let sender = Ssrc(reader.u32()?);
        let media = Ssrc(reader.u32()?);
        let pairs = reader.rest();
        if pairs.is_empty() || pairs.len() & 3 != 0 {
            return Err(Error::Length);
        }
        if pairs.len() > MAX_PAIRS.saturating_mul(4) {
            return Err(Error::TooMany);
        }
        Ok(Nack { sender, media, pairs })
    }

    /// How many sequence numbers are asked for.
    pub fn count(&self) -> usize {
        self.pairs.as_chunks::<4>().0.iter().fold(0, |asked, [_, _, c, d]| {
            let following = u16::from_be_bytes([*c, *d]).count_ones() as usize;
            asked.saturating_add(following).saturating_add(1)
        })
    }

    /// The sequence numbers asked for, at most 17 for each pair.
    pub fn sequences(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.pairs.as_chunks::<4>().0.iter().flat_map(|[a, b, c, d]| {
            let first = u16::from_be_bytes([*a, *b]);
            let following = u16::from_be_bytes([*c, *d]);
            let asked = (0..16u16).filter(move |bit| following >> bit & 1 != 0);
            std::iter::once(first)
                .chain(asked.map(move |bit| first.wrapping_add(bit).wrapping_add(1)))
        })
    }
}

impl Writer<'_> {
    /// Adds a NACK for as many of `sequences` as fit the buffer and [`MAX_PAIRS`]. Returns how many
    /// were taken; ascending ones take the least room. None at all is [`Error::Invalid`].
    pub fn nack(
        &mut self,
        sender: Ssrc,
        media: Ssrc,
        sequences: impl IntoIterator<Item = u16>,
    ) -> Result<usize, Error> {
        let format = usize::from(transport_format::NACK);
        self.packet(format, packet_type::TRANSPORT_FEEDBACK, |writer| {
            writer.u32(sender.0)?;
            writer.u32(media.0)?;
            let mut sequences = sequences.into_iter().peekable();
            let mut taken = 0usize;
            for _ in 0..MAX_PAIRS {
                if writer.room() < 4 {
                    break;
                }
                let Some(first) = sequences.next() else { break };
                taken = taken.saturating_add(1);
                let mut following = 0u16;
                while let Some(bit) = sequences.peek().and_then(|next| bit_of(first, *next)) {
                    following |= bit;
                    taken = taken.saturating_add(1);
                    sequences.next();
                }
                writer.u16(first)?;
                writer.u16(following)?;
            }
            if taken == 0 { Err(Error::Invalid) } else { Ok(taken) }
        })
    }
}

/// The bit by which a pair beginning with `first` asks for `sequence` too.
fn bit_of(first: u16, sequence: u16) -> Option<u16> {
    let distance = sequence.wrapping_sub(first).wrapping_sub(1);
    1u16.checked_shl(u32::from(distance))
}
