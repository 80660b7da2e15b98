//! Secrets of links and owners: made here, shown once, and kept by others only as a hash.

use super::{Code, Problem};
use axum::http::{HeaderMap, header};
use data_encoding::BASE64URL_NOPAD;
use rand::Rng;
use sha2::{Digest, Sha256};

/// Random bits of a secret; guessing one takes longer than the sun has.
const SECRET_BYTES: usize = 24;
/// The longest text that is looked at as a secret.
const MAX_SECRET_CHARS: usize = 64;

/// A new secret and its hash.
pub fn generate() -> (String, [u8; 32]) {
    let mut bytes = [0; SECRET_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    let secret = BASE64URL_NOPAD.encode(&bytes);
    let hash = hash(&secret);
    (secret, hash)
}

/// The hash by which a secret is known to the store. Plain SHA-256 serves: the secret is random.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Whether a text can be a secret at all.
pub fn is_plausible(secret: &str) -> bool {
    !secret.is_empty() && secret.len() <= MAX_SECRET_CHARS && secret.is_ascii()
}

/// The key of `Authorization: Bearer …`.
pub fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = value.and_then(|value| value.strip_prefix("Bearer "));
    key.ok_or_else(|| Problem::new(Code::Unauthorized, "send Authorization: Bearer and the key"))
}
