//! A participant's DTLS certificate: self-signed, its fingerprint goes into the descriptions
//! (RFC 8122).

use lectern_control::Secret;
use lectern_control::transport::{DtlsIdentity, Fingerprint};
use sha2::{Digest, Sha256};
use std::time::{Duration, SystemTime};

/// Longer than any stay in a room; nobody checks it, the fingerprint is what counts.
const LIFETIME: Duration = Duration::from_secs(30 * 86_400);
/// Clocks of clients may be off.
const LEEWAY: Duration = Duration::from_secs(86_400);

/// Makes a certificate (ECDSA P-256) and its fingerprint.
pub fn generate(now: SystemTime) -> Result<(DtlsIdentity, Fingerprint), rcgen::Error> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut parameters = rcgen::CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "WebRTC");
    parameters.not_before = (now - LEEWAY).into();
    parameters.not_after = (now + LIFETIME).into();
    let certificate = parameters.self_signed(&key)?.der().to_vec();
    let fingerprint = Fingerprint(Sha256::digest(&certificate).into());
    let private_key = Secret::new(key.serialize_der());
    Ok((DtlsIdentity { certificate, private_key }, fingerprint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_participant_has_a_certificate_of_its_own() {
        let (one, first) = generate(SystemTime::now()).expect("a certificate");
        let (_, second) = generate(SystemTime::now()).expect("a certificate");
        assert_ne!(first, second);
        assert!(one.certificate.len() < 512, "two DTLS datagrams carry it");
    }
}
