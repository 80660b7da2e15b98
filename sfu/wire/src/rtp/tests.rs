//! Tests of RTP headers: round trips, padding, the two forms of extensions, and every truncation.

use super::*;
use proptest::prelude::*;

const FIELDS: Fields = Fields {
    marker: true,
    payload_type: PayloadType::from_low_bits(96),
    sequence: 0x1234,
    timestamp: RtpTime(0xdead_beef),
    ssrc: Ssrc(0xcafe_f00d),
};

fn packet(form: Form, elements: &[(u8, &[u8])], payload: &[u8]) -> Vec<u8> {
    let mut buffer = [0; 2_000];
    let mut writer = HeaderWriter::new(&mut buffer, &FIELDS, form).expect("fits");
    for (id, value) in elements {
        writer.extension(*id, value).expect("fits");
    }
    let len = writer.finish().expect("fits");
    [&buffer[..len], payload].concat()
}

/// A packet with any first byte and extension bytes.
fn raw(first: u8, after_fixed_header: &[u8]) -> Vec<u8> {
    [&[first, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3], after_fixed_header].concat()
}

#[test]
fn contributing_sources_lie_between_header_and_payload() {
    let bytes = raw(0x82, &[0, 0, 0, 7, 0, 0, 0, 8, 42]);
    let view = View::parse(&bytes).expect("valid");
    assert_eq!(view.contributing_sources().collect::<Vec<_>>(), [Ssrc(7), Ssrc(8)]);
    assert_eq!(view.payload(), [42]);
}

#[test]
fn fifteen_sources_announced_in_a_short_packet_are_refused() {
    for missing in 1..=60 {
        assert_eq!(Header::parse(&raw(0x8f, &[0; 60][missing..])), Err(Error::Truncated));
    }
    assert!(Header::parse(&raw(0x8f, &[0; 60])).is_ok());
}

#[test]
fn an_extension_longer_than_the_packet_is_refused() {
    for words in [1u16, 2, 0x4000, 0xffff] {
        let extension = [&[0xbe, 0xde][..], &words.to_be_bytes(), &[0, 0, 0]].concat();
        assert_eq!(Header::parse(&raw(0x90, &extension)), Err(Error::Truncated));
    }
}

#[test]
fn id_15_ends_the_one_byte_form() {
    let bytes = raw(0x90, &[0xbe, 0xde, 0, 2, 0x10, 0xaa, 0xf0, 0xbb, 0x20, 0xcc, 0, 0]);
    let elements: Vec<_> = View::parse(&bytes).expect("valid").extensions().collect();
    assert_eq!(elements, [(1, &[0xaa][..])]);
}

#[test]
fn id_0_is_padding_and_with_a_length_it_ends_the_one_byte_form() {
    let bytes = raw(0x90, &[0xbe, 0xde, 0, 2, 0, 0, 0x10, 0xaa, 0x01, 0x20, 0xcc, 0]);
    let elements: Vec<_> = View::parse(&bytes).expect("valid").extensions().collect();
    assert_eq!(elements, [(1, &[0xaa][..])]);
    let only_padding = raw(0x90, &[&[0xbe, 0xde, 0, 250][..], &[0; 1_000]].concat());
    assert_eq!(View::parse(&only_padding).expect("valid").extensions().count(), 0);
}

#[test]
fn a_two_byte_element_longer_than_the_extension_ends_it() {
    let bytes = raw(0x90, &[0x10, 0x0f, 0, 2, 15, 1, 0xaa, 16, 0, 17, 255, 0]);
    let elements: Vec<_> = View::parse(&bytes).expect("valid").extensions().collect();
    assert_eq!(elements, [(15, &[0xaa][..]), (16, &[])]);
}

#[test]
fn an_extension_of_another_profile_has_no_elements() {
    let bytes = raw(0x90, &[0x12, 0x34, 0, 1, 0x10, 0xaa, 0, 0, 7]);
    let view = View::parse(&bytes).expect("valid");
    assert_eq!((view.header.form(), view.extensions().count()), (None, 0));
    assert_eq!(view.payload(), [7]);
}

#[test]
fn padding_of_zero_or_more_than_the_payload_is_refused() {
    for (count, expected) in [(0, None), (1, Some(3)), (3, Some(1)), (4, Some(0)), (5, None)] {
        let bytes = raw(0xa0, &[1, 2, 3, count]);
        let payload = View::parse(&bytes).map(|view| view.payload().len());
        assert_eq!(payload, expected.ok_or(Error::Padding), "padding {count}");
    }
    assert_eq!(View::parse(&raw(0xa0, &[255; 254])).map(|_| ()), Err(Error::Padding));
    assert!(View::parse(&raw(0xa0, &[255; 255])).is_ok_and(|view| view.payload().is_empty()));
    // The last byte of a packet without payload belongs to its header, not to the padding.
    assert_eq!(View::parse(&raw(0xa0, &[])).map(|_| ()), Err(Error::Padding));
}

#[test]
fn padding_that_is_appended_is_taken_away_again() {
    let mut buffer = packet(Form::OneByte, &[], b"payload");
    let len = buffer.len();
    buffer.resize(len + 300, 9);
    assert_eq!(pad(&mut buffer, len, 0), Err(Error::Padding));
    let padded = pad(&mut buffer, len, 255).expect("fits");
    let view = View::parse(&buffer[..padded]).expect("valid");
    assert_eq!((view.payload(), view.padding_len()), (&b"payload"[..], 255));
}

#[test]
fn other_versions_are_refused() {
    for first in [0x00, 0x40, 0xc0, 0xff] {
        assert_eq!(Header::parse(&raw(first, &[])), Err(Error::Version));
    }
}

#[test]
fn an_element_that_does_not_fit_its_form_leaves_the_header_as_it_was() {
    let mut buffer = [0; 24];
    let mut writer = HeaderWriter::new(&mut buffer, &FIELDS, Form::OneByte).expect("fits");
    for (id, len) in [(0, 1), (15, 1), (1, 0), (1, 17)] {
        assert_eq!(writer.extension(id, &[0; 255][..len]), Err(Error::Invalid));
    }
    assert_eq!(writer.extension(1, &[0; 16]), Err(Error::NoSpace));
    writer.extension(3, b"mid").expect("fits");
    let len = writer.finish().expect("fits");
    let view = View::parse(&buffer[..len]).expect("valid");
    assert_eq!(view.extensions().collect::<Vec<_>>(), [(3, &b"mid"[..])]);
    let mut writer = HeaderWriter::new(&mut buffer, &FIELDS, Form::TwoByte).expect("fits");
    assert_eq!(writer.extension(0, b""), Err(Error::Invalid));
    assert_eq!(writer.extension(1, &[0; 256]), Err(Error::Invalid));
    assert_eq!(writer.finish(), Ok(FIXED_HEADER_LEN));
}

#[test]
fn fields_are_overwritten_in_place() {
    let mut bytes = packet(Form::OneByte, &[(1, b"a")], b"payload");
    set_marker(&mut bytes, false).expect("long enough");
    set_payload_type(&mut bytes, PayloadType::from_low_bits(111)).expect("long enough");
    set_sequence(&mut bytes, 7).expect("long enough");
    set_timestamp(&mut bytes, RtpTime(8)).expect("long enough");
    set_ssrc(&mut bytes, Ssrc(9)).expect("long enough");
    let view = View::parse(&bytes).expect("valid");
    let expected = Fields {
        marker: false,
        payload_type: PayloadType::from_low_bits(111),
        sequence: 7,
        timestamp: RtpTime(8),
        ssrc: Ssrc(9),
    };
    assert_eq!((view.header.fields, view.payload()), (expected, &b"payload"[..]));
    assert_eq!(set_ssrc(&mut bytes[..11], Ssrc(9)), Err(Error::Truncated));
}

#[test]
fn every_truncation_is_an_error_or_a_shorter_payload() {
    let bytes = packet(Form::TwoByte, &[(1, b"audio"), (200, &[5; 40])], b"payload");
    let whole = View::parse(&bytes).expect("valid");
    for len in 0..bytes.len() {
        match View::parse(&bytes[..len]) {
            Ok(view) => {
                assert_eq!(view.payload(), &whole.payload()[..len - whole.header.payload_start()])
            }
            Err(error) => {
                assert!(len < whole.header.payload_start());
                assert_eq!(error, Error::Truncated);
            }
        }
    }
}

fn elements(form: Form) -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    let (ids, lens) = match form {
        Form::OneByte => (1..=14u8, 1..=16usize),
        Form::TwoByte => (1..=255, 0..=255),
    };
    proptest::collection::vec((ids, proptest::collection::vec(any::<u8>(), lens)), 0..6)
}

proptest! {
    #[test]
    fn a_written_header_reads_back(
        (form, elements) in prop_oneof![Just(Form::OneByte), Just(Form::TwoByte)]
            .prop_flat_map(|form| (Just(form), elements(form))),
        payload in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let borrowed: Vec<_> = elements.iter().map(|(id, value)| (*id, value.as_slice())).collect();
        let bytes = packet(form, &borrowed, &payload);
        let view = View::parse(&bytes).expect("valid");
        prop_assert_eq!(view.header.fields, FIELDS);
        prop_assert_eq!(view.payload(), payload.as_slice());
        prop_assert_eq!(view.extensions().collect::<Vec<_>>(), borrowed);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(view) = View::parse(&bytes) {
            let parts = view.header.payload_start() + view.payload().len() + view.padding_len();
            prop_assert_eq!(parts, bytes.len());
            prop_assert!(view.extensions().count() <= bytes.len());
        }
    }
}
