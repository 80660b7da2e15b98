//! Writing a packet as the subscriber sees it: header, extensions, payload.

use super::{Forwarder, Rewritten};
use crate::DropReason;
use crate::extensions::Extensions;
use crate::limits::{LEAST_PADDED_BYTES, MAX_DATAGRAM_BYTES, PADDING_GRID};
use crate::packet::{Packet, rewrite_frame_number, rewrite_picture};
use crate::rewrite::{Moment, Segment};
use crate::transport::Transport;
use lectern_control::media::{CodecName, Extension, MediaKind};
use lectern_wire::rtp::{self, Fields, Form, HeaderWriter};
use lectern_wire::{PayloadType, SeqNo, Ssrc, red};

/// The longest packet before it is sealed: then it has the length of the longest datagram.
const MAX_CLEAR_BYTES: usize = MAX_DATAGRAM_BYTES - Transport::MAX_OVERHEAD;

/// What differs between a packet and its retransmission.
pub(super) struct Header {
    pub index: SeqNo,
    pub ssrc: Ssrc,
    pub payload_type: u8,
    /// The number of the packet that is sent again.
    pub original: Option<SeqNo>,
}

impl Forwarder {
    /// Writes a packet in the clear.
    pub(super) fn write(
        &self,
        header: &Header,
        segment: &Segment,
        packet: &Packet,
        bytes: &[u8],
        extensions: &Extensions,
        buffer: &mut [u8],
    ) -> Result<Rewritten, DropReason> {
        let buffer = buffer.get_mut(..MAX_CLEAR_BYTES).ok_or(DropReason::TooLarge)?;
        let timestamp = segment.timestamp(Moment::of(packet));
        let fields = Fields {
            marker: packet.marker,
            payload_type: PayloadType::from_low_bits(header.payload_type),
            sequence: header.index.wire(),
            timestamp,
            ssrc: header.ssrc,
        };
        let start = self.write_header(&fields, segment, packet, bytes, extensions, buffer)?;
        let payload = packet.payload(bytes);
        let original = header.original.map(|original| original.wire().to_be_bytes());
        let original = original.as_ref().map_or(&[][..], |bytes| &bytes[..]);
        let payload_start = start + original.len();
        let len = payload_start + payload.len();
        buffer.get_mut(start..payload_start).ok_or(DropReason::TooLarge)?.copy_from_slice(original);
        let place = buffer.get_mut(payload_start..len).ok_or(DropReason::TooLarge)?;
        place.copy_from_slice(payload);
        if packet.codec == Some(CodecName::Red) {
            let map = |from: PayloadType| PayloadType::new(self.mapping(from)?.to);
            red::map_payload_types(place, map).map_err(|_| DropReason::UnmappedPayloadType)?;
        }
        if !segment.keeps_pictures() {
            let picture = segment.picture(packet.picture);
            let (id, tl0_index) = (picture.id.unwrap_or(0), picture.tl0_index.unwrap_or(0));
            rewrite_picture(packet.codec, place, id, tl0_index)?;
        }
        let payload_len = payload.len() as u32;
        let len = pad(packet, buffer, len, payload.len())?;
        Ok(Rewritten { index: header.index, len, timestamp, payload_len })
    }

    /// Fixed fields, the mid while the subscriber may need it, and what is passed on.
    fn write_header(
        &self,
        fields: &Fields,
        segment: &Segment,
        packet: &Packet,
        bytes: &[u8],
        extensions: &Extensions,
        buffer: &mut [u8],
    ) -> Result<usize, DropReason> {
        let two_byte = extensions.needs_two_bytes() || packet.has_long_element();
        let form = if two_byte { Form::TwoByte } else { Form::OneByte };
        let too_large = |_| DropReason::TooLarge;
        let mut writer = HeaderWriter::new(buffer, fields, form).map_err(too_large)?;
        if let (false, Some(mid), Some(id)) =
            (self.acknowledged, self.mid, extensions.id(Extension::Mid))
        {
            writer.extension(id, mid.as_bytes()).map_err(too_large)?;
        }
        for (element, value) in packet.elements(bytes) {
            let Some(id) = extensions.id(element.extension) else { continue };
            let number = segment.picture(packet.picture).frame_number;
            if let (Extension::DependencyDescriptor, Some(number)) = (element.extension, number) {
                let mut renumbered = [0; u8::MAX as usize];
                let copy = &mut renumbered[..value.len().min(u8::MAX as usize)];
                copy.copy_from_slice(&value[..copy.len()]);
                rewrite_frame_number(copy, number);
                writer.extension(id, copy).map_err(too_large)?;
            } else {
                writer.extension(id, value).map_err(too_large)?;
            }
        }
        writer.finish().map_err(too_large)
    }
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
