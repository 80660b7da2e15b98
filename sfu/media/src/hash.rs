//! A keyed hash for the tables on the packet path: a folded multiplication for each word.
//!
//! The key comes from the engine's seed. It is much faster than SipHash; keys get into the tables
//! only after an authenticated check, so that nobody can probe for collisions at leisure.

use rand::Rng;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};

/// A hash map with a [`Keyed`] hash.
pub type Map<K, V> = HashMap<K, V, Keyed>;

/// Makes hashers that share a secret key.
#[derive(Debug, Clone, Copy)]
pub struct Keyed {
    start: u64,
    factor: u64,
}

impl Keyed {
    /// A random key.
    pub fn random(rng: &mut impl Rng) -> Keyed {
        Keyed { start: rng.next_u64(), factor: rng.next_u64() | 1 }
    }

    /// An empty map.
    pub fn map<K: Hash + Eq, V>(self) -> Map<K, V> {
        HashMap::with_hasher(self)
    }
}

impl BuildHasher for Keyed {
    type Hasher = FoldHasher;

    #[inline]
    fn build_hasher(&self) -> FoldHasher {
        FoldHasher { state: self.start, factor: self.factor }
    }
}

/// The state of one hash.
#[derive(Debug, Clone, Copy)]
pub struct FoldHasher {
    state: u64,
    factor: u64,
}

impl Hasher for FoldHasher {
    #[inline]
    fn finish(&self) -> u64 {
        // Once more, so that the last word reaches the top bits, which the table uses.
        fold(self.state, self.factor.rotate_left(32))
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            for (to, from) in word.iter_mut().zip(chunk) {
                *to = *from;
            }
            self.write_u64(u64::from_le_bytes(word) ^ (chunk.len() as u64));
        }
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.state = fold(self.state ^ word, self.factor);
    }

    #[inline]
    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    #[inline]
    fn write_u16(&mut self, word: u16) {
        self.write_u64(u64::from(word));
    }

    #[inline]
    fn write_u8(&mut self, word: u8) {
        self.write_u64(u64::from(word));
    }

    #[inline]
    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
}

/// Both halves of the 128-bit product, folded into one.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use std::collections::BTreeSet;
    use std::net::SocketAddr;

    #[test]
    fn neighbouring_addresses_spread_over_the_table() {
        let keyed = Keyed::random(&mut StdRng::from_seed([7; 32]));
        let mut buckets = BTreeSet::new();
        for port in 0..4_096u16 {
            let address = SocketAddr::from(([10, 0, 0, 1], 1_024 + port));
            buckets.insert(keyed.hash_one(address) >> 52);
        }
        // 4,096 balls in 4,096 buckets leave e^-1 of them empty.
        assert!(buckets.len() > 2_400, "only {} of 4,096 buckets are used", buckets.len());
    }

    #[test]
    fn another_key_gives_another_hash() {
        let mut rng = StdRng::from_seed([7; 32]);
        let (a, b) = (Keyed::random(&mut rng), Keyed::random(&mut rng));
        assert_ne!(a.hash_one(1u64), b.hash_one(1u64));
        assert_eq!(a.hash_one("text"), a.hash_one("text"));
    }
}
