//! Tests of selection and rewriting, for each codec and each reason to switch.

use super::*;
use crate::DropReason;
use crate::arena::Key;
use crate::encoding::Arrival;
use crate::extensions::Extensions;
use crate::limits::{MAX_DATAGRAM_BYTES, MAX_SEQUENCE_GAP, PADDING_GRID};
use lectern_control::TrackId;
use lectern_control::media::{CodecName, Extension, ExtensionId};
use lectern_wire::rtp::{Fields, Form, HeaderWriter, View};
use lectern_wire::{PayloadType, red, vp9};

const DESCRIPTOR: u8 = 13;

fn extensions(ids: &[(u8, Extension)]) -> Extensions {
    let ids = ids.iter().map(|(id, extension)| ExtensionId { id: *id, extension: *extension });
    Extensions::new(&ids.collect::<Vec<_>>())
}

/// A packet as it came, with its meaning.
struct Came {
    packet: Packet,
    bytes: Vec<u8>,
}

fn came(
    codec: CodecName,
    number: u64,
    timestamp: u32,
    elements: &[(u8, &[u8])],
    payload: &[u8],
) -> Came {
    let fields = Fields {
        marker: true,
        payload_type: PayloadType::from_low_bits(96),
        sequence: number as u16,
        timestamp: RtpTime(timestamp),
        ssrc: Ssrc(1),
    };
    let mut bytes = vec![0; 2_000];
    let form = if elements.iter().any(|(_, value)| value.len() > 16) {
        Form::TwoByte
    } else {
        Form::OneByte
    };
    let mut writer = HeaderWriter::new(&mut bytes, &fields, form).expect("room");
    for (id, value) in elements {
        writer.extension(*id, value).expect("room");
    }
    let start = writer.finish().expect("room");
    bytes.truncate(start);
    bytes.extend(payload);
    let table = extensions(&[(DESCRIPTOR, Extension::DependencyDescriptor)]);
    let view = View::parse(&bytes).expect("well-formed");
    let payload_type = PayloadType::from_low_bits(96);
    let mut packet =
        Packet::read(&view, view.payload_range(), payload_type, codec, &table).expect("readable");
    packet.number = SeqNo(number);
    Came { packet, bytes }
}

fn forwarder() -> Forwarder {
    let map = |from, to| PayloadMapping { from, to, rtx: Some(to + 1) };
    let parameters = SubscriptionParameters {
        mid: "7".to_owned(),
        ssrc: 50,
        rtx_ssrc: Some(51),
        payloads: vec![map(96, 100), map(111, 120)],
        red: None,
        repeats: false,
    };
    Forwarder::new(PeerKey::from_index(0), &parameters, [SeqNo(10), SeqNo(20)])
}

fn encoding(kind: MediaKind, stream: u32) -> Encoding {
    let class = if kind == MediaKind::Audio { Class::Sound } else { Class::Camera };
    let mut encoding = Encoding::new(None, class);
    encoding.stream = Stream { track: TrackId(1), life: stream };
    encoding
}

/// Selects and rewrites a packet of the only encoding.
fn forward(
    forwarder: &mut Forwarder,
    now: Instant,
    encoding: &mut Encoding,
    came: &Came,
    table: &Extensions,
) -> Result<(Rewritten, Vec<u8>), DropReason> {
    let Packet { number: sent, timestamp, .. } = came.packet;
    let arrival = Arrival { sent, timestamp, padding: false, repair: false };
    encoding.receive(now, &arrival, false)?;
    let mut packet = came.packet;
    encoding.note_layers(now, &mut packet, &came.bytes);
    let encoding = &*encoding;
    let encodings = std::slice::from_ref(encoding);
    let source = Source {
        kind: MediaKind::Video,
        class: Class::Camera,
        encodings,
        encoding,
        place: 0,
        best: Some(0),
        earlier: Earlier::default(),
    };
    let segment = forwarder.select(now, &source, &packet)?;
    let mut buffer = vec![0; MAX_DATAGRAM_BYTES];
    let written =
        forwarder.rewrite(&segment, &packet, &came.bytes, &source.earlier, table, &mut buffer)?;
    forwarder.remember(now, &segment, &packet, &written);
    buffer.truncate(written.len);
    Ok((written, buffer))
}

/// RFC 9628: non-flexible, with picture id and the index of the lowest temporal layer.
fn vp9_payload(id: u16, tl0_index: u8, keyframe: bool) -> Vec<u8> {
    let [high, low] = id.to_be_bytes();
    let inter = if keyframe { 0 } else { 0x40 };
    vec![0x80 | 0x20 | 0x08 | inter, 0x80 | high, low, 0, tl0_index, 0xaa]
}

#[test]
fn vp9_pictures_go_on_when_the_publisher_begins_anew() {
    let start = Instant::now();
    let mut subscriber = forwarder();
    let table = extensions(&[]);
    let (mut old, mut new) = (encoding(MediaKind::Video, 1), encoding(MediaKind::Video, 2));
    let first = came(CodecName::Vp9, 100, 9_000, &[], &vp9_payload(0x7ffe, 255, true));
    let second = came(CodecName::Vp9, 101, 12_000, &[], &vp9_payload(0x7fff, 255, false));
    for packet in [&first, &second] {
        let (_, bytes) =
            forward(&mut subscriber, start, &mut old, packet, &table).expect("selected");
        assert!(bytes.ends_with(&packet.bytes[packet.bytes.len() - 6..]), "as it came");
    }
    let later = start + Duration::from_millis(40);
    let delta = came(CodecName::Vp9, 5, 77, &[], &vp9_payload(3, 9, false));
    assert_eq!(
        forward(&mut subscriber, later, &mut new, &delta, &table).err(),
        Some(DropReason::NotSelected)
    );
    let key = came(CodecName::Vp9, 6, 77, &[], &vp9_payload(4, 10, true));
    let (written, bytes) =
        forward(&mut subscriber, later, &mut new, &key, &table).expect("selected");
    let view = View::parse(&bytes).expect("well-formed");
    let descriptor = vp9::Descriptor::parse(view.payload()).expect("a descriptor");
    assert_eq!(descriptor.picture_id.map(|id| id.value()), Some(0), "after 0x7fff");
    assert_eq!(descriptor.layer.and_then(|layer| layer.tl0_picture_index), Some(0), "after 255");
    assert_eq!(written.index, SeqNo(12));
    assert_eq!(view.header.fields.timestamp, RtpTime(12_000 + 3_600), "40 ms later");
}

#[test]
fn frame_numbers_of_a_dependency_descriptor_go_on_over_a_switch() {
    let start = Instant::now();
    let mut subscriber = forwarder();
    let table = extensions(&[(9, Extension::DependencyDescriptor), (4, Extension::Mid)]);
    let structure = [0x80, 0x00, 0x05, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17];
    let key = [0x18, 0x0a, 0, 0, 0];
    let mut old = encoding(MediaKind::Video, 1);
    let first = came(CodecName::Av1, 100, 9_000, &[(DESCRIPTOR, &structure)], &key);
    let (_, bytes) = forward(&mut subscriber, start, &mut old, &first, &table).expect("selected");
    let view = View::parse(&bytes).expect("well-formed");
    assert_eq!(view.header.form(), Some(Form::TwoByte), "the structure needs the longer form");
    let elements: Vec<_> = view.extensions().collect();
    assert_eq!(elements, [(4, &b"7"[..]), (9, &structure[..])]);
    let mut new = encoding(MediaKind::Video, 2);
    let second = came(CodecName::Av1, 7, 50, &[(DESCRIPTOR, &[0xc1, 0x33, 0x44])], &key);
    let (_, bytes) = forward(&mut subscriber, start, &mut new, &second, &table).expect("selected");
    let view = View::parse(&bytes).expect("well-formed");
    assert_eq!(view.header.form(), Some(Form::OneByte));
    assert_eq!(view.extensions().find(9), Some(&[0xc1, 0x00, 0x06][..]));
}

#[test]
fn blocks_of_redundant_sound_get_the_subscriber_s_payload_types() {
    let start = Instant::now();
    let mut subscriber = forwarder();
    let sound = encoding(MediaKind::Audio, 1);
    let source = Source {
        kind: MediaKind::Audio,
        class: Class::Sound,
        encodings: std::slice::from_ref(&sound),
        encoding: &sound,
        place: 0,
        best: Some(0),
        earlier: Earlier::default(),
    };
    let mut forward = |payload: &[u8]| {
        let came = came(CodecName::Red, 100, 9_000, &[], payload);
        let segment = subscriber.select(start, &source, &came.packet)?;
        let mut buffer = vec![0; MAX_DATAGRAM_BYTES];
        let table = extensions(&[]);
        let written = subscriber.rewrite(
            &segment,
            &came.packet,
            &came.bytes,
            &source.earlier,
            &table,
            &mut buffer,
        )?;
        buffer.truncate(written.len);
        Ok::<_, DropReason>(buffer)
    };
    let bytes = forward(&[0x80 | 111, 0, 0, 2, 111, 1, 2, 3]).expect("selected");
    let view = View::parse(&bytes).expect("well-formed");
    assert_eq!(view.header.fields.payload_type.value(), 100);
    let blocks = red::Blocks::parse(view.payload()).expect("blocks");
    assert!(blocks.clone().all(|block| block.payload_type.value() == 120));
    assert_eq!(blocks.count(), 2);
    assert_eq!(forward(&[55, 1, 2]), Err(DropReason::UnmappedPayloadType));
}

#[test]
fn a_payload_type_without_a_mapping_is_not_sent() {
    let start = Instant::now();
    let mut subscriber = forwarder();
    let parameters = SubscriptionParameters { payloads: Vec::new(), ..subscriber.parameters() };
    subscriber.set_parameters(&parameters, SeqNo(20));
    let mut video = encoding(MediaKind::Video, 1);
    let key = came(CodecName::Vp9, 1, 1, &[], &vp9_payload(1, 1, true));
    let sent = forward(&mut subscriber, start, &mut video, &key, &extensions(&[]));
    assert_eq!(sent.err(), Some(DropReason::UnmappedPayloadType));
}

#[test]
fn a_hole_too_big_is_closed_and_the_picture_begins_anew() {
    let start = Instant::now();
    let mut subscriber = forwarder();
    let table = extensions(&[]);
    let mut video = encoding(MediaKind::Video, 1);
    let key = came(CodecName::Vp9, 100, 9_000, &[], &vp9_payload(1, 1, true));
    forward(&mut subscriber, start, &mut video, &key, &table).expect("selected");
    let far = 100 + MAX_SEQUENCE_GAP + 1;
    let delta = came(CodecName::Vp9, far, 12_000, &[], &vp9_payload(9, 1, false));
    let sent = forward(&mut subscriber, start, &mut video, &delta, &table);
    assert_eq!(sent.err(), Some(DropReason::AwaitsKeyframe));
    assert!(subscriber.waits());
    let key = came(CodecName::Vp9, far + 1, 15_000, &[], &vp9_payload(10, 2, true));
    let (written, bytes) =
        forward(&mut subscriber, start, &mut video, &key, &table).expect("selected");
    assert_eq!(written.index, SeqNo(11));
    let view = View::parse(&bytes).expect("well-formed");
    assert_eq!(view.header.fields.timestamp, RtpTime(15_000), "the same stream, the same clock");
}

#[test]
fn packets_of_a_frame_that_differ_by_a_byte_leave_with_one_length() {
    let start = Instant::now();
    let mut subscriber = forwarder();
    let table = extensions(&[]);
    let mut video = encoding(MediaKind::Video, 1);
    let mut runs = 0;
    let mut padding = 0;
    let mut payload_bytes = 0;
    for frame in 0..500u64 {
        // As libwebrtc splits: nearly equal parts, the longer ones last.
        let frame_bytes = 3_000 + 7 * frame as usize;
        let parts = frame_bytes.div_ceil(1_150);
        let mut lengths: Vec<usize> = (0..parts).map(|part| (frame_bytes + part) / parts).collect();
        lengths.sort_unstable();
        let mut sealed = Vec::new();
        for (part, len) in lengths.iter().enumerate() {
            let mut payload = vp9_payload(frame as u16, 0, frame == 0);
            payload.resize(*len, 1);
            let number = 100 + frame * 10 + part as u64;
            let packet = came(CodecName::Vp9, number, frame as u32 * 3_000, &[], &payload);
            // The first frame's other packets are no keyframe's beginning; they follow it.
            let (written, bytes) =
                forward(&mut subscriber, start, &mut video, &packet, &table).expect("selected");
            let view = View::parse(&bytes).expect("well-formed");
            assert_eq!(view.payload(), payload);
            assert!(view.padding_len() < PADDING_GRID);
            padding += view.padding_len();
            payload_bytes += payload.len();
            sealed.push(written.len);
        }
        runs += sealed.chunk_by(|a, b| a == b).count();
    }
    let mean_runs = f64::from(runs as u32) / 500.0;
    assert!(mean_runs < 1.1, "{mean_runs} runs a frame");
    let share = padding as f64 / payload_bytes as f64;
    assert!(share < 0.01, "{:.2} % of padding", share * 100.0);
}

#[test]
fn a_packet_that_would_not_fit_a_datagram_is_refused() {
    let start = Instant::now();
    let mut subscriber = forwarder();
    let mut video = encoding(MediaKind::Video, 1);
    let mut payload = vp9_payload(1, 1, true);
    payload.resize(MAX_DATAGRAM_BYTES - 5, 0);
    let key = came(CodecName::Vp9, 1, 1, &[], &payload);
    let sent = forward(&mut subscriber, start, &mut video, &key, &extensions(&[]));
    assert_eq!(sent.err(), Some(DropReason::TooLarge));
}
