//! What names a stream on the wire: SSRC, payload type, mid, rid.

use crate::Error;
use std::fmt;

/// Synchronisation source: the number of one RTP stream (RFC 3550 section 3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ssrc(pub u32);

impl fmt::Debug for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ssrc({:08x})", self.0)
    }
}

impl fmt::Display for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Names the codec of a packet, as negotiated: 0 to 127 (RFC 3550 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PayloadType(u8);

impl PayloadType {
    /// The highest payload type.
    pub const MAX: u8 = 127;

    /// A payload type; `None` over [`Self::MAX`].
    #[inline]
    pub const fn new(value: u8) -> Option<PayloadType> {
        if value <= Self::MAX { Some(PayloadType(value)) } else { None }
    }

    /// The payload type in the low seven bits of a byte whose top bit means something else.
    #[inline]
    pub const fn from_low_bits(byte: u8) -> PayloadType {
        PayloadType(byte & 0x7f)
    }

    /// The number.
    #[inline]
    pub const fn value(self) -> u8 {
        self.0
    }
}

macro_rules! token {
    ($(#[$doc:meta])* $name:ident, $max:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            bytes: [u8; $max],
            len: u8,
        }

        impl $name {
            /// The longest value, in bytes: longer ones cost a packet more than they are worth.
            pub const MAX_LEN: usize = $max;

            /// Reads a header extension's value or a text of SDP. Empty, too long, or with other
            /// characters than the RFC allows is [`Error::Invalid`].
            #[inline]
            pub fn parse(value: &[u8]) -> Result<$name, Error> {
                let allowed: fn(&u8) -> bool = $allowed;
                if value.is_empty() || !value.iter().all(allowed) {
                    return Err(Error::Invalid);
                }
                let mut bytes = [0; $max];
                bytes.get_mut(..value.len()).ok_or(Error::Invalid)?.copy_from_slice(value);
                Ok($name { bytes, len: u8::try_from(value.len()).map_err(|_| Error::Invalid)? })
            }

            /// The value as bytes.
            #[inline]
            pub fn as_bytes(&self) -> &[u8] {
                self.bytes.get(..usize::from(self.len)).unwrap_or_default()
            }

            /// The value as text.
            pub fn as_str(&self) -> &str {
                std::str::from_utf8(self.as_bytes()).unwrap_or_default()
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<$name, Error> {
                $name::parse(text.as_bytes())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.as_str())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

token!(
    /// Names the m-line a packet belongs to: a token of RFC 8866 (RFC 5888 section 4, RFC 8843).
    Mid,
    16,
    |byte| matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'^'..=b'~')
);
token!(
    /// Names one encoding of a track (RFC 8852 section 3.1: letters and digits). `-` and `_`, which
    /// RFC 8851 once allowed, are accepted.
    Rid,
    16,
    |byte| matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_')
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_type_has_seven_bits() {
        assert_eq!(PayloadType::new(127).map(PayloadType::value), Some(127));
        assert_eq!(PayloadType::new(128), None);
        assert_eq!(PayloadType::from_low_bits(0xff).value(), 127);
    }

    #[test]
    fn a_mid_or_rid_of_garbage_is_refused() {
        let long = [b'a'; 255];
        for value in [&b""[..], b"\0", b"a\0", "ä".as_bytes(), b"\xff\xfe", &long, &long[..17]] {
            assert_eq!(Mid::parse(value), Err(Error::Invalid));
            assert_eq!(Rid::parse(value), Err(Error::Invalid));
        }
        assert_eq!(Mid::parse(&long[..16]).map(|mid| mid.as_bytes().len()), Ok(16));
        assert_eq!("hi_1".parse::<Rid>().map(|rid| rid.to_string()), Ok("hi_1".to_owned()));
        assert_eq!("{0}".parse::<Mid>().map(|mid| mid.to_string()), Ok("{0}".to_owned()));
        assert_eq!("a b".parse::<Mid>(), Err(Error::Invalid));
    }
}
