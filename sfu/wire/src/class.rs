//! Which protocol a datagram belongs to, by its first bytes (RFC 7983, RFC 9443, RFC 5761).

/// The protocols that share the media port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// STUN: first byte 0 to 3, and the magic cookie's place exists.
    Stun,
    /// DTLS: first byte 20 to 63.
    Dtls,
    /// RTP or SRTP: first byte 128 to 191, second not an RTCP packet type.
    Rtp,
    /// RTCP or SRTCP: first byte 128 to 191, second 192 to 223.
    Rtcp,
    /// Anything else, such as ZRTP, TURN channels, QUIC, or nothing at all.
    Unknown,
}

/// The shortest header of each protocol: less can be dropped at once.
const STUN_HEADER: usize = 20;
const DTLS_HEADER: usize = 13;
const RTP_HEADER: usize = 12;
const RTCP_HEADER: usize = 8;

/// Says which protocol a datagram belongs to. A datagram shorter than the protocol's header is
/// [`Class::Unknown`].
#[inline]
pub fn classify(datagram: &[u8]) -> Class {
    let (class, least) = match datagram {
        [0..=3, ..] => (Class::Stun, STUN_HEADER),
        [20..=63, ..] => (Class::Dtls, DTLS_HEADER),
        [128..=191, 192..=223, ..] => (Class::Rtcp, RTCP_HEADER),
        [128..=191, ..] => (Class::Rtp, RTP_HEADER),
        _ => (Class::Unknown, 0),
    };
    if datagram.len() < least { Class::Unknown } else { class }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_first_byte_at_every_short_length_has_a_class() {
        for first in 0..=u8::MAX {
            for len in 0..64 {
                let mut datagram = vec![0; len];
                if let Some(byte) = datagram.first_mut() {
                    *byte = first;
                }
                let expected = match (first, len) {
                    (0..=3, 20..) => Class::Stun,
                    (20..=63, 13..) => Class::Dtls,
                    (128..=191, 12..) => Class::Rtp,
                    _ => Class::Unknown,
                };
                assert_eq!(classify(&datagram), expected, "first byte {first}, {len} bytes");
            }
        }
    }

    #[test]
    fn the_second_byte_tells_rtcp_from_rtp() {
        for second in 0..=u8::MAX {
            let datagram = [0x80, second, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            let expected = if (192..=223).contains(&second) { Class::Rtcp } else { Class::Rtp };
            assert_eq!(classify(&datagram), expected, "second byte {second}");
        }
    }
}
