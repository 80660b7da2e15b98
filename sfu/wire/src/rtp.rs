//! RTP packets (RFC 3550 section 5, RFC 8285): a header's fields, a packet's parts, a header writer.
//!
//! [`Header`] reads what lies in the clear, before decryption; [`View`] all of a decrypted packet.

use crate::cursor::{Reader, Writer};
use crate::{Error, PayloadType, RtpTime, Ssrc};
use std::ops::Range;

/// Bytes of a header without contributing sources and extension.
pub const FIXED_HEADER_LEN: usize = 12;

const VERSION_BITS: u8 = 0b1100_0000;
const VERSION_2: u8 = 0b1000_0000;
const PADDING_BIT: u8 = 0b0010_0000;
const EXTENSION_BIT: u8 = 0b0001_0000;
const MARKER_BIT: u8 = 0b1000_0000;
const ONE_BYTE_PROFILE: u16 = 0xbede;
const TWO_BYTE_PROFILE: u16 = 0x1000;

/// The fields of the fixed header that a forwarder rewrites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields {
    /// Last packet of a frame, or first of a talk spurt.
    pub marker: bool,
    /// The codec.
    pub payload_type: PayloadType,
    /// The sequence number, as on the wire.
    pub sequence: u16,
    /// When the payload was sampled.
    pub timestamp: RtpTime,
    /// The stream.
    pub ssrc: Ssrc,
}

/// A header as read, with the place of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The fixed fields.
    pub fields: Fields,
    has_padding: bool,
    form: Option<Form>,
    elements_start: u32,
    payload_start: u32,
}

/// The two forms of header extension elements (RFC 8285 sections 4.2 and 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// Ids 1 to 14, values of 1 to 16 bytes.
    OneByte,
    /// Ids 1 to 255, values of 0 to 255 bytes; only where `a=extmap-allow-mixed` was negotiated.
    TwoByte,
}

impl Form {
    /// The smallest form that can hold an element.
    pub const fn for_element(id: u8, len: usize) -> Form {
        if id <= 14 && len >= 1 && len <= 16 { Form::OneByte } else { Form::TwoByte }
    }
}

impl Header {
    /// Reads a packet's header; the payload may still be encrypted.
    #[inline]
    pub fn parse(packet: &[u8]) -> Result<Header, Error> {
        let mut reader = Reader::new(packet);
        let [first, second] = reader.array::<2>()?;
        if first & VERSION_BITS != VERSION_2 {
            return Err(Error::Version);
        }
        let fields = Fields {
            marker: second & MARKER_BIT != 0,
            payload_type: PayloadType::from_low_bits(second),
            sequence: reader.u16()?,
            timestamp: RtpTime(reader.u32()?),
            ssrc: Ssrc(reader.u32()?),
        };
        reader.take(usize::from(first & 0x0f).saturating_mul(4))?;
        let mut form = None;
        let mut elements_len = 0;
        if first & EXTENSION_BIT != 0 {
            form = match reader.u16()? {
                ONE_BYTE_PROFILE => Some(Form::OneByte),
                profile if profile & 0xfff0 == TWO_BYTE_PROFILE => Some(Form::TwoByte),
                _ => None,
            };
            elements_len = usize::from(reader.u16()?).saturating_mul(4);
            reader.take(elements_len)?;
        }
        let len = packet.len().saturating_sub(reader.rest().len());
        Ok(Header {
            fields,
            has_padding: first & PADDING_BIT != 0,
            form,
            elements_start: to_u32(len.saturating_sub(elements_len))?,
            payload_start: to_u32(len)?,
        })
    }

    /// Where the payload begins: bytes of fixed part, contributing sources and extension.
    #[inline]
    pub const fn payload_start(&self) -> usize {
        self.payload_start as usize
    }

    /// Whether the payload ends with padding (RFC 3550 section 5.1).
    #[inline]
    pub const fn has_padding(&self) -> bool {
        self.has_padding
    }

    /// The form of the extension's elements; `None` without extension or with one of another kind.
    #[inline]
    pub const fn form(&self) -> Option<Form> {
        self.form
    }

    /// The header extension elements of the packet this header was read from.
    #[inline]
    pub fn extensions<'a>(&self, packet: &'a [u8]) -> Extensions<'a> {
        let range = self.elements_start as usize..self.payload_start();
        match self.form {
            Some(form) => Extensions { form, rest: packet.get(range).unwrap_or_default() },
            None => Extensions { form: Form::OneByte, rest: &[] },
        }
    }
}

fn to_u32(value: usize) -> Result<u32, Error> {
    u32::try_from(value).map_err(|_| Error::Length)
}

/// Iterates over header extension elements: id and value. Ends at the first element that is broken,
/// has the reserved id 15, or has id 0 and a length (RFC 8285 section 4.2).
#[derive(Debug, Clone, Copy)]
pub struct Extensions<'a> {
    form: Form,
    rest: &'a [u8],
}

impl<'a> Extensions<'a> {
    /// The value of the first element with an id.
    #[inline]
    pub fn find(mut self, id: u8) -> Option<&'a [u8]> {
        self.find_map(|(found, value)| (found == id).then_some(value))
    }

    fn element(&mut self) -> Option<(u8, &'a [u8])> {
        loop {
            let (first, rest) = self.rest.split_first()?;
            if *first == 0 {
                self.rest = rest;
                continue;
            }
            let (id, len, rest) = match self.form {
                Form::OneByte => {
                    let id = first >> 4;
                    if id == 0 || id == 15 {
                        return None;
                    }
                    (id, usize::from(first & 0x0f).saturating_add(1), rest)
                }
                Form::TwoByte => {
                    let (len, rest) = rest.split_first()?;
                    (*first, usize::from(*len), rest)
                }
            };
            let (value, rest) = rest.split_at_checked(len)?;
            self.rest = rest;
            return Some((id, value));
        }
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u8, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let element = self.element();
        if element.is_none() {
            self.rest = &[];
        }
        element
    }
}

impl std::iter::FusedIterator for Extensions<'_> {}

/// A whole packet in the clear.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Its header.
    pub header: Header,
    bytes: &'a [u8],
    payload_end: usize,
}

impl<'a> View<'a> {
    /// Reads a packet. Padding that is empty or longer than what follows the header is an error.
    #[inline]
    pub fn parse(packet: &'a [u8]) -> Result<View<'a>, Error> {
        let header = Header::parse(packet)?;
        let mut payload_end = packet.len();
        if header.has_padding {
            let padding = usize::from(*packet.last().ok_or(Error::Truncated)?);
            payload_end = packet.len().checked_sub(padding).ok_or(Error::Padding)?;
            if padding == 0 || payload_end < header.payload_start() {
                return Err(Error::Padding);
            }
        }
        Ok(View { header, bytes: packet, payload_end })
    }

    /// The whole packet.
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The payload, without padding.
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        self.bytes.get(self.payload_range()).unwrap_or_default()
    }

    /// Where the payload lies in the packet.
    #[inline]
    pub fn payload_range(&self) -> Range<usize> {
        self.header.payload_start()..self.payload_end
    }

    /// Bytes of padding at the end, their count included.
    #[inline]
    pub fn padding_len(&self) -> usize {
        self.bytes.len().saturating_sub(self.payload_end)
    }

    /// The header extension elements.
    #[inline]
    pub fn extensions(&self) -> Extensions<'a> {
        self.header.extensions(self.bytes)
    }

    /// The contributing sources.
    pub fn contributing_sources(&self) -> impl Iterator<Item = Ssrc> + use<'a> {
        let count = self.bytes.first().map_or(0, |first| usize::from(first & 0x0f));
        let end = FIXED_HEADER_LEN.saturating_add(count.saturating_mul(4));
        let sources = self.bytes.get(FIXED_HEADER_LEN..end).unwrap_or_default();
        sources.as_chunks::<4>().0.iter().map(|bytes| Ssrc(u32::from_be_bytes(*bytes)))
    }
}

/// Writes a header for a payload that follows it: fixed fields, then chosen extension elements.
#[derive(Debug)]
pub struct HeaderWriter<'a> {
    writer: Writer<'a>,
    form: Form,
}

impl<'a> HeaderWriter<'a> {
    /// Begins a header at the front of `buffer`, without contributing sources, padding or extension.
    #[inline]
    pub fn new(buffer: &'a mut [u8], fields: &Fields, form: Form) -> Result<Self, Error> {
        let mut writer = Writer::new(buffer);
        let [s0, s1] = fields.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = fields.timestamp.0.to_be_bytes();
        let [i0, i1, i2, i3] = fields.ssrc.0.to_be_bytes();
        let marker = if fields.marker { MARKER_BIT } else { 0 };
        let second = marker | fields.payload_type.value();
        writer.put(&[VERSION_2, second, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3])?;
        Ok(HeaderWriter { writer, form })
    }

    /// Adds an extension element. An id or a length that the form cannot hold is
    /// [`Error::Invalid`]; on any error the header is as before.
    #[inline]
    pub fn extension(&mut self, id: u8, value: &[u8]) -> Result<(), Error> {
        let before = self.writer.len();
        let written = self.put_extension(id, value);
        if written.is_err() {
            self.writer.truncate(before);
        }
        written
    }

    fn put_extension(&mut self, id: u8, value: &[u8]) -> Result<(), Error> {
        if self.writer.len() == FIXED_HEADER_LEN {
            let profile = match self.form {
                Form::OneByte => ONE_BYTE_PROFILE,
                Form::TwoByte => TWO_BYTE_PROFILE,
            };
            self.writer.u16(profile)?;
            self.writer.u16(0)?;
        }
        let len = u8::try_from(value.len()).map_err(|_| Error::Invalid)?;
        match (self.form, id, len) {
            (Form::OneByte, 1..=14, 1..=16) => self.writer.u8(id << 4 | len.saturating_sub(1))?,
            (Form::TwoByte, 1.., _) => self.writer.put(&[id, len])?,
            _ => return Err(Error::Invalid),
        }
        self.writer.put(value)
    }

    /// Ends the header: pads and counts the extension. Returns the header's length, which is where
    /// the payload goes.
    #[inline]
    pub fn finish(mut self) -> Result<usize, Error> {
        let len = self.writer.len();
        if len == FIXED_HEADER_LEN {
            return Ok(len);
        }
        self.writer.pad_to_word()?;
        let elements = self.writer.len().saturating_sub(FIXED_HEADER_LEN.saturating_add(4));
        let words = u16::try_from(elements >> 2).map_err(|_| Error::Length)?;
        self.writer.patch(0, &[VERSION_2 | EXTENSION_BIT])?;
        self.writer.patch(FIXED_HEADER_LEN.saturating_add(2), &words.to_be_bytes())?;
        Ok(self.writer.len())
    }
}

/// Appends `count` bytes of padding (1 to 255) after the first `len` bytes of `buffer` and says so
/// in the header. Returns the new length.
pub fn pad(buffer: &mut [u8], len: usize, count: u8) -> Result<usize, Error> {
    let end = len.saturating_add(usize::from(count));
    let padding = buffer.get_mut(len..end).ok_or(Error::NoSpace)?;
    padding.fill(0);
    *padding.last_mut().ok_or(Error::Padding)? = count;
    *buffer.first_mut().ok_or(Error::Truncated)? |= PADDING_BIT;
    Ok(end)
}

/// Overwrites the marker of a packet in place.
#[inline]
pub fn set_marker(packet: &mut [u8], marker: bool) -> Result<(), Error> {
    let second = packet.get_mut(1).ok_or(Error::Truncated)?;
    *second = if marker { *second | MARKER_BIT } else { *second & !MARKER_BIT };
    Ok(())
}

/// Overwrites the payload type of a packet in place.
#[inline]
pub fn set_payload_type(packet: &mut [u8], payload_type: PayloadType) -> Result<(), Error> {
    let second = packet.get_mut(1).ok_or(Error::Truncated)?;
    *second = (*second & MARKER_BIT) | payload_type.value();
    Ok(())
}

/// Overwrites the sequence number of a packet in place.
#[inline]
pub fn set_sequence(packet: &mut [u8], sequence: u16) -> Result<(), Error> {
    set(packet, 2, &sequence.to_be_bytes())
}

/// Overwrites the timestamp of a packet in place.
#[inline]
pub fn set_timestamp(packet: &mut [u8], timestamp: RtpTime) -> Result<(), Error> {
    set(packet, 4, &timestamp.0.to_be_bytes())
}

/// Overwrites the SSRC of a packet in place.
#[inline]
pub fn set_ssrc(packet: &mut [u8], ssrc: Ssrc) -> Result<(), Error> {
    set(packet, 8, &ssrc.0.to_be_bytes())
}

fn set(packet: &mut [u8], at: usize, bytes: &[u8]) -> Result<(), Error> {
    let end = at.saturating_add(bytes.len());
    packet.get_mut(at..end).ok_or(Error::Truncated)?.copy_from_slice(bytes);
    Ok(())
}

#[cfg(test)]
mod tests;
