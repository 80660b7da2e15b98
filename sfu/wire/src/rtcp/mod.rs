//! RTCP (RFC 3550 section 6, RFC 4585, RFC 5104): compound packets in, packets of each kind out.
//!
//! Reading stays usable up to a broken packet; writing never leaves half a packet behind.

pub mod bitrate;
pub mod description;
pub mod feedback;
pub mod goodbye;
pub mod nack;
pub mod report;
pub mod transport_wide;

pub use bitrate::BitrateEstimate;
pub use description::Description;
pub use feedback::{FullIntraRequest, PictureLoss};
pub use goodbye::Goodbye;
pub use nack::Nack;
pub use report::{ReceiverReport, ReportBlock, SenderInfo, SenderReport};
pub use transport_wide::TransportFeedback;

use crate::cursor::{self, Reader};
use crate::{Error, Ssrc};

/// Packets of one compound: browsers send under ten; a datagram of tiny ones is an attack.
pub const MAX_PACKETS: usize = 32;
/// What the five bits of a count can say: sources, blocks or chunks of one packet.
pub const MAX_COUNT: usize = 31;

const HEADER_LEN: usize = 4;
const VERSION_BITS: u8 = 0b1100_0000;
const VERSION_2: u8 = 0b1000_0000;
const PADDING_BIT: u8 = 0b0010_0000;

/// Packet types (RFC 3550 section 12.1, RFC 4585 section 6.1).
mod packet_type {
    pub const SENDER_REPORT: u8 = 200;
    pub const RECEIVER_REPORT: u8 = 201;
    pub const DESCRIPTION: u8 = 202;
    pub const GOODBYE: u8 = 203;
    pub const TRANSPORT_FEEDBACK: u8 = 205;
    pub const PAYLOAD_FEEDBACK: u8 = 206;
}

/// Formats of transport-layer feedback (RFC 4585 section 6.2).
mod transport_format {
    pub const NACK: u8 = 1;
    pub const TRANSPORT_WIDE: u8 = 15;
}

/// Formats of payload-specific feedback (RFC 4585 section 6.3, RFC 5104 section 4.3).
mod payload_format {
    pub const PICTURE_LOSS: u8 = 1;
    pub const FULL_INTRA_REQUEST: u8 = 4;
    pub const APPLICATION: u8 = 15;
}

/// One packet of a compound.
#[derive(Debug, Clone, Copy)]
pub enum Packet<'a> {
    /// What a sender has sent, and how it receives others.
    SenderReport(SenderReport<'a>),
    /// How a receiver receives.
    ReceiverReport(ReceiverReport<'a>),
    /// Names of sources.
    Description(Description<'a>),
    /// Sources that end.
    Goodbye(Goodbye<'a>),
    /// Packets to send again.
    Nack(Nack<'a>),
    /// When the packets of a transport arrived.
    TransportFeedback(TransportFeedback<'a>),
    /// A decoder needs a keyframe.
    PictureLoss(PictureLoss),
    /// A receiver needs a keyframe now.
    FullIntraRequest(FullIntraRequest<'a>),
    /// The bitrate a receiver can take.
    BitrateEstimate(BitrateEstimate<'a>),
    /// Well-framed, but not of our kinds: XR, APP and other feedback.
    Skipped {
        /// The packet type.
        packet_type: u8,
        /// Its format or count.
        format: u8,
    },
}

/// Iterates over a compound packet. After an error of framing it ends; a packet whose framing is
/// right and whose contents are broken is an error and the next one follows.
#[derive(Debug, Clone)]
pub struct Compound<'a> {
    reader: Reader<'a>,
    left: usize,
}

/// The packets of a decrypted RTCP datagram. Reduced-size ones are fine (RFC 5506).
#[inline]
pub fn packets(datagram: &[u8]) -> Compound<'_> {
    Compound { reader: Reader::new(datagram), left: MAX_PACKETS }
}

/// One packet's header and body, framed but not read.
struct Framed<'a> {
    count: u8,
    packet_type: u8,
    body: &'a [u8],
}

impl<'a> Compound<'a> {
    fn framed(&mut self) -> Result<Framed<'a>, Error> {
        self.left = self.left.checked_sub(1).ok_or(Error::TooMany)?;
        let [first, packet_type] = self.reader.array::<2>()?;
        if first & VERSION_BITS != VERSION_2 {
            return Err(Error::Version);
        }
        let words = self.reader.u16()?;
        let mut body = self.reader.take(usize::from(words).saturating_mul(4))?;
        if first & PADDING_BIT != 0 {
            // Only the last packet may have padding (RFC 3550 section 6.4.1). It should be whole
            // words; Chromium pads its transport-wide feedback with one to three bytes.
            let padding = usize::from(*body.last().ok_or(Error::Padding)?);
            if padding == 0 || !self.reader.is_empty() {
                return Err(Error::Padding);
            }
            let end = body.len().checked_sub(padding).ok_or(Error::Padding)?;
            body = body.get(..end).ok_or(Error::Padding)?;
        }
        Ok(Framed { count: first & 0x1f, packet_type, body })
    }
}

impl<'a> Iterator for Compound<'a> {
    type Item = Result<Packet<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.is_empty() {
            return None;
        }
        let framed = match self.framed() {
            Ok(framed) => framed,
            Err(error) => {
                self.reader = Reader::new(&[]);
                return Some(Err(error));
            }
        };
        Some(Packet::parse(&framed))
    }
}

impl std::iter::FusedIterator for Compound<'_> {}

impl<'a> Packet<'a> {
    fn parse(framed: &Framed<'a>) -> Result<Packet<'a>, Error> {
        let Framed { count, packet_type, body } = *framed;
        let packet = match (packet_type, count) {
            (packet_type::SENDER_REPORT, _) => {
                Packet::SenderReport(SenderReport::parse(count, body)?)
            }
            (packet_type::RECEIVER_REPORT, _) => {
                Packet::ReceiverReport(ReceiverReport::parse(count, body)?)
            }
            (packet_type::DESCRIPTION, _) => Packet::Description(Description::parse(count, body)?),
            (packet_type::GOODBYE, _) => Packet::Goodbye(Goodbye::parse(count, body)?),
            (packet_type::TRANSPORT_FEEDBACK, transport_format::NACK) => {
                Packet::Nack(Nack::parse(body)?)
            }
            (packet_type::TRANSPORT_FEEDBACK, transport_format::TRANSPORT_WIDE) => {
                Packet::TransportFeedback(TransportFeedback::parse(body)?)
            }
            (packet_type::PAYLOAD_FEEDBACK, payload_format::PICTURE_LOSS) => {
                Packet::PictureLoss(PictureLoss::parse(body)?)
            }
            (packet_type::PAYLOAD_FEEDBACK, payload_format::FULL_INTRA_REQUEST) => {
                Packet::FullIntraRequest(FullIntraRequest::parse(body)?)
            }
            (packet_type::PAYLOAD_FEEDBACK, payload_format::APPLICATION) => {
                match BitrateEstimate::parse(body)? {
                    Some(estimate) => Packet::BitrateEstimate(estimate),
                    None => Packet::Skipped { packet_type, format: count },
                }
            }
            _ => Packet::Skipped { packet_type, format: count },
        };
        Ok(packet)
    }
}

/// Writes a compound packet into a buffer. Each kind's file adds its methods; a packet that does
/// not fit is [`Error::NoSpace`] and leaves the compound as it was.
#[derive(Debug)]
pub struct Writer<'a> {
    inner: cursor::Writer<'a>,
}

impl<'a> Writer<'a> {
    /// Begins a compound at the front of `buffer`.
    pub fn new(buffer: &'a mut [u8]) -> Writer<'a> {
        Writer { inner: cursor::Writer::new(buffer) }
    }

    /// Bytes of the compound so far.
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Whether the compound has no packet yet.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// Writes one packet: the header, whatever `body` writes, and the length.
    fn packet<T>(
        &mut self,
        count: usize,
        packet_type: u8,
        body: impl FnOnce(&mut cursor::Writer<'a>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let start = self.inner.len();
        let written = self.packet_from(start, count, packet_type, body);
        if written.is_err() {
            self.inner.truncate(start);
        }
        written
    }

    fn packet_from<T>(
        &mut self,
        start: usize,
        count: usize,
        packet_type: u8,
        body: impl FnOnce(&mut cursor::Writer<'a>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let count = u8::try_from(count).map_err(|_| Error::TooMany)?;
        if usize::from(count) > MAX_COUNT {
            return Err(Error::TooMany);
        }
        self.inner.put(&[VERSION_2 | count, packet_type, 0, 0])?;
        let result = body(&mut self.inner)?;
        self.inner.pad_to_word()?;
        let body_len = self.inner.len().saturating_sub(start).saturating_sub(HEADER_LEN);
        let words = u16::try_from(body_len >> 2).map_err(|_| Error::Length)?;
        self.inner.patch(start.saturating_add(2), &words.to_be_bytes())?;
        Ok(result)
    }
}

/// A list of SSRCs as it lies in a packet.
fn ssrcs(bytes: &[u8]) -> impl Iterator<Item = Ssrc> + use<'_> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| Ssrc(u32::from_be_bytes(*bytes)))
}

#[cfg(test)]
mod tests;
