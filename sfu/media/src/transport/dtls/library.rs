//! How `rtc-dtls` is configured: which ciphers, whose certificate, whose random bytes.

use super::hello::{COOKIE_LEN, Cookie};
use crate::transport::srtp::Profile;
use lectern_control::transport::{DtlsRole, Fingerprint};
use ring::digest;
use rtc_crypto::providers::RingProvider;
use rtc_crypto::{CryptoError, RTCCrypto, RTCCryptoProvider, RTCRandom};
use rtc_dtls::cipher_suite::CipherSuiteId;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, HandshakeConfig};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::error::Error;
use std::sync::Arc;

/// Bytes of handshake in one datagram; with headers it stays under 1,200.
const HANDSHAKE_MTU: usize = 1150;

/// What every connection has in common.
pub fn builder(provider: Arc<dyn RTCCryptoProvider>) -> ConfigBuilder {
    ConfigBuilder::default()
        .with_crypto_provider(provider)
        .with_cipher_suites(vec![
            CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256,
            CipherSuiteId::Tls_Ecdhe_Rsa_With_Aes_128_Gcm_Sha256,
            CipherSuiteId::Tls_Ecdhe_Ecdsa_With_ChaCha20_Poly1305_Sha256,
            CipherSuiteId::Tls_Ecdhe_Rsa_With_ChaCha20_Poly1305_Sha256,
        ])
        .with_mtu(HANDSHAKE_MTU)
        // No authority vouches for these certificates: the fingerprint does (RFC 8827 section 6.5).
        .with_insecure_skip_verify(true)
        .with_server_name("webrtc".to_owned())
}

/// The configuration of a handshake.
pub fn config(
    role: DtlsRole,
    certificate: Option<&Certificate>,
    expected: Fingerprint,
    profiles: &[Profile],
    cookie: Cookie,
) -> Result<Arc<HandshakeConfig>, Error> {
    let provider: Arc<dyn RTCCryptoProvider> = Arc::new(Provider::new(cookie));
    let profiles = profiles.iter().map(|profile| match profile {
        Profile::AeadAes128Gcm => SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
        Profile::Aes128CmHmacSha1_80 => SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
    });
    builder(provider)
        .with_certificates(certificate.into_iter().cloned().collect())
        .with_srtp_protection_profiles(profiles.collect())
        .with_client_auth(ClientAuthType::RequireAnyClientCert)
        .with_verify_peer_certificate(Some(Arc::new(move |chain, _| {
            let is_promised = chain.first().is_some_and(|first| hash(first) == expected);
            is_promised.then_some(()).ok_or(Error::ErrInvalidCertificate)
        })))
        .build(role == DtlsRole::Client, None)
        .map(Arc::new)
}

/// The SHA-256 of a certificate.
pub fn hash(certificate: &[u8]) -> Fingerprint {
    let digest = digest::digest(&digest::SHA256, certificate);
    let mut fingerprint = [0; 32];
    fingerprint.iter_mut().zip(digest.as_ref()).for_each(|(byte, from)| *byte = *from);
    Fingerprint(fingerprint)
}

/// `ring`, except that the cookie of HelloVerifyRequest is the one the gate has sent already.
struct Provider {
    ring: RingProvider,
    random: Random,
}

struct Random {
    ring: RingProvider,
    cookie: Cookie,
}

impl Provider {
    fn new(cookie: Cookie) -> Provider {
        Provider { ring: RingProvider::new(), random: Random { ring: RingProvider::new(), cookie } }
    }
}

impl RTCCryptoProvider for Provider {
    fn name(&self) -> &'static str {
        self.ring.name()
    }

    fn crypto(&self) -> &dyn RTCCrypto {
        self.ring.crypto()
    }

    fn random(&self) -> &dyn RTCRandom {
        &self.random
    }
}

impl RTCRandom for Random {
    /// Nothing else that DTLS fills with random bytes is as long as a cookie: hello randoms have
    /// 28, nonces 8, initialisation vectors 16.
    fn fill(&self, output: &mut [u8]) -> Result<(), CryptoError> {
        if output.len() == COOKIE_LEN {
            output.copy_from_slice(&self.cookie.0);
            return Ok(());
        }
        self.ring.random().fill(output)
    }
}
