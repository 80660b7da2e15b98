//! Blocks: what is written at once, sealed, behind a header that needs no key.
//!
//! A block depends on no other: it bears the salt of its writer's life, from which its key is
//! derived, so that a damaged block costs itself and nothing else.

use crate::key::{self, DataKey, TAG_BYTES};
use crc::{CRC_32_ISCSI, Crc, Table};
use ring::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};

/// The version of the format.
pub const VERSION: u8 = 1;
/// Plain bytes of a block: what a reader must hold, and what one damaged byte costs at most.
pub const MAX_BLOCK_BYTES: usize = 1 << 20;
/// Bytes before the sealed ones.
pub(crate) const HEADER_BYTES: usize = 64;
/// What each block begins with; a version follows.
pub(crate) const MAGIC: &[u8; 7] = b"LctJrnl";
const SALT_BYTES: usize = 16;
const PURPOSE: &[u8] = b"lectern journal 1:";
/// Bytes of the header that are authenticated with the block.
const BOUND_BYTES: usize = 56;

/// CRC-32C: finds what rots or was not written whole; whether it is genuine only the seal tells.
static CRC32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// What kinds of entries a block holds; stands in the clear.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kinds(u16);

impl Kinds {
    /// Nothing.
    pub const NONE: Kinds = Kinds(0);
    /// Packets and reports.
    pub const RECORDS: Kinds = Kinds(1);
    /// The first packet of a keyframe.
    pub const KEYFRAME: Kinds = Kinds(2);
    /// Nodes' numbers.
    pub const NODES: Kinds = Kinds(4);
    /// Samples of clocks.
    pub const CLOCKS: Kinds = Kinds(8);
    /// Events.
    pub const EVENTS: Kinds = Kinds(16);
    /// The end.
    pub const END: Kinds = Kinds(32);
    /// Whatever there is, in later versions too.
    pub const ALL: Kinds = Kinds(u16::MAX);

    /// Both.
    pub const fn with(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    /// Whether they have one in common.
    pub const fn any(self, of: Kinds) -> bool {
        self.0 & of.0 != 0
    }

    #[cfg(feature = "fuzzing")]
    pub(crate) const fn from_bits(bits: u16) -> Kinds {
        Kinds(bits)
    }
}

/// One life of a writer: from when it opened the journal until it stopped or was killed. Its salt is
/// random, hence its key its own, and its blocks are counted from 0: no nonce comes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Life {
    /// Counts the lives of a journal.
    pub(crate) number: u32,
    salt: [u8; SALT_BYTES],
}

impl Life {
    pub(crate) fn random(number: u32) -> Result<Life, key::Error> {
        Ok(Life { number, salt: key::random()? })
    }

    #[cfg(feature = "fuzzing")]
    pub(crate) fn fixed(number: u32) -> Life {
        Life { number, salt: [number as u8; SALT_BYTES] }
    }

    pub(crate) fn key(&self, key: &DataKey, label: &str) -> Option<LessSafeKey> {
        key.derive(&self.salt, PURPOSE, label)
    }
}

/// What stands before a sealed block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) life: Life,
    /// Counts the blocks of the life, and is their nonce.
    pub(crate) counter: u32,
    pub(crate) kinds: Kinds,
    /// The earliest time said in it, in microseconds since 1970.
    pub(crate) first_unix_us: u64,
    /// The latest.
    pub(crate) last_unix_us: u64,
    /// Bytes that follow, the tag included.
    pub(crate) sealed_len: usize,
    crc: u32,
}

impl Header {
    /// Reads one, where there is a whole one.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Header> {
        let bytes = bytes.first_chunk::<HEADER_BYTES>()?;
        let (summed, crc) = bytes.split_last_chunk::<4>()?;
        let rest = summed.strip_prefix(MAGIC)?;
        let (version, rest) = rest.split_first()?;
        if *version != VERSION || CRC32C.checksum(summed) != u32::from_be_bytes(*crc) {
            return None;
        }
        let (salt, rest) = rest.split_first_chunk::<SALT_BYTES>()?;
        let (life, rest) = rest.split_first_chunk::<4>()?;
        let (counter, rest) = rest.split_first_chunk::<4>()?;
        let (len, rest) = rest.split_first_chunk::<4>()?;
        let (kinds, rest) = rest.split_first_chunk::<2>()?;
        let (_reserved, rest) = rest.split_first_chunk::<2>()?;
        let (first, rest) = rest.split_first_chunk::<8>()?;
        let (last, rest) = rest.split_first_chunk::<8>()?;
        let crc: [u8; 4] = rest.try_into().ok()?;
        let sealed_len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
        if !(TAG_BYTES..=MAX_BLOCK_BYTES + TAG_BYTES).contains(&sealed_len) {
            return None;
        }
        Some(Header {
            life: Life { number: u32::from_be_bytes(*life), salt: *salt },
            counter: u32::from_be_bytes(*counter),
            kinds: Kinds(u16::from_be_bytes(*kinds)),
            first_unix_us: u64::from_be_bytes(*first),
            last_unix_us: u64::from_be_bytes(*last),
            sealed_len,
            crc: u32::from_be_bytes(crc),
        })
    }

    /// Whether these are the bytes that were written behind it.
    pub(crate) fn sums(&self, sealed: &[u8]) -> bool {
        CRC32C.checksum(sealed) == self.crc
    }

    /// Bytes of the whole block.
    pub(crate) fn block_len(&self) -> usize {
        HEADER_BYTES + self.sealed_len
    }

    fn nonce(counter: u32) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        nonce[NONCE_LEN - 4..].copy_from_slice(&counter.to_be_bytes());
        Nonce::assume_unique_for_key(nonce)
    }
}

/// Whether a header of another version stands here: magic, version and the header's sum keep their
/// places in all versions, so that damage is told apart.
pub(crate) fn is_newer(bytes: &[u8]) -> bool {
    let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else { return false };
    let Some((summed, crc)) = header.split_last_chunk::<4>() else { return false };
    let version = summed.strip_prefix(MAGIC).and_then(|rest| rest.first());
    version.is_some_and(|version| *version != VERSION)
        && CRC32C.checksum(summed) == u32::from_be_bytes(*crc)
}

/// What a block is about to bear in its header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) life: Life,
    pub(crate) counter: u32,
    pub(crate) kinds: Kinds,
    pub(crate) first_unix_us: u64,
    pub(crate) last_unix_us: u64,
}

/// Seals a block in place: [`HEADER_BYTES`] of room, then plain bytes. `None` where it is too large.
pub(crate) fn seal(key: &LessSafeKey, facts: &Facts, mut block: Vec<u8>) -> Option<Vec<u8>> {
    let (header, plain) = block.split_first_chunk_mut::<HEADER_BYTES>()?;
    if plain.len() > MAX_BLOCK_BYTES {
        return None;
    }
    let len = u32::try_from(plain.len() + TAG_BYTES).ok()?;
    let Life { number, salt } = facts.life;
    let fields: [&[u8]; 9] = [
        MAGIC,
        &[VERSION],
        &salt,
        &number.to_be_bytes(),
        &facts.counter.to_be_bytes(),
        &len.to_be_bytes(),
        &[facts.kinds.0.to_be_bytes(), [0; 2]].concat(),
        &facts.first_unix_us.to_be_bytes(),
        &facts.last_unix_us.to_be_bytes(),
    ];
    let bound = fields.concat();
    header[..BOUND_BYTES].copy_from_slice(&bound);
    let once = Header::nonce(facts.counter);
    let tag = key.seal_in_place_separate_tag(once, Aad::from(bound), plain).ok()?;
    block.extend_from_slice(tag.as_ref());
    let (header, sealed) = block.split_first_chunk_mut::<HEADER_BYTES>()?;
    header[BOUND_BYTES..BOUND_BYTES + 4].copy_from_slice(&CRC32C.checksum(sealed).to_be_bytes());
    let sum = CRC32C.checksum(&header[..HEADER_BYTES - 4]);
    header[HEADER_BYTES - 4..].copy_from_slice(&sum.to_be_bytes());
    Some(block)
}

/// Opens blocks; remembers the key of the life at hand.
pub(crate) struct Opening {
    key: DataKey,
    label: String,
    life: Option<(Life, LessSafeKey)>,
}

impl Opening {
    pub(crate) fn new(key: &DataKey, label: &str) -> Opening {
        Opening { key: key.clone(), label: label.to_owned(), life: None }
    }

    /// The plain bytes of a whole block; `None` where it is not genuine.
    pub(crate) fn open(&mut self, header: &Header, block: &[u8]) -> Option<Vec<u8>> {
        let (head, sealed) = block.split_at_checked(HEADER_BYTES)?;
        let bound = head.get(..BOUND_BYTES)?;
        if self.life.as_ref().is_none_or(|(life, _)| *life != header.life) {
            self.life = Some((header.life, header.life.key(&self.key, &self.label)?));
        }
        let (_, key) = self.life.as_ref()?;
        let mut plain = sealed.to_vec();
        let once = Header::nonce(header.counter);
        let len = key.open_in_place(once, Aad::from(bound), &mut plain).ok()?.len();
        plain.truncate(len);
        Some(plain)
    }
}

/// Whether blocks follow each other as they were written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Order {
    /// From the beginning of a journal.
    #[default]
    Beginning,
    /// From anywhere in it.
    Anywhere,
    /// After this block.
    After(Life, u32),
}

impl Order {
    /// How many blocks are missing before this one; `None` where it repeats or follows a later one.
    pub(crate) fn follow(&mut self, header: &Header) -> Option<u64> {
        let Header { life, counter, .. } = *header;
        let missing = match *self {
            Order::Anywhere => 0,
            Order::Beginning => counter,
            Order::After(former, last) if former == life => {
                counter.checked_sub(last)?.checked_sub(1)?
            }
            Order::After(former, _) if life.number > former.number => counter,
            Order::After(..) => return None,
        };
        *self = Order::After(life, counter);
        Some(u64::from(missing))
    }
}
