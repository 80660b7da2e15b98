//! Requests for keyframes: PLI (RFC 4585 section 6.3.1) and FIR (RFC 5104 section 4.3.1).

use super::{Writer, packet_type, payload_format};
use crate::cursor::Reader;
use crate::{Error, Ssrc};

/// Entries in one FIR: one for each video stream of a sender with room to spare.
pub const MAX_ENTRIES: usize = 32;

/// Picture loss indication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureLoss {
    /// Who asks.
    pub sender: Ssrc,
    /// The stream.
    pub media: Ssrc,
}

impl PictureLoss {
    pub(super) fn parse(body: &[u8]) -> Result<PictureLoss, Error> {
        let mut reader = Reader::new(body);
        Ok(PictureLoss { sender: Ssrc(reader.u32()?), media: Ssrc(reader.u32()?) })
    }
}

/// One request of a FIR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntraEntry {
    /// The stream.
    pub media: Ssrc,
    /// Counts the requests to this stream: the same number again is the same request again.
    pub sequence: u8,
}

/// Full intra request.
#[derive(Debug, Clone, Copy)]
pub struct FullIntraRequest<'a> {
    /// Who asks.
    pub sender: Ssrc,
    entries: &'a [u8],
}

impl<'a> FullIntraRequest<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<FullIntraRequest<'a>, Error> {
        let mut reader = Reader::new(body);
        let sender = Ssrc(reader.u32()?);
        reader.u32()?;
        let entries = reader.rest();
        if entries.is_empty() || entries.len() & 7 != 0 {
            return Err(Error::Length);
        }
        if entries.len() > MAX_ENTRIES.saturating_mul(8) {
            return Err(Error::TooMany);
        }
        Ok(FullIntraRequest { sender, entries })
    }

    /// The requests.
    pub fn entries(&self) -> impl Iterator<Item = IntraEntry> + use<'a> {
        self.entries.as_chunks::<8>().0.iter().map(|[a, b, c, d, sequence, ..]| IntraEntry {
            media: Ssrc(u32::from_be_bytes([*a, *b, *c, *d])),
            sequence: *sequence,
        })
    }
}

impl Writer<'_> {
    /// Adds a picture loss indication.
    pub fn picture_loss(&mut self, sender: Ssrc, media: Ssrc) -> Result<(), Error> {
        let format = usize::from(payload_format::PICTURE_LOSS);
        self.packet(format, packet_type::PAYLOAD_FEEDBACK, |writer| {
            writer.u32(sender.0)?;
            writer.u32(media.0)
        })
    }

    /// Adds a full intra request. None or more than [`MAX_ENTRIES`] entries is an error.
    pub fn full_intra_request(
        &mut self,
        sender: Ssrc,
        entries: &[IntraEntry],
    ) -> Result<(), Error> {
        if entries.is_empty() {
            return Err(Error::Invalid);
        }
        if entries.len() > MAX_ENTRIES {
            return Err(Error::TooMany);
        }
        let format = usize::from(payload_format::FULL_INTRA_REQUEST);
        self.packet(format, packet_type::PAYLOAD_FEEDBACK, |writer| {
            writer.u32(sender.0)?;
            writer.u32(0)?;
            entries.iter().try_for_each(|entry| {
                writer.u32(entry.media.0)?;
                writer.put(&[entry.sequence, 0, 0, 0])
            })
        })
    }
}
