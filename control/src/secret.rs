//! Values that must never reach a log: keys, passwords, tokens.

use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroize;

/// A value that prints as `[secret]` and is wiped when dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Secret(value)
    }

    /// The value itself; a reader of the code sees here where a secret is used.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Secret bytes as bytes, where a sequence of numbers would take up to twice the room; for
/// `#[serde(with = "…")]`. Reads either form.
pub(crate) mod bytes {
    use super::Secret;
    use serde::{Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        secret: &Secret<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serde_bytes::serialize(secret.expose(), serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Secret<Vec<u8>>, D::Error> {
        serde_bytes::deserialize(deserializer).map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Numbers(Secret<Vec<u8>>);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Packed(#[serde(with = "bytes")] Secret<Vec<u8>>);

    #[test]
    fn secret_bytes_take_the_room_they_need_and_are_read_in_either_form() {
        let secret = Secret::new(vec![0xff; 1_000]);
        let packed = rmp_serde::to_vec_named(&Packed(secret.clone())).expect("encodes");
        assert!(packed.len() < 1_010, "{} bytes", packed.len());
        assert_eq!(rmp_serde::from_slice::<Packed>(&packed).expect("decodes").0, secret);
        let numbers = rmp_serde::to_vec_named(&Numbers(secret.clone())).expect("encodes");
        assert_eq!(rmp_serde::from_slice::<Packed>(&numbers).expect("decodes").0, secret);
    }

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::new("hunter2".to_owned());
        assert_eq!(format!("{secret:?}"), "[secret]");
        assert_eq!(secret.expose(), "hunter2");
    }
}
