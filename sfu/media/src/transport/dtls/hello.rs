//! The ClientHello (RFC 5246 section 7.4.1.2): what a client offers, and the cookie exchange of
//! RFC 6347 section 4.2.1, which keeps no state.

use super::order::message_type;
use super::record::{VERSION_1_2, build_handshake};
use crate::transport::srtp::Profile;
use lectern_wire::cursor::Reader;
use subtle::ConstantTimeEq;

/// Bytes of our cookies.
pub const COOKIE_LEN: usize = 20;
const RANDOM_LEN: usize = 32;

/// ECDHE with our ECDSA certificate and AEAD: `AES_128_GCM_SHA256`, `CHACHA20_POLY1305_SHA256`.
const CIPHER_SUITES: [u16; 2] = [0xc02b, 0xcca9];
/// P-256, P-384, X25519.
const GROUPS: [u16; 3] = [23, 24, 29];
const EXTENSION_GROUPS: u16 = 10;
const EXTENSION_USE_SRTP: u16 = 14;
const EXTENSION_SUPPORTED_VERSIONS: u16 = 43;
const SRTP_AES128_CM_HMAC_SHA1_80: u16 = 1;
const SRTP_AEAD_AES_128_GCM: u16 = 7;

/// A ClientHello we can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientHello<'a> {
    /// Our cookie, or nothing.
    pub cookie: &'a [u8],
    /// The SRTP profile to use: AES-GCM wherever it is offered, in whatever order.
    pub profile: Profile,
    before_cookie: &'a [u8],
    after_cookie: &'a [u8],
}

impl<'a> ClientHello<'a> {
    /// Reads a message's body. `None` where it is malformed or offers nothing we accept.
    pub fn parse(body: &'a [u8]) -> Option<ClientHello<'a>> {
        let mut reader = Reader::new(body);
        if reader.u16().ok()? != VERSION_1_2 {
            return None;
        }
        reader.take(RANDOM_LEN).ok()?;
        // We keep no sessions, so that an honest client has none to resume.
        if reader.u8().ok()? != 0 {
            return None;
        }
        let before_cookie = body.get(..RANDOM_LEN + 3)?;
        let cookie_len = usize::from(reader.u8().ok()?);
        let cookie = reader.take(cookie_len).ok()?;
        let after_cookie = reader.rest();
        let suites_len = usize::from(reader.u16().ok()?);
        if !offers(reader.take(suites_len).ok()?, &CIPHER_SUITES) {
            return None;
        }
        let compressions_len = usize::from(reader.u8().ok()?);
        if !reader.take(compressions_len).ok()?.contains(&0) {
            return None;
        }
        let extensions_len = usize::from(reader.u16().ok()?);
        let extensions = reader.take(extensions_len).ok()?;
        let profile = read_extensions(extensions)?;
        reader.is_empty().then_some(ClientHello { cookie, profile, before_cookie, after_cookie })
    }

    /// The message's body as it was before the client had a cookie.
    pub fn without_cookie(&self) -> Vec<u8> {
        [self.before_cookie, &[0], self.after_cookie].concat()
    }
}

fn offers(list: &[u8], accepted: &[u16]) -> bool {
    let (items, _) = list.as_chunks::<2>();
    items.iter().any(|item| accepted.contains(&u16::from_be_bytes(*item)))
}

fn read_extensions(extensions: &[u8]) -> Option<Profile> {
    let mut reader = Reader::new(extensions);
    let mut profile = None;
    while !reader.is_empty() {
        let kind = reader.u16().ok()?;
        let len = usize::from(reader.u16().ok()?);
        let mut value = Reader::new(reader.take(len).ok()?);
        match kind {
            EXTENSION_USE_SRTP => {
                let len = usize::from(value.u16().ok()?);
                profile = choose_profile(value.take(len).ok()?);
            }
            EXTENSION_GROUPS => {
                let len = usize::from(value.u16().ok()?);
                offers(value.take(len).ok()?, &GROUPS).then_some(())?;
            }
            EXTENSION_SUPPORTED_VERSIONS => {
                let len = usize::from(value.u8().ok()?);
                offers(value.take(len).ok()?, &[VERSION_1_2]).then_some(())?;
            }
            _ => {}
        }
    }
    profile
}

fn choose_profile(list: &[u8]) -> Option<Profile> {
    if offers(list, &[SRTP_AEAD_AES_128_GCM]) {
        Some(Profile::AeadAes128Gcm)
    } else if offers(list, &[SRTP_AES128_CM_HMAC_SHA1_80]) {
        Some(Profile::Aes128CmHmacSha1_80)
    } else {
        None
    }
}

/// A connection's cookie. It is the same for every ClientHello: one that was forged in the client's
/// name, and answered, must not leave the client with a cookie of no use.
#[derive(Clone, Copy)]
pub struct Cookie(pub [u8; COOKIE_LEN]);

impl Cookie {
    /// From secret bytes.
    pub fn new(secret: &[u8; 32]) -> Cookie {
        let mut cookie = [0; COOKIE_LEN];
        cookie.iter_mut().zip(secret).for_each(|(byte, from)| *byte = *from);
        Cookie(cookie)
    }

    /// Whether the client has seen our HelloVerifyRequest.
    pub fn check(&self, hello: &ClientHello<'_>) -> bool {
        bool::from(self.0.ct_eq(hello.cookie))
    }
}

/// The record of a HelloVerifyRequest.
pub fn build_verify_request(cookie: &Cookie, sequence: u64) -> Option<Vec<u8>> {
    let mut body = VERSION_1_2.to_be_bytes().to_vec();
    body.push(COOKIE_LEN as u8);
    body.extend(cookie.0);
    build_handshake(message_type::HELLO_VERIFY_REQUEST, 0, sequence, &body)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A ClientHello's body with these parts.
    pub fn body(cookie: &[u8], suites: &[u16], srtp: Option<&[u16]>) -> Vec<u8> {
        let list = |items: &[u16]| -> Vec<u8> {
            let bytes: Vec<u8> = items.iter().flat_map(|item| item.to_be_bytes()).collect();
            [&(bytes.len() as u16).to_be_bytes()[..], &bytes].concat()
        };
        let mut extensions = vec![0, 10, 0, 6, 0, 4, 0x11, 0xec, 0, 29];
        if let Some(profiles) = srtp {
            let mut value = list(profiles);
            value.push(0);
            extensions.extend([0, 14]);
            extensions.extend((value.len() as u16).to_be_bytes());
            extensions.extend(value);
        }
        let mut body = vec![0xfe, 0xfd];
        body.extend([7; RANDOM_LEN]);
        body.extend([0, cookie.len() as u8]);
        body.extend(cookie);
        body.extend(list(suites));
        body.extend([1, 0]);
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
        body
    }

    #[test]
    fn gcm_is_chosen_wherever_it_is_offered() {
        for (offered, chosen) in [
            (&[1, 8, 7][..], Some(Profile::AeadAes128Gcm)),
            (&[7], Some(Profile::AeadAes128Gcm)),
            (&[1, 8], Some(Profile::Aes128CmHmacSha1_80)),
            (&[2, 1], Some(Profile::Aes128CmHmacSha1_80)),
            (&[2], None),
            (&[5, 6], None),
            (&[8], None),
            (&[], None),
        ] {
            let body = body(&[], &[0x1301, 0xc02b], Some(offered));
            let hello = ClientHello::parse(&body);
            assert_eq!(hello.map(|hello| hello.profile), chosen, "{offered:?}");
        }
    }

    #[test]
    fn what_offers_nothing_we_accept_is_refused() {
        assert!(ClientHello::parse(&body(&[], &[0xc02b], None)).is_none(), "no use_srtp");
        for suite in [0x0000, 0x009c, 0x00ff, 0xc009, 0xc02f, 0x1301] {
            assert!(ClientHello::parse(&body(&[], &[suite], Some(&[7]))).is_none(), "{suite:x}");
        }
        let good = body(&[], &[0xcca9], Some(&[7]));
        assert!(ClientHello::parse(&good).is_some());
        for len in 0..good.len() {
            assert!(ClientHello::parse(&good[..len]).is_none(), "{len}");
        }
        let mut longer = good.clone();
        longer.push(0);
        assert!(ClientHello::parse(&longer).is_none());
    }

    #[test]
    fn a_cookie_fits_only_its_own_connection() {
        let cookie = Cookie::new(&[1; 32]);
        let with = body(&cookie.0, &[0xc02b], Some(&[7]));
        let hello = ClientHello::parse(&with).expect("good");
        assert!(cookie.check(&hello));
        assert_eq!(hello.without_cookie(), body(&[], &[0xc02b], Some(&[7])));
        assert!(!Cookie::new(&[2; 32]).check(&hello));
        for wrong in [&[][..], &[9; COOKIE_LEN], &[1; COOKIE_LEN - 1], &[1; COOKIE_LEN + 1]] {
            let other = body(wrong, &[0xc02b], Some(&[7]));
            assert!(!cookie.check(&ClientHello::parse(&other).expect("good")));
        }
    }
}
