//! Key derivation of RFC 3711 section 4.3: session keys from a master key, with AES-128 as its PRF.

use aes::Aes128;
use aes::cipher::{BlockEncrypt, KeyInit};
use zeroize::Zeroize;

/// Bytes of a master key and of a session encryption key.
pub const KEY_LEN: usize = 16;
/// Bytes of the longest master salt; shorter ones end in zeros (RFC 7714 section 11).
pub const SALT_LEN: usize = 14;

/// What a derived key is for (RFC 3711 section 4.3.1 and 4.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// SRTP encryption.
    RtpEncryption = 0,
    /// SRTP authentication.
    RtpAuthentication = 1,
    /// SRTP salt.
    RtpSalt = 2,
    /// SRTCP encryption.
    RtcpEncryption = 3,
    /// SRTCP authentication.
    RtcpAuthentication = 4,
    /// SRTCP salt.
    RtcpSalt = 5,
}

/// Fills `output` with the key for `label`; the key derivation rate is zero.
pub fn derive(key: &[u8; KEY_LEN], salt: &[u8; SALT_LEN], label: Label, output: &mut [u8]) {
    let aes = Aes128::new(key.into());
    let mut counter = [0; 16];
    counter[..SALT_LEN].copy_from_slice(salt);
    counter[7] ^= label as u8;
    for (number, chunk) in (0_u16..).zip(output.chunks_mut(16)) {
        let mut block = counter;
        block[14..].copy_from_slice(&number.to_be_bytes());
        aes.encrypt_block((&mut block).into());
        chunk.iter_mut().zip(block).for_each(|(out, byte)| *out = byte);
        block.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3711 appendix B.3.
    #[test]
    fn session_keys_are_those_of_rfc_3711() {
        let key = [
            0xE1, 0xF9, 0x7A, 0x0D, 0x3E, 0x01, 0x8B, 0xE0, 0xD6, 0x4F, 0xA3, 0x2C, 0x06, 0xDE,
            0x41, 0x39,
        ];
        let salt =
            [0x0E, 0xC6, 0x75, 0xAD, 0x49, 0x8A, 0xFE, 0xEB, 0xB6, 0x96, 0x0B, 0x3A, 0xAB, 0xE6];
        let mut encryption = [0; 16];
        derive(&key, &salt, Label::RtpEncryption, &mut encryption);
        assert_eq!(
            encryption,
            [
                0xC6, 0x1E, 0x7A, 0x93, 0x74, 0x4F, 0x39, 0xEE, 0x10, 0x73, 0x4A, 0xFE, 0x3F, 0xF7,
                0xA0, 0x87
            ]
        );
        let mut session_salt = [0; 14];
        derive(&key, &salt, Label::RtpSalt, &mut session_salt);
        assert_eq!(
            session_salt,
            [0x30, 0xCB, 0xBC, 0x08, 0x86, 0x3D, 0x8C, 0x85, 0xD4, 0x9D, 0xB3, 0x4A, 0x9A, 0xE1]
        );
        let mut authentication = [0; 94];
        derive(&key, &salt, Label::RtpAuthentication, &mut authentication);
        let text: String = authentication.iter().map(|byte| format!("{byte:02X}")).collect();
        assert_eq!(
            text,
            "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCE\
             E049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC25\
             6D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2"
        );
    }
}
