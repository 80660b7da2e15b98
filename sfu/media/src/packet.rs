//! What the packet path must know of an RTP packet: read once, used for every subscriber.

use crate::DropReason;
use crate::extensions::{END_TO_END, Extensions};
use crate::frame::{Frame, Opens, Targets};
use lectern_control::media::{CodecName, Extension};
use lectern_wire::rtp::View;
use lectern_wire::{PayloadType, RtpTime, SeqNo, av1, h264, red, vp8, vp9};
use std::ops::Range;

/// The longest element of the one-byte form (RFC 8285 section 4.2).
const MAX_ONE_BYTE_LEN: u8 = 16;
/// What a mask of active decode targets adds to a descriptor: flags and 32 bits.
const MAX_MASK_BYTES: usize = 5;
/// The mandatory fields of a dependency descriptor: flags and template, then the frame number.
const DESCRIPTOR_FRAME_NUMBER: Range<usize> = 1..3;

/// Numbers that count pictures; a subscriber sees them without gaps, whatever layer it gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Picture {
    /// VP8, VP9: picture id, 7 or 15 bits.
    pub id: Option<u16>,
    /// VP8, VP9: index of the lowest temporal layer.
    pub tl0_index: Option<u8>,
    /// Dependency descriptor: frame number.
    pub frame_number: Option<u16>,
}

/// A header extension element that is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element {
    /// What it means.
    pub extension: Extension,
    start: u16,
    len: u8,
}

/// A packet of a publisher, ready to be forwarded. Its bytes lie elsewhere: as they came, or in
/// the cache.
#[derive(Debug, Clone, Copy, Default)]
pub struct Packet {
    /// Its number in its encoding, without padding in between.
    pub number: SeqNo,
    /// When it was sampled.
    pub timestamp: RtpTime,
    /// Its codec, as the publisher numbers it.
    pub payload_type: PayloadType,
    /// Last packet of a frame, or first of a talk spurt.
    pub marker: bool,
    /// First packet of a keyframe.
    pub starts_keyframe: bool,
    /// What counts its picture.
    pub picture: Picture,
    /// The frame it is part of, as far as its layers go.
    pub frame: Frame,
    /// Its payload tells which layers there are, and how big their pictures.
    pub tells_layers: bool,
    /// Which descriptor the payload begins with.
    pub codec: Option<CodecName>,
    /// The codec of its own sound, where redundancy stands before that; otherwise its payload type.
    pub primary_type: PayloadType,
    /// Packets that went before, and of which it carries a copy (RFC 2198).
    pub copies: u8,
    pub(crate) primary_start: u16,
    pub(crate) elements: [Option<Element>; END_TO_END.len()],
    pub(crate) long_element: bool,
    pub(crate) payload_start: u16,
    pub(crate) payload_end: u16,
}

impl Packet {
    /// Reads a packet whose payload, of a known codec, lies at `payload`: all of it, or what
    /// follows the header of a retransmission. The number is set later.
    pub fn read(
        view: &View<'_>,
        payload: Range<usize>,
        payload_type: PayloadType,
        codec: CodecName,
        extensions: &Extensions,
    ) -> Result<Packet, DropReason> {
        let mut packet = Packet {
            timestamp: view.header.fields.timestamp,
            payload_type,
            marker: view.header.fields.marker,
            codec: Some(codec),
            primary_type: payload_type,
            primary_start: to_u16(payload.start)?,
            payload_start: to_u16(payload.start)?,
            payload_end: to_u16(payload.end)?,
            ..Packet::default()
        };
        packet.read_elements(view, extensions)?;
        packet.read_payload(view.bytes().get(payload).unwrap_or_default(), codec)?;
        Ok(packet)
    }

    /// The payload, without padding.
    #[inline]
    pub fn payload<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let range = usize::from(self.payload_start)..usize::from(self.payload_end);
        bytes.get(range).unwrap_or_default()
    }

    /// What it carries of its own: the payload without redundancy.
    #[inline]
    pub fn primary<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let range = usize::from(self.primary_start)..usize::from(self.payload_end);
        bytes.get(range).unwrap_or_default()
    }

    /// The packet that was lost before this one and of which `bytes`, those of this one, hold a copy.
    /// What its header extensions said is lost.
    pub fn of_copy(&self, number: SeqNo, block: &red::Block<'_>, bytes: &[u8]) -> Option<Packet> {
        let start = (block.data.as_ptr() as usize).checked_sub(bytes.as_ptr() as usize)?;
        let end = start.checked_add(block.data.len()).filter(|end| *end <= bytes.len())?;
        let start = u16::try_from(start).ok()?;
        Some(Packet {
            number,
            timestamp: self.timestamp.plus(-i32::from(block.timestamp_offset)),
            payload_type: block.payload_type,
            primary_type: block.payload_type,
            codec: Some(CodecName::Opus),
            primary_start: start,
            payload_start: start,
            payload_end: u16::try_from(end).ok()?,
            ..Packet::default()
        })
    }

    /// The header extension elements to be passed on, with their values.
    #[inline]
    pub fn elements<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = (Element, &'a [u8])> {
        self.elements.into_iter().map_while(|element| element).map(|element| {
            let start = usize::from(element.start);
            let value = bytes.get(start..start + usize::from(element.len));
            (element, value.unwrap_or_default())
        })
    }

    /// Whether an element needs the two-byte form.
    #[inline]
    pub fn has_long_element(&self) -> bool {
        self.long_element
    }

    /// Whether its dependency descriptor needs the two-byte form once a mask of active decode
    /// targets is put in.
    pub fn has_long_descriptor(&self, bytes: &[u8]) -> bool {
        let len = self.dependency_descriptor(bytes).map_or(0, <[u8]>::len);
        len + MAX_MASK_BYTES > usize::from(MAX_ONE_BYTE_LEN)
    }

    fn read_elements(
        &mut self,
        view: &View<'_>,
        extensions: &Extensions,
    ) -> Result<(), DropReason> {
        let origin = view.bytes().as_ptr() as usize;
        let mut places = self.elements.iter_mut();
        for (id, value) in view.extensions() {
            let Some(extension) = extensions.meaning(id) else { continue };
            if !END_TO_END.contains(&extension) {
                continue;
            }
            let Some(place) = places.next() else { break };
            let start = to_u16(value.as_ptr() as usize - origin)?;
            let len = value.len() as u8;
            *place = Some(Element { extension, start, len });
            self.long_element |= len == 0 || len > MAX_ONE_BYTE_LEN;
            if extension == Extension::DependencyDescriptor {
                self.picture.frame_number = frame_number(value);
            }
        }
        Ok(())
    }

    /// The value of its dependency descriptor.
    pub fn dependency_descriptor<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let all = self.elements(bytes);
        let mut found = all.filter(|(e, _)| e.extension == Extension::DependencyDescriptor);
        found.next().map(|(_, value)| value)
    }

    /// A broken VP8 or VP9 descriptor cannot be rewritten and drops the packet; what H.264 and AV1
    /// tell is only asked for keyframes and layers, and may be encrypted end to end.
    fn read_payload(&mut self, payload: &[u8], codec: CodecName) -> Result<(), DropReason> {
        match codec {
            CodecName::Opus => return Ok(()),
            CodecName::Red => return self.read_redundancy(payload),
            CodecName::Vp8 => {
                let descriptor = vp8::Descriptor::parse(payload).map_err(malformed)?;
                self.picture.id = descriptor.picture_id.map(vp8::PictureId::value);
                self.picture.tl0_index = descriptor.tl0_picture_index;
                self.starts_keyframe = descriptor.starts_keyframe;
                self.tells_layers = descriptor.size.is_some();
                self.frame = vp8_frame(&descriptor);
            }
            CodecName::Vp9 => {
                let descriptor = vp9::Descriptor::parse(payload).map_err(malformed)?;
                self.picture.id = descriptor.picture_id.map(vp9::PictureId::value);
                let layer = descriptor.layer;
                self.picture.tl0_index = layer.and_then(|layer| layer.tl0_picture_index);
                self.starts_keyframe = descriptor.starts_keyframe();
                self.tells_layers = descriptor.structure.is_some();
                self.frame = vp9_frame(&descriptor);
            }
            CodecName::H264 => {
                let found = h264::Payload::parse(payload).unwrap_or_default();
                self.starts_keyframe = found.starts_keyframe();
                self.tells_layers = found.size.is_some();
                self.frame = h264_frame(&found);
            }
            CodecName::Av1 => {
                self.starts_keyframe =
                    av1::Payload::parse(payload).is_ok_and(|payload| payload.starts_keyframe());
                self.frame = Frame::unknown();
            }
        }
        self.frame.begins |= self.starts_keyframe;
        self.frame.ends |= self.marker;
        if self.starts_keyframe {
            self.frame.opens = Opens::All;
        }
        Ok(())
    }

    fn read_redundancy(&mut self, payload: &[u8]) -> Result<(), DropReason> {
        for block in red::Blocks::parse(payload).map_err(malformed)? {
            self.primary_type = block.payload_type;
            self.primary_start = self
                .payload_end
                .checked_sub(to_u16(block.data.len())?)
                .ok_or(DropReason::Malformed)?;
            self.copies += 1;
        }
        // The last one is no copy.
        self.copies = self.copies.saturating_sub(1);
        Ok(())
    }
}

/// Temporal layers; a frame of one is decoded in it and in those above.
fn vp8_frame(descriptor: &vp8::Descriptor) -> Frame {
    let temporal = descriptor.temporal_layer.unwrap_or(0);
    let targets = Targets::temporal_from(temporal);
    let opens = match temporal.checked_sub(1).filter(|_| descriptor.layer_sync) {
        Some(above) => Opens::Temporal { above, upto: temporal },
        None => Opens::Nothing,
    };
    Frame {
        temporal,
        begins: descriptor.starts_frame,
        targets,
        needed: if descriptor.non_reference { Targets::NONE } else { targets },
        opens,
        ..Frame::default()
    }
}

/// Spatial and temporal layers. A frame is decoded for the spatial layers above its own unless it
/// says that these do without it.
fn vp9_frame(descriptor: &vp9::Descriptor) -> Frame {
    let Some(layer) = descriptor.layer else {
        return Frame {
            begins: descriptor.starts_frame,
            ends: descriptor.ends_frame,
            ..Frame::unknown()
        };
    };
    let lanes = if descriptor.not_reference_for_upper {
        Targets::lane(layer.spatial)
    } else {
        Targets::lanes_from(layer.spatial)
    };
    let targets = Targets::temporal_from(layer.temporal).and(lanes);
    let opens = if !descriptor.inter_picture {
        Opens::Spatial { on_lower: layer.inter_layer, all_temporal: layer.switching_point }
    } else if layer.switching_point {
        Opens::Temporal { above: layer.temporal, upto: u8::MAX }
    } else {
        Opens::Nothing
    };
    Frame {
        part: u16::from(layer.spatial),
        spatial: layer.spatial,
        temporal: layer.temporal,
        on_lower: layer.inter_layer,
        begins: descriptor.starts_frame,
        ends: descriptor.ends_frame,
        targets,
        needed: targets,
        opens,
        ..Frame::default()
    }
}

/// Temporal layers where a prefix tells them; otherwise slices that no other frame depends on are
/// one. A packet that tells neither belongs to its frame, which others of its packets describe.
fn h264_frame(found: &h264::Payload) -> Frame {
    let is_needed = found.is_reference.unwrap_or(true);
    let temporal = found.temporal_layer.unwrap_or(u8::from(!is_needed));
    let targets = Targets::temporal_from(temporal);
    let needed = if is_needed { targets } else { Targets::NONE };
    Frame { temporal, targets, needed, ..Frame::default() }
}

/// Overwrites the numbers that count pictures in a payload that begins with a codec's descriptor.
pub fn rewrite_picture(
    codec: Option<CodecName>,
    payload: &mut [u8],
    id: u16,
    tl0_index: u8,
) -> Result<(), DropReason> {
    match codec {
        Some(CodecName::Vp8) => vp8::Descriptor::parse(payload)
            .and_then(|descriptor| descriptor.rewrite(payload, id, tl0_index)),
        Some(CodecName::Vp9) => vp9::Descriptor::parse(payload)
            .and_then(|descriptor| descriptor.rewrite(payload, id, tl0_index)),
        _ => Ok(()),
    }
    .map_err(malformed)
}

/// Overwrites the frame number in the value of a dependency descriptor.
pub fn rewrite_frame_number(value: &mut [u8], frame_number: u16) {
    if let Some(place) = value.get_mut(DESCRIPTOR_FRAME_NUMBER) {
        place.copy_from_slice(&frame_number.to_be_bytes());
    }
}

fn frame_number(descriptor: &[u8]) -> Option<u16> {
    let [_, high, low, ..] = descriptor else { return None };
    Some(u16::from_be_bytes([*high, *low]))
}

fn to_u16(value: usize) -> Result<u16, DropReason> {
    u16::try_from(value).map_err(|_| DropReason::TooLarge)
}

fn malformed(_: lectern_wire::Error) -> DropReason {
    DropReason::Malformed
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_control::media::ExtensionId;
    use lectern_wire::Ssrc;
    use lectern_wire::rtp::{Fields, Form, HeaderWriter};

    fn read(codec: CodecName, payload: &[u8]) -> Result<Packet, DropReason> {
        let mut bytes = raw(&[]);
        let start = bytes.len();
        bytes.extend(payload);
        let view = View::parse(&bytes).expect("well-formed");
        let payload_type = PayloadType::from_low_bits(96);
        let packet =
            Packet::read(&view, start..bytes.len(), payload_type, codec, &Extensions::new(&[]))?;
        assert_eq!(packet.payload(&bytes), payload);
        Ok(packet)
    }

    fn raw(elements: &[(u8, &[u8])]) -> Vec<u8> {
        let fields = Fields {
            marker: false,
            payload_type: PayloadType::from_low_bits(96),
            sequence: 1,
            timestamp: RtpTime(2),
            ssrc: Ssrc(3),
        };
        let mut bytes = vec![0; 500];
        let mut writer = HeaderWriter::new(&mut bytes, &fields, Form::TwoByte).expect("room");
        for (id, value) in elements {
            writer.extension(*id, value).expect("room");
        }
        let len = writer.finish().expect("room");
        bytes.truncate(len);
        bytes
    }

    #[test]
    fn a_keyframe_s_first_packet_is_known_in_every_codec() {
        let keyframes: [(CodecName, &[u8], &[u8]); 4] = [
            (CodecName::Vp8, &[0x90, 0x80, 5, 0x00], &[0x90, 0x80, 5, 0x01]),
            (CodecName::Vp9, &[0x88, 5, 0xaa], &[0xc8, 5, 0xaa]),
            (CodecName::H264, &[0x67, 1, 2, 3], &[0x61, 1, 2, 3]),
            (CodecName::Av1, &[0x18, 0x0a, 0], &[0x10, 0x32, 0]),
        ];
        for (codec, keyframe, delta) in keyframes {
            assert_eq!(read(codec, keyframe).map(|p| p.starts_keyframe), Ok(true), "{codec:?}");
            assert_eq!(read(codec, delta).map(|p| p.starts_keyframe), Ok(false), "{codec:?}");
        }
    }

    #[test]
    fn a_descriptor_that_cannot_be_rewritten_drops_the_packet() {
        for codec in [CodecName::Vp8, CodecName::Vp9] {
            assert_eq!(read(codec, &[0x80]).err(), Some(DropReason::Malformed), "{codec:?}");
        }
        // What is encrypted end to end is forwarded all the same.
        for codec in [CodecName::H264, CodecName::Av1, CodecName::Opus] {
            assert_eq!(read(codec, &[0xff]).map(|p| p.starts_keyframe), Ok(false), "{codec:?}");
        }
    }

    #[test]
    fn only_what_is_between_end_and_end_is_passed_on() {
        let ids = [
            (1, Extension::AudioLevel),
            (2, Extension::Mid),
            (3, Extension::TransportWideSequence),
            (5, Extension::DependencyDescriptor),
        ];
        let ids = ids.map(|(id, extension)| ExtensionId { id, extension });
        let descriptor = [0xc0, 0x12, 0x34];
        let elements: [(u8, &[u8]); 5] =
            [(1, &[30]), (2, b"0"), (3, &[0, 1]), (5, &descriptor), (9, &[7])];
        let bytes = raw(&elements);
        let view = View::parse(&bytes).expect("well-formed");
        let payload_type = PayloadType::from_low_bits(96);
        let range = view.payload_range();
        let table = Extensions::new(&ids);
        let packet = Packet::read(&view, range, payload_type, CodecName::Opus, &table);
        let packet = packet.expect("readable");
        let passed: Vec<_> = packet.elements(&bytes).map(|(e, v)| (e.extension, v)).collect();
        assert_eq!(
            passed,
            [
                (Extension::AudioLevel, &[30][..]),
                (Extension::DependencyDescriptor, &descriptor[..])
            ]
        );
        assert_eq!(packet.picture.frame_number, Some(0x1234));
        assert!(!packet.has_long_element());
    }
}
