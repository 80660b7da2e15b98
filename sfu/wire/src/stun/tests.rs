//! Tests of STUN: the vectors of RFC 5769, round trips, and every way to break a message.

use super::integrity::FINGERPRINT_ATTRIBUTE_LEN;
use super::*;
use proptest::prelude::*;

const PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";
const TRANSACTION: TransactionId =
    TransactionId([0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae]);
const REQUEST: &str = "000100582112a442b7e7a701bc34d686fa87dfae\
    802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9b151263b36\
    000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2\
    80280004e57a3bcf";
const RESPONSE_V4: &str = "0101003c2112a442b7e7a701bc34d686fa87dfae\
    8022000b7465737420766563746f7220002000080001a147e112a643\
    000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";
const RESPONSE_V6: &str = "010100482112a442b7e7a701bc34d686fa87dfae\
    8022000b7465737420766563746f7220002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9\
    00080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c";

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().map(|digit| digit.to_digit(16).expect("a hex digit") as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn build(fill: impl FnOnce(Builder<'_>) -> Result<usize, Error>) -> Vec<u8> {
    let mut buffer = [0; MAX_BUILT_LEN];
    let builder = Builder::new(&mut buffer, Kind::Request, TRANSACTION).expect("fits");
    let len = fill(builder).expect("fits");
    buffer[..len].to_vec()
}

/// A message without integrity and fingerprint, of one attribute.
fn with_attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut buffer = [0; 2_000];
    let mut builder = Builder::new(&mut buffer, Kind::Error, TRANSACTION).expect("fits");
    builder.put(kind, &[value]).expect("fits");
    let len = builder.writer.len();
    builder.writer.patch(2, &((len - HEADER_LEN) as u16).to_be_bytes()).expect("fits");
    buffer[..len].to_vec()
}

#[test]
fn the_sample_request_of_rfc_5769() {
    let bytes = unhex(REQUEST);
    let message = Message::parse(&bytes).expect("valid");
    assert_eq!((message.kind, message.transaction), (Kind::Request, TRANSACTION));
    assert_eq!(message.username_fragments(), Some((&b"evtj"[..], &b"h6vY"[..])));
    assert_eq!(message.priority, Some(0x6e00_01ff));
    assert_eq!(message.role, Some(Role::Controlled(0x932f_f9b1_5126_3b36)));
    assert!(!message.use_candidate);
    assert!(message.verify(&Key::new(PASSWORD)));
    assert!(!message.verify(&Key::new(b"another password entirely")));
}

#[test]
fn the_sample_responses_of_rfc_5769() {
    for (hex, address) in [
        (RESPONSE_V4, "192.0.2.1:32853"),
        (RESPONSE_V6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
    ] {
        let bytes = unhex(hex);
        let message = Message::parse(&bytes).expect("valid");
        assert_eq!((message.kind, message.transaction), (Kind::Success, TRANSACTION));
        assert_eq!(message.mapped_address, address.parse().ok());
        assert!(message.verify(&Key::new(PASSWORD)));
    }
}

#[test]
fn any_changed_bit_breaks_fingerprint_integrity_or_framing() {
    let whole = unhex(REQUEST);
    let key = Key::new(PASSWORD);
    for at in 0..(whole.len() - FINGERPRINT_ATTRIBUTE_LEN) * 8 {
        let mut bytes = whole.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        let verified = Message::parse(&bytes).is_ok_and(|message| message.verify(&key));
        assert!(!verified, "bit {at}");
        // Without the fingerprint the integrity alone must tell. Its last eight bytes go.
        bytes.truncate(whole.len() - FINGERPRINT_ATTRIBUTE_LEN);
        let len = whole.len() - HEADER_LEN - FINGERPRINT_ATTRIBUTE_LEN;
        if at / 8 < bytes.len() && !(16..32).contains(&at) {
            bytes[2..4].copy_from_slice(&(len as u16).to_be_bytes());
            let verified = Message::parse(&bytes).is_ok_and(|message| message.verify(&key));
            assert!(!verified, "bit {at}");
        }
    }
}

#[test]
fn every_truncation_is_refused() {
    for hex in [REQUEST, RESPONSE_V4, RESPONSE_V6] {
        let bytes = unhex(hex);
        for len in 0..bytes.len() {
            assert!(Message::parse(&bytes[..len]).is_err(), "{len} bytes");
        }
        let longer = [&bytes[..], &[0, 0, 0, 0]].concat();
        assert_eq!(Message::parse(&longer).map(|_| ()), Err(Error::Length));
    }
}

#[test]
fn attributes_after_the_integrity_do_not_count() {
    let mut buffer = [0; 200];
    let mut builder = Builder::new(&mut buffer, Kind::Request, TRANSACTION).expect("fits");
    let tag = Key::new(PASSWORD).integrity_of(builder.writer.written()).expect("long enough");
    builder.put(attribute::MESSAGE_INTEGRITY, &[tag.as_ref()]).expect("fits");
    let len = builder.use_candidate().expect("fits").finish_unsigned().expect("fits");
    let message = Message::parse(&buffer[..len]).expect("valid");
    assert!(message.verify(&Key::new(PASSWORD)) && !message.use_candidate);
}

#[test]
fn a_message_without_integrity_is_not_verified() {
    let bytes = build(|builder| builder.priority(1)?.finish_unsigned());
    let message = Message::parse(&bytes).expect("valid");
    assert!(!message.has_integrity() && !message.verify(&Key::new(PASSWORD)));
}

#[test]
fn error_codes_out_of_range_are_refused() {
    for (class, number, expected) in
        [(3, 0, Some(300)), (4, 87, Some(487)), (6, 99, Some(699)), (2, 0, None), (7, 0, None)]
            .into_iter()
            .chain([(4, 100, None), (4, 255, None), (0, 0, None)])
    {
        let bytes = with_attribute(attribute::ERROR_CODE, &[0, 0, class, number, b'n', b'o']);
        let code = Message::parse(&bytes).map(|message| message.error.map(|error| error.code));
        assert_eq!(code, expected.map(Some).ok_or(Error::Invalid), "{class} {number}");
    }
    let long = [&[0, 0, 4, 0][..], &[b'a'; MAX_REASON_LEN + 1]].concat();
    let bytes = with_attribute(attribute::ERROR_CODE, &long);
    assert_eq!(Message::parse(&bytes).map(|_| ()), Err(Error::Invalid));
}

#[test]
fn attributes_of_the_wrong_length_are_refused() {
    for (kind, len, error) in [
        (attribute::USERNAME, 0, Error::Invalid),
        (attribute::USERNAME, MAX_USERNAME_LEN + 1, Error::Invalid),
        (attribute::PRIORITY, 3, Error::Length),
        (attribute::USE_CANDIDATE, 1, Error::Length),
        (attribute::ICE_CONTROLLING, 4, Error::Length),
        (attribute::ICE_CONTROLLED, 12, Error::Length),
        (attribute::MESSAGE_INTEGRITY, 19, Error::Length),
        (attribute::MESSAGE_INTEGRITY, 32, Error::Length),
        (attribute::FINGERPRINT, 0, Error::Length),
        (attribute::ERROR_CODE, 3, Error::Truncated),
        (attribute::XOR_MAPPED_ADDRESS, 0, Error::Truncated),
        (attribute::XOR_MAPPED_ADDRESS, 8, Error::Invalid),
    ] {
        let bytes = with_attribute(kind, &vec![0; len]);
        assert_eq!(Message::parse(&bytes).map(|_| ()), Err(error), "{kind:04x}, {len} bytes");
    }
    for (family, len) in [(1, 20), (2, 8), (1, 4), (2, 24)] {
        let mut value = vec![0; len];
        value[1] = family;
        let bytes = with_attribute(attribute::XOR_MAPPED_ADDRESS, &value);
        assert_eq!(Message::parse(&bytes).map(|_| ()), Err(Error::Length), "{family}, {len}");
    }
}

#[test]
fn an_unknown_attribute_that_must_be_understood_is_reported() {
    let bytes = with_attribute(0x7fff, b"what");
    assert_eq!(Message::parse(&bytes).map(|m| m.unknown_attribute), Ok(Some(0x7fff)));
    let bytes = with_attribute(0xffff, b"ever");
    assert_eq!(Message::parse(&bytes).map(|m| m.unknown_attribute), Ok(None));
}

#[test]
fn a_length_over_the_end_or_too_many_attributes_are_refused() {
    let mut bytes = with_attribute(0xffff, b"ever");
    bytes[HEADER_LEN + 2..HEADER_LEN + 4].copy_from_slice(&[0xff, 0xff]);
    assert_eq!(Message::parse(&bytes).map(|_| ()), Err(Error::Truncated));
    let mut many = with_attribute(0xffff, &[]);
    many.extend([0xff, 0xff, 0, 0].repeat(MAX_ATTRIBUTES - 1));
    let len = (many.len() - HEADER_LEN) as u16;
    many[2..4].copy_from_slice(&len.to_be_bytes());
    assert!(Message::parse(&many).is_ok());
    many.extend([0xff, 0xff, 0, 0]);
    many[2..4].copy_from_slice(&(len + 4).to_be_bytes());
    assert_eq!(Message::parse(&many).map(|_| ()), Err(Error::TooMany));
}

#[test]
fn other_methods_and_cookies_are_not_ours() {
    let mut bytes = build(|builder| builder.finish_unsigned());
    bytes[1] = 0x03;
    assert_eq!(Message::parse(&bytes).map(|_| ()), Err(Error::Unsupported));
    bytes[1] = 0x01;
    bytes[4] = 0;
    assert_eq!(Message::parse(&bytes).map(|_| ()), Err(Error::Unsupported));
}

fn address() -> impl Strategy<Value = SocketAddr> {
    let ip = prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(bits.into())),
        any::<u128>().prop_map(|bits| IpAddr::V6(bits.into())),
    ];
    (ip, any::<u16>()).prop_map(|(ip, port)| SocketAddr::new(ip, port))
}

proptest! {
    #[test]
    fn a_built_request_reads_back(
        ours in "[a-zA-Z0-9+/]{4,256}",
        theirs in "[a-zA-Z0-9+/]{4,256}",
        priority: u32,
        tie_breaker: u64,
        controlling: bool,
        password in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let role =
            if controlling { Role::Controlling(tie_breaker) } else { Role::Controlled(tie_breaker) };
        let key = Key::new(&password);
        let bytes = build(|builder| {
            let builder = builder.username(ours.as_bytes(), theirs.as_bytes())?;
            builder.priority(priority)?.use_candidate()?.role(role)?.finish(&key)
        });
        let message = Message::parse(&bytes).expect("valid");
        prop_assert_eq!(message.kind, Kind::Request);
        prop_assert_eq!(message.username_fragments(), Some((ours.as_bytes(), theirs.as_bytes())));
        prop_assert_eq!((message.priority, message.role), (Some(priority), Some(role)));
        prop_assert!(message.use_candidate && message.verify(&key));
    }

    #[test]
    fn a_built_response_reads_back(address in address(), code in 300u16..700, transaction: [u8; 12]) {
        let mut buffer = [0; MAX_BUILT_LEN];
        let transaction = TransactionId(transaction);
        let key = Key::new(PASSWORD);
        let builder = Builder::new(&mut buffer, Kind::Success, transaction).expect("fits");
        let len = builder.mapped_address(address).and_then(|b| b.finish(&key)).expect("fits");
        let message = Message::parse(&buffer[..len]).expect("valid");
        prop_assert_eq!((message.kind, message.transaction), (Kind::Success, transaction));
        prop_assert_eq!(message.mapped_address, Some(address));
        let builder = Builder::new(&mut buffer, Kind::Error, transaction).expect("fits");
        let error = ErrorCode { code, reason: b"no" };
        let len = builder.error_code(error).and_then(Builder::finish_unsigned).expect("fits");
        let message = Message::parse(&buffer[..len]).expect("valid");
        prop_assert_eq!((message.kind, message.error), (Kind::Error, Some(error)));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = bytes;
        prop_assert!(Message::parse(&bytes).is_err());
        if bytes.len() >= HEADER_LEN {
            let len = (bytes.len() - HEADER_LEN) as u16;
            bytes[..8].copy_from_slice(&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]);
            bytes[2..4].copy_from_slice(&len.to_be_bytes());
            if let Ok(message) = Message::parse(&bytes) {
                prop_assert!(!message.verify(&Key::new(PASSWORD)));
            }
        }
    }
}
