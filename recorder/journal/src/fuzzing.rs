//! Blocks that are genuine and hold any bytes, so that fuzz targets reach what lies behind the seal.

use crate::block::{self, Facts, HEADER_BYTES, Kinds, Life};
use crate::key::DataKey;

/// The label under which [`block`] seals.
pub const LABEL: &str = "fuzzing";

/// The key with which [`block`] seals.
pub fn key() -> DataKey {
    DataKey::fixed()
}

/// What a block bears.
#[derive(Debug, Clone, Copy)]
pub struct Marks {
    /// Its life.
    pub life: u32,
    /// Its number in it.
    pub counter: u32,
    /// Its kinds.
    pub kinds: u16,
    /// Its first time.
    pub first_unix_us: u64,
    /// Its last time.
    pub last_unix_us: u64,
}

/// A genuine block around any bytes; `None` where they are too many.
pub fn block(marks: Marks, plain: &[u8]) -> Option<Vec<u8>> {
    let life = Life::fixed(marks.life);
    let facts = Facts {
        life,
        counter: marks.counter,
        kinds: Kinds::from_bits(marks.kinds),
        first_unix_us: marks.first_unix_us,
        last_unix_us: marks.last_unix_us,
    };
    let mut room = vec![0; HEADER_BYTES];
    room.extend_from_slice(plain);
    block::seal(&life.key(&key(), LABEL)?, &facts, room)
}
