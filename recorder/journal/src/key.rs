//! Keys: one of its own for each recording, wrapped by a master key of the operator's.
//!
//! Whoever has the stored files but no master key has nothing; destroying a wrapped key destroys
//! what was sealed with it. The library for ciphers does not wipe the keys derived in it.

mod file;

use data_encoding::HEXLOWER;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// Bytes of a tag of AES-GCM.
pub(crate) const TAG_BYTES: usize = 16;
/// Master keys in one ring: more than are rotated in years, few enough to try none blindly.
pub const MAX_MASTER_KEYS: usize = 64;
/// What a wrapped key is bound to, besides its master.
const WRAP_CONTEXT: &[u8] = b"lectern wrapped key 1:";

/// Why keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file of the master keys cannot be read or written.
    #[error("the file of the master keys: {0}")]
    File(#[from] io::Error),
    /// The file exists already: nothing is ever written over it.
    #[error("the file of the master keys exists already")]
    Exists,
    /// Others than its owner and group may read it, or others than its owner may write it.
    #[error("the file of the master keys is open to others: its mode is {0:o}, 600 is safe")]
    Open(u32),
    /// A line is not `id hex`, an id stands twice, there is no line, or there are too many.
    #[error("line {0} of the master keys is damaged")]
    Damaged(usize),
    /// No such master key is in the ring: it was retired, or was added after the ring was loaded.
    #[error("no master key {0}")]
    Unknown(KeyId),
    /// The first key wraps new keys, and cannot be retired: rotate first.
    #[error("{0} is the first master key: rotate before it is retired")]
    Primary(KeyId),
    /// The ring holds [`MAX_MASTER_KEYS`] already.
    #[error("there are {MAX_MASTER_KEYS} master keys already: retire some")]
    Full,
    /// The wrapped key was changed, or another master key bears the same id.
    #[error("the key was not wrapped by this master key, or is damaged")]
    Unwrap,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// Fills an array with random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}

/// The key of one recording; wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DataKey([u8; KEY_BYTES]);

impl DataKey {
    /// A new one.
    pub fn random() -> Result<DataKey, Error> {
        random().map(DataKey)
    }

    /// One that is always the same.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn fixed() -> DataKey {
        DataKey([7; KEY_BYTES])
    }

    /// The key of one file or one life of a writer, by HKDF-SHA256 (RFC 5869): never used for two.
    pub(crate) fn derive(&self, salt: &[u8], purpose: &[u8], label: &str) -> Option<LessSafeKey> {
        let info = [purpose, label.as_bytes()];
        let pseudorandom = Salt::new(HKDF_SHA256, salt).extract(&self.0);
        let okm = pseudorandom.expand(&info, &AES_256_GCM).ok()?;
        Some(LessSafeKey::new(UnboundKey::from(okm)))
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Names a master key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

impl KeyId {
    /// The longest name, in bytes: it stands in every recording's manifest.
    pub const MAX_LEN: usize = 64;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name of a master key has 1 to 64 of the characters a-z, 0-9, '-', '_' and '.'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a master key's name has 1 to 64 of the characters a-z, 0-9, '-', '_' and '.'")]
pub struct InvalidKeyId;

impl TryFrom<String> for KeyId {
    type Error = InvalidKeyId;

    fn try_from(name: String) -> Result<Self, InvalidKeyId> {
        let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
        if name.is_empty() || name.len() > Self::MAX_LEN || !name.bytes().all(allowed) {
            return Err(InvalidKeyId);
        }
        Ok(KeyId(name))
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> String {
        id.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key of a recording as it may lie on a disk, sealed by a master key; JSON with hex inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrappedKey {
    /// Which master key opens it.
    pub master: KeyId,
    #[serde(with = "hex")]
    nonce: [u8; NONCE_LEN],
    #[serde(with = "hex")]
    bytes: [u8; KEY_BYTES + TAG_BYTES],
}

mod hex {
    use data_encoding::HEXLOWER;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&HEXLOWER.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        from: D,
    ) -> Result<[u8; N], D::Error> {
        let text = String::deserialize(from)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(D::Error::custom)?;
        bytes.try_into().map_err(|_| D::Error::custom("another number of bytes"))
    }
}

/// One line of the ring.
#[derive(Clone)]
struct Master {
    id: KeyId,
    key: Zeroizing<[u8; KEY_BYTES]>,
}

impl Master {
    fn random() -> Result<Master, Error> {
        let id = KeyId(format!("k-{}", HEXLOWER.encode(&random::<6>()?)));
        Ok(Master { id, key: Zeroizing::new(random()?) })
    }

    fn sealing(&self) -> Result<LessSafeKey, Error> {
        let key = UnboundKey::new(&AES_256_GCM, self.key.as_slice()).map_err(|_| Error::Unwrap)?;
        Ok(LessSafeKey::new(key))
    }

    fn context(&self) -> Aad<Vec<u8>> {
        Aad::from([WRAP_CONTEXT, self.id.0.as_bytes()].concat())
    }
}

/// The operator's master keys: the first wraps, all unwrap.
#[derive(Clone)]
pub struct MasterKeys(Vec<Master>);

impl MasterKeys {
    /// Reads a ring from text: one `id hex` a line, the first is the primary; `#` begins a comment.
    pub fn from_text(text: &str) -> Result<MasterKeys, Error> {
        let mut ring: Vec<Master> = Vec::new();
        let mut last = 0;
        for (index, line) in text.lines().enumerate() {
            last = index + 1;
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let master = parse(line).ok_or(Error::Damaged(last))?;
            let twice = ring.iter().any(|known| known.id == master.id);
            if twice || ring.len() == MAX_MASTER_KEYS {
                return Err(Error::Damaged(last));
            }
            ring.push(master);
        }
        if ring.is_empty() { Err(Error::Damaged(last + 1)) } else { Ok(MasterKeys(ring)) }
    }

    /// The ring's ids, the primary first.
    pub fn ids(&self) -> impl Iterator<Item = &KeyId> {
        self.0.iter().map(|master| &master.id)
    }

    /// Wraps a key by the primary.
    pub fn wrap(&self, key: &DataKey) -> Result<WrappedKey, Error> {
        let master = self.0.first().ok_or(Error::Damaged(1))?;
        let nonce = random()?;
        let mut bytes = [0; KEY_BYTES + TAG_BYTES];
        let (sealed, place) = bytes.split_at_mut(KEY_BYTES);
        sealed.copy_from_slice(&key.0);
        let once = Nonce::assume_unique_for_key(nonce);
        let tag = master.sealing()?.seal_in_place_separate_tag(once, master.context(), sealed);
        match tag {
            Ok(tag) => place.copy_from_slice(tag.as_ref()),
            Err(_) => {
                bytes.zeroize();
                return Err(Error::Unwrap);
            }
        }
        Ok(WrappedKey { master: master.id.clone(), nonce, bytes })
    }

    /// Unwraps a key by the master key that wrapped it.
    pub fn unwrap(&self, wrapped: &WrappedKey) -> Result<DataKey, Error> {
        let master = self.0.iter().find(|master| master.id == wrapped.master);
        let master = master.ok_or_else(|| Error::Unknown(wrapped.master.clone()))?;
        let mut bytes = Zeroizing::new(wrapped.bytes);
        let once = Nonce::assume_unique_for_key(wrapped.nonce);
        let opened = master.sealing()?.open_in_place(once, master.context(), bytes.as_mut_slice());
        let opened = opened.map_err(|_| Error::Unwrap)?;
        <[u8; KEY_BYTES]>::try_from(&*opened).map(DataKey).map_err(|_| Error::Unwrap)
    }

    /// Wraps a key anew by the primary, before an older master is retired; `None` if it is so already.
    pub fn rewrap(&self, wrapped: &WrappedKey) -> Result<Option<WrappedKey>, Error> {
        if self.ids().next() == Some(&wrapped.master) {
            return Ok(None);
        }
        self.wrap(&self.unwrap(wrapped)?).map(Some)
    }

    fn to_text(&self) -> Zeroizing<String> {
        // Room for all of it at once: what a string leaves behind when it grows is not wiped.
        let room = self.0.len() * (KeyId::MAX_LEN + 2 * KEY_BYTES + 2);
        let mut text = Zeroizing::new(String::with_capacity(room));
        for master in &self.0 {
            text.push_str(&master.id.0);
            text.push(' ');
            HEXLOWER.encode_append(master.key.as_slice(), &mut text);
            text.push('\n');
        }
        text
    }
}

fn parse(line: &str) -> Option<Master> {
    let (id, hex) = line.split_once(char::is_whitespace)?;
    let bytes = Zeroizing::new(HEXLOWER.decode(hex.trim_start().as_bytes()).ok()?);
    let key = Zeroizing::new(<[u8; KEY_BYTES]>::try_from(bytes.as_slice()).ok()?);
    Some(Master { id: KeyId::try_from(id.to_owned()).ok()?, key })
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

#[cfg(test)]
mod tests;
