//! MESSAGE-INTEGRITY and FINGERPRINT (RFC 8489 sections 14.5 and 14.7).

use super::{HEADER_LEN, INTEGRITY_LEN, expect_len};
use crate::Error;
use ring::hmac;
use std::fmt;
use subtle::ConstantTimeEq;

/// A whole MESSAGE-INTEGRITY attribute.
const INTEGRITY_ATTRIBUTE_LEN: usize = 4 + INTEGRITY_LEN;
/// A whole FINGERPRINT attribute.
pub(super) const FINGERPRINT_ATTRIBUTE_LEN: usize = 8;
const FINGERPRINT_XOR: u32 = 0x5354_554e;

/// A key of MESSAGE-INTEGRITY, ready for use: for short-term credentials the password.
#[derive(Clone)]
pub struct Key(hmac::Key);

impl Key {
    /// From an ICE password (RFC 8489 section 9.1.1).
    pub fn new(password: &[u8]) -> Key {
        Key(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password))
    }

    /// The HMAC over a message up to MESSAGE-INTEGRITY, as if it ended with that attribute.
    pub(super) fn integrity_of(&self, protected: &[u8]) -> Option<hmac::Tag> {
        let (message_type, rest) = protected.split_first_chunk::<2>()?;
        let (_, rest) = rest.split_first_chunk::<2>()?;
        let len = protected.len().checked_sub(HEADER_LEN)?.checked_add(INTEGRITY_ATTRIBUTE_LEN)?;
        let mut context = hmac::Context::with_key(&self.0);
        context.update(message_type);
        context.update(&u16::try_from(len).ok()?.to_be_bytes());
        context.update(rest);
        Some(context.sign())
    }

    /// Whether `value` is this key's HMAC. Takes the same time whichever byte differs.
    pub(super) fn made(&self, protected: &[u8], value: &[u8]) -> bool {
        let expected = self.integrity_of(protected);
        expected.is_some_and(|expected| bool::from(expected.as_ref().ct_eq(value)))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key([secret])")
    }
}

/// The value of FINGERPRINT after `preceding`, whose header counts that attribute already.
pub(super) fn fingerprint_of(preceding: &[u8]) -> u32 {
    crc32(preceding) ^ FINGERPRINT_XOR
}

/// Refuses a fingerprint that does not fit, or is not the last attribute.
pub(super) fn check_fingerprint(
    value: &[u8],
    preceding: &[u8],
    is_last: bool,
) -> Result<(), Error> {
    expect_len(value, 4)?;
    let expected = fingerprint_of(preceding);
    if is_last && value == expected.to_be_bytes() { Ok(()) } else { Err(Error::Checksum) }
}

/// CRC-32 of ITU V.42, one table entry a byte.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = crc32_table();
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        let index = usize::from(crc.to_le_bytes()[0] ^ byte);
        crc >> 8 ^ TABLE.get(index).copied().unwrap_or_default()
    });
    !crc
}

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "runs at compile time")]
const fn crc32_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}
