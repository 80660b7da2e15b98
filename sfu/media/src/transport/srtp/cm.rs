//! SRTP_AES128_CM_HMAC_SHA1_80 (RFC 3711): counter mode and an 80-bit tag, in place.
//!
//! The AES key schedule and the HMAC pads are made once; a packet costs no allocation.

use super::kdf::{self, KEY_LEN, Label, SALT_LEN};
use super::{RTCP_ENCRYPTED, RTCP_HEADER_LEN, RTCP_INDEX_LEN};
use aes::Aes128;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipher, StreamCipherCoreWrapper};
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes of the authentication tag.
pub const TAG_LEN: usize = 10;
const AUTHENTICATION_KEY_LEN: usize = 20;

#[derive(Zeroize, ZeroizeOnDrop)]
struct Salt([u8; SALT_LEN]);

struct Session {
    aes: Aes128,
    salt: Salt,
    hmac: Hmac<Sha1>,
}

impl Session {
    fn new(
        key: &[u8; KEY_LEN],
        salt: &[u8; SALT_LEN],
        [encryption, authentication, salting]: [Label; 3],
    ) -> Option<Session> {
        let mut session_key = [0; KEY_LEN];
        kdf::derive(key, salt, encryption, &mut session_key);
        let aes = Aes128::new(&session_key.into());
        session_key.zeroize();
        let mut authentication_key = [0; AUTHENTICATION_KEY_LEN];
        kdf::derive(key, salt, authentication, &mut authentication_key);
        let hmac = <Hmac<Sha1> as Mac>::new_from_slice(&authentication_key).ok();
        authentication_key.zeroize();
        let mut session_salt = Salt([0; SALT_LEN]);
        kdf::derive(key, salt, salting, &mut session_salt.0);
        Some(Session { aes, salt: session_salt, hmac: hmac? })
    }

    /// RFC 3711 section 4.1.1.
    fn apply_keystream(&self, ssrc: u32, index: u64, data: &mut [u8]) -> Option<()> {
        let mut iv = [0; 16];
        iv[..SALT_LEN].copy_from_slice(&self.salt.0);
        iv[4..8].iter_mut().zip(ssrc.to_be_bytes()).for_each(|(byte, part)| *byte ^= part);
        let index = index.to_be_bytes();
        iv[8..14].iter_mut().zip(&index[2..]).for_each(|(byte, part)| *byte ^= part);
        let core = CtrCore::<&Aes128, Ctr128BE>::inner_iv_init(&self.aes, &iv.into());
        StreamCipherCoreWrapper::from_core(core).try_apply_keystream(data).ok()
    }

    fn tag(&self, parts: [&[u8]; 2]) -> [u8; TAG_LEN] {
        let mut hmac = self.hmac.clone();
        parts.iter().for_each(|part| hmac.update(part));
        let full = hmac.finalize().into_bytes();
        let mut tag = [0; TAG_LEN];
        tag.iter_mut().zip(full).for_each(|(byte, from)| *byte = from);
        tag
    }
}

/// The session keys of one direction.
pub struct Keys {
    rtp: Session,
    rtcp: Session,
}

fn rollover_counter(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

impl Keys {
    /// Derives the session keys from a master key.
    pub fn new(key: &[u8; KEY_LEN], salt: &[u8; SALT_LEN]) -> Option<Keys> {
        let rtp = [Label::RtpEncryption, Label::RtpAuthentication, Label::RtpSalt];
        let rtcp = [Label::RtcpEncryption, Label::RtcpAuthentication, Label::RtcpSalt];
        Some(Keys { rtp: Session::new(key, salt, rtp)?, rtcp: Session::new(key, salt, rtcp)? })
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
        let sealed_len = len.checked_add(TAG_LEN)?;
        let (packet, tag_out) = buffer.get_mut(..sealed_len)?.split_at_mut_checked(len)?;
        self.rtp.apply_keystream(ssrc, index, packet.get_mut(header_len..)?)?;
        tag_out.copy_from_slice(&self.rtp.tag([packet, &rollover_counter(index)]));
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
        let len = packet.len().checked_sub(TAG_LEN)?;
        let (packet, tag) = packet.split_at_mut_checked(len)?;
        let expected = self.rtp.tag([packet, &rollover_counter(index)]);
        if !bool::from(expected.ct_eq(tag)) {
            return None;
        }
        self.rtp.apply_keystream(ssrc, index, packet.get_mut(header_len..)?)?;
        Some(len)
    }

    /// Encrypts a compound packet, appends index and tag (RFC 3711 section 3.4).
    pub fn seal_rtcp(&self, ssrc: u32, index: u32, buffer: &mut [u8], len: usize) -> Option<usize> {
        let sealed_len = len.checked_add(RTCP_INDEX_LEN + TAG_LEN)?;
        let (packet, trailer) = buffer.get_mut(..sealed_len)?.split_at_mut_checked(len)?;
        let (word, tag) = trailer.split_at_mut_checked(RTCP_INDEX_LEN)?;
        self.rtcp.apply_keystream(ssrc, index.into(), packet.get_mut(RTCP_HEADER_LEN..)?)?;
        word.copy_from_slice(&(RTCP_ENCRYPTED | index).to_be_bytes());
        tag.copy_from_slice(&self.rtcp.tag([packet, word]));
        Some(sealed_len)
    }

    /// Authenticates and decrypts a compound packet; gives its length.
    pub fn open_rtcp(&self, ssrc: u32, index: u32, packet: &mut [u8]) -> Option<usize> {
        let len = packet.len().checked_sub(RTCP_INDEX_LEN + TAG_LEN)?;
        let (packet, trailer) = packet.split_at_mut_checked(len)?;
        let (word, tag) = trailer.split_at_checked(RTCP_INDEX_LEN)?;
        let expected = self.rtcp.tag([packet, word]);
        if !bool::from(expected.ct_eq(tag)) {
            return None;
        }
        self.rtcp.apply_keystream(ssrc, index.into(), packet.get_mut(RTCP_HEADER_LEN..)?)?;
        Some(len)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::unhex;
    use super::*;

    /// RFC 3711 appendix B.2: session key and salt, SSRC and index zero, 1,044,512 octets.
    #[test]
    fn the_keystream_is_that_of_rfc_3711() {
        let session = Session {
            aes: Aes128::new_from_slice(&unhex("2B7E151628AED2A6ABF7158809CF4F3C")).expect("16"),
            salt: Salt(unhex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD").try_into().expect("14 bytes")),
            hmac: <Hmac<Sha1> as Mac>::new_from_slice(&[0; 20]).expect("any length"),
        };
        let mut stream = vec![0; 1_044_512];
        session.apply_keystream(0, 0, &mut stream).expect("long enough");
        let first = "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB\
                     41E95B3BB0A2E8DD477901E4FCA894C0";
        let last = "EC8CDF7398607CB0F2D21675EA9EA1E4362B7C3C6773516318A077D7FC5073AE\
                    6A2CC3787889374FBEB4C81B17BA6C44";
        assert_eq!(stream[..48], unhex(first));
        assert_eq!(stream[1_044_512 - 48..], unhex(last));
    }
}
