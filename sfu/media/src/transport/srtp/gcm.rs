//! AEAD_AES_128_GCM for SRTP and SRTCP (RFC 7714), in place, with key schedules made once.

use super::kdf::{self, KEY_LEN, Label, SALT_LEN};
use super::{RTCP_ENCRYPTED, RTCP_HEADER_LEN, RTCP_INDEX_LEN};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes of the authentication tag.
pub const TAG_LEN: usize = 16;
const IV_LEN: usize = 12;

#[derive(Zeroize, ZeroizeOnDrop)]
struct Salt([u8; IV_LEN]);

impl Salt {
    /// RFC 7714 section 8.1 and 9.1: `counter` is the rollover counter and sequence number, or the
    /// SRTCP index.
    fn nonce(&self, ssrc: u32, counter: u64) -> Nonce {
        let mut iv = [0; IV_LEN];
        iv[2..6].copy_from_slice(&ssrc.to_be_bytes());
        iv[6..].copy_from_slice(&counter.to_be_bytes()[2..]);
        iv.iter_mut().zip(self.0).for_each(|(byte, salt)| *byte ^= salt);
        Nonce::assume_unique_for_key(iv)
    }
}

/// The session keys of one direction.
pub struct Keys {
    rtp: LessSafeKey,
    rtp_salt: Salt,
    rtcp: LessSafeKey,
    rtcp_salt: Salt,
}

fn session_key(key: &[u8]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_128_GCM, key).ok().map(LessSafeKey::new)
}

impl Keys {
    /// Derives the session keys from a master key; its salt is padded with zeros to 112 bits.
    pub fn new(key: &[u8; KEY_LEN], salt: &[u8; SALT_LEN]) -> Option<Keys> {
        let derive = |label, output: &mut [u8]| kdf::derive(key, salt, label, output);
        let mut session = [0; KEY_LEN];
        derive(Label::RtpEncryption, &mut session);
        let rtp = session_key(&session);
        derive(Label::RtcpEncryption, &mut session);
        let rtcp = session_key(&session);
        session.zeroize();
        let (mut rtp_salt, mut rtcp_salt) = (Salt([0; IV_LEN]), Salt([0; IV_LEN]));
        derive(Label::RtpSalt, &mut rtp_salt.0);
        derive(Label::RtcpSalt, &mut rtcp_salt.0);
        Some(Keys { rtp: rtp?, rtp_salt, rtcp: rtcp?, rtcp_salt })
    }

    /// Encrypts what follows `header_len` and appends the tag. `None` where the buffer is short.
    pub fn seal_rtp(
        &self,
        ssrc: u32,
        index: u64,
        buffer: &mut [u8],
        header_len: usize,
        len: usize,
    ) -> Option<usize> {
        let nonce = self.rtp_salt.nonce(ssrc, index);
        let sealed_len = len.checked_add(TAG_LEN)?;
        let (header, rest) = buffer.get_mut(..sealed_len)?.split_at_mut_checked(header_len)?;
        let (payload, tag_out) = rest.split_at_mut_checked(len.checked_sub(header_len)?)?;
        let tag = self.rtp.seal_in_place_separate_tag(nonce, Aad::from(&*header), payload).ok()?;
        tag_out.copy_from_slice(tag.as_ref());
        Some(sealed_len)
    }

    /// Authenticates and decrypts; gives the length without the tag.
    pub fn open_rtp(
        &self,
        ssrc: u32,
        index: u64,
        packet: &mut [u8],
        header_len: usize,
    ) -> Option<usize> {
        let nonce = self.rtp_salt.nonce(ssrc, index);
        let (header, rest) = packet.split_at_mut_checked(header_len)?;
        let payload = self.rtp.open_in_place(nonce, Aad::from(&*header), rest).ok()?;
        Some(header_len + payload.len())
    }

    /// Encrypts a compound packet, appends tag and index (RFC 7714 section 9.2).
    pub fn seal_rtcp(&self, ssrc: u32, index: u32, buffer: &mut [u8], len: usize) -> Option<usize> {
        let nonce = self.rtcp_salt.nonce(ssrc, index.into());
        let word = (RTCP_ENCRYPTED | index).to_be_bytes();
        let sealed_len = len.checked_add(TAG_LEN + RTCP_INDEX_LEN)?;
        let (header, rest) = buffer.get_mut(..sealed_len)?.split_at_mut_checked(RTCP_HEADER_LEN)?;
        let (body, trailer) = rest.split_at_mut_checked(len.checked_sub(RTCP_HEADER_LEN)?)?;
        let aad = Aad::from(rtcp_aad(header, word)?);
        let tag = self.rtcp.seal_in_place_separate_tag(nonce, aad, body).ok()?;
        let (tag_out, word_out) = trailer.split_at_mut_checked(TAG_LEN)?;
        tag_out.copy_from_slice(tag.as_ref());
        word_out.copy_from_slice(&word);
        Some(sealed_len)
    }

    /// Authenticates and decrypts a compound packet; gives its length.
    pub fn open_rtcp(&self, ssrc: u32, index: u32, packet: &mut [u8]) -> Option<usize> {
        let nonce = self.rtcp_salt.nonce(ssrc, index.into());
        let (header, rest) = packet.split_at_mut_checked(RTCP_HEADER_LEN)?;
        let body_len = rest.len().checked_sub(RTCP_INDEX_LEN)?;
        let (body, _) = rest.split_at_mut_checked(body_len)?;
        let aad = Aad::from(rtcp_aad(header, (RTCP_ENCRYPTED | index).to_be_bytes())?);
        let plain = self.rtcp.open_in_place(nonce, aad, body).ok()?;
        Some(RTCP_HEADER_LEN + plain.len())
    }
}

fn rtcp_aad(header: &[u8], word: [u8; 4]) -> Option<[u8; RTCP_HEADER_LEN + RTCP_INDEX_LEN]> {
    let mut aad = [0; RTCP_HEADER_LEN + RTCP_INDEX_LEN];
    aad.get_mut(..RTCP_HEADER_LEN)?.copy_from_slice(header);
    aad.get_mut(RTCP_HEADER_LEN..)?.copy_from_slice(&word);
    Some(aad)
}

#[cfg(test)]
mod tests {
    use super::super::tests::unhex;
    use super::*;

    /// Keys as RFC 7714 section 16 and 17 give them: session keys, not master keys.
    fn keys() -> Keys {
        let key = unhex("000102030405060708090a0b0c0d0e0f");
        let salt: [u8; 12] = unhex("517569642070726f2071756f").try_into().expect("12 bytes");
        Keys {
            rtp: session_key(&key).expect("16 bytes"),
            rtp_salt: Salt(salt),
            rtcp: session_key(&key).expect("16 bytes"),
            rtcp_salt: Salt(salt),
        }
    }

    #[test]
    fn srtp_is_that_of_rfc_7714_section_16_1() {
        let plain = unhex(
            "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e697320646976\
             69736120696e207061727465732074726573",
        );
        let sealed = unhex(
            "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd5\
             0d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce",
        );
        let mut buffer = plain.clone();
        buffer.resize(plain.len() + TAG_LEN, 0);
        let len = keys().seal_rtp(0x5501_a0b2, 0xf17b, &mut buffer, 12, plain.len());
        assert_eq!(len, Some(sealed.len()));
        assert_eq!(buffer, sealed);
        let len = keys().open_rtp(0x5501_a0b2, 0xf17b, &mut buffer, 12);
        assert_eq!(len, Some(plain.len()));
        assert_eq!(buffer[..plain.len()], plain);
    }

    #[test]
    fn srtcp_is_that_of_rfc_7714_section_17_1() {
        let plain = unhex(
            "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61\
             deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
        );
        let sealed = unhex(
            "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32d\
             c676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf872\
             45d9eade800005d4",
        );
        let mut buffer = plain.clone();
        buffer.resize(plain.len() + TAG_LEN + RTCP_INDEX_LEN, 0);
        let len = keys().seal_rtcp(0x4d61_7273, 0x5d4, &mut buffer, plain.len());
        assert_eq!(len, Some(sealed.len()));
        assert_eq!(buffer, sealed);
        assert_eq!(keys().open_rtcp(0x4d61_7273, 0x5d4, &mut buffer), Some(plain.len()));
        assert_eq!(buffer[..plain.len()], plain);
    }
}
