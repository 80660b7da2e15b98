//! PINs: only a slow, salted hash is kept (Argon2id, RFC 9106), and checking one costs a known amount.

use super::Error;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use lectern_control::Secret;
use lectern_control::limits::PIN_DIGITS;
use rand::Rng;
use std::sync::LazyLock;
use tokio::sync::Semaphore;

/// Memory of one hash in KiB, its passes and its lanes: the least that OWASP's password storage cheat
/// sheet recommends. A PIN has few digits: it is the bound on tries that protects it, and the hash only
/// keeps it from being read.
const COST: (u32, u32, u32) = (19 << 10, 2, 1);
/// Hashes computed at once: they take memory and a core each, which media needs more.
const AT_ONCE: usize = 2;

static PLACES: Semaphore = Semaphore::const_new(AT_ONCE);

static ARGON: LazyLock<Argon2<'static>> = LazyLock::new(|| {
    let (memory, passes, lanes) = COST;
    // These figures are within bounds; the defaults are the same.
    let params = Params::new(memory, passes, lanes, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
});

/// The hash of a new PIN.
pub async fn hash(pin: &Secret<String>) -> Result<String, Error> {
    let digits = pin.expose();
    if !PIN_DIGITS.contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Error::Invalid("a PIN has 6 to 10 digits"));
    }
    let mut salt = [0; 16];
    rand::rng().fill_bytes(&mut salt);
    let pin = pin.clone();
    slowly(move || {
        let salt = SaltString::encode_b64(&salt)?;
        ARGON.hash_password(pin.expose().as_bytes(), &salt).map(|hash| hash.to_string())
    })
    .await
}

/// Whether a PIN is the one of a hash.
pub async fn is_right(pin: &Secret<String>, hash: &str) -> Result<bool, Error> {
    let (pin, hash) = (pin.clone(), hash.to_owned());
    if pin.expose().len() > *PIN_DIGITS.end() {
        return Ok(false);
    }
    slowly(move || {
        let hash = PasswordHash::new(&hash)?;
        match ARGON.verify_password(pin.expose().as_bytes(), &hash) {
            Ok(()) => Ok(true),
            Err(argon2::password_hash::Error::Password) => Ok(false),
            Err(error) => Err(error),
        }
    })
    .await
}

async fn slowly<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, argon2::password_hash::Error> + Send + 'static,
) -> Result<T, Error> {
    let unavailable = |error: &dyn std::fmt::Display| Error::Unavailable(error.to_string());
    let _place = PLACES.acquire().await.map_err(|error| unavailable(&error))?;
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| unavailable(&error))?;
    done.map_err(|error| unavailable(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_pin_is_known_by_its_hash_and_no_other_is() {
        let hash = super::hash(&pin("073512")).await.expect("hashed");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(is_right(&pin("073512"), &hash).await.expect("checked"));
        for wrong in ["", "073513", "73512", "0735120", "０７３５１２", &"1".repeat(1 << 20)]
        {
            assert!(!is_right(&pin(wrong), &hash).await.expect("checked"), "{wrong:.20}");
        }
        let again = super::hash(&pin("073512")).await.expect("hashed");
        assert_ne!(hash, again, "salted");
    }

    #[tokio::test]
    async fn what_is_no_pin_is_refused() {
        for wrong in ["", "12345", "1234567890123", "12345a", "１２３４５６", "12 456"] {
            let refused = super::hash(&pin(wrong)).await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{wrong}");
        }
    }
}
