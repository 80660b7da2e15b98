//! Writing a packet as the subscriber sees it: header, extensions, payload.

use super::content::Content;
use super::{Forwarder, Rewritten};
use crate::DropReason;
use crate::extensions::Extensions;
use crate::frame::{DescriptorPlace, Targets};
use crate::limits::{LEAST_PADDED_BYTES, MAX_DATAGRAM_BYTES, PADDING_GRID};
use crate::packet::{Packet, rewrite_frame_number, rewrite_picture};
use crate::rewrite::{Moment, Segment};
use crate::transport::Transport;
use lectern_control::media::{Extension, MediaKind};
use lectern_wire::rtp::{self, Fields, Form, HeaderWriter};
use lectern_wire::{PayloadType, SeqNo, Ssrc, dependency};

/// The longest packet before it is sealed: then it has the length of the longest datagram.
const MAX_CLEAR_BYTES: usize = MAX_DATAGRAM_BYTES - Transport::MAX_OVERHEAD;

/// Where the value of the first extension element begins: after the fixed header, four bytes of the
/// extension's own, and one or two of the element's (RFC 8285 sections 4.2 and 4.3).
const FIRST_ELEMENT: u8 = 12 + 4 + 1;
const FIRST_LONG_ELEMENT: u8 = FIRST_ELEMENT + 1;

/// What differs between a packet and its retransmission.
pub(super) struct Header<'a> {
    pub index: SeqNo,
    pub ssrc: Ssrc,
    pub payload_type: u8,
    pub content: Content<'a>,
    /// The number of the packet that is sent again.
    pub original: Option<SeqNo>,
}

impl Forwarder {
    /// Writes a packet in the clear.
    pub(super) fn write(
        &self,
        header: &Header<'_>,
        segment: &Segment,
        packet: &Packet,
        bytes: &[u8],
        extensions: &Extensions,
        buffer: &mut [u8],
    ) -> Result<Rewritten, DropReason> {
        let buffer = buffer.get_mut(..MAX_CLEAR_BYTES).ok_or(DropReason::TooLarge)?;
        let timestamp = segment.timestamp(Moment::of(packet));
        let is_empty = segment.empties(&packet.frame);
        let fields = Fields {
            marker: (packet.marker
                || segment.ends_picture(&packet.frame)
                || self.begins_spurt(segment, packet))
                && !is_empty,
            payload_type: PayloadType::from_low_bits(header.payload_type),
            sequence: header.index.wire(),
            timestamp,
            ssrc: header.ssrc,
        };
        let (start, transport_number) =
            self.write_header(&fields, segment, packet, bytes, extensions, buffer)?;
        let original = header.original.map(|original| original.wire().to_be_bytes());
        let original = original.as_ref().map_or(&[][..], |bytes| &bytes[..]);
        let payload_start = start + original.len();
        buffer.get_mut(start..payload_start).ok_or(DropReason::TooLarge)?.copy_from_slice(original);
        let place = buffer.get_mut(payload_start..).ok_or(DropReason::TooLarge)?;
        let payload_len = match is_empty {
            true => 0,
            false => self.write_payload(&header.content, packet, bytes, place)?,
        };
        if !segment.keeps_pictures() && !is_empty {
            let picture = segment.picture(packet.picture);
            let (id, tl0_index) = (picture.id.unwrap_or(0), picture.tl0_index.unwrap_or(0));
            let payload = place.get_mut(..payload_len).ok_or(DropReason::TooLarge)?;
            rewrite_picture(packet.codec, payload, id, tl0_index)?;
        }
        let len = pad(packet, buffer, payload_start + payload_len, payload_len)?;
        let payload_len = payload_len as u32;
        Ok(Rewritten { index: header.index, len, timestamp, payload_len, transport_number })
    }

    /// Whether a packet is the first of somebody else's talk spurt (RFC 3551 section 4.1).
    fn begins_spurt(&self, segment: &Segment, packet: &Packet) -> bool {
        self.is_slot() && segment.first_in == packet.number
    }

    /// Writes a packet of padding alone into the stream of retransmissions, which may have some
    /// (RFC 4588 section 4): only the path is of interest.
    pub fn write_padding(
        &mut self,
        extensions: &Extensions,
        buffer: &mut [u8],
    ) -> Result<Rewritten, DropReason> {
        let ssrc = self.repair_ssrc.ok_or(DropReason::UnmappedPayloadType)?;
        let payload_type = self.payloads.iter().find_map(|mapping| mapping.rtx);
        let payload_type = payload_type.ok_or(DropReason::UnmappedPayloadType)?;
        let timestamp = self.rewriter.latest_timestamp().unwrap_or_default();
        let (index, too_large) = (self.next_repair, |_| DropReason::TooLarge);
        let fields = Fields {
            marker: false,
            payload_type: PayloadType::from_low_bits(payload_type),
            sequence: index.wire(),
            timestamp,
            ssrc,
        };
        let two_byte = extensions.needs_two_bytes();
        let form = if two_byte { Form::TwoByte } else { Form::OneByte };
        let mut writer = HeaderWriter::new(buffer, &fields, form).map_err(too_large)?;
        let transport_number = place_number(&mut writer, extensions, two_byte)?;
        let start = writer.finish().map_err(too_large)?;
        let len = rtp::pad(buffer, start, u8::MAX).map_err(too_large)?;
        self.next_repair = index.next();
        Ok(Rewritten { index, len, timestamp, payload_len: 0, transport_number })
    }

    /// Fixed fields, the place of the transport-wide number, the mid while the subscriber may need it, and what is passed on.
    fn write_header(
        &self,
        fields: &Fields,
        segment: &Segment,
        packet: &Packet,
        bytes: &[u8],
        extensions: &Extensions,
        buffer: &mut [u8],
    ) -> Result<(usize, u8), DropReason> {
        let active = segment.active_targets().zip(packet.frame.descriptor);
        let two_byte = extensions.needs_two_bytes()
            || packet.has_long_element()
            || active.is_some() && packet.has_long_descriptor(bytes);
        let form = if two_byte { Form::TwoByte } else { Form::OneByte };
        let too_large = |_| DropReason::TooLarge;
        let mut writer = HeaderWriter::new(buffer, fields, form).map_err(too_large)?;
        let transport_number = place_number(&mut writer, extensions, two_byte)?;
        if let (false, Some(mid), Some(id)) =
            (self.acknowledged, self.mid, extensions.id(Extension::Mid))
        {
            writer.extension(id, mid.as_bytes()).map_err(too_large)?;
        }
        let is_empty = segment.empties(&packet.frame);
        for (element, value) in packet.elements(bytes).filter(|_| !is_empty) {
            let Some(id) = extensions.id(element.extension) else { continue };
            let number = segment.picture(packet.picture).frame_number;
            if let (Extension::DependencyDescriptor, Some(number)) = (element.extension, number) {
                let mut renumbered = [0; u8::MAX as usize];
                let len = write_descriptor(value, number, active, &mut renumbered);
                writer.extension(id, &renumbered[..len]).map_err(too_large)?;
            } else {
                writer.extension(id, value).map_err(too_large)?;
            }
        }
        let start = writer.finish().map_err(too_large)?;
        Ok((start, transport_number))
    }
}

/// A dependency descriptor with another frame number, and with the decode targets that are still to
/// be had where not all are.
fn write_descriptor(
    value: &[u8],
    number: u16,
    active: Option<(Targets, DescriptorPlace)>,
    copy: &mut [u8; u8::MAX as usize],
) -> usize {
    let len = value.len().min(copy.len());
    let written = active.and_then(|(active, place)| {
        let DescriptorPlace { bit, targets, present } = place;
        let mask = dependency::MaskPlace { bit, targets, present };
        dependency::write_active_targets(value, mask, active.0, copy).ok()
    });
    let len = written.unwrap_or_else(|| {
        copy[..len].copy_from_slice(&value[..len]);
        len
    });
    rewrite_frame_number(copy, number);
    len
}

/// Leaves room for the transport-wide number, as the first element. Gives its place; 0 where the
/// subscriber does not count.
fn place_number(
    writer: &mut HeaderWriter<'_>,
    extensions: &Extensions,
    two_byte: bool,
) -> Result<u8, DropReason> {
    let Some(id) = extensions.number_id() else { return Ok(0) };
    writer.extension(id, &[0; 2]).map_err(|_| DropReason::TooLarge)?;
    Ok(if two_byte { FIRST_LONG_ELEMENT } else { FIRST_ELEMENT })
}

/// Makes the packets of one frame equally long, so that one send call takes them all.
fn pad(
    packet: &Packet,
    buffer: &mut [u8],
    len: usize,
    payload_len: usize,
) -> Result<usize, DropReason> {
    let missing = len.next_multiple_of(PADDING_GRID) - len;
    let is_video = packet.codec.is_some_and(|codec| codec.kind() == MediaKind::Video);
    if !is_video || payload_len < LEAST_PADDED_BYTES || missing == 0 {
        return Ok(len);
    }
    if len + missing > buffer.len() {
        return Ok(len);
    }
    rtp::pad(buffer, len, missing as u8).map_err(|_| DropReason::TooLarge)
}
